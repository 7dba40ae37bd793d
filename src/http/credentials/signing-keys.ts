/** The keys of a configuration: those that sign and verify tokens, and the public keys for other services. */
import { sha256, toBase64Url, utf8 } from '../../core/encoding'
import type { Configuration, SigningKey } from '../../env'

/** A key, and the encoded header of every token that it signs. Tokens with another header are rejected. */
export interface Signer {
  kind: 'own' | 'published' | 'legacy'
  /** The only contract whose tokens a legacy secret signs. */
  contract?: string
  header: string
  algorithm: typeof hmac | typeof ecdsa
  signing: CryptoKey | undefined
  verifying: CryptoKey
  /** The claims of tokens whose signature was verified, because clients send the same token repeatedly. */
  verified: Map<string, Record<string, unknown>>
}

/** A public key as other services read it. */
export interface PublicKey {
  kty: 'EC'
  crv: 'P-256'
  x: string
  y: string
  alg: 'ES256'
  use: 'sig'
  kid: string
}

export interface Keys {
  /** Signs every token that no other key signs. */
  own: Signer
  /** Signs the access tokens of contracts whose clients refresh; undefined without SIGNING_KEY. */
  published: Signer | undefined
  /** The keys of legacy secrets, by contract. */
  legacy: ReadonlyMap<string, Signer>
  byHeader: ReadonlyMap<string, readonly Signer[]>
  publicKeys: readonly PublicKey[]
}

const hmac = { name: 'HMAC', hash: 'SHA-256' } as const
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

const known = new WeakMap<Configuration, Keys>()

export async function keysOf(configuration: Configuration): Promise<Keys> {
  // Does not cache the promise: a request must not wait for another request's work, which may be aborted.
  const ready = known.get(configuration)
  if (ready) return ready
  const keys = await importKeys(configuration)
  known.set(configuration, keys)
  return keys
}

async function importKeys({ jwtSecrets, signingKeys, legacySecrets }: Configuration): Promise<Keys> {
  const own = await Promise.all(jwtSecrets.map(toOwn))
  const published = await Promise.all(signingKeys.map((key) => toPublished(key)))
  const legacy = await Promise.all(
    [...legacySecrets].map(async ([contract, { secret, kid }]): Promise<[string, Signer]> => {
      const header = { alg: 'HS256', typ: 'JWT', ...(kid !== undefined && { kid }) }
      return [contract, { ...(await toHmacSigner('legacy', secret, header)), contract }]
    }),
  )
  const byHeader = new Map<string, Signer[]>()
  for (const signer of [...own, ...published.map(({ signer }) => signer), ...legacy.map(([, signer]) => signer)]) {
    byHeader.set(signer.header, [...(byHeader.get(signer.header) ?? []), signer])
  }
  return {
    own: own[0] as Signer,
    published: signingKeys[0]?.name === 'SIGNING_KEY' ? published[0]?.signer : undefined,
    legacy: new Map(legacy),
    byHeader,
    publicKeys: published.map(({ publicKey }) => publicKey),
  }
}

const encodedHeader = (header: object) => toBase64Url(utf8(JSON.stringify(header)))

async function toOwn(secret: string): Promise<Signer> {
  // Identifies the secret without revealing it.
  const kid = (await sha256(utf8(`usher key id ${secret}`))).slice(0, 12)
  return toHmacSigner('own', secret, { alg: 'HS256', typ: 'JWT', kid })
}

async function toHmacSigner(kind: 'own' | 'legacy', secret: string, header: object): Promise<Signer> {
  const key = await crypto.subtle.importKey('raw', utf8(secret), hmac, false, ['sign', 'verify'])
  return { kind, header: encodedHeader(header), algorithm: hmac, signing: key, verifying: key, verified: new Map() }
}

async function toPublished({ jwk }: SigningKey): Promise<{ signer: Signer; publicKey: PublicKey }> {
  const { kty, crv, x, y, d } = jwk
  // The thumbprint of RFC 7638.
  const kid = await sha256(utf8(JSON.stringify({ crv, kty, x, y })))
  const verifying = await crypto.subtle.importKey('jwk', { kty, crv, x, y }, ecdsa, false, ['verify'])
  const signing =
    d === undefined ? undefined : await crypto.subtle.importKey('jwk', { kty, crv, x, y, d }, ecdsa, false, ['sign'])
  const header = encodedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
  return {
    signer: { kind: 'published', header, algorithm: ecdsa, signing, verifying, verified: new Map() },
    publicKey: { kty, crv, x, y, alg: 'ES256', use: 'sig', kid },
  }
}

/** Signs the claims as a compact JWT. */
export async function sign({ header, algorithm, signing }: Signer, claims: object): Promise<string> {
  const body = `${header}.${toBase64Url(utf8(JSON.stringify(claims)))}`
  const signature = await crypto.subtle.sign(algorithm, signing as CryptoKey, utf8(body))
  return `${body}.${toBase64Url(new Uint8Array(signature))}`
}

const problems = new WeakMap<Configuration, readonly string[]>()

/**
 * Returns what is wrong with the signing keys that `env.ts` cannot see: a point that is not on the curve, or a private
 * key of another public key. Each problem names its variable and never contains a value.
 */
export async function signingKeyProblems(configuration: Configuration): Promise<readonly string[]> {
  const ready = problems.get(configuration)
  if (ready) return ready
  const found: string[] = []
  for (const key of configuration.signingKeys) {
    if (!(await isKeyPair(key))) found.push(`${key.name} is not a P-256 key: its numbers do not belong together.`)
  }
  problems.set(configuration, found)
  return found
}

async function isKeyPair(key: SigningKey): Promise<boolean> {
  try {
    const { signer } = await toPublished(key)
    if (!signer.signing) return true
    const signature = await crypto.subtle.sign(ecdsa, signer.signing, utf8('usher'))
    return await crypto.subtle.verify(ecdsa, signer.verifying, signature, utf8('usher'))
  } catch {
    return false
  }
}

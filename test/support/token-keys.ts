/** Signing keys and verifiers for tests of tokens that other services verify. */
import { call } from './usher'

export interface Jwk {
  kty: string
  crv: string
  x: string
  y: string
  d: string
}

/** A new private key, in the format of SIGNING_KEY. */
export async function newSigningKey(): Promise<{ jwk: Jwk; text: string }> {
  const pair = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair
  const { kty, crv, x, y, d } = (await crypto.subtle.exportKey('jwk', pair.privateKey)) as Jwk
  const jwk = { kty, crv, x, y, d }
  return { jwk, text: JSON.stringify(jwk) }
}

export const publicPart = ({ kty, crv, x, y }: Jwk) => JSON.stringify({ kty, crv, x, y })

const bytesOf = (text: string) => new TextEncoder().encode(text)

export const encoded = (value: unknown) => {
  const bytes = value instanceof Uint8Array ? value : bytesOf(typeof value === 'string' ? value : JSON.stringify(value))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
}

export const decodedPart = (token: string, index: number) =>
  JSON.parse(atob((token.split('.')[index] as string).replaceAll('-', '+').replaceAll('_', '/'))) as Record<
    string,
    unknown
  >

/** A token of any header and claims, signed with an EC key. */
export async function signedWithKey(header: unknown, claims: unknown, jwk: Jwk): Promise<string> {
  const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
  const body = `${encoded(header)}.${encoded(claims)}`
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, bytesOf(body))
  return `${body}.${encoded(new Uint8Array(signature))}`
}

/** A token of any header and claims, signed with a secret. */
export async function signedWithSecret(header: unknown, claims: unknown, secret: string): Promise<string> {
  const key = await crypto.subtle.importKey('raw', bytesOf(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const body = `${encoded(header)}.${encoded(claims)}`
  return `${body}.${encoded(new Uint8Array(await crypto.subtle.sign('HMAC', key, bytesOf(body))))}`
}

export async function publishedKeys(env: NonNullable<Parameters<typeof call>[1]>['env']) {
  const { body } = await call('/.well-known/jwks.json', env ? { env } : {})
  return body as { keys: (Omit<Jwk, 'd'> & { kid: string; alg: string; use: string })[] }
}

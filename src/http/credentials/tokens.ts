/**
 * Tokens: JWTs signed with HS256. The library signs them but does not read them, because it accepts tokens that Usher
 * never issued, and it imports the key each time.
 */
import { sign } from 'hono/jwt'
import { apiKeyHash } from '../../core/access/api-keys'
import type { Caller } from '../../core/access/caller'
import { fromBase64Url, readBase64Url, sha256, toBase64Url, utf8 } from '../../core/encoding'
import type { User } from '../../core/users/user'
import type { Configuration } from '../../env'

const issuer = 'usher'
const clockSkewSeconds = 60

/** An access token is a bearer token. A cookie token is valid only in the session cookie. */
export type TokenUse = 'access' | 'cookie'

export interface ClaimedSession {
  userId: string
  sessionId: string
  /** Unix seconds, as is `expiresAt`. */
  issuedAt: number
  expiresAt: number
  issuer: string
  audience: string
}

/** `subject` becomes `sub`, for the contract's clients only. Usher never reads it. Times are unix seconds. */
export async function issueAccessToken(
  configuration: Configuration,
  token: { user: User; sessionId: string; subject: string; now: number; seconds: number },
): Promise<string> {
  const { user, sessionId, subject, now, seconds } = token
  const [role] = user.roles
  return issue(configuration, 'access', {
    sub: subject,
    email: user.email,
    user_id: user.id,
    role_name: role.name,
    role_id: role.id,
    iat: now,
    exp: now + seconds,
    sid: sessionId,
  })
}

/** Issues the token of the session cookie. Times are unix seconds. */
export async function issueCookieToken(
  configuration: Configuration,
  { user, sessionId, now, seconds }: { user: User; sessionId: string; now: number; seconds: number },
): Promise<string> {
  return issue(configuration, 'cookie', { user_id: user.id, iat: now, exp: now + seconds, sid: sessionId })
}

async function issue(configuration: Configuration, use: TokenUse, claims: Record<string, unknown>): Promise<string> {
  const secret = configuration.jwtSecrets[0]
  const { jwk } = await signatureOf(secret)
  const whole = { ...claims, jti: crypto.randomUUID(), token_type: use, iss: issuer, aud: issuer }
  return sign(whole, jwk, 'HS256')
}

/**
 * Returns the session of a token. Returns undefined unless Usher issued exactly this token, for this use, and it is
 * valid at `now`.
 */
export async function readToken(
  configuration: Configuration,
  token: string,
  use: TokenUse,
  now: number,
): Promise<ClaimedSession | undefined> {
  const claims = await claimsIn(configuration, token)
  return claims?.['token_type'] === use && isValid(claims, now)
    ? {
        userId: String(claims['user_id']),
        sessionId: String(claims['sid']),
        issuedAt: Number(claims['iat']),
        expiresAt: Number(claims['exp']),
        issuer,
        audience: issuer,
      }
    : undefined
}

/** What the text of a bearer token stands for, before the database is asked. */
export interface ReadCredential {
  /** Undefined if Usher cannot have issued it. */
  credential: Caller['credential'] | undefined
  /** Set for an access token. */
  claims: ClaimedSession | undefined
  issuer: string
  audience: string
}

/** Reads an API key or an access token. */
export async function readCredential(
  configuration: Configuration,
  token: string,
  now: number,
): Promise<ReadCredential> {
  if (token.startsWith('usk_')) {
    const hash = await apiKeyHash(token)
    const credential = hash === undefined ? undefined : ({ kind: 'key', hash } as const)
    return { credential, claims: undefined, issuer, audience: issuer }
  }
  const claims = await readToken(configuration, token, 'access', now)
  return {
    credential: claims && toCredential(claims),
    claims,
    issuer: claims?.issuer ?? issuer,
    audience: claims?.audience ?? issuer,
  }
}

export function toCredential({ userId, sessionId, issuedAt }: ClaimedSession): Caller['credential'] {
  return { kind: 'session', userId, sessionId, issuedAt }
}

/** Returns the claims of a token signed with one of the secrets. Does not check its expiry or use. */
async function claimsIn(configuration: Configuration, token: string): Promise<Record<string, unknown> | undefined> {
  const [header, payload, signature, ...rest] = token.split('.')
  if (!header || !payload || !signature || rest.length > 0 || token.length > 4096) return undefined
  for (const secret of configuration.jwtSecrets) {
    const signer = await signatureOf(secret)
    if (header !== signer.header) continue
    const known = signer.read.get(token)
    if (known) return known
    const mac = fromBase64Url(signature)
    if (mac?.length !== 32) return undefined
    if (!(await crypto.subtle.verify('HMAC', signer.key, mac, utf8(`${header}.${payload}`)))) return undefined
    const claims = jsonObject(payload)
    if (!claims) return undefined
    if (signer.read.size >= maxReadTokens) signer.read.clear()
    signer.read.set(token, claims)
    return claims
  }
  return undefined
}

function isValid(claims: Record<string, unknown>, now: number): boolean {
  const { iss, aud, exp, iat, nbf, user_id, sid } = claims
  return (
    iss === issuer &&
    aud === issuer &&
    isTime(exp) &&
    exp > now &&
    isTime(iat) &&
    iat <= now + clockSkewSeconds &&
    (nbf === undefined || (isTime(nbf) && nbf <= now)) &&
    typeof user_id === 'string' &&
    typeof sid === 'string'
  )
}

/** Whole seconds, as in every token of Usher. JSON can also hold a number that no clock reaches. */
function isTime(claim: unknown): claim is number {
  return Number.isSafeInteger(claim)
}

/** The key of a secret, and the header of every token that it signs. Tokens with another header are rejected. */
interface Signature {
  jwk: { kty: 'oct'; k: string; alg: 'HS256'; kid: string }
  key: CryptoKey
  header: string
  /** The claims of tokens whose signature was verified, because clients send the same token repeatedly. */
  read: Map<string, Record<string, unknown>>
}

const maxReadTokens = 1000

const signatures = new Map<string, Signature>()

async function signatureOf(secret: string): Promise<Signature> {
  // Does not cache the promise: a request must not wait for another request's work, which may be aborted.
  const known = signatures.get(secret)
  if (known) return known
  const signature = await toSignature(secret)
  signatures.set(secret, signature)
  return signature
}

async function toSignature(secret: string): Promise<Signature> {
  // Identifies the secret without revealing it.
  const kid = (await sha256(utf8(`usher key id ${secret}`))).slice(0, 12)
  const jwk = { kty: 'oct', k: toBase64Url(utf8(secret)), alg: 'HS256', kid } as const
  const key = await crypto.subtle.importKey('jwk', jwk, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
  const [header = ''] = (await sign({}, jwk, 'HS256')).split('.')
  return { jwk, key, header, read: new Map() }
}

function jsonObject(part: string): Record<string, unknown> | undefined {
  const bytes = readBase64Url(part)
  if (!bytes) return undefined
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

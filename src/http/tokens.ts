/** Tokens: JWT, HS256, checked more strictly than the library does, since what it lets pass would not be ours. */
import { sign, verify } from 'hono/jwt'
import { fromBase64Url, sha256, toBase64Url, utf8 } from '../core/encoding'
import type { User } from '../core/user'
import type { Configuration } from '../env'

const issuer = 'usher'
const clockSkewSeconds = 60

/** An access token is a bearer's; what a session cookie holds is good for nothing else. */
export type TokenUse = 'access' | 'cookie'

export interface ClaimedSession {
  userId: string
  sessionId: string
}

/** `subject` is what the contract's clients expect in `sub`; nothing here ever reads it. Times are unix seconds. */
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

/** What the session cookie holds. Times are unix seconds. */
export async function issueCookieToken(
  configuration: Configuration,
  { user, sessionId, now, seconds }: { user: User; sessionId: string; now: number; seconds: number },
): Promise<string> {
  return issue(configuration, 'cookie', { user_id: user.id, iat: now, exp: now + seconds, sid: sessionId })
}

async function issue(configuration: Configuration, use: TokenUse, claims: Record<string, unknown>): Promise<string> {
  const secret = configuration.jwtSecrets[0]
  const key = { kty: 'oct', k: toBase64Url(utf8(secret)), alg: 'HS256', kid: await keyId(secret) }
  const whole = { ...claims, jti: crypto.randomUUID(), token_type: use, iss: issuer, aud: issuer }
  return sign(whole, key, 'HS256')
}

/** Whom the token is for, or undefined for whatever is not, byte for byte, a token of ours for this use that holds at `now`. */
export async function readToken(
  configuration: Configuration,
  token: string,
  use: TokenUse,
  now: number,
): Promise<ClaimedSession | undefined> {
  const [header, payload, signature, ...rest] = token.split('.')
  if (!header || !payload || !signature || rest.length > 0 || token.length > 4096) return undefined
  if (fromBase64Url(signature)?.length !== 32) return undefined
  const head = jsonObject(header)
  if (!head || head['alg'] !== 'HS256' || head['typ'] !== 'JWT' || Object.keys(head).length !== 3) return undefined
  const secret = await secretOf(configuration, head['kid'])
  if (secret === undefined) return undefined
  try {
    await verify(token, secret, { alg: 'HS256', exp: false, nbf: false, iat: false })
  } catch {
    return undefined
  }
  const claims = jsonObject(payload)
  return claims?.['token_type'] === use && holds(claims, now)
    ? { userId: String(claims['user_id']), sessionId: String(claims['sid']) }
    : undefined
}

function holds(claims: Record<string, unknown>, now: number): boolean {
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

/** Whole seconds, as ours are: JSON can also say a number beyond all times, which would never come. */
function isTime(claim: unknown): claim is number {
  return Number.isSafeInteger(claim)
}

async function secretOf(configuration: Configuration, kid: unknown): Promise<string | undefined> {
  for (const secret of configuration.jwtSecrets) {
    if (kid === (await keyId(secret))) return secret
  }
  return undefined
}

const keyIds = new Map<string, Promise<string>>()

/** Names a secret without giving any of it away. */
function keyId(secret: string): Promise<string> {
  let id = keyIds.get(secret)
  if (!id) keyIds.set(secret, (id = sha256(utf8(`usher key id ${secret}`)).then((digest) => digest.slice(0, 12))))
  return id
}

function jsonObject(part: string): Record<string, unknown> | undefined {
  const bytes = fromBase64Url(part)
  if (!bytes) return undefined
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/**
 * Tokens: JWTs that Usher signs and reads itself, because the library accepts tokens that Usher never issued. An access
 * token has one of three shapes: Usher's own (HS256), published (ES256, which other services verify), or a contract's
 * legacy shape (HS256 with a secret that its services know).
 */
import type { Context } from 'hono'
import { apiKeyHash } from '../../core/access/api-keys'
import type { Caller } from '../../core/access/caller'
import { fromBase64Url, hmacSha256, readBase64Url, toUuid, utf8 } from '../../core/encoding'
import type { User } from '../../core/users/user'
import type { Configuration } from '../../env'
import type { ContractEnv } from '../contract/contract-types'
import { keysOf, sign, type Signer } from './signing-keys'

/** The issuer and the audience of tokens that only Usher verifies. */
const ownName = 'usher'
const clockSkewSeconds = 60

/**
 * An access token is a bearer token. A cookie token is valid only in the session cookie, and a console token only in the
 * cookie of the console.
 */
export type TokenUse = 'access' | 'cookie' | 'console'

export interface ClaimedSession {
  userId: string
  sessionId: string
  /** The only contract whose sessions the token may claim; undefined for every contract. */
  contract: string | undefined
  /** Unix seconds, as is `expiresAt`. */
  issuedAt: number
  expiresAt: number
  /** Undefined for a legacy token, which names neither. */
  issuer: string | undefined
  audience: string | undefined
}

/** The request that a token is issued for. */
export type RequestContext = Pick<Context<ContractEnv>, 'req' | 'var'>

interface Issued {
  user: User
  sessionId: string
  seconds: number
}

/**
 * Issues an access token for clients that cannot refresh it soon. `subject` becomes `sub`, for the contract's clients
 * only. Usher never reads it.
 */
export async function issueAccessToken(
  c: RequestContext,
  { user, sessionId, subject, seconds }: Issued & { subject: string },
): Promise<string> {
  const { configuration, visit } = c.var
  const { own, legacy } = await keysOf(configuration)
  const [role] = user.roles
  const times = { iat: visit.now, exp: visit.now + seconds }
  const claims = { sub: subject, email: user.email, user_id: user.id, role_name: role.name, role_id: role.id }
  const signer = legacy.get(visit.contract)
  if (!signer) {
    const whole = { ...claims, ...times, sid: sessionId, jti: crypto.randomUUID(), token_type: 'access' }
    return sign(own, { ...whole, iss: ownName, aud: ownName })
  }
  // Without `iss` and `aud`: libraries refuse a token with an audience that the service does not expect.
  const [jti] = await legacyIds(configuration, { contract: visit.contract, userId: user.id, sessionId, ...times })
  return sign(signer, { ...claims, ...times, sid: sessionId, jti, token_type: 'access' })
}

/**
 * Issues a short access token for clients that refresh it, in the manner of RFC 9068 if SIGNING_KEY is set. It holds no
 * name and no email, because every service that receives it can read it.
 */
export async function issueShortAccessToken(
  c: RequestContext,
  { user, sessionId }: Omit<Issued, 'seconds'>,
): Promise<string> {
  const { configuration, visit } = c.var
  const seconds = configuration.accessTokenSeconds
  const { published, legacy } = await keysOf(configuration)
  if (!published || legacy.has(visit.contract)) {
    return issueAccessToken(c, { user, sessionId, subject: user.id, seconds })
  }
  return sign(published, {
    iss: issuerFor(c),
    aud: configuration.audience,
    sub: user.id,
    client_id: visit.contract,
    iat: visit.now,
    exp: visit.now + seconds,
    jti: crypto.randomUUID(),
    sid: sessionId,
    roles: user.roles.map(({ name }) => name),
  })
}

/** The issuer of published tokens. */
export function issuerFor({ req, var: { configuration } }: RequestContext): string {
  return configuration.issuer ?? new URL(req.url).origin
}

/** Issues the token of the session cookie. */
export const issueCookieToken = (c: RequestContext, issued: Issued) => issueTokenFor('cookie', c, issued)

/** Issues the token of the console's cookie. */
export const issueConsoleToken = (c: RequestContext, issued: Issued) => issueTokenFor('console', c, issued)

async function issueTokenFor(use: TokenUse, c: RequestContext, { user, sessionId, seconds }: Issued): Promise<string> {
  const { configuration, visit } = c.var
  const { own } = await keysOf(configuration)
  const claims = { user_id: user.id, iat: visit.now, exp: visit.now + seconds, sid: sessionId }
  return sign(own, { ...claims, jti: crypto.randomUUID(), token_type: use, iss: ownName, aud: ownName })
}

/**
 * The `jti` of a legacy token, for each JWT_SECRET. It proves that Usher issued the token: the services that know the
 * legacy secret can sign a token, but cannot compute this id.
 */
async function legacyIds(
  { jwtSecrets }: Configuration,
  token: { contract: string; userId: string; sessionId: string; iat: number; exp: number },
): Promise<string[]> {
  const { contract, userId, sessionId, iat, exp } = token
  const text = utf8(JSON.stringify(['usher legacy token', contract, userId, sessionId, iat, exp]))
  return Promise.all(jwtSecrets.map(async (secret) => toUuid((await hmacSha256(utf8(secret), text)).slice(0, 16))))
}

/**
 * Returns the session of a token. Returns undefined unless Usher issued these claims, for this use, and they are valid
 * at `now`.
 */
export async function readToken(
  configuration: Configuration,
  token: string,
  use: TokenUse,
  now: number,
): Promise<ClaimedSession | undefined> {
  const found = await verifiedIn(configuration, token)
  if (!found || !isCurrent(found.claims, now)) return undefined
  const { signer, claims } = found
  switch (signer.kind) {
    case 'own':
      return readOwn(claims, use)
    case 'published':
      return use === 'access' ? readPublished(configuration, claims) : undefined
    case 'legacy':
      return use === 'access' ? readLegacy(configuration, claims, signer.contract as string) : undefined
  }
}

type Claims = Record<string, unknown>

function readOwn(claims: Claims, use: TokenUse): ClaimedSession | undefined {
  const { iss, aud, token_type, user_id } = claims
  if (iss !== ownName || aud !== ownName || token_type !== use) return undefined
  return toClaimed(claims, user_id, { contract: undefined, issuer: iss, audience: aud })
}

function readPublished({ issuer, audience }: Configuration, claims: Claims): ClaimedSession | undefined {
  const { iss, aud, sub } = claims
  // Without ISSUER, each origin of the deployment issues tokens. Only the deployment has the key.
  if (typeof iss !== 'string' || aud !== audience || (issuer !== undefined && iss !== issuer)) return undefined
  return toClaimed(claims, sub, { contract: undefined, issuer: iss, audience: aud as string })
}

async function readLegacy(
  configuration: Configuration,
  claims: Claims,
  contract: string,
): Promise<ClaimedSession | undefined> {
  if (claims['token_type'] !== 'access') return undefined
  const claimed = toClaimed(claims, claims['user_id'], { contract, issuer: undefined, audience: undefined })
  if (!claimed) return undefined
  const { userId, sessionId, issuedAt: iat, expiresAt: exp } = claimed
  const ids = await legacyIds(configuration, { contract, userId, sessionId, iat, exp })
  return ids.some((id) => isSame(id, claims['jti'])) ? claimed : undefined
}

/** Takes the same time for every text of the same length. */
function isSame(expected: string, sent: unknown): boolean {
  if (typeof sent !== 'string' || sent.length !== expected.length) return false
  const [one, other] = [utf8(expected), utf8(sent)]
  return one.length === other.length && crypto.subtle.timingSafeEqual(one, other)
}

function toClaimed(
  { sid, iat, exp }: Claims,
  userId: unknown,
  names: Pick<ClaimedSession, 'contract' | 'issuer' | 'audience'>,
): ClaimedSession | undefined {
  if (typeof userId !== 'string' || typeof sid !== 'string') return undefined
  return { userId, sessionId: sid, issuedAt: Number(iat), expiresAt: Number(exp), ...names }
}

/** What the text of a bearer token stands for, before the database is asked. */
export interface ReadCredential {
  /** Undefined if Usher cannot have issued it. */
  credential: Caller['credential'] | undefined
  /** Set for an access token. */
  claims: ClaimedSession | undefined
}

/** Reads an API key or an access token. */
export async function readCredential(
  configuration: Configuration,
  token: string,
  now: number,
): Promise<ReadCredential> {
  if (token.startsWith('usk_')) {
    const hash = await apiKeyHash(token)
    return { credential: hash === undefined ? undefined : { kind: 'key', hash }, claims: undefined }
  }
  const claims = await readToken(configuration, token, 'access', now)
  return { credential: claims && toCredential(claims), claims }
}

export function toCredential({ userId, sessionId, issuedAt, contract }: ClaimedSession): Caller['credential'] {
  return { kind: 'session', userId, sessionId, issuedAt, contract }
}

/** Returns the claims of a token signed with one of the keys. Does not check its expiry or use. */
async function verifiedIn(
  configuration: Configuration,
  token: string,
): Promise<{ signer: Signer; claims: Claims } | undefined> {
  const [header, payload, signature, ...rest] = token.split('.')
  if (!header || !payload || !signature || rest.length > 0 || token.length > 4096) return undefined
  const { byHeader } = await keysOf(configuration)
  for (const signer of byHeader.get(header) ?? []) {
    const known = signer.verified.get(token)
    if (known) return { signer, claims: known }
    const bytes = fromBase64Url(signature)
    if (bytes?.length !== (signer.kind === 'published' ? 64 : 32)) return undefined
    const isValid = await crypto.subtle.verify(signer.algorithm, signer.verifying, bytes, utf8(`${header}.${payload}`))
    if (!isValid) continue
    const claims = jsonObject(payload)
    if (!claims) return undefined
    if (signer.verified.size >= maxReadTokens) signer.verified.clear()
    signer.verified.set(token, claims)
    return { signer, claims }
  }
  return undefined
}

const maxReadTokens = 1000

function isCurrent({ exp, iat, nbf }: Claims, now: number): boolean {
  return (
    isTime(exp) &&
    exp > now &&
    isTime(iat) &&
    iat <= now + clockSkewSeconds &&
    (nbf === undefined || (isTime(nbf) && nbf <= now))
  )
}

/** Whole seconds, as in every token of Usher. JSON can also hold a number that no clock reaches. */
function isTime(claim: unknown): claim is number {
  return Number.isSafeInteger(claim)
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

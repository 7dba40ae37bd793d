/** Who asks: the spreads that say, in a route's definition, who may call it, and enforce it in the same words. */
import type { Context, MiddlewareHandler } from 'hono'
import { createMiddleware } from 'hono/factory'
import { apiKeyHash } from '../../core/access/api-keys'
import type { Caller } from '../../core/access/caller'
import { permissions, type Permission } from '../../core/access/permissions'
import type { UserSelector } from '../../core/users/user'
import type { Configuration } from '../../env'
import { bearerScheme } from '../contract/contract'
import type { ContractEnv } from '../contract/contract-types'
import { boundedBody, decodedBody, limitedBody, untouchedBody } from '../bodies/body'
import { isConfirmed, recordKeyStatus } from './confirmed-keys'
import { Failed } from '../contract/failure'
import { limitClient, limitCredential, limitSignIn } from './rate-limit'
import { cookieScheme, readSessionCookie, refuseCrossSite } from './session-cookie'
import { readToken, type TokenUse } from './tokens'

type WithCaller = ContractEnv & { Variables: { caller: Caller } }

/**
 * For operations on a credential: a bearer token or, where a `cookie` is taken too and there is no token, that. Here it is only
 * checked to be ours; `needs`, waived for the user that `self` names, and all else that may have changed since it was issued, the
 * database decides in the batch of the work, by `c.var.caller`. Where it `streams`, the body is the operation's to read.
 */
export function authenticated(
  needs: readonly Permission[],
  self?: (c: Context) => UserSelector,
  { cookie = false, streams = false }: { cookie?: boolean; streams?: boolean } = {},
) {
  const authenticate: MiddlewareHandler<WithCaller> = createMiddleware<WithCaller>(async (c, next) => {
    const visit = c.get('visit')
    const configuration = c.get('configuration')
    const header = c.req.header('authorization')
    // What came by another scheme is none of ours, and RFC 6750 has it answered as if nothing had come.
    const isBearer = /^bearer( |$)/i.test(header ?? '')
    const session = cookie && !isBearer ? readSessionCookie(c) : undefined
    const credential =
      session === undefined
        ? await credentialOf(configuration, header, visit.now)
        : await sessionOf(configuration, session, 'cookie', visit.now)
    if (!credential) {
      await limitClient(c)
      throw new Failed({ kind: isBearer || session !== undefined ? 'unauthenticated' : 'no_credentials' })
    }
    c.set('credential', credential)
    if (session !== undefined) refuseCrossSite(c)
    if (credential.kind === 'key' && !isConfirmed(credential.hash, visit.now)) await limitClient(c)
    await limitCredential(c, credential.kind === 'session' ? credential.sessionId : credential.hash)
    c.set('caller', { ...visit, credential, needs, self: self?.(c) })
    await next()
    if (credential.kind === 'key') recordKeyStatus(credential.hash, c.res.status, visit.now)
  })
  const middleware: [typeof limitedBody, typeof authenticate, typeof decodedBody] = [
    streams ? boundedBody : limitedBody,
    authenticate,
    streams ? untouchedBody : decodedBody,
  ]
  const schemes = cookie ? [bearerScheme, cookieScheme] : [bearerScheme]
  return {
    'x-access': accessOf(needs, self !== undefined),
    security: schemes.map((scheme): Record<string, string[]> => ({ [scheme]: [] })),
    middleware,
  }
}

/**
 * For signing out of a session whose access token may have expired: as `authenticated`, but without a valid bearer token a
 * `refresh_token` in the body names the session. Then there is no `caller` but a `refreshToken`.
 */
export function authenticatedOrRefreshing() {
  const { security, middleware } = authenticated([])
  const [limit, authenticate, decode] = middleware
  const authenticateEither: MiddlewareHandler<ContractEnv> = createMiddleware<ContractEnv>(async (c, next) => {
    const refreshToken = await refreshTokenIn(c)
    if (
      refreshToken === undefined ||
      (await credentialOf(c.var.configuration, c.req.header('authorization'), c.var.visit.now))
    ) {
      return authenticate(c as Context<WithCaller>, next)
    }
    await limitClient(c)
    c.set('refreshToken', refreshToken)
    await next()
  })
  const both: [typeof limit, typeof authenticateEither, typeof decode] = [limit, authenticateEither, decode]
  return {
    'x-access': 'For everyone with a credential, or with a refresh token in the body.',
    security: [...security, {}],
    middleware: both,
  }
}

async function refreshTokenIn(c: Context): Promise<string | undefined> {
  try {
    const { refresh_token: token } = (await c.req.json()) as { refresh_token?: unknown }
    return typeof token === 'string' ? token : undefined
  } catch {
    // No JSON object: whether that matters is checked after the credential.
    return undefined
  }
}

/** Who may call it, as the document says it. */
function accessOf(needs: readonly Permission[], exceptOfOneself: boolean): string {
  if (needs.length === 0) return 'For everyone with a credential.'
  if (needs.length === permissions.length) return 'Takes every permission.'
  return `Takes ${needs.map((permission) => `\`${permission}\``).join(' and ')}${exceptOfOneself ? ', except of oneself' : ''}.`
}

/** What a bearer token is, if it can be one of ours: an API key or an access token. */
async function credentialOf(
  configuration: Configuration,
  header: string | undefined,
  now: number,
): Promise<Caller['credential'] | undefined> {
  const token = /^bearer +([^\s]+) *$/i.exec(header ?? '')?.[1]
  if (token === undefined) return undefined
  if (token.startsWith('usk_')) {
    const hash = await apiKeyHash(token)
    return hash === undefined ? undefined : { kind: 'key', hash }
  }
  return sessionOf(configuration, token, 'access', now)
}

async function sessionOf(
  configuration: Configuration,
  token: string,
  use: TokenUse,
  now: number,
): Promise<Caller['credential'] | undefined> {
  const claimed = await readToken(configuration, token, use, now)
  return claimed && { kind: 'session', ...claimed }
}

/**
 * For operations that need no credential; those that check one a client sends in the body count as sign-ins, and those that answer a
 * `cookie` are not for another site to make a browser do.
 */
export function anonymous({ signsIn, cookie = false }: { signsIn: boolean; cookie?: boolean }) {
  const limit: MiddlewareHandler<ContractEnv> = createMiddleware<ContractEnv>(async (c, next) => {
    await limitClient(c)
    if (signsIn) await limitSignIn(c)
    await next()
  })
  const fromHere: MiddlewareHandler<ContractEnv> = createMiddleware<ContractEnv>(async (c, next) => {
    if (cookie) refuseCrossSite(c)
    await next()
  })
  const middleware: [typeof limit, typeof limitedBody, typeof fromHere, typeof decodedBody] = [
    limit,
    limitedBody,
    fromHere,
    decodedBody,
  ]
  const access = `Takes no credential${signsIn ? ', and counts as a sign-in' : ''}.`
  return { 'x-access': access, security: [] as Record<string, string[]>[], middleware }
}

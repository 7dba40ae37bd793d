/**
 * Authentication. A route spreads `authenticated` or `anonymous`, which both documents and enforces who may call it.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { createMiddleware } from 'hono/factory'
import { authorise, type Caller } from '../../core/access/caller'
import { permissions, type Permission } from '../../core/access/permissions'
import type { UserSelector } from '../../core/users/user'
import type { Configuration } from '../../env'
import { bearerScheme } from '../contract/contract'
import type { ContractEnv } from '../contract/contract-types'
import { boundBody, decodeBody, limitBody, refuseEncoded } from '../bodies/body'
import { isConfirmed, recordKeyStatus } from './confirmed-keys'
import { Failed } from '../contract/failure'
import { limitClient, limitCredential, limitSignIn } from './rate-limit'
import { cookieScheme, readSessionCookie, refuseCrossSite } from './session-cookie'
import { readCredential, readToken, toCredential } from './tokens'

type WithCaller = ContractEnv & { Variables: { caller: Caller } }

/**
 * For operations with a credential: a bearer token, an API key or, where `cookie` is set, a session cookie. The
 * middleware checks only that Usher issued it. The database decides the rest in the batch of the operation, through
 * `c.var.caller`: whether it is still valid, and whether the user holds `needs`, which are waived for the user that
 * `self` names. With `streams`, the operation reads the body itself; otherwise the body
 * has at most `maxBytes`.
 */
export function authenticated(
  needs: readonly Permission[],
  self?: (c: Context) => UserSelector,
  { cookie = false, streams = false, maxBytes }: { cookie?: boolean; streams?: boolean; maxBytes?: number } = {},
) {
  const authenticate: MiddlewareHandler<WithCaller> = createMiddleware<WithCaller>(async (c, next) => {
    if (streams) boundBody(c)
    else await limitBody(c, maxBytes)
    await readCaller(c, { needs, self, cookie })
    if (streams) refuseEncoded(c)
    else await decodeBody(c)
    await next()
    learnFromStatus(c)
  })
  const middleware: [typeof authenticate] = [authenticate]
  const schemes = cookie ? [bearerScheme, cookieScheme] : [bearerScheme]
  return {
    'x-access': accessOf(needs, self !== undefined),
    security: schemes.map((scheme): Record<string, string[]> => ({ [scheme]: [] })),
    middleware,
  }
}

interface Access {
  needs: readonly Permission[]
  self?: ((c: Context) => UserSelector) | undefined
  cookie?: boolean
}

/** Sets the caller. Throws without a credential that Usher can have issued, and over the rate limits. */
async function readCaller(c: Context<WithCaller>, { needs, self, cookie = false }: Access): Promise<void> {
  const visit = c.get('visit')
  const configuration = c.get('configuration')
  const header = c.req.header('authorization')
  // Other schemes are ignored, as RFC 6750 requires.
  const isBearer = /^bearer( |$)/i.test(header ?? '')
  const session = cookie && !isBearer ? readSessionCookie(c) : undefined
  const credential =
    session === undefined
      ? await credentialOf(configuration, header, visit.now)
      : await cookieSessionOf(configuration, session, visit.now)
  if (!credential) {
    await limitClient(c)
    throw new Failed({ kind: isBearer || session !== undefined ? 'unauthenticated' : 'no_credentials' })
  }
  c.set('credential', credential)
  if (session !== undefined) refuseCrossSite(c)
  if (credential.kind === 'key' && !isConfirmed(credential.hash, visit.now)) await limitClient(c)
  await limitCredential(c, credential.kind === 'session' ? credential.sessionId : credential.hash)
  c.set('caller', { ...visit, credential, needs, self: self?.(c) })
}

/** After the response: whether the database has confirmed the API key. */
function learnFromStatus(c: Context<WithCaller>): void {
  const { credential, now } = c.get('caller')
  if (credential.kind === 'key') recordKeyStatus(credential.hash, c.res.status, now)
}

/**
 * For signing out of a session whose access token may have expired. As `authenticated`, but without a valid bearer
 * token a `refresh_token` in the body identifies the session. Then `refreshToken` is set instead of `caller`.
 */
export function authenticatedOrRefreshing() {
  const authenticateEither: MiddlewareHandler<ContractEnv> = createMiddleware<ContractEnv>(async (c, next) => {
    await limitBody(c)
    const refreshToken = await refreshTokenIn(c)
    const isRefreshing =
      refreshToken !== undefined &&
      !(await credentialOf(c.get('configuration'), c.req.header('authorization'), c.get('visit').now))
    if (isRefreshing) {
      await limitClient(c)
      c.set('refreshToken', refreshToken)
    } else {
      await readCaller(c as Context<WithCaller>, { needs: [] })
    }
    await decodeBody(c)
    await next()
    if (!isRefreshing) learnFromStatus(c as Context<WithCaller>)
  })
  const middleware: [typeof authenticateEither] = [authenticateEither]
  return {
    'x-access': 'For everyone with a credential, or with a refresh token in the body.',
    security: [...authenticated([]).security, {}],
    middleware,
  }
}

async function refreshTokenIn(c: Context): Promise<string | undefined> {
  try {
    const { refresh_token: token } = (await c.req.json()) as { refresh_token?: unknown }
    return typeof token === 'string' ? token : undefined
  } catch {
    // Not a JSON object. The body is validated after the credential.
    return undefined
  }
}

/** Describes in the document who may call the operation. */
function accessOf(needs: readonly Permission[], exceptSelf: boolean): string {
  if (needs.length === 0) return 'For everyone with a credential.'
  if (needs.length === permissions.length) return 'Needs every permission.'
  return `Needs ${needs.map((permission) => `\`${permission}\``).join(' and ')}${exceptSelf ? ', except for your own user' : ''}.`
}

/**
 * Returns the credential that a bearer token represents: an API key or an access token. Undefined if Usher cannot have
 * issued it.
 */
async function credentialOf(
  configuration: Configuration,
  header: string | undefined,
  now: number,
): Promise<Caller['credential'] | undefined> {
  const token = /^bearer +([^\s]+) *$/i.exec(header ?? '')?.[1]
  if (token === undefined) return undefined
  return (await readCredential(configuration, token, now)).credential
}

async function cookieSessionOf(
  configuration: Configuration,
  token: string,
  now: number,
): Promise<Caller['credential'] | undefined> {
  const claimed = await readToken(configuration, token, 'cookie', now)
  return claimed && toCredential(claimed)
}

/**
 * For operations without a credential. `signsIn` counts requests as sign-ins. `cookie` refuses requests that another
 * site makes a browser send.
 */
export function anonymous({ signsIn, cookie = false }: { signsIn: boolean; cookie?: boolean }) {
  const admit: MiddlewareHandler<ContractEnv> = createMiddleware<ContractEnv>(async (c, next) => {
    await limitClient(c)
    if (signsIn) await limitSignIn(c)
    await limitBody(c)
    if (cookie) refuseCrossSite(c)
    await decodeBody(c)
    await next()
  })
  const middleware: [typeof admit] = [admit]
  const access = `Needs no credential${signsIn ? ', and counts as a sign-in' : ''}.`
  return { 'x-access': access, security: [] as Record<string, string[]>[], middleware }
}

/** For operations that need no credential. A credential that the client sends must be valid. */
export function anonymousOrAuthenticated() {
  const either: MiddlewareHandler<ContractEnv> = createMiddleware<ContractEnv>(async (c, next) => {
    if (c.req.header('authorization') === undefined) {
      await limitClient(c)
      return next()
    }
    await readCaller(c as Context<WithCaller>, { needs: [] })
    await authorise((c as Context<WithCaller>).get('caller'))
    await next()
    learnFromStatus(c as Context<WithCaller>)
  })
  const middleware: [typeof either] = [either]
  const access = 'Needs no credential. A credential that is sent must be valid.'
  return { 'x-access': access, security: [] as Record<string, string[]>[], middleware }
}

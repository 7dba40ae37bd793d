/**
 * The session of the console. A cookie that scripts cannot read obtains access tokens for the page, which keeps them in
 * memory. The cookie is a credential for these routes only.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { createMiddleware } from 'hono/factory'
import type { Caller } from '../core/access/caller'
import { describeSession } from '../core/sign-in/introspection'
import { signOut } from '../core/sign-in/sessions'
import { signInFor } from '../core/sign-in/sign-in'
import { limitBody } from '../http/bodies/body'
import type { ContractApp, ContractEnv } from '../http/contract/contract-types'
import { Failed } from '../http/contract/failure'
import { json, jsonBody } from '../http/contract/json'
import { anonymous } from '../http/credentials/authentication'
import { limitClient, limitCredential } from '../http/credentials/rate-limit'
import { refuseCrossSite } from '../http/credentials/session-cookie'
import {
  issueConsoleToken,
  issueShortAccessToken,
  readToken,
  toCredential,
  type RequestContext,
} from '../http/credentials/tokens'

/** A working day. The session is not extended, so a forgotten browser is signed out the next morning. */
const sessionSeconds = 12 * 3600

const cookieName = 'console'
/** With the prefix `__Host-`, no other host can set the cookie. Browsers accept it on http://localhost too. */
const cookieOptions = { path: '/', secure: true, httpOnly: true, sameSite: 'Strict', prefix: 'host' } as const

type WithCaller = ContractEnv & { Variables: { caller: Caller } }

/** Returns the session of the cookie. The guard of the batch checks that it has not ended. */
const authenticate: MiddlewareHandler<WithCaller> = createMiddleware<WithCaller>(async (c, next) => {
  await limitBody(c)
  refuseCrossSite(c)
  const { configuration, visit } = c.var
  const cookie = getCookie(c, cookieName, 'host')
  const claimed = cookie === undefined ? undefined : await readToken(configuration, cookie, 'console', visit.now)
  if (!claimed) {
    await limitClient(c)
    throw new Failed({ kind: cookie === undefined ? 'no_credentials' : 'unauthenticated' })
  }
  await limitCredential(c, claimed.sessionId)
  c.set('credential', toCredential(claimed))
  c.set('caller', { ...visit, credential: toCredential(claimed), needs: [] })
  await next()
})
const byCookie: { middleware: [typeof authenticate] } = { middleware: [authenticate] }

const Credentials = z.object({ identifier: z.string(), password: z.string() })
const Token = z.strictObject({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int(),
  permissions: z.array(z.string()),
})

const signInRoute = createRoute({
  ...anonymous({ signsIn: true, cookie: true }),
  method: 'post',
  path: '/session',
  operationId: 'consoleSignIn',
  request: { body: jsonBody(Credentials) },
  responses: { 200: json(Token, 'Signed in') },
})

const tokenRoute = createRoute({
  ...byCookie,
  method: 'post',
  path: '/token',
  operationId: 'consoleToken',
  responses: { 200: json(Token, 'A new access token') },
})

const signOutRoute = createRoute({
  ...byCookie,
  method: 'delete',
  path: '/session',
  operationId: 'consoleSignOut',
  responses: { 204: { description: 'Signed out' } },
})

export function serveSession(app: ContractApp): void {
  app.openapi(signInRoute, async (c) => {
    const { visit } = c.var
    const { user, sessionId, seconds } = await signInFor(visit, c.req.valid('json'), sessionSeconds)
    const cookie = await issueConsoleToken(c, { user, sessionId, seconds })
    const credential = {
      kind: 'session' as const,
      userId: user.id,
      sessionId,
      issuedAt: visit.now,
      contract: undefined,
    }
    // The sign-in has recorded the use.
    const answer = await newToken(c, { ...visit, use: undefined, credential, needs: [] })
    setCookie(c, cookieName, cookie, { ...cookieOptions, maxAge: seconds })
    return c.json(answer, 200)
  })

  app.openapi(tokenRoute, async (c) => c.json(await newToken(c, c.var.caller), 200))

  app.openapi(signOutRoute, async (c) => {
    await signOut(c.var.caller)
    deleteCookie(c, cookieName, cookieOptions)
    return c.body(null, 204)
  })
}

/** Returns an access token of the caller’s session, and the current permissions of the session. */
async function newToken(c: RequestContext, caller: Caller): Promise<z.infer<typeof Token>> {
  const { user, sessionId, permissions } = await describeSession(caller)
  return {
    access_token: await issueShortAccessToken(c, { user, sessionId }),
    token_type: 'Bearer',
    expires_in: c.var.configuration.accessTokenSeconds,
    permissions: [...permissions],
  }
}

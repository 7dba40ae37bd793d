/** Signing in and out. */
import { createRoute } from '@hono/zod-openapi'
import { signOut } from '../../../core/sign-in/sessions'
import { refreshSession, signIn, signOutByRefreshToken } from '../../../core/sign-in/sign-in'
import { anonymous, authenticatedOrRefreshing } from '../../../http/credentials/authentication'
import { readOptionalJson } from '../../../http/bodies/body'
import { documentedBody, json, jsonBody } from '../../../http/contract/json'
import { failures } from '../errors'
import { toTokens } from '../mapping/tokens'
import { fromUser } from '../mapping/users'
import { V1Login, V1Logout, V1Refresh, V1SignedIn, V1Tokens } from '../schemas/auth'
import { app } from './contract'

const tags = ['auth']

const login = createRoute({
  ...anonymous({ signsIn: true }),
  method: 'post',
  path: '/auth/login',
  operationId: 'v1Login',
  tags,
  summary: 'Sign in',
  description: 'Five failures with any identifier lock the account for 30 seconds, doubling up to 15 minutes.',
  request: { body: jsonBody(V1Login) },
  responses: { 200: json(V1SignedIn, 'The tokens and the user'), ...failures(400, 401, 413, 415) },
})

app.openapi(login, async (c) => {
  const signedIn = await signIn(c.var.visit, c.req.valid('json'))
  const tokens = await toTokens(signedIn, c)
  return c.json({ ...tokens, user: fromUser(signedIn.user) }, 200)
})

const refresh = createRoute({
  ...anonymous({ signsIn: false }),
  method: 'post',
  path: '/auth/refresh',
  operationId: 'v1Refresh',
  tags,
  summary: 'Refresh the tokens',
  description:
    'A refresh token is valid for one use within 30 days. A retry within 10 seconds returns the same successor. A later use of a used token ends the session. A session ends 90 days after its sign-in, unless `SESSION_MAX_DAYS` says otherwise.',
  request: { body: jsonBody(V1Refresh) },
  responses: { 200: json(V1Tokens, 'The tokens'), ...failures(400, 401, 413, 415) },
})

app.openapi(refresh, async (c) => {
  const signedIn = await refreshSession(c.var.visit, c.req.valid('json').refresh_token)
  return c.json(await toTokens(signedIn, c), 200)
})

const logout = createRoute({
  ...authenticatedOrRefreshing(),
  method: 'post',
  path: '/auth/logout',
  operationId: 'v1Logout',
  tags,
  summary: 'Sign out',
  description:
    'Ends the session and its refresh token. Without a valid access token, `refresh_token` in the body identifies the session. Not for API keys.',
  request: { body: { ...documentedBody(app, { V1Logout }), required: false } },
  responses: { 204: { description: 'Signed out' }, ...failures(400, 401, 403, 413, 415) },
})

app.openapi(logout, async (c) => {
  await readOptionalJson(c)
  const { caller, visit, refreshToken = '' } = c.var
  await (caller ? signOut(caller) : signOutByRefreshToken(visit, refreshToken))
  return c.body(null, 204)
})

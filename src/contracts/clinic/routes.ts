/**
 * clinic: the user management of a Django application, with forms and a session cookie. Operations are in the order of
 * the original API.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { isSelf } from '../../core/access/caller'
import { signOut } from '../../core/sign-in/sessions'
import { signInFor } from '../../core/sign-in/sign-in'
import type { Permission } from '../../core/access/permissions'
import { sendsEmailAsUsername } from '../../core/users/user'
import { setActive, updateUser } from '../../core/users/user-changes'
import { everyUser } from '../../core/users/user-list'
import { createUser, getUser } from '../../core/users/users'
import { anonymous, authenticated } from '../../http/credentials/authentication'
import { validateChanges, validate, readFields, trimmed } from '../../http/bodies/body'
import { createContract, finishContract } from '../../http/contract/contract'
import { Failed } from '../../http/contract/failure'
import { userByNumber } from '../../http/contract/fields'
import { documentedBody, formTypes, json, streamed } from '../../http/contract/json'
import {
  clearSessionCookie,
  cookieScheme,
  cookieSecurity,
  refusePrefetch,
  setSessionCookie,
} from '../../http/credentials/session-cookie'
import { issueCookieToken } from '../../http/credentials/tokens'
import { failures, toFailureResponse } from './errors'
import { fromUser, namedRoles, toNewUser, toOwnChanges, toUserChanges } from './mapping'
import { originalSignIn } from './original-sign-in'
import {
  ClinicActiveAnswer,
  ClinicFailure,
  ClinicHits,
  ClinicLogin,
  ClinicMessage,
  ClinicMiss,
  ClinicSearchQuery,
  ClinicUserAnswer,
  ClinicUserCreate,
  ClinicUserEdit,
} from './schemas'

const sessionSeconds = 14 * 86_400

const contract = createContract({
  name: 'clinic',
  title: 'Clinic',
  description:
    'The user management of a telemedicine system: forms, a session cookie, and an envelope that says how it went.',
  trailingSlashes: true,
  readsForms: true,
  toFailureResponse,
  originalSignIn,
})
const { app } = contract

app.openAPIRegistry.registerComponent('securitySchemes', cookieScheme, cookieSecurity)
const signedIn = (needs: readonly Permission[], self?: (c: Context) => { number: number }) =>
  authenticated(needs, self, { cookie: true })

const params = z.object({ user_id: z.string().regex(/^\d+$/).openapi({ example: '17' }) })
const ownRecord = (c: Context) => userByNumber(c.req.param('user_id'))

const newUser = createRoute({
  ...signedIn(['users:create']),
  method: 'post',
  path: '/users/user/new/',
  operationId: 'clinicCreateUser',
  summary: 'Create a user',
  request: { body: documentedBody(app, { ClinicUserCreate }, formTypes) },
  responses: { 200: json(z.union([ClinicUserAnswer, ClinicFailure]), 'The new user'), ...failures(401, 403, 413) },
})

app.openapi(newUser, async (c) => {
  const sent = await readFields(c)
  const schema = sendsEmailAsUsername(sent, undefined) ? ClinicUserCreate.omit({ username: true }) : ClinicUserCreate
  const user = await createUser(c.var.caller, toNewUser(validate(schema, sent, trimmed)))
  return c.json(
    { success: true as const, message: `User ${user.number} successfully created.`, data: fromUser(user) },
    200,
  )
})

const login = createRoute({
  ...anonymous({ signsIn: true, cookie: true }),
  method: 'post',
  path: '/users/user/login/',
  operationId: 'clinicLogin',
  summary: 'Sign in with a session cookie',
  request: { body: documentedBody(app, { ClinicLogin }, formTypes) },
  responses: { 200: json(z.union([ClinicUserAnswer, ClinicFailure]), 'The user'), ...failures(403, 413) },
})

app.openapi(login, async (c) => {
  const { visit } = c.var
  const { username, password } = validate(ClinicLogin, await readFields(c), trimmed)
  const { user, sessionId, seconds } = await signInFor(visit, { identifier: username, password }, sessionSeconds)
  setSessionCookie(c, await issueCookieToken(c, { user, sessionId, seconds }), seconds)
  const data = fromUser(user)
  return c.json({ success: true as const, message: `Welcome ${data.username}.`, data }, 200)
})

const logoutPath = '/users/user/logout/'

// The framework treats HEAD as GET, and a HEAD request must not sign the user out.
app.use(logoutPath, async (c, next) => {
  if (c.req.method !== 'GET') throw new Failed({ kind: 'method_not_allowed', allowed: ['GET'] })
  await next()
})

const logout = createRoute({
  ...signedIn([]),
  method: 'get',
  path: logoutPath,
  operationId: 'clinicLogout',
  summary: 'Sign out',
  responses: { 200: json(ClinicMessage, 'Signed out'), ...failures(401, 403) },
})

app.openapi(logout, async (c) => {
  refusePrefetch(c)
  await signOut(c.var.caller)
  clearSessionCookie(c)
  return c.json({ success: true as const, message: 'Bye.' }, 200)
})

const getUserInfo = createRoute({
  ...signedIn(['users:read'], ownRecord),
  method: 'get',
  path: '/users/user/{user_id}/get_user_info/',
  operationId: 'clinicGetUser',
  summary: 'Get a user',
  request: { params },
  responses: { 200: json(z.union([ClinicUserAnswer, ClinicFailure]), 'The user'), ...failures(401, 403, 404) },
})

app.openapi(getUserInfo, async (c) => {
  const user = await getUser(c.var.caller, userByNumber(c.req.valid('param').user_id))
  return c.json({ success: true as const, message: `User ${user.number} found.`, data: fromUser(user) }, 200)
})

const search = createRoute({
  ...signedIn(['users:read']),
  method: 'get',
  path: '/users/user/search/',
  operationId: 'clinicSearchUsers',
  summary: 'Search users',
  request: { query: ClinicSearchQuery },
  responses: { 200: json(z.union([ClinicHits, ClinicMiss, ClinicFailure]), 'All of them'), ...failures(401, 403) },
})

const searchFields = ['username', 'family_name', 'given_name', 'email', 'certified_email'] as const

app.openapi(search, (c) => {
  const text = c.req.valid('query').query_string
  const found = everyUser(c.var.caller, { search: { text, fields: searchFields } })
  const miss = { success: false, message: `No users found for query string: '${text}'`, data: [], total_count: 0 }
  return streamed<Parameters<typeof fromUser>[0], ReturnType<typeof fromUser>, z.infer<typeof ClinicHits>>(
    found,
    fromUser,
    {
      open: '{"success":true,"data":[',
      close: (count) =>
        `],"total_count":${count},"message":${JSON.stringify(`${count} users found for query string: '${text}'`)}}`,
      empty: JSON.stringify(miss),
    },
  )
})

const edit = createRoute({
  ...signedIn(['users:update'], ownRecord),
  method: 'post',
  path: '/users/user/{user_id}/edit/',
  operationId: 'clinicEditUser',
  summary: 'Replace the record of a user',
  request: { params, body: documentedBody(app, { ClinicUserEdit }, formTypes) },
  responses: { 200: json(z.union([ClinicUserAnswer, ClinicFailure]), 'The user'), ...failures(401, 403, 404, 413) },
})

app.openapi(edit, async (c) => {
  const sent = await readFields(c)
  const user = await updateUser(
    c.var.caller,
    userByNumber(c.req.valid('param').user_id),
    (present) => {
      const standIn = sendsEmailAsUsername(sent, present)
      const alreadyParsed = standIn ? ['username'] : []
      const shown = present && fromUser(present)
      const changes = toUserChanges(
        validateChanges(ClinicUserEdit, sent, { shown, alreadyParsed, read: trimmed }),
        standIn,
      )
      return present && isSelf(c.var.caller, present.id) ? toOwnChanges(changes, sent) : changes
    },
    { namedRoles, onForbiddenOwnField: 'refuse_by_name' },
  )
  return c.json(
    { success: true as const, message: `User ${user.number} successfully updated.`, data: fromUser(user) },
    200,
  )
})

for (const [action, active] of [
  ['deactivate', false],
  ['activate', true],
] as const) {
  const route = createRoute({
    ...signedIn(['users:deactivate']),
    method: 'post',
    path: `/users/user/{user_id}/${action}/`,
    operationId: active ? 'clinicActivateUser' : 'clinicDeactivateUser',
    summary: active ? 'Activate a user' : 'Deactivate a user, which ends their sessions',
    request: { params },
    responses: {
      200: json(z.union([ClinicActiveAnswer, ClinicFailure]), 'As it is now'),
      ...failures(401, 403, 404, 413),
    },
  })
  app.openapi(route, async (c) => {
    const user = await setActive(c.var.caller, userByNumber(c.req.valid('param').user_id), active)
    const data = { id: String(user.number), is_active: user.active }
    return c.json({ success: true as const, message: `User ${user.number} ${action}d`, data }, 200)
  })
}

export const clinic = finishContract(contract)

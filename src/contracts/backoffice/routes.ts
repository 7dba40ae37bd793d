/**
 * backoffice: a Laravel back office for administrators. Operations are in the order of the original API. Signing in,
 * which the original lacks, comes last.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { signOut } from '../../core/sign-in/sessions'
import { signInFor } from '../../core/sign-in/sign-in'
import { sendsEmailAsUsername } from '../../core/users/user'
import { updateUser } from '../../core/users/user-changes'
import { listUsersByOffset } from '../../core/users/user-list'
import { createUser, deleteUser, getUser } from '../../core/users/users'
import { anonymous, authenticated } from '../../http/credentials/authentication'
import { validateChanges, validate, readOptionalJson, trimmed } from '../../http/bodies/body'
import { createContract, finishContract } from '../../http/contract/contract'
import { userByNumber } from '../../http/contract/fields'
import { documentedBody, json } from '../../http/contract/json'
import { issueAccessToken } from '../../http/credentials/tokens'
import { failures, toFailureResponse } from './errors'
import { fromUser, signedIn, toFilter, toNamedRoles, toNewUser, toUserChanges, withConfirmation } from './mapping'
import { originalSignIn } from './original-sign-in'
import {
  BackofficeLogin,
  BackofficeMessage,
  BackofficeSignedIn,
  BackofficeUserAnswer,
  BackofficeUserCreate,
  BackofficeUserList,
  BackofficeUserListQuery,
  BackofficeUserUpdate,
  BackofficeUserWritten,
} from './schemas'

const accessTokenSeconds = 12 * 3600

const contract = createContract({
  name: 'backoffice',
  title: 'Back office',
  description: 'User management for administrators, by integer ids, as Laravel answers.',
  toFailureResponse,
  originalSignIn,
})
const { app } = contract

const params = z.object({ id: z.string().openapi({ type: 'integer' }) })

const listUsers = createRoute({
  ...authenticated(['users:read']),
  method: 'get',
  path: '/api/v1/users',
  operationId: 'backofficeListUsers',
  summary: 'List users, page by page',
  request: { query: BackofficeUserListQuery },
  responses: { 200: json(BackofficeUserList, 'A page, with the exact total of all pages'), ...failures(401, 403, 422) },
})

app.openapi(listUsers, async (c) => {
  const query = c.req.valid('query')
  const { page, per_page } = query
  const { users, total } = await listUsersByOffset(c.var.caller, {
    offset: (page - 1) * per_page,
    limit: per_page,
    ...toFilter(query),
  })
  return c.json({ data: users.map(fromUser), meta: { current_page: page, per_page, total } }, 200)
})

const getUserRoute = createRoute({
  ...authenticated(['users:read']),
  method: 'get',
  path: '/api/v1/users/{id}',
  operationId: 'backofficeGetUser',
  summary: 'Get a user',
  request: { params },
  responses: { 200: json(BackofficeUserAnswer, 'The user'), ...failures(401, 403, 404) },
})

app.openapi(getUserRoute, async (c) => {
  const user = await getUser(c.var.caller, userByNumber(c.req.valid('param').id))
  return c.json({ data: fromUser(user) }, 200)
})

const createUserRoute = createRoute({
  ...authenticated(['users:create']),
  method: 'post',
  path: '/api/v1/users',
  operationId: 'backofficeCreateUser',
  summary: 'Create a user',
  request: { body: documentedBody(app, { BackofficeUserCreate }) },
  responses: { 201: json(BackofficeUserWritten, 'The new user'), ...failures(400, 401, 403, 413, 415, 422) },
})

app.openapi(createUserRoute, async (c) => {
  const sent = withConfirmation(await readSentFields(c))
  const schema = sendsEmailAsUsername(sent, undefined)
    ? BackofficeUserCreate.omit({ username: true })
    : BackofficeUserCreate
  const user = await createUser(c.var.caller, toNewUser(validate(schema, sent, trimmed)))
  return c.json({ message: 'User created successfully', data: fromUser(user) }, 201)
})

const updateUserRoute = createRoute({
  ...authenticated(['users:update']),
  method: 'put',
  path: '/api/v1/users/{id}',
  operationId: 'backofficeUpdateUser',
  summary: 'Change a user',
  request: { params, body: documentedBody(app, { BackofficeUserUpdate }) },
  responses: {
    200: json(BackofficeUserWritten, 'The user'),
    ...failures(400, 401, 403, 404, 409, 413, 415, 422),
  },
})

app.openapi(updateUserRoute, async (c) => {
  const sent = withConfirmation(await readSentFields(c))
  const user = await updateUser(
    c.var.caller,
    userByNumber(c.req.valid('param').id),
    (present) => {
      const standIn = sendsEmailAsUsername(sent, present)
      const alreadyParsed = standIn ? ['username'] : []
      const shown = present && fromUser(present)
      return toUserChanges(
        validateChanges(BackofficeUserUpdate, sent, { shown, alreadyParsed, read: trimmed }),
        standIn,
      )
    },
    { namedRoles: toNamedRoles(sent) },
  )
  return c.json({ message: 'User updated successfully', data: fromUser(user) }, 200)
})

const deleteUserRoute = createRoute({
  ...authenticated(['users:delete']),
  method: 'delete',
  path: '/api/v1/users/{id}',
  operationId: 'backofficeDeleteUser',
  summary: 'Delete a user permanently',
  request: { params },
  responses: { 200: json(BackofficeMessage, 'Deleted'), ...failures(401, 403, 404, 409) },
})

app.openapi(deleteUserRoute, async (c) => {
  await deleteUser(c.var.caller, userByNumber(c.req.valid('param').id), { only: 'others' })
  return c.json({ message: 'User deleted successfully' }, 200)
})

const login = createRoute({
  ...anonymous({ signsIn: true }),
  method: 'post',
  path: '/api/login',
  operationId: 'backofficeLogin',
  summary: 'Sign in',
  request: { body: documentedBody(app, { BackofficeLogin }) },
  responses: { 200: json(BackofficeSignedIn, 'The token and the user'), ...failures(400, 401, 413, 415, 422) },
})

app.openapi(login, async (c) => {
  const { visit } = c.var
  const { username, password } = validate(BackofficeLogin, await readSentFields(c), trimmed)
  const { user, sessionId } = await signInFor(visit, { identifier: username, password }, accessTokenSeconds)
  const claims = { user, sessionId, subject: user.id, seconds: accessTokenSeconds }
  const token = await issueAccessToken(c, claims)
  return c.json(signedIn(token, user), 200)
})

const logout = createRoute({
  ...authenticated([]),
  method: 'post',
  path: '/api/logout',
  operationId: 'backofficeLogout',
  summary: 'Sign out',
  responses: { 200: json(BackofficeMessage, 'Signed out'), ...failures(400, 401, 403, 413, 415) },
})

app.openapi(logout, async (c) => {
  await signOut(c.var.caller)
  return c.json({ message: 'Logged out successfully' }, 200)
})

/** An empty body, or one that is not an object, has no fields. */
async function readSentFields(c: Context): Promise<Record<string, unknown>> {
  const value = await readOptionalJson(c)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

export const backoffice = finishContract(contract)

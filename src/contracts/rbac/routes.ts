/**
 * rbac: a FastAPI service of users and roles. Operations are in the order of the original API. Signing in, which the
 * original lacks, comes last.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { signOut } from '../../core/sign-in/sessions'
import { refreshSession, signIn, type SignedIn } from '../../core/sign-in/sign-in'
import { updateUser } from '../../core/users/user-changes'
import { listUsersByOffset } from '../../core/users/user-list'
import { createUser, deleteUser, getUser } from '../../core/users/users'
import { anonymous, authenticated } from '../../http/credentials/authentication'
import { validateChanges, readJson } from '../../http/bodies/body'
import { createContract, finishContract } from '../../http/contract/contract'
import { documentedBody, json, jsonBody } from '../../http/contract/json'
import { laxUuid, uuidIn } from '../../http/frameworks/pydantic'
import { issueShortAccessToken, type RequestContext } from '../../http/credentials/tokens'
import { failures, toFailureResponse } from './errors'
import { fromUser, toNamedRoles, toNewUser, toUserChanges } from './mapping'
import { originalSignIn } from './original-sign-in'
import {
  RbacLogin,
  RbacMessage,
  RbacRefresh,
  RbacTokens,
  RbacUser,
  RbacUserCreate,
  RbacUserList,
  RbacUserListQuery,
  RbacUserUpdate,
} from './schemas'

const contract = createContract({
  name: 'rbac',
  title: 'Role-based access',
  description: 'Users and the roles they hold, by uuid, as FastAPI answers.',
  assumesJson: true,
  toFailureResponse,
  originalSignIn,
})
const { app } = contract

const params = z.object({ user_id: laxUuid })
const ownRecord = (c: Context) => ({ id: uuidIn(c.req.param('user_id') ?? '') ?? '' })

const listUsers = createRoute({
  ...authenticated(['users:read']),
  method: 'get',
  path: '/api/v1/users',
  operationId: 'rbacListUsers',
  summary: 'List users, page by page',
  request: { query: RbacUserListQuery },
  responses: { 200: json(RbacUserList, 'A page, with the exact total of all pages'), ...failures(401, 403, 422) },
})

app.openapi(listUsers, async (c) => {
  const { page = 1, limit = 10, search } = c.req.valid('query')
  const { users, total } = await listUsersByOffset(c.var.caller, {
    offset: (page - 1) * limit,
    limit,
    search: search === undefined ? undefined : { text: search, fields: ['email', 'given_name', 'family_name'] },
  })
  const pagination = { page, limit, total, pages: Math.ceil(total / limit) }
  return c.json({ data: users.map(fromUser), pagination }, 200)
})

const getUserRoute = createRoute({
  ...authenticated(['users:read'], ownRecord),
  method: 'get',
  path: '/api/v1/users/{user_id}',
  operationId: 'rbacGetUser',
  summary: 'Get a user',
  request: { params },
  responses: { 200: json(RbacUser, 'The user'), ...failures(401, 403, 404, 422) },
})

app.openapi(getUserRoute, async (c) => {
  const { user_id } = c.req.valid('param')
  return c.json(fromUser(await getUser(c.var.caller, { id: user_id })), 200)
})

const createUserRoute = createRoute({
  ...authenticated(['users:create']),
  method: 'post',
  path: '/api/v1/users',
  operationId: 'rbacCreateUser',
  summary: 'Create a user',
  request: { body: jsonBody(RbacUserCreate) },
  responses: { 201: json(RbacUser, 'The new user'), ...failures(401, 403, 404, 409, 413, 422) },
})

app.openapi(createUserRoute, async (c) => {
  const user = await createUser(c.var.caller, toNewUser(c.req.valid('json')))
  return c.json(fromUser(user), 201)
})

const updateUserRoute = createRoute({
  ...authenticated(['users:update'], ownRecord),
  method: 'put',
  path: '/api/v1/users/{user_id}',
  operationId: 'rbacUpdateUser',
  summary: 'Change a user',
  request: { params, body: documentedBody(app, { RbacUserUpdate }) },
  responses: { 200: json(RbacUser, 'The user'), ...failures(401, 403, 404, 409, 413, 422) },
})

app.openapi(updateUserRoute, async (c) => {
  const sent = await readJson(c)
  const user = await updateUser(
    c.var.caller,
    { id: c.req.valid('param').user_id },
    (present) => toUserChanges(validateChanges(RbacUserUpdate, sent, { shown: present && fromUser(present) })),
    { namedRoles: toNamedRoles(sent) },
  )
  return c.json(fromUser(user), 200)
})

const deleteUserRoute = createRoute({
  ...authenticated(['users:delete']),
  method: 'delete',
  path: '/api/v1/users/{user_id}',
  operationId: 'rbacDeleteUser',
  summary: 'Delete a user permanently',
  request: { params },
  responses: { 200: json(RbacMessage, 'Deleted'), ...failures(401, 403, 404, 409, 422) },
})

app.openapi(deleteUserRoute, async (c) => {
  await deleteUser(c.var.caller, { id: c.req.valid('param').user_id })
  return c.json({ message: 'User successfully deleted' }, 200)
})

const login = createRoute({
  ...anonymous({ signsIn: true }),
  method: 'post',
  path: '/api/v1/auth/login',
  operationId: 'rbacLogin',
  summary: 'Sign in',
  request: { body: jsonBody(RbacLogin) },
  responses: { 200: json(RbacTokens, 'The tokens'), ...failures(401, 413, 422) },
})

app.openapi(login, async (c) => {
  const { email, password } = c.req.valid('json')
  const signedIn = await signIn(c.var.visit, { identifier: email, password })
  return c.json(await toTokens(signedIn, c), 200)
})

const refresh = createRoute({
  ...anonymous({ signsIn: false }),
  method: 'post',
  path: '/api/v1/auth/refresh',
  operationId: 'rbacRefresh',
  summary: 'Refresh the tokens',
  request: { body: jsonBody(RbacRefresh) },
  responses: { 200: json(RbacTokens, 'The tokens'), ...failures(401, 413, 422) },
})

app.openapi(refresh, async (c) => {
  const signedIn = await refreshSession(c.var.visit, c.req.valid('json').refresh_token)
  return c.json(await toTokens(signedIn, c), 200)
})

const logout = createRoute({
  ...authenticated([]),
  method: 'post',
  path: '/api/v1/auth/logout',
  operationId: 'rbacLogout',
  summary: 'Sign out',
  responses: { 200: json(RbacMessage, 'Signed out'), ...failures(401, 403, 413, 422) },
})

app.openapi(logout, async (c) => {
  await signOut(c.var.caller)
  return c.json({ message: 'Successfully logged out' }, 200)
})

async function toTokens({ refreshToken, ...opened }: SignedIn, c: RequestContext) {
  return {
    access_token: await issueShortAccessToken(c, opened),
    token_type: 'bearer' as const,
    refresh_token: refreshToken,
  }
}

export const rbac = finishContract(contract)

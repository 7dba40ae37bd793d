/** Users. */
import { createRoute, z } from '@hono/zod-openapi'
import { setActive, updateUser } from '../../../core/users/user-changes'
import { listUsers } from '../../../core/users/user-list'
import { createUser, deleteUser, getUser } from '../../../core/users/users'
import { authenticated } from '../../../http/credentials/authentication'
import { validateChanges, readJson } from '../../../http/bodies/body'
import {
  changeCondition,
  changeConditions,
  etagHeader,
  ifNoneMatch,
  isNotModified,
  toETag,
} from '../../../http/contract/conditions'
import { readCursor, writeCursor } from '../../../http/contract/cursor'
import { withIdempotencyKey, replayedHeader } from '../../../http/contract/idempotency'
import { documentedBody, header, json, jsonBody } from '../../../http/contract/json'
import { failures } from '../errors'
import { toAnySelector, toId, toSelector } from '../mapping/ids'
import { fromUser, toNamedRoles, toNewUser, toUserChanges } from '../mapping/users'
import { V1IdempotencyKey } from '../schemas/headers'
import { V1User, V1UserCreate, V1UserList, V1UserListQuery, V1UserRoles, V1UserUpdate } from '../schemas/users'
import { app } from './contract'

const tags = ['users']

const params = z.object({ id: z.string().openapi({ example: 'usr_019b1c6e7a407d529a513f1d0c2b4e66' }) })

const getUserRoute = createRoute({
  ...authenticated(['users:read'], (c) => toAnySelector(c.req.param('id') ?? '')),
  method: 'get',
  path: '/users/{id}',
  operationId: 'v1GetUser',
  tags,
  summary: 'Get a user',
  description: 'For `id`, also `matricule:4821` or `number:17`.',
  parameters: [ifNoneMatch],
  request: { params },
  responses: {
    200: json(V1User, 'The user', etagHeader),
    304: { description: 'As the client has it', headers: etagHeader },
    ...failures(401, 403, 404),
  },
})

app.openapi(getUserRoute, async (c) => {
  const user = await getUser(c.var.caller, toAnySelector(c.req.valid('param').id))
  const etag = toETag(user)
  if (isNotModified(c, user)) return c.body(null, 304, { etag })
  return c.json(fromUser(user), 200, { etag })
})

const createUserRoute = createRoute({
  ...authenticated(['users:create']),
  method: 'post',
  path: '/users',
  operationId: 'v1CreateUser',
  tags,
  summary: 'Create a user',
  description: 'A role other than `user` also needs `roles:assign` and every permission of that role.',
  request: { headers: V1IdempotencyKey, body: jsonBody(V1UserCreate) },
  responses: {
    201: json(V1User, 'The new user', {
      ...etagHeader,
      ...replayedHeader,
      Location: header('Where the user is'),
    }),
    ...failures(400, 401, 403, 404, 409, 413, 415, 422),
  },
})

app.openapi(createUserRoute, async (c) => {
  const caller = await withIdempotencyKey(c, c.req.valid('header')['idempotency-key'])
  const user = await createUser(caller, toNewUser(c.req.valid('json')))
  return c.json(fromUser(user), 201, { etag: toETag(user), location: `/v1/users/${toId(user.id)}` })
})

const update = {
  ...authenticated(['users:update'], (c) => toSelector(c.req.param('id') ?? '')),
  path: '/users/{id}' as const,
  tags,
  description:
    "PUT and PATCH do the same. Null removes a value. A role also needs `roles:assign` and every permission of that role. A new password revokes the user's sessions and, without `keep_api_keys`, their API keys.",
  parameters: changeConditions,
  request: { params, body: documentedBody(app, { V1UserUpdate }) },
  responses: { 200: json(V1User, 'The user', etagHeader), ...failures(400, 401, 403, 404, 409, 412, 413, 415) },
}

for (const route of [
  createRoute({ ...update, method: 'put', operationId: 'v1PutUser', summary: 'Change a user, as PATCH does' }),
  createRoute({ ...update, method: 'patch', operationId: 'v1PatchUser', summary: 'Change a user' }),
]) {
  app.openapi(route, async (c) => {
    const sent = await readJson(c)
    const user = await updateUser(
      c.var.caller,
      toSelector(c.req.valid('param').id),
      (present) => toUserChanges(validateChanges(V1UserUpdate, sent, { shown: present && fromUser(present) })),
      { namedRoles: toNamedRoles(sent), condition: changeCondition(c) },
    )
    return c.json(fromUser(user), 200, { etag: toETag(user) })
  })
}

const deleteUserRoute = createRoute({
  ...authenticated(['users:delete']),
  method: 'delete',
  path: '/users/{id}',
  operationId: 'v1DeleteUser',
  tags,
  summary: 'Delete a user permanently',
  description: 'The email, username and matricule become free. The id is never reused.',
  parameters: changeConditions,
  request: { params },
  responses: { 204: { description: 'Deleted' }, ...failures(401, 403, 404, 409, 412) },
})

app.openapi(deleteUserRoute, async (c) => {
  await deleteUser(c.var.caller, toSelector(c.req.valid('param').id), { condition: changeCondition(c) })
  return c.body(null, 204)
})

const listUsersRoute = createRoute({
  ...authenticated(['users:read']),
  method: 'get',
  path: '/users',
  operationId: 'v1ListUsers',
  tags,
  summary: 'List users, page by page',
  description: 'A cursor is valid only for the sort and filters it came from.',
  request: { query: V1UserListQuery },
  responses: { 200: json(V1UserList, 'A page, with the exact total of all pages'), ...failures(400, 401, 403) },
})

const sortKeys = { created_at: 'number', email: 'email', name: 'name' } as const
const position = z.strictObject({ key: z.string(), number: z.int() })

app.openapi(listUsersRoute, async (c) => {
  const { limit = 20, cursor, search, status, role, password, sort = 'created_at' } = c.req.valid('query')
  const list = [sort, status ?? null, role ?? null, search ?? null, ...(password ? [password] : [])]
  const { users, total, next } = await listUsers(c.var.caller, {
    sort: sortKeys[sort.replace('-', '') as keyof typeof sortKeys],
    descending: sort.startsWith('-'),
    after: readCursor(cursor, list, position),
    limit,
    active: status && status === 'active',
    role: role === undefined ? undefined : { name: role },
    password,
    search: search === undefined ? undefined : { text: search, fields: searchFields },
  })
  const next_cursor = next === undefined ? null : writeCursor(next, list)
  return c.json({ data: users.map(fromUser), pagination: { next_cursor, total } }, 200)
})

const searchFields = ['email', 'username', 'name', 'given_name', 'family_name'] as const

const setRoles = createRoute({
  ...authenticated(['roles:assign']),
  method: 'put',
  path: '/users/{id}/roles',
  operationId: 'v1SetUserRoles',
  tags,
  summary: 'Replace the roles of a user',
  description: 'Also needs every permission of the roles. An empty list gives the role `user`.',
  parameters: changeConditions,
  request: { params, body: jsonBody(V1UserRoles) },
  responses: { 200: json(V1User, 'The user', etagHeader), ...failures(400, 401, 403, 404, 409, 412, 413, 415) },
})

app.openapi(setRoles, async (c) => {
  const roles = c.req.valid('json').roles.map((name) => ({ name }))
  const user = await updateUser(c.var.caller, toSelector(c.req.valid('param').id), () => ({ roles }), {
    namedRoles: roles,
    condition: changeCondition(c),
  })
  return c.json(fromUser(user), 200, { etag: toETag(user) })
})

for (const [action, active] of [
  ['activate', true],
  ['deactivate', false],
] as const) {
  const route = createRoute({
    ...authenticated(['users:deactivate']),
    method: 'post',
    path: `/users/{id}/${action}`,
    operationId: active ? 'v1ActivateUser' : 'v1DeactivateUser',
    tags,
    summary: active ? 'Activate a user' : 'Deactivate a user, which ends their sessions and API keys',
    description: 'Idempotent. Activation does not restore revoked sessions and API keys.',
    parameters: changeConditions,
    request: { params, headers: V1IdempotencyKey },
    responses: {
      200: json(V1User, 'The user', { ...etagHeader, ...replayedHeader }),
      ...failures(400, 401, 403, 404, 412, 413, 415, 422),
      ...(active ? {} : failures(409)),
    },
  })
  app.openapi(route, async (c) => {
    const caller = await withIdempotencyKey(c, c.req.valid('header')['idempotency-key'])
    const condition = changeCondition(c)
    const user = await setActive(caller, toSelector(c.req.valid('param').id), active, { condition })
    return c.json(fromUser(user), 200, { etag: toETag(user) })
  })
}

/** Users. */
import { createRoute, z } from '@hono/zod-openapi'
import { createUser, deleteUser, getUser, listUsers } from '../../../core/users'
import { authenticated } from '../../../http/authentication'
import { readCursor, writeCursor } from '../../../http/cursor'
import { json, jsonBody } from '../../../http/json'
import { failures } from '../errors'
import { fromUser, toETag, toId, toNewUser, toSelector } from '../mapping'
import { V1User, V1UserCreate, V1UserList, V1UserListQuery } from '../schemas'
import { app } from './contract'

const idParam = z.object({ id: z.string().openapi({ example: 'usr_019b1c6e7a407d529a513f1d0c2b4e66' }) })

const getUserRoute = createRoute({
  ...authenticated(['users:read'], (c) => toSelector(c.req.param('id') ?? '')),
  method: 'get',
  path: '/users/{id}',
  operationId: 'v1GetUser',
  summary: 'One user',
  request: { params: idParam },
  responses: { 200: json(V1User, 'The user'), ...failures(401, 403, 404) },
})

app.openapi(getUserRoute, async (c) => {
  const user = await getUser(c.var.caller, toSelector(c.req.valid('param').id))
  return c.json(fromUser(user), 200, { etag: toETag(user) })
})

const createUserRoute = createRoute({
  ...authenticated(['users:create']),
  method: 'post',
  path: '/users',
  operationId: 'v1CreateUser',
  summary: 'Create a user',
  request: { body: jsonBody(V1UserCreate) },
  responses: { 201: json(V1User, 'The new user'), ...failures(400, 401, 403, 409, 413, 415) },
})

app.openapi(createUserRoute, async (c) => {
  const user = await createUser(c.var.caller, toNewUser(c.req.valid('json')))
  return c.json(fromUser(user), 201, { etag: toETag(user), location: `/v1/users/${toId(user)}` })
})

const deleteUserRoute = createRoute({
  ...authenticated(['users:delete']),
  method: 'delete',
  path: '/users/{id}',
  operationId: 'v1DeleteUser',
  summary: 'Delete a user for good',
  request: { params: idParam },
  responses: { 204: { description: 'Deleted' }, ...failures(401, 403, 404, 409) },
})

app.openapi(deleteUserRoute, async (c) => {
  await deleteUser(c.var.caller, toSelector(c.req.valid('param').id))
  return c.body(null, 204)
})

const listUsersRoute = createRoute({
  ...authenticated(['users:read']),
  method: 'get',
  path: '/users',
  operationId: 'v1ListUsers',
  summary: 'Users, a page at a time, in order of creation',
  request: { query: V1UserListQuery },
  responses: { 200: json(V1UserList, 'A page'), ...failures(400, 401, 403) },
})

app.openapi(listUsersRoute, async (c) => {
  const { limit = 20, cursor } = c.req.valid('query')
  const { users, total, next } = await listUsers(c.var.caller, { after: readCursor(cursor), limit })
  const next_cursor = next === undefined ? null : writeCursor(next)
  return c.json({ data: users.map(fromUser), pagination: { next_cursor, total } }, 200)
})

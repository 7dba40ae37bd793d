/** Roles. */
import { createRoute, z } from '@hono/zod-openapi'
import { createRole, deleteRole, getRole, listRoles, updateRole } from '../../../core/access/role-management'
import { authenticated } from '../../../http/credentials/authentication'
import { withIdempotencyKey, replayedHeader } from '../../../http/contract/idempotency'
import { header, json, jsonBody } from '../../../http/contract/json'
import { failures } from '../errors'
import { fromRole } from '../mapping/roles'
import { V1IdempotencyKey } from '../schemas/headers'
import { V1Role, V1RoleCreate, V1RoleList, V1RoleUpdate } from '../schemas/roles'
import { app } from './contract'

const tags = ['roles']

const params = z.object({ id: z.string() })

const list = createRoute({
  ...authenticated(['roles:read']),
  method: 'get',
  path: '/roles',
  operationId: 'v1ListRoles',
  tags,
  summary: 'List roles',
  responses: { 200: json(V1RoleList, 'The roles, in order of number'), ...failures(401, 403) },
})

app.openapi(list, async (c) => c.json({ data: (await listRoles(c.var.caller)).map(fromRole) }, 200))

const create = createRoute({
  ...authenticated(['roles:manage']),
  method: 'post',
  path: '/roles',
  operationId: 'v1CreateRole',
  tags,
  summary: 'Create a role, under a given id and number if needed',
  description: 'Also needs every permission of the role.',
  request: { headers: V1IdempotencyKey, body: jsonBody(V1RoleCreate) },
  responses: {
    201: json(V1Role, 'The new role', { ...replayedHeader, Location: header('Where the role is') }),
    ...failures(400, 401, 403, 404, 409, 413, 415, 422),
  },
})

app.openapi(create, async (c) => {
  const caller = await withIdempotencyKey(c, c.req.valid('header')['idempotency-key'])
  const role = await createRole(caller, c.req.valid('json'))
  return c.json(fromRole(role), 201, { location: `/v1/roles/${role.id}` })
})

const get = createRoute({
  ...authenticated(['roles:read']),
  method: 'get',
  path: '/roles/{id}',
  operationId: 'v1GetRole',
  tags,
  summary: 'Get a role',
  request: { params },
  responses: { 200: json(V1Role, 'The role'), ...failures(401, 403, 404) },
})

app.openapi(get, async (c) => c.json(fromRole(await getRole(c.var.caller, c.req.valid('param').id)), 200))

const patch = createRoute({
  ...authenticated(['roles:manage']),
  method: 'patch',
  path: '/roles/{id}',
  operationId: 'v1PatchRole',
  tags,
  summary: 'Change the description or the permissions of a role',
  description: 'Also needs every permission of the role, before and after the change.',
  request: { params, body: jsonBody(V1RoleUpdate) },
  responses: { 200: json(V1Role, 'The role'), ...failures(400, 401, 403, 404, 409, 413, 415) },
})

app.openapi(patch, async (c) => {
  const role = await updateRole(c.var.caller, c.req.valid('param').id, c.req.valid('json'))
  return c.json(fromRole(role), 200)
})

const remove = createRoute({
  ...authenticated(['roles:manage']),
  method: 'delete',
  path: '/roles/{id}',
  operationId: 'v1DeleteRole',
  tags,
  summary: 'Delete a role that is not in use',
  request: { params },
  responses: { 204: { description: 'Deleted' }, ...failures(401, 403, 404, 409) },
})

app.openapi(remove, async (c) => {
  await deleteRole(c.var.caller, c.req.valid('param').id)
  return c.body(null, 204)
})

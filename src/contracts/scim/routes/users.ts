/** Users. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import {
  createProvisionedUser,
  getProvisionedUser,
  listProvisionedUsers,
  updateProvisionedUser,
  type ProvisionedUser,
} from '../../../core/provisioning/users'
import { deleteUser } from '../../../core/users/users'
import { readJson } from '../../../http/bodies/body'
import { changeCondition, changeConditions, ifNoneMatch, isNotModified } from '../../../http/contract/conditions'
import { documentedBody } from '../../../http/contract/json'
import { authenticated } from '../../../http/credentials/authentication'
import { failures } from '../errors'
import { applyPatch, readOperations } from '../language/patch'
import { readResource } from '../language/values'
import { project, type Projection } from '../mapping/projection'
import { fromUser, toChanges, toETag, toNewUser, toReplacement, valuesOf } from '../mapping/users'
import {
  parameterOf,
  placeOf,
  projectionOf,
  searchParameters,
  toUserList,
  userListQuery,
  type ListQuery,
} from '../query'
import { userResource } from '../schemas/attributes'
import { listMessage, ScimPatch, ScimSearch, ScimUser, ScimUserBody, ScimUserList } from '../schemas/messages'
import { projectionParameters, listParameters } from '../schemas/parameters'
import { answer, app, baseOf, bodyTypes, scim, userHeaders } from './contract'

const tags = ['users']
const params = z.object({ id: z.string().openapi({ format: 'uuid' }) })

const idOf = (c: { req: { valid(part: 'param'): { id: string } } }) => c.req.valid('param').id.toLowerCase()

/** Responds with a user, its URL and its version. */
function answerUser<Status extends 200 | 201>(
  c: Context,
  provisioned: ProvisionedUser,
  status: Status,
  projection: Projection,
) {
  const base = baseOf(c)
  const headers = { location: `${base}/Users/${provisioned.user.id}`, etag: toETag(provisioned.user) }
  return answer(c, project(fromUser(provisioned, base), projection), status, headers)
}

const list = createRoute({
  ...authenticated(['users:read']),
  method: 'get',
  path: '/v2/Users',
  operationId: 'scimListUsers',
  tags,
  summary: 'List or filter users',
  parameters: listParameters,
  responses: { 200: scim(ScimUserList, 'A page, with the exact total of all pages'), ...failures(400, 401, 403) },
})

app.openapi(list, async (c) => answerList(c, userListQuery(parameterOf(c))))

const search = createRoute({
  ...authenticated(['users:read']),
  method: 'post',
  path: '/v2/Users/.search',
  operationId: 'scimSearchUsers',
  tags,
  summary: 'List or filter users, with the parameters in the body',
  request: { body: documentedBody(app, { ScimSearch }, bodyTypes) },
  responses: {
    200: scim(ScimUserList, 'A page, with the exact total of all pages'),
    ...failures(400, 401, 403, 413, 415),
  },
})

app.openapi(search, async (c) => answerList(c, userListQuery(searchParameters(await readJson(c)))))

async function answerList(c: Context, query: ListQuery) {
  const { users, total, next } = await listProvisionedUsers(c.var.caller, toUserList(query))
  const base = baseOf(c)
  const resources = users.map((user) => project(fromUser(user, base), query.projection))
  return answer(c, listMessage(resources, { total, ...placeOf(query, next) }), 200)
}

const create = createRoute({
  ...authenticated(['users:create']),
  method: 'post',
  path: '/v2/Users',
  operationId: 'scimCreateUser',
  tags,
  summary: 'Create a user',
  description: 'An inactive user takes `users:deactivate` too. The user gets the default role.',
  parameters: projectionParameters,
  request: { body: documentedBody(app, { ScimUserBody }, bodyTypes) },
  responses: { 201: scim(ScimUser, 'The new user', userHeaders), ...failures(400, 401, 403, 409, 413, 415) },
})

app.openapi(create, async (c) => {
  const projection = projectionOf(userResource, parameterOf(c))
  const { input, ...kept } = toNewUser(readResource(userResource, await readJson(c)))
  return answerUser(c, await createProvisionedUser(c.var.caller, input, kept), 201, projection)
})

const get = createRoute({
  ...authenticated(['users:read']),
  method: 'get',
  path: '/v2/Users/{id}',
  operationId: 'scimGetUser',
  tags,
  summary: 'Get a user',
  parameters: [...projectionParameters, ifNoneMatch],
  request: { params },
  responses: {
    200: scim(ScimUser, 'The user', userHeaders),
    304: { description: 'As the client has it', headers: userHeaders },
    ...failures(400, 401, 403, 404),
  },
})

app.openapi(get, async (c) => {
  const projection = projectionOf(userResource, parameterOf(c))
  const provisioned = await getProvisionedUser(c.var.caller, idOf(c))
  const { user } = provisioned
  if (isNotModified(c, user)) {
    return c.body(null, 304, { location: `${baseOf(c)}/Users/${user.id}`, etag: toETag(user) })
  }
  return answerUser(c, provisioned, 200, projection)
})

const change = {
  ...authenticated(['users:update']),
  path: '/v2/Users/{id}' as const,
  tags,
  parameters: [...projectionParameters, ...changeConditions],
  responses: { 200: scim(ScimUser, 'The user', userHeaders), ...failures(400, 401, 403, 404, 409, 412, 413, 415) },
}

const put = createRoute({
  ...change,
  method: 'put',
  operationId: 'scimPutUser',
  summary: 'Replace what SCIM keeps of a user',
  description: 'What the core keeps and the body leaves out stays. A change of `active` takes `users:deactivate` too.',
  request: { params, body: documentedBody(app, { ScimUserBody }, bodyTypes) },
})

app.openapi(put, async (c) => {
  const projection = projectionOf(userResource, parameterOf(c))
  const sent = readResource(userResource, await readJson(c))
  const user = await updateProvisionedUser(
    c.var.caller,
    idOf(c),
    (present) => (present ? toReplacement(sent, present) : { changes: {} }),
    { condition: changeCondition(c) },
  )
  return answerUser(c, user, 200, projection)
})

const patch = createRoute({
  ...change,
  method: 'patch',
  operationId: 'scimPatchUser',
  summary: 'Change a user by operations',
  description: 'The operations are one change. A change of `active` takes `users:deactivate` too.',
  request: { params, body: documentedBody(app, { ScimPatch }, bodyTypes) },
})

app.openapi(patch, async (c) => {
  const projection = projectionOf(userResource, parameterOf(c))
  const operations = readOperations(await readJson(c))
  const user = await updateProvisionedUser(
    c.var.caller,
    idOf(c),
    (present) =>
      present
        ? toChanges(applyPatch(userResource, valuesOf(present), operations, ['userName', 'active']), present)
        : { changes: {} },
    { condition: changeCondition(c) },
  )
  return answerUser(c, user, 200, projection)
})

const remove = createRoute({
  ...authenticated(['users:delete']),
  method: 'delete',
  path: '/v2/Users/{id}',
  operationId: 'scimDeleteUser',
  tags,
  summary: 'Delete a user for good',
  parameters: changeConditions,
  request: { params },
  responses: { 204: { description: 'Deleted' }, ...failures(401, 403, 404, 409, 412) },
})

app.openapi(remove, async (c) => {
  await deleteUser(c.var.caller, { id: idOf(c) }, { condition: changeCondition(c) })
  return c.body(null, 204)
})

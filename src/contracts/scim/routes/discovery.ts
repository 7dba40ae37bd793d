/** Describes the service, for clients without a credential. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { Refused } from '../../../core/refusal'
import { Failed } from '../../../http/contract/failure'
import { anonymousOrAuthenticated } from '../../../http/credentials/authentication'
import { failures, notImplemented } from '../errors'
import { resourceTypes, schemaResources, serviceProviderConfig } from '../mapping/discovery'
import {
  listMessage,
  ScimResourceType,
  ScimResourceTypeList,
  ScimSchema,
  ScimSchemaList,
  ScimServiceProviderConfig,
} from '../schemas/messages'
import { answer, app, baseOf, scim } from './contract'

const tags = ['discovery']

/** RFC 7644, section 4, requires that a filter is refused here. */
function refuseFilter(c: Context): void {
  if (c.req.query('filter') !== undefined) throw new Refused({ kind: 'forbidden', missing: [] })
}

function answerOne(c: Context, resources: readonly { id: string }[], id: string) {
  const found = resources.find((one) => one.id.toLowerCase() === id.toLowerCase())
  if (!found) throw new Failed({ kind: 'no_such_path' })
  return answer(c, found, 200)
}

const config = createRoute({
  ...anonymousOrAuthenticated(),
  method: 'get',
  path: '/v2/ServiceProviderConfig',
  operationId: 'scimGetServiceProviderConfig',
  tags,
  summary: 'What the service supports',
  responses: { 200: scim(ScimServiceProviderConfig, 'The configuration'), ...failures(401, 403) },
})

app.openapi(config, (c) => {
  refuseFilter(c)
  return answer(c, serviceProviderConfig(baseOf(c)), 200)
})

const types = createRoute({
  ...anonymousOrAuthenticated(),
  method: 'get',
  path: '/v2/ResourceTypes',
  operationId: 'scimListResourceTypes',
  tags,
  summary: 'List the types of resources',
  responses: { 200: scim(ScimResourceTypeList, 'The types'), ...failures(401, 403) },
})

app.openapi(types, (c) => {
  refuseFilter(c)
  const resources = resourceTypes(baseOf(c))
  return answer(c, listMessage(resources, { total: resources.length, startIndex: 1 }), 200)
})

const type = createRoute({
  ...anonymousOrAuthenticated(),
  method: 'get',
  path: '/v2/ResourceTypes/{id}',
  operationId: 'scimGetResourceType',
  tags,
  summary: 'Get a type of resources',
  request: { params: z.object({ id: z.string() }) },
  responses: { 200: scim(ScimResourceType, 'The type'), ...failures(401, 403, 404) },
})

app.openapi(type, (c) => {
  refuseFilter(c)
  return answerOne(c, resourceTypes(baseOf(c)), c.req.valid('param').id)
})

const schemaList = createRoute({
  ...anonymousOrAuthenticated(),
  method: 'get',
  path: '/v2/Schemas',
  operationId: 'scimListSchemas',
  tags,
  summary: 'List the schemas',
  responses: { 200: scim(ScimSchemaList, 'The schemas'), ...failures(401, 403) },
})

app.openapi(schemaList, (c) => {
  refuseFilter(c)
  const resources = schemaResources(baseOf(c))
  return answer(c, listMessage(resources, { total: resources.length, startIndex: 1 }), 200)
})

const schema = createRoute({
  ...anonymousOrAuthenticated(),
  method: 'get',
  path: '/v2/Schemas/{id}',
  operationId: 'scimGetSchema',
  tags,
  summary: 'Get a schema by its URN',
  request: { params: z.object({ id: z.string() }) },
  responses: { 200: scim(ScimSchema, 'The schema'), ...failures(401, 403, 404) },
})

app.openapi(schema, (c) => {
  refuseFilter(c)
  return answerOne(c, schemaResources(baseOf(c)), c.req.valid('param').id)
})

for (const path of ['/v2/Bulk', '/v2/Me', '/v2/.search']) app.all(path, (c) => notImplemented(c))

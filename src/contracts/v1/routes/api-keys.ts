/** API keys. */
import { createRoute, z } from '@hono/zod-openapi'
import { createApiKey, listApiKeys, listApiKeysOf, revokeApiKey, revokeApiKeysOf } from '../../../core/access/api-keys'
import { authenticated } from '../../../http/credentials/authentication'
import { json, jsonBody } from '../../../http/contract/json'
import { failures } from '../errors'
import { fromApiKey } from '../mapping/api-keys'
import { toSelector } from '../mapping/ids'
import { V1ApiKeyCreate, V1ApiKeyList, V1NewApiKey } from '../schemas/api-keys'
import { app } from './contract'

const tags = ['api-keys']

const create = createRoute({
  ...authenticated(['api_keys:manage']),
  method: 'post',
  path: '/api-keys',
  operationId: 'v1CreateApiKey',
  tags,
  summary: 'Create an API key',
  description: 'A key created with another key expires no later than that key and is revoked with it.',
  request: { body: jsonBody(V1ApiKeyCreate) },
  responses: { 201: json(V1NewApiKey, 'The key, shown this once'), ...failures(400, 401, 403, 413, 415) },
})

app.openapi(create, async (c) => {
  const { name, permissions, expires_at } = c.req.valid('json')
  const { key, ...made } = await createApiKey(c.var.caller, { name, permissions, expiresAt: expires_at ?? null })
  return c.json({ ...fromApiKey(made), key }, 201)
})

const list = createRoute({
  ...authenticated(['api_keys:manage']),
  method: 'get',
  path: '/api-keys',
  operationId: 'v1ListApiKeys',
  tags,
  summary: 'List your API keys, newest first',
  responses: { 200: json(V1ApiKeyList, 'The keys, without the secrets'), ...failures(401, 403) },
})

app.openapi(list, async (c) => c.json({ data: (await listApiKeys(c.var.caller)).map(fromApiKey) }, 200))

const revoke = createRoute({
  ...authenticated(['api_keys:manage']),
  method: 'delete',
  path: '/api-keys/{id}',
  operationId: 'v1RevokeApiKey',
  tags,
  summary: 'Revoke an API key',
  request: { params: z.object({ id: z.string() }) },
  responses: { 204: { description: 'Revoked' }, ...failures(401, 403, 404) },
})

app.openapi(revoke, async (c) => {
  await revokeApiKey(c.var.caller, c.req.valid('param').id)
  return c.body(null, 204)
})

const params = z.object({ id: z.string().openapi({ example: 'usr_019b1c6e7a407d529a513f1d0c2b4e66' }) })

const listOfUser = createRoute({
  ...authenticated(['api_keys:manage']),
  method: 'get',
  path: '/users/{id}/api-keys',
  operationId: 'v1ListUserApiKeys',
  tags,
  summary: 'List the API keys of a user',
  description: 'Newest first. Expired and revoked keys are not listed.',
  request: { params },
  responses: { 200: json(V1ApiKeyList, 'The keys, without the secrets'), ...failures(401, 403, 404) },
})

app.openapi(listOfUser, async (c) => {
  const keys = await listApiKeysOf(c.var.caller, toSelector(c.req.valid('param').id))
  return c.json({ data: keys.map(fromApiKey) }, 200)
})

const revokeOfUser = createRoute({
  ...authenticated(['api_keys:manage']),
  method: 'delete',
  path: '/users/{id}/api-keys',
  operationId: 'v1RevokeUserApiKeys',
  tags,
  summary: 'Revoke every API key of a user',
  description: 'For another user it also needs every permission of each key; otherwise no key is revoked.',
  request: { params },
  responses: { 204: { description: 'Revoked' }, ...failures(401, 403, 404) },
})

app.openapi(revokeOfUser, async (c) => {
  await revokeApiKeysOf(c.var.caller, toSelector(c.req.valid('param').id))
  return c.body(null, 204)
})

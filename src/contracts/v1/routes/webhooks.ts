/** Webhooks. */
import { createRoute, z } from '@hono/zod-openapi'
import {
  createWebhook,
  deleteWebhook,
  getWebhook,
  listWebhookFailures,
  listWebhooks,
  pingWebhook,
  replaceWebhookSecret,
  retryWebhookFailures,
  updateWebhook,
} from '../../../core/webhooks/webhooks'
import { authenticated } from '../../../http/credentials/authentication'
import { readCursor, writeCursor } from '../../../http/contract/cursor'
import { header, json, jsonBody } from '../../../http/contract/json'
import { toUtc } from '../../../http/contract/times'
import { postToWebhook, webhookSecrets } from '../../../http/deployment/webhook-post'
import { failures } from '../errors'
import { fromSecrets, fromWebhook, fromWebhookFailure, toWebhookInput } from '../mapping/webhooks'
import {
  V1NewWebhook,
  V1Webhook,
  V1WebhookCreate,
  V1WebhookFailureList,
  V1WebhookFailureListQuery,
  V1WebhookList,
  V1WebhookPing,
  V1WebhookRetry,
  V1WebhookSecret,
  V1WebhookUpdate,
} from '../schemas/webhooks'
import { app } from './contract'

const tags = ['webhooks']

const params = z.object({ id: z.string() })

const list = createRoute({
  ...authenticated(['webhooks:manage']),
  method: 'get',
  path: '/webhooks',
  operationId: 'v1ListWebhooks',
  tags,
  summary: 'List webhooks, newest first',
  responses: { 200: json(V1WebhookList, 'The webhooks'), ...failures(401, 403) },
})

app.openapi(list, async (c) => c.json({ data: (await listWebhooks(c.var.caller)).map(fromWebhook) }, 200))

const create = createRoute({
  ...authenticated(['webhooks:manage']),
  method: 'post',
  path: '/webhooks',
  operationId: 'v1CreateWebhook',
  tags,
  summary: 'Create a webhook, which receives changes of users from now on',
  description: 'It receives all events unless `events` selects some.',
  request: { body: jsonBody(V1WebhookCreate) },
  responses: {
    201: json(V1NewWebhook, 'The webhook, with its secret', { Location: header('Where the webhook is') }),
    ...failures(400, 401, 403, 413, 415),
  },
})

app.openapi(create, async (c) => {
  const { url, ...input } = c.req.valid('json')
  const webhook = await createWebhook(c.var.caller, { ...toWebhookInput(input), url })
  const [secret] = await webhookSecrets(c.var.configuration, webhook)
  return c.json({ ...fromWebhook(webhook), secret }, 201, { location: `/v1/webhooks/${webhook.id}` })
})

const get = createRoute({
  ...authenticated(['webhooks:manage']),
  method: 'get',
  path: '/webhooks/{id}',
  operationId: 'v1GetWebhook',
  tags,
  summary: 'Get a webhook and the outcome of its last attempt',
  request: { params },
  responses: { 200: json(V1Webhook, 'The webhook'), ...failures(401, 403, 404) },
})

app.openapi(get, async (c) => c.json(fromWebhook(await getWebhook(c.var.caller, c.req.valid('param').id)), 200))

const patch = createRoute({
  ...authenticated(['webhooks:manage']),
  method: 'patch',
  path: '/webhooks/{id}',
  operationId: 'v1PatchWebhook',
  tags,
  summary: 'Change a webhook, stop it, or resume it where it stopped',
  request: { params, body: jsonBody(V1WebhookUpdate) },
  responses: { 200: json(V1Webhook, 'The webhook'), ...failures(400, 401, 403, 404, 413, 415) },
})

app.openapi(patch, async (c) => {
  const webhook = await updateWebhook(c.var.caller, c.req.valid('param').id, toWebhookInput(c.req.valid('json')))
  return c.json(fromWebhook(webhook), 200)
})

const remove = createRoute({
  ...authenticated(['webhooks:manage']),
  method: 'delete',
  path: '/webhooks/{id}',
  operationId: 'v1DeleteWebhook',
  tags,
  summary: 'Delete a webhook and its failed deliveries',
  request: { params },
  responses: { 204: { description: 'Deleted' }, ...failures(401, 403, 404) },
})

app.openapi(remove, async (c) => {
  await deleteWebhook(c.var.caller, c.req.valid('param').id)
  return c.body(null, 204)
})

const secret = createRoute({
  ...authenticated(['webhooks:manage']),
  method: 'get',
  path: '/webhooks/{id}/secret',
  operationId: 'v1GetWebhookSecret',
  tags,
  summary: 'Get the signing secret of a webhook',
  request: { params },
  responses: { 200: json(V1WebhookSecret, 'The secret, and the previous one'), ...failures(401, 403, 404) },
})

app.openapi(secret, async (c) => {
  const webhook = await getWebhook(c.var.caller, c.req.valid('param').id)
  return c.json(fromSecrets(await webhookSecrets(c.var.configuration, webhook)), 200)
})

const replaceSecret = createRoute({
  ...authenticated(['webhooks:manage']),
  method: 'post',
  path: '/webhooks/{id}/secret',
  tags,
  operationId: 'v1ReplaceWebhookSecret',
  summary: 'Give a webhook a new secret',
  description: 'The previous secret also signs for 24 hours.',
  request: { params },
  responses: {
    200: json(V1WebhookSecret, 'The new secret, and the previous one'),
    ...failures(400, 401, 403, 404, 413, 415),
  },
})

app.openapi(replaceSecret, async (c) => {
  const webhook = await replaceWebhookSecret(c.var.caller, c.req.valid('param').id)
  return c.json(fromSecrets(await webhookSecrets(c.var.configuration, webhook)), 200)
})

const listFailures = createRoute({
  ...authenticated(['webhooks:manage']),
  method: 'get',
  path: '/webhooks/{id}/failures',
  operationId: 'v1ListWebhookFailures',
  tags,
  summary: 'List the failed deliveries of a webhook, newest first',
  request: { params, query: V1WebhookFailureListQuery },
  responses: { 200: json(V1WebhookFailureList, 'A page'), ...failures(400, 401, 403, 404) },
})

app.openapi(listFailures, async (c) => {
  const { id } = c.req.valid('param')
  const { limit = 20, cursor } = c.req.valid('query')
  const of = ['webhook failures', id]
  const page = await listWebhookFailures(c.var.caller, id, { before: readCursor(cursor, of, z.int()), limit })
  const next_cursor = page.next === undefined ? null : writeCursor(page.next, of)
  return c.json({ data: page.failures.map(fromWebhookFailure), pagination: { next_cursor } }, 200)
})

const retry = createRoute({
  ...authenticated(['webhooks:manage']),
  method: 'post',
  path: '/webhooks/{id}/retry',
  operationId: 'v1RetryWebhook',
  tags,
  summary: 'Retry the failed deliveries of a webhook',
  request: { params },
  responses: { 200: json(V1WebhookRetry, 'How much that is'), ...failures(400, 401, 403, 404, 413, 415) },
})

app.openapi(retry, async (c) => {
  const retrying = await retryWebhookFailures(c.var.caller, c.req.valid('param').id)
  return c.json({ retrying }, 200)
})

const ping = createRoute({
  ...authenticated(['webhooks:manage']),
  method: 'post',
  path: '/webhooks/{id}/ping',
  operationId: 'v1PingWebhook',
  tags,
  summary: 'Send a `ping` to a webhook',
  request: { params },
  responses: { 200: json(V1WebhookPing, 'What came of it'), ...failures(400, 401, 403, 404, 413, 415) },
})

app.openapi(ping, async (c) => {
  const { caller, configuration } = c.var
  const outcome = await pingWebhook(caller, c.req.valid('param').id, (webhook) => {
    const id = crypto.randomUUID()
    return postToWebhook(configuration, webhook, {
      id,
      body: { id, type: 'ping', timestamp: toUtc(caller.now), data: {} },
    })
  })
  return c.json({ outcome }, 200)
})

/** The migration from upstreams: its progress, and the secrets of hooks. */
import { createRoute, z } from '@hono/zod-openapi'
import { getMigration, requireHook } from '../../../core/moving/migration'
import { json } from '../../../http/contract/json'
import { authenticated } from '../../../http/credentials/authentication'
import { hookSecrets } from '../../../http/upstreams/upstreams'
import { failures } from '../errors'
import { fromUpstreamProgress } from '../mapping/migration'
import { fromSecrets } from '../mapping/webhooks'
import { V1Migration } from '../schemas/migration'
import { V1WebhookSecret } from '../schemas/webhooks'
import { app } from './contract'

const tags = ['migration']

const get = createRoute({
  ...authenticated(['users:read']),
  method: 'get',
  path: '/migration',
  operationId: 'v1GetMigration',
  tags,
  summary: 'Get how many users of each upstream have signed in, and how many are pending',
  responses: { 200: json(V1Migration, 'The upstreams, in order of name'), ...failures(401, 403) },
})

app.openapi(get, async (c) => c.json({ data: (await getMigration(c.var.caller)).map(fromUpstreamProgress) }, 200))

const secret = createRoute({
  ...authenticated(['webhooks:manage']),
  method: 'get',
  path: '/migration/{upstream}/secret',
  operationId: 'v1GetHookSecret',
  tags,
  summary: 'Get the secret that signs what a hook is sent',
  request: { params: z.object({ upstream: z.string() }) },
  responses: { 200: json(V1WebhookSecret, 'The secret, and the previous one'), ...failures(401, 403, 404) },
})

app.openapi(secret, async (c) => {
  const { upstream } = c.req.valid('param')
  await requireHook(c.var.caller, upstream)
  return c.json(fromSecrets(await hookSecrets(c.var.configuration, upstream)), 200)
})

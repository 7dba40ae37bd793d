/** Which users and programs use which operations. */
import { createRoute, z } from '@hono/zod-openapi'
import { listUsage, pageKey, usageDimensions } from '../../../core/usage/usage'
import { authenticated } from '../../../http/credentials/authentication'
import { readCursor, writeCursor } from '../../../http/contract/cursor'
import { json } from '../../../http/contract/json'
import { failures } from '../errors'
import { fromUsage } from '../mapping/usage'
import { V1UsageList, V1UsageQuery } from '../schemas/usage'
import { app } from './contract'

const list = createRoute({
  ...authenticated(['usage:read']),
  method: 'get',
  path: '/usage',
  operationId: 'v1ListUsage',
  tags: ['usage'],
  summary: 'List which users and programs use which operations',
  description: 'A cursor is good for the filters and the group it came from.',
  request: { query: V1UsageQuery },
  responses: { 200: json(V1UsageList, 'A page'), ...failures(400, 401, 403) },
})

const withoutDay = usageDimensions.filter((dimension) => dimension !== 'day')
const positionOf = (length: number) =>
  z
    .array(z.union([z.string(), z.int()]))
    .min(1)
    .length(length)

app.openapi(list, async (c) => {
  const { limit = 20, cursor, contract, operation, since, group = withoutDay } = c.req.valid('query')
  const query = ['usage', contract ?? null, operation ?? null, since ?? null, group]
  const key = pageKey({ group, contract, operation })
  const { usage, next } = await listUsage(c.var.caller, {
    contract,
    operation,
    since,
    group,
    after: readCursor(cursor, query, positionOf(key.length)),
    limit,
  })
  const next_cursor = next === undefined ? null : writeCursor(next, query)
  return c.json({ data: usage.map(fromUsage), pagination: { next_cursor } }, 200)
})

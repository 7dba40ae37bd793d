/** The audit trail. */
import { createRoute, z } from '@hono/zod-openapi'
import { listAuditEvents } from '../../../core/audit/audit-trail'
import { authenticated } from '../../../http/credentials/authentication'
import { readCursor, writeCursor } from '../../../http/contract/cursor'
import { json } from '../../../http/contract/json'
import { failures } from '../errors'
import { fromAuditEvent } from '../mapping/audit-events'
import { toSelector } from '../mapping/ids'
import { V1AuditEventList, V1AuditEventListQuery } from '../schemas/audit-events'
import { app } from './contract'

const tags = ['audit-events']

const list = createRoute({
  ...authenticated(['audit:read']),
  method: 'get',
  path: '/audit-events',
  operationId: 'v1ListAuditEvents',
  tags,
  summary: 'List audit events, newest first',
  request: { query: V1AuditEventListQuery },
  responses: { 200: json(V1AuditEventList, 'A page'), ...failures(400, 401, 403) },
})

app.openapi(list, async (c) => {
  const { limit = 20, cursor, user, actor, action } = c.req.valid('query')
  const trail = ['audit', user ?? null, actor ?? null, action ?? null]
  const { events, next } = await listAuditEvents(c.var.caller, {
    before: readCursor(cursor, trail, z.int()),
    limit,
    userId: user === undefined ? undefined : toSelector(user).id,
    actorId: actor === undefined ? undefined : toSelector(actor).id,
    action,
  })
  const next_cursor = next === undefined ? null : writeCursor(next, trail)
  return c.json({ data: events.map(fromAuditEvent), pagination: { next_cursor } }, 200)
})

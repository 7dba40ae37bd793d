/** Audit events. */
import { z } from '@hono/zod-openapi'
import { auditActions } from '../../../core/audit'
import { page, time, uuid } from './fields'

const action = z.enum(auditActions)

export const V1AuditEvent = z
  .strictObject({
    id: uuid,
    at: time,
    actor_id: z.string().nullable(),
    action,
    user_id: z.string().nullable(),
    contract: z.string(),
    fields: z.array(z.string()),
  })
  .openapi('V1AuditEvent')

export const V1AuditEventList = z
  .strictObject({
    data: z.array(V1AuditEvent),
    pagination: z.strictObject({ next_cursor: z.string().nullable() }),
  })
  .openapi('V1AuditEventList')

export const V1AuditEventListQuery = z.object({
  ...page,
  user: z.string().optional().openapi({ description: 'Whom it was done to, `usr_…`' }),
  actor: z.string().optional().openapi({ description: 'Who did it, `usr_…`' }),
  action: action.optional(),
})

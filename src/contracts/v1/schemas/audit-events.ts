/** Audit events. */
import { z } from '@hono/zod-openapi'
import { auditActions } from '../../../core/audit/audit'
import { orEmpty } from '../../../http/contract/fields'
import { cursorPagination, page, time, userId, uuid } from './fields'

const action = z.enum(auditActions).openapi('V1AuditAction')

const credential = z
  .strictObject({ kind: z.enum(['session', 'key']).openapi('V1CredentialKind'), id: uuid })
  .openapi('V1AuditCredential', { description: 'The session or API key that authorised the request' })

export const V1AuditEvent = z
  .strictObject({
    id: uuid,
    at: time,
    actor_id: userId.nullable(),
    action,
    user_id: userId.nullable(),
    contract: z.string(),
    fields: z.array(z.string()),
    subject_id: uuid
      .nullable()
      .openapi({ description: 'The role, API key, session or webhook that the event is about' }),
    credential: credential.nullable(),
    request_id: uuid.nullable().openapi({ description: 'The `X-Request-Id` of the response' }),
    address: z.string().nullable().openapi({
      description: 'The address of the client, for `session.created`, `account.locked` and `session.reuse_detected`',
    }),
  })
  .openapi('V1AuditEvent')

export const V1AuditEventList = z
  .strictObject({
    data: z.array(V1AuditEvent),
    pagination: cursorPagination,
  })
  .openapi('V1AuditEventList')

export const V1AuditEventListQuery = z.object({
  ...page,
  user: orEmpty(z.string()).openapi({ description: 'The user that the action changed, `usr_…`' }),
  actor: orEmpty(z.string()).openapi({ description: 'The user who acted, `usr_…`' }),
  action: orEmpty(action),
})

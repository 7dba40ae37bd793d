/** Audit events. */
import type { z } from '@hono/zod-openapi'
import type { AuditEvent } from '../../../core/audit/audit-trail'
import { toUtc } from '../../../http/contract/times'
import type { V1AuditEvent } from '../schemas/audit-events'
import { wireName } from './field-names'
import { toId } from './ids'

export function fromAuditEvent(event: AuditEvent): z.infer<typeof V1AuditEvent> {
  return {
    id: event.id,
    at: toUtc(event.at),
    actor_id: event.actorId === null ? null : toId(event.actorId),
    action: event.action,
    user_id: event.userId === null ? null : toId(event.userId),
    contract: event.contract,
    fields: event.fields.map(wireName),
    subject_id: event.subjectId,
    credential: event.credential,
    request_id: event.requestId,
    address: event.address,
  }
}

/** Reads the audit trail. */
import { selectAuditEvents, type AuditEventRow } from '../../database/audit/audit'
import type { AuditAction } from './audit'
import { hyphenated } from '../encoding'
import { guard, translateRefusals, type Caller } from '../access/caller'

/** `at` is unix seconds. */
export interface AuditEvent {
  id: string
  at: number
  actorId: string | null
  action: AuditAction
  userId: string | null
  contract: string
  fields: readonly string[]
  /** The role, API key, session or webhook that the event is about. */
  subjectId: string | null
  /** The session or API key that authorised the request. */
  credential: { kind: 'session' | 'key'; id: string } | null
  /** The `X-Request-Id` of the response. */
  requestId: string | null
  /** The client's address, for sign-ins, lockouts and refused refreshes only. */
  address: string | null
}

/** Returns a page, newest first. `next` is the position of the next page, if there is one. */
export async function listAuditEvents(
  caller: Caller,
  filter: {
    before: number | undefined
    limit: number
    userId?: string | undefined
    actorId?: string | undefined
    action?: AuditAction | undefined
  },
): Promise<{ events: AuditEvent[]; next: number | undefined }> {
  const { before, limit, userId, actorId, action } = filter
  const [rows] = await translateRefusals(caller, () =>
    caller.database.batch(guard(caller), selectAuditEvents({ before, limit: limit + 1, userId, actorId, action })),
  )
  const page = rows.slice(0, limit)
  return {
    events: page.map(toAuditEvent),
    next: rows.length > limit ? page.at(-1)?.sequence : undefined,
  }
}

export function toAuditEvent(row: AuditEventRow): AuditEvent {
  return {
    id: row.id,
    at: row.at,
    actorId: row.actor_id,
    action: row.action as AuditAction,
    userId: row.user_id,
    contract: row.contract,
    fields: JSON.parse(row.fields) as string[],
    subjectId: row.subject_id,
    credential: row.credential_kind && { kind: row.credential_kind, id: hyphenated(row.credential_id) },
    requestId: row.request_id === '' ? null : hyphenated(row.request_id),
    address: row.address,
  }
}

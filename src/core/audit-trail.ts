/** Reading what was written down. */
import { selectAuditEvents, type AuditEventRow } from '../database/audit'
import type { AuditAction } from './audit'
import { guard, refusing, type Caller } from './caller'

/** `at` is unix seconds. */
export interface AuditEvent {
  id: string
  at: number
  actorId: string | null
  action: AuditAction
  userId: string | null
  contract: string
  fields: readonly string[]
}

/** A page, newest first; `next` is where the page after it begins, if there is one. */
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
  const [rows] = await refusing(caller, () =>
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
  }
}

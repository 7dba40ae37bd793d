/** The trail of what was done, written in the batch that does it. */
import { and, desc, eq, lt, sql } from 'drizzle-orm'
import { build, compile, prepare, type Statement } from './statement'
import { auditEvents, sessions, signInFailures, users } from './tables'

export type AuditEventRow = typeof auditEvents.$inferSelect
export type NewAuditEventRow = Omit<AuditEventRow, 'sequence'>

const value = sql.placeholder

export const insertAuditEvent = prepare<NewAuditEventRow>(() =>
  build.insert(auditEvents).values({
    id: value('id'),
    at: value('at'),
    actor_id: value('actor_id'),
    action: value('action'),
    user_id: value('user_id'),
    contract: value('contract'),
    fields: value('fields'),
  }),
)

export interface AuditFilter {
  /** Newest first: events before this sequence. */
  before: number | undefined
  limit: number
  userId: string | undefined
  actorId: string | undefined
  action: string | undefined
}

/** A page of events, newest first; each single filter is read from its index. */
export function selectAuditEvents(filter: AuditFilter): Statement<AuditEventRow> {
  const conditions = [
    filter.before === undefined ? undefined : lt(auditEvents.sequence, filter.before),
    filter.userId === undefined ? undefined : eq(auditEvents.user_id, filter.userId),
    filter.actorId === undefined ? undefined : eq(auditEvents.actor_id, filter.actorId),
    filter.action === undefined ? undefined : eq(auditEvents.action, filter.action),
  ]
  return compile(
    build
      .select()
      .from(auditEvents)
      .where(and(...conditions))
      .orderBy(desc(auditEvents.sequence))
      .limit(filter.limit),
  )
}

/** That the session, if it is of this family, was ended by nobody in particular; to stand before the statement that ends it. */
export const insertSessionEndedEvent = prepare<{
  id: string
  at: number
  contract: string
  session_id: string
  family_hash: string
}>(
  () => sql`
    INSERT INTO ${auditEvents} (id, at, action, user_id, contract, fields)
    SELECT ${value('id')}, ${value('at')}, 'session.ended', ${users.id}, ${value('contract')}, '[]'
    FROM ${sessions} JOIN ${users} ON ${users.number} = ${sessions.user_number}
    WHERE ${sessions.id} = ${value('session_id')} AND ${sessions.family_hash} = ${value('family_hash')}`,
)

/** That the account is locked, if the statement just before this one, in the same batch, is what locked it. */
export const insertAccountLockedEvent = prepare<{
  id: string
  at: number
  user_id: string | null
  contract: string
  account: string
}>(
  () => sql`
    INSERT INTO ${auditEvents} (id, at, action, user_id, contract, fields)
    SELECT ${value('id')}, ${value('at')}, 'account.locked', ${value('user_id')}, ${value('contract')}, '[]'
    FROM ${signInFailures}
    WHERE changes() > 0 AND ${signInFailures.account} = ${value('account')} AND ${signInFailures.locked_until} > ${value('at')}`,
)

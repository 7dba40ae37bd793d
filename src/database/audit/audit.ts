/** Statements about the audit trail. Each event is written in the batch of its action. */
import { and, eq, lt, sql, type SQL } from 'drizzle-orm'
import { isAlive, type SessionOfFamily } from '../sign-in/sessions'
import type { Credential, UserKeyName } from '../guard'
import { compile, prepare, prepareEach, type Statement } from '../statement'
import { apiKeys, auditEvents, refreshTokens, sessions, signInFailures, users } from '../tables'

export type AuditEventRow = Omit<typeof auditEvents.$inferSelect, 'credential_id' | 'request_id'> & {
  /** 32 hex digits, or `''` for none. */
  credential_id: string
  request_id: string
}

/** The columns of an AuditEventRow. */
export const auditEventColumns = sql`${auditEvents.sequence}, ${auditEvents.id}, ${auditEvents.at}, ${auditEvents.actor_id},
  ${auditEvents.action}, ${auditEvents.user_id}, ${auditEvents.contract}, ${auditEvents.fields}, ${auditEvents.subject_id},
  ${auditEvents.credential_kind}, lower(hex(${auditEvents.credential_id})) AS credential_id,
  lower(hex(${auditEvents.request_id})) AS request_id, ${auditEvents.address}`

const value = sql.placeholder

/** The ids of the credential and the request are uuids. */
export type NewAuditEventRow = Omit<AuditEventRow, 'sequence' | 'credential_id' | 'request_id'> & {
  credential_id: string | null
  request_id: string
}

const insertInto = sql`INSERT INTO ${auditEvents}
  (id, at, actor_id, action, user_id, contract, fields, subject_id, credential_kind, credential_id, request_id, address)`

const newEvent = (own: Partial<Record<keyof NewAuditEventRow, SQL>> = {}): SQL => {
  const given = (column: keyof NewAuditEventRow) => own[column] ?? value(column)
  return sql`${given('id')}, ${given('at')}, ${given('actor_id')}, ${given('action')}, ${given('user_id')},
    ${given('contract')}, ${given('fields')}, ${given('subject_id')}, ${given('credential_kind')},
    unhex(${given('credential_id')}, '-'), unhex(${given('request_id')}, '-'), ${given('address')}`
}

export const insertAuditEvent = prepare<NewAuditEventRow>(() => sql`${insertInto} VALUES (${newEvent()})`)

type ByCredential = Omit<NewAuditEventRow, 'actor_id' | 'user_id' | 'credential_id'> & {
  user_id: string | number | null
} & ({ actor_id: string; credential_id: string } | { hash: string })

/**
 * As `insertAuditEvent`, for an actor that is known only by the session or by the hash of the API key. `user` is the
 * key that `user_id` has instead of the id. Must precede the deletion of the user.
 */
export const insertAuditEventByCredential = prepareEach<{ kind: Credential['kind']; user: UserKeyName }, ByCredential>(
  ({ kind, user }) => {
    const user_id =
      user === 'id'
        ? {}
        : { user_id: sql`(SELECT ${users.id} FROM ${users} WHERE ${users[user]} = ${value('user_id')})` }
    if (kind === 'session') return sql`${insertInto} VALUES (${newEvent(user_id)})`
    return sql`
      ${insertInto} SELECT ${newEvent({ ...user_id, actor_id: sql`${users.id}`, credential_id: sql`${apiKeys.id}` })}
      FROM ${apiKeys} JOIN ${users} ON ${users.number} = ${apiKeys.user_number} WHERE ${apiKeys.hash} = ${value('hash')}`
  },
)

export interface AuditFilter {
  /** Newest first: returns events before this sequence. */
  before: number | undefined
  limit: number
  userId: string | undefined
  actorId: string | undefined
  action: string | undefined
}

/** Returns a page of events, newest first. Each single filter has its own index. */
export function selectAuditEvents(filter: AuditFilter): Statement<AuditEventRow> {
  const conditions = [
    filter.before === undefined ? undefined : lt(auditEvents.sequence, filter.before),
    filter.userId === undefined ? undefined : eq(auditEvents.user_id, filter.userId),
    filter.actorId === undefined ? undefined : eq(auditEvents.actor_id, filter.actorId),
    filter.action === undefined ? undefined : eq(auditEvents.action, filter.action),
  ]
  const where = and(...conditions)
  return compile(
    sql`SELECT ${auditEventColumns} FROM ${auditEvents} ${where ? sql`WHERE ${where}` : sql``}
      ORDER BY ${auditEvents.sequence} DESC LIMIT ${filter.limit}`,
  )
}

/** An event about a session. Its user is read from the session. */
type SessionEvent = Omit<NewAuditEventRow, 'user_id'> & SessionOfFamily

const ofFamily = sql`
  FROM ${sessions} JOIN ${users} ON ${users.number} = ${sessions.user_number} WHERE ${isAlive({
    sessionId: value('sessionId'),
    familyHash: value('familyHash'),
    now: value('now'),
    begunAfter: value('begunAfter'),
  })}`

/** Records that the session ends, if it is valid and of this family. Must precede the statement that ends it. */
export const insertSessionEndedEvent = prepare<SessionEvent>(
  () => sql`${insertInto} SELECT ${newEvent({ user_id: sql`${users.id}` })} ${ofFamily}`,
)

/**
 * Records that the user signed out, if the session is valid and of this family. Must precede the statement that ends
 * it.
 */
export const insertSignedOutEvent = prepare<Omit<SessionEvent, 'actor_id' | 'credential_kind' | 'credential_id'>>(
  () =>
    sql`${insertInto} SELECT ${newEvent({
      actor_id: sql`${users.id}`,
      user_id: sql`${users.id}`,
      credential_kind: sql`'session'`,
      credential_id: sql`${sessions.id}`,
    })} ${ofFamily}`,
)

/** Records the reuse of a used refresh token, if its session is valid and of this family. */
export const insertReuseDetectedEvent = prepare<SessionEvent & { hash: string }>(
  () => sql`
    ${insertInto} SELECT ${newEvent({ user_id: sql`${users.id}` })} ${ofFamily}
      AND NOT EXISTS (SELECT 1 FROM ${refreshTokens}
        WHERE ${refreshTokens.session_id} = ${value('subject_id')} AND ${refreshTokens.hash} = ${value('hash')}
          AND ${refreshTokens.spent_at} IS NULL)`,
)

/** Records a lockout, if the preceding statement of the batch locked the account. */
export const insertLockedEvent = prepare<NewAuditEventRow & { account: string }>(
  () => sql`
    ${insertInto} SELECT ${newEvent()} FROM ${signInFailures}
    WHERE ${signInFailures.account} = ${value('account')} AND ${signInFailures.locked_until} > ${value('at')}`,
)

/** Records that a lockout was lifted, if the account is locked. Must precede the statement that lifts it. */
export const insertUnlockedEvent = prepare<NewAuditEventRow & { account: string }>(
  () => sql`
    ${insertInto} SELECT ${newEvent()} FROM ${signInFailures}
    WHERE ${signInFailures.account} = ${value('account')} AND ${signInFailures.locked_until} > ${value('at')}`,
)

/** Statements about delivering: who may, what is to be sent, and what became of it. */
import { sql, type SQL } from 'drizzle-orm/sql'
import { auditEventColumns, type AuditEventRow } from '../audit/audit'
import { refuseIf } from '../guard'
import { compile, limit, prepare, type Statement } from '../statement'
import { auditEvents, webhookFailures, webhooks } from '../tables'

const value = sql.placeholder

/** Events looked at in one step: most of the trail is sign-ins, which nobody is told of. */
export const windowLength = 1_000

/** Active, not told to wait, in nobody's hands, and with something to look at. */
const due = (): SQL => sql`
  ${webhooks.active} = 1 AND ${webhooks.next_attempt_at} <= ${value('now')} AND ${webhooks.leased_until} <= ${value('now')}
  AND (${webhooks.position} < (SELECT max(sequence) FROM ${auditEvents}) OR EXISTS (
    SELECT 1 FROM ${webhookFailures}
    WHERE ${webhookFailures.webhook_id} = ${webhooks.id} AND ${webhookFailures.next_attempt_at} <= ${value('now')}))`

/** Those furthest behind first, as many as one run has queries for. */
export const selectDueWebhooks = prepare<{ now: number }, { id: string }>(
  () => sql`SELECT ${webhooks.id} FROM ${webhooks} WHERE ${due()} ORDER BY ${webhooks.position} LIMIT 30`,
)

export type LeasedWebhookRow = Pick<
  typeof webhooks.$inferSelect,
  'id' | 'url' | 'secret_nonces' | 'position' | 'failures'
>

/** Takes the webhook in hand, if it is due: a row, or none. */
export const leaseWebhook = prepare<{ id: string; lease: string; now: number; until: number }, LeasedWebhookRow>(
  () => sql`
    UPDATE ${webhooks} SET lease = ${value('lease')}, leased_until = ${value('until')}
    WHERE ${webhooks.id} = ${value('id')} AND ${due()}
    RETURNING id, url, secret_nonces, position, failures`,
)

/** What failed before and is due again, the longest due first; nothing without the lease. */
export const selectDueFailures = prepare<
  { id: string; lease: string; now: number; limit: number },
  AuditEventRow & { attempts: number }
>(
  () => sql`
    SELECT ${auditEventColumns}, ${webhookFailures.attempts} FROM ${webhooks}
    CROSS JOIN ${webhookFailures} ON ${webhookFailures.webhook_id} = ${webhooks.id}
    CROSS JOIN ${auditEvents} ON ${auditEvents.sequence} = ${webhookFailures.sequence}
    WHERE ${webhooks.id} = ${value('id')} AND ${webhooks.lease} = ${value('lease')}
      AND ${webhookFailures.next_attempt_at} <= ${value('now')}
    ORDER BY ${webhookFailures.next_attempt_at} ${limit('limit')}`,
)

/** What was not sent yet, in order, as far as the window goes; nothing without the lease. Read by its place, whatever the action. */
export const selectUnsentEvents = prepare<{ id: string; lease: string; limit: number }, AuditEventRow>(
  () => sql`
    SELECT ${auditEventColumns} FROM ${webhooks} CROSS JOIN ${auditEvents}
    WHERE ${webhooks.id} = ${value('id')} AND ${webhooks.lease} = ${value('lease')}
      AND ${auditEvents.sequence} > ${webhooks.position}
      AND ${auditEvents.sequence} <= ${webhooks.position} + ${sql.raw(String(windowLength))}
      AND +${auditEvents.action} IN (SELECT value FROM json_each(${webhooks.events}))
    ORDER BY ${auditEvents.sequence} ${limit('limit')}`,
)

export const selectNewestSequence = prepare<void, { newest: number }>(
  () => sql`SELECT coalesce(max(sequence), 0) AS newest FROM ${auditEvents}`,
)

/** What became of a step. Times are unix seconds. */
export interface DeliveryProgress {
  id: string
  lease: string
  /** How far along the trail everything is now delivered or among the failures. */
  position: number
  /** Those of what failed before. */
  delivered: readonly number[]
  failed: readonly { sequence: number; attempts: number; at: number; outcome: string; next: number | null }[]
  /** In a row. */
  failures: number
  nextAttemptAt: number
  last: { at: number; outcome: string } | undefined
  /** The receiver wants no more. */
  gone: boolean
}

/** Writes it down and lets go of the webhook; refused as `stale` to whoever has lost the lease. */
export function saveProgress(step: DeliveryProgress): Statement[] {
  const { id, lease, position, delivered, failed, failures, nextAttemptAt, last, gone } = step
  const isMine = sql`${webhooks.id} = ${id} AND ${webhooks.lease} = ${lease}`
  return [
    refuseIf('stale', sql`NOT EXISTS (SELECT 1 FROM ${webhooks} WHERE ${isMine})`),
    ...(delivered.length > 0
      ? [
          compile(sql`
            DELETE FROM ${webhookFailures} WHERE ${webhookFailures.webhook_id} = ${id}
              AND ${webhookFailures.sequence} IN (SELECT value FROM json_each(${JSON.stringify(delivered)}))`),
        ]
      : []),
    ...(failed.length > 0
      ? [
          compile(sql`
            INSERT INTO ${webhookFailures} (webhook_id, sequence, attempts, last_attempt_at, last_outcome, next_attempt_at)
            SELECT ${id}, ${auditEvents.sequence}, json_each.value ->> 'attempts', json_each.value ->> 'at', json_each.value ->> 'outcome', json_each.value ->> 'next'
            FROM json_each(${JSON.stringify(failed)})
            CROSS JOIN ${auditEvents} ON ${auditEvents.sequence} = json_each.value ->> 'sequence' WHERE 1
            ON CONFLICT (webhook_id, sequence) DO UPDATE SET attempts = excluded.attempts, last_attempt_at = excluded.last_attempt_at,
              last_outcome = excluded.last_outcome, next_attempt_at = excluded.next_attempt_at`),
        ]
      : []),
    compile(sql`
      UPDATE ${webhooks} SET position = max(position, ${position}), failures = ${failures}, next_attempt_at = ${nextAttemptAt},
        last_attempt_at = coalesce(${last?.at ?? null}, last_attempt_at), last_outcome = coalesce(${last?.outcome ?? null}, last_outcome),
        ${gone ? sql`active = 0,` : sql``} lease = NULL, leased_until = 0
      WHERE ${isMine}`),
  ]
}

/** Statements about webhook delivery: due webhooks, unsent events and outcomes. */
import { sql, type SQL } from 'drizzle-orm/sql'
import { auditEventColumns, type AuditEventRow } from '../audit/audit'
import { refuseIf } from '../guard'
import { compile, limit, prepare, type Statement } from '../statement'
import { auditEvents, webhookFailures, webhooks } from '../tables'

const value = sql.placeholder

/** Events scanned in one step. Most of the audit trail is sign-ins, which webhooks never receive. */
export const windowLength = 1_000

/** Active, not waiting for a retry, not leased, and with events to look at. */
const due = (): SQL => sql`
  ${webhooks.active} = 1 AND ${webhooks.next_attempt_at} <= ${value('now')} AND ${webhooks.leased_until} <= ${value('now')}
  AND (${webhooks.position} < (SELECT max(sequence) FROM ${auditEvents}) OR EXISTS (
    SELECT 1 FROM ${webhookFailures}
    WHERE ${webhookFailures.webhook_id} = ${webhooks.id} AND ${webhookFailures.next_attempt_at} <= ${value('now')}))`

/** The webhooks that are furthest behind come first. The limit is the number of queries of one run. */
export const selectDueWebhooks = prepare<{ now: number }, { id: string }>(
  () => sql`SELECT ${webhooks.id} FROM ${webhooks} WHERE ${due()} ORDER BY ${webhooks.position} LIMIT 30`,
)

export type LeasedWebhookRow = Pick<
  typeof webhooks.$inferSelect,
  'id' | 'url' | 'secret_nonces' | 'position' | 'failures'
>

/** Leases the webhook if it is due: one row or none. */
export const leaseWebhook = prepare<{ id: string; lease: string; now: number; until: number }, LeasedWebhookRow>(
  () => sql`
    UPDATE ${webhooks} SET lease = ${value('lease')}, leased_until = ${value('until')}
    WHERE ${webhooks.id} = ${value('id')} AND ${due()}
    RETURNING id, url, secret_nonces, position, failures`,
)

/** Returns failed events that are due again, the longest due first. No rows without the lease. */
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

/**
 * Returns unsent events within the window, in order. No rows without the lease. The unary plus keeps SQLite from using
 * the index on the action.
 */
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

/** The result of a step. Times are unix seconds. */
export interface DeliveryProgress {
  id: string
  lease: string
  /** Every event up to this position is delivered or among the failures. */
  position: number
  /** The earlier failures that are now delivered. */
  delivered: readonly number[]
  failed: readonly { sequence: number; attempts: number; at: number; outcome: string; next: number | null }[]
  /** Failures in a row. */
  failures: number
  nextAttemptAt: number
  last: { at: number; outcome: string } | undefined
  /** The receiver asks for no more events. */
  gone: boolean
}

/** Saves the result and releases the webhook. Refused as `stale` if the lease was lost. */
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

/** Statements to manage webhooks. */
import { sql } from 'drizzle-orm/sql'
import { auditEventColumns, type AuditEventRow } from '../audit/audit'
import { refuseIf } from '../guard'
import { assignments, compile, limit, prepare, type Statement } from '../statement'
import { auditEvents, webhookFailures, webhooks } from '../tables'

const value = sql.placeholder

export type WebhookRow = Omit<
  typeof webhooks.$inferSelect,
  'position' | 'failures' | 'next_attempt_at' | 'lease' | 'leased_until'
>

const columns =
  () => sql`${webhooks.id}, ${webhooks.url}, ${webhooks.description}, ${webhooks.events}, ${webhooks.active},
  ${webhooks.created_at}, ${webhooks.secret_nonces}, ${webhooks.last_attempt_at}, ${webhooks.last_outcome}`

/** Newest first: ids are in order of time. */
export const selectWebhooks = prepare<void, WebhookRow>(
  () => sql`SELECT ${columns()} FROM ${webhooks} ORDER BY ${webhooks.id} DESC`,
)

export const selectWebhook = prepare<{ id: string }, WebhookRow>(
  () => sql`SELECT ${columns()} FROM ${webhooks} WHERE ${webhooks.id} = ${value('id')}`,
)

/** Returns a row if there is an active webhook. Belongs to batches that write events for webhooks. */
export const selectActiveWebhook = prepare<void, { active: number }>(
  () => sql`SELECT ${webhooks.active} FROM ${webhooks} WHERE ${webhooks.active} = 1 LIMIT 1`,
)

/** The webhook receives the events after the current end of the audit trail. */
export const insertWebhook = prepare<Omit<WebhookRow, 'last_attempt_at' | 'last_outcome'>>(
  () => sql`
    INSERT INTO ${webhooks} (id, url, description, events, active, created_at, secret_nonces, position, failures, next_attempt_at, leased_until)
    VALUES (${value('id')}, ${value('url')}, ${value('description')}, ${value('events')}, ${value('active')}, ${value('created_at')},
      ${value('secret_nonces')},
      (SELECT coalesce(max(sequence), 0) FROM ${auditEvents}), 0, 0, 0)`,
)

/** Refuses the batch as `stale` if the webhook was deleted. */
export function refuseUnlessWebhook(id: string): Statement {
  return refuseIf('stale', sql`NOT EXISTS (SELECT 1 FROM ${webhooks} WHERE ${webhooks.id} = ${id})`)
}

/** Writes the columns and makes failed deliveries due again. */
export function updateWebhook(
  id: string,
  changes: Partial<Pick<WebhookRow, 'url' | 'description' | 'events' | 'active'>>,
): Statement {
  const columns = { ...changes, failures: 0, next_attempt_at: 0 }
  return compile(sql`UPDATE ${webhooks} SET ${assignments(columns)} WHERE ${webhooks.id} = ${id}`)
}

/** Writes the nonces of the secrets. Refused as `stale` if they are no longer `before`. */
export function updateWebhookSecrets(id: string, { before, after }: { before: string; after: string }): Statement[] {
  return [
    refuseIf(
      'stale',
      sql`NOT EXISTS (SELECT 1 FROM ${webhooks} WHERE ${webhooks.id} = ${id} AND ${webhooks.secret_nonces} = ${before})`,
    ),
    compile(sql`UPDATE ${webhooks} SET secret_nonces = ${after} WHERE ${webhooks.id} = ${id}`),
  ]
}

export const updateWebhookOutcome = prepare<{ id: string; at: number; outcome: string }>(
  () => sql`
    UPDATE ${webhooks} SET last_attempt_at = ${value('at')}, last_outcome = ${value('outcome')}
    WHERE ${webhooks.id} = ${value('id')}`,
)

/** Its failed events are deleted with it. */
export const deleteWebhook = prepare<{ id: string }>(
  () => sql`DELETE FROM ${webhooks} WHERE ${webhooks.id} = ${value('id')}`,
)

export type WebhookFailureRow = Omit<typeof webhookFailures.$inferSelect, 'webhook_id'> & AuditEventRow

/** Returns a page of failed events, newest first: events before this sequence. */
export const selectWebhookFailures = prepare<{ id: string; before: number; limit: number }, WebhookFailureRow>(
  () => sql`
    SELECT ${auditEventColumns}, ${webhookFailures.attempts}, ${webhookFailures.last_attempt_at}, ${webhookFailures.last_outcome},
      ${webhookFailures.next_attempt_at}
    FROM ${webhookFailures} JOIN ${auditEvents} ON ${auditEvents.sequence} = ${webhookFailures.sequence}
    WHERE ${webhookFailures.webhook_id} = ${value('id')} AND ${webhookFailures.sequence} < ${value('before')}
    ORDER BY ${webhookFailures.sequence} DESC ${limit('limit')}`,
)

/** Makes all failed events due again and resets their attempts. Returns their number. */
export function retryWebhookFailures(id: string, now: number): [Statement, Statement<{ retrying: number }>] {
  return [
    compile(
      sql`UPDATE ${webhookFailures} SET attempts = 0, next_attempt_at = ${now} WHERE ${webhookFailures.webhook_id} = ${id}`,
    ),
    compile(sql`SELECT changes() AS retrying`),
  ]
}

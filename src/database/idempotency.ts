/** Statements about keyed requests and what they did. */
import { sql } from 'drizzle-orm'
import { roleSnapshot } from './access/roles'
import { userSnapshot } from './users/users'
import { compile, prepare, type Statement } from './statement'
import { idempotencyRecords } from './tables'

const value = sql.placeholder

export type IdempotencyRow = Pick<typeof idempotencyRecords.$inferSelect, 'fingerprint' | 'subject_id' | 'result'>

/** The record of the key since `since`: a row, or none. Its `result` is null where the subject has been deleted. */
export const selectIdempotencyRecord = prepare<{ principal: string; key: string; since: number }, IdempotencyRow>(
  () => sql`
    SELECT ${idempotencyRecords.fingerprint}, ${idempotencyRecords.subject_id}, ${idempotencyRecords.result}
    FROM ${idempotencyRecords}
    WHERE ${idempotencyRecords.principal} = ${value('principal')} AND ${idempotencyRecords.key} = ${value('key')}
      AND ${idempotencyRecords.created_at} > ${value('since')}`,
)

/** Answers no row: for requests without a key. */
export const selectNoIdempotencyRecord = prepare<void, IdempotencyRow>(
  () => sql`SELECT NULL AS fingerprint, NULL AS subject_id, NULL AS result WHERE 0`,
)

/** The row a request ended in, by its id. */
export type Outcome = { user: string } | { role: string }

/** Takes the key for the row as the batch leaves it, which fails where another has taken it since `since`. */
export function insertIdempotencyRecord(
  record: Omit<typeof idempotencyRecords.$inferInsert, 'subject_id' | 'result'> & { since: number },
  outcome: Outcome,
): Statement[] {
  const { principal, key, fingerprint, created_at } = record
  const [subject, result] =
    'user' in outcome ? [outcome.user, userSnapshot(outcome.user)] : [outcome.role, roleSnapshot(outcome.role)]
  return [
    forget(record),
    compile(
      sql`INSERT INTO ${idempotencyRecords} (principal, key, fingerprint, subject_id, result, created_at)
        VALUES (${principal}, ${key}, ${fingerprint}, ${subject}, ${result}, ${created_at})`,
    ),
  ]
}

const forget = prepare<{ principal: string; key: string; since: number }>(
  () => sql`
    DELETE FROM ${idempotencyRecords}
    WHERE ${idempotencyRecords.principal} = ${value('principal')} AND ${idempotencyRecords.key} = ${value('key')}
      AND ${idempotencyRecords.created_at} <= ${value('since')}`,
)

/** Statements about requests with an Idempotency-Key and their results. */
import { sql } from 'drizzle-orm'
import { roleSnapshot } from './access/roles'
import { userSnapshot } from './users/users'
import { compile, prepare, type Statement } from './statement'
import { idempotencyRecords } from './tables'

const value = sql.placeholder

export type IdempotencyRow = Pick<typeof idempotencyRecords.$inferSelect, 'fingerprint' | 'subject_id' | 'result'>

/**
 * Returns the record of the key since `since`: one row or none. `result` is null if the record's user or role was
 * deleted.
 */
export const selectIdempotencyRecord = prepare<{ principal: string; key: string; since: number }, IdempotencyRow>(
  () => sql`
    SELECT ${idempotencyRecords.fingerprint}, ${idempotencyRecords.subject_id}, ${idempotencyRecords.result}
    FROM ${idempotencyRecords}
    WHERE ${idempotencyRecords.principal} = ${value('principal')} AND ${idempotencyRecords.key} = ${value('key')}
      AND ${idempotencyRecords.created_at} > ${value('since')}`,
)

/** Returns no rows, for requests without a key. */
export const selectNoIdempotencyRecord = prepare<void, IdempotencyRow>(
  () => sql`SELECT NULL AS fingerprint, NULL AS subject_id, NULL AS result WHERE 0`,
)

/** The id of the row that the request created or changed. */
export type Outcome = { user: string } | { role: string }

/** Stores the row as it is at the end of the batch. Fails when another request has used the key since `since`. */
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

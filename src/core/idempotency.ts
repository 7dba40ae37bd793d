/**
 * Requests with an Idempotency-Key. The batch of the change also stores its result. So a retry finds the result, and
 * two requests at once cannot both make the change.
 */
import {
  insertIdempotencyRecord,
  selectIdempotencyRecord,
  selectNoIdempotencyRecord,
  type IdempotencyRow,
  type Outcome,
} from '../database/idempotency'
import type { Statement } from '../database/statement'
import type { Caller } from './access/caller'
import { Refused } from './refusal'

export const idempotencyRetentionSeconds = 86_400

const principalOf = ({ credential }: Caller) => (credential.kind === 'session' ? credential.userId : credential.hash)

/** For the first batch of the operation: looks up the result of an earlier request with the same key. */
export function selectEarlierResult(caller: Caller): Statement<IdempotencyRow> {
  const { idempotency, now } = caller
  if (!idempotency) return selectNoIdempotencyRecord()
  return selectIdempotencyRecord({
    principal: principalOf(caller),
    key: idempotency.key,
    since: now - idempotencyRetentionSeconds,
  })
}

/**
 * Returns the stored row of the first request as JSON, if there was one. Refuses a key that was used for another
 * request. Refuses a retry whose record was deleted since: the record is neither created again nor returned.
 */
export function earlierResult(
  { idempotency }: Caller,
  [record]: readonly IdempotencyRow[],
  subject: 'user' | 'role',
): string | undefined {
  if (!idempotency || !record) return undefined
  if (!idempotency.fingerprints.includes(record.fingerprint)) throw new Refused({ kind: 'idempotency_key_reused' })
  if (record.result === null) {
    throw new Refused(
      subject === 'user'
        ? { kind: 'user_not_found', selector: { id: record.subject_id } }
        : { kind: 'resource_not_found', resource: 'role' },
    )
  }
  idempotency.onReplay()
  return record.result
}

/** For the commit, after the change: stores the resulting row. */
export function storeResult(caller: Caller, outcome: Outcome): Statement[] {
  const { idempotency, now } = caller
  if (!idempotency) return []
  return insertIdempotencyRecord(
    {
      principal: principalOf(caller),
      key: idempotency.key,
      fingerprint: idempotency.fingerprints[0],
      created_at: now,
      since: now - idempotencyRetentionSeconds,
    },
    outcome,
  )
}

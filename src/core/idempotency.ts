/** Keyed requests: what one did is kept in the batch that did it, so a retry finds it and two at once cannot both do it. */
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

/** For the first batch of the operation: asks for what the key did. */
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
 * The row the first request ended in, as JSON, if there was one. Refuses the key of another request, and a retry whose subject has been
 * deleted since: the deleted record is never created again, and its data is not answered again.
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

/** For the commit, after the change: keeps the row it ended in. */
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

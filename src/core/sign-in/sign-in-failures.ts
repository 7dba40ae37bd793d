/** Brute force: failed sign-ins are counted in the database by account, and too many lock it for a while. */
import { insertLockedEvent } from '../../database/audit/audit'
import { deleteSignInFailures, recordSignInFailure, refuseSignInIfLocked } from '../../database/sign-in/sessions'
import type { Statement } from '../../database/statement'
import { newEvent, recordUnlocking, type Actor } from '../audit/audit'
import type { Caller, Visit } from '../access/caller'
import { sha256, utf8 } from '../encoding'
import { Refused } from '../refusal'

const threshold = 5
const firstDelaySeconds = 30
const maxDelaySeconds = 900
export const forgottenAfterSeconds = 86_400

/** Where a user's failures are counted. */
export function accountOf(userNumber: number): string {
  return `user:${userNumber}`
}

/** Where the failures of an identifier that is no one's are counted, so that it locks just as a real one does. */
export async function accountOfUnknown(key: string): Promise<string> {
  return `identifier:${await sha256(utf8(key))}`
}

export function refuseIfLocked(until: number | null | undefined, now: number): void {
  if (until != null && until > now) {
    throw new Refused({ kind: 'locked_out', retryAfterSeconds: until - now })
  }
}

/**
 * Counts a failure, and records the lockout that it causes. Refuses the batch where the account is locked by now, as a success does: so of
 * attempts that are made at once no more than lock the account learn that they were wrong, and the others learn nothing.
 */
export function countFailure(visit: Visit, account: string, userId: string | null): Statement<unknown>[] {
  const { now } = visit
  return [
    refuseSignInIfLocked(account, now),
    recordSignInFailure({
      account,
      now,
      threshold,
      firstDelay: firstDelaySeconds,
      longestDelay: maxDelaySeconds,
      forgottenBefore: now - forgottenAfterSeconds,
    }),
    insertLockedEvent({ ...newEvent(visit, 'account.locked', { actorId: null, userId, address: true }), account }),
  ]
}

export const clearFailures = (account: string): Statement => deleteSignInFailures({ account })

/** Clears the failures as `actor`'s doing, which is recorded where they had locked the account. */
export function unlock(caller: Caller, actor: Actor, account: string, userId: string): Statement[] {
  return [recordUnlocking(caller, actor, account, userId), clearFailures(account)]
}

/** Protection against brute force: counts failed sign-ins per account, and locks an account after too many. */
import { insertLockedEvent } from '../../database/audit/audit'
import { deleteSignInFailures, recordSignInFailure, refuseSignInIfLocked } from '../../database/sign-in/sessions'
import type { Statement } from '../../database/statement'
import { newEvent, recordUnlocking, type Actor } from '../audit/audit'
import type { Caller, Visit } from '../access/caller'
import { sha256, utf8 } from '../encoding'
import { Refused } from '../refusal'

/** Failures in a row that lock an account. */
export const maxFailures = 5
const firstDelaySeconds = 30
const maxDelaySeconds = 900
export const forgottenAfterSeconds = 86_400

export const failuresForgottenBefore = (now: number): number => now - forgottenAfterSeconds

/** The account that counts a user's failures. */
export function accountOf(userNumber: number): string {
  return `user:${userNumber}`
}

/**
 * The account that counts the failures of an unknown identifier, so that the identifier is locked like a real account.
 */
export async function accountOfUnknown(key: string): Promise<string> {
  return `identifier:${await sha256(utf8(key))}`
}

export function refuseIfLocked(until: number | null | undefined, now: number): void {
  if (until != null && until > now) {
    throw new Refused({ kind: 'locked_out', retryAfterSeconds: until - now })
  }
}

/**
 * Counts a failure and records a lockout that it causes. Refuses the batch if the account is locked already, as a
 * successful sign-in does. Simultaneous attempts therefore reveal at most as many wrong passwords as the threshold.
 */
export function countFailure(visit: Visit, account: string, userId: string | null): Statement<unknown>[] {
  const { now } = visit
  return [
    refuseSignInIfLocked(account, now),
    recordSignInFailure({
      account,
      now,
      threshold: maxFailures,
      firstDelay: firstDelaySeconds,
      longestDelay: maxDelaySeconds,
      forgottenBefore: failuresForgottenBefore(now),
    }),
    insertLockedEvent({ ...newEvent(visit, 'account.locked', { actorId: null, userId, address: true }), account }),
  ]
}

export const clearFailures = (account: string): Statement => deleteSignInFailures({ account })

/** Clears the failures. If they had locked the account, records that `actor` unlocked it. */
export function unlock(caller: Caller, actor: Actor, account: string, userId: string): Statement[] {
  return [recordUnlocking(caller, actor, account, userId), clearFailures(account)]
}

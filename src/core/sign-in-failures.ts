/** Brute force: failed sign-ins are counted in the database by account, and too many lock it for a while. */
import { v7 as uuid } from 'uuid'
import { insertAccountLockedEvent } from '../database/audit'
import { deleteSignInFailures, recordSignInFailure, type SignInFailuresRow } from '../database/sessions'
import type { Statement } from '../database/statement'
import type { Visit } from './caller'
import { sha256, utf8 } from './encoding'
import { Refused } from './refusal'

const threshold = 5
const firstDelaySeconds = 30
const longestDelaySeconds = 900
export const forgottenAfterSeconds = 86_400

/** Where a user's failures are counted. */
export function accountOf(userNumber: number): string {
  return `user:${userNumber}`
}

/** Where the failures of an identifier that is no one's are counted, so that it locks just as a real one does. */
export async function accountOfNobody(key: string): Promise<string> {
  return `identifier:${await sha256(utf8(key))}`
}

export function refuseIfLocked(until: number | null | undefined, now: number): void {
  if (until != null && until > now) {
    throw new Refused({ kind: 'locked_out', retryAfterSeconds: until - now })
  }
}

export function countFailure(account: string, now: number): Statement<SignInFailuresRow> {
  return recordSignInFailure({
    account,
    now,
    threshold,
    firstDelay: firstDelaySeconds,
    longestDelay: longestDelaySeconds,
    forgottenBefore: now - forgottenAfterSeconds,
  })
}

/** Follows `countFailure` in its batch: writes the lockout down if that failure was the one too many. */
export function recordLockout(visit: Visit, account: string, userId: string | null): Statement {
  return insertAccountLockedEvent({ id: uuid(), at: visit.now, user_id: userId, contract: visit.contract, account })
}

export const clearFailures = (account: string): Statement => deleteSignInFailures({ account })

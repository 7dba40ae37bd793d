/**
 * Adoption: a pending user keeps the password that only an upstream knows. Their first sign-in asks the upstream. If the upstream
 * confirms the password, one batch stores its hash and begins the session.
 */
import { v7 as uuid } from 'uuid'
import { BatchRefused } from '../../database/database'
import { unguarded } from '../../database/guard'
import {
  adoptPassword,
  countAdoption,
  countRefused,
  countUnknown,
  deleteAdoptionAttempt,
  deleteAdoptionAttempts,
  deleteExpiredAttempts,
  insertAdoptionAttempt,
  refuseIfAttemptsExhausted,
  refuseUnlessPending,
  type PendingRow,
} from '../../database/sign-in/adoption'
import { refuseSignInIfLocked, refuseSignInUnlessStillOf, type SignInRow } from '../../database/sign-in/sessions'
import type { Statement } from '../../database/statement'
import type { UserRow } from '../../database/users/user-row'
import { selectUser } from '../../database/users/users'
import type { Visit } from '../access/caller'
import { recordWithoutCredential } from '../audit/audit'
import { hashPassword, passwordPolicyProblem, verifyPassword } from '../passwords/passwords'
import { Refused } from '../refusal'
import { isTooLongPassword, parsePassword, type Parsed } from '../users/fields'
import { toUser, type User } from '../users/user'
import { accountOf, clearFailures, countFailure, failuresForgottenBefore, maxFailures } from './sign-in-failures'

/** Longer than an attempt can take, so that an attempt expires only if its Worker died. */
const attemptSeconds = 15
/** After how long a client may try again after a fault. */
const retrySeconds = 5
const pauseMilliseconds = 200

export interface AdoptionRequest {
  /** The folded identifier. */
  key: string
  identifier: string
  password: string
  /** True once this sign-in has asked the upstream: it asks at most once. */
  asked: boolean
}

/**
 * Whether to ask the upstream about this sign-in. A password that cannot be stored here is never sent. Nor is an empty one, because some
 * directories accept it as an anonymous sign-in. A user whose upstream is not in the settings has no password.
 */
export function isToAdopt({ settings }: Visit, user: SignInRow, password: string): user is PendingRow {
  return (
    user.password_hash === null &&
    user.active === 1 &&
    user.password_from !== null &&
    settings.upstreams.has(user.password_from) &&
    password !== '' &&
    password.isWellFormed() &&
    !password.includes('\0') &&
    !isTooLongPassword(password)
  )
}

/**
 * Signs a pending user in if the upstream confirms the password. Throws Refused with `invalid_credentials` if the password is wrong, or
 * with `upstream_unavailable` if the upstream gives no answer. Throws BatchRefused if the account has changed meanwhile.
 */
export async function adopt(
  visit: Visit,
  user: PendingRow,
  request: AdoptionRequest,
  sessionStatements: (userId: string) => Statement[],
): Promise<User> {
  const rest = visit.upstreams.restSeconds(user.password_from)
  if (rest > 0) throw new Refused({ kind: 'upstream_unavailable', retryAfterSeconds: rest })
  if (request.asked) throw new Refused({ kind: 'contended' })

  const attempt = { user_number: user.number, id: uuid() }
  const present = await beginAttempt(visit, user, request, attempt)
  request.asked = true
  const { identifier, password } = request
  const { email, username, matricule } = present
  const answer = await visit.upstreams.ask(user.password_from, {
    userId: user.id,
    identifier: identifier.trim(),
    email,
    username,
    matricule,
    password,
  })
  switch (answer) {
    case 'match':
      return commitAdoption(visit, { user, present, password }, sessionStatements)
    case 'no_match':
      return refuseSignIn(visit, user, request, attempt)
    default:
      console.error(visit.requestId, `upstream ${user.password_from}: ${answer}`)
      await visit.database.batch(
        unguarded,
        deleteAdoptionAttempt(attempt),
        countUnknown({ upstream: user.password_from }),
      )
      throw new Refused({ kind: 'upstream_unavailable', retryAfterSeconds: retrySeconds })
  }
}

/**
 * Reserves one of the attempts that may fail before the account is locked. So no more than these reach the upstream, even if sign-ins
 * are simultaneous, and they cannot trigger the upstream's own lockout.
 */
async function beginAttempt(
  visit: Visit,
  user: PendingRow,
  { key }: AdoptionRequest,
  attempt: { user_number: number; id: string },
): Promise<UserRow> {
  const { now } = visit
  const account = accountOf(user.number)
  const forgottenBefore = failuresForgottenBefore(now)
  try {
    const results = await visit.database.batch(
      unguarded,
      refuseUnlessPending(user),
      refuseSignInUnlessStillOf(user, key),
      refuseSignInIfLocked(account, now),
      refuseIfAttemptsExhausted({ userNumber: user.number, account, max: maxFailures, now, forgottenBefore }),
      deleteExpiredAttempts({ user_number: user.number, now }),
      insertAdoptionAttempt({ ...attempt, expires_at: now + attemptSeconds }),
      selectUser({ id: user.id }),
    )
    return (results.at(-1) as UserRow[])[0] as UserRow
  } catch (error) {
    // Other attempts may be under way. Their outcome decides whether this one may start.
    if (error instanceof BatchRefused) await pause()
    throw error
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, pauseMilliseconds * (0.5 + Math.random())))

async function commitAdoption(
  visit: Visit,
  { user, present, password }: { user: PendingRow; present: UserRow; password: string },
  sessionStatements: (userId: string) => Statement[],
): Promise<User> {
  const { now, settings } = visit
  const { number, id, password_from: upstream } = user
  const account = accountOf(number)
  const known = password.normalize('NFC') as Parsed<'password'>
  const isWeak =
    'problem' in parsePassword(password) ||
    passwordPolicyProblem(known, [present.email, present.username, present.name], settings.passwordMinLength)
  const results = await visit.database.batch(
    unguarded,
    refuseUnlessPending(user),
    refuseSignInIfLocked(account, now),
    adoptPassword({
      number,
      password_hash: await hashPassword(known, settings.passwordRounds),
      password_weak: Number(Boolean(isWeak)),
    }),
    ...countAdoption({ upstream, day: new Date(now * 1000).toISOString().slice(0, 10), now }),
    deleteAdoptionAttempts({ user_number: number }),
    recordWithoutCredential(visit, 'user.password_adopted', { actorId: id, userId: id, fields: ['password'] }),
    ...sessionStatements(id),
    clearFailures(account),
    selectUser({ id }),
  )
  return toUser((results.at(-1) as UserRow[])[0] as UserRow)
}

/** Records an ordinary failed sign-in, at the cost of any other, and refuses it. */
async function refuseSignIn(
  visit: Visit,
  user: PendingRow,
  { key, password }: AdoptionRequest,
  attempt: { user_number: number; id: string },
): Promise<never> {
  await verifyPassword(password, null, visit.settings.passwordRounds)
  await visit.database.batch(
    unguarded,
    refuseSignInUnlessStillOf(user, key),
    deleteAdoptionAttempt(attempt),
    countRefused({ upstream: user.password_from }),
    ...countFailure(visit, accountOf(user.number), user.id),
  )
  throw new Refused({ kind: 'invalid_credentials' })
}

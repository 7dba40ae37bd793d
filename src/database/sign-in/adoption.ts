/** Statements about pending users: those whose password only an upstream knows, until their first sign-in. */
import { sql } from 'drizzle-orm'
import { refuseIf } from '../guard'
import { prepare, type Statement } from '../statement'
import { adoptionAttempts, adoptionDays, signInFailures, upstreams, users } from '../tables'
import type { SignInRow } from './sessions'

const value = sql.placeholder

/** A pending user as the sign-in read them. */
export type PendingRow = SignInRow & { password_from: string }

/** Refuses the batch unless the user is still pending and their sessions have not been ended since the read. */
export function refuseUnlessPending(user: PendingRow): Statement {
  return refuseIf(
    'sign_in_changed',
    sql`NOT EXISTS (
      SELECT 1 FROM ${users} WHERE ${users.number} = ${user.number} AND ${users.active} = 1
        AND ${users.password_hash} IS NULL AND ${users.password_from} = ${user.password_from}
        AND ${users.session_generation} = ${user.session_generation})`,
  )
}

/**
 * Refuses the batch if the attempts under way for this user would lock the account, were all of them wrong. Failures before
 * `forgottenBefore` (unix seconds) do not count.
 */
export function refuseIfAttemptsExhausted(attempts: {
  userNumber: number
  account: string
  max: number
  now: number
  forgottenBefore: number
}): Statement {
  const { userNumber, account, max, now, forgottenBefore } = attempts
  return refuseIf(
    'sign_in_changed',
    sql`(SELECT count(*) FROM ${adoptionAttempts}
        WHERE ${adoptionAttempts.user_number} = ${userNumber} AND ${adoptionAttempts.expires_at} > ${now})
      + coalesce((SELECT ${signInFailures.failures} FROM ${signInFailures}
        WHERE ${signInFailures.account} = ${account} AND ${signInFailures.last_failed_at} >= ${forgottenBefore}), 0)
      >= ${max}`,
  )
}

export const insertAdoptionAttempt = prepare<{ user_number: number; id: string; expires_at: number }>(
  () => sql`
    INSERT INTO ${adoptionAttempts} (user_number, id, expires_at)
    VALUES (${value('user_number')}, ${value('id')}, ${value('expires_at')})`,
)

export const deleteAdoptionAttempt = prepare<{ user_number: number; id: string }>(
  () => sql`
    DELETE FROM ${adoptionAttempts}
    WHERE ${adoptionAttempts.user_number} = ${value('user_number')} AND ${adoptionAttempts.id} = ${value('id')}`,
)

export const deleteAdoptionAttempts = prepare<{ user_number: number }>(
  () => sql`DELETE FROM ${adoptionAttempts} WHERE ${adoptionAttempts.user_number} = ${value('user_number')}`,
)

/** Deletes the user's attempts that expired before `now`. */
export const deleteExpiredAttempts = prepare<{ user_number: number; now: number }>(
  () => sql`
    DELETE FROM ${adoptionAttempts}
    WHERE ${adoptionAttempts.user_number} = ${value('user_number')} AND ${adoptionAttempts.expires_at} <= ${value('now')}`,
)

/** Stores the user's first password here. No field that a contract shows changes, so the version stays. */
export const adoptPassword = prepare<{ number: number; password_hash: string; password_weak: number }>(
  () => sql`
    UPDATE ${users} SET password_hash = ${value('password_hash')}, password_weak = ${value('password_weak')},
      password_from = NULL
    WHERE ${users.number} = ${value('number')}`,
)

/** `day` is YYYY-MM-DD in UTC. */
export function countAdoption(adoption: { upstream: string; day: string; now: number }): [Statement, Statement] {
  return [countAdopted(adoption), countAdoptedOnDay(adoption)]
}

const countAdopted = prepare<{ upstream: string; now: number }>(
  () => sql`
    UPDATE ${upstreams} SET adopted = adopted + 1, last_adopted_at = ${value('now')}
    WHERE ${upstreams.name} = ${value('upstream')}`,
)

const countAdoptedOnDay = prepare<{ upstream: string; day: string }>(
  () => sql`
    INSERT INTO ${adoptionDays} (upstream, day, adopted) VALUES (${value('upstream')}, ${value('day')}, 1)
    ON CONFLICT DO UPDATE SET adopted = adopted + 1`,
)

export const countRefused = prepare<{ upstream: string }>(
  () => sql`UPDATE ${upstreams} SET refused = refused + 1 WHERE ${upstreams.name} = ${value('upstream')}`,
)

export const countUnknown = prepare<{ upstream: string }>(
  () => sql`UPDATE ${upstreams} SET unknown = unknown + 1 WHERE ${upstreams.name} = ${value('upstream')}`,
)

export const selectUpstreams = prepare<void, typeof upstreams.$inferSelect>(
  () => sql`
    SELECT ${upstreams.name}, ${upstreams.pending}, ${upstreams.adopted}, ${upstreams.refused}, ${upstreams.unknown},
      ${upstreams.last_adopted_at} FROM ${upstreams}`,
)

/** Returns the adoptions since the day `since`, in order of day. */
export const selectAdoptionDays = prepare<{ since: string }, typeof adoptionDays.$inferSelect>(
  () => sql`
    SELECT ${adoptionDays.upstream}, ${adoptionDays.day}, ${adoptionDays.adopted}
    FROM ${upstreams} CROSS JOIN ${adoptionDays} ON ${adoptionDays.upstream} = ${upstreams.name}
      AND ${adoptionDays.day} >= ${value('since')}
    ORDER BY ${adoptionDays.upstream}, ${adoptionDays.day}`,
)

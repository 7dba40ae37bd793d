/** Statements about signing in, sessions and their refresh tokens. */
import { sql, type SQL } from 'drizzle-orm'
import { refuseIf } from '../guard'
import { build, prepare, type Statement } from '../statement'
import { loginIdentifiers, refreshTokens, sessions, signInFailures, users } from '../tables'

const value = sql.placeholder

export type SignInRow = Pick<
  typeof users.$inferSelect,
  'number' | 'id' | 'active' | 'password_hash' | 'session_generation'
>

/** The user a folded identifier belongs to, with what is needed to check a password: a row, or none. */
export const selectSignIn = prepare<{ key: string }, SignInRow>(
  () => sql`
    SELECT ${users.number}, ${users.id}, ${users.active}, ${users.password_hash}, ${users.session_generation}
    FROM ${loginIdentifiers} JOIN ${users} ON ${users.number} = ${loginIdentifiers.user_number}
    WHERE ${loginIdentifiers.key} = ${value('key')}`,
)

/** The same of the user with this id, and until when (unix seconds) their account is locked, if it ever was. */
export const selectSignInOf = prepare<{ id: string }, SignInRow & { locked_until: number | null }>(
  () => sql`
    SELECT ${users.number}, ${users.id}, ${users.active}, ${users.password_hash}, ${users.session_generation},
      (SELECT ${signInFailures.locked_until} FROM ${signInFailures}
        WHERE ${signInFailures.account} = 'user:' || ${users.number}) AS locked_until
    FROM ${users} WHERE ${users.id} = ${value('id')}`,
)

export type SignInFailuresRow = typeof signInFailures.$inferSelect

/** The account's failures by a folded identifier; `unknown` is the account to look under when the identifier is no one's. */
export const selectSignInFailures = prepare<{ key: string; unknown: string }, SignInFailuresRow>(
  () => sql`
    SELECT * FROM ${signInFailures} WHERE ${signInFailures.account} = coalesce(
      (SELECT 'user:' || ${loginIdentifiers.user_number} FROM ${loginIdentifiers} WHERE ${loginIdentifiers.key} = ${value('key')}),
      ${value('unknown')})`,
)

/**
 * Counts one more failure in the transaction that sees the others. The failure that reaches `threshold` locks the account until
 * `now` + `firstDelay` doubled by each earlier lockout, at most `longestDelay` (seconds); a trail older than `forgottenBefore` counts
 * for nothing. To stand after `refuseSignInIfLocked`.
 */
export const recordSignInFailure = prepare<{
  account: string
  now: number
  threshold: number
  firstDelay: number
  longestDelay: number
  forgottenBefore: number
}>(
  () => sql`
    INSERT INTO ${signInFailures} (account, failures, lockouts, locked_until, last_failed_at)
    VALUES (${value('account')}, 1, 0, 0, ${value('now')})
    ON CONFLICT (account) DO UPDATE SET
      failures = CASE
        WHEN last_failed_at < ${value('forgottenBefore')} THEN 1
        WHEN failures + 1 >= ${value('threshold')} THEN 0
        ELSE failures + 1 END,
      lockouts = CASE
        WHEN last_failed_at < ${value('forgottenBefore')} THEN 0
        WHEN failures + 1 >= ${value('threshold')} THEN lockouts + 1
        ELSE lockouts END,
      locked_until = CASE
        WHEN last_failed_at >= ${value('forgottenBefore')} AND failures + 1 >= ${value('threshold')}
        THEN ${value('now')} + min(${value('longestDelay')}, ${value('firstDelay')} << min(lockouts, 10))
        ELSE locked_until END,
      last_failed_at = ${value('now')}`,
)

export const deleteSignInFailures = prepare<{ account: string }>(
  () => sql`DELETE FROM ${signInFailures} WHERE ${signInFailures.account} = ${value('account')}`,
)

/** Refuses the batch unless the user still is who the password was checked for. */
export function refuseSignInUnless(user: SignInRow): Statement {
  return refuseIf(
    'sign_in_changed',
    sql`NOT EXISTS (
      SELECT 1 FROM ${users} WHERE ${users.number} = ${user.number} AND ${users.active} = 1
        AND ${users.password_hash} = ${user.password_hash} AND ${users.session_generation} = ${user.session_generation})`,
  )
}

/** Refuses the batch where the folded identifier has come to be another user's, or no longer is this one's; null is for no user. */
export function refuseSignInUnlessStillOf(user: { number: number } | undefined, key: string): Statement {
  return refuseIf(
    'sign_in_changed',
    sql`(SELECT ${loginIdentifiers.user_number} FROM ${loginIdentifiers} WHERE ${loginIdentifiers.key} = ${key})
      IS NOT ${user?.number ?? null}`,
  )
}

/** Refuses the batch where failures have locked the account since it was looked at. */
export function refuseSignInIfLocked(account: string, now: number): Statement {
  return refuseIf(
    'sign_in_changed',
    sql`EXISTS (SELECT 1 FROM ${signInFailures}
      WHERE ${signInFailures.account} = ${account} AND ${signInFailures.locked_until} > ${now})`,
  )
}

export type NewSessionRow = Omit<typeof sessions.$inferSelect, 'user_number' | 'generation'> & { user_id: string }

/** A session of the user with this id, in their present generation. */
export const insertSession = prepare<NewSessionRow>(
  () => sql`
    INSERT INTO ${sessions} (id, user_number, generation, contract, family_hash, created_at, last_used_at, expires_at)
    SELECT ${value('id')}, ${users.number}, ${users.session_generation}, ${value('contract')}, ${value('family_hash')},
      ${value('created_at')}, ${value('last_used_at')}, ${value('expires_at')}
    FROM ${users} WHERE ${users.id} = ${value('user_id')}`,
)

export type SessionRow = Omit<typeof sessions.$inferSelect, 'user_number' | 'generation' | 'family_hash'>

/** The living sessions of the user with this id, newest first: ids are in order of time. */
export const selectSessionsOf = prepare<{ user_id: string; now: number }, SessionRow>(
  () => sql`
    SELECT ${sessions.id}, ${sessions.contract}, ${sessions.created_at}, ${sessions.last_used_at}, ${sessions.expires_at}
    FROM ${users} JOIN ${sessions} ON ${sessions.user_number} = ${users.number}
    WHERE ${users.id} = ${value('user_id')} AND ${sessions.generation} = ${users.session_generation}
      AND ${sessions.expires_at} > ${value('now')}
    ORDER BY ${sessions.id} DESC`,
)

/** Ends every session of the user. */
export const endSessionsOf = prepare<{ number: number }>(
  () => sql`
    UPDATE ${users} SET session_generation = ${users.session_generation} + 1 WHERE ${users.number} = ${value('number')}`,
)

export const deleteSession = prepare<{ id: string }>(
  () => sql`DELETE FROM ${sessions} WHERE ${sessions.id} = ${value('id')}`,
)

export const insertRefreshToken = prepare<{ session_id: string; hash: string }>(() =>
  build.insert(refreshTokens).values({ session_id: value('session_id'), hash: value('hash'), spent_at: null }),
)

/** A session by its id and the part that all its refresh tokens share. */
export type SessionOfFamily = {
  sessionId: string
  familyHash: string
  /** Unix seconds, as is `begunAfter`: an older session has ended, whenever it was to expire. */
  now: number
  begunAfter: number
}

/** That this is the session and can still be used: a condition on a row of sessions and one of its user. */
export function isAlive({ sessionId, familyHash, now, begunAfter }: Record<keyof SessionOfFamily, unknown>): SQL {
  return sql`${sessions.id} = ${sessionId} AND ${sessions.family_hash} = ${familyHash}
    AND ${sessions.expires_at} > ${now} AND ${sessions.created_at} > ${begunAfter}
    AND ${sessions.generation} = ${users.session_generation} AND ${users.active} = 1`
}

/** Refuses the batch unless the session is alive. */
export function refuseUnlessAlive(session: SessionOfFamily): Statement {
  return refuseIf(
    'refresh_token_unusable',
    sql`NOT EXISTS (
      SELECT 1 FROM ${sessions} JOIN ${users} ON ${users.number} = ${sessions.user_number} WHERE ${isAlive(session)})`,
  )
}

/** Refuses the batch unless the session is alive and the token unspent, or spent no earlier than `usedSince`. */
export function refuseUnlessRefreshable(token: SessionOfFamily & { hash: string; usedSince: number }): Statement {
  return refuseIf(
    'refresh_token_unusable',
    sql`NOT EXISTS (
      SELECT 1 FROM ${refreshTokens}
      JOIN ${sessions} ON ${sessions.id} = ${refreshTokens.session_id}
      JOIN ${users} ON ${users.number} = ${sessions.user_number}
      WHERE ${refreshTokens.session_id} = ${token.sessionId} AND ${refreshTokens.hash} = ${token.hash}
        AND coalesce(${refreshTokens.spent_at}, ${token.now}) >= ${token.usedSince}
        AND ${isAlive(token)})`,
  )
}

/**
 * Spends the token, if it is not spent yet, on `successor`, and forgets those of its session that were spent before `forgottenBefore`.
 * Either of the last two statements answers the successor's hash: that of a token that was spent before may be `otherSuccessor`.
 */
export function rotateRefreshToken(token: {
  session_id: string
  hash: string
  successor: string
  otherSuccessor: string | null
  now: number
  forgottenBefore: number
}): [Statement, Statement, Statement<{ hash: string }>, Statement<{ hash: string }>] {
  return [forgetRefreshTokens(token), markRefreshTokenSpent(token), insertSuccessor(token), selectSuccessor(token)]
}

const forgetRefreshTokens = prepare<{ session_id: string; forgottenBefore: number }>(
  () => sql`
    DELETE FROM ${refreshTokens}
    WHERE ${refreshTokens.session_id} = ${value('session_id')} AND ${refreshTokens.spent_at} < ${value('forgottenBefore')}`,
)

const markRefreshTokenSpent = prepare<{ session_id: string; hash: string; now: number }>(
  () => sql`
    UPDATE ${refreshTokens} SET spent_at = ${value('now')}
    WHERE ${refreshTokens.session_id} = ${value('session_id')} AND ${refreshTokens.hash} = ${value('hash')}
      AND ${refreshTokens.spent_at} IS NULL`,
)

/** To stand right after the statement that spends the token: one that was spent before has its successor already. */
const insertSuccessor = prepare<{ session_id: string; successor: string }, { hash: string }>(
  () => sql`
    INSERT INTO ${refreshTokens} (session_id, hash)
    SELECT ${value('session_id')}, ${value('successor')} WHERE changes() > 0 RETURNING hash`,
)

/** To stand right after `insertSuccessor`, for where that had nothing to do. */
const selectSuccessor = prepare<
  { session_id: string; successor: string; otherSuccessor: string | null },
  { hash: string }
>(
  () => sql`
    SELECT ${refreshTokens.hash} FROM (SELECT 1 WHERE changes() = 0) CROSS JOIN ${refreshTokens}
    WHERE ${refreshTokens.session_id} = ${value('session_id')}
      AND ${refreshTokens.hash} IN (${value('successor')}, ${value('otherSuccessor')})`,
)

/** Prolongs the session until `expires_at`, but no longer than `longest` seconds after it began. */
export const extendSession = prepare<{ id: string; expires_at: number; longest: number; now: number }>(
  () => sql`
    UPDATE ${sessions} SET last_used_at = ${value('now')},
      expires_at = min(${value('expires_at')}, ${sessions.created_at} + ${value('longest')})
    WHERE ${sessions.id} = ${value('id')}`,
)

/** Ends the session, if the token is of its family: answers its user's id, or nothing. */
export const deleteSessionOfFamily = prepare<{ id: string; family_hash: string }, { user_number: number }>(
  () => sql`
    DELETE FROM ${sessions}
    WHERE ${sessions.id} = ${value('id')} AND ${sessions.family_hash} = ${value('family_hash')}
    RETURNING user_number`,
)

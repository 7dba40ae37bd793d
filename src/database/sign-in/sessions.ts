/** Statements about signing in, sessions and their refresh tokens. */
import { sql, type SQL } from 'drizzle-orm'
import { refuseIf } from '../guard'
import { prepare, type Statement } from '../statement'
import { loginIdentifiers, refreshTokens, sessions, signInFailures, users } from '../tables'

const value = sql.placeholder

export type SignInRow = Pick<
  typeof users.$inferSelect,
  'number' | 'id' | 'active' | 'password_hash' | 'password_from' | 'session_generation'
>

/** Returns the user of a folded identifier, with the values to check a password: one row or none. */
export const selectSignIn = prepare<{ key: string }, SignInRow>(
  () => sql`
    SELECT ${users.number}, ${users.id}, ${users.active}, ${users.password_hash}, ${users.password_from},
      ${users.session_generation}
    FROM ${loginIdentifiers} JOIN ${users} ON ${users.number} = ${loginIdentifiers.user_number}
    WHERE ${loginIdentifiers.key} = ${value('key')}`,
)

/** As `selectSignIn`, by the user's id, with the end of the lockout (unix seconds) if the account was ever locked. */
export const selectSignInOf = prepare<{ id: string }, SignInRow & { locked_until: number | null }>(
  () => sql`
    SELECT ${users.number}, ${users.id}, ${users.active}, ${users.password_hash}, ${users.password_from},
      ${users.session_generation}, (SELECT ${signInFailures.locked_until} FROM ${signInFailures}
        WHERE ${signInFailures.account} = 'user:' || ${users.number}) AS locked_until
    FROM ${users} WHERE ${users.id} = ${value('id')}`,
)

export type SignInFailuresRow = typeof signInFailures.$inferSelect

/**
 * Returns the failures of an account by folded identifier. `unknown` is the account to use when no user has the
 * identifier.
 */
export const selectSignInFailures = prepare<{ key: string; unknown: string }, SignInFailuresRow>(
  () => sql`
    SELECT * FROM ${signInFailures} WHERE ${signInFailures.account} = coalesce(
      (SELECT 'user:' || ${loginIdentifiers.user_number} FROM ${loginIdentifiers} WHERE ${loginIdentifiers.key} = ${value('key')}),
      ${value('unknown')})`,
)

/**
 * Counts a failure. The failure that reaches `threshold` locks the account until `now` + `firstDelay`, doubled by each
 * earlier lockout up to `longestDelay` (seconds). Failures older than `forgottenBefore` are forgotten. Must follow
 * `refuseSignInIfLocked`.
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

/** Refuses the batch if the user has changed since the password was checked. */
export function refuseSignInUnless(user: SignInRow): Statement {
  return refuseIf(
    'sign_in_changed',
    sql`NOT EXISTS (
      SELECT 1 FROM ${users} WHERE ${users.number} = ${user.number} AND ${users.active} = 1
        AND ${users.password_hash} = ${user.password_hash} AND ${users.session_generation} = ${user.session_generation})`,
  )
}

/**
 * Refuses the batch if the folded identifier now belongs to another user than before. Undefined means that no user had
 * it.
 */
export function refuseSignInUnlessStillOf(user: { number: number } | undefined, key: string): Statement {
  return refuseIf(
    'sign_in_changed',
    sql`(SELECT ${loginIdentifiers.user_number} FROM ${loginIdentifiers} WHERE ${loginIdentifiers.key} = ${key})
      IS NOT ${user?.number ?? null}`,
  )
}

/** Refuses the batch if the account has been locked since the first read. */
export function refuseSignInIfLocked(account: string, now: number): Statement {
  return refuseIf(
    'sign_in_changed',
    sql`EXISTS (SELECT 1 FROM ${signInFailures}
      WHERE ${signInFailures.account} = ${account} AND ${signInFailures.locked_until} > ${now})`,
  )
}

export type NewSessionRow = Omit<typeof sessions.$inferSelect, 'user_number' | 'generation'> & { user_id: string }

/** Inserts a session of the user with this id, in the user's current generation. */
export const insertSession = prepare<NewSessionRow>(
  () => sql`
    INSERT INTO ${sessions} (id, user_number, generation, contract, family_hash, created_at, last_used_at, expires_at, program)
    SELECT ${value('id')}, ${users.number}, ${users.session_generation}, ${value('contract')}, ${value('family_hash')},
      ${value('created_at')}, ${value('last_used_at')}, ${value('expires_at')}, ${value('program')}
    FROM ${users} WHERE ${users.id} = ${value('user_id')}`,
)

export type SessionRow = Omit<typeof sessions.$inferSelect, 'user_number' | 'generation' | 'family_hash'>

/** Returns the valid sessions of the user with this id, newest first. Ids are in order of time. */
export const selectSessionsOf = prepare<{ user_id: string; now: number }, SessionRow>(
  () => sql`
    SELECT ${sessions.id}, ${sessions.contract}, ${sessions.created_at}, ${sessions.last_used_at}, ${sessions.expires_at},
      ${sessions.program}
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

export const insertRefreshToken = prepare<{ session_id: string; hash: string }>(
  () => sql`INSERT INTO ${refreshTokens} (session_id, hash) VALUES (${value('session_id')}, ${value('hash')})`,
)

/** Identifies a session by its id and the part that all its refresh tokens share. */
export type SessionOfFamily = {
  sessionId: string
  familyHash: string
  /** Unix seconds, as is `begunAfter`. A session that began earlier has ended. */
  now: number
  begunAfter: number
}

/** A condition on a row of sessions and its user: this is the session, and it is valid. */
export function isAlive({ sessionId, familyHash, now, begunAfter }: Record<keyof SessionOfFamily, unknown>): SQL {
  return sql`${sessions.id} = ${sessionId} AND ${sessions.family_hash} = ${familyHash}
    AND ${sessions.expires_at} > ${now} AND ${sessions.created_at} > ${begunAfter}
    AND ${sessions.generation} = ${users.session_generation} AND ${users.active} = 1`
}

/** Refuses the batch unless the session is valid. */
export function refuseUnlessAlive(session: SessionOfFamily): Statement {
  return refuseIf(
    'refresh_token_unusable',
    sql`NOT EXISTS (
      SELECT 1 FROM ${sessions} JOIN ${users} ON ${users.number} = ${sessions.user_number} WHERE ${isAlive(session)})`,
  )
}

/** Refuses the batch unless the session is valid and the token is unused, or was used no earlier than `usedSince`. */
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
 * Marks the token as used and inserts `successor`, if it was unused. Deletes tokens of the session that were used
 * before `forgottenBefore`. Either of the last two statements returns the hash of the successor. The successor of a
 * token that was used before may be `otherSuccessor`.
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

/** Must directly follow the statement that marks the token. A token that was used before already has its successor. */
const insertSuccessor = prepare<{ session_id: string; successor: string }, { hash: string }>(
  () => sql`
    INSERT INTO ${refreshTokens} (session_id, hash)
    SELECT ${value('session_id')}, ${value('successor')} WHERE changes() > 0 RETURNING hash`,
)

/** Must directly follow `insertSuccessor`, and returns the successor if that inserted none. */
const selectSuccessor = prepare<
  { session_id: string; successor: string; otherSuccessor: string | null },
  { hash: string }
>(
  () => sql`
    SELECT ${refreshTokens.hash} FROM (SELECT 1 WHERE changes() = 0) CROSS JOIN ${refreshTokens}
    WHERE ${refreshTokens.session_id} = ${value('session_id')}
      AND ${refreshTokens.hash} IN (${value('successor')}, ${value('otherSuccessor')})`,
)

/** Extends the session to `expires_at`, but at most to `longest` seconds after its start. */
export const extendSession = prepare<{ id: string; expires_at: number; longest: number; now: number }>(
  () => sql`
    UPDATE ${sessions} SET last_used_at = ${value('now')},
      expires_at = min(${value('expires_at')}, ${sessions.created_at} + ${value('longest')})
    WHERE ${sessions.id} = ${value('id')}`,
)

/** Deletes the session if the token is of its family. Returns the user's number, or no row. */
export const deleteSessionOfFamily = prepare<{ id: string; family_hash: string }, { user_number: number }>(
  () => sql`
    DELETE FROM ${sessions}
    WHERE ${sessions.id} = ${value('id')} AND ${sessions.family_hash} = ${value('family_hash')}
    RETURNING user_number`,
)

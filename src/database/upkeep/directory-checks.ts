/**
 * Statements that compare redundant data. Each checks the users with a number from `from` up to, but not including,
 * `to`.
 */
import { sql, type SQL } from 'drizzle-orm/sql'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { limit, prepare } from '../statement'
import { loginIdentifiers, roles, userCounts, userRoles, users, userSearch, userSpans } from '../tables'
import { partLength, spanLength } from '../users/user-pages'

/** A type alias, because an interface does not fit the index signature of `Values`. */
export type NumberRange = { from: number; to: number }

const value = sql.placeholder
const within = (column: SQLiteColumn | SQL) => sql`${column} >= ${value('from')} AND ${column} < ${value('to')}`

export const selectLastNumber = prepare<void, { last: number | null }>(
  () => sql`SELECT max(${users.number}) AS last FROM ${users}`,
)

export interface PartCount {
  scope: string
  /** The part's position among all parts. */
  part: number
  count: number
}

const partOf = (number: SQLiteColumn) => sql`${number} / ${sql.raw(String(partLength))}`

export const countUsers = prepare<NumberRange, { part: number; users: number; inactive: number }>(
  () => sql`
    SELECT ${partOf(users.number)} AS part, count(*) AS users, sum(${users.active} = 0) AS inactive
    FROM ${users} WHERE ${within(users.number)} GROUP BY part`,
)

export const countHolders = prepare<NumberRange, PartCount>(
  () => sql`
    SELECT 'role:' || ${userRoles.role_number} AS scope, ${partOf(userRoles.user_number)} AS part, count(*) AS count
    FROM ${userRoles} WHERE ${within(userRoles.user_number)} GROUP BY scope, part`,
)

/** The spans that overlap the range. `parts` is JSON. */
export const selectSpans = prepare<NumberRange, typeof userSpans.$inferSelect>(() => {
  // D1 binds numbers as REAL, and REAL division keeps the fraction.
  const spanOf = (number: SQL) => sql`CAST(${number} AS INTEGER) / ${sql.raw(String(spanLength))}`
  return sql`
    SELECT ${userSpans.scope}, ${userSpans.position}, ${userSpans.count}, ${userSpans.parts}
    FROM ${userCounts} CROSS JOIN ${userSpans} ON ${userSpans.scope} = ${userCounts.scope}
      AND ${userSpans.position} BETWEEN ${spanOf(sql`${value('from')}`)} AND ${spanOf(sql`${value('to')} - 1`)}`
})

/** Totals that differ from the sum of their spans, and roles without a total. */
export const selectOffTotals = prepare<void, { scope: string; count: number | null; spans: number | null }>(
  () => sql`
    SELECT ${userCounts.scope}, ${userCounts.count}, ${sumOfSpans} AS spans FROM ${userCounts}
    WHERE ${userCounts.count} <> ${sumOfSpans}
    UNION ALL
    SELECT 'role:' || ${roles.number}, NULL, NULL FROM ${roles}
    WHERE NOT EXISTS (SELECT 1 FROM ${userCounts} WHERE ${userCounts.scope} = 'role:' || ${roles.number})`,
)

const sumOfSpans = sql`coalesce((
  SELECT sum(${userSpans.count}) FROM ${userSpans} WHERE ${userSpans.scope} = ${userCounts.scope}), 0)`

/** Counts the pending users of each upstream that has any. Reads each of these users. */
export const countPending = prepare<void, { upstream: string; pending: number }>(
  () => sql`
    SELECT ${users.password_from} AS upstream, count(*) AS pending FROM ${users}
    WHERE (${users.password_from} IS NOT NULL) = 1 AND ${users.password_hash} IS NULL GROUP BY 1`,
)

/** Users whose columns differ from their rows in user_roles. */
export const selectOffRoles = prepare<NumberRange, { id: string }>(
  () => sql`
    SELECT ${users.id} FROM ${users} WHERE ${within(users.number)}
      AND (${users.primary_role}, ${users.role_count}, ${users.role_count} - 1) IS NOT (
        SELECT max(iif(${userRoles.position} = 0, ${userRoles.role_number}, NULL)), count(*), max(${userRoles.position})
        FROM ${userRoles} WHERE ${userRoles.user_number} = ${users.number})`,
)

export const selectNumbers = prepare<NumberRange, { id: string; number: number }>(
  () => sql`SELECT ${users.id}, ${users.number} FROM ${users} WHERE ${within(users.number)}`,
)

/** Users with an entry in the search index. A query for each user would read ten rows each. */
export const selectIndexed = prepare<NumberRange & { limit: number }, { number: number }>(
  () => sql`
    SELECT ${userSearch.rowid} AS number FROM ${userSearch} WHERE ${within(userSearch.rowid)} ${limit('limit')}`,
)

const sampled = {
  number: users.number,
  version: users.version,
  email: users.email,
  username: users.username,
  name: users.name,
  given_name: users.given_name,
  family_name: users.family_name,
  certified_email: users.certified_email,
}
export type SampledUser = Pick<typeof users.$inferSelect, keyof typeof sampled>

/** Returns the users with these numbers (a JSON array) that exist. */
export const selectSample = prepare<{ numbers: string }, SampledUser>(
  () => sql`
    SELECT ${sql.join(Object.values(sampled), sql`, `)}
    FROM json_each(${value('numbers')}) CROSS JOIN ${users} ON ${users.number} = value`,
)

/**
 * Returns the users that their own words do not find. `sought` is a JSON array of `[number, version, phrases]`. Users
 * that have changed since are skipped.
 */
export const selectUnfound = prepare<{ sought: string }, { id: string }>(
  () => sql`
    SELECT ${users.id} FROM json_each(${value('sought')}) AS word
      CROSS JOIN ${users} ON ${users.number} = word.value ->> 0 AND ${users.version} = word.value ->> 1
    WHERE NOT EXISTS (
      SELECT 1 FROM ${userSearch} WHERE user_search MATCH word.value ->> 2 AND ${userSearch.rowid} = ${users.number})`,
)

const theirs = (key: SQLiteColumn | SQL) => sql`EXISTS (
  SELECT 1 FROM ${loginIdentifiers}
  WHERE ${loginIdentifiers.key} = ${key} AND ${loginIdentifiers.user_number} = ${users.number})`
const matriculeKey = sql`CAST(${users.matricule} AS TEXT)`

export const selectUnidentified = prepare<NumberRange, { id: string }>(
  () => sql`
    SELECT ${users.id} FROM ${users} WHERE ${within(users.number)} AND NOT (
      ${theirs(users.email_key)}
      AND (${users.username_key} IS NULL OR ${theirs(users.username_key)})
      AND (${users.matricule} IS NULL OR ${theirs(matriculeKey)}))`,
)

/** Returns the next identifiers after `after`, and whether each belongs to its user. */
export const selectIdentifiersAfter = prepare<
  { after: string; limit: number },
  { key: string; user_number: number; stray: number }
>(
  () => sql`
    SELECT ${loginIdentifiers.key}, ${loginIdentifiers.user_number}, NOT EXISTS (
        SELECT 1 FROM ${users} WHERE ${users.number} = ${loginIdentifiers.user_number}
          AND ${loginIdentifiers.key} IN (${users.email_key}, ${users.username_key}, ${matriculeKey})) AS stray
    FROM ${loginIdentifiers} WHERE ${loginIdentifiers.key} > ${value('after')}
    ORDER BY ${loginIdentifiers.key} ${limit('limit')}`,
)

const folded = {
  id: users.id,
  email: users.email,
  email_key: users.email_key,
  username: users.username,
  username_key: users.username_key,
  name: users.name,
  name_key: users.name_key,
}

/** The folded columns and their originals. */
export const selectFolded = prepare<NumberRange, Pick<typeof users.$inferSelect, keyof typeof folded>>(
  () => sql`SELECT ${sql.join(Object.values(folded), sql`, `)} FROM ${users} WHERE ${within(users.number)}`,
)

export const selectPasswordHashes = prepare<NumberRange, { id: string; password_hash: string }>(
  () => sql`
    SELECT ${users.id}, ${users.password_hash} FROM ${users}
    WHERE ${within(users.number)} AND ${users.password_hash} IS NOT NULL`,
)

/** The number of users in the range. */
export const countRange = prepare<NumberRange, { users: number }>(
  () => sql`SELECT count(*) AS users FROM ${users} WHERE ${within(users.number)}`,
)

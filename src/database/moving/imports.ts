/**
 * Statements about many users at once: the existing users, numbers and identifiers for an import, and the inserts of
 * all its rows.
 */
import { getTableColumns, sql } from 'drizzle-orm'
import type { NewAuditEventRow } from '../audit/audit'
import { names, prepare, type Statement } from '../statement'
import { auditEvents, countedTogether, deletedNumbers, loginIdentifiers, userRoles, users, userSearch } from '../tables'
import { partLength } from '../users/user-pages'
import { padded, searchFields, type SearchRow } from '../users/user-search'
import type { NewUserRow } from '../users/users'

const value = sql.placeholder

/**
 * Returns which of `ids` (a JSON array) are known, and whether the user exists. Deleted users are found in the audit
 * trail, as far as it reaches.
 */
export const selectKnownIds = prepare<{ ids: string }, { id: string; present: 0 | 1 }>(
  () => sql`
    SELECT value AS id, ${users.number} IS NOT NULL AS present
    FROM json_each(${value('ids')}) LEFT JOIN ${users} ON ${users.id} = value
    WHERE ${users.number} IS NOT NULL OR EXISTS (
      SELECT 1 FROM ${auditEvents} WHERE ${auditEvents.user_id} = value AND ${auditEvents.action} = 'user.deleted')`,
)

export interface HolderRow {
  key: string
  id: string
  number: number
  email_key: string
  username_key: string | null
  matricule: number | null
}

/** Returns which of `keys` (a JSON array of folded identifiers) are taken, and the identifiers of their users. */
export const selectHolders = prepare<{ keys: string }, HolderRow>(
  () => sql`
    SELECT ${loginIdentifiers.key}, ${users.id}, ${users.number}, ${users.email_key}, ${users.username_key}, ${users.matricule}
    FROM json_each(${value('keys')}) CROSS JOIN ${loginIdentifiers} ON ${loginIdentifiers.key} = value
      CROSS JOIN ${users} ON ${users.number} = ${loginIdentifiers.user_number}`,
)

/** Returns which of `numbers` (a JSON array) an existing or a deleted user has. */
export const selectUsedNumbers = prepare<{ numbers: string }, { number: number; present: 0 | 1 }>(
  () => sql`
    SELECT value AS number, ${users.number} IS NOT NULL AS present
    FROM json_each(${value('numbers')}) LEFT JOIN ${users} ON ${users.number} = value
    WHERE ${users.number} IS NOT NULL OR EXISTS (SELECT 1 FROM ${deletedNumbers} WHERE ${deletedNumbers.number} = value)`,
)

/** The highest number that any user ever had; no row if there never was a user. */
export const selectHighestNumber = prepare<void, { highest: number }>(
  () => sql`SELECT seq AS highest FROM sqlite_sequence WHERE name = 'users'`,
)

export interface NewUserEntry {
  /** The database assigns a number that is null. */
  row: NewUserRow & { number: number | null }
  /** Role numbers, the primary role first. */
  roles: readonly number[]
  search: SearchRow
  /** The event that records the creation. */
  event: { id: string; fields: readonly string[] }
}

const userColumns = Object.keys(getTableColumns(users)) as (keyof NewUserEntry['row'])[]

/** The values of a row that is a JSON array. */
const parts = (count: number) =>
  sql.join(
    Array.from({ length: count }, (_, index) => sql.raw(`value ->> ${index}`)),
    sql`, `,
  )

/** A row has many values, which SQLite finds faster in parsed JSON. */
const insertUsers = prepare<{ rows: string }>(
  () => sql`
    WITH new AS MATERIALIZED (SELECT jsonb(value) AS value FROM json_each(${value('rows')}))
    INSERT INTO ${users} (${names(userColumns)}) SELECT ${parts(userColumns.length)} FROM new`,
)

const insertRoles = prepare<{ rows: string }>(
  () => sql`
    INSERT INTO ${userRoles} (user_number, role_number, position)
    SELECT ${users.number}, role.value, role.key
    FROM json_each(${value('rows')}) AS holder CROSS JOIN ${users} ON ${users.id} = holder.value ->> 0
      CROSS JOIN json_each(holder.value, '$[1]') AS role`,
)

const insertSearch = prepare<{ rows: string }>(
  () => sql`
    INSERT INTO ${userSearch} (rowid, ${names(searchFields)})
    SELECT ${users.number}, ${sql.join(
      searchFields.map((_, index) => padded(sql.raw(`value ->> ${index + 1}`))),
      sql`, `,
    )}
    FROM json_each(${value('rows')}) CROSS JOIN ${users} ON ${users.id} = value ->> 0`,
)

/** The columns that all events of the batch share, and whether webhooks receive them. */
export type CommonEvent = Omit<NewAuditEventRow, 'id' | 'user_id' | 'fields' | 'subject_id' | 'address'> & {
  notifiesWebhooks: boolean
}

const insertEvents = prepare<Omit<CommonEvent, 'notifiesWebhooks'> & { rows: string }>(
  () => sql`
    INSERT INTO ${auditEvents} (id, at, actor_id, action, user_id, contract, fields, credential_kind, credential_id, request_id)
    SELECT value ->> 0, ${value('at')}, ${value('actor_id')}, ${value('action')}, value ->> 1, ${value('contract')},
      value -> 2, ${value('credential_kind')}, unhex(${value('credential_id')}, '-'), unhex(${value('request_id')}, '-')
    FROM json_each(${value('rows')})`,
)

/** One event for each user. `userId` is the user that it is about. */
export function insertEventOfEach(
  events: readonly { id: string; userId: string; fields: readonly string[] }[],
  { notifiesWebhooks, ...common }: CommonEvent,
): Statement[] {
  return packed(events.map(({ id, userId, fields }) => [id, userId, fields])).map((rows) => ({
    ...insertEvents({ ...common, rows }),
    notifiesWebhooks,
  }))
}

/** Suspends the counting of each row, until `countApart`. The batch counts the rows together. */
export const countTogether = prepare<void>(() => sql`INSERT INTO ${countedTogether} (present) VALUES (1)`)
export const countApart = prepare<void>(() => sql`DELETE FROM ${countedTogether}`)

/** One count for all users in the same part of a span, as the triggers would add one by one. */
const countNew = prepare<{ ids: string }>(
  () => sql`
    WITH new AS MATERIALIZED (
      SELECT ${users.number}, ${users.active} FROM json_each(${value('ids')}) CROSS JOIN ${users} ON ${users.id} = value)
    INSERT INTO user_count_changes
    SELECT 'all', min(number), count(*) FROM new GROUP BY number / ${sql.raw(String(partLength))}
    UNION ALL
    SELECT 'inactive', min(number), count(*) FROM new WHERE active = 0 GROUP BY number / ${sql.raw(String(partLength))}
    UNION ALL
    SELECT 'role:' || role_number, min(number), count(*) FROM new CROSS JOIN ${userRoles} ON user_number = number
    GROUP BY role_number, number / ${sql.raw(String(partLength))}`,
)

/**
 * Inserts users with everything that belongs to them. Users with a number come first, so that no new number collides
 * with theirs.
 */
export function insertEachUser(newUsers: readonly NewUserEntry[], common: CommonEvent): Statement[] {
  const numbered = newUsers.toSorted((a, b) => Number(a.row.number === null) - Number(b.row.number === null))
  const ids = packed(newUsers.map(({ row }) => row.id))
  return [
    countTogether(),
    ...packed(numbered.map(({ row }) => userColumns.map((column) => row[column]))).map((rows) => insertUsers({ rows })),
    ...packed(newUsers.map(({ row, roles }) => [row.id, roles])).map((rows) => insertRoles({ rows })),
    ...packed(newUsers.map(({ row, search }) => [row.id, ...searchFields.map((field) => search[field])])).map((rows) =>
      insertSearch({ rows }),
    ),
    ...insertEventOfEach(
      newUsers.map(({ row, event }) => ({ ...event, userId: row.id })),
      common,
    ),
    ...ids.map((part) => countNew({ ids: part })),
    countApart(),
  ]
}

/** D1 limits values to 2,000,000 bytes. These texts have one byte a character. */
const maxValueLength = 1_900_000

/** Packs the items into as few JSON arrays as the limit allows. */
function packed(items: readonly unknown[]): string[] {
  const typical = JSON.stringify(items[0] ?? null).length + 1
  const most = Math.max(Math.floor((maxValueLength * 0.75) / typical), 1)
  const parts = Array.from({ length: Math.ceil(items.length / most) }, (_, index) =>
    items.slice(index * most, (index + 1) * most),
  )
  return parts.flatMap(halved)
}

/** Escapes what is not ASCII, because D1 encodes, decodes and parses ASCII faster. */
const toJson = (items: readonly unknown[]): string =>
  JSON.stringify(items).replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

function halved(items: readonly unknown[]): string[] {
  const text = toJson(items)
  if (text.length <= maxValueLength || items.length === 1) return [text]
  const middle = items.length >> 1
  return [...halved(items.slice(0, middle)), ...halved(items.slice(middle))]
}

/**
 * Returns the rows written for this user, counted as D1 does: each index is a row. Excludes what a batch writes only
 * once.
 */
export function rowsToWrite({ row, roles }: Pick<NewUserEntry, 'row' | 'roles'>): number {
  const matricule = row.matricule === null ? null : String(row.matricule)
  const identifiers = new Set([row.email_key, row.username_key, matricule].filter((key) => key !== null))
  const isPending = row.password_from !== null
  const user = 1 + 5 + Number(row.gender !== null) + Number(row.password_hash === null) + Number(isPending)
  return user + identifiers.size + 2 * roles.length + 1 + 4
}

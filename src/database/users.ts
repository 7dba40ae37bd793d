/** Statements about users and the roles they hold. */
import { eq, getTableColumns, sql, type SQL } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { held, refuseIf, type UserKey } from './guard'
import { build, compile, limit, prepare, type Statement } from './statement'
import { apiKeys, loginIdentifiers, roles, sessions, userCounts, userRoles, users } from './tables'

type Columns = typeof users.$inferSelect

type Unshown =
  | `${'email' | 'username' | 'name'}_key`
  | 'password_hash'
  | 'pin_hash'
  | `${'session' | 'key'}_generation`
  | 'role_count'

/** A user as read: no secrets; the primary role as JSON, `[id, number, name]`, and the others, if any, as an array of such. */
export type UserRow = Omit<Columns, Unshown | 'primary_role'> & { primary_role: string; other_roles: string | null }

export type NewUserRow = Omit<Columns, 'number'>
export type UserColumns = Partial<Omit<Columns, 'number' | 'id' | 'version' | 'session_generation' | 'key_generation'>>

const value = sql.placeholder

/** The parts of a UserRow, as expressions over a row of users. */
const shown: Record<keyof UserRow, SQL | SQLiteColumn> = {
  number: users.number,
  id: users.id,
  matricule: users.matricule,
  username: users.username,
  email: users.email,
  name: users.name,
  given_name: users.given_name,
  family_name: users.family_name,
  birthdate: users.birthdate,
  gender: users.gender,
  phone_number: users.phone_number,
  mobile_number: users.mobile_number,
  certified_email: users.certified_email,
  user_type: users.user_type,
  is_staff: users.is_staff,
  country_id: users.country_id,
  active: users.active,
  created_at: users.created_at,
  updated_at: users.updated_at,
  version: users.version,
  primary_role: sql`(SELECT json_array(${roles.id}, ${roles.number}, ${roles.name}) || '' FROM ${roles}
    WHERE ${roles.number} = ${users.primary_role})`,
  other_roles: sql`CASE WHEN ${users.role_count} > 1 THEN (
    SELECT json_group_array(json_array(id, number, name)) || '' FROM (
      SELECT ${roles.id}, ${roles.number}, ${roles.name}
      FROM ${userRoles} CROSS JOIN ${roles} ON ${roles.number} = ${userRoles.role_number}
      WHERE ${userRoles.user_number} = ${users.number} AND ${userRoles.position} > 0
      ORDER BY ${userRoles.position})) END`,
}

/**
 * A whole UserRow as one JSON text, and what else there is to know: a cell costs D1 and us a fraction of what 22 do. With its names it
 * would be more arguments than D1 lets a function have.
 */
const textOf = (...beside: SQL[]): SQL => sql`json_array(${sql.join([...Object.values(shown), ...beside], sql`, `)})`

/** In the order of `shown`. */
type Parts = [
  ...[number: number, id: string, matricule: number | null, username: string | null, email: string, name: string],
  ...[given_name: string, family_name: string, birthdate: string | null, gender: UserRow['gender']],
  ...[phone_number: string | null, mobile_number: string | null, certified_email: string | null],
  ...[user_type: UserRow['user_type'], is_staff: number, country_id: number | null, active: number],
  ...[created_at: number, updated_at: number, version: number, primary_role: string, other_roles: string | null],
  ...beside: unknown[],
]

/** Told one by one: a loop over the names takes longer than the parsing. */
function toRow(parts: Parts): UserRow {
  return {
    number: parts[0],
    id: parts[1],
    matricule: parts[2],
    username: parts[3],
    email: parts[4],
    name: parts[5],
    given_name: parts[6],
    family_name: parts[7],
    birthdate: parts[8],
    gender: parts[9],
    phone_number: parts[10],
    mobile_number: parts[11],
    certified_email: parts[12],
    user_type: parts[13],
    is_staff: parts[14],
    country_id: parts[15],
    active: parts[16],
    created_at: parts[17],
    updated_at: parts[18],
    version: parts[19],
    primary_role: parts[20],
    other_roles: parts[21],
  }
}

/** The UserRow in such a text. */
export function readUser(text: string): UserRow {
  return toRow(JSON.parse(text) as Parts)
}

/** For the columns of a SELECT from users; `readUserCell` takes it apart again. */
export const userCell = sql`${textOf()} AS user`

export const readUserCell = ({ user }: { user: string }): UserRow => readUser(user)

/** Where there are other columns beside it. */
function readUserAnd<Beside extends object>({ user, ...beside }: { user: string } & Beside): UserRow & Beside {
  return Object.assign(readUser(user), beside as unknown as Beside)
}

/** A user in a list, with the key that it is sorted by, where that is not the number. */
export interface ListedUser {
  user: UserRow
  key: string | undefined
}

/** A text that `readListedUser` takes apart again. */
export const listedUser = (key?: SQL): SQL => (key ? textOf(key) : textOf())

export function readListedUser(text: string): ListedUser {
  const parts = JSON.parse(text) as Parts
  return { user: toRow(parts), key: parts[22] as string | undefined }
}

/** The user of this id as `readUser` reads it, for keeping what a request answered. */
export const userSnapshot = (id: string): SQL => sql`(SELECT ${textOf()} FROM ${users} WHERE ${users.id} = ${id})`

/** A statement for each key a user can be named by; it answers one row, or none. */
function byKey<Beside extends object = object>(beside?: () => SQL): (key: UserKey) => Statement<UserRow & Beside> {
  const by = (column: 'id' | 'number' | 'matricule') =>
    prepare<{ key: string | number }, UserRow & Beside>(
      () => sql`
        SELECT ${userCell}${beside ? sql`, ${beside()}` : sql``} FROM ${users} WHERE ${users[column]} = ${value('key')}`,
      readUserAnd<Beside>,
    )
  const [byId, byNumber, byMatricule] = [by('id'), by('number'), by('matricule')]
  return (key) => {
    if ('id' in key) return byId({ key: key.id })
    if ('number' in key) return byNumber({ key: key.number })
    return byMatricule({ key: key.matricule })
  }
}

export const selectUser = byKey()

/** The user with the union of their permissions, which whoever changes them must hold too. */
export const selectUserToChange = byKey<{ permissions: number }>(() => sql`${held} AS permissions`)

export const selectUserOfKey = prepare<{ hash: string }, UserRow>(
  () => sql`
    SELECT ${userCell} FROM ${users}
    WHERE ${users.number} = (SELECT ${apiKeys.user_number} FROM ${apiKeys} WHERE ${apiKeys.hash} = ${value('hash')})`,
  readUserCell,
)

export const selectUserOfSession = prepare<{ id: string }, UserRow>(
  () => sql`
    SELECT ${userCell} FROM ${users}
    WHERE ${users.number} = (SELECT ${sessions.user_number} FROM ${sessions} WHERE ${sessions.id} = ${value('id')})`,
  readUserCell,
)

/**
 * A page in order of matricule after `matricule`, then of those without one in order of number after `number`: the second part is
 * read only as far as the first leaves room.
 */
export const selectUsersByMatricule = prepare<{ matricule: number; number: number; limit: number }, UserRow>(
  () => sql`
    SELECT * FROM (
      SELECT ${userCell} FROM ${users} WHERE ${users.matricule} > ${value('matricule')}
      ORDER BY ${users.matricule} ${limit('limit')})
    UNION ALL
    SELECT * FROM (
      SELECT ${userCell} FROM ${users} WHERE ${users.matricule} IS NULL AND ${users.number} > ${value('number')}
      ORDER BY ${users.number} ${limit('limit')})
    ${limit('limit')}`,
  readUserCell,
)

/** A user with everything kept of them, the secrets as hashes; to be shown to nobody but who may move the directory. */
export type ExportRow = UserRow & Pick<Columns, 'password_hash' | 'pin_hash'>

/** A page of everyone, in order of number after `number`. */
export const selectUsersToExport = prepare<{ number: number; limit: number }, ExportRow>(
  () => sql`
    SELECT ${userCell}, ${users.password_hash}, ${users.pin_hash} FROM ${users}
    WHERE ${users.number} > ${value('number')} ORDER BY ${users.number} ${limit('limit')}`,
  readUserAnd<Pick<Columns, 'password_hash' | 'pin_hash'>>,
)

/** `scope` is 'all', 'inactive' or 'role:<number>'. */
export const selectUserCount = prepare<{ scope: string }, { count: number }>(
  () => sql`SELECT ${userCounts.count} FROM ${userCounts} WHERE ${userCounts.scope} = ${value('scope')}`,
)

/** Which of `keys` (a JSON array of folded identifiers) are taken, and by whom. */
export const selectLoginIdentifiers = prepare<{ keys: string }, typeof loginIdentifiers.$inferSelect>(
  () => sql`
    SELECT ${loginIdentifiers.key}, ${loginIdentifiers.user_number}
    FROM json_each(${value('keys')}) CROSS JOIN ${loginIdentifiers} ON ${loginIdentifiers.key} = value`,
)

/** The database gives the number. */
export const insertUser = prepare<NewUserRow>(() => {
  const { number: _, ...columns } = getTableColumns(users)
  const values = Object.fromEntries(Object.keys(columns).map((column) => [column, value(column)]))
  return build.insert(users).values(values as unknown as NewUserRow)
})

/** What ends with a change: the user's sessions, or their sessions and their API keys. */
export type Ending = 'sessions' | 'credentials' | undefined

/** Writes the columns given, if the user is still at this version, and raises it. */
export function updateUser(
  user: { number: number; version: number },
  columns: UserColumns,
  ending?: Ending,
): Statement[] {
  const set = {
    ...columns,
    ...(ending && { session_generation: sql`${users.session_generation} + 1` }),
    ...(ending === 'credentials' && { key_generation: sql`${users.key_generation} + 1` }),
    version: user.version + 1,
  }
  return [
    refuseUnlessVersion(user.number, user.version),
    compile(build.update(users).set(set).where(eq(users.number, user.number))),
  ]
}

/** The same password under a new hash: nothing anyone sees changes, so the version stays. */
export const setPasswordHash = prepare<{ number: number; password_hash: string }>(() =>
  build
    .update(users)
    .set({ password_hash: sql`${value('password_hash')}` })
    .where(eq(users.number, value('number'))),
)

/** The change was decided on this version of the user: any other refuses the batch as `stale`. */
export function refuseUnlessVersion(number: number, version: number): Statement {
  return refuseIf(
    'stale',
    sql`NOT EXISTS (SELECT 1 FROM ${users} WHERE ${users.number} = ${number} AND ${users.version} = ${version})`,
  )
}

/** The columns of a user that repeat what user_roles says; whoever writes the one writes the other. */
export function roleColumns(roleNumbers: readonly number[]): Pick<Columns, 'primary_role' | 'role_count'> {
  return { primary_role: roleNumbers[0] as number, role_count: roleNumbers.length }
}

/** Gives the user with this id roles beside those they keep: JSON, the numbers by their position, as an array or an object. */
export const insertUserRoles = prepare<{ id: string; roles: string }>(
  () => sql`
    INSERT INTO ${userRoles} (user_number, role_number, position)
    SELECT (SELECT ${users.number} FROM ${users} WHERE ${users.id} = ${value('id')}), value, key
    FROM json_each(${value('roles')}) WHERE 1
    ON CONFLICT DO UPDATE SET position = excluded.position`,
)

/** Takes roles away: a JSON array of numbers. */
export const deleteUserRoles = prepare<{ number: number; roles: string }>(
  () => sql`
    DELETE FROM ${userRoles} WHERE ${userRoles.user_number} = ${value('number')}
      AND ${userRoles.role_number} IN (SELECT value FROM json_each(${value('roles')}))`,
)

export const deleteUser = prepare<{ number: number }>(
  () => sql`DELETE FROM ${users} WHERE ${users.number} = ${value('number')}`,
)

/** To stand after a change, in its batch: refuses what would leave no active holder of the admin role. */
export function refuseWithoutActiveAdmin(adminRole: number): Statement {
  return refuseIf('last_admin', sql`NOT ${activeHolder(adminRole)}`)
}

const activeHolder = (role: number): SQL => sql`EXISTS (
  SELECT 1 FROM ${userRoles} JOIN ${users} ON ${users.number} = ${userRoles.user_number}
  WHERE ${userRoles.role_number} = ${role} AND ${users.active} = 1)`

/** Refuses the batch once anybody holds the role: two first sign-ins make one first admin. */
export function refuseIfHeld(role: number): Statement {
  return refuseIf('admin_exists', sql`EXISTS (SELECT 1 FROM ${userRoles} WHERE ${userRoles.role_number} = ${role})`)
}

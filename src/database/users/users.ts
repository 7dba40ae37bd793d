/** Statements about users and their roles. */
import { getTableColumns, sql, type SQL } from 'drizzle-orm'
import { heldPermissions, nameOf, refuseIf, refusing, valueOf, type UserKey, type UserKeyName } from '../guard'
import { assignments, compile, limit, names, prepare, prepareEach, type Statement, type Values } from '../statement'
import { readUser, userText, type UserRow } from './user-row'
import { apiKeys, loginIdentifiers, sessions, userCounts, userRoles, users } from '../tables'

type Columns = typeof users.$inferSelect

export type NewUserRow = Omit<Columns, 'number'>
export type UserColumns = Partial<Omit<Columns, 'number' | 'id' | 'version' | 'session_generation' | 'key_generation'>>

const value = sql.placeholder

/** For the columns of a SELECT from users. `readUserCell` parses it. */
export const userCell = sql`${userText} AS user`

export const readUserCell = ({ user }: { user: string }): UserRow => readUser(user)

/** Parses a row that has further columns. */
function readUserAnd<Extra extends object>({ user, ...extra }: { user: string } & Extra): UserRow & Extra {
  // TypeScript cannot tell that a row without `user` is exactly the further columns.
  return Object.assign(readUser(user), extra as unknown as Extra)
}

/** The user of this id as `readUser` reads it, to store as the result of a request. */
export const userSnapshot = (id: string): SQL => sql`(SELECT ${userText} FROM ${users} WHERE ${users.id} = ${id})`

/** Returns a statement that selects a user by any unique key: one row or none. */
function byKey<Extra extends object = object>(extra?: () => SQL): (key: UserKey) => Statement<UserRow & Extra> {
  const by = (column: 'id' | 'number' | 'matricule') =>
    prepare<{ key: string | number }, UserRow & Extra>(
      () => sql`
        SELECT ${userCell}${extra ? sql`, ${extra()}` : sql``} FROM ${users} WHERE ${users[column]} = ${value('key')}`,
      readUserAnd<Extra>,
    )
  const [byId, byNumber, byMatricule] = [by('id'), by('number'), by('matricule')]
  return (key) => {
    if ('id' in key) return byId({ key: key.id })
    if ('number' in key) return byNumber({ key: key.number })
    return byMatricule({ key: key.matricule })
  }
}

export const selectUser = byKey()

/** The user and the union of their permissions. The caller must hold these permissions to change the user. */
export const selectUserToChange = byKey<{ permissions: number }>(() => sql`${heldPermissions} AS permissions`)

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
 * Returns a page in order of matricule after `matricule`, then of users without one in order of number after `number`.
 * The second part reads only as many rows as the first leaves room for.
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

/** A user with all stored data, including the hashes. Only for callers who may export the directory. */
export type ExportRow = UserRow & Pick<Columns, 'password_hash' | 'password_from' | 'pin_hash'>

/** Returns a page of all users, in order of number after `number`. */
export const selectUsersToExport = prepare<{ number: number; limit: number }, ExportRow>(
  () => sql`
    SELECT ${userCell}, ${users.password_hash}, ${users.password_from}, ${users.pin_hash} FROM ${users}
    WHERE ${users.number} > ${value('number')} ORDER BY ${users.number} ${limit('limit')}`,
  readUserAnd<Pick<Columns, 'password_hash' | 'password_from' | 'pin_hash'>>,
)

/** `scope` is 'all', 'inactive' or 'role:<number>'. */
export const selectUserCount = prepare<{ scope: string }, { count: number }>(
  () => sql`SELECT ${userCounts.count} FROM ${userCounts} WHERE ${userCounts.scope} = ${value('scope')}`,
)

/** Selects no row, for a change that is decided on the record only. */
export const selectNothing = prepare<void, object>(() => sql`SELECT NULL WHERE 0`)

/** Returns which of `keys` (a JSON array of folded identifiers) are taken, and the numbers of their users. */
export const selectLoginIdentifiers = prepare<{ keys: string }, typeof loginIdentifiers.$inferSelect>(
  () => sql`
    SELECT ${loginIdentifiers.key}, ${loginIdentifiers.user_number}
    FROM json_each(${value('keys')}) CROSS JOIN ${loginIdentifiers} ON ${loginIdentifiers.key} = value`,
)

/** The database assigns the number. */
export const insertUser = prepare<NewUserRow>(() => {
  const columns = Object.keys(getTableColumns(users)).filter((column) => column !== 'number')
  const values = sql.join(columns.map(value), sql`, `)
  return sql`INSERT INTO ${users} (${names(columns)}) VALUES (${values})`
})

/** The credentials that a change revokes: the user's sessions, or both sessions and API keys. */
export type Revocation = 'sessions' | 'credentials' | undefined

/** Writes the columns and raises the version, if the user is still at this version. */
export function updateUser(
  user: { number: number; version: number },
  columns: UserColumns,
  revocation?: Revocation,
): Statement[] {
  const set = {
    ...columns,
    ...(revocation && { session_generation: sql`${users.session_generation} + 1` }),
    ...(revocation === 'credentials' && { key_generation: sql`${users.key_generation} + 1` }),
    version: user.version + 1,
  }
  return [
    refuseUnlessVersion(user.number, user.version),
    compile(sql`UPDATE ${users} SET ${assignments(set)} WHERE ${users.number} = ${user.number}`),
  ]
}

/**
 * Replaces the hash of an unchanged password, unless it has changed since. Clients see no change, so the version stays.
 */
export const replacePasswordHash = prepare<{ number: number; outdated: string | null; password_hash: string }>(
  () => sql`
    UPDATE ${users} SET password_hash = ${value('password_hash')}
    WHERE ${users.number} = ${value('number')} AND ${users.password_hash} = ${value('outdated')}`,
)

/** Refuses the batch as `stale` if the user has changed since the decision. */
export function refuseUnlessVersion(number: number, version: number): Statement {
  return refuseIf(
    'stale',
    sql`NOT EXISTS (SELECT 1 FROM ${users} WHERE ${users.number} = ${number} AND ${users.version} = ${version})`,
  )
}

/** The columns of a user that repeat user_roles. Every write of user_roles must write them too. */
export function roleColumns(roleNumbers: readonly number[]): Pick<Columns, 'primary_role' | 'role_count'> {
  return { primary_role: roleNumbers[0] as number, role_count: roleNumbers.length }
}

/** Adds roles to the user with this id. `roles` is JSON: the role numbers by position, as an array or an object. */
export const insertUserRoles = prepare<{ id: string; roles: string }>(
  () => sql`
    INSERT INTO ${userRoles} (user_number, role_number, position)
    SELECT (SELECT ${users.number} FROM ${users} WHERE ${users.id} = ${value('id')}), value, key
    FROM json_each(${value('roles')}) WHERE 1
    ON CONFLICT DO UPDATE SET position = excluded.position`,
)

/** Removes roles: a JSON array of role numbers. */
export const deleteUserRoles = prepare<{ number: number; roles: string }>(
  () => sql`
    DELETE FROM ${userRoles} WHERE ${userRoles.user_number} = ${value('number')}
      AND ${userRoles.role_number} IN (SELECT value FROM json_each(${value('roles')}))`,
)

/** The versions of a user that a deletion applies to, as JSON arrays. With null for `oneOf`, every version is one. */
export interface Versions extends Values {
  oneOf: string | null
  noneOf: string
}

const refuseUnlessAt = prepareEach<UserKeyName, Versions & { user: string | number | null }>((by) =>
  refusing(
    'stale',
    sql`NOT EXISTS (
      SELECT 1 FROM ${users} WHERE ${users[by]} = ${value('user')}
        AND (${value('oneOf')} IS NULL OR ${users.version} IN (SELECT value FROM json_each(${value('oneOf')})))
        AND ${users.version} NOT IN (SELECT value FROM json_each(${value('noneOf')})))`,
  ),
)

const refuseLastHolder = prepareEach<UserKeyName, { user: string | number | null; role: number }>((by) => {
  const holders = sql`SELECT 1 FROM ${userRoles} JOIN ${users} ON ${users.number} = ${userRoles.user_number}
    WHERE ${userRoles.role_number} = ${value('role')} AND`
  return refusing(
    'last_admin',
    sql`EXISTS (${holders} ${users[by]} = ${value('user')})
      AND NOT EXISTS (${holders} ${users.active} = 1 AND ${users[by]} IS NOT ${value('user')})`,
  )
})

const deleteBy = prepareEach<UserKeyName, { user: string | number | null }>(
  (by) => sql`DELETE FROM ${users} WHERE ${users[by]} = ${value('user')}`,
)

/**
 * Deletes a user. Refuses the batch as `stale` if the user does not exist at one of the versions, and as `last_admin` if
 * no active user but this one holds the admin role.
 */
export function deleteUser(key: UserKey, versions: Versions, adminRole: number): Statement[] {
  const [by, user] = [nameOf(key), valueOf(key)]
  return [
    refuseUnlessAt(by, { user, ...versions }),
    refuseLastHolder(by, { user, role: adminRole }),
    deleteBy(by, { user }),
  ]
}

/** Must follow a change in its batch. Refuses the batch if no active user holds the admin role. */
export function refuseWithoutActiveAdmin(adminRole: number): Statement {
  return refuseIf('last_admin', sql`NOT ${activeHolder(adminRole)}`)
}

const activeHolder = (role: number): SQL => sql`EXISTS (
  SELECT 1 FROM ${userRoles} JOIN ${users} ON ${users.number} = ${userRoles.user_number}
  WHERE ${userRoles.role_number} = ${role} AND ${users.active} = 1)`

/** Refuses the batch if any user holds the role, so that two first sign-ins create only one first admin. */
export function refuseIfRoleHeld(role: number): Statement {
  return refuseIf('admin_exists', sql`EXISTS (SELECT 1 FROM ${userRoles} WHERE ${userRoles.role_number} = ${role})`)
}

/** Statements about users and the roles they hold. */
import { eq, getTableColumns, sql, type SQL } from 'drizzle-orm'
import { held, refuseIf, type UserKey } from './guard'
import { build, compile, prepare, type Statement } from './statement'
import { loginIdentifiers, roles, sessions, userCounts, userRoles, users } from './tables'

type Columns = typeof users.$inferSelect

type Unshown = 'email_key' | 'username_key' | 'password_hash' | 'pin_hash' | 'session_generation' | 'role_count'

/** A user as read: no secrets; the primary role as JSON, `[id, number, name]`, and the others, if any, as an array of such. */
export type UserRow = Omit<Columns, Unshown | 'primary_role'> & { primary_role: string; other_roles: string | null }

export type NewUserRow = Omit<Columns, 'number'>
export type UserColumns = Partial<Omit<Columns, 'number' | 'id' | 'version' | 'session_generation'>>

const value = sql.placeholder

const userColumns = () => sql`
  ${users.number}, ${users.id}, ${users.matricule}, ${users.username}, ${users.email}, ${users.name}, ${users.given_name},
  ${users.family_name}, ${users.birthdate}, ${users.gender}, ${users.phone_number}, ${users.mobile_number},
  ${users.certified_email}, ${users.user_type}, ${users.is_staff}, ${users.country_id}, ${users.active},
  ${users.created_at}, ${users.updated_at}, ${users.version},
  (SELECT json_array(${roles.id}, ${roles.number}, ${roles.name}) FROM ${roles}
    WHERE ${roles.number} = ${users.primary_role}) AS primary_role,
  CASE WHEN ${users.role_count} > 1 THEN (
    SELECT json_group_array(json_array(${roles.id}, ${roles.number}, ${roles.name}) ORDER BY ${userRoles.position})
    FROM ${userRoles} JOIN ${roles} ON ${roles.number} = ${userRoles.role_number}
    WHERE ${userRoles.user_number} = ${users.number} AND ${userRoles.position} > 0) END AS other_roles`

/** A statement for each key a user can be named by; it answers one row, or none. */
function byKey<Row>(columns: () => SQL): (key: UserKey) => Statement<Row> {
  const by = (column: 'id' | 'number' | 'matricule') =>
    prepare<{ key: string | number }, Row>(
      () => sql`SELECT ${columns()} FROM ${users} WHERE ${users[column]} = ${value('key')}`,
    )
  const [byId, byNumber, byMatricule] = [by('id'), by('number'), by('matricule')]
  return (key) => {
    if ('id' in key) return byId({ key: key.id })
    if ('number' in key) return byNumber({ key: key.number })
    return byMatricule({ key: key.matricule })
  }
}

export const selectUser = byKey<UserRow>(userColumns)

/** The user with the union of their permissions, which whoever changes them must hold too. */
export const selectUserToChange = byKey<UserRow & { permissions: number }>(
  () => sql`${userColumns()}, ${held} AS permissions`,
)

export const selectUserOfSession = prepare<{ id: string }, UserRow>(
  () => sql`
    SELECT ${userColumns()} FROM ${users}
    WHERE ${users.number} = (SELECT ${sessions.user_number} FROM ${sessions} WHERE ${sessions.id} = ${value('id')})`,
)

/** A page in order of number, after `after`. */
export const selectUsersByNumber = prepare<{ after: number; limit: number }, UserRow>(
  () => sql`
    SELECT ${userColumns()} FROM ${users} WHERE ${users.number} > ${value('after')}
    ORDER BY ${users.number} LIMIT ${value('limit')}`,
)

/** A page in order of matricule, after `after`; users without one are not among them. */
export const selectUsersByMatricule = prepare<{ after: number; limit: number }, UserRow>(
  () => sql`
    SELECT ${userColumns()} FROM ${users} WHERE ${users.matricule} > ${value('after')}
    ORDER BY ${users.matricule} LIMIT ${value('limit')}`,
)

/** A page of the users without matricule in order of number, after `after`. */
export const selectUsersWithoutMatricule = prepare<{ after: number; limit: number }, UserRow>(
  () => sql`
    SELECT ${userColumns()} FROM ${users} WHERE ${users.matricule} IS NULL AND ${users.number} > ${value('after')}
    ORDER BY ${users.number} LIMIT ${value('limit')}`,
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

/** Writes the columns given, if the user is still at this version, and raises it; every session ends with `endsSessions`. */
export function updateUser(
  user: { number: number; version: number },
  columns: UserColumns,
  endsSessions: boolean,
): Statement[] {
  const generation = endsSessions ? { session_generation: sql`${users.session_generation} + 1` } : {}
  const set = { ...columns, ...generation, version: user.version + 1 }
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

/** Gives the user with this id these roles (a JSON array of numbers), in this order. */
export const insertUserRoles = prepare<{ id: string; roles: string }>(
  () => sql`
    INSERT INTO ${userRoles} (user_number, position, role_number)
    SELECT (SELECT ${users.number} FROM ${users} WHERE ${users.id} = ${value('id')}), key, value
    FROM json_each(${value('roles')})`,
)

export const deleteUserRoles = prepare<{ number: number }>(
  () => sql`DELETE FROM ${userRoles} WHERE ${userRoles.user_number} = ${value('number')}`,
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

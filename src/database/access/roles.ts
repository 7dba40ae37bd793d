/** Statements about roles. */
import { getTableColumns, sql, type SQL } from 'drizzle-orm'
import { refuseIf } from '../guard'
import { prepare, type Statement } from '../statement'
import { roles, userCounts } from '../tables'

export type RoleRow = typeof roles.$inferSelect
export type NewRoleRow = Omit<RoleRow, 'number' | 'built_in' | 'updated_at'> & { number: number | null }

const value = sql.placeholder

const columns = () => sql`${roles.number}, ${roles.id}, ${roles.name}, ${roles.name_key}, ${roles.description},
  ${roles.permissions}, ${roles.built_in}, ${roles.created_at}, ${roles.updated_at}`

/** Returns the RoleRow of this id as JSON text, to store as the result of a request. */
export const roleSnapshot = (id: string): SQL => {
  const parts = Object.entries(getTableColumns(roles)).map(([name, column]) => sql`${sql.raw(`'${name}'`)}, ${column}`)
  return sql`(SELECT json_object(${sql.join(parts, sql`, `)}) FROM ${roles} WHERE ${roles.id} = ${id})`
}

/**
 * Returns the roles named by JSON arrays of ids, numbers and folded names. A role named twice may be returned twice.
 */
export const selectRoles = prepare<{ ids: string; numbers: string; keys: string }, RoleRow>(
  () => sql`
    SELECT ${columns()} FROM json_each(${value('ids')}) CROSS JOIN ${roles} ON ${roles.id} = value
    UNION ALL
    SELECT ${columns()} FROM json_each(${value('numbers')}) CROSS JOIN ${roles} ON ${roles.number} = value
    UNION ALL
    SELECT ${columns()} FROM json_each(${value('keys')}) CROSS JOIN ${roles} ON ${roles.name_key} = value`,
)

export const selectEveryRole = prepare<void, RoleRow>(
  () => sql`SELECT ${columns()} FROM ${roles} ORDER BY ${roles.number}`,
)

/** Returns a role and the number of its holders. */
export const selectRole = prepare<{ id: string }, RoleRow & { holders: number }>(
  () => sql`
    SELECT ${columns()}, (SELECT count FROM ${userCounts} WHERE scope = 'role:' || ${roles.number}) AS holders
    FROM ${roles} WHERE ${roles.id} = ${value('id')}`,
)

/** The database assigns the number unless one is given. */
export const insertRole = prepare<NewRoleRow>(
  () => sql`
    INSERT INTO ${roles} (number, id, name, name_key, description, permissions, built_in, created_at, updated_at)
    VALUES (${value('number')}, ${value('id')}, ${value('name')}, ${value('name_key')}, ${value('description')},
      ${value('permissions')}, 0, ${value('created_at')}, ${value('created_at')})`,
)

export const updateRole = prepare<{ number: number; description: string; permissions: number; updated_at: number }>(
  () => sql`
    UPDATE ${roles} SET description = ${value('description')}, permissions = ${value('permissions')},
      updated_at = ${value('updated_at')}
    WHERE ${roles.number} = ${value('number')}`,
)

export const renameRole = prepare<{ number: number; name: string; name_key: string; updated_at: number }>(
  () => sql`
    UPDATE ${roles} SET name = ${value('name')}, name_key = ${value('name_key')}, updated_at = ${value('updated_at')}
    WHERE ${roles.number} = ${value('number')}`,
)

export const deleteRole = prepare<{ number: number }>(
  () => sql`DELETE FROM ${roles} WHERE ${roles.number} = ${value('number')}`,
)

/** Refuses the batch as `stale` if the role has changed since the decision. */
export function refuseUnlessRole({ number, name, permissions, description }: RoleRow): Statement {
  return refuseIf(
    'stale',
    sql`NOT EXISTS (SELECT 1 FROM ${roles} WHERE ${roles.number} = ${number} AND ${roles.name} = ${name}
      AND ${roles.permissions} = ${permissions} AND ${roles.description} = ${description})`,
  )
}

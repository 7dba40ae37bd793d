/** Statements about roles. */
import { sql } from 'drizzle-orm'
import { prepare } from './statement'
import { roles } from './tables'

export type RoleRow = Pick<typeof roles.$inferSelect, 'number' | 'id' | 'name' | 'name_key' | 'permissions'>

const value = sql.placeholder

/** The roles named by JSON arrays of ids, numbers and folded names; one named twice may come twice. */
export const selectRoles = prepare<{ ids: string; numbers: string; keys: string }, RoleRow>(() => {
  const columns = sql`${roles.number}, ${roles.id}, ${roles.name}, ${roles.name_key}, ${roles.permissions}`
  return sql`
    SELECT ${columns} FROM json_each(${value('ids')}) CROSS JOIN ${roles} ON ${roles.id} = value
    UNION ALL
    SELECT ${columns} FROM json_each(${value('numbers')}) CROSS JOIN ${roles} ON ${roles.number} = value
    UNION ALL
    SELECT ${columns} FROM json_each(${value('keys')}) CROSS JOIN ${roles} ON ${roles.name_key} = value`
})

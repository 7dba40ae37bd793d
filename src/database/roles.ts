/** Statements about roles. */
import { sql } from 'drizzle-orm'
import { prepare } from './statement'
import { roles } from './tables'

export type RoleRow = Pick<typeof roles.$inferSelect, 'number' | 'id' | 'name' | 'name_key' | 'permissions'>

const value = sql.placeholder

/** The roles named by JSON arrays of ids, numbers and folded names. */
export const selectRoles = prepare<{ ids: string; numbers: string; keys: string }, RoleRow>(
  () => sql`
    SELECT ${roles.number}, ${roles.id}, ${roles.name}, ${roles.name_key}, ${roles.permissions} FROM ${roles}
    WHERE ${roles.id} IN (SELECT value FROM json_each(${value('ids')}))
      OR ${roles.number} IN (SELECT value FROM json_each(${value('numbers')}))
      OR ${roles.name_key} IN (SELECT value FROM json_each(${value('keys')}))`,
)

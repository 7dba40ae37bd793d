/** Statements that check a credential for another service. */
import { sql } from 'drizzle-orm'
import { heldPermissions } from '../guard'
import { prepare } from '../statement'
import { apiKeys, sessions, users } from '../tables'
import { roleNames } from '../users/user-row'

const value = sql.placeholder

export interface IntrospectedRow {
  id: string
  username: string | null
  permissions: number
  /** The names as JSON. The primary role comes first. */
  roles: string
}

const user = sql`${users.id}, ${users.username}, ${roleNames} AS roles`

/** Returns the valid session of this user: one row or none. */
export const selectIntrospectedSession = prepare<
  { sessionId: string; userId: string; contract: string | null; now: number },
  IntrospectedRow & { contract: string }
>(
  () => sql`
    SELECT ${user}, ${heldPermissions} AS permissions, ${sessions.contract}
    FROM ${sessions} JOIN ${users} ON ${users.number} = ${sessions.user_number}
    WHERE ${sessions.id} = ${value('sessionId')} AND ${sessions.expires_at} > ${value('now')}
      AND ${sessions.generation} = ${users.session_generation} AND ${users.active} = 1 AND ${users.id} = ${value('userId')}
      AND ${sessions.contract} = coalesce(${value('contract')}, ${sessions.contract})`,
)

/** Returns the valid API key with this hash: one row or none. */
export const selectIntrospectedKey = prepare<
  { hash: string; now: number },
  IntrospectedRow & { key_id: string; created_at: number; expires_at: number | null }
>(
  () => sql`
    SELECT ${user}, ${heldPermissions} & ${apiKeys.permissions} AS permissions,
      ${apiKeys.id} AS key_id, ${apiKeys.created_at}, ${apiKeys.expires_at}
    FROM ${apiKeys} JOIN ${users} ON ${users.number} = ${apiKeys.user_number}
    WHERE ${apiKeys.hash} = ${value('hash')} AND coalesce(${apiKeys.expires_at} > ${value('now')}, 1)
      AND ${apiKeys.generation} = ${users.key_generation} AND ${users.active} = 1`,
)

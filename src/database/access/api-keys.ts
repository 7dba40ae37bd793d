/** Statements about API keys. */
import { sql } from 'drizzle-orm'
import { prepare } from '../statement'
import { apiKeys, sessions, users } from '../tables'

export type ApiKeyRow = Omit<typeof apiKeys.$inferSelect, 'hash' | 'generation' | 'parent_hash'>

const value = sql.placeholder

const columns = () => sql`${apiKeys.id}, ${apiKeys.user_number}, ${apiKeys.name}, ${apiKeys.permissions},
  ${apiKeys.created_at}, ${apiKeys.expires_at}, ${apiKeys.last_used_at}`

/**
 * `parent_hash` is the hash of the key that creates this one, or null on a session. A key expires no later than its
 * parent. Returns the expiry of the new key.
 */
export const insertApiKey = prepare<
  {
    id: string
    hash: string
    user_number: number
    name: string
    permissions: number
    created_at: number
    expires_at: number | null
    parent_hash: string | null
  },
  { expires_at: number | null }
>(
  () => sql`
    INSERT INTO ${apiKeys} (id, hash, user_number, generation, name, permissions, created_at, expires_at, parent_hash)
    SELECT ${value('id')}, ${value('hash')}, ${users.number}, ${users.key_generation}, ${value('name')},
      ${value('permissions')}, ${value('created_at')},
      coalesce(min(${value('expires_at')}, parent.expires_at), ${value('expires_at')}, parent.expires_at), parent.hash
    FROM ${users} LEFT JOIN ${apiKeys} AS parent ON parent.hash = ${value('parent_hash')}
    WHERE ${users.number} = ${value('user_number')}
    RETURNING expires_at`,
)

/** Returns the valid keys of the credential's user, newest first. Ids are in order of time. */
export const selectApiKeysOf = prepare<{ sessionId: string | null; hash: string | null; now: number }, ApiKeyRow>(
  () => sql`
    SELECT ${columns()} FROM ${users} JOIN ${apiKeys} ON ${apiKeys.user_number} = ${users.number}
    WHERE ${users.number} = coalesce(
        (SELECT ${sessions.user_number} FROM ${sessions} WHERE ${sessions.id} = ${value('sessionId')}),
        (SELECT own.user_number FROM ${apiKeys} AS own WHERE own.hash = ${value('hash')}))
      AND ${apiKeys.generation} = ${users.key_generation} AND coalesce(${apiKeys.expires_at} > ${value('now')}, 1)
    ORDER BY ${apiKeys.id} DESC`,
)

/** Returns the valid keys of the user with this id, newest first. */
export const selectApiKeysOfUser = prepare<{ id: string; now: number }, ApiKeyRow>(
  () => sql`
    SELECT ${columns()} FROM ${users} JOIN ${apiKeys} ON ${apiKeys.user_number} = ${users.number}
    WHERE ${users.id} = ${value('id')} AND ${apiKeys.generation} = ${users.key_generation}
      AND coalesce(${apiKeys.expires_at} > ${value('now')}, 1)
    ORDER BY ${apiKeys.id} DESC`,
)

/** Returns one row or none. `owner_id` is the id of the key's owner. */
export const selectApiKey = prepare<{ id: string }, ApiKeyRow & { owner_id: string }>(
  () => sql`
    SELECT ${columns()}, ${users.id} AS owner_id FROM ${apiKeys}
    JOIN ${users} ON ${users.number} = ${apiKeys.user_number} WHERE ${apiKeys.id} = ${value('id')}`,
)

/** Deletes the keys with these ids (a JSON array) and all keys created with them. */
export const deleteApiKeys = prepare<{ ids: string }>(
  () => sql`DELETE FROM ${apiKeys} WHERE ${apiKeys.id} IN (SELECT value FROM json_each(${value('ids')}))`,
)

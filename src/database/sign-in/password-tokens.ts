/** Statements about set-password tokens. */
import { sql } from 'drizzle-orm'
import { heldPermissions, refuseIf } from '../guard'
import { prepare, type Statement } from '../statement'
import { apiKeys, passwordTokens, users } from '../tables'

const value = sql.placeholder

/** `key_hash` is the hash of the issuer's API key, or null on a session. */
export const insertPasswordToken = prepare<{
  user_number: number
  hash: string
  expires_at: number
  giver_number: number
  key_hash: string | null
}>(
  () => sql`
    INSERT INTO ${passwordTokens} (user_number, hash, expires_at, giver_number, giver_generation, key_hash)
    SELECT ${value('user_number')}, ${value('hash')}, ${value('expires_at')}, ${users.number}, ${users.key_generation},
      ${value('key_hash')}
    FROM ${users} WHERE ${users.number} = ${value('giver_number')}`,
)

/**
 * The current permissions of the token's issuer, limited by the API key that issued it. NULL if the user is inactive or
 * the key revoked.
 */
const giverAuthority = (now: number) => sql`(
  SELECT ${heldPermissions} & CASE WHEN ${passwordTokens.key_hash} IS NULL THEN -1 ELSE (
    SELECT ${apiKeys.permissions} FROM ${apiKeys}
    WHERE ${apiKeys.hash} = ${passwordTokens.key_hash} AND ${apiKeys.generation} = ${users.key_generation}
      AND coalesce(${apiKeys.expires_at} > ${now}, 1)) END
  FROM ${users} WHERE ${users.number} = ${passwordTokens.giver_number}
    AND ${users.key_generation} = ${passwordTokens.giver_generation} AND ${users.active} = 1)`

/**
 * Refuses the batch unless the token is unused and unexpired, its user active, and its issuer still allowed to issue
 * it. `needs` is a bit mask of the permissions to issue a token, in addition to those of its user.
 */
export function refuseUnlessPasswordToken(token: {
  userId: string
  hash: string
  now: number
  needs: number
}): Statement {
  return refuseIf(
    'password_token_unusable',
    sql`NOT EXISTS (
      SELECT 1 FROM ${users} JOIN ${passwordTokens} ON ${passwordTokens.user_number} = ${users.number}
      WHERE ${users.id} = ${token.userId} AND ${users.active} = 1 AND ${passwordTokens.hash} = ${token.hash}
        AND ${passwordTokens.expires_at} > ${token.now}
        AND (${heldPermissions} | ${token.needs}) & ~coalesce(${giverAuthority(token.now)}, 0) = 0)`,
  )
}

/** Returns the issuer of the token: one row or none. */
export const selectPasswordTokenGiver = prepare<{ userId: string; hash: string }, { id: string }>(
  () => sql`
    SELECT ${users.id} FROM ${passwordTokens} JOIN ${users} ON ${users.number} = ${passwordTokens.giver_number}
    WHERE ${passwordTokens.user_number} = (SELECT ${users.number} FROM ${users} WHERE ${users.id} = ${value('userId')})
      AND ${passwordTokens.hash} = ${value('hash')}`,
)

/** Whether the user with this id has an unexpired token: one row or none. */
export const selectAnyPasswordToken = prepare<{ userId: string; now: number }, { hash: string }>(
  () => sql`
    SELECT ${passwordTokens.hash} FROM ${users} JOIN ${passwordTokens} ON ${passwordTokens.user_number} = ${users.number}
    WHERE ${users.id} = ${value('userId')} AND ${passwordTokens.expires_at} > ${value('now')} LIMIT 1`,
)

export const deletePasswordTokens = prepare<{ user_number: number }>(
  () => sql`DELETE FROM ${passwordTokens} WHERE ${passwordTokens.user_number} = ${value('user_number')}`,
)

/** Statements about set-password tokens. */
import { sql } from 'drizzle-orm'
import { held, refuseIf } from './guard'
import { build, prepare, type Statement } from './statement'
import { passwordTokens, users } from './tables'

const value = sql.placeholder

/** `authority` is the permissions of whoever gives it out. */
export const insertPasswordToken = prepare<typeof passwordTokens.$inferSelect>(() =>
  build.insert(passwordTokens).values({
    user_number: value('user_number'),
    hash: value('hash'),
    expires_at: value('expires_at'),
    authority: value('authority'),
  }),
)

/** Refuses the batch unless the token is unused and unexpired, and its user active and no more powerful than whoever gave it out. */
export function refuseUnlessPasswordToken(token: { userId: string; hash: string; now: number }): Statement {
  return refuseIf(
    'password_token_unusable',
    sql`NOT EXISTS (
      SELECT 1 FROM ${users} JOIN ${passwordTokens} ON ${passwordTokens.user_number} = ${users.number}
      WHERE ${users.id} = ${token.userId} AND ${users.active} = 1 AND ${passwordTokens.hash} = ${token.hash}
        AND ${passwordTokens.expires_at} > ${token.now} AND ${held} & ~${passwordTokens.authority} = 0)`,
  )
}

/** Whether the database answers and has its tables. */
import { sql } from 'drizzle-orm'
import { prepare } from './statement'
import { userCounts } from './tables'

export const ping = prepare<void, { count: number }>(
  () => sql`SELECT ${userCounts.count} FROM ${userCounts} WHERE ${userCounts.scope} = 'all'`,
)

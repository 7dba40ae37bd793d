/** What this code was built for, and what a database has had. */
import { sql } from 'drizzle-orm/sql'
import { DatabaseUnavailable, type Database } from '../database'
import { unguarded } from '../guard'
import { prepare } from '../statement'

/** The files in migrations/, in their order: a test holds the two together. */
export const migrations: readonly string[] = ['0001_directory.sql']

/** Where wrangler writes down what it has applied. */
const selectApplied = prepare<void, { name: string }>(() => sql`SELECT name FROM d1_migrations ORDER BY id`)

/** The migrations that were applied, in their order; none where nothing ever was, by wrangler's account. */
export async function appliedMigrations(database: Database): Promise<string[]> {
  try {
    const [rows] = await database.batch(unguarded, selectApplied())
    return rows.map(({ name }) => name)
  } catch (error) {
    if (error instanceof DatabaseUnavailable && error.message.includes('no such table: d1_migrations')) return []
    throw error
  }
}

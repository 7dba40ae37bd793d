/** The migrations of this code, and those applied to a database. */
import { sql } from 'drizzle-orm/sql'
import { DatabaseUnavailable, type Database } from '../database'
import { unguarded } from '../guard'
import { prepare } from '../statement'

/** The files in migrations/, in order. A test compares the two. */
export const migrations: readonly string[] = [
  '0001_directory.sql',
  '0002_usage.sql',
  '0003_scim.sql',
  '0004_adoption.sql',
  '0005_introspection.sql',
  '0006_session_program.sql',
]

/** The table where wrangler records applied migrations. */
const selectApplied = prepare<void, { name: string }>(() => sql`SELECT name FROM d1_migrations ORDER BY id`)

/** Returns the applied migrations in order, as wrangler recorded them. Empty if none was applied. */
export async function appliedMigrations(database: Database): Promise<string[]> {
  try {
    const [rows] = await database.batch(unguarded, selectApplied())
    return rows.map(({ name }) => name)
  } catch (error) {
    if (error instanceof DatabaseUnavailable && error.message.includes('no such table: d1_migrations')) return []
    throw error
  }
}

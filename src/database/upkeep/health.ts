/** Checks the health of the database: it responds, has the tables of the statements, and accepts a write. */
import { getTableColumns } from 'drizzle-orm'
import { sql } from 'drizzle-orm/sql'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { DatabaseUnavailable, type Database } from '../database'
import { compile, prepare, type Statement } from '../statement'
import * as tables from '../tables'

/** `not_migrated` means that tables or columns are missing, because some migrations were not applied. */
export type DatabaseProblem = 'unreachable' | 'not_migrated' | 'not_writable'

/** For a round trip that reads nothing. */
export const selectNothing = prepare<void>(() => sql`SELECT 1 WHERE 0`)

let statements: { reads: Statement[]; write: Statement[] } | undefined

function probes() {
  return (statements ??= {
    reads: Object.values<SQLiteTable>(tables).map((table) =>
      compile(sql`SELECT ${columnsOf(table)} FROM ${table} LIMIT 0`),
    ),
    // Writes a page of data, to detect a full database, and deletes it in the same transaction.
    write: [
      compile(sql`INSERT INTO ${tables.writeProbe} (number, filling) VALUES (1, zeroblob(4096))`),
      compile(sql`DELETE FROM ${tables.writeProbe} WHERE ${tables.writeProbe.number} = 1`),
    ],
  })
}

const columnsOf = (table: SQLiteTable) => sql.join(Object.values(getTableColumns(table)), sql`, `)

/** The check is public and written rows are billed, so an isolate writes once in this interval. */
const writeIntervalSeconds = 60

/** Unix seconds; 0 after a failure, so that the next request tries again. */
let lastWrite = 0

/**
 * Returns the problem of the database at `now` (unix seconds), or undefined when it is healthy. One round trip. `reportError`
 * receives D1's error message.
 */
export async function findDatabaseProblem(
  database: Database,
  now: number,
  reportError: (message: string) => void,
): Promise<DatabaseProblem | undefined> {
  const { reads, write } = probes()
  // The clock may have been set back.
  const writes = Math.abs(now - lastWrite) >= writeIntervalSeconds
  if (writes) lastWrite = now
  try {
    await database.probe(writes ? [...reads, ...write] : reads)
    return undefined
  } catch (error) {
    lastWrite = 0
    const message = error instanceof DatabaseUnavailable ? error.message : String(error)
    reportError(message)
    if (/no such (table|column)|has no column named/.test(message)) return 'not_migrated'
    return /read-?only|SQLITE_FULL|is full|maximum DB size/i.test(message) ? 'not_writable' : 'unreachable'
  }
}

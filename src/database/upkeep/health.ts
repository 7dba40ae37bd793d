/** Whether the database can be worked with: it answers, has what the statements name, and takes a write. */
import { getTableColumns } from 'drizzle-orm'
import { sql } from 'drizzle-orm/sql'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { DatabaseUnavailable, type Database } from '../database'
import { compile, prepare, type Statement } from '../statement'
import * as tables from '../tables'

/** Not ready is a database without the tables or columns this code knows: its migrations were not applied, or not all. */
export type DatabaseProblem = 'unreachable' | 'not_migrated' | 'not_writable'

/** For a trip that costs nothing but its way. */
export const selectNothing = prepare<void>(() => sql`SELECT 1 WHERE 0`)

let statements: { reads: Statement[]; write: Statement[] } | undefined

function probes() {
  return (statements ??= {
    reads: Object.values<SQLiteTable>(tables).map((table) =>
      compile(sql`SELECT ${columnsOf(table)} FROM ${table} LIMIT 0`),
    ),
    // As much as a page, so that a full database shows; gone again in the same transaction.
    write: [
      compile(sql`INSERT INTO ${tables.writeProbe} (number, filling) VALUES (1, zeroblob(4096))`),
      compile(sql`DELETE FROM ${tables.writeProbe} WHERE ${tables.writeProbe.number} = 1`),
    ],
  })
}

const columnsOf = (table: SQLiteTable) => sql.join(Object.values(getTableColumns(table)), sql`, `)

/** Anyone may ask, and rows written are billed: so one write in this time and isolate. */
const writeIntervalSeconds = 60

/** Unix seconds; 0 after a failure, so that the next request tries again. */
let lastWrite = 0

/** What ails it at `now` (unix seconds), in one trip; undefined where it is well. `tell` hears what the database itself says. */
export async function findDatabaseProblem(
  database: Database,
  now: number,
  tell: (message: string) => void,
): Promise<DatabaseProblem | undefined> {
  const { reads, write } = probes()
  const writes = now >= lastWrite + writeIntervalSeconds
  if (writes) lastWrite = now
  try {
    await database.probe(writes ? [...reads, ...write] : reads)
    return undefined
  } catch (error) {
    lastWrite = 0
    const message = error instanceof DatabaseUnavailable ? error.message : String(error)
    tell(message)
    if (/no such (table|column)|has no column named/.test(message)) return 'not_migrated'
    return /read-?only|SQLITE_FULL|is full|maximum DB size/i.test(message) ? 'not_writable' : 'unreachable'
  }
}

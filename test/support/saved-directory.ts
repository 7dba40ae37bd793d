/** The rows of a whole directory, so that a test can restore them instead of building them again. */
import { applyD1Migrations, reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'

const { DB, TEST_MIGRATIONS } = env as unknown as {
  DB: D1Database
  TEST_MIGRATIONS: Parameters<typeof applyD1Migrations>[1]
}

interface SavedTable {
  name: string
  columns: string[]
  rows: unknown[][]
}

export interface SavedDirectory {
  tables: SavedTable[]
  schema: string
}

export async function migrate(): Promise<void> {
  await applyD1Migrations(DB, TEST_MIGRATIONS)
}

/** The number of databases that were deleted. */
let deleted = 0

/** Deletes everything, the schema included. */
export async function deleteDatabase(): Promise<void> {
  deleted += 1
  await reset()
}

/** A new database with an empty directory. */
export async function newDatabase(): Promise<void> {
  await deleteDatabase()
  await migrate()
}

let empty: SavedDirectory | undefined

/**
 * Empties the directory. The schema is built again only where a test has changed it, or has added many users. Returns
 * the state as `changes` does.
 */
export async function emptyDirectory(): Promise<string> {
  if (empty) return restoreDirectory(empty)
  await newDatabase()
  empty = await saveDirectory()
  return changes()
}

/** Restores a directory of the same schema, and returns the state as `changes` does. */
export async function restoreDirectory(saved: SavedDirectory): Promise<string> {
  // Fails where a test has changed the schema, has added many users, or has left rows that no request could leave.
  const restored = await restoreRows(saved).catch(() => undefined)
  if (restored) return restored
  await newDatabase()
  return restoreRows(saved)
}

/** Differs after every change of a row. */
export async function changes(): Promise<string> {
  return state(await DB.prepare(totalChanges).first('changes'))
}

const totalChanges = 'SELECT total_changes() AS changes'
const state = (changed: unknown) => `${deleted} ${String(changed)}`

const schemaOf = "(SELECT count(*) || ' ' || sum(length(name || coalesce(sql, ''))) FROM sqlite_master)"

/** Above this number of users, a new database is faster than deleting the rows. */
const maxUsers = 300

/** Fails when the rows cannot be restored. */
const onlyIfRestorable = `SELECT iif(${schemaOf} = ? AND (SELECT count(*) FROM (SELECT 1 FROM users LIMIT ${maxUsers + 1})) <= ${maxUsers},
  1, json('not restorable'))`

/** Every row of every table. The shadow tables of the search index are left out, because the index writes them. */
export async function saveDirectory(): Promise<SavedDirectory> {
  const { results } = await DB.prepare('PRAGMA table_list').all<{ name: string; type: string }>()
  const names = results
    .filter(
      ({ name, type }) =>
        (type === 'table' || name === 'user_search') && !/^(sqlite_schema|sqlite_temp|_cf_|d1_)/.test(name),
    )
    .map(({ name }) => name)
  const tables: SavedTable[] = []
  for (const name of names) {
    const columns = name === 'user_search' ? 'rowid, *' : '*'
    const [head = [], ...rows] = await DB.prepare(`SELECT ${columns} FROM ${name}`).raw({ columnNames: true })
    tables.push({ name, columns: head as string[], rows: rows as unknown[][] })
  }
  return { tables, schema: String(await DB.prepare(`SELECT ${schemaOf} AS schema`).first('schema')) }
}

/** The tables whose triggers write other tables. */
const written = ['roles', 'users', 'user_roles']

/**
 * Users and roles first, because their triggers write other tables. Each of those is then emptied and filled with the
 * saved rows.
 */
async function restoreRows({ tables, schema }: SavedDirectory): Promise<string> {
  const statements = [
    'PRAGMA defer_foreign_keys = on',
    // A deleted number is refused to a new user.
    ...[...[...written].reverse(), 'deleted_numbers'].map((name) => `DELETE FROM ${name}`),
  ].map((sql) => DB.prepare(sql))
  const fill = ({ name, columns, rows }: SavedTable) => {
    const atOnce = Math.floor(maxParameters / columns.length)
    const row = `(${columns.map(() => '?').join(', ')})`
    for (let from = 0; from < rows.length; from += atOnce) {
      const some = rows.slice(from, from + atOnce)
      const sql = `INSERT INTO ${name} (${columns.join(', ')}) VALUES ${some.map(() => row).join(', ')}`
      statements.push(DB.prepare(sql).bind(...some.flat().map(bindable)))
    }
  }
  for (const name of written) tables.filter((table) => table.name === name).forEach(fill)
  for (const table of tables.filter(({ name }) => !written.includes(name))) {
    statements.push(DB.prepare(`DELETE FROM ${table.name}`))
    // Otherwise the index would keep the segments of the deleted rows.
    if (table.name === 'user_search')
      statements.push(DB.prepare("INSERT INTO user_search (user_search) VALUES ('rebuild')"))
    fill(table)
  }
  const results = await DB.batch<{ changes: number }>([
    DB.prepare(onlyIfRestorable).bind(schema),
    ...statements,
    DB.prepare(totalChanges),
  ])
  return state(results.at(-1)?.results[0]?.changes)
}

/** D1's limit for one statement. */
const maxParameters = 100

/** D1 returns a blob as an array of numbers and accepts bytes. */
const bindable = (value: unknown) => (Array.isArray(value) ? new Uint8Array(value as number[]) : value)

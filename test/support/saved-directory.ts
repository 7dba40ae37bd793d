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

/** Empties the directory. The schema is built again only where a test has changed it, or has added many users. */
export async function emptyDirectory(): Promise<void> {
  if (empty && (await couldRestore(empty))) return
  await newDatabase()
  empty = await saveDirectory()
}

/** Restores a directory of the same schema. */
export async function restoreDirectory(saved: SavedDirectory): Promise<void> {
  if (await couldRestore(saved)) return
  await newDatabase()
  await restoreRows(saved)
}

/** Fails where a test has changed the schema, or has left rows that no request could leave. */
async function couldRestore(saved: SavedDirectory): Promise<boolean> {
  if (!(await isRestorable(saved))) return false
  try {
    await restoreRows(saved)
    return true
  } catch {
    return false
  }
}

/** Differs after every change of a row. */
export async function changes(): Promise<string> {
  return `${deleted} ${await DB.prepare('SELECT total_changes() AS changes').first('changes')}`
}

const schemaOf = "(SELECT group_concat(name || coalesce(sql, '')) FROM (SELECT * FROM sqlite_master ORDER BY name))"

/** Above this number of users, a new database is faster than deleting the rows. */
const maxUsers = 300

async function isRestorable({ schema }: SavedDirectory): Promise<boolean> {
  const sql = `SELECT ${schemaOf} AS schema, (SELECT count(*) FROM (SELECT 1 FROM users LIMIT ${maxUsers + 1})) AS users`
  const found = await DB.prepare(sql)
    .first<{ schema: string; users: number }>()
    .catch(() => null)
  return found?.schema === schema && found.users <= maxUsers
}

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
async function restoreRows({ tables }: SavedDirectory): Promise<void> {
  const statements = [
    'PRAGMA defer_foreign_keys = on',
    // A deleted number is refused to a new user.
    ...[...[...written].reverse(), 'deleted_numbers'].map((name) => `DELETE FROM ${name}`),
  ].map((sql) => DB.prepare(sql))
  const fill = ({ name, columns, rows }: SavedTable) => {
    const sql = `INSERT INTO ${name} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
    statements.push(...rows.map((row) => DB.prepare(sql).bind(...row.map(bindable))))
  }
  for (const name of written) tables.filter((table) => table.name === name).forEach(fill)
  for (const table of tables.filter(({ name }) => !written.includes(name))) {
    statements.push(DB.prepare(`DELETE FROM ${table.name}`))
    // Otherwise the index would keep the segments of the deleted rows.
    if (table.name === 'user_search')
      statements.push(DB.prepare("INSERT INTO user_search (user_search) VALUES ('rebuild')"))
    fill(table)
  }
  await DB.batch(statements)
}

/** D1 returns a blob as an array of numbers and accepts bytes. */
const bindable = (value: unknown) => (Array.isArray(value) ? new Uint8Array(value as number[]) : value)

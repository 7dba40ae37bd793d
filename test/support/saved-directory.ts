/** The rows of a whole directory, so that a test can restore them instead of building them again. */
import { applyD1Migrations, reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { changed } from './changes'

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
  /** The SQL that restores it. */
  texts: string[]
  schema: string
}

export async function migrate(): Promise<void> {
  await applyD1Migrations(DB, TEST_MIGRATIONS)
}

/** Deletes everything, the schema included. */
export async function deleteDatabase(): Promise<void> {
  await reset()
  changed()
}

/** A new database with an empty directory. */
export async function newDatabase(): Promise<void> {
  await deleteDatabase()
  await migrate()
}

let empty: SavedDirectory | undefined

/** Empties the directory. The schema is built again only where a test has changed it, or has added many users. */
export async function emptyDirectory(): Promise<void> {
  if (empty) return restoreDirectory(empty)
  await newDatabase()
  empty = await saveDirectory()
}

/** Restores a directory of the same schema. */
export async function restoreDirectory(saved: SavedDirectory): Promise<void> {
  // Fails where a test has changed the schema, has added many users, or has left rows that no request could leave.
  await restoreRows(saved).catch(async () => {
    await newDatabase()
    await restoreRows(saved)
  })
}

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
  return { texts: restoring(tables), schema: String(await DB.prepare(`SELECT ${schemaOf} AS schema`).first('schema')) }
}

/** The tables whose triggers write other tables. */
const written = ['roles', 'users', 'user_roles']

/**
 * Users and roles first, because their triggers write other tables. Each of those is then emptied and filled with the
 * saved rows. Statements share texts, because the local D1 takes longer for each statement than for its rows.
 */
function restoring(tables: SavedTable[]): string[] {
  const filled = (table: SavedTable) => table.rows.map((row) => insertion(table, row))
  const statements = [
    'PRAGMA defer_foreign_keys = on',
    // A deleted number is refused to a new user.
    ...[...[...written].reverse(), 'deleted_numbers'].map((name) => `DELETE FROM ${name}`),
    ...written.flatMap((name) => tables.filter((table) => table.name === name).flatMap(filled)),
    ...tables
      .filter(({ name }) => !written.includes(name))
      .flatMap((table) => [
        `DELETE FROM ${table.name}`,
        // Otherwise the index would keep the segments of the deleted rows.
        ...(table.name === 'user_search' ? ["INSERT INTO user_search (user_search) VALUES ('rebuild')"] : []),
        ...filled(table),
      ]),
  ]
  const texts = ['']
  for (const statement of statements) {
    if (String(texts.at(-1)).length + statement.length > maxText) texts.push('')
    texts.push(`${texts.pop()}${statement};\n`)
  }
  return texts
}

const insertion = ({ name, columns }: SavedTable, row: unknown[]) =>
  `INSERT INTO ${name} (${columns.join(', ')}) VALUES (${row.map(literal).join(', ')})`

/** A value in SQL. D1 returns a blob as an array of numbers. */
function literal(value: unknown): string {
  if (Array.isArray(value))
    return `x'${(value as number[]).map((byte) => byte.toString(16).padStart(2, '0')).join('')}'`
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`
  return String(value)
}

/** D1's limit for the text of one statement is 100,000 bytes, and a character takes up to three. */
const maxText = 30_000

async function restoreRows({ texts, schema }: SavedDirectory): Promise<void> {
  await DB.batch([DB.prepare(onlyIfRestorable).bind(schema), ...texts.map((text) => DB.prepare(text))])
}

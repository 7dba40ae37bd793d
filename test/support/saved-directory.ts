/** A directory saved as rows, so that a test can restore it instead of building it again. */
import { reset } from 'cloudflare:test'
import { migrate, rows, testEnv } from './usher'

export interface SavedDirectory {
  tables: { name: string; columns: string[]; rows: unknown[][] }[]
  triggers: { name: string; sql: string }[]
}

/** Every row of every table. The shadow tables of the search index are left out, because the index writes them. */
export async function saveDirectory(): Promise<SavedDirectory> {
  const list = await rows<{ name: string; type: string }>('PRAGMA table_list')
  const names = list
    .filter(
      ({ name, type }) =>
        (type === 'table' || name === 'user_search') && !/^(sqlite_schema|sqlite_temp|_cf_|d1_)/.test(name),
    )
    .map(({ name }) => name)
  const tables: SavedDirectory['tables'] = []
  for (const name of names) {
    const [columns = [], ...values] = await testEnv.DB.prepare(
      `SELECT ${name === 'user_search' ? 'rowid, ' : ''}* FROM ${name}`,
    ).raw({ columnNames: true })
    tables.push({ name, columns: columns as string[], rows: values as unknown[][] })
  }
  return { tables, triggers: await rows("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'") }
}

/**
 * Restores the database. The triggers are dropped meanwhile, because the saved rows already include what they would
 * write.
 */
export async function restoreDirectory({ tables, triggers }: SavedDirectory): Promise<void> {
  await reset()
  await migrate()
  const statements = [
    'PRAGMA defer_foreign_keys = on',
    ...triggers.map(({ name }) => `DROP TRIGGER ${name}`),
    ...tables.filter(({ name }) => name !== 'user_search').map(({ name }) => `DELETE FROM ${name}`),
  ].map((sql) => testEnv.DB.prepare(sql))
  for (const { name, columns, rows: values } of tables) {
    const sql = `INSERT INTO ${name} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
    statements.push(...values.map((row) => testEnv.DB.prepare(sql).bind(...row.map(bindable))))
  }
  statements.push(...triggers.map(({ sql }) => testEnv.DB.prepare(sql)))
  await testEnv.DB.batch(statements)
}

/** D1 returns a blob as an array of numbers and accepts bytes. */
const bindable = (value: unknown) => (Array.isArray(value) ? new Uint8Array(value as number[]) : value)

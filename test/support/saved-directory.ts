/** A directory kept as rows, to begin again from without building it again. */
import { reset } from 'cloudflare:test'
import { migrate, rows, testEnv } from './usher'

export interface SavedDirectory {
  tables: { name: string; columns: string[]; rows: unknown[][] }[]
  triggers: { name: string; sql: string }[]
}

/** Every row of every table but the shadow tables of the search index, which are written through the index. */
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

/** Makes the database what it was. The triggers are away meanwhile, since what they would write is among the rows. */
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

/** A blob is read as an array of numbers, and written from bytes. */
const bindable = (value: unknown) => (Array.isArray(value) ? new Uint8Array(value as number[]) : value)

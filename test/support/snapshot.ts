/** A snapshot of the whole directory, to compare with a later one. */
import { changes } from './changes'
import { rows, testEnv } from './usher'

export type Snapshot = Record<string, Record<string, unknown>[]>

let names: string[] | undefined

let latest: { changes: number; snapshot: Snapshot } | undefined

/** Every row of every table, without the last-use columns. A refused request may change those. */
export async function snapshot(): Promise<Snapshot> {
  const before = changes()
  if (latest?.changes !== before) latest = { changes: before, snapshot: await read() }
  return latest.snapshot
}

async function read(): Promise<Snapshot> {
  names ??= (await rows<{ name: string; type: string }>('PRAGMA table_list'))
    .filter(({ name, type }) => type === 'table' && !/^(sqlite_|_cf_|d1_)/.test(name))
    .map(({ name }) => name)
  const results = await testEnv.DB.batch<Record<string, unknown>>(
    names.map((name) => testEnv.DB.prepare(`SELECT * FROM ${name}`)),
  )
  return Object.fromEntries(
    results.map(({ results: all }, index) => [names?.[index] as string, all.map(({ last_used_at: _, ...row }) => row)]),
  )
}

/**
 * /health: one round trip distinguishes a broken database from a healthy one and names the fault, without the
 * database's own messages.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { call, deleteDatabase, freshDirectory, newDatabase, rows, testEnv } from './support/usher'

freshDirectory()

let loggedErrors: string[]
beforeEach(() => {
  loggedErrors = []
  vi.useFakeTimers({ toFake: ['Date'] })
  aMinuteLater()
  vi.spyOn(console, 'error').mockImplementation((...words) => void loggedErrors.push(words.map(String).join(' ')))
})
afterEach(() => vi.restoreAllMocks())

/** The clock runs on through the whole file, because the isolate remembers its last write across tests. */
let now = Date.now()
function aMinuteLater() {
  vi.setSystemTime((now += 60_000))
}

const ill = async (database: string, env = {}) => {
  const { status, body, headers, cost } = await call('/health', { env })
  expect([status, body]).toEqual([503, { status: 'unavailable', database }])
  expect([headers.get('retry-after'), cost.trips]).toEqual(['5', 1])
  expect(loggedErrors).toEqual([expect.stringMatching(/^[0-9a-f-]{36} D1: ./)])
  loggedErrors = []
}

const saying = (message: string) => ({
  DB: { prepare: (sql: string) => testEnv.DB.prepare(sql), batch: () => Promise.reject(new Error(message)) },
})

describe('/health', () => {
  const well = async () => {
    const { status, body, cost } = await call('/health')
    expect([status, body, loggedErrors]).toEqual([200, { status: 'ok' }, []])
    expect([cost.trips, cost.read <= 3]).toEqual([1, true])
    return cost.written
  }

  it('is healthy in one round trip with few rows, and leaves no data behind', async () => {
    expect(await well()).toBe(2)
    expect(await rows('SELECT * FROM write_probe')).toEqual([])
  })

  it('writes at most once a minute, however many requests arrive', async () => {
    expect((await Promise.all(Array.from({ length: 10 }, well))).sort()).toEqual([...Array(9).fill(0), 2])
    vi.setSystemTime(now + 59_000)
    expect([await well(), await well()]).toEqual([0, 0])
    aMinuteLater()
    expect([await well(), await well()]).toEqual([2, 0])
  })

  it('writes again at the next request after a failed write or read', async () => {
    for (const failure of [
      "CREATE TRIGGER full BEFORE INSERT ON write_probe BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
      'ALTER TABLE sweep_positions RENAME TO elsewhere',
    ]) {
      expect(await well()).toBe(2)
      aMinuteLater()
      await rows(failure)
      expect([(await call('/health')).status, (await call('/health')).status]).toEqual([503, 503])
      loggedErrors = []
      await rows(failure.startsWith('CREATE') ? 'DROP TRIGGER full' : 'ALTER TABLE elsewhere RENAME TO sweep_positions')
      expect([await well(), await well()]).toEqual([2, 0])
      aMinuteLater()
    }
  })

  it('reads every table each time, so it reports a database that is away or not migrated between two writes', async () => {
    await well()
    await ill('unreachable', saying('D1_ERROR: D1 DB is overloaded. Too many requests queued.'))
    expect(await well()).toBe(2)
    await rows('DROP TABLE sweep_positions')
    await ill('not_migrated')
  })

  it('is unhealthy before any migration was applied', async () => {
    await deleteDatabase()
    await ill('not_migrated')
  })

  it('is unhealthy when any one table or column is missing', async () => {
    for (const change of [
      'ALTER TABLE sessions RENAME COLUMN family_hash TO family',
      'ALTER TABLE users ADD COLUMN later TEXT; ALTER TABLE users RENAME COLUMN pin_hash TO pin',
      'DROP TABLE idempotency_records',
      'DROP TABLE sweep_positions',
      'DROP TABLE write_probe',
    ]) {
      await newDatabase()
      for (const statement of change.split('; ')) await rows(statement)
      await ill('not_migrated')
    }
  })

  it('ignores unknown tables and columns, because a migration is applied before the code that needs it', async () => {
    await rows('CREATE TABLE later (number INTEGER) STRICT')
    await rows('ALTER TABLE users ADD COLUMN later TEXT')
    expect((await call('/health')).status).toBe(200)
  })

  it('is unhealthy when the database is read-only', async () => {
    await rows(
      "CREATE TRIGGER full BEFORE INSERT ON write_probe BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
    )
    await ill('not_writable')
    await ill('not_writable', saying('D1_ERROR: attempt to write a readonly database: SQLITE_READONLY'))
    await ill('not_writable', saying('D1_ERROR: Exceeded maximum DB size.'))
  })

  it('is unhealthy when the database is away', async () => {
    await ill('unreachable', saying('D1_ERROR: D1 DB is overloaded. Too many requests queued.'))
  })
})

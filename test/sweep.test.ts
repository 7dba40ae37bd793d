/// <reference types="vite/client" />
/** The sweep removes what has expired, keeps everything else, and stays unnoticed by clients. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import wranglerToml from '../wrangler.toml?raw'
import { sweepCron } from '../src/scheduled'
import { dump } from './support/scene'
import {
  adminToken,
  call,
  freshDirectory,
  person,
  rows,
  signedInPerson,
  signIn,
  testEnv,
  tick,
  uuidOf,
} from './support/usher'

freshDirectory()

let admin: string
let lines: string[]
beforeEach(async () => {
  admin = await adminToken()
  lines = []
  vi.spyOn(console, 'log').mockImplementation((...words) => void lines.push(words.map(String).join(' ')))
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const day = 86_400

/** Moves the clock on by this many seconds, runs the sweep once, and returns its report. */
async function sweepIn(seconds: number, env: Parameters<typeof tick>[1] = {}) {
  lines = []
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 })
  await tick(sweepCron, env)
  vi.useRealTimers()
  expect(lines).toHaveLength(1)
  return JSON.parse(lines[0] as string)
}

const count = async (table: string) => (await rows<{ n: number }>(`SELECT count(*) AS n FROM ${table}`))[0]?.n
const none = {
  sessions: 0,
  api_keys: 0,
  password_tokens: 0,
  idempotency_records: 0,
  sign_in_failures: 0,
  adoption_attempts: 0,
  audit_events: 0,
  usage: 0,
  external_ids: 0,
}

async function everything() {
  const user = await signedInPerson(admin)
  await call('/v1/users', { token: admin, json: person(), headers: { 'idempotency-key': 'k' } })
  await call(`/v1/users/${user.id}/password-token`, { token: admin, method: 'POST' })
  const json = { name: 'a key', permissions: [], expires_at: new Date(Date.now() + 2 * day * 1000).toISOString() }
  await call('/v1/api-keys', { token: admin, json })
  await call('/v1/api-keys', { token: admin, json: { name: 'for good', permissions: [] } })
  await call('/v1/auth/login', { json: { identifier: user.email, password: 'not the passphrase' } })
  return user
}

describe('the sweep', () => {
  it('runs on the schedule of wrangler.toml', () => {
    const [, crons = ''] = /^crons = \[(.*)\]$/m.exec(wranglerToml) ?? []
    expect(crons).toContain(`"${sweepCron}"`)
  })

  it('removes nothing that is still valid', async () => {
    const user = await everything()
    const before = await dump()
    expect(await sweepIn(0, { AUDIT_RETENTION_DAYS: '1' })).toMatchObject({ removed: none, unfinished: [] })
    expect(await dump()).toEqual(before)
    expect((await call('/v1/auth/refresh', { json: { refresh_token: user.refresh_token } })).status).toBe(200)
  })

  it('removes expired sessions with their refresh tokens, failures, tokens, keys and records', async () => {
    await everything()
    expect((await sweepIn(day + 60)).removed).toEqual({
      ...none,
      idempotency_records: 1,
      password_tokens: 1,
      sign_in_failures: 1,
    })
    expect((await sweepIn(2 * day + 60)).removed).toEqual({ ...none, api_keys: 1 })
    expect((await sweepIn(31 * day)).removed).toEqual({ ...none, sessions: 2 })
    for (const table of ['sessions', 'refresh_tokens', 'password_tokens', 'idempotency_records', 'sign_in_failures']) {
      expect([table, await count(table)]).toEqual([table, 0])
    }
    expect(await count('api_keys')).toBe(1)
  })

  it('removes attempts to adopt a password that a Worker left behind', async () => {
    const now = Math.floor(Date.now() / 1000)
    await rows(
      `INSERT INTO adoption_attempts (user_number, id, expires_at)
       VALUES (1, '019b1c6e-7a40-7d52-9a51-3f1d0c2b4e61', ?), (1, '019b1c6e-7a40-7d52-9a51-3f1d0c2b4e62', ?)`,
      ...[now - 1, now + 60],
    )
    expect((await sweepIn(0)).removed).toEqual({ ...none, adoption_attempts: 1 })
    expect(await count('adoption_attempts')).toBe(1)
  })

  it('removes the external ids that a deleted client gave, and keeps those of others', async () => {
    await rows(
      `INSERT INTO external_ids (kind, subject_number, client_number, value)
       VALUES ('user', 1, 1, 'kept'), ('user', 1, 4711, 'a'), ('role', 1, 4711, 'b')`,
    )
    expect((await sweepIn(0)).removed).toEqual({ ...none, external_ids: 2 })
    expect(await rows('SELECT value FROM external_ids')).toEqual([{ value: 'kept' }])
  })

  it('counts a session’s time from its last refresh', async () => {
    const user = await signedInPerson(admin)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 20 * day * 1000 })
    const { body } = await call('/v1/auth/refresh', { json: { refresh_token: user.refresh_token } })
    vi.useRealTimers()
    expect((await sweepIn(31 * day)).removed.sessions).toBe(1)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 32 * day * 1000 })
    expect((await call('/v1/auth/refresh', { json: { refresh_token: body.refresh_token } })).status).toBe(200)
  })

  it('removes sessions that were ended all at once for a user, and keeps later ones', async () => {
    const user = await signedInPerson(admin)
    const key = await call('/v1/api-keys', {
      token: (await signedInPerson(admin, { role: 'admin' })).access_token,
      json: { name: 'kept', permissions: [] },
    })
    await rows('UPDATE api_keys SET user_number = ? WHERE id = ?', user.number, key.body.id)
    await call(`/v1/users/${user.id}/deactivate`, { token: admin, method: 'POST' })
    await call(`/v1/users/${user.id}/activate`, { token: admin, method: 'POST' })
    const again = await signIn(user.email, user.password)
    expect((await sweepIn(0)).removed).toEqual({ ...none, sessions: 1, api_keys: 1 })
    expect((await call('/v1/me', { token: again.access_token })).status).toBe(200)
  })

  it('keeps the audit trail forever, or for AUDIT_RETENTION_DAYS', async () => {
    const user = await everything()
    const events = Number(await count('audit_events'))
    expect((await sweepIn(4000 * day)).removed.audit_events).toBe(0)
    await rows('UPDATE audit_events SET at = at - ? WHERE user_id = ?', 40 * day, user.uuid)
    const old = Number(
      (await rows<{ n: number }>('SELECT count(*) AS n FROM audit_events WHERE user_id = ?', user.uuid))[0]?.n,
    )
    await rows(
      'UPDATE audit_events SET at = at - ? WHERE sequence < (SELECT min(sequence) FROM audit_events WHERE user_id = ?)',
      40 * day,
      user.uuid,
    )
    expect((await sweepIn(0, { AUDIT_RETENTION_DAYS: '41' })).removed.audit_events).toBe(0)
    const { removed } = await sweepIn(0, { AUDIT_RETENTION_DAYS: '30' })
    expect(removed.audit_events).toBeGreaterThanOrEqual(old)
    expect(await count('audit_events')).toBe(events - removed.audit_events)
    expect((await call(`/v1/audit-events?user=${user.id}`, { token: await adminToken() })).body.data).toEqual([])
  })

  it('never reuses the number of an event: the newest event stays, however old it is', async () => {
    const [{ last }] = (await rows('SELECT max(sequence) AS last FROM audit_events')) as [{ last: number }]
    await sweepIn(1000 * day, { AUDIT_RETENTION_DAYS: '1' })
    expect(await rows('SELECT sequence FROM audit_events')).toEqual([{ sequence: last }])
    await adminToken()
    expect(await rows('SELECT sequence FROM audit_events')).toEqual([{ sequence: last }, { sequence: last + 1 }])
  })

  it('works through large tables in parts, continues where it stopped, and starts over at the end', async () => {
    const number = 1
    await rows(
      `INSERT INTO sessions (id, user_number, generation, contract, family_hash, created_at, last_used_at, expires_at)
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
       SELECT printf('019b0000-0000-7000-8000-%012d', i), ?, (SELECT session_generation FROM users WHERE number = ?), 'v1', '-', 1, 1,
         iif(i % 2, 5, 9999999999) FROM n`,
      number,
      number,
    )
    const report = await sweepIn(0)
    expect([report.removed.sessions, report.unfinished, await count('sweep_positions')]).toEqual([2500, [], 0])
    expect(report.rows_read).toBeLessThan(3 * 2 * 5000)

    // A run that is cut off is continued after the last completed part.
    await rows('UPDATE sessions SET expires_at = 5 WHERE contract = ? AND id LIKE ?', 'v1', '019b0000%')
    let batches = 0
    const cut = {
      prepare: (sql: string) => testEnv.DB.prepare(sql),
      batch: (statements: D1PreparedStatement[]) =>
        (batches += 1) > 3 ? Promise.reject(new Error('cut off')) : testEnv.DB.batch(statements),
    }
    vi.spyOn(console, 'error').mockImplementation(() => {})
    await expect(tick(sweepCron, { DB: cut })).rejects.toThrow()
    expect([await count('sweep_positions'), await count('sessions')]).toEqual([1, 1 + 500])
    expect((await sweepIn(0)).removed.sessions).toBe(500)
    expect(await count('sweep_positions')).toBe(0)
  })

  it('reports counts and no personal data', async () => {
    const user = await everything()
    await sweepIn(40 * day)
    const [line = ''] = lines
    expect(Object.keys(JSON.parse(line))).toEqual([
      ...['message', 'removed', 'unfinished', 'trips', 'rows_read', 'rows_written', 'milliseconds'],
    ])
    for (const word of [user.email, user.uuid, uuidOf(user.id), 'user:', 'identifier:', '@'])
      expect(line).not.toContain(word)
  })
})

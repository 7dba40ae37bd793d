/** v1: usage. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { adminToken, call, freshDirectory, rows, signedInPerson, useVariables } from '../../support/usher'
import { namesEveryTest } from '../../support/statements'
import { expectInvalid, expectProblem, keyWith, lacking, someoneWith, statements } from '../../support/v1'

freshDirectory()
useVariables({ USAGE: 'on' })

let admin: string
let ana: { id: string; uuid: string }
let ben: { id: string; uuid: string }
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-30T09:20:00Z') })
  admin = await adminToken()
  ana = await signedInPerson(admin)
  ben = await signedInPerson(admin)
  await rows('DELETE FROM usage')
})
afterEach(() => void vi.useRealTimers())

const dayOf = (date: string) => Date.parse(date) / 86_400_000

/** A row of the past: the hours in which the program was used on a day. */
async function used(
  contract: string,
  operation: string,
  who: { uuid: string },
  program: string,
  date: string,
  ...hours: number[]
) {
  const mask = hours.reduce((bits, hour) => bits | (1 << hour), 0)
  await rows('INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?)', contract, operation, who.uuid, program, dayOf(date), mask)
}

async function someUsage() {
  await used('clinic', 'clinicGetUser', ana, 'ward/1', '2026-11-01', 8, 9, 23)
  await used('clinic', 'clinicGetUser', ana, 'ward/1', '2026-11-03', 9)
  await used('clinic', 'clinicLogin', ana, 'ward/1', '2026-11-01', 8)
  await used('clinic', 'clinicLogin', ben, 'ward/2', '2026-11-02', 0)
  await used('rbac', 'rbacListUsers', ben, '', '2026-10-31', 22)
}

interface Usage {
  contract: string | null
  operation: string | null
  principal: string | null
  program: string | null
  first_seen: string
  last_seen: string
  active_days: number
  active_hours: number
}

const list = (query = '', token = admin) =>
  call<{ data: Usage[]; pagination: { next_cursor: string | null } }>(`/v1/usage?${query}`, { token })

/** The list without the use that is recorded for reading it. */
const others = async (query: string) =>
  (await list(query)).body.data.filter(({ operation }) => operation !== 'v1ListUsage')

describe('GET /usage', () => {
  it('returns the use of each operation by each user and program: first and last hour, days and hours', async () => {
    await someUsage()
    const { status, body } = await list()
    expect([status, body.pagination]).toEqual([200, { next_cursor: null }])
    const ward = { contract: 'clinic', principal: ana.id, program: 'ward/1', first_seen: '2026-11-01T08:00:00Z' }
    expect(body.data).toEqual([
      { ...ward, operation: 'clinicGetUser', last_seen: '2026-11-03T09:00:00Z', active_days: 2, active_hours: 4 },
      { ...ward, operation: 'clinicLogin', last_seen: '2026-11-01T08:00:00Z', active_days: 1, active_hours: 1 },
      {
        contract: 'clinic',
        operation: 'clinicLogin',
        principal: ben.id,
        program: 'ward/2',
        first_seen: '2026-11-02T00:00:00Z',
        last_seen: '2026-11-02T00:00:00Z',
        active_days: 1,
        active_hours: 1,
      },
      {
        contract: 'rbac',
        operation: 'rbacListUsers',
        principal: ben.id,
        program: null,
        first_seen: '2026-10-31T22:00:00Z',
        last_seen: '2026-10-31T22:00:00Z',
        active_days: 1,
        active_hours: 1,
      },
      {
        contract: 'v1',
        operation: 'v1ListUsage',
        principal: expect.stringMatching(/^usr_/),
        program: null,
        first_seen: '2026-11-30T09:00:00Z',
        last_seen: '2026-11-30T09:00:00Z',
        active_days: 1,
        active_hours: 1,
      },
    ])
  })

  it('filters by contract, by operation and by the first day, alone and together', async () => {
    await someUsage()
    const operations = async (query: string) => (await others(query)).map(({ operation }) => operation)
    const clinic = ['clinicGetUser', 'clinicLogin', 'clinicLogin']
    expect(await operations('contract=clinic')).toEqual(clinic)
    expect(await operations('contract=nothing')).toEqual([])
    expect(await operations('operation=clinicLogin')).toEqual(['clinicLogin', 'clinicLogin'])
    expect(await operations('contract=rbac&operation=clinicLogin')).toEqual([])
    expect(await operations('since=2026-11-01')).toEqual(clinic)
    expect(await operations('since=2026-11-02')).toEqual(['clinicGetUser', 'clinicLogin'])
    expect(await operations('since=2026-11-02T23:59:59Z&contract=clinic')).toEqual(['clinicGetUser', 'clinicLogin'])
    expect(await operations('since=2026-12-01')).toEqual([])
    const [ward] = await others('since=2026-11-02&operation=clinicGetUser')
    expect(ward).toMatchObject({ first_seen: '2026-11-03T09:00:00Z', active_days: 1, active_hours: 1 })
  })

  it('groups by the named values, and counts each hour and each day once', async () => {
    await someUsage()
    const entries = async (query: string) =>
      (await list(query)).body.data.map((use) => [
        ...[use.contract, use.operation, use.principal, use.program].filter((value) => value !== null),
        ...[use.first_seen, use.last_seen, use.active_days, use.active_hours],
      ])
    expect(await entries('group=contract&since=2026-10-01&operation=clinicLogin')).toEqual([
      ['clinic', '2026-11-01T08:00:00Z', '2026-11-02T00:00:00Z', 2, 2],
    ])
    expect((await entries('group=contract')).slice(0, 2)).toEqual([
      ['clinic', '2026-11-01T08:00:00Z', '2026-11-03T09:00:00Z', 3, 5],
      ['rbac', '2026-10-31T22:00:00Z', '2026-10-31T22:00:00Z', 1, 1],
    ])
    expect(await entries('group=principal&contract=clinic')).toEqual(
      [
        [ana.id, '2026-11-01T08:00:00Z', '2026-11-03T09:00:00Z', 2, 4],
        [ben.id, '2026-11-02T00:00:00Z', '2026-11-02T00:00:00Z', 1, 1],
      ].sort(([one], [other]) => String(one).localeCompare(String(other))),
    )
    expect(await entries('group=program,contract&contract=clinic')).toEqual([
      ['clinic', 'ward/1', '2026-11-01T08:00:00Z', '2026-11-03T09:00:00Z', 2, 4],
      ['clinic', 'ward/2', '2026-11-02T00:00:00Z', '2026-11-02T00:00:00Z', 1, 1],
    ])
    expect(await entries('group=day&contract=clinic')).toEqual([
      ['2026-11-01T08:00:00Z', '2026-11-01T23:00:00Z', 1, 3],
      ['2026-11-02T00:00:00Z', '2026-11-02T00:00:00Z', 1, 1],
      ['2026-11-03T09:00:00Z', '2026-11-03T09:00:00Z', 1, 1],
    ])
    const whole = await list('group=contract,operation,principal,program')
    expect(whole.body.data).toEqual((await list()).body.data)
  })

  it('pages by cursor through every grouping, each entry once', async () => {
    await someUsage()
    for (const query of [
      '',
      'contract=clinic',
      'group=operation',
      'group=principal,program',
      'group=day',
      'group=contract,operation,principal,program,day',
      'group=operation,day&contract=clinic&operation=clinicGetUser',
    ]) {
      const all = (await list(query)).body.data
      const paged: Usage[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const { body }: Awaited<ReturnType<typeof list>> = await list(
          `${query}&limit=1${cursor && `&cursor=${cursor}`}`,
        )
        paged.push(...body.data)
        cursor = body.pagination.next_cursor
      }
      expect([query, paged]).toEqual([query, all])
      expect(all.length).toBeGreaterThan(1)
    }
  })

  it('returns one entry and no cursor for a list grouped by contract and filtered to one contract', async () => {
    await someUsage()
    const { body } = await list('group=contract&contract=clinic&limit=1')
    expect([body.data.length, body.pagination.next_cursor]).toEqual([1, null])
  })

  it('returns 400 for an invalid since, an unknown group, and a cursor of another list', async () => {
    await someUsage()
    const group = 'must be one of contract, operation, principal, program, day'
    for (const [name, value, message] of [
      ['since', 'yesterday', 'does not read as a time'],
      ['since', '2026-02-30', 'does not read as a time'],
      ['since', '2026-11-01T00:00', 'does not read as a time'],
      ['since', '1767225600', 'does not read as a time'],
      ['group', 'week', group],
      ['group', 'contract,', group],
      ['group', 'contract, program', group],
      ['limit', '101', 'must be at most 100'],
      ['cursor', 'none', 'is not valid'],
    ] as const) {
      expectInvalid(await list(`${name}=${encodeURIComponent(value)}`), [name, message])
    }
    const { next_cursor } = (await list('limit=1')).body.pagination
    expectInvalid(await list(`group=contract&cursor=${next_cursor}`), ['cursor', 'is not valid'])
    expectInvalid(await list(`contract=clinic&cursor=${next_cursor}`), ['cursor', 'is not valid'])
    // A cursor for this list that Usher did not write.
    const written = (position: unknown) =>
      btoa(JSON.stringify([position, ['usage', null, null, null, ['contract']]])).replace(/=+$/, '')
    for (const position of [[], ['a', 'b'], 'a', [{}]]) {
      expectInvalid(await list(`group=contract&cursor=${written(position)}`), ['cursor', 'is not valid'])
    }
    expect((await list(`group=contract&cursor=${written(['rbac'])}`)).status).toBe(200)
  })

  it('requires usage:read, on a session or a key', async () => {
    const someone = await someoneWith(admin, ['audit:read', 'users:read'])
    expectProblem(await list('', someone.access_token), 403, lacking('usage:read'))
    const reader = await someoneWith(admin, ['usage:read'])
    expect((await list('', reader.access_token)).status).toBe(200)
    expect((await list('', (await keyWith(admin, ['usage:read'])).key)).status).toBe(200)
  })

  it('reads only the rows of the days of its page, in one round trip, for any number of entries', async () => {
    await rows(
      `INSERT INTO usage (contract, operation, principal, program, day, hours)
       WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
       SELECT 'clinic', 'clinicGetUser', printf('019b0000-0000-7000-8000-%012d', i / 10), 'ward/1', 20000 + i % 10, 1 FROM n`,
    )
    await list()
    for (const query of ['limit=20', 'limit=20&contract=clinic', 'limit=20&contract=clinic&operation=clinicGetUser']) {
      const first = await list(query)
      const second = await list(`${query}&cursor=${first.body.pagination.next_cursor}`)
      for (const { body, cost } of [first, second]) {
        expect(body.data.map(({ active_days }) => active_days)).toEqual(Array(20).fill(10))
        expect([cost.trips, cost.written, cost.read <= 10 * 21 + 20]).toEqual([1, 0, true])
      }
    }
  })
})

namesEveryTest(statements)

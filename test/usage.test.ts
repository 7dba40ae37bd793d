/**
 * Recording of usage: the user, program, operation and hour of requests through every contract, and the cost of
 * recording.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { sweepCron } from '../src/scheduled'
import { signInContracts, type Ask } from './contracts'
import { operations } from './support/requests'
import { emptyDirectory } from './support/saved-directory'
import { keyWith } from './support/v1'
import {
  adminToken,
  call,
  firstAdmin,
  freshDirectory,
  rows,
  signedInPerson,
  testEnv,
  tick,
  useVariables,
  uuidOf,
  type Call,
} from './support/usher'

freshDirectory()
useVariables({ USAGE: 'on' })

let admin: string
let adminId: string
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-30T09:20:00Z') })
  admin = await adminToken()
  adminId = uuidOf((await call('/v1/me', { token: admin })).body.id)
})
afterEach(() => void vi.useRealTimers())

const at = (time: string) => vi.setSystemTime(Date.parse(time))
const day = (date: string) => Date.parse(date) / 86_400_000

interface Row {
  contract: string
  operation: string
  principal: string
  program: string
  day: number
  hours: number
}
const recorded = (operation: string) =>
  rows<Row>('SELECT * FROM usage WHERE operation = ? ORDER BY principal, program, day', operation)
const from = (program: string): Call => ({ token: admin, headers: { 'user-agent': program } })
/** The Worker as another isolate: the same deployment, without the memory of this isolate. */
const elsewhere = (which: number) => ({ PASSWORD_MIN_LENGTH: String(10 + which) })

describe('a request on a session', () => {
  it('is recorded with its contract, operation, user, program and hour', async () => {
    await call('/v1/roles', from('payroll/2.1 (linux) node/24'))
    expect(await recorded('v1ListRoles')).toEqual([
      {
        contract: 'v1',
        operation: 'v1ListRoles',
        principal: adminId,
        program: 'payroll/2.1',
        day: day('2026-11-30'),
        hours: 1 << 9,
      },
    ])
  })

  it('is recorded in every contract that it calls, whichever contract the session is of', async () => {
    for (const [path, operation] of [
      ['/rbac/api/v1/users', 'rbacListUsers'],
      ['/personnel/users/list', 'personnelListUsers'],
      ['/scim/v2/Users', 'scimListUsers'],
    ] as const) {
      await call(path, from('rota/1.4'))
      expect(await recorded(operation)).toEqual([expect.objectContaining({ principal: adminId, program: 'rota/1.4' })])
    }
  })

  it('adds its hour to the row of its day', async () => {
    await call('/v1/roles', from('payroll'))
    at('2026-11-30T10:00:00Z')
    admin = await adminToken()
    await call('/v1/roles', from('payroll'))
    at('2026-12-01T00:00:00Z')
    admin = await adminToken()
    await call('/v1/roles', from('payroll'))
    expect((await recorded('v1ListRoles')).map(({ day, hours }) => [day, hours])).toEqual([
      [day('2026-11-30'), (1 << 9) | (1 << 10)],
      [day('2026-12-01'), 1],
    ])
  })

  it.each([
    ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', 'Mozilla/5.0'],
    ['curl', 'curl'],
    ['nightly-sync/2026.11.30+build', 'nightly-sync/2026.11.30+build'],
    [`${'x'.repeat(60)}/1`, 'x'.repeat(40)],
    ['(comment) only/1', ''],
    ['a/b/c', 'a/b'],
  ])('records the first product of the User-Agent %s', async (userAgent, program) => {
    await call('/v1/roles', from(userAgent))
    expect((await recorded('v1ListRoles')).map((row) => row.program)).toEqual([program])
  })

  it('is recorded without a program when it has no User-Agent', async () => {
    await call('/v1/roles', { token: admin })
    expect((await recorded('v1ListRoles')).map(({ program }) => program)).toEqual([''])
  })

  it('is recorded as GET when its method is HEAD', async () => {
    await call('/v1/roles', { method: 'HEAD', token: admin })
    expect(await recorded('v1ListRoles')).toHaveLength(1)
  })

  it('is recorded when it changes nothing, and when the user of its path does not exist', async () => {
    const user = await signedInPerson(admin)
    await call(`/v1/users/${user.id}`, { method: 'PATCH', token: admin, json: { name: user.input.name } })
    expect(await recorded('v1PatchUser')).toHaveLength(1)
    expect((await call(`/v1/users/usr_${'0'.repeat(32)}`, { token: admin })).status).toBe(404)
    expect(await recorded('v1GetUser')).toHaveLength(1)
  })
})

it('a request on an API key is recorded with the key as its program, whatever its User-Agent', async () => {
  const { id, key } = await keyWith(admin, ['roles:read'])
  for (const program of ['one/1', 'two/2']) {
    await call('/v1/roles', { token: key, headers: { 'user-agent': program } })
  }
  expect((await recorded('v1ListRoles')).map(({ principal, program }) => [principal, program])).toEqual([[adminId, id]])
})

it('sign-ins, refreshes, lists and sign-outs are recorded in every contract', async () => {
  const headers = { 'user-agent': 'walk/1' }
  const user = await signedInPerson(admin, { role: 'admin' })
  for (const [name, { list, session }] of signInContracts) {
    const ask = async ({ path, ...request }: Ask, more: Call = {}) =>
      call(path, { ...request, ...more, headers: { ...headers, ...request.headers, ...more.headers } })
    const signedIn = await ask(session.signIn(user.email, user.password))
    const { token, headers: cookie } = session.credential(signedIn)
    const credential = { ...(token && { token }), headers: { ...headers, ...cookie } }
    await ask(list(), credential)
    const { refresh } = session
    if (refresh) await ask(refresh.ask(refresh.tokenOf(signedIn)))
    await ask(session.signOut(), credential)
    const uses = await rows<Row>("SELECT * FROM usage WHERE contract = ? AND program = 'walk/1'", name)
    expect([name, uses.map(({ principal }) => principal)]).toEqual([name, uses.map(() => user.uuid)])
    const names = uses.map(({ operation }) => operation).sort()
    expect([name, names]).toEqual([name, expectedOf[name]])
  }
})

const expectedOf: Record<string, string[]> = {
  // The form of personnel signs in and refreshes by one operation.
  personnel: ['personnelListUsers', 'personnelLogout', 'personnelToken'],
  v1: ['v1ListUsers', 'v1Login', 'v1Logout', 'v1Refresh'],
  rbac: ['rbacListUsers', 'rbacLogin', 'rbacLogout', 'rbacRefresh'],
  clinic: ['clinicLogin', 'clinicLogout', 'clinicSearchUsers'],
  backoffice: ['backofficeListUsers', 'backofficeLogin', 'backofficeLogout'],
}

it('a sign-out by a refresh token and a password set by a token are recorded', async () => {
  const user = await signedInPerson(admin)
  await call('/v1/auth/logout', { json: { refresh_token: user.refresh_token } })
  expect((await recorded('v1Logout')).map(({ principal }) => principal)).toEqual([user.uuid])
  const { token } = (await call(`/v1/users/${user.id}/password-token`, { method: 'POST', token: admin })).body
  const set = await call('/v1/auth/password', { json: { token, new_password: 'another fine passphrase' } })
  expect(set.status).toBe(204)
  expect((await recorded('v1SetPassword')).map(({ principal }) => principal)).toEqual([user.uuid])
})

describe('a request that is not recorded', () => {
  it('has no valid credential, no permission, or invalid input', async () => {
    const user = await signedInPerson(admin)
    const before = await rows('SELECT * FROM usage')
    const refused = await Promise.all([
      call('/v1/users'),
      call('/v1/users', { token: 'usk_nonsense' }),
      call('/v1/users', { token: user.access_token }),
      call('/v1/users', { token: user.access_token, json: {} }),
      call('/v1/webhooks', { token: user.access_token, json: {} }),
      call('/v1/users?limit=0', { token: admin }),
      call('/v1/roles', { token: admin, json: {} }),
      call('/v1/auth/login', { json: { identifier: user.email, password: 'not the passphrase' } }),
      call('/clinic/users/user/login/', { form: { username: user.email, password: 'not the passphrase' } }),
      call('/v1/auth/refresh', { json: { refresh_token: 'nonsense' } }),
      call('/v1/nowhere', { token: admin }),
    ])
    expect(refused.map(({ status }) => status)).toEqual([401, 401, 403, 403, 403, 400, 400, 401, 200, 401, 404])
    expect(await rows('SELECT * FROM usage')).toEqual(before)
  })

  it('is a change that the caller may not make', async () => {
    const user = await signedInPerson(admin)
    await call(`/v1/users/${user.id}`, { method: 'DELETE', token: user.access_token })
    expect(await recorded('v1DeleteUser')).toEqual([])
  })

  it('is the first request of an hour that the database did not take: the next is recorded', async () => {
    const DB = {
      prepare: (sql: string) => testEnv.DB.prepare(sql),
      batch: () => Promise.reject(new Error('D1_ERROR: D1 DB is overloaded. Too many requests queued.')),
    }
    vi.spyOn(console, 'error').mockImplementation(() => {})
    expect((await call('/v1/roles', { token: admin, env: { DB } })).status).toBe(503)
    vi.restoreAllMocks()
    await call('/v1/roles', { token: admin })
    expect(await recorded('v1ListRoles')).toHaveLength(1)
  })

  it('is not caused by a transient error: a read that records its use is repeated once', async () => {
    let sent = 0
    const DB = {
      prepare: (sql: string) => testEnv.DB.prepare(sql),
      batch: (statements: D1PreparedStatement[]) =>
        (sent += 1) === 1
          ? Promise.reject(new Error('D1_ERROR: Network connection lost.'))
          : testEnv.DB.batch(statements),
    }
    const { status } = await call('/v1/roles', { token: admin, env: { DB } })
    expect([status, sent, (await recorded('v1ListRoles')).length]).toEqual([200, 2, 1])
  })

  it('is any request when USAGE is off', async () => {
    await call('/v1/roles', { token: admin, env: { USAGE: 'off' } })
    expect(await recorded('v1ListRoles')).toEqual([])
  })
})

describe('the cost of recording', () => {
  const ask = (env: Call['env'] = {}) => call('/v1/roles', { ...from('payroll'), env })

  it('is one written row for the first request of an hour, in the same round trip', async () => {
    const { cost } = await ask()
    const without = (await ask({ USAGE: 'off' })).cost
    expect([cost.trips, cost.written, cost.read - without.read <= 8]).toEqual([1, 1, true])
    expect((await ask()).cost.written).toBe(0)
  })

  it('is no written row for a second isolate in the same hour, and no statement for the same isolate', async () => {
    const without = (await ask({ USAGE: 'off' })).cost
    await ask()
    const second = (await ask(elsewhere(1))).cost
    expect([second.trips, second.written]).toEqual([1, 0])
    expect((await ask(elsewhere(1))).cost).toEqual(without)
    expect((await ask()).cost).toEqual(without)
  })

  it('is at most one row for each hour of a program, for any number of isolates and requests', async () => {
    const hours = Array.from({ length: 24 }, (_, hour) => `2026-12-02T${String(hour).padStart(2, '0')}:30:00Z`)
    let written = 0
    for (const time of hours) {
      at(time)
      admin = await adminToken()
      for (const isolate of [1, 2, 1]) written += (await ask(elsewhere(isolate))).cost.written
    }
    expect(written).toBe(24)
    expect(await recorded('v1ListRoles')).toEqual([expect.objectContaining({ hours: 2 ** 24 - 1 })])
  })

  it('is limited when a client sends a new User-Agent with each request', async () => {
    for (let turn = 0; turn < 40; turn += 1) await call('/v1/roles', from(`agent${turn}`))
    const programs = (await recorded('v1ListRoles')).map(({ program }) => program)
    expect([programs.length, programs.includes('(other)'), programs.includes('agent19')]).toEqual([21, true, true])
  })

  it.each(
    operations
      .filter(({ security }) => security?.length !== 0)
      .map((operation) => [operation.operationId, operation] as const),
  )('is no round trip in %s, and nothing after the first request of an hour', async (_, { method, request }) => {
    const costs = []
    for (const env of [{ USAGE: 'off' }, {}, ...(method === 'GET' ? [{}] : [])]) {
      // Each change runs in an empty directory, so that every run makes the same change.
      if (method !== 'GET') await emptyDirectory()
      const token = await adminToken()
      const user = await signedInPerson(token, { role: 'admin' })
      const { path, ...ask } = await request({ admin: token, one: user })
      const own = method !== 'GET' && path.startsWith('/v1/me')
      const answer = await call(path, { token: own ? user.access_token : token, ...ask, env })
      expect(answer.status).toBeLessThan(300)
      costs.push(answer.cost)
    }
    const [without, first, later] = costs as [(typeof costs)[0], (typeof costs)[0], (typeof costs)[0]?]
    expect([first.trips, first.written - without.written <= 1]).toEqual([without.trips, true])
    if (later) expect([later.trips, later.written]).toEqual([without.trips, without.written])
  })
})

describe('recorded use', () => {
  it('is kept for 400 days, or for USAGE_RETENTION_DAYS', async () => {
    vi.spyOn(console, 'log').mockImplementation(() => {})
    const remaining = async (env = {}) => {
      await tick(sweepCron, env)
      return (await recorded('v1ListRoles')).length
    }
    await call('/v1/roles', from('payroll'))
    at('2027-01-04T09:20:00Z')
    expect(await remaining()).toBe(1)
    expect(await remaining({ USAGE_RETENTION_DAYS: '35' })).toBe(1)
    at('2028-01-04T09:20:00Z')
    expect(await remaining()).toBe(1)
    at('2028-01-05T09:20:00Z')
    expect(await remaining()).toBe(0)
    at('2026-11-30T09:20:00Z')
    await call('/v1/roles', from('other'))
    at('2027-01-05T09:20:00Z')
    expect(await remaining({ USAGE_RETENTION_DAYS: '35' })).toBe(0)
    vi.restoreAllMocks()
  })

  it('remains after the user is deleted', async () => {
    const user = await signedInPerson(admin)
    await call('/v1/me', { token: user.access_token })
    await call(`/v1/users/${user.id}`, { method: 'DELETE', token: admin })
    expect((await recorded('v1GetMe')).map(({ principal }) => principal)).toContain(user.uuid)
  })

  it('contains no email and no name', async () => {
    await call('/v1/me', { token: admin })
    expect(JSON.stringify(await rows('SELECT * FROM usage'))).not.toContain(firstAdmin.email)
  })
})

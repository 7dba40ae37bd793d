/** Adoption: pending users keep the password that only an upstream knows, and sign in with it through every contract. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { signatureBy } from './support/webhook-receiver'
import {
  importLines,
  newLegacy,
  pendingPerson,
  signInThrough,
  upstreams,
  withUpstreams,
  type UpstreamName,
} from './support/upstream'
import { signInContracts } from './contracts'
import { adminToken, call, freshDirectory, rows, testEnv } from './support/usher'

freshDirectory()

const contracts = signInContracts.map(([name]) => name)
const names = Object.keys(upstreams) as UpstreamName[]

let admin: string
let legacy: ReturnType<typeof newLegacy>

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1000 * Math.ceil(Date.now() / 1000) })
  admin = await adminToken()
  legacy = newLegacy()
})

afterEach(() => {
  vi.restoreAllMocks()
  // Upstreams rest by the clock: the next test finds them awake.
  vi.setSystemTime(Date.now() + 60_000)
  vi.useRealTimers()
})

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000)
const failures = () => rows('SELECT * FROM sign_in_failures')
const statusOf = async (email: string) => {
  const [row] = await rows('SELECT password_hash, password_from FROM users WHERE email = ?', email)
  return row?.password_hash ? 'set' : row?.password_from ? 'pending' : 'none'
}
const migration = async (name: UpstreamName) => {
  const { body } = await call('/v1/migration', { token: admin, ...withUpstreams })
  return body.data.find(({ upstream }: { upstream: string }) => upstream === name)
}

async function pending(upstream: UpstreamName = 'hook-legacy', fields: Record<string, unknown> = {}) {
  const user = await pendingPerson(admin, upstream, fields)
  for (const known of [user.email, fields['username'], fields['matricule']]) {
    if (known !== undefined) legacy.passwords.set(String(known), user.password)
  }
  return user
}

describe.each(names)('a user of %s', (upstream) => {
  it.each(contracts)(
    'signs in through %s with the old password, and from then on without the upstream',
    async (name) => {
      const user = await pending(upstream)
      const { outcome, cost } = await signInThrough(name, user.email, user.password)
      expect([outcome, cost.trips]).toEqual(['done', 3])
      expect(legacy.asked).toHaveLength(1)
      expect(await statusOf(user.email)).toBe('set')
      for (const contract of contracts) {
        expect((await signInThrough(contract, user.email, user.password)).outcome).toBe('done')
      }
      expect(legacy.asked).toHaveLength(1)
      expect(await failures()).toEqual([])
    },
  )

  it.each(contracts)('is refused through %s with a wrong password, like any other user', async (name) => {
    const user = await pending(upstream)
    const wrong = await signInThrough(name, user.email, 'not the password')
    const unknown = await signInThrough(name, 'nobody@example.org', 'not the password')
    expect([wrong.outcome, wrong.status, wrong.text]).toEqual(['unauthenticated', unknown.status, unknown.text])
    expect(await failures()).toHaveLength(2)
    expect(await statusOf(user.email)).toBe('pending')
    expect(await migration(upstream)).toMatchObject({ pending: 1, adopted: { total: 0, by_day: {} }, refused: 1 })
  })
})

describe('an adoption', () => {
  it('is one event, and counts in the migration', async () => {
    const user = await pending()
    expect(await migration('hook-legacy')).toEqual({
      upstream: 'hook-legacy',
      pending: 1,
      adopted: { total: 0, by_day: {} },
      refused: 0,
      unknown: 0,
      last_adopted_at: null,
    })
    await signInThrough('v1', user.email, user.password)
    const day = new Date().toISOString().slice(0, 10)
    expect(await migration('hook-legacy')).toEqual({
      upstream: 'hook-legacy',
      pending: 0,
      adopted: { total: 1, by_day: { [day]: 1 } },
      refused: 0,
      unknown: 0,
      last_adopted_at: `${new Date().toISOString().slice(0, 19)}Z`,
    })
    const { body } = await call(`/v1/audit-events?user=${user.id}`, { token: admin })
    const events = body.data.map(({ action, actor_id, fields }: any) => [action, actor_id, fields])
    expect(events).toEqual([
      ['session.created', user.id, []],
      ['user.password_adopted', user.id, ['password']],
      ['user.created', expect.any(String), ['email', 'name', 'password_from']],
    ])
  })

  it('does not change the version of the user', async () => {
    const user = await pending()
    const etag = async () => (await call(`/v1/users/${user.id}`, { token: admin })).headers.get('etag')
    const before = await etag()
    await signInThrough('v1', user.email, user.password)
    expect(await etag()).toBe(before)
  })

  it('applies no password policy, and lists the users with weaker passwords', async () => {
    const [weak, personal, fine] = [await pending(), await pending(), await pending()]
    legacy.passwords.set(weak.email, 'abc')
    legacy.passwords.set(personal.email, personal.email)
    expect((await signInThrough('v1', weak.email, 'abc')).outcome).toBe('done')
    expect((await signInThrough('v1', personal.email, personal.email)).outcome).toBe('done')
    expect((await signInThrough('v1', fine.email, fine.password)).outcome).toBe('done')
    expect((await signInThrough('clinic', weak.email, 'abc')).outcome).toBe('done')
    const list = async () => (await call('/v1/users?password=weak', { token: admin })).body
    const emails = async () => (await list()).data.map(({ email }: { email: string }) => email)
    expect(await emails()).toEqual([weak.email, personal.email])
    expect((await list()).pagination.total).toBe(2)

    // The same password under a costlier hash is as weak as it was; a new one is not.
    const env = { ...withUpstreams.env, PASSWORD_ROUNDS: '2' }
    await call('/v1/auth/login', { json: { identifier: weak.email, password: 'abc' }, env })
    expect(await emails()).toEqual([weak.email, personal.email])
    const json = { password: 'set by somebody else' }
    await call(`/v1/users/${weak.id}`, { method: 'PATCH', token: admin, json })
    expect(await emails()).toEqual([personal.email])
  })

  it('happens once for forty simultaneous sign-ins', async () => {
    const user = await pending()
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        signInThrough(contracts[index % contracts.length] as string, user.email, user.password),
      ),
    )
    const outcomes = answers.map(({ outcome }) => outcome)
    expect(outcomes).toContain('done')
    expect(outcomes.filter((outcome) => outcome !== 'done' && outcome !== 'unavailable')).toEqual([])
    expect(await rows("SELECT 1 FROM audit_events WHERE action = 'user.password_adopted'")).toHaveLength(1)
    expect(legacy.asked.length).toBeLessThanOrEqual(5)
    expect(await failures()).toEqual([])
    expect(await rows('SELECT * FROM adoption_attempts')).toEqual([])
    expect((await signInThrough('v1', user.email, user.password)).outcome).toBe('done')
  })

  it('is not recorded when the database fails after the match: the user stays pending', async () => {
    const user = await pending()
    let batches = 0
    const DB = {
      prepare: (sql: string) => testEnv.DB.prepare(sql),
      batch: (statements: D1PreparedStatement[]) => {
        batches += 1
        if (batches === 3) throw new Error('the database is away')
        return testEnv.DB.batch(statements)
      },
    }
    const json = { identifier: user.email, password: user.password }
    const { status } = await call('/v1/auth/login', { json, env: { ...withUpstreams.env, DB } })
    expect([status, legacy.asked.length, await statusOf(user.email)]).toEqual([503, 1, 'pending'])
    expect((await signInThrough('v1', user.email, user.password)).outcome).toBe('done')
  })
})

describe('an upstream', () => {
  it.each([
    ['clinic-legacy', 'clinic.legacy.example/telemed/users/user/login/', { username: 'kofi' }],
    ['personnel-legacy', 'personnel.legacy.example/token', { username: '4821' }],
    ['backoffice-legacy', 'backoffice.legacy.example/api/login', { username: 'kofi' }],
    ['rbac-legacy', 'rbac.legacy.example/api/v1/auth/login', { email: 'kofi@example.org' }],
    ['v1-legacy', 'v1.legacy.example/v1/auth/login', { identifier: 'kofi@example.org' }],
  ] as const)('%s is asked by the identifier that it knows, whichever was typed', async (upstream, path, named) => {
    const fields = { email: 'kofi@example.org', username: 'kofi', matricule: 4821 }
    const { password } = await pendingPerson(admin, upstream, fields)
    legacy.passwords.set(String(Object.values(named)[0]), password)
    expect((await signInThrough('v1', ' 4821 ', password)).outcome).toBe('done')
    expect(legacy.asked.map((user) => [user.path, user.sent])).toEqual([[path, { ...named, password }]])
  })

  it('that is a hook receives the user, signed with the secret that v1 shows', async () => {
    const user = await pending('hook-legacy', { username: 'kofi' })
    await signInThrough('backoffice', 'kofi', user.password)
    const [{ path, sent, headers }] = legacy.asked as [(typeof legacy.asked)[number]]
    expect(path).toBe('hook.legacy.example/verify?of=usher')
    expect(sent).toEqual({ user_id: user.id, identifier: 'kofi', password: user.password })
    const secret = await call('/v1/migration/hook-legacy/secret', { token: admin, ...withUpstreams })
    const signed = {
      id: String(headers.get('webhook-id')),
      timestamp: Number(headers.get('webhook-timestamp')),
      text: JSON.stringify(sent),
    }
    const expected = await signatureBy(secret.body.secret, signed as Parameters<typeof signatureBy>[1])
    expect(headers.get('webhook-signature')).toBe(expected)
    expect(secret.body.previous_secret).toBeNull()
    const other = await call('/v1/migration/clinic-legacy/secret', { token: admin, ...withUpstreams })
    expect(other.status).toBe(404)
  })

  it('is not asked about users who are not pending', async () => {
    await signInThrough('v1', 'nobody@example.org', 'whatever it was')
    const [inactive, deleted] = [await pending(), await pending()]
    await call(`/v1/users/${inactive.id}/deactivate`, { method: 'POST', token: admin })
    await call(`/v1/users/${deleted.id}`, { method: 'DELETE', token: admin })
    for (const user of [inactive, deleted]) {
      expect((await signInThrough('v1', user.email, user.password)).outcome).toBe('unauthenticated')
    }
    expect(legacy.asked).toEqual([])
    expect(await migration('hook-legacy')).toMatchObject({ pending: 1 })
  })

  it.each([
    ['empty', ''],
    ['too long', 'x'.repeat(2000)],
    ['ending in NUL', 'the old secret\0'],
  ])('is not sent a password that is %s', async (_, password) => {
    const user = await pending()
    legacy.passwords.set(user.email, password)
    const { status } = await call('/v1/auth/login', { json: { identifier: user.email, password }, ...withUpstreams })
    expect([status, legacy.asked]).toEqual([401, []])
  })

  it('that was removed from the settings is not asked: its users have no password, and the counts remain', async () => {
    const user = await pending()
    const json = { identifier: user.email, password: user.password }
    expect((await call('/v1/auth/login', { json })).status).toBe(401)
    expect(legacy.asked).toEqual([])
    const { body } = await call('/v1/migration', { token: admin })
    expect(body.data.map(({ upstream, pending }: any) => [upstream, pending])).toEqual([
      ['hook-legacy', 1],
      ['quiet-hook', 0],
    ])
  })
})

const hang = ({ signal }: RequestInit) =>
  new Promise<Response>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))
const endless = () =>
  new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1_000_000)) }))

const faults: [fault: string, answer: (init: RequestInit) => Response | Promise<Response>][] = [
  ['is slow', hang],
  ['is unreachable', () => Promise.reject(new TypeError('connect ECONNREFUSED'))],
  ['has a wrong certificate', () => Promise.reject(new TypeError('unable to verify the first certificate'))],
  ['redirects', () => new Response(null, { status: 302, headers: { location: 'https://elsewhere.example/' } })],
  ['returns HTML', () => new Response('<h1>It works</h1>', { headers: { 'content-type': 'text/html' } })],
  ['returns 429', () => Response.json({ detail: 'slow down' }, { status: 429 })],
  ['returns 500', () => Response.json({ result: 'match', success: true }, { status: 500 })],
  ['returns 404', () => Response.json({ detail: 'Not Found', message: 'Not Found' }, { status: 404 })],
  ['returns 200 with an unknown body', () => Response.json({ result: 'maybe', success: 'true', access_token: 1 })],
  ['returns 200 with null', () => Response.json(null)],
  ['returns 200 with an empty body', () => new Response(null, { status: 200 })],
  ['returns an endless body', endless],
]

describe.each(faults)('an upstream that %s', (_, fault) => {
  it('makes the sign-in unavailable, counts no failure and changes nothing, for every kind of upstream', async () => {
    const users = await Promise.all(
      names.map(async (upstream, index) => ({
        upstream,
        contract: contracts[index % contracts.length] as string,
        ...(await pending(upstream)),
      })),
    )
    const signInAll = () =>
      Promise.all(users.map(({ contract, email, password }) => signInThrough(contract, email, password)))
    legacy.fault = fault
    // For a slow upstream, the time limit of five seconds takes fifty milliseconds.
    const timeout = AbortSignal.timeout.bind(AbortSignal)
    const isSlow = fault === hang
    const limits = vi.spyOn(AbortSignal, 'timeout').mockImplementation((limit) => timeout(isSlow ? limit / 100 : limit))
    for (const { outcome, headers } of await signInAll()) {
      expect([outcome, headers.get('retry-after')]).toEqual(['unavailable', '5'])
    }
    expect(new Set(limits.mock.calls.flat())).toEqual(new Set([5000]))
    limits.mockRestore()
    expect([await failures(), await rows('SELECT * FROM adoption_attempts')]).toEqual([[], []])
    for (const { upstream, email } of users) {
      expect([upstream, await statusOf(email)]).toEqual([upstream, 'pending'])
      expect(await migration(upstream)).toMatchObject({ pending: 1, refused: 0, unknown: 1 })
    }
    legacy.fault = undefined
    expect((await signInAll()).map(({ outcome }) => outcome)).toEqual(users.map(() => 'done'))
  })
})

describe('after five faults in a row', () => {
  it('an upstream is not asked for thirty seconds; other users sign in, and /health reports no fault', async () => {
    const [user, other] = [await pending(), await pending('clinic-legacy')]
    legacy.fault = () => new Response(null, { status: 502 })
    for (let tried = 0; tried < 5; tried += 1) {
      expect((await signInThrough('v1', user.email, user.password)).outcome).toBe('unavailable')
    }
    legacy.fault = undefined
    pass(10)
    const resting = await signInThrough('v1', user.email, user.password)
    expect([resting.outcome, resting.headers.get('retry-after'), resting.cost.trips]).toEqual(['unavailable', '20', 1])
    expect(legacy.asked).toHaveLength(5)
    expect((await signInThrough('v1', other.email, other.password)).outcome).toBe('done')
    expect((await call('/health', withUpstreams)).status).toBe(200)
    pass(20)
    expect((await signInThrough('v1', user.email, user.password)).outcome).toBe('done')
  })

  it('are not counted as consecutive after a successful response', async () => {
    const user = await pending()
    for (let tried = 0; tried < 8; tried += 1) {
      legacy.fault = tried === 4 ? undefined : () => new Response(null, { status: 502 })
      await signInThrough('v1', user.email, 'not the password')
    }
    expect(legacy.asked).toHaveLength(8)
  })
})

describe('wrong passwords', () => {
  it('lock the account after five attempts, and reach no upstream while it is locked', async () => {
    const user = await pending()
    for (let failed = 0; failed < 5; failed += 1) {
      expect((await signInThrough('v1', user.email, 'not the password')).outcome).toBe('unauthenticated')
    }
    expect((await signInThrough('v1', user.email, user.password)).outcome).toBe('limited')
    expect(legacy.asked).toHaveLength(5)
    pass(30)
    expect((await signInThrough('v1', user.email, user.password)).outcome).toBe('done')
    expect(await failures()).toEqual([])
  })

  it('sent at the same time reach the upstream at most five times', async () => {
    const user = await pending()
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        signInThrough(contracts[index % contracts.length] as string, user.email, `guess number ${index}`),
      ),
    )
    const counted = answers.map(({ outcome }) => outcome)
    expect(legacy.asked.length).toBeLessThanOrEqual(5)
    expect(counted.filter((outcome) => outcome === 'unauthenticated')).toHaveLength(5)
    expect(counted.filter((outcome) => !['unauthenticated', 'limited', 'unavailable'].includes(outcome))).toEqual([])
    expect((await signInThrough('v1', user.email, user.password)).outcome).toBe('limited')
  })

  it('in progress count as failures', async () => {
    const user = await pending()
    for (let failed = 0; failed < 4; failed += 1) await signInThrough('v1', user.email, 'not the password')
    await Promise.all(Array.from({ length: 10 }, () => signInThrough('v1', user.email, 'not the password')))
    expect(legacy.asked).toHaveLength(5)
  })

  it('of an interrupted Worker are forgotten after a while', async () => {
    const user = await pending()
    await rows(
      `INSERT INTO adoption_attempts (user_number, id, expires_at)
       SELECT number, '019b1c6e-7a40-7d52-9a51-3f1d0c2b4e6' || value, ? FROM users, json_each('[1,2,3,4,5]') WHERE email = ?`,
      Math.floor(Date.now() / 1000) + 15,
      user.email,
    )
    const waiting = await signInThrough('v1', user.email, user.password)
    expect([waiting.outcome, waiting.headers.get('retry-after'), legacy.asked]).toEqual(['unavailable', '1', []])
    pass(16)
    expect((await signInThrough('v1', user.email, user.password)).outcome).toBe('done')
    expect(await rows('SELECT * FROM adoption_attempts')).toEqual([])
  })
})

describe('a match', () => {
  it('is refused once the account is locked', async () => {
    const user = await pending()
    legacy.beforeAnswer = async () => {
      legacy.beforeAnswer = async () => {}
      await rows(
        `INSERT INTO sign_in_failures (account, failures, lockouts, locked_until, last_failed_at)
         SELECT 'user:' || number, 0, 1, ?1 + 30, ?1 FROM users WHERE email = ?2`,
        Math.floor(Date.now() / 1000),
        user.email,
      )
    }
    expect((await signInThrough('v1', user.email, user.password)).outcome).toBe('limited')
    expect([legacy.asked.length, await statusOf(user.email)]).toEqual([1, 'pending'])
  })

  it('is refused once the user is deactivated or has another password', async () => {
    for (const change of [
      (id: string) => call(`/v1/users/${id}/deactivate`, { method: 'POST', token: admin }),
      (id: string) =>
        call(`/v1/users/${id}`, { method: 'PATCH', token: admin, json: { password: 'set by somebody else' } }),
    ]) {
      const user = await pending()
      legacy.beforeAnswer = async () => {
        legacy.beforeAnswer = async () => {}
        expect((await change(user.id)).status).toBe(200)
      }
      expect((await signInThrough('v1', user.email, user.password)).outcome).toBe('unauthenticated')
    }
    expect(legacy.asked).toHaveLength(2)
  })

  it('for a user who changes meanwhile and stays pending needs no second request to the upstream', async () => {
    const user = await pending()
    legacy.beforeAnswer = async () => {
      await rows('UPDATE users SET session_generation = session_generation + 1 WHERE email = ?', user.email)
    }
    expect((await signInThrough('v1', user.email, user.password)).outcome).toBe('unavailable')
    expect([legacy.asked.length, await statusOf(user.email)]).toEqual([1, 'pending'])
  })
})

describe('a pending user', () => {
  it('gets a password by a set-password token before the first sign-in', async () => {
    const user = await pending()
    const { body } = await call(`/v1/users/${user.id}/password-token`, { method: 'POST', token: admin })
    const json = { token: body.token, new_password: 'one of my own making' }
    expect((await call('/v1/auth/password', { json })).status).toBe(204)
    expect((await signInThrough('v1', user.email, 'one of my own making')).outcome).toBe('done')
    expect((await signInThrough('v1', user.email, user.password)).outcome).toBe('unauthenticated')
    expect(legacy.asked).toEqual([])
    expect(await migration('hook-legacy')).toMatchObject({ pending: 0, adopted: { total: 0 } })
  })

  it('gets a password from an administrator', async () => {
    const user = await pending()
    const json = { password: 'set by somebody else' }
    expect((await call(`/v1/users/${user.id}`, { method: 'PATCH', token: admin, json })).status).toBe(200)
    expect((await signInThrough('rbac', user.email, 'set by somebody else')).outcome).toBe('done')
    expect(await migration('hook-legacy')).toMatchObject({ pending: 0, adopted: { total: 0 } })
  })

  it('is not counted after a deletion', async () => {
    const user = await pending()
    await call(`/v1/users/${user.id}`, { method: 'DELETE', token: admin })
    expect(await migration('hook-legacy')).toMatchObject({ pending: 0 })
  })

  it('is exported with the name of the upstream when hashes are exported, and is imported again as pending', async () => {
    const user = await pending()
    const exported = async (query: string) =>
      ((await call(`/v1/exports${query}`, { token: admin })).body as any[]).find(({ email }) => email === user.email)
    expect(await exported('')).not.toHaveProperty('password_from')
    const row = await exported('?include=password_hashes')
    expect(row).toMatchObject({ password_hash: null, password_from: 'hook-legacy' })
    await call(`/v1/users/${user.id}`, { method: 'DELETE', token: admin })
    const { id: _, number: __, ...again } = row
    expect((await importLines(admin, [again])).body[0]).toMatchObject({ status: 'created' })
    expect((await signInThrough('v1', user.email, user.password)).outcome).toBe('done')
  })
})

describe('the filter by password', () => {
  it('lists pending users, those with a password and those without, page by page with exact totals', async () => {
    const people = [await pending(), await pending('clinic-legacy'), await pending()]
    const bare = await call('/v1/users', {
      token: admin,
      json: { email: 'bare@example.org', name: 'Bare', password: null },
    })
    expect(bare.status).toBe(201)
    const emails = async (query: string) => {
      const found: string[] = []
      let total
      for (let cursor: string | null = ''; cursor !== null;) {
        const path: string = `/v1/users?limit=2&${query}${cursor && `&cursor=${cursor}`}`
        const { status, body } = await call(path, { token: admin })
        expect(status).toBe(200)
        found.push(...body.data.map(({ email }: { email: string }) => email))
        cursor = body.pagination.next_cursor
        total = body.pagination.total
      }
      expect(total).toBe(found.length)
      return found
    }
    const all = people.map(({ email }) => email)
    expect(await emails('password=pending')).toEqual(all)
    expect(await emails('password=pending&sort=-created_at')).toEqual(all.toReversed())
    expect(await emails('password=none')).toEqual(['bare@example.org'])
    expect(await emails('password=set')).toHaveLength(1)
    expect(await emails('password=pending&status=inactive')).toEqual([])
    expect(await emails('password=pending&role=user&search=pending')).toEqual(all)
    const [first] = people as [(typeof people)[number]]
    await signInThrough('v1', first.email, first.password)
    expect(await emails('password=pending')).toEqual(all.slice(1))
    expect(await emails('password=set&sort=email')).toHaveLength(2)
    expect((await call('/v1/users?password=perhaps', { token: admin })).status).toBe(400)
  })

  it('reads only the rows of the page of pending users', async () => {
    const lines = Array.from({ length: 300 }, (_, index) => ({
      email: `many${index}@example.org`,
      name: 'One of Many',
      password_from: 'hook-legacy',
    }))
    await importLines(admin, lines)
    const { body, cost } = await call('/v1/users?password=pending&limit=20', { token: admin })
    expect([body.pagination.total, cost.trips]).toEqual([300, 1])
    expect(cost.read).toBeLessThanOrEqual(3 * 20 + 20)
    const next = await call(`/v1/users?password=pending&limit=20&cursor=${body.pagination.next_cursor}`, {
      token: admin,
    })
    expect(next.cost.read).toBeLessThanOrEqual(3 * 20 + 20)
  })
})

describe('an import', () => {
  const row = { email: 'noor@example.org', name: 'Noor Haddad' }
  const hash = '$2y$10$1abx9Q4rvDu8uvYUg9c4FePn.5o094TJRx0m6seEsN.H71Kt.yKL2'

  it('rejects each line with an unknown upstream, or with a second source of the password', async () => {
    const lines = [
      { ...row, password_from: 'nowhere' },
      { ...row, password_from: '' },
      { ...row, password_from: 7 },
      { ...row, password_from: 'hook-legacy', password_hash: hash },
      { ...row, password_from: 'hook-legacy', password: 'a password long enough' },
      { ...row, password_from: 'hook-legacy', password_hash: '!unusable' },
    ]
    const { body } = await importLines(admin, lines)
    const errors = body.slice(0, -1).map((line: any) => line.errors)
    const known = `must be one of ${names.join(', ')}`
    const second = 'must not come with a password or a password_hash'
    expect(errors).toEqual([
      [{ field: 'password_from', message: known }],
      [{ field: 'password_from', message: known }],
      [{ field: 'password_from', message: expect.any(String) }],
      [{ field: 'password_from', message: second }],
      [{ field: 'password_from', message: second }],
      [{ field: 'password_from', message: second }],
    ])
    expect(body.at(-1)).toMatchObject({ status: 'done', created: 0, refused: 6 })
  })

  it('changes nothing when it is repeated, for pending users and for adopted ones', async () => {
    const user = await pendingPerson(admin, 'hook-legacy', row)
    legacy.passwords.set(row.email, user.password)
    const again = async () => (await importLines(admin, [{ ...row, password_from: 'hook-legacy' }])).body[0]
    expect(await again()).toMatchObject({ status: 'skipped' })
    await signInThrough('v1', row.email, user.password)
    expect(await again()).toMatchObject({ status: 'skipped' })
    expect(await statusOf(row.email)).toBe('set')
    expect(await migration('hook-legacy')).toMatchObject({ pending: 0, adopted: { total: 1 } })
  })

  it('counts the additional rows of pending users in a dry run', async () => {
    const hundred = (word: string, secret: object) =>
      Array.from({ length: 100 }, (_, index) => ({
        email: `${word}${index}@example.org`,
        name: 'A Dry Run',
        ...secret,
      }))
    const written = async (lines: object[], query = '') =>
      (await importLines(admin, lines, query)).body.at(-1).rows_written
    const [withHash, pendingLines] = [
      hundred('hashed', { password_hash: hash }),
      hundred('waited', { password_from: 'hook-legacy' }),
    ]
    const dry = (await written(pendingLines, '?dry_run=true')) - (await written(withHash, '?dry_run=true'))
    const real = [await written(withHash), await written(pendingLines)] as const
    expect(dry).toBe(200)
    expect(Math.abs(real[1] - real[0] - dry)).toBeLessThanOrEqual(10)
    expect(real[1] / 100).toBeLessThanOrEqual(20)
  })
})

describe('UPSTREAMS', () => {
  it.each([
    'no JSON',
    '[]',
    '{"a": null}',
    '{"a": "https://legacy.example"}',
    '{"a": {"url": "https://legacy.example"}}',
    '{"a": {"url": "https://legacy.example", "hook": false}}',
    '{"a": {"url": "https://legacy.example", "hook": true, "contract": "clinic"}}',
    '{"a": {"url": "https://legacy.example", "hook": true, "secret": "x"}}',
    '{"a": {"url": "http://legacy.example", "hook": true}}',
    '{"a": {"url": "https://user:secret@legacy.example", "hook": true}}',
    '{"a": {"url": "https://legacy.example/?a=b", "contract": "clinic"}}',
    '{"a": {"url": "legacy", "contract": "clinic"}}',
    '{"a": {"url": "https://legacy.example", "contract": "intranet"}}',
    '{"a b": {"url": "https://legacy.example", "hook": true}}',
    '{"": {"url": "https://legacy.example", "hook": true}}',
  ])('that is invalid stops the Worker from serving, and is not repeated in the error: %s', async (UPSTREAMS) => {
    const { status, body, text } = await call('/health', { env: { UPSTREAMS } })
    expect([status, body.error]).toEqual([503, 'misconfigured'])
    expect(body.problems[0]).toMatch(/^UPSTREAMS/)
    expect(text).not.toContain('secret')
  })

  it.each(['', '{}', '{"a": {"url": "http://localhost:3000/verify", "hook": true}}'])('may be %s', async (UPSTREAMS) =>
    expect((await call('/health', { env: { UPSTREAMS } })).status).toBe(200),
  )
})

describe('a password', () => {
  it('is not written to a log, an event, a record or a response', async () => {
    const written: string[] = []
    for (const method of ['log', 'error', 'warn', 'info'] as const) {
      vi.spyOn(console, method).mockImplementation((...parts) => void written.push(parts.map(String).join(' ')))
    }
    const user = await pending()
    const env = { ...withUpstreams.env, REQUEST_LOG: 'on' }
    const json = { identifier: user.email, password: user.password }
    const answers = []
    for (const fault of [() => new Response(`no ${user.password}`, { status: 500 }), undefined]) {
      legacy.fault = fault
      answers.push((await call('/v1/auth/login', { json, env })).text)
    }
    expect(written.join()).toContain('upstream hook-legacy: http_500')
    const tables = await rows<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%search_terms' AND name NOT LIKE '\\_%' ESCAPE '\\'",
    )
    const stored = await Promise.all(tables.map(({ name }) => rows(`SELECT * FROM "${name}"`)))
    expect(stored.flat().length).toBeGreaterThan(20)
    for (const text of [written.join(), answers.join(), JSON.stringify(stored)])
      expect(text).not.toContain(user.password)
    for (const text of [written.join()]) expect(text).not.toContain(user.email)
  })
})

describe('the diagnostics', () => {
  it('report the answer of each upstream for an invented user', async () => {
    legacy.fault = undefined
    const ask = async () => (await call('/v1/diagnostics/upstreams', { token: admin, ...withUpstreams })).body.data
    expect(await ask()).toEqual(names.map((upstream) => ({ upstream, answer: 'no_match' })))
    legacy.fault = () => new Response(null, { status: 302 })
    expect(new Set((await ask()).map(({ answer }: { answer: string }) => answer))).toEqual(new Set(['http_302']))
    const emails = legacy.asked.map(({ sent }) => sent['identifier'] ?? sent['email'] ?? sent['username'])
    expect(emails.every((email) => email?.endsWith('@upstream.invalid'))).toBe(true)
  })
})

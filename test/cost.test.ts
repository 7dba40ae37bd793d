/**
 * The cost of requests at 10,000 users, counted by the database itself: at most what the table of docs/cost.md says.
 */
import { beforeAll, describe, expect, it, vi } from 'vitest'
import {
  adminToken,
  call,
  fetchWorker,
  migrate,
  person,
  rows,
  signedInPerson,
  signIn,
  testEnv,
  type Answer,
  type Call,
} from './support/usher'
import { populate } from './support/population'
import { importLines, newLegacy, pendingPerson, signInThrough, withUpstreams } from './support/upstream'

let admin: string

beforeAll(async () => {
  await migrate()
  admin = await adminToken()
  await populate(10_000)
}, 120_000)

function expectCost({ cost }: Answer, most: { trips: number; read: number; written: number }): void {
  expect(cost.trips).toBeLessThanOrEqual(most.trips)
  expect(cost.read).toBeLessThanOrEqual(most.read)
  expect(cost.written).toBeLessThanOrEqual(most.written)
  expect(cost.trips).toBeGreaterThan(0)
}

/** Words of one and two characters, alone and next to a longer word. Some match few users, some match all. */
const shortQueries = ['1 2 3', '77 7 u', 'e o s', 'zq 1 2', 'so me nu', '1 2']
const besideLonger = [
  ['number12', '9'],
  ['number12', '9 3 so me ex am pl le s o m e'],
  ['example.org', '9 7'],
  ['example.org', 'so om me eo on ne nu um mb be er s o m e 1'],
] as const

/**
 * The cost of a search for these words besides its hits and its page: twice the most frequent word, counted as at most
 * 2,000, plus 1,000.
 */
async function mostOfShortWords(search: string): Promise<number> {
  const each = search.split(' ').map((word) => call(`/v1/users?limit=1&search=${word}`, { token: admin }))
  const costs = (await Promise.all(each)).map(({ cost }) => cost.read)
  return 2 * Math.min(Math.max(...costs), 2000) + 1000
}

const deleting = { trips: 1, read: 40, written: 15 }

describe('reading', () => {
  it('gets one user in one trip and five rows, by id, by matricule or through /me', async () => {
    const user = await signedInPerson(admin, { matricule: 900_001 })
    const most = { trips: 1, read: 5, written: 0 }
    for (const path of [`/v1/users/${user.id}`, `/personnel/users/${user.uuid}`, '/personnel/users/900001', '/v1/me']) {
      expectCost(await call(path, { token: admin }), most)
    }
    expectCost(await call(`/v1/users/${user.id}`, { token: user.access_token }), most)
  })

  it('costs two more rows for each role past the first', async () => {
    const user = await signedInPerson(admin)
    const [{ number }] = (await rows<{ number: number }>('SELECT number FROM users WHERE id = ?', user.uuid)) as [
      { number: number },
    ]
    await rows('INSERT INTO user_roles (user_number, role_number, position) VALUES (?, 1, 1)', number)
    await rows('UPDATE users SET role_count = 2 WHERE number = ?', number)
    expectCost(await call(`/v1/users/${user.id}`, { token: admin }), { trips: 1, read: 7 + 2, written: 0 })
  })

  it('lists the first page or any cursor page in one trip and one row per user, with the exact total', async () => {
    const most = { trips: 1, read: 100 + 20, written: 0 }
    let page = await call('/v1/users?limit=100', { token: admin })
    const [{ count }] = (await rows<{ count: number }>('SELECT count(*) AS count FROM users')) as [{ count: number }]
    for (let turned = 0; turned < 5; turned += 1) {
      expectCost(page, most)
      expect(page.body.data).toHaveLength(100)
      expect(page.body.pagination.total).toBe(count)
      page = await call(`/v1/users?limit=100&cursor=${page.body.pagination.next_cursor}`, { token: admin })
    }
  })

  it('lists users of two roles in five more rows each', async () => {
    const several = 'SELECT number FROM users ORDER BY number LIMIT 50'
    await rows(`INSERT OR IGNORE INTO user_roles (user_number, role_number, position)
      SELECT number, 3 - primary_role, 1 FROM users WHERE number IN (${several})`)
    await rows(`UPDATE users SET role_count = 2 WHERE number IN (${several})`)
    const page = await call('/v1/users?limit=100', { token: admin })
    expect(page.body.data.filter(({ roles }: { roles: unknown[] }) => roles.length === 2)).toHaveLength(50)
    expectCost(page, { trips: 1, read: 100 + 5 * 50 + 20, written: 0 })
    await rows(`DELETE FROM user_roles WHERE position = 1 AND user_number IN (${several})`)
    await rows(`UPDATE users SET role_count = 1 WHERE number IN (${several})`)
  })

  it('pages through all users by cursor in at most 1.2 rows per user', async () => {
    let cursor: string | null = ''
    let read = 0
    let seen = 0
    while (cursor !== null) {
      const page: Answer = await call(`/v1/users?limit=100${cursor && `&cursor=${cursor}`}`, { token: admin })
      read += page.cost.read
      seen += page.body.data.length
      cursor = page.body.pagination.next_cursor
    }
    expect(seen).toBeGreaterThan(10_000)
    expect(read).toBeLessThanOrEqual(1.2 * seen)
  })

  it.each([
    'sort=-created_at',
    'sort=email',
    'sort=-email',
    'sort=name',
    'sort=-name',
    'status=active',
    'status=inactive',
  ])('pages through %s by cursor at the same cost', async (query) => {
    let cursor: string | null = ''
    for (let turned = 0; turned < 3 && cursor !== null; turned += 1) {
      const page: Answer = await call(`/v1/users?limit=100&${query}${cursor && `&cursor=${cursor}`}`, { token: admin })
      expectCost(page, { trips: 1, read: 100 + 20, written: 0 })
      cursor = page.body.pagination.next_cursor
    }
  })

  it('pages through the holders of a role in two rows per user', async () => {
    const page = await call('/v1/users?limit=100&role=user', { token: admin })
    expect(page.body.data).toHaveLength(100)
    expectCost(page, { trips: 1, read: 2 * 100 + 20, written: 0 })
  })

  it.each([
    ['number777', 30],
    ['someone number12', 30],
    ['example.org', 30],
    ['9', 700],
    ['77', 700],
    ['zq', 700],
  ])('searches for %s in one row per hit, two per user of the page and %i', async (search, more) => {
    for (const cursor of ['', 'second']) {
      const path = `/v1/users?limit=50&search=${encodeURIComponent(search)}`
      const next = cursor && (await call(path, { token: admin })).body.pagination.next_cursor
      const page = await call(next ? `${path}&cursor=${next}` : path, { token: admin })
      expectCost(page, { trips: 1, read: page.body.pagination.total + 2 * 50 + more, written: 0 })
    }
  })

  it.each(shortQueries)(
    'searches for %s in one row per hit, three per user of the page and the cost of the words',
    async (search) => {
      const path = `/v1/users?limit=50&search=${encodeURIComponent(search)}`
      const most = await mostOfShortWords(search)
      const first = await call(path, { token: admin })
      const { next_cursor, total } = first.body.pagination
      const second = next_cursor && (await call(`${path}&cursor=${next_cursor}`, { token: admin }))
      for (const page of second ? [first, second] : [first]) {
        expectCost(page, { trips: 1, read: total + 3 * 50 + most, written: 0 })
      }
    },
  )

  it.each(besideLonger)(
    'searches for %s and %s in one row per hit of the first, three per user of the page and 200',
    async (long, short) => {
      const { total: hits } = (await call(`/v1/users?limit=1&search=${long}`, { token: admin })).body.pagination
      const path = `/v1/users?limit=50&search=${encodeURIComponent(`${short} ${long}`)}`
      const first = await call(path, { token: admin })
      const { next_cursor, total } = first.body.pagination
      expect(total).toBeGreaterThan(0)
      expect(total).toBeLessThanOrEqual(hits)
      const second = next_cursor && (await call(`${path}&cursor=${next_cursor}`, { token: admin }))
      for (const page of second ? [first, second] : [first]) {
        expectCost(page, { trips: 1, read: hits + 3 * 50 + 200, written: 0 })
      }
    },
  )

  it.each(['sort=email', 'sort=-name', 'status=active', 'status=inactive', 'role=user', 'role=admin'])(
    'searches with %s in four rows per hit, two per user of the page and 30',
    async (query) => {
      const { body } = await call('/v1/users?search=number12', { token: admin })
      const hits = body.pagination.total
      expect(hits).toBeGreaterThan(100)
      const page = await call(`/v1/users?limit=50&search=number12&${query}`, { token: admin })
      expectCost(page, { trips: 1, read: 4 * hits + 2 * 50 + 30, written: 0 })
    },
  )

  it('reads sessions, roles, keys and the audit trail in one trip and one row per item', async () => {
    const user = await signedInPerson(admin)
    expectCost(await call(`/v1/users/${user.id}/sessions`, { token: admin }), { trips: 1, read: 15, written: 0 })
    expectCost(await call('/v1/roles', { token: admin }), { trips: 1, read: 10, written: 0 })
    expectCost(await call('/v1/api-keys', { token: admin }), { trips: 1, read: 10, written: 0 })
    for (const query of ['', `&user=${user.id}`, `&actor=${user.id}`, '&action=user.created']) {
      expectCost(await call(`/v1/audit-events?limit=100${query}`, { token: admin }), {
        trips: 1,
        read: 110,
        written: 0,
      })
    }
  })

  it('verifies an API key for one row more than a token, names it in the log, and reads nothing for a mistyped key', async () => {
    const json = { name: 'costs', permissions: ['users:read'] }
    const { key } = (await call('/v1/api-keys', { token: admin, json })).body
    const user = await signedInPerson(admin)
    await call(`/v1/users/${user.id}`, { token: key })
    expectCost(await call(`/v1/users/${user.id}`, { token: key }), { trips: 1, read: 7, written: 0 })
    const mistyped = `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`
    expect((await call(`/v1/users/${user.id}`, { token: mistyped })).cost.trips).toBe(0)
  })

  it('refuses a request without reading the requested data', async () => {
    const plain = await signedInPerson(admin)
    const refused = await call('/v1/users?limit=100', { token: plain.access_token })
    expect(refused.status).toBe(403)
    expect(refused.cost).toEqual({ trips: 1, read: 0, written: 0 })
  })

  it('reports the cost of the first page of a streamed list', async () => {
    const response = await fetchWorker('/personnel/users/list', { token: admin })
    const [, trips, read] = /trips=(\d+) read=(\d+)/.exec(response.headers.get('server-timing') ?? '') ?? []
    expect(Number(trips)).toBe(1)
    expect(Number(read)).toBeLessThanOrEqual(2 * 5000 + 10)
    expect(((await response.json()) as unknown[]).length).toBeGreaterThan(10_000)
  })
})

describe('writing', () => {
  it('creates in two trips', async () => {
    const full = person({ username: 'costly', matricule: 900_100, phone: '1', birth_date: '1990-01-01' })
    const created = await call('/v1/users', { token: admin, json: full })
    expect(created.status).toBe(201)
    expectCost(created, { trips: 2, read: 40, written: 22 })
    const keyed = { token: admin, json: person(), headers: { 'idempotency-key': 'costs' } }
    expectCost(await call('/v1/users', keyed), { trips: 2, read: 40, written: 22 + 2 })
    expectCost(await call('/v1/users', keyed), { trips: 1, read: 12, written: 0 })
  })

  it('updates and deactivates in two trips, and deletes in one', async () => {
    const user = await signedInPerson(admin, { username: 'costly2', matricule: 900_200 })
    const json = { user_id: user.uuid, nom: 'New Name', email: 'new@example.org', matricule: 900_201 }
    const most = { trips: 2, read: 40, written: 15 }
    expectCost(await call('/personnel/users/update', { method: 'PUT', token: admin, json }), most)
    expectCost(await call(`/personnel/users/delete/${user.uuid}`, { method: 'DELETE', token: admin }), most)
    const patch = {
      name: 'Newer Name',
      email: 'newer@example.org',
      username: 'costly3',
      matricule: 900_202,
      role: 'admin',
    }
    expectCost(await call(`/v1/users/${user.id}`, { method: 'PATCH', token: admin, json: patch }), {
      trips: 2,
      read: 45,
      written: 27,
    })
    for (const action of ['activate', 'deactivate']) {
      expectCost(await call(`/v1/users/${user.id}/${action}`, { method: 'POST', token: admin }), most)
    }
    const roles = { json: { roles: ['user'] }, method: 'PUT' }
    expectCost(await call(`/v1/users/${user.id}/roles`, { token: admin, ...roles }), most)
    // The delete also removes their session and refresh token, and updates the count of inactive users.
    const remove = { method: 'DELETE', token: admin }
    expectCost(await call(`/v1/users/${user.id}`, remove), { ...deleting, written: 15 + 2 + 2 })
    const full = person({ username: 'costly4', matricule: 900_300, gender: 'female', birth_date: '1990-01-01' })
    const { body: never } = await call('/v1/users', { token: admin, json: full })
    expectCost(await call(`/v1/users/${never.id}`, remove), deleting)
    const { key } = (
      await call('/v1/api-keys', { token: admin, json: { name: 'deleting', permissions: ['users:delete'] } })
    ).body
    const { body: other } = await call('/v1/users', { token: admin, json: person() })
    // The key records its first use.
    expectCost(await call(`/v1/users/${other.id}`, { ...remove, token: key }), { ...deleting, written: 15 + 1 })
    const provisioned = await signedInPerson(admin)
    expectCost(await call(`/scim/v2/Users/${provisioned.uuid}`, remove), { ...deleting, written: 15 + 2 })
  })

  it('refuses a deletion in two trips, and an ended session in one', async () => {
    const user = await signedInPerson(admin)
    const remove = (headers = {}, id = user.id, token = admin) =>
      call(`/v1/users/${id}`, { method: 'DELETE', token, headers })
    const refused = { trips: 2, read: 20, written: 0 }
    for (const [answer, status] of [
      [await remove({}, `usr_${'0'.repeat(32)}`), 404],
      [await remove({ 'if-match': '"2"' }), 412],
      [await remove({ 'if-match': '"1"', 'if-none-match': '*' }), 412],
      [await remove({}, user.id, user.access_token), 403],
    ] as const) {
      expect(answer.status).toBe(status)
      expectCost(answer, refused)
    }
    await call('/v1/auth/logout', { method: 'POST', token: user.access_token })
    const ended = await remove({}, user.id, user.access_token)
    expect([ended.status, ended.cost.trips]).toEqual([401, 1])
    expectCost(await remove({ 'if-match': '"1", "2"', 'if-none-match': '"2"' }), { ...deleting, written: 15 + 2 })
  })

  it('signs in in two trips, refreshes and signs out in one', async () => {
    const user = await signedInPerson(admin)
    const json = { identifier: user.input.email, password: user.input.password }
    expectCost(await call('/v1/auth/login', { json }), { trips: 2, read: 10, written: 7 })
    const { refresh_token, access_token } = await signIn(user.input.email, String(user.input.password))
    expectCost(await call('/v1/auth/refresh', { json: { refresh_token } }), { trips: 1, read: 12, written: 7 })
    expectCost(await call('/v1/auth/logout', { method: 'POST', token: access_token }), {
      trips: 1,
      read: 12,
      written: 7,
    })
  })
})

describe('adoption', () => {
  const signingIn = { trips: 3, read: 40, written: 25 }

  it('signs in a pending user in three trips, and refuses one in three', async () => {
    const legacy = newLegacy()
    const user = await pendingPerson(admin, 'hook-legacy', { username: 'costpending', matricule: 900_500 })
    legacy.passwords.set('costpending', user.password)
    const wrong = await signInThrough('v1', 'costpending', 'not the password')
    expect(wrong.outcome).toBe('unauthenticated')
    expectCost(wrong, { trips: 3, read: 30, written: 8 })
    const right = await signInThrough('v1', 'costpending', user.password)
    expect(right.outcome).toBe('done')
    expectCost(right, signingIn)
    expectCost(await signInThrough('v1', 'costpending', user.password), { trips: 2, read: 10, written: 7 })
    vi.restoreAllMocks()
  })

  it('costs other users nothing while thousands are pending', async () => {
    const user = await signedInPerson(admin)
    const lines = Array.from({ length: 1000 }, (_, index) => ({
      email: `costly.pending${index}@example.org`,
      name: 'Costly Pending',
      password_from: 'hook-legacy',
    }))
    await importLines(admin, lines)
    const json = { identifier: user.email, password: user.password }
    expectCost(await call('/v1/auth/login', { json, ...withUpstreams }), { trips: 2, read: 10, written: 7 })
    const page = await call('/v1/users?password=pending&limit=100', { token: admin })
    expect(page.body.pagination.total).toBe(1000)
    expectCost(page, { trips: 1, read: 100 + 20, written: 0 })
    const upstreams = 7
    expectCost(await call('/v1/migration', { token: admin, ...withUpstreams }), {
      trips: 1,
      read: upstreams + 14,
      written: 0,
    })
  })
})

describe('clinic', () => {
  const users = '/clinic/users/user'
  const form = (username: string) => ({
    username,
    first_name: 'Odile',
    last_name: 'Marchand',
    email: `${username}@example.org`,
    user_type: 'CL',
    gender: 'F',
    birth_date: '1988-04-02',
    phone: '1',
    mobile: '2',
    certified_email: `${username}@clinic.example`,
    password: 'a fine passphrase',
    numeric_password: '4821',
    is_active: 'on',
  })
  const post = (path: string, fields: Record<string, string> = {}) =>
    call(users + path, { token: admin, method: 'POST', form: fields })
  const writing = { trips: 2, read: 40, written: 15 }

  it('creates, changes, deactivates and activates in two trips, and writes nothing for an unchanged record', async () => {
    const created = await post('/new/', form('costlier'))
    expectCost(created, { ...writing, written: 22 })
    const { id } = created.body.data
    const { password: _, numeric_password: __, ...same } = { ...form('costlier'), is_staff: 'on' }
    expectCost(await post(`/${id}/edit/`, same), { trips: 1, read: 20, written: 0 })
    const some = { ...same, first_name: 'Odette', birth_date: '', gender: 'U', phone: '3', mobile: '' }
    expectCost(await post(`/${id}/edit/`, some), writing)
    expectCost(
      await post(`/${id}/edit/`, { ...some, password: 'another passphrase', numeric_password: '1357' }),
      writing,
    )
    const renamed = { ...some, username: 'costlynew', email: 'costlynew@example.org' }
    expectCost(await post(`/${id}/edit/`, renamed), writing)
    expectCost(await post(`/${id}/edit/`, { ...renamed, is_admin: 'on' }), writing)
    // Every field, both identifiers, a password and the role at once: more than an ordinary update, as in v1.
    expectCost(await post(`/${id}/edit/`, form('costliest')), { trips: 2, read: 55, written: 27 })
    for (const action of ['deactivate', 'activate']) expectCost(await post(`/${id}/${action}/`), writing)
  })

  it('gets one user in one trip', async () => {
    const { id } = (await post('/new/', form('costless'))).body.data
    expectCost(await call(`${users}/${id}/get_user_info/`, { token: admin }), { trips: 1, read: 5, written: 0 })
  })

  it('signs in in two trips, signs out in one, and verifies the cookie at the cost of a token', async () => {
    const { id } = (await post('/new/', form('costcookie'))).body.data
    const sent = { username: 'costcookie', password: 'a fine passphrase' }
    const login = await call(`${users}/login/`, { form: sent })
    expectCost(login, { trips: 2, read: 10, written: 7 })
    const cookie = String(login.headers.get('set-cookie')).split(';')[0] as string
    const read = await call(`${users}/${id}/get_user_info/`, { headers: { cookie } })
    expectCost(read, { trips: 1, read: 5, written: 0 })
    const elsewhere = { cookie, 'sec-fetch-site': 'cross-site' }
    const refused = await call(`${users}/logout/`, { headers: elsewhere })
    expect([refused.status, refused.cost.trips]).toEqual([403, 0])
    expectCost(await call(`${users}/logout/`, { headers: { cookie } }), { trips: 1, read: 20, written: 8 })
  })

  it('reports the cost of the first page of a search: one row per hit, and three per user of the page', async () => {
    const most = { trips: 1, written: 0 }
    for (const query of ['number777', 'someone number12', 'nobody at all']) {
      const found = await call(`${users}/search/?query_string=${encodeURIComponent(query)}`, { token: admin })
      expectCost(found, { ...most, read: 4 * found.body.total_count + 30 })
    }
    const short = await call(`${users}/search/?query_string=77`, { token: admin })
    expectCost(short, { ...most, read: 4 * short.body.total_count + 700 })
    for (const query of shortQueries) {
      const found = await call(`${users}/search/?query_string=${encodeURIComponent(query)}`, { token: admin })
      const page = Math.min(found.body.total_count, 5000)
      expectCost(found, { ...most, read: found.body.total_count + 3 * page + (await mostOfShortWords(query)) })
    }
    for (const [long, words] of besideLonger) {
      const hits = (await call(`/v1/users?limit=1&search=${long}`, { token: admin })).body.pagination.total
      const query = encodeURIComponent(`${long} ${words}`)
      const found = await call(`${users}/search/?query_string=${query}`, { token: admin })
      const page = Math.min(found.body.total_count, 5000)
      expectCost(found, { ...most, read: hits + 3 * page + 200 })
    }
    for (const query of ['', 'example.org']) {
      const everyone = await call(`${users}/search/?query_string=${query}`, { token: admin })
      expect(everyone.body.total_count).toBeGreaterThan(10_000)
      expectCost(everyone, { ...most, read: everyone.body.total_count + 3 * 5000 + 30 })
    }
  }, 60_000)
})

describe('rbac', () => {
  const users = '/rbac/api/v1/users'
  const body = (email: string) => ({ email, password: 'a fine passphrase', first_name: 'Costly', last_name: 'Number3' })

  it('gets one user in one trip and five rows, or seven rows and two more for each role past the first', async () => {
    const user = await signedInPerson(admin)
    expectCost(await call(`${users}/${user.uuid}`, { token: admin }), { trips: 1, read: 5, written: 0 })
    expectCost(await call(`${users}/${user.uuid}`, { token: user.access_token }), { trips: 1, read: 5, written: 0 })
    await call(`/v1/users/${user.id}/roles`, { method: 'PUT', token: admin, json: { roles: ['user', 'admin'] } })
    expectCost(await call(`${users}/${user.uuid}`, { token: admin }), { trips: 1, read: 7 + 2, written: 0 })
  })

  it('lists any page in one trip: the first in one row per user and 20, the others in one row per user and 700', async () => {
    for (const limit of [10, 100]) {
      expectCost(await call(`${users}?limit=${limit}`, { token: admin }), {
        trips: 1,
        read: limit + 20,
        written: 0,
      })
      const { pages } = (await call(`${users}?limit=${limit}`, { token: admin })).body.pagination
      expect(pages).toBeGreaterThan(99)
      for (const page of [2, 3, 17, Math.floor(pages / 2), pages - 1, pages, pages + 1, 10 ** 9]) {
        const answer = await call(`${users}?limit=${limit}&page=${page}`, { token: admin })
        expectCost(answer, { trips: 1, read: limit + 700, written: 0 })
      }
    }
  })

  it('pages through all users by page number in at most seven rows per user', async () => {
    let read = 0
    let seen = 0
    for (let page = 1, pages = 1; page <= pages; page += 1) {
      const { body, cost } = await call(`${users}?limit=100&page=${page}`, { token: admin })
      pages = body.pagination.pages
      read += cost.read
      seen += body.data.length
    }
    expect(seen).toBeGreaterThan(10_000)
    expect(read).toBeLessThanOrEqual(7 * seen)
  })

  it.each([
    ['number777', 30],
    ['someone number12', 30],
    ['77', 700],
    ['9', 700],
    ['zq', 700],
  ])('searches for %s in one row per hit, two per user of the page and %i, on any page', async (search, more) => {
    const path = `${users}?limit=50&search=${encodeURIComponent(search)}`
    const { total, pages } = (await call(path, { token: admin })).body.pagination
    for (const page of [1, 2, Math.max(1, pages), pages + 1]) {
      const answer = await call(`${path}&page=${page}`, { token: admin })
      expectCost(answer, { trips: 1, read: total + 2 * 50 + more, written: 0 })
    }
  })

  it('searches for short words at the same cost, on any page', async () => {
    const at = async (search: string, most: (total: number) => number) => {
      const path = `${users}?limit=50&search=${encodeURIComponent(search)}`
      const { total, pages } = (await call(path, { token: admin })).body.pagination
      for (const page of [1, 2, Math.max(1, pages), pages + 1]) {
        const answer = await call(`${path}&page=${page}`, { token: admin })
        expect(answer.body.pagination.total).toBe(total)
        expectCost(answer, { trips: 1, read: most(total) + 3 * 50, written: 0 })
      }
    }
    for (const search of shortQueries) {
      const most = await mostOfShortWords(search)
      await at(search, (total) => total + most)
    }
    for (const [long, short] of besideLonger) {
      const hits = (await call(`${users}?limit=1&search=${long}`, { token: admin })).body.pagination.total
      await at(`${long} ${short}`, () => hits + 200)
    }
  })

  it('creates, updates and deactivates in two trips, and deletes in one', async () => {
    const created = await call(users, { token: admin, json: body('costly.rbac@example.org') })
    expect(created.status).toBe(201)
    expectCost(created, { trips: 2, read: 40, written: 22 })
    const path = `${users}/${created.body.id}`
    const most = { trips: 2, read: 40, written: 15 }
    for (const json of [
      { first_name: 'Costlier', last_name: 'Number4', email: 'costlier.rbac@example.org' },
      { password: 'another fine passphrase' },
      { role_ids: ['019a0000-0000-7000-8000-000000000001'] },
      { role_ids: [] },
      { is_active: false },
      { is_active: true },
    ]) {
      const changed = await call(path, { method: 'PUT', token: admin, json })
      expect(changed.status).toBe(200)
      expectCost(changed, most)
    }
    const deleted = await call(path, { method: 'DELETE', token: admin })
    expect(deleted.status).toBe(200)
    expectCost(deleted, deleting)
  })

  it('signs in in two trips, refreshes and signs out in one', async () => {
    const user = await signedInPerson(admin)
    const json = { email: user.input.email, password: user.input.password }
    const signedIn = await call('/rbac/api/v1/auth/login', { json })
    expectCost(signedIn, { trips: 2, read: 10, written: 7 })
    const { refresh_token, access_token } = signedIn.body
    const most = { trips: 1, read: 12, written: 7 }
    expectCost(await call('/rbac/api/v1/auth/refresh', { json: { refresh_token } }), most)
    expectCost(await call('/rbac/api/v1/auth/logout', { method: 'POST', token: access_token }), most)
  })
})

describe('backoffice', () => {
  const users = '/backoffice/api/v1/users'
  beforeAll(() => rows('UPDATE users SET active = 0 WHERE number % 17 = 0'))

  const office = (path: string, options: Call = {}) => call(`${users}${path}`, { token: admin, ...options })

  it('gets one user in one trip and five rows', async () => {
    expectCost(await office('/5000'), { trips: 1, read: 5, written: 0 })
    expectCost(await office('/999999999'), { trips: 1, read: 5, written: 0 })
  })

  it.each(['', '&status=active', '&status=inactive', '&role_id=1', '&role_id=2'])(
    'lists the first page, any page and one past the end of ?%s in one trip, with the exact total',
    async (filter) => {
      const { meta } = (await office(`?per_page=100${filter}`)).body
      const [past, size] = [Math.ceil(meta.total / 100) + 1, 100]
      const each = filter.includes('role') ? 2 : 1
      expectCost(await office(`?per_page=100${filter}`), { trips: 1, read: each * size + 20, written: 0 })
      for (const page of [2, 5, 50, past, 2 ** 53 - 1]) {
        const answer = await office(`?per_page=100&page=${page}${filter}`)
        expect(answer.body.meta).toEqual({ current_page: page, per_page: 100, total: meta.total })
        expectCost(answer, { trips: 1, read: each * size + 700, written: 0 })
      }
    },
  )

  it.each([
    ['number777', 30],
    ['someone number12', 30],
    ['example.org', 30],
    ['9', 700],
    ['zq', 700],
  ])('searches for %s in one row per hit, two per user of the page and %i, on any page', async (search, more) => {
    for (const page of [1, 2, 99]) {
      const answer = await office(`?per_page=50&page=${page}&search=${encodeURIComponent(search)}`)
      const { total } = answer.body.meta
      // A page past the end reads the hits a second time.
      const hits = answer.body.data.length > 0 || total === 0 ? total : 2 * total
      expectCost(answer, { trips: 1, read: hits + 2 * 50 + more, written: 0 })
    }
  })

  it.each(['status=active', 'role_id=2'])(
    'searches with %s in four rows per hit, two per user and 30',
    async (filter) => {
      const answer = await office(`?per_page=50&search=number12&${filter}`)
      const hits = answer.body.meta.total
      expect(hits).toBeGreaterThan(100)
      expectCost(answer, { trips: 1, read: 4 * hits + 2 * 50 + 30, written: 0 })
    },
  )

  it('creates, updates, deactivates and signs in in two trips, and deletes in one', async () => {
    const password = 'a fine passphrase'
    const user = {
      username: 'office',
      email: 'office@example.org',
      password,
      password_confirmation: password,
      first_name: 'Of',
      last_name: 'Fice',
      gender: 'male',
      birthday: '1970-01-01',
      country_id: 1,
    }
    const created = await office('', { json: user })
    expect(created.status).toBe(201)
    expectCost(created, { trips: 2, read: 40, written: 22 })
    const path = `/${created.body.data.user_id}`
    const most = { trips: 2, read: 40, written: 15 }
    const update = (json: object) => office(path, { method: 'PUT', json })
    const shown = created.body.data
    expectCost(await update({ ...shown, username: 'office2', email: 'office2@example.org', gender: 'female' }), most)
    expectCost(await update({ password: `${password} 2`, password_confirmation: `${password} 2` }), most)
    for (const user_status of ['inactive', 'active']) expectCost(await update({ user_status }), most)
    expectCost(await update({ role_id: 1 }), most)
    expectCost(await update({ role_id: 2 }), most)
    expectCost(await update((await office(path)).body.data), { trips: 1, read: 40, written: 0 })
    expectCost(await office(path, { method: 'DELETE' }), deleting)
    const { input } = await signedInPerson(admin)
    const signedIn = await call('/backoffice/api/login', { json: { username: input.email, password: input.password } })
    expectCost(signedIn, { trips: 2, read: 10, written: 7 })
  })
})

describe('storage', () => {
  it('takes at most 1,300 bytes per user, one audit event included', async () => {
    const before = await databaseBytes()
    await populate(10_000)
    expect((await databaseBytes()) - before).toBeLessThanOrEqual(1300 * 10_000)
  }, 120_000)
})

async function databaseBytes(): Promise<number> {
  const { meta } = await testEnv.DB.prepare('SELECT 1').run()
  return meta.size_after
}

/** Pages by number, in the contracts that have them, compared with a plain LIMIT and OFFSET over the tables. */
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { populate } from './support/population'
import { adminToken, call, newDatabase, person, roleIds, rows, testEnv } from './support/usher'

// Thousands of pages on a machine that may be busy. Nothing here measures time.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

type Contract = 'rbac' | 'backoffice'

/** A filter as a query and as SQL. */
interface Filter {
  query: string
  where: string
}

const contracts = {
  rbac: {
    path: (page: number, size: number, query: string) => `/rbac/api/v1/users?page=${page}&limit=${size}${query}`,
    identifier: 'id',
    searched: ['email', 'given_name', 'family_name'],
  },
  backoffice: {
    path: (page: number, size: number, query: string) =>
      `/backoffice/api/v1/users?page=${page}&per_page=${size}${query}`,
    identifier: 'number',
    searched: ['email', 'username', 'given_name', 'family_name'],
  },
}

const everyone: Filter = { query: '', where: '1' }

function searching(contract: Contract, ...words: string[]): Filter {
  const text = contracts[contract].searched.map((field) => `lower(coalesce(${field}, ''))`).join(' || char(10) || ')
  return {
    query: `&search=${encodeURIComponent(words.join(' '))}`,
    where: words.map((word) => `instr(${text}, '${word}')`).join(' AND '),
  }
}

const holding = (role: number): Filter => ({
  query: `&role_id=${role}`,
  where: `number IN (SELECT user_number FROM user_roles WHERE role_number = ${role})`,
})
const active: Filter = { query: '&status=active', where: 'active = 1' }
const inactive: Filter = { query: '&status=inactive', where: 'active = 0' }
const gendered = (gender: 'male' | 'female'): Filter => ({ query: `&gender=${gender}`, where: `gender = '${gender}'` })

const both = (...filters: Filter[]): Filter => ({
  query: filters.map(({ query }) => query).join(''),
  where: filters.map(({ where }) => `(${where})`).join(' AND '),
})

/** Filters whose totals come from counters. */
const counted: [Contract, Filter][] = [
  ['rbac', everyone],
  ['backoffice', everyone],
  ['backoffice', active],
  ['backoffice', inactive],
  ['backoffice', holding(1)],
  ['backoffice', holding(2)],
  ['backoffice', holding(3)],
]

/** Filters that read all matching users. */
const matched: [Contract, Filter][] = [
  ['rbac', searching('rbac', 'someone')],
  ['rbac', searching('rbac', 'number1')],
  ['rbac', searching('rbac', '4')],
  ['rbac', searching('rbac', '6', 'number5')],
  ['rbac', searching('rbac', 'nobody')],
  ['backoffice', searching('backoffice', 'user5')],
  ['backoffice', searching('backoffice', 'r1')],
  ['backoffice', gendered('male')],
  ['backoffice', gendered('female')],
  ['backoffice', both(active, holding(3))],
  ['backoffice', both(inactive, holding(2))],
  ['backoffice', both(inactive, gendered('female'))],
  ['backoffice', both(gendered('male'), holding(3))],
  ['backoffice', both(searching('backoffice', '5'), active)],
  ['backoffice', both(searching('backoffice', 'someone'), holding(3))],
  ['backoffice', both(searching('backoffice', '1'), inactive, gendered('male'), holding(2))],
]

/** A page as returned, and as the tables have it in the same transaction. */
async function pageAndTruth(token: string, contract: Contract, { query, where }: Filter, page: number, size: number) {
  const { path, identifier } = contracts[contract]
  let truth = { users: [] as unknown[], total: -1 }
  const DB = {
    prepare: (sql: string) => testEnv.DB.prepare(sql),
    batch: async (statements: D1PreparedStatement[]) => {
      const plain = `SELECT ${identifier} AS user FROM users WHERE ${where} ORDER BY number LIMIT ? OFFSET ?`
      const results = await testEnv.DB.batch<Record<string, unknown>>([
        ...statements,
        testEnv.DB.prepare(plain).bind(size, (page - 1) * size),
        testEnv.DB.prepare(`SELECT count(*) AS total FROM users WHERE ${where}`),
      ])
      const [users, total] = results.slice(-2)
      truth = { users: users!.results.map(({ user }) => user), total: Number(total!.results[0]!['total']) }
      return results.slice(0, -2)
    },
  }
  const { status, body, text } = await call(path(page, size, query), { token, env: { DB } })
  expect(status, text).toBe(200)
  if (contract === 'rbac') {
    const { total } = truth
    expect(body.pagination).toEqual({ page, limit: size, total, pages: Math.ceil(total / size) })
    return { answered: { users: body.data.map(({ id }: { id: string }) => id), total: body.pagination.total }, truth }
  }
  expect(body.meta).toEqual({ current_page: page, per_page: size, total: truth.total })
  const users = body.data.map(({ user_id }: { user_id: number }) => user_id)
  return { answered: { users, total: body.meta.total }, truth }
}

async function expectPage(token: string, contract: Contract, filter: Filter, page: number, size: number) {
  const { answered, truth } = await pageAndTruth(token, contract, filter, page, size)
  expect([contract, filter.query, page, size, answered]).toEqual([contract, filter.query, page, size, truth])
  return truth
}

/** Compares every page, and some past the end. */
async function expectEveryPage(token: string, contract: Contract, filter: Filter, size: number): Promise<number> {
  let seen = 0
  for (let page = 1; ; page += 1) {
    const { users, total } = await expectPage(token, contract, filter, page, size)
    seen += users.length
    if (users.length > 0) continue
    expect([contract, filter.query, seen]).toEqual([contract, filter.query, total])
    for (const past of [page + 1, page + 1000, 90_000_000_000]) await expectPage(token, contract, filter, past, size)
    return seen
  }
}

const count = async (where: string) =>
  (await rows<{ count: number }>(`SELECT count(*) AS count FROM users WHERE ${where}`))[0]!.count

/** Creates a directory with only its admin and a third role. */
async function begin(): Promise<string> {
  await newDatabase()
  const admin = await adminToken()
  const { body } = await call('/v1/roles', { token: admin, json: { name: 'guide', permissions: [] } })
  expect((await rows('SELECT number FROM roles WHERE id = ?', body.id))[0]).toEqual({ number: 3 })
  return admin
}

/** Varies status, gender and roles without a pattern: a role as the only one, as the second and as the first of two. */
async function diversify(): Promise<void> {
  const others = 'number > 1 AND'
  await rows(`UPDATE users SET active = 0 WHERE ${others} number % 7 IN (2, 3)`)
  await rows(`UPDATE users SET gender = CASE number % 3 WHEN 0 THEN 'male' WHEN 1 THEN 'female' END WHERE ${others} 1`)
  await rows(`INSERT INTO user_roles SELECT number, 3, 1 FROM users WHERE ${others} number % 5 = 1`)
  await rows(
    `UPDATE user_roles SET position = 1 - position WHERE user_number % 10 = 1 AND user_number % 5 = 1 AND user_number > 1`,
  )
  await rows(
    `UPDATE users SET role_count = 2, primary_role = CASE number % 10 WHEN 1 THEN 3 ELSE 2 END WHERE ${others} number % 5 = 1`,
  )
  await rows(`DELETE FROM user_roles WHERE user_number > 1 AND user_number % 13 = 5`)
  await rows(`INSERT INTO user_roles SELECT number, 3, 0 FROM users WHERE ${others} number % 13 = 5`)
  await rows(`UPDATE users SET role_count = 1, primary_role = 3 WHERE ${others} number % 13 = 5`)
}

describe('page numbers with few users, on both sides of a counter boundary,', () => {
  let admin: string
  beforeAll(async () => {
    admin = await begin()
    await populate(19)
    for (const [first, last] of [
      ...[
        [505, 519],
        [1019, 1028],
        [1536, 1536],
        [16_377, 16_391],
        [16_890, 16_902],
        [32_765, 32_772],
      ],
      ...[
        [49_151, 49_153],
        [180_220, 180_229],
        [180_736, 180_740],
      ],
    ] as [number, number][]) {
      await populate(last - first + 1, first - 1)
    }
    await diversify()
  })

  it('give the right users with each filter', async () => {
    for (const [contract, filter] of [...counted, ...matched]) await expectEveryPage(admin, contract, filter, 7)
  })

  it('give the right users with a page size of one, which tests every position', async () => {
    for (const filter of [active, inactive, holding(3)]) await expectEveryPage(admin, 'backoffice', filter, 1)
    expect(await expectEveryPage(admin, 'rbac', everyone, 1)).toBe(await count('1'))
  })

  it('give the right users after deletions, changes and creations through the contracts', async () => {
    const all = await rows<{ id: string; number: number }>(
      'SELECT id, number FROM users WHERE number > 1 ORDER BY number',
    )
    const numbered = (number: number) => all.find((one) => one.number === number)!
    const rbac = (method: string, { id }: { id: string }, json?: object) =>
      call(`/rbac/api/v1/users/${id}`, { method, token: admin, ...(json && { json }) })
    const backoffice = (method: string, { number }: { number: number }, json?: object) =>
      call(`/backoffice/api/v1/users/${number}`, { method, token: admin, ...(json && { json }) })
    const done = [
      // Whole parts and a whole span are empty. Others lack their first or last user.
      ...[505, 506, 511, 512, 513, 1023, 1024, 1536, 16_383].map((number) => rbac('DELETE', numbered(number))),
      ...[16_384, 16_385, 49_151, 49_152, 49_153, 180_224, 180_740].map((number) =>
        backoffice('DELETE', numbered(number)),
      ),
      ...[5, 515, 1021, 16_386, 180_221].map((number) => rbac('PUT', numbered(number), { is_active: false })),
      ...[3, 16_379, 180_222, 180_738].map((number) => rbac('PUT', numbered(number), { is_active: true })),
      ...[6, 510, 16_391, 32_768].map((number) => backoffice('PUT', numbered(number), { role_id: 3 })),
      ...[7, 514, 16_890].map((number) => rbac('PUT', numbered(number), { role_ids: [roleIds.admin, roleIds.user] })),
      ...[8, 1025, 180_736].map((number) =>
        backoffice('PUT', numbered(number), { user_status: 'inactive', gender: 'male' }),
      ),
      ...[9, 1026, 180_737].map((number) =>
        rbac('PUT', numbered(number), { first_name: 'Somebody', last_name: 'Else5' }),
      ),
    ]
    for (const { status, text } of await Promise.all(done)) expect(status, text).toBe(200)
    await rows("UPDATE sqlite_sequence SET seq = 180735 + 512 WHERE name = 'users'")
    for (let made = 0; made < 4; made += 1) {
      expect((await call('/v1/users', { token: admin, json: person({ gender: 'female' }) })).status).toBe(201)
    }
    for (const [contract, filter] of [...counted, ...matched]) await expectEveryPage(admin, contract, filter, 6)
  })
})

describe('page numbers with thousands of users and gaps', () => {
  const borders = [512, 1024, 1536, 16_384 - 512, 16_384, 16_384 + 512, 32_768, 33_280, 10 ** 9]
  let admin: string
  beforeAll(async () => {
    admin = await begin()
    await populate(1700)
    await populate(1800, 15_750)
    await populate(1200, 32_300)
    await diversify()
    await rows('DELETE FROM users WHERE number > 1 AND number % 11 = 4')
    await rows('DELETE FROM users WHERE number BETWEEN 1000 AND 1100 OR number BETWEEN 16380 AND 16390')
    // A whole part, and all of a span except its last user.
    await rows('DELETE FROM users WHERE number BETWEEN 16896 AND 17407 OR number BETWEEN 32300 AND 32766')
  })

  it('give the right users on both sides of every boundary', async () => {
    for (const [contract, filter] of counted) {
      for (const border of borders) {
        const before = await count(`(${filter.where}) AND number < ${border}`)
        for (const size of [10, 100]) {
          const page = Math.max(1, Math.ceil(before / size))
          for (const near of [page, page + 1]) await expectPage(admin, contract, filter, near, size)
        }
      }
    }
  })

  it('give the right users with filters that read all matches', async () => {
    for (const [contract, filter] of matched) {
      const last = Math.ceil((await count(filter.where)) / 100)
      for (const page of [1, Math.ceil(last / 2), last, last + 1].filter((one) => one > 0)) {
        await expectPage(admin, contract, filter, page, 100)
      }
    }
  })

  it('give the right users from the first page to the last', async () => {
    expect(await expectEveryPage(admin, 'rbac', everyone, 100)).toBe(await count('1'))
    for (const filter of [active, holding(2)]) await expectEveryPage(admin, 'backoffice', filter, 100)
  })
})

describe('page numbers while users are created and deleted', () => {
  it('give the users and the total of the same point in time', async () => {
    const admin = await begin()
    await populate(60)
    await populate(40, 16_300)
    await diversify()
    // The next users are created on both sides of a boundary.
    await rows("UPDATE sqlite_sequence SET seq = 16376 WHERE name = 'users'")
    const leaving = await rows<{ id: string; number: number }>('SELECT id, number FROM users WHERE number > 1')
    let writing = 4
    const creators = [0, 1].map(async (creator) => {
      for (let made = 0; made < 20; made += 1) {
        const email = `comer.${creator}.${made}@example.org`
        const names = { first_name: 'Someone', last_name: `Number5${made}` }
        const role_ids = made % 3 === 0 ? [roleIds.user] : [roleIds.user, roleIds.admin].slice(made % 2)
        const json = { email, password: 'a passing passphrase', ...names, role_ids }
        const { status, text, body } = await call('/rbac/api/v1/users', { token: admin, json })
        expect(status, text).toBe(201)
        if (made % 4 !== 0) continue
        expect((await call(`/rbac/api/v1/users/${body.id}`, { method: 'DELETE', token: admin })).status).toBe(200)
      }
      writing -= 1
    })
    const removers = [0, 1].map(async (remover) => {
      for (const [index, { id, number }] of leaving.entries()) {
        if (index % 2 !== remover) continue
        const path = index % 4 < 2 ? `/rbac/api/v1/users/${id}` : `/backoffice/api/v1/users/${number}`
        const json =
          index % 4 < 2 ? { is_active: index % 8 < 4 } : { user_status: index % 8 < 4 ? 'active' : 'inactive' }
        const change = index % 3 === 0 ? { method: 'PUT', json } : { method: 'DELETE' }
        const { status, text } = await call(path, { token: admin, ...change })
        expect(status, text).toBe(200)
      }
      writing -= 1
    })
    const totals = new Set<number>()
    let turned = 0
    const readers = [0, 1, 2].map(async () => {
      while (writing > 0) {
        const [contract, filter] = [...counted, ...matched][turned % (counted.length + matched.length)]!
        turned += 1
        const { total } = await expectPage(admin, contract, filter, 1 + ((turned * 7) % 12), 1 + ((turned * 5) % 9))
        if (filter === everyone) totals.add(total)
      }
    })
    await Promise.all([...creators, ...removers, ...readers])
    // Confirms that pages were read while the total changed.
    expect(totals.size).toBeGreaterThan(3)
    for (const [contract, filter] of [...counted, ...matched]) await expectEveryPage(admin, contract, filter, 9)
  })
})

/** v1: lists of users, their pages, filters and orders. */
import { beforeEach, describe, expect, it } from 'vitest'
import { adminToken, call, firstAdmin, freshDirectory, person, signedInPerson } from '../../support/usher'
import { namesEveryTest } from '../../support/statements'
import { expectInvalid, expectProblem, keyWith, lacking, statements, roleWith } from '../../support/v1'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const list = (query = '') => call(`/v1/users${query && `?${query}`}`, { token: admin })
const localPart = ({ email }: { email: string }) => email.split('@')[0] as string

async function create(fields: Record<string, unknown> = {}) {
  const { status, body, text } = await call('/v1/users', { token: admin, json: person(fields) })
  expect(status, text).toBe(201)
  return body as { id: string; email: string }
}

/** The local parts of the emails that a query finds, on one page. */
async function found(query: string): Promise<string[]> {
  const { status, body } = await list(`limit=100&${query}`)
  expect([query, status, body.pagination]).toEqual([query, 200, { next_cursor: null, total: body.data.length }])
  return body.data.map(localPart)
}

/** The same, with pages of `limit`. */
async function paged(query: string, limit: number, total: number): Promise<string[]> {
  const seen: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const { body } = await list(`limit=${limit}&${query}${cursor && `&cursor=${cursor}`}`)
    expect([query, body.pagination.total]).toEqual([query, total])
    expect(body.data.length).toBeLessThanOrEqual(limit)
    seen.push(...body.data.map(localPart))
    cursor = body.pagination.next_cursor
  }
  return seen
}

describe('GET /users', () => {
  it('requires users:read', async () => {
    const plain = await signedInPerson(admin)
    expectProblem(await call('/v1/users', { token: plain.access_token }), 403, lacking('users:read'))
    const { key } = await keyWith(admin, ['users:read'])
    expect((await call('/v1/users', { token: key })).status).toBe(200)
  })

  it('returns each user completely, as a single read does', async () => {
    const { id } = await create({ username: 'whole', matricule: 12, first_name: 'W', last_name: 'Hole' })
    const { body } = await list()
    expect(Object.keys(body)).toEqual(['data', 'pagination'])
    expect(body.data[1]).toEqual((await call(`/v1/users/${id}`, { token: admin })).body)
  })

  it('pages by cursor in order of creation, with the exact total on every page', async () => {
    const emails = [localPart(firstAdmin)]
    for (let index = 0; index < 6; index += 1) emails.push(localPart(await create()))
    for (const limit of [1, 3, 7, 8]) expect(await paged('', limit, 7)).toEqual(emails)
  })

  it('returns 20 users at a time by default', async () => {
    for (let index = 0; index < 20; index += 1) await create()
    const { body } = await list()
    expect([body.data.length, body.pagination.total]).toEqual([20, 21])
    const next = await list(`cursor=${body.pagination.next_cursor}`)
    expect([next.body.data.length, next.body.pagination]).toEqual([1, { next_cursor: null, total: 21 }])
  })

  it('returns 400 for a limit that is not a whole number from 1 to 100', async () => {
    for (const [limit, message] of [
      ['0', 'must be at least 1'],
      ['-1', 'must be at least 1'],
      ['101', 'must be at most 100'],
      ...['x', '1.5', '1e1', '0x10', '', '%20', '%2B5', '9'.repeat(16)].map((odd) => [
        odd,
        'does not read as an integer',
      ]),
    ] as [string, string][]) {
      expectInvalid(await list(`limit=${limit}`), ['limit', message])
    }
  })

  it('returns 400 for a cursor that it did not issue', async () => {
    await create()
    const { body } = await list('limit=1')
    const cursor: string = body.pagination.next_cursor
    for (const odd of ['x', 'e30', 'W10', '%22', cursor.slice(0, -4), `${cursor}A`, cursor.toLowerCase()]) {
      expectInvalid(await list(`limit=1&cursor=${odd}`), ['cursor', 'is not valid'])
    }
  })

  it('accepts a cursor only with the sort, status, role and search it was issued for, and with any limit', async () => {
    for (let index = 0; index < 3; index += 1) await create()
    const own = ['sort=email', 'status=active', 'role=user', 'search=person']
    const { body } = await list(`limit=1&${own.join('&')}`)
    const cursor: string = body.pagination.next_cursor
    expect((await list(`limit=5&${own.join('&')}&cursor=${cursor}`)).body.data).toHaveLength(2)
    const others = ['sort=-email', 'status=inactive', 'role=admin', 'search=persons']
    for (const [index, other] of others.entries()) {
      for (const changed of [own.with(index, other), own.toSpliced(index, 1)]) {
        expectInvalid(await list(`limit=1&${changed.join('&')}&cursor=${cursor}`), ['cursor', 'is not valid'])
      }
    }
  })

  it('neither repeats nor skips a remaining user while others are created and deleted between the pages', async () => {
    for (const sort of ['-created_at', 'name']) {
      const people = []
      for (let index = 1; index <= 6; index += 1) people.push((await create({ name: `Stayer ${index}` })).id)
      if (sort === '-created_at') people.reverse()
      const first = await list(`limit=3&sort=${sort}&search=stayer`)
      const newcomer = await create({ name: 'Stayer 0' })
      await call(`/v1/users/${people[1]}`, { method: 'DELETE', token: admin })
      const rest = await list(`limit=100&sort=${sort}&search=stayer&cursor=${first.body.pagination.next_cursor}`)
      expect([...first.body.data, ...rest.body.data].map(({ id }) => id)).toEqual(people)
      for (const id of [newcomer.id, ...people]) await call(`/v1/users/${id}`, { method: 'DELETE', token: admin })
    }
  })

  it('filters by status and by role, alone, together and with a search', async () => {
    await create({ email: 'bo@example.org' })
    const away = await create({ email: 'away@example.org' })
    await call(`/v1/users/${away.id}/deactivate`, { method: 'POST', token: admin })
    expect(await found('status=inactive')).toEqual(['away'])
    expect(await found('status=active')).toEqual(['first.admin', 'bo'])
    expect(await found('role=admin')).toEqual(['first.admin'])
    expect(await found('role=ADMIN&status=active')).toEqual(['first.admin'])
    expect(await found('role=user&status=inactive')).toEqual(['away'])
    expect(await found('role=admin&status=inactive')).toEqual([])
    expect(await found('search=example.org')).toEqual(['bo', 'away'])
    expect(await found('search=example.org&status=inactive')).toEqual(['away'])
    expect(await found('search=example.org&role=admin')).toEqual([])
    expect(await found('search=usher&role=admin&status=active&sort=name')).toEqual(['first.admin'])
  })

  it('filters by every role that a user holds, not only the primary one', async () => {
    const { name } = await roleWith(admin, [], 'reception')
    const { id } = await create({ email: 'both@example.org' })
    const roles = { roles: ['user', name] }
    await call(`/v1/users/${id}/roles`, { method: 'PUT', token: admin, json: roles })
    expect(await found('role=reception')).toEqual(['both'])
    expect(await found('role=user')).toEqual(['both'])
    expect(await found('role=nobody-made-this')).toEqual([])
  })

  it('sorts by creation, email and name, both ways, and pages through each without gap or repeat', async () => {
    for (const [email, name] of [
      ['zoe', 'Zoë Ångström'],
      ['Bo', 'bo li'],
      ['percy', 'Percy Vale'],
      ['ilker', 'İlker Aydın'],
      ['alba', 'Álba Ruiz'],
      ['albert', 'Álba Ruiz'],
    ]) {
      await create({ email: `${email}@example.org`, name })
    }
    const created = ['first.admin', 'zoe', 'Bo', 'percy', 'ilker', 'alba', 'albert']
    const orders: Record<string, string[]> = {
      created_at: created,
      email: created.toSorted((one, other) => (one.toLowerCase() < other.toLowerCase() ? -1 : 1)),
      // Case is folded and accents are not, so accented letters sort last.
      name: ['Bo', 'first.admin', 'ilker', 'percy', 'zoe', 'alba', 'albert'],
    }
    expect(await found('')).toEqual(created)
    for (const [sort, ascending] of Object.entries(orders)) {
      for (const [parameter, order] of [
        [sort, ascending],
        [`-${sort}`, ascending.toReversed()],
      ] as const) {
        for (const filter of ['', '&status=active', '&search=example', '&role=user', '&search=a&role=user']) {
          const query = `sort=${parameter}${filter}`
          const whole = await found(query)
          const inFilter = filter.includes('role') ? order.filter((one) => one !== 'first.admin') : order
          if (!filter.includes('search=a')) expect([query, whole]).toEqual([query, inFilter])
          else expect([query, whole]).toEqual([query, order.filter((one) => whole.includes(one))])
          expect([query, await paged(query, 2, whole.length)]).toEqual([query, whole])
        }
      }
    }
  })

  it('returns 400 for an unknown sort or status', async () => {
    const sorts = 'created_at, -created_at, email, -email, name, -name'
    for (const sort of ['age', '%20', '+name', 'NAME']) {
      expectInvalid(await list(`sort=${sort}`), ['sort', `must be one of ${sorts}`])
    }
    for (const status of ['gone', '%20', 'Active']) {
      expectInvalid(await list(`status=${status}`), ['status', 'must be one of active, inactive'])
    }
  })

  it('ignores unknown parameters', async () => {
    expect(await found('page=3&per_page=1')).toEqual(['first.admin'])
  })

  it('counts exactly after creations, changes and deletions', async () => {
    const totals = async () => {
      const queries = ['', 'status=active', 'status=inactive', 'role=user', 'role=admin', 'search=person']
      return Promise.all(queries.map(async (query) => (await list(`limit=1&${query}`)).body.pagination.total))
    }
    const one = await create()
    const act = (path: string, method = 'POST', json?: object) =>
      call(`/v1/users/${one.id}${path}`, { token: admin, method, json })
    expect(await totals()).toEqual([2, 2, 0, 1, 1, 1])
    await act('/deactivate')
    expect(await totals()).toEqual([2, 1, 1, 1, 1, 1])
    await act('/roles', 'PUT', { roles: ['admin', 'user'] })
    expect(await totals()).toEqual([2, 1, 1, 1, 2, 1])
    await act('', 'PATCH', { role: 'user', email: 'other@example.org', name: 'Another' })
    expect(await totals()).toEqual([2, 1, 1, 1, 1, 0])
    await act('/activate')
    await act('', 'DELETE')
    expect(await totals()).toEqual([1, 1, 0, 0, 1, 0])
  })
})

namesEveryTest(statements)

/** v1: lists of users, their pages, filters, orders and search. */
import { beforeEach, describe, expect, it } from 'vitest'
import { adminToken, call, firstAdmin, freshDirectory, person } from '../../support/usher'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const create = (json: unknown, options = {}) => call('/v1/users', { token: admin, method: 'POST', json, ...options })
const fieldsOf = (body: { errors: { field: string; message: string }[] }) => body.errors.map(({ field }) => field)

describe('GET /users', () => {
  it('pages by cursor in order of creation, with the exact total on every page', async () => {
    const emails = [firstAdmin.email]
    for (let index = 0; index < 6; index += 1) emails.push((await create(person())).body.email)
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const path: string = `/v1/users?limit=3${cursor === null ? '' : `&cursor=${cursor}`}`
      const { body } = await call(path, { token: admin })
      expect(body.pagination.total).toBe(7)
      seen.push(...body.data.map(({ email }: { email: string }) => email))
      cursor = body.pagination.next_cursor
    } while (cursor !== null)
    expect(seen).toEqual(emails)
  })

  it('gives 20 at a time unless told otherwise', async () => {
    for (let index = 0; index < 21; index += 1) await create(person())
    const { body } = await call('/v1/users', { token: admin })
    expect(body.data).toHaveLength(20)
    expect((await call('/v1/users?limit=100', { token: admin })).body.data).toHaveLength(22)
  })

  it.each(['0', '101', '-1', 'x', '1.5', '1e1', '0x10', '', '%20'])('answers 400 for limit=%s', async (limit) => {
    const { status, body } = await call(`/v1/users?limit=${limit}`, { token: admin })
    expect([status, fieldsOf(body)]).toEqual([400, ['limit']])
  })

  it.each(['x', 'e30', 'eyJhZnRlciI6LTF9', '%22'])('answers 400 for a cursor that is not ours: %s', async (cursor) => {
    const { status, body } = await call(`/v1/users?cursor=${cursor}`, { token: admin })
    expect([status, fieldsOf(body)]).toEqual([400, ['cursor']])
  })
})

describe('GET /users by search, filters and sort', () => {
  const emailsOf = async (query: string) => {
    const { status, body, text } = await call(`/v1/users?${query}`, { token: admin })
    expect([query, status, text.length > 0]).toEqual([query, 200, true])
    expect(body.pagination.total).toBe(body.data.length)
    return body.data.map(({ email }: { email: string }) => email.split('@')[0]) as string[]
  }

  beforeEach(async () => {
    const password = 'a fine passphrase'
    for (const input of [
      { email: 'zoe@example.org', name: 'Zoë Ångström', username: 'z_o_e' },
      { email: 'bo@example.org', name: 'Bo Li' },
      { email: 'percent@example.org', name: 'Per %Cent "Quoted" O\u2019Neil*', username: 'per-cent' },
      { email: 'istanbul@example.org', name: 'İlker Straße', first_name: 'Given', last_name: 'Elsewhere' },
      { email: 'alba@certified.example', name: 'alba Álvarez', certified_email: 'notary@hidden.example' },
    ]) {
      expect((await create({ ...input, password })).status).toBe(201)
    }
  })

  it.each([
    ['angstrom', ['zoe']],
    ['ÅNGSTRÖM', ['zoe']],
    ['zoe example', ['zoe']],
    ['gstr', ['zoe']],
    ['bo', ['bo']],
    ['%', ['percent']],
    ['%c', ['percent']],
    ['"quoted"', ['percent']],
    ['"', ['percent']],
    ['neil*', ['percent']],
    ['*', ['percent']],
    ['_o_', ['zoe']],
    ['-', ['percent']],
    ['strasse', ['istanbul']],
    ['elsewhere', ['istanbul']],
    ['ilker', ['istanbul']],
    ['alvarez', ['alba']],
    ['notary', []],
    ['nowhere', []],
    ['zoe nowhere', []],
    ['AND', []],
    ['name:zoe', []],
    ['(', []],
    ['\u0001', []],
  ])('finds %s where it is written, every character literal', async (search, expected) => {
    expect(await emailsOf(`search=${encodeURIComponent(search)}&limit=100`)).toEqual(expected)
  })

  it('finds one letter and the end of a word as well as its middle', async () => {
    expect(await emailsOf('search=li')).toEqual(['bo'])
    expect(await emailsOf('search=z')).toEqual(expect.arrayContaining(['zoe', 'alba']))
    expect(await emailsOf('search=%C3%AB')).toEqual(expect.arrayContaining(['zoe']))
    expect(await emailsOf('search=er')).toEqual(expect.arrayContaining(['percent', 'istanbul']))
  })

  it('follows a change and a deletion', async () => {
    const { body } = await call('/v1/users?search=zoe', { token: admin })
    const path = `/v1/users/${body.data[0].id}`
    await call(path, { method: 'PATCH', token: admin, json: { name: 'Renamed Person', email: 'new@example.org' } })
    expect(await emailsOf('search=angstrom')).toEqual([])
    expect(await emailsOf('search=renamed')).toEqual(['new'])
    await call(path, { method: 'DELETE', token: admin })
    expect(await emailsOf('search=renamed')).toEqual([])
  })

  it('filters by status and role, alone and together, with search too', async () => {
    const { body } = await call('/v1/users?search=bo', { token: admin })
    await call(`/v1/users/${body.data[0].id}/deactivate`, { method: 'POST', token: admin })
    expect(await emailsOf('status=inactive')).toEqual(['bo'])
    expect((await emailsOf('status=active')).length).toBe(5)
    expect(await emailsOf('role=admin')).toEqual(['first.admin'])
    expect(await emailsOf('role=ADMIN&status=active')).toEqual(['first.admin'])
    expect(await emailsOf('role=user&status=inactive')).toEqual(['bo'])
    expect(await emailsOf('role=nobody-made-this')).toEqual([])
    expect(await emailsOf('search=example.org&status=inactive')).toEqual(['bo'])
    expect(await emailsOf('search=example.org&role=admin')).toEqual([])
    expect(await emailsOf('search=usher&role=admin&status=active&sort=name')).toEqual(['first.admin'])
  })

  it('sorts by creation, email and name, both ways, and pages through each without gap or repeat', async () => {
    const created = ['first.admin', 'zoe', 'bo', 'percent', 'istanbul', 'alba']
    const orders: Record<string, string[]> = {
      created_at: created,
      email: [...created].sort(),
      name: ['alba', 'bo', 'first.admin', 'istanbul', 'percent', 'zoe'],
    }
    for (const [sort, expected] of Object.entries(orders)) {
      for (const [parameter, order] of [
        [sort, expected],
        [`-${sort}`, [...expected].reverse()],
      ] as const) {
        for (const filter of ['', '&status=active', '&search=e', '&role=user']) {
          const whole = await emailsOf(`sort=${parameter}${filter}&limit=100`)
          if (filter !== '&role=user' && filter !== '&search=e') expect([parameter, whole]).toEqual([parameter, order])
          const paged: string[] = []
          let cursor: string | null = ''
          while (cursor !== null) {
            const path: string = `/v1/users?sort=${parameter}${filter}&limit=2${cursor && `&cursor=${cursor}`}`
            const { body } = await call(path, { token: admin })
            expect(body.pagination.total).toBe(whole.length)
            paged.push(...body.data.map(({ email }: { email: string }) => email.split('@')[0]))
            cursor = body.pagination.next_cursor
          }
          expect([parameter, filter, paged]).toEqual([parameter, filter, whole])
        }
      }
    }
  })

  it('answers 400 for a cursor of another sort or filter, an unknown sort or status, and a search too long', async () => {
    const { body } = await call('/v1/users?limit=2&sort=email', { token: admin })
    const cursor = body.pagination.next_cursor
    for (const query of [
      '',
      '&sort=-email',
      '&sort=email&status=active',
      '&sort=email&search=a',
      '&sort=email&role=user',
    ]) {
      expect((await call(`/v1/users?limit=2&cursor=${cursor}${query}`, { token: admin })).status).toBe(400)
    }
    expect((await call(`/v1/users?limit=2&cursor=${cursor}&sort=email`, { token: admin })).status).toBe(200)
    for (const query of ['sort=age', 'status=maybe', `search=${'a'.repeat(201)}`]) {
      expect((await call(`/v1/users?${query}`, { token: admin })).status).toBe(400)
    }
  })
})

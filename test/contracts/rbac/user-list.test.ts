/// <reference types="vite/client" />
/** rbac: the list of users. test/pages.test.ts compares the pages with the tables. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import statements from './STATEMENTS.md?raw'
import { adminToken, call, firstAdmin, freshDirectory, person, signedInPerson } from '../../support/usher'
import {
  adminAndTamsin,
  create,
  emails,
  expectDetail,
  expectInvalid,
  lacking,
  list,
  piotr,
  tamsin,
  thatSecond,
  update,
  users,
  wire,
  type Entry,
} from '../../support/rbac'
import { namesEveryTest } from '../../support/statements'

freshDirectory()
afterEach(() => void vi.useRealTimers())

const notAnInteger = 'Input should be a valid integer, unable to parse string as an integer'
const atLeast = (field: string, least: number): Entry => [
  ['query', field],
  'greater_than_equal',
  `Input should be greater than or equal to ${least}`,
]
const atMost = (field: string, most: number): Entry => [
  ['query', field],
  'less_than_equal',
  `Input should be less than or equal to ${most}`,
]
const unparsable = (field: string): Entry => [['query', field], 'int_parsing', notAnInteger]

/** An admin's token, and `count` people created after the admin. */
async function adminAnd(count: number) {
  const admin = await adminToken()
  for (let made = 1; made <= count; made += 1) {
    const { status } = await create(admin, { ...tamsin, email: `p${made}@example.org` })
    expect(status).toBe(201)
  }
  return admin
}

describe('GET /api/v1/users', () => {
  it('returns data and pagination, compact, with the original’s keys in its order', async () => {
    vi.useFakeTimers(thatSecond)
    const { admin, text: created } = await adminAndTamsin()
    const { status, headers, text, body } = await list(admin)
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json'])
    const first = wire(
      body.data[0].id,
      { ...tamsin, email: firstAdmin.email, first_name: 'first.admin', last_name: '' },
      'admin',
    )
    expect(text).toBe(`{"data":[${first},${created}],"pagination":{"page":1,"limit":10,"total":2,"pages":1}}`)
  })

  it('returns the ten oldest users first, with the exact number of users and of pages', async () => {
    const admin = await adminAnd(11)
    const first = await list(admin)
    expect(emails(first)).toEqual([firstAdmin.email, ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `p${n}@example.org`)])
    expect(first.body.pagination).toEqual({ page: 1, limit: 10, total: 12, pages: 2 })
    const second = await list(admin, '?page=2')
    expect(emails(second)).toEqual(['p10@example.org', 'p11@example.org'])
    expect(second.body.pagination).toEqual({ page: 2, limit: 10, total: 12, pages: 2 })
  })

  it('accepts any limit from 1 to 100', async () => {
    const admin = await adminAnd(4)
    const all = emails(await list(admin, '?limit=100'))
    expect(all).toHaveLength(5)
    for (const limit of [1, 2, 3, 5, 99]) {
      const pages = Math.ceil(5 / limit)
      for (let page = 1; page <= pages; page += 1) {
        const answer = await list(admin, `?page=${page}&limit=${limit}`)
        expect(emails(answer)).toEqual(all.slice((page - 1) * limit, page * limit))
        expect(answer.body.pagination).toEqual({ page, limit, total: 5, pages })
      }
    }
  })

  it('returns an empty page past the end', async () => {
    const admin = await adminAnd(1)
    for (const [query, page, limit, pages] of [
      ['?page=2', 2, 10, 1],
      ['?page=3&limit=1', 3, 1, 2],
      ['?page=90071992547409&limit=100', 90_071_992_547_409, 100, 1],
    ] as const) {
      const { status, body } = await list(admin, query)
      expect([status, body]).toEqual([200, { data: [], pagination: { page, limit, total: 2, pages } }])
    }
    const none = await list(admin, '?search=nobody.at.all')
    expect([none.status, none.body]).toEqual([
      200,
      { data: [], pagination: { page: 1, limit: 10, total: 0, pages: 0 } },
    ])
  })

  it('rejects a page or a limit that is out of bounds or not an integer, in pydantic’s words', async () => {
    const admin = await adminToken()
    for (const value of ['0', '-1', '-0', '-99999999999999999999']) {
      expectInvalid(await list(admin, `?page=${value}`), atLeast('page', 1))
      expectInvalid(await list(admin, `?limit=${value}`), atLeast('limit', 1))
    }
    for (const value of ['101', '1000', '99999999999999999999']) {
      expectInvalid(await list(admin, `?limit=${value}`), atMost('limit', 100))
    }
    expectInvalid(await list(admin, '?page=99999999999999999999'), atMost('page', 90_071_992_547_409))
    const odd = [
      '',
      'two',
      '1.5',
      '1e1',
      '0x10',
      'true',
      'null',
      '1__0',
      '_1',
      '2.',
      '.0',
      '%20',
      '1%00',
      '%D9%A1',
      '%EF%BC%91',
    ]
    for (const value of odd) {
      expectInvalid(await list(admin, `?page=${value}`), unparsable('page'))
      expectInvalid(await list(admin, `?limit=${value}`), unparsable('limit'))
    }
  })

  it('reports both errors, page before limit', async () => {
    const admin = await adminToken()
    expectInvalid(await list(admin, '?limit=0&page=0'), atLeast('page', 1), atLeast('limit', 1))
    expectInvalid(await list(admin, '?limit=101&page=x'), unparsable('page'), atMost('limit', 100))
  })

  it('reads integers as pydantic does', async () => {
    const admin = await adminToken()
    for (const value of ['2', '002', '%2B2', '+2', '2.0', '2.00', '%202%20', '%0B2%0B']) {
      const { status, body } = await list(admin, `?page=${value}&limit=${value}`)
      expect([value, status, body.pagination]).toEqual([value, 200, { page: 2, limit: 2, total: 1, pages: 1 }])
    }
    expect((await list(admin, '?limit=1_0')).body.pagination.limit).toBe(10)
  })

  it('uses the last of several values, and ignores unknown parameters', async () => {
    const { admin } = await adminAndTamsin()
    const several = await list(admin, '?page=x&page=1&limit=0&limit=5&search=nobody&search=tamsin&sort=email&cursor=x')
    expect([several.status, several.body.pagination]).toEqual([200, { page: 1, limit: 5, total: 1, pages: 1 }])
    expect(emails(several)).toEqual([tamsin.email])
  })

  it('includes a deactivated user, as inactive', async () => {
    const { admin, id } = await adminAndTamsin()
    const { body } = await update(admin, id, { is_active: false })
    expect((await list(admin)).body.data[1]).toEqual(body)
    expect(body.is_active).toBe(false)
  })

  it('shows every role of a user, the primary one first', async () => {
    const admin = await adminToken()
    const user = await signedInPerson(admin)
    const path = `/v1/users/${user.id}/roles`
    await call(path, { method: 'PUT', token: admin, json: { roles: ['user', 'admin'] } })
    const roles = (await list(admin)).body.data[1].roles
    expect(roles.map(({ name }: { name: string }) => name)).toEqual(['user', 'admin'])
  })

  it('requires users:read', async () => {
    const plain = await signedInPerson(await adminToken())
    for (const query of ['', '?page=0', '?search=x']) {
      expectDetail(await list(plain.access_token, query), 403, lacking('users:read'))
    }
  })
})

describe('GET /api/v1/users?search=', () => {
  const search = async (admin: string, text: string, more = '') => {
    const answer = await list(admin, `?search=${encodeURIComponent(text)}${more}`)
    expect([text, answer.status]).toEqual([text, 200])
    expect(answer.body.pagination.total).toBeGreaterThanOrEqual(answer.body.data.length)
    return answer
  }
  const found = async (admin: string, text: string) => emails(await search(admin, text))

  it('finds each word anywhere in email, first or last name', async () => {
    const { admin } = await adminAndTamsin()
    await create(admin, piotr)
    const both = [tamsin.email, piotr.email]
    for (const text of [
      'tamsin',
      'amsi',
      'Okello',
      'tamsin.okello@ex',
      'okello tamsin',
      'okello, tamsin',
      '"tamsin okello"',
      'TAM kel example.ORG',
      'ta k',
    ]) {
      expect([text, await found(admin, text)]).toEqual([text, [tamsin.email]])
    }
    for (const text of ['example.org', 'k', 'il example', '@example.org']) {
      const expected = text === 'il example' ? [piotr.email] : both
      expect([text, await found(admin, text)]).toEqual([text, expected])
    }
    for (const text of ['tamsin wilk', 'tamsinokello', 'okello,tamsin', 'tamsin q']) {
      expect([text, await found(admin, text)]).toEqual([text, []])
    }
  })

  it('does not search username, name, role, identifiers or any other field', async () => {
    const admin = await adminToken()
    const odd = { first_name: 'Ada', last_name: 'Mbeki', name: 'Zuzanna Quill', username: 'qwortle', phone: '707070' }
    const user = await signedInPerson(admin, { ...odd, matricule: 909_090, certified_email: 'vouched@example.com' })
    for (const text of [
      'zuzanna',
      'quill',
      'qwortle',
      '707070',
      '909090',
      'vouched',
      user.uuid,
      'inactive',
      '@example.com',
    ]) {
      expect([text, await found(admin, text)]).toEqual([text, []])
    }
    expect(await found(admin, 'mbeki ada')).toEqual([user.input.email])
  })

  it('ignores case, accents and width', async () => {
    const admin = await adminToken()
    await create(admin, { ...tamsin, first_name: 'Zoë', last_name: 'Núñez Çelik' })
    for (const text of ['zoe', 'ZOË', 'nunez', 'ÑUÑEZ'.normalize('NFD'), 'celik', 'ｚｏｅ', 'zöe', 'Celik ZOE nuñ']) {
      expect([text, await found(admin, text)]).toEqual([text, [tamsin.email]])
    }
  })

  it('treats every character literally', async () => {
    const admin = await adminToken()
    const odd = `%_*?"'\\()[]{}^$.+-:;|&<>=~!#@/,\``
    await create(admin, { ...tamsin, last_name: `AND ${odd} NEAR` })
    await create(admin, piotr)
    for (const text of [odd, ...odd, '%_', '_*?', '"\'\\', '()[', 'and', 'near', '()']) {
      const expected = [...new Set([...(`${tamsin.email} ${odd} and near`.includes(text) ? [tamsin.email] : [])])]
      const others = `${piotr.email} ${piotr.first_name} ${piotr.last_name}`.includes(text) ? [piotr.email] : []
      const first = firstAdmin.email.includes(text) ? [firstAdmin.email] : []
      expect([text, await found(admin, text)]).toEqual([text, [...first, ...expected, ...others]])
    }
    const nothing = [
      'tam%',
      't_msin',
      'tam*',
      'tamsin OR piotr',
      'NOT tamsin',
      '-tamsin',
      'email:tamsin',
      '{email}',
      '^tamsin',
      'NEAR(tamsin)',
      "' OR '1'='1",
      '*tamsin',
    ]
    for (const text of nothing) expect([text, await found(admin, text)]).toEqual([text, []])
  })

  it('finds no user by characters that no user has', async () => {
    const { admin } = await adminAndTamsin()
    for (const text of [
      '\u0000',
      'tam\u0000',
      '\u0000tam',
      '\u0001',
      '\u0001\u0001',
      '\u0002\u0002\u0002',
      'o\u0001',
      'tamsin\u0001',
      '\u{10ffff}',
      '\ufffd',
      '🙂',
      '🙂🙂🙂',
    ]) {
      expect([text, await found(admin, text)]).toEqual([text, []])
    }
  })

  it('finds every user when it contains no word', async () => {
    const { admin } = await adminAndTamsin()
    for (const text of ['', ' ', '   ', '\t\n']) {
      expect((await search(admin, text)).body.pagination).toEqual({ page: 1, limit: 10, total: 2, pages: 1 })
    }
  })

  it('has pages and an exact total like the whole list', async () => {
    const admin = await adminAnd(7)
    await create(admin, piotr)
    for (const text of ['example.org', 'okello', 'ok p']) {
      const total = text === 'example.org' ? 8 : 7
      const all = emails(await search(admin, text, '&limit=100'))
      expect(all).toHaveLength(total)
      for (const page of [1, 2, 3, 4, 5]) {
        const answer = await search(admin, text, `&limit=3&page=${page}`)
        expect(emails(answer)).toEqual(all.slice(3 * page - 3, 3 * page))
        expect(answer.body.pagination).toEqual({ page, limit: 3, total, pages: Math.ceil(total / 3) })
      }
    }
  })

  it('accepts at most 200 characters', async () => {
    const admin = await adminToken()
    for (const character of ['a', 'é', '🙂']) {
      const most = await list(admin, `?search=${encodeURIComponent(character.repeat(200))}`)
      expect([character, most.status, most.body.data]).toEqual([character, 200, []])
      const over = await list(admin, `?search=${encodeURIComponent(character.repeat(201))}`)
      expectInvalid(over, [['query', 'search'], 'string_too_long', 'String should have at most 200 characters'])
    }
    const words = (await list(admin, `?search=${'a%20'.repeat(100)}`)).status
    expect(words).toBe(200)
  })

  it('accepts at most three words when all have one or two characters', async () => {
    const { admin } = await adminAndTamsin()
    const most = 'Value error, must have at most 3 words, or a word of at least 3 characters'
    for (const text of ['a b c d', 'ta ms ok el', 'a, b, c, d', '🙂 a b c']) {
      const tooMany = await list(admin, `?search=${encodeURIComponent(text)}`)
      expectInvalid(tooMany, [['query', 'search'], 'value_error', most])
    }
    for (const text of ['ta ms ok', 't o k t o k', 'tam m s i n o k e l', 'okello ta ms si in @e ex']) {
      expect([text, await found(admin, text)]).toEqual([text, [tamsin.email]])
    }
    for (const text of ['ta ms qq', 'tam m s z']) expect([text, await found(admin, text)]).toEqual([text, []])
  })

  it('finds letters and apostrophes by their common replacements', async () => {
    const admin = await adminToken()
    await create(admin, { ...tamsin, first_name: 'Łucja', last_name: 'O\u2019Søren-Đæk' })
    for (const text of ['lucja', 'ŁUCJA', "o'soren", 'O\u2019SØREN', 'daek lucja', 'soren\u2010đ', 'ł s o']) {
      expect([text, await found(admin, text)]).toEqual([text, [tamsin.email]])
    }
  })

  it('reflects changes and deletions', async () => {
    const { admin, id } = await adminAndTamsin()
    await update(admin, id, { first_name: 'Wendeline' })
    expect([await found(admin, 'wendel'), await found(admin, 'okello wen')]).toEqual([[tamsin.email], [tamsin.email]])
    await call(`${users}/${id}`, { method: 'DELETE', token: admin })
    expect(await found(admin, 'wendel')).toEqual([])
    await call('/v1/users', { token: admin, json: person({ name: 'Wendeline Somebody' }) })
    expect(await found(admin, 'wendel')).toHaveLength(1)
  })
})

namesEveryTest(statements)

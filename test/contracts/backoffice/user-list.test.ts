/** backoffice: the list of users and its filters. */
import { beforeEach, describe, expect, it } from 'vitest'
import statements from './STATEMENTS.md?raw'
import { adminAndInes, clerk, create, inesShown, list, rui, update, users } from '../../support/backoffice'
import { expectInvalid, expectMessage, unauthorized } from '../../support/backoffice'
import { namesEveryTest } from '../../support/statements'
import { populate } from '../../support/population'
import { adminToken, call, firstAdmin, freshDirectory, rows, signedInPerson } from '../../support/usher'

freshDirectory()

describe('GET /api/v1/users', () => {
  it('returns data and meta, and users with the original’s ten keys in its order', async () => {
    const { admin } = await adminAndInes()
    const { status, headers, text } = await list(admin)
    const first =
      `{"user_id":1,"username":"${firstAdmin.email}","first_name":"first.admin","last_name":"",` +
      `"email":"${firstAdmin.email}","gender":null,"birthday":null,"country_id":null,"user_status":"active","role_id":1}`
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(text).toBe(`{"data":[${first},${inesShown(2)}],"meta":{"current_page":1,"per_page":15,"total":2}}`)
  })

  it('lists by number, fifteen a page, and counts all users exactly', async () => {
    const admin = await adminToken()
    await populate(31)
    const pages = [await list(admin), await list(admin, '?page=2'), await list(admin, '?page=3')]
    expect(pages.map(({ body }) => body.meta)).toEqual(
      [1, 2, 3].map((current_page) => ({ current_page, per_page: 15, total: 32 })),
    )
    const ids = pages.flatMap(({ body }) => body.data.map((user: any) => user.user_id))
    expect(ids).toEqual(Array.from({ length: 32 }, (_, index) => index + 1))
  })

  it('returns an empty page past the end, with the requested page number and the exact total', async () => {
    const admin = await adminToken()
    for (const page of [2, 7, 1_000_000_000, 999_999_999_999_999, Number.MAX_SAFE_INTEGER]) {
      for (const filter of ['', '&gender=male', '&status=inactive', '&search=admin', '&role_id=1']) {
        const { status, body } = await list(admin, `?page=${page}&per_page=100${filter}`)
        const total = ['&gender=male', '&status=inactive'].includes(filter) ? 0 : 1
        expect([status, body]).toEqual([200, { data: [], meta: { current_page: page, per_page: 100, total } }])
      }
    }
  })

  it('returns the first page when page is not a positive whole number, as Laravel does', async () => {
    const admin = await adminToken()
    for (const page of [
      '',
      '0',
      '-1',
      '-0',
      'two',
      '2.5',
      '2,5',
      '1e1',
      '0x2',
      '02',
      '2x',
      'null',
      'NaN',
      'Infinity',
    ]) {
      const { status, body } = await list(admin, `?page=${page}`)
      expect([page, status, body.meta]).toEqual([page, 200, { current_page: 1, per_page: 15, total: 1 }])
    }
    expect((await list(admin, `?page=${'9'.repeat(30)}`)).body.meta.current_page).toBe(1)
  })

  it('returns fifteen a page when per_page is not a positive whole number, and at most a hundred', async () => {
    const admin = await adminToken()
    await populate(120)
    for (const perPage of ['', '0', '-1', 'ten', '2.5', '1e1', '0x2', '02', '7x']) {
      const { status, body } = await list(admin, `?per_page=${perPage}`)
      expect([perPage, status, body.meta.per_page, body.data.length]).toEqual([perPage, 200, 15, 15])
    }
    for (const perPage of ['101', '1000', '99999999999999', '9'.repeat(30)]) {
      const { status, body } = await list(admin, `?per_page=${perPage}`)
      expect([perPage, status, body.meta.per_page, body.data.length]).toEqual([perPage, 200, 100, 100])
    }
    for (const perPage of [1, 15, 99, 100]) {
      const { body } = await list(admin, `?per_page=${perPage}`)
      expect([body.meta.per_page, body.data.length]).toEqual([perPage, perPage])
    }
  })

  it('reads numbers as PHP does: surrounding blanks, a sign, the last of several', async () => {
    const admin = await adminToken()
    await populate(9)
    const meta = { current_page: 2, per_page: 4, total: 10 }
    for (const query of [
      '?page=2&per_page=4',
      '?page=%202%20&per_page=%204',
      '?page=%2B2&per_page=%2B4',
      '?page=1&page=2&per_page=99&per_page=4',
      '?page=x&page=2&per_page=4&page[]=7&offset=3',
    ]) {
      expect((await list(admin, query)).body.meta).toEqual(meta)
    }
    expect((await list(admin, '?page=2&page=&per_page=4')).body.meta.current_page).toBe(1)
  })

  it('requires users:read, even for the caller’s own record', async () => {
    const admin = await adminToken()
    const plain = await signedInPerson(admin)
    expectMessage(await list(plain.access_token), 403, unauthorized)
    expectMessage(await list(plain.access_token, '?status=nonsense'), 403, unauthorized)
    const reader = await clerk(admin, ['users:read'])
    expect((await list(reader.access_token)).body.meta.total).toBe(3)
  })
})

describe('filters', () => {
  let admin: string
  beforeEach(async () => {
    admin = (await adminAndInes()).admin
    await create(admin, rui)
    await update(admin, 3, { user_status: 'inactive' })
    await create(admin, { ...rui, username: 'x', email: 'x@example.org', first_name: 'Ximena', gender: 'female' })
    await update(admin, 4, { role_id: 1 })
  })

  /** The numbers of the users found. Their count must equal the total. */
  async function found(query: string): Promise<number[]> {
    const { status, body, text } = await list(admin, query)
    expect(status, text).toBe(200)
    expect(body.meta).toEqual({ current_page: 1, per_page: 15, total: body.data.length })
    return body.data.map((user: any) => user.user_id)
  }

  it('are search, status, gender and role_id, each alone', async () => {
    expect(await found('')).toEqual([1, 2, 3, 4])
    expect(await found('?search=tavares')).toEqual([3, 4])
    expect(await found('?status=active')).toEqual([1, 2, 4])
    expect(await found('?status=inactive')).toEqual([3])
    expect(await found('?gender=female')).toEqual([2, 4])
    expect(await found('?gender=male')).toEqual([3])
    expect(await found('?role_id=1')).toEqual([1, 4])
    expect(await found('?role_id=2')).toEqual([2, 3])
  })

  it('can be combined in every way', async () => {
    const is: Record<string, (user: any) => boolean> = {
      'search=example.org': (user) => user.email.endsWith('@example.org'),
      'status=active': (user) => user.user_status === 'active',
      'gender=female': (user) => user.gender === 'female',
      'role_id=1': (user) => user.role_id === 1,
    }
    const everyone: any[] = (await list(admin)).body.data
    const names = Object.keys(is)
    for (let chosen = 0; chosen < 2 ** names.length; chosen += 1) {
      const filters = names.filter((_, index) => chosen & (1 << index))
      const expected = everyone.filter((user) => filters.every((filter) => is[filter]?.(user)))
      expect([filters, await found(`?${filters.join('&')}`)]).toEqual([filters, expected.map((user) => user.user_id)])
    }
  })

  it('have pages like the whole list', async () => {
    await populate(40)
    const { body } = await list(admin, '?status=active&search=someone&per_page=15&page=3')
    expect(body.meta).toEqual({ current_page: 3, per_page: 15, total: 40 })
    expect(body.data.map((user: any) => user.user_id)).toEqual(Array.from({ length: 10 }, (_, index) => 35 + index))
  })

  it('find every user when they are empty or only blanks', async () => {
    for (const query of [
      '?search=',
      '?status=',
      '?gender=',
      '?role_id=',
      '?search=%20%20',
      '?status=%20',
      '?search=&role_id=',
    ]) {
      expect([query, await found(query)]).toEqual([query, [1, 2, 3, 4]])
    }
  })

  it('are trimmed, and the last of several values counts', async () => {
    expect(await found('?status=%20inactive%20')).toEqual([3])
    expect(await found('?status=active&status=inactive')).toEqual([3])
    expect(await found('?gender=male&gender=')).toEqual([1, 2, 3, 4])
    expect(await found('?role_id=%201%20&search=%20ximena%20')).toEqual([4])
  })

  it('search username, email, first and last name by words, ignoring case and accents, every character literal', async () => {
    expect(await found('?search=INES')).toEqual([2])
    expect(await found('?search=in%C3%AAs%20calado')).toEqual([2])
    expect(await found('?search=calado%20tavares')).toEqual([])
    expect(await found('?search=rui.tav')).toEqual([3])
    expect(await found('?search=first.admin%40')).toEqual([1])
    for (const literal of ['%25', '_', '*', '"', "'", '%27%20OR%201', '%5C', 'NEAR(']) {
      expect([literal, await found(`?search=${literal}`)]).toEqual([literal, []])
    }
    await call('/v1/users', {
      token: admin,
      json: {
        email: 'q@example.org',
        name: 'Quite Other',
        password: 'a fine passphrase',
        certified_email: 'z@z.example',
      },
    })
    await rows("UPDATE users SET certified_email = 'z@z.example' WHERE email = 'q@example.org'")
    expect(await found('?search=z.example')).toEqual([])
  })

  it('search letters and apostrophes by their common replacements, without the punctuation around a word', async () => {
    await create(admin, {
      ...rui,
      username: 'y',
      email: 'y@example.org',
      first_name: 'Łucja',
      last_name: 'O\u2019Søren',
    })
    for (const text of ['lucja', 'ŁUCJA', "o'soren", 'O\u2019SØREN', 'soren, lucja', '"Łucja O\'Søren"', '(lucja)']) {
      expect([text, await found(`?search=${encodeURIComponent(text)}`)]).toEqual([text, [5]])
    }
  })

  it('search for at most three words when all have one or two characters', async () => {
    const tooMany = 'The search field must have at most 3 words, or a word of at least 3 characters.'
    for (const text of ['a b c d', 'ta va re s', 'a, b, c, d']) {
      expectInvalid(await list(admin, `?search=${encodeURIComponent(text)}`), { search: [tooMany] })
    }
    for (const text of ['ta va re', 't v r t v r', 'ruit a v r e s', 'tav ru t a v r e s']) {
      const expected = text.startsWith('ruit') ? [] : [3]
      expect([text, await found(`?search=${encodeURIComponent(text)}&gender=male`)]).toEqual([text, expected])
    }
  })

  it('by a role find every holder, as their first role or a further one', async () => {
    await call(`/v1/users/${(await call('/v1/me', { token: admin })).body.id}/roles`, {
      method: 'PUT',
      token: admin,
      json: { roles: ['admin', 'user'] },
    })
    expect(await found('?role_id=2')).toEqual([1, 2, 3])
    expect(await found('?role_id=99')).toEqual([])
  })

  it('with invalid values get 422, in Laravel’s sentences', async () => {
    const answer = (query: string) => call(`${users}?${query}`, { token: admin })
    expectInvalid(await answer('status=gone'), { status: ['The selected status is invalid.'] })
    expectInvalid(await answer('gender=unknown'), { gender: ['The selected gender is invalid.'] })
    expectInvalid(await answer('role_id=admin'), { role_id: ['The role id field must be an integer.'] })
    expectInvalid(await answer('role_id=2.5'), { role_id: ['The role id field must be an integer.'] })
    expectInvalid(await answer('role_id=0'), { role_id: ['The selected role id is invalid.'] })
    const tooLong = 'The search field must not be greater than 200 characters.'
    expectInvalid(await answer(`search=${'x'.repeat(201)}`), { search: [tooLong] })
    expectInvalid(await answer(`search=${'x'.repeat(201)}&status=gone&gender=x`), {
      search: [tooLong],
      status: ['The selected status is invalid.'],
      gender: ['The selected gender is invalid.'],
    })
    expect((await answer(`search=${'x'.repeat(200)}`)).status).toBe(200)
  })
})

namesEveryTest(statements)

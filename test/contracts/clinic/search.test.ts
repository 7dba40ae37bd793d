/// <reference types="vite/client" />
/** clinic: the search, a stream of all matches followed by their count. */
import { beforeEach, describe, expect, it } from 'vitest'
import statements from './STATEMENTS.md?raw'
import {
  activate,
  clerk,
  create,
  created,
  deactivate,
  expectFailure,
  ines,
  inesInFull,
  inesShown,
  notAllowed,
  plainUser,
  search,
  users,
  type Fields,
} from '../../support/clinic'
import { namesEveryTest } from '../../support/statements'
import { populate } from '../../support/population'
import { adminToken, call, fetchWorker, firstAdmin, freshDirectory, person, rows } from '../../support/usher'

freshDirectory()
let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const hit = (data: unknown[], query: string) =>
  `{"success":true,"data":${JSON.stringify(data)},"total_count":${data.length},` +
  `"message":${JSON.stringify(`${data.length} users found for query string: '${query}'`)}}`
const miss = (query: string) =>
  `{"success":false,"message":${JSON.stringify(`No users found for query string: '${query}'`)},"data":[],"total_count":0}`

/** The usernames of the users found. */
const found = async (query: string) => (await search(admin, query)).body.data.map(({ username }: Fields) => username)

describe('GET /users/user/search/', () => {
  it('returns success and data first, then their count and the message, byte for byte', async () => {
    const { id, uid } = await created(admin)
    const answer = await search(admin, 'caron')
    expect([answer.status, answer.text]).toEqual([200, hit([{ id, uid, ...inesShown }], 'caron')])
    expect(answer.headers.get('content-type')).toBe('application/json')
    await created(admin, { username: 'other', email: 'other@example.org' })
    expect((await search(admin, 'caron')).body).toMatchObject({ total_count: 2, data: [{ id: '2' }, { id: '3' }] })
  })

  it('returns an empty result with no errors, byte for byte', async () => {
    for (const query of ['nobody', `o'nobody "at" <all>`, 'zé', '\\', '%', '_', '*']) {
      const { status, text } = await search(admin, query)
      expect([status, text]).toEqual([200, miss(query)])
    }
  })

  it('finds every user for an empty query string, and for blanks', async () => {
    await created(admin)
    for (const query of ['', '   ']) {
      const { text, body } = await search(admin, query)
      expect(text).toBe(hit(body.data, query))
      expect(body.data.map(({ email }: Fields) => email)).toEqual([firstAdmin.email, ines.email])
    }
  })

  it('fails without a query string, or with more than 200 characters', async () => {
    expectFailure(await call(`${users}/search/`, { token: admin }), 'query_string: This field is required.')
    const other = await call(`${users}/search/?query=ines`, { token: admin })
    expectFailure(other, 'query_string: This field is required.')
    const sentence = 'query_string: Ensure this value has at most 200 characters.'
    expectFailure(await search(admin, 'x'.repeat(201)), sentence)
    expect((await search(admin, 'x'.repeat(200))).text).toBe(miss('x'.repeat(200)))
  })

  it('fails for more than three words when all have one or two characters', async () => {
    await created(admin)
    const sentence = 'query_string: Use at most 3 words, or a word of at least 3 characters.'
    for (const query of ['a b c d', 'in es ca ro', 'a, b, c, d']) expectFailure(await search(admin, query), sentence)
    for (const query of ['in ca ro', 'n c r n c r', 'ines c a r o n', 'caron in es ar @c']) {
      expect([query, await found(query)]).toEqual([query, ['ines.caron']])
    }
    for (const query of ['in ca qq', 'ines c a z'])
      expect([query, (await search(admin, query)).text]).toEqual([query, miss(query)])
  })

  it('finds letters and apostrophes by their common replacements, without the punctuation around a word', async () => {
    await create(admin, { ...ines, first_name: 'Łucja', last_name: 'O\u2019Søren' })
    for (const query of ['lucja', 'ŁUCJA', "o'soren", 'O\u2019SØREN', 'soren, lucja', '"Łucja O\'Søren"', '(lucja)']) {
      expect([query, await found(query)]).toEqual([query, [ines.username]])
    }
  })

  it('uses the last of several query strings', async () => {
    await created(admin)
    const { body } = await call(`${users}/search/?query_string=nobody&query_string=ines`, { token: admin })
    expect(body.message).toBe("1 users found for query string: 'ines'")
  })

  it('searches username, last name, first name, email and certified email, and no other field', async () => {
    const fields = { username: 'qwerty', last_name: 'Asdfgh', first_name: 'Zxcvbn', email: 'uiopuiop@example.org' }
    await create(admin, { ...inesInFull, ...fields, certified_email: 'hjklhjkl@certified.example' })
    for (const query of ['wert', 'sdfg', 'xcvb', 'iopu', 'jklh', 'certified.example']) {
      expect([query, await found(query)]).toEqual([query, ['qwerty']])
    }
    for (const query of ['+33 1 70', 'clinician', 'female', '1988', '02 Apr', '4821', 'rtyasd']) {
      expect([query, (await search(admin, query)).text]).toEqual([query, miss(query)])
    }
    await call('/v1/users', { token: admin, json: person({ name: 'Wholename Only', first_name: 'A', last_name: 'B' }) })
    expect((await search(admin, 'wholename')).text).toBe(miss('wholename'))
  })

  it('requires each word in some field, ignoring case and accents', async () => {
    await created(admin)
    for (const query of [
      'INES',
      'inès',
      'ne\u0300s',
      'caron ines',
      'CARON  example.org',
      'ar',
      'c n',
      'ron iNÈs certified',
    ]) {
      expect([query, await found(query)]).toEqual([query, ['ines.caron']])
    }
    for (const query of ['ines nobody', 'inescaron', 'ines-caron']) {
      expect([query, (await search(admin, query)).text]).toEqual([query, miss(query)])
    }
  })

  it('treats every character literally', async () => {
    const marks = [`a"b`, 'a%b', 'a_b', 'a*b', `a'b`, 'a\\b', 'a:b', 'a(b', 'a)b', 'a^b', 'a-b', 'a+b', 'a&b', 'a{b']
    for (const [index, username] of marks.entries()) {
      await create(admin, { ...ines, username, email: `ines${index}@example.org` })
    }
    for (const username of marks) expect([username, await found(username)]).toEqual([username, [username]])
    for (const query of ['a OR b', 'username:a', 'NEAR(a b)', 'a* ', '"']) {
      expect((await search(admin, query)).status).toBe(200)
    }
  })

  it('shows inactive users too, in order of id, and no deleted user', async () => {
    const user = await created(admin)
    const other = await created(admin, { username: 'other', email: 'other@example.org' })
    await deactivate(admin, user.id)
    expect((await search(admin, 'inès')).body.data).toEqual([{ ...user, is_active: false }, other])
    await activate(admin, user.id)
    await call(`/v1/users/usr_${other.uid}`, { method: 'DELETE', token: admin })
    expect((await search(admin, 'inès')).body).toMatchObject({ data: [user], total_count: 1 })
  })

  it('requires users:read', async () => {
    const plain = await plainUser(admin)
    for (const query of ['', plain.input.email]) expectFailure(await search(plain.access_token, query), notAllowed, 403)
    expectFailure(await call(`${users}/search/`, { token: plain.access_token }), notAllowed, 403)
    const reader = await clerk(admin, ['users:read'])
    expect((await search(reader.access_token, plain.input.email)).body.total_count).toBe(1)
  })
})

describe('a result of more than one page', () => {
  const people = 12_003

  it('is complete, without duplicates, in order, and counted from what was sent', async () => {
    await populate(people)
    for (const [query, expected] of [
      ['', people + 1],
      ['someone', people],
      ['number', people],
      ['e', people + 1],
    ] as const) {
      const { body, headers } = await search(admin, query)
      expect([query, body.data.length, body.total_count]).toEqual([query, expected, expected])
      expect(body.message).toBe(`${expected} users found for query string: '${query}'`)
      const ids = body.data.map(({ id }: { id: string }) => Number(id))
      expect(ids).toEqual([...new Set<number>(ids)].sort((user, other) => user - other))
      expect(headers.get('content-length')).toBeNull()
    }
  }, 60_000)

  it('may fill exactly one page or several', async () => {
    await populate(10_000)
    const query = 'someone'
    for (const expected of [10_000, 5000]) {
      expect((await search(admin, query)).body.total_count).toBe(expected)
      await rows('DELETE FROM users WHERE number > 5001')
    }
  }, 60_000)

  it('breaks off when the permission to read ends, and never closes the array', async () => {
    await populate(people)
    const response = await fetchWorker(`${users}/search/?query_string=someone`, { token: admin })
    const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    const toTheEnd = async () => {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        if (text === '') await rows('UPDATE users SET session_generation = session_generation + 1 WHERE number = 1')
        text += value
      }
    }
    await expect(toTheEnd()).rejects.toThrow()
    expect(text.startsWith('{"success":true,"data":[{')).toBe(true)
    expect(text).not.toContain('total_count')
    expect(text.endsWith('}')).toBe(true)
  }, 60_000)
})

namesEveryTest(statements)

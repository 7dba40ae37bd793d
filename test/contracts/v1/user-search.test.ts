/** v1: searching users. */
import { beforeEach, describe, expect, it } from 'vitest'
import { adminToken, call, freshDirectory, person } from '../../support/usher'
import { namesEveryTest } from '../../support/readme'
import { expectInvalid, readme } from '../../support/v1'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const list = (query: string) => call(`/v1/users?${query}`, { token: admin })

async function create(fields: Record<string, unknown>) {
  const { status, text } = await call('/v1/users', { token: admin, json: person(fields) })
  expect(status, text).toBe(201)
}

describe('GET /users?search', () => {
  /** The local parts of the emails of everyone a search finds, on one page. */
  async function search(text: string, more = ''): Promise<string[]> {
    const { status, body } = await list(`limit=100&search=${encodeURIComponent(text)}${more}`)
    expect([text, status, body.pagination]).toEqual([text, 200, { next_cursor: null, total: body.data.length }])
    return body.data.map(({ email }: { email: string }) => email.split('@')[0])
  }

  /** What each search finds, all told at once. */
  async function expectFound(searches: Record<string, string[]>) {
    const all: Record<string, string[]> = {}
    for (const text of Object.keys(searches)) all[text] = await search(text)
    expect(all).toEqual(searches)
  }

  beforeEach(async () => {
    for (const fields of [
      { email: 'zoe@example.org', name: 'Zoë Ångström', username: 'z_o_e' },
      { email: 'bo@example.org', name: 'Bo Li' },
      { email: 'percent@example.org', name: 'Per %Cent "Quoted" O\u2019Neil*', username: 'per-cent' },
      { email: 'ilker@example.org', name: 'İlker Straße', first_name: 'Given', last_name: 'Elsewhere' },
      {
        email: 'alba@certified.example',
        name: 'alba Álvarez',
        certified_email: 'notary@hidden.example',
        phone: '+41 79',
      },
    ]) {
      await create(fields)
    }
  })

  it('finds a word in the email, username, name, first and last name, and in nothing else', async () => {
    await expectFound({
      'bo@example.org': ['bo'],
      z_o_e: ['zoe'],
      strasse: ['ilker'],
      given: ['ilker'],
      elsewhere: ['ilker'],
      notary: [],
      hidden: [],
      '+41': [],
    })
  })

  it('needs every word, each in whichever field', async () => {
    await expectFound({
      'zoe example': ['zoe'],
      'ORG  per-cent\tneil': ['percent'],
      'given straße ilker@': ['ilker'],
      'zoe nowhere': [],
      'zoe bo': [],
    })
  })

  it('finds the beginning, the middle and the end of a word', async () => {
    await expectFound({ ångs: ['zoe'], gstr: ['zoe'], tröm: ['zoe'], 'oe@ex': ['zoe'], varez: ['alba'] })
  })

  it('finds whatever the case, the accents, the width and the composition', async () => {
    await expectFound({
      angstrom: ['zoe'],
      ÅNGSTRÖM: ['zoe'],
      'A\u030angstro\u0308m': ['zoe'],
      ａｎｇｓｔｒｏｍ: ['zoe'],
      STRASSE: ['ilker'],
      straße: ['ilker'],
      ilker: ['ilker'],
      İLKER: ['ilker'],
      álvàrëz: ['alba'],
    })
  })

  it('finds words of one and two characters', async () => {
    await expectFound({
      li: ['bo'],
      z: ['zoe', 'alba'],
      ë: ['first.admin', 'zoe', 'bo', 'percent', 'ilker', 'alba'],
      er: ['first.admin', 'percent', 'ilker', 'alba'],
      'z a': ['zoe', 'alba'],
      'z@ l': [],
      '@e': ['zoe', 'bo', 'percent', 'ilker'],
      qq: [],
    })
  })

  it('takes every character for itself', async () => {
    await expectFound({
      '%': ['percent'],
      '%c': ['percent'],
      '%cent': ['percent'],
      _: ['zoe'],
      _o_: ['zoe'],
      '-': ['percent'],
      'r-c': ['percent'],
      '"': ['percent'],
      '"quoted"': ['percent'],
      '"quoted': ['percent'],
      '*': ['percent'],
      'neil*': ['percent'],
      'zo*': [],
      '^zoe': [],
      "'": [],
      '(': [],
      ')': [],
      'zoe)': [],
      '{email}': [],
      'email:zoe': [],
      'email : zoe': [],
      '\\': [],
      ';': [],
      '+': [],
      '?': [],
      '[z]oe': [],
    })
  })

  it('takes AND, OR, NOT and NEAR for words like others', async () => {
    await create({ email: 'words@example.org', name: 'Nearly Andor Notsen' })
    await expectFound({
      AND: ['words'],
      OR: ['zoe', 'bo', 'percent', 'ilker', 'words'],
      NOT: ['words'],
      NEAR: ['words'],
      'zoe OR bo': [],
      'zoe AND bo': [],
      'zoe NOT bo': [],
      'NEAR(zoe bo)': [],
      'near and not or': ['words'],
    })
  })

  it('finds nobody by a control character, which no field holds, not even at the end of one', async () => {
    const controls = [
      '\u0000',
      '\u0001',
      '\u0002',
      '\u007f',
      'li\u0001',
      'i\u0001',
      'example.org\u0001\u0001',
      'zoe\u0000',
      'bo \u0000',
    ]
    for (const text of controls) expect([text, await search(text)]).toEqual([text, []])
  })

  it('takes as many words as there is room for', async () => {
    const letters = Array.from({ length: 100 }, (_, index) => String.fromCodePoint(0x4e00 + index))
    await create({ email: 'long@example.org', name: letters.join(''), first_name: '', last_name: '' })
    expect(await search(letters.join(' '))).toEqual(['long'])
    expect(await search(letters.slice(0, 99).concat('z').join(' '))).toEqual([])
    const threes = Array.from({ length: 50 }, (_, index) => letters.slice(index, index + 3).join('')).join(' ')
    expect(await search(threes, '&sort=-name&status=active&role=user')).toEqual(['long'])
    expect(await search(`${threes.slice(0, 100)} ${letters.slice(0, 49).join(' ')}`)).toEqual(['long'])
  })

  it('takes 200 characters, and answers 400 for more', async () => {
    for (const character of ['a', '𠮷']) {
      expect(await search(character.repeat(200))).toEqual([])
      const tooLong = await list(`search=${encodeURIComponent(character.repeat(201))}`)
      expectInvalid(tooLong, ['search', 'must have at most 200 characters'])
    }
  })

  it('finds everyone where there is no word in it', async () => {
    for (const text of ['', ' ', '\t \u3000']) expect(await search(text)).toHaveLength(6)
  })

  it('follows a change and a deletion', async () => {
    const { body } = await list('search=zoe')
    const path = `/v1/users/${body.data[0].id}`
    const json = { name: 'Renamed Person', email: 'new@example.org', username: null }
    await call(path, { method: 'PATCH', token: admin, json })
    await expectFound({ angstrom: [], zoe: [], z_o: [], renamed: ['new'] })
    await call(path, { method: 'DELETE', token: admin })
    await expectFound({ renamed: [], 'new@': [] })
  })
})

namesEveryTest(readme)

/** v1: searching users. */
import { beforeEach, describe, expect, it } from 'vitest'
import { adminToken, call, freshDirectory, person } from '../../support/usher'
import { namesEveryTest } from '../../support/statements'
import { expectInvalid, statements } from '../../support/v1'

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
  /** The local parts of the emails that a search finds, on one page. */
  async function search(text: string, more = ''): Promise<string[]> {
    const { status, body } = await list(`limit=100&search=${encodeURIComponent(text)}${more}`)
    expect([text, status, body.pagination]).toEqual([text, 200, { next_cursor: null, total: body.data.length }])
    return body.data.map(({ email }: { email: string }) => email.split('@')[0])
  }

  /** Expects the results of several searches, in one comparison. */
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

  it('finds a word in the email, username, name, first and last name, and in no other field', async () => {
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

  it('requires every word, each in any of the fields', async () => {
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

  it('ignores case, accents, width and composition', async () => {
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

  it('treats every character literally', async () => {
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
      "'": ['percent'],
      '(': [],
      ')': [],
      'zoe)': ['zoe'],
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

  it('treats AND, OR, NOT and NEAR as ordinary words', async () => {
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

  it('finds no user by a control character, which no field can hold, even at the end of a word', async () => {
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

  it('accepts as many words as fit next to a long one', async () => {
    const letters = Array.from({ length: 100 }, (_, index) => String.fromCodePoint(0x4e00 + index))
    await create({ email: 'long@example.org', name: letters.join(''), first_name: '', last_name: '' })
    const long = letters.slice(0, 3).join('')
    const withLongWord = (short: string[]) => `${long} ${short.join(' ')}`
    const pairs = Array.from({ length: 65 }, (_, index) => letters.slice(index, index + 2).join(''))
    for (const short of [letters.slice(0, 98), pairs]) {
      for (const more of ['', '&sort=name', '&sort=-created_at&status=active', '&role=user']) {
        expect(await search(withLongWord(short), more)).toEqual(['long'])
        expect(await search(withLongWord(short.with(-1, 'z')), more)).toEqual([])
      }
    }
    const threes = Array.from({ length: 50 }, (_, index) => letters.slice(index, index + 3).join('')).join(' ')
    expect(await search(threes, '&sort=-name&status=active&role=user')).toEqual(['long'])
    expect(await search(`${threes.slice(0, 100)} ${letters.slice(0, 49).join(' ')}`)).toEqual(['long'])
  })

  it('accepts three words of one or two characters, and returns 400 for more without a longer one', async () => {
    await expectFound({ 'z e a': ['zoe', 'alba'], 'zo ng st': ['zoe'], 'z o qq': [], 'o@ li rg': ['bo'] })
    // Repeated words count once, without the punctuation around them.
    await expectFound({ 'z e z E, "a" a; z.': ['zoe', 'alba'], 'a b c dzoe': [] })
    for (const text of ['a b c d', 'aa bb cc dd', 'a, b, c, d', '𠮷 a b c', 'ł ø đ b', 'ab cd ef gh '.repeat(16)]) {
      const tooMany = await list(`search=${encodeURIComponent(text)}`)
      expectInvalid(tooMany, ['search', 'must have at most 3 words, or a word of at least 3 characters'])
    }
  })

  it('finds the same users by short and long words as a comparison of the texts', async () => {
    let state = 20
    const draw = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
    const pick = (from: string, length: number) =>
      Array.from({ length }, () => from[Math.floor(draw() * from.length)]).join('')
    const people = Array.from({ length: 30 }, (_, index) => ({
      email: `${pick('abc', 3)}${index}@x.example`,
      name: `${pick('abcd', 4)} ${pick('abcd', 5)}`,
      username: `${pick('abcde', 6)}-${index}`,
    }))
    for (const one of people) await create(one)
    for (let index = 0; index < 40; index += 1) {
      const words = [pick('abc', 3), pick('abcde', 2), pick('abcde', 2), pick('abcde-', 1), pick('cde', 1)]
      // Without a longer word, three words are allowed.
      const text = (index % 2 ? words.slice(1, 3 + (index % 4 > 1 ? 1 : 0)) : words.slice(0, 2 + (index % 8) / 2)).join(
        ' ',
      )
      const expected = people.filter(({ email, name, username }) =>
        text.split(' ').every((word) => [email, name, username].some((field) => field.includes(word))),
      )
      const others = (await search(text)).filter((one) => !people.some(({ email }) => email.startsWith(`${one}@`)))
      const found = (await search(text, '&sort=email')).filter((one) => !others.includes(one))
      expect([text, found]).toEqual([text, expected.map(({ email }) => email.split('@')[0]).sort()])
    }
  })

  it('finds letters that Unicode does not decompose by their common replacements, and the other way round', async () => {
    for (const [email, name] of [
      ['polish', 'Łukasz Żółć'],
      ['danish', 'Søren Ærø'],
      ['serbian', 'Đorđe Ćirić'],
      ['french', 'Sœur Lætitia'],
      ['german', 'GROẞE Weiß'],
      ['icelandic', 'Þórður Guðmundsson'],
      ['maltese', 'Ħal Għaxaq'],
      ['turkish', 'Işıl Yıldız'],
      ['sami', 'Áŋŋel Ŧuolbma'],
      ['greek', 'ΟΔΥΣΣΕΥΣ'],
      ['plain', 'lukasz soren dorde'],
    ]) {
      await create({ email: `${email}@y.example`, name })
    }
    await expectFound({
      'lukasz zolc': ['polish'],
      'LUKASZ y.example': ['polish', 'plain'],
      'łukasz y.example': ['polish', 'plain'],
      'soren aero': ['danish'],
      'SØREN y.example': ['danish', 'plain'],
      'dorde ciric': ['serbian'],
      'soeur laetitia': ['french'],
      'grosse weiss': ['german'],
      große: ['german'],
      'thordur gudmundsson': ['icelandic'],
      'hal ghaxaq': ['maltese'],
      'isil yildiz': ['turkish'],
      'ISIL yıldız': ['turkish'],
      'annel tuolbma': ['sami'],
      οδυσσεύς: ['greek'],
      υσσευσ: ['greek'],
    })
  })

  it('finds typographic apostrophes, quotes and hyphens by the plain ones, and the other way round', async () => {
    await create({ email: 'straight@y.example', name: "Ann-Lou O'Shea D'Arc" })
    await create({ email: 'curly@y.example', name: 'Ann\u2010Lou O\u2019Shea D\u02bcArc', username: 'c\u201cd' })
    const both = ['straight', 'curly']
    for (const apostrophe of ["'", '\u2019', '\u2018', '\u02bc', '\u00b4', '\u2032', '\uff07']) {
      await expectFound({ [`o${apostrophe}shea`]: both, [`D${apostrophe}A`]: both })
    }
    for (const hyphen of ['-', '\u2010', '\u2011', '\u2013']) await expectFound({ [`ann${hyphen}lou`]: both })
    for (const quote of ['"', '\u201c', '\u201d', '\u00ab']) await expectFound({ [`c${quote}d`]: ['curly'] })
  })

  it('ignores punctuation around a word', async () => {
    await create({ email: 'lara@y.example', name: 'Lara Vel', username: 'lv.' })
    for (const text of [
      'Vel, Lara',
      '"Lara Vel"',
      '\u201cLara Vel\u201d',
      '\u00abLara\u00bb Vel!',
      '(Vel) Lara;',
      'Lara Vel.',
      "'Lara' [Vel]",
      '... lara , vel ?',
      '¿Lara Vel?',
    ]) {
      expect([text, await search(text)]).toEqual([text, ['lara']])
    }
    // Punctuation inside a word, or as a word of its own, is searched for.
    await expectFound({ 'lara,vel': [], 'lara.vel': [], 'lara@y': ['lara'], '"': ['percent'] })
  })

  it('accepts 200 characters, and returns 400 for more', async () => {
    for (const character of ['a', '𠮷']) {
      expect(await search(character.repeat(200))).toEqual([])
      const tooLong = await list(`search=${encodeURIComponent(character.repeat(201))}`)
      expectInvalid(tooLong, ['search', 'must have at most 200 characters'])
    }
  })

  it('finds every user when it contains no word', async () => {
    for (const text of ['', ' ', '\t \u3000']) expect(await search(text)).toHaveLength(6)
  })

  it('reflects a change and a deletion', async () => {
    const { body } = await list('search=zoe')
    const path = `/v1/users/${body.data[0].id}`
    const json = { name: 'Renamed Person', email: 'new@example.org', username: null }
    await call(path, { method: 'PATCH', token: admin, json })
    await expectFound({ angstrom: [], zoe: [], z_o: [], renamed: ['new'] })
    await call(path, { method: 'DELETE', token: admin })
    await expectFound({ renamed: [], 'new@': [] })
  })

  it('finds a name that used to be part of the email, after the email has changed', async () => {
    await create({ email: 'vera.lind@example.org', name: 'Vera Lind', username: 'lind' })
    const { body } = await list('search=lind')
    const path = `/v1/users/${body.data[0].id}`
    await call(path, { method: 'PATCH', token: admin, json: { email: 'office@example.org' } })
    await expectFound({ 'vera lind': ['office'], 'vera.lind': [], 'l i nd': ['office'] })
    await call(path, { method: 'PATCH', token: admin, json: { email: 'vera.lind@example.org', name: 'Vera Berg' } })
    await expectFound({ 'vera berg': ['vera.lind'], 'vera lind': ['vera.lind'] })
  })
})

namesEveryTest(statements)

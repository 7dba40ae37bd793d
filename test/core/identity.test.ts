/** Which characters text may hold, and when two identifiers count as equal. */
import { beforeEach, describe, expect, it } from 'vitest'
import { fold } from '../../src/core/users/text'
import { importing } from '../support/imports'
import { adminToken, call, freshDirectory, person, roleIds, rows, signIn, uuidOf } from '../support/usher'

describe('the folded form of text', () => {
  it.each([
    ['case', 'Straße', 'STRASSE', 'strasse'],
    ['case where one letter becomes two', 'İstanbul', 'i\u0307stanbul'],
    ['case without a dot', 'ısı', 'ISI', 'isi'],
    ['case at the end of a word', 'ΟΔΟΣ', 'οδος', 'οδοσ'],
    ['width', 'ｎｏｏｒ４２', 'noor42'],
    ['ligatures', 'ﬁona', 'fiona'],
    ['composition', 'Zoe\u0308', 'Zo\u00eb'],
    ['signs that stand for letters', '\u212aelvin \u017f', 'kelvin s'],
    [
      'invisible code points',
      'no\u200bor',
      'no\u00ador',
      '\ufeffnoor',
      'noor\u2060',
      'noor\ufe0f',
      'no\u{e0061}or',
      'noor',
    ],
  ])('is the same for spellings that differ in %s', (_, ...spellings) => {
    expect(new Set(spellings.map(fold)).size).toBe(1)
  })

  it('differs for words that people read as different', () => {
    const different = ['noor', 'nóor', 'no.or', 'noor1', 'n00r', 'нoor', 'noor ', 'no-or', '007', '7']
    expect(new Set(different.map(fold)).size).toBe(different.length)
  })

  it('of every character folds to itself, and equals the fold of the character’s other forms', () => {
    const unstable: string[] = []
    for (let codePoint = 0; codePoint <= 0x10ffff; codePoint += 1) {
      if (codePoint >= 0xd800 && codePoint <= 0xdfff) continue
      const character = String.fromCodePoint(codePoint)
      const folded = fold(character)
      const forms = [folded, character.toUpperCase(), character.toLowerCase(), character.normalize('NFD')]
      if (forms.some((form) => form !== character && fold(form) !== folded)) unstable.push(codePoint.toString(16))
    }
    expect(unstable).toEqual([])
  })
})

describe('text in the directory', () => {
  freshDirectory()

  let admin: string
  beforeEach(async () => {
    admin = await adminToken()
  })

  const create = (fields: Record<string, unknown>) => call('/v1/users', { token: admin, json: person(fields) })
  const remove = (id: string) => call(`/v1/users/${id}`, { token: admin, method: 'DELETE' })
  const conflict = (field: string) => [409, `Taken: ${field}.`]

  describe('an identifier', () => {
    it.each([
      ['email', 'Noor.Haddad@example.org', 'noor.haddad@example.org'],
      ['email', 'noor@example.org', 'NOOR@EXAMPLE.ORG'],
      ['email', 'noor@example.org', 'ｎｏｏｒ@example.org'],
      ['email', 'zoé@example.org', 'zoe\u0301@example.org'],
      ['email', 'zoé@example.org', 'ZOE\u0301@example.org'],
      ['email', 'straße@example.org', 'strasse@example.org'],
      ['email', 'noor@bücher.example', 'noor@BU\u0308CHER.example'],
      ['username', 'Noor', 'nOOR'],
      ['username', 'noor42', 'ｎｏｏｒ４２'],
      ['username', 'zoë', 'zoe\u0308'],
      ['username', 'ﬁona', 'FIONA'],
      ['username', '7', '007'],
      ['username', '０００７', '07'],
      ['username', '0', '000'],
      ['email', 'noor@bücher.example', 'noor@xn--bcher-kva.example'],
      ['email', 'noor@XN--BCHER-KVA.example', 'noor@bücher.example'],
      ['matricule', 42, 42],
      ['matricule', 0, 0],
    ])('counts as taken in every spelling: %s %j and %j', async (field, taken, asked) => {
      expect((await create({ [field]: taken })).status).toBe(201)
      const { status, body } = await create({ [field]: asked })
      expect([status, body.detail]).toEqual(conflict(field))
    })

    it.each([
      ['username', 'x.y@example.org', 'email', 'X.Y@example.org'],
      ['email', 'X.Y@example.org', 'username', 'ｘ.y@example.org'],
      ['matricule', 4242, 'username', '4242'],
      ['matricule', 4242, 'username', '４２４２'],
      ['username', '４２４２', 'matricule', 4242],
      ['username', '0', 'matricule', 0],
      ['matricule', 77, 'username', '0077'],
      ['matricule', 77, 'username', '００７７'],
      ['username', '0077', 'matricule', 77],
      ['username', '０００７７', 'matricule', 77],
      ['matricule', 0, 'username', '00'],
      ['username', '000', 'matricule', 0],
      ['matricule', 9_007_199_254_740_991, 'username', '9007199254740991'],
    ])(
      'shares one namespace with the other identifiers: a %s %j takes the %s %j',
      async (field, taken, other, asked) => {
        expect((await create({ [field]: taken })).status).toBe(201)
        const { status, body } = await create({ [other]: asked })
        expect([status, body.detail]).toEqual(conflict(other))
      },
    )

    it('counts as taken in every spelling when another user is updated', async () => {
      const { body: one } = await create({ matricule: 77 })
      const { body: other } = await create({ username: '0088' })
      const patch = (id: string, json: object) => call(`/v1/users/${id}`, { method: 'PATCH', token: admin, json })
      expect((await patch(other.id, { username: '0077' })).body.detail).toBe('Taken: username.')
      expect((await patch(one.id, { matricule: 88 })).body.detail).toBe('Taken: matricule.')
      const json = { user_id: '0077', matricule: '0088' }
      expect((await call('/personnel/users/update', { method: 'PUT', token: admin, json })).status).toBe(409)
      expect((await patch(one.id, { username: '00077' })).body.username).toBe('00077')
      expect((await patch(other.id, { username: '88' })).body.username).toBe('88')
    })

    it('counts as taken in every spelling for the rows after an import row', async () => {
      await create({ matricule: 77, username: '66' })
      const row = (email: string, fields: object) => ({ email, name: 'Somebody New', ...fields })
      const rowsSent = [
        row('a@example.org', { username: '0077' }),
        row('b@example.org', { matricule: 66 }),
        row('c@example.org', { matricule: 5 }),
        row('d@example.org', { username: '００５' }),
        row('e@example.org', { username: '000' }),
        row('f@example.org', { matricule: 0 }),
      ]
      for (const path of ['/v1/imports?dry_run=true', '/v1/imports']) {
        const { outcomes } = await importing(admin, rowsSent, { path })
        const [username, matricule] = ['username is taken', 'matricule is taken']
        expect(outcomes).toEqual([username, matricule, 'created', username, 'created', matricule])
      }
    })

    it.each([
      ...[
        'a@ex.example/zzz',
        'a@ex.example:99',
        'a@ex.example?x',
        'a@ex.example#x',
        'a@ex%61mple.example',
        'a@ex.example.',
      ],
      ...['a@ex。example', 'b@a@ex.example@ex.example', 'a@1.0.0.127'],
    ])('is compared as it looks, not as a URL parser reads it: %s', async (username) => {
      for (const email of ['a@ex.example', 'a@example.example', 'a@1.0x7f']) {
        expect((await create({ email })).status).toBe(201)
      }
      const { status, body } = await create({ username })
      expect([status, body.username]).toEqual([201, username])
    })

    it('may be used twice by the same user', async () => {
      expect((await create({ email: 'twice@example.org', username: 'TWICE@example.org' })).status).toBe(201)
      expect((await create({ matricule: 77, username: '77' })).status).toBe(201)
      expect((await create({ matricule: 78, username: '７８' })).status).toBe(201)
      expect((await create({ matricule: 79, username: '0079' })).status).toBe(201)
      expect((await create({ username: '7' })).status).toBe(201)
    })

    it('signs its user in, in every spelling', async () => {
      const input = { email: 'Zoé@example.org', username: 'ﬁona.Z', matricule: 314, password: 'a fine passphrase' }
      const { body } = await create(input)
      for (const typed of ['ZOE\u0301@EXAMPLE.ORG', 'zoé@example.org', 'FIONA.z', 'fi\u200bona.z', '314', '３１４']) {
        expect((await signIn(typed, 'a fine passphrase')).user.id).toBe(body.id)
      }
    })

    it('is free again once its user is deleted, and not before', async () => {
      const identifiers = { email: 'gone@example.org', username: 'Gone', matricule: 8 }
      const { body: gone } = await create(identifiers)
      await call(`/personnel/users/delete/${uuidOf(gone.id)}`, { token: admin, method: 'DELETE' })
      for (const [field, value] of Object.entries(identifiers)) {
        expect((await create({ [field]: value })).status).toBe(409)
      }
      expect((await remove(gone.id)).status).toBe(204)
      const { status, body } = await create(identifiers)
      expect(status).toBe(201)
      expect(body.id).not.toBe(gone.id)
    })

    it('used twice by one user is freed once, and identifiers of other users stay', async () => {
      const { body: twice } = await create({ email: 'twice@example.org', username: 'twice@example.org', matricule: 9 })
      await create({ email: 'stays@example.org', username: 'stays', matricule: 10 })
      await remove(twice.id)
      expect((await create({ username: 'TWICE@example.org' })).status).toBe(201)
      for (const taken of [{ email: 'stays@example.org' }, { username: 'stays' }, { matricule: 10 }]) {
        expect((await create(taken)).status).toBe(409)
      }
    })

    it('is free again after a change, and the new identifier is taken', async () => {
      const { body: one } = await create({ email: 'before@example.org', matricule: 11 })
      const json = { user_id: uuidOf(one.id), email: 'after@example.org', matricule: 12 }
      expect((await call('/personnel/users/update', { token: admin, method: 'PUT', json })).status).toBe(200)
      expect((await create({ email: 'AFTER@example.org' })).status).toBe(409)
      expect((await create({ username: '12' })).status).toBe(409)
      expect((await create({ email: 'before@example.org', username: '11' })).status).toBe(201)
    })

    it.each([
      ['email', () => ({ email: 'one@example.org' })],
      ['username', () => ({ username: 'the-one' })],
      ['matricule', () => ({ matricule: 1 })],
      [
        'username, spelt in ten ways',
        (index: number) => ({
          username: [...'the-one-and-only']
            .map((letter, at) => (at === index ? letter.toUpperCase() : letter))
            .join(''),
        }),
      ],
      [
        'username of some and email of others',
        (index: number) => (index % 2 ? { username: 'both@example.org' } : { email: 'both@example.org' }),
      ],
    ])('requested ten times at once is given to one user: %s', async (_, fields) => {
      const before = await rows('SELECT number FROM users')
      const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => create(fields(index))))
      expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(9).fill(409)])
      expect(await rows('SELECT number FROM users')).toHaveLength(before.length + 1)
      expect(await rows("SELECT id FROM audit_events WHERE action = 'user.created'")).toHaveLength(before.length + 1)
    })
  })

  describe('an email', () => {
    it.each([
      ['Mara.Novak@Example.ORG', 'Mara.Novak@example.org'],
      ['ÉLISE@BÜCHER.example', 'ÉLISE@bücher.example'],
      ['E\u0301lise@bu\u0308cher.example', 'Élise@bücher.example'],
      ["o'brien+tag@mail.sub.example.org", "o'brien+tag@mail.sub.example.org"],
      ['x@y.example', 'x@y.example'],
      ['李@例え.例', '李@例え.例'],
      ['x@xn--bcher-kva.example', 'x@xn--bcher-kva.example'],
    ])('keeps its local part as sent and its domain in lower case: %j', async (sent, kept) => {
      const { status, body } = await create({ email: sent, certified_email: sent })
      expect([status, body.email, body.certified_email]).toEqual([201, kept, kept])
    })

    it.each([
      ...['plain', '@example.org', 'x@', 'x@example', 'x@@example.org', 'x@y@example.org', 'x y@example.org'],
      ...['.x@example.org', 'x.@example.org', 'x..y@example.org', 'x@-example.org', 'x@example-.org', 'x@example..org'],
      ...['x@.example.org', 'x@example.org.', 'x@127.0.0.1', 'x@[127.0.0.1]', '"x y"@example.org', 'x@exa_mple.org'],
      ...['<x@example.org>', 'X <x@example.org>', 'x@example.org, y@example.org', ' x@example.org', 'x@example.org '],
      ...['', ' ', `${'x'.repeat(65)}@example.org`, `x@${'y'.repeat(64)}.example`, '\u0301@'],
    ])('is rejected when it is not an address: %j', async (sent) => {
      const { status, body } = await create({ email: sent })
      expect([status, body.errors]).toEqual([400, [{ field: 'email', message: 'must be an email address' }]])
    })

    it('has at most 254 characters, even when lower case changes its length', async () => {
      const of = (length: number) =>
        `x@${'y'.repeat(62)}.${'y'.repeat(62)}.${'y'.repeat(62)}.${'y'.repeat(length - 191)}`
      expect((await create({ email: of(254) })).body.email).toBe(of(254))
      expect((await create({ email: of(255) })).status).toBe(400)
      const growing = `x@${`${'İ'.repeat(31)}.`.repeat(6)}example`
      expect([...growing].length).toBeLessThan(254)
      const { status, body } = await create({ email: growing })
      expect([status, body.errors]).toEqual([400, [{ field: 'email', message: 'must have at most 254 characters' }]])
    })
  })

  const textFields = ['name', 'first_name', 'last_name', 'phone', 'mobile', 'email', 'certified_email', 'username']
  const namesAndPhones = ['name', 'first_name', 'last_name', 'phone', 'mobile']
  const holding = (field: string, character: string) =>
    field.includes('email') ? `a${character}b@example.org` : `a${character}b`

  describe('every text field', () => {
    it.each([
      ['NUL', '\0'],
      ['a line feed', '\n'],
      ['a tab', '\t'],
      ['a bell', '\u0007'],
      ['delete', '\u007f'],
      ['a C1 control', '\u0085'],
      ['a line separator', '\u2028'],
      ['a paragraph separator', '\u2029'],
      ['a high surrogate alone', '\ud800'],
      ['a low surrogate alone', '\udfff'],
      ['an override of direction', '\u202e'],
      ['an isolate of direction', '\u2066'],
      ['the end of an isolate', '\u2069'],
      ['a right-to-left mark', '\u200f'],
      ['a left-to-right mark', '\u200e'],
      ['an Arabic letter mark', '\u061c'],
      ['a blank without width', '\u200b'],
      ['a soft hyphen', '\u00ad'],
      ['a word joiner', '\u2060'],
      ['a byte order mark', '\ufeff'],
      ['a Hangul filler', '\u3164'],
      ['a tag', '\u{e0041}'],
    ])('rejects %s', async (_, character) => {
      const sent = Object.fromEntries(textFields.map((field) => [field, holding(field, character)]))
      const { status, body } = await create(sent)
      expect(status).toBe(400)
      const refused = body.errors.map(({ field }: { field: string }) => field)
      expect(refused.sort()).toEqual([...textFields].sort())
      for (const { field, message } of body.errors) {
        const blank = field === 'username' && /\s/u.test(character)
        expect(message).toBe(blank ? 'must not contain blanks' : 'must not contain control or invisible characters')
      }
      const nom = `a${character}b`
      const json = { matricule: 5, nom, email: 'x@example.org', password: 'a fine passphrase', role_id: roleIds.user }
      expect((await call('/personnel/users/create', { token: admin, json })).status).toBe(422)
    })

    it('rejects text that is not UTF-8 instead of storing a replacement', async () => {
      const json = JSON.stringify(person({ name: 'a?b' }))
      const bytes = Uint8Array.from(new TextEncoder().encode(json), (byte) => (byte === 0x3f ? 0xe9 : byte))
      const headers = { 'content-type': 'application/json' }
      const { status, body } = await call('/v1/users', { token: admin, body: bytes, headers })
      expect([status, body.detail]).toEqual([400, 'The body is not JSON in UTF-8.'])
    })

    it.each([
      ['a joiner', '👩\u200d🔬'],
      ['a non-joiner', 'می\u200cخواهم'],
      ['a variation selector', '❤\ufe0f'],
      ['an ideographic variation selector', '葛\u{e0100}'],
      ['letters beyond the first plane', '𠮷野'],
      ['a letter with marks that do not compose', 'Ṇ̃'],
      ['an apostrophe, markup and SQL, which mean nothing here', `O'Brien <b>&amp;</b> "; DROP TABLE users; --`],
    ])('that is a name accepts %s, and stores it unchanged', async (_, text) => {
      const sent = { name: text, first_name: text, last_name: text, username: null }
      const { status, body } = await create(sent)
      expect(status).toBe(201)
      const [stored] = await rows('SELECT name, given_name, family_name FROM users WHERE id = ?', uuidOf(body.id))
      expect(stored).toEqual({ name: body.name, given_name: body.first_name, family_name: body.last_name })
      expect([body.name, body.first_name, body.last_name]).toEqual(Array(3).fill(text.normalize('NFC')))
      expect((await call(`/v1/users/${body.id}`, { token: admin })).body).toEqual(body)
    })

    it.each(['\u200d', '\u200c', '\ufe0f', '\u{e0100}'])(
      'that is an identifier rejects joiners and variation selectors: %j',
      async (character) => {
        const sent = {
          email: `a${character}b@example.org`,
          username: `a${character}b`,
          certified_email: `a@b${character}.example`,
        }
        const { status, body } = await create(sent)
        expect([status, body.errors.map(({ field }: { field: string }) => field)]).toEqual([
          400,
          ['email', 'username', 'certified_email'],
        ])
      },
    )

    const joiners = ['\u200d', '\u200c', '\ufe0f', '\u{e0100}']
    const elsewhere: [field: string, path: string, body: (text: string) => object][] = [
      ['phone', '/v1/users', (phone) => person({ phone })],
      ['mobile', '/v1/users', (mobile) => person({ mobile })],
      ['name', '/v1/roles', (name) => ({ name, permissions: [] })],
      ['description', '/v1/roles', (description) => ({ name: 'porter', permissions: [], description })],
      ['name', '/v1/api-keys', (name) => ({ name, permissions: [] })],
      ['description', '/v1/webhooks', (description) => ({ url: 'https://apps.example/usher', description })],
    ]
    it.each(elsewhere)(
      'that is not a name rejects joiners and variation selectors: %s of %s',
      async (field, path, body) => {
        for (const joiner of joiners) {
          const { status, body: problem } = await call(path, { token: admin, json: body(`a${joiner}b`) })
          const message = 'must not contain control or invisible characters'
          expect([status, problem.errors]).toEqual([400, [{ field, message }]])
        }
      },
    )

    it('that is not a name rejects joiners and variation selectors in updates and imports too', async () => {
      const { body: one } = await create({})
      const role = await call('/v1/roles', { token: admin, json: { name: 'porter', permissions: [] } })
      for (const joiner of joiners) {
        const text = `1${joiner}2`
        for (const [path, json] of [
          [`/v1/users/${one.id}`, { phone: text }],
          ['/v1/me', { mobile: text }],
          [`/v1/roles/${role.body.id}`, { description: text }],
        ] as const) {
          expect((await call(path, { method: 'PATCH', token: admin, json })).status).toBe(400)
        }
        const { outcomes } = await importing(admin, [{ email: 'x@example.org', name: 'X', phone: text, mobile: text }])
        expect(outcomes[0]).toMatch(/^phone must not contain .*; mobile must not contain /)
        const form = {
          username: 'ines',
          first_name: 'Ines',
          last_name: 'Caron',
          email: 'ines@example.org',
          user_type: 'CL',
          gender: 'F',
          phone: text,
        }
        const answer = await call('/clinic/users/user/new/', { token: admin, form })
        expect([answer.body.success, answer.body.errors]).toEqual([false, expect.stringContaining('phone: ')])
      }
    })

    it('is stored as it is returned, in composed form', async () => {
      const decomposed = 'Zoe\u0308 A\u030angstro\u0308m'
      const sent = {
        ...Object.fromEntries(namesAndPhones.map((field) => [field, decomposed])),
        email: 'Zoe\u0308@BU\u0308cher.example',
        certified_email: 'Zoe\u0308@BU\u0308cher.example',
        username: 'Zoe\u0308',
      }
      const { status, body } = await create(sent)
      expect(status).toBe(201)
      for (const field of namesAndPhones) expect(body[field]).toBe('Zoë Ångström')
      expect(body).toMatchObject({
        email: 'Zoë@bücher.example',
        certified_email: 'Zoë@bücher.example',
        username: 'Zoë',
      })
      const [stored] = await rows('SELECT * FROM users WHERE id = ?', uuidOf(body.id))
      expect(stored).toMatchObject({
        name: body.name,
        given_name: body.first_name,
        family_name: body.last_name,
        phone_number: body.phone,
        mobile_number: body.mobile,
        email: body.email,
        certified_email: body.certified_email,
        username: body.username,
      })
    })

    it.each([
      ['name', 200],
      ['first_name', 100],
      ['last_name', 100],
      ['phone', 32],
      ['mobile', 32],
      ['username', 128],
    ])('is measured in code points: %s has at most %i', async (field, max) => {
      for (const character of ['x', '𠮷', 'e\u0301']) {
        const { status, body } = await create({ [field]: character.repeat(max) })
        expect([status, body[field]]).toEqual([201, character.repeat(max).normalize('NFC')])
        await remove(body.id)
        const { status: refused, body: problem } = await create({ [field]: character.repeat(max + 1) })
        expect([refused, problem.errors]).toEqual([400, [{ field, message: `must have at most ${max} characters` }]])
      }
    })

    it('is measured in code points: an email has at most 64 before the @', async () => {
      for (const character of ['x', '𠮷']) {
        const { status, body } = await create({ email: `${character.repeat(64)}@example.org` })
        expect([status, body.email]).toEqual([201, `${character.repeat(64)}@example.org`])
        expect((await create({ email: `${character.repeat(65)}@example.org` })).status).toBe(400)
      }
    })
  })

  describe('a username', () => {
    it.each(['', ' ', 'a b', ' ab', 'ab ', 'a\u00a0b', 'a\u3000b'])('rejects blanks: %j', async (username) => {
      const { status, body } = await create({ username })
      const message = username === '' ? 'must not be blank' : 'must not contain blanks'
      expect([status, body.errors]).toEqual([400, [{ field: 'username', message }]])
    })

    it('is optional for any number of users', async () => {
      for (const username of [null, undefined, null]) {
        const { status, body } = await create({ username })
        expect([status, body.username, body.matricule]).toEqual([201, null, null])
      }
    })
  })
})

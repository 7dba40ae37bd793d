/// <reference types="vite/client" />
/** clinic: creating and reading a user. */
import { beforeEach, describe, expect, it } from 'vitest'
import statements from './STATEMENTS.md?raw'
import {
  asJson,
  clerk,
  create,
  created,
  expectFailure,
  expectSuccess,
  ines,
  inesInFull,
  inesShown,
  info,
  jsonNeither,
  jsonNo,
  jsonYes,
  kinds,
  login,
  neitherYesNorNo,
  notAllowed,
  plainUser,
  throughV1,
  wordsForNo,
  wordsForYes,
  type Fields,
} from '../../support/clinic'
import { namesEveryTest } from '../../support/statements'
import { adminToken, call, freshDirectory, person, rows, signIn } from '../../support/usher'

freshDirectory()
let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const refusal = (...lines: string[]) => ['Unable to create user.', ...lines].join('\n')
const isRequired = (field: string) => `${field}: This field is required.`
const everyRequired = Object.keys(ines)
const emailOf = (length: number) => `${'m'.repeat(64)}@${'d'.repeat(63)}.${'d'.repeat(63)}.${'e'.repeat(length - 193)}`

describe('POST /users/user/new/', () => {
  it('returns success, the message and the record, keys in order, byte for byte', async () => {
    const answer = await create(admin, inesInFull)
    const { uid } = answer.body.data
    expect(uid).toMatch(/^[0-9a-f]{12}7[0-9a-f]{19}$/)
    expectSuccess(answer, 'User 2 successfully created.', { id: '2', uid, ...inesShown })
  })

  it('accepts a form, a multipart form and JSON alike', async () => {
    for (const [index, [, kind]] of kinds.entries()) {
      const [username, email] = [`ines${index}`, `ines${index}@example.org`]
      const { body } = await create(admin, { ...inesInFull, username, email }, kind)
      const { id, uid } = body.data
      expect(body.data).toEqual({ id, uid, ...inesShown, username, email })
    }
  })

  it('requires six fields, and sets the others to their documented defaults', async () => {
    for (const [index, [, kind]] of kinds.entries()) {
      const [username, email] = [`ines${index}`, `ines${index}@example.org`]
      const { body } = await create(admin, { ...ines, username, email }, kind)
      expect(body.data).toEqual({
        id: body.data.id,
        uid: body.data.uid,
        username,
        first_name: 'Inès',
        last_name: 'Caron',
        email,
        birth_date: null,
        is_staff: true,
        is_active: true,
        is_admin: false,
        user_type: inesShown.user_type,
        gender: inesShown.gender,
        phone: null,
        mobile: null,
        certified_email: null,
      })
    }
    const nothing = { birth_date: '', phone: '', mobile: ' ', certified_email: '', numeric_password: '', password: '' }
    expect((await created(admin, nothing)).mobile).toBeNull()
  })

  it('reports each required field that is absent, empty, blank or null', async () => {
    for (const field of everyRequired) {
      for (const [, kind] of kinds) {
        for (const nothing of [undefined, '', '   ', null]) {
          expectFailure(await create(admin, { ...inesInFull, [field]: nothing }, kind), refusal(isRequired(field)))
        }
      }
    }
    for (const [, kind] of kinds)
      expectFailure(await create(admin, {}, kind), refusal(...everyRequired.map(isRequired)))
    expect(await rows('SELECT * FROM users')).toHaveLength(1)
  })

  it('reports every invalid field on its own line, in order, and never repeats the sent value', async () => {
    const wrong: [string, unknown, string][] = [
      ['username', 'two words', 'This value may not contain blanks.'],
      ['username', '\u0007bell', 'Enter a valid value.'],
      ['first_name', 'Inès\u202e', 'Enter a valid value.'],
      ['last_name', 'Ca\u0000ron', 'Enter a valid value.'],
      ['email', '<b>ines</b>', 'Enter a valid email address.'],
      ['birth_date', '1988-02-30', 'Enter a valid date.'],
      ['user_type', '<i>CL</i>', 'Select one of AD, TE, CL, ST.'],
      ['gender', 'X', 'Select one of M, F, U.'],
      ['phone', '+33\u0007', 'Enter a valid value.'],
      ['mobile', '0'.repeat(21), 'Ensure this value has at most 20 characters.'],
      ['certified_email', 'nobody', 'Enter a valid email address.'],
      ['numeric_password', '48211', 'Enter four digits.'],
      ['password', 'short', 'Ensure this value has at least 8 characters.'],
      ['password', 'p'.repeat(129), 'Ensure this value has at most 128 characters.'],
      ['password', 'password123', 'This password is too common.'],
      ['password', ines.email, 'This password may not be the email, username or name.'],
      ['password', `${ines.first_name} ${ines.last_name}`, 'This password may not be the email, username or name.'],
    ]
    for (const [, kind] of kinds) {
      for (const [field, value, sentence] of wrong) {
        const answer = await create(admin, { ...inesInFull, [field]: value }, kind)
        expectFailure(answer, refusal(`${field}: ${sentence}`))
      }
      const all = Object.fromEntries(wrong.slice(0, 13).map(([field, value]) => [field, value]))
      const sentences = new Map(wrong.slice(0, 13).map(([field, , sentence]) => [field, sentence]))
      const lines = [...sentences].map(([field, sentence]) => `${field}: ${sentence}`)
      expectFailure(await create(admin, all, kind), refusal(...lines))
    }
    expect(await rows('SELECT * FROM users')).toHaveLength(1)
  })

  it('rejects JSON values that a form could not express', async () => {
    const sentence = (field: string) => {
      if (field === 'user_type') return 'Select one of AD, TE, CL, ST.'
      return field === 'gender' ? 'Select one of M, F, U.' : 'Enter a valid value.'
    }
    const texts = Object.keys(inesInFull).filter((field) => !field.startsWith('is_'))
    for (const field of texts) {
      for (const value of [true, ['x'], { text: 'x' }]) {
        const answer = await create(admin, { ...inesInFull, [field]: value }, asJson)
        expectFailure(answer, refusal(`${field}: ${sentence(field)}`))
      }
    }
  })

  it('accepts text up to the documented length in code points, and no longer', async () => {
    const limits: [string, number, (length: number) => string][] = [
      ['username', 30, (length) => 'é'.repeat(length)],
      ['first_name', 50, (length) => '𝌆'.repeat(length)],
      ['last_name', 50, (length) => 'e\u0301'.repeat(length)],
      ['email', 250, emailOf],
      ['phone', 20, (length) => '0'.repeat(length)],
      ['mobile', 20, (length) => '0'.repeat(length)],
      ['certified_email', 254, emailOf],
    ]
    for (const [index, [field, max, ofLength]] of limits.entries()) {
      const user = { ...inesInFull, username: `ines${index}`, email: `ines${index}@example.org` }
      const over = await create(admin, { ...user, [field]: ofLength(max + 1) })
      expectFailure(over, refusal(`${field}: Ensure this value has at most ${max} characters.`))
      const { body } = await create(admin, { ...user, [field]: ofLength(max) })
      expect(body.data[field]).toBe(ofLength(max).normalize('NFC'))
    }
  })

  it('reads a birth date in common formats, and shows its day', async () => {
    const written: [string, string | null][] = [
      ['1980-07-08', '08 Jul 1980'],
      ['1980-07-08T00:00:00', '08 Jul 1980'],
      ['1980-07-08T22:30:00Z', '08 Jul 1980'],
      ['1980-07-08T00:00:00.000Z', '08 Jul 1980'],
      ['1980-07-08T23:59:59.123456+00:00', '08 Jul 1980'],
      ['1980-07-08T00:30:00-05:00', '08 Jul 1980'],
      ['1980-07-08 00:00:00', '08 Jul 1980'],
      ['07/08/1980', '08 Jul 1980'],
      ['7/8/1980', '08 Jul 1980'],
      ['12/31/1999', '31 Dec 1999'],
      ['08 Jul 1980', '08 Jul 1980'],
      ['8 jul 1980', '08 Jul 1980'],
      ['29 Feb 1984', '29 Feb 1984'],
      [' 1980-07-08 ', '08 Jul 1980'],
      ['', null],
    ]
    for (const [index, [birth_date, shown]] of written.entries()) {
      const user = { ...ines, username: `ines${index}`, email: `ines${index}@example.org`, birth_date }
      const { body } = await create(admin, user, kinds[index % 3]![1])
      expect([birth_date, body.data?.birth_date]).toEqual([birth_date, shown])
      expect((await throughV1(admin, body.data.uid)).body.birth_date).toBe(shown === null ? null : dayOf(shown))
    }
    const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
    for (const [index, month] of months.entries()) {
      const user = { ...ines, username: `month${index}`, email: `month${index}@example.org` }
      const { body } = await create(admin, { ...user, birth_date: `${index + 1}/05/1980` })
      expect(body.data.birth_date).toBe(`05 ${month} 1980`)
    }
  })

  it('rejects an invalid birth date', async () => {
    const none = [
      ...['1980-02-30', '1980-13-01', '13/01/1980', '02/29/1981', '31 Apr 1980', '08 July 1980', '08 Jux 1980'],
      ...['8.7.1980', '1980/07/08', '19800708', '80-07-08', 'yesterday', '1980-07-08T25:00:00', '1980-07-08T10:61:00'],
      ...['1980-07-08Tnoon', '1980-07-08 trailing', '1980-7-8'],
    ]
    for (const birth_date of none) {
      const answer = await create(admin, { ...ines, birth_date })
      expectFailure(answer, refusal('birth_date: Enter a valid date.'))
    }
    const number = await create(admin, { ...ines, birth_date: 331_862_400 }, asJson)
    expectFailure(number, refusal('birth_date: Enter a valid date.'))
  })

  it('reads the words for yes and no in any letter case, and an empty value as no', async () => {
    const flags = (value: unknown) => ({ is_staff: value, is_active: value, is_admin: value })
    const said: [unknown, boolean][] = [
      ...wordsForNo.map((value): [unknown, boolean] => [value, false]),
      ...wordsForYes.map((value): [unknown, boolean] => [value, true]),
    ]
    const onlyJson: [unknown, boolean][] = [
      ...jsonNo.map((value): [unknown, boolean] => [value, false]),
      ...jsonYes.map((value): [unknown, boolean] => [value, true]),
    ]
    let people = 0
    const expectRead = async ([value, expected]: [unknown, boolean], kind: (typeof kinds)[number][1]) => {
      people += 1
      const user = { ...ines, username: `ines${people}`, email: `ines${people}@example.org` }
      const { body } = await create(admin, { ...user, ...flags(value) }, kind)
      const { is_staff, is_active, is_admin } = body.data
      expect([value, is_staff, is_active, is_admin]).toEqual([value, expected, expected, expected])
    }
    for (const [index, user] of said.entries()) await expectRead(user, kinds[index % 3]![1])
    for (const user of onlyJson) await expectRead(user, asJson)
  })

  it('rejects any other word for a checkbox, so that no word grants a privilege by accident', async () => {
    const fields = ['is_staff', 'is_active', 'is_admin']
    for (const [, kind] of kinds) {
      for (const value of kind === asJson ? [...neitherYesNorNo, ...jsonNeither] : neitherYesNorNo) {
        const sent = Object.fromEntries(fields.map((field) => [field, value]))
        const answer = await create(admin, { ...ines, ...sent }, kind)
        expectFailure(answer, refusal(...fields.map((field) => `${field}: Enter yes or no.`)))
      }
    }
    expect(await rows('SELECT * FROM users')).toHaveLength(1)
  })

  it('accepts each choice by its key, alone or in the form that is shown', async () => {
    const choices = {
      user_type: { AD: 'Administrative', TE: 'Technician', CL: 'Clinician', ST: 'Student' },
      gender: { M: 'Male', F: 'Female', U: 'Unknown' },
    }
    let people = 0
    for (const [field, values] of Object.entries(choices)) {
      for (const [key, value] of Object.entries(values)) {
        for (const sent of [key, ` ${key} `, { key, value }, { key }]) {
          people += 1
          const user = { ...ines, username: `ines${people}`, email: `ines${people}@example.org` }
          const { body } = await create(admin, { ...user, [field]: sent }, kinds[people % 3]![1])
          expect(body.data[field]).toEqual({ key, value })
        }
      }
      for (const sent of ['cl', 'f', '0', { value: 'Clinician' }, { key: 'XX' }]) {
        const { body } = await create(admin, { ...ines, [field]: sent })
        expect(body.errors).toContain(`\n${field}: Select one of ${Object.keys(values).join(', ')}.`)
      }
    }
  })

  it('keeps a PIN of four digits as a hash, and shows it nowhere', async () => {
    for (const numeric_password of ['4821', ' 4821 ', '0007']) {
      const { body, text } = await create(admin, { ...ines, numeric_password })
      expect(text).not.toMatch(/4821|0007|numeric_password|pin/)
      const sql = 'SELECT pin_hash, password_hash FROM users WHERE number = ?'
      const [{ pin_hash, password_hash }] = (await rows(sql, Number(body.data.id))) as [Fields]
      expect(pin_hash).toMatch(/^\$pbkdf2-sha256\$i=100000,r=\d\$[\w+/]{22}\$[\w+/]{43}$/)
      expect(password_hash).toBeNull()
      expect((await info(admin, body.data.id)).text).not.toMatch(/4821|0007|numeric_password|pin/)
      await call(`/v1/users/usr_${body.data.uid}`, { method: 'DELETE', token: admin })
    }
    const { body } = await create(admin, { ...ines, numeric_password: 4821 }, asJson)
    expect(body.success).toBe(true)
    for (const numeric_password of ['482', '48211', '48a1', '-482', '4.21', '４８２１']) {
      const answer = await create(admin, { ...ines, numeric_password })
      expectFailure(answer, refusal('numeric_password: Enter four digits.'))
    }
  })

  it('does not accept a PIN as a credential, and requires a password at sign-in', async () => {
    await create(admin, { ...ines, numeric_password: '4821' })
    for (const password of ['4821', 'anything at all']) {
      expectFailure(await login('ines.caron', password), 'Invalid login.')
    }
  })

  it('hashes the untrimmed password, which works at sign-in with username and email', async () => {
    const password = '  une phrase avec des bords  '
    await created(admin, { password })
    for (const username of ['ines.caron', 'INES.CARON', 'ines.caron@example.org']) {
      expect((await login(username, password)).body.success).toBe(true)
      expect((await login(username, password.trim())).body.success).toBe(false)
    }
    const sql = "SELECT * FROM users WHERE username = 'ines.caron'"
    expect(JSON.stringify(await rows(sql))).not.toContain('phrase')
  })

  it('uses PASSWORD_MIN_LENGTH', async () => {
    const fields = { ...inesInFull, password: 'onze signes' }
    const options = { token: admin, json: fields, env: { PASSWORD_MIN_LENGTH: '12' } }
    const answer = await call('/clinic/users/user/new/', options)
    expectFailure(answer, refusal('password: Ensure this value has at least 12 characters.'))
  })

  it('trims and composes text, and stores what it returns', async () => {
    const fields = {
      username: ' ines ',
      first_name: ' Ine\u0300s ',
      last_name: '\tCaron\n',
      email: ' Ines@EXAMPLE.org ',
    }
    for (const [index, [, kind]] of kinds.entries()) {
      const user = { username: ` ines${index} `, email: ` Ines${index}@EXAMPLE.org ` }
      const { body } = await create(admin, { ...inesInFull, ...fields, ...user, phone: ' 12 ' }, kind)
      const expected = { username: `ines${index}`, first_name: 'Inès', last_name: 'Caron', phone: '12' }
      expect(body.data).toMatchObject({ ...expected, email: `Ines${index}@example.org` })
      expect((await info(admin, body.data.id)).body.data).toEqual(body.data)
      expect((await throughV1(admin, body.data.uid)).body).toMatchObject({ name: 'Inès Caron', ...expected })
    }
  })

  it('ignores unknown and read-only fields', async () => {
    const more = { id: '900', uid: 'f'.repeat(32), password_hash: 'x', matricule: '7', csrfmiddlewaretoken: 'token' }
    const { body } = await create(admin, { ...inesInFull, ...more })
    expect(body.data).toEqual({ id: '2', uid: body.data.uid, ...inesShown })
    expect((await throughV1(admin, body.data.uid)).body.matricule).toBeNull()
  })

  it('stores no username when the email is sent as username, whatever its length', async () => {
    const email = `${'i'.repeat(40)}@example.org`
    for (const username of [email, ` ${email.toUpperCase()} `]) {
      const { body } = await create(admin, { ...inesInFull, username, email })
      expect(body.data.username).toBe(email)
      expect((await throughV1(admin, body.data.uid)).body.username).toBeNull()
      await call(`/v1/users/usr_${body.data.uid}`, { method: 'DELETE', token: admin })
    }
  })

  it('rejects a username or an email that is taken, in one namespace and any spelling', async () => {
    await created(admin)
    await call('/v1/users', { token: admin, json: person({ matricule: 7012 }) })
    const other = { ...inesInFull, username: 'other', email: 'other@example.org' }
    const taken = (...fields: string[]) =>
      refusal(...fields.map((field) => `${field}: This ${field} is already taken.`))
    for (const username of ['ines.caron', 'Ines.Caron', 'ｉnes.caron', 'ines.caron@example.org', '7012']) {
      expectFailure(await create(admin, { ...other, username }), taken('username'))
    }
    for (const email of ['ines.caron@example.org', 'INES.caron@Example.ORG']) {
      expectFailure(await create(admin, { ...other, email }), taken('email'))
    }
    expectFailure(await create(admin, inesInFull), taken('username', 'email'))
  })

  it('requires users:create, users:deactivate for an inactive user, and roles:assign for an admin', async () => {
    const plain = await plainUser(admin)
    expectFailure(await create(plain.access_token, inesInFull), notAllowed, 403)
    const creator = await clerk(admin, ['users:create'])
    expectFailure(await create(creator.access_token, { ...inesInFull, is_active: 'false' }), notAllowed, 403)
    expectFailure(await create(creator.access_token, { ...inesInFull, is_admin: 'true' }), notAllowed, 403)
    expect((await create(creator.access_token, inesInFull)).body.success).toBe(true)
    const more = await clerk(admin, ['users:create', 'users:deactivate', 'roles:assign'])
    const other = { ...inesInFull, username: 'other', email: 'other@example.org' }
    expect((await create(more.access_token, { ...other, is_active: 'false' })).body.data.is_active).toBe(false)
    const another = { ...inesInFull, username: 'another', email: 'another@example.org', is_admin: 'true' }
    expectFailure(await create(more.access_token, another), notAllowed, 403)
  })

  it('assigns the admin role to an admin, and the default role to any other user', async () => {
    const boss = await created(admin, { is_admin: true })
    const other = await created(admin, { username: 'other', email: 'other@example.org' })
    expect((await throughV1(admin, boss.uid)).body.roles.map(({ name }: Fields) => name)).toEqual(['admin'])
    expect((await throughV1(admin, other.uid)).body.roles.map(({ name }: Fields) => name)).toEqual(['user'])
  })

  it('creates an inactive user who cannot sign in', async () => {
    await created(admin, { is_active: false })
    expectFailure(await login('ines.caron', inesInFull.password), 'Invalid login.')
  })
})

describe('GET /users/user/(user_id)/get_user_info/', () => {
  it('returns success, the message and the record, byte for byte', async () => {
    const { id, uid } = await created(admin)
    for (const spelling of [id, `00${id}`]) {
      expectSuccess(await info(admin, spelling), `User ${id} found.`, { id, uid, ...inesShown })
    }
  })

  it('shows values of wider contracts unchanged, and absent ones as null', async () => {
    const long = { username: 'u'.repeat(128), first_name: 'F'.repeat(100), last_name: '', phone: '0'.repeat(32) }
    const { body } = await call('/v1/users', { token: admin, json: person({ ...long, email: 'bare@example.org' }) })
    const { phone, ...names } = long
    expectSuccess(await info(admin, '2'), 'User 2 found.', {
      id: '2',
      uid: body.id.slice(4),
      ...names,
      email: 'bare@example.org',
      birth_date: null,
      is_staff: false,
      is_active: true,
      is_admin: false,
      user_type: null,
      gender: null,
      phone,
      mobile: null,
      certified_email: null,
    })
  })

  it('shows the email when there is no username, and an empty phone number as null', async () => {
    const user = person({ email: 'nameless@example.org', phone: '', mobile: '' })
    await call('/v1/users', { token: admin, json: user })
    const shown = (await info(admin, '2')).body.data
    expect(shown).toMatchObject({ username: 'nameless@example.org', phone: null, mobile: null })
  })

  it('shows every holder of the admin role as admin, whatever its position', async () => {
    const { id, uid } = await created(admin)
    const roles = { method: 'PUT', token: admin, json: { roles: ['user', 'admin'] } }
    await call(`/v1/users/usr_${uid}/roles`, roles)
    expect((await info(admin, id)).body.data.is_admin).toBe(true)
  })

  it('returns success false for an unknown id, and 404 for one that is not a number', async () => {
    for (const id of ['999', '0', '9007199254740993', '9'.repeat(40)]) {
      expectFailure(await info(admin, id), `User ${id} not found.`)
    }
    for (const id of ['x', '1x', '-1', '1.0', '0x1', '%F0%9F%98%80', '٣', '1%0A', '+1']) {
      expectFailure(await info(admin, id), 'Not found.', 404)
    }
  })

  it('shows users their own record, and those of others only with users:read', async () => {
    const plain = await plainUser(admin)
    const { body } = await info(plain.access_token, plain.number)
    expect([body.success, body.data.email]).toEqual([true, plain.input.email])
    for (const id of ['1', '999']) expectFailure(await info(plain.access_token, id), notAllowed, 403)
    const reader = await clerk(admin, ['users:read'])
    expect((await info(reader.access_token, '1')).body.success).toBe(true)
  })

  it('accepts the token of any contract, and an API key, which does not count as its owner', async () => {
    const { id } = await created(admin)
    const { access_token } = await signIn('ines.caron', inesInFull.password)
    expect((await info(access_token, id)).body.success).toBe(true)
    const json = { name: 'reading', permissions: ['users:read'] }
    const key = (await call('/v1/api-keys', { token: admin, json })).body.key as string
    expect((await info(key, id)).body.success).toBe(true)
    const without = { name: 'nothing', permissions: [] }
    const bare = (await call('/v1/api-keys', { token: admin, json: without })).body.key as string
    expectFailure(await info(bare, '1'), notAllowed, 403)
  })
})

namesEveryTest(statements)

/** Converts `08 Jul 1980` to `1980-07-08`. */
function dayOf(shown: string): string {
  return new Date(`${shown} UTC`).toISOString().slice(0, 10)
}

/** backoffice: invalid input, reported in Laravel's words, and bodies of every kind. */
import { describe, expect, it } from 'vitest'
import statements from './STATEMENTS.md?raw'
import { adminAndInes, asJson, clerk, create, get, ines, login } from '../../support/backoffice'
import { expectInvalid, expectMessage, required, rui, unauthorized, update, users } from '../../support/backoffice'
import { namesEveryTest } from '../../support/statements'
import { adminToken, call, freshDirectory, rows, type Answer, type Call } from '../../support/usher'

freshDirectory()

const asText = (field: string) => `The ${field} field must be a string.`
const tooLong = (field: string, max: number) => `The ${field} field must not be greater than ${max} characters.`
const format = (field: string) => `The ${field} field format is invalid.`
const email = 'The email field must be a valid email address.'
const date = 'The birthday field must be a valid date.'
const integer = 'The country id field must be an integer.'
const noGender = 'The selected gender is invalid.'
const noRole = 'The selected role id is invalid.'

/** Invalid values of each field, the same for a creation and an update. */
const wrongValues: [field: string, value: unknown, sentence: string][] = [
  ['username', 7, asText('username')],
  ['username', true, asText('username')],
  ['username', ['ines'], asText('username')],
  ['username', { ines: 1 }, asText('username')],
  ['username', 'u'.repeat(65), tooLong('username', 64)],
  ['username', 'ines calado', format('username')],
  ['username', 'ines\u0007', format('username')],
  ['username', 'ines\u200b', format('username')],
  ['username', 'ines\u202ecalado', format('username')],
  ['email', 7, asText('email')],
  ['email', ['ines@example.org'], asText('email')],
  ['email', 'ines', email],
  ['email', 'ines@', email],
  ['email', '@example.org', email],
  ['email', 'ines@example', email],
  ['email', 'ines@@example.org', email],
  ['email', 'ines calado@example.org', email],
  ['email', 'Inês <ines@example.org>', email],
  ['email', `${'i'.repeat(60)}@${'long.'.repeat(40)}example.org`, tooLong('email', 254)],
  ['first_name', 7, asText('first name')],
  ['first_name', ['Inês'], asText('first name')],
  ['first_name', 'é'.repeat(65), tooLong('first name', 64)],
  ['first_name', 'In\u0000ês', format('first name')],
  ['first_name', 'In\u2066ês', format('first name')],
  ['first_name', 'In\ud800s', format('first name')],
  ['first_name', '\u200d', required('first name')],
  ['last_name', false, asText('last name')],
  ['last_name', 'é'.repeat(65), tooLong('last name', 64)],
  ['last_name', 'Cala\ndo', format('last name')],
  ['gender', 'unknown', noGender],
  ['gender', 'Female', noGender],
  ['gender', 'f', noGender],
  ['gender', 1, noGender],
  ['gender', ['female'], noGender],
  ['birthday', '1991-02-29', date],
  ['birthday', '1991-13-01', date],
  ['birthday', '1991-06-31T00:00:00Z', date],
  ['birthday', '0000-00-00', date],
  ['birthday', '14/06/1991', date],
  ['birthday', '1991', date],
  ['birthday', 'yesterday', date],
  ['birthday', 676857600, date],
  ['birthday', ['1991-06-14'], date],
  ['birthday', true, date],
  ['country_id', 'Portugal', integer],
  ['country_id', 6.2, integer],
  ['country_id', '6.2', integer],
  ['country_id', '1e3', integer],
  ['country_id', '0x10', integer],
  ['country_id', true, integer],
  ['country_id', [620], integer],
  ['country_id', 0, 'The country id field must be at least 1.'],
  ['country_id', -620, 'The country id field must be at least 1.'],
  ['country_id', 2 ** 53, 'The country id field must not be greater than 9007199254740991.'],
  ['role_id', 'admin', 'The role id field must be an integer.'],
  ['role_id', 1.5, 'The role id field must be an integer.'],
  ['role_id', [1], 'The role id field must be an integer.'],
  ['role_id', 0, noRole],
  ['role_id', -1, noRole],
  ['role_id', 1e300, noRole],
]

const short = 'The password field must be at least 8 characters.'
const unconfirmed = 'The password field confirmation does not match.'

/** Passwords and confirmations, with the expected errors. */
const wrongPasswords: [password: unknown, confirmation: unknown, sentences: string[]][] = [
  ['sete777', 'sete777', [short]],
  ['sete777', undefined, [short, unconfirmed]],
  ['p'.repeat(129), 'p'.repeat(129), [tooLong('password', 128)]],
  [20302030, 20302030, [asText('password')]],
  [['uma frase comprida'], ['uma frase comprida'], [asText('password')]],
  ['outra frase comprida', undefined, [unconfirmed]],
  ['outra frase comprida', null, [unconfirmed]],
  ['outra frase comprida', '', [unconfirmed]],
  ['outra frase comprida', 'outra frase comprida ', [unconfirmed]],
  ['outra frase comprida', 'Outra frase comprida', [unconfirmed]],
  ['outra frase comprida', ['outra frase comprida'], [unconfirmed]],
  ['password123', 'password123', ['The password field must not be a common password.']],
  ['uma frase\u0000comprida', 'uma frase\u0000comprida', [format('password')]],
  [ines.email, ines.email, ['The password field must not be the email, username or name.']],
  ['Ines.Calado', 'Ines.Calado', ['The password field must not be the email, username or name.']],
  ['inês calado', 'inês calado', ['The password field must not be the email, username or name.']],
]

describe('bad input', () => {
  it('is reported by field, in Laravel’s sentences, when a user is created', async () => {
    const admin = await adminToken()
    for (const [field, value, sentence] of wrongValues) {
      expectInvalid(await create(admin, { ...ines, [field]: value }), { [field]: [sentence] })
    }
    for (const [password, password_confirmation, sentences] of wrongPasswords) {
      expectInvalid(await create(admin, { ...ines, password, password_confirmation }), { password: sentences })
    }
    expect(await rows('SELECT * FROM users')).toHaveLength(1)
  })

  it('is reported by field, in Laravel’s sentences, when a user is updated', async () => {
    const { admin, user, id } = await adminAndInes()
    for (const [field, value, sentence] of wrongValues) {
      expectInvalid(await update(admin, id, { [field]: value }), { [field]: [sentence] })
    }
    for (const [password, password_confirmation, sentences] of wrongPasswords) {
      expectInvalid(await update(admin, id, { password, password_confirmation }), { password: sentences })
    }
    for (const user_status of ['gone', 'Active', 'activated', true, 1, ['active']]) {
      expectInvalid(await update(admin, id, { user_status }), { user_status: ['The selected user status is invalid.'] })
    }
    expect((await get(admin, id)).body.data).toEqual(user)
    expect((await login(ines)).status).toBe(200)
  })

  it('has the first error as its message, with the number of the others', async () => {
    const admin = await adminToken()
    const message = async (json: object) => (await create(admin, json)).body.message
    expect(await message({ ...ines, gender: 'x' })).toBe(noGender)
    expect(await message({ ...ines, gender: 'x', birthday: 'x' })).toBe(`${noGender} (and 1 more error)`)
    expect(await message({ ...ines, email: 'x', gender: 'x', birthday: 'x' })).toBe(`${email} (and 2 more errors)`)
    expect(await message({ ...ines, password: 'x' })).toBe(`${short} (and 1 more error)`)
    expect(await message({ ...ines, password: 'x', role_id: 'x' })).toBe(`${short} (and 2 more errors)`)
  })

  it('is reported for every field, in the order of the rules, and the sent value is never repeated', async () => {
    const { admin, id } = await adminAndInes()
    const wrong = {
      role_id: 'sesame',
      country_id: 'sesame',
      birthday: 'sesame',
      gender: 'sesame',
      last_name: 'sesame'.repeat(11),
      first_name: 'sesame'.repeat(11),
      password_confirmation: 'sesame',
      password: 'sesame',
      email: 'sesame',
      username: 'open sesame',
    }
    const errors = {
      username: [format('username')],
      email: [email],
      password: [short],
      first_name: [tooLong('first name', 64)],
      last_name: [tooLong('last name', 64)],
      gender: [noGender],
      birthday: [date],
      country_id: [integer],
      role_id: ['The role id field must be an integer.'],
    }
    const [created, changed] = [
      await create(admin, wrong),
      await update(admin, id, { user_status: 'sesame', ...wrong }),
    ]
    expectInvalid(created, errors)
    expectInvalid(changed, { ...errors, user_status: ['The selected user status is invalid.'] })
    expect(created.text + changed.text).not.toContain('sesame')
  })

  it('does not include values of exactly the maximum length', async () => {
    const admin = await adminToken()
    const longest = {
      username: 'ü'.repeat(64),
      first_name: '😀'.repeat(64),
      last_name: 'é'.repeat(64),
      email: `${'i'.repeat(64)}@${'d'.repeat(63)}.${'d'.repeat(63)}.${'d'.repeat(58)}.pt`,
      country_id: Number.MAX_SAFE_INTEGER,
      birthday: '2000-02-29',
    }
    const password = '😀'.repeat(128)
    const { status, body } = await create(admin, { ...ines, ...longest, password, password_confirmation: password })
    expect([status, body.data]).toEqual([201, { ...body.data, ...longest }])
    expect(longest.email.length).toBe(254)
    expect((await login({ username: longest.username, password })).status).toBe(200)
    const least = { ...rui, username: 'r', first_name: 'R', last_name: 'T', password: 'oito 888', country_id: '1' }
    const short = await create(admin, { ...least, password_confirmation: 'oito 888' })
    expect([short.status, short.body.data.country_id]).toEqual([201, 1])
  })

  it('includes a password shorter than this deployment’s minimum', async () => {
    const admin = await adminToken()
    const env = { PASSWORD_MIN_LENGTH: '20' }
    const sentence = 'The password field must be at least 20 characters.'
    expectInvalid(await call(users, { token: admin, json: ines, env }), { password: [sentence] })
    const changed = { password: 'sete777', password_confirmation: 'sete777' }
    expectInvalid(await call(`${users}/1`, { method: 'PUT', token: admin, json: changed, env }), {
      password: [sentence],
    })
  })

  it('does not include decomposed text, which is stored and returned in composed form', async () => {
    const admin = await adminToken()
    const { body } = await create(admin, { ...ines, first_name: ines.first_name.normalize('NFD') })
    expect(body.data.first_name).toBe(ines.first_name.normalize('NFC'))
    const decomposed = await update(admin, body.data.user_id, { first_name: ines.first_name.normalize('NFD') })
    expect([decomposed.status, decomposed.cost.written]).toEqual([200, 0])
  })
})

describe('a body', () => {
  const operations: [method: string, path: string][] = [
    ['POST', users],
    ['PUT', `${users}/2`],
    ['POST', '/backoffice/api/login'],
  ]
  const complete = JSON.stringify(ines)
  const bytes = (text: string) => new TextEncoder().encode(text)
  const unreadable = 'The request body could not be read.'
  const onlyJson = 'The request body must be JSON.'

  /** Sends the same body to every operation that takes one. */
  async function toEach(options: Call, check: (answer: Answer) => void) {
    const { admin } = await adminAndInes().catch(async () => ({ admin: await adminToken() }))
    for (const [method, path] of operations) check(await call(path, { token: admin, method, ...options }))
  }

  it('that cannot be parsed as JSON gets 400', async () => {
    const badUtf8 = new Uint8Array([...bytes('{"first_name":"'), 0xc3, 0x28, ...bytes('"}')])
    for (const body of ['{', '{"username":}', 'username=ines', "{'username':'ines'}", badUtf8]) {
      await toEach({ body, headers: asJson }, (answer) => expectMessage(answer, 400, unreadable))
    }
  })

  it('of any other type gets 415, forms and bodies without a type included', async () => {
    for (const type of [
      'text/plain',
      'application/xml',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const options = { body: complete, headers: { 'content-type': type } }
      await toEach(options, (answer) => expectMessage(answer, 415, onlyJson))
    }
    await toEach({ body: bytes(complete) }, (answer) => expectMessage(answer, 415, onlyJson))
  })

  it('is JSON under any of its media types', async () => {
    const { admin, id } = await adminAndInes()
    const types = [
      'application/json',
      'application/json; charset=utf-8',
      'Application/JSON;charset=UTF-8',
      'application/vnd.api+json',
    ]
    for (const [index, type] of types.entries()) {
      const options = { method: 'PUT', token: admin, headers: { 'content-type': type } }
      const body = JSON.stringify({ first_name: `Inês ${index}` })
      expect((await call(`${users}/${id}`, { ...options, body })).body.data.first_name).toBe(`Inês ${index}`)
    }
  })

  it('without fields counts as no body, and so does one that is not an object', async () => {
    const { admin, user, id } = await adminAndInes()
    for (const body of [undefined, '', '{}', '[]', '"text"', '7', 'true', 'null', `[${complete}]`]) {
      const options = { token: admin, ...(body !== undefined && { body, headers: asJson }) }
      expect((await call(users, { ...options, method: 'POST' })).body.errors.birthday).toEqual([required('birthday')])
      expect((await call(`${users}/${id}`, { ...options, method: 'PUT' })).body.data).toEqual(user)
      expectInvalid(await call('/backoffice/api/login', { ...options, method: 'POST' }), {
        username: [required('username')],
        password: [required('password')],
      })
    }
  })

  it('is read up to 65,536 bytes', async () => {
    const admin = await adminToken()
    const padded = (length: number) => JSON.stringify({ ...ines, first_name: 'Ines' }).padEnd(length)
    const options = { token: admin, headers: asJson }
    expect((await call(users, { ...options, body: padded(65_536) })).status).toBe(201)
    for (const [method, path] of [...operations, ['POST', '/backoffice/api/logout'] as const]) {
      const over = await call(path, { ...options, method, body: padded(65_537) })
      expectMessage(over, 413, 'The request body is too large.')
    }
  })

  it('gets JSON back, whatever Accept says', async () => {
    const admin = await adminToken()
    for (const accept of ['text/html', 'application/xml', '*/*']) {
      const { status, headers } = await call(users, { token: admin, json: {}, headers: { accept } })
      expect([status, headers.get('content-type')]).toEqual([422, 'application/json'])
    }
  })
})

describe('the order of checks', () => {
  const nowhere = `${users}/999`

  it('is 405, then 413, 401, 403, then 400, 415 and 422', async () => {
    const { admin, id } = await adminAndInes()
    const plain = (await login(ines)).body.data.token
    const body = ' '.repeat(65_537)
    expect((await call(users, { method: 'PATCH', body })).status).toBe(405)
    expect((await call(users, { body, headers: asJson })).status).toBe(413)
    for (const [method, path] of [
      ['POST', users],
      ['PUT', `${users}/${id}`],
    ] as const) {
      for (const [sent, type, status] of [
        ['{', 'application/json', 400],
        ['x', 'text/plain', 415],
        ['{"gender":"x"}', 'application/json', 422],
      ] as const) {
        const options = { method, body: sent, headers: { 'content-type': type } }
        expect((await call(path, options)).status).toBe(401)
        expect((await call(path, { ...options, token: 'none.of.ours' })).status).toBe(401)
        expectMessage(await call(path, { ...options, token: plain }), 403, unauthorized)
        expect((await call(path, { ...options, token: admin })).status).toBe(status)
      }
    }
    await call('/backoffice/api/logout', { method: 'POST', token: plain })
    expect((await create(plain, {})).status).toBe(401)
    expect((await update(plain, 999, { gender: 'x' })).status).toBe(401)
  })

  it('is 400, 415 and 422 before 404 and 409', async () => {
    const admin = await adminToken()
    const put = (path: string, body: string, type = 'application/json') =>
      call(path, { method: 'PUT', token: admin, body, headers: { 'content-type': type } })
    expect((await put(nowhere, '{')).status).toBe(400)
    expect((await put(nowhere, 'x', 'text/plain')).status).toBe(415)
    expect((await update(admin, 999, { gender: 'x' })).status).toBe(422)
    expect((await update(admin, 999, { first_name: 'Maria' })).status).toBe(404)
    expect((await update(admin, 1, { gender: 'x', user_status: 'inactive' })).status).toBe(422)
    expect((await update(admin, 1, { user_status: 'inactive' })).status).toBe(409)
  })

  it('is 422 before a 403 that depends on the body', async () => {
    const { admin, id } = await adminAndInes()
    const { access_token: maker } = await clerk(admin, ['users:create', 'users:update'])
    expect((await create(maker, { ...rui, role_id: 1, gender: 'x' })).status).toBe(422)
    expect((await create(maker, { ...rui, role_id: 1 })).status).toBe(403)
    expect((await update(maker, id, { user_status: 'inactive', gender: 'x' })).status).toBe(422)
    expect((await update(maker, id, { user_status: 'inactive' })).status).toBe(403)
  })
})

namesEveryTest(statements)

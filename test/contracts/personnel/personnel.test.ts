/// <reference types="vite/client" />
/** personnel: every operation, as its clients see it. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { toMask, type Permission } from '../../../src/core/access/permissions'
import statements from './STATEMENTS.md?raw'
import { populate } from '../../support/population'
import { notAnAddress, spellingsOfEmail, spellingsOfUuid } from '../../support/pydantic'
import { namesEveryTest } from '../../support/statements'
import { adminToken, call, firstAdmin, freshDirectory, roleIds, rows, signedInPerson } from '../../support/usher'
import type { Answer, Call } from '../../support/usher'

freshDirectory()
afterEach(() => void vi.useRealTimers())

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const asJson = { 'content-type': 'application/json' }
const nobody = '5f0c2d9e-3b7a-4c61-8e15-d2a94b6f7038'

/** The body of the original API's create request, with an invented person. */
const solene = {
  matricule: 5101,
  nom: 'Solène Kerbrat',
  email: 'solene.kerbrat@example.org',
  password: 'une phrase de passe 51',
  role_id: roleIds.user,
}

/** The exact record of a user created through personnel at 04:05:06 on 3 February 2031. */
const wire = (id: string, matricule: number | null, nom: string, email: string, role: 'user' | 'admin') =>
  `{"user_id":"${id}","matricule":${matricule},"nom":"${nom}","email":"${email}","password":"password_hashed",` +
  `"role_name":"${role}","role_id":"${roleIds[role]}","status":"activated","timestamp":"2031-02-03T04:05:06"}`
const thatSecond = { toFake: ['Date' as const], now: new Date('2031-02-03T04:05:06.789Z') }

const list = (token: string) => call('/personnel/users/list', { token })
const get = (token: string, id: string | number) => call(`/personnel/users/${id}`, { token })
const create = (token: string, json: unknown) => call('/personnel/users/create', { token, json })
const update = (token: string, json: unknown) => call('/personnel/users/update', { method: 'PUT', token, json })
const remove = (token: string, id: string | number) =>
  call(`/personnel/users/delete/${id}`, { method: 'DELETE', token })
const token = (form: Record<string, string>) => call('/personnel/token', { form })
const logout = (token: string) => call('/personnel/logout', { method: 'POST', token })

/** An admin's token and a user created through personnel. */
async function adminAndSolene() {
  const admin = await adminToken()
  const { status, body, text } = await create(admin, solene)
  expect(status, text).toBe(200)
  return { admin, body, text }
}

/** The token of a user with exactly these permissions. */
async function clerkToken(admin: string, permissions: Permission[]) {
  const columns = 'number, id, name, name_key, description, permissions, built_in'
  const sql = `INSERT INTO roles (${columns}) VALUES (10, ?, 'clerk', 'clerk', '', ?, 0)`
  await rows(sql, '0196a3c2-5d1e-7f40-9b68-2c7e41d05a93', toMask(permissions))
  return (await signedInPerson(admin, { role: 'clerk' })).access_token
}

/** The version and update time of the record, which only v1 returns. */
async function versionOf(admin: string, userId: string) {
  const { headers, body } = await call(`/v1/users/usr_${userId.replaceAll('-', '')}`, { token: admin })
  return { etag: headers.get('etag'), updatedAt: body.updated_at as string }
}

/** One entry of a 422: location, type, message. */
type Entry = readonly [field: string | null, type: string, msg: string]

/** Expects a 422 with exactly these entries, in this order. Null stands for the body itself. */
function expectInvalid({ status, text }: Answer, ...entries: Entry[]) {
  const detail = entries.map(([field, type, msg]) => ({ loc: field === null ? ['body'] : ['body', field], msg, type }))
  expect([status, text]).toEqual([422, JSON.stringify({ detail })])
}

function expectDetail({ status, text }: Answer, expected: number, sentence: string) {
  expect([status, text]).toEqual([expected, JSON.stringify({ detail: sentence })])
}

const missing = (field: string | null): Entry => [field, 'missing', 'Field required']
const attributes = 'Input should be a valid dictionary or object to extract fields from'
const notAnObject: Entry = [null, 'model_attributes_type', attributes]
const lacking = (permission: Permission) => `Action non autorisée, droit requis : ${permission}`
const unknownId = (id: string) => `pas d'utilisateur avec l'identifiant ${id}`
const badToken = 'Jeton invalide ou expiré'
const notAnInteger = 'Input should be a valid integer, unable to parse string as an integer'
const notPlain = 'Value error, must not contain control or invisible characters'

/** Invalid values as [field, value, type, msg], the same for a creation and an update. */
const wrongValues: [string, unknown, string, string][] = [
  ['matricule', 'douze', 'int_parsing', notAnInteger],
  ['matricule', '12.5', 'int_parsing', notAnInteger],
  ['matricule', '', 'int_parsing', notAnInteger],
  ['matricule', [5102], 'int_type', 'Input should be a valid integer'],
  ['matricule', 12.5, 'int_from_float', 'Input should be a valid integer, got a number with a fractional part'],
  ['matricule', -1, 'greater_than_equal', 'Input should be greater than or equal to 0'],
  ['matricule', 2 ** 53, 'less_than_equal', 'Input should be less than or equal to 9007199254740991'],
  ['nom', 7788, 'string_type', 'Input should be a valid string'],
  ['nom', 'é'.repeat(201), 'string_too_long', 'String should have at most 200 characters'],
  ['nom', '   ', 'value_error', 'Value error, must not be blank'],
  ['nom', 'Maëlle\u0000Kerbrat', 'value_error', notPlain],
  ['nom', 'Maëlle\u202eKerbrat', 'value_error', notPlain],
  ['email', 'maelle.kerbrat', 'value_error', 'value is not a valid email address'],
  ['email', ['maelle@example.org'], 'string_type', 'Input should be a valid string'],
  ['email', `${'m'.repeat(243)}@example.org`, 'string_too_long', 'String should have at most 254 characters'],
  ['password', 'trop', 'string_too_short', 'String should have at least 8 characters'],
  ['password', 'p'.repeat(129), 'string_too_long', 'String should have at most 128 characters'],
  ['password', 20302030, 'string_type', 'Input should be a valid string'],
  ['password', 'password123', 'value_error', 'Value error, is among the most common passwords'],
  ['password', solene.email, 'value_error', "Value error, must not be the user's own email, username or name"],
]

describe('GET /users/list', () => {
  it('returns a bare compact array of records with the original’s keys in its order', async () => {
    vi.useFakeTimers(thatSecond)
    const { admin, text: created } = await adminAndSolene()
    const { status, headers, text, body } = await list(admin)
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(text).toBe(`[${created},${wire(body[1].user_id, null, 'first.admin', firstAdmin.email, 'admin')}]`)
  })

  it('lists by matricule, then users without one by number', async () => {
    const admin = await adminToken()
    const without = await signedInPerson(admin)
    for (const matricule of [5203, 0, 41, 5101]) {
      await create(admin, { ...solene, matricule, email: `m${matricule}@example.org` })
    }
    const alsoWithout = await signedInPerson(admin)
    const { body } = await list(admin)
    expect(body.map((user: any) => user.matricule ?? user.email)).toEqual([
      ...[0, 41, 5101, 5203],
      ...[firstAdmin.email, without.input.email, alsoWithout.input.email],
    ])
  })

  it('is complete at any size', async () => {
    const admin = await adminToken()
    await populate(10_003)
    const { status, headers, body } = await list(admin)
    expect([status, headers.get('content-length')]).toEqual([200, null])
    expect(new Set(body.map((user: any) => user.user_id)).size).toBe(10_004)
    const matricules: (number | null)[] = body.map((user: any) => user.matricule)
    expect(matricules).toEqual(matricules.toSorted((person, other) => (person ?? Infinity) - (other ?? Infinity) || 0))
  })

  it('includes a deactivated user, as deactivated', async () => {
    const { admin, body } = await adminAndSolene()
    await remove(admin, body.user_id)
    expect((await list(admin)).body[0]).toEqual({ ...body, status: 'deactivated' })
  })

  it('shows the primary role of a user with several roles', async () => {
    const { admin, body } = await adminAndSolene()
    await rows('INSERT INTO user_roles SELECT number, 1, 1 FROM users WHERE id = ?', body.user_id)
    await rows('UPDATE users SET role_count = 2 WHERE id = ?', body.user_id)
    expect((await list(admin)).body[0]).toEqual(body)
  })

  it('requires users:read', async () => {
    const plain = await signedInPerson(await adminToken())
    expectDetail(await list(plain.access_token), 403, lacking('users:read'))
  })
})

describe('GET /users/{user_id}', () => {
  it('returns the record by id, and by matricule when the value is digits only', async () => {
    const { admin, body, text } = await adminAndSolene()
    for (const id of [body.user_id, 5101]) {
      const answer = await get(admin, id)
      expect([answer.status, answer.text]).toEqual([200, text])
    }
  })

  it('finds a matricule with leading zeros and in full-width digits, as updates and deletions do', async () => {
    const { admin, body } = await adminAndSolene()
    for (const spelling of ['05101', '0000005101', '５１０１', '０５１０１']) {
      const answer = await get(admin, encodeURIComponent(spelling))
      expect([spelling, answer.status, answer.body.user_id]).toEqual([spelling, 200, body.user_id])
      const { status, body: changed } = await update(admin, { user_id: spelling, nom: `Solène ${spelling}` })
      expect([status, changed.user_id, changed.nom]).toEqual([200, body.user_id, `Solène ${spelling}`])
      expect((await remove(admin, encodeURIComponent(spelling))).status).toBe(204)
    }
    expect((await list(admin)).body[0]).toMatchObject({ user_id: body.user_id, status: 'deactivated' })
  })

  it('shows users their own record by any spelling of their matricule', async () => {
    const admin = await adminToken()
    const person = await signedInPerson(admin, { matricule: 77 })
    const other = await signedInPerson(admin, { matricule: 7 })
    for (const spelling of ['77', '0077', '７７']) {
      expect((await get(person.access_token, encodeURIComponent(spelling))).status).toBe(200)
      expect((await get(other.access_token, encodeURIComponent(spelling))).status).toBe(403)
    }
  })

  it('finds the user by every spelling of the uuid that pydantic accepts', async () => {
    const { admin, body, text } = await adminAndSolene()
    const plain = await signedInPerson(admin)
    for (const id of spellingsOfUuid(body.user_id)) {
      const answer = await get(admin, encodeURIComponent(id))
      expect([id, answer.status, answer.text]).toEqual([id, 200, text])
    }
    // Also the caller's own record, which requires no permission in any spelling.
    for (const id of spellingsOfUuid(plain.uuid)) {
      expect((await get(plain.access_token, encodeURIComponent(id))).body.user_id).toBe(plain.uuid)
    }
  })

  it('returns 404 with the original’s sentence for any unknown string', async () => {
    const admin = await adminToken()
    for (const id of [nobody, nobody.slice(0, -2), '7', '9'.repeat(20), 'create', 'É é']) {
      expectDetail(await get(admin, encodeURIComponent(id)), 404, unknownId(id))
    }
  })

  it('escapes an unknown id and truncates it to 64 characters', async () => {
    const admin = await adminToken()
    const sent = encodeURIComponent(`<b>&"'\u0007`)
    expectDetail(await get(admin, sent), 404, unknownId('&lt;b&gt;&amp;&quot;&#39;\ufffd'))
    expectDetail(await get(admin, 'x'.repeat(65)), 404, unknownId('x'.repeat(64)))
  })

  it('shows users their own record, and those of others only with users:read', async () => {
    const admin = await adminToken()
    const plain = await signedInPerson(admin, { matricule: 5102 })
    expect((await get(plain.access_token, plain.uuid)).body.user_id).toBe(plain.uuid)
    expect((await get(plain.access_token, 5102)).body.user_id).toBe(plain.uuid)
    const other = (await list(admin)).body[1].user_id
    for (const id of [other, nobody]) expectDetail(await get(plain.access_token, id), 403, lacking('users:read'))
  })
})

describe('POST /users/create', () => {
  it('returns 200 with the new, activated record, and the user can sign in', async () => {
    vi.useFakeTimers(thatSecond)
    const { body, text } = await adminAndSolene()
    expect(body.user_id).toMatch(uuid)
    expect(text).toBe(wire(body.user_id, 5101, 'Solène Kerbrat', 'solene.kerbrat@example.org', 'user'))
    expect((await token({ username: '5101', password: solene.password })).status).toBe(200)
  })

  it('assigns the requested role', async () => {
    const { status, body } = await create(await adminToken(), { ...solene, role_id: roleIds.admin })
    expect([status, body.role_name, body.role_id]).toEqual([200, 'admin', roleIds.admin])
  })

  it('requires all five fields, and reports them in order', async () => {
    const admin = await adminToken()
    for (const field of Object.keys(solene)) {
      expectInvalid(await create(admin, { ...solene, [field]: undefined }), missing(field))
    }
    expectInvalid(await create(admin, {}), ...Object.keys(solene).map(missing))
  })

  it('reports invalid values in pydantic’s words', async () => {
    const admin = await adminToken()
    const onlyHere: typeof wrongValues = [
      ['matricule', null, 'int_type', 'Input should be a valid integer'],
      ['nom', null, 'string_type', 'Input should be a valid string'],
      ['email', null, 'string_type', 'Input should be a valid string'],
      ['password', null, 'string_type', 'Input should be a valid string'],
      ['password', '', 'string_too_short', 'String should have at least 8 characters'],
      ['role_id', 'cheffe', 'uuid_parsing', 'Input should be a valid UUID'],
      ['role_id', 3, 'uuid_type', 'UUID input should be a string, bytes or UUID object'],
    ]
    for (const [field, value, type, msg] of [...wrongValues, ...onlyHere]) {
      expectInvalid(await create(admin, { ...solene, [field]: value }), [field, type, msg])
    }
  })

  it('reports every invalid field, one entry a field, in the order of declaration, and never repeats the sent value', async () => {
    const personal = { password: 'sesame', email: 'sesame', nom: 'sesame'.repeat(40) }
    const sent = { role_id: 'sesame', ...personal, matricule: 'sesame' }
    const answer = await create(await adminToken(), sent)
    expect(answer.body.detail.map(({ loc, type }: any) => [loc[1], type])).toEqual([
      ['matricule', 'int_parsing'],
      ['nom', 'string_too_long'],
      ['email', 'value_error'],
      ['password', 'string_too_short'],
      ['role_id', 'uuid_parsing'],
    ])
    expect(answer.text).not.toContain('sesame')
  })

  it('reads integers and uuids as pydantic does', async () => {
    const admin = await adminToken()
    const hex = roleIds.user.replaceAll('-', '').toUpperCase()
    const accepted: [string, number, string][] = [
      ['"12"', 12, roleIds.user],
      ['13.0', 13, roleIds.user.toUpperCase()],
      ['" 14 "', 14, hex],
      ['"15.0"', 15, `{${roleIds.user}}`],
      ['1.6e1', 16, `urn:uuid:${roleIds.user}`],
      ['true', 1, hex],
      ['0', 0, hex],
      ['9007199254740991', 2 ** 53 - 1, hex],
    ]
    for (const [spelling, matricule, role_id] of accepted) {
      const sent = JSON.stringify({ ...solene, email: `m${matricule}@example.org`, role_id, matricule: '?' })
      const options = { token: admin, body: sent.replace('"?"', spelling), headers: asJson }
      const { status, body } = await call('/personnel/users/create', options)
      expect([status, body.matricule, body.role_id]).toEqual([200, matricule, roleIds.user])
    }
  })

  it('accepts an email with surrounding blanks or with a name, as pydantic does, and stores the address', async () => {
    const admin = await adminToken()
    for (const [index, email] of spellingsOfEmail('Thea.Sand@EXAMPLE.org').entries()) {
      const { status, body } = await create(admin, { ...solene, matricule: 5200 + index, email })
      expect([email, status, body.email]).toEqual([email, 200, 'Thea.Sand@example.org'])
      await call(`/v1/users/usr_${body.user_id.replaceAll('-', '')}`, { method: 'DELETE', token: admin })
    }
    for (const email of notAnAddress('thea.sand@example.org')) {
      const { status, body } = await create(admin, { ...solene, email })
      expect([email, status, body.detail?.[0].loc]).toEqual([email, 422, ['body', 'email']])
    }
  })

  it('rejects the list’s constant as a password, because clients that copy records send it and anyone can know it', async () => {
    const json = { matricule: 1, nom: 'Copied Record', email: 'copied@example.org', password: 'password_hashed' }
    const { status, body } = await create(await adminToken(), { ...json, role_id: roleIds.user })
    expect([status, body.detail[0].loc, body.detail[0].type]).toEqual([422, ['body', 'password'], 'value_error'])
  })

  it('ignores unknown and read-only fields', async () => {
    const admin = await adminToken()
    const { status, body } = await create(admin, { ...solene, user_id: nobody, status: 'deactivated', grade: 'A' })
    expect([status, body.status, body.user_id === nobody]).toEqual([200, 'activated', false])
  })

  it('rejects a matricule or an email that is taken, in any spelling', async () => {
    const { admin } = await adminAndSolene()
    const other = { ...solene, matricule: 5102, email: 'maelle@example.org' }
    expectDetail(await create(admin, { ...other, matricule: 5101 }), 409, 'Ce matricule est déjà utilisé')
    const email = 'SOLENE.Kerbrat@Example.org'
    expectDetail(await create(admin, { ...other, email }), 409, 'Cette adresse email est déjà utilisée')
  })

  it('returns 404 for an unknown role', async () => {
    expectDetail(await create(await adminToken(), { ...solene, role_id: nobody }), 404, "Ce rôle n'existe pas")
  })

  it('requires users:create, and roles:assign for any role but the default one', async () => {
    const admin = await adminToken()
    const plain = await signedInPerson(admin)
    const clerk = await clerkToken(admin, ['users:create'])
    expectDetail(await create(plain.access_token, solene), 403, lacking('users:create'))
    const { status, body } = await create(clerk, { ...solene, role_id: roleIds.admin })
    expect([status, body.detail]).toEqual([403, expect.stringContaining(lacking('roles:assign'))])
    expect((await create(clerk, solene)).status).toBe(200)
  })
})

describe('PUT /users/update', () => {
  it('changes only what is sent and returns the record', async () => {
    const { admin, body } = await adminAndSolene()
    const changes = { nom: 'Maëlle Kerbrat', matricule: '5102', email: 'maelle@EXAMPLE.org' }
    const answer = await update(admin, { user_id: body.user_id, ...changes, password: 'une autre phrase 52' })
    const expected = { ...body, ...changes, matricule: 5102, email: 'maelle@example.org' }
    expect([answer.status, answer.text]).toEqual([200, JSON.stringify(expected)])
    expect((await token({ username: '5102', password: 'une autre phrase 52' })).status).toBe(200)
    expect((await token({ username: '5102', password: solene.password })).status).toBe(401)
  })

  it('finds the user by matricule when user_id is digits only', async () => {
    const { admin, body } = await adminAndSolene()
    expect((await update(admin, { user_id: '5101', nom: 'Maëlle' })).body).toEqual({ ...body, nom: 'Maëlle' })
    expectDetail(await update(admin, { user_id: '5102', nom: 'Maëlle' }), 404, unknownId('5102'))
    expectDetail(await update(admin, { user_id: `${nobody}<`, nom: 'Maëlle' }), 404, unknownId(`${nobody}&lt;`))
  })

  it('accepts every spelling of the uuid and of the email that pydantic accepts', async () => {
    const { admin, body } = await adminAndSolene()
    const plain = await signedInPerson(admin)
    for (const [index, user_id] of spellingsOfUuid(body.user_id).entries()) {
      const nom = `Solène ${index}`
      expect((await update(admin, { user_id, nom })).body).toEqual({ ...body, nom })
    }
    for (const user_id of spellingsOfUuid(plain.uuid)) {
      const nom = `Myself ${user_id}`
      expect((await update(plain.access_token, { user_id, nom })).body.nom).toBe(nom)
    }
    const { user_id } = body
    for (const [index, email] of spellingsOfEmail('X@example.org').entries()) {
      const address = `x${index}@example.org`
      const answer = await update(admin, { user_id, email: email.replace('X@', `x${index}@`) })
      expect([email, answer.body.email]).toEqual([email, address])
    }
    const before = await versionOf(admin, user_id)
    const shown = (await get(admin, user_id)).body.email
    for (const email of spellingsOfEmail(shown))
      expect((await update(admin, { user_id, email })).body.email).toBe(shown)
    expect(await versionOf(admin, user_id)).toEqual(before)
    for (const email of notAnAddress('thea.sand@example.org')) {
      const answer = await update(admin, { user_id, email })
      expect([email, answer.status, answer.body.detail?.[0].loc]).toEqual([email, 422, ['body', 'email']])
    }
  })

  it('keeps fields that are absent or null, and the password when it is empty', async () => {
    const { admin, body } = await adminAndSolene()
    const before = await versionOf(admin, body.user_id)
    const nothing = { nom: null, matricule: null, email: null, password: null }
    for (const kept of [{}, nothing, { password: '' }]) {
      expect((await update(admin, { user_id: body.user_id, ...kept })).body).toEqual(body)
    }
    expect(await versionOf(admin, body.user_id)).toEqual(before)
    expect((await token({ username: '5101', password: solene.password })).status).toBe(200)
  })

  it('ignores role_id and unknown fields', async () => {
    const { admin, body } = await adminAndSolene()
    const more = { role_id: roleIds.admin, role_name: 'admin', status: 'deactivated', timestamp: 7, grade: 'A' }
    expect((await update(admin, { user_id: body.user_id, ...more })).body).toEqual(body)
    expect((await update(admin, { user_id: body.user_id, role_id: 'no role' })).body).toEqual(body)
  })

  it('changes nothing for a whole record sent back as it was shown', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { admin, body } = await adminAndSolene()
    const before = await versionOf(admin, body.user_id)
    vi.advanceTimersByTime(5000)
    const answer = await update(admin, body)
    expect([answer.status, answer.body]).toEqual([200, body])
    expect(await versionOf(admin, body.user_id)).toEqual(before)
    expect((await token({ username: '5101', password: solene.password })).status).toBe(200)
  })

  it('accepts a record with values that it would reject as new ones', async () => {
    const { admin, body } = await adminAndSolene()
    await rows("UPDATE users SET name = '', matricule = NULL WHERE id = ?", body.user_id)
    const shown = (await get(admin, body.user_id)).body
    const answer = await update(admin, { ...shown, email: 'maelle@example.org' })
    expect(answer.body).toEqual({ ...shown, nom: '', matricule: null, email: 'maelle@example.org' })
  })

  it('requires user_id, a string', async () => {
    const admin = await adminToken()
    expectInvalid(await update(admin, { nom: 'Maëlle' }), missing('user_id'))
    for (const user_id of [5101, null]) {
      expectInvalid(await update(admin, { user_id }), ['user_id', 'string_type', 'Input should be a valid string'])
    }
  })

  it('reports invalid values in pydantic’s words', async () => {
    const { admin, body } = await adminAndSolene()
    for (const [field, value, type, msg] of wrongValues) {
      expectInvalid(await update(admin, { user_id: body.user_id, [field]: value }), [field, type, msg])
    }
  })

  it('reports every invalid field, one entry a field, in the order of declaration, and never repeats the sent value', async () => {
    const { admin, body } = await adminAndSolene()
    const sent = { password: 'sesame', email: 'sesame', matricule: 'sesame', nom: 'sesame'.repeat(40) }
    const entries = (answer: Answer) => answer.body.detail.map(({ loc, type }: any) => `${loc.join('.')} ${type}`)
    const expected = [
      ...['body.nom string_too_long', 'body.matricule int_parsing'],
      ...['body.email value_error', 'body.password string_too_short'],
    ]
    const named = await update(admin, { ...sent, user_id: body.user_id })
    expect(entries(named)).toEqual(expected)
    const unnamed = await update(admin, sent)
    expect(entries(unnamed)).toEqual(['body.user_id missing', ...expected])
    expect(named.text + unnamed.text).not.toContain('sesame')
  })

  it('rejects a matricule or an email that is taken', async () => {
    const { admin, body } = await adminAndSolene()
    await create(admin, { ...solene, matricule: 5102, email: 'maelle@example.org' })
    const { user_id } = body
    expectDetail(await update(admin, { user_id, matricule: 5102 }), 409, 'Ce matricule est déjà utilisé')
    const email = 'maelle@example.org'
    expectDetail(await update(admin, { user_id, email }), 409, 'Cette adresse email est déjà utilisée')
    expect((await get(admin, user_id)).body).toEqual(body)
  })

  it('lets users change their own name, and no other field of their own', async () => {
    const plain = await signedInPerson(await adminToken(), { matricule: 5102 })
    const own = (changes: object) => update(plain.access_token, { user_id: plain.uuid, ...changes })
    const before = (await get(plain.access_token, plain.uuid)).body
    expectDetail(await own({ email: 'maelle@example.org' }), 403, lacking('users:update'))
    expectDetail(await own({ matricule: 5103 }), 403, lacking('users:update'))
    const ownPassword = 'Le mot de passe se change en donnant le mot de passe actuel'
    expectDetail(await own({ password: 'une autre phrase 52' }), 403, ownPassword)
    expect((await own(before)).body).toEqual(before)
    expect((await own({ ...before, nom: 'Maëlle Kerbrat' })).body).toEqual({ ...before, nom: 'Maëlle Kerbrat' })
    expect((await update(plain.access_token, { user_id: '5102', nom: 'Maëlle' })).body.nom).toBe('Maëlle')
  })

  it('requires users:update for others', async () => {
    const { admin, body } = await adminAndSolene()
    const plain = await signedInPerson(admin)
    for (const user_id of [body.user_id, '5101', nobody]) {
      expectDetail(await update(plain.access_token, { user_id, nom: 'Maëlle' }), 403, lacking('users:update'))
    }
    expect((await get(admin, 5101)).body).toEqual(body)
  })
})

describe('DELETE /users/delete/{user_id}', () => {
  it('deactivates by id or matricule, with an empty 204, also when repeated', async () => {
    const { admin, body } = await adminAndSolene()
    for (const id of [body.user_id, 5101, body.user_id, ...spellingsOfUuid(body.user_id)]) {
      const { status, text, headers } = await remove(admin, encodeURIComponent(id))
      expect([status, text, headers.get('content-type')]).toEqual([204, '', null])
      expect((await get(admin, body.user_id)).body).toEqual({ ...body, status: 'deactivated' })
    }
  })

  it('ends the sessions of the user, who can no longer sign in', async () => {
    const { admin } = await adminAndSolene()
    const { access_token, refresh_token } = (await token({ username: '5101', password: solene.password })).body
    expect((await get(access_token, 5101)).status).toBe(200)
    await remove(admin, 5101)
    expectDetail(await get(access_token, 5101), 401, badToken)
    expect((await token({ grant_type: 'refresh_token', refresh_token })).status).toBe(401)
    expectDetail(await token({ username: '5101', password: solene.password }), 401, 'Identifiants incorrects')
  })

  it('returns 404 for an unknown user', async () => {
    const admin = await adminToken()
    for (const id of [nobody, '5101']) expectDetail(await remove(admin, id), 404, unknownId(id))
  })

  it('refuses to deactivate the last active admin', async () => {
    const admin = await adminToken()
    const [self] = (await list(admin)).body
    const sentence = 'Le dernier administrateur actif ne peut être ni rétrogradé, ni désactivé, ni supprimé'
    expectDetail(await remove(admin, self.user_id), 409, sentence)
    expect((await list(admin)).body).toEqual([self])
  })

  it('requires users:deactivate, even for the caller’s own account', async () => {
    const plain = await signedInPerson(await adminToken())
    for (const id of [plain.uuid, nobody]) {
      expectDetail(await remove(plain.access_token, id), 403, lacking('users:deactivate'))
    }
  })
})

describe('POST /token', () => {
  const claimsOf = (jwt: string) => JSON.parse(atob(jwt.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/')))

  it('signs in by matricule, email or username', async () => {
    const admin = await adminToken()
    const { input, uuid } = await signedInPerson(admin, { matricule: 5102, username: 'maelle' })
    for (const username of ['5102', input.email, 'Maelle']) {
      const { status, body } = await token({ username, password: input.password })
      expect([status, Object.keys(body)]).toEqual([200, ['access_token', 'token_type', 'refresh_token', 'expires_in']])
      expect([body.token_type, body.expires_in]).toEqual(['bearer', 43_200])
      expect((await get(body.access_token, uuid)).status).toBe(200)
    }
    const grant = { grant_type: 'password', scope: '', client_id: '', client_secret: '' }
    expect((await token({ ...grant, username: '5102', password: input.password })).status).toBe(200)
  })

  it('issues a token of twelve hours with the original’s claims, whose sub is the matricule, or the id without one', async () => {
    const { admin, body: user } = await adminAndSolene()
    const { body } = await token({ username: '5101', password: solene.password })
    const { jti, iat, exp, sid, ...claims } = claimsOf(body.access_token)
    expect(claims).toEqual({
      sub: '5101',
      email: solene.email,
      user_id: user.user_id,
      role_name: 'user',
      role_id: roleIds.user,
      token_type: 'access',
      iss: 'usher',
      aud: 'usher',
    })
    expect([typeof jti, typeof sid, exp - iat]).toEqual(['string', 'string', 43_200])
    const { uuid, input } = await signedInPerson(admin)
    const without = await token({ username: input.email, password: input.password })
    expect(claimsOf(without.body.access_token).sub).toBe(uuid)
  })

  it('issues tokens that end after twelve hours', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    await adminAndSolene()
    const { body } = await token({ username: '5101', password: solene.password })
    vi.advanceTimersByTime(43_199_000)
    expect((await get(body.access_token, 5101)).status).toBe(200)
    vi.advanceTimersByTime(1000)
    expect((await get(body.access_token, 5101)).status).toBe(401)
  })

  it('returns the same 401 for an unknown user, a wrong password and a deactivated user', async () => {
    const { admin } = await adminAndSolene()
    await create(admin, { ...solene, matricule: 5102, email: 'maelle@example.org' })
    await remove(admin, 5102)
    for (const form of [
      { username: '5103', password: solene.password },
      { username: '5101', password: 'pas la bonne phrase' },
      { username: '5102', password: solene.password },
    ]) {
      const answer = await token(form)
      expectDetail(answer, 401, 'Identifiants incorrects')
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
  })

  it('exchanges a refresh token, once, for the next pair', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    await adminAndSolene()
    const first = (await token({ username: '5101', password: solene.password })).body
    const trade = (refresh_token: string) => token({ grant_type: 'refresh_token', refresh_token })
    const second = await trade(first.refresh_token)
    expect([second.status, Object.keys(second.body)]).toEqual([200, Object.keys(first)])
    expect(second.body.refresh_token).not.toBe(first.refresh_token)
    expect(claimsOf(second.body.access_token).sub).toBe('5101')
    expect((await get(second.body.access_token, 5101)).status).toBe(200)
    vi.advanceTimersByTime(60_000)
    expectDetail(await trade(first.refresh_token), 401, "Jeton d'actualisation invalide ou expiré")
    expect((await get(second.body.access_token, 5101)).status).toBe(401)
    expect((await trade('not a token')).status).toBe(401)
  })

  it('names the missing form fields', async () => {
    const literal: Entry = ['grant_type', 'literal_error', "Input should be '', 'password' or 'refresh_token'"]
    expectInvalid(await token({ scope: '' }), missing('username'), missing('password'))
    expectInvalid(await token({ username: '5101' }), missing('password'))
    expectInvalid(await token({ username: '', password: 'sesame' }), missing('username'))
    expectInvalid(await token({ grant_type: 'refresh_token' }), missing('refresh_token'))
    expectInvalid(await token({ grant_type: 'implicit' }), literal)
  })

  it('accepts only a form', async () => {
    const json = { username: firstAdmin.email, password: firstAdmin.password }
    expectInvalid(await call('/personnel/token', { json }), notAnObject)
    expectInvalid(await call('/personnel/token', { method: 'POST' }), missing('username'), missing('password'))
    const body = 'username=%C3%28&password=sesame'
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await call('/personnel/token', { body, headers })).body.detail[0].type).toBe('json_invalid')
  })

  it('locks an account after five failures, even for the right password', async () => {
    await adminAndSolene()
    const wrong = { username: '5101', password: 'pas la bonne phrase' }
    for (let failure = 0; failure < 5; failure += 1) expect((await token(wrong)).status).toBe(401)
    const answer = await token({ username: solene.email, password: solene.password })
    expectDetail(answer, 429, 'Trop de tentatives de connexion, réessayez plus tard')
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})

describe('POST /logout', () => {
  it('returns 204 and ends the session, its refresh token included', async () => {
    await adminAndSolene()
    const { access_token, refresh_token } = (await token({ username: '5101', password: solene.password })).body
    const { status, text } = await logout(access_token)
    expect([status, text]).toEqual([204, ''])
    expectDetail(await get(access_token, 5101), 401, badToken)
    expectDetail(await logout(access_token), 401, badToken)
    expect((await token({ grant_type: 'refresh_token', refresh_token })).status).toBe(401)
  })
})

describe('every operation', () => {
  const guarded: [string, string][] = [
    ['GET', '/users/list'],
    ['GET', `/users/${nobody}`],
    ['POST', '/users/create'],
    ['PUT', '/users/update'],
    ['DELETE', `/users/delete/${nobody}`],
    ['POST', '/logout'],
  ]

  it('returns 401 without a token, and names the error of an invalid one', async () => {
    for (const [method, path] of guarded) {
      const without = await call(`/personnel${path}`, { method })
      expectDetail(without, 401, 'Not authenticated')
      expect(without.headers.get('www-authenticate')).toBe('Bearer')
      const bad = await call(`/personnel${path}`, { method, token: 'not.a.token' })
      expectDetail(bad, 401, badToken)
      expect(bad.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    }
  })

  it('returns 404 for an unknown path, and 405 with Allow for a wrong method', async () => {
    for (const path of ['', '/', '/users', '/users/list/', '/users/delete/', '/nowhere']) {
      expectDetail(await call(`/personnel${path}`), 404, 'Not Found')
    }
    const verbs: [string, string, string][] = [
      ['POST', '/users/list', 'GET, HEAD'],
      ['DELETE', `/users/${nobody}`, 'GET, HEAD'],
      ['GET', `/users/delete/${nobody}`, 'DELETE'],
      ['GET', '/token', 'POST'],
      ['PUT', '/logout', 'POST'],
    ]
    for (const [method, path, allow] of verbs) {
      const answer = await call(`/personnel${path}`, { method })
      expectDetail(answer, 405, 'Method Not Allowed')
      expect(answer.headers.get('allow')).toBe(allow)
    }
  })

  it('answers HEAD like GET, without a body', async () => {
    const admin = await adminToken()
    for (const path of ['/users/list', `/users/${nobody}`]) {
      const asked = await call(`/personnel${path}`, { token: admin })
      const head = await call(`/personnel${path}`, { method: 'HEAD', token: admin })
      expect([head.status, head.text]).toEqual([asked.status, ''])
      expect(head.headers.get('content-type')).toBe('application/json')
    }
  })

  it('is served at the root of the contract’s own host', async () => {
    const env = { CONTRACT_HOSTS: '{"register.usher.example":"personnel"}' }
    const options = { host: 'register.usher.example:8000', env, token: await adminToken() }
    expect((await call('/users/list', options)).body[0].nom).toBe('first.admin')
    expectDetail(await call(`/users/${nobody}`, options), 404, unknownId(nobody))
    expectDetail(await call('/personnel/users/list', options), 404, 'Not Found')
  })

  it('returns 503 with Retry-After while the database is away', async () => {
    const DB = { prepare: () => ({ bind: () => ({}) }), batch: () => Promise.reject(new Error('D1_ERROR: gone')) }
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const answer = await call('/personnel/users/list', { token: await adminToken(), env: { DB } })
    expectDetail(answer, 503, 'Service momentanément indisponible')
    expect(answer.headers.get('retry-after')).toBe('5')
  })
})

describe('a body', () => {
  const operations: [string, string][] = [
    ['POST', '/personnel/users/create'],
    ['PUT', '/personnel/users/update'],
  ]
  const complete = JSON.stringify({ ...solene, user_id: '5101' })
  const bytes = (text: string) => new TextEncoder().encode(text)
  const invalidUtf8 = new Uint8Array([...bytes('{"user_id":"5101","nom":"'), 0xc3, 0x28, ...bytes('"}')])

  /** Sends the same body to both operations that take JSON. Both must refuse it in the same way. */
  async function toEach(options: Call, check: (answer: Answer) => void) {
    const admin = await adminToken()
    for (const [method, path] of operations) check(await call(path, { token: admin, method, ...options }))
  }

  it('that is empty is reported as missing', async () => {
    await toEach({ body: '', headers: asJson }, (answer) => expectInvalid(answer, missing(null)))
    await toEach({}, (answer) => expectInvalid(answer, missing(null)))
  })

  it('that is not an object, or has another content type than JSON, gets model_attributes_type', async () => {
    for (const body of ['[]', `[${complete}]`, '"text"', '12']) {
      await toEach({ body, headers: asJson }, (answer) => expectInvalid(answer, notAnObject))
    }
    await toEach({ form: { user_id: '5101', nom: 'Maëlle' } }, (answer) => expectInvalid(answer, notAnObject))
    for (const type of ['text/plain', 'application/xml', 'text/json']) {
      const options = { body: complete, headers: { 'content-type': type } }
      await toEach(options, (answer) => expectInvalid(answer, notAnObject))
    }
  })

  it('that cannot be parsed as JSON gets json_invalid', async () => {
    for (const body of ['{"matricule":}', '{', 'matricule=1', invalidUtf8]) {
      await toEach({ body, headers: asJson }, ({ status, body: { detail } }) => {
        const [{ loc, msg, type }] = detail as [{ loc: [string, number]; msg: string; type: string }]
        expect([status, detail.length, loc[0], typeof loc[1]]).toEqual([422, 1, 'body', 'number'])
        expect([msg, type]).toEqual(['JSON decode error', 'json_invalid'])
      })
    }
    const { body } = await call('/personnel/users/create', { token: await adminToken(), body: '{,}', headers: asJson })
    expect(body.detail[0].loc).toEqual(['body', 1])
  })

  it('is JSON without a content type, and with any parameters of the type', async () => {
    const admin = await adminToken()
    const bare = await call('/personnel/users/create', { token: admin, body: bytes(JSON.stringify(solene)) })
    expect([bare.status, bare.body.nom]).toEqual([200, 'Solène Kerbrat'])
    const renamed = bytes('{"user_id":"5101","nom":"Maëlle"}')
    const options = { method: 'PUT', token: admin, body: renamed }
    expect((await call('/personnel/users/update', options)).body.nom).toBe('Maëlle')
    const headers = { 'content-type': 'application/json; charset=utf-8' }
    expect((await call('/personnel/users/update', { ...options, headers })).status).toBe(200)
  })

  it('is read up to 65,536 bytes', async () => {
    const admin = await adminToken()
    const padded = (length: number) => JSON.stringify({ ...solene, nom: 'Solene Kerbrat' }).padEnd(length)
    const options = { token: admin, headers: asJson }
    expect((await call('/personnel/users/create', { ...options, body: padded(65_536) })).status).toBe(200)
    const over = await call('/personnel/users/create', { ...options, body: padded(65_537) })
    expectDetail(over, 413, 'Requête trop volumineuse')
  })
})

describe('the order of checks', () => {
  it('is 405, then 413, 401, 403, 422', async () => {
    const plain = (await signedInPerson(await adminToken())).access_token
    const body = ' '.repeat(65_537)
    expect((await call('/personnel/users/list', { method: 'POST', body })).status).toBe(405)
    expect((await call('/personnel/users/create', { body })).status).toBe(413)
    expect((await call('/personnel/users/create', { body: '{', headers: asJson })).status).toBe(401)
    expect((await call('/personnel/users/create', { token: plain, body: '{', headers: asJson })).status).toBe(403)
    expect((await create(plain, {})).status).toBe(403)
    await logout(plain)
    expect((await create(plain, {})).status).toBe(401)
    expect((await update(plain, {})).status).toBe(401)
  })

  it('is 422 before 404 and 409', async () => {
    const { admin } = await adminAndSolene()
    expect((await update(admin, { user_id: nobody, email: 'maelle' })).status).toBe(422)
    expect((await create(admin, { ...solene, matricule: 'douze' })).status).toBe(422)
    expect((await create(admin, { ...solene, matricule: 5102, password: solene.email })).status).toBe(422)
    expect((await create(admin, { ...solene, role_id: nobody, nom: '' })).status).toBe(422)
  })

  it('is 422 before a 403 that depends on the body', async () => {
    const admin = await adminToken()
    const clerk = await clerkToken(admin, ['users:create'])
    const asAdmin = { ...solene, role_id: roleIds.admin }
    expect((await create(clerk, { ...asAdmin, email: 'solene' })).status).toBe(422)
    expect((await create(clerk, asAdmin)).status).toBe(403)
    const plain = await signedInPerson(admin)
    expect((await update(plain.access_token, { user_id: plain.uuid, email: 'maelle' })).status).toBe(422)
    expect((await update(plain.access_token, { user_id: plain.uuid, email: 'maelle@example.org' })).status).toBe(403)
  })
})

namesEveryTest(statements)

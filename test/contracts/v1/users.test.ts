/** v1: creating, reading and deleting users. */
import { beforeEach, describe, expect, it } from 'vitest'
import { adminToken, call, freshDirectory, person, roleIds, rows, signedInPerson, uuidOf } from '../../support/usher'
import { namesEveryTest } from '../../support/statements'
import {
  everything,
  expectInvalid,
  expectProblem,
  expectTaken,
  keyWith,
  lacking,
  nothingMore,
  statements,
  roleWith,
  someoneWith,
  wrongValues,
} from '../../support/v1'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const create = (json: unknown, token = admin) => call('/v1/users', { token, method: 'POST', json })
const get = (id: string, token = admin, headers: Record<string, string> = {}) =>
  call(`/v1/users/${id}`, { token, headers })
const patch = (id: string, json: unknown, token = admin, headers: Record<string, string> = {}) =>
  call(`/v1/users/${id}`, { method: 'PATCH', token, json, headers })
const remove = (id: string, token = admin, headers: Record<string, string> = {}) =>
  call(`/v1/users/${id}`, { method: 'DELETE', token, headers })
const login = (identifier: string, password: unknown) => call('/v1/auth/login', { json: { identifier, password } })
const total = async () => (await call('/v1/users?limit=1', { token: admin })).body.pagination.total

const nobody = 'usr_019b1c6e7a407d529a513f1d0c2b4e66'
const noSuchUser = 'There is no such user.'
const changedSince = 'The user has changed since.'
const lastAdmin = 'The last active admin must stay one.'

describe('POST /users', () => {
  it('returns 201 with the whole user, a Location that leads to them and an ETag', async () => {
    const { status, headers, body } = await create({
      email: 'Mara.Novak@Example.org',
      name: 'Mara Novak',
      password: 'securepass123',
      role: 'user',
    })
    expect([status, body]).toEqual([
      201,
      {
        id: expect.stringMatching(/^usr_[0-9a-f]{32}$/),
        email: 'Mara.Novak@example.org',
        name: 'Mara Novak',
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        updated_at: body.created_at,
        status: 'active',
        role: 'user',
        first_name: 'Mara',
        last_name: 'Novak',
        is_staff: false,
        roles: [{ id: roleIds.user, name: 'user' }],
        ...nothingMore,
      },
    ])
    expect(headers.get('location')).toBe(`/v1/users/${body.id}`)
    const read = await call(String(headers.get('location')), { token: admin })
    expect([read.body, read.headers.get('etag')]).toEqual([body, headers.get('etag')])
    expect(headers.get('etag')).toMatch(/^"\d+"$/)
  })

  it('accepts every other writable field, and returns the stored values', async () => {
    const { status, body } = await create({ ...everything, password: 'a fine passphrase', role: 'admin' })
    expect([status, body]).toMatchObject([201, { ...everything, role: 'admin' }])
    const none = await create(person(nothingMore))
    expect([none.status, none.body]).toMatchObject([201, nothingMore])
  })

  it('sets a password that works at sign-in, and returns it nowhere', async () => {
    const input = person()
    const { text } = await create(input)
    expect(text).not.toMatch(/password|hash|salt|pbkdf2/i)
    expect(text).not.toContain(input.password)
    expect((await login(input.email, input.password)).status).toBe(200)
  })

  it('assigns the role user by default, and finds a role by its name in any spelling', async () => {
    expect((await create(person())).body.role).toBe('user')
    expect((await create(person({ role: 'ＡDMIN' }))).body.role).toBe('admin')
  })

  it('splits a name that is sent alone, and keeps name parts that are sent with it', async () => {
    const names = async (fields: object) => {
      const { name, first_name, last_name } = (await create(person(fields as Record<string, unknown>))).body
      return [name, first_name, last_name]
    }
    expect(await names({ name: 'Ana María de la Vega' })).toEqual(['Ana María de la Vega', 'Ana', 'María de la Vega'])
    expect(await names({ name: 'Plato' })).toEqual(['Plato', 'Plato', ''])
    expect(await names({ name: 'Dr. Ana', first_name: 'Ana', last_name: 'Vega' })).toEqual(['Dr. Ana', 'Ana', 'Vega'])
  })

  it('requires email, name and password, and reports all errors at once', async () => {
    const required = ['email', 'name', 'password'].map((field): [string, string] => [field, 'is required'])
    expectInvalid(await create({}), ...required)
    const bad = new Map(wrongValues.filter(([field]) => field !== 'role').map((wrong) => [wrong[0], wrong]))
    const sent = Object.fromEntries([...bad.values()].map(([field, value]) => [field, value]))
    expectInvalid(
      await create(sent),
      ...[...bad.values()].map(([field, , message]): [string, string] => [field, message]),
    )
  })

  it('accepts a null password for a user who will set one by token', async () => {
    const { password: _, ...input } = person()
    expectInvalid(await create(input), ['password', 'is required'])
    const { status, body } = await create({ ...input, password: null })
    expect([status, body.email, body.status]).toEqual([201, input.email, 'active'])
    for (const password of ['', 'null']) expect((await login(input.email, password)).status).toBe(401)
    const [event] = await rows<{ fields: string }>(
      "SELECT fields FROM audit_events WHERE user_id = ? AND action = 'user.created'",
      uuidOf(body.id),
    )
    expect(JSON.parse(event?.fields ?? '')).not.toContain('password')
    const issued = await call(`/v1/users/${body.id}/password-token`, { method: 'POST', token: admin })
    const json = { token: issued.body.token, new_password: 'chosen by herself' }
    expect((await call('/v1/auth/password', { json })).status).toBe(204)
    expect((await login(input.email, 'chosen by herself')).status).toBe(200)
  })

  it('reports invalid values, and creates nothing', async () => {
    for (const [field, value, message] of wrongValues) {
      expectInvalid(await create(person({ [field]: value })), [field, message])
    }
    const personal = "must not be the user's own email, username or name"
    for (const more of [{ username: 'sesame-opens' }, { name: 'Sesame-Opens' }]) {
      expectInvalid(await create(person({ ...more, password: 'SESAME-opens' })), ['password', personal])
    }
    expect(await total()).toBe(1)
  })

  it('ignores read-only and unknown fields', async () => {
    const readOnly = { id: 'usr_0', status: 'inactive', created_at: '1999-01-01T00:00:00Z', roles: [], updated_at: 7 }
    const { status, body } = await create(person({ ...readOnly, surprise: 1, __proto__: { role: 'admin' } }))
    expect([status, body.status, body.role]).toEqual([201, 'active', 'user'])
    expect([body.id === 'usr_0', body.created_at.startsWith('1999'), 'surprise' in body]).toEqual([false, false, false])
  })

  it('returns 409 for a taken email, username or matricule, in any spelling, and creates nothing', async () => {
    await create(person({ email: 'taken@example.org', username: 'taken', matricule: 5 }))
    for (const [field, value] of [
      ['email', 'TAKEN@example.org'],
      ['email', 'taken@EXAMPLE.org'],
      ['username', 'Taken'],
      ['username', 'ｔａｋｅｎ'],
      ['matricule', 5],
      ['username', '5'],
      ['username', 'taken@example.org'],
    ] as const) {
      expectTaken(await create(person({ [field]: value })), field)
    }
    expect(await total()).toBe(2)
  })

  it('gives an email to one of many simultaneous requests', async () => {
    const input = person()
    const answers = await Promise.all(Array.from({ length: 6 }, () => create(input)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409])
    expect(await total()).toBe(2)
  })

  it('requires users:create, and roles:assign for any role but the default one', async () => {
    const creator = await someoneWith(admin, ['users:create'])
    const role = await roleWith(admin, [])
    expect((await create(person({ role: 'user' }), creator.access_token)).status).toBe(201)
    expectProblem(await create(person({ role: role.name }), creator.access_token), 403, lacking('roles:assign'))
    const plain = await signedInPerson(admin)
    expectProblem(await create(person(), plain.access_token), 403, lacking('users:create'))
  })

  it('assigns no role with a permission that the caller lacks', async () => {
    const assigner = await someoneWith(admin, ['users:create', 'roles:assign', 'users:read'])
    const [narrow, wide] = [await roleWith(admin, ['users:read']), await roleWith(admin, ['users:read', 'audit:read'])]
    expect((await create(person({ role: narrow.name }), assigner.access_token)).status).toBe(201)
    expectProblem(await create(person({ role: wide.name }), assigner.access_token), 403, lacking('audit:read'))
    const { key } = await keyWith(admin, ['users:create', 'roles:assign'])
    expectProblem(await create(person({ role: narrow.name }), key), 403, lacking('users:read'))
  })
})

describe('GET /users/{id}', () => {
  it('returns the user with an ETag', async () => {
    const { body, headers } = await create(person(everything))
    const read = await get(body.id)
    expect([read.status, read.body, read.headers.get('etag')]).toEqual([200, body, headers.get('etag')])
  })

  it('returns 404 for an unknown id and for a malformed one', async () => {
    const { body } = await create(person())
    for (const id of [
      nobody,
      'usr_1',
      'nonsense',
      '%00',
      '%ff',
      "usr_' OR 1=1 --",
      uuidOf(body.id),
      body.id.toUpperCase(),
    ]) {
      expectProblem(await get(id), 404, noSuchUser)
    }
  })

  it('also takes a matricule or a number in place of the id, with the same permission', async () => {
    const { body: user } = await create(person({ matricule: 70_042 }))
    const account = await signedInPerson(admin, { matricule: 70_043 })
    const { body: clinic } = await call(`/clinic/users/user/search/?query_string=${user.email}`, { token: admin })
    for (const id of ['matricule:70042', 'matricule%3A0070042', `number:${clinic.data[0].id}`]) {
      expect((await get(id)).body).toEqual(user)
      expectProblem(await get(id, account.access_token), 403, lacking('users:read'))
    }
    expect((await get('matricule:70043', account.access_token)).body).toEqual(account.user)
    for (const id of ['matricule:', 'matricule:70044', 'number:0', 'number:-1', 'matricule:7e4', 'email:70042']) {
      expectProblem(await get(id), 404, noSuchUser)
    }
    expectProblem(await patch('matricule:70042', {}), 404, noSuchUser)
  })

  it('returns the caller’s own record, and records of others with users:read', async () => {
    const account = await signedInPerson(admin)
    expect((await get(account.id, account.access_token)).body).toEqual(account.user)
    const other = await signedInPerson(admin)
    for (const id of [other.id, nobody]) {
      expectProblem(await get(id, account.access_token), 403, lacking('users:read'))
    }
    const reader = await someoneWith(admin, ['users:read'])
    expect((await get(account.id, reader.access_token)).status).toBe(200)
  })

  it('returns 304 without a body when If-None-Match names the current version', async () => {
    const { body: user, headers } = await create(person())
    const etag = String(headers.get('etag'))
    for (const [tag, status] of [
      [etag, 304],
      [`W/${etag}`, 304],
      [`"0", ${etag}`, 304],
      ['*', 304],
      ['"0"', 200],
      ['', 200],
      ['nonsense', 200],
    ] as const) {
      const answer = await get(user.id, admin, { 'if-none-match': tag })
      expect([tag, answer.status, answer.text === '']).toEqual([tag, status, status === 304])
      expect(answer.headers.get('etag')).toBe(etag)
    }
    await patch(user.id, { phone: '1' })
    expect((await get(user.id, admin, { 'if-none-match': etag })).status).toBe(200)
  })

  it('answers HEAD like GET, without the body', async () => {
    const { body, headers } = await create(person())
    const head = await call(`/v1/users/${body.id}`, { method: 'HEAD', token: admin })
    expect([head.status, head.text, head.headers.get('etag')]).toEqual([200, '', headers.get('etag')])
    expect((await call(`/v1/users/${nobody}`, { method: 'HEAD', token: admin })).status).toBe(404)
  })
})

describe('DELETE /users/{id}', () => {
  it('returns 204 without a body, and the user is gone for good', async () => {
    const { body } = await create(person())
    const gone = await remove(body.id)
    expect([gone.status, gone.text]).toEqual([204, ''])
    for (const answer of [await get(body.id), await remove(body.id), await patch(body.id, {})]) {
      expectProblem(answer, 404, noSuchUser)
    }
  })

  it('frees the email, the username and the matricule, and never the id', async () => {
    const input = person({ username: 'free.again', matricule: 12 })
    const { body } = await create(input)
    await remove(body.id)
    const again = await create(input)
    expect([again.status, again.body.id === body.id]).toEqual([201, false])
  })

  it('ends every session and key of the user', async () => {
    const account = await someoneWith(admin, ['api_keys:manage'])
    const { key } = await keyWith(account.access_token, [])
    await remove(account.id)
    for (const token of [account.access_token, key]) expect((await call('/v1/me', { token })).status).toBe(401)
    expect((await call('/v1/auth/refresh', { json: { refresh_token: account.refresh_token } })).status).toBe(401)
    expect((await login(account.input.email, account.input.password)).status).toBe(401)
  })

  it('requires users:delete, even for the caller’s own account, and every permission that the user holds', async () => {
    const deleter = await someoneWith(admin, ['users:delete'])
    const clerk = await someoneWith(admin, ['users:read', 'users:update', 'users:deactivate'])
    for (const { id } of [deleter, clerk]) {
      expectProblem(await remove(id, clerk.access_token), 403, lacking('users:delete'))
    }
    const missing = lacking('users:read', 'users:update', 'users:deactivate')
    expectProblem(await remove(clerk.id, deleter.access_token), 403, missing)
    expect((await remove(deleter.id, deleter.access_token)).status).toBe(204)
  })

  it('returns 409 for the last active admin', async () => {
    const { body: me } = await call('/v1/me', { token: admin })
    expectProblem(await remove(me.id), 409, lastAdmin)
    const second = await signedInPerson(admin, { role: 'admin' })
    expect((await remove(me.id, second.access_token)).status).toBe(204)
    expectProblem(await remove(second.id, second.access_token), 409, lastAdmin)
  })

  it('returns 412 when If-Match names another version, and deletes no user', async () => {
    const { body: user } = await create(person())
    await patch(user.id, { phone: '1' })
    expectProblem(await remove(user.id, admin, { 'if-match': '"1"' }), 412, changedSince)
    expect((await get(user.id)).status).toBe(200)
    expect((await remove(user.id, admin, { 'if-match': '"2"' })).status).toBe(204)
  })
})

namesEveryTest(statements)

/** backoffice: reading, creating and deleting one user. */
import { describe, expect, it } from 'vitest'
import statements from './STATEMENTS.md?raw'
import { adminAndInes, clerk, create, etagOf, get, ines, inesShown, login, numberOf } from '../../support/backoffice'
import {
  expectInvalid,
  expectMessage,
  remove,
  required,
  rui,
  unauthorized,
  update,
  users,
} from '../../support/backoffice'
import { namesEveryTest } from '../../support/statements'
import { adminToken, call, firstAdmin, freshDirectory, roleIds, rows, signedInPerson } from '../../support/usher'

freshDirectory()

const unknown = [
  '0',
  '3',
  '999999',
  '9'.repeat(15),
  '9'.repeat(40),
  '-1',
  '2.0',
  '2e0',
  '0x2',
  'two',
  '%202',
  '2%00',
  'null',
  'é',
]

describe('GET /api/v1/users/{id}', () => {
  it('returns the user as data', async () => {
    const { admin, id } = await adminAndInes()
    const { status, headers, text } = await get(admin, id)
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(text).toBe(`{"data":${inesShown(2)}}`)
  })

  it('returns 404 for an unknown id, and for one that is not an integer', async () => {
    const { admin } = await adminAndInes()
    for (const id of unknown) expectMessage(await get(admin, id), 404, 'User not found')
  })

  it('shows an unknown gender as null, and the email when there is no username', async () => {
    const admin = await adminToken()
    const { input } = await signedInPerson(admin, { gender: 'unknown', matricule: 88 })
    const { body } = await get(admin, await numberOf(input.email))
    expect(body).toEqual({
      data: {
        user_id: 2,
        username: input.email,
        first_name: 'Person',
        last_name: input.name.split(' ')[1],
        email: input.email,
        gender: null,
        birthday: null,
        country_id: null,
        user_status: 'active',
        role_id: 2,
      },
    })
  })

  it('shows the number of the first of several roles', async () => {
    const { admin, id } = await adminAndInes()
    const [{ id: uuid }] = (await rows<{ id: string }>('SELECT id FROM users WHERE number = 2')) as [{ id: string }]
    const path = `/v1/users/usr_${uuid.replaceAll('-', '')}/roles`
    for (const roles of [
      ['user', 'admin'],
      ['admin', 'user'],
    ]) {
      await call(path, { method: 'PUT', token: admin, json: { roles } })
      expect((await get(admin, id)).body.data.role_id).toBe(roles[0] === 'admin' ? 1 : 2)
    }
  })

  it('requires users:read, even for the caller’s own record', async () => {
    const { admin, id } = await adminAndInes()
    const token = (await login(ines)).body.data.token
    for (const asked of [id, 1, 999]) expectMessage(await get(token, asked), 403, unauthorized)
    const reader = await clerk(admin, ['users:read'])
    expect((await get(reader.access_token, id)).status).toBe(200)
  })
})

describe('POST /api/v1/users', () => {
  it('returns 201 with a message and the new, active user, who can sign in', async () => {
    const admin = await adminToken()
    const { status, headers, text } = await create(admin, ines)
    expect([status, headers.get('content-type')]).toEqual([201, 'application/json'])
    expect(text).toBe(`{"message":"User created successfully","data":${inesShown(2)}}`)
    expect((await login({ username: ines.username, password: ines.password })).status).toBe(200)
  })

  it('requires all fields but country_id and role_id, and reports them in the order of the rules', async () => {
    const admin = await adminToken()
    const needed = ['username', 'email', 'password', 'first_name', 'last_name', 'gender', 'birthday']
    for (const field of needed) {
      for (const none of [undefined, null, '', '  ']) {
        if (field === 'password' && none === '  ') continue
        const sentence = [required(field.replace('_', ' '))]
        expectInvalid(await create(admin, { ...ines, [field]: none }), { [field]: sentence })
      }
    }
    const all = Object.fromEntries(needed.map((field) => [field, [required(field.replace('_', ' '))]]))
    const empty = Object.fromEntries(needed.map((field) => [field, '']))
    for (const nothing of [{}, empty, [], [ines], 'text', 7, true, null])
      expectInvalid(await create(admin, nothing), all)
    const { body } = await create(admin, {})
    expect(body.message).toBe('The username field is required. (and 6 more errors)')
    expect((await rows('SELECT * FROM users')).length).toBe(1)
  })

  it('accepts a user without a country: absent, null or empty', async () => {
    const admin = await adminToken()
    for (const [index, country_id] of [undefined, null, ''].entries()) {
      const person = { ...ines, username: `ines${index}`, email: `ines${index}@example.org`, country_id }
      const { status, body } = await create(admin, person)
      expect([status, body.data.country_id]).toEqual([201, null])
    }
  })

  it('assigns the requested role by its number, and by default that of a regular user', async () => {
    const admin = await adminToken()
    await call('/v1/roles', { token: admin, json: { name: 'night desk', permissions: [], number: 31 } })
    for (const [index, [sent, given]] of (
      [
        [undefined, 2],
        [null, 2],
        ['', 2],
        [2, 2],
        [1, 1],
        ['1', 1],
        [31, 31],
        [' 31 ', 31],
      ] as const
    ).entries()) {
      const person = { ...ines, username: `ines${index}`, email: `ines${index}@example.org`, role_id: sent }
      const { status, body } = await create(admin, person)
      expect([sent, status, body.data?.role_id]).toEqual([sent, 201, given])
    }
  })

  it('trims every text but passwords', async () => {
    const admin = await adminToken()
    const padded = Object.fromEntries(Object.entries(ines).map(([field, value]) => [field, ` \t${value}\u00a0\n`]))
    const { status, text } = await create(admin, padded)
    expect([status, text]).toEqual([201, `{"message":"User created successfully","data":${inesShown(2)}}`])
    const { username } = ines
    expect((await login({ username, password: ines.password })).status).toBe(401)
    expect((await login({ username, password: ` \t${ines.password}\u00a0\n` })).status).toBe(200)
  })

  it('accepts dates followed by a time, as JSON writes a Date, and keeps the day', async () => {
    const admin = await adminToken()
    for (const [index, birthday] of [
      ...['1991-06-14T00:00:00.000Z', '1991-06-14T23:59:59+02:00', '1991-06-14 00:00:00', '1991-06-14T00:00'],
      ...['1991-06-14T00:00:00.000000Z', '06/14/1991', '14 Jun 1991'],
    ].entries()) {
      const person = { ...ines, username: `ines${index}`, email: `ines${index}@example.org`, birthday }
      expect([birthday, (await create(admin, person)).body.data?.birthday]).toEqual([birthday, '1991-06-14'])
    }
  })

  it('stores no username when the email is sent as username, whatever its length', async () => {
    const admin = await adminToken()
    const email = `${'i'.repeat(64)}@long-enough.example.org`
    const { status, body } = await create(admin, { ...ines, username: email.toUpperCase(), email })
    expect([status, body.data.username]).toEqual([201, email])
    expect(await rows('SELECT username FROM users WHERE number = 2')).toEqual([{ username: null }])
    expect((await login({ username: email, password: ines.password })).body.data.user).toMatchObject(body.data)
  })

  it('ignores unknown and read-only fields', async () => {
    const admin = await adminToken()
    const more = {
      user_id: 77,
      id: 77,
      is_admin: true,
      permissions: ['*'],
      name: 'X',
      matricule: 3,
    }
    const { status, text } = await create(admin, { ...more, ...ines })
    expect([status, text]).toEqual([201, `{"message":"User created successfully","data":${inesShown(2)}}`])
    expect(await rows('SELECT matricule, name FROM users WHERE number = 2')).toEqual([
      { matricule: null, name: 'Inês Calado' },
    ])
  })

  it('returns 422 for a username or email that is taken, in any spelling and as either identifier', async () => {
    const { admin } = await adminAndInes()
    const taken = (field: string) => [`The ${field} has already been taken.`]
    const username = 'INES.Calado'
    const email = 'Ines.Calado@EXAMPLE.org'
    expectInvalid(await create(admin, { ...rui, username }), { username: taken('username') })
    expectInvalid(await create(admin, { ...rui, email }), { email: taken('email') })
    expectInvalid(await create(admin, { ...rui, username, email }), {
      username: taken('username'),
      email: taken('email'),
    })
    expectInvalid(await create(admin, { ...rui, username: email }), { username: taken('username') })
    expect((await create(admin, rui)).status).toBe(201)
  })

  it('returns 422 for an unknown role', async () => {
    const admin = await adminToken()
    for (const role_id of [99, '99', 0, -1, Number.MAX_SAFE_INTEGER, 1e300]) {
      const answer = await create(admin, { ...ines, role_id })
      expectInvalid(answer, { role_id: ['The selected role id is invalid.'] })
    }
  })

  it('creates an inactive user for user_status inactive, who cannot sign in until reactivated', async () => {
    const admin = await adminToken()
    const credentials = { username: ines.username, password: ines.password }
    const { status, body } = await create(admin, { ...ines, user_status: ' inactive ' })
    expect([status, body.data.user_status]).toEqual([201, 'inactive'])
    expect(await rows('SELECT active FROM users WHERE number = 2')).toEqual([{ active: 0 }])
    expectMessage(await login(credentials), 401, 'Invalid credentials')
    await update(admin, 2, { user_status: 'active' })
    expect((await login(credentials)).status).toBe(200)
  })

  it('creates an active user when user_status is active, absent, null or empty, and returns 422 for any other value', async () => {
    const admin = await adminToken()
    for (const [index, user_status] of ['active', undefined, null, '', ' '].entries()) {
      const person = { ...ines, username: `ines${index}`, email: `ines${index}@example.org`, user_status }
      const { status, body } = await create(admin, person)
      expect([user_status, status, body.data?.user_status]).toEqual([user_status, 201, 'active'])
    }
    for (const user_status of ['Inactive', 'deactivated', 'disabled', false, 0, ['inactive']]) {
      const answer = await create(admin, { ...ines, user_status })
      expectInvalid(answer, { user_status: ['The selected user status is invalid.'] })
    }
  })

  it('refuses an inactive user to a caller without users:deactivate', async () => {
    const admin = await adminToken()
    const maker = await clerk(admin, ['users:create'])
    expectMessage(await create(maker.access_token, { ...ines, user_status: 'inactive' }), 403, unauthorized)
    expect(await rows('SELECT number FROM users WHERE email = ?', ines.email)).toEqual([])
    expect((await create(maker.access_token, { ...ines, user_status: 'active' })).status).toBe(201)
  })

  it('requires users:create, and roles:assign for any role but the default one', async () => {
    const admin = await adminToken()
    const plain = await signedInPerson(admin)
    const maker = await clerk(admin, ['users:create'])
    expectMessage(await create(plain.access_token, ines), 403, unauthorized)
    expectMessage(await create(maker.access_token, { ...ines, role_id: 1 }), 403, unauthorized)
    expect((await create(maker.access_token, { ...ines, role_id: 2 })).status).toBe(201)
  })
})

describe('DELETE /api/v1/users/{id}', () => {
  it('returns 200 with a message, and the user is gone for good', async () => {
    const { admin, id } = await adminAndInes()
    const { token } = (await login(ines)).body.data
    const { status, headers, text } = await remove(admin, id)
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(text).toBe('{"message":"User deleted successfully"}')
    expectMessage(await get(admin, id), 404, 'User not found')
    expectMessage(await get(token, id), 401, 'Unauthenticated.')
    expectMessage(await login(ines), 401, 'Invalid credentials')
  })

  it('frees username and email, and never the number', async () => {
    const { admin, id } = await adminAndInes()
    await remove(admin, id)
    const { status, body } = await create(admin, ines)
    expect([status, body.data.user_id]).toEqual([201, id + 1])
  })

  it('returns 404 for an unknown id, and for one that is not an integer', async () => {
    const { admin, id } = await adminAndInes()
    await remove(admin, id)
    for (const one of [id, ...unknown]) expectMessage(await remove(admin, one), 404, 'User not found')
  })

  it('returns 403 to a caller who would delete themselves', async () => {
    const { admin, id } = await adminAndInes()
    await call(`${users}/${id}`, { method: 'PUT', token: admin, json: { role_id: 1 } })
    const { token } = (await login(ines)).body.data
    expectMessage(await remove(token, id), 403, unauthorized)
    expect((await get(token, id)).status).toBe(200)
  })

  it('returns 403 to an API key that would delete its owner', async () => {
    const { admin, id } = await adminAndInes()
    await call(`${users}/${id}`, { method: 'PUT', token: admin, json: { role_id: 1 } })
    const { token } = (await login(ines)).body.data
    const { permissions } = (await call(`/v1/roles/${roleIds.admin}`, { token: admin })).body
    const { key } = (await call('/v1/api-keys', { token, json: { name: 'everything', permissions } })).body
    expectMessage(await remove(key, id), 403, 'This action is unauthorized.')
    expect((await get(key, id)).status).toBe(200)
  })

  it('returns 409 for the last active admin', async () => {
    const admin = await adminToken()
    const sentence = 'The last active administrator cannot be demoted, deactivated or deleted.'
    const { permissions } = (await call(`/v1/roles/${roleIds.admin}`, { token: admin })).body
    await call('/v1/roles', { token: admin, json: { name: 'deputy', permissions } })
    const deputy = await signedInPerson(admin, { role: 'deputy' })
    const before = await etagOf(admin, firstAdmin.email)
    expectMessage(await remove(deputy.access_token, 1), 409, sentence)
    expect(await etagOf(admin, firstAdmin.email)).toEqual(before)
  })

  it('requires users:delete, and every permission of the user', async () => {
    const { admin, id } = await adminAndInes()
    const plain = await signedInPerson(admin)
    expectMessage(await remove(plain.access_token, id), 403, unauthorized)
    const remover = await clerk(admin, ['users:delete'])
    expectMessage(await remove(remover.access_token, 1), 403, unauthorized)
    expect((await remove(remover.access_token, id)).status).toBe(200)
  })
})

namesEveryTest(statements)

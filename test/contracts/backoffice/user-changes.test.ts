/** backoffice: updating a user. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import statements from './STATEMENTS.md?raw'
import { adminAndInes, clerk, create, etagOf, get, ines, login, numberOf } from '../../support/backoffice'
import { expectInvalid, expectMessage, required, rui, unauthorized, update } from '../../support/backoffice'
import { namesEveryTest } from '../../support/statements'
import { adminToken, call, firstAdmin, freshDirectory, rows, signedInPerson } from '../../support/usher'

freshDirectory()
afterEach(() => void vi.useRealTimers())

const lastAdmin = 'The last active administrator cannot be demoted, deactivated or deleted.'
const updated = (data: object) => JSON.stringify({ message: 'User updated successfully', data })

/** A person created through v1 with values that only wider contracts accept, as backoffice shows them. */
async function fromElsewhere(admin: string, overrides: object) {
  const { input, id: v1Id } = await signedInPerson(admin, { ...overrides })
  const id = await numberOf(input.email)
  return { id, v1Id, input, shown: (await get(admin, id)).body.data }
}

describe('PUT /api/v1/users/{id}', () => {
  it('changes what is sent and returns 200 with a message and the user', async () => {
    const { admin, user, id } = await adminAndInes()
    const changes = {
      username: 'ines.paiva',
      first_name: 'Maria Inês',
      last_name: 'Paiva',
      email: 'ines.paiva@example.org',
      gender: 'male',
      birthday: '1990-02-28',
      country_id: 76,
      user_status: 'inactive',
      role_id: 1,
    }
    const { status, headers, text } = await update(admin, id, changes)
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(text).toBe(updated({ ...user, ...changes }))
    expect((await get(admin, id)).body.data).toEqual({ ...user, ...changes })
  })

  it('changes each field alone, and no other field', async () => {
    const { admin, user, id } = await adminAndInes()
    let expected = user
    for (const change of [
      ...[{ username: 'ines.paiva' }, { email: 'paiva@example.org' }, { first_name: 'Maria' }, { last_name: 'Paiva' }],
      ...[{ gender: 'male' }, { birthday: '2000-02-29' }, { country_id: 1 }, { role_id: 1 }],
      ...[{ user_status: 'inactive' }, { user_status: 'active' }],
    ]) {
      expected = { ...expected, ...change }
      const { status, text } = await update(admin, id, change)
      expect([status, text]).toEqual([200, updated(expected)])
    }
  })

  it('keeps everything when no known field is sent', async () => {
    const { admin, user, id } = await adminAndInes()
    const before = await etagOf(admin, ines.email)
    for (const nothing of [{}, [], 'text', 7, null, { user_id: 9, id: 9, name: 'X', matricule: 3, is_admin: true }]) {
      const { status, text, cost } = await update(admin, id, nothing)
      expect([nothing, status, text, cost.written]).toEqual([nothing, 200, updated(user), 0])
    }
    expect((await update(admin, id, undefined)).text).toBe(updated(user))
    expect(await etagOf(admin, ines.email)).toEqual(before)
  })

  it('changes nothing for a whole record sent back as it was shown', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { admin, user, id } = await adminAndInes()
    const before = await etagOf(admin, ines.email)
    vi.advanceTimersByTime(5000)
    for (const whole of [user, { ...user, password: '', password_confirmation: '' }, { ...user, password: null }]) {
      const { status, text, cost } = await update(admin, id, whole)
      expect([status, text, cost.written]).toEqual([200, updated(user), 0])
    }
    expect(await etagOf(admin, ines.email)).toEqual(before)
    expect((await login(ines)).status).toBe(200)
  })

  it('changes nothing for the same values in other clients’ formats', async () => {
    const { admin, user, id } = await adminAndInes()
    const before = await etagOf(admin, ines.email)
    const asText = Object.fromEntries(Object.entries(user).map(([field, value]) => [field, ` ${value} `]))
    for (const whole of [
      { ...user, birthday: '1991-06-14T00:00:00.000Z' },
      asText,
      { ...asText, birthday: '06/14/1991' },
    ]) {
      const { status, text, cost } = await update(admin, id, whole)
      expect([status, text, cost.written]).toEqual([200, updated(user), 0])
    }
    expect(await etagOf(admin, ines.email)).toEqual(before)
  })

  it('changes nothing for whole records with values that it would reject as new ones', async () => {
    const admin = await adminToken()
    const name = 'N'.repeat(100)
    for (const overrides of [
      {},
      { first_name: name, last_name: '' },
      { first_name: '  padded ', last_name: name, name: 'Neither Of Them' },
      { gender: 'unknown', country_id: 5 },
      { email: `${'e'.repeat(60)}@${'long.'.repeat(30)}example.org` },
      { username: 'u'.repeat(128), matricule: 12, role: 'admin', phone: '1', is_staff: true },
    ]) {
      const { id, v1Id, shown } = await fromElsewhere(admin, overrides)
      const before = await call(`/v1/users/${v1Id}`, { token: admin })
      const filled = Object.fromEntries(Object.entries(shown).map(([field, value]) => [field, value ?? '']))
      const emptied = Object.fromEntries(
        Object.entries(shown).map(([field, value]) => [field, value === '' ? null : value]),
      )
      for (const whole of [shown, filled, emptied, { ...shown, password: '', password_confirmation: '' }]) {
        const answer = await update(admin, id, whole)
        expect([answer.status, answer.text, answer.cost.written]).toEqual([200, updated(shown), 0])
      }
      const after = await call(`/v1/users/${v1Id}`, { token: admin })
      expect([after.body, after.headers.get('etag')]).toEqual([before.body, before.headers.get('etag')])
    }
  })

  it('changes one field of such a record, sent back whole, and no other field', async () => {
    const admin = await adminToken()
    const { id, v1Id, shown, input } = await fromElsewhere(admin, { first_name: 'N'.repeat(100), matricule: 12 })
    await call(`/v1/users/${v1Id}/roles`, { method: 'PUT', token: admin, json: { roles: ['user', 'admin'] } })
    const before = (await call(`/v1/users/${v1Id}`, { token: admin })).body
    const { body } = await update(admin, id, { ...shown, country_id: 9 })
    expect(body.data).toEqual({ ...shown, country_id: 9 })
    expect((await call(`/v1/users/${v1Id}`, { token: admin })).body).toEqual({
      ...before,
      country_id: 9,
      updated_at: expect.any(String),
      roles: [expect.objectContaining({ name: 'user' }), expect.objectContaining({ name: 'admin' })],
    })
    expect(input.email).toBe(shown.username)
  })

  it('leaves a user without a username when their former or new email is sent as username', async () => {
    const admin = await adminToken()
    const { id, shown } = await fromElsewhere(admin, {})
    const username = async () => (await rows<any>('SELECT username FROM users WHERE number = ?', id))[0].username
    const former = await update(admin, id, { ...shown, email: 'second@example.org' })
    expect(former.body.data).toEqual({ ...shown, username: 'second@example.org', email: 'second@example.org' })
    expect(await username()).toBeNull()
    const both = { username: 'third@example.org', email: 'third@example.org' }
    expect((await update(admin, id, { ...shown, ...both })).body.data).toEqual({ ...shown, ...both })
    expect(await username()).toBeNull()
    expect((await update(admin, id, { username: 'third' })).body.data.username).toBe('third')
    expect((await update(admin, id, { username: 'THIRD@example.org' })).body.data.username).toBe('third@example.org')
    expect(await username()).toBeNull()
  })

  it('sets a password that is sent with its confirmation, and ends the user’s sessions', async () => {
    const { admin, user, id } = await adminAndInes()
    const { token } = (await login(ines)).body.data
    const password = 'outra frase comprida'
    const { status, text } = await update(admin, id, { ...user, password, password_confirmation: password })
    expect([status, text]).toEqual([200, updated(user)])
    expectMessage(await login(ines), 401, 'Invalid credentials')
    expect((await login({ ...ines, password })).status).toBe(200)
    expect((await call('/v1/me', { token })).status).toBe(401)
  })

  it('rejects a password without its confirmation, or with a different one', async () => {
    const { admin, id } = await adminAndInes()
    const password = 'outra frase comprida'
    const sentence = 'The password field confirmation does not match.'
    for (const rest of [
      {},
      { password_confirmation: null },
      { password_confirmation: '' },
      { password_confirmation: `${password} ` },
    ]) {
      expectInvalid(await update(admin, id, { password, ...rest }), { password: [sentence] })
    }
    expect((await update(admin, id, { password_confirmation: password })).status).toBe(200)
    expect((await login(ines)).status).toBe(200)
  })

  it('deactivates and reactivates by user_status; the ended sessions stay ended', async () => {
    const { admin, user, id } = await adminAndInes()
    const { token } = (await login(ines)).body.data
    const status = async (user_status: string) => (await update(admin, id, { user_status })).body.data
    expect(await status('inactive')).toEqual({ ...user, user_status: 'inactive' })
    expect((await call('/v1/me', { token })).status).toBe(401)
    expectMessage(await login(ines), 401, 'Invalid credentials')
    expect(await status('inactive')).toEqual({ ...user, user_status: 'inactive' })
    expect(await status('active')).toEqual(user)
    expect((await call('/v1/me', { token })).status).toBe(401)
    expect((await login(ines)).status).toBe(200)
  })

  it('replaces all roles by one, unless that is the primary one already', async () => {
    const { admin, id } = await adminAndInes()
    const roles = async () =>
      (await rows<any>('SELECT role_number FROM user_roles WHERE user_number = ? ORDER BY position', id)).map(
        (row) => row.role_number,
      )
    await call('/v1/roles', { token: admin, json: { name: 'night desk', permissions: [], number: 31 } })
    expect((await update(admin, id, { role_id: 31 })).body.data.role_id).toBe(31)
    await rows('INSERT INTO user_roles (user_number, role_number, position) VALUES (?, 2, 1)', id)
    await rows('UPDATE users SET role_count = 2 WHERE number = ?', id)
    for (const same of [31, '31', ' 31 ']) expect((await update(admin, id, { role_id: same })).status).toBe(200)
    expect(await roles()).toEqual([31, 2])
    for (const [sent, given] of [
      [' 2 ', 2],
      [' 1 ', 1],
      ['31', 31],
      [1, 1],
    ] as const) {
      expect((await update(admin, id, { role_id: sent })).body.data.role_id).toBe(given)
      expect(await roles()).toEqual([given])
    }
  })

  it('clears the country for null or an empty text', async () => {
    const { admin, user, id } = await adminAndInes()
    for (const country_id of [null, '', '  ']) {
      expect((await update(admin, id, { country_id })).body.data).toEqual({ ...user, country_id: null })
      await update(admin, id, { country_id: 620 })
    }
  })

  it('rejects empty values of required fields that are sent', async () => {
    const { admin, user, id } = await adminAndInes()
    const needed = ['username', 'email', 'first_name', 'last_name', 'gender', 'birthday', 'role_id', 'user_status']
    for (const field of needed) {
      for (const none of [null, '', ' ']) {
        expectInvalid(await update(admin, id, { [field]: none }), { [field]: [required(field.replace('_', ' '))] })
      }
    }
    const nothing = Object.fromEntries(needed.map((field) => [field, '']))
    const sentences = Object.fromEntries(needed.map((field) => [field, [required(field.replace('_', ' '))]]))
    expectInvalid(await update(admin, id, nothing), sentences)
    expect((await get(admin, id)).body.data).toEqual(user)
  })

  it('returns 422 for a username or email that is taken, and for an unknown role', async () => {
    const { admin, user, id } = await adminAndInes()
    await create(admin, rui)
    const taken = (field: string) => [`The ${field} has already been taken.`]
    const { username, email } = rui
    expectInvalid(await update(admin, id, { username }), { username: taken('username') })
    expectInvalid(await update(admin, id, { email: email.toUpperCase() }), { email: taken('email') })
    const both = { username: taken('username'), email: taken('email') }
    expectInvalid(await update(admin, id, { ...user, username, email }), both)
    const noRole = { role_id: ['The selected role id is invalid.'] }
    for (const role_id of [99, 0, '99']) expectInvalid(await update(admin, id, { role_id }), noRole)
    expect((await get(admin, id)).body.data).toEqual(user)
  })

  it('returns 404 for an unknown id, and for one that is not an integer', async () => {
    const admin = await adminToken()
    for (const id of ['0', '2', '9'.repeat(40), 'two', '2.0', '-1']) {
      expectMessage(await update(admin, id, { first_name: 'Maria' }), 404, 'User not found')
      expectMessage(await update(admin, id, {}), 404, 'User not found')
    }
  })

  it('returns 409 when no active admin would be left', async () => {
    const admin = await adminToken()
    const before = await etagOf(admin, firstAdmin.email)
    for (const change of [{ user_status: 'inactive' }, { role_id: 2 }, { first_name: 'Other', role_id: 2 }]) {
      expectMessage(await update(admin, 1, change), 409, lastAdmin)
    }
    expect(await etagOf(admin, firstAdmin.email)).toEqual(before)
  })

  it('requires users:update, even for the caller’s own account', async () => {
    const { admin, user, id } = await adminAndInes()
    const { token } = (await login(ines)).body.data
    for (const one of [id, 1, 999]) expectMessage(await update(token, one, { first_name: 'Maria' }), 403, unauthorized)
    expectMessage(await update(token, id, user), 403, unauthorized)
    const editor = await clerk(admin, ['users:update'])
    expect((await update(editor.access_token, id, { ...user, first_name: 'Maria' })).status).toBe(200)
  })

  it('requires users:deactivate for another status, roles:assign for another role, and neither for the same', async () => {
    const { admin, user, id } = await adminAndInes()
    const { access_token: editor } = await clerk(admin, ['users:update'])
    expectMessage(await update(editor, id, { user_status: 'inactive' }), 403, unauthorized)
    expectMessage(await update(editor, id, { role_id: 1 }), 403, unauthorized)
    expectMessage(await update(editor, id, { first_name: 'Maria', user_status: 'inactive' }), 403, unauthorized)
    expect((await update(editor, id, user)).status).toBe(200)
    expect((await get(admin, id)).body.data).toEqual(user)
  })

  it('is forbidden for users with permissions that the caller lacks, and assigns no such role', async () => {
    const { admin, id } = await adminAndInes()
    const { access_token: editor } = await clerk(admin, ['users:update', 'users:deactivate', 'roles:assign'])
    const password = 'outra frase comprida'
    for (const change of [
      { first_name: 'X' },
      { user_status: 'inactive' },
      { password, password_confirmation: password },
    ]) {
      expectMessage(await update(editor, 1, change), 403, unauthorized)
    }
    expectMessage(await update(editor, id, { role_id: 1 }), 403, unauthorized)
    expectMessage(await update(admin, 1, { password, password_confirmation: password }), 403, unauthorized)
    expect((await get(admin, id)).body.data.role_id).toBe(2)
  })

  it('keeps all of several simultaneous updates', async () => {
    const { admin, user, id } = await adminAndInes()
    const changes = [{ first_name: 'Maria' }, { email: 'maria@example.org' }, { country_id: 1 }, { gender: 'male' }]
    const answers = await Promise.all(changes.map((change) => update(admin, id, change)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect((await get(admin, id)).body.data).toEqual({ ...user, ...Object.assign({}, ...changes) })
  })
})

namesEveryTest(statements)

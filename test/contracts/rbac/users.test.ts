/// <reference types="vite/client" />
/** rbac: reading, creating and deleting one user. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import statements from './STATEMENTS.md?raw'
import { adminToken, call, freshDirectory, roleIds, signedInPerson } from '../../support/usher'
import {
  adminAndTamsin,
  clerk,
  create,
  emails,
  expectDetail,
  expectInvalid,
  get,
  lacking,
  list,
  login,
  missing,
  nobody,
  piotr,
  refresh,
  remove,
  roleNames,
  roleWith,
  tamsin,
  thatSecond,
  update,
  wire,
} from '../../support/rbac'
import { notAnAddress, spellingsOfEmail } from '../../support/pydantic'
import { namesEveryTest } from '../../support/statements'
import {
  notAUuid,
  invalidUserId,
  notAString,
  notAnEmail,
  blank,
  tooShort,
  tooLong,
  lastAdmin,
  longestEmail,
  wrongValues,
  wrongRoles,
} from '../../support/rbac-values'

freshDirectory()
afterEach(() => void vi.useRealTimers())

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
describe('GET /api/v1/users/{user_id}', () => {
  it('returns the record, whatever the spelling of its uuid', async () => {
    const { admin, id, text } = await adminAndTamsin()
    for (const one of [id, id.toUpperCase(), id.replaceAll('-', ''), `%7B${id}%7D`, `urn:uuid:${id}`]) {
      const answer = await get(admin, one)
      expect([one, answer.status, answer.text]).toEqual([one, 200, text])
      expect(answer.headers.get('content-type')).toBe('application/json')
    }
  })

  it('returns 404 for a uuid without a user', async () => {
    const { admin, id } = await adminAndTamsin()
    await remove(admin, id)
    for (const one of [nobody, id, roleIds.user, '00000000-0000-0000-0000-000000000000']) {
      expectDetail(await get(admin, one), 404, 'User not found')
    }
  })

  it('returns 422 for a malformed uuid, with its location in the path', async () => {
    const { admin, id } = await adminAndTamsin()
    for (const one of [
      '1',
      'me',
      'tamsin',
      id.slice(1),
      `${id}0`,
      `usr_${id.replaceAll('-', '')}`,
      `%20${id}`,
      `%7B${id}`,
      `%7B${id.replaceAll('-', '')}%7D`,
      `URN:UUID:${id}`,
      '%00',
      '%FF',
      "'%20OR%201=1",
    ]) {
      expectInvalid(await get(admin, one), invalidUserId)
    }
  })

  it('shows every role, the primary one first', async () => {
    const { admin, id } = await adminAndTamsin()
    const guide = await roleWith(admin, 'guide', [])
    await update(admin, id, { role_ids: [guide, roleIds.admin, roleIds.user] })
    expect((await get(admin, id)).body.roles).toEqual([
      { id: guide, name: 'guide' },
      { id: roleIds.admin, name: 'admin' },
      { id: roleIds.user, name: 'user' },
    ])
  })

  it('shows users their own record, and those of others only with users:read', async () => {
    const { admin, id } = await adminAndTamsin()
    const plain = await signedInPerson(admin)
    const own = await get(plain.access_token, plain.uuid)
    expect([own.status, own.body.email]).toEqual([200, plain.input.email])
    expect((await get(plain.access_token, plain.uuid.toUpperCase())).status).toBe(200)
    for (const one of [id, nobody]) expectDetail(await get(plain.access_token, one), 403, lacking('users:read'))
    const reader = await clerk(admin, ['users:read'])
    expect((await get(reader.access_token, id)).status).toBe(200)
  })

  it('shows records from contracts with wider limits', async () => {
    const admin = await adminToken()
    const bare = await signedInPerson(admin, { name: 'Cher' })
    expect((await get(admin, bare.uuid)).body).toMatchObject({ first_name: 'Cher', last_name: '' })
    const long = await signedInPerson(admin, { name: `${'é'.repeat(150)} ${'n'.repeat(49)}` })
    const shown = (await get(admin, long.uuid)).body
    expect([shown.first_name, shown.last_name]).toEqual(['é'.repeat(150), 'n'.repeat(49)])
    expect(Object.keys(shown)).toEqual(Object.keys((await get(admin, bare.uuid)).body))
  })
})

describe('POST /api/v1/users', () => {
  it('returns 201 with the new, active record, and the user can sign in', async () => {
    vi.useFakeTimers(thatSecond)
    const { body, text } = await adminAndTamsin()
    expect(body.id).toMatch(uuid)
    expect(text).toBe(wire(body.id, tamsin))
    expect((await login({ email: tamsin.email, password: tamsin.password })).status).toBe(200)
  })

  it('accepts the original’s body', async () => {
    const admin = await adminToken()
    const sent = { ...tamsin, password: 'SecurePassword123!', role_ids: [roleIds.user] }
    const { status, body } = await create(admin, sent)
    expect([status, body.roles]).toEqual([201, [{ id: roleIds.user, name: 'user' }]])
  })

  it('assigns the default role when no role is sent', async () => {
    const admin = await adminToken()
    for (const [index, role_ids] of [undefined, null, []].entries()) {
      const answer = await create(admin, { ...tamsin, email: `t${index}@example.org`, role_ids })
      expect([answer.status, roleNames(answer)]).toEqual([201, ['user']])
    }
  })

  it('assigns the requested roles in order and without duplicates, in any spelling', async () => {
    const admin = await adminToken()
    const guide = await roleWith(admin, 'guide', ['users:read'])
    const hex = guide.replaceAll('-', '').toUpperCase()
    const asked: [string[], string[]][] = [
      [[roleIds.admin], ['admin']],
      [
        [guide, roleIds.user],
        ['guide', 'user'],
      ],
      [
        [roleIds.user, roleIds.admin, guide],
        ['user', 'admin', 'guide'],
      ],
      [
        [guide, guide, roleIds.user, guide],
        ['guide', 'user'],
      ],
      [[hex, guide, `{${guide}}`, `urn:uuid:${guide}`], ['guide']],
    ]
    for (const [index, [role_ids, names]] of asked.entries()) {
      const answer = await create(admin, { ...tamsin, email: `t${index}@example.org`, role_ids })
      expect([answer.status, roleNames(answer)]).toEqual([201, names])
      expect((await get(admin, answer.body.id)).text).toBe(answer.text)
    }
  })

  it('returns 404 for an unknown role, and creates no user', async () => {
    const admin = await adminToken()
    for (const role_ids of [[nobody], [roleIds.user, nobody], [nobody, roleIds.user]]) {
      expectDetail(await create(admin, { ...tamsin, role_ids }), 404, 'Role not found')
    }
    expect((await list(admin)).body.pagination.total).toBe(1)
  })

  it('requires its four fields, and reports them in order', async () => {
    const admin = await adminToken()
    for (const field of Object.keys(tamsin)) {
      expectInvalid(await create(admin, { ...tamsin, [field]: undefined }), missing(field))
      expectInvalid(await create(admin, { ...tamsin, [field]: null }), [['body', field], 'string_type', notAString])
    }
    expectInvalid(await create(admin, {}), ...Object.keys(tamsin).map((field) => missing(field)))
  })

  it('reports invalid values in pydantic’s words', async () => {
    const admin = await adminToken()
    for (const [field, value, type, msg] of wrongValues) {
      expectInvalid(await create(admin, { ...tamsin, [field]: value }), [['body', field], type, msg])
    }
    for (const [role_ids, ...entries] of wrongRoles) {
      expectInvalid(await create(admin, { ...tamsin, role_ids }), ...entries)
    }
    expect((await list(admin)).body.pagination.total).toBe(1)
  })

  it('accepts values of the maximum length', async () => {
    const admin = await adminToken()
    const longest = {
      email: longestEmail,
      password: '🌊'.repeat(128),
      first_name: '🌊'.repeat(100),
      last_name: 'é'.repeat(100),
    }
    const { password: _, ...shown } = longest
    const { status, body } = await create(admin, longest)
    expect([status, body]).toEqual([201, { ...body, ...shown }])
    expect((await login(longest)).status).toBe(200)
    const shortest = { email: 'a@b.co', password: '🌊'.repeat(4) + 'seas', first_name: 'A', last_name: 'B' }
    expect((await create(admin, shortest)).status).toBe(201)
  })

  it('reports every invalid field in the order of declaration, and never repeats the sent value', async () => {
    const sent = {
      role_ids: ['sesame'],
      last_name: 'sesame'.repeat(40),
      first_name: ' ',
      password: 'sesame',
      email: 'sesame',
    }
    const answer = await create(await adminToken(), sent)
    expectInvalid(
      answer,
      [['body', 'email'], 'value_error', notAnEmail],
      [['body', 'password'], 'string_too_short', tooShort],
      [['body', 'first_name'], 'value_error', blank],
      [['body', 'last_name'], 'string_too_long', tooLong(100)],
      [['body', 'role_ids', 0], 'uuid_parsing', notAUuid],
    )
    expect(answer.text).not.toContain('sesame')
  })

  it('uses the deployment’s minimum password length', async () => {
    const options = { token: await adminToken(), env: { PASSWORD_MIN_LENGTH: '14' } }
    const short = await call('/rbac/api/v1/users', { ...options, json: { ...tamsin, password: 'thirteen long' } })
    expectInvalid(short, [['body', 'password'], 'string_too_short', 'String should have at least 14 characters'])
    const long = await call('/rbac/api/v1/users', { ...options, json: { ...tamsin, password: 'fourteen long!' } })
    expect(long.status).toBe(201)
  })

  it('ignores unknown and read-only fields', async () => {
    const admin = await adminToken()
    const more = {
      id: nobody,
      roles: [{ id: roleIds.admin, name: 'admin' }],
      created_at: 'x',
      updated_at: 7,
    }
    const { status, body } = await create(admin, {
      ...tamsin,
      ...more,
      username: 'x y',
      is_superuser: true,
      __proto__: 7,
    })
    expect([status, body.is_active, roleNames({ body } as never)]).toEqual([201, true, ['user']])
    expect(body.id).not.toBe(nobody)
  })

  it('keeps text as sent, in composed form, with the email’s domain in lower case', async () => {
    const admin = await adminToken()
    const sent = {
      ...tamsin,
      email: 'Maud.O@EXAMPLE.Org',
      first_name: ' Zoe\u0308 ',
      last_name: "d'A\u030alborg\u00a0II",
    }
    const { status, body, text } = await create(admin, sent)
    expect([status, body.email, body.first_name, body.last_name]).toEqual([
      201,
      'Maud.O@example.org',
      ' Zo\u00eb ',
      "d'\u00c5lborg\u00a0II",
    ])
    expect((await get(admin, body.id)).text).toBe(text)
  })

  it('joins both names into the name that other contracts show', async () => {
    const { admin, id } = await adminAndTamsin()
    const { body } = await call(`/v1/users/usr_${id.replaceAll('-', '')}`, { token: admin })
    expect([body.name, body.first_name, body.last_name]).toEqual(['Tamsin Okello', 'Tamsin', 'Okello'])
  })

  it('accepts an email with surrounding blanks or with a name, as pydantic does, and stores the address', async () => {
    const admin = await adminToken()
    for (const email of spellingsOfEmail('Thea.Sand@EXAMPLE.org')) {
      const { status, body } = await create(admin, { ...tamsin, email })
      expect([email, status, body.email]).toEqual([email, 201, 'Thea.Sand@example.org'])
      await remove(admin, body.id)
    }
    for (const email of notAnAddress('thea.sand@example.org')) {
      const { status, body } = await create(admin, { ...tamsin, email })
      expect([email, status, body.detail?.[0].loc]).toEqual([email, 422, ['body', 'email']])
    }
  })

  it('rejects an email that is taken as any identifier of any user, in any spelling', async () => {
    const { admin } = await adminAndTamsin()
    await signedInPerson(admin, { username: 'maud@example.org' })
    for (const email of [tamsin.email, 'TAMSIN.Okello@Example.org', 'ｔamsin.okello@example.org', 'Maud@example.org']) {
      expectDetail(await create(admin, { ...piotr, email }), 409, 'Already registered: email')
    }
    expect((await list(admin)).body.pagination.total).toBe(3)
  })

  it('creates an inactive user for is_active false, who cannot sign in until reactivated', async () => {
    const admin = await adminToken()
    for (const [index, is_active] of [false, 'off', 0, 'False'].entries()) {
      const email = `t${index}@example.org`
      const credentials = { email, password: tamsin.password }
      const { status, body } = await create(admin, { ...tamsin, email, is_active })
      expect([is_active, status, body.is_active]).toEqual([is_active, 201, false])
      expectDetail(await login(credentials), 401, 'Incorrect email or password')
      await update(admin, body.id, { is_active: true })
      expect((await login(credentials)).status).toBe(200)
    }
  })

  it('creates an active user when is_active is true, absent or null, and returns 422 for a value that is not a boolean', async () => {
    const admin = await adminToken()
    for (const [index, is_active] of [true, 'yes', undefined, null].entries()) {
      const { status, body } = await create(admin, { ...tamsin, email: `t${index}@example.org`, is_active })
      expect([is_active, status, body.is_active]).toEqual([is_active, 201, true])
    }
    expectInvalid(await create(admin, { ...tamsin, is_active: 'inactive' }), [
      ['body', 'is_active'],
      'bool_parsing',
      'Input should be a valid boolean, unable to interpret input',
    ])
  })

  it('refuses an inactive user to a caller without users:deactivate', async () => {
    const admin = await adminToken()
    const maker = (await clerk(admin, ['users:create'])).access_token
    expectDetail(await create(maker, { ...tamsin, is_active: false }), 403, lacking('users:deactivate'))
    expect(emails(await list(admin, '?search=tamsin'))).toEqual([])
    expect((await create(maker, { ...tamsin, is_active: true })).status).toBe(201)
  })

  it('requires users:create, and roles:assign for any role but the default one', async () => {
    const admin = await adminToken()
    const plain = await signedInPerson(admin)
    const maker = (await clerk(admin, ['users:create'])).access_token
    expectDetail(await create(plain.access_token, tamsin), 403, lacking('users:create'))
    const guide = await roleWith(admin, 'guide', [])
    for (const role_ids of [[guide], [roleIds.user, guide], [guide, roleIds.user]]) {
      expectDetail(await create(maker, { ...tamsin, role_ids }), 403, lacking('roles:assign'))
    }
    for (const [index, role_ids] of [undefined, null, [], [roleIds.user], [roleIds.user, roleIds.user]].entries()) {
      const answer = await create(maker, { ...tamsin, email: `t${index}@example.org`, role_ids })
      expect([index, answer.status]).toEqual([index, 201])
    }
  })

  it('assigns no role with a permission that the caller lacks', async () => {
    const admin = await adminToken()
    const maker = (await clerk(admin, ['users:create', 'roles:assign'])).access_token
    const reader = await roleWith(admin, 'reader', ['users:read'])
    expectDetail(await create(maker, { ...tamsin, role_ids: [reader] }), 403, lacking('users:read'))
    const asAdmin = await create(maker, { ...tamsin, role_ids: [roleIds.user, roleIds.admin] })
    expect([asAdmin.status, asAdmin.body.detail]).toEqual([403, expect.stringContaining('Missing: ')])
    expect((await list(admin, '?search=tamsin')).body.pagination.total).toBe(0)
  })
})

describe('DELETE /api/v1/users/{user_id}', () => {
  it('deletes for good: 200 with the original’s message, and 404 from then on', async () => {
    const { admin, id } = await adminAndTamsin()
    const { status, text } = await remove(admin, id)
    expect([status, text]).toEqual([200, '{"message":"User successfully deleted"}'])
    expectDetail(await remove(admin, id), 404, 'User not found')
    expectDetail(await get(admin, id), 404, 'User not found')
    expectDetail(await update(admin, id, { is_active: true }), 404, 'User not found')
    expect((await list(admin)).body.pagination.total).toBe(1)
  })

  it('accepts the uuid in any spelling, and no other id', async () => {
    const { admin, id } = await adminAndTamsin()
    for (const one of ['1', 'me', id.slice(1)]) expectInvalid(await remove(admin, one), invalidUserId)
    expect((await remove(admin, id.replaceAll('-', '').toUpperCase())).status).toBe(200)
  })

  it('frees the email, but never the id', async () => {
    const { admin, id } = await adminAndTamsin()
    await remove(admin, id)
    const { status, body } = await create(admin, tamsin)
    expect([status, body.id === id]).toEqual([201, false])
  })

  it('ends the sessions of the user, who can no longer sign in', async () => {
    const { admin, id } = await adminAndTamsin()
    const { access_token, refresh_token } = (await login({ email: tamsin.email, password: tamsin.password })).body
    await remove(admin, id)
    expectDetail(await get(access_token, id), 401, 'Invalid token')
    expectDetail(await refresh(refresh_token), 401, 'Invalid refresh token')
    expectDetail(await login({ email: tamsin.email, password: tamsin.password }), 401, 'Incorrect email or password')
  })

  it('refuses to delete the last active admin', async () => {
    const { admin, id } = await adminAndTamsin()
    const self = (await list(admin)).body.data[0]
    expectDetail(await remove(admin, self.id), 409, lastAdmin)
    expect((await get(admin, self.id)).body).toEqual(self)
    await update(admin, id, { role_ids: [roleIds.admin] })
    expect((await remove(admin, self.id)).status).toBe(200)
    expectDetail(await get(admin, id), 401, 'Invalid token')
  })

  it('requires users:delete, even for the caller’s own account, and every permission of the user', async () => {
    const { admin, id } = await adminAndTamsin()
    const plain = await signedInPerson(admin)
    for (const one of [plain.uuid, id, nobody]) {
      expectDetail(await remove(plain.access_token, one), 403, lacking('users:delete'))
    }
    await update(admin, id, { role_ids: [await roleWith(admin, 'reader', ['users:read'])] })
    const remover = await clerk(admin, ['users:delete'])
    expectDetail(await remove(remover.access_token, id), 403, lacking('users:read'))
    expect((await remove(remover.access_token, plain.uuid)).status).toBe(200)
    expect((await remove(remover.access_token, remover.uuid)).status).toBe(200)
  })
})

namesEveryTest(statements)

/// <reference types="vite/client" />
/** rbac: updating a user. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import statements from './STATEMENTS.md?raw'
import { adminToken, call, firstAdmin, freshDirectory, roleIds, signedInPerson } from '../../support/usher'
import {
  adminAndTamsin,
  clerk,
  create,
  expectDetail,
  expectInvalid,
  get,
  lacking,
  list,
  login,
  nobody,
  piotr,
  refresh,
  roleNames,
  roleWith,
  tamsin,
  thatSecond,
  update,
  versionOf,
  type Entry,
} from '../../support/rbac'
import { notAnAddress, spellingsOfEmail } from '../../support/pydantic'
import { namesEveryTest } from '../../support/statements'
import {
  invalidUserId,
  notAnEmail,
  blank,
  tooShort,
  tooLong,
  lastAdmin,
  wrongValues,
  wrongRoles,
} from '../../support/rbac-values'

freshDirectory()
afterEach(() => void vi.useRealTimers())

describe('PUT /api/v1/users/{user_id}', () => {
  it('changes only what is sent, returns the record, and moves its update time on', async () => {
    vi.useFakeTimers(thatSecond)
    const { admin, id, body } = await adminAndTamsin()
    vi.advanceTimersByTime(61_000)
    const changed = await update(admin, id, { first_name: 'Updated' })
    const expected = { ...body, first_name: 'Updated', updated_at: '2031-02-03T04:06:07Z' }
    expect([changed.status, changed.text]).toEqual([200, JSON.stringify(expected)])
    const all = {
      last_name: 'Name',
      email: 'Updated@EXAMPLE.org',
      is_active: false,
      role_ids: [roleIds.admin, roleIds.user],
    }
    const answer = await update(admin, id, { ...all, password: 'the tide is out at three' })
    const roles = [
      { id: roleIds.admin, name: 'admin' },
      { id: roleIds.user, name: 'user' },
    ]
    const { role_ids: _, ...shown } = all
    const { id: _id, ...rest } = expected
    expect(answer.text).toBe(
      JSON.stringify({
        id,
        email: 'Updated@example.org',
        first_name: rest.first_name,
        last_name: shown.last_name,
        is_active: false,
        roles,
        created_at: rest.created_at,
        updated_at: rest.updated_at,
      }),
    )
    expect((await get(admin, id)).text).toBe(answer.text)
  })

  it('accepts the original’s body, and a uuid in any spelling', async () => {
    const { admin, id, body } = await adminAndTamsin()
    const sent = { first_name: 'Updated', last_name: 'Name', role_ids: [roleIds.admin] }
    for (const user of [id.toUpperCase(), id.replaceAll('-', ''), `%7B${id}%7D`, `urn:uuid:${id}`]) {
      const answer = await update(admin, user, sent)
      expect([answer.status, answer.body]).toEqual([
        200,
        {
          ...body,
          first_name: 'Updated',
          last_name: 'Name',
          roles: [{ id: roleIds.admin, name: 'admin' }],
          updated_at: answer.body.updated_at,
        },
      ])
    }
  })

  it('keeps fields that are absent or null', async () => {
    const { admin, id, text } = await adminAndTamsin()
    const before = await versionOf(admin, id)
    const nothing = { email: null, password: null, first_name: null, last_name: null, is_active: null, role_ids: null }
    for (const sent of [{}, nothing]) {
      const answer = await update(admin, id, sent)
      expect([answer.status, answer.text, answer.cost.written]).toEqual([200, text, 0])
    }
    expect(await versionOf(admin, id)).toEqual(before)
    expect((await login({ email: tamsin.email, password: tamsin.password })).status).toBe(200)
  })

  it('changes nothing for a whole record sent back as it was shown', async () => {
    vi.useFakeTimers(thatSecond)
    const { admin, id, body, text } = await adminAndTamsin()
    const before = await versionOf(admin, id)
    vi.advanceTimersByTime(5000)
    for (const sent of [
      body,
      { ...body, role_ids: [roleIds.user] },
      { ...body, role_ids: [roleIds.user, roleIds.user] },
    ]) {
      const answer = await update(admin, id, sent)
      expect([answer.status, answer.text, answer.cost.written]).toEqual([200, text, 0])
    }
    expect(await versionOf(admin, id)).toEqual(before)
  })

  it('accepts unchanged records from contracts with wider limits', async () => {
    vi.useFakeTimers(thatSecond)
    const admin = await adminToken()
    const guide = await roleWith(admin, 'guide', [])
    const rich = {
      gender: 'female',
      birth_date: '1980-02-29',
      username: 'cher',
      matricule: 77,
      phone: '1',
      certified_email: 'c@example.com',
    }
    for (const more of [
      { name: 'Cher' },
      { name: `${'é'.repeat(150)} ${'n'.repeat(49)}` },
      { name: 'Another Name', first_name: 'Cherilyn', last_name: '', ...rich },
    ]) {
      const user = await signedInPerson(admin, more)
      await call(`/v1/users/${user.id}/roles`, { method: 'PUT', token: admin, json: { roles: ['guide', 'user'] } })
      const whole = await call(`/v1/users/${user.id}`, { token: admin })
      const shown = (await get(admin, user.uuid)).body
      vi.advanceTimersByTime(5000)
      const back = await update(admin, user.uuid, { ...shown, role_ids: [guide, roleIds.user] })
      expect([back.status, back.body, back.cost.written]).toEqual([200, shown, 0])
      const again = await call(`/v1/users/${user.id}`, { token: admin })
      expect([again.text, again.headers.get('etag')]).toEqual([whole.text, whole.headers.get('etag')])
      const changed = await update(admin, user.uuid, { ...shown, email: `new.${user.input.email}` })
      expect(changed.body).toEqual({ ...shown, email: `new.${user.input.email}`, updated_at: changed.body.updated_at })
      const after = (await call(`/v1/users/${user.id}`, { token: admin })).body
      expect(after).toEqual({ ...whole.body, email: `new.${user.input.email}`, updated_at: after.updated_at })
    }
  })

  it('replaces the roles by those of role_ids, in order and without duplicates', async () => {
    const { admin, id } = await adminAndTamsin()
    const guide = await roleWith(admin, 'guide', [])
    const host = await roleWith(admin, 'host', [])
    const steps: [string[], string[]][] = [
      [[guide], ['guide']],
      [
        [guide, roleIds.user, host],
        ['guide', 'user', 'host'],
      ],
      [
        [host, guide, roleIds.user],
        ['host', 'guide', 'user'],
      ],
      [
        [host, host, roleIds.user, host],
        ['host', 'user'],
      ],
      [
        [roleIds.user, host],
        ['user', 'host'],
      ],
      [
        [guide.toUpperCase(), `{${host}}`],
        ['guide', 'host'],
      ],
    ]
    for (const [role_ids, names] of steps) {
      const answer = await update(admin, id, { role_ids })
      expect([answer.status, roleNames(answer)]).toEqual([200, names])
      expect((await get(admin, id)).text).toBe(answer.text)
      const { body } = await call(`/personnel/users/${id}`, { token: admin })
      expect(body.role_name).toBe(names[0])
    }
  })

  it('assigns the default role for an empty role_ids', async () => {
    const { admin, id } = await adminAndTamsin()
    const guide = await roleWith(admin, 'guide', [])
    await update(admin, id, { role_ids: [guide, roleIds.admin] })
    const answer = await update(admin, id, { role_ids: [] })
    expect([answer.status, answer.body.roles]).toEqual([200, [{ id: roleIds.user, name: 'user' }]])
    expect((await update(admin, id, { role_ids: [] })).cost.written).toBe(0)
  })

  it('returns 404 for an unknown role, and changes nothing', async () => {
    const { admin, id, text } = await adminAndTamsin()
    for (const role_ids of [[nobody], [roleIds.user, nobody], [nobody, roleIds.user]]) {
      expectDetail(await update(admin, id, { first_name: 'Updated', role_ids }), 404, 'Role not found')
    }
    expect((await get(admin, id)).text).toBe(text)
  })

  it('reads booleans as pydantic does', async () => {
    const { admin, id } = await adminAndTamsin()
    const no = [false, 0, '0', 'false', 'FALSE', 'f', 'no', 'No', 'n', 'off']
    const yes = [true, 1, '1', 'true', 'True', 't', 'yes', 'YES', 'y', 'on']
    for (const index of no.keys()) {
      const off = await update(admin, id, { is_active: no[index] })
      expect([no[index], off.status, off.body.is_active]).toEqual([no[index], 200, false])
      const on = await update(admin, id, { is_active: yes[index] })
      expect([yes[index], on.status, on.body.is_active]).toEqual([yes[index], 200, true])
    }
    for (const value of [2, -1, '', ' true', 'true ', '2', '1.0', 'maybe', 'null']) {
      const entry: Entry = [
        ['body', 'is_active'],
        'bool_parsing',
        'Input should be a valid boolean, unable to interpret input',
      ]
      expectInvalid(await update(admin, id, { is_active: value }), entry)
    }
    for (const value of [0.5, 1.5, 1e20, [], {}, [true]]) {
      expectInvalid(await update(admin, id, { is_active: value }), [
        ['body', 'is_active'],
        'bool_type',
        'Input should be a valid boolean',
      ])
    }
    expect((await get(admin, id)).body.is_active).toBe(true)
  })

  it('reports invalid values in pydantic’s words', async () => {
    const { admin, id, text } = await adminAndTamsin()
    for (const [field, value, type, msg] of wrongValues) {
      expectInvalid(await update(admin, id, { [field]: value }), [['body', field], type, msg])
    }
    for (const [role_ids, ...entries] of wrongRoles) expectInvalid(await update(admin, id, { role_ids }), ...entries)
    expect((await get(admin, id)).text).toBe(text)
  })

  it('reports every invalid field in the order of declaration, and never repeats the sent value', async () => {
    const { admin, id } = await adminAndTamsin()
    const sent = {
      role_ids: 'sesame',
      is_active: 'sesame',
      last_name: '',
      first_name: 'sesame'.repeat(40),
      password: 'sesame',
      email: 'sesame',
    }
    const answer = await update(admin, id, sent)
    expectInvalid(
      answer,
      [['body', 'email'], 'value_error', notAnEmail],
      [['body', 'password'], 'string_too_short', tooShort],
      [['body', 'first_name'], 'string_too_long', tooLong(100)],
      [['body', 'last_name'], 'value_error', blank],
      [['body', 'is_active'], 'bool_parsing', 'Input should be a valid boolean, unable to interpret input'],
      [['body', 'role_ids'], 'list_type', 'Input should be a valid list'],
    )
    expect(answer.text).not.toContain('sesame')
  })

  it('ignores unknown and read-only fields', async () => {
    const { admin, id, text } = await adminAndTamsin()
    const more = {
      id: nobody,
      roles: [{ id: roleIds.admin, name: 'admin' }],
      created_at: '2000-01-01T00:00:00Z',
      updated_at: 7,
    }
    const answer = await update(admin, id, {
      ...more,
      username: 'tam',
      name: 'X',
      is_staff: true,
      permissions: ['users:read'],
    })
    expect([answer.status, answer.text, answer.cost.written]).toEqual([200, text, 0])
  })

  it('returns 404 for a uuid without a user, and 422 for a malformed uuid', async () => {
    const admin = await adminToken()
    expectDetail(await update(admin, nobody, { first_name: 'Updated' }), 404, 'User not found')
    expectDetail(await update(admin, nobody, {}), 404, 'User not found')
    for (const user of ['1', 'me', nobody.slice(1)]) {
      expectInvalid(await update(admin, user, { first_name: 'Updated' }), invalidUserId)
    }
  })

  it('rejects a taken email, and accepts the user’s own in another case', async () => {
    const { admin, id, text } = await adminAndTamsin()
    await create(admin, piotr)
    await signedInPerson(admin, { username: 'maud@example.org' })
    for (const email of [piotr.email, 'PIOTR.Wilk@Example.org', 'maud@example.org', firstAdmin.email]) {
      expectDetail(await update(admin, id, { email, first_name: 'Updated' }), 409, 'Already registered: email')
    }
    expect((await get(admin, id)).text).toBe(text)
    expect((await update(admin, id, { email: 'Tamsin.Okello@example.org' })).body.email).toBe(
      'Tamsin.Okello@example.org',
    )
  })

  it('accepts an email with surrounding blanks or with a name, as pydantic does', async () => {
    const { admin, id } = await adminAndTamsin()
    for (const [index, email] of spellingsOfEmail('X@example.org').entries()) {
      const answer = await update(admin, id, { email: email.replace('X@', `x${index}@`) })
      expect([email, answer.body.email]).toEqual([email, `x${index}@example.org`])
    }
    const { email: shown } = (await get(admin, id)).body
    const before = await versionOf(admin, id)
    for (const email of spellingsOfEmail(shown)) expect((await update(admin, id, { email })).body.email).toBe(shown)
    expect(await versionOf(admin, id)).toEqual(before)
    for (const email of notAnAddress('thea.sand@example.org')) {
      const { status, body } = await update(admin, id, { email })
      expect([email, status, body.detail?.[0].loc]).toEqual([email, 422, ['body', 'email']])
    }
  })

  it('sets a password, which ends the user’s sessions', async () => {
    const { admin, id } = await adminAndTamsin()
    const before = (await login({ email: tamsin.email, password: tamsin.password })).body
    expect((await update(admin, id, { password: 'the tide is out at three' })).status).toBe(200)
    expectDetail(await get(before.access_token, id), 401, 'Invalid token')
    expect((await refresh(before.refresh_token)).status).toBe(401)
    expect((await login({ email: tamsin.email, password: tamsin.password })).status).toBe(401)
    expect((await login({ email: tamsin.email, password: 'the tide is out at three' })).status).toBe(200)
  })

  it('deactivates, which ends the sessions for good, and reactivates', async () => {
    const { admin, id } = await adminAndTamsin()
    const before = (await login({ email: tamsin.email, password: tamsin.password })).body
    expect((await update(admin, id, { is_active: false })).body.is_active).toBe(false)
    expectDetail(await get(before.access_token, id), 401, 'Invalid token')
    expectDetail(await login({ email: tamsin.email, password: tamsin.password }), 401, 'Incorrect email or password')
    expect((await update(admin, id, { is_active: true })).body.is_active).toBe(true)
    expectDetail(await get(before.access_token, id), 401, 'Invalid token')
    expectDetail(await refresh(before.refresh_token), 401, 'Invalid refresh token')
    expect((await login({ email: tamsin.email, password: tamsin.password })).status).toBe(200)
  })

  it('refuses to remove the last active admin', async () => {
    const { admin, id } = await adminAndTamsin()
    const self = (await list(admin)).body.data[0]
    for (const sent of [
      { is_active: false },
      { role_ids: [] },
      { role_ids: [roleIds.user] },
      { is_active: 'off', role_ids: [] },
    ]) {
      expectDetail(await update(admin, self.id, sent), 409, lastAdmin)
    }
    await update(admin, id, { role_ids: [roleIds.admin], is_active: false })
    expectDetail(await update(admin, self.id, { role_ids: [] }), 409, lastAdmin)
    expect((await get(admin, self.id)).body).toEqual(self)
    await update(admin, id, { is_active: true })
    expect(roleNames(await update(admin, self.id, { role_ids: [] }))).toEqual(['user'])
  })

  it('requires users:update for others', async () => {
    const { admin, id, text } = await adminAndTamsin()
    const plain = await signedInPerson(admin)
    for (const user of [id, nobody]) {
      expectDetail(await update(plain.access_token, user, { first_name: 'Updated' }), 403, lacking('users:update'))
    }
    const editor = await clerk(admin, ['users:update'])
    const sent = { first_name: 'Updated', email: 'updated@example.org', password: 'the tide is out at three' }
    expect((await update(editor.access_token, id, sent)).status).toBe(200)
    expect((await update(admin, id, tamsin)).body).toMatchObject({
      ...JSON.parse(text),
      updated_at: expect.any(String),
    })
  })

  it('requires users:deactivate for is_active and roles:assign for role_ids, unless the values are unchanged', async () => {
    const { admin, id, text } = await adminAndTamsin()
    const editor = (await clerk(admin, ['users:update'])).access_token
    const guide = await roleWith(admin, 'guide', [])
    expectDetail(await update(editor, id, { is_active: false }), 403, lacking('users:deactivate'))
    for (const role_ids of [[guide], [roleIds.user, guide]]) {
      expectDetail(await update(editor, id, { role_ids }), 403, lacking('roles:assign'))
    }
    const both = await update(editor, id, { is_active: false, role_ids: [guide] })
    expectDetail(both, 403, lacking('users:deactivate', 'roles:assign'))
    for (const role_ids of [[], [roleIds.user], [roleIds.user, roleIds.user], null]) {
      expect((await update(editor, id, { is_active: true, role_ids })).text).toBe(text)
    }
  })

  it('is forbidden for a user who holds a permission that the caller lacks', async () => {
    const { admin, id } = await adminAndTamsin()
    const reader = await roleWith(admin, 'reader', ['users:read'])
    await update(admin, id, { role_ids: [reader] })
    const editor = (await clerk(admin, ['users:update', 'users:deactivate', 'roles:assign'])).access_token
    for (const sent of [{ first_name: 'X' }, { password: 'the tide is out' }, { is_active: false }, { role_ids: [] }]) {
      expectDetail(await update(editor, id, sent), 403, lacking('users:read'))
    }
    const plain = await signedInPerson(admin)
    expectDetail(await update(editor, plain.uuid, { role_ids: [reader] }), 403, lacking('users:read'))
  })

  it('lets users change their own names, and no other field of their own', async () => {
    const admin = await adminToken()
    const plain = await signedInPerson(admin)
    const own = (sent: object) => update(plain.access_token, plain.uuid, sent)
    const before = (await get(plain.access_token, plain.uuid)).body
    expectDetail(await own({ email: 'mine@example.org' }), 403, lacking('users:update'))
    expectDetail(await own({ is_active: false }), 403, lacking('users:deactivate'))
    const promoted = await own({ role_ids: [roleIds.admin] })
    expect([promoted.status, promoted.body.detail]).toEqual([403, expect.stringContaining('roles:assign')])
    expectDetail(
      await own({ password: 'the tide is out at three' }),
      403,
      'Insufficient permissions. Your own password is changed with the current one',
    )
    expect((await get(plain.access_token, plain.uuid)).body).toEqual(before)
    expect((await own({ ...before, role_ids: [roleIds.user] })).body).toEqual(before)
    const changed = await own({ ...before, first_name: 'Maud', last_name: 'Quill', role_ids: [roleIds.user] })
    expect(changed.body).toEqual({
      ...before,
      first_name: 'Maud',
      last_name: 'Quill',
      updated_at: changed.body.updated_at,
    })
  })

  it('does not treat an API key as its owner', async () => {
    const admin = await adminToken()
    const self = (await list(admin)).body.data[0].id
    const json = { name: 'a program', permissions: ['users:read'] }
    const { key } = (await call('/v1/api-keys', { token: admin, json })).body
    expect((await get(key, self)).status).toBe(200)
    expectDetail(await update(key, self, { first_name: 'X' }), 403, lacking('users:update'))
  })
})

namesEveryTest(statements)

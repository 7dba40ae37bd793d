/// <reference types="vite/client" />
/** clinic: updating, deactivating and activating a user. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import statements from './STATEMENTS.md?raw'
import { permissions } from '../../../src/core/access/permissions'
import {
  activate,
  asJson,
  clerk,
  cookieOf,
  created,
  deactivate,
  edit,
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
  users,
  wordsForNo,
  wordsForYes,
  type Fields,
} from '../../support/clinic'
import { namesEveryTest } from '../../support/statements'
import { adminToken, call, freshDirectory, person, rows, signIn } from '../../support/usher'

freshDirectory()
afterEach(() => void vi.useRealTimers())

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const refusal = (id: string, ...lines: string[]) => [`Unable to edit user ${id}.`, ...lines].join('\n')
const isRequired = (field: string) => `${field}: This field is required.`
const lastAdmin = 'The last active administrator must stay one.'
const password = inesInFull.password

/** The form of a page that edits Ines, with changed values. */
const changed = {
  username: 'ines.morel',
  first_name: 'Agnès',
  last_name: 'Morel',
  email: 'ines.morel@example.org',
  birth_date: '04/03/1989',
  is_staff: false,
  is_active: true,
  is_admin: false,
  user_type: 'TE',
  gender: 'U',
  phone: '+33 1 70 18 55 01',
  mobile: '+33 6 70 18 55 02',
  certified_email: 'morel@certified.example',
}

const changedShown = {
  ...changed,
  birth_date: '03 Apr 1989',
  user_type: { key: 'TE', value: 'Technician' },
  gender: { key: 'U', value: 'Unknown' },
}

/** The whole row, secrets included, to check that nothing has changed. */
const everything = (id: string) => rows('SELECT * FROM users WHERE number = ?', Number(id))

describe('POST /users/user/(user_id)/edit/', () => {
  it('replaces the record and returns it, byte for byte, for any kind of body', async () => {
    const { id, uid } = await created(admin)
    for (const [, kind] of kinds) {
      const answer = await edit(admin, id, changed, kind)
      expectSuccess(answer, `User ${id} successfully updated.`, { id, uid, ...changedShown })
      const back = await edit(admin, id, inesInFull, kind)
      expectSuccess(back, `User ${id} successfully updated.`, { id, uid, ...inesShown })
    }
    expect((await info(admin, id)).body.data).toEqual({ id, uid, ...inesShown })
  })

  it('sets absent optional fields to null, and absent is_active and is_admin to false', async () => {
    for (const [index, [, kind]] of kinds.entries()) {
      const one = { username: `ines${index}`, email: `ines${index}@example.org` }
      const { id, uid } = await created(admin, one)
      const expected = {
        id,
        uid,
        ...inesShown,
        ...one,
        birth_date: null,
        is_staff: true,
        is_active: false,
        phone: null,
        mobile: null,
        certified_email: null,
      }
      expect((await edit(admin, id, { ...ines, ...one }, kind)).body.data).toEqual(expected)
      await edit(admin, id, { ...inesInFull, ...one }, kind)
      const emptied = { birth_date: '', phone: '', mobile: '', certified_email: '', is_active: 'on' }
      const answer = await edit(admin, id, { ...ines, ...one, ...emptied }, kind)
      expect(answer.body.data).toEqual({ ...expected, is_active: true })
    }
  })

  it('keeps is_staff when it is absent, because the original’s form never sends it', async () => {
    for (const [index, [, kind]] of kinds.entries()) {
      const one = { username: `ines${index}`, email: `ines${index}@example.org` }
      for (const is_staff of [true, false]) {
        const { id } = await created(admin, { ...one, is_staff })
        const { body } = await edit(admin, id, { ...ines, ...one, is_active: 'on' }, kind)
        expect([body.success, body.data.is_staff]).toEqual([true, is_staff])
        const emptied = await edit(admin, id, { ...ines, ...one, is_active: 'on', is_staff: '' }, kind)
        expect(emptied.body.data.is_staff).toBe(false)
        await call(`/v1/users/usr_${body.data.uid}`, { method: 'DELETE', token: admin })
      }
    }
  })

  it('reads the words for yes and no in any letter case, and an empty value as no', async () => {
    const { id } = await created(admin)
    const expectRead = async (value: unknown, expected: boolean, kind: (typeof kinds)[number][1]) => {
      const flags = { is_staff: value, is_active: value, is_admin: value }
      const { is_staff, is_active, is_admin } = (await edit(admin, id, { ...ines, ...flags }, kind)).body.data
      expect([value, is_staff, is_active, is_admin]).toEqual([value, expected, expected, expected])
    }
    // Alternates yes and no, so that each is a change.
    for (const [index, no] of wordsForNo.entries()) {
      await expectRead(wordsForYes[index % wordsForYes.length], true, kinds[index % 3]![1])
      await expectRead(no, false, kinds[index % 3]![1])
    }
    for (const [index, no] of jsonNo.entries()) {
      await expectRead(jsonYes[index % jsonYes.length], true, asJson)
      await expectRead(no, false, asJson)
    }
  })

  it('rejects any other word for a checkbox, and changes nothing, for the caller’s own record too', async () => {
    const { id } = await created(admin)
    const { access_token } = await signIn('ines.caron', password)
    const before = await everything(id)
    const fields = ['is_staff', 'is_active', 'is_admin']
    for (const [index, [, kind]] of kinds.entries()) {
      for (const value of kind === asJson ? [...neitherYesNorNo, ...jsonNeither] : neitherYesNorNo) {
        const sent = Object.fromEntries(fields.map((field) => [field, value]))
        const answer = await edit(index === 1 ? access_token : admin, id, { ...changed, ...sent }, kind)
        expectFailure(answer, refusal(id, ...fields.map((field) => `${field}: Enter yes or no.`)))
      }
    }
    expect(await everything(id)).toEqual(before)
  })

  it('keeps the password and the PIN when they are absent or empty', async () => {
    const { id } = await created(admin)
    const secrets = async () => (await everything(id)).map(({ password_hash, pin_hash }) => [password_hash, pin_hash])
    const before = await secrets()
    const { is_active } = inesInFull
    for (const [, kind] of kinds) {
      for (const none of [{}, { password: '', numeric_password: '' }, { password: null, numeric_password: null }]) {
        expect((await edit(admin, id, { ...ines, is_active, ...none }, kind)).body.success).toBe(true)
      }
    }
    expect(await secrets()).toEqual(before)
    expect((await login('ines.caron', password)).body.success).toBe(true)
  })

  it('sets a password, which ends the user’s sessions, and a PIN, which does not', async () => {
    const { id, uid } = await created(admin)
    const cookie = cookieOf(await login('ines.caron', password))
    const [before] = (await everything(id)) as [Fields]
    const pin = await edit(admin, id, { ...inesInFull, password: undefined, numeric_password: '1357' })
    expectSuccess(pin, `User ${id} successfully updated.`, { id, uid, ...inesShown })
    const [after] = (await everything(id)) as [Fields]
    expect([after['pin_hash'] === before['pin_hash'], after['password_hash']]).toEqual([false, before['password_hash']])
    expect((await call(`${users}/${id}/get_user_info/`, { headers: { cookie } })).body.success).toBe(true)
    await edit(admin, id, { ...inesInFull, password: '  une autre phrase  ' })
    expect((await call(`${users}/${id}/get_user_info/`, { headers: { cookie } })).status).toBe(401)
    expectFailure(await login('ines.caron', password), 'Invalid login.')
    expect((await login('ines.caron', '  une autre phrase  ')).body.success).toBe(true)
  })

  it('requires the same fields as a creation', async () => {
    const { id } = await created(admin)
    const before = await everything(id)
    for (const [, kind] of kinds) {
      for (const field of Object.keys(ines)) {
        for (const nothing of [undefined, '', '  ', null]) {
          const answer = await edit(admin, id, { ...inesInFull, [field]: nothing }, kind)
          expectFailure(answer, refusal(id, isRequired(field)))
        }
      }
      expectFailure(await edit(admin, id, {}, kind), refusal(id, ...Object.keys(ines).map(isRequired)))
    }
    expect(await everything(id)).toEqual(before)
  })

  it('reports every invalid field on its own line, in order, and never repeats the sent value', async () => {
    const { id } = await created(admin)
    const wrong: [string, unknown, string][] = [
      ['username', 'u'.repeat(31), 'Ensure this value has at most 30 characters.'],
      ['first_name', '<b>Inès</b>\u202e', 'Enter a valid value.'],
      ['last_name', 'c'.repeat(51), 'Ensure this value has at most 50 characters.'],
      ['email', 'ines@localhost', 'Enter a valid email address.'],
      ['birth_date', '31/12/1980', 'Enter a valid date.'],
      ['user_type', 'Clinician', 'Select one of AD, TE, CL, ST.'],
      ['gender', 'female', 'Select one of M, F, U.'],
      ['phone', '0'.repeat(21), 'Ensure this value has at most 20 characters.'],
      ['mobile', '0'.repeat(21), 'Ensure this value has at most 20 characters.'],
      ['certified_email', 'c'.repeat(255), 'Ensure this value has at most 254 characters.'],
      ['numeric_password', '123', 'Enter four digits.'],
      ['password', 'short', 'Ensure this value has at least 8 characters.'],
    ]
    const before = await everything(id)
    for (const [, kind] of kinds) {
      for (const [field, value, sentence] of wrong) {
        const answer = await edit(admin, id, { ...inesInFull, [field]: value }, kind)
        expectFailure(answer, refusal(id, `${field}: ${sentence}`))
      }
      const all = Object.fromEntries(wrong.map(([field, value]) => [field, value]).reverse())
      const lines = wrong.map(([field, , sentence]) => `${field}: ${sentence}`)
      expectFailure(await edit(admin, id, all, kind), refusal(id, ...lines))
    }
    const personal = await edit(admin, id, { ...changed, password: changed.email })
    expectFailure(personal, refusal(id, 'password: This password may not be the email, username or name.'))
    expect(await everything(id)).toEqual(before)
  })

  it('rejects a username or an email that is taken, and changes nothing', async () => {
    const { id } = await created(admin)
    await created(admin, { username: 'other', email: 'other@example.org' })
    const before = await everything(id)
    const taken = (...fields: string[]) =>
      refusal(id, ...fields.map((field) => `${field}: This ${field} is already taken.`))
    expectFailure(await edit(admin, id, { ...changed, username: 'OTHER' }), taken('username'))
    expectFailure(await edit(admin, id, { ...changed, username: 'Other@Example.org' }), taken('username'))
    expectFailure(await edit(admin, id, { ...changed, email: 'OTHER@example.org' }), taken('email'))
    const both = { ...changed, username: 'other', email: 'other@example.org' }
    expectFailure(await edit(admin, id, both), taken('username', 'email'))
    expect(await everything(id)).toEqual(before)
  })

  it('changes nothing for a whole record sent back as it was shown, for any kind of body', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { id, uid } = await created(admin, { is_staff: false })
    const { data } = (await info(admin, id)).body
    const before = await throughV1(admin, uid)
    vi.advanceTimersByTime(5000)
    for (const [, kind] of kinds) {
      const answer = await edit(admin, id, data, kind)
      expectSuccess(answer, `User ${id} successfully updated.`, data)
      expect(answer.cost.written).toBe(0)
    }
    expect(await throughV1(admin, uid)).toEqual(before)
  })

  it('changes nothing for a whole record with values that it would reject as new ones', async () => {
    const long = { username: 'u'.repeat(128), first_name: ' F'.repeat(50), last_name: '', phone: ' 0'.repeat(16) }
    const more = { name: 'Quite Another Name', mobile: '', certified_email: `${'c'.repeat(64)}@example.org` }
    const made = await call('/v1/users', { token: admin, json: person({ ...long, ...more }) })
    const uid = made.body.id.slice(4) as string
    const roles = { method: 'PUT', token: admin, json: { roles: ['user', 'admin'] } }
    await call(`/v1/users/usr_${uid}/roles`, roles)
    const { data } = (await info(admin, '2')).body
    expect(data).toMatchObject({
      ...long,
      user_type: null,
      gender: null,
      birth_date: null,
      mobile: null,
      is_admin: true,
    })
    const before = await throughV1(admin, uid)
    for (const [, kind] of kinds) {
      const answer = await edit(admin, '2', data, kind)
      expectSuccess(answer, 'User 2 successfully updated.', data)
      expect(answer.cost.written).toBe(0)
    }
    expect(await throughV1(admin, uid)).toEqual(before)
    const { body } = await edit(admin, '2', { ...data, phone: '118' })
    expect(body.data).toEqual({ ...data, phone: '118' })
    expect((await throughV1(admin, uid)).body).toEqual({ ...before.body, phone: '118', updated_at: expect.any(String) })
  })

  it('still requires the fields that such a record lacks when they are not sent', async () => {
    const { number } = await plainUser(admin)
    const { data } = (await info(admin, number)).body
    const { gender: _, ...rest } = data
    expectFailure(await edit(admin, number, rest), refusal(number, isRequired('gender')))
  })

  it('stores no username when the old or the new email is sent as username', async () => {
    const { number, id } = await plainUser(admin, { username: null, gender: 'female', user_type: 'student' })
    const usernameOf = async () => (await throughV1(admin, id.slice(4))).body.username
    const { data } = (await info(admin, number)).body
    expect(data.username).toBe(data.email)
    const email = 'a.rather.long.address.for.a.username@example.org'
    const both = await edit(admin, number, { ...data, username: ` ${email.toUpperCase()}`, email })
    expect([both.body.data?.username, both.body.data?.email, await usernameOf()]).toEqual([email, email, null])
    const emailOnly = await edit(admin, number, { ...both.body.data, email: 'short@example.org' })
    expect([emailOnly.body.data?.username, await usernameOf()]).toEqual(['short@example.org', null])
    const named = await edit(admin, number, { ...emailOnly.body.data, username: 'named' })
    expect([named.body.data?.username, await usernameOf()]).toEqual(['named', 'named'])
    const unnamed = await edit(admin, number, { ...named.body.data, username: 'short@example.org' })
    expect([unnamed.body.data?.username, await usernameOf()]).toEqual(['short@example.org', null])
  })

  it('puts the admin role first for is_admin, removes it without, and keeps the other roles', async () => {
    const { id, uid } = await created(admin)
    await call('/v1/roles', { token: admin, json: { name: 'reception', permissions: [] } })
    await call(`/v1/users/usr_${uid}/roles`, { method: 'PUT', token: admin, json: { roles: ['reception', 'user'] } })
    const rolesAfter = async (is_admin: unknown) => {
      await edit(admin, id, { ...inesInFull, password: undefined, is_admin })
      return (await throughV1(admin, uid)).body.roles.map(({ name }: Fields) => name)
    }
    expect(await rolesAfter('true')).toEqual(['admin', 'reception', 'user'])
    expect(await rolesAfter('true')).toEqual(['admin', 'reception', 'user'])
    expect(await rolesAfter(undefined)).toEqual(['reception', 'user'])
    await call(`/v1/users/usr_${uid}/roles`, { method: 'PUT', token: admin, json: { roles: ['admin'] } })
    expect(await rolesAfter('false')).toEqual(['user'])
  })

  it('ends the sessions of a user it makes inactive, and lets in a user it makes active', async () => {
    const { id } = await created(admin)
    const cookie = cookieOf(await login('ines.caron', password))
    await edit(admin, id, { ...ines, is_active: 'False' })
    expect((await call(`${users}/${id}/get_user_info/`, { headers: { cookie } })).status).toBe(401)
    expectFailure(await login('ines.caron', password), 'Invalid login.')
    await edit(admin, id, { ...ines, is_active: 'True' })
    expect((await call(`${users}/${id}/get_user_info/`, { headers: { cookie } })).status).toBe(401)
    expect((await login('ines.caron', password)).body.success).toBe(true)
  })

  /** The fields that users may change of themselves. */
  const own = {
    first_name: changed.first_name,
    last_name: changed.last_name,
    birth_date: changed.birth_date,
    gender: changed.gender,
    phone: changed.phone,
    mobile: changed.mobile,
  }
  const ownShown = { ...own, birth_date: changedShown.birth_date, gender: changedShown.gender }
  /** The other fields of the form, each with a value that differs from the one shown. */
  const beyondOwn = {
    username: changed.username,
    email: changed.email,
    user_type: changed.user_type,
    certified_email: changed.certified_email,
    numeric_password: '1357',
  }
  const notYours = (field: string) => `${field}: You are not allowed to change this.`
  const { password: _, numeric_password: __, ...inesForm } = inesInFull

  it('lets users change their own names, birth date, gender and phones', async () => {
    const { id, uid } = await created(admin)
    const { access_token } = await signIn('ines.caron', password)
    for (const [, kind] of kinds) {
      const answer = await edit(access_token, id, { ...inesForm, ...own }, kind)
      expectSuccess(answer, `User ${id} successfully updated.`, { id, uid, ...inesShown, ...ownShown })
      expect((await info(access_token, id)).body.data).toEqual(answer.body.data)
      const back = await edit(access_token, id, { ...inesForm, password: '', numeric_password: '' }, kind)
      expect(back.body.data).toEqual({ id, uid, ...inesShown })
    }
  })

  it('refuses other changes of the caller’s own record by field name, and changes nothing', async () => {
    const { id } = await created(admin)
    const { access_token } = await signIn('ines.caron', password)
    const before = await everything(id)
    for (const [, kind] of kinds) {
      for (const [field, value] of Object.entries(beyondOwn)) {
        const answer = await edit(access_token, id, { ...inesForm, ...own, [field]: value }, kind)
        expectFailure(answer, refusal(id, notYours(field)))
      }
      const answer = await edit(access_token, id, { ...inesForm, ...own, ...beyondOwn }, kind)
      expectFailure(answer, refusal(id, ...Object.keys(beyondOwn).map(notYours)))
      const emptied = await edit(access_token, id, { ...inesForm, ...own, certified_email: '' }, kind)
      expectFailure(emptied, refusal(id, notYours('certified_email')))
      // The email as username means no username, which differs from the username shown.
      const nameless = await edit(access_token, id, { ...inesForm, username: ines.email }, kind)
      expectFailure(nameless, refusal(id, notYours('username')))
      expect(await everything(id)).toEqual(before)
    }
  })

  it('applies other changes of the caller’s own record with users:update', async () => {
    const editor = await clerk(admin, ['users:update', 'users:read'])
    for (const [index, [, kind]] of kinds.entries()) {
      const form = {
        ...inesForm,
        ...own,
        ...beyondOwn,
        user_type: index === 1 ? 'ST' : 'TE',
        username: `editor${index}`,
        email: `editor${index}@example.org`,
        certified_email: `e${index}@certified.example`,
      }
      const [before] = (await everything(editor.number)) as [Fields]
      const { body } = await edit(editor.access_token, editor.number, form, kind)
      expect(body.message).toBe(`User ${editor.number} successfully updated.`)
      const { username, email, certified_email } = form
      const user_type = index === 1 ? { key: 'ST', value: 'Student' } : changedShown.user_type
      expect(body.data).toMatchObject({ ...ownShown, username, email, certified_email, user_type })
      expect((await info(admin, editor.number)).body.data).toEqual(body.data)
      const [after] = (await everything(editor.number)) as [Fields]
      expect(after['pin_hash']).not.toBe(before['pin_hash'])
    }
  })

  it('refuses every change of the caller’s own password with 403', async () => {
    const { id } = await created(admin)
    const { access_token } = await signIn('ines.caron', password)
    const editor = await clerk(admin, ['users:update'])
    for (const [token, number] of [
      [access_token, id],
      [editor.access_token, editor.number],
      [admin, '1'],
    ] as const) {
      const before = await everything(number)
      const { data } = (await info(admin, number)).body
      const form = { ...data, user_type: data.user_type ?? '', gender: 'U', phone: '1', last_name: 'Changed' }
      for (const [, kind] of kinds) {
        const answer = await edit(token, number, { ...form, password: 'une autre phrase' }, kind)
        expectFailure(answer, notAllowed, 403)
      }
      expect(await everything(number)).toEqual(before)
    }
  })

  it('keeps is_active, is_staff and is_admin of the caller’s own record, so that no unticked checkbox locks a user out', async () => {
    const { id, uid } = await created(admin)
    const boss = await created(admin, { username: 'boss', email: 'boss@example.org', is_admin: true, is_staff: false })
    const [plainToken, bossToken] = [
      (await signIn('ines.caron', password)).access_token,
      (await signIn('boss', password)).access_token,
    ]
    const bossForm = { ...inesForm, username: 'boss', email: 'boss@example.org' }
    const boxes = [undefined, '', 'off', 'on'].flatMap((value) => [
      { is_active: value, is_staff: value, is_admin: value },
      { is_active: 'on', is_staff: value, is_admin: 'on' },
    ])
    for (const [, kind] of kinds) {
      for (const box of boxes) {
        const plain = await edit(plainToken, id, { ...inesForm, ...box }, kind)
        expectSuccess(plain, `User ${id} successfully updated.`, { id, uid, ...inesShown })
        const { body } = await edit(bossToken, boss.id, { ...bossForm, ...box }, kind)
        expect(body.data).toEqual(boss)
      }
    }
  })

  it('keeps the certified email of the caller’s own record when it is not sent', async () => {
    const { id, uid } = await created(admin)
    const { access_token } = await signIn('ines.caron', password)
    for (const [, kind] of kinds) {
      const answer = await edit(access_token, id, { ...inesForm, certified_email: undefined }, kind)
      expectSuccess(answer, `User ${id} successfully updated.`, { id, uid, ...inesShown })
    }
  })

  it('validates the fields of the caller’s own record before it refuses them', async () => {
    const plain = await plainUser(admin)
    const answer = await edit(plain.access_token, plain.number, { ...inesInFull, email: 'nobody' })
    expectFailure(answer, refusal(plain.number, 'email: Enter a valid email address.'))
  })

  it('requires users:update for others, users:deactivate for is_active, and roles:assign for is_admin', async () => {
    const { id, uid } = await created(admin)
    const plain = await plainUser(admin)
    for (const other of [id, '999']) {
      expectFailure(await edit(plain.access_token, other, changed), notAllowed, 403)
    }
    const editor = await clerk(admin, ['users:update'])
    expect((await edit(editor.access_token, id, inesInFull)).body.data).toEqual({ id, uid, ...inesShown })
    expectFailure(await edit(editor.access_token, id, ines), notAllowed, 403)
    expectFailure(await edit(editor.access_token, id, { ...inesInFull, is_admin: 'on' }), notAllowed, 403)
    const more = await clerk(admin, ['users:update', 'users:deactivate', 'roles:assign'])
    expect((await edit(more.access_token, id, ines)).body.data.is_active).toBe(false)
    expectFailure(await edit(more.access_token, id, { ...inesInFull, is_admin: 'on' }), notAllowed, 403)
    expect((await info(admin, id)).body.data).toMatchObject({ is_active: false, is_admin: false })
  })

  it('is forbidden for a user who holds a permission that the caller lacks', async () => {
    const { id } = await created(admin, { is_admin: true })
    const editor = await clerk(admin, ['users:update', 'users:deactivate', 'roles:assign'])
    const before = await everything(id)
    for (const fields of [changed, { ...inesInFull, is_admin: 'on', phone: '1' }]) {
      expectFailure(await edit(editor.access_token, id, fields), notAllowed, 403)
    }
    expect(await everything(id)).toEqual(before)
  })

  it('refuses to demote or deactivate the last active admin', async () => {
    // Holds every permission, but not the admin role.
    const { access_token: owner } = await clerk(admin, [...permissions])
    const { data } = (await info(admin, '1')).body
    const back = { ...data, gender: 'U', user_type: 'AD', last_name: 'Admin' }
    expectFailure(await edit(owner, '1', { ...back, is_admin: '' }), lastAdmin)
    expectFailure(await edit(owner, '1', { ...back, is_active: '' }), lastAdmin)
    expect((await info(admin, '1')).body.data).toEqual(data)
    expect((await edit(owner, '1', back)).body.data).toMatchObject({ last_name: 'Admin', is_admin: true })
  })

  it('returns success false for an unknown id, and 404 for one that is not a number', async () => {
    for (const id of ['999', '9'.repeat(30)]) expectFailure(await edit(admin, id, changed), `User ${id} not found.`)
    for (const id of ['x', '-1', '1.5']) expectFailure(await edit(admin, id, changed), 'Not found.', 404)
  })
})

describe('POST /users/user/(user_id)/deactivate/', () => {
  it('returns the id and the state, byte for byte, also when repeated', async () => {
    const { id } = await created(admin)
    for (const spelling of [id, id, `0${id}`]) {
      expectSuccess(await deactivate(admin, spelling), `User ${id} deactivated`, { id, is_active: false })
    }
    expect((await info(admin, id)).body.data.is_active).toBe(false)
  })

  it('needs no body, and reads none', async () => {
    const { id } = await created(admin)
    for (const [, kind] of kinds) {
      const sent = { token: admin, method: 'POST', ...kind({ is_active: 'true', csrfmiddlewaretoken: 'token' }) }
      const answer = await call(`${users}/${id}/deactivate/`, sent)
      expectSuccess(answer, `User ${id} deactivated`, { id, is_active: false })
    }
  })

  it('ends every session, refresh token and key of the user at once, who can no longer sign in', async () => {
    const { id } = await created(admin, { is_admin: true })
    const cookie = cookieOf(await login('ines.caron', password))
    const { access_token, refresh_token } = await signIn('ines.caron', password)
    const json = { name: 'hers', permissions: ['users:read'] }
    const { key } = (await call('/v1/api-keys', { token: access_token, json })).body
    await deactivate(admin, id)
    for (const options of [{ headers: { cookie } }, { token: access_token }, { token: key }]) {
      expect((await call(`${users}/${id}/get_user_info/`, options)).status).toBe(401)
    }
    expect((await call('/v1/auth/refresh', { json: { refresh_token } })).status).toBe(401)
    expectFailure(await login('ines.caron', password), 'Invalid login.')
  })

  it('refuses to deactivate the last active admin, but not another admin', async () => {
    expectFailure(await deactivate(admin, '1'), lastAdmin)
    const { id } = await created(admin, { is_admin: true })
    expectSuccess(await deactivate(admin, id), `User ${id} deactivated`, { id, is_active: false })
    expectFailure(await deactivate(admin, '1'), lastAdmin)
  })

  it('requires users:deactivate, even for the caller’s own account, and every permission of the user', async () => {
    const plain = await plainUser(admin)
    for (const id of [plain.number, '1', '999']) {
      expectFailure(await deactivate(plain.access_token, id), notAllowed, 403)
    }
    const doorkeeper = await clerk(admin, ['users:deactivate'])
    expect((await deactivate(doorkeeper.access_token, plain.number)).body.success).toBe(true)
    expectFailure(await deactivate(doorkeeper.access_token, '1'), notAllowed, 403)
  })

  it('returns success false for an unknown id, and 404 for one that is not a number', async () => {
    expectFailure(await deactivate(admin, '999'), 'User 999 not found.')
    expectFailure(await deactivate(admin, 'x'), 'Not found.', 404)
  })
})

describe('POST /users/user/(user_id)/activate/', () => {
  it('returns the id and the state, byte for byte, also when repeated', async () => {
    const { id } = await created(admin, { is_active: false })
    for (let times = 0; times < 2; times += 1) {
      expectSuccess(await activate(admin, id), `User ${id} activated`, { id, is_active: true })
    }
    expect((await info(admin, id)).body.data.is_active).toBe(true)
  })

  it('lets the user sign in again, and revives no session', async () => {
    const { id } = await created(admin)
    const cookie = cookieOf(await login('ines.caron', password))
    await deactivate(admin, id)
    await activate(admin, id)
    expect((await call(`${users}/${id}/get_user_info/`, { headers: { cookie } })).status).toBe(401)
    expect((await login('ines.caron', password)).body.success).toBe(true)
  })

  it('clears a lockout', async () => {
    const { id } = await created(admin)
    for (let failure = 0; failure < 5; failure += 1) await login('ines.caron', 'not the password')
    expect((await login('ines.caron', password)).status).toBe(429)
    await deactivate(admin, id)
    await activate(admin, id)
    expect((await login('ines.caron', password)).body.success).toBe(true)
  })

  it('requires users:deactivate', async () => {
    const { id } = await created(admin, { is_active: false })
    const plain = await plainUser(admin)
    expectFailure(await activate(plain.access_token, id), notAllowed, 403)
    const doorkeeper = await clerk(admin, ['users:deactivate'])
    expect((await activate(doorkeeper.access_token, id)).body.success).toBe(true)
  })

  it('returns success false for an unknown id, and 404 for one that is not a number', async () => {
    expectFailure(await activate(admin, '999'), 'User 999 not found.')
    expectFailure(await activate(admin, 'x'), 'Not found.', 404)
  })
})

namesEveryTest(statements)

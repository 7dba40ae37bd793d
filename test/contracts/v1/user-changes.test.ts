/** v1: updating users. */
import { beforeEach, describe, expect, it } from 'vitest'
import { adminToken, call, firstAdmin, freshDirectory, person, rows, signedInPerson, uuidOf } from '../../support/usher'
import { namesEveryTest } from '../../support/statements'
import {
  everything,
  expectInvalid,
  expectProblem,
  expectTaken,
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

const create = (json: unknown) => call('/v1/users', { token: admin, json })
const get = (id: string) => call(`/v1/users/${id}`, { token: admin })
const patch = (id: string, json: unknown, token = admin, headers: Record<string, string> = {}) =>
  call(`/v1/users/${id}`, { method: 'PATCH', token, json, headers })
const login = (identifier: string, password: unknown) => call('/v1/auth/login', { json: { identifier, password } })

const nobody = 'usr_019b1c6e7a407d529a513f1d0c2b4e66'
const changedSince = 'The user has changed since.'
const ownPassword = "One's own password is changed with the current one, by PUT /me/password."

describe('PUT and PATCH /users/{id}', () => {
  it('change only the fields that are sent, and return the user with a new ETag', async () => {
    for (const method of ['PUT', 'PATCH']) {
      const { body: before, headers } = await create(person({ phone: '1', mobile: '2', birth_date: '1990-05-05' }))
      const json = { phone: '3', mobile: null, gender: 'male' }
      const answer = await call(`/v1/users/${before.id}`, { method, token: admin, json })
      expect([answer.status, answer.body]).toEqual([200, { ...before, ...json, updated_at: answer.body.updated_at }])
      expect(answer.headers.get('etag')).not.toBe(headers.get('etag'))
      const read = await get(before.id)
      expect([read.body, read.headers.get('etag')]).toEqual([answer.body, answer.headers.get('etag')])
    }
  })

  it('change every writable field, and clear every optional one with null', async () => {
    const { body } = await create(person())
    expect((await patch(body.id, everything)).body).toMatchObject(everything)
    expect((await patch(body.id, nothingMore)).body).toMatchObject({ ...nothingMore, email: everything.email })
  })

  it('keep the name and its parts consistent', async () => {
    const { body } = await create(person({ name: 'Ana Vega' }))
    const names = async (json: object) => {
      const { name, first_name, last_name } = (await patch(body.id, json)).body
      return [name, first_name, last_name]
    }
    expect(await names({ last_name: 'Soto' })).toEqual(['Ana Soto', 'Ana', 'Soto'])
    expect(await names({ name: 'Eva Luna Gil' })).toEqual(['Eva Luna Gil', 'Eva', 'Luna Gil'])
    expect(await names({ name: 'Dr. Gil', first_name: 'Evi' })).toEqual(['Dr. Gil', 'Evi', 'Luna Gil'])
  })

  it('do not change the status, the id, the times and the roles, and ignore unknown fields', async () => {
    const { body: user } = await create(person())
    const readOnly = { id: 'usr_1', status: 'inactive', roles: [], created_at: '1999-01-01T00:00:00Z', updated_at: 'x' }
    const { status, body, cost } = await patch(user.id, { ...readOnly, surprise: 1 })
    expect([status, body, cost.written]).toEqual([200, user, 0])
  })

  it('change nothing for a whole record sent back as it was shown', async () => {
    const { body: user, headers } = await create(person(everything))
    for (const method of ['PUT', 'PATCH']) {
      const answer = await call(`/v1/users/${user.id}`, { method, token: admin, json: user })
      expect([answer.status, answer.body, answer.cost.written]).toEqual([200, user, 0])
      expect(answer.headers.get('etag')).toBe(headers.get('etag'))
    }
  })

  it('accept a record with values that they would reject as new ones', async () => {
    const { body } = await create(person())
    await rows("UPDATE users SET name = '', email = 'odd address' WHERE id = ?", uuidOf(body.id))
    const shown = (await get(body.id)).body
    const { status, body: after } = await patch(body.id, { ...shown, phone: '1' })
    expect([status, after]).toEqual([200, { ...shown, phone: '1', updated_at: after.updated_at }])
  })

  it('report invalid values, and change nothing', async () => {
    const { body: user } = await create(person({ username: 'sesame-opens' }))
    for (const [field, value, message] of wrongValues)
      expectInvalid(await patch(user.id, { [field]: value }), [field, message])
    const personal = "must not be the user's own email, username or name"
    expectInvalid(await patch(user.id, { password: 'Sesame-Opens' }), ['password', personal])
    expectInvalid(await patch(user.id, { name: 'Open Says Me', password: 'open says me' }), ['password', personal])
    expect((await get(user.id)).body).toEqual(user)
  })

  it('set the role by name, replacing all roles, unless it already is the primary one', async () => {
    const { body: user } = await create(person())
    const rolesAfter = async (json: unknown) => (await patch(user.id, json)).body.roles.map(({ name }: any) => name)
    expect(await rolesAfter({ role: 'admin' })).toEqual(['admin'])
    await call(`/v1/users/${user.id}/roles`, { method: 'PUT', token: admin, json: { roles: ['admin', 'user'] } })
    expect(await rolesAfter({ role: 'ADMIN' })).toEqual(['admin', 'user'])
    expect(await rolesAfter({ role: 'user' })).toEqual(['user'])
  })

  it('set the password, which ends every session of the user and clears a lockout', async () => {
    const account = await signedInPerson(admin)
    for (let tried = 0; tried < 5; tried += 1) await login(account.input.email, 'not the password')
    expect((await patch(account.id, { password: 'set by an admin' })).status).toBe(200)
    expect((await call('/v1/me', { token: account.access_token })).status).toBe(401)
    expect((await call('/v1/auth/refresh', { json: { refresh_token: account.refresh_token } })).status).toBe(401)
    expect((await login(account.input.email, 'set by an admin')).status).toBe(200)
  })

  it('require users:update for others, and roles:assign for the role', async () => {
    const { body: other } = await create(person())
    const plain = await signedInPerson(admin)
    for (const id of [other.id, nobody]) {
      expectProblem(await patch(id, { phone: '1' }, plain.access_token), 403, lacking('users:update'))
    }
    const clerk = await someoneWith(admin, ['users:update'])
    const all = { ...everything, password: 'another fine passphrase' }
    expect((await patch(other.id, all, clerk.access_token)).status).toBe(200)
    const role = await roleWith(admin, [])
    expectProblem(await patch(other.id, { role: role.name }, clerk.access_token), 403, lacking('roles:assign'))
    expect((await patch(other.id, { role: 'user' }, clerk.access_token)).status).toBe(200)
  })

  it('let users change the same fields of themselves as /me does', async () => {
    const account = await signedInPerson(admin)
    expect((await patch(account.id, { phone: '1', name: 'Ada Vale' }, account.access_token)).status).toBe(200)
    expectProblem(
      await patch(account.id, { email: 'x@example.org' }, account.access_token),
      403,
      lacking('users:update'),
    )
    expectProblem(await patch(account.id, { password: 'one of my own' }, account.access_token), 403, ownPassword)
    const { body: me } = await call('/v1/me', { token: admin })
    expectProblem(await patch(me.id, { password: 'one of my own' }), 403, ownPassword)
  })

  it('are forbidden for a user who holds a permission that the caller lacks', async () => {
    const clerk = await someoneWith(admin, ['users:read', 'users:update'])
    const stronger = await someoneWith(admin, ['audit:read'])
    for (const json of [{ phone: '1' }, { password: 'now it is mine' }, { email: 'mine@example.org' }, {}]) {
      expectProblem(await patch(stronger.id, json, clerk.access_token), 403, lacking('audit:read'))
    }
    expect((await call('/v1/me', { token: stronger.access_token })).body).toEqual(stronger.user)
  })

  it('return 409 for a taken identifier, and free the previous one', async () => {
    const { body: account } = await create(person({ username: 'one', matricule: 1 }))
    const { body: other } = await create(person({ username: 'other', matricule: 2 }))
    expectTaken(await patch(account.id, { email: firstAdmin.email.toUpperCase() }), 'email')
    expectTaken(await patch(account.id, { username: 'OTHER' }), 'username')
    expectTaken(await patch(account.id, { matricule: 2 }), 'matricule')
    expect((await get(account.id)).body).toEqual(account)
    expect((await patch(other.id, { username: 'another', matricule: null })).status).toBe(200)
    expect((await patch(account.id, { username: 'other', matricule: 2 })).status).toBe(200)
  })

  it('return 409 when no active admin would be left', async () => {
    const { body: me } = await call('/v1/me', { token: admin })
    expectProblem(await patch(me.id, { role: 'user' }), 409, 'The last active admin must stay one.')
    expect((await call('/v1/me', { token: admin })).body).toEqual(me)
  })

  it('return 404 for an unknown user', async () => {
    expectProblem(await patch(nobody, {}), 404, 'There is no such user.')
  })

  it('return 412 when If-Match names another version, and change nothing', async () => {
    const { body: user, headers } = await create(person())
    const etag = String(headers.get('etag'))
    const change = (match: string, phone: string, method = 'PATCH') =>
      call(`/v1/users/${user.id}`, { method, token: admin, json: { phone }, headers: { 'if-match': match } })
    expect((await change(etag, '1')).status).toBe(200)
    for (const stale of [etag, `W/${etag}`, '"999"', 'nonsense', '']) {
      expectProblem(await change(stale, '2'), 412, changedSince)
      expectProblem(await change(stale, '2', 'PUT'), 412, changedSince)
    }
    expect((await get(user.id)).body.phone).toBe('1')
    expect((await change('*', '3')).status).toBe(200)
    expect((await change('"1", "3"', '4')).status).toBe(200)
  })

  it('accept an ETag that a compressing proxy marked as weak', async () => {
    const { body: user, headers } = await create(person())
    const change = () => patch(user.id, { phone: '1' }, admin, { 'if-match': `W/${headers.get('etag')}` })
    expect([(await change()).status, (await change()).status]).toEqual([200, 412])
  })

  it('let one of many simultaneous updates succeed when all name the same version', async () => {
    const { body: user } = await create(person())
    const change = (phone: string) => patch(user.id, { phone }, admin, { 'if-match': '"1"' })
    const statuses = (await Promise.all(['1', '2', '3', '4'].map(change))).map(({ status }) => status).sort()
    expect(statuses).toEqual([200, 412, 412, 412])
  })

  it('keep all of many simultaneous updates when none names a version', async () => {
    const { body: user } = await create(person())
    const changes = [{ phone: '1' }, { mobile: '2' }, { matricule: 3 }, { role: 'admin' }, { country_id: 4 }]
    const answers = await Promise.all(changes.map((json) => patch(user.id, json)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect((await get(user.id)).body).toMatchObject(Object.assign({}, ...changes))
  })

  it('check in the order 400, 403 for the values, 404, 412', async () => {
    const clerk = await someoneWith(admin, ['users:read', 'users:update'])
    const stronger = await someoneWith(admin, ['audit:read'])
    const plain = await signedInPerson(admin)
    const stale = { 'if-match': '"999"' }
    expect((await patch(nobody, { email: 'none' })).status).toBe(400)
    expect((await patch(plain.id, { role: 'admin', phone: 7 }, clerk.access_token)).status).toBe(400)
    expect((await patch(plain.id, { role: 'admin' }, clerk.access_token, stale)).status).toBe(403)
    expect((await patch(stronger.id, { phone: '1' }, clerk.access_token, stale)).status).toBe(403)
    expect((await patch(plain.id, { role: 'nobody-made-this' }, admin, stale)).status).toBe(400)
    expect((await patch(plain.id, { phone: '1' }, admin, stale)).status).toBe(412)
  })
})

namesEveryTest(statements)

/** v1: the caller's own account. */
import { beforeEach, describe, expect, it } from 'vitest'
import {
  adminToken,
  call,
  firstAdmin,
  freshDirectory,
  rows,
  signedInPerson,
  testEnv,
  type Call,
} from '../../support/usher'
import { namesEveryTest } from '../../support/statements'
import {
  expectInvalid,
  expectProblem,
  expectTaken,
  keyWith,
  lacking,
  notAllowed,
  statements,
  someoneWith,
} from '../../support/v1'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

type Person = Awaited<ReturnType<typeof signedInPerson>>

const me = (token: string, headers: Record<string, string> = {}) => call('/v1/me', { token, headers })
const patch = (token: string, json: unknown, headers: Record<string, string> = {}) =>
  call('/v1/me', { method: 'PATCH', token, json, headers })
const login = (identifier: string, password: unknown) => call('/v1/auth/login', { json: { identifier, password } })
const ownPassword = "One's own password is changed with the current one, by PUT /me/password."

describe('GET /me', () => {
  it('returns the signed-in user, as others see them, with an ETag', async () => {
    const user = await signedInPerson(admin, { username: 'one', matricule: 7 })
    const { status, headers, body } = await me(user.access_token)
    const seen = await call(`/v1/users/${user.id}`, { token: admin })
    expect([status, body, headers.get('etag')]).toEqual([200, seen.body, seen.headers.get('etag')])
    expect(body).toEqual(user.user)
  })

  it('returns 304 when the client has the current version', async () => {
    const etag = String((await me(admin)).headers.get('etag'))
    const { status, text, headers } = await me(admin, { 'if-none-match': etag })
    expect([status, text, headers.get('etag')]).toEqual([304, '', etag])
    expect((await me(admin, { 'if-none-match': '"999"' })).status).toBe(200)
  })

  it('returns the owner of an API key, whatever the key’s permissions', async () => {
    const { key } = await keyWith(admin, [])
    expect((await me(key)).body).toEqual((await me(admin)).body)
  })
})

describe('PATCH /me', () => {
  it('changes the caller’s names, birth date, gender and phone numbers, without a permission', async () => {
    const user = await signedInPerson(admin)
    const json = {
      name: 'Dr. Ada Vale',
      first_name: 'Ada',
      last_name: 'Vale',
      birth_date: '1991-02-03',
      gender: 'female',
      phone: '1',
      mobile: '2',
    }
    const { status, headers, body } = await patch(user.access_token, json)
    expect([status, body]).toEqual([200, { ...user.user, ...json, updated_at: body.updated_at }])
    expect(headers.get('etag')).toBe('"2"')
    expect((await patch(user.access_token, { phone: null, birth_date: null })).body).toMatchObject({
      phone: null,
      birth_date: null,
      mobile: '2',
    })
    expect((await patch(user.access_token, { name: 'Ada Marsh' })).body).toMatchObject({ last_name: 'Marsh' })
  })

  it('does not change the caller’s email, username, matricule, role or password', async () => {
    const user = await signedInPerson(admin)
    const before = (await me(user.access_token)).body
    for (const [field, value, detail] of [
      ['email', 'mine@example.org', lacking('users:update')],
      ['username', 'mine', lacking('users:update')],
      ['matricule', 7, lacking('users:update')],
      ['role', 'admin', lacking('roles:assign')],
      ['password', 'a password of my own', ownPassword],
    ] as const) {
      const answer = await patch(user.access_token, { phone: '1', [field]: value })
      expect([field, answer.status, answer.body.detail]).toEqual([field, 403, expect.stringContaining(detail)])
    }
    expect((await me(user.access_token)).body).toEqual(before)
  })

  it('ignores all other fields, without an error', async () => {
    const user = await signedInPerson(admin)
    const others = { certified_email: 'me@certified.example', user_type: 'clinician', is_staff: true, country_id: 33 }
    const readOnly = { id: 'usr_0', status: 'inactive', roles: [], created_at: 'x', updated_at: 'x', surprise: 1 }
    const { status, body } = await patch(user.access_token, { ...others, ...readOnly, phone: '1' })
    expect([status, body]).toEqual([200, { ...user.user, phone: '1', updated_at: body.updated_at }])
  })

  it('changes nothing for a whole record sent back as it was shown', async () => {
    const user = await signedInPerson(admin, { username: 'one', matricule: 7, user_type: 'student' })
    const before = await me(user.access_token)
    const { status, body, headers, cost } = await patch(user.access_token, before.body)
    expect([status, body, cost.written]).toEqual([200, before.body, 0])
    expect(headers.get('etag')).toBe(before.headers.get('etag'))
  })

  it('changes more fields for callers who may edit others, but never the password', async () => {
    const clerk = await someoneWith(admin, ['users:update'])
    const json = { email: 'clerk@example.org', username: 'clerk', matricule: 9, is_staff: true, country_id: 33 }
    expect((await patch(clerk.access_token, json)).body).toMatchObject(json)
    expectTaken(await patch(clerk.access_token, { email: firstAdmin.email }), 'email')
    expectProblem(await patch(admin, { password: 'a password of my own' }), 403, ownPassword)
    expectProblem(await patch(admin, { role: 'user' }), 409, 'The last active admin must stay one.')
  })

  it('returns 412 when If-Match names another version', async () => {
    const user = await signedInPerson(admin)
    expect((await patch(user.access_token, { phone: '1' }, { 'if-match': '"1"' })).status).toBe(200)
    const stale = await patch(user.access_token, { phone: '2' }, { 'if-match': '"1"' })
    expectProblem(stale, 412, 'The user has changed since.')
    expect((await me(user.access_token)).body.phone).toBe('1')
  })

  it('reports errors field by field', async () => {
    const user = await signedInPerson(admin)
    expectInvalid(
      await patch(user.access_token, { name: ' ', birth_date: '2026-02-30', gender: 'other', phone: 7 }),
      ['name', 'must not be blank'],
      ['birth_date', 'must be a date, YYYY-MM-DD'],
      ['gender', 'must be one of male, female, unknown'],
      ['phone', 'must be a string'],
    )
    expectInvalid(await patch(user.access_token, { first_name: null }), ['first_name', 'must be a string'])
  })

  it('is forbidden for an API key, which does not count as its owner', async () => {
    const { key } = await keyWith(admin, ['users:update', 'users:read'])
    expectProblem(await patch(key, { phone: '1' }), 403, notAllowed)
  })
})

describe('PUT /me/password', () => {
  const next = 'the next fine passphrase'
  const change = (token: string, current_password: unknown, new_password: unknown = next, options: Call = {}) =>
    call('/v1/me/password', { method: 'PUT', token, json: { current_password, new_password }, ...options })

  async function fail(user: Person, times: number) {
    for (let tried = 0; tried < times; tried += 1) {
      expectInvalid(await change(user.access_token, 'not the password'), ['current_password', 'is wrong'])
    }
  }

  it('sets the password when the current one is right, and returns the tokens of a new session like a sign-in', async () => {
    const user = await signedInPerson(admin)
    const { status, body } = await change(user.access_token, user.input.password)
    const shown = (await call(`/v1/users/${user.id}`, { token: admin })).body
    const text = expect.any(String)
    const tokens = { access_token: text, token_type: 'Bearer', expires_in: 900, refresh_token: text }
    expect([status, body]).toEqual([200, { ...tokens, user: shown }])
    expect((await login(user.input.email, user.input.password)).status).toBe(401)
    expect((await login(user.input.email, next)).status).toBe(200)
  })

  it('ends every earlier session, the current one included, begins a new one, and keeps every key', async () => {
    const user = await someoneWith(admin, ['api_keys:manage'])
    const { key } = await keyWith(user.access_token, [])
    const other = (await login(user.input.email, user.input.password)).body
    const { body } = await change(user.access_token, user.input.password)
    for (const ended of [other, user]) {
      expect((await me(ended.access_token)).status).toBe(401)
      expect((await call('/v1/auth/refresh', { json: { refresh_token: ended.refresh_token } })).status).toBe(401)
    }
    expect((await me(body.access_token)).status).toBe(200)
    const again = await call('/v1/auth/refresh', { json: { refresh_token: body.refresh_token } })
    expect((await me(again.body.access_token)).status).toBe(200)
    expect((await me(key)).status).toBe(200)
    const { data } = (await call(`/v1/users/${user.id}/sessions`, { token: again.body.access_token })).body
    expect(data).toMatchObject([{ contract: 'v1', current: true }])
  })

  it('records the new password and the new session, with the client’s address', async () => {
    const user = await signedInPerson(admin)
    await rows('DELETE FROM audit_events')
    await change(user.access_token, user.input.password, next, { headers: { 'cf-connecting-ip': '192.0.2.7' } })
    const recorded = await rows('SELECT action, actor_id, user_id, address FROM audit_events ORDER BY sequence')
    const who = { actor_id: user.uuid, user_id: user.uuid }
    expect(recorded).toEqual([
      { action: 'user.password_set', ...who, address: null },
      { action: 'session.created', ...who, address: '192.0.2.7' },
    ])
  })

  it('returns 400 for a wrong current password, and changes nothing', async () => {
    const user = await signedInPerson(admin)
    await fail(user, 1)
    for (const wrong of ['', ` ${user.input.password}`, String(user.input.password).toUpperCase()]) {
      expectInvalid(await change(user.access_token, wrong), ['current_password', 'is wrong'])
    }
    expect((await login(user.input.email, user.input.password)).status).toBe(200)
  })

  it('locks the account after five wrong passwords, as sign-ins do, even for the right password', async () => {
    const user = await signedInPerson(admin)
    await fail(user, 3)
    for (let tried = 0; tried < 2; tried += 1) await login(user.input.email, 'not the password')
    const locked = await change(user.access_token, user.input.password)
    expectProblem(locked, 429, 'Too many failed sign-ins on this account.')
    expect([Number(locked.headers.get('retry-after')) > 0, locked.cost.trips]).toEqual([true, 1])
    expect((await login(user.input.email, user.input.password)).status).toBe(429)
  })

  it('clears the failures after the right password', async () => {
    const user = await signedInPerson(admin)
    await fail(user, 4)
    const { status, body } = await change(user.access_token, user.input.password)
    expect(status).toBe(200)
    await fail({ ...user, access_token: body.access_token }, 4)
    expect((await change(body.access_token, next, 'yet another passphrase')).status).toBe(200)
  })

  it('accepts no right guess when the account is locked while it is checked', async () => {
    const user = await signedInPerson(admin)
    await fail(user, 4)
    let batches = 0
    // A fifth failure arrives after this guess was admitted and before it commits.
    const overtaking = {
      prepare: (sql: string) => testEnv.DB.prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        batches += 1
        if (batches === 2) await login(user.input.email, 'not the password')
        return testEnv.DB.batch(statements)
      },
    }
    const answer = await change(user.access_token, user.input.password, next, { env: { DB: overtaking } })
    expect([answer.status, batches]).toEqual([429, 3])
    await rows('DELETE FROM sign_in_failures')
    expect((await login(user.input.email, user.input.password)).status).toBe(200)
  })

  it('checks the new password against the password rules', async () => {
    const user = await signedInPerson(admin)
    for (const [password, message] of [
      ['short', 'must have at least 8 characters'],
      ['password123', 'is among the most common passwords'],
      [user.input.name, "must not be the user's own email, username or name"],
      [null, 'must be a string'],
    ]) {
      expectInvalid(await change(user.access_token, user.input.password, password), ['new_password', String(message)])
    }
    expectInvalid(
      await call('/v1/me/password', { method: 'PUT', token: user.access_token, json: {} }),
      ['current_password', 'is required'],
      ['new_password', 'is required'],
    )
    expect((await login(user.input.email, user.input.password)).status).toBe(200)
  })

  it('is forbidden for an API key, which does not count as its owner', async () => {
    const { key } = await keyWith(admin, ['users:update'])
    expectProblem(await change(key, firstAdmin.password), 403, notAllowed)
    expect((await login(firstAdmin.email, firstAdmin.password)).status).toBe(200)
  })
})

namesEveryTest(statements)

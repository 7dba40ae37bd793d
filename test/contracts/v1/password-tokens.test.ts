/** v1: set-password tokens, by which users set their own password without an administrator typing it. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { adminToken, call, freshDirectory, openApi, rows, signedInPerson, uuidOf, type Call } from '../../support/usher'
import { namesEveryTest } from '../../support/statements'
import { expectInvalid, expectProblem, keyWith, lacking, statements, someoneWith } from '../../support/v1'

freshDirectory()
afterEach(() => void vi.useRealTimers())

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const issue = (id: string, token = admin, options: Call = {}) =>
  call(`/v1/users/${id}/password-token`, { method: 'POST', token, ...options })
const spend = (token: unknown, new_password: unknown = 'chosen by herself', options: Call = {}) =>
  call('/v1/auth/password', { json: { token, new_password }, ...options })
const login = async (identifier: string, password: unknown, options: Call = {}) =>
  (await call('/v1/auth/login', { json: { identifier, password }, ...options })).status

/** Creates a token for the user. */
async function tokenFor({ id }: { id: string }): Promise<string> {
  const { status, body, text } = await issue(id)
  expect(status, text).toBe(201)
  return body.token
}

const notValid = 'The token is not valid, or no longer.'

describe('POST /users/{id}/password-token', () => {
  it('returns 201 with the token and its expiry, 24 hours from now', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2031-02-03T04:05:06.789Z') })
    admin = await adminToken()
    const user = await signedInPerson(admin)
    const { status, body } = await issue(user.id)
    expect([status, body]).toEqual([201, { token: expect.any(String), expires_at: '2031-02-04T04:05:06Z' }])
  })

  it('requires users:update', async () => {
    const user = await signedInPerson(admin)
    const other = await signedInPerson(admin)
    expectProblem(await issue(user.id, other.access_token), 403, lacking('users:update'))
    const clerk = await someoneWith(admin, ['users:update'])
    expect((await issue(user.id, clerk.access_token)).status).toBe(201)
    const { key } = await keyWith(admin, ['users:update'])
    expect((await issue(user.id, key)).status).toBe(201)
  })

  it('is forbidden for a user who holds a permission that the caller lacks', async () => {
    const clerk = await someoneWith(admin, ['users:update'])
    const stronger = await someoneWith(admin, ['users:update', 'audit:read'])
    expectProblem(await issue(stronger.id, clerk.access_token), 403, lacking('audit:read'))
    const { key } = await keyWith(admin, ['users:update'])
    expectProblem(await issue(stronger.id, key), 403, lacking('audit:read'))
    expect(await rows('SELECT * FROM password_tokens')).toEqual([])
  })

  it('is forbidden for the caller’s own account, whose password change requires the current one', async () => {
    const { body: me } = await call('/v1/me', { token: admin })
    const sentence = "One's own password is changed with the current one, by PUT /me/password."
    expectProblem(await issue(me.id), 403, sentence)
    expect(await rows('SELECT * FROM password_tokens')).toEqual([])
  })

  it('returns 404 for an unknown user', async () => {
    expectProblem(await issue('usr_019b1c6e7a407d529a513f1d0c2b4e66'), 404, 'There is no such user.')
  })

  it('stores only a hash of the token', async () => {
    const user = await signedInPerson(admin)
    const token = await tokenFor(user)
    const stored = JSON.stringify(await rows('SELECT * FROM password_tokens'))
    expect(await rows('SELECT * FROM password_tokens')).toHaveLength(1)
    for (const part of [token, token.slice(22), token.slice(-20)]) expect(stored).not.toContain(part)
  })

  it('returns a secret, so it ignores Idempotency-Key: each response has a new token', async () => {
    const user = await signedInPerson(admin)
    const headers = { 'idempotency-key': 'again' }
    const [first, second] = [await issue(user.id, admin, { headers }), await issue(user.id, admin, { headers })]
    expect([first.status, second.status, first.body.token === second.body.token]).toEqual([201, 201, false])
    expect(await rows('SELECT * FROM idempotency_records')).toEqual([])
  })

  it('is documented as leaving the delivery of the token to the caller', async () => {
    const operation = (await openApi()).paths['/v1/users/{id}/password-token']?.['post']
    expect(operation).toMatchObject({ description: expect.stringMatching(/You deliver it to the user/) })
  })
})

describe('DELETE /users/{id}/password-token', () => {
  const revoke = (id: string, token = admin) => call(`/v1/users/${id}/password-token`, { method: 'DELETE', token })

  it('returns 204 without a body, and revokes every token of the user, and of no other user', async () => {
    const [user, other] = [await signedInPerson(admin), await signedInPerson(admin)]
    const [first, second, left] = [await tokenFor(user), await tokenFor(user), await tokenFor(other)]
    const { status, text } = await revoke(user.id)
    expect([status, text]).toEqual([204, ''])
    for (const token of [first, second]) expectProblem(await spend(token), 401, notValid)
    expect((await spend(left)).status).toBe(204)
    expect((await spend(await tokenFor(user))).status).toBe(204)
  })

  it('returns 204 when there is no token, and writes nothing', async () => {
    const user = await signedInPerson(admin)
    const { status, cost } = await revoke(user.id)
    expect([status, cost.written]).toEqual([204, 0])
  })

  it('requires users:update, and every permission that the user holds', async () => {
    const clerk = await someoneWith(admin, ['users:update'])
    const stronger = await someoneWith(admin, ['audit:read'])
    const plain = await signedInPerson(admin)
    const token = await tokenFor(stronger)
    expectProblem(await revoke(clerk.id, plain.access_token), 403, lacking('users:update'))
    expectProblem(await revoke(stronger.id, clerk.access_token), 403, lacking('audit:read'))
    expect((await spend(token)).status).toBe(204)
    expect((await revoke(plain.id, clerk.access_token)).status).toBe(204)
  })

  it('returns 404 for an unknown user', async () => {
    expectProblem(await revoke('usr_019b1c6e7a407d529a513f1d0c2b4e66'), 404, 'There is no such user.')
  })
})

describe('POST /auth/password', () => {
  it('sets the password, returns 204 without a body, and requires no other credential', async () => {
    const user = await signedInPerson(admin)
    const { status, text } = await spend(await tokenFor(user), 'chosen by herself')
    expect([status, text]).toEqual([204, ''])
    expect(await login(user.input.email, 'chosen by herself')).toBe(200)
    expect(await login(user.input.email, user.input.password)).toBe(401)
  })

  it('works for a user without a password', async () => {
    const user = await signedInPerson(admin)
    await rows('UPDATE users SET password_hash = NULL WHERE id = ?', user.uuid)
    expect(await login(user.input.email, user.input.password)).toBe(401)
    await spend(await tokenFor(user))
    expect(await login(user.input.email, 'chosen by herself')).toBe(200)
  })

  it('accepts a token once, even for many simultaneous requests', async () => {
    const user = await signedInPerson(admin)
    const token = await tokenFor(user)
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => spend(token, `chosen by number ${index}`)),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 401, 401, 401, 401, 401])
    const winner = answers.findIndex(({ status }) => status === 204)
    expect(await login(user.input.email, `chosen by number ${winner}`)).toBe(200)
    expectProblem(await spend(token), 401, notValid)
  })

  it('accepts a token for 24 hours', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const [user, other] = [await signedInPerson(admin), await signedInPerson(admin)]
    const [token, late] = [await tokenFor(user), await tokenFor(other)]
    vi.advanceTimersByTime(86_399_000)
    expect((await spend(token)).status).toBe(204)
    vi.advanceTimersByTime(1000)
    expectProblem(await spend(late), 401, notValid)
    expect(await login(other.input.email, other.input.password)).toBe(200)
  })

  it('rejects a token once the password has changed, whoever changed it', async () => {
    const user = await signedInPerson(admin)
    const path = `/v1/users/${user.id}`
    let token = await tokenFor(user)
    await call(path, { method: 'PATCH', token: admin, json: { password: 'set by an admin' } })
    expectProblem(await spend(token), 401, notValid)

    token = await tokenFor(user)
    const json = { identifier: user.input.email, password: 'set by an admin' }
    const { access_token } = (await call('/v1/auth/login', { json })).body
    const change = { current_password: 'set by an admin', new_password: 'set by herself' }
    expect((await call('/v1/me/password', { method: 'PUT', token: access_token, json: change })).status).toBe(200)
    expectProblem(await spend(token), 401, notValid)

    const [first, second] = [await tokenFor(user), await tokenFor(user)]
    expect((await spend(first)).status).toBe(204)
    expectProblem(await spend(second), 401, notValid)
    expect(await rows('SELECT * FROM password_tokens')).toEqual([])
  })

  it('accepts a token after a mere rehash of the same password', async () => {
    const user = await signedInPerson(admin)
    const token = await tokenFor(user)
    const hash = () => rows('SELECT password_hash FROM users WHERE id = ?', user.uuid)
    const before = await hash()
    expect(await login(user.input.email, user.input.password, { env: { PASSWORD_ROUNDS: '2' } })).toBe(200)
    expect(await hash()).not.toEqual(before)
    expect((await spend(token)).status).toBe(204)
  })

  it('ends every session and API key of the user', async () => {
    const user = await someoneWith(admin, ['api_keys:manage'])
    const { key } = await keyWith(user.access_token, [])
    await spend(await tokenFor(user))
    expect((await call('/v1/me', { token: user.access_token })).status).toBe(401)
    expect((await call('/v1/auth/refresh', { json: { refresh_token: user.refresh_token } })).status).toBe(401)
    expect((await call('/v1/me', { token: key })).status).toBe(401)
  })

  it('clears a lockout', async () => {
    const user = await signedInPerson(admin)
    for (let tried = 0; tried < 5; tried += 1) await login(user.input.email, 'not the password')
    expect(await login(user.input.email, user.input.password)).toBe(429)
    await spend(await tokenFor(user))
    expect(await login(user.input.email, 'chosen by herself')).toBe(200)
    const recorded = await rows("SELECT actor_id, user_id FROM audit_events WHERE action = 'account.unlocked'")
    expect(recorded).toEqual([
      { actor_id: uuidOf((await call('/v1/me', { token: admin })).body.id), user_id: user.uuid },
    ])
  })

  it('records the issuer of the token as the actor', async () => {
    const [user, giver] = [await signedInPerson(admin), await someoneWith(admin, ['users:update'])]
    const { body } = await issue(user.id, giver.access_token)
    await spend(body.token)
    const recorded = await rows("SELECT actor_id, user_id FROM audit_events WHERE action = 'user.password_set'")
    expect(recorded).toEqual([{ actor_id: giver.uuid, user_id: user.uuid }])
  })

  it('returns 401 for the token of an inactive or deleted user', async () => {
    const [inactive, gone] = [await signedInPerson(admin), await signedInPerson(admin)]
    const tokens = [await tokenFor(inactive), await tokenFor(gone)]
    await call(`/v1/users/${inactive.id}/deactivate`, { method: 'POST', token: admin })
    await call(`/v1/users/${gone.id}`, { method: 'DELETE', token: admin })
    for (const token of tokens) expectProblem(await spend(token), 401, notValid)
  })

  it('returns 401 for any invalid token', async () => {
    const user = await signedInPerson(admin)
    const token = await tokenFor(user)
    const forged = `${token.slice(0, 22)}${'A'.repeat(42)}`
    const last = token.endsWith('A') ? 'B' : 'A'
    for (const odd of [
      '',
      'nonsense',
      forged,
      `${token.slice(0, -1)}${last}`,
      `${token}A`,
      token.slice(1),
      'A'.repeat(64),
    ]) {
      const answer = await spend(odd)
      expectProblem(answer, 401, notValid)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
    expect((await spend(token)).status).toBe(204)
  })

  it('checks the new password against the password rules, and keeps the token when it breaks one', async () => {
    const user = await signedInPerson(admin)
    const token = await tokenFor(user)
    for (const [password, message] of [
      ['short', 'must have at least 8 characters'],
      ['x'.repeat(129), 'must have at most 128 characters'],
      ['password123', 'is among the most common passwords'],
      [user.input.email.toUpperCase(), "must not be the user's own email, username or name"],
      [12345678, 'must be a string'],
    ]) {
      expectInvalid(await spend(token, password), ['new_password', String(message)])
    }
    expectInvalid(
      await call('/v1/auth/password', { json: {} }),
      ['token', 'is required'],
      ['new_password', 'is required'],
    )
    expect((await spend(token)).status).toBe(204)
  })

  it('counts as a sign-in for the rate limit of clients', async () => {
    const refusing = { limit: () => Promise.resolve({ success: false }) }
    const allowing = { limit: () => Promise.resolve({ success: true }) }
    const env = { RATE_LIMIT: 'on', SIGN_IN_LIMITER: refusing, CLIENT_LIMITER: allowing, PRINCIPAL_LIMITER: allowing }
    const answer = await spend('nonsense', 'chosen by herself', { env })
    expectProblem(answer, 429, 'Too many requests.')
    expect(answer.headers.get('retry-after')).toBe('60')
  })
})

namesEveryTest(statements)

/// <reference types="vite/client" />
/** rbac: signing in, refreshing and signing out. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import statements from './STATEMENTS.md?raw'
import { adminToken, call, firstAdmin, freshDirectory, roleIds, rows, signedInPerson } from '../../support/usher'
import { spellingsOfEmail } from '../../support/pydantic'
import {
  adminAndTamsin,
  auth,
  expectDetail,
  expectInvalid,
  get,
  list,
  login,
  logout,
  missing,
  refresh,
  remove,
  tamsin,
  update,
} from '../../support/rbac'
import { namesEveryTest } from '../../support/statements'

freshDirectory()
afterEach(() => void vi.useRealTimers())

const credentials = { email: tamsin.email, password: tamsin.password }
const claimsOf = (jwt: string) => JSON.parse(atob(jwt.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/')))
const string = 'Input should be a valid string'
const wrong = 'Incorrect email or password'
const badRefresh = 'Invalid refresh token'
const badToken = 'Invalid token'

describe('POST /api/v1/auth/login', () => {
  it('returns the three fields, and the token works', async () => {
    const { id } = await adminAndTamsin()
    const { status, headers, body, text } = await login(credentials)
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json'])
    const { access_token, refresh_token } = body
    expect(text).toBe(`{"access_token":"${access_token}","token_type":"bearer","refresh_token":"${refresh_token}"}`)
    expect((await get(access_token, id)).body.email).toBe(tamsin.email)
  })

  it('issues a token of fifteen minutes whose sub is the user’s id', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { id } = await adminAndTamsin()
    const { access_token } = (await login(credentials)).body
    const { jti, iat, exp, sid, ...claims } = claimsOf(access_token)
    expect(claims).toEqual({
      sub: id,
      email: tamsin.email,
      user_id: id,
      role_name: 'user',
      role_id: roleIds.user,
      token_type: 'access',
      iss: 'usher',
      aud: 'usher',
    })
    expect([typeof jti, typeof sid, exp - iat]).toEqual(['string', 'string', 900])
    vi.advanceTimersByTime(899_000)
    expect((await get(access_token, id)).status).toBe(200)
    vi.advanceTimersByTime(1000)
    expectDetail(await get(access_token, id), 401, badToken)
  })

  it('issues a token with the configured lifetime', async () => {
    await adminAndTamsin()
    const env = { ACCESS_TOKEN_TTL_SECONDS: '60' }
    const { body } = await call(`${auth}/login`, { json: credentials, env })
    const { exp, iat } = claimsOf(body.access_token)
    expect(exp - iat).toBe(60)
  })

  it('accepts the email in any case, and every other identifier of the user', async () => {
    const admin = await adminToken()
    const { input, uuid } = await signedInPerson(admin, { matricule: 5102, username: 'maud' })
    for (const email of [input.email, input.email.toUpperCase(), 'Maud', '5102']) {
      const { status, body } = await login({ email, password: input.password })
      expect([email, status]).toEqual([email, 200])
      expect((await get(body.access_token, uuid)).status).toBe(200)
    }
  })

  it('accepts the email with surrounding blanks or with a name, as pydantic does', async () => {
    const { id } = await adminAndTamsin()
    for (const email of spellingsOfEmail(tamsin.email)) {
      const { status, body } = await login({ email, password: tamsin.password })
      expect([email, status]).toEqual([email, 200])
      expect((await get(body.access_token, id)).status).toBe(200)
    }
    const admin = await adminToken()
    const { input } = await signedInPerson(admin, { username: 'a<b>' })
    expect((await login({ email: 'a<b>', password: input.password })).status).toBe(200)
  })

  it('creates the first admin', async () => {
    const { status, body } = await login(firstAdmin)
    expect([status, (await list(body.access_token)).body.pagination.total]).toEqual([200, 1])
  })

  it('returns the same 401 for an unknown user, a wrong password, a deactivated user and a user without a password', async () => {
    const { admin, id } = await adminAndTamsin()
    const wordless = await signedInPerson(admin)
    await rows('UPDATE users SET password_hash = NULL WHERE id = ?', wordless.uuid)
    const attempts = [
      { ...credentials, password: 'the tide is out at three' },
      { ...credentials, password: ` ${tamsin.password}` },
      { ...credentials, password: '' },
      { ...credentials, email: 'nobody@example.org' },
      { ...credentials, email: '' },
      { ...credentials, email: 'tamsin' },
      { email: wordless.input.email, password: wordless.input.password },
    ]
    for (const attempt of attempts) {
      const answer = await login(attempt)
      expectDetail(answer, 401, wrong)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
    await update(admin, id, { is_active: false })
    expectDetail(await login(credentials), 401, wrong)
  })

  it('requires both fields as strings, and ignores others', async () => {
    await adminAndTamsin()
    expectInvalid(await login({}), missing('email'), missing('password'))
    expectInvalid(await login({ email: tamsin.email }), missing('password'))
    expectInvalid(await login({ ...credentials, email: null }), [['body', 'email'], 'string_type', string])
    expectInvalid(
      await login({ email: 7, password: ['x'] }),
      [['body', 'email'], 'string_type', string],
      [['body', 'password'], 'string_type', string],
    )
    expect((await login({ ...credentials, remember_me: true, grant_type: 'x' })).status).toBe(200)
  })

  it('locks an account after five failures, even for the right password', async () => {
    await adminAndTamsin()
    for (let failure = 0; failure < 5; failure += 1) {
      expect((await login({ ...credentials, password: 'wrong' })).status).toBe(401)
    }
    const answer = await login(credentials)
    expectDetail(answer, 429, 'Too many failed sign-ins, try again later')
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})

describe('POST /api/v1/auth/refresh', () => {
  it('exchanges a refresh token, once, for the next pair', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { id } = await adminAndTamsin()
    const first = (await login(credentials)).body
    const second = await refresh(first.refresh_token)
    expect([second.status, Object.keys(second.body)]).toEqual([200, ['access_token', 'token_type', 'refresh_token']])
    expect(second.body.refresh_token).not.toBe(first.refresh_token)
    expect([claimsOf(second.body.access_token).sub, second.body.token_type]).toEqual([id, 'bearer'])
    expect((await get(second.body.access_token, id)).status).toBe(200)
    vi.advanceTimersByTime(60_000)
    expectDetail(await refresh(first.refresh_token), 401, badRefresh)
    expectDetail(await get(second.body.access_token, id), 401, badToken)
    expectDetail(await refresh(second.body.refresh_token), 401, badRefresh)
  })

  it('gives a retry within ten seconds the same successor', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { id } = await adminAndTamsin()
    const first = (await login(credentials)).body
    const second = await refresh(first.refresh_token)
    vi.advanceTimersByTime(5000)
    const again = await refresh(first.refresh_token)
    expect(again.body.refresh_token).toBe(second.body.refresh_token)
    expect([again.status, (await get(again.body.access_token, id)).status]).toEqual([200, 200])
  })

  it('returns 401 for an invalid refresh token', async () => {
    await adminAndTamsin()
    const { access_token, refresh_token } = (await login(credentials)).body
    for (const token of ['', 'nonsense', access_token, `${refresh_token}x`, refresh_token.slice(0, -1)]) {
      const answer = await refresh(token)
      expectDetail(answer, 401, badRefresh)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
  })

  it('requires refresh_token, a string', async () => {
    expectInvalid(await refresh(undefined), missing('refresh_token'))
    for (const value of [null, 7, ['x']]) {
      expectInvalid(await refresh(value), [['body', 'refresh_token'], 'string_type', string])
    }
  })
})

describe('POST /api/v1/auth/logout', () => {
  it('returns a message, and ends the session, its refresh token included', async () => {
    const { id } = await adminAndTamsin()
    const { access_token, refresh_token } = (await login(credentials)).body
    const other = (await login(credentials)).body
    const { status, text } = await logout(access_token)
    expect([status, text]).toEqual([200, '{"message":"Successfully logged out"}'])
    expectDetail(await get(access_token, id), 401, badToken)
    expectDetail(await logout(access_token), 401, badToken)
    expectDetail(await refresh(refresh_token), 401, badRefresh)
    expect((await get(other.access_token, id)).status).toBe(200)
  })

  it('refuses an API key, which has no session', async () => {
    const admin = await adminToken()
    const { key } = (await call('/v1/api-keys', { token: admin, json: { name: 'x', permissions: ['users:read'] } }))
      .body
    expectDetail(await logout(key), 403, 'Insufficient permissions.')
    expect((await list(key)).status).toBe(200)
  })
})

describe('a credential', () => {
  it('may come from any contract, and ends for all of them at once', async () => {
    const { admin, id } = await adminAndTamsin()
    const form = { username: tamsin.email, password: tamsin.password }
    const fromPersonnel = (await call('/personnel/token', { form })).body.access_token
    expect((await get(fromPersonnel, id)).status).toBe(200)
    await call('/personnel/logout', { method: 'POST', token: fromPersonnel })
    expectDetail(await get(fromPersonnel, id), 401, badToken)
    const { access_token } = (await login(credentials)).body
    expect((await call('/v1/me', { token: access_token })).body.email).toBe(tamsin.email)
    await logout(access_token)
    expect((await call('/v1/me', { token: access_token })).status).toBe(401)
    const last = (await login(credentials)).body.access_token
    await remove(admin, id)
    expect((await call('/v1/me', { token: last })).status).toBe(401)
  })
})

namesEveryTest(statements)

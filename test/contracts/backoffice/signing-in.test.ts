/** backoffice: signing in and out, which the original API left to other services. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import statements from './STATEMENTS.md?raw'
import { adminAndInes, expectInvalid, expectMessage, get, ines, inesShown } from '../../support/backoffice'
import { list, login, logout, required, update } from '../../support/backoffice'
import { namesEveryTest } from '../../support/statements'
import { adminToken, call, firstAdmin, freshDirectory, rows, signedInPerson } from '../../support/usher'

freshDirectory()
afterEach(() => void vi.useRealTimers())

const wrong = { username: ines.username, password: 'nem esta nem outra' }

describe('POST /api/login', () => {
  it('returns a message, the token and the user', async () => {
    await adminAndInes()
    const { status, headers, body } = await login({ username: ines.username, password: ines.password })
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json'])
    const { token } = body.data
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    const user = { ...JSON.parse(inesShown(2)), role: 'user' }
    const data = { token, user }
    expect(body).toEqual({ success: true, message: 'Login successful', token, role: 'user', user_id: 2, data })
  })

  it('returns the token, the role name and the id at the top level, and the user’s role only in this response', async () => {
    const { admin, user } = await adminAndInes()
    await call('/v1/roles', { token: admin, json: { name: 'night desk', permissions: ['users:read'], number: 31 } })
    for (const [role_id, role] of [
      [1, 'admin'],
      [2, 'user'],
      [31, 'night desk'],
    ] as const) {
      await update(admin, 2, { role_id })
      const { body } = await login({ username: ines.username, password: ines.password })
      expect(body).toMatchObject({ success: true, token: body.data.token, role, user_id: 2 })
      expect(body.data.user).toEqual({ ...user, role_id, role })
      expect(Object.keys((await get(admin, 2)).body.data)).not.toContain('role')
    }
  })

  it('accepts the username or the email, in any case and with surrounding blanks', async () => {
    await adminAndInes()
    for (const username of [
      ines.username,
      'INES.Calado',
      ` ${ines.username} `,
      ines.email,
      'Ines.Calado@EXAMPLE.ORG',
    ]) {
      const { status, body } = await login({ username, password: ines.password, remember: true })
      expect([username, status, body.data?.user.user_id]).toEqual([username, 200, 2])
    }
  })

  it('creates the first admin', async () => {
    const { status, body } = await login({ username: firstAdmin.email, password: firstAdmin.password })
    expect([status, body.data.user.user_id, body.data.user.role_id]).toEqual([200, 1, 1])
    expect((await list(body.data.token)).status).toBe(200)
  })

  it('issues a token of twelve hours that every contract accepts, whatever the lifetime of other tokens', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const admin = await adminToken()
    const json = { username: firstAdmin.email, password: firstAdmin.password }
    const { body } = await call('/backoffice/api/login', { json, env: { ACCESS_TOKEN_TTL_SECONDS: '60' } })
    const { token } = body.data
    const claims = JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')))
    const { body: me } = await call('/v1/me', { token: admin })
    expect([claims.exp - claims.iat, claims.token_type, `usr_${claims.sub.replaceAll('-', '')}`]).toEqual([
      ...[43_200, 'access', me.id],
    ])
    vi.advanceTimersByTime(43_199_000)
    for (const path of ['/v1/me', '/backoffice/api/v1/users/1', '/personnel/users/list', '/rbac/api/v1/users']) {
      expect([path, (await call(path, { token })).status]).toEqual([path, 200])
    }
    vi.advanceTimersByTime(1000)
    expectMessage(await list(token), 401, 'Unauthenticated.')
  })

  it('returns the same 401 for a wrong password, an unknown user, an inactive one and one without a password', async () => {
    const { admin, id } = await adminAndInes()
    await update(admin, id, { user_status: 'inactive' })
    const { input } = await signedInPerson(admin, { username: 'sem.senha' })
    await rows('UPDATE users SET password_hash = NULL WHERE email = ?', input.email)
    for (const json of [
      { username: firstAdmin.email, password: wrong.password },
      { username: 'ninguem', password: ines.password },
      { username: ines.username, password: ines.password },
      { username: 'sem.senha', password: input.password },
      { username: firstAdmin.email, password: ` ${firstAdmin.password}` },
    ]) {
      const answer = await login(json)
      expectMessage(answer, 401, 'Invalid credentials')
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
  })

  it('requires both fields, as text', async () => {
    for (const none of [undefined, null, '']) {
      expectInvalid(await login({ username: none, password: none }), {
        username: [required('username')],
        password: [required('password')],
      })
    }
    expectInvalid(await login({ username: ' ', password: 'x' }), { username: [required('username')] })
    expectInvalid(await login({ username: 7, password: ['x'] }), {
      username: ['The username field must be a string.'],
      password: ['The password field must be a string.'],
    })
  })

  it('locks an account after five failures, even for the right password, and says until when', async () => {
    await adminAndInes()
    for (let failure = 0; failure < 5; failure += 1) expectMessage(await login(wrong), 401, 'Invalid credentials')
    for (const username of [ines.username, ines.email]) {
      const answer = await login({ username, password: ines.password })
      expectMessage(answer, 429, 'Too Many Attempts.')
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
  })

  it('is rate-limited by client and by principal, like every operation', async () => {
    const { admin } = await adminAndInes()
    const full = { limit: () => Promise.resolve({ success: false }) }
    const env = { SIGN_IN_LIMITER: full, PRINCIPAL_LIMITER: full, RATE_LIMIT: 'on' }
    for (const answer of [
      await call('/backoffice/api/login', { json: ines, env }),
      await call('/backoffice/api/v1/users', { token: admin, env }),
    ]) {
      expectMessage(answer, 429, 'Too Many Attempts.')
      expect(answer.headers.get('retry-after')).toBe('60')
    }
  })
})

describe('POST /api/logout', () => {
  it('returns a message and ends the session everywhere, and no other session', async () => {
    await adminAndInes()
    const [first, second] = [(await login(ines)).body.data.token, (await login(ines)).body.data.token]
    const { status, headers, text } = await logout(first)
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(text).toBe('{"message":"Logged out successfully"}')
    expectMessage(await logout(first), 401, 'Unauthenticated.')
    expectMessage(await get(first, 2), 401, 'Unauthenticated.')
    expect((await call('/v1/me', { token: first })).status).toBe(401)
    expect((await call('/v1/me', { token: second })).status).toBe(200)
  })

  it('refuses an API key, which has no session', async () => {
    const admin = await adminToken()
    const { key } = (await call('/v1/api-keys', { token: admin, json: { name: 'k', permissions: [] } })).body
    expectMessage(await logout(key), 403, 'This action is unauthorized.')
  })
})

namesEveryTest(statements)

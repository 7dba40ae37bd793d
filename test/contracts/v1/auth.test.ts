/** v1: signing in, refreshing and signing out. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  adminToken,
  call,
  firstAdmin,
  freshDirectory,
  roleIds,
  rows,
  signedInPerson,
  signIn,
  testEnv,
  type Call,
} from '../../support/usher'
import { namesEveryTest } from '../../support/statements'
import { expectInvalid, expectProblem, keyWith, notAllowed, statements } from '../../support/v1'

freshDirectory()
afterEach(() => void vi.useRealTimers())

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const login = (identifier: unknown, password: unknown, options: Call = {}) =>
  call('/v1/auth/login', { json: { identifier, password }, ...options })
const refresh = (refresh_token: unknown) => call('/v1/auth/refresh', { json: { refresh_token } })
const logout = (token: string) => call('/v1/auth/logout', { method: 'POST', token })
const me = async (token: string, options: Call = {}) => (await call('/v1/me', { token, ...options })).status

function partsOf(token: string) {
  const decode = (part: string) => JSON.parse(atob(part.replaceAll('-', '+').replaceAll('_', '/')))
  const [header, claims] = token.split('.') as [string, string]
  return { header: decode(header), claims: decode(claims) }
}

const wrong = 'The identifier or the password is wrong.'
const notValid = 'The refresh token is not valid, or no longer.'

describe('POST /auth/login', () => {
  it('returns the tokens and the user, by email, username or matricule', async () => {
    const person = await signedInPerson(admin, { username: 'one', matricule: 61 })
    const { body: user } = await call(`/v1/users/${person.id}`, { token: admin })
    for (const identifier of [person.input.email, person.input.email.toUpperCase(), 'one', 'ONE', '61']) {
      const { status, body } = await login(identifier, person.input.password)
      expect([identifier, status, body]).toEqual([
        identifier,
        200,
        {
          access_token: expect.any(String),
          token_type: 'Bearer',
          expires_in: 900,
          refresh_token: expect.any(String),
          user,
        },
      ])
      expect(await me(body.access_token)).toBe(200)
    }
  })

  it('issues an access token of fifteen minutes with the user’s claims', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2031-02-03T04:05:06Z') })
    admin = await adminToken()
    const person = await signedInPerson(admin)
    const now = Date.now() / 1000
    const { header, claims } = partsOf(person.access_token)
    expect(header).toEqual({ alg: 'HS256', typ: 'JWT', kid: expect.any(String) })
    expect(claims).toEqual({
      sub: person.uuid,
      user_id: person.uuid,
      email: person.input.email,
      role_name: 'user',
      role_id: roleIds.user,
      token_type: 'access',
      jti: expect.any(String),
      sid: expect.any(String),
      iss: 'usher',
      aud: 'usher',
      iat: now,
      exp: now + 900,
    })
    vi.advanceTimersByTime(899_000)
    expect(await me(person.access_token)).toBe(200)
    vi.advanceTimersByTime(1000)
    expectProblem(
      await call('/v1/me', { token: person.access_token }),
      401,
      'The credential is not valid, or no longer.',
    )
  })

  it('uses ACCESS_TOKEN_TTL_SECONDS', async () => {
    const { body } = await login(firstAdmin.email, firstAdmin.password, { env: { ACCESS_TOKEN_TTL_SECONDS: '60' } })
    const { iat, exp } = partsOf(body.access_token).claims
    expect([body.expires_in, exp - iat]).toEqual([60, 60])
  })

  it('returns the same 401 for an unknown user, a wrong password, an inactive user and a user without a password', async () => {
    const [known, inactive, bare] = [
      await signedInPerson(admin),
      await signedInPerson(admin),
      await signedInPerson(admin),
    ]
    await call(`/v1/users/${inactive.id}/deactivate`, { method: 'POST', token: admin })
    await rows('UPDATE users SET password_hash = NULL WHERE id = ?', bare.uuid)
    for (const answer of [
      await login('nobody@example.org', 'whatever it was'),
      await login(known.input.email, 'not the password'),
      await login(inactive.input.email, inactive.input.password),
      await login(bare.input.email, bare.input.password),
      await login('', ''),
    ]) {
      expectProblem(answer, 401, wrong)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
  })

  it('returns 429 with Retry-After after five failures, even for the right password', async () => {
    const person = await signedInPerson(admin, { username: 'one' })
    for (const identifier of ['one', person.input.email, 'ONE', 'one', 'one']) {
      expectProblem(await login(identifier, 'not the password'), 401, wrong)
    }
    const locked = await login(person.input.email, person.input.password)
    expectProblem(locked, 429, 'Too many failed sign-ins on this account.')
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await me(person.access_token)).toBe(200)
  })

  it('reports missing fields and fields that are not text', async () => {
    const required: [string, string][] = [
      ['identifier', 'is required'],
      ['password', 'is required'],
    ]
    expectInvalid(await call('/v1/auth/login', { json: {} }), ...required)
    expectInvalid(await login(61, null), ['identifier', 'must be a string'], ['password', 'must be a string'])
  })
})

describe('POST /auth/refresh', () => {
  it('exchanges a refresh token for a new pair, without the user', async () => {
    const person = await signedInPerson(admin)
    const { status, body } = await refresh(person.refresh_token)
    expect([status, body]).toEqual([
      200,
      { access_token: expect.any(String), token_type: 'Bearer', expires_in: 900, refresh_token: expect.any(String) },
    ])
    expect(body.refresh_token).not.toBe(person.refresh_token)
    expect([await me(body.access_token), await me(person.access_token)]).toEqual([200, 200])
    expect((await refresh(body.refresh_token)).status).toBe(200)
  })

  it('returns the same successor for a retry within ten seconds, and ends the session on a later one', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const person = await signedInPerson(admin)
    const first = await refresh(person.refresh_token)
    vi.advanceTimersByTime(10_000)
    const retried = await refresh(person.refresh_token)
    expect(retried.body.refresh_token).toBe(first.body.refresh_token)
    expect((await refresh(retried.body.refresh_token)).status).toBe(200)
    vi.advanceTimersByTime(1000)
    expectProblem(await refresh(person.refresh_token), 401, notValid)
    expect([await me(first.body.access_token), await me(retried.body.access_token)]).toEqual([401, 401])
    expectProblem(await refresh(first.body.refresh_token), 401, notValid)
  })

  it('accepts a token for 30 days after the last refresh', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const [person, other] = [await signedInPerson(admin), await signedInPerson(admin)]
    vi.advanceTimersByTime(30 * 86_400_000 - 1000)
    const next = await refresh(person.refresh_token)
    expect(next.status).toBe(200)
    vi.advanceTimersByTime(1000)
    expectProblem(await refresh(other.refresh_token), 401, notValid)
    vi.advanceTimersByTime(29 * 86_400_000)
    expect((await refresh(next.body.refresh_token)).status).toBe(200)
  })

  it('refreshes a session for at most 90 days after the sign-in, or SESSION_MAX_DAYS', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    for (const [env, days] of [
      [{}, 90],
      [{ SESSION_MAX_DAYS: '40' }, 40],
    ] as const) {
      let { body } = await login(firstAdmin.email, firstAdmin.password, { env })
      for (let day = 20; day < days; day += 20) {
        vi.advanceTimersByTime(20 * 86_400_000)
        const next = await call('/v1/auth/refresh', { json: { refresh_token: body.refresh_token }, env })
        expect([day, next.status]).toEqual([day, 200])
        body = next.body
      }
      vi.advanceTimersByTime((days % 20 || 20) * 86_400_000)
      expectProblem(await refresh(body.refresh_token), 401, notValid)
    }
  })

  it('puts changes of the user into the next access token', async () => {
    const person = await signedInPerson(admin)
    await call(`/v1/users/${person.id}`, {
      method: 'PATCH',
      token: admin,
      json: { email: 'new@example.org', role: 'admin' },
    })
    const { claims } = partsOf((await refresh(person.refresh_token)).body.access_token)
    expect(claims).toMatchObject({ email: 'new@example.org', role_name: 'admin', role_id: roleIds.admin })
  })

  it('returns 401 for an invalid refresh token, and 400 for a value that is not text', async () => {
    const person = await signedInPerson(admin)
    const last = person.refresh_token.endsWith('A') ? 'Q' : 'A'
    for (const odd of [
      '',
      'nonsense',
      person.access_token,
      `${person.refresh_token.slice(0, -1)}${last}`,
      'A'.repeat(86),
    ]) {
      expectProblem(await refresh(odd), 401, notValid)
    }
    expectInvalid(await call('/v1/auth/refresh', { json: {} }), ['refresh_token', 'is required'])
    expectInvalid(await refresh(7), ['refresh_token', 'must be a string'])
  })
})

describe('POST /auth/logout', () => {
  it('returns 204 without a body, and ends the session with its refresh token, and no other session', async () => {
    const person = await signedInPerson(admin)
    const second = await signIn(person.input.email, String(person.input.password))
    const { status, text } = await logout(person.access_token)
    expect([status, text]).toEqual([204, ''])
    expect(await me(person.access_token)).toBe(401)
    expectProblem(await refresh(person.refresh_token), 401, notValid)
    expect(await me(second.access_token)).toBe(200)
    expect((await logout(person.access_token)).status).toBe(401)
  })

  it('accepts a refresh token in the body instead of an expired access token, and ends only its session', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const person = await signedInPerson(await adminToken())
    const second = await signIn(person.input.email, String(person.input.password))
    vi.advanceTimersByTime(900_000)
    const json = { refresh_token: person.refresh_token }
    expect((await logout(person.access_token)).status).toBe(401)
    const { status, text } = await call('/v1/auth/logout', { token: person.access_token, json })
    expect([status, text]).toEqual([204, ''])
    expectProblem(await refresh(person.refresh_token), 401, notValid)
    expectProblem(await call('/v1/auth/logout', { json }), 401, notValid)
    expect((await refresh(second.refresh_token)).status).toBe(200)
    const [event] = await rows(
      "SELECT actor_id, user_id, credential_kind FROM audit_events WHERE action = 'session.ended'",
    )
    expect(event).toEqual({ actor_id: person.uuid, user_id: person.uuid, credential_kind: 'session' })
  })

  it('accepts a refresh token of any contract, used or not, and rejects a forged one', async () => {
    const person = await signedInPerson(admin)
    const form = { username: person.input.email, password: String(person.input.password) }
    const { body: session } = await call('/personnel/token', { form })
    const next = await refresh(session.refresh_token)
    const forged = `${session.refresh_token.slice(0, 22)}${'A'.repeat(64)}`
    for (const odd of [forged, '', 'nonsense', person.access_token]) {
      expectProblem(await call('/v1/auth/logout', { json: { refresh_token: odd } }), 401, notValid)
    }
    expect(await me(next.body.access_token)).toBe(200)
    expect((await call('/v1/auth/logout', { json: { refresh_token: session.refresh_token } })).status).toBe(204)
    expect([await me(session.access_token), await me(next.body.access_token)]).toEqual([401, 401])
    expect(await me(person.access_token)).toBe(200)
  })

  it('uses a valid access token whatever the body holds, and ignores an invalid refresh token', async () => {
    const [person, other] = [await signedInPerson(admin), await signedInPerson(admin)]
    for (const json of [{}, [], { refresh_token: 7 }, { refresh_token: null }, { token: person.refresh_token }]) {
      expectProblem(await call('/v1/auth/logout', { json }), 401, 'A bearer token is needed.')
    }
    const text = { body: 'refresh_token', headers: { 'content-type': 'text/plain' } }
    const typed = await call('/v1/auth/logout', { token: person.access_token, ...text })
    expectProblem(typed, 415, 'The body must be application/json.')
    const { key } = await keyWith(admin, [])
    const json = { refresh_token: other.refresh_token }
    expectProblem(await call('/v1/auth/logout', { token: key, json }), 403, notAllowed)
    expect((await call('/v1/auth/logout', { token: person.access_token, json })).status).toBe(204)
    expect([await me(person.access_token), await me(other.access_token)]).toEqual([401, 200])
  })

  it('is forbidden for an API key, which has no session', async () => {
    const { key } = await keyWith(admin, [])
    expectProblem(await logout(key), 403, notAllowed)
    expect(await me(key)).toBe(200)
  })
})

describe('JWT_SECRET', () => {
  it('can be rotated without signing users out: the previous secret still verifies, the new one signs', async () => {
    const JWT_SECRET = 'Zt8Kq1Lw5Xr0Vn7Bd3Hs9Jf2Gm6Pc4Ty8Ua1Ei5Ro'
    const rotating = { env: { JWT_SECRET, JWT_SECRET_PREVIOUS: testEnv.JWT_SECRET } }
    const rotated = { env: { JWT_SECRET } }
    expect(await me(admin, rotating)).toBe(200)
    const { body } = await login(firstAdmin.email, firstAdmin.password, rotating)
    expect(partsOf(body.access_token).header.kid).not.toBe(partsOf(admin).header.kid)
    expect(await me(body.access_token, rotating)).toBe(200)
    expect([await me(admin, rotated), await me(body.access_token, rotated)]).toEqual([401, 200])
    expect(await me(body.access_token)).toBe(401)
    const refreshed = await call('/v1/auth/refresh', { json: { refresh_token: body.refresh_token }, ...rotated })
    expect(refreshed.status).toBe(200)
  })
})

namesEveryTest(statements)

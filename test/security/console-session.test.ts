/** The session of the console: a cookie that obtains access tokens for the console's own page, and nothing else. */
import { beforeAll, describe, expect, it } from 'vitest'
import { expectProblem } from '../support/v1'
import { adminToken, call, firstAdmin, newDatabase, person, rows, signedInPerson, type Call } from '../support/usher'

type Person = Awaited<ReturnType<typeof signedInPerson>>

let admin: string
let user: Person

beforeAll(async () => {
  await newDatabase()
  admin = await adminToken()
  user = await signedInPerson(admin)
})

const signIn = ({ email, password }: { email: string; password: string }, options: Call = {}) =>
  call('/console/session', { json: { identifier: email, password }, ...options })

/** The cookie as a browser sends it back. */
const cookieOf = ({ headers }: { headers: Headers }) => (headers.get('set-cookie') ?? '').split(';')[0] as string

const tokenBy = (cookie: string, headers: Record<string, string> = {}) =>
  call('/console/token', { method: 'POST', headers: { cookie, ...headers } })

const me = (token: string, path = '/v1/me') => call(path, { token })

describe('signing in', () => {
  it('returns an access token and the permissions, and sets a cookie that only the host itself can read and set', async () => {
    const answer = await signIn(firstAdmin)
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        access_token: expect.any(String),
        token_type: 'Bearer',
        expires_in: 900,
        permissions: expect.arrayContaining(['users:read', 'audit:read']),
      },
    ])
    const [pair = '', ...attributes] = (answer.headers.get('set-cookie') ?? '').split('; ')
    expect(pair).toMatch(/^__Host-console=./)
    expect(attributes.sort()).toEqual(['HttpOnly', 'Max-Age=43200', 'Path=/', 'SameSite=Strict', 'Secure'])
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect((await me(answer.body.access_token)).body.email).toBe(firstAdmin.email)
  })

  it('sets a Secure cookie over plain http on this machine too', async () => {
    const answer = await signIn(user, { host: 'localhost:8787', scheme: 'http' })
    expect(answer.headers.get('set-cookie')).toContain('; Secure')
  })

  it('returns no permissions to a user without any', async () => {
    expect((await signIn(user)).body.permissions).toEqual([])
  })

  it.each([
    ['another origin', { origin: 'https://evil.example' }],
    ['an opaque origin', { origin: 'null' }],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another host of the same site', { 'sec-fetch-site': 'same-site' }],
  ])('is refused from a page of %s', async (_, headers) => {
    const answer = await signIn(user, { headers })
    expectProblem(answer, 403, 'This is not allowed.')
    expect(answer.headers.get('set-cookie')).toBeNull()
  })

  it.each([
    ['its own origin', { origin: 'https://usher.example', 'sec-fetch-site': 'same-origin' }],
    ['a browser without fetch metadata', { origin: 'https://usher.example' }],
  ])('is accepted from %s', async (_, headers) => {
    expect((await signIn(user, { headers })).status).toBe(200)
  })

  it('responds to a wrong password, a form and a missing field like v1', async () => {
    expectProblem(
      await signIn({ ...user, password: 'not the password' }),
      401,
      'The identifier or the password is wrong.',
    )
    const form = await call('/console/session', { form: { identifier: user.email, password: user.password } })
    expectProblem(form, 415, 'The body must be application/json.')
    const short = await call('/console/session', { json: { identifier: user.email } })
    expect([short.status, short.body.errors]).toEqual([400, [{ field: 'password', message: 'is required' }]])
  })

  it('counts failures together with those of the other contracts, and locks the account everywhere', async () => {
    const { email, password } = person()
    await call('/v1/users', { token: admin, json: { ...person(), email, password } })
    for (let tried = 0; tried < 3; tried += 1) await signIn({ email, password: 'wrong' })
    for (let tried = 0; tried < 2; tried += 1) {
      await call('/v1/auth/login', { json: { identifier: email, password: 'wrong' } })
    }
    const locked = await signIn({ email, password })
    expectProblem(locked, 429, 'Too many failed sign-ins on this account.')
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await call('/v1/auth/login', { json: { identifier: email, password } })).status).toBe(429)
  })

  it('counts as a sign-in for the rate limit of a client', async () => {
    const SIGN_IN_LIMITER = { limit: () => Promise.resolve({ success: false }) }
    expectProblem(await signIn(user, { env: { RATE_LIMIT: 'on', SIGN_IN_LIMITER } }), 429, 'Too many requests.')
  })

  it('is recorded in the audit trail, in the list of sessions and in the usage, under the name console', async () => {
    const someone = await signedInPerson(admin)
    await signIn(someone, { env: { USAGE: 'on' }, headers: { 'user-agent': 'Browser/9 (hostile)' } })
    const events = (await call(`/v1/audit-events?user=${someone.id}&action=session.created`, { token: admin })).body
      .data
    const sessions = (await call(`/v1/users/${someone.id}/sessions`, { token: admin })).body.data
    expect([events[0].contract, sessions[0].contract]).toEqual(['console', 'console'])
    expect(await rows('SELECT operation, program FROM usage WHERE contract = ?', 'console')).toEqual([
      { operation: 'consoleSignIn', program: 'Browser/9' },
    ])
  })
})

describe('the cookie', () => {
  it('obtains a new access token after a reload, with the current permissions', async () => {
    const someone = await signedInPerson(admin)
    const cookie = cookieOf(await signIn(someone))
    await call(`/v1/users/${someone.id}/roles`, { method: 'PUT', token: admin, json: { roles: ['admin'] } })
    const { status, body } = await tokenBy(cookie, { origin: 'https://usher.example' })
    expect([status, body.permissions.includes('users:delete')]).toEqual([200, true])
    expect((await me(body.access_token)).body.id).toBe(someone.id)
  })

  it.each([
    ['another origin', { origin: 'https://evil.example' }],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another host of the same site', { 'sec-fetch-site': 'same-site' }],
  ])('obtains nothing for a page of %s, and cannot be used to sign out from there', async (_, headers) => {
    const cookie = cookieOf(await signIn(user))
    expectProblem(await tokenBy(cookie, headers), 403, 'This is not allowed.')
    const out = await call('/console/session', { method: 'DELETE', headers: { cookie, ...headers } })
    expectProblem(out, 403, 'This is not allowed.')
    expect((await tokenBy(cookie)).status).toBe(200)
  })

  it('is not accepted by any contract as a cookie, a bearer token or a refresh token', async () => {
    const cookie = cookieOf(await signIn(firstAdmin))
    const [, value = ''] = cookie.split('=')
    for (const path of ['/v1/me', '/rbac/api/v1/users', '/personnel/users/list', '/scim/v2/Users']) {
      expect([path, (await call(path, { headers: { cookie } })).status]).toEqual([path, 401])
      expect([path, (await me(value, path)).status]).toEqual([path, 401])
    }
    const renamed = { cookie: `__Host-sessionid=${value}`, 'sec-fetch-site': 'same-origin' }
    expect((await call('/clinic/users/user/1/get_user_info/', { headers: renamed })).status).toBe(401)
    for (const path of ['/v1/auth/refresh', '/rbac/api/v1/auth/refresh']) {
      expect([path, (await call(path, { json: { refresh_token: value } })).status]).toEqual([path, 401])
    }
    expect((await call('/v1/auth/introspect', { token: admin, json: { token: value } })).body).toEqual({
      active: false,
    })
  })

  it('is not replaced by another credential: an access token, a refresh token or the cookie of clinic', async () => {
    const login = { username: user.email, password: user.password }
    const clinic = cookieOf(await call('/clinic/users/user/login/', { form: login })).split('=')[1]
    for (const value of [user.access_token, user.refresh_token, clinic, 'nonsense']) {
      expectProblem(await tokenBy(`__Host-console=${value}`), 401, 'The credential is not valid, or no longer.')
    }
    expectProblem(await tokenBy(''), 401, 'A bearer token is needed.')
    expect((await call('/console/token', { method: 'POST', token: user.access_token })).status).toBe(401)
  })

  it.each([
    ['the user is deactivated', (id: string) => call(`/v1/users/${id}/deactivate`, { method: 'POST', token: admin })],
    ['the sessions are ended', (id: string) => call(`/v1/users/${id}/sessions`, { method: 'DELETE', token: admin })],
    ['the user is deleted', (id: string) => call(`/v1/users/${id}`, { method: 'DELETE', token: admin })],
  ])('obtains nothing once %s', async (_, end) => {
    const someone = await signedInPerson(admin)
    const cookie = cookieOf(await signIn(someone))
    expect((await end(someone.id)).status).toBeLessThan(300)
    expect((await tokenBy(cookie)).status).toBe(401)
  })
})

describe('signing out', () => {
  it('ends the session everywhere: the cookie and every access token that it obtained', async () => {
    const signedIn = await signIn(firstAdmin)
    const cookie = cookieOf(signedIn)
    const second = (await tokenBy(cookie)).body.access_token
    const out = await call('/console/session', { method: 'DELETE', headers: { cookie } })
    expect(out.status).toBe(204)
    expect(out.headers.get('set-cookie')).toMatch(/^__Host-console=; Max-Age=0; .*Secure/)
    expect((await tokenBy(cookie)).status).toBe(401)
    for (const token of [signedIn.body.access_token, second]) {
      for (const path of ['/v1/me', '/rbac/api/v1/users', '/scim/v2/Users']) {
        expect([path, (await me(token, path)).status]).toEqual([path, 401])
      }
    }
    // Other sessions of the user stay.
    expect((await me(admin)).status).toBe(200)
  })
})

describe('the page', () => {
  const policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'"

  it.each(['/console', '/console/', '/console/roles', `/console/people/usr_${'0'.repeat(32)}`])(
    'is served at %s under its policy, without anything inline',
    async (path) => {
      const { status, headers, text } = await call(path)
      expect([status, headers.get('content-type'), headers.get('content-security-policy')]).toEqual([
        200,
        expect.stringMatching(/^text\/html/),
        policy,
      ])
      expect(text).not.toMatch(/<script(?![^>]* src="\/assets\/console\/)|<style|\son\w+=|style=|https?:/)
      for (const [, file] of text.matchAll(/(?:src|href)="([^"]+)"/g)) {
        expect([file, (await call(file as string)).status]).toEqual([file, 200])
      }
    },
  )

  it('refuses other methods', async () => {
    const answer = await call('/console/roles', { method: 'POST', json: {} })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })
})

describe('CONSOLE = "off"', () => {
  it.each([
    ['GET', '/console'],
    ['GET', '/console/roles'],
    ['POST', '/console/session'],
    ['DELETE', '/console/session'],
    ['POST', '/console/token'],
    ['GET', '/assets/console/index.html'],
    ['GET', '/assets/console/console.js'],
  ])('answers 404 to %s %s', async (method, path) => {
    const { status, headers, body } = await call(path, { method, env: { CONSOLE: 'off' } })
    expect([status, body, headers.get('set-cookie')]).toEqual([404, { error: 'not_found' }, null])
  })

  it('does not accept other values', async () => {
    const { status, body } = await call('/console', { env: { CONSOLE: 'no' } })
    expect([status, body.problems]).toEqual([503, ['CONSOLE must be "on" or "off".']])
  })
})

describe('the own host of a contract', () => {
  it.each(['personnel', 'v1', 'rbac', 'clinic', 'backoffice', 'scim'])(
    '%s does not serve the console',
    async (name) => {
      const own = { host: 'people.example', env: { CONTRACT_HOSTS: JSON.stringify({ 'people.example': name }) } }
      const [page, file, session] = [
        await call('/console', own),
        await call('/assets/console/console.js', own),
        await signIn(firstAdmin, own),
      ]
      for (const { status } of [page, file, session]) expect([404, 405]).toContain(status)
      expect([page.status, session.headers.get('set-cookie')]).toEqual([404, null])
    },
  )
})

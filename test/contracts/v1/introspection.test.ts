/** v1: token introspection (RFC 7662). */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { permissions } from '../../../src/core/access/permissions'
import { signInContracts } from '../index'
import { namesEveryTest } from '../../support/statements'
import { expectProblem, keyWith, lacking, notAllowed, roleWith, someoneWith, statements } from '../../support/v1'
import { adminToken, call, freshDirectory, rows, signedInPerson, type Call } from '../../support/usher'

freshDirectory()
afterEach(() => void vi.useRealTimers())

const path = '/v1/auth/introspect'
const inactive = { active: false }

let admin: string
/** The API key of a service, which may introspect and nothing else. */
let service: string
beforeEach(async () => {
  admin = await adminToken()
  service = (await keyWith(admin, ['tokens:introspect'])).key
})

async function introspected(token: string, options: Call = {}) {
  const { status, body } = await call(path, { token: service, form: { token }, ...options })
  expect(status).toBe(200)
  return body
}

const claimsOf = (token: string) =>
  JSON.parse(atob((token.split('.')[1] as string).replaceAll('-', '+').replaceAll('_', '/')))

describe('POST /auth/introspect', () => {
  it('describes an access token and its user', async () => {
    const { name } = await roleWith(admin, ['users:read'], 'reception')
    const user = await signedInPerson(admin, { username: 'one', role: name })
    await call(`/v1/users/${user.id}/roles`, { method: 'PUT', token: admin, json: { roles: ['reception', 'user'] } })
    const { iat, exp, sid } = claimsOf(user.access_token)
    expect(await introspected(user.access_token)).toEqual({
      active: true,
      sub: user.uuid,
      username: 'one',
      roles: ['reception', 'user'],
      permissions: ['users:read'],
      token_type: 'Bearer',
      client_id: 'v1',
      contract: 'v1',
      iss: 'usher',
      aud: 'usher',
      iat,
      exp,
      sid,
    })
  })

  it('describes an API key and its owner', async () => {
    const user = await someoneWith(admin, ['users:read', 'api_keys:manage'])
    const lasting = await keyWith(user.access_token, ['users:read'])
    const [row] = await rows<{ created_at: number }>('SELECT created_at FROM api_keys WHERE id = ?', lasting.id)
    const description = {
      active: true,
      sub: user.uuid,
      username: null,
      roles: [expect.any(String)],
      permissions: ['users:read'],
      token_type: 'Bearer',
      client_id: lasting.id,
      iss: 'usher',
      aud: 'usher',
      iat: row?.created_at,
    }
    expect(await introspected(lasting.key)).toEqual(description)
    const expiring = await keyWith(user.access_token, [], { expires_at: '2099-01-01T00:00:00Z' })
    const exp = Date.parse('2099-01-01T00:00:00Z') / 1000
    expect(await introspected(expiring.key)).toMatchObject({ exp, permissions: [] })
  })

  it.each(signInContracts)('describes the access tokens of %s, and no session cookie', async (name, { session }) => {
    const user = await signedInPerson(admin, { username: `of-${name}` })
    const { path, ...request } = session.signIn(user.email, user.password)
    const { token, headers } = session.credential(await call(path, request))
    if (token === undefined) {
      expect(await introspected(String(headers?.['cookie']).split('=')[1] as string)).toEqual(inactive)
    } else {
      expect(await introspected(token)).toMatchObject({ active: true, sub: user.uuid, contract: name, client_id: name })
    }
  })

  it('shows the current permissions of the token', async () => {
    const role = await roleWith(admin, ['users:read'])
    const user = await signedInPerson(admin, { role: role.name })
    const json = { permissions: ['users:read', 'audit:read'] }
    await call(`/v1/roles/${role.id}`, { method: 'PATCH', token: admin, json })
    expect(await introspected(user.access_token)).toMatchObject({ permissions: ['users:read', 'audit:read'] })
  })

  const person = (user: { id: string }) => `/v1/users/${user.id}`
  it.each<[string, (user: Awaited<ReturnType<typeof signedInPerson>>) => Call & { path: string }]>([
    ['a sign-out', (user) => ({ path: '/v1/auth/logout', method: 'POST', token: user.access_token })],
    [
      'the end of the session by an administrator',
      (user) => ({ path: `${person(user)}/sessions/${String(claimsOf(user.access_token)['sid'])}`, method: 'DELETE' }),
    ],
    ['the end of all sessions', (user) => ({ path: `${person(user)}/sessions`, method: 'DELETE' })],
    ['a deactivation', (user) => ({ path: `${person(user)}/deactivate`, method: 'POST' })],
    ['a deletion', (user) => ({ path: person(user), method: 'DELETE' })],
    ['a new password', (user) => ({ path: person(user), method: 'PATCH', json: { password: 'another passphrase' } })],
    [
      'a new password of their own',
      (user) => ({
        path: '/v1/me/password',
        method: 'PUT',
        token: user.access_token,
        json: { current_password: user.password, new_password: 'another passphrase' },
      }),
    ],
  ])('reports a token as inactive from the next request after %s', async (_, end) => {
    const user = await signedInPerson(admin)
    expect(await introspected(user.access_token)).toMatchObject({ active: true })
    const { path, ...request } = end(user)
    expect((await call(path, { token: admin, ...request })).status).toBeLessThan(300)
    expect(await introspected(user.access_token)).toEqual(inactive)
  })

  it('reports a token as inactive after a set-password token was used', async () => {
    const user = await signedInPerson(admin)
    const { body } = await call(`${person(user)}/password-token`, { method: 'POST', token: admin })
    expect(await introspected(user.access_token)).toMatchObject({ active: true })
    const json = { token: body.token, new_password: 'another passphrase' }
    expect((await call('/v1/auth/password', { json })).status).toBe(204)
    expect(await introspected(user.access_token)).toEqual(inactive)
  })

  it('reports a token as inactive after the reuse of a refresh token ended its session', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const user = await signedInPerson(admin)
    const refresh = () => call('/v1/auth/refresh', { json: { refresh_token: user.refresh_token } })
    const { access_token } = (await refresh()).body
    vi.advanceTimersByTime(11_000)
    expect(await introspected(access_token)).toMatchObject({ active: true })
    expect((await refresh()).status).toBe(401)
    expect(await introspected(access_token)).toEqual(inactive)
  })

  it('reports a token as inactive once it has expired', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const user = await signedInPerson(admin)
    vi.advanceTimersByTime(899_000)
    expect(await introspected(user.access_token)).toMatchObject({ active: true })
    vi.advanceTimersByTime(1_000)
    expect(await introspected(user.access_token)).toEqual(inactive)
  })

  it('reports an API key as inactive once it is revoked or expired, or its owner is deactivated', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const user = await someoneWith(admin, ['api_keys:manage'])
    const [revoked, other] = [await keyWith(user.access_token, []), await keyWith(user.access_token, [])]
    const expires_at = new Date(Date.now() + 60_000).toISOString()
    const expiring = await keyWith(user.access_token, [], { expires_at })
    await call(`/v1/api-keys/${revoked.id}`, { method: 'DELETE', token: user.access_token })
    expect(await introspected(revoked.key)).toEqual(inactive)
    expect(await introspected(expiring.key)).toMatchObject({ active: true })
    vi.advanceTimersByTime(61_000)
    expect(await introspected(expiring.key)).toEqual(inactive)
    expect(await introspected(other.key)).toMatchObject({ active: true })
    await call(`${person(user)}/deactivate`, { method: 'POST', token: admin })
    expect(await introspected(other.key)).toEqual(inactive)
  })

  it('reports everything else as inactive, without any other value', async () => {
    const user = await signedInPerson(admin)
    const [header, claims, signature = ''] = user.access_token.split('.')
    const forged = [header, claims, (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1)].join('.')
    for (const token of [
      'x',
      'a.b.c',
      user.refresh_token,
      user.id,
      forged,
      `usk_${'A'.repeat(49)}`,
      'é'.repeat(5000),
    ]) {
      expect(await introspected(token)).toEqual(inactive)
    }
    const JWT_SECRET = 'Zt8Kq1Lw5Xr0Vn7Bd3Hs9Jf2Gm6Pc4Ty8Ua1Ei5Ro'
    expect(await introspected(user.access_token, { env: { JWT_SECRET } })).toEqual(inactive)
  })

  it('requires tokens:introspect, on a session or a key', async () => {
    const user = await signedInPerson(admin)
    const form = { token: user.access_token }
    expectProblem(await call(path, { form }), 401, 'A bearer token is needed.')
    expectProblem(await call(path, { form, token: user.access_token }), 403, lacking('tokens:introspect'))
    const others = permissions.filter((permission) => permission !== 'tokens:introspect')
    const { key } = await keyWith(admin, others)
    expectProblem(await call(path, { form, token: key }), 403, lacking('tokens:introspect'))
    const holder = await someoneWith(admin, ['tokens:introspect'])
    expect((await call(path, { form, token: holder.access_token })).body).toMatchObject({ active: true })
  })

  it('gives the calling service no other authority', async () => {
    expectProblem(await call('/v1/users', { token: service }), 403, lacking('users:read'))
    expectProblem(await call('/v1/auth/logout', { method: 'POST', token: service }), 403, notAllowed)
  })

  it('accepts JSON and forms, with or without token_type_hint, and ignores other parameters', async () => {
    const user = await signedInPerson(admin)
    const parameters = { token: user.access_token, token_type_hint: 'access_token', other: 'x' }
    for (const body of [{ json: parameters }, { form: parameters }, { json: { token: user.access_token } }]) {
      expect((await call(path, { token: service, ...body })).body).toMatchObject({ active: true, sub: user.uuid })
    }
  })

  it.each<[string, Call, string]>([
    ['an empty body', { method: 'POST' }, 'token is required'],
    ['no token in a form', { form: { other: 'x' } }, 'token is required'],
    ['no token in JSON', { json: {} }, 'token is required'],
    ['an empty token', { form: { token: '' } }, 'token must not be blank'],
    ['a token that is not text', { json: { token: 7 } }, 'token must be a string'],
    [
      'two tokens',
      { body: 'token=a&token=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      'token is given twice',
    ],
    ['a list', { json: [] }, 'the body must be an object'],
    [
      'broken JSON',
      { body: '{', headers: { 'content-type': 'application/json' } },
      'The body is not a form or JSON in UTF-8.',
    ],
    [
      'a form that is not UTF-8',
      { body: 'token=%ff', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      'The body is not a form or JSON in UTF-8.',
    ],
  ])('returns 400 in the format of RFC 6749 for %s', async (_, request, error_description) => {
    const { status, headers, body } = await call(path, { token: service, ...request })
    expect([status, headers.get('content-type'), body]).toEqual([
      400,
      'application/json',
      { error: 'invalid_request', error_description },
    ])
    expect((await call(path, { token: (await signedInPerson(admin)).access_token, ...request })).status).toBe(403)
  })

  it('returns 415 for any other content type', async () => {
    const headers = { 'content-type': 'text/plain' }
    expect((await call(path, { token: service, body: 'token=a', headers })).status).toBe(415)
  })

  it('takes one round trip, and records no use of the introspected token', async () => {
    const user = await signedInPerson(admin)
    await introspected(user.access_token)
    const tables = () => rows('SELECT last_used_at FROM sessions UNION ALL SELECT last_used_at FROM api_keys')
    const before = await tables()
    const { cost } = await call(path, { token: service, form: { token: user.access_token } })
    expect(cost.trips).toBe(1)
    expect(cost.written).toBe(0)
    expect((await call(path, { token: service, form: { token: 'x' } })).cost.trips).toBe(1)
    expect(await tables()).toEqual(before)
  })
})

namesEveryTest(statements)

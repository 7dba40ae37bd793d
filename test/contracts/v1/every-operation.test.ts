/** v1: behaviour that all operations share. */
import { beforeEach, describe, expect, it } from 'vitest'
import { operationsOf } from '../../support/conformance'
import {
  adminToken,
  call,
  freshDirectory,
  openApi,
  person,
  rows,
  signedInPerson,
  uuidOf,
  type Answer,
} from '../../support/usher'
import { quietWebhook } from './operations'
import { namesEveryTest } from '../../support/statements'
import { expectInvalid, expectProblem, keyWith, lacking, statements, roleWith } from '../../support/v1'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const operations = operationsOf(await openApi()).filter(({ path }) => path.startsWith('/v1/'))
const guarded = operations.filter(({ security }) => security?.length !== 0)
/** Bad input of this operation has the format of RFC 6749: introspection.test.ts. */
const introspection = 'v1Introspect'
/** JSON lines are tested in imports.test.ts. */
const withBody = operations.filter(
  ({ requestBody, operationId }) =>
    requestBody?.required && 'application/json' in requestBody.content && operationId !== introspection,
)
const paths = [...new Set(operations.map(({ path }) => path))]
/** The path with a value for each parameter. */
const concrete = (path: string) => path.replace(/\{[^}]+\}/g, 'usr_019b1c6e7a407d529a513f1d0c2b4e66')

const asJson = { 'content-type': 'application/json' }
const tokenFor = (operation: (typeof operations)[number]) => (guarded.includes(operation) ? admin : undefined)

describe('every operation', () => {
  it('is in the document, and the document has these operations', () => {
    const known = operations.map(({ method, path }) => `${method} ${path.replace('/v1', '')}`)
    expect(known).toEqual(
      expect.arrayContaining([
        ...[
          'GET /users',
          'POST /users',
          'GET /users/{id}',
          'PUT /users/{id}',
          'PATCH /users/{id}',
          'DELETE /users/{id}',
        ],
        ...['POST /users/{id}/activate', 'POST /users/{id}/deactivate', 'PUT /users/{id}/roles'],
        ...['GET /users/{id}/sessions', 'DELETE /users/{id}/sessions', 'DELETE /users/{id}/sessions/{session_id}'],
        ...['POST /users/{id}/password-token', 'DELETE /users/{id}/password-token', 'POST /auth/password'],
        ...['GET /users/{id}/api-keys', 'DELETE /users/{id}/api-keys'],
        ...[
          'POST /auth/login',
          'POST /auth/refresh',
          'POST /auth/logout',
          'POST /auth/introspect',
          'GET /me',
          'PATCH /me',
          'PUT /me/password',
        ],
        ...['GET /roles', 'POST /roles', 'GET /roles/{id}', 'PATCH /roles/{id}', 'DELETE /roles/{id}'],
        ...['GET /api-keys', 'POST /api-keys', 'DELETE /api-keys/{id}', 'GET /audit-events'],
        'GET /usage',
        ...['GET /webhooks', 'POST /webhooks', 'GET /webhooks/{id}', 'PATCH /webhooks/{id}', 'DELETE /webhooks/{id}'],
        ...['GET /webhooks/{id}/secret', 'GET /webhooks/{id}/failures', 'POST /webhooks/{id}/retry'],
        'POST /webhooks/{id}/ping',
        ...['POST /imports', 'GET /exports'],
        ...['GET /diagnostics', 'GET /diagnostics/hashing', 'GET /diagnostics/directory'],
      ]),
    )
  })

  it('returns errors only as problems, according to the document', () => {
    for (const { operationId, responses } of operations) {
      const errors = Object.entries(responses).filter(([status]) => Number(status) >= 400)
      const types = errors.flatMap(([, { content }]) => Object.keys(content ?? {}))
      const typeOf = (status: string) =>
        operationId === introspection && status === '400' ? 'application/json' : 'application/problem+json'
      expect([operationId, types]).toEqual([operationId, errors.map(([status]) => typeOf(status))])
    }
  })

  it('that requires a credential returns 401 without one, and names the error of an invalid one', async () => {
    for (const { method, path, operationId } of guarded) {
      const none = await call(concrete(path), { method })
      expectProblem(none, 401, 'A bearer token is needed.')
      expect([operationId, none.headers.get('www-authenticate')]).toEqual([operationId, 'Bearer'])
      for (const authorization of ['Bearer nonsense', 'Bearer', `Bearer ${admin} `.repeat(2), 'Bearer usk_x']) {
        const bad = await call(concrete(path), { method, headers: { authorization } })
        expectProblem(bad, 401, 'The credential is not valid, or no longer.')
        expect(bad.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
      }
    }
  })

  it('accepts the token only in the Authorization header, with Bearer in any case', async () => {
    expect((await call(`/v1/me?access_token=${admin}`)).status).toBe(401)
    expect((await call('/v1/me', { headers: { cookie: `token=${admin}` } })).status).toBe(401)
    for (const scheme of ['bearer', 'BEARER']) {
      expect((await call('/v1/me', { headers: { authorization: `${scheme} ${admin}` } })).status).toBe(200)
    }
  })

  it('with a body returns 400 for anything but a JSON object, 415 for another content type and 413 for a large body', async () => {
    for (const operation of withBody) {
      const { method, operationId } = operation
      const send = (body: BodyInit | undefined, headers: Record<string, string> = asJson) =>
        call(concrete(operation.path), { method, token: tokenFor(operation), body, headers })
      for (const body of [
        '{',
        '{"a":1,}',
        "{'a':1}",
        '\ufeff{',
        new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
      ]) {
        expectProblem(await send(body), 400, 'The body is not JSON in UTF-8.')
      }
      expectInvalid(await send('[]'), ['', 'must be an object'])
      expectInvalid(await send('"text"'), ['', 'must be an object'])
      for (const body of ['null', '']) expectInvalid(await send(body), ['', 'is required'])
      expectProblem(await send('{}', { 'content-type': 'text/plain' }), 415, 'The body must be application/json.')
      expectProblem(
        await send('a=1', { 'content-type': 'application/x-www-form-urlencoded' }),
        415,
        'The body must be application/json.',
      )
      const tooLarge = await send(JSON.stringify({ phone: 'x'.repeat(65_536) }))
      expectProblem(tooLarge, 413, 'A body has at most 65,536 bytes.')
      expect(operationId).toMatch(/^v1/)
    }
  })

  it('accepts JSON content types with any parameters and in any case', async () => {
    for (const contentType of ['application/json; charset=utf-8', 'Application/JSON', 'application/merge-patch+json']) {
      const options = { method: 'PATCH', token: admin, json: { phone: '1' }, headers: { 'content-type': contentType } }
      expect([contentType, (await call('/v1/me', options)).status]).toEqual([contentType, 200])
    }
  })

  it('returns 405 with Allow for a method that its path does not have', async () => {
    for (const path of paths) {
      const verbs = operations.filter((operation) => operation.path === path).map(({ method }) => method)
      const allowed = [...verbs, ...(verbs.includes('GET') ? ['HEAD'] : [])]
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        if (allowed.includes(method)) continue
        const answer = await call(concrete(path), { method, token: admin })
        expect([path, method, answer.status]).toEqual([path, method, 405])
        expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(allowed.toSorted())
        expect(answer.headers.get('content-type')).toBe('application/problem+json')
        if (method !== 'HEAD') expectProblem(answer, 405, `Allowed here: ${answer.headers.get('allow')}.`)
      }
    }
  })

  it('returns 404 for an unknown path, with or without a token', async () => {
    for (const path of [
      '/v1',
      '/v1/',
      '/v1/nowhere',
      '/v1/users/',
      '/v1/Users',
      '/v1/users/x/y/z',
      '/v1/v1/users',
      '/v1//users',
    ]) {
      for (const token of [admin, undefined]) {
        expectProblem(await call(path, { token }), 404, 'There is no such path.')
      }
    }
  })

  it('that is a GET answers HEAD in the same way, without a body', async () => {
    for (const { path, method } of operations) {
      if (method !== 'GET') continue
      const [get, head] = [
        await call(concrete(path), { token: admin }),
        await call(concrete(path), { method: 'HEAD', token: admin }),
      ]
      expect([path, head.status, head.text]).toEqual([path, get.status, ''])
      for (const header of ['content-type', 'etag']) expect(head.headers.get(header)).toBe(get.headers.get(header))
    }
  })

  it('returns 429 with Retry-After to a client or a principal over its limit', async () => {
    const refusing = { limit: () => Promise.resolve({ success: false }) }
    const env = { RATE_LIMIT: 'on', CLIENT_LIMITER: refusing, PRINCIPAL_LIMITER: refusing, SIGN_IN_LIMITER: refusing }
    for (const operation of operations) {
      const { method, path } = operation
      const limited = await call(concrete(path), { method, token: tokenFor(operation), env })
      expectProblem(limited, 429, 'Too many requests.')
      expect(limited.headers.get('retry-after')).toBe('60')
    }
  })

  it('that requires a credential returns 503 with Retry-After while the database is away, and refuses the credential', async () => {
    const absent = { prepare: () => ({ bind: () => ({}) }), batch: () => Promise.reject(new Error('D1 is away')) }
    for (const { method, path } of guarded) {
      const answer = await call(concrete(path), { method, token: admin, env: { DB: absent } })
      expectProblem(answer, 503, 'Try again in a moment.')
      expect(answer.headers.get('retry-after')).toBe('5')
    }
  })

  it('checks in the order 405, 413, 401, 403, 415, 400, 404 and 409', async () => {
    const plain = (await signedInPerson(admin)).access_token
    const large = { body: 'x'.repeat(70_000), headers: asJson }
    const odd = { body: '{', headers: asJson }
    const statusOf = async (...asked: Parameters<typeof call>) => (await call(...asked)).status
    expect(await statusOf('/v1/users', { method: 'PUT', ...large })).toBe(405)
    expect(await statusOf('/v1/users', { method: 'POST', ...large })).toBe(413)
    expect(await statusOf('/v1/users', { method: 'POST', ...odd })).toBe(401)
    expect(await statusOf('/v1/users', { method: 'POST', token: plain, ...odd })).toBe(403)
    expect(await statusOf('/v1/users', { token: plain, json: {} })).toBe(403)
    expect(await statusOf('/v1/users?limit=0', { token: plain })).toBe(403)
    expect(await statusOf('/v1/users', { token: admin, body: '{', headers: { 'content-type': 'text/plain' } })).toBe(
      415,
    )
    expect(
      await statusOf('/v1/users', { token: admin, json: person({ email: 'none', role: 'nobody-made-this' }) }),
    ).toBe(400)
    const nobody = '/v1/users/usr_019b1c6e7a407d529a513f1d0c2b4e66/roles'
    expect(await statusOf(nobody, { method: 'PUT', token: admin, json: { roles: 'admin' } })).toBe(400)
    expect(await statusOf(nobody, { method: 'PUT', token: admin, json: { roles: ['user'] } })).toBe(404)
  })

  it('is also served at the root of v1’s own host, and under the base path there', async () => {
    const env = { CONTRACT_HOSTS: '{"api.example":"v1"}' }
    for (const path of ['/users', '/v1/users', '/me', '/v1/me']) {
      expect((await call(path, { host: 'api.example', env, token: admin })).status).toBe(200)
    }
    const created = await call('/users', { host: 'api.example', env, token: admin, json: person() })
    const location = String(created.headers.get('location'))
    expect((await call(location, { host: 'api.example', env, token: admin })).body).toEqual(created.body)
    expectProblem(await call('/nowhere', { host: 'api.example', env }), 404, 'There is no such path.')
    expect((await call('/users')).status).toBe(404)
  })
})

describe('every response', () => {
  /** One response of every kind, each with data. */
  async function answers(): Promise<Answer[]> {
    const account = await signedInPerson(admin, { role: (await roleWith(admin, ['users:read'])).name })
    await keyWith(admin, ['users:read'])
    const { id } = (await call('/v1/webhooks', { token: admin, json: quietWebhook })).body
    await call(`/v1/webhooks/${id}/ping`, { token: admin, method: 'POST' })
    await rows(
      "INSERT INTO webhook_failures SELECT ?, max(sequence), 1, 1, 'timeout', 2 FROM audit_events WHERE action = 'user.created'",
      id,
    )
    const read = [
      '/v1/users',
      `/v1/users/${account.id}`,
      '/v1/me',
      '/v1/roles',
      '/v1/api-keys',
      '/v1/audit-events?limit=100',
      '/v1/usage?limit=100',
      '/v1/webhooks',
      `/v1/webhooks/${id}`,
      `/v1/webhooks/${id}/failures`,
    ]
    const login = { identifier: account.input.email, password: account.input.password }
    return [
      await call('/v1/auth/login', { json: login }),
      ...(await Promise.all([...read, `/v1/users/${account.id}/sessions`].map((path) => call(path, { token: admin })))),
      await call('/v1/users', { token: admin, json: person() }),
      await call(`/v1/users/${account.id}/password-token`, { token: admin, method: 'POST' }),
      await call(`/v1/users/${account.id}/deactivate`, { token: admin, method: 'POST' }),
    ]
  }

  /** Every member of every object in a body, at any depth. */
  function membersOf(value: unknown, name = ''): [string, unknown][] {
    if (Array.isArray(value)) return value.flatMap((each) => membersOf(each, name))
    if (typeof value !== 'object' || value === null) return [[name, value]]
    return Object.entries(value).flatMap(([key, each]) => membersOf(each, key))
  }

  it('names users by usr_ ids, and everything else by plain uuids', async () => {
    const plainUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
    const { body: user } = await call('/v1/me', { token: admin })
    expect(user.id).toMatch(/^usr_[0-9a-f]{32}$/)
    expect(uuidOf(user.id)).toMatch(plainUuid)
    for (const { body } of await answers()) {
      for (const [name, value] of membersOf(body)) {
        if (['actor_id', 'user_id'].includes(name) && value !== null) expect(value).toMatch(/^usr_[0-9a-f]{32}$/)
        if (name === 'id') expect(value).toMatch(/^(usr_[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/)
      }
    }
    for (const path of ['/v1/roles', '/v1/api-keys', '/v1/audit-events', '/v1/webhooks']) {
      const { body } = await call(path, { token: admin })
      for (const { id } of body.data) expect(id).toMatch(plainUuid)
    }
  })

  it('gives times in UTC, in whole seconds', async () => {
    const times = (await answers()).flatMap(({ body }) => membersOf(body)).filter(([name]) => /_at$|^at$/.test(name))
    expect(times.length).toBeGreaterThan(20)
    for (const [name, value] of times) {
      if (value !== null)
        expect([name, value]).toEqual([name, expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)])
    }
  })

  it('that is a list is an object with its items in data', async () => {
    const { body: me } = await call('/v1/me', { token: admin })
    const { id } = (await call('/v1/webhooks', { token: admin, json: quietWebhook })).body
    const lists = [
      ...['/v1/users', '/v1/roles', '/v1/api-keys', '/v1/audit-events', '/v1/usage', `/v1/users/${me.id}/sessions`],
      ...['/v1/webhooks', `/v1/webhooks/${id}/failures`],
    ]
    for (const path of lists) {
      const { status, body } = await call(path, { token: admin })
      expect([path, status, Array.isArray(body.data)]).toEqual([path, 200, true])
    }
  })

  it('contains no hash, salt or password', async () => {
    for (const { text } of await answers())
      expect(text).not.toMatch(/hash"|salt|pbkdf2|a fine passphrase|"pin|generation/i)
  })

  it('is JSON that must not be stored', async () => {
    for (const { headers } of await answers()) {
      expect([headers.get('content-type'), headers.get('cache-control')]).toEqual(['application/json', 'no-store'])
    }
  })

  it('that is a 403 names the missing permission', async () => {
    const plain = (await signedInPerson(admin)).access_token
    for (const [path, permission] of [
      ['/v1/users', 'users:read'],
      ['/v1/roles', 'roles:read'],
      ['/v1/api-keys', 'api_keys:manage'],
      ['/v1/audit-events', 'audit:read'],
      ['/v1/webhooks', 'webhooks:manage'],
      ['/v1/usage', 'usage:read'],
    ] as const) {
      expectProblem(await call(path, { token: plain }), 403, lacking(permission))
    }
  })
})

namesEveryTest(statements)

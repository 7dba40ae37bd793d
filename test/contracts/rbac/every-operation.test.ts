/// <reference types="vite/client" />
/** rbac: behaviour that all operations share: authentication, bodies, and the order of checks. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import statements from './STATEMENTS.md?raw'
import {
  adminToken,
  call,
  firstAdmin,
  freshDirectory,
  roleIds,
  signedInPerson,
  type Answer,
  type Call,
} from '../../support/usher'
import {
  adminAndTamsin,
  asJson,
  auth,
  clerk,
  create,
  expectDetail,
  expectInvalid,
  get,
  list,
  login,
  logout,
  missing,
  nobody,
  notAnObject,
  piotr,
  remove,
  tamsin,
  update,
  users,
  type Entry,
} from '../../support/rbac'
import { namesEveryTest } from '../../support/statements'

freshDirectory()
afterEach(() => void vi.restoreAllMocks())

const guarded: [string, string][] = [
  ['GET', users],
  ['GET', `${users}/${nobody}`],
  ['POST', users],
  ['PUT', `${users}/${nobody}`],
  ['DELETE', `${users}/${nobody}`],
  ['POST', `${auth}/logout`],
]
const everyOperation: [string, string, unknown?][] = [
  ...guarded,
  ['POST', `${auth}/login`, { email: 'x', password: 'x' }],
  ['POST', `${auth}/refresh`, { refresh_token: 'x' }],
]
const bytes = (text: string) => new TextEncoder().encode(text)

describe('every operation', () => {
  it('returns 401 without a token, and names the error of an invalid one', async () => {
    for (const [method, path] of guarded) {
      for (const headers of [{}, { cookie: 'sessionid=x' }, { authorization: 'Basic eDp5' }]) {
        const without = await call(path, { method, headers })
        expectDetail(without, 401, 'Not authenticated')
        expect(without.headers.get('www-authenticate')).toBe('Bearer')
      }
      for (const authorization of ['Bearer not.a.token', 'Bearer', 'Bearer usk_nothing']) {
        const bad = await call(path, { method, headers: { authorization } })
        expectDetail(bad, 401, 'Invalid token')
        expect(bad.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
      }
    }
  })

  it('accepts the token’s scheme in any case', async () => {
    const admin = await adminToken()
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      expect((await call(users, { headers: { authorization: `${scheme} ${admin}` } })).status).toBe(200)
    }
  })

  it('returns 404 for an unknown path, and 405 with Allow for a wrong method', async () => {
    const paths = [
      '',
      '/',
      '/users',
      '/api/v1',
      '/api/v1/users/',
      `/api/v1/users/${nobody}/`,
      `/api/v1/users/${nobody}/roles`,
    ]
    for (const path of [...paths, '/api/v1/auth', '/api/v1/auth/login/', '/api/v2/users', '/API/V1/users']) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        expectDetail(await call(`/rbac${path}`, { method }), 404, 'Not Found')
      }
    }
    const verbs: [string, string, string][] = [
      ['PUT', users, 'GET, HEAD, POST'],
      ['PATCH', users, 'GET, HEAD, POST'],
      ['DELETE', users, 'GET, HEAD, POST'],
      ['POST', `${users}/${nobody}`, 'GET, HEAD, PUT, DELETE'],
      ['PATCH', `${users}/${nobody}`, 'GET, HEAD, PUT, DELETE'],
      ['GET', `${auth}/login`, 'POST'],
      ['GET', `${auth}/refresh`, 'POST'],
      ['DELETE', `${auth}/logout`, 'POST'],
    ]
    for (const [method, path, allow] of verbs) {
      const answer = await call(path, { method })
      expectDetail(answer, 405, 'Method Not Allowed')
      expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(allow.split(', ').sort())
    }
  })

  it('answers HEAD like GET, without a body', async () => {
    const { admin, id } = await adminAndTamsin()
    for (const path of [users, `${users}?page=0`, `${users}/${id}`, `${users}/${nobody}`, `${users}/x`]) {
      const asked = await call(path, { token: admin })
      const head = await call(path, { method: 'HEAD', token: admin })
      expect([head.status, head.text]).toEqual([asked.status, ''])
      expect(head.headers.get('content-type')).toBe('application/json')
    }
    expect((await call(users, { method: 'HEAD' })).status).toBe(401)
  })

  it('is served at the root of the contract’s own host', async () => {
    const env = { CONTRACT_HOSTS: '{"access.usher.example":"rbac"}' }
    const options = { host: 'access.usher.example:8000', env }
    const signedIn = await call('/api/v1/auth/login', { ...options, json: firstAdmin })
    const token = signedIn.body.access_token
    const created = await call('/api/v1/users', { ...options, token, json: tamsin })
    expect([created.status, created.body.email]).toEqual([201, tamsin.email])
    expect((await call(`/api/v1/users/${created.body.id}`, { ...options, token })).text).toBe(created.text)
    expectDetail(await call(`/api/v1/users/${nobody}`, { ...options, token }), 404, 'User not found')
    for (const path of [users, '/v1/users', '/nowhere']) {
      expectDetail(await call(path, { ...options, token }), 404, 'Not Found')
    }
    expectDetail(await call('/api/v1/users', { ...options, method: 'PUT' }), 405, 'Method Not Allowed')
    expect((await call('/doc/rbac', options)).status).toBe(200)
  })

  it('returns 503 with Retry-After while the database is away', async () => {
    const DB = { prepare: () => ({ bind: () => ({}) }), batch: () => Promise.reject(new Error('D1_ERROR: gone')) }
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const token = await adminToken()
    const { refresh_token } = (await login(firstAdmin)).body
    for (const [method, path] of everyOperation) {
      const answer = await call(path, {
        method,
        token,
        env: { DB },
        ...(method !== 'GET' && { json: { ...tamsin, refresh_token } }),
      })
      expectDetail(answer, 503, 'Service unavailable, try again later')
      expect(answer.headers.get('retry-after')).toBe('5')
    }
  })

  it('returns 429 with Retry-After over the rate limit', async () => {
    const refusing = { limit: () => Promise.resolve({ success: false }) }
    const limiters = {
      CLIENT_LIMITER: refusing,
      PRINCIPAL_LIMITER: refusing,
      SIGN_IN_LIMITER: refusing,
      RATE_LIMIT: 'on',
    }
    const token = await adminToken()
    for (const [method, path, json] of everyOperation) {
      const answer = await call(path, {
        method,
        token,
        env: limiters,
        ...(method !== 'GET' && { json: json ?? tamsin }),
      })
      expectDetail(answer, 429, 'Too many requests')
      expect(answer.headers.get('retry-after')).toBe('60')
    }
  })

  it('must not be cached', async () => {
    const token = await adminToken()
    for (const [method, path, json] of everyOperation) {
      const { headers } = await call(path, { method, token, ...(method !== 'GET' && { json: json ?? {} }) })
      expect([path, headers.get('cache-control')]).toEqual([path, 'no-store'])
      expect(headers.get('x-request-id')).toBeTruthy()
    }
  })
})

describe('a body', () => {
  const complete = JSON.stringify({ ...tamsin, refresh_token: 'x' })
  const invalidUtf8 = new Uint8Array([...bytes('{"email":"'), 0xc3, 0x28, ...bytes('"}')])

  /** Sends the same body to every operation that takes one. All must refuse it in the same way. */
  async function toEach(options: Call, check: (answer: Answer) => void) {
    const token = await adminToken()
    for (const [method, path] of [
      ['POST', users],
      ['PUT', `${users}/${nobody}`],
      ['POST', `${auth}/login`],
      ['POST', `${auth}/refresh`],
    ] as const) {
      check(await call(path, { token, method, ...options }))
    }
  }

  it('that is empty or null counts as missing', async () => {
    await toEach({ body: '', headers: asJson }, (answer) => expectInvalid(answer, missing()))
    await toEach({ body: 'null', headers: asJson }, (answer) => expectInvalid(answer, missing()))
    await toEach({}, (answer) => expectInvalid(answer, missing()))
  })

  it('that is not an object, or has another content type than JSON, gets model_attributes_type', async () => {
    for (const body of ['[]', `[${complete}]`, '"text"', '12', 'true']) {
      await toEach({ body, headers: asJson }, (answer) => expectInvalid(answer, notAnObject))
    }
    await toEach({ form: tamsin }, (answer) => expectInvalid(answer, notAnObject))
    const multipart = 'multipart/form-data; boundary=x'
    for (const type of ['text/plain', 'application/xml', 'text/json', 'application/jsonp', multipart, 'nonsense']) {
      const options = { body: complete, headers: { 'content-type': type } }
      await toEach(options, (answer) => expectInvalid(answer, notAnObject))
    }
  })

  it('that cannot be parsed as JSON gets json_invalid', async () => {
    for (const body of ['{"email":}', '{', 'email=x', '{"email":NaN}', "{'email':1}", '{"a":1}x', '  ', invalidUtf8]) {
      await toEach({ body, headers: asJson }, ({ status, text, body: { detail } }) => {
        const [{ loc, msg, type }] = detail as [{ loc: [string, number]; msg: string; type: string }]
        expect([text, status, detail.length, loc[0], typeof loc[1]]).toEqual([text, 422, 1, 'body', 'number'])
        expect([msg, type]).toEqual(['JSON decode error', 'json_invalid'])
      })
    }
    const at = (position: number): Entry => [['body', position], 'json_invalid', 'JSON decode error']
    await toEach({ body: '{,}', headers: asJson }, (answer) => expectInvalid(answer, at(1)))
    await toEach({ body: '{"a":1}x', headers: asJson }, (answer) => expectInvalid(answer, at(7)))
  })

  it('is JSON without a content type, and with any case, suffix and parameters of the type', async () => {
    const { admin, id } = await adminAndTamsin()
    const bare = await call(users, { token: admin, body: bytes(JSON.stringify(piotr)) })
    expect([bare.status, bare.body.first_name]).toEqual([201, 'Piotr'])
    for (const [index, type] of [
      undefined,
      'application/json; charset=utf-8',
      'APPLICATION/JSON',
      'application/vnd.api+json',
    ].entries()) {
      const body = bytes(JSON.stringify({ first_name: `Tamsin${index}` }))
      const options = {
        method: 'PUT',
        token: admin,
        body,
        ...(type !== undefined && { headers: { 'content-type': type } }),
      }
      const answer = await call(`${users}/${id}`, options)
      expect([type, answer.status, answer.body.first_name]).toEqual([type, 200, `Tamsin${index}`])
      const signIn = {
        body: bytes(JSON.stringify(tamsin)),
        headers: type === undefined ? {} : { 'content-type': type },
      }
      expect([type, (await call(`${auth}/login`, signIn)).status]).toEqual([type, 200])
    }
  })

  it('is read up to 65,536 bytes', async () => {
    const admin = await adminToken()
    const padded = (length: number) => JSON.stringify(tamsin).padEnd(length)
    const options = { token: admin, headers: asJson }
    expect((await call(users, { ...options, body: padded(65_536) })).status).toBe(201)
    await toEach({ headers: asJson, body: padded(65_537) }, (answer) => {
      expectDetail(answer, 413, 'Request body too large')
    })
  })

  it('of a logout may be anything readable', async () => {
    for (const body of ['{', '[]', 'x', '']) {
      const { access_token } = await signedInPerson(await adminToken())
      const type = body === '{' ? 'text/plain' : 'application/x-www-form-urlencoded'
      expect(
        (await call(`${auth}/logout`, { token: access_token, method: 'POST', body, headers: { 'content-type': type } }))
          .status,
      ).toBe(200)
    }
  })
})

describe('the order of checks', () => {
  it('is 404 and 405, then 413, 401, 403, 422', async () => {
    const plain = (await signedInPerson(await adminToken())).access_token
    const body = ' '.repeat(65_537)
    expect((await call('/rbac/api/v1/nowhere', { method: 'POST', body })).status).toBe(404)
    expect((await call(users, { method: 'PATCH', body })).status).toBe(405)
    expect((await call(users, { body })).status).toBe(413)
    expect((await call(`${users}/x`, { method: 'PUT', body })).status).toBe(413)
    for (const [method, path] of [
      ['POST', users],
      ['PUT', `${users}/${nobody}`],
      ['PUT', `${users}/x`],
    ] as const) {
      const unread = { method, body: '{', headers: asJson }
      expect((await call(path, unread)).status).toBe(401)
      expect((await call(path, { ...unread, token: plain })).status).toBe(403)
      expect((await call(path, { method, token: plain, json: {} })).status).toBe(403)
      expect((await call(path, { method, token: plain, form: { email: 'x' } })).status).toBe(403)
    }
    for (const path of [`${users}?page=0`, `${users}/x`]) {
      expect((await call(path, {})).status).toBe(401)
      expect((await call(path, { token: plain })).status).toBe(403)
    }
    expect((await remove(plain, 'x')).status).toBe(403)
    await logout(plain)
    expect((await create(plain, {})).status).toBe(401)
    expect((await update(plain, 'x', {})).status).toBe(401)
    expect((await list(plain, '?page=0')).status).toBe(401)
    expect((await remove(plain, 'x')).status).toBe(401)
  })

  it('is 422 before 404 and 409', async () => {
    const { admin, id } = await adminAndTamsin()
    expect((await update(admin, nobody, { email: 'x' })).status).toBe(422)
    expect((await update(admin, nobody, { role_ids: ['x'] })).status).toBe(422)
    expect((await create(admin, { ...tamsin, first_name: '' })).status).toBe(422)
    expect((await create(admin, { ...tamsin, password: tamsin.email })).status).toBe(422)
    expect((await create(admin, { ...tamsin, role_ids: [nobody], last_name: '' })).status).toBe(422)
    expect((await create(admin, { ...tamsin, role_ids: [nobody], password: tamsin.email })).status).toBe(422)
    expect((await update(admin, id, { email: firstAdmin.email, password: 'short' })).status).toBe(422)
    const self = (await list(admin)).body.data[0].id
    expect((await update(admin, self, { is_active: false, first_name: '' })).status).toBe(422)
  })

  it('is 422 before a 403 that depends on the body, and that before 404 and 409', async () => {
    const admin = await adminToken()
    const maker = await clerk(admin, ['users:create', 'users:update'])
    const asAdmin = { ...tamsin, role_ids: [roleIds.admin] }
    expect((await create(maker.access_token, { ...asAdmin, email: 'x' })).status).toBe(422)
    expect((await create(maker.access_token, { ...asAdmin, email: firstAdmin.email })).status).toBe(403)
    expect((await create(maker.access_token, { ...tamsin, role_ids: [nobody] })).status).toBe(403)
    const plain = await signedInPerson(admin)
    const own = (json: object) => update(plain.access_token, plain.uuid, json)
    expect((await own({ email: 'x' })).status).toBe(422)
    expect((await own({ email: firstAdmin.email })).status).toBe(403)
    expect((await own({ role_ids: [nobody] })).status).toBe(403)
    expect((await update(maker.access_token, plain.uuid, { role_ids: [nobody] })).status).toBe(403)
    expect((await update(maker.access_token, plain.uuid, { is_active: false, email: firstAdmin.email })).status).toBe(
      403,
    )
    expect((await get(plain.access_token, plain.uuid)).status).toBe(200)
  })
})

namesEveryTest(statements)

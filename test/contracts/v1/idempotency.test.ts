/// <reference types="vite/client" />
/** v1: retrying a POST safely. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import readme from '../../../src/contracts/v1/README.md?raw'
import {
  adminToken,
  call,
  firstAdmin,
  freshDirectory,
  openApi,
  person,
  rows,
  signedInPerson,
  testEnv,
  uuidOf,
  type Call,
} from '../../support/usher'
import { namesEveryTest } from '../../support/statements'
import { expectInvalid, expectProblem, keyWith, lacking, statements, roleWith } from '../../support/v1'

freshDirectory()
afterEach(() => void vi.useRealTimers())

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const post = (path: string, key: string, json?: unknown, options: Call = {}) =>
  call(path, { method: 'POST', token: admin, json, headers: { 'idempotency-key': key }, ...options })
const create = (key: string, json: unknown, options: Call = {}) => post('/v1/users', key, json, options)
const total = async () => (await call('/v1/users', { token: admin })).body.pagination.total
const records = () => rows('SELECT * FROM idempotency_records')
const isKey = ({ name }: { name: string }) => name === 'idempotency-key'
const anotherRequest = 'This Idempotency-Key came with another request before.'

describe('Idempotency-Key', () => {
  it('returns exactly the first response again, whatever happened since, and changes nothing twice', async () => {
    const input = person({ username: 'once' })
    const first = await create('k1', input)
    await call(`/v1/users/${first.body.id}`, { method: 'PATCH', token: admin, json: { phone: '9', role: 'admin' } })
    const again = await create('k1', input)
    expect([again.status, again.text]).toEqual([201, first.text])
    for (const header of ['location', 'etag']) expect(again.headers.get(header)).toBe(first.headers.get(header))
    expect([await total(), again.cost.written]).toEqual([2, 0])
  })

  it('marks a replay with a header, and changes nothing else in the response', async () => {
    const input = person()
    const { body: user } = await create('k1', input)
    const path = `/v1/users/${user.id}`
    const role = { name: 'keyed', permissions: [] }
    const replayed = async (...asked: [path: string, key: string, json?: unknown, options?: Call]) =>
      (await post(...asked)).headers.get('idempotency-replayed')
    const requests: [path: string, key: string, json?: unknown][] = [
      ['/v1/users', 'k2', person()],
      ['/v1/roles', 'k3', role],
      [`${path}/deactivate`, 'k4'],
      [`${path}/activate`, 'k5'],
    ]
    for (const asked of requests) {
      expect([asked[0], await replayed(...asked)]).toEqual([asked[0], null])
      expect([asked[0], await replayed(...asked)]).toEqual([asked[0], 'true'])
    }
    expect(await replayed('/v1/users', 'k1', { ...input, phone: '1' })).toBe(null)
    expect(await replayed('/v1/users', 'k1', input, { token: 'none' })).toBe(null)
  })

  it('can be read by listed origins', async () => {
    const listed = { CORS_ORIGINS: 'https://app.example' }
    const json = person()
    const headers = { 'idempotency-key': 'k1', origin: 'https://app.example' }
    await call('/v1/users', { token: admin, json, headers, env: listed })
    const again = await call('/v1/users', { token: admin, json, headers, env: listed })
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.headers.get('access-control-expose-headers')?.toLowerCase()).toContain('idempotency-replayed')
  })

  it('returns 404 once the user has been deleted, and never creates them again', async () => {
    const deletions: [path: (id: string, number: number) => string][] = [
      [(id) => `/v1/users/${id}`],
      [(id) => `/rbac/api/v1/users/${uuidOf(id)}`],
      [(_, number) => `/backoffice/api/v1/users/${number}`],
    ]
    for (const [index, [pathOf]] of deletions.entries()) {
      const input = person()
      const { body: user } = await create(`create ${index}`, input)
      const path = `/v1/users/${user.id}`
      await post(`${path}/deactivate`, `deactivate ${index}`)
      await post(`${path}/activate`, `activate ${index}`)
      const [row] = await rows<{ number: number }>('SELECT number FROM users WHERE id = ?', uuidOf(user.id))
      const deleted = await call(pathOf(user.id, Number(row?.number)), { method: 'DELETE', token: admin })
      expect(deleted.status).toBeLessThan(300)
      const before = await total()
      for (const retry of [
        () => create(`create ${index}`, input),
        () => post(`${path}/deactivate`, `deactivate ${index}`),
        () => post(`${path}/activate`, `activate ${index}`),
        () => post(`${path}/activate`, `another ${index}`),
      ]) {
        expectProblem(await retry(), 404, 'There is no such user.')
      }
      expectProblem(await create(`create ${index}`, { ...input, phone: '1' }), 422, anotherRequest)
      expect(await total()).toBe(before)
      expect(JSON.stringify(await records())).not.toContain(input.email)
    }
  })

  it('returns 404 once the role has been deleted, and never creates it again', async () => {
    const json = { name: 'keyed', permissions: [], description: 'At the door' }
    const role = await post('/v1/roles', 'k1', json)
    await call(`/v1/roles/${role.body.id}`, { method: 'DELETE', token: admin })
    expectProblem(await post('/v1/roles', 'k1', json), 404, 'There is no such role.')
    expect((await call('/v1/roles', { token: admin })).body.data).toHaveLength(2)
    expect(JSON.stringify(await records())).not.toContain('At the door')
  })

  it('treats the same JSON in another order and with other blanks as the same request', async () => {
    const { email, name, password } = person()
    const nested = '"note": {"b": [1, {"y": null, "x": "é"}], "a": 2.0}'
    const bodies = [
      `{"email":"${email}","name":"${name}","password":"${password}",${nested}}`,
      `\n{ "password" : "${password}",\t"note":{"a":2,"b":[1,{"x":"\\u00e9","y":null}]}, "name":"${name}", "email":"${email}"}\r\n`,
      `\ufeff{"name":"${name}",${nested},"email":"${email}","password":"${password}"}`,
    ]
    const send = (body: string) =>
      call('/v1/users', {
        token: admin,
        body,
        headers: { 'idempotency-key': 'k1', 'content-type': 'application/json' },
      })
    const first = await send(String(bodies[0]))
    expect(first.status).toBe(201)
    for (const body of bodies) expect((await send(body)).text).toBe(first.text)
    for (const other of ['[{"y":null,"x":"é"},1]', '[1,{"y":null}]', '[1,{"y":null,"x":"e"}]']) {
      const body = String(bodies[0]).replace('[1, {"y": null, "x": "é"}]', other)
      expectProblem(await send(body), 422, anotherRequest)
    }
    expect(await total()).toBe(2)
  })

  it('accepts a body of the maximum nesting depth', async () => {
    const { email, name, password } = person()
    const body = `{"email":"${email}","name":"${name}","password":"${password}","note":${'['.repeat(30_000)}${']'.repeat(30_000)}}`
    const send = () =>
      call('/v1/users', {
        token: admin,
        body,
        headers: { 'idempotency-key': 'k1', 'content-type': 'application/json' },
      })
    const first = await send()
    expect([first.status, (await send()).text]).toEqual([201, first.text])
  })

  it('is documented in the README for every POST that ignores it', async () => {
    const { paths } = await openApi()
    const ignoring = Object.entries(paths)
      .filter(([path, { post }]) => path.startsWith('/v1/') && post?.parameters?.some(isKey) !== true && post)
      .map(([path]) => path.replace('/v1', ''))
    const [, listed = ''] = /Every other POST ignores\s+the\s+header: ([^]*?)\.\s/.exec(readme) ?? []
    expect([...listed.matchAll(/`([^`]+)`/g)].map(([, path]) => path).sort()).toEqual(ignoring.sort())
  })

  it('is honoured on every POST whose response contains no secret', async () => {
    const { body: user } = await call('/v1/users', { token: admin, json: person() })
    const path = `/v1/users/${user.id}`
    const deactivated = await post(`${path}/deactivate`, 'k1')
    const activated = await post(`${path}/activate`, 'k2')
    expect((await post(`${path}/deactivate`, 'k1')).text).toBe(deactivated.text)
    expect((await call(path, { token: admin })).body.status).toBe('active')
    await call(`${path}/deactivate`, { method: 'POST', token: admin })
    expect((await post(`${path}/activate`, 'k2')).text).toBe(activated.text)
    expect((await call(path, { token: admin })).body.status).toBe('inactive')
    const json = { name: 'keyed', permissions: ['users:read'] }
    const role = await post('/v1/roles', 'k3', json)
    await call(`/v1/roles/${role.body.id}`, { method: 'PATCH', token: admin, json: { permissions: [] } })
    const again = await post('/v1/roles', 'k3', json)
    expect([again.status, again.text]).toEqual([201, role.text])
    expect(again.headers.get('location')).toBe(role.headers.get('location'))
    expect(await records()).toHaveLength(3)
  })

  it('is ignored when the response contains secrets', async () => {
    const account = await signedInPerson(admin)
    const credentials = { identifier: firstAdmin.email, password: firstAdmin.password }
    for (const [path, json] of [
      ['/v1/auth/login', credentials],
      ['/v1/auth/refresh', { refresh_token: account.refresh_token }],
      ['/v1/api-keys', { name: 'a program', permissions: [] }],
      [`/v1/users/${account.id}/password-token`, undefined],
    ] as const) {
      const [first, second] = [await post(path, 'k1', json), await post(path, 'k1', json)]
      expect([path, first.status, second.status]).toEqual([path, second.status, first.status])
      expect([path, first.status < 300, first.text === second.text]).toEqual([path, true, false])
    }
    expect((await post('/v1/auth/logout', 'k1', undefined, { token: account.access_token })).status).toBe(204)
    expect((await post('/v1/auth/logout', 'k1', undefined, { token: account.access_token })).status).toBe(401)
    expect(await records()).toEqual([])
  })

  it('returns 422 for another body and for another path', async () => {
    const input = person()
    const { body } = await create('k1', input)
    expectProblem(await create('k1', { ...input, phone: '1' }), 422, anotherRequest)
    expectProblem(await post(`/v1/users/${body.id}/deactivate`, 'k1'), 422, anotherRequest)
    expectProblem(await post('/v1/roles', 'k1', { name: 'x', permissions: [] }), 422, anotherRequest)
    expect((await call(`/v1/users/${body.id}`, { token: admin })).body).toEqual(body)
  })

  it('is kept for 24 hours', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const input = person()
    const first = await create('k1', input)
    vi.advanceTimersByTime(86_399_000)
    admin = await adminToken()
    expect((await create('k1', input)).text).toBe(first.text)
    vi.advanceTimersByTime(1000)
    expect((await create('k1', person())).status).toBe(201)
    expect([await total(), (await records()).length]).toEqual([3, 1])
  })

  it('belongs to one principal: a user or an API key', async () => {
    const other = await signedInPerson(admin, { role: 'admin' })
    const { key } = await keyWith(admin, ['users:create'])
    for (const token of [admin, other.access_token, key]) {
      expect((await create('k1', person(), { token })).status).toBe(201)
    }
    const secondSession = await adminToken()
    expectProblem(await create('k1', person(), { token: secondSession }), 422, anotherRequest)
  })

  it('lets one of many simultaneous requests succeed, and the others get its response', async () => {
    const input = person()
    const answers = await Promise.all(Array.from({ length: 8 }, () => create('k1', input)))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(await total()).toBe(2)
  })

  it('is written in the same transaction as the change, so a retry after a lost reply finds the result', async () => {
    const input = person()
    let batches = 0
    const losing = (commits: boolean) => ({
      prepare: (sql: string) => testEnv.DB.prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        batches += 1
        if (batches === 1) return testEnv.DB.batch(statements)
        if (commits) await testEnv.DB.batch(statements)
        throw new Error('D1_ERROR: Network connection lost.')
      },
    })
    expect((await create('k1', input, { env: { DB: losing(false) } })).status).toBe(503)
    expect([await total(), await records()]).toEqual([1, []])
    batches = 0
    expect((await create('k1', input, { env: { DB: losing(true) } })).status).toBe(503)
    expect(await total()).toBe(2)
    const again = await create('k1', input)
    expect([again.status, again.body.email, again.cost.written]).toEqual([201, input.email, 0])
    expect(await total()).toBe(2)
  })

  it('stores nothing for a request that failed', async () => {
    const input = person()
    expect((await create('k1', { ...input, email: firstAdmin.email })).status).toBe(409)
    expect((await create('k1', { ...input, email: 'none' })).status).toBe(400)
    expect(await records()).toEqual([])
    expect((await create('k1', input)).status).toBe(201)
  })

  it('replays no response that the caller may no longer see', async () => {
    const role = await roleWith(admin, ['users:create'])
    const { access_token: token } = await signedInPerson(admin, { role: role.name })
    const input = person()
    expect((await create('k1', input, { token })).status).toBe(201)
    await call(`/v1/roles/${role.id}`, { method: 'PATCH', token: admin, json: { permissions: [] } })
    expectProblem(await create('k1', input, { token }), 403, lacking('users:create'))
  })

  it('stores neither the body nor a hash that could be guessed, and survives the rotation of the secret', async () => {
    const input = person()
    const first = await create('k1', input)
    const stored = JSON.stringify(await records())
    expect(stored).not.toContain(input.password)
    const sent = new TextEncoder().encode(JSON.stringify(input))
    for (const bytes of [sent, new TextEncoder().encode(`POST\n/v1/users\n${JSON.stringify(input)}`)]) {
      const digest = await crypto.subtle.digest('SHA-256', bytes)
      expect(stored).not.toContain(
        btoa(String.fromCharCode(...new Uint8Array(digest)))
          .slice(0, 12)
          .replaceAll('+', '-')
          .replaceAll('/', '_'),
      )
    }
    const JWT_SECRET = 'Zt8Kq1Lw5Xr0Vn7Bd3Hs9Jf2Gm6Pc4Ty8Ua1Ei5Ro'
    const rotated = { JWT_SECRET, JWT_SECRET_PREVIOUS: testEnv.JWT_SECRET }
    expect((await create('k1', input, { env: rotated })).text).toBe(first.text)
  })

  it('has 1 to 255 characters', async () => {
    expect((await create('k'.repeat(255), person())).status).toBe(201)
    expectInvalid(await create('', person()), ['idempotency-key', 'must not be blank'])
    expectInvalid(await create('k'.repeat(256), person()), ['idempotency-key', 'must have at most 255 characters'])
  })
})

namesEveryTest(statements)

/** The log line of a request: its caller, operation and cost, without anything that the client sent. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { operationsOf } from './support/conformance'
import { operations } from './support/requests'
import { populate } from './support/population'
import {
  adminToken,
  call,
  fetchWorker,
  firstAdmin,
  freshDirectory,
  openApi,
  person,
  rows,
  signedInPerson,
  testEnv,
  uuidOf,
  type Call,
} from './support/usher'

freshDirectory()

let lines: string[]
let admin: string
beforeEach(async () => {
  admin = await adminToken()
  lines = []
  vi.spyOn(console, 'log').mockImplementation((...words) => void lines.push(words.map(String).join(' ')))
})
afterEach(() => vi.restoreAllMocks())

const on = { REQUEST_LOG: 'on' }

/** Sends the request and returns the response and its one log line. */
async function logged(path: string, options: Call = {}) {
  lines = []
  const answer = await call(path, { ...options, env: { ...on, ...options.env } })
  expect(lines).toHaveLength(1)
  const line = JSON.parse(lines[0] as string) as Record<string, unknown>
  expect(Object.keys(line).slice(0, 13)).toEqual([
    ...['message', 'request_id', 'contract', 'operation', 'method', 'status', 'principal', 'credential'],
    ...['trips', 'rows_read', 'rows_written', 'milliseconds'],
  ])
  expect(line).toMatchObject({
    message: 'request',
    request_id: answer.headers.get('x-request-id'),
    status: answer.status,
  })
  const { trips, rows_read: read, rows_written: written, milliseconds } = line
  expect({ trips, read, written }).toEqual(answer.cost)
  expect(Number(milliseconds)).toBeGreaterThanOrEqual(0)
  return { answer, line }
}

describe('the log line of a request', () => {
  it('has its id, contract, operation, status, principal and cost', async () => {
    const { body: me } = await call('/v1/me', { token: admin })
    const { line } = await logged(`/v1/users/${me.id}?x=1`, { token: admin })
    expect(line).toMatchObject({ contract: 'v1', operation: 'v1GetUser', method: 'GET', status: 200, trips: 1 })
    expect([line['principal'], line['credential']]).toEqual([uuidOf(me.id), 'session'])
  })

  it('names every operation by its operationId', async () => {
    const seen = new Set<unknown>()
    for (const { operationId, method, request, security } of operations) {
      const user = await signedInPerson(admin)
      const { path, ...ask } = await request({ admin, one: user })
      const { line } = await logged(path, {
        ...ask,
        method,
        ...(security?.length !== 0 && { token: user.access_token }),
      })
      expect([operationId, line['operation']]).toEqual([operationId, operationId])
      seen.add(line['operation'])
    }
    expect(seen.size).toBe(operationsOf(await openApi()).length)
  })

  it('for a request that matches no operation names the route or no operation', async () => {
    for (const [path, operation] of [
      ['/', 'GET /'],
      ['/health', 'GET /health'],
      ['/doc', 'GET /doc'],
      ['/doc/v1', 'GET /doc/v1'],
      ['/somebody@example.org', null],
      ['/v1/somebody@example.org', null],
    ]) {
      expect([path, (await logged(path as string)).line['operation']]).toEqual([path, operation])
    }
    const { line } = await logged('/v1/me', { method: 'DELETE' })
    expect([line['operation'], line['method'], line['status']]).toEqual([null, 'DELETE', 405])
    expect((await logged('/v1/me', { method: 'HEAD', token: admin })).line).toMatchObject({
      operation: 'v1GetMe',
      method: 'HEAD',
    })
  })

  it('on a contract’s own host names the same operation', async () => {
    const env = { ...on, CONTRACT_HOSTS: '{"api.example":"v1"}' }
    expect((await logged('/me', { token: admin, host: 'api.example', env })).line['operation']).toBe('v1GetMe')
  })

  it('with an API key names the key by its id, for reads and writes', async () => {
    const json = { name: 'a program', permissions: ['users:read', 'users:create'] }
    const { id, key } = (await call('/v1/api-keys', { token: admin, json })).body
    for (const options of [{}, { json: person() }]) {
      const { line } = await logged('/v1/users', { token: key, ...options })
      expect([line['principal'], line['credential']]).toEqual([id, 'key'])
    }
    const { line } = await logged('/v1/roles', { token: key })
    expect([line['status'], line['principal'], line['credential']]).toEqual([403, null, 'key'])
  })

  it('is also written for refused requests: without a credential, over a limit, or without the database', async () => {
    expect((await logged('/v1/me')).line).toMatchObject({ status: 401, principal: null, credential: null, trips: 0 })
    const limited = { ...on, RATE_LIMIT: 'on', PRINCIPAL_LIMITER: { limit: () => Promise.resolve({ success: false }) } }
    const { line } = await logged('/v1/me', { token: admin, env: limited })
    expect([line['status'], typeof line['principal']]).toEqual([429, 'string'])
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const DB = { prepare: (sql: string) => testEnv.DB.prepare(sql), batch: () => Promise.reject(new Error('away')) }
    expect((await logged('/v1/me', { token: admin, env: { ...on, DB } })).line).toMatchObject({ status: 503, trips: 1 })
  })

  it('is written at the end of a stream, with the total cost, and says when the stream broke off', async () => {
    await populate(5_100)
    lines = []
    const whole = await fetchWorker('/personnel/users/list', { token: admin, env: on })
    expect(lines).toEqual([])
    await whole.text()
    const line = JSON.parse(lines[0] as string)
    expect([line.operation, line.trips > 1, line.rows_read > 5_100, line.broken]).toEqual([
      'personnelListUsers',
      true,
      true,
      undefined,
    ])
    lines = []
    const cut = await fetchWorker('/personnel/users/list', { token: admin, env: on })
    await cut.body?.cancel()
    expect(JSON.parse(lines[0] as string)).toMatchObject({ status: 200, broken: true })
  })

  it('contains nothing that the client sent: no body, token, email, name, path or query', async () => {
    const secrets = { email: 'sekret@example.org', name: 'Sekret Person', username: 'sekret', phone: '+33 1 70 18 55' }
    const user = await signedInPerson(admin, { ...secrets, password: 'a sekret passphrase', matricule: 987654321 })
    const sent: [string, Call][] = [
      ['/v1/auth/login', { json: { identifier: secrets.email, password: 'a sekret passphrase' } }],
      ['/v1/auth/login', { json: { identifier: secrets.email, password: 'a wrong sekret' } }],
      ['/v1/auth/refresh', { json: { refresh_token: user.refresh_token } }],
      ['/personnel/users/987654321', { token: admin }],
      ['/v1/users?search=sekret', { token: admin, headers: { 'x-sekret': 'sekret' } }],
      [`/v1/users/${user.id}`, { method: 'PATCH', token: admin, json: { phone: '+33 1 70 18 56' } }],
      ['/sekret/sekret@example.org', {}],
      ['/v1/users', { token: admin, json: { email: 'sekret' } }],
      ['/v1/users', { token: 'a-sekret-token' }],
    ]
    const all: string[] = []
    for (const [path, options] of sent) {
      await logged(path, options)
      all.push(...lines)
    }
    const hashes = await rows<{ hash: string }>('SELECT hash FROM refresh_tokens UNION SELECT password_hash FROM users')
    const text = all.join('\n')
    for (const secret of [/sekret/i, /987654321/, /70 18/, /@/, /eyJ/, /Bearer/, /passphrase/]) {
      expect(text).not.toMatch(secret)
    }
    for (const secret of [
      admin,
      user.access_token,
      user.refresh_token,
      firstAdmin.email,
      ...hashes.map((row) => row.hash),
    ]) {
      expect(text).not.toContain(secret)
    }
  })

  it('is not written when REQUEST_LOG is off', async () => {
    await call('/v1/me', { token: admin, env: { REQUEST_LOG: 'off' } })
    expect(lines).toEqual([])
    await call('/v1/me', { token: admin, env: { REQUEST_LOG: '' } })
    expect(lines).toHaveLength(1)
  })
})

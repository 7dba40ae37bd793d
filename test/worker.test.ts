/** What is not one contract's: configuration, hosts, what an answer cost, the documents, the index, a database that is away. */
import { describe, expect, it } from 'vitest'
import { operationsOf } from './support/conformance'
import { adminToken, call, firstAdmin, freshDirectory, openApi, person, testEnv } from './support/usher'

freshDirectory()

describe('configuration', () => {
  it.each([
    ['ACCESS_TOKEN_TTL_SECONDS', '0'],
    ['ACCESS_TOKEN_TTL_SECONDS', '15m'],
    ['PASSWORD_MIN_LENGTH', '7'],
    ['PASSWORD_ROUNDS', '0'],
    ['RATE_LIMIT', 'maybe'],
    ['SERVER_TIMING', 'true'],
    ['REQUEST_LOG', 'verbose'],
    ['AUDIT_RETENTION_DAYS', '0'],
    ['AUDIT_RETENTION_DAYS', '90d'],
    ['CONTRACT_HOSTS', '{'],
    ['CONTRACT_HOSTS', '["personnel"]'],
    ['CONTRACT_HOSTS', '{"people.example":"nothing"}'],
    ['CORS_ORIGINS', 'https://app.example/'],
    ['CORS_ORIGINS', '*'],
  ])('with %s=%s stops the Worker from serving, by the name of the variable', async (name, value) => {
    for (const path of ['/v1/me', '/health', '/doc', '/personnel/users/list']) {
      const { status, body, headers } = await call(path, { env: { [name]: value }, host: 'usher.example' })
      expect(status).toBe(503)
      expect(body.problems.join(' ')).toContain(name)
      expect(headers.get('retry-after')).toBe('60')
    }
  })
})

describe('a contract’s own host', () => {
  const env = { CONTRACT_HOSTS: '{"staff.example":"personnel","api.example":"v1"}' }

  it('answers the seed’s paths at its root', async () => {
    const token = await adminToken()
    expect((await call('/users/list', { host: 'staff.example', env, token })).status).toBe(200)
    expect((await call('/users/list', { host: 'STAFF.example:8787', env, token })).status).toBe(200)
    const form = { username: firstAdmin.email, password: firstAdmin.password }
    expect((await call('/token', { host: 'staff.example', env, form })).status).toBe(200)
  })

  it('answers v1 with and without its base path', async () => {
    const token = await adminToken()
    for (const path of ['/v1/users', '/users']) {
      expect((await call(path, { host: 'api.example', env, token })).status).toBe(200)
    }
  })

  it('answers health and its own document, and anything else with its own 404', async () => {
    expect((await call('/health', { host: 'staff.example', env })).status).toBe(200)
    const { status, body } = await call('/doc/personnel', { host: 'staff.example', env })
    expect([status, body.servers]).toEqual([200, [{ url: '/' }]])
    for (const path of ['/', '/doc', '/doc/v1', '/personnel/users/list', '/v1/users', '/docs']) {
      const { status, body } = await call(path, { host: 'staff.example', env })
      expect([path, status, body]).toEqual([path, 404, { detail: 'Not Found' }])
    }
  })

  it('changes nothing on any other host', async () => {
    expect((await call('/users/list', { host: 'other.example', env })).status).toBe(404)
    expect((await call('/personnel/users/list', { host: 'other.example', env })).status).toBe(401)
  })
})

describe('every answer', () => {
  it('says what it cost only where SERVER_TIMING is on', async () => {
    const token = await adminToken()
    expect((await call('/v1/me', { token })).headers.get('server-timing')).toMatch(
      /^d1;dur=[\d.]+;desc="trips=1 read=\d+ written=0"$/,
    )
    expect((await call('/v1/me', { token, env: { SERVER_TIMING: 'off' } })).headers.has('server-timing')).toBe(false)
  })
})

describe('the documents', () => {
  it('are one of everything and one a contract, whose server is its base path', async () => {
    const everything = await openApi()
    for (const name of ['personnel', 'v1']) {
      const { status, body } = await call(`/doc/${name}`)
      expect(status).toBe(200)
      expect(body.openapi).toBe('3.1.0')
      expect(body.servers).toEqual([{ url: `/${name}` }])
      const ids = operationsOf(body).map(({ operationId }) => operationId)
      expect(ids.length).toBeGreaterThan(0)
      expect(operationsOf(everything).filter(({ path }) => path.startsWith(`/${name}/`))).toHaveLength(ids.length)
      for (const { path } of operationsOf(body)) expect(path.startsWith(`/${name}/`)).toBe(false)
    }
  })

  it('name no schema that is not there', async () => {
    const document = await openApi()
    const names = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name)
    for (const name of new Set(names)) expect(Object.keys(document.components.schemas)).toContain(name)
  })
})

describe('the index', () => {
  it('is JSON for clients and a page for people', async () => {
    const { body } = await call('/')
    expect(body.contracts.map(({ base_path }: { base_path: string }) => base_path)).toContain('/personnel')
    const page = await call('/', { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } })
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(page.text).toContain('href="/doc/v1"')
  })
})

describe('a database that is away', () => {
  const broken = (message: string) => ({
    prepare: (sql: string) => testEnv.DB.prepare(sql),
    batch: () => Promise.reject(new Error(message)),
  })

  it('is 503 with Retry-After, in the contract’s words, and lets nobody in', async () => {
    const token = await adminToken()
    const env = { DB: broken('D1_ERROR: Network connection lost.') }
    for (const path of ['/v1/users', '/personnel/users/list', '/v1/me']) {
      const { status, headers, text } = await call(path, { token, env })
      expect(status).toBe(503)
      expect(headers.get('retry-after')).toBe('5')
      expect(text).not.toMatch(/D1|SQL|network/i)
    }
    expect((await call('/v1/users', { token, env, json: person() })).status).toBe(503)
    expect((await call('/health', { env })).status).toBe(503)
  })
})

/** What every answer shares: configuration, hosts, headers, limits, the documents and the index. */
import { describe, expect, it } from 'vitest'
import { operationsOf } from './support/conformance'
import { adminToken, call, firstAdmin, freshDirectory, openApi, person, testEnv } from './support/usher'

freshDirectory()

describe('configuration', () => {
  it.each([
    ['JWT_SECRET', undefined],
    ['JWT_SECRET', ''],
    ['JWT_SECRET', 'short'],
    ['JWT_SECRET', 'your-256-bit-secret-your-256-bit-secret'],
    ['JWT_SECRET', 'change-me-change-me-change-me-change-me'],
    ['JWT_SECRET', 'a-string-secret-at-least-256-bits-long'],
    ['JWT_SECRET', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
    ['JWT_SECRET_PREVIOUS', 'short'],
    ['ACCESS_TOKEN_TTL_SECONDS', '0'],
    ['ACCESS_TOKEN_TTL_SECONDS', '15m'],
    ['PASSWORD_MIN_LENGTH', '7'],
    ['PASSWORD_ROUNDS', '0'],
    ['RATE_LIMIT', 'maybe'],
    ['SERVER_TIMING', 'true'],
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
  it('carries the headers that keep browsers from doing harm, and an id of its own', async () => {
    const token = await adminToken()
    const answers = [
      await call('/v1/me', { token }),
      await call('/v1/me'),
      await call('/nowhere'),
      await call('/personnel/nowhere'),
      await call('/health'),
      await call('/'),
      await call('/doc'),
      await call('/v1/users', { method: 'PATCH', token }),
      await call('/health', { env: { JWT_SECRET: '' } }),
    ]
    for (const { headers } of answers) {
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/)
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    }
    expect(new Set(answers.map(({ headers }) => headers.get('x-request-id'))).size).toBe(answers.length)
  })

  it('is not to be stored, the documents excepted, which have an ETag', async () => {
    expect((await call('/v1/me')).headers.get('cache-control')).toBe('no-store')
    expect((await call('/health')).headers.get('cache-control')).toBe('no-store')
    const { headers } = await call('/doc/v1')
    expect(headers.get('cache-control')).not.toContain('no-store')
    const etag = String(headers.get('etag'))
    const again = await call('/doc/v1', { headers: { 'if-none-match': etag } })
    expect([again.status, again.text]).toEqual([304, ''])
  })

  it('says what it cost only where SERVER_TIMING is on', async () => {
    const token = await adminToken()
    expect((await call('/v1/me', { token })).headers.get('server-timing')).toMatch(
      /^d1;dur=[\d.]+;desc="trips=1 read=\d+ written=0"$/,
    )
    expect((await call('/v1/me', { token, env: { SERVER_TIMING: 'off' } })).headers.has('server-timing')).toBe(false)
  })
})

describe('other origins', () => {
  const origin = 'https://app.example'
  const preflight = {
    'access-control-request-method': 'PUT',
    'access-control-request-headers': 'if-match,authorization',
  }

  it('are shut out by default', async () => {
    const { headers } = await call('/v1/me', { headers: { origin } })
    expect(headers.has('access-control-allow-origin')).toBe(false)
    const asked = await call('/v1/users', { method: 'OPTIONS', headers: { origin, ...preflight } })
    expect(asked.headers.has('access-control-allow-origin')).toBe(false)
  })

  it('get bearer tokens and never cookies, if they are listed to the letter', async () => {
    const env = { CORS_ORIGINS: 'https://app.example, https://other.example' }
    const token = await adminToken()
    const { headers } = await call('/v1/me', { token, headers: { origin }, env })
    expect(headers.get('access-control-allow-origin')).toBe(origin)
    expect(headers.has('access-control-allow-credentials')).toBe(false)
    expect(headers.get('vary')).toContain('Origin')
    const asked = await call('/v1/users', { method: 'OPTIONS', headers: { origin, ...preflight }, env })
    expect(asked.status).toBe(204)
    expect(asked.headers.get('access-control-allow-headers')).toMatch(/if-match.*idempotency-key/i)
    for (const stranger of ['https://app.example.evil', 'http://app.example', 'null', 'https://APP.example']) {
      const answer = await call('/v1/me', { token, headers: { origin: stranger }, env })
      expect(answer.headers.has('access-control-allow-origin')).toBe(false)
      expect(answer.headers.get('vary')).toContain('Origin')
    }
  })
})

describe('rate limits', () => {
  /** Counts as the platform does, but in memory. */
  const limiter = (limit: number) => {
    const counts = new Map<string, number>()
    return {
      counts,
      limit: ({ key }: { key: string }) => {
        counts.set(key, (counts.get(key) ?? 0) + 1)
        return Promise.resolve({ success: (counts.get(key) ?? 0) <= limit })
      },
    }
  }

  it('count a principal by its user, an anonymous client by its address, and sign-ins apart', async () => {
    const token = await adminToken()
    const [PRINCIPAL_LIMITER, CLIENT_LIMITER, SIGN_IN_LIMITER] = [limiter(2), limiter(3), limiter(1)]
    const env = { RATE_LIMIT: 'on', PRINCIPAL_LIMITER, CLIENT_LIMITER, SIGN_IN_LIMITER }
    const from = (address: string) => ({ 'cf-connecting-ip': address, 'x-forwarded-for': '203.0.113.99' })
    const me = () => call('/v1/me', { token, env, headers: from('203.0.113.1') })
    expect([(await me()).status, (await me()).status]).toEqual([200, 200])
    const limited = await me()
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '60'])
    const json = { identifier: firstAdmin.email, password: firstAdmin.password }
    const login = (address: string) => call('/v1/auth/login', { json, env, headers: from(address) })
    expect((await login('2001:db8:1:2::7')).status).toBe(200)
    expect((await login('2001:0db8:0001:0002:ffff::')).status).toBe(429)
    expect((await login('2001:db8:1:3::7')).status).toBe(200)
    expect([...SIGN_IN_LIMITER.counts.keys()]).toEqual(['2001:db8:1:2', '2001:db8:1:3'])
    for (const status of [401, 401, 401, 429]) {
      expect((await call('/v1/me', { env, headers: from('203.0.113.5') })).status).toBe(status)
    }
  })

  it('are really bound: the platform’s own limiter ends at twenty sign-ins a minute', async () => {
    const headers = { 'cf-connecting-ip': '198.51.100.7' }
    const json = { identifier: 'nobody', password: 'nothing at all' }
    const statuses = new Set<number>()
    let hashed = 0
    for (let tried = 0; tried < 25; tried += 1) {
      const answer = await call('/v1/auth/login', {
        json: { ...json, identifier: `nobody${tried}` },
        headers,
        env: { RATE_LIMIT: 'on' },
      })
      statuses.add(answer.status)
      if (answer.status === 401) hashed += 1
    }
    expect(statuses).toEqual(new Set([401, 429]))
    expect(hashed).toBe(20)
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
    expect(page.text).not.toContain('<script')
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

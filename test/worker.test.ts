/**
 * Everything that belongs to no single contract: configuration, hosts, cost headers, the documents, the index, an
 * unavailable database.
 */
import { describe, expect, it } from 'vitest'
import { contracts } from '../src/contracts'
import { operationsOf } from './support/conformance'
import { adminToken, call, firstAdmin, freshDirectory, openApi, person, testEnv } from './support/usher'

freshDirectory()

describe('a configuration', () => {
  it.each([
    ['ACCESS_TOKEN_TTL_SECONDS', '0'],
    ['ACCESS_TOKEN_TTL_SECONDS', '15m'],
    ['PASSWORD_MIN_LENGTH', '7'],
    ['PASSWORD_ROUNDS', '0'],
    ['SESSION_MAX_DAYS', '0'],
    ['SESSION_MAX_DAYS', '90 days'],
    ['RATE_LIMIT', 'maybe'],
    ['SERVER_TIMING', 'true'],
    ['REQUEST_LOG', 'verbose'],
    ['AUDIT_RETENTION_DAYS', '0'],
    ['AUDIT_RETENTION_DAYS', '90d'],
    ...[
      ...['{', '[]', '{"nothing":{"sunset":"2027-01-31"}}', '{"clinic":{}}', '{"clinic":"2027-01-31"}'],
      ...['{"clinic":{"deprecated":"2027-02-30"}}', '{"clinic":{"sunset":"31.01.2027"}}', '{"clinic":{"sunset":1}}'],
      '{"clinic":{"sunset":"2027-01-31T00:00:00Z"}}',
      '{"clinic":{"deprecated":"2027-02-01","sunset":"2027-01-31"}}',
      ...['{"clinic":{"link":"javascript:alert(1)"}}', '{"clinic":{"link":"https://"}}', '{"clinic":{"link":7}}'],
      ...['{"clinic":{"sunsett":"2027-01-31"}}', '{"clinic":{"brown_outs":{}}}', '{"clinic":{"brown_outs":[7]}}'],
      '{"clinic":{"brown_outs":[{"from":"2027-01-31T10:00:00Z"}]}}',
      '{"clinic":{"brown_outs":[{"from":"2027-01-31T10:00:00","minutes":5}]}}',
      '{"clinic":{"brown_outs":[{"from":"2027-01-31T10:00:00+01:00","minutes":5}]}}',
      '{"clinic":{"brown_outs":[{"from":"2027-02-30T10:00:00Z","minutes":5}]}}',
      '{"clinic":{"brown_outs":[{"from":"2027-01-31T10:00:00Z","minutes":0}]}}',
      '{"clinic":{"brown_outs":[{"from":"2027-01-31T10:00:00Z","minutes":1.5}]}}',
      '{"clinic":{"brown_outs":[{"from":"2027-01-31T10:00:00Z","minutes":5,"until":1}]}}',
    ].map((value) => ['RETIREMENTS', value] as [string, string]),
    ['USAGE', 'yes'],
    ['USAGE_RETENTION_DAYS', '0'],
    ['USAGE_RETENTION_DAYS', '400 days'],
    ['CONTRACT_HOSTS', '{'],
    ['CONTRACT_HOSTS', '["personnel"]'],
    ['CONTRACT_HOSTS', '{"people.example":"nothing"}'],
    ['CONTRACT_HOSTS', '{"people.example":7}'],
    ...[
      ...[
        '',
        ' ',
        '.',
        'people.example/',
        '/',
        'https://people.example',
        'people.example/v1',
        'people.example?x',
        'people.example#x',
      ],
      ...[
        'user@people.example',
        ' people.example',
        'people.example ',
        'people example',
        '*.example',
        'people..example',
        '.people.example',
      ],
      ...[
        'people.example..',
        'people.example:port',
        'people.example:99999',
        'ex%61mple.org',
        'people\\\\example',
        '-people.example',
      ],
      ...['1.2.3.4.5', '[::1', 'a,b.example'],
    ].map((name) => ['CONTRACT_HOSTS', `{"staff.example":"v1","${name}":"personnel"}`] as [string, string]),
    ...[
      ['people.example', 'people.example.'],
      ['people.example', 'PEOPLE.example:8787'],
      ['bücher.example', 'xn--bcher-kva.example'],
      ['127.0.0.1', '127.1:80'],
    ].map(([one, other]) => ['CONTRACT_HOSTS', `{"${one}":"personnel","${other}":"v1"}`] as [string, string]),
    ['CORS_ORIGINS', 'https://app.example/'],
    ['CORS_ORIGINS', '*'],
  ])('with %s=%s stops the Worker from serving, and the error names the variable', async (name, value) => {
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

  it('is not served while another host names an unknown contract', async () => {
    const wrong = { CONTRACT_HOSTS: '{"staff.example":"personnel","people.example":"nothing"}' }
    expect((await call('/users/list', { host: 'staff.example', env: wrong })).status).toBe(503)
    expect((await call('/users/list', { host: 'staff.example', env })).status).toBe(401)
  })

  it('serves the original API’s paths at its root', async () => {
    const token = await adminToken()
    expect((await call('/users/list', { host: 'staff.example', env, token })).status).toBe(200)
    expect((await call('/users/list', { host: 'STAFF.example:8787', env, token })).status).toBe(200)
    const form = { username: firstAdmin.email, password: firstAdmin.password }
    expect((await call('/token', { host: 'staff.example', env, form })).status).toBe(200)
  })

  it('serves v1 with and without its base path', async () => {
    const token = await adminToken()
    for (const path of ['/v1/users', '/users']) {
      expect((await call(path, { host: 'api.example', env, token })).status).toBe(200)
    }
  })

  it('serves health and its own document, and the contract’s own 404 for anything else', async () => {
    expect((await call('/health', { host: 'staff.example', env })).status).toBe(200)
    const { status, body } = await call('/doc/personnel', { host: 'staff.example', env })
    expect([status, body.servers]).toEqual([200, [{ url: '/' }]])
    for (const path of [
      '/',
      '/doc',
      '/doc/v1',
      '/personnel/users/list',
      '/v1/users',
      '/docs',
      '/docs/personnel',
      '/assets/docs.js',
    ]) {
      const { status, body } = await call(path, { host: 'staff.example', env })
      expect([path, status, body]).toEqual([path, 404, { detail: 'Not Found' }])
    }
  })

  it.each([
    ['people.example:8787', ['people.example', 'people.example:8787', 'people.example:9000', 'people.example.']],
    ['people.example.', ['people.example', 'people.example.', 'people.example.:8787', 'PEOPLE.EXAMPLE.']],
    ['PEOPLE.Example', ['people.example', 'people.example.']],
    ['bücher.example', ['bücher.example', 'xn--bcher-kva.example', 'xn--bcher-kva.example.', 'BÜCHER.example:8787']],
    ['xn--bcher-kva.example.', ['bücher.example', 'xn--bcher-kva.example']],
    ['BU\u0308CHER.example.:443', ['bücher.example']],
    ['localhost:8787', ['localhost', 'localhost:8787', 'localhost.:8787']],
    ['127.0.0.1:8787', ['127.0.0.1', '127.1:8787']],
    ['[::1]:8787', ['[::1]', '[0:0::1]:8787']],
    ['under_score.example', ['under_score.example']],
  ])('may be configured in any spelling: %s', async (name, hosts) => {
    const env = { CONTRACT_HOSTS: JSON.stringify({ 'api.example': 'v1', [name]: 'personnel' }) }
    for (const host of hosts) {
      for (const [path, status] of [
        ['/users/list', 401],
        ['/personnel/users/list', 404],
        ['/v1/me', 404],
        ['/rbac/api/v1/users', 404],
        ['/docs', 404],
        ['/doc/personnel', 200],
      ] as const) {
        expect([host, path, (await call(path, { host, env })).status]).toEqual([host, path, status])
      }
    }
    expect((await call('/v1/me', { host: 'other.example', env })).status).toBe(401)
  })

  it('may be configured twice for the same contract', async () => {
    const env = { CONTRACT_HOSTS: '{"people.example":"personnel","people.example.":"personnel"}' }
    expect((await call('/users/list', { host: 'people.example', env })).status).toBe(401)
  })

  it('changes nothing on any other host', async () => {
    expect((await call('/users/list', { host: 'other.example', env })).status).toBe(404)
    expect((await call('/personnel/users/list', { host: 'other.example', env })).status).toBe(401)
  })
})

describe('every response', () => {
  it('reports its cost only when SERVER_TIMING is on', async () => {
    const token = await adminToken()
    await call('/v1/me', { token })
    expect((await call('/v1/me', { token })).headers.get('server-timing')).toMatch(
      /^d1;dur=[\d.]+;desc="trips=1 read=\d+ written=0"$/,
    )
    expect((await call('/v1/me', { token, env: { SERVER_TIMING: 'off' } })).headers.has('server-timing')).toBe(false)
  })
})

describe('the OpenAPI documents', () => {
  it('are one for all contracts and one for each contract, whose server is the base path', async () => {
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

  it('refer only to existing schemas', async () => {
    const document = await openApi()
    const names = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name)
    for (const name of new Set(names)) expect(Object.keys(document.components.schemas)).toContain(name)
  })
})

describe('the index', () => {
  const accept = 'text/html,application/xhtml+xml,*/*;q=0.8'

  it('is JSON for clients, with links to the document and the reference of each contract', async () => {
    const { body } = await call('/')
    expect([body.document, body.docs, body.health]).toEqual(['/doc', '/docs', '/health'])
    expect(body.contracts.map(({ name }: { name: string }) => name)).toEqual(contracts.map(({ name }) => name))
    for (const { name, ...paths } of body.contracts) {
      expect(paths).toMatchObject({ base_path: `/${name}`, document: `/doc/${name}`, docs: `/docs/${name}` })
    }
  })

  it('is an HTML page for browsers, and every link on it works', async () => {
    const { text, headers } = await call('/', { headers: { accept } })
    expect(headers.get('content-type')).toContain('text/html')
    const links = [...text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link]) => link as string)
    const expected = ['/docs', '/doc', '/health', ...contracts.flatMap(({ name }) => [`/docs/${name}`, `/doc/${name}`])]
    expect(links).toEqual(expect.arrayContaining(expected))
    for (const link of new Set(links)) expect([link, (await call(link)).status]).toEqual([link, 200])
    for (const { title, description } of contracts) {
      expect(text).toContain(title)
      expect(text).toContain(description)
    }
  })

  it('explains how to sign in at the requested address, and escapes markup in that address', async () => {
    const at = (host: string, scheme?: 'http') => call('/', { headers: { accept }, host, ...(scheme && { scheme }) })
    expect((await at('people.example')).text).toContain('curl -s https://people.example/v1/auth/login ')
    expect((await at('localhost:9000', 'http')).text).toContain('curl -s http://localhost:9000/v1/auth/login ')
    const printed = [...(await at('people.example')).text.matchAll(/<code>(curl[^]*?)<\/code>/g)]
    expect(printed).toHaveLength(2)
    for (const [, line] of printed) expect(line).toMatch(/ -w &#39;\\n&#39;$/)
    expect((await at('a"b&c.example')).text).toContain('https://a&quot;b&amp;c.example/v1')
  })
})

describe('the interactive reference', () => {
  const references = contracts.map(({ name }) => `/docs/${name}`)
  const pages = ['/docs', ...references]

  it.each(references)(
    'has a page with an entry for each contract, without a trip to the database: %s',
    async (path) => {
      const { status, headers, text, cost } = await call(path)
      expect([status, headers.get('content-type'), cost.trips]).toEqual([200, 'text/html; charset=UTF-8', 0])
      const shown = path.replace('/docs/', '')
      expect(text).toContain(`data-document="/doc/${shown}"`)
      expect(/href="([^"]+)"[^>]*aria-current="page"/.exec(text)?.[1]).toBe(`/docs/${shown}`)
      for (const { name } of contracts) expect(text).toContain(`href="/docs/${name}"`)
      for (const [, file] of text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)) {
        expect([file, (await call(file as string)).status]).toEqual([file, 200])
      }
    },
  )

  it('has an index at /docs with links to the reference and the document of each contract', async () => {
    const { status, headers, text, cost } = await call('/docs')
    expect([status, headers.get('content-type'), cost.trips]).toEqual([200, 'text/html; charset=UTF-8', 0])
    for (const { name } of contracts) {
      expect(text).toContain(`href="/docs/${name}"`)
      expect(text).toContain(`href="/doc/${name}"`)
    }
    expect(text).not.toMatch(/<script|aria-current/)
  })

  it.each([
    ['/docs/', '/docs'],
    ['/doc/', '/doc'],
    ['/openapi.json', '/doc'],
    ['/favicon.ico', '/assets/icon.svg'],
    ...contracts.flatMap(({ name }) => ['doc', 'docs'].map((kind) => [`/${kind}/${name}/`, `/${kind}/${name}`])),
  ] as [string, string][])('leads from %s to %s', async (path, target) => {
    const { status, headers } = await call(path)
    expect([status, headers.get('location')]).toEqual([308, target])
    expect((await call(target)).status).toBe(200)
  })

  it.each([
    ['/assets/docs.js', 'text/javascript; charset=utf-8'],
    ['/assets/docs.css', 'text/css; charset=utf-8'],
    ['/assets/icon.svg', 'image/svg+xml'],
    ['/assets/swagger-ui/swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
    ['/assets/swagger-ui/swagger-ui.css', 'text/css; charset=utf-8'],
  ])('has files with their content types, without a trip to the database: %s', async (path, type) => {
    const { status, headers, text, cost } = await call(path)
    expect([status, headers.get('content-type'), cost.trips]).toEqual([200, type, 0])
    expect(text.length).toBeGreaterThan(100)
  })

  it.each([...pages, '/assets/docs.js'])(
    'is not sent again to a client that has it, and HEAD sends no body: %s',
    async (path) => {
      const { headers } = await call(path)
      const etag = String(headers.get('etag'))
      const again = await call(path, { headers: { 'if-none-match': etag } })
      expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag])
      expect((await call(path, { headers: { 'if-none-match': '"another"' } })).status).toBe(200)
      const head = await call(path, { method: 'HEAD' })
      expect([head.status, head.text, head.headers.get('etag')]).toEqual([200, '', etag])
      expect(head.headers.get('content-type')).toBe(headers.get('content-type'))
    },
  )

  it.each([...pages, '/assets/docs.js'])('is read-only: %s', async (path) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const { status, headers } = await call(path, { method })
      expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    }
  })

  it.each([
    ...['/docs/nothing', '/docs/v1/nothing', '/docs.js', '/icon.svg', '/swagger-ui/swagger-ui.css', '/assets'],
    ...['/assets/', '/assets/nothing.js', '/assets/swagger-ui', '/assets/..%2fwrangler.toml'],
    '/assets/https://elsewhere.example/',
  ])('is served at no other path: %s', async (path) => {
    const { status, body } = await call(path)
    expect([status, body]).toEqual([404, { error: 'not_found' }])
  })
})

describe('an unavailable database', () => {
  const broken = (message: string) => ({
    prepare: (sql: string) => testEnv.DB.prepare(sql),
    batch: () => Promise.reject(new Error(message)),
  })

  it('returns 503 with Retry-After, in the contract’s words, and refuses every credential', async () => {
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

/** Browser security of every response: pages of other origins must not read, frame or store personal data. */
import { beforeAll, describe, expect, it } from 'vitest'
import { contracts, type Ask } from '../contracts'
import { operations } from '../support/requests'
import {
  adminToken,
  call,
  fetchWorker,
  newDatabase,
  signedInPerson,
  testEnv,
  type Answer,
  type Call,
} from '../support/usher'

const named = operations.map((operation) => [operation.operationId, operation] as const)

type Person = Awaited<ReturnType<typeof signedInPerson>>

let admin: string
let plain: Person
let user: Person

beforeAll(async () => {
  await newDatabase()
  admin = await adminToken()
  plain = await signedInPerson(admin)
  user = await signedInPerson(admin)
})

const over = { limit: () => Promise.resolve({ success: false }) }
const limited = {
  RATE_LIMIT: 'on',
  PRINCIPAL_LIMITER: over,
  PROVISIONING_LIMITER: over,
  CLIENT_LIMITER: over,
  SIGN_IN_LIMITER: over,
}
const away = {
  DB: { prepare: (sql: string) => testEnv.DB.prepare(sql), batch: () => Promise.reject(new Error('away')) },
}

/** An error of the Worker itself, not of a contract. The host keeps it from being checked against the document. */
const unserved: Call = { env: { JWT_SECRET: '' }, host: 'usher.example' }

const ask = ({ path, ...options }: Ask, as: Call = {}) => call(path, { ...options, ...as })

/** The responses of an operation to every kind of faulty request, and finally a successful one. */
async function answersOf({
  method,
  request,
  requestBody,
  path,
  access,
}: (typeof operations)[number]): Promise<Answer[]> {
  const boss = await signedInPerson(admin, { role: 'admin' })
  const made = await request({ admin, one: await signedInPerson(admin), untouched: true })
  const unfit = { token: admin, json: undefined, form: undefined }
  const answers = [
    await ask(made),
    await ask(made, { token: 'nonsense' }),
    await ask(made, { token: plain.access_token }),
    await ask(made, { token: admin, env: limited }),
    await ask(made, { token: admin, env: away }),
    await ask(made, { token: admin, method: 'PURGE' }),
    ...(requestBody ? [await ask(made, { ...unfit, body: '{' })] : []),
    ...(requestBody ? [await ask(made, { ...unfit, body: 'x'.repeat(65_537) })] : []),
    ...(path.includes('{') ? [await call(path.replace(/\{.+?\}/g, 'nobody'), { method, token: admin })] : []),
    ...(method === 'GET' && !access.writes ? [await ask(made, { token: boss.access_token, method: 'HEAD' })] : []),
    // An operation about a named user may be forbidden for the caller's own account.
    await ask(await request({ admin, one: boss, untouched: true }), {
      token: path.includes('{') ? admin : boss.access_token,
    }),
  ]
  expect(answers.at(-1)?.status).toBeLessThan(300)
  return answers
}

function expectCommonHeaders({ headers }: Pick<Answer, 'headers'>): void {
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/)
  expect(headers.get('referrer-policy')).toBe('no-referrer')
  expect(headers.get('x-request-id')).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  const policy = String(headers.get('content-security-policy')).split('; ')
  for (const nothing of ['default-src', 'frame-ancestors', 'base-uri', 'form-action']) {
    expect(policy).toContain(`${nothing} 'none'`)
  }
  expect(policy.filter((directive) => /unsafe|\*|https?:/.test(directive))).toEqual([])
  expect(headers.has('access-control-allow-origin')).toBe(false)
  expect(headers.has('server')).toBe(false)
  expect(headers.has('x-powered-by')).toBe(false)
}

describe.each(named)('every response of %s', (_, operation) => {
  it('carries the security headers, is JSON or empty, and must not be stored', async () => {
    const answers = await answersOf(operation)
    expect(new Set(answers.map(({ status }) => status)).size).toBeGreaterThan(3)
    for (const answer of answers) {
      expectCommonHeaders(answer)
      expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'/)
      expect(answer.headers.get('cache-control')).toBe('no-store')
      if (answer.text !== '')
        expect(answer.headers.get('content-type')).toMatch(/^application\/(((problem|scim)\+)?json|x-ndjson)$/)
    }
    expect(new Set(answers.map(({ headers }) => headers.get('x-request-id'))).size).toBe(answers.length)
  })
})

const documents = ['/doc', ...contracts.map(([name]) => `/doc/${name}`)]
const kept = [...documents, ...documents.map((path) => path.replace('/doc', '/docs')), '/assets/docs.js']

describe('every response outside the operations', () => {
  it.each<[what: string, path: string, as: Call]>([
    ['the index', '/', {}],
    ['the page of the index', '/', { headers: { accept: 'text/html' } }],
    ['the health', '/health', {}],
    ['the health without a database', '/health', { env: away }],
    ['the health over the limit', '/health', { env: limited }],
    ['an unknown path', '/nowhere', {}],
    ['an unknown method', '/health', { method: 'PURGE' }],
    ['a refusal to serve', '/', unserved],
    ['a user as the client has them', '/v1/me', { headers: { 'if-none-match': '*' } }],
    ...contracts.flatMap(([name, acts]): [string, string, Call][] => [
      [`a path ${name} does not have`, `/${name}/nowhere`, {}],
      [`a refusal to serve ${name}`, acts.list().path, unserved],
    ]),
  ])('carries the security headers, and must not be stored: %s', async (_, path, as) => {
    const answer = await call(path, { token: admin, ...as })
    expectCommonHeaders(answer)
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  it.each(kept)('carries the security headers, and may be cached with revalidation: %s', async (path) => {
    const answer = await call(path)
    expectCommonHeaders(answer)
    expect(answer.headers.get('cache-control')).toBe('public, no-cache')
    const etag = String(answer.headers.get('etag'))
    const again = await call(path, { headers: { 'if-none-match': etag } })
    expectCommonHeaders(again)
    expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag])
  })

  it('is the same document, page or file for every client', async () => {
    for (const path of kept) expect((await call(path, { token: admin })).text).toBe((await call(path)).text)
  })

  it('is a page without scripts, whose style is allowed by its policy', async () => {
    const { text, headers } = await call('/', { headers: { accept: 'text/html' } })
    expect(text).not.toMatch(/<script|<iframe|<form|\son\w+=|javascript:/i)
    const [, style = ''] = /<style>([^]*)<\/style>/.exec(text) ?? []
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style))
    const hash = btoa(String.fromCharCode(...new Uint8Array(digest)))
    expect(headers.get('content-security-policy')).toContain(`style-src 'sha256-${hash}'`)
    expect(headers.get('vary')).toContain('Accept')
  })

  it('runs only the Worker’s own files in the reference, with no inline style or script', async () => {
    for (const path of kept.filter((user) => user.startsWith('/docs'))) {
      const { text, headers } = await call(path)
      expect(text).not.toMatch(
        /<script(?![^>]* src="\/assets\/)|<style|\sstyle=|\son\w+=|javascript:|(src|href)="(?!\/)/i,
      )
      const policy = String(headers.get('content-security-policy')).split('; ')
      expect(policy).toEqual(expect.arrayContaining(["script-src 'self'", "style-src 'self'", "connect-src 'self'"]))
    }
  })

  it('sends the headers before the body of a stream', async () => {
    for (const [, acts] of contracts) {
      const { path, ...options } = acts.list()
      const response = await fetchWorker(path, { ...options, token: admin })
      expectCommonHeaders(response)
      expect(response.headers.get('cache-control')).toBe('no-store')
      await response.body?.cancel()
    }
  })
})

describe('another origin', () => {
  const origin = 'https://app.example'
  const listed = { CORS_ORIGINS: 'https://app.example, https://other.example' }
  const ownHeaders = ['authorization', 'content-type', 'if-match', 'if-none-match', 'idempotency-key']
  /** Headers that frameworks, tracers and error reporters add to each request of a page. */
  const frameworkHeaders = [
    ...['x-requested-with', 'x-request-id', 'x-csrf-token', 'x-xsrf-token', 'cache-control'],
    ...['traceparent', 'tracestate', 'baggage', 'sentry-trace'],
  ]
  const preflight = (path: string, method: string, from: string, env?: Call['env']) =>
    call(path, {
      method: 'OPTIONS',
      headers: {
        origin: from,
        'access-control-request-method': method,
        'access-control-request-headers': [...ownHeaders, ...frameworkHeaders].sort().join(','),
      },
      ...(env && { env }),
    })
  const listOf = ({ headers }: Answer, name: string) => headers.get(name)?.toLowerCase().split(',') ?? []
  const allowances = ({ headers }: Answer) => [...headers.keys()].filter((name) => name.startsWith('access-control-'))

  /** Requests that a page sends with a token: one for each kind of response. */
  const asks = contracts.flatMap(([, acts]): ((as: Call) => Promise<Answer>)[] => [
    (as) => ask(acts.list(), { ...as, token: admin }),
    (as) => ask(acts.list(), { ...as, token: plain.access_token }),
    (as) => ask(acts.list(), { ...as, token: 'nonsense' }),
    (as) => ask({ path: `${acts.list().path}/nowhere` }, { ...as, token: admin }),
    (as) => ask(acts.list(), { ...as, token: admin, env: { ...as.env, ...limited } }),
    (as) => ask(acts.list(), { ...as, token: admin, env: { ...as.env, ...away } }),
  ])

  it.each(named)('gets no preflight for %s, unless it is listed', async (_, { method, request }) => {
    const { path } = await request({ admin, one: user, untouched: true })
    for (const stranger of [origin, 'null', 'https://usher.example']) {
      expect(allowances(await preflight(path, method, stranger))).toEqual([])
    }
    const answer = await preflight(path, method, origin, listed)
    const { status, headers } = answer
    expect([status, headers.get('access-control-allow-origin')]).toEqual([204, origin])
    expect(headers.get('access-control-allow-methods')?.split(',')).toContain(method)
    expect(listOf(answer, 'access-control-allow-headers')).toEqual(
      expect.arrayContaining([...ownHeaders, ...frameworkHeaders]),
    )
    expect(headers.has('access-control-allow-credentials')).toBe(false)
    expect(headers.get('vary')).toContain('Origin')
  })

  it.each(['/', '/health', ...documents, ...contracts.map(([name]) => `/${name}/nowhere`)])(
    'that is listed may send the headers of frameworks and tracers to %s, and no header that it does not need',
    async (path) => {
      const answer = await preflight(path, 'GET', origin, listed)
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([204, origin])
      expect(listOf(answer, 'access-control-allow-headers').sort()).toEqual([...ownHeaders, ...frameworkHeaders].sort())
      expect(allowances(await preflight(path, 'GET', 'https://stranger.example', listed))).toEqual([])
    },
  )

  it('can read no response by default', async () => {
    for (const asking of asks) expect(allowances(await asking({ headers: { origin } }))).toEqual([])
  })

  it('that is listed can read every response, refusals included, with tokens and never with cookies', async () => {
    for (const asking of asks) {
      const answer = await asking({ headers: { origin, 'x-requested-with': 'XMLHttpRequest' }, env: listed })
      const { headers } = answer
      expect(headers.get('access-control-allow-origin')).toBe(origin)
      expect(listOf(answer, 'access-control-expose-headers')).toEqual(expect.arrayContaining(['etag', 'x-request-id']))
      expect(headers.has('access-control-allow-credentials')).toBe(false)
      expect(headers.get('vary')).toContain('Origin')
    }
  })

  it.each([
    'https://app.example.evil.example',
    'https://evil.example/https://app.example',
    'http://app.example',
    'https://app.example:8443',
    'https://APP.example',
    'https://app.example/',
    'https://sub.app.example',
    'https://app.example, https://other.example',
    'null',
    '',
  ])('that is not listed exactly can read nothing: %s', async (stranger) => {
    for (const asking of asks) {
      const answer = await asking({ headers: { origin: stranger }, env: listed })
      expect(allowances(answer)).toEqual([])
      expect(answer.headers.get('vary')).toContain('Origin')
    }
    expect(allowances(await preflight('/v1/users', 'POST', stranger, listed))).toEqual([])
  })
})

/** The retirement of a contract: its announcement to clients, its pauses and its end. Other contracts are not affected. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { contracts, type Ask } from './contracts'
import { operationsOf, type OpenApi } from './support/conformance'
import { adminToken, fetchWorker, firstAdmin, freshDirectory, rows, type Call } from './support/usher'

freshDirectory()

let admin: string
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2027-01-10T09:20:00Z') })
  admin = await adminToken()
})
afterEach(() => void vi.useRealTimers())

const at = (time: string) => vi.setSystemTime(Date.parse(time))

const retirement = {
  deprecated: '2027-01-01',
  sunset: '2027-06-30',
  link: 'https://example.org/moving?from=old#how',
  brown_outs: [
    { from: '2027-03-01T10:00:00Z', minutes: 30 },
    { from: '2027-03-01T10:20:00Z', minutes: 20 },
  ],
}
const retiring = (name: string, what: object = retirement) => ({ RETIREMENTS: JSON.stringify({ [name]: what }) })

/** The response is not checked against the document, because the document has another configuration. */
async function ask(path: string, options: Call = {}) {
  const response = await fetchWorker(path, options)
  const text = await response.text()
  const json = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, body: json && text ? JSON.parse(text) : undefined, text }
}
const asking = ({ path, ...request }: Ask, more: Call) => ask(path, { ...request, ...more })

const retirementHeaders = (headers: Headers) => ['deprecation', 'sunset', 'link'].map((name) => headers.get(name))
const everything = [
  '@1798761600',
  'Wed, 30 Jun 2027 00:00:00 GMT',
  '<https://example.org/moving?from=old#how>; rel="deprecation"',
]

describe.each(contracts)('%s', (name, { list, session }) => {
  const others = contracts.filter(([other]) => other !== name)

  it('states its retirement in headers on every response: a success, a failure, an unknown path or method, a sign-in', async () => {
    const env = retiring(name)
    const { path } = list()
    const responses = [
      await ask(path, { token: admin, env }),
      await ask(path, { env }),
      await ask(`/${name}/nowhere`, { token: admin, env }),
      await ask(path, { method: 'TRACE', env }).catch(() => undefined),
      await ask(path, { method: 'DELETE', token: admin, env }),
      ...(session
        ? [
            await asking(session.signIn(firstAdmin.email, firstAdmin.password), { env }),
            await asking(session.signIn(firstAdmin.email, 'not the password'), { env }),
          ]
        : []),
    ].filter((response) => response !== undefined)
    expect(responses.map(({ status }) => status).slice(0, 3)).toEqual([200, 401, 404])
    for (const { headers } of responses) expect(retirementHeaders(headers)).toEqual(everything)
  })

  it('adds no header to the responses of other contracts, or when no contract is retired', async () => {
    for (const [, other] of others) {
      expect(retirementHeaders((await ask(other.list().path, { token: admin, env: retiring(name) })).headers)).toEqual([
        null,
        null,
        null,
      ])
    }
    expect(retirementHeaders((await ask(list().path, { token: admin })).headers)).toEqual([null, null, null])
  })

  it('returns 503 in its own format during a brown-out, for sign-ins too', async () => {
    const env = retiring(name)
    const status = async (time: string) => {
      at(time)
      return (await ask(list().path, { env })).status
    }
    expect(await status('2027-03-01T09:59:59Z')).toBe(401)
    at('2027-03-01T10:10:00Z')
    const asks = [list(), ...(session ? [session.signIn(firstAdmin.email, firstAdmin.password)] : [])]
    const before = await rows('SELECT * FROM audit_events')
    for (const request of asks) {
      const { status, headers, body } = await asking(request, { token: admin, env })
      expect([status, headers.get('retry-after'), typeof body]).toEqual([503, '1200', 'object'])
      expect(retirementHeaders(headers)).toEqual(everything)
    }
    expect(await rows('SELECT * FROM audit_events')).toEqual(before)
    for (const [, other] of others) expect((await ask(other.list().path, { env })).status).toBe(401)
    expect((await ask('/health', { env })).status).toBe(200)
    expect(await status('2027-03-01T10:29:59Z')).toBe(503)
    expect(await status('2027-03-01T10:39:59Z')).toBe(503)
    expect(await status('2027-03-01T10:40:00Z')).toBe(401)
  })

  it('returns 410 in its own format from the sunset on, for sign-ins too, and on its own host', async () => {
    const env = { ...retiring(name), CONTRACT_HOSTS: JSON.stringify({ 'old.example': name }) }
    at('2027-06-29T23:59:59Z')
    expect((await ask(list().path, { env })).status).toBe(401)
    at('2027-06-30T00:00:00Z')
    const asks = [list(), ...(session ? [session.signIn(firstAdmin.email, firstAdmin.password)] : [])]
    for (const request of asks) {
      for (const host of ['usher.example', 'old.example']) {
        const { status, headers, body } = await asking(request, { token: admin, env, host })
        expect([host, status]).toEqual([host, 410])
        expect(JSON.stringify(body)).toMatch(/retired|retiré/)
        expect(retirementHeaders(headers)).toEqual(everything)
      }
    }
    for (const [, other] of others) expect((await ask(other.list().path, { env })).status).toBe(401)
    expect((await ask(`/doc/${name}`, { env })).status).toBe(200)
  })

  it('is marked in its document, in the document of all contracts and in the reference', async () => {
    const env = retiring(name)
    const sentence = 'Deprecated from 2027-01-01. Ends on 2027-06-30: from then on every response is 410.'
    const own = (await ask(`/doc/${name}`, { env })).body as OpenApi & { info: { description: string } }
    expect(own.info.description).toContain(sentence)
    for (const operation of operationsOf(own) as { deprecated?: boolean; responses: object }[]) {
      expect([operation.deprecated, '410' in operation.responses]).toEqual([true, true])
    }
    const all = operationsOf((await ask('/doc', { env })).body) as { path: string; deprecated?: boolean }[]
    for (const { path, deprecated } of all) {
      expect([path, deprecated === true]).toEqual([path, path.startsWith(`/${name}/`)])
    }
    for (const page of ['/docs', `/docs/${name}`]) {
      const { text } = await ask(page, { env, headers: { accept: 'text/html' } })
      expect(text.split(sentence)).toHaveLength(2)
      expect(text).toContain('See <a href="https://example.org/moving?from=old#how">')
      expect((await ask(page)).text).not.toContain('Deprecated')
    }
    expect(JSON.stringify((await ask('/doc')).body)).not.toContain('"deprecated":true')
  })
})

describe('a retirement', () => {
  it('may have any of its parts, each part in its own header', async () => {
    const headersFor = async (what: object) =>
      retirementHeaders((await ask('/clinic/users/user/search/', { env: retiring('clinic', what) })).headers)
    expect(await headersFor({ deprecated: '2027-12-31' })).toEqual(['@1830211200', null, null])
    expect(await headersFor({ sunset: '2027-06-30' })).toEqual([null, everything[1], null])
    expect(await headersFor({ link: retirement.link })).toEqual([null, null, everything[2]])
    expect(await headersFor({ brown_outs: [] })).toEqual([null, null, null])
  })

  it('has a link that cannot end its header early', async () => {
    const env = retiring('clinic', { link: 'https://example.org/a b"<>\u00e9' })
    const { headers } = await ask('/clinic/users/user/search/', { env })
    expect(headers.get('link')).toBe('<https://example.org/a%20b%22%3C%3E%C3%A9>; rel="deprecation"')
  })

  it('is listed in the diagnostics', async () => {
    const { body } = await ask('/v1/diagnostics', { token: admin, env: retiring('clinic') })
    expect(body.retirements).toEqual([
      {
        contract: 'clinic',
        deprecated: '2027-01-01T00:00:00Z',
        sunset: '2027-06-30T00:00:00Z',
        brown_outs: [
          { from: '2027-03-01T10:00:00Z', until: '2027-03-01T10:30:00Z' },
          { from: '2027-03-01T10:20:00Z', until: '2027-03-01T10:40:00Z' },
        ],
      },
    ])
  })
})

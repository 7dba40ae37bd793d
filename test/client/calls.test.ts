/** The typed client against the Worker: every operation of the document, its session, and its errors. */
import { describe, expect, it, vi } from 'vitest'
import {
  createClient,
  every,
  ProblemError,
  UnexpectedAnswer,
  type Client,
  type Settings,
  type Tokens,
  type User,
} from '../../client/index.ts'
import { answerFrom, camelCase, requestFor, type Request as Sent } from '../../client/messages.ts'
import { walk } from '../../examples/client.ts'
import example from '../../examples/client.ts?raw'
import page from '../../docs/api/v1.md?raw'
import { operationsOf, type OpenApi } from '../support/conformance'
import { adminToken, call, fetchWorker, firstAdmin, freshDirectory, person } from '../support/usher'

freshDirectory()

const baseUrl = 'https://usher.example/v1'
const admin = { identifier: firstAdmin.email, password: firstAdmin.password }

/** A fetch that calls the Worker instead of the network, and the requests that it received. */
function network() {
  const asked: { path: string; authorization: string | undefined }[] = []
  const fetch: NonNullable<Settings['fetch']> = (url, { method, headers, body }) => {
    const { host, pathname, search } = new URL(url)
    asked.push({ path: pathname, authorization: headers['authorization'] })
    return fetchWorker(pathname + search, { method, headers, body, host })
  }
  return { asked, fetch }
}

async function signedIn() {
  const { asked, fetch } = network()
  const usher = createClient({ baseUrl, fetch })
  await usher.login({ body: admin })
  return { usher, asked, fetch }
}

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('every operation of the document', () => {
  it('has a method that sends the request as documented', async () => {
    const { body: document } = await call<OpenApi>('/doc/v1')
    const sent: [string, Sent][] = []
    const answers = vi.fn(async (url: string, request: Sent) => {
      sent.push([url, request])
      return new Response(null, { status: 204 })
    })
    const usher = createClient({ baseUrl, apiKey: 'usk_of_the_test', fetch: answers })
    const methods = usher as unknown as Record<string, (input: Record<string, unknown>) => Promise<unknown>>
    const operations = operationsOf(document)
    const name = (operationId: string) => operationId.replace(/^v1(.)/, (_, first: string) => first.toLowerCase())
    expect(Object.keys(usher).sort()).toEqual(operations.map(({ operationId }) => name(operationId)).sort())

    for (const { operationId, method, path, parameters = [], requestBody, security } of operations) {
      const values = Object.fromEntries(parameters.map((one) => [one.name, `${one.name}: /?&é`]))
      const body = { of: operationId }
      const input = Object.fromEntries(parameters.map((one) => [keyOf(one), values[one.name]]))
      const [type] = Object.keys(requestBody?.content ?? {})
      const takesLines = type === 'application/x-ndjson'
      await methods[name(operationId)]?.({ ...input, body: takesLines ? [body, body] : body })

      const [url, request] = sent.at(-1) as [string, Sent]
      const { origin, pathname, searchParams } = new URL(url)
      const asked = path.replace(/\{(\w+)\}/g, (_, parameter: string) => encodeURIComponent(values[parameter] ?? ''))
      expect([operationId, request.method, origin + pathname]).toEqual([operationId, method, baseUrl + asked])
      const of = (where: string) =>
        parameters.filter((one) => one.in === where).map((one) => [one.name, values[one.name]])
      expect([operationId, [...searchParams]]).toEqual([operationId, of('query')])
      const credential = security?.length ? [['authorization', 'Bearer usk_of_the_test']] : []
      const contentType = type === undefined ? [] : [['content-type', type]]
      expect([operationId, Object.entries(request.headers).sort()]).toEqual([
        operationId,
        [...credential, ...contentType, ...of('header')].sort(),
      ])
      const line = JSON.stringify(body)
      expect(request.body).toBe(type === undefined ? undefined : takesLines ? `${line}\n${line}\n` : line)
    }
    expect(sent).toHaveLength(operations.length)
  })

  const keyOf = ({ name, in: where }: { name: string; in: string }) => (where === 'header' ? camelCase(name) : name)
})

describe('the client’s results', () => {
  it('have the body, its version, and the location of a created resource', async () => {
    const { usher } = await signedIn()
    const body = { email: 'ines@example.org', name: 'Ines Duarte', password: 'a password long enough' }
    const created = await usher.createUser({ body })
    expect(created).toMatchObject({ status: 201, etag: '"1"', location: `/v1/users/${created.body.id}` })
    expect(created.body.name).toBe('Ines Duarte')
    expect(created.headers.get('x-request-id')).toMatch(/\w/)
    const { id } = created.body
    expect(await usher.getUser({ id, ifNoneMatch: created.etag })).toMatchObject({ status: 304, etag: '"1"' })
    expect((await usher.patchUser({ id, ifMatch: created.etag, body: { phone: '+33 1' } })).etag).toBe('"2"')
    expect(await usher.deleteUser({ id })).toMatchObject({ status: 204, body: undefined })
  })

  it('of a list can be read page after page', async () => {
    const { usher } = await signedIn()
    const made: string[] = []
    for (let count = 0; count < 7; count += 1) {
      const { email, name, password } = person()
      made.push((await usher.createUser({ body: { email, name, password } })).body.email)
    }
    const found: User[] = []
    for await (const user of every(usher.listUsers, { sort: '-created_at', limit: 3 })) found.push(user)
    expect(found.map(({ email }) => email)).toEqual([...made.reverse(), firstAdmin.email])
    const events: string[] = []
    for await (const { action } of every(usher.listAuditEvents, { action: 'user.created', limit: 2 }))
      events.push(action)
    expect(events).toHaveLength(8)
  })

  it('may be lines, which can be read as they arrive', async () => {
    const bytes = new TextEncoder().encode('{"name":"Noé"}\n\n{"line":2}\n{"line":3}')
    const parts = [bytes.slice(0, 11), bytes.slice(11, 12), bytes.slice(12)]
    const stream = new ReadableStream({
      pull(controller) {
        const part = parts.shift()
        if (part) controller.enqueue(part)
        else controller.close()
      },
    })
    const headers = { 'content-type': 'application/x-ndjson' }
    const { body } = (await answerFrom(new Response(stream, { headers }))) as { body: AsyncGenerator<unknown> }
    const read: unknown[] = []
    for await (const line of body) read.push(line)
    expect(read).toEqual([{ name: 'Noé' }, { line: 2 }, { line: 3 }])
  })
})

describe('the client’s errors', () => {
  it('are thrown as problems with the fields of the response', async () => {
    const { usher } = await signedIn()
    const { email, name, password } = person()
    await usher.createUser({ body: { email, name, password } })
    const taken = await failureOf(usher.createUser({ body: { email, name, password } }))
    expect(taken).toBeInstanceOf(ProblemError)
    expect(taken).toMatchObject({ status: 409, problem: { title: 'Conflict' }, message: 'Taken: email.' })
    expect((taken as ProblemError).requestId).toMatch(/\w/)
    const unfit = await failureOf(usher.createUser({ body: { email: 'nobody', name, password } }))
    expect(unfit).toMatchObject({
      status: 400,
      message: 'The body is not valid. email must be an email address',
      problem: { errors: [{ field: 'email', message: 'must be an email address' }] },
    })
  })

  it('contain the time until a retry', async () => {
    const { usher } = await signedIn()
    for (let failed = 0; failed < 5; failed += 1) {
      expect(await failureOf(usher.login({ body: { ...admin, password: 'wrong' } }))).toMatchObject({ status: 401 })
    }
    const locked = await failureOf(usher.login({ body: admin }))
    expect(locked).toMatchObject({ status: 429 })
    expect((locked as ProblemError).retryAfterSeconds).toBeGreaterThan(0)
  })

  it('identify responses that are not v1’s', async () => {
    const fetch = async () => new Response('<h1>Bad gateway</h1>', { status: 502 })
    const failure = await failureOf(createClient({ baseUrl, fetch }).getMe())
    expect(failure).toBeInstanceOf(UnexpectedAnswer)
    expect(failure).toMatchObject({ status: 502, text: '<h1>Bad gateway</h1>' })
  })
})

describe('the client’s session', () => {
  it('begins with login, ends with logout, and does not exist before and after', async () => {
    const { asked, fetch } = network()
    const onTokens = vi.fn<(tokens: Tokens | undefined) => void>()
    const usher = createClient({ baseUrl, fetch, onTokens })
    expect(await failureOf(usher.getMe())).toMatchObject({ status: 401 })
    const { body } = await usher.login({ body: admin })
    expect((await usher.getMe()).body.email).toBe(firstAdmin.email)
    await usher.logout()
    expect(await failureOf(usher.getMe())).toMatchObject({ status: 401 })
    const bearer = `Bearer ${body.access_token}`
    expect(asked.map(({ authorization }) => authorization)).toEqual([undefined, undefined, bearer, bearer, undefined])
    expect(onTokens.mock.calls.map(([tokens]) => tokens?.access_token)).toEqual([body.access_token, undefined])
  })

  it('continues when its access token expires: it is refreshed once, however many calls need it', async () => {
    const { fetch: plain } = await signedIn()
    const { body } = await createClient({ baseUrl, fetch: plain }).login({ body: admin })
    const { asked, fetch } = network()
    const onTokens = vi.fn<(tokens: Tokens | undefined) => void>()
    const usher = createClient({ baseUrl, fetch, onTokens, tokens: { ...body, access_token: 'run out' } })
    const made = [person(), person(), person()].map(({ email, name, password }) =>
      usher.createUser({ body: { email, name, password } }),
    )
    for (const { status } of await Promise.all(made)) expect(status).toBe(201)
    expect(asked.filter(({ path }) => path === '/v1/auth/refresh')).toHaveLength(1)
    expect(onTokens).toHaveBeenCalledTimes(1)
    expect((await usher.getMe()).status).toBe(200)
    expect(asked.filter(({ path }) => path === '/v1/auth/refresh')).toHaveLength(1)
  })

  it('is signed out with its refresh token when its access token has expired', async () => {
    const { fetch: plain } = await signedIn()
    const { body } = await createClient({ baseUrl, fetch: plain }).login({ body: admin })
    const { asked, fetch } = network()
    await createClient({ baseUrl, fetch, tokens: { ...body, access_token: 'run out' } }).logout()
    expect(asked.map(({ path }) => path)).toEqual(['/v1/auth/logout'])
    const over = await failureOf(createClient({ baseUrl, fetch }).refresh({ body }))
    expect(over).toMatchObject({ status: 401 })
  })

  it('is forgotten once it has ended, and the call reports its own failure', async () => {
    const { asked, fetch } = network()
    const onTokens = vi.fn<(tokens: Tokens | undefined) => void>()
    const expired = { access_token: 'run out', token_type: 'Bearer', expires_in: 900, refresh_token: 'used' } as const
    const usher = createClient({ baseUrl, fetch, onTokens, tokens: expired })
    expect(await failureOf(usher.getMe())).toMatchObject({
      status: 401,
      message: 'The credential is not valid, or no longer.',
    })
    expect(onTokens.mock.calls).toEqual([[undefined]])
    expect(await failureOf(usher.getMe())).toMatchObject({ status: 401 })
    expect(asked.map(({ path }) => path)).toEqual(['/v1/me', '/v1/auth/refresh', '/v1/me'])
  })

  it('is kept when a refresh fails for another reason', async () => {
    const { fetch } = network()
    let away = true
    const shaky: NonNullable<Settings['fetch']> = (url, request) =>
      away && url.endsWith('/auth/refresh') ? Promise.reject(new TypeError('network')) : fetch(url, request)
    const { body } = await createClient({ baseUrl, fetch }).login({ body: admin })
    const usher = createClient({ baseUrl, fetch: shaky, tokens: { ...body, access_token: 'run out' } })
    expect(await failureOf(usher.getMe())).toBeInstanceOf(TypeError)
    away = false
    expect((await usher.getMe()).status).toBe(200)
  })

  it('is not needed with an API key', async () => {
    const { usher: boss, fetch } = await signedIn()
    const { key } = (await boss.createApiKey({ body: { name: 'report', permissions: ['users:read'] } })).body
    const usher = createClient({ baseUrl, fetch, apiKey: key })
    expect((await usher.listUsers()).body.data).toHaveLength(1)
    await boss.revokeApiKey({ id: (await boss.listApiKeys()).body.data[0]?.id ?? '' })
    expect(await failureOf(usher.listUsers())).toMatchObject({ status: 401 })
  })
})

describe('the client’s base URL', () => {
  it('may end in a slash, and may be v1’s own host', async () => {
    const operation = { method: 'GET', path: '/me' }
    expect(requestFor(operation, 'https://usher.example/v1/', {})[0]).toBe('https://usher.example/v1/me')
    expect(requestFor(operation, 'https://people.example', {})[0]).toBe('https://people.example/me')
    const token = await adminToken()
    const env = { CONTRACT_HOSTS: '{"people.example":"v1"}' }
    const fetch: NonNullable<Settings['fetch']> = (url, { headers }) =>
      fetchWorker(new URL(url).pathname, { headers, host: new URL(url).host, env })
    const usher = createClient({ baseUrl: 'https://people.example', fetch, apiKey: token })
    expect((await usher.getMe()).body.email).toBe(firstAdmin.email)
  })

  it('without /v1 gives an error with an explanation, for every operation', async () => {
    const { fetch } = network()
    for (const [given, url] of [
      ['https://usher.example', 'https://usher.example'],
      ['https://usher.example/', 'https://usher.example'],
      ['https://usher.example/personnel', 'https://usher.example/personnel'],
    ] as const) {
      const usher = createClient({ baseUrl: given, fetch, apiKey: 'usk_of_the_test' })
      for (const asked of [usher.login({ body: admin }), usher.listUsers(), usher.deleteUser({ id: 'usr_' })]) {
        const failure = await failureOf(asked)
        expect(failure).toBeInstanceOf(UnexpectedAnswer)
        expect((failure as Error).message).toContain(`The base URL ${url} does not end in /v1: is it ${url}/v1?`)
      }
    }
  })

  it('of a site that returns HTML pages gives an error, too', async () => {
    const fetch = async () => new Response('<h1>Welcome</h1>', { headers: { 'content-type': 'text/html' } })
    const failure = await failureOf(createClient({ baseUrl: 'https://www.example', fetch }).listUsers())
    expect(failure).toBeInstanceOf(UnexpectedAnswer)
    expect(failure).toMatchObject({ status: 200, text: '<h1>Welcome</h1>' })
    expect((failure as Error).message).toContain('is it https://www.example/v1?')
  })
})

describe('the client’s types', () => {
  it('reject what the document does not have', () => {
    // Never called. The test is that this compiles, with every expected type error.
    const uses = [
      async (usher: Client) => {
        // @ts-expect-error: without its body
        await usher.createUser({})
        // @ts-expect-error: without the required fields of the body
        await usher.createUser({ body: { email: 'a@example.org', name: 'A' } })
        // @ts-expect-error: an unknown field
        await usher.patchUser({ id: 'usr_', body: { nickname: 'A' } })
        // @ts-expect-error: an unknown value
        await usher.listUsers({ status: 'asleep' })
        // @ts-expect-error: an unknown parameter
        await usher.listUsers({ page: 2 })
        // @ts-expect-error: an unknown value, for every page
        every(usher.listUsers, { status: 'asleep' })
        // @ts-expect-error: not a list
        every(usher.getMe, {})
        // @ts-expect-error: an unknown operation
        await usher.mergeUsers()
        // @ts-expect-error: a status that is not an error
        if (new ProblemError({ type: '', title: '', status: 409, detail: '' }, new Headers()).status === 418) return
        const { body } = await usher.getUser({ id: 'usr_' })
        const present: User = body
        const perhaps = await usher.getUser({ id: 'usr_', ifNoneMatch: '"1"' })
        // @ts-expect-error: there is no body when the client already has the current version
        const known: User = perhaps.body
        const { etag }: { etag: string } = perhaps
        return [present, known, etag]
      },
    ]
    expect(uses).toHaveLength(1)
  })
})

describe('the client example', () => {
  it('does what its comments say', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
    const active = await walk({ baseUrl, fetch: network().fetch }, admin)
    expect(active).toEqual(['first.admin@usher.example –', 'noor@example.org +33 1 70 18 00 01'])
    expect(log.mock.calls).toEqual([['Taken: email.']])
    log.mockRestore()
  })

  it('is printed unchanged in docs/api/v1.md', () => {
    expect(page).toContain(`\`\`\`ts\n${example}\`\`\``)
  })
})

/** v1: managing webhooks. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { webhookEvents } from '../../../src/core/audit/audit'
import { dump } from '../../support/scene'
import { namesEveryTest } from '../../support/statements'
import { adminToken, call, freshDirectory, person, rows, signedInPerson, testEnv } from '../../support/usher'
import { expectInvalid, expectProblem, keyWith, lacking, statements, someoneWith } from '../../support/v1'
import { newReceiver, signatureBy } from '../../support/webhook-receiver'

freshDirectory()
afterEach(() => vi.restoreAllMocks())

let admin: string
let receiver: ReturnType<typeof newReceiver>
beforeEach(async () => {
  admin = await adminToken()
  receiver = newReceiver()
})

const url = 'https://apps.example.org/usher'
const asAdmin = (method: string, path: string, json?: object) => call(path, { token: admin, method, json })
const create = async (json: object = {}) => (await asAdmin('POST', '/v1/webhooks', { url, ...json })).body
const none = '/v1/webhooks/019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66'

describe('POST /webhooks', () => {
  it('returns 201 with the webhook, a Location that leads to it, and its secret', async () => {
    const { status, body, headers } = await asAdmin('POST', '/v1/webhooks', { url, description: 'The portal' })
    const { secret, ...webhook } = body
    expect([status, webhook]).toEqual([
      201,
      {
        id: expect.any(String),
        url,
        description: 'The portal',
        events: [...webhookEvents],
        status: 'active',
        created_at: expect.any(String),
        last_attempt_at: null,
        last_outcome: null,
      },
    ])
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect((await asAdmin('GET', String(headers.get('location')))).body).toEqual(webhook)
  })

  it('accepts a set of events without duplicates, and a status', async () => {
    const { events, status } = await create({ events: ['user.deleted', 'user.deleted'], status: 'inactive' })
    expect([events, status]).toEqual([['user.deleted'], 'inactive'])
  })

  it('accepts an https URL, or http on the local machine, and returns it in normalised form', async () => {
    for (const [sent, shown] of [
      ['https://apps.example.org', 'https://apps.example.org/'],
      ['HTTPS://Apps.Example.org:8443/a/../b?c=d', 'https://apps.example.org:8443/b?c=d'],
      ['http://localhost:3000/usher', 'http://localhost:3000/usher'],
      ['http://127.0.0.1/', 'http://127.0.0.1/'],
      ['http://[::1]:3000/', 'http://[::1]:3000/'],
    ]) {
      expect([sent, (await create({ url: sent })).url]).toEqual([sent, shown])
    }
  })

  it('reports errors in the URL, the events, the description and the status', async () => {
    const message = 'must be an https URL of at most 2,000 characters, without credentials or a fragment'
    for (const odd of [
      ...[
        'http://apps.example.org/',
        'http://127.0.0.2/',
        'http://localhost.example.org/',
        'ftp://localhost/',
        'apps.example.org',
      ],
      ...['https://user@apps.example.org/', 'https://:secret@apps.example.org/', 'https://apps.example.org/#part'],
      ...['https://', '', 'javascript:alert(1)', 'file:///etc/hosts', `https://apps.example.org/${'x'.repeat(2000)}`],
      `https://apps.example.org/${'é'.repeat(900)}`,
    ]) {
      expectInvalid(await asAdmin('POST', '/v1/webhooks', { url: odd }), ['url', message])
    }
    expectInvalid(await asAdmin('POST', '/v1/webhooks', {}), ['url', 'is required'])
    expectInvalid(await asAdmin('POST', '/v1/webhooks', { url: 7 }), ['url', 'must be a string'])
    const events = (value: unknown) => asAdmin('POST', '/v1/webhooks', { url, events: value })
    expectInvalid(await events([]), ['events', 'must not be blank'])
    expectInvalid(await events('user.created'), ['events', 'must be a list'])
    for (const odd of ['session.created', 'user.password_token_issued', 'webhook.created', 'user.*']) {
      expectInvalid(await events([odd]), ['events.0', `must be one of ${webhookEvents.join(', ')}`])
    }
    const more = { url, description: 'x'.repeat(501), status: 'asleep' }
    expectInvalid(
      await asAdmin('POST', '/v1/webhooks', more),
      ['description', 'must have at most 500 characters'],
      ['status', 'must be one of active, inactive'],
    )
    expect((await asAdmin('GET', '/v1/webhooks')).body.data).toEqual([])
  })

  it('stores neither the secret nor anything from which it could be derived', async () => {
    const { id, secret } = await create()
    const base64 = secret.replace('whsec_', '')
    const hex = [...atob(base64)].map((byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('')
    const stored = JSON.stringify(await dump())
    for (const form of [base64, base64.replaceAll('+', '-').replaceAll('/', '_').replace('=', ''), hex]) {
      expect(stored).not.toContain(form)
    }
    expect(await rows('SELECT id FROM webhooks')).toEqual([{ id }])
  })
})

describe('webhooks', () => {
  it('require webhooks:manage on a session or a key, for every operation', async () => {
    const { id } = await create({ status: 'inactive' })
    const plain = (await signedInPerson(admin, { role: 'user' })).access_token
    const manager = (await someoneWith(admin, ['webhooks:manage'])).access_token
    const { key } = await keyWith(admin, ['webhooks:manage'])
    const { key: other } = await keyWith(admin, ['audit:read', 'users:read'])
    const operations: [string, string, object?][] = [
      ['GET', '/v1/webhooks'],
      ['POST', '/v1/webhooks', { url, status: 'inactive' }],
      ...['', '/secret', '/failures'].map((path): [string, string] => ['GET', `/v1/webhooks/${id}${path}`]),
      ...['/ping', '/retry', '/secret'].map((path): [string, string] => ['POST', `/v1/webhooks/${id}${path}`]),
      ['PATCH', `/v1/webhooks/${id}`, { description: 'x' }],
    ]
    for (const [method, path, json] of operations) {
      for (const token of [plain, other]) {
        expectProblem(await call(path, { method, token, json }), 403, lacking('webhooks:manage'))
      }
      for (const token of [manager, key]) {
        expect([path, (await call(path, { method, token, json })).status < 300]).toEqual([path, true])
      }
    }
  })

  it('are listed newest first', async () => {
    const ids = [(await create()).id, (await create()).id, (await create()).id]
    expect((await asAdmin('GET', '/v1/webhooks')).body.data.map(({ id }: { id: string }) => id)).toEqual(ids.reverse())
  })

  it('return 404 when they do not exist', async () => {
    for (const [method, path, json] of [
      ['GET', ''],
      ['PATCH', '', {}],
      ['DELETE', ''],
      ['GET', '/secret'],
      ['GET', '/failures'],
      ['POST', '/retry'],
      ['POST', '/secret'],
      ['POST', '/ping'],
    ] as const) {
      expectProblem(await asAdmin(method, none + path, json), 404, 'There is no such webhook.')
    }
  })

  it('survive the deletion of their creator', async () => {
    const maker = await someoneWith(admin, ['webhooks:manage'])
    await call('/v1/webhooks', { token: maker.access_token, json: { url } })
    await asAdmin('DELETE', `/v1/users/${maker.id}`)
    expect(receiver.take()).toEqual([`user.deleted ${maker.id}`])
  })
})

describe('PATCH /webhooks/{id}', () => {
  it('changes only the fields that are sent', async () => {
    const { secret: _, ...webhook } = await create()
    const path = `/v1/webhooks/${webhook.id}`
    const changes = {
      url: 'https://other.example.org/',
      description: 'Another',
      events: ['user.updated'],
      status: 'inactive',
    }
    let expected = webhook
    for (const [field, value] of Object.entries(changes)) {
      expected = { ...expected, [field]: value }
      const { status, body } = await asAdmin('PATCH', path, { [field]: value })
      expect([status, body]).toEqual([200, expected])
    }
    expect((await asAdmin('PATCH', path, expected)).body).toEqual(expected)
    expect((await asAdmin('GET', path)).body).toEqual(expected)
  })

  it('pauses a webhook, which later resumes at the same event', async () => {
    const { id } = await create()
    await asAdmin('PATCH', `/v1/webhooks/${id}`, { status: 'inactive' })
    const { body: one } = await asAdmin('POST', '/v1/users', person())
    expect(receiver.take()).toEqual([])
    await asAdmin('PATCH', `/v1/webhooks/${id}`, { status: 'active' })
    expect(receiver.take()).toEqual([`user.created ${one.id}`])
  })
})

describe('DELETE /webhooks/{id}', () => {
  it('removes the webhook with its failed deliveries', async () => {
    const { id } = await create()
    receiver.answer = () => 500
    await asAdmin('POST', '/v1/users', person())
    expect(await rows('SELECT webhook_id FROM webhook_failures')).toEqual([{ webhook_id: id }])
    const { status, text } = await asAdmin('DELETE', `/v1/webhooks/${id}`)
    expect([status, text]).toEqual([204, ''])
    expect(await rows('SELECT * FROM webhook_failures')).toEqual([])
    receiver.take()
    await asAdmin('POST', '/v1/users', person())
    expect(receiver.take()).toEqual([])
    expectProblem(await asAdmin('DELETE', `/v1/webhooks/${id}`), 404, 'There is no such webhook.')
  })
})

describe('GET /webhooks/{id}/secret', () => {
  it('returns the secret again, different for each webhook', async () => {
    const [one, other] = [await create(), await create()]
    const secretOf = async ({ id }: { id: string }) => (await asAdmin('GET', `/v1/webhooks/${id}/secret`)).body
    expect(await secretOf(one)).toEqual({ secret: one.secret, previous_secret: null })
    expect(await secretOf(other)).toEqual({ secret: other.secret, previous_secret: null })
    expect(one.secret).not.toBe(other.secret)
  })

  it('also returns the previous secret while JWT_SECRET is rotated, and both sign', async () => {
    const { key } = await keyWith(admin, ['webhooks:manage', 'users:create'])
    const { id, secret } = await create()
    const [old, next] = [
      'o'.repeat(8) + 'k3Yp0Qx7vT9mZr2LwB5nHs8DfGjC1aUe',
      'n'.repeat(8) + 'Q4tW8zR1yU6pL3sD9fG2hJ5kX7cV0bN',
    ]
    const during = { JWT_SECRET: next, JWT_SECRET_PREVIOUS: old }
    const before = (await call(`/v1/webhooks/${id}/secret`, { token: key, env: { JWT_SECRET: old } })).body
    const { body } = await call(`/v1/webhooks/${id}/secret`, { token: key, env: during })
    expect(body.previous_secret).toBe(before.secret)
    expect(new Set([body.secret, body.previous_secret, secret]).size).toBe(3)
    await call('/v1/users', { token: key, json: person(), env: during })
    const [received] = receiver.got
    expect(received?.signatures).toEqual([
      await signatureBy(body.secret, received as never),
      await signatureBy(body.previous_secret, received as never),
    ])
  })
})

describe('POST /webhooks/{id}/secret', () => {
  interface Secrets {
    secret: string
    previous_secret: string | null
  }
  const secretsOf = async (id: string): Promise<Secrets> => (await asAdmin('GET', `/v1/webhooks/${id}/secret`)).body
  const replace = async (id: string): Promise<Secrets> => {
    const { status, body } = await asAdmin('POST', `/v1/webhooks/${id}/secret`)
    expect(status).toBe(200)
    return body
  }
  /** Checks the signatures of an event and of a ping. Both must have one signature from each of these secrets. */
  async function expectSignedBy(id: string, secrets: string[]): Promise<void> {
    receiver.take()
    await asAdmin('POST', '/v1/users', person())
    await asAdmin('POST', `/v1/webhooks/${id}/ping`)
    expect(receiver.got.map(({ body }) => body.type)).toEqual(['user.created', 'ping'])
    for (const received of receiver.got) {
      const expected = await Promise.all(secrets.map((secret) => signatureBy(secret, received)))
      expect(received.signatures).toEqual(expected)
    }
  }
  afterEach(() => void vi.useRealTimers())

  it('returns a new secret and the previous one, and both sign for 24 hours', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { id, secret: first } = await create()
    await expectSignedBy(id, [first])
    const replaced = await replace(id)
    expect(replaced).toEqual({ secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/), previous_secret: first })
    expect(replaced.secret).not.toBe(first)
    expect(await secretsOf(id)).toEqual(replaced)
    await expectSignedBy(id, [replaced.secret, first])
    vi.advanceTimersByTime(86_399_000)
    admin = await adminToken()
    expect(await secretsOf(id)).toEqual(replaced)
    await expectSignedBy(id, [replaced.secret, first])
    vi.advanceTimersByTime(1000)
    expect(await secretsOf(id)).toEqual({ secret: replaced.secret, previous_secret: null })
    await expectSignedBy(id, [replaced.secret])
  })

  it('keeps every secret of the last 24 hours signing when repeated, at most five', async () => {
    const { id, secret: first } = await create()
    const secrets = [first]
    for (let replaced = 0; replaced < 6; replaced += 1) {
      secrets.unshift((await replace(id)).secret)
      await expectSignedBy(id, secrets.slice(0, 5))
    }
    expect(new Set(secrets).size).toBe(7)
  })

  it('changes no other webhook, and nothing else of this one', async () => {
    const [{ secret: _, ...one }, other] = [await create({ status: 'inactive' }), await create({ status: 'inactive' })]
    await replace(one.id)
    expect((await asAdmin('GET', `/v1/webhooks/${one.id}`)).body).toEqual(one)
    expect(await secretsOf(other.id)).toEqual({ secret: other.secret, previous_secret: null })
  })

  it('creates one secret after the other when called twice at once', async () => {
    const { id, secret: first } = await create()
    const both = await Promise.all([replace(id), replace(id)])
    const { secret, previous_secret } = await secretsOf(id)
    expect(both.map((one) => one.secret).sort()).toEqual([secret, String(previous_secret)].sort())
    await expectSignedBy(id, [secret, String(previous_secret), first])
  })

  it('keeps the replaced secret signing while JWT_SECRET is rotated', async () => {
    const { key } = await keyWith(admin, ['webhooks:manage', 'users:create'])
    const { id, secret: first } = await create()
    const { secret } = await replace(id)
    const next = 'n'.repeat(8) + 'Q4tW8zR1yU6pL3sD9fG2hJ5kX7cV0bN'
    const env = { JWT_SECRET: next, JWT_SECRET_PREVIOUS: testEnv.JWT_SECRET }
    await call('/v1/users', { token: key, json: person(), env })
    const [received] = receiver.got.slice(-1)
    expect(received?.signatures).toHaveLength(4)
    for (const one of [first, secret]) expect(received?.signatures).toContain(await signatureBy(one, received as never))
    const { body } = await call(`/v1/webhooks/${id}/secret`, { token: key, env })
    expect(body.previous_secret).toBe(secret)
    expect(received?.signatures).toContain(await signatureBy(body.secret, received as never))
  })

  it('is recorded as an update of the field secret, and stores no secret', async () => {
    const { id, secret: first } = await create()
    const { secret } = await replace(id)
    const { data } = (await asAdmin('GET', '/v1/audit-events?action=webhook.updated')).body
    expect(data).toEqual([expect.objectContaining({ subject_id: id, fields: ['secret'] })])
    const stored = JSON.stringify(await dump())
    for (const one of [first, secret]) expect(stored).not.toContain(one.replace('whsec_', ''))
  })
})

describe('POST /webhooks/{id}/ping', () => {
  it('sends a signed ping and returns its result, for active and inactive webhooks', async () => {
    const { id, secret } = await create({ status: 'inactive' })
    const ping = async () => (await asAdmin('POST', `/v1/webhooks/${id}/ping`)).body
    const answers: [typeof receiver.answer, string][] = [
      [() => 200, 'delivered'],
      [() => 204, 'delivered'],
      [() => 301, 'http_301'],
      [() => 404, 'http_404'],
      [() => 503, 'http_503'],
      [() => Promise.reject(new DOMException('The operation timed out', 'TimeoutError')), 'timeout'],
      [() => Promise.reject(new Error('Network connection lost')), 'unreachable'],
    ]
    for (const [answer, outcome] of answers) {
      receiver.answer = answer
      expect(await ping()).toEqual({ outcome })
      const shown = (await asAdmin('GET', `/v1/webhooks/${id}`)).body
      expect([shown.last_outcome, typeof shown.last_attempt_at]).toEqual([outcome, 'string'])
    }
    expect(new Set(receiver.got.map((received) => received.id)).size).toBe(answers.length)
    for (const received of receiver.got) {
      expect(received.body).toEqual({ id: received.id, type: 'ping', timestamp: expect.any(String), data: {} })
      expect(received.signatures).toEqual([await signatureBy(secret, received)])
    }
  })
})

describe('GET /webhooks/{id}/failures and POST /webhooks/{id}/retry', () => {
  it('list the failed deliveries, newest first, page by page, and deliver them again', async () => {
    const { id } = await create()
    receiver.answer = () => 500
    const ids: string[] = []
    for (let index = 0; index < 4; index += 1) ids.unshift((await asAdmin('POST', '/v1/users', person())).body.id)
    const path = `/v1/webhooks/${id}/failures`
    const { body } = await asAdmin('GET', path)
    const [sent] = receiver.got.slice(-1)
    expect(body.data[0]).toEqual({
      event: sent?.body,
      attempts: 1,
      last_attempt_at: expect.any(String),
      last_outcome: 'http_500',
      next_attempt_at: expect.any(String),
    })
    const seen: string[] = []
    interface Page {
      data: { event: { data: { user_id: string } } }[]
      pagination: { next_cursor: string | null }
    }
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Page = (await asAdmin('GET', `${path}?limit=3${cursor && `&cursor=${cursor}`}`)).body
      seen.push(...page.data.map(({ event }) => event.data.user_id))
      cursor = page.pagination.next_cursor
    }
    expect(seen).toEqual(ids)
    const other = (await create()).id
    const { next_cursor: cursor } = (await asAdmin('GET', `${path}?limit=1`)).body.pagination
    expectInvalid(await asAdmin('GET', `/v1/webhooks/${other}/failures?cursor=${cursor}`), ['cursor', 'is not valid'])
    expectInvalid(await asAdmin('GET', `${path}?limit=101`), ['limit', 'must be at most 100'])

    receiver.answer = () => 204
    receiver.take()
    expect((await asAdmin('POST', `/v1/webhooks/${id}/retry`)).body).toEqual({ retrying: 4 })
    expect(receiver.take().sort()).toEqual(ids.map((user) => `user.created ${user}`).sort())
    expect((await asAdmin('GET', path)).body.data).toEqual([])
    expect((await asAdmin('POST', `/v1/webhooks/${id}/retry`)).body).toEqual({ retrying: 0 })
  })
})

namesEveryTest(statements)

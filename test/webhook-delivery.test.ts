/// <reference types="vite/client" />
/** Webhooks receive every event about users at least once, whatever fails on the way. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { contracts } from './contracts'
import wranglerToml from '../wrangler.toml?raw'
import { permissions } from '../src/core/access/permissions'
import { sweepCron } from '../src/scheduled'
import { documented, failingD1 } from './support/failing-d1'
import { importing } from './support/imports'
import { adminToken, call, freshDirectory, person, rows, signedInPerson, testEnv, tick, uuidOf } from './support/usher'
import { newReceiver, signatureBy } from './support/webhook-receiver'

freshDirectory()

const everyMinute = '* * * * *'

/** An API key with every permission that never expires. */
let admin: string
let session: string
let receiver: ReturnType<typeof newReceiver>
beforeEach(async () => {
  session = await adminToken()
  const json = { name: 'everything', permissions }
  admin = (await call('/v1/api-keys', { token: session, json })).body.key
  receiver = newReceiver()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const as = (method: string, path: string, json?: object) => call(path, { token: admin, method, json })
const newWebhook = async (more: object = {}) =>
  (await as('POST', '/v1/webhooks', { url: 'https://apps.example.org/usher', ...more })).body
const newUser = async (more = {}) => (await as('POST', '/v1/users', person(more))).body
const failuresOf = async (id: string) => (await as('GET', `/v1/webhooks/${id}/failures?limit=100`)).body.data

/** Moves the clock on by this many seconds. */
function pass(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 })
}

/** The users whose creation was delivered, once per delivery. */
const deliveredUsers = () =>
  receiver.take().flatMap((event) => (event.startsWith('user.created ') ? [event.slice(13)] : []))

describe('a user event', () => {
  it('is delivered at once, with v1’s field names and without values', async () => {
    await newWebhook()
    const input = person({ username: 'sekret', phone: '+33 1 70 18 00 00' })
    const { body: account } = await as('POST', '/v1/users', input)
    const path = `/v1/users/${account.id}`
    await as('PATCH', path, { phone: '+33 1 70 18 00 01', last_name: 'Sekret' })
    await as('POST', `${path}/deactivate`)
    await as('POST', `${path}/activate`)
    await as('PUT', `${path}/roles`, { roles: ['admin'] })
    await as('PATCH', path, { password: 'a sekret passphrase' })
    await as('DELETE', path)
    const trail = (await as('GET', `/v1/audit-events?user=${account.id}`)).body.data.toReversed()
    expect(receiver.got.map(({ body }) => body)).toEqual(
      trail.map(({ id, at, action, user_id, actor_id, contract, fields }: Record<string, unknown>) => ({
        id,
        type: action,
        timestamp: at,
        data: { user_id, actor_id, contract, fields },
      })),
    )
    expect(receiver.got.map(({ body }) => [body.type, body.data.fields?.toSorted()])).toEqual([
      ['user.created', ['email', 'name', 'password', 'phone', 'username']],
      ['user.updated', ['last_name', 'name', 'phone']],
      ['user.deactivated', ['status']],
      ['user.activated', ['status']],
      ['user.roles_set', ['roles']],
      ['user.password_set', ['password']],
      ['user.deleted', []],
    ])
    for (const { text, id, body, redirect, url } of receiver.got) {
      expect(text).not.toMatch(/sekret|70 18|example|Person/i)
      expect([id, url, redirect]).toEqual([body.id, 'https://apps.example.org/usher', 'manual'])
    }
  })

  it('is delivered whichever contract made the change', async () => {
    await newWebhook({ events: ['user.created', 'user.deactivated'] })
    const seen: string[] = []
    for (const [name, acts] of contracts) {
      const { path, ...ask } = acts.create(`${name}@example.org`)
      expect(acts.outcome(await call(path, { ...ask, token: session }))).toBe('done')
      const [{ number, id }] = (await rows('SELECT number, id FROM users ORDER BY number DESC LIMIT 1')) as [
        { number: number; id: string },
      ]
      const { path: off, ...deactivation } = acts.deactivate({ number, uuid: id, email: '', password: '' })
      await call(off, { ...deactivation, token: session })
      expect(receiver.got.map(({ body }) => [body.type, uuidOf(String(body.data.user_id))])).toEqual([
        ['user.created', id],
        ['user.deactivated', id],
      ])
      seen.push(...receiver.got.splice(0).map(({ body }) => String(body.data.contract)))
    }
    expect(new Set(seen).size).toBe(contracts.length)
  })

  it('is delivered at once for users created by an import, too', async () => {
    await newWebhook()
    const [account, other] = [person(), person()]
    const { results } = await importing(admin, [account, other, account])
    const made = results.flatMap(({ status, id }) => (status === 'created' ? [id] : []))
    expect(made).toHaveLength(2)
    expect(deliveredUsers().toSorted()).toEqual(made.toSorted())
  })

  it('is delivered to every subscribed webhook with that webhook’s signature, and to no other', async () => {
    const account = await newWebhook({ url: 'https://one.example.org/' })
    const other = await newWebhook({ url: 'https://other.example.org/' })
    await newWebhook({ url: 'https://quiet.example.org/', events: ['user.deleted'] })
    await newWebhook({ url: 'https://off.example.org/', status: 'inactive' })
    await newUser()
    expect(receiver.got.map(({ url }) => url).sort()).toEqual([
      'https://one.example.org/',
      'https://other.example.org/',
    ])
    for (const received of receiver.got) {
      const { secret } = received.url.includes('one') ? account : other
      expect(received.signatures).toEqual([await signatureBy(secret, received)])
      expect(Math.abs(received.timestamp - Date.now() / 1000)).toBeLessThan(60)
    }
  })

  it('from before the webhook’s creation is not delivered, and neither are events of sessions, keys and roles, or refused requests', async () => {
    const account = await signedInPerson(session)
    await newWebhook()
    await adminToken()
    await as('POST', '/v1/roles', { name: 'door', permissions: [] })
    await as('POST', '/v1/api-keys', { name: 'x', permissions: [] })
    await as('POST', `/v1/users/${account.id}/password-token`)
    await as('DELETE', `/v1/users/${account.id}/sessions`)
    await as('POST', '/v1/users', person({ email: account.email }))
    await as('PATCH', `/v1/users/${account.id}`, account.user)
    await call('/v1/users', { token: account.access_token, json: person() })
    await tick(everyMinute)
    expect(receiver.take()).toEqual([])
  })

  it('is delivered by the scheduled run when the first attempt was cut off or never made', async () => {
    const [, crons = ''] = /^crons = \[(.*)\]$/m.exec(wranglerToml) ?? []
    expect(crons).toContain(`"${everyMinute}"`)
    await newWebhook()
    // Inserted without a delivery attempt.
    await rows(
      `INSERT INTO audit_events (id, at, action, user_id, contract, fields)
       VALUES ('019b1c6e-7a40-7d52-9a51-3f1d0c2b4e01', 1, 'user.created', '019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66', 'v1', '[]')`,
    )
    await tick(everyMinute)
    expect(deliveredUsers()).toEqual(['usr_019b1c6e7a407d529a513f1d0c2b4e66'])
    await tick(everyMinute)
    expect(deliveredUsers()).toEqual([])
  })

  it('is delivered however many sign-ins and other events come before it', async () => {
    const { id } = await newWebhook()
    const insert = (first: number, count: number, action: string) =>
      rows(
        `INSERT INTO audit_events (id, at, action, user_id, contract, fields)
         WITH RECURSIVE n (i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?)
         SELECT printf('019b0000-0000-7000-8000-%012d', i), 1, ?, printf('019b0000-0000-7000-8000-%012d', i), 'v1', '[]' FROM n`,
        first,
        first + count - 1,
        action,
      )
    await insert(1, 2_500, 'session.created')
    await insert(3_001, 120, 'user.created')
    await insert(4_001, 1_500, 'session.created')
    await insert(6_001, 1, 'user.created')
    await tick(everyMinute)
    const users = deliveredUsers()
    expect([users.length, new Set(users).size, users.at(-1)]).toEqual([
      121,
      121,
      'usr_019b0000000070008000000000006001',
    ])
    expect(receiver.most).toBe(5)
    const [{ behind }] = (await rows(
      'SELECT (SELECT max(sequence) FROM audit_events) - position AS behind FROM webhooks WHERE id = ?',
      id,
    )) as [{ behind: number }]
    expect(behind).toBe(0)
    await insert(7_001, 700, 'user.created')
    await tick(everyMinute)
    expect(deliveredUsers()).toHaveLength(500)
    await tick(everyMinute)
    expect(deliveredUsers()).toHaveLength(200)
  })
})

describe('a receiver that rejects an event', () => {
  it('is retried by the scheduled run at growing intervals with the same id; after ten attempts the event is listed as failed', async () => {
    const { id } = await newWebhook()
    receiver.answer = () => 500
    const { id: user } = await newUser()
    const [first] = receiver.got
    const waits: number[] = []
    for (let waited = 0; waited < 48 * 60; waited += 1) {
      pass(60)
      await tick(everyMinute)
      const again = receiver.got.length
      if (again > 1) waits.push(waited + 1)
      receiver.got.length = Math.min(again, 1)
      if (waits.length === 9) break
    }
    const pauses = waits.map((wait, index) => wait - (waits[index - 1] ?? 0))
    for (const [index, minutes] of [1, 5, 15, 60, 120, 240, 360, 480, 720].entries()) {
      expect(pauses[index]).toBeGreaterThanOrEqual(minutes)
      expect(pauses[index]).toBeLessThanOrEqual(minutes * 1.1 + 17)
    }
    const [failure] = await failuresOf(id)
    expect(failure).toMatchObject({
      event: { id: first?.id, data: { user_id: user } },
      attempts: 10,
      last_outcome: 'http_500',
      next_attempt_at: null,
    })
    receiver.got.length = 0
    pass(30 * 86_400)
    await tick(everyMinute)
    expect(receiver.got).toEqual([])

    receiver.answer = () => 200
    await as('POST', `/v1/webhooks/${id}/retry`)
    expect(receiver.got.map((received) => received.id)).toEqual([first?.id])
    expect(await failuresOf(id)).toEqual([])
  }, 120_000)

  it('still receives all other events', async () => {
    const { id } = await newWebhook()
    const poison = (await newUser()).id
    receiver.take()
    receiver.answer = ({ body }) => (body.data.user_id === poison ? 400 : 200)
    await as('PATCH', `/v1/users/${poison}`, { phone: '1' })
    const others = [(await newUser()).id, (await newUser()).id]
    expect(deliveredUsers()).toEqual(others)
    expect(await failuresOf(id)).toHaveLength(1)
    pass(70)
    await tick(everyMinute)
    const after = (await newUser()).id
    expect(deliveredUsers()).toEqual([after])
    receiver.answer = () => 200
    pass(400)
    await tick(everyMinute)
    expect(receiver.take()).toEqual([`user.updated ${poison}`])
    expect(await failuresOf(id)).toEqual([])
  })

  it('without success is retried less and less often, and receives all events once it recovers', async () => {
    const { id } = await newWebhook()
    receiver.answer = () => Promise.reject(new Error('Network connection lost'))
    const users: string[] = []
    for (let index = 0; index < 12; index += 1) users.push((await newUser()).id)
    expect(receiver.got.length).toBe(5)
    for (let minutes = 0; minutes < 60; minutes += 1) {
      pass(60)
      await tick(everyMinute)
    }
    // After 1, 2, 4, 8 and then every 15 minutes, one event at a time.
    expect(receiver.got.length).toBeLessThanOrEqual(5 + 8)
    expect((await as('GET', `/v1/webhooks/${id}`)).body.last_outcome).toBe('unreachable')
    receiver.take()
    receiver.answer = () => 204
    for (let minutes = 0; minutes < 300; minutes += 20) {
      pass(20 * 60)
      await tick(everyMinute)
    }
    expect(deliveredUsers().sort()).toEqual(users.sort())
    expect(await failuresOf(id)).toEqual([])
  })

  it('with 410 receives nothing more until its webhook is activated again, and then everything', async () => {
    const { id } = await newWebhook()
    receiver.answer = () => 410
    const users = [(await newUser()).id, (await newUser()).id]
    expect(deliveredUsers()).toEqual(users.slice(0, 1))
    expect((await as('GET', `/v1/webhooks/${id}`)).body).toMatchObject({ status: 'inactive', last_outcome: 'http_410' })
    receiver.answer = () => 200
    pass(120)
    await tick(everyMinute)
    expect(deliveredUsers()).toEqual([])
    await as('PATCH', `/v1/webhooks/${id}`, { status: 'active' })
    expect(deliveredUsers()).toEqual(users)
  })

  it('with a redirect is not followed', async () => {
    const { id } = await newWebhook()
    const headers = { location: 'http://169.254.169.254/latest/meta-data' }
    receiver.answer = () => Promise.resolve(new Response(null, { status: 307, headers }))
    await newUser()
    expect(receiver.got).toHaveLength(1)
    expect((await failuresOf(id))[0].last_outcome).toBe('http_307')
  })

  it('does not delay the response to the change', async () => {
    await newWebhook()
    const answered = Promise.withResolvers<number>()
    let answering = false
    receiver.answer = () => {
      answering = true
      return answered.promise
    }
    // `call` also waits for the work after the response. The receiver must not finish before the response.
    const creating = newUser()
    while (!answering) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(
      await rows("SELECT 1 AS made FROM audit_events WHERE action = 'user.created' AND actor_id IS NOT NULL"),
    ).toEqual([{ made: 1 }])
    answered.resolve(200)
    await creating
  })
})

describe('a delivery run', () => {
  it('runs alone: many simultaneous runs deliver every event once', async () => {
    await newWebhook()
    receiver.answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return 200
    }
    const creating = Array.from({ length: 10 }, async () => (await newUser()).id as string)
    const ticking = Array.from({ length: 5 }, () => tick(everyMinute))
    const users = await Promise.all(creating)
    await Promise.all(ticking)
    await tick(everyMinute)
    expect(deliveredUsers().sort()).toEqual(users.sort())
  })

  it('that is cut off is followed by another, which delivers its events again after the lease ends', async () => {
    await newWebhook()
    const message = documented.again[2] as string
    // The second batch of a run records the result.
    const cut = failingD1({ strikes: (number) => number === 3, fault: { kind: 'error', message } })
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const users = [(await newUser()).id]
    receiver.take()
    users.push((await newUserQuietly()).id)
    await expect(tick(everyMinute, { DB: cut.DB })).rejects.toThrow()
    expect(deliveredUsers()).toEqual(users.slice(1))
    await tick(everyMinute)
    expect(deliveredUsers()).toEqual([])
    pass(61)
    await tick(everyMinute)
    expect(deliveredUsers()).toEqual(users.slice(1))
    pass(61)
    await tick(everyMinute)
    expect(deliveredUsers()).toEqual([])
  })

  /** Creates a user without a delivery attempt. */
  async function newUserQuietly() {
    await rows('UPDATE webhooks SET leased_until = ?', Number.MAX_SAFE_INTEGER)
    const user = await newUser()
    await rows('UPDATE webhooks SET leased_until = 0')
    return user
  }

  it.each([
    [200, 500],
    [500, 200],
  ])(
    'that is too slow (answered %i) does not overwrite the result of the next run (answered %i)',
    async (late, status) => {
      const { id } = await newWebhook()
      const slow = Promise.withResolvers<number>()
      const user = (await newUserQuietly()).id
      receiver.answer = () => slow.promise
      const first = tick(everyMinute)
      while (receiver.got.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      pass(61)
      receiver.answer = () => status
      await tick(everyMinute)
      const left = await failuresOf(id)
      expect(left).toHaveLength(status === 200 ? 0 : 1)
      slow.resolve(late)
      await first
      expect(await failuresOf(id)).toEqual(left)
      receiver.answer = () => 200
      receiver.take()
      pass(70)
      await tick(everyMinute)
      expect(deliveredUsers()).toEqual(status === 200 ? [] : [user])
    },
  )

  it('loses no event, whichever of its queries fails and however', async () => {
    const { id } = await newWebhook()
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const message = documented.again[2] as string
    for (const kind of ['error', 'reply lost'] as const) {
      for (const status of [200, 500]) {
        for (let failing = 1; failing <= 5; failing += 1) {
          const user = (await newUserQuietly()).id
          receiver.answer = () => status
          const d1 = failingD1({ strikes: (number) => number >= failing, fault: { kind, message } })
          await tick(everyMinute, { DB: d1.DB }).catch(() => {})
          receiver.answer = () => 200
          const seen = status === 200 ? deliveredUsers() : []
          receiver.take()
          for (let minutes = 0; minutes < 8; minutes += 1) {
            pass(60)
            await tick(everyMinute)
          }
          const where = `${kind}, ${status}, query ${failing}`
          expect([where, new Set([...seen, ...deliveredUsers()])]).toEqual([where, new Set([user])])
          expect([where, await failuresOf(id)]).toEqual([where, []])
        }
      }
    }
  }, 120_000)
})

describe('the audit trail', () => {
  const retention = { AUDIT_RETENTION_DAYS: '1' }
  const sweep = async () => {
    vi.spyOn(console, 'log').mockImplementation(() => {})
    await tick(sweepCron, retention)
  }
  const kept = async () =>
    (
      await rows<{ user_id: string }>(
        "SELECT user_id FROM audit_events WHERE action = 'user.created' AND actor_id IS NOT NULL",
      )
    ).map(({ user_id }) => `usr_${user_id.replaceAll('-', '')}`)

  it('keeps events that an active webhook still has to receive, whatever their age, and no longer', async () => {
    const { id } = await newWebhook()
    receiver.answer = () => 503
    const users: string[] = []
    for (let index = 0; index < 7; index += 1) users.push((await newUser()).id)
    pass(3 * 86_400)
    session = await adminToken()
    await sweep()
    expect(await kept()).toEqual(users)
    receiver.answer = () => 200
    receiver.take()
    await as('POST', `/v1/webhooks/${id}/retry`)
    expect(deliveredUsers().sort()).toEqual(users.toSorted())
    await sweep()
    expect(await kept()).toEqual([])
  })

  it('removes failed deliveries and events for inactive webhooks along with the expired event', async () => {
    const { id } = await newWebhook()
    receiver.answer = () => 503
    await newUser()
    await as('PATCH', `/v1/webhooks/${id}`, { status: 'inactive' })
    await newUser()
    pass(3 * 86_400)
    session = await adminToken()
    await sweep()
    expect([await kept(), await failuresOf(id), await rows('SELECT * FROM webhook_failures')]).toEqual([[], [], []])
    receiver.answer = () => 200
    receiver.take()
    await as('PATCH', `/v1/webhooks/${id}`, { status: 'active' })
    const after = (await newUser()).id
    expect(deliveredUsers()).toEqual([after])
  })
})

describe('the cost of webhooks', () => {
  it('is one row read without webhooks, and no query after the response', async () => {
    const d1 = failingD1()
    const answer = await call('/v1/users', { token: admin, json: person(), env: { DB: d1.DB } })
    expect([answer.status, answer.cost.trips, d1.batches.length]).toEqual([201, 2, 2])
    const clock = failingD1()
    await tick(everyMinute, { DB: clock.DB })
    expect(clock.batches).toEqual([{ written: 0 }])
    await newWebhook({ status: 'inactive' })
    const off = failingD1()
    await call('/v1/users', { token: admin, json: person(), env: { DB: off.DB } })
    expect(off.batches).toHaveLength(2)
  })

  it('is one row read before the response with webhooks, and no trip and no row written', async () => {
    const costs: { trips: number; read: number; written: number }[][] = []
    await newUser()
    for (const webhooks of [0, 1, 3]) {
      while ((await rows('SELECT id FROM webhooks')).length < webhooks) await newWebhook()
      const { body, cost } = await as('POST', '/v1/users', person())
      costs.push([cost, (await as('PATCH', `/v1/users/${body.id}`, { phone: '1' })).cost])
    }
    const [without, ...some] = costs
    for (const ones of some) expect(ones).toEqual(without?.map((cost) => ({ ...cost, read: cost.read + 1 })))
  })

  it('is two trips per step after the response, and no more rows than events', async () => {
    await newWebhook()
    const d1 = failingD1()
    await call('/v1/users', { token: admin, json: person(), env: { DB: d1.DB } })
    // The update, then the due events, the lease, the result, and no further write.
    expect(d1.batches.map(({ written }) => written)).toEqual([0, expect.any(Number), 0, 1, 1, 0])
  })
})

describe('the log of a delivery run', () => {
  it('has the number of deliveries, and no user or URL', async () => {
    const lines: string[] = []
    vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(String(line)))
    const { secret } = await newWebhook()
    const env = { REQUEST_LOG: 'on' }
    const user = (await call('/v1/users', { token: admin, json: person(), env })).body.id
    receiver.answer = () => 500
    await call('/v1/users', { token: admin, json: person(), env })
    expect(lines.map((line) => JSON.parse(line)).filter(({ message }) => message === 'webhooks')).toMatchObject([
      { delivered: 1, failed: 0, given_up: 0 },
      { delivered: 0, failed: 1, given_up: 0 },
    ])
    for (const word of ['example', user, uuidOf(user), secret]) expect(lines.join('\n')).not.toContain(word)
    expect(testEnv.REQUEST_LOG).toBe('off')
  })
})

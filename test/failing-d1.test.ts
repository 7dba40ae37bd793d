/** Failures of D1 at each query of each operation, in every way that its documentation lists and in two others. */
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { operationsOf, type Operation } from './support/conformance'
import { isDone, placeOf, requestsFor } from './support/drawn-requests'
import { documented, failingD1, type Fault, type Plan } from './support/failing-d1'
import { populate } from './support/population'
import { dump, newScene, type Dump, type Scene } from './support/scene'
import { call, openApi, type Answer } from './support/usher'

const document = await openApi()
const operations = operationsOf(document).map((operation) => [operation.operationId, operation] as const)
const everyMessage = [...documented.again, ...documented.notAgain]
let injected = 0

/** The messages that the Worker logged. */
let loggedErrors: string[]

beforeEach(() => {
  loggedErrors = []
  vi.spyOn(console, 'error').mockImplementation((...words) => void loggedErrors.push(words.map(String).join(' ')))
  // Removes the pause before a retry.
  vi.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(() => vi.restoreAllMocks())
afterAll(() => console.log(`${injected} faults injected into ${operations.length} operations`))

/** Sends the candidate request at this position, while D1 fails according to the plan. */
async function ask(
  operation: Operation,
  scene: Scene,
  place: number,
  options: { plan?: Plan | undefined; token?: string; headers?: Record<string, string> } = {},
) {
  const { plan, token = scene.admin.access_token, headers } = options
  const request = requestsFor(document, operation, scene.known)[place]
  if (!request) throw new Error(`${operation.operationId}: no request ${place}`)
  const d1 = failingD1(plan)
  if (plan) injected += 1
  const { path, ...asked } = request
  const answering = call(path, {
    ...asked,
    ...(operation.security?.length !== 0 && { token }),
    ...(headers && { headers: { ...asked.headers, ...headers } }),
    env: { DB: d1.DB },
  })
  return { answer: await (plan?.fault.kind === 'stall' ? outlasting(d1.stalled, answering) : answering), ...d1 }
}

/** The response, after the clock has passed every time limit. */
async function outlasting(stalled: Promise<void>, answering: Promise<Answer>): Promise<Answer> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    await Promise.race([stalled, answering])
    await vi.advanceTimersByTimeAsync(60_000)
    return await answering
  } finally {
    vi.useRealTimers()
  }
}

interface Learned {
  place: number
  /** Whether each batch, by its index, writes when nothing fails. */
  writes: boolean[]
  after: Dump
}

const learned = new Map<string, Learned>()

/** Finds a candidate request that has an effect, the batches that it sends, and the rows that it leaves. */
async function learn(operation: Operation): Promise<Learned> {
  const known = learned.get(operation.operationId)
  if (known) return known
  const scene = await newScene()
  let writes: boolean[] = []
  const place = await placeOf(document, operation, scene.known, async (_, tried) => {
    const { answer, batches } = await ask(operation, scene, tried)
    writes = batches.map(({ written }) => written > 0)
    return { ...answer, written: Number(writes.includes(true)) }
  })
  const lesson = { place, writes, after: await dump() }
  learned.set(operation.operationId, lesson)
  return lesson
}

const from = (at: number) => (number: number) => number >= at

function expectUnavailable({ status, headers, text }: Answer, where: string) {
  expect([where, status, headers.get('retry-after')]).toEqual([where, 503, '5'])
  expect(text).not.toMatch(/D1|SQL|object|storage|reset|overload/i)
}

/** The dump without values that differ between runs. */
function alike(all: Dump): Record<string, string[]> {
  const plain = (row: object) =>
    JSON.stringify(row)
      .replace(/\$pbkdf2[^"\\]*/g, '<hash>')
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
      .replace(/\[\d+(,\d+){15}\]/g, '<id>')
      .replace(/[A-Za-z0-9_-]{43}/g, '<hash>')
      .replace(/(nonce\W+)[\w-]{22}/g, '$1<nonce>')
      .replace(/\b\d{10}\b/g, '<time>')
  return Object.fromEntries(Object.entries(all).map(([table, list]) => [table, list.map(plain).sort()]))
}

describe.each(operations)('%s', (_, operation) => {
  const guarded = operation.security?.length !== 0
  const keyed = operation.parameters?.some(({ name }) => name === 'idempotency-key')

  it('returns 503 and changes nothing, whichever query fails and however', async () => {
    const { place, writes } = await learn(operation)
    const scene = await newScene()
    const before = await dump()
    const failed = async (index: number, fault: Fault) => {
      const { answer, batches } = await ask(operation, scene, place, { plan: { strikes: from(index + 1), fault } })
      const where = `query ${index + 1}: ${JSON.stringify(fault)}`
      expectUnavailable(answer, where)
      const again = !writes[index] && fault.kind === 'error' && documented.again.includes(fault.message)
      expect([where, batches.length]).toEqual([where, index + (again ? 2 : 1)])
    }
    for (const index of writes.keys()) {
      await Promise.all(everyMessage.map((message) => failed(index, { kind: 'error', message })))
      await failed(index, { kind: 'stall' })
      expect([index, await dump()]).toEqual([index, before])
    }
    expect(loggedErrors).toHaveLength(writes.length * (everyMessage.length + 1))
    for (const line of loggedErrors) {
      expect(line).toMatch(/^[0-9a-f-]{36} D1: /)
      expect(line).not.toMatch(/passphrase|pbkdf2|Bearer|eyJ|SELECT|INSERT|example\.org/)
    }
  })

  it('retries once after a transient error, and then succeeds', async () => {
    const { place, writes, after } = await learn(operation)
    const reads = writes.filter((written) => !written).length
    if (reads === 0) return
    const scene = await newScene()
    // Each read fails the first time. The writes do not, because the Worker does not repeat them.
    const sent = writes.flatMap((written) => (written ? [false] : [true, false]))
    const fault = { kind: 'reply lost', message: documented.again[2] as string } as const
    const plan = { strikes: (number: number) => sent[number - 1] === true, fault }
    const { answer, batches } = await ask(operation, scene, place, { plan })
    expect([isDone(operation, answer), batches.length]).toEqual([true, writes.length + reads])
    expect(alike(await dump())).toEqual(alike(after))
  })

  it('has committed a change completely, and once, when only the reply was lost', async () => {
    const { place, writes, after } = await learn(operation)
    for (const [index] of [...writes.entries()].filter(([, written]) => written)) {
      const scene = await newScene()
      const fault = { kind: 'reply lost', message: documented.again[2] as string } as const
      const headers = keyed ? { 'idempotency-key': 'once' } : {}
      const { answer, batches } = await ask(operation, scene, place, {
        plan: { strikes: (number) => number === index + 1, fault },
        headers,
      })
      expectUnavailable(answer, `query ${index + 1}`)
      expect(batches).toHaveLength(index + 1)
      const left = await dump()
      const { idempotency_records: records, ...rest } = left
      const { idempotency_records: _none, ...expected } = after
      expect(alike(rest)).toEqual(alike(expected))
      if (!keyed) continue
      expect(records).toHaveLength(1)
      const retried = await ask(operation, scene, place, { headers })
      expect(isDone(operation, retried.answer)).toBe(true)
      expect(await dump()).toEqual(left)
    }
  })

  it('refuses sign-ins', async () => {
    const { place, writes } = await learn(operation)
    // An operation that sends no query answers without the database.
    if (writes.length === 0) return
    const scene = await newScene()
    const stranger: Scene = {
      ...scene,
      known: {
        ...scene.known,
        one: { ...scene.known.one, password: 'not the passphrase' },
        refreshToken: 'none of ours',
        passwordToken: 'none of ours',
      },
    }
    await call('/v1/auth/logout', { method: 'POST', token: scene.one.access_token })
    const before = await dump()
    const token = scene.one.access_token
    for (const kind of ['error', 'reply lost'] as const) {
      for (const strikes of [from(1), from(2), (number: number) => number === 1]) {
        const plan = { strikes, fault: { kind, message: documented.again[2] as string } }
        const { answer } = await ask(operation, stranger, place, { plan, token })
        expect(isDone(operation, answer)).toBe(false)
        if (guarded) expect([401, 503]).toContain(answer.status)
      }
    }
    const { sign_in_failures: _, ...left } = await dump()
    const { sign_in_failures: _none, ...expected } = before
    expect(left).toEqual(expected)
  })
})

describe('/health on a failing D1', () => {
  const ailmentBy = (fault: Fault) => {
    const message = 'message' in fault ? fault.message : ''
    if (message.includes('no such table')) return 'not_migrated'
    return message.includes('maximum DB size') ? 'not_writable' : 'unreachable'
  }
  const health = (plan: Plan) => {
    const d1 = failingD1(plan)
    const answering = call('/health', { env: { DB: d1.DB } })
    return plan.fault.kind === 'stall' ? outlasting(d1.stalled, answering) : answering
  }

  it('reports the database’s own state', async () => {
    await newScene()
    for (const fault of [
      ...everyMessage.map((message) => ({ kind: 'error', message }) as const),
      { kind: 'stall' } as const,
    ]) {
      const answer = await health({ strikes: from(1), fault })
      expectUnavailable(answer, JSON.stringify(fault))
      expect(answer.body).toEqual({ status: 'unavailable', database: ailmentBy(fault) })
    }
    const passing = { kind: 'error', message: documented.again[0] as string } as const
    expect((await health({ strikes: (number) => number === 1, fault: passing })).body).toEqual({ status: 'ok' })
    expect((await call('/health')).body).toEqual({ status: 'ok' })
  })
})

describe('a streamed response', () => {
  it('is complete after a transient error, and breaks off without its end after a lasting one', async () => {
    const places = new Map<string, number>()
    // Clinic's logout is the only GET that changes something.
    const reading = operations.filter(([id, { method }]) => method === 'GET' && id !== 'clinicLogout')
    for (const [id, operation] of reading) places.set(id, (await learn(operation)).place)
    const scene = await newScene()
    await populate(5_100)
    const streamed: string[] = []
    for (const [id, operation] of reading) {
      const place = places.get(id) as number
      const whole = await ask(operation, scene, place)
      if (whole.batches.length < 2) continue
      const fault = { kind: 'error', message: documented.again[0] as string } as const
      const left = await ask(operation, scene, place, { plan: { strikes: from(2), fault } }).then(
        ({ answer }) => answer.status,
        () => 'broken off',
      )
      // The operation had sent all its queries before it responded.
      if (left === 503) continue
      expect([id, left]).toEqual([id, 'broken off'])
      streamed.push(id)
      const passing = await ask(operation, scene, place, { plan: { strikes: (number) => number === 2, fault } })
      expect(passing.answer.text).toBe(whole.answer.text)
    }
    expect(streamed).toEqual(['personnelListUsers', 'v1ExportUsers', 'clinicSearchUsers'])
  })
})

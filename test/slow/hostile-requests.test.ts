/**
 * Sends tens of thousands of hostile requests to every operation. None may cause a server error, get a response outside
 * the document, or reveal internals. SEED repeats a run. SLOW_SCALE shortens it.
 */
import { contracts } from '../../src/contracts'
import type { ContractTraits } from '../../src/http/contract/contract-types'
import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { conform, operationFor, operationsOf, valueOf, type Operation } from '../support/conformance'
import { inconsistencies } from '../support/consistency'
import { placeOf, requestsFor, type Asked } from '../support/drawn-requests'
import { anywhere, hostileRequests, filledIn, type Plan } from '../support/hostile-requests'
import { newScene, type Scene } from '../support/scene'
import { call, fetchWorker, firstAdmin, openApi, rows, signIn, testEnv } from '../support/usher'

const variables = testEnv as unknown as { SEED?: string; SLOW_SCALE?: string }
const scale = Number(variables.SLOW_SCALE || 1)
const seed = Number(variables.SEED || Date.now() % 2 ** 31)
const requestsInAll = 50_000 * scale
const perDirectory = 100
const patienceMilliseconds = 30_000
/** The time limit of a request while /health is asked at the same time. */
const budgetMilliseconds = 1000
/** The maximum size of a refusal, and of a line of an import. */
const mostCharacters = 65_536

const document = await openApi()
const operations = operationsOf(document)
const perOperation = Math.ceil(requestsInAll / operations.length)

vi.setConfig({ testTimeout: 1_800_000 })

let scene: Scene
let ended: string
let secrets: string[]
/** The messages that the Worker has logged since the last request. */
let loggedLines: string[]
const statuses = new Map<number, number>()

console.log(`SEED=${seed}, ${perOperation} requests to each of ${operations.length} operations`)
afterAll(() => {
  const count = [...statuses.values()].reduce((sum, one) => sum + one, 0)
  const each = [...statuses].sort(([one], [other]) => one - other).map(([status, times]) => `${times} x ${status}`)
  console.log(`${count} hostile requests answered (SEED=${seed}): ${each.join(', ')}`)
})

beforeEach(() => {
  loggedLines = []
  // The requests create webhooks, which would otherwise send events to the outside.
  vi.spyOn(globalThis, 'fetch').mockImplementation(() => Promise.resolve(new Response(null, { status: 204 })))
  for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
    vi.spyOn(console, name).mockImplementation((...words) => void loggedLines.push(words.map(String).join(' ')))
  }
})
afterEach(() => vi.restoreAllMocks())

async function beginAgain(): Promise<void> {
  scene = await newScene()
  const { one } = scene.known
  ended = (await signIn(one.email, one.password)).access_token
  await call('/v1/auth/logout', { method: 'POST', token: ended })
  const hidden = await rows<{ secret: string }>(`
    SELECT password_hash AS secret FROM users UNION SELECT family_hash FROM sessions UNION SELECT hash FROM refresh_tokens
    UNION SELECT hash FROM api_keys UNION SELECT hash FROM password_tokens`)
  secrets = [...hidden.map(({ secret }) => secret), String(testEnv.JWT_SECRET), firstAdmin.password]
}

/** The admin's token, renewed after a sign-out. If signing in fails, the directory is replaced, too. */
async function adminAgain(): Promise<void> {
  if ((await call('/v1/me', { token: scene.admin.access_token })).status === 200) return
  try {
    scene.admin = await signIn(firstAdmin.email, firstAdmin.password)
  } catch {
    await beginAgain()
  }
}

function tokenOf({ credential }: Plan): string | undefined {
  if (credential === 'admin') return scene.admin.access_token
  if (credential === 'someone') return scene.one.access_token
  return credential === 'key' ? scene.apiKey : credential === 'ended' ? ended : undefined
}

async function send(plan: Plan) {
  const headers = new Headers()
  for (const [name, value] of plan.headers) headers.append(name, value)
  const token = tokenOf(plan)
  if (token !== undefined) headers.set('authorization', `${plan.authorization}${token}`)
  if (plan.credential === 'garbage') headers.set('authorization', String(plan.authorization))
  const url = new URL(filledIn(plan.url, scene), 'https://usher.example')
  const answering = fetchWorker(url.pathname + url.search, {
    method: plan.method,
    headers: Object.fromEntries(headers),
    body: plan.body && filledInBytes(plan.body),
  }).then(async (response) => ({ response, text: new TextDecoder().decode(await response.arrayBuffer()) }))
  let timer: number | null = null
  const patience = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), patienceMilliseconds)
  })
  try {
    return { ...(await Promise.race([answering, patience])), url }
  } finally {
    clearTimeout(timer)
  }
}

/**
 * The response within the time limit. On a busy machine any request may be slow, but an expensive one is slow each
 * time.
 */
async function sendInTime(plan: Plan): ReturnType<typeof send> {
  let answered: Awaited<ReturnType<typeof send>> | undefined
  let fastest = Infinity
  for (let tried = 0; tried < 3 && fastest > budgetMilliseconds; tried += 1) {
    const before = Date.now()
    const [response, health] = await Promise.all([send(plan), call('/health')])
    fastest = Math.min(fastest, Date.now() - before)
    expect(health.status).toBe(200)
    answered ??= response
  }
  expect(fastest).toBeLessThan(budgetMilliseconds)
  return answered as Awaited<ReturnType<typeof send>>
}

function filledInBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return Uint8Array.from(filledIn(text, scene), (character) => character.charCodeAt(0))
}

/** Words from the Worker, its libraries and its platform that no client may see. No request above sends them. */
const inside =
  /pbkdf2|_hash\b|_key\b|login_identifiers|user_roles|user_search|user_counts|audit_events|SQLITE|D1_ERROR|constraint failed|syntax error|fts5|no such (table|column)|INSERT INTO|SELECT .+ FROM|drizzle|\bhono\b|ZodError|workerd|miniflare|cloudflare|node_modules|\.ts:\d|\bat \S+ \(|(Type|Range|Reference|Syntax)Error/i

/**
 * The text without hashes in imports and exports, because their callers may request hashes. Some errors of an import
 * name the field of a hash.
 */
function withoutMoving(text: string, operationId: string | undefined): string {
  if (operationId === 'v1ImportUsers') {
    return text
      .replace(/"field":"(password|pin)_hash"|"kind":"[^"]*"|"would cost too much[^"]*"/g, '')
      .replace(
        /must not come with a password or a password_hash|name the column password_hash|as password_hash says/g,
        '',
      )
  }
  return operationId === 'v1ExportUsers' ? text.replace(/"(password|pin)_hash":("[^"]*"|null)/g, '') : text
}

/** In some contracts a slash at the end of a path makes no difference. */
const lenient = (contracts as readonly ContractTraits[])
  .filter(({ ignoresTrailingSlash }) => ignoresTrailingSlash)
  .map(({ name }) => name)
const askedFor = (method: string, pathname: string) =>
  operationFor(
    document,
    method,
    lenient.includes(pathname.split('/')[1] ?? '') ? pathname.replace(/(?<=.)\/$/, '') : pathname,
  )

async function check(operation: Operation, plan: Plan): Promise<void> {
  loggedLines = []
  const { response, text, url } = await sendInTime(plan)
  const { status, headers } = response
  statuses.set(status, (statuses.get(status) ?? 0) + 1)
  expect(status).toBeLessThan(500)
  expect(loggedLines).toEqual([])
  const isRefusal = status >= 400 || text.startsWith('{"success":false')
  for (const said of isRefusal ? [text] : text.split('\n').filter((line) => line.includes('"status":"refused"'))) {
    expect(said.length).toBeLessThanOrEqual(mostCharacters)
  }
  expect([headers.get('x-content-type-options'), headers.get('x-request-id')?.length]).toEqual(['nosniff', 36])

  const everything = `${withoutMoving(text, askedFor(plan.method, url.pathname)?.operationId)}\n${[...headers].map((pair) => pair.join(': ')).join('\n')}`
  // An admin may list the kinds of hashes.
  expect(everything.replace(/"format":"[^"]*"/g, '')).not.toMatch(inside)
  for (const secret of secrets) expect(everything.includes(secret)).toBe(false)

  const contentType = headers.get('content-type')
  const asked = askedFor(plan.method, url.pathname)
  if (plan.method === 'HEAD') expect(text).toBe('')
  else if (asked && status !== 405)
    conform(document, asked, { status, headers, text, body: valueOf(contentType, text) })
  else if (url.pathname.startsWith(`/${operation.path.split('/')[1]}/`)) {
    expect([308, 404, 405, 413]).toContain(status)
    if (status !== 308) expect(typeof JSON.parse(text)).toBe('object')
  }

  const guarded = asked?.security?.length !== 0
  if (asked && guarded && ['none', 'ended', 'garbage'].includes(plan.credential)) {
    expect(hasOtherCredential(asked, plan) ? [204, 400, 401, 413, 415] : [401, 413]).toContain(status)
  }
  if (plan.credential === 'admin' && status === 401) await adminAgain()
}

/** Whether the body of the request has a refresh token, for an operation that takes one in place of other credentials. */
function hasOtherCredential({ security }: Operation, { body }: Plan): boolean {
  const isOptional = security?.some((schemes) => Object.keys(schemes).length === 0) === true
  return isOptional && body !== undefined && new TextDecoder().decode(body).includes('refresh_token')
}

/** A request that the operation accepts, as a starting point for hostile ones. */
async function accepted(operation: Operation): Promise<Asked> {
  const { admin, known } = await newScene()
  const token = operation.security?.length === 0 ? undefined : admin.access_token
  const place = await placeOf(document, operation, known, async ({ path, ...asked }) => {
    const answer = await call(path, { ...asked, token })
    return { ...answer, written: answer.cost.written }
  })
  return requestsFor(document, operation, anywhere)[place] as Asked
}

describe.each(operations.map((operation) => [operation.operationId, operation] as const))('%s', (_, operation) => {
  it(`answers ${perOperation} hostile requests as its document says, and the directory stays consistent`, async () => {
    let count = 0
    const whole = async () => expect(await inconsistencies((sql) => rows(sql))).toEqual([])
    const requests = hostileRequests(document, operation, await accepted(operation))
    const property = fc.asyncProperty(requests, async (plan) => {
      if (count % perDirectory === 0) {
        if (count > 0) await whole()
        await beginAgain()
      }
      count += 1
      await check(operation, plan)
    })
    await fc.assert(property, { seed, numRuns: perOperation })
    await whole()
  })
})

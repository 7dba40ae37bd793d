/** The Worker as its clients see it, with an empty directory for each test. */
import { createExecutionContext, createScheduledController, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach } from 'vitest'
import worker from '../../src/index'
import type { Env } from '../../src/env'
import { conform, operationFor, valueOf, type OpenApi } from './conformance'
import { changes } from './changes'
import { uuidOf } from './people'
import { expectNoScan, watched } from './query-plans'
import { emptyDirectory, restoreDirectory, saveDirectory, type SavedDirectory } from './saved-directory'

export { deleteDatabase, migrate, newDatabase } from './saved-directory'
export { roleIds, uuidOf } from './people'

export const testEnv = env as unknown as Env & { TEST_MIGRATIONS: { name: string }[] }

export const firstAdmin = {
  email: String(testEnv.BOOTSTRAP_ADMIN_EMAIL),
  password: String(testEnv.BOOTSTRAP_ADMIN_PASSWORD),
}

/** The value of `changes` when the directory was last emptied. */
let changesWhenEmpty: number | undefined

/** Empties the directory before each test of the file. */
export function freshDirectory(): void {
  beforeEach(async () => {
    await emptyDirectory()
    changesWhenEmpty = changes()
  })
}

export interface Call {
  method?: string
  token?: string | undefined
  /** Sent as JSON. */
  json?: unknown
  /** Sent as a form. */
  form?: Record<string, string> | undefined
  /** Sent unchanged. */
  body?: BodyInit | undefined
  headers?: Record<string, string>
  /** Variables for this request that differ from the suite's. */
  env?: Partial<Record<keyof Env, unknown>>
  host?: string
  /** The default is `https`. */
  scheme?: 'http'
}

export interface Answer<Body = any> {
  status: number
  headers: Headers
  /** The parsed body, undefined when it is empty. For JSON lines, a list with the value of each line. */
  body: Body
  text: string
  cost: { trips: number; read: number; written: number }
}

/**
 * Sends one request to the Worker and returns the whole response. If the request is for an operation, the response is
 * checked against the document.
 */
export async function call<Body = any>(path: string, options: Call = {}): Promise<Answer<Body>> {
  const response = await fetchWorker(path, options)
  const text = new TextDecoder().decode(await response.arrayBuffer())
  const { status, headers } = response
  const body = valueOf(headers.get('content-type'), text) as Body
  const method = methodOf(options)
  const operation = options.host === undefined ? operationFor(await openApi(), method, path) : undefined
  if (operation && method !== 'HEAD') conform(await openApi(), operation, { status, headers, body, text })
  return { status, headers, body, text, cost: costOf(response) }
}

let document: Promise<OpenApi> | undefined

/** The OpenAPI document of all contracts, as the Worker serves it. */
export function openApi(): Promise<OpenApi> {
  return (document ??= fetchWorker('/doc').then((response) => response.json<OpenApi>()))
}

/** The method of a call. */
export function methodOf({ method, json, form, body }: Call): string {
  return method ?? (json === undefined && form === undefined && body === undefined ? 'GET' : 'POST')
}

/** The unread response, for streams. */
export async function fetchWorker(path: string, options: Call = {}): Promise<Response> {
  const { token, json, form, body, headers = {}, host = 'usher.example', scheme = 'https' } = options
  const sent = new Headers(headers)
  if (token !== undefined && !sent.has('authorization')) sent.set('authorization', `Bearer ${token}`)
  if (json !== undefined && !sent.has('content-type')) sent.set('content-type', 'application/json')
  const payload = json !== undefined ? JSON.stringify(json) : form ? new URLSearchParams(form) : body
  const method = methodOf(options)
  const request = new Request(`${scheme}://${host}${path}`, {
    method,
    headers: sent,
    redirect: 'manual',
    ...(payload !== undefined && { body: payload }),
  })
  const context = createExecutionContext()
  const response = await worker.fetch(request, variant(options.env ?? {}), context)
  await waitOnExecutionContext(context)
  if (!options.env?.DB) await expectNoScan(testEnv)
  return response
}

/** Runs the scheduled trigger `cron` to its end. */
export async function tick(cron: string, variables: NonNullable<Call['env']> = {}): Promise<void> {
  await worker.scheduled(createScheduledController({ cron }), variant(variables))
  if (!variables.DB) await expectNoScan(testEnv)
}

let ofThisFile: NonNullable<Call['env']> = {}

/** Variables that differ from the suite's in each request of the file. */
export function useVariables(variables: NonNullable<Call['env']>): void {
  ofThisFile = variables
}

const variants = new Map<string, Env>()

/** The same bindings with other variables. The same variables give the same object, as in production. */
function variant(ofThisRequest: NonNullable<Call['env']>): Env {
  const variables = { ...ofThisFile, ...ofThisRequest }
  const key = JSON.stringify(variables, (_, value: unknown) =>
    value === undefined || typeof value === 'function' ? `(${typeof value})` : value,
  )
  const stable = Object.values(variables).every((value) => typeof value !== 'object')
  const known = stable ? variants.get(key) : undefined
  if (known) return known
  const made = { ...testEnv, DB: watched(testEnv.DB), ...variables } as Env
  if (stable) variants.set(key, made)
  return made
}

function costOf(response: Response) {
  const timing = response.headers.get('server-timing') ?? ''
  const [, trips, read, written] = /trips=(\d+) read=(\d+) written=(\d+)/.exec(timing) ?? []
  return { trips: Number(trips), read: Number(read), written: Number(written) }
}

export interface SignedIn {
  access_token: string
  refresh_token: string
  user: { id: string; email: string }
}

export async function signIn(identifier: string, password: string): Promise<SignedIn> {
  const { status, body, text } = await call<SignedIn>('/v1/auth/login', { json: { identifier, password } })
  if (status !== 200) throw new Error(`sign-in failed: ${status} ${text}`)
  return body
}

let firstSignIn: { at: number; token: string; directory: SavedDirectory } | undefined

/** The first sign-in is used again in this time, in which its access token is valid. */
const freshMilliseconds = 300_000

/** The next file signs in anew, because it may derive passwords with other iterations. */
export function forgetFirstSignIn(): void {
  firstSignIn = undefined
}

/**
 * The token of the first admin, created by the first sign-in. In an empty directory, the rows and the token of an
 * earlier first sign-in of the file are used again.
 */
export async function adminToken(): Promise<string> {
  const at = Date.now()
  const isFirst = Object.keys(ofThisFile).length === 0 && changes() === changesWhenEmpty
  if (isFirst && firstSignIn && Math.abs(at - firstSignIn.at) < freshMilliseconds) {
    await restoreDirectory(firstSignIn.directory)
    return firstSignIn.token
  }
  const { access_token: token } = await signIn(firstAdmin.email, firstAdmin.password)
  if (isFirst) firstSignIn = { at, token, directory: await saveDirectory() }
  return token
}

let people = 0

/** An invented person in v1's field names. */
export function person(overrides: Record<string, unknown> = {}) {
  people += 1
  return {
    email: `person${people}@example.org`,
    name: `Person Number${people}`,
    password: `a fine passphrase ${people}`,
    ...overrides,
  }
}

/** Creates a person through v1 and signs them in. */
export async function signedInPerson(admin: string, overrides: Record<string, unknown> = {}) {
  const input = person(overrides)
  const created = await call('/v1/users', { token: admin, json: input })
  if (created.status !== 201) throw new Error(`creation failed: ${created.status} ${created.text}`)
  const signedIn = await signIn(input.email, String(input.password))
  const uuid = uuidOf(created.body.id)
  const [row] = await rows<{ number: number }>('SELECT number FROM users WHERE id = ?', uuid)
  const { email, password } = { ...input, password: String(input.password) }
  return { ...signedIn, id: created.body.id as string, uuid, number: Number(row?.number), email, password, input }
}

/** Rows read directly from the database, for data that no contract shows. */
export async function rows<Row = Record<string, unknown>>(sql: string, ...params: unknown[]): Promise<Row[]> {
  const { results } = await testEnv.DB.prepare(sql)
    .bind(...params)
    .all<Row>()
  return results
}

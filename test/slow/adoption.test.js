/**
 * Moves users from a legacy system, which is a separate process, to a Worker that is killed meanwhile. Every user is
 * adopted with the old password, through every contract. Faults of either system lock no account.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inconsistencies } from '../support/consistency'
import { admin, exitOf, freePort, hurried, newServer } from '../support/server'

const people = Math.max(60, Math.round(500 * Number(process.env.SLOW_SCALE || 1)))
const home = mkdtempSync(join(tmpdir(), 'usher-legacy-'))
const users = join(home, 'users.json')

const contracts = {
  personnel: (username, password) => ['/personnel/token', { form: { username, password } }],
  v1: (identifier, password) => ['/v1/auth/login', { json: { identifier, password } }],
  rbac: (email, password) => ['/rbac/api/v1/auth/login', { json: { email, password } }],
  clinic: (username, password) => ['/clinic/users/user/login/', { form: { username, password } }],
  backoffice: (username, password) => ['/backoffice/api/login', { json: { username, password } }],
}
const names = Object.keys(contracts)
const upstreamNames = [...names, 'hook']

/** Half of them have a username and a matricule, which legacy clinic, backoffice and personnel know them by. */
const everyone = Array.from({ length: people }, (_, index) => ({
  email: `person${index}@example.org`,
  name: `Person Number${index}`,
  ...(index % 2 && { username: `person.${index}`, matricule: 1000 + index }),
  password: `old secret ${index}`,
  password_from: upstreamNames[index % upstreamNames.length],
}))

let legacy
let port
let server
let token

beforeAll(async () => {
  const identifiers = everyone.flatMap(({ email, username, matricule, password }) =>
    [email, username, matricule].filter(Boolean).map((known) => [String(known), password]),
  )
  writeFileSync(users, JSON.stringify(Object.fromEntries(identifiers)))
  port = await freePort()
  await startLegacy()
  const base = `http://127.0.0.1:${port}`
  const upstreams = Object.fromEntries(names.map((name) => [name, { url: `${base}/${name}`, contract: name }]))
  // The base URL of v1 ends in /v1, because its contract here is named v1.
  const settings = {
    ...hurried,
    UPSTREAMS: JSON.stringify({ ...upstreams, hook: { url: `${base}/hook`, hook: true } }),
    ACCESS_TOKEN_TTL_SECONDS: '86400',
  }
  // The slow database makes a kill likely to come between the legacy system's answer and the commit.
  server = await newServer(settings, { worker: 'test/support/slow-database.ts' })
  await server.start()
  token = (await signIn('v1', admin.email, admin.password)).body.access_token
  const lines = everyone.map(({ password: _, ...row }) => JSON.stringify(row)).join('\n')
  const results = await ask('POST', '/v1/imports', { body: lines, type: 'application/x-ndjson' })
  expect(JSON.parse(results.trim().split('\n').at(-1))).toMatchObject({ created: people, refused: 0 })
})

afterAll(async () => {
  await stopLegacy()
  await server?.remove()
  rmSync(home, { recursive: true })
})

async function startLegacy() {
  const script = fileURLToPath(new URL('../support/legacy-system.js', import.meta.url))
  const env = { ...process.env, PORT: String(port), USERS: users }
  legacy = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => legacy.stdout.once('data', resolve))
}

async function stopLegacy() {
  if (!legacy) return
  legacy.kill('SIGKILL')
  await exitOf(legacy)
  legacy = undefined
}

const control = (fault) =>
  fetch(`http://127.0.0.1:${port}/control`, fault ? { method: 'POST', body: fault } : {}).then((one) => one.json())

async function ask(method, path, { body, type } = {}) {
  const headers = { authorization: `Bearer ${token}`, ...(type && { 'content-type': type }) }
  const response = await fetch(server.address + path, { method, headers, body })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text
}

/** The outcome is 'done', 'refused', 'locked' or 'unavailable', for the words of every contract. */
async function signIn(contract, identifier, password) {
  const [path, { json, form }] = contracts[contract](identifier, password)
  const response = await fetch(server.address + path, {
    method: 'POST',
    headers: { 'content-type': json ? 'application/json' : 'application/x-www-form-urlencoded' },
    body: json ? JSON.stringify(json) : new URLSearchParams(form),
  })
  const body = await response.json()
  const done = response.status === 200 && body.success !== false
  const outcome = done ? 'done' : ({ 429: 'locked', 503: 'unavailable' }[response.status] ?? 'refused')
  return { outcome, body, retryAfter: response.headers.get('retry-after') }
}

const migration = async () => {
  const { data } = JSON.parse(await ask('GET', '/v1/migration'))
  return {
    pending: data.reduce((sum, { pending }) => sum + pending, 0),
    adopted: data.reduce((sum, { adopted }) => sum + adopted.total, 0),
    unknown: data.reduce((sum, { unknown }) => sum + unknown, 0),
  }
}

/** What the database itself has, while nothing is served. */
const failures = () => server.examine((database) => database.prepare('SELECT * FROM sign_in_failures').all())

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** The emails of the users whose sign-in got a response. */
const signedIn = new Set()

/** Signs each of these users in, eight at a time, and counts the outcomes. A request that a kill ends is 'cut'. */
async function adopt(some, contractOf) {
  const outcomes = {}
  const rest = [...some]
  const next = async () => {
    for (let one = rest.shift(); one; one = rest.shift()) {
      const { outcome } = await signIn(contractOf(one), one.email, one.password).catch(() => ({ outcome: 'cut' }))
      if (outcome === 'done') signedIn.add(one.email)
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: 8 }, next))
  return outcomes
}

const contractOf = ({ email }) => names[Number(/\d+/.exec(email)[0]) % names.length]
const half = Math.floor(people / 2)

it('adopts the first half of the users through every contract', async () => {
  expect(await adopt(everyone.slice(0, half), contractOf)).toEqual({ done: half })
  expect(await migration()).toEqual({ pending: people - half, adopted: half, unknown: 0 })
}, 600_000)

it('counts no failed sign-in for any fault of the legacy system', async () => {
  const one = everyone[half]
  for (const fault of ['broken', 'busy', 'redirecting', 'html', 'garbage', 'huge', 'hangup', 'slow']) {
    await control(fault)
    const { outcome, retryAfter } = await signIn('v1', one.email, one.password)
    expect([fault, outcome, Number(retryAfter) > 0]).toEqual([fault, 'unavailable', true])
    // A successful response between two faults resets the count of faults.
    await control('none')
    expect((await signIn('v1', one.email, 'not the password')).outcome).toBe('refused')
    expect((await ask('POST', `/v1/users/${await idOf(one)}/activate`)).length).toBeGreaterThan(0)
  }
  expect(await failures()).toEqual([])
  expect((await signIn('v1', one.email, one.password)).outcome).toBe('done')
})

const idOf = async ({ email }) =>
  JSON.parse(await ask('GET', `/v1/users?search=${encodeURIComponent(email)}`)).data.find(
    (user) => user.email === email,
  ).id

it('returns 503 while the legacy system is down, and locks no account', async () => {
  await stopLegacy()
  const rest = everyone.slice(half + 1)
  const outcomes = await adopt(rest.slice(0, 40), contractOf)
  expect(outcomes).toEqual({ unavailable: Math.min(40, rest.length) })
  // Adopted users do not need it.
  expect((await signIn('clinic', everyone[0].email, everyone[0].password)).outcome).toBe('done')
  expect((await fetch(`${server.address}/health`)).status).toBe(200)
  expect(await failures()).toEqual([])
  await startLegacy()
})

/** Checks the database of a server that is down. Returns the number of attempts that were under way. */
const attemptsLeft = () =>
  server.examine(async (database) => {
    const query = (sql) => database.prepare(sql).all()
    expect(await inconsistencies(query)).toEqual([])
    expect(query('SELECT email FROM users WHERE (password_hash IS NULL) = (password_from IS NULL)')).toEqual([])
    expect(query('SELECT * FROM sign_in_failures')).toEqual([])
    const [{ pending, adopted }] = query('SELECT sum(pending) AS pending, sum(adopted) AS adopted FROM upstreams')
    expect(pending + adopted).toBe(people)
    const isAdopted = new Set(query('SELECT email FROM users WHERE password_from IS NULL').map(({ email }) => email))
    expect([...signedIn].filter((email) => !isAdopted.has(email))).toEqual([])
    return query('SELECT * FROM adoption_attempts').length
  })

it('leaves each user pending when the Worker is killed while it asks the legacy system', async () => {
  // A new instance does not remember the faults of before, and asks at once.
  await server.kill()
  await server.start()
  await control('slow')
  const adopting = adopt(everyone.slice(half + 1, half + 9), contractOf)
  while ((await control()).held < 4) await pause(20)
  await server.kill()
  expect((await adopting).cut).toBeGreaterThanOrEqual(4)
  expect(await attemptsLeft()).toBeGreaterThanOrEqual(4)
  await control('none')
  await server.start()
  expect((await migration()).pending).toBe(people - half - 1)
})

const kills = people < 200 ? 2 : 6

it(`leaves each user pending or adopted, and every user who got a response adopted, in ${kills} kills`, async () => {
  let cut = 0
  for (let killed = 0; killed < kills; killed += 1) {
    const some = everyone.slice(half + 1 + 10 * killed, half + 11 + 10 * killed)
    const before = signedIn.size
    const adopting = adopt(some, contractOf)
    while (signedIn.size === before) await pause(Math.random() * 10)
    await server.kill()
    cut += (await adopting).cut ?? 0
    await attemptsLeft()
    await server.start()
  }
  expect(cut).toBeGreaterThan(0)
  console.log(`${kills} kills during adoptions: ${cut} sign-ins interrupted, each user pending or adopted`)
}, 400_000)

it('adopts the other users, who keep their passwords in every contract', async () => {
  expect(await adopt(everyone.slice(half + 1), contractOf)).toEqual({ done: people - half - 1 })
  const { pending, adopted } = await migration()
  expect([pending, adopted]).toEqual([0, people])
  const { asked } = await control()
  for (const name of names) expect(await adopt(everyone.slice(0, 60), () => name)).toEqual({ done: 60 })
  expect((await control()).asked).toBe(asked)
  expect(await failures()).toEqual([])
  console.log(`${people} people adopted through ${names.length} contracts, none lost, none locked out`)
}, 600_000)

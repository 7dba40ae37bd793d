/**
 * Kills the server with all its processes while many clients write through every contract. Acknowledged changes must
 * exist afterwards. Others must be complete or absent, and a retry under the same key must not repeat them.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inconsistencies } from '../support/consistency'
import { contractAt, contracts, editsOfAnyone } from '../contracts'
import { operationFor } from '../support/conformance'
import { fieldOf, isDone, placeOf, requestsFor, withFields } from '../support/drawn-requests'
import { nobody, uuidOf } from '../support/people'
import { admin, hurried, newServer } from '../support/server'

const kills = Math.max(2, Math.round(20 * Number(process.env.SLOW_SCALE || 1)))
const writers = 8
/** The maximum number of acknowledged changes before a kill. */
const longestRun = 120

const settings = { ...hurried, SERVER_TIMING: 'on', ACCESS_TOKEN_TTL_SECONDS: '86400' }

/** The kinds of changes, by the requests of each contract that make them. */
const requestsOf = {
  create: ({ create }) => [create(nobody.email)],
  change: (contract) => (contract.replacesRecord ? [] : editsOfAnyone(contract).map(([, edit]) => edit(nobody))),
  deactivate: ({ deactivate }) => [deactivate(nobody)],
  activate: ({ activate }) => (activate ? [activate(nobody)] : []),
  delete: ({ delete: remove }) => (remove ? [remove(nobody)] : []),
}

let server
let token
let document
let role
/** For each kind of change, the operations that can make it, each with the position of a suitable candidate request. */
const able = {}

beforeAll(async () => {
  server = await newServer(settings, { worker: 'test/support/slow-database.ts' })
  await server.start()
  token = (await post('/v1/auth/login', { identifier: admin.email, password: admin.password })).body.access_token
  role = (await post('/v1/roles', { name: 'door', permissions: [] })).body
  document = await (await fetch(`${server.address}/doc`)).json()
  let number = 1
  for (const [kind, asksOf] of Object.entries(requestsOf)) {
    able[kind] = []
    for (const operation of operationsFor(kind, asksOf)) {
      const { email, name: called, password } = person('Learned')
      const { body } = await post('/v1/users', { email, name: called, password })
      if (kind === 'activate') await post(`/v1/users/${body.id}/deactivate`)
      // Numbers are assigned in order, starting with the admin's.
      number += 1
      const place = await placeOf(document, operation, known({ id: uuidOf(body.id), number }), send)
      if (kind === 'create') number += 1
      able[kind].push({ operation, place })
    }
  }
})
afterAll(() => server?.remove())

/**
 * The operations for these requests. An operation that edits a user is a `change`, even if its contract also
 * deactivates with it.
 */
function operationsFor(kind, asksOf) {
  return contracts.flatMap(([, contract]) =>
    asksOf(contract)
      .map(({ path, method = 'POST' }) => operationFor(document, method, path))
      .filter(({ operationId }) => kind === 'change' || !(operationId in contract.edits)),
  )
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const pick = (list) => list[Math.floor(Math.random() * list.length)]

/** Sends a request and returns the response. Throws when the kill cut the request off. */
async function send({ method, path, json, form }, headers = {}) {
  const body = json ? JSON.stringify(json) : form && new URLSearchParams(form)
  const response = await fetch(server.address + path, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(json && { 'content-type': 'application/json' }),
      ...headers,
    },
    body,
  })
  const text = await response.text()
  const written = Number(/written=(\d+)/.exec(response.headers.get('server-timing') ?? '')?.[1])
  return { status: response.status, text, body: text === '' ? undefined : JSON.parse(text), written }
}

const post = (path, json) => send({ method: 'POST', path, json })

let people = 0

/** A person with `word` as given name, through any contract. */
function person(word) {
  people += 1
  return {
    email: `person${people}@example.org`,
    username: `person${people}`,
    matricule: 100_000 + people,
    name: `${word} Example`,
    givenName: word,
    familyName: 'Example',
    password: `the passphrase of ${people}`,
  }
}

/** The values for candidate requests: about the user of this row, or for a newcomer. */
function known(row, newcomer = person('Nobody')) {
  const hex = row?.id.replaceAll('-', '')
  return {
    one: newcomer,
    newcomer,
    ids: row ? [`usr_${hex}`, row.id, row.number, hex] : ['none'],
    ownPassword: admin.password,
    role,
    sessionId: 'none',
    refreshToken: 'none',
    passwordToken: 'none',
  }
}

/**
 * The state of every user, by email: the acknowledged state, the last acknowledged request with its response, and a
 * request that the kill cut off with the state that it would lead to.
 */
const ledger = new Map()
const counts = { acknowledged: 0, open: 0, made: 0, retried: 0 }

/** Changes one of the writer's own users, or creates one. Returns false once the server is gone. */
async function writeOnce(rows) {
  const mine = rows.filter(({ email }) => ledger.get(email).certain.is !== 'gone')
  const row = Math.random() < 0.5 ? pick(mine) : undefined
  const kind = row ? pick(['change', 'change', 'deactivate', 'activate', 'delete']) : 'create'
  const { operation, place } = pick(able[kind])
  const word = `W${(people += 1)}`
  const someone = person(word)
  const email = row?.email ?? someone.email
  let asked = requestsFor(document, operation, known(row, someone))[place]
  if (kind === 'create') asked = withFields(asked, named(operation, word))
  if (kind === 'change') asked = { method: operation.method, ...rename(operation, row, word) }
  const keyed = operation.parameters?.some(({ name }) => name === 'idempotency-key')
  const headers = keyed ? { 'idempotency-key': word } : {}

  const before = ledger.get(email)?.certain ?? { is: 'gone', events: 0 }
  const after = afterwards(before, kind, word)
  const request = { asked, headers, keyed }
  ledger.set(email, { certain: before, open: { after, request } })
  let answer
  try {
    answer = await send(asked, headers)
  } catch {
    return false
  }
  if (answer.status >= 500) return false
  if (!isDone(operation, answer)) throw new Error(`${operation.operationId}: ${answer.status} ${answer.text}`)
  counts.acknowledged += 1
  ledger.set(email, { certain: after, answered: { request, text: answer.text } })
  return true
}

/** The state of a user after this change. A change to the same state records no event. */
function afterwards(before, kind, word) {
  if (kind === 'create') return { is: 'active', word, events: 1 }
  if (kind === 'change') return { ...before, word, events: before.events + 1 }
  const is = { deactivate: 'inactive', activate: 'active', delete: 'gone' }[kind]
  return is === before.is ? before : { ...before, is, events: before.events + 1 }
}

/** Gives the user of this row the given name `word`, in the contract's own fields. */
function rename(operation, { id: uuid, number, email }, word) {
  const { edits } = contractAt(operation.path)
  return edits[operation.operationId]({ ...nobody, uuid, number, email }, named(operation, word))
}

/** The fields of the operation's body that give the given name `word`. */
function named(operation, word) {
  const { names } = contractAt(operation.path).wire
  const whole = ['name', 'nom'].find((name) => fieldOf(document, operation, name))
  return names ? names(word, 'Example') : { [whole]: `${word} Example` }
}

/**
 * Compares the ledger with the database on disk and returns the existing users. The outcome of every interrupted
 * request is known afterwards.
 */
async function settle(database) {
  const query = (sql) => database.prepare(sql).all()
  expect(query('PRAGMA integrity_check').map((row) => row.integrity_check)).toEqual(['ok'])
  expect(query('PRAGMA foreign_key_check')).toEqual([])
  database.exec("INSERT INTO user_search (user_search) VALUES ('integrity-check')")
  expect(await inconsistencies(query)).toEqual([])
  const rows = query(`
    SELECT number, id, email, given_name AS word, iif(active, 'active', 'inactive') AS "is",
      (SELECT count(*) FROM audit_events WHERE user_id = users.id) AS events FROM users`)
  const there = new Map(rows.map(({ email, is, word, events }) => [email, { is, word, events }]))
  const isFound = (email, { is, word, events }) => {
    const found = there.get(email)
    return is === 'gone' ? !found : found?.is === is && found.word === word && found.events === events
  }
  for (const [email, entry] of ledger) {
    const { certain, open } = entry
    const made = open !== undefined && isFound(email, open.after)
    if (!made && !isFound(email, certain)) {
      throw new Error(`${email}: ${JSON.stringify({ found: there.get(email), certain, open: open?.after })}`)
    }
    if (open) counts.open += 1
    if (made) counts.made += 1
    entry.certain = made ? open.after : certain
  }
  return rows.filter(({ email }) => ledger.has(email))
}

/**
 * Repeats the requests that had a key. A committed one must get its first response, and any other must now take effect.
 */
async function retry() {
  for (const [email, entry] of ledger) {
    const { request, text } = entry.answered ?? { request: entry.open?.request }
    if (request?.keyed) {
      const answer = await send(request.asked, request.headers)
      expect([email, isDone(request.asked, answer)]).toEqual([email, true])
      if (text !== undefined) expect(answer.text).toBe(text)
      counts.retried += 1
    }
    ledger.set(email, { certain: request?.keyed && entry.open ? entry.open.after : entry.certain })
  }
}

it(`the directory loses nothing in ${kills} kills`, async () => {
  let rows = []
  for (let killed = 0; killed < kills; killed += 1) {
    let gone = false
    const writing = Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        const own = rows.filter((_row, index) => index % writers === writer)
        while (!gone && (await writeOnce(own)));
      }),
    ).finally(() => (gone = true))
    const enough = counts.acknowledged + 10 + Math.random() * longestRun
    while (!gone && counts.acknowledged < enough) await pause(Math.random() * 20)
    await server.kill()
    await writing
    rows = await server.examine(settle)
    await server.start()
    await retry()
  }
  await server.kill()
  await server.examine(settle)
  expect(counts.open).toBeGreaterThan(0)
  console.log(
    `${kills} kills survived: ${counts.acknowledged} changes acknowledged, none lost; ${counts.open} cut off, of which ${counts.made} ` +
      `were made whole and the others not at all; ${counts.retried} retried under their keys, none made twice`,
  )
}, 1_800_000)

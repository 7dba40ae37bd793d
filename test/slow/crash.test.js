/**
 * The server is killed, with everything it runs in, while many write to it through every contract: what was acknowledged is there
 * afterwards, what was not is there whole or not at all, and a retry under its key leaves no second one.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inconsistencies } from '../support/consistency'
import { contracts, editsOfAnyone } from '../contracts'
import { operationFor } from '../support/conformance'
import { fieldOf, isDone, placeOf, requestsFor, withFields } from '../support/drawn-requests'
import { nobody, uuidOf } from '../support/people'
import { admin, hurried, newServer } from '../support/server'

const kills = Math.max(2, Math.round(20 * Number(process.env.SLOW_SCALE || 1)))
const writers = 8
/** Changes acknowledged before the server is killed, at most. */
const longestRun = 120

const settings = { ...hurried, SERVER_TIMING: 'on', ACCESS_TOKEN_TTL_SECONDS: '86400' }

/** What is done here, by the requests of each contract that do it. */
const doings = {
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
/** By what they do: operations, each with the place of a request that it takes among those drawn for it. */
const able = {}

beforeAll(async () => {
  server = await newServer(settings, { worker: 'test/support/slow-database.ts' })
  await server.start()
  token = (await post('/v1/auth/login', { identifier: admin.email, password: admin.password })).body.access_token
  role = (await post('/v1/roles', { name: 'door', permissions: [] })).body
  document = await (await fetch(`${server.address}/doc`)).json()
  let number = 1
  for (const [doing, asksOf] of Object.entries(doings)) {
    able[doing] = []
    for (const operation of operationsFor(doing, asksOf)) {
      const { email, name: called, password } = person('Learned')
      const { body } = await post('/v1/users', { email, name: called, password })
      if (doing === 'activate') await post(`/v1/users/${body.id}/deactivate`)
      // Numbers are given in order, from the admin's on.
      number += 1
      const place = await placeOf(document, operation, known({ id: uuidOf(body.id), number }), send)
      if (doing === 'create') number += 1
      able[doing].push({ operation, place })
    }
  }
}, 300_000)
afterAll(() => server?.remove())

/** The operations for these requests. One that edits a user is a `change`, even if its contract deactivates with it. */
function operationsFor(doing, asksOf) {
  return contracts.flatMap(([, contract]) =>
    asksOf(contract)
      .map(({ path, method = 'POST' }) => operationFor(document, method, path))
      .filter(({ operationId }) => doing === 'change' || !(operationId in contract.edits)),
  )
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const pick = (list) => list[Math.floor(Math.random() * list.length)]

/** What the server answers; a request that the kill cut off throws. */
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

/** Somebody whose given name is `word`, whichever contract they are told to. */
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

/** What requests are drawn from: about the user of this row, or for a newcomer. */
function known(row, newcomer = person('Nobody')) {
  const hex = row?.id.replaceAll('-', '')
  return {
    one: newcomer,
    newcomer,
    ids: row ? [`usr_${hex}`, row.id, row.number, hex] : ['none'],
    ownPassword: admin.password,
    role,
    ...{ sessionId: 'none', refreshToken: 'none', passwordToken: 'none' },
  }
}

/**
 * Everything that was asked, by email: how the user is as far as was acknowledged, the last request that was and its answer, or the
 * one that the kill cut off and how the user would be after it.
 */
const ledger = new Map()
const counts = { acknowledged: 0, open: 0, made: 0, retried: 0 }

/** One change of the writer's own users, or a new one; false once the server is gone. */
async function writeOnce(rows) {
  const mine = rows.filter(({ email }) => ledger.get(email).certain.is !== 'gone')
  const row = Math.random() < 0.5 ? pick(mine) : undefined
  const doing = row ? pick(['change', 'change', 'deactivate', 'activate', 'delete']) : 'create'
  const { operation, place } = pick(able[doing])
  const word = `W${(people += 1)}`
  const someone = person(word)
  const email = row?.email ?? someone.email
  let asked = requestsFor(document, operation, known(row, someone))[place]
  if (doing === 'change') asked = withFields(onlyWhom(asked), { [nameField(operation)]: word })
  const keyed = operation.parameters?.some(({ name }) => name === 'idempotency-key')
  const headers = keyed ? { 'idempotency-key': word } : {}

  const before = ledger.get(email)?.certain ?? { is: 'gone', events: 0 }
  const after = afterwards(before, doing, word)
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

/** How a user is once this is done; what was so already is no event. */
function afterwards(before, doing, word) {
  if (doing === 'create') return { is: 'active', word, events: 1 }
  if (doing === 'change') return { ...before, word, events: before.events + 1 }
  const is = { deactivate: 'inactive', activate: 'active', delete: 'gone' }[doing]
  return is === before.is ? before : { ...before, is, events: before.events + 1 }
}

const nameField = (operation) => ['name', 'nom', 'first_name'].find((name) => fieldOf(document, operation, name))

/** The request without what it would change: only whom it concerns, where that stands in the body. */
function onlyWhom({ json = {}, ...asked }) {
  return { ...asked, json: Object.fromEntries(Object.entries(json).filter(([name]) => /^(user_)?id$/.test(name))) }
}

/** Holds the ledger against what lies on disk, and answers the users that are there; what was cut off is certain from here on. */
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

/** Sends what had a key once more: what was done is answered as it was, what was not is done now. */
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

it(`loses nothing in ${kills} kills`, async () => {
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

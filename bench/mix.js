/**
 * `npm run bench:mix`: the answers of one directory at rising rates of requests, on the server of the benchmark. Prints
 * p50 and p95 for each rate, whether p95 has doubled since the first rate, the answers other than success, and whether
 * every acknowledged change is in the database. Options: `--users 100000 --rates 50,100,200 --seconds 5`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Agent, request as send } from 'undici'
import { bundle } from './bundles.js'
import { caller } from './call.js'
import { fill, using } from './directory.js'
import { draws, person, words } from './people.js'
import * as usher from './products/usher.js'
import { step } from './progress.js'
import { databaseFile, serve } from './server.js'

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '100000' },
    rates: { type: 'string', default: '25,50,100,150,200,250,300,400,600,800' },
    seconds: { type: 'string', default: '8' },
  },
})
const [users, seconds] = [Number(values.users), Number(values.seconds)]
const rates = values.rates.split(',').map(Number)

/** A client gives up after this time. Usher answers 503 after ten seconds without D1. */
const timeoutMilliseconds = 30_000
/** One round, because the hash takes CPU of the Worker. In production it does not slow D1 down; here both share a thread. */
const variables = { ...usher.variables, PASSWORD_ROUNDS: '1' }

const folder = mkdtempSync(join(tmpdir(), 'usher-mix-'))
const building = step('bundle')
const worker = { modules: { 'worker.js': bundle('usher', folder).source }, variables }
building.end()
let server
try {
  const filling = step(`${users.toLocaleString('en')} users`)
  await fill(usher, worker, { folder, count: users, progress: filling })
  filling.end()
  server = await serve({ ...worker, folder })
  const session = await usher.signIn(caller(server.address))
  const written = await load(server, session)
  await server.stop()
  server = undefined
  await using(databaseFile(folder), (database) => {
    usher.check(database)
    check(database, written)
  })
} finally {
  await server?.stop()
  rmSync(folder, { recursive: true })
}

/** Sends the mix at each rate, and prints a line for each. Returns the acknowledged writes. */
async function load({ address }, session) {
  const written = { names: new Map(), created: [], deleted: [] }
  const draw = draws(1)
  const next = mix(draw, written)
  const dispatcher = new Agent({
    connections: 512,
    bodyTimeout: timeoutMilliseconds,
    headersTimeout: timeoutMilliseconds,
  })
  // Warms up the engines.
  await Promise.all(Array.from({ length: 200 }, () => timed(dispatcher, address, session, next())))
  let first
  console.log('rate a second · answered a second · p50 ms · p95 ms · answers')
  for (const rate of rates) {
    const running = []
    const started = performance.now()
    for (let sent = 0; sent < rate * seconds; sent += 1) {
      const due = started + ((sent + draw()) * 1000) / rate
      const early = due - performance.now()
      if (early > 1) await new Promise((resolve) => setTimeout(resolve, early))
      // From the time at which it was due, so that a late client hides no waiting.
      running.push(timed(dispatcher, address, session, next(), due))
    }
    const answers = await Promise.all(running)
    const perSecond = (answers.length * 1000) / (performance.now() - started)
    const times = answers.map(({ milliseconds }) => milliseconds).sort((one, other) => one - other)
    const [p50, p95] = [0.5, 0.95].map((share) => times[Math.floor(share * times.length)])
    const kinds = Map.groupBy(answers, ({ outcome }) => outcome)
    const counted = [...kinds].map(([kind, all]) => `${all.length} ${kind}`).join(', ')
    first ??= p95
    const mark = p95 >= 2 * first ? '  p95 has doubled' : ''
    console.log(`${rate} · ${perSecond.toFixed(0)} · ${p50.toFixed(0)} · ${p95.toFixed(0)} · ${counted}${mark}`)
    if (answers.length > kinds.get('done')?.length && perSecond < rate / 2) break
  }
  await dispatcher.destroy()
  return written
}

/** 70 % reads of one user, 20 % lists and searches, 5 % sign-ins, 5 % changes. */
function mix(draw, written) {
  const { common } = words(users - 1)
  const [read, list, signIn, change] = [0.7, 0.9, 0.95, 1]
  let [created, changed, deleted] = [0, 0, 0]
  const anyone = () => person(2 + Math.floor(draw() * (users / 2)))
  const changes = [
    () => {
      const one = person(users + (created += 1))
      return { ...usher.requests.create(one), done: () => written.created.push(one.email) }
    },
    () => {
      const one = person(Math.floor(users / 2) + 2 + (changed += 1))
      const newName = `${one.givenName} Newell-${changed}`
      return { ...usher.requests.update({ ...one, newName }), done: () => written.names.set(one.id, newName) }
    },
    () => {
      const one = person(users - (deleted += 1))
      return { ...usher.requests.delete(one), done: () => written.deleted.push(one.id) }
    },
  ]
  const kinds = [
    [read, () => usher.requests.get(anyone())],
    [list, () => (draw() < 0.5 ? usher.requests.first({ size: 100 }) : searched())],
    [signIn, () => usher.requests.login(anyone())],
    [change, () => changes[Math.floor(draw() * changes.length)]()],
  ]
  const searched = () => usher.requests.search({ search: common[Math.floor(draw() * common.length)], size: 20 })
  return () => {
    const drawn = draw()
    return kinds.find(([below]) => drawn < below)[1]()
  }
}

/** `outcome` is `done`, the status of the answer and its type, or that there was none. */
async function timed(dispatcher, address, session, asked, from = performance.now()) {
  const { method = 'GET', path, body, expect = 200, done } = asked
  let outcome
  try {
    const response = await send(address + path, {
      method,
      dispatcher,
      headers: { ...session, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.body.text()
    outcome = response.statusCode === expect ? 'done' : `${response.statusCode} ${typeOf(text)}`
  } catch (error) {
    outcome = `without an answer (${error.code})`
  }
  if (outcome === 'done') done?.()
  return { outcome, milliseconds: performance.now() - from }
}

function typeOf(text) {
  try {
    return JSON.parse(text).type ?? 'without a type'
  } catch {
    return 'without a type'
  }
}

/** Throws unless the database has every write that was acknowledged. */
function check(database, { names, created, deleted }) {
  const lost = [
    ...[...names].filter(
      ([id, name]) => database.prepare('SELECT name FROM users WHERE id = ?').get(id)?.name !== name,
    ),
    ...created.filter((email) => !database.prepare('SELECT 1 FROM users WHERE email = ?').get(email)),
    ...deleted.filter((id) => database.prepare('SELECT 1 FROM users WHERE id = ?').get(id)),
  ]
  const all = names.size + created.length + deleted.length
  console.log(`${all} acknowledged changes, ${lost.length} of them lost.`)
  if (lost.length > 0) process.exitCode = 1
}

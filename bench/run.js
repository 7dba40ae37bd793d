/**
 * `npm run bench`: Usher compared with a bare Worker, better-auth and a typical CRUD Worker, on the same data. See
 * README.md.
 */
import { constants, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { agree } from './agreement.js'
import { bundles, workerSource } from './bundles.js'
import { caller } from './call.js'
import { chart } from './chart.js'
import { count, walk } from './costs.js'
import { fill, using } from './directory.js'
import { startClient } from './load.js'
import { subjects as subjectsOf } from './operations.js'
import * as betterAuth from './products/better-auth.js'
import * as crud from './products/crud.js'
import * as floor from './products/floor.js'
import * as usher from './products/usher.js'
import { step } from './progress.js'
import { record } from './recording.js'
import { promisesOf, report } from './report.js'
import { time } from './rounds.js'
import { databaseFile, serve } from './server.js'
import { settings as settingsOf } from './settings.js'
import { startUps } from './start-up.js'

const products = [usher, betterAuth, crud]
const settings = settingsOf(process.argv.slice(2))
const folder = mkdtempSync(join(tmpdir(), 'usher-bench-'))
const running = new Set()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => end().finally(() => process.exit(1)))

try {
  const building = step('bundles')
  const built = bundles(join(folder, 'bundles'))
  building.end()
  const starting = step('starts')
  const starts = await startUps(
    {
      empty: { product: {}, modules: { 'worker.js': built.empty.source }, first: { path: '/' } },
      usher: { product: usher, ...workerOf(usher, built), first: { path: '/' } },
      'better-auth': { product: betterAuth, ...workerOf(betterAuth, built), first: { path: '/api/auth/ok' } },
      crud: { product: crud, ...workerOf(crud, built), first: { path: '/', expect: 404 } },
    },
    folder,
    settings.starts,
    starting,
  )
  starting.end()
  const results = []
  for (const users of settings.users) results.push(await measure(users, built))
  const outcome = {
    machine: machine(),
    settings: { seconds: settings.seconds, rounds: settings.users.map(settings.roundsFor) },
    bundle: { sizes: built, starts },
    results,
  }
  const text = report(outcome)
  console.log(text)
  const target = (name) => new URL(settings.whole ? name : `short-${name}`, import.meta.url)
  writeFileSync(target('report.md'), settings.whole ? text : text.replace('report.svg', 'short-report.svg'))
  writeFileSync(target('report.svg'), chart(results))
  const broken = promisesOf(outcome).flatMap(({ of, promises }) =>
    promises.filter(({ held }) => !held).map(({ promise, measured }) => `${of}: ${promise}: ${measured}`),
  )
  if (broken.length > 0) {
    console.log(`Not held:\n${broken.map((line) => `  ${line}`).join('\n')}`)
    process.exitCode = 1
  }
} finally {
  await end()
}

/** Measures everything at one number of users. */
async function measure(users, built) {
  const here = join(folder, String(users))
  mkdirSync(here)
  const size = users.toLocaleString('en')
  const rounds = settings.roundsFor(users)
  const counting = { ...settings, rounds }
  const bytes = {}
  for (const product of products) {
    const writing = step(`${size} users, written for ${product.title}`)
    bytes[product.name] = await fill(product, workerOf(product, built), {
      folder: join(here, product.name),
      count: users,
      progress: writing,
    })
    writing.end()
  }
  const subjects = subjectsOf(users, counting)

  const recording = step(`${size} users, recorded`)
  // Signs in before the copies are made, because the bare Worker replays the requests of this session.
  const session = await served(workerOf(usher, built), join(here, 'usher'), ({ address }) =>
    usher.signIn(caller(address)),
  )
  copy(here, 'usher', 'recorded')
  copy(here, 'usher', 'floor')
  const listening = { ...workerOf(usher, built), modules: modulesOf('recorded', built.usher.source) }
  const batches = await served(listening, join(here, 'recorded'), ({ address }) =>
    record(usher, address, session, subjects),
  )
  rmSync(join(here, 'recorded'), { recursive: true })
  recording.end()
  const floorWorker = { modules: { 'floor.js': workerSource('floor'), 'recording.json': batches } }

  const counted = step(`${size} users, counted`)
  const costs = {}
  let walked
  {
    const sides = []
    for (const product of products) {
      const worker = workerOf(product, built)
      const modules = modulesOf('counted', built[product.name].source)
      const variables = product === usher ? { ...worker.variables, SERVER_TIMING: 'on' } : worker.variables
      const server = await start({ ...worker, modules, variables }, join(here, product.name))
      const signedIn = product === usher ? session : await product.signIn(caller(server.address))
      sides.push({ product, server, address: server.address, session: signedIn })
    }
    const bare = await start(floorWorker, join(here, 'floor'))
    await agree(sides, bare.address, subjects)
    for (const side of sides) costs[side.product.name] = await count(side, subjects, counting)
    walked = await walk(sides[0], users, counted)
    for (const { server } of sides) await stop(server)
    await stop(bare)
  }
  counted.end()

  const sides = [{ product: floor, server: await start(floorWorker, join(here, 'floor')), session: {} }]
  for (const product of products) {
    const server = await start(workerOf(product, built), join(here, product.name))
    const signedIn = product === usher ? session : await product.signIn(caller(server.address))
    sides.push({ product, server, session: signedIn })
  }
  const timing = step(`${size} users, timed`)
  const client = startClient()
  const speeds = await time(sides, client, subjects, counting, timing)
  await client.stop()
  for (const { server } of sides) await stop(server)
  timing.end()
  // The counters must also include what the Worker has written since.
  await using(databaseFile(join(here, 'usher')), (database) => usher.check(database))
  rmSync(here, { recursive: true })
  return { users, bytes, costs, walked, speeds }
}

function workerOf({ name, variables, flags }, built) {
  return { modules: { 'worker.js': built[name].source }, variables, flags }
}

/** Combines one of the bench's Workers with a product's bundle. */
function modulesOf(worker, source) {
  return { [`${worker}.js`]: workerSource(worker), 'product.js': source }
}

async function start(worker, place) {
  const server = await serve({ ...worker, folder: place })
  running.add(server)
  return server
}

async function stop(server) {
  running.delete(server)
  await server.stop()
}

async function served(worker, place, work) {
  const server = await start(worker, place)
  try {
    return await work(server)
  } finally {
    await stop(server)
  }
}

/** Ends all processes and removes all files. */
async function end() {
  for (const server of [...running]) await stop(server)
  rmSync(folder, { recursive: true, force: true })
}

function copy(here, from, to) {
  cpSync(join(here, from), join(here, to), { recursive: true, mode: constants.COPYFILE_FICLONE })
}

function machine() {
  const { version } = JSON.parse(readFileSync(new URL('node_modules/workerd/package.json', import.meta.url), 'utf8'))
  const date = new Date().toISOString().slice(0, 10)
  return `${availableParallelism()} cores, Node ${process.versions.node}, workerd ${version}, ${date}`
}

/** Writes the results as text, for both the terminal and report.md. */
import { operations } from './operations.js'
import { bundlePromises, costPromises, floorPromises, grouped, peerPromises, ratios } from './promises.js'
import { median } from './rounds.js'

const products = ['floor', 'usher', 'crud', 'better-auth']
const peers = products.slice(1)
const titles = { floor: 'bare Worker', usher: 'Usher', crud: 'CRUD', 'better-auth': 'better-auth' }
/** The size at which Usher is compared with the other products. */
const comparedAt = 100_000

/** Returns all promises for these results. */
export function promisesOf({ bundle, results }) {
  return [
    { of: 'any size', promises: bundlePromises(bundle) },
    ...results.flatMap((result) => [
      { of: `${grouped(result.users)} users, cost`, promises: costPromises(result) },
      { of: `${grouped(result.users)} users, compared with the bare Worker`, promises: floorPromises(result) },
      ...(result.users === comparedAt
        ? [{ of: `${grouped(result.users)} users, compared with the others`, promises: peerPromises(result) }]
        : []),
    ]),
  ]
}

export function report({ machine, settings, bundle, results }) {
  const promised = promisesOf({ bundle, results })
  const all = promised.flatMap(({ promises }) => promises)
  const held = all.filter((promise) => promise.held).length
  return `# What Usher costs, compared with others

Written by \`npm run bench\` on ${machine}.
${settings.rounds.join(', ')} rounds (${results.map(({ users }) => grouped(users)).join(', ')} users), ${settings.seconds} s each.
How it is measured and how to read it: [README.md](README.md).

![Requests per second as shares of the bare Worker's](report.svg)

${held} of ${all.length} promises held.

${results.map(sizeSection).join('\n')}
## Bundle and start

${table(
  ['', 'bundle, KB', 'gzip, KB', 'start to first answer, ms', 'more than an empty Worker', 'CPU, ms'],
  ['empty', ...peers].map((name) => [
    titles[name] ?? 'empty Worker',
    kilobytes(bundle.sizes[name].bytes),
    kilobytes(bundle.sizes[name].gzipBytes),
    bundle.starts[name].clock.toFixed(0),
    (bundle.starts[name].clock - bundle.starts.empty.clock).toFixed(0),
    bundle.starts[name].cpu.toFixed(0),
  ]),
)}
## Promises

${promised.map(({ of, promises }) => `### ${sentence(of)}\n\n${promiseTable(promises)}`).join('\n')}`
}

function sizeSection({ users, speeds, costs, bytes }) {
  const speedTable = (of, shown) =>
    table(
      ['', 'bare Worker', ...peers.map((name) => `${titles[name]}, ×`)],
      operations.map(({ name, title }) => [
        title,
        shown(median(speeds[name].floor.map((round) => round[of])).middle),
        ...peers.map((peer) => (speeds[name][peer] ? ratio(ratios(speeds, name, peer, 'floor', of)) : 'n/a')),
      ]),
    )
  return `## ${grouped(users)} users

Requests per second, of the others as ratios to the bare Worker's in the same round; in brackets the least and most of the rounds. Of
creating and signing in the bare Worker does the hash alone.

${speedTable('perSecond', perSecond)}
Milliseconds to an answer, p50.

${speedTable('p50', milliseconds)}
Milliseconds of CPU a request.

${speedTable('cpu', milliseconds)}
Trips to the database, rows read and rows written; the most of some requests.

${table(
  ['', ...peers.map((name) => titles[name])],
  operations.map(({ name, title }) => [
    title,
    ...peers.map((peer) => (costs[peer][name] ? mostOf(costs[peer][name]) : 'n/a')),
  ]),
)}
Database, bytes a user: ${peers.map((name) => `${titles[name]} ${grouped(bytes[name])}`).join(', ')}.
`
}

function mostOf(costs) {
  return ['trips', 'read', 'written'].map((what) => grouped(Math.max(...costs.map((cost) => cost[what])))).join(' · ')
}

function promiseTable(promises) {
  return table(
    ['', 'measured', ''],
    promises.map(({ promise, measured, held }) => [promise, measured, held ? 'held' : '**not held**']),
  )
}

function table(head, rows) {
  const lines = [head, head.map((_, index) => (index === 0 ? '---' : '--:')), ...rows]
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`
}

const ratio = ({ middle, least, most }) =>
  Number.isNaN(middle) ? 'n/a' : `${two(middle)} (${two(least)}–${two(most)})`
const two = (number) => (number < 0.1 ? number.toPrecision(2) : number < 100 ? number.toFixed(2) : grouped(number))
const perSecond = (number) => (number < 100 ? number.toFixed(1) : grouped(number))
const milliseconds = (number) => (Number.isNaN(number) ? 'n/a' : number < 10 ? number.toFixed(2) : grouped(number))
const kilobytes = (bytes) => (bytes / 1000).toFixed(1)
const sentence = (text) => text[0].toUpperCase() + text.slice(1)

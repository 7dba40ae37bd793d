/** The timing: every product in turn, round after round, so that what disturbs the machine disturbs all alike. */
import { inRound, operations } from './operations.js'
import * as floor from './products/floor.js'

const concurrency = 16
/** Of what computes for a tenth of a second and more, there is nothing to gain from having many on their way. */
const hashing = 4
const warmUps = 20

/** For each operation and product its rounds: `{ perSecond, p50, cpu }`, p50 and CPU in milliseconds a request. */
export async function time(sides, client, subjects, settings, progress) {
  const measured = Object.fromEntries(
    operations.map(({ name }) => [name, Object.fromEntries(sides.map(({ product }) => [product.name, []]))]),
  )
  const steps = settings.rounds * operations.length * sides.length
  let done = 0
  for (let round = 1; round <= settings.rounds; round += 1) {
    for (const [position, operation] of operations.entries()) {
      const turn = (round + position) % sides.length
      for (const side of [...sides.slice(turn), ...sides.slice(0, turn)]) {
        const result = await once(side, client, operation, subjects[operation.name], round, settings)
        measured[operation.name][side.product.name].push(result)
        progress((done += 1), steps)
      }
    }
  }
  return measured
}

async function once({ product, server, session }, client, operation, all, round, settings) {
  const { address } = server
  const some = operation.writes ? inRound(all, round, settings) : all
  const requests = some.map((subject) => {
    const asked =
      product === floor
        ? floor.requestFor(operation, all.indexOf(subject))
        : product.requests[operation.request](subject)
    return prepared(asked, session)
  })
  let load = { address, requests, concurrency: operation.hashes ? hashing : concurrency }
  if (!operation.writes) {
    load = { ...load, seconds: settings.seconds }
    const { milliseconds } = await client.run({ address, requests: requests.slice(0, 1), concurrency: 1 })
    // A query of a second leaves no time for sixteen of them, and one at a time is computed anyway.
    load.concurrency = Math.max(1, Math.min(concurrency, Math.round((settings.seconds * 1000) / milliseconds)))
    if (milliseconds < 50) await client.run({ ...load, requests: cycled(requests, warmUps), seconds: undefined })
  }
  const before = server.cpuMilliseconds()
  const { completed, milliseconds, p50 } = await client.run(load)
  const after = server.cpuMilliseconds()
  return {
    perSecond: (completed * 1000) / milliseconds,
    p50,
    cpu: before === undefined ? undefined : (after - before) / completed,
  }
}

const cycled = (requests, length) => Array.from({ length }, (_, index) => requests[index % requests.length])

function prepared({ method = 'GET', path, headers, body, expect = 200 }, session) {
  const json = body === undefined ? undefined : JSON.stringify(body)
  return {
    method,
    path,
    headers: { ...session, ...headers, ...(json !== undefined && { 'content-type': 'application/json' }) },
    body: json,
    expect,
  }
}

/** The middle one, and between whom it lies. */
export function median(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other)
  return { middle: sorted[sorted.length >> 1], least: sorted[0], most: sorted.at(-1) }
}

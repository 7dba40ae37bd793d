/** The timing: all products take turns in each round, so that a disturbance of the machine affects all alike. */
import { inRound, isIn, operations } from './operations.js'
import * as floor from './products/floor.js'

const concurrency = 16
/** Operations that compute for a tenth of a second or more gain nothing from many concurrent requests. */
const slow = { milliseconds: 100, concurrency: 4 }

/** Returns the rounds per operation and product: `{ perSecond, p50, cpu }`, p50 and CPU in milliseconds per request. */
export async function time(sides, client, subjects, settings, progress) {
  const measured = Object.fromEntries(
    operations.map((operation) => {
      const having = sides.filter(({ product }) => isIn(operation, product))
      return [operation.name, Object.fromEntries(having.map(({ product }) => [product.name, []]))]
    }),
  )
  const steps = (1 + settings.rounds) * operations.length * sides.length
  let done = 0
  const loads = new Map()
  // Round 0 is not counted. It finds the best concurrency and warms up the engines.
  for (let round = 0; round <= settings.rounds; round += 1) {
    for (const [position, operation] of operations.entries()) {
      const turn = (round + position) % sides.length
      for (const side of [...sides.slice(turn), ...sides.slice(0, turn)]) {
        progress((done += 1), steps)
        if (!isIn(operation, side.product)) continue
        const key = `${operation.name} ${side.product.name}`
        const load = loadOf(side, operation, subjects[operation.name], round)
        if (round > 0)
          measured[operation.name][side.product.name].push(await once(side, client, { ...load, ...loads.get(key) }))
        else loads.set(key, await findConcurrency(client, load))
      }
    }
  }
  return measured

  function loadOf({ product, server, session }, operation, all, round) {
    const some = operation.writes ? inRound(all, Math.max(round, 1), settings) : all
    const requests = some.map((subject) => {
      const bare = product === floor
      const asked = bare
        ? floor.requestFor(operation, all.indexOf(subject))
        : product.requests[operation.request](subject)
      return prepared(asked, session)
    })
    if (operation.writes)
      return { address: server.address, requests, concurrency: operation.hashes ? slow.concurrency : concurrency }
    return { address: server.address, requests, concurrency, seconds: settings.seconds }
  }
}

/** Returns the best concurrency of a load after trying it. Writes are not tried. */
async function findConcurrency(client, load) {
  if (load.seconds === undefined) return {}
  const one = { ...load, requests: load.requests.slice(0, 1), concurrency: 1, seconds: undefined }
  let least = Infinity
  for (let tried = 0; tried < 3 && least > slow.milliseconds; tried += 1) {
    least = Math.min(least, (await client.run(one)).milliseconds)
  }
  if (least > slow.milliseconds) return { concurrency: slow.concurrency }
  await client.run({ ...load, seconds: load.seconds / 2 })
  return {}
}

async function once({ server }, client, load) {
  const before = server.cpuMilliseconds()
  const { completed, milliseconds, p50 } = await client.run(load)
  const after = server.cpuMilliseconds()
  return {
    perSecond: (completed * 1000) / milliseconds,
    p50,
    cpu: before === undefined ? NaN : (after - before) / completed,
  }
}

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

/** Returns the median (of two middle values, their mean) and the range. */
export function median(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other)
  const half = sorted.length >> 1
  return {
    middle: sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2,
    least: sorted[0],
    most: sorted.at(-1),
  }
}

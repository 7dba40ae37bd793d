/** Usher's promises of cost and speed, and whether each holds: `{ promise, measured, held }`. */
import { operations, pageSize } from './operations.js'
import { median } from './rounds.js'

const lists = ['first', 'deep', 'numbered']
const searches = ['rare', 'common', 'short']
const reading = ['get', ...lists, ...searches]
const titles = Object.fromEntries(operations.map(({ name, title }) => [name, title]))

/** Budgets per operation: round trips, rows read (by hits and page size) and rows written. */
const budgets = {
  get: { trips: 1, read: () => 8, written: 0, words: '8' },
  first: { trips: 1, read: ({ size }) => size + 20, written: 0, words: '1 a user and 20' },
  deep: { trips: 1, read: ({ size }) => size + 20, written: 0, words: '1 a user and 20' },
  numbered: { trips: 1, read: ({ size }) => size + 1500, written: 0, words: '1 a user and 1,500' },
  rare: { trips: 1, read: ({ hits, size }) => hits + 2 * size + 30, written: 0, words: '1 a hit, 2 a user and 30' },
  common: { trips: 1, read: ({ hits, size }) => hits + 2 * size + 30, written: 0, words: '1 a hit, 2 a user and 30' },
  short: { trips: 1, read: ({ hits, size }) => hits + 2 * size + 700, written: 0, words: '1 a hit, 2 a user and 700' },
  three: {
    trips: 1,
    read: ({ hits, size }) => hits + 3 * size + 5000,
    written: 0,
    words: '1 a hit, 3 a user and 5,000',
  },
  combined: {
    trips: 1,
    read: ({ hits, size }) => hits + 3 * size + 200,
    written: 0,
    words: '1 a hit of the longer word, 3 a user and 200',
  },
  create: { trips: 2, read: () => 40, written: 25, words: '40' },
  login: { trips: 3, read: () => 30, written: 12, words: '30' },
  update: { trips: 2, read: () => 40, written: 15, words: '40' },
  delete: { trips: 1, read: () => 40, written: 15, words: '40' },
  introspect: { trips: 1, read: () => 14, written: 0, words: '14' },
  scimGet: { trips: 1, read: () => 10, written: 0, words: '10' },
  scimFirst: { trips: 1, read: ({ size }) => 5 * size + 1520, written: 0, words: '5 a user and 1,520' },
  scimFilter: { trips: 1, read: () => 14, written: 0, words: '14' },
  scimActive: { trips: 2, read: () => 45, written: 18, words: '45' },
  scimMembers: { trips: 2, read: () => 80, written: 34, words: '80' },
}

/** The promises that hold at any size, for the results of one size. */
export function costPromises({ costs, walked, bytes }) {
  const promised = operations.map(({ name, title }) => {
    const { trips, read, written, words } = budgets[name]
    const over = costs.usher[name].filter(
      (cost) => cost.trips > trips || cost.read > read(cost) || cost.written > written || cost.trips === 0,
    )
    const worst = over[0] ?? costs.usher[name].reduce((most, cost) => (cost.read > most.read ? cost : most))
    const hits =
      worst.hits !== undefined && worst.size && [...searches, 'three', 'combined'].includes(name)
        ? ` at ${grouped(worst.hits)} hits`
        : ''
    return {
      promise: `${title}: ≤ ${trips} ${trips === 1 ? 'trip' : 'trips'}, ${words} rows read, ${written} written`,
      measured: `${worst.trips}, ${grouped(worst.read)}${hits} (≤ ${grouped(read(worst))}), ${worst.written}`,
      held: over.length === 0,
    }
  })
  // The first use in an hour is recorded in the same trip. A list's first use is compared with its own later request.
  const first = Object.entries(costs.usher.firstUse).map(([name, cost]) => {
    const later = costs.usher[name][0]
    const more = {
      trips: cost.trips - later.trips,
      read: cost.read - later.read,
      written: cost.written - later.written,
    }
    return {
      promise: `${titles[name]}, its first use in an hour: no trip, ≤ 8 rows read and ≤ 1 written more`,
      measured: `${more.trips}, ${more.read}, ${more.written}`,
      held: more.trips === 0 && more.read <= 8 && more.written <= 1,
    }
  })
  const { numbered, deep } = walked
  const sampled = numbered.whole ? '' : ` (${numbered.pages} pages)`
  return [
    ...promised,
    ...first,
    {
      promise: `everyone by pages of ${pageSize} by number: ≤ 15 rows a user`,
      measured: numbered.rowsAUser.toFixed(2) + sampled,
      held: numbered.rowsAUser <= 15,
    },
    {
      promise: `everyone by cursor: ≤ 1.2 rows a user`,
      measured: deep.rowsAUser.toFixed(2) + sampled,
      held: deep.rowsAUser <= 1.2,
    },
    {
      promise: 'database, an audit event included: < 1,300 bytes a user',
      measured: grouped(Math.round(bytes.usher)),
      held: bytes.usher < 1300,
    },
  ]
}

/** Compared with the bare Worker, in the same rounds. */
export function floorPromises({ speeds }) {
  const atLeast = (name, share) => {
    const { middle } = ratios(speeds, name, 'usher', 'floor')
    return {
      promise: `${titles[name]}: ≥ ${share} × bare Worker`,
      measured: `${middle.toFixed(2)} ×`,
      held: middle >= share,
    }
  }
  const hashed = ['create', 'login'].map((name) => {
    const { middle } = ratios(speeds, name, 'floor', 'usher')
    const promise = `${titles[name]}: ≤ 1.15 × the time of the hash alone`
    return { promise, measured: `${middle.toFixed(3)} ×`, held: middle <= 1.15 }
  })
  return [atLeast('get', 0.8), ...[...lists, ...searches].map((name) => atLeast(name, 0.7)), ...hashed]
}

/** Compared with the other products, at 100,000 users. */
export function peerPromises({ costs, speeds }) {
  const promises = []
  for (const [peer, title] of [
    ['better-auth', 'better-auth'],
    ['crud', 'the CRUD Worker'],
  ]) {
    const worst = (product, name, what) => Math.max(...costs[product][name].map((cost) => cost[what]))
    for (const name of [...lists, ...searches]) {
      const [ours, theirs] = [worst('usher', name, 'read'), worst(peer, name, 'read')]
      promises.push({
        promise: `${titles[name]}: fewer rows than ${title}`,
        measured: `${grouped(ours)} : ${grouped(theirs)}`,
        held: ours < theirs,
      })
    }
    for (const { name } of operations.filter(({ alone }) => !alone)) {
      const [ours, theirs] = [worst('usher', name, 'trips'), worst(peer, name, 'trips')]
      promises.push({
        promise: `${titles[name]}: fewer trips than ${title}`,
        measured: `${ours} : ${theirs}`,
        held: ours < theirs,
      })
    }
    for (const name of reading) {
      if (peer === 'crud' && name === 'get') continue
      const times = peer === 'crud' ? 1 : name === 'get' ? 2.5 : 10
      const { middle } = ratios(speeds, name, 'usher', peer)
      promises.push({
        promise: `${titles[name]}: ${times === 1 ? 'ahead of' : `≥ ${times} ×`} ${title}`,
        measured: `${middle.toFixed(2)} ×`,
        held: times === 1 ? middle > 1 : middle >= times,
      })
    }
  }
  return promises
}

/** The size of the bundle, which does not depend on the users. */
export function bundlePromises({ sizes, starts }) {
  const slower = starts.usher.clock - starts.empty.clock
  return [
    {
      promise: 'bundle: < 200 KB gzip',
      measured: `${(sizes.usher.gzipBytes / 1000).toFixed(1)} KB`,
      held: sizes.usher.gzipBytes < 200_000,
    },
    {
      promise: 'start to the first answer: < 250 ms more than an empty Worker',
      measured: `${slower.toFixed(0)} ms more`,
      held: slower < 250,
    },
  ]
}

/** Returns the ratio of two products' measurements per round, by default of requests per second. */
export function ratios(speeds, operation, one, other, of = 'perSecond') {
  const others = speeds[operation][other]
  return median(speeds[operation][one].map((round, index) => round[of] / others[index][of]))
}

export const grouped = (number) => Math.round(number).toLocaleString('en')

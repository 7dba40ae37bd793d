/** Measures round trips and rows by D1's `meta`, one request at a time and separate from the timing. */
import { deepStrictEqual } from 'node:assert'
import { caller } from './call.js'
import { inRound, isIn, operations, pageSize } from './operations.js'

const asked = 8
/** Up to this many users all pages are read, and a sample beyond. */
const walkedWhole = 10_000
const samples = 50

/** Usage counts by program, so a program of its own makes its first request of the hour. */
const newProgram = (name) => ({ 'user-agent': `newcomer-${name}/1.0` })

/**
 * Returns the costs of some requests per operation: `{ trips, read, written, hits, size }`. Each operation is used once before it is
 * counted; `firstUse` has what a first use in an hour costs.
 */
export async function count({ product, address, session }, subjects, settings) {
  const call = caller(address, session)
  const costs = { firstUse: {} }
  for (const { name, request, writes, finds } of operations.filter((operation) => isIn(operation, product))) {
    costs[name] = []
    const some = writes ? inRound(subjects[name], 0, settings) : subjects[name]
    const first = product.requests[request](some[0])
    if (!writes) costs.firstUse[name] = costOf(await call({ ...first, headers: newProgram(name) }))
    await call(first)
    // A write cannot be repeated.
    for (const subject of writes ? some.slice(1, asked + 1) : some.slice(0, asked)) {
      const answer = await call(product.requests[request](subject))
      const { total } = finds ? product.people(answer) : {}
      // With a longer word, only its hits are read.
      const { longer } = subject
      const hits = longer
        ? product.people(await call(product.requests[request]({ ...subject, search: longer }))).total
        : total
      costs[name].push({ ...costOf(answer), hits, size: subject.size })
    }
  }
  return costs
}

/** Returns the rows read per user when all users are read in pages of 100: by page number and by cursor. */
export async function walk({ product, address, session }, users, progress) {
  const call = caller(address, session)
  const last = Math.ceil(users / pageSize)
  const whole = users <= walkedWhole
  const pages = Array.from({ length: whole ? last : samples }, (_, index) =>
    whole ? index + 1 : 1 + Math.floor((index * (last - 1)) / (samples - 1)),
  )
  const walked = {}
  for (const way of ['numbered', 'deep']) {
    let [read, seen] = [0, 0]
    for (const [index, page] of pages.entries()) {
      const answer = await call(
        product.requests[way === 'deep' && page === 1 ? 'first' : way]({ page, size: pageSize }),
      )
      read += costOf(answer).read
      seen += product.people(answer).emails.length
      progress(index + 1, pages.length)
    }
    walked[way] = { rowsAUser: read / seen, pages: pages.length, whole }
  }
  return walked
}

/** Returns the metered cost. If the product reports its cost too, both must agree. */
function costOf({ headers }) {
  const cost = JSON.parse(headers.get('x-cost'))
  const [, trips, read, written] = /trips=(\d+) read=(\d+) written=(\d+)/.exec(headers.get('server-timing') ?? '') ?? []
  if (trips) deepStrictEqual({ trips: Number(trips), read: Number(read), written: Number(written) }, cost)
  return cost
}

/**
 * Any product's bundle with a meter between it and its database. Every call to D1 is a round trip, and its `meta` has
 * the rows. Only this level sees everything, because `raw()`, which drizzle uses, drops the meta. Handles one request
 * at a time.
 */
import product from './product.js'

const environments = new WeakMap()
let cost

export default {
  async fetch(request, env, ctx) {
    cost = { trips: 0, read: 0, written: 0 }
    const response = await product.fetch(request, metered(env), ctx)
    const body = await response.arrayBuffer()
    const headers = new Headers(response.headers)
    headers.set('x-cost', JSON.stringify(cost))
    return new Response(body.byteLength > 0 ? body : null, { status: response.status, headers })
  },
}

function metered(env) {
  let counted = environments.get(env)
  if (!counted) environments.set(env, (counted = { ...env, DB: database(env.DB) }))
  return counted
}

function database(d1) {
  const wire = d1.fetcher
  if (typeof wire?.fetch !== 'function') throw new Error('D1 is not built as it was: its wire cannot be metered')
  return new d1.constructor({
    async fetch(...args) {
      cost.trips += 1
      const response = await wire.fetch(...args)
      const answers = await response.clone().json()
      for (const { meta } of [answers].flat()) {
        cost.read += meta?.rows_read ?? 0
        cost.written += meta?.rows_written ?? 0
      }
      return response
    },
  })
}

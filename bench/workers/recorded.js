/** Usher's bundle with an ear on its database: answers the batches a request made instead of what it answered. */
import usher from './product.js'

let batches = []
const environments = new WeakMap()

export default {
  async fetch(request, env, ctx) {
    batches = []
    const { status } = await usher.fetch(request, listening(env), ctx)
    return Response.json({ status, batches })
  },
}

/** One environment each, since Usher checks its configuration once for each. */
function listening(env) {
  let heard = environments.get(env)
  if (!heard) environments.set(env, (heard = { ...env, DB: database(env.DB) }))
  return heard
}

const database = (d1) => ({
  prepare: (sql) => ({ bind: (...params) => ({ sql, params }) }),
  batch(statements) {
    batches.push(statements.map(({ sql, params }) => [sql, params]))
    return d1.batch(statements.map(({ sql, params }) => d1.prepare(sql).bind(...params)))
  },
})

/** Usher's bundle with a recorder on its database. It returns the batches of a request instead of the response. */
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

/** One environment per request, because Usher checks its configuration once per environment. */
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

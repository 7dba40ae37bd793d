/**
 * The Worker on a database that waits up to 20 ms before each call and again before each reply. A write that is split
 * over several calls, instead of one batch, is then likely to be interrupted by a kill. So is a write that has
 * committed but was not answered yet. Without the delay a kill would almost never fall between them.
 */
import usher from '../../src'
import type { Env } from '../../src/env'

const longestMilliseconds = 20

const pause = () => new Promise((resolve) => setTimeout(resolve, Math.random() * longestMilliseconds))

async function later<T>(work: () => Promise<T>): Promise<T> {
  await pause()
  const result = await work()
  await pause()
  return result
}

interface Slow {
  real: D1PreparedStatement
  bind(...values: unknown[]): Slow
  run(): Promise<D1Result>
}

function slow(real: D1PreparedStatement): Slow {
  return { real, bind: (...values) => slow(real.bind(...values)), run: () => later(() => real.run()) }
}

const slowly = (db: D1Database) => ({
  prepare: (sql: string) => slow(db.prepare(sql)),
  batch: (statements: Slow[]) => later(() => db.batch(statements.map(({ real }) => real))),
})

const environments = new WeakMap<Env, Env>()

/** One object per environment, because the Worker checks its configuration once per object. */
function onSlow(env: Env): Env {
  let known = environments.get(env)
  if (!known) environments.set(env, (known = { ...env, DB: slowly(env.DB) as unknown as D1Database }))
  return known
}

export default {
  fetch: (request, env, ctx) => usher.fetch(request, onSlow(env), ctx),
} satisfies ExportedHandler<Env>

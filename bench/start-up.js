/** Measures the time from start to the first response, each Worker in a fresh workerd, in turn. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { caller } from './call.js'
import { found } from './directory.js'
import { median } from './rounds.js'
import { serve } from './server.js'

/**
 * Returns the median milliseconds of each Worker, elapsed and CPU. `workers` have a `product` and a cheap `first`
 * request.
 */
export async function startUps(workers, folder, times, progress) {
  for (const [name, { product }] of Object.entries(workers)) await found(product, join(folder, `empty-${name}`))
  const taken = Object.fromEntries(Object.keys(workers).map((name) => [name, []]))
  for (let time = 0; time < times; time += 1) {
    for (const [name, { first, product: _, ...worker }] of Object.entries(workers)) {
      const database = mkdtempSync(join(folder, 'start-'))
      cpSync(join(folder, `empty-${name}`), database, { recursive: true })
      const start = performance.now()
      const server = await serve({ ...worker, folder: database })
      await caller(server.address)(first)
      taken[name].push({ clock: performance.now() - start, cpu: server.cpuMilliseconds() ?? NaN })
      await server.stop()
      rmSync(database, { recursive: true })
    }
    progress(time + 1, times)
  }
  const middle = (all, of) => median(all.map((milliseconds) => milliseconds[of])).middle
  return Object.fromEntries(
    Object.entries(taken).map(([name, all]) => [name, { clock: middle(all, 'clock'), cpu: middle(all, 'cpu') }]),
  )
}

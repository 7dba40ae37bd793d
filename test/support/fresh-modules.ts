/**
 * One workerd serves many test files, because a start takes seconds. Each file still begins with freshly loaded
 * modules, an empty database and the real clock.
 */
import { reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, vi } from 'vitest'

vi.resetModules()

beforeAll(async () => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  // A reset only reaches a database that this file has used.
  await (env as unknown as { DB: D1Database }).DB.prepare('SELECT 1').all()
  await reset()
})

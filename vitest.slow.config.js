/** `npm run test:slow`: what takes minutes. SLOW_SCALE=0.1 makes it a tenth of that, SEED repeats a run of the hostile requests. */
import { defineConfig } from 'vitest/config'
import { workerd } from './vitest.config.ts'

const { SLOW_SCALE = '', SEED = '' } = process.env

/** These hold a server to a time, so nothing else may run meanwhile. */
const timed = ['test/slow/responsiveness.test.js']

/** A test that hangs is found; one on a busy machine is only slow. */
const timeouts = { testTimeout: 300_000, hookTimeout: 300_000 }

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'killed',
          include: ['test/slow/*.test.js'],
          exclude: timed,
          sequence: { groupOrder: 0 },
          ...timeouts,
        },
      },
      {
        test: { name: 'timed', include: timed, sequence: { groupOrder: 1 }, ...timeouts },
      },
      {
        plugins: [workerd({ SLOW_SCALE, SEED, USAGE: 'on' })],
        test: {
          name: 'hostile requests',
          // As in vitest.config.ts: failures show their own lines.
          fsModuleCache: false,
          include: ['test/slow/hostile-requests.test.ts'],
          setupFiles: ['test/support/pbkdf2-cap.ts'],
          sequence: { groupOrder: 2 },
          ...timeouts,
        },
      },
    ],
  },
})

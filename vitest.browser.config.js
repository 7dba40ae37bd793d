/** `npm run test:browser`: the pages and an app of another origin, in the Chromium that CHROMIUM_PATH names or the system has. SCREENSHOTS names a folder for them. */
import { defineConfig } from 'vitest/config'
import './test/support/temporary-files.js'

export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.js'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 30_000 } },
  },
})

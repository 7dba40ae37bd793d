import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers'
import { configDefaults, defineConfig } from 'vitest/config'
import './scripts/assets.js'
import { sourcesModule } from './test/support/sources-module.js'
import './test/support/temporary-files.js'

/** The Worker on workerd, with a D1 of its own and nothing of a developer's settings; `bindings` are what a suite adds to that. */
export function workerd(bindings: Record<string, string> = {}) {
  return cloudflareTest(async () => ({
    main: './src/index.ts',
    // The runtime's own lines about faults that the tests provoke stay out of the output.
    verbose: false,
    wrangler: { configPath: './wrangler.toml' },
    miniflare: {
      bindings: {
        TEST_MIGRATIONS: await readD1Migrations('migrations'),
        JWT_SECRET: 'k3Yp0Qx7vT9mZr2LwB5nHs8DfGjC1aUeXi4oR6tVyKbM',
        BOOTSTRAP_ADMIN_EMAIL: 'first.admin@usher.example',
        BOOTSTRAP_ADMIN_PASSWORD: 'the very first way in',
        // One round instead of six: the suites sign in hundreds of times; passwords.test.ts pays the full cost.
        PASSWORD_ROUNDS: '1',
        RATE_LIMIT: 'off',
        // Said here so that a developer's own .dev.vars changes nothing.
        JWT_SECRET_PREVIOUS: '',
        ACCESS_TOKEN_TTL_SECONDS: '900',
        PASSWORD_MIN_LENGTH: '8',
        CONTRACT_HOSTS: '{}',
        // Nothing listens there: tests that adopt bring upstreams of their own.
        UPSTREAMS: '{"quiet-hook": {"url": "http://127.0.0.1:9/verify", "hook": true}}',
        CORS_ORIGINS: '',
        SIGNING_KEY: '',
        SIGNING_KEY_NEXT: '',
        SIGNING_KEY_PREVIOUS: '',
        LEGACY_TOKEN_SECRETS: '',
        ISSUER: '',
        AUDIENCE: '',
        SERVER_TIMING: 'on',
        REQUEST_LOG: 'off',
        // An hour's first use of an operation writes a row, which every count of rows would see. The suites of usage turn it on.
        USAGE: 'off',
        ...bindings,
      },
    },
  }))
}

const timeouts = { testTimeout: 60_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    silent: 'passed-only',
    // Slow tests have lines of their own in the report only above this, in milliseconds.
    slowTestThreshold: 30_000,
    // Of two cores it would leave one idle.
    maxWorkers: '100%',
    projects: [
      {
        plugins: [workerd(), sourcesModule()],
        test: {
          name: 'worker',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, 'test/slow/**'],
          isolate: false,
          // From its cache on disk the runner loads modules without their source maps: failures would show wrong lines.
          fsModuleCache: false,
          setupFiles: ['test/support/between-files.ts', 'test/support/pbkdf2-cap.ts'],
          // A test that hangs is found; one on a busy machine is only slow.
          ...timeouts,
        },
      },
      { test: { name: 'scripts', include: ['test/scripts/*.test.js'], ...timeouts } },
    ],
  },
})

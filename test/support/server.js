/**
 * The Worker as `npm start` serves it, in processes that tests can kill. The database can be examined while the server
 * is down.
 */
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Without the traces that wrangler collects of every request, which take a third of its CPU. */
const quiet = { CI: 'true', WRANGLER_SEND_METRICS: 'false', X_LOCAL_OBSERVABILITY: 'false' }
const environment = { ...process.env, ...quiet }

const wrangler = (...command) => [
  `${root}node_modules/.bin/node`,
  [`${root}node_modules/wrangler/bin/wrangler.js`, ...command],
]

export const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

/** The exit code of a child process, which may have ended already. Null after a signal. */
export const exitOf = (child) =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve(child.exitCode)
    : new Promise((resolve) => child.once('exit', resolve))

export const admin = { email: 'first.admin@usher.example', password: 'the very first way in' }

/** The variables that the server requires. */
export const secrets = {
  JWT_SECRET: 'k3Yp0Qx7vT9mZr2LwB5nHs8DfGjC1aUeXi4oR6tVyKbM',
  BOOTSTRAP_ADMIN_EMAIL: admin.email,
  BOOTSTRAP_ADMIN_PASSWORD: admin.password,
}

/** The same with settings that allow many fast requests. */
export const hurried = { ...secrets, PASSWORD_ROUNDS: '1', RATE_LIMIT: 'off' }

function migrate(state) {
  const migrating = wrangler('d1', 'migrations', 'apply', 'DB', '--local', '--persist-to', state)
  const { status, stderr } = spawnSync(...migrating, { cwd: root, env: environment, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

/** Copies the state for the servers that follow. Whoever reads the copy sees all of it. */
function share(state, path) {
  const copy = mkdtempSync(join(tmpdir(), 'usher-'))
  cpSync(state, copy, { recursive: true })
  try {
    renameSync(copy, path)
  } catch {
    // Another suite has shared its own in the meantime.
  }
}

/** Creates an empty directory on disk for one server. `worker` is a file that is served in place of the Worker. */
export async function newServer(settings, { worker } = {}) {
  const home = mkdtempSync(join(tmpdir(), 'usher-'))
  const state = join(home, 'state')
  const variables = join(home, 'variables')
  const configure = (values) => {
    const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`)
    writeFileSync(variables, lines.join(''))
  }
  configure(settings)
  const { MIGRATED_STATE: migrated } = process.env
  if (migrated && existsSync(migrated)) cpSync(migrated, state, { recursive: true })
  else {
    migrate(state)
    if (migrated) share(state, migrated)
  }

  const port = await freePort()
  // Two servers that start at the same time would both take the default port.
  const inspectorPort = await freePort()
  const address = `http://127.0.0.1:${port}`
  let server
  // An interrupted run leaves no server behind.
  process.once('exit', () => server?.exitCode === null && process.kill(-server.pid, 'SIGKILL'))

  return {
    address,

    /** Replaces the settings. The next start reads them. */
    configure,

    async start() {
      const ports = ['--port', String(port), '--inspector-port', String(inspectorPort)]
      const options = ['--ip', '127.0.0.1', ...ports, '--persist-to', state, '--env-file', variables]
      // Its own process group, so that a kill also ends wrangler's children.
      server = spawn(
        ...wrangler('dev', ...(worker ? [worker] : []), '--show-interactive-dev-session=false', ...options),
        {
          cwd: root,
          env: environment,
          stdio: 'ignore',
          detached: true,
        },
      )
      for (let waited = 0; waited < 120_000; waited += 100) {
        const healthy = await fetch(`${address}/health`).then(
          ({ ok }) => ok,
          () => false,
        )
        if (healthy) return
        if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}`)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      throw new Error('the server does not answer')
    },

    /** Runs the scheduled trigger `cron`. The local server does not run triggers itself. */
    tick: (cron) => fetch(`${address}/cdn-cgi/local/scheduled?cron=${encodeURIComponent(cron)}`),

    /** Kills the server at once, like a power cut: no shutdown, nothing is finished. */
    async kill() {
      if (!server) return
      if (server.exitCode === null) process.kill(-server.pid, 'SIGKILL')
      await exitOf(server)
      server = undefined
    },

    /** Runs SQL as an operator would, while the server is down: `--command` with SQL, or `--file` with a path. */
    execute(...what) {
      const executing = wrangler('d1', 'execute', 'DB', '--local', '--persist-to', state, '--yes', ...what)
      const { status, stdout, stderr } = spawnSync(...executing, { cwd: root, env: environment, encoding: 'utf8' })
      if (status !== 0) throw new Error(stdout + stderr)
    },

    /** Runs `look` on a copy of the database on disk. The copy is recovered as at the next start. */
    async examine(look) {
      const files = join(state, 'v3', 'd1', 'miniflare-D1DatabaseObject')
      const copy = mkdtempSync(join(home, 'copy-'))
      cpSync(files, copy, { recursive: true })
      const [name] = readdirSync(copy).filter((file) => /^[0-9a-f]+\.sqlite$/.test(file))
      const database = new DatabaseSync(join(copy, name))
      try {
        return await look(database)
      } finally {
        database.close()
        rmSync(copy, { recursive: true })
      }
    },

    async remove() {
      await this.kill()
      rmSync(home, { recursive: true })
    },
  }
}

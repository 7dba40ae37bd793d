/**
 * `npm start`: a local directory, from nothing to its first admin. `--verbose` prints the server's whole output; other arguments are
 * passed to `wrangler dev`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { developmentLog, isNotice } from './development-log.js'
import { install } from './install.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const verbose = process.argv.includes('--verbose')
const args = process.argv.slice(2).filter((arg) => arg !== '--verbose')
const ip = argument('--ip') ?? '127.0.0.1'
const port = argument('--port') ?? '8787'
const environment = { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' }

/** Whether the banner has been printed. */
let isServed = false

await portIsFree()
install()
writeSecrets()
migrate()
serve()

/** Checked first, because another server on the port must not be announced as Usher. */
async function portIsFree() {
  const server = createServer()
  await new Promise((resolve) => {
    server.once('error', ({ code }) => {
      console.error(`Usher cannot listen on ${ip}, port ${port} (${code}). Use another port: npm start -- --port 8788`)
      process.exit(1)
    })
    server.listen(Number(port), ip, resolve)
  })
  await new Promise((resolve) => server.close(resolve))
}

/** Writes random secrets once. An existing file is never changed. */
function writeSecrets() {
  const path = `${root}.dev.vars`
  if (existsSync(path)) return
  const secrets = {
    JWT_SECRET: randomBytes(48).toString('base64url'),
    BOOTSTRAP_ADMIN_EMAIL: 'admin@example.com',
    BOOTSTRAP_ADMIN_PASSWORD: randomBytes(15).toString('base64url'),
    SERVER_TIMING: 'on',
    SIGNING_KEY: `'${JSON.stringify(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }))}'`,
  }
  const lines = Object.entries(secrets).map(([name, value]) => `${name}=${value}\n`)
  // Exclusive, so that the secrets are not written to the target of a broken link.
  writeFileSync(path, lines.join(''), { flag: 'wx', mode: 0o600 })
}

function migrate() {
  const passedOn = ['--persist-to', '--config', '-c', '--env', '-e'].flatMap((name) => {
    const value = argument(name)
    return value === undefined ? [] : [name, value]
  })
  const { status, stdout, stderr } = spawnSync(...wrangler('d1', 'migrations', 'apply', 'DB', '--local', ...passedOn), {
    cwd: root,
    env: { ...environment, CI: 'true' },
    encoding: 'utf8',
  })
  if (status === 0) return
  console.error(`${stdout}${stderr}\nThe migrations could not be applied to the local database.`)
  process.exit(status ?? 1)
}

function serve() {
  const url = `http://${['127.0.0.1', '0.0.0.0', '::', '::1'].includes(ip) ? 'localhost' : ip}:${port}`
  const defaults = [...(argument('--ip') ? [] : ['--ip', ip]), ...(argument('--port') ? [] : ['--port', port])]
  // A process group of its own, because wrangler does not end its child processes.
  const server = spawn(...wrangler('dev', '--show-interactive-dev-session=false', ...defaults, ...args), {
    cwd: root,
    env: environment,
    stdio: ['ignore', ...(verbose ? ['inherit', 'inherit'] : ['pipe', 'pipe'])],
    detached: process.platform !== 'win32',
  })
  if (!verbose) readOutput(server)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end(server, signal))
  server.on('exit', (code) => {
    end(server, 'SIGKILL')
    process.exit(code ?? 0)
  })
  const address = `http://${ip === '0.0.0.0' || ip === '::' ? '127.0.0.1' : ip}:${port}`
  announce(url, address)
  keepTime(address)
}

/** Prints the requests that come after the banner, and every error. */
function readOutput({ stdout, stderr }) {
  const read = developmentLog((line, isRequest) => (isServed || !isRequest) && console.log(line))
  createInterface({ input: stdout }).on('line', read)
  createInterface({ input: stderr }).on('line', (line) => line.trim() && !isNotice(line) && console.error(line))
}

/** The local server has no scheduler. Runs the webhook deliveries every minute and the sweep every hour. */
function keepTime(address) {
  const tick = (cron) =>
    fetch(`${address}/cdn-cgi/local/scheduled?cron=${encodeURIComponent(cron)}`)
      .then((response) => response.text())
      .catch(() => {})
  setInterval(() => tick('* * * * *'), 60_000)
  setInterval(() => tick('17 * * * *'), 3_600_000)
}

function end(server, signal) {
  try {
    process.kill(process.platform === 'win32' ? server.pid : -server.pid, signal)
  } catch {
    // Has already ended.
  }
}

/** Prints the banner once the server responds. */
async function announce(url, address) {
  while (
    !(await fetch(`${address}/health`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  const { contracts } = await (await fetch(address)).json()
  // The lines about the requests above come first.
  await new Promise((resolve) => setTimeout(resolve, 300))
  isServed = true
  const { BOOTSTRAP_ADMIN_EMAIL: email, BOOTSTRAP_ADMIN_PASSWORD: password } = developmentVariables()
  console.log(`
  Usher is served.

    API       ${contracts.map(({ base_path }) => url + base_path).join('\n              ')}
    Console   ${url}/console
    Reference ${url}/docs
    Document  ${url}/doc
    Index     ${url}/
${email && password ? `\n  The first admin signs in with\n\n    email     ${email}\n    password  ${password}\n` : ''}`)
}

function developmentVariables() {
  const lines = readFileSync(`${root}.dev.vars`, 'utf8').split('\n')
  const pairs = lines.map((line) => /^(\w+)\s*=\s*"?(.*?)"?\s*$/.exec(line)).filter((match) => match !== null)
  return Object.fromEntries(pairs.map(([, name, value]) => [name, value]))
}

/** The value of an argument given as `--name value` or `--name=value`. */
function argument(name) {
  const index = args.findIndex((arg) => arg === name || arg.startsWith(`${name}=`))
  if (index < 0) return undefined
  return args[index] === name ? args[index + 1] : args[index].slice(name.length + 1)
}

/** Runs wrangler on the project's own Node. */
function wrangler(...command) {
  return [`${root}node_modules/.bin/node`, [`${root}node_modules/wrangler/bin/wrangler.js`, ...command]]
}

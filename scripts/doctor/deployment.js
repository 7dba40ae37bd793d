/** Checks the Worker's own report: version, bindings, migrations, settings, clock, database latency and hashing. */
import { CannotAsk } from './client.js'

/** The maximum size of a D1 database on Workers Paid. */
const maxBytes = 10_000_000_000
/** A round trip takes a few milliseconds within a region, and a hundred across an ocean. */
const nearMilliseconds = 30
/** A token from a clock that is further ahead is refused. */
const maxSkewSeconds = 60
/** The CPU limit of a request on the free plan. */
const freeMilliseconds = 10

/** Returns the facts, or undefined if the Worker cannot report them. */
export async function checkDeployment(client, report) {
  report.title('The deployment')
  const answer = await client.ask('/diagnostics')
  if (answer.status === 401) throw new CannotAsk('The key in USHER_API_KEY is invalid, expired or revoked.')
  if (answer.status === 403) throw new CannotAsk('The key in USHER_API_KEY does not hold every permission.')
  if (answer.status === 404) throw new CannotAsk(`${client.origin} has no diagnostics: it runs an earlier version.`)
  if (answer.status !== 200) {
    report.fail(`/v1/diagnostics: ${answer.status}`, 'See the Worker’s log. The doctor cannot continue.')
    return undefined
  }
  const facts = answer.body
  if (facts.version) report.info(`version ${facts.version.id}, uploaded ${facts.version.uploaded_at}`)
  checkBindings(facts, report)
  checkMigrations(facts.database.migrations, report)
  checkSettings(facts, client, report)
  checkClock(answer, report)
  checkDatabase(facts.database, answer.headers, report)
  await checkHashing(client, report)
  return facts
}

function checkBindings({ missing_bindings: missing }, report) {
  if (missing.length === 0) report.ok('bindings: the database, the assets and the rate limiters')
  else
    report.fail(
      `bindings: missing ${missing.join(', ')}`,
      'Add them to wrangler.toml, for each environment, and deploy again.',
    )
}

function checkMigrations({ applied, missing, unknown }, report) {
  if (missing.length > 0) {
    report.fail(
      `migrations: missing ${missing.join(', ')}`,
      'npx wrangler d1 migrations apply DB --remote --env … (or npm run deploy:…, which does both)',
    )
  } else report.ok(`migrations: all ${applied.length - unknown.length} applied`)
  if (unknown.length > 0) report.info(`migrations: ${unknown.join(', ')} belong to a later version than this one`)
}

function checkSettings(facts, { isLocal }, report) {
  const { variables, admins } = facts
  const soft = isLocal ? report.info : report.warn
  const bootstrap = variables.filter((name) => name.startsWith('BOOTSTRAP_ADMIN_'))
  if (admins === 0)
    report.fail('no user holds the role admin', 'Set the BOOTSTRAP_ADMIN_ secrets and sign in with them.')
  else if (bootstrap.length > 0) {
    soft(
      `${bootstrap.join(' and ')} still set, although there ${admins === 1 ? 'is an admin' : `are ${admins} admins`}`,
      'Delete each with npx wrangler secret delete: they are no longer needed.',
    )
  } else report.ok(`admins: ${admins}; no bootstrap credentials are left`)
  if (variables.includes('JWT_SECRET_PREVIOUS')) {
    report.info('JWT_SECRET_PREVIOUS is set: a rotation is not finished', 'docs/rotate-secrets.md, step 3.')
  }
  if (facts.rate_limit) report.ok('rate limits: on')
  else soft('rate limits: off', 'RATE_LIMIT = "on", unless this is a load test.')
  if (facts.server_timing)
    soft('SERVER_TIMING is on: every response shows its cost', 'SERVER_TIMING = "off" in production.')
  if (!facts.request_log) report.info('REQUEST_LOG is off: requests leave no line in the log')
}

function checkClock({ body, headers, began, ended }, report) {
  const here = (began + ended) / 2
  const skew = [body.time, headers.get('date')]
    .filter((time) => time)
    .map((time) => Math.abs(Date.parse(time) - here) / 1000)
  // Both clocks are reported in whole seconds, and the request takes time.
  const most = Math.max(0, Math.max(...skew) - 1 - (ended - began) / 2000)
  const text = `clock: ${most < 1 ? 'agrees with this machine’s' : `${Math.round(most)} s from this machine’s`}`
  if (most > maxSkewSeconds)
    report.fail(text, 'One of the clocks is wrong, most likely this machine’s. Tokens and lockouts depend on the time.')
  else if (most > 5) report.warn(text, 'Check that NTP sets this machine’s clock.')
  else report.ok(text)
}

function checkDatabase({ region, size_bytes: size, trip_milliseconds: trip }, headers, report) {
  const placement = headers.get('cf-placement')
  const where = [region && `in ${region}`, placement && `placement ${placement}`].filter(Boolean).join(', ')
  const text = `a round trip to the database takes ${trip} ms${where && ` (${where})`}`
  if (trip <= nearMilliseconds) report.ok(text)
  else {
    report.warn(
      text,
      'The Worker runs far from its database. [placement] mode = "smart" needs some traffic and some minutes; docs/deploy.md, "Where it runs".',
    )
  }
  if (size === null) return
  const share = Math.round((100 * size) / maxBytes)
  const full = `database: ${(size / 1_000_000).toFixed(1)} MB, ${share} % of D1’s limit`
  if (share >= 95) report.fail(full, 'A full database refuses writes: set AUDIT_RETENTION_DAYS.')
  else if (share >= 80) report.warn(full, 'Set AUDIT_RETENTION_DAYS, or lower it.')
  else report.ok(full)
}

/** Hashes three times, because a plan with a lower limit may accept a single request. */
async function checkHashing(client, report) {
  const took = []
  for (let time = 0; time < 3; time += 1) {
    report.progress('Hashing a password…')
    const { status, body } = await client.ask('/diagnostics/hashing')
    if (status !== 200) {
      return report.fail(
        `hashing: a request that hashes a password returns ${status}`,
        'The plan’s CPU limit is too low: use Workers Paid.',
      )
    }
    if (body.milliseconds === null) {
      return report.fail(
        `hashing: the platform refuses a call of ${body.iterations} PBKDF2 iterations`,
        'The platform lowered its cap. No user can sign in until you lower iterationCap in src/core/passwords/pbkdf2.ts.',
      )
    }
    took.push(body)
  }
  const milliseconds = took.map((sample) => sample.milliseconds).sort((a, b) => a - b)[1]
  const [{ iterations, rounds, cap_enforced: capped }] = took
  const text = `hashing: ${rounds} × ${iterations.toLocaleString('en')} PBKDF2 iterations in ${milliseconds} ms`
  if (iterations * rounds < 600_000) report.warn(`${text}: OWASP asks for 600,000`, 'PASSWORD_ROUNDS = 6 or more.')
  else report.ok(text)
  if (milliseconds > freeMilliseconds)
    report.info(`plan: the CPU limit is above the free plan’s ${freeMilliseconds} ms`)
  report.info(
    `PBKDF2 cap: a call of ${(iterations + 1).toLocaleString('en')} iterations is ${capped ? 'refused' : 'accepted: this is not a production runtime, or it no longer has a cap'}`,
  )
}

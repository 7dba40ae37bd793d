/** What the Worker says of itself: version, bindings, migrations, settings, clock, the way to its database, and hashing. */
import { CannotAsk } from './client.js'

/** What D1 holds at most, on Workers Paid. */
const mostBytes = 10_000_000_000
/** A trip within a region takes a few milliseconds, one across an ocean a hundred. */
const nearMilliseconds = 30
/** Tokens from a clock further ahead are refused. */
const mostSkewSeconds = 60
/** What the free plan gives a request. */
const freeMilliseconds = 10

/** The facts, or undefined where the Worker cannot tell. */
export async function checkDeployment(client, report) {
  report.title('The deployment')
  const answer = await client.ask('/diagnostics')
  if (answer.status === 401) throw new CannotAsk('The key in USHER_API_KEY is not valid, or no longer.')
  if (answer.status === 403) throw new CannotAsk('The key in USHER_API_KEY does not hold every permission.')
  if (answer.status === 404) throw new CannotAsk(`${client.origin} has no diagnostics: it runs an earlier version.`)
  if (answer.status !== 200) {
    report.fail(`/v1/diagnostics: ${answer.status}`, 'Look at the Worker’s log; nothing more can be asked.')
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
      'They stand in wrangler.toml, once for each environment: deploy again.',
    )
}

function checkMigrations({ applied, missing, unknown }, report) {
  if (missing.length > 0) {
    report.fail(
      `migrations: missing ${missing.join(', ')}`,
      'npx wrangler d1 migrations apply DB --remote --env … (or npm run deploy:…, which does both)',
    )
  } else report.ok(`migrations: all ${applied.length - unknown.length} applied`)
  if (unknown.length > 0) report.info(`migrations: ${unknown.join(', ')} of later code than runs here`)
}

function checkSettings(facts, { isLocal }, report) {
  const { variables, admins } = facts
  const soft = isLocal ? report.info : report.warn
  const bootstrap = variables.filter((name) => name.startsWith('BOOTSTRAP_ADMIN_'))
  if (admins === 0)
    report.fail('nobody holds the role admin', 'Set the BOOTSTRAP_ADMIN_ secrets and sign in with them.')
  else if (bootstrap.length > 0) {
    soft(
      `${bootstrap.join(' and ')} still set, though there ${admins === 1 ? 'is an admin' : `are ${admins} admins`}`,
      'npx wrangler secret delete each: nobody needs them, and a password should not lie about.',
    )
  } else report.ok(`admins: ${admins}; no bootstrap credentials are left`)
  if (variables.includes('JWT_SECRET_PREVIOUS')) {
    report.info('JWT_SECRET_PREVIOUS is set: a rotation is not finished', 'docs/rotate-secrets.md, step 3.')
  }
  if (facts.rate_limit) report.ok('rate limits: on')
  else soft('rate limits: off', 'RATE_LIMIT = "on", unless this is a load test.')
  if (facts.server_timing)
    soft('SERVER_TIMING is on: every answer says what it cost', 'SERVER_TIMING = "off" in production.')
  if (!facts.request_log) report.info('REQUEST_LOG is off: requests leave no line in the log')
}

function checkClock({ body, headers, began, ended }, report) {
  const here = (began + ended) / 2
  const skew = [body.time, headers.get('date')]
    .filter((time) => time)
    .map((time) => Math.abs(Date.parse(time) - here) / 1000)
  // Both are told in whole seconds, and the request took its time.
  const most = Math.max(0, Math.max(...skew) - 1 - (ended - began) / 2000)
  const told = `clock: ${most < 1 ? 'agrees with this machine’s' : `${Math.round(most)} s from this machine’s`}`
  if (most > mostSkewSeconds)
    report.fail(told, 'One of the two is wrong, most likely this one: tokens and locks go by time.')
  else if (most > 5) report.warn(told, 'Is this machine’s clock kept by NTP?')
  else report.ok(told)
}

function checkDatabase({ region, size_bytes: size, trip_milliseconds: trip }, headers, report) {
  const placement = headers.get('cf-placement')
  const where = [region && `in ${region}`, placement && `placement ${placement}`].filter(Boolean).join(', ')
  const told = `a trip to the database takes ${trip} ms${where && ` (${where})`}`
  if (trip <= nearMilliseconds) report.ok(told)
  else {
    report.warn(
      told,
      'The Worker runs far from it. [placement] mode = "smart" takes some traffic and some minutes; docs/deploy.md, "Where it runs".',
    )
  }
  if (size === null) return
  const share = Math.round((100 * size) / mostBytes)
  const full = `database: ${(size / 1_000_000).toFixed(1)} MB, ${share} % of what D1 holds`
  if (share >= 95) report.fail(full, 'It takes no writes when it is full: set AUDIT_RETENTION_DAYS.')
  else if (share >= 80) report.warn(full, 'Set AUDIT_RETENTION_DAYS, or keep less.')
  else report.ok(full)
}

/** Three times: a plan that allows less than this takes may let one pass. */
async function checkHashing(client, report) {
  const took = []
  for (let time = 0; time < 3; time += 1) {
    report.progress('Hashing a password…')
    const { status, body } = await client.ask('/diagnostics/hashing')
    if (status !== 200) {
      return report.fail(
        `hashing: a request that hashes a password ends in ${status}`,
        'The plan does not give it the CPU it takes: Workers Paid does.',
      )
    }
    if (body.milliseconds === null) {
      return report.fail(
        `hashing: the platform refuses a call of ${body.iterations} PBKDF2 iterations`,
        'Its cap was lowered: nobody can sign in until iterationCap in src/core/passwords/pbkdf2.ts is.',
      )
    }
    took.push(body)
  }
  const milliseconds = took.map((one) => one.milliseconds).sort((one, other) => one - other)[1]
  const [{ iterations, rounds, cap_enforced: capped }] = took
  const told = `hashing: ${rounds} × ${iterations.toLocaleString('en')} PBKDF2 iterations in ${milliseconds} ms`
  if (iterations * rounds < 600_000) report.warn(`${told}: OWASP asks for 600,000`, 'PASSWORD_ROUNDS = 6 or more.')
  else report.ok(told)
  if (milliseconds > freeMilliseconds)
    report.info(`plan: more CPU than the free plan’s ${freeMilliseconds} ms is there`)
  report.info(
    `PBKDF2 cap: a call of ${(iterations + 1).toLocaleString('en')} iterations is ${capped ? 'refused' : 'taken: this is no production runtime, or it has no cap any more'}`,
  )
}

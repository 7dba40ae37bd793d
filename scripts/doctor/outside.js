/** What anybody sees: the connection, the health, the headers, and that nobody is let in. */
import { CannotAsk } from './client.js'

const headers = {
  'x-content-type-options': /^nosniff$/,
  'strict-transport-security': /max-age=\d{7,}/,
  'referrer-policy': /^no-referrer$/,
  'content-security-policy': /default-src 'none'/,
  'cache-control': /no-store/,
  'x-request-id': /^[0-9a-f-]{36}$/,
}

const remedies = {
  unreachable: 'D1 does not answer: look at the Worker’s log, and at https://www.cloudflarestatus.com.',
  not_migrated: 'Apply the migrations: npx wrangler d1 migrations apply DB --remote --env …',
  not_writable: 'The database takes no write: it is full, or read-only. See its size below.',
}

export async function checkOutside(client, report) {
  const health = await client.get('/health')
  if (client.secure) report.ok('TLS: the certificate holds')
  else report.info('no TLS: a local address')
  if (health.status === 503 && health.body?.error === 'misconfigured') {
    report.fail(
      `does not serve: ${(health.body.problems ?? []).join(' ')}`,
      'Set what is named; docs/deploy.md and docs/settings.md.',
    )
    return
  }
  if (![200, 503].includes(health.status) || typeof health.body?.status !== 'string') {
    if (health.status === 503) return report.fail('/health: 503, and not in our words', 'Look at the Worker’s log.')
    throw new CannotAsk(`${client.origin} is no Usher: /health answered ${health.status}.`)
  }
  if (health.status === 200) report.ok('/health: the database answers, has every table and column, and takes a write')
  else report.fail(`/health: the database is ${health.body.database}`, remedies[health.body.database])

  const amiss = Object.keys(headers).filter((name) => !headers[name].test(health.headers.get(name) ?? ''))
  if (amiss.length === 0) report.ok('security headers: all there, HSTS among them')
  else
    report.fail(
      `security headers: amiss ${amiss.join(', ')}`,
      'Something in between takes or changes them: a rule of the zone, a proxy.',
    )

  const stranger = await client.get('/v1/users')
  if (stranger.status === 401) report.ok('without a credential nobody is let in')
  else
    report.fail(
      `without a credential /v1/users answers ${stranger.status}`,
      'Is this the Worker, or something before it?',
    )

  if (client.secure && !client.isLocal) await checkInClear(client, report)
}

async function checkInClear(client, report) {
  const answer = await client.getInClear('/health')
  const location = answer?.headers.get('location') ?? ''
  if (!answer) report.ok('http:// is closed')
  else if (answer.status >= 300 && answer.status < 400 && location.startsWith('https://'))
    report.ok('http:// leads to https://')
  else report.warn(`http:// answers ${answer.status}`, 'Turn on "Always Use HTTPS" for the zone.')
}

/** Checks the public side: the connection, the health, the headers, and the refusal of requests without credentials. */
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
  unreachable: 'D1 does not respond: see the Worker’s log and https://www.cloudflarestatus.com.',
  not_migrated: 'Apply the migrations: npx wrangler d1 migrations apply DB --remote --env …',
  not_writable: 'The database refuses writes: it is full or read-only. See its size below.',
}

export async function checkOutside(client, report) {
  const health = await client.get('/health')
  if (client.secure) report.ok('TLS: the certificate is valid')
  else report.info('no TLS: a local address')
  if (health.status === 503 && health.body?.error === 'misconfigured') {
    report.fail(
      `does not serve: ${(health.body.problems ?? []).join(' ')}`,
      'Set the named variables; docs/deploy.md and docs/settings.md.',
    )
    return
  }
  if (![200, 503].includes(health.status) || typeof health.body?.status !== 'string') {
    if (health.status === 503) return report.fail('/health: 503, but not from Usher', 'See the Worker’s log.')
    throw new CannotAsk(`${client.origin} is not Usher: /health returned ${health.status}.`)
  }
  if (health.status === 200)
    report.ok('/health: the database responds, has every table and column, and accepts a write')
  else report.fail(`/health: the database is ${health.body.database}`, remedies[health.body.database])

  const amiss = Object.keys(headers).filter((name) => !headers[name].test(health.headers.get(name) ?? ''))
  if (amiss.length === 0) report.ok('security headers: complete, with HSTS')
  else
    report.fail(
      `security headers: missing or wrong: ${amiss.join(', ')}`,
      'A rule of the zone or a proxy removes or changes them.',
    )

  const stranger = await client.get('/v1/users')
  if (stranger.status === 401) report.ok('requests without credentials are refused')
  else
    report.fail(
      `without credentials, /v1/users returns ${stranger.status}`,
      'Check whether this is the Worker or a proxy in front of it.',
    )

  if (client.secure && !client.isLocal) await checkInClear(client, report)
}

async function checkInClear(client, report) {
  const answer = await client.getInClear('/health')
  const location = answer?.headers.get('location') ?? ''
  if (!answer) report.ok('http:// is closed')
  else if (answer.status >= 300 && answer.status < 400 && location.startsWith('https://'))
    report.ok('http:// redirects to https://')
  else report.warn(`http:// returns ${answer.status}`, 'Turn on "Always Use HTTPS" for the zone.')
}

/**
 * The doctor, run as an operator does, on a server that was damaged on purpose. It must find each fault and name a
 * repair that works.
 */
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { admin, newServer, secrets } from '../support/server'

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * The faults in the order in which the doctor reports them: the SQL that causes each, and the name that the doctor
 * prints.
 */
const breakages = [
  ["UPDATE d1_migrations SET name = '0000_of_another_code.sql' WHERE id = 1", 'migrations: missing 0001_directory.sql'],
  [
    "INSERT INTO upstreams (name, pending, adopted, refused, unknown) VALUES ('left', 0, 1, 0, 0)",
    'left: is not in UPSTREAMS, so 3 pending users cannot sign in',
  ],
  [
    "UPDATE user_counts SET count = count + 1 WHERE scope = 'role:2'",
    'a total differs from the sum of its spans: 1 (role:2: ',
  ],
  [
    "UPDATE upstreams SET pending = 3 WHERE name = 'left'",
    'the number of an upstream’s pending users differs from the count: 1 (left: 3 kept, 0 counted)',
  ],
  [
    "UPDATE user_spans SET parts = json_set(parts, '$[0]', 9), count = 9 WHERE scope = 'role:1'; UPDATE user_counts SET count = 9 WHERE scope = 'role:1'",
    'a counter differs from the count: 1 (role:1: 1 counted, 9 kept',
  ],
  ['UPDATE users SET role_count = 3 WHERE number = 2', 'a user’s columns differ from their roles: 1 (usr_'],
  ['DELETE FROM user_search WHERE rowid = 2', 'a user is not in the search index: 1 (usr_'],
  [
    "INSERT INTO user_search (rowid, email) VALUES (77, 'nobody')",
    'the search index has an entry without a user: 1 (number 77)',
  ],
  ["DELETE FROM login_identifiers WHERE key = 'ines'", 'is not a login identifier: 1 (usr_'],
  ["INSERT INTO login_identifiers VALUES ('stray', 77)", 'a login identifier is not the user’s: 1 (number 77)'],
  [
    "UPDATE users SET password_hash = 'sha1$c2FsdA$0b5e' WHERE number = 2",
    'a password cannot be verified here: its user cannot sign in: 1 (usr_',
  ],
]

let server
let key
let ines

beforeAll(async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  server = await newServer({
    ...secrets,
    SIGNING_KEY: JSON.stringify(privateKey.export({ format: 'jwk' })),
    UPSTREAMS: '{"gone": {"url": "http://127.0.0.1:9/verify", "hook": true}}',
  })
  await server.start()
  const { access_token } = await post('/v1/auth/login', { identifier: admin.email, password: admin.password })
  const role = await (await fetch(`${server.address}/v1/roles`, as(access_token))).json()
  const [{ permissions }] = role.data
  key = (await post('/v1/api-keys', { name: 'the doctor', permissions }, access_token)).key
  const person = { email: 'ines@example.org', name: 'Inés Duarte', username: 'ines', password: 'a fine passphrase' }
  ines = (await post('/v1/users', person, access_token)).id
})
afterAll(() => server?.remove())

const as = (token) => ({ headers: { authorization: `Bearer ${token}` } })

async function post(path, json, token) {
  const headers = { 'content-type': 'application/json', ...(token && as(token).headers) }
  const answer = await fetch(server.address + path, { method: 'POST', headers, body: JSON.stringify(json) })
  return answer.status === 204 ? undefined : answer.json()
}

/**
 * Runs the doctor and returns its output and exit status. It runs asynchronously, because this process answers some of
 * its requests.
 */
function doctor(address = server.address, environment = { USHER_API_KEY: key }) {
  const { USHER_API_KEY: _, ...outer } = process.env
  const child = spawn(process.execPath, ['scripts/doctor.js', ...(address ? [address] : [])], {
    cwd: root,
    env: { ...outer, ...environment },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += data))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, text })))
}

const linesOf = (text, mark) => text.split('\n').filter((line) => line.startsWith(mark))

it('the doctor reports no fault in a healthy directory', async () => {
  const { code, text } = await doctor()
  expect([code, linesOf(text, 'FAIL')]).toEqual([0, []])
  for (const line of [
    `migrations: all ${readdirSync(`${root}migrations`).length} applied`,
    'counters equal the counts (2 users)',
    'rate limits: on',
    'hashing: 6 × 100,000',
    'keys: SIGNING_KEY is set and published as ',
    'lifetime: published tokens expire after 900 s',
    `issuer: ${server.address} here; ISSUER is not set`,
    'gone: does not check passwords (unreachable)',
  ]) {
    expect(text).toContain(line)
  }
  expect(text).not.toContain(key)
})

it(`the doctor finds each of ${breakages.length} faults, and its advice repairs them`, async () => {
  await server.kill()
  server.execute('--command', breakages.map(([sql]) => sql).join(';'))
  await server.start()
  const broken = await doctor()
  const failures = linesOf(broken.text, 'FAIL')
  expect([broken.text, broken.code, failures.length]).toEqual([broken.text, 1, breakages.length])
  for (const [, words] of breakages)
    expect([words, failures.filter((line) => line.includes(words)).length]).toEqual([words, 1])
  expect(broken.text).not.toMatch(/@example|c2FsdA|Duarte/)

  const { access_token } = await post('/v1/auth/login', { identifier: admin.email, password: admin.password })
  const { token } = await post(`/v1/users/${ines}/password-token`, {}, access_token)
  await post('/v1/auth/password', { token, new_password: 'another fine passphrase' })
  for (const last_name of ['Duarte-Reis', 'Duarte']) {
    const headers = { 'content-type': 'application/json', ...as(access_token).headers }
    await fetch(`${server.address}/v1/users/${ines}`, { method: 'PATCH', headers, body: JSON.stringify({ last_name }) })
  }
  await server.kill()
  server.execute('--file', 'scripts/repair.sql')
  server.execute('--command', "UPDATE d1_migrations SET name = '0001_directory.sql' WHERE id = 1")
  await server.start()
  const mended = await doctor()
  expect([mended.text, mended.code]).toEqual([mended.text, 0])
})

describe('the doctor, when it cannot ask,', () => {
  it.each([
    ['no address', undefined, undefined, 'Give one address'],
    ['an address without TLS', 'http://usher.example', undefined, 'without TLS'],
    ['no server', 'http://127.0.0.1:9', undefined, 'does not respond'],
    ['no key', 'https://usher.example', {}, 'USHER_API_KEY is not set'],
  ])('reports it and exits with status 2: %s', async (_, address, environment, words) => {
    const { code, text } = await doctor(address ?? '', environment)
    expect([code, text]).toEqual([2, expect.stringContaining(words)])
  })

  it('reports an invalid or insufficient key and exits with status 2', async () => {
    const { access_token } = await post('/v1/auth/login', { identifier: admin.email, password: admin.password })
    const narrow = await post('/v1/api-keys', { name: 'narrow', permissions: ['users:read'] }, access_token)
    for (const [given, words] of [
      ['usk_nonsense', 'is invalid'],
      [narrow.key, 'does not hold every permission'],
    ]) {
      const { code, text } = await doctor(server.address, { USHER_API_KEY: given })
      expect([code, text]).toEqual([2, expect.stringContaining(words)])
      expect(text).not.toContain(given)
    }
  })
})

/** States that no local deployment has: a Worker that returns a healthy report, changed in one place. */
describe('the doctor for a remote deployment', () => {
  const headers = {
    'x-content-type-options': 'nosniff',
    'strict-transport-security': 'max-age=31536000',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'",
    'cache-control': 'no-store',
    'x-request-id': '019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66',
    'content-type': 'application/json',
  }
  const facts = () => ({
    time: `${new Date().toISOString().slice(0, 19)}Z`,
    version: null,
    database: {
      region: 'WEUR',
      size_bytes: 1_000_000,
      trip_milliseconds: 4,
      migrations: { applied: ['0001_directory.sql', '0002_usage.sql'], missing: [], unknown: [] },
    },
    missing_bindings: [],
    variables: ['JWT_SECRET'],
    rate_limit: true,
    server_timing: false,
    request_log: true,
    access_token_seconds: 900,
    usage: { recorded: true, retention_days: 400 },
    retirements: [],
    admins: 1,
  })
  const hashing = { iterations: 100_000, rounds: 6, milliseconds: 90, cap_enforced: true }
  const whole = { users: 1, findings: [], pagination: { next_cursor: null } }

  async function doctorOf(change) {
    const answers = {
      '/health': [200, { status: 'ok' }],
      '/v1/users': [401, {}],
      '/v1/diagnostics': [200, facts()],
      '/v1/diagnostics/hashing': [200, hashing],
      '/v1/diagnostics/directory': [200, whole],
      '/v1/usage': [200, { data: [], pagination: { next_cursor: null } }],
      '/v1/migration': [200, { data: [] }],
      '/v1/diagnostics/upstreams': [200, { data: [] }],
      '/.well-known/jwks.json': [200, { keys: [] }],
      '/.well-known/oauth-authorization-server': [200, {}],
    }
    const sent = { ...headers }
    change(answers, sent)
    const stand = createServer((request, response) => {
      const [path, query] = request.url.split('?')
      const answer = answers[path]
      const [status, body] = typeof answer === 'function' ? answer(new URLSearchParams(query), request.headers) : answer
      response.writeHead(status, sent).end(JSON.stringify(body))
    })
    await new Promise((resolve) => stand.listen(0, '127.0.0.1', resolve))
    try {
      return await doctor(`http://127.0.0.1:${stand.address().port}`)
    } finally {
      stand.close()
    }
  }

  const retiring = {
    contract: 'clinic',
    deprecated: '2026-01-01T00:00:00Z',
    sunset: '2099-01-01T00:00:00Z',
    brown_outs: [],
  }
  const use = (day) => ({
    principal: `usr_${'0'.repeat(32)}`,
    program: 'ward/1',
    first_seen: `${day}T08:00:00Z`,
    last_seen: `${day}T08:00:00Z`,
  })
  const page = (data) => [200, { data, pagination: { next_cursor: null } }]
  const daysAgo = (days) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10)

  it.each([
    [
      'quiet after 30 days of usage',
      'ok',
      'clinic (deprecated from 2026-01-01, ends on 2099-01-01): quiet',
      [use(daysAgo(40))],
      [],
    ],
    ['not quiet after fewer days', 'warn', 'usage is recorded since', [use(daysAgo(20))], []],
    ['not quiet where nothing is recorded', 'warn', 'no use is recorded yet', [], []],
    [
      'not quiet while it has callers',
      'warn',
      '1 caller in the last 30 days: ward/1 of usr_0',
      [use(daysAgo(40))],
      [use(daysAgo(3))],
    ],
    ['unknown where usage is off', 'warn', 'USAGE is off', [use(daysAgo(40))], [], false],
  ])('reports a contract that is being retired as %s', async (_, mark, words, all, callers, recorded = true) => {
    const { code, text } = await doctorOf((answers) => {
      answers['/v1/diagnostics'][1] = { ...facts(), retirements: [retiring], usage: { recorded, retention_days: 400 } }
      answers['/v1/usage'] = (query) => page(query.has('contract') ? callers : all)
    })
    const line = linesOf(text, mark).find((found) => found.includes('clinic'))
    expect([code, line]).toEqual([0, expect.stringContaining(words)])
    expect(text.includes(': quiet')).toBe(mark === 'ok')
  })

  const progress = (more) => ({
    upstream: 'old',
    pending: 0,
    adopted: { total: 0, by_day: {} },
    refused: 0,
    unknown: 0,
    last_adopted_at: null,
    ...more,
  })
  const halfway = progress({
    pending: 1000,
    adopted: { total: 1200, by_day: {} },
    refused: 7,
    unknown: 2,
    last_adopted_at: '2026-11-30T08:00:00Z',
  })
  const pendingUsers = [
    200,
    { data: [{ id: 'usr_1' }, { id: 'usr_2' }], pagination: { next_cursor: 'x', total: 1000 } },
  ]

  it.each([
    ['no upstream', 0, 'info', 'no upstream is set, and no user is pending', [], []],
    [
      'progress',
      0,
      'info',
      'old: [##########----------] 54 % adopted 1,200 of 2,200, the last on 2026-11-30',
      [halfway],
    ],
    ['an upstream that answers', 0, 'ok', 'old: answers, and has 1,000 pending users', [halfway]],
    ['users who never signed in', 0, 'info', 'never signed in: 1,000 (usr_1; usr_2; …)', [halfway]],
    [
      'an upstream that is gone',
      1,
      'FAIL',
      'old: does not check passwords (timeout), so 1,000 pend',
      [halfway],
      'timeout',
    ],
    [
      'an upstream that is gone and not needed',
      0,
      'warn',
      'old: does not check passwords (http_502)',
      [progress()],
      'http_502',
    ],
    ['an upstream that confirms anything', 1, 'FAIL', 'old: confirms the password of a user who', [halfway], 'match'],
    [
      'pending users without an upstream',
      1,
      'FAIL',
      'old: is not in UPSTREAMS, so 1 pending user cannot',
      [progress({ pending: 1 })],
      null,
    ],
    ['the end of a move', 0, 'info', 'old: every user is adopted', [progress({ adopted: { total: 5, by_day: {} } })]],
  ])('reports on the adoption of passwords: %s', async (_, code, mark, words, data, answer = 'no_match') => {
    const report = await doctorOf((answers) => {
      answers['/v1/migration'] = [200, { data }]
      answers['/v1/diagnostics/upstreams'] = [200, { data: answer && data.length ? [{ upstream: 'old', answer }] : [] }]
      answers['/v1/users'] = (query, { authorization }) => (authorization ? pendingUsers : [401, {}])
    })
    const lines = linesOf(report.text, mark).filter((line) => line.includes(words))
    expect([report.text, report.code, lines.length]).toEqual([report.text, code, 1])
  })

  const published = (...kids) => [200, { keys: kids.map((kid) => ({ kid })) }]
  it.each([
    ['no signing key', 0, 'info', 'keys: no SIGNING_KEY', [], published()],
    ['a signing key', 0, 'ok', 'keys: SIGNING_KEY is set and published as a', ['SIGNING_KEY'], published('a')],
    [
      'a next key',
      0,
      'info',
      'SIGNING_KEY_NEXT is published',
      ['SIGNING_KEY', 'SIGNING_KEY_NEXT'],
      published('a', 'b'),
    ],
    [
      'a previous key',
      0,
      'info',
      'a rotation is not fin',
      ['SIGNING_KEY', 'SIGNING_KEY_PREVIOUS'],
      published('a', 'b'),
    ],
    ['a key that is not published', 1, 'FAIL', 'jwks.json holds 0 keys, and 1 are set', ['SIGNING_KEY'], published()],
    ['keys that cannot be read', 1, 'FAIL', 'jwks.json returns 404', ['SIGNING_KEY'], [404, {}]],
    [
      'tokens that live long',
      1,
      'FAIL',
      'expire only after 3600 s',
      ['SIGNING_KEY'],
      published('a'),
      { seconds: 3600 },
    ],
    ['short tokens', 0, 'ok', 'published tokens expire after 900 s', ['SIGNING_KEY'], published('a')],
    ['the issuer', 0, 'ok', ', as this address', ['SIGNING_KEY', 'ISSUER'], published('a')],
    ['no ISSUER', 0, 'info', 'ISSUER is not set', ['SIGNING_KEY'], published('a')],
    [
      'another issuer',
      0,
      'info',
      'issuer: https://other.example',
      ['SIGNING_KEY'],
      published('a'),
      { issuer: 'https://other.example' },
    ],
  ])('reports on the tokens: %s', async (_, code, mark, words, variables, keys, { seconds = 900, issuer } = {}) => {
    const report = await doctorOf((answers) => {
      answers['/v1/diagnostics'][1] = {
        ...facts(),
        variables: ['JWT_SECRET', ...variables],
        access_token_seconds: seconds,
      }
      answers['/.well-known/jwks.json'] = keys
      answers['/.well-known/oauth-authorization-server'] = (_query, { host }) => [
        200,
        { issuer: issuer ?? `http://${host}` },
      ]
    })
    const lines = linesOf(report.text, mark).filter((line) => line.includes(words))
    expect([report.text, report.code, lines.length]).toEqual([report.text, code, 1])
  })

  it('reports no fault in a healthy deployment', async () => {
    const { code, text } = await doctorOf(() => {})
    expect([code, linesOf(text, 'FAIL'), linesOf(text, 'warn')]).toEqual([0, [], []])
  })

  it.each([
    ['a plan without the CPU', 1, 'Workers Paid', (all) => (all['/v1/diagnostics/hashing'] = [503, {}])],
    [
      'a lower cap',
      1,
      'the platform refuses',
      (all) => (all['/v1/diagnostics/hashing'][1] = { ...hashing, milliseconds: null }),
    ],
    [
      'a clock that is off',
      1,
      'from this machine’s',
      (all) => (all['/v1/diagnostics'][1].time = '2026-01-01T00:00:00Z'),
    ],
    [
      'a missing binding',
      1,
      'missing SIGN_IN_LIMITER',
      (all) => all['/v1/diagnostics'][1].missing_bindings.push('SIGN_IN_LIMITER'),
    ],
    ['no admin', 1, 'no user holds the role admin', (all) => (all['/v1/diagnostics'][1].admins = 0)],
    ['a full database', 1, '% of D1’s limit', (all) => (all['/v1/diagnostics'][1].database.size_bytes = 9_900_000_000)],
    [
      'a missing header',
      1,
      'missing or wrong: strict-transport-security',
      (_, sent) => delete sent['strict-transport-security'],
    ],
    ['an open door', 1, '/v1/users returns 200', (all) => (all['/v1/users'] = [200, {}])],
    [
      'a wrong configuration',
      1,
      'JWT_SECRET is missing.',
      (all) => {
        const misconfigured = [503, { error: 'misconfigured', problems: ['JWT_SECRET is missing.'] }]
        all['/health'] = misconfigured
        all['/v1/diagnostics'] = misconfigured
      },
    ],
    [
      'a database that is away',
      1,
      'the database is unreachable',
      (all) => {
        all['/health'] = [503, { status: 'unavailable', database: 'unreachable' }]
        all['/v1/diagnostics'] = [503, {}]
      },
    ],
    ['a database far away', 0, 'takes 140 ms', (all) => (all['/v1/diagnostics'][1].database.trip_milliseconds = 140)],
    [
      'a rotation half done',
      0,
      'a rotation is not finished',
      (all) => all['/v1/diagnostics'][1].variables.push('JWT_SECRET_PREVIOUS'),
    ],
    ['another kind of server', 2, 'is not Usher', (all) => (all['/health'] = [404, {}])],
    ['an earlier version', 2, 'runs an earlier version', (all) => (all['/v1/diagnostics'] = [404, {}])],
  ])('reports %s, and exits with status %i', async (_, code, words, change) => {
    const report = await doctorOf(change)
    expect(report).toEqual({ code, text: expect.stringContaining(words) })
  })
})

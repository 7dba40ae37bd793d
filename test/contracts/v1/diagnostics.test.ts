/** v1: diagnostics of a deployment and of its directory, even when the directory is damaged. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { permissions } from '../../../src/core/access/permissions'
import { migrations } from '../../../src/database/upkeep/migrations'
import { populate } from '../../support/population'
import { namesEveryTest } from '../../support/statements'
import { adminToken, call, firstAdmin, newDatabase, person, rows, signedInPerson, testEnv } from '../../support/usher'
import { expectInvalid, expectProblem, keyWith, lacking, statements, someoneWith } from '../../support/v1'

let admin: string
async function begin(): Promise<void> {
  await newDatabase()
  admin = await adminToken()
}
beforeEach(begin)

interface Finding {
  finding: string
  count: number
  users: string[]
  places: string[]
}

const checks = ['totals', 'counts', 'roles', 'search', 'identifiers', 'hashes'] as const

/** Runs a check to its end. */
async function run(check: string, query: string | null = '') {
  const found: Finding[] = []
  const hashes: { format: string; standing: string; count: number }[] = []
  let users = 0
  let requests = 0
  for (let cursor: string | null = query; cursor !== null; requests += 1) {
    const path = `/v1/diagnostics/directory?check=${check}${cursor && `&cursor=${cursor}`}`
    const { status, body, text } = await call(path, { token: admin })
    expect([status, text]).toEqual([200, expect.any(String)])
    found.push(...body.findings)
    hashes.push(...(body.hashes ?? []))
    users += body.users
    cursor = body.pagination.next_cursor
  }
  return { found, hashes, users, requests }
}

/** The findings of all checks. */
async function runAll(): Promise<Finding[]> {
  return (await Promise.all(checks.map((check) => run(check)))).flatMap(({ found }) => found)
}

describe('GET /diagnostics', () => {
  it('describes the deployment', async () => {
    const { status, body } = await call('/v1/diagnostics', { token: admin })
    expect(status).toBe(200)
    expect(body).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      version: expect.toBeOneOf([null, { id: expect.any(String), uploaded_at: expect.any(String) }]),
      database: {
        region: expect.toBeOneOf([null, expect.any(String)]),
        size_bytes: expect.any(Number),
        trip_milliseconds: expect.any(Number),
        migrations: { applied: [...migrations], missing: [], unknown: [] },
      },
      missing_bindings: [],
      variables: expect.arrayContaining(['JWT_SECRET', 'BOOTSTRAP_ADMIN_EMAIL', 'PASSWORD_ROUNDS']),
      rate_limit: false,
      server_timing: true,
      request_log: false,
      access_token_seconds: 900,
      usage: { recorded: false, retention_days: 400 },
      retirements: [],
      admins: 1,
    })
    expect(Math.abs(Date.parse(body.time) - Date.now())).toBeLessThan(60_000)
  })

  it('knows all migrations, and distinguishes missing ones from those of later code', async () => {
    expect(testEnv.TEST_MIGRATIONS.map(({ name }) => name)).toEqual(migrations)
    await rows("UPDATE d1_migrations SET name = '9999_later.sql' WHERE name = ?", migrations[0])
    const { body } = await call('/v1/diagnostics', { token: admin })
    expect(body.database.migrations).toEqual({
      applied: expect.arrayContaining(['9999_later.sql']),
      missing: [migrations[0]],
      unknown: ['9999_later.sql'],
    })
    await rows('DROP TABLE d1_migrations')
    const none = await call('/v1/diagnostics', { token: admin })
    expect(none.body.database.migrations).toEqual({ applied: [], missing: migrations, unknown: [] })
  })

  it('names the missing bindings and the variables that are set, without their values', async () => {
    const secret = 'Zx81-a-previous-secret-of-more-than-32-bytes-Qw90'
    const env = { ASSETS: undefined, SIGN_IN_LIMITER: {}, JWT_SECRET_PREVIOUS: secret, BOOTSTRAP_ADMIN_PASSWORD: '' }
    const { body, text } = await call('/v1/diagnostics', { token: admin, env })
    expect(body.missing_bindings).toEqual(['ASSETS', 'SIGN_IN_LIMITER'])
    expect(body.variables).toContain('JWT_SECRET_PREVIOUS')
    expect(body.variables).not.toContain('BOOTSTRAP_ADMIN_PASSWORD')
    for (const value of [secret, String(testEnv.JWT_SECRET), firstAdmin.email, firstAdmin.password]) {
      expect(text).not.toContain(value)
    }
  })
})

describe('GET /diagnostics/hashing', () => {
  it('returns the cost of a password hash, and whether the platform caps a call', async () => {
    const { status, body } = await call('/v1/diagnostics/hashing', { token: admin, env: { PASSWORD_ROUNDS: '2' } })
    expect([status, body]).toEqual([
      200,
      { iterations: 100_000, rounds: 2, milliseconds: expect.any(Number), cap_enforced: true },
    ])
  })

  it('reports when the platform refuses to hash a password', async () => {
    const spied = vi.spyOn(crypto.subtle, 'deriveBits').mockRejectedValue(new DOMException('no', 'NotSupportedError'))
    const { status, body } = await call('/v1/diagnostics/hashing', { token: admin })
    spied.mockRestore()
    expect([status, body]).toMatchObject([200, { milliseconds: null, cap_enforced: true }])
  })
})

describe('GET /diagnostics/directory', () => {
  it('finds nothing in a directory that was written through the contracts', async () => {
    const user = await signedInPerson(admin, { username: 'whole', matricule: 4711, certified_email: 'w@example.com' })
    await call(`/v1/users/${user.id}/roles`, { method: 'PUT', token: admin, json: { roles: ['user', 'admin'] } })
    const gone = await call('/v1/users', { token: admin, json: person({ name: 'Élodie Ångström-Łuczak' }) })
    await call(`/v1/users/${gone.body.id}/deactivate`, { method: 'POST', token: admin })
    const deleted = await call('/v1/users', { token: admin, json: person() })
    await call(`/v1/users/${deleted.body.id}`, { method: 'DELETE', token: admin })
    await call(`/v1/users/${user.id}`, { method: 'PATCH', token: admin, json: { name: 'Zoë Quine', username: '4711' } })
    expect(await runAll()).toEqual([])
    expect((await run('roles')).users).toBe(3)
  })

  it('checks the users in bounded steps', async () => {
    await populate(5_000, 1)
    for (const check of ['counts', 'roles', 'search', 'hashes'] as const) {
      expect(await run(check)).toMatchObject({ found: [], users: 5_001, requests: 3 })
    }
    // The same again for the 14,501 identifiers.
    expect(await run('identifiers')).toMatchObject({ found: [], users: 5_001, requests: 3 + 8 })
    const { cost } = await call('/v1/diagnostics/directory?check=counts', { token: admin })
    expect(cost.read).toBeLessThan(10_000)
  })

  /** Faults that concern no user: the SQL that causes each, and its expected place. */
  const misplaced: [finding: string, sql: string[], where: string][] = [
    ['total_off 1', ["UPDATE user_counts SET count = 7 WHERE scope = 'inactive'"], 'inactive: 7 in all, 0 by spans'],
    ['total_off 1', ["DELETE FROM user_counts WHERE scope = 'role:2'"], 'role:2: none in all, none by spans'],
    [
      'count_off 1',
      [
        "UPDATE user_spans SET count = 0, parts = json_set(parts, '$[0]', 0) WHERE scope = 'role:1'",
        "UPDATE user_counts SET count = 0 WHERE scope = 'role:1'",
      ],
      'role:1: 1 counted, 0 kept of the numbers from 0',
    ],
    [
      'count_off 1',
      [
        `INSERT INTO user_spans SELECT 'all', 9, 1, json_set(parts, '$[0]', 0, '$[31]', 1) FROM user_spans WHERE scope = 'all'`,
        "UPDATE user_counts SET count = count + 1 WHERE scope = 'all'",
      ],
      `all: 0 counted, 1 kept of the numbers from ${9 * 16_384 + 31 * 512}`,
    ],
    [
      'span_off 1',
      ["UPDATE user_spans SET parts = json_set(parts, '$[4]', 1, '$[5]', -1, '$[6]', 1) WHERE scope = 'all'"],
      'all: span 0',
    ],
    [
      'pending_off 1',
      ["INSERT INTO upstreams (name, pending, adopted, refused, unknown) VALUES ('old', 2, 0, 0, 0)"],
      'old: 2 kept, 0 counted',
    ],
    [
      'pending_off 1',
      ["UPDATE users SET password_hash = NULL, password_from = 'old' WHERE number = 2"],
      'old: 0 kept, 1 counted',
    ],
    ['search_entry_stray 1', ["INSERT INTO user_search (rowid, email) VALUES (99, 'nobody')"], 'number 99'],
    ['identifier_stray 1', ["INSERT INTO login_identifiers VALUES ('nobody@example.org', 99)"], 'number 99'],
    ['identifier_stray 1', ["INSERT INTO login_identifiers VALUES ('not-hers', 2)"], 'number 2'],
  ]

  it('finds wrong counts and orphaned rows, and reports their place', async () => {
    for (const [finding, changes, where] of misplaced) {
      await begin()
      await signedInPerson(admin)
      for (const change of changes) await rows(change)
      const found = (await runAll()).find((user) => `${user.finding} ${user.count}` === finding)
      expect([changes, found?.places, found?.users]).toEqual([changes, [where], []])
    }
  })

  /** Faults of a user, and the SQL that causes each. */
  const broken: [finding: string, sql: string][] = [
    ['role_columns_off', 'UPDATE users SET role_count = 2 WHERE number = ?'],
    ['role_columns_off', 'UPDATE users SET primary_role = 1 WHERE number = ?'],
    ['role_columns_off', 'UPDATE user_roles SET position = 1 WHERE user_number = ?'],
    ['search_entry_missing', 'DELETE FROM user_search WHERE rowid = ?'],
    ['search_entry_outdated', "UPDATE users SET family_name = 'Renamed' WHERE number = ?"],
    ['identifier_missing', 'DELETE FROM login_identifiers WHERE user_number = ?'],
    ['identifier_missing', "DELETE FROM login_identifiers WHERE key = '4711' AND user_number = ?"],
    ['identifier_missing', "UPDATE login_identifiers SET user_number = 1 WHERE key = 'whole' AND user_number = ?"],
    ['identifier_outdated', "UPDATE users SET username_key = 'Whole' WHERE number = ?"],
    ['identifier_outdated', "UPDATE users SET name_key = 'someone else' WHERE number = ?"],
    ['hash_unverifiable', "UPDATE users SET password_hash = 'md5$5f4dcc3b5aa765d61d8327deb882cf99' WHERE number = ?"],
    [
      'hash_unverifiable',
      "UPDATE users SET password_hash = replace(password_hash, 'i=100000', 'i=600000') WHERE number = ?",
    ],
    ['hash_outdated', "UPDATE users SET password_hash = replace(password_hash, 'i=100000', 'i=1000') WHERE number = ?"],
  ]

  it('finds the faults of a user, and names the user', async () => {
    for (const [finding, change] of broken) {
      await begin()
      const { id, number } = await signedInPerson(admin, { username: 'whole', matricule: 4711 })
      await rows(change, number)
      expect([change, await runAll()]).toEqual([
        change,
        expect.arrayContaining([{ finding, count: 1, users: [id], places: [] }]),
      ])
    }
  })

  it('lists passwords by their stored form, and reveals nothing of an unknown form', async () => {
    const [user, other] = [await signedInPerson(admin), await signedInPerson(admin)]
    await rows("UPDATE users SET password_hash = 'a secret$in the wrong place' WHERE number = ?", user.number)
    await rows("UPDATE users SET password_hash = '$6$c2FsdA$8e3f' WHERE number = ?", other.number)
    expect((await run('hashes')).hashes).toEqual(
      expect.arrayContaining([
        { format: 'pbkdf2-sha256 i=100000,r=1', standing: 'current', count: 1 },
        { format: 'unknown', standing: 'unverifiable', count: 1 },
        { format: '6', standing: 'unverifiable', count: 1 },
      ]),
    )
  })

  it('finds nothing while the directory is being changed', async () => {
    const changing = Array.from({ length: 12 }, async (_, index) => {
      const { body } = await call('/v1/users', { token: admin, json: person({ username: `busy${index}` }) })
      await call(`/v1/users/${body.id}`, { method: 'PATCH', token: admin, json: { name: `Busy ${index}` } })
      await call(`/v1/users/${body.id}/deactivate`, { method: 'POST', token: admin })
      if (index % 2) await call(`/v1/users/${body.id}`, { method: 'DELETE', token: admin })
    })
    let done = false
    const all = Promise.all(changing).then(() => (done = true))
    while (!done) expect(await runAll()).toEqual([])
    await all
  })

  it('counts the findings, and names at most five of a kind', async () => {
    await populate(40, 1)
    await rows('DELETE FROM user_search WHERE rowid > 20')
    const { found } = await run('search')
    expect(found).toEqual([{ finding: 'search_entry_missing', count: 21, users: expect.any(Array), places: [] }])
    expect(found[0]?.users).toHaveLength(5)
  })

  it('returns 400 for an unknown or missing check, and for the cursor of another check', async () => {
    const message = `must be one of ${checks.join(', ')}`
    const ask = (query: string) => call(`/v1/diagnostics/directory${query}`, { token: admin })
    expectInvalid(await ask('?check=health'), ['check', message])
    expectInvalid(await ask(''), ['check', 'is required'])
    await populate(3_000, 1)
    const { next_cursor } = (await ask('?check=roles')).body.pagination
    expect(next_cursor).toEqual(expect.any(String))
    expectInvalid(await ask(`?check=hashes&cursor=${next_cursor}`), ['cursor', 'is not valid'])
  })
})

describe('diagnostics', () => {
  const paths = [
    '/v1/diagnostics',
    '/v1/diagnostics/hashing',
    ...checks.map((check) => `/v1/diagnostics/directory?check=${check}`),
  ]

  it('require every permission, on a session or on a key', async () => {
    const { key } = await keyWith(admin, [...permissions])
    const most = permissions.filter((permission) => permission !== 'webhooks:manage')
    const narrow = await keyWith(admin, most)
    const someone = await someoneWith(admin, most)
    for (const path of paths) {
      expect([path, (await call(path, { token: key })).status]).toEqual([path, 200])
      for (const token of [narrow.key, someone.access_token]) {
        expectProblem(await call(path, { token }), 403, lacking(...permissions))
      }
      expect((await call(path)).status).toBe(401)
    }
  })

  it('contain no hash, name, email or secret, whatever they find', async () => {
    const user = await signedInPerson(admin, { name: 'Perdita Unseen', username: 'perdita', matricule: 8_675_309 })
    const [{ password_hash: hash }] = (await rows<{ password_hash: string }>(
      'SELECT password_hash FROM users WHERE number = ?',
      user.number,
    )) as [{ password_hash: string }]
    for (const change of [
      'DELETE FROM user_search',
      'UPDATE login_identifiers SET user_number = 99',
      `UPDATE users SET password_hash = password_hash || '!', name_key = '', role_count = 9`,
    ]) {
      await rows(change)
    }
    const texts = await Promise.all(paths.map(async (path) => (await call(path, { token: admin })).text))
    for (const text of texts) {
      expect(text).not.toMatch(/perdita|unseen|8675309|@|pbkdf2-sha256\$/i)
      expect(text).not.toContain(hash.slice(-43))
    }
    expect(texts.join()).toContain('hash_unverifiable')
  })
})

namesEveryTest(statements)

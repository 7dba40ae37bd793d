/** v1: imports. */
import { beforeEach, describe, expect, it } from 'vitest'
import { inconsistencies } from '../../support/consistency'
import { documented, failingD1 } from '../../support/failing-d1'
import { formsOfHashes, phrases } from '../../support/hash-forms'
import { asLines, importing, ndjson } from '../../support/imports'
import { derivations } from '../../support/pbkdf2-cap'
import { snapshot } from '../../support/snapshot'
import { namesEveryTest } from '../../support/statements'
import {
  adminToken,
  call,
  fetchWorker,
  firstAdmin,
  freshDirectory,
  roleIds,
  rows,
  signedInPerson,
  testEnv,
  uuidOf,
} from '../../support/usher'
import { signInContracts } from '..'
import {
  everything,
  expectInvalid,
  expectProblem,
  keyWith,
  lacking,
  nothingMore,
  statements,
  roleWith,
  someoneWith,
  wrongValues,
} from '../../support/v1'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const user = async (id: string | undefined) => (await call(`/v1/users/${id}`, { token: admin })).body
const storedHash = async (email: string) =>
  (await rows<{ password_hash: string }>('SELECT password_hash FROM users WHERE email = ?', email))[0]?.password_hash
const count = async () => Number((await rows<{ n: number }>('SELECT count(*) AS n FROM users'))[0]?.n)
const whole = async () => expect(await inconsistencies((sql) => rows(sql))).toEqual([])

let people = 0
const newcomer = (more: Record<string, unknown> = {}) => {
  people += 1
  return { email: `newcomer${people}@example.org`, name: `Newcomer Number${people}`, ...more }
}
const newcomers = (many: number, more: (index: number) => Record<string, unknown> = () => ({})) =>
  Array.from({ length: many }, (_, index) => newcomer(more(index)))

/** Real hashes of the three foreign kinds and of Usher's own, each with its password. */
const legacy = {
  laravel: ['password', '$2y$10$92IXUNpkjO0rOQ5byMi.Ye4oKoEa3Ro9llC/.og/at2.uheWG/igi'],
  fastapi: ['a bcrypt password', '$2b$10$abcdefghijklmnopqrstuuCDQhtd3cE1iT35cHBlfYNFp61LqfmZO'],
  old: ['a bcrypt password', '$2a$06$abcdefghijklmnopqrstuugPooxs1p4fzPkiu/V9r91072PcXt46u'],
  django: ['lètmein', 'pbkdf2_sha256$36000$seasalt$mEUPPFJkT/xtwDU8rB7Q+puHRZnR07WRjerTkt/3HI0='],
  'django over the cap': ['lètmein', 'pbkdf2_sha256$100001$seasalt2$PFd2ETdf5x4MZAvd16D6HwU/lEs7bWM0SHuH+7YNB08='],
  'ours, with one iteration': ['passwd', '$pbkdf2-sha256$i=1,r=1$c2FsdHNhbHRzYWx0$'],
} satisfies Record<string, [password: string, hash: string]>

/** Usher's own form, complete: the platform's PBKDF2 with one iteration. */
async function ours(): Promise<string> {
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode('passwd'), 'PBKDF2', false, ['deriveBits'])
  const salt = new TextEncoder().encode('saltsaltsalt')
  const bits = await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations: 1 }, key, 256)
  return legacy['ours, with one iteration'][1] + btoa(String.fromCharCode(...new Uint8Array(bits))).replace('=', '')
}

describe('POST /imports', () => {
  it('accepts every field of a user, and the ids that legacy clients use', async () => {
    const { id: roleId } = await roleWith(admin, [], 'reception')
    const id = '4b1d6c7e-90aa-4c0e-8a55-2f6d1e0b7c34'
    const times = { created_at: '2019-05-02T08:00:00Z', updated_at: '2024-02-29T23:59:59Z' }
    const row = {
      ...everything,
      ...times,
      id,
      number: 4711,
      status: 'inactive',
      roles: ['reception', 'admin'],
      version: 7,
    }
    const { results, last } = await importing(admin, [row])
    const shown = 'usr_4b1d6c7e90aa4c0e8a552f6d1e0b7c34'
    expect(results).toEqual([{ line: 1, status: 'created', id: shown }])
    expect(last).toMatchObject({ status: 'done', dry_run: false, created: 1, skipped: 0, refused: 0, passwords: 0 })
    const roles = [
      { id: roleId, name: 'reception' },
      { id: roleIds.admin, name: 'admin' },
    ]
    const { headers, body } = await call(`/v1/users/${shown}`, { token: admin })
    expect(body).toEqual({ ...everything, ...times, id: shown, status: 'inactive', role: 'reception', roles })
    expect(headers.get('etag')).toBe('"7"')
    expect((await call('/backoffice/api/v1/users/4711', { token: admin })).body.data.email).toBe(everything.email)
    const { body: person } = await call(`/personnel/users/${everything.matricule}`, { token: admin })
    expect(person.user_id).toBe(id)
    await whole()
  })

  it('fills missing values as for a new user', async () => {
    const before = Math.floor(Date.now() / 1000)
    await importing(admin, [newcomer({ number: 900 })])
    const { results } = await importing(admin, [{ email: 'Ines@Example.ORG', name: 'Ines de Prado' }])
    const shown = await user(results[0]?.id)
    expect(shown).toMatchObject({
      email: 'Ines@example.org',
      name: 'Ines de Prado',
      first_name: 'Ines',
      last_name: 'de Prado',
      status: 'active',
      role: 'user',
      is_staff: false,
      ...nothingMore,
    })
    expect(Date.parse(shown.created_at) / 1000).toBeGreaterThanOrEqual(before)
    expect(shown.updated_at).toBe(shown.created_at)
    const [row] = await rows('SELECT number, version, password_hash FROM users WHERE id = ?', uuidOf(shown.id))
    expect(row).toEqual({ number: 901, version: 1, password_hash: null })
  })

  it('accepts an id in v1’s form and in that of the other contracts, and a role by name in any spelling', async () => {
    const hex = '4b1d6c7e90aa4c0e8a552f6d1e0b7c3'
    const { results } = await importing(admin, [
      newcomer({ id: `usr_${hex}1` }),
      newcomer({ id: uuidOf(`usr_${hex}2`).toUpperCase() }),
      newcomer({ id: `${hex}3`, role: 'ADMIN' }),
      newcomer({ roles: [{ id: roleIds.user, name: 'User' }] }),
    ])
    expect(results.slice(0, 3).map(({ id }) => id)).toEqual([`usr_${hex}1`, `usr_${hex}2`, `usr_${hex}3`])
    expect((await user(`usr_${hex}3`)).role).toBe('admin')
  })

  it('returns a line for each row, in order and with its number, and a summary line', async () => {
    const body = `${asLines([newcomer(), { email: 'none' }])}\n\n  \r\n${asLines([newcomer(), 7])}`
    const { results, last } = await importing(admin, body)
    expect(results.map(({ line, status }) => [line, status])).toEqual([
      [1, 'created'],
      [2, 'refused'],
      [5, 'created'],
      [6, 'refused'],
    ])
    expect(last).toMatchObject({ status: 'done', created: 2, skipped: 0, refused: 2 })
    expect((await importing(admin, '')).answer.body).toEqual([expect.objectContaining({ status: 'done', created: 0 })])
  })

  it('reports the errors of a row field by field, as for a new user, and continues', async () => {
    const values = wrongValues.filter(([field]) => field !== 'role')
    const { results, outcomes, last } = await importing(admin, [
      ...values.map(([field, value]) => newcomer({ [field]: value })),
      newcomer({ role: 'nobody-made-this' }),
      newcomer({ roles: ['user', 'nobody-made-this'] }),
      {},
      { email: 'none', name: ' ', birth_date: 'yesterday' },
      newcomer({ name: undefined }),
      newcomer({ number: 0 }),
      newcomer({ number: 2 ** 31 }),
      newcomer({ id: 'usr_1' }),
      newcomer({ id: 17 }),
      newcomer({ created_at: '2019-05-02' }),
      newcomer({ created_at: '2019-02-30T00:00:00Z' }),
      newcomer({ updated_at: 1556784000 }),
      newcomer({ version: 0 }),
      newcomer({ status: 'gone' }),
      newcomer({ roles: 'user' }),
      newcomer({ name: 'x'.repeat(201), version: undefined }),
      newcomer({ name: undefined, first_name: 'x'.repeat(101) }),
      newcomer(),
    ])
    expect(outcomes.slice(0, values.length)).toEqual(values.map(([field, , message]) => `${field} ${message}`))
    expect(outcomes.slice(values.length)).toEqual([
      'roles is not a role of the directory',
      'roles is not a role of the directory',
      'email is required',
      'email must be an email address; birth_date must be a date, YYYY-MM-DD',
      'name is required',
      'number must be at least 1',
      'number must be at most 2147483647',
      'id must be a uuid',
      'id must be a string',
      'created_at does not read as a time',
      'created_at does not read as a time',
      'updated_at must be a string',
      'version must be at least 1',
      'status must be one of active, inactive, activated, deactivated',
      'roles must be a list',
      'name must have at most 200 characters',
      'first_name must have at most 100 characters',
      'created',
    ])
    expect(results.map(({ line }) => line)).toEqual(results.map((_, index) => index + 1))
    expect(last.created).toBe(1)
    await whole()
  })

  it('rejects each line that is not a valid row', async () => {
    const sound = JSON.stringify(newcomer())
    const lines = [
      ...['{', '[]', 'null', '"text"', '{"a":1,}', 'NaN', '{"email":"\\ud800@example.org","name":"x"}'],
      `{"__proto__":{"email":"polluted@example.org","status":"active"},"name":"x"}`,
      `{"constructor":{"prototype":{"email":"polluted@example.org"}},"email":1e400,"name":"x"}`,
      `{"email":"deep@example.org","name":"x","roles":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      `{"email":"huge@example.org","name":"x","matricule":${'9'.repeat(400)}}`,
      `{"email":"bidi@example.org","name":"x\\u202ey"}`,
      `{"email":"null@example.org","name":"x\\u0000y"}`,
      `{"email":"long@example.org","name":"x","note":"${'x'.repeat(65_536)}"}`,
      sound,
    ]
    const { outcomes } = await importing(admin, lines.join('\r\n'))
    expect(outcomes).toEqual([
      ' is not JSON in UTF-8',
      ' must be an object',
      ' is required',
      ' must be an object',
      ...[' is not JSON in UTF-8', ' is not JSON in UTF-8', 'email must not contain control or invisible characters'],
      'email is required',
      'email must be a string',
      'roles.0 must be a string',
      `matricule must be an integer`,
      'name must not contain control or invisible characters',
      'name must not contain control or invisible characters',
      ' has more than 65,536 bytes',
      'created',
    ])
    expect(({} as Record<string, unknown>)['email']).toBeUndefined()
    expect(await count()).toBe(2)
  })

  it('reads only UTF-8, line by line, however the bytes are split', async () => {
    const text = `\ufeff${asLines([newcomer({ name: 'Zoë Łuk 🔑' }), newcomer({ name: 'Ünal' })])}\n`
    const bytes = new Uint8Array([
      ...new TextEncoder().encode(text),
      0x22,
      0xff,
      0x22,
      10,
      ...new TextEncoder().encode('{}'),
    ])
    const account = (index: number) =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (let at = 0; at < bytes.length; at += index) controller.enqueue(bytes.slice(at, at + index))
          controller.close()
        },
      })
    const first = await importing(admin, bytes)
    expect(first.outcomes).toEqual(['created', 'created', ' is not JSON in UTF-8', 'email is required'])
    expect((await user(first.results[0]?.id)).name).toBe('Zoë Łuk 🔑')
    for (const size of [1, 7, 64]) {
      const again = await importing(admin, account(size))
      expect(again.outcomes).toEqual(['skipped', 'skipped', ' is not JSON in UTF-8', 'email is required'])
    }
  })

  it('skips existing users, found by id or, without an id, by email in any spelling, and leaves them unchanged', async () => {
    const account = await signedInPerson(admin, { email: 'mara@example.org', matricule: 12 })
    const before = await snapshot()
    const { outcomes, results } = await importing(admin, [
      { id: account.id, email: 'another@example.org', name: 'Another Name', roles: ['admin'], status: 'inactive' },
      { email: 'MARA@example.org', name: 'Another Name', password: 'another fine passphrase', matricule: 12 },
    ])
    expect(outcomes).toEqual(['skipped', 'skipped'])
    expect(results.map(({ id }) => id)).toEqual([account.id, account.id])
    expect(await snapshot()).toEqual(before)
  })

  it('rejects the second user of a shared mailbox on email, and names the line or the user that has it', async () => {
    const mara = await signedInPerson(admin, { email: 'desk@example.org', matricule: 12, username: 'mara' })
    await signedInPerson(admin, { email: 'zoe@example.org', matricule: 99 })
    const shared = (more: Record<string, unknown>) => ({ email: 'Desk@example.org', name: 'Another Person', ...more })
    const line = (more: Record<string, unknown>) => ({ email: 'ward@example.org', name: 'Ward', ...more })
    const file = [
      shared({ matricule: 13 }),
      shared({ username: 'zoe' }),
      shared({ number: mara.number + 500 }),
      shared({ matricule: 12, username: 'MARA', number: mara.number }),
      shared({}),
      // No value contradicts, but the number belongs to another user.
      shared({ matricule: 99 }),
      line({ matricule: 70 }),
      line({ matricule: 71, name: 'Second' }),
      line({ username: 'ward70' }),
      line({ username: 'ward71', matricule: 70 }),
      line({ number: 700 }),
      line({ matricule: 70, username: 'ward@example.org' }),
    ]
    const expected = [
      `email is taken by ${mara.id}`,
      `email is taken by ${mara.id}`,
      `email is taken by ${mara.id}`,
      'skipped',
      'skipped',
      `matricule is taken; email is taken by ${mara.id}`,
      'created',
      'email is taken by line 7',
      'skipped',
      'skipped',
      'email is taken by line 7',
      'skipped',
    ]
    const dry = await importing(admin, file, { path: '/v1/imports?dry_run=true' })
    expect(dry.outcomes).toEqual(expected)
    const { outcomes, results } = await importing(admin, file)
    expect(outcomes).toEqual(expected)
    const ward = results[6]?.id
    const again = await importing(admin, file)
    expect(again.outcomes).toEqual(
      expected.map((text) => text.replace('line 7', String(ward)).replace('created', 'skipped')),
    )
    await whole()
  })

  it('skips a row that has more data than the directory, and leaves the user unchanged', async () => {
    const account = await signedInPerson(admin, { email: 'mara@example.org' })
    const before = await snapshot()
    const { outcomes } = await importing(admin, [
      { email: 'mara@example.org', name: 'Mara', matricule: 4711, username: 'mara', number: account.number },
    ])
    expect(outcomes).toEqual(['skipped'])
    expect(await snapshot()).toEqual(before)
  })

  it('reads the status fields of all five contracts', async () => {
    const rows = [
      newcomer({ status: 'active' }),
      newcomer({ status: 'inactive' }),
      newcomer({ status: 'activated' }),
      newcomer({ status: 'deactivated' }),
      newcomer({ is_active: true }),
      newcomer({ is_active: false }),
      newcomer({ user_status: 'active' }),
      newcomer({ user_status: 'inactive' }),
      newcomer({ status: 'deactivated', is_active: false, user_status: 'inactive' }),
      newcomer(),
    ]
    const { results } = await importing(admin, rows)
    const shown = await Promise.all(results.map(async ({ id }) => (await user(id)).status))
    expect(shown).toEqual([
      ...['active', 'inactive', 'active', 'inactive', 'active', 'inactive', 'active', 'inactive'],
      ...['inactive', 'active'],
    ])
    const { outcomes } = await importing(admin, [
      newcomer({ status: 'active', is_active: false }),
      newcomer({ is_active: true, user_status: 'inactive' }),
      newcomer({ is_active: 'false' }),
      newcomer({ is_active: null }),
      newcomer({ user_status: 'activated' }),
    ])
    expect(outcomes).toEqual([
      'is_active contradicts another field',
      'user_status contradicts another field',
      'is_active must be a boolean',
      'is_active must be a boolean',
      'user_status must be one of active, inactive',
    ])
    await whole()
  })

  it('rejects a row with an unknown field that looks like a status or a hash', async () => {
    const status = 'looks like a status: name the column status, with active or inactive'
    const hash = 'looks like a hash: name the column password_hash'
    const lookalikes: [field: string, value: unknown, message: string][] = [
      ...(
        [
          'enabled',
          'blocked',
          'disabled',
          'accountEnabled',
          'isActive',
          'account_status',
          'locked',
          'suspended',
        ] as const
      ).map((field): [string, unknown, string] => [field, false, status]),
      ['deleted_at', '2020-01-01', status],
      ['state', 'Suspended', status],
      ...(
        [
          'passwordHash',
          'hashed_password',
          'password_digest',
          'encrypted_password',
          'hash',
          'passwd',
          'user_pass',
        ] as const
      ).map((field): [string, unknown, string] => [field, 'x', hash]),
      ['secret', legacy.laravel[1], hash],
      ['credentials', legacy.django[1], hash],
    ]
    const { outcomes } = await importing(
      admin,
      lookalikes.map(([field, value]) => newcomer({ [field]: value })),
    )
    expect(outcomes).toEqual(lookalikes.map(([field, , message]) => `${field} ${message}`))
    const both = await importing(admin, [newcomer({ name: undefined, birth_date: 'x', blocked: true, hash: 'x' })])
    expect(both.outcomes).toEqual([`birth_date must be a date, YYYY-MM-DD; blocked ${status}; hash ${hash}`])
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`status${index} status`, true]))
    const { results } = await importing(admin, [newcomer(many), newcomer({ [`${'x'.repeat(60_000)} status`]: 1 })])
    expect(results.map(({ errors }) => errors?.length)).toEqual([20, undefined])
    const said = await importing(admin, [newcomer({ [`status ${'x'.repeat(60_000)}`]: 1 })])
    expect(JSON.stringify(said.results[0]).length).toBeLessThan(300)
  })

  it('names other unknown fields in the last line, with the number of lines that have them', async () => {
    const { outcomes, last } = await importing(admin, [
      newcomer({ shoe_size: 38, blocked: null, note: 'x' }),
      newcomer({ shoe_size: 39, state: 'CA', mfa_enabled: true, last_active_at: '2020-01-01', deleted_at: '' }),
      newcomer({ constructor: 1, shoe_size: 40, email: 'none' }),
      newcomer(),
    ])
    expect(outcomes).toEqual(['created', 'created', 'email must be an email address', 'created'])
    expect(last.unknown_fields).toEqual([
      { field: 'shoe_size', lines: 3 },
      { field: 'blocked', lines: 1 },
      { field: 'note', lines: 1 },
      { field: 'state', lines: 1 },
      { field: 'mfa_enabled', lines: 1 },
      { field: 'last_active_at', lines: 1 },
      { field: 'deleted_at', lines: 1 },
      { field: 'constructor', lines: 1 },
    ])
    const odd = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`${'y'.repeat(30)}${index}`, 1]))
    const { last: full } = await importing(admin, [newcomer({ ...odd, ['z'.repeat(1000)]: 1 }), newcomer(odd)])
    expect([full.unknown_fields.length, full.unknown_fields[0]?.lines]).toEqual([100, 2])
    const { last: long } = await importing(admin, [newcomer({ ['z'.repeat(1000)]: 1 })])
    expect(long.unknown_fields).toEqual([{ field: `${'z'.repeat(64)}…`, lines: 1 }])
  })

  it('rejects times in the future and an updated_at before created_at', async () => {
    const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString()
    const { outcomes } = await importing(admin, [
      newcomer({ created_at: at(3600) }),
      newcomer({ created_at: '9999-12-31T23:59:59Z' }),
      newcomer({ updated_at: at(3600) }),
      newcomer({ created_at: at(3600), updated_at: at(7200) }),
      newcomer({ created_at: '2020-01-02T00:00:00Z', updated_at: '2020-01-01T23:59:59Z' }),
      newcomer({ created_at: '2020-01-02T00:00:00+02:00', updated_at: '2020-01-01T22:00:00Z' }),
      // Clocks may differ by some seconds.
      newcomer({ created_at: at(30), updated_at: at(30) }),
      newcomer({ updated_at: '2020-01-01T00:00:00Z' }),
    ])
    expect(outcomes).toEqual([
      'created_at is in the future',
      'created_at is in the future',
      'updated_at is in the future',
      'created_at is in the future; updated_at is in the future',
      'updated_at is before created_at',
      'created',
      'created',
      'created',
    ])
    await whole()
  })

  it('is safe to repeat: the second import skips every user and writes nothing', async () => {
    const file = asLines([
      ...newcomers(30),
      ...newcomers(30, (index) => ({ id: uuidOf(`usr_${String(index).padStart(32, '0')}`) })),
    ])
    const first = await importing(admin, file)
    const before = await snapshot()
    const second = await importing(admin, file)
    expect([first.last.created, second.last.skipped, second.last.rows_written]).toEqual([60, 60, 0])
    expect(second.results.map(({ id }) => id)).toEqual(first.results.map(({ id }) => id))
    expect(await snapshot()).toEqual(before)
  })

  it('rejects identifiers in any spelling, numbers and ids of deleted users that are taken, in the directory or an earlier row', async () => {
    const account = await signedInPerson(admin, { email: 'mara@example.org', matricule: 12, username: 'mara' })
    const gone = await signedInPerson(admin)
    await call(`/v1/users/${gone.id}`, { method: 'DELETE', token: admin })
    const id = '4b1d6c7e-90aa-4c0e-8a55-2f6d1e0b7c3'
    const { outcomes } = await importing(admin, [
      newcomer({ id: `${id}1`, email: 'Mara@EXAMPLE.org' }),
      newcomer({ username: 'MARA' }),
      newcomer({ matricule: 12 }),
      newcomer({ username: '12' }),
      newcomer({ username: 'mara@example.org' }),
      newcomer({ number: account.number }),
      newcomer({ id: gone.id }),
      newcomer({ username: 'ＭＡＲＡ', matricule: 12, number: account.number }),
      newcomer({ id: `${id}2`, number: 70, username: 'first', matricule: 90 }),
      newcomer({ id: `${id}2` }),
      newcomer({ number: 70 }),
      newcomer({ username: 'FIRST' }),
      newcomer({ username: '90' }),
      { email: 'twice@example.org', name: 'Once' },
      { email: 'TWICE@example.org', name: 'Twice' },
    ])
    expect(outcomes).toEqual([
      `email is taken by ${account.id}`,
      'username is taken',
      'matricule is taken',
      'username is taken',
      'username is taken',
      'number is taken',
      'id was that of a user who is deleted',
      'number is taken; matricule is taken; username is taken',
      'created',
      'skipped',
      'number is taken',
      'username is taken',
      'username is taken',
      'created',
      'skipped',
    ])
    await whole()
  })

  it('assigns missing numbers after the highest one, without clashes with numbers later in the same part', async () => {
    const { results } = await importing(admin, [
      newcomer(),
      newcomer({ number: 2 }),
      newcomer({ number: 600 }),
      newcomer(),
    ])
    const numbers = await rows<{ number: number }>('SELECT number FROM users ORDER BY number')
    expect(results.map(({ status }) => status)).toEqual(['created', 'created', 'created', 'created'])
    expect(numbers.map(({ number }) => number)).toEqual([1, 2, 600, 601, 602])
    await whole()
  })

  it('never reuses the number of a deleted user, whichever contract deleted them', async () => {
    const deleted: number[] = []
    for (const pathOf of [
      (account: { id: string }) => `/v1/users/${account.id}`,
      (account: { uuid: string }) => `/rbac/api/v1/users/${account.uuid}`,
      (account: { number: number }) => `/backoffice/api/v1/users/${account.number}`,
    ]) {
      const account = await signedInPerson(admin)
      expect((await call(pathOf(account), { method: 'DELETE', token: admin })).status).toBeLessThan(300)
      deleted.push(account.number)
    }
    const file = deleted.map((number) => newcomer({ number }))
    for (const path of ['/v1/imports?dry_run=true', '/v1/imports']) {
      const { outcomes } = await importing(admin, file, { path })
      expect(outcomes).toEqual(deleted.map(() => 'number was that of a user who is deleted'))
    }
    await whole()
  })

  it('does not assign the number of a user who is deleted between the decision and the commit', async () => {
    let batches = 0
    const DB = {
      prepare: (sql: string) => testEnv.DB.prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        batches += 1
        if (batches === 2) {
          const { results } = await importing(admin, [newcomer({ number: 50 })])
          await call(`/v1/users/${results[0]?.id}`, { method: 'DELETE', token: admin })
        }
        return testEnv.DB.batch(statements)
      },
    }
    const { outcomes } = await importing(admin, [newcomer({ number: 50 })], { env: { DB } })
    expect(outcomes).toEqual(['number was that of a user who is deleted'])
    expect(batches).toBe(3)
  })

  it('accepts numbers that no user ever had, even below the highest', async () => {
    const first = await importing(admin, [newcomer({ number: 600 }), newcomer()])
    const second = await importing(admin, [newcomer({ number: 3 }), newcomer({ number: 599 }), newcomer()])
    expect([...first.outcomes, ...second.outcomes]).toEqual(Array(5).fill('created'))
    const numbers = await rows<{ number: number }>('SELECT number FROM users ORDER BY number')
    expect(numbers.map(({ number }) => number)).toEqual([1, 3, 599, 600, 601, 602])
    await whole()
  })

  it('accepts numbers up to 1,000,000 above the highest so far, and a dry run gives the same result', async () => {
    const file = [
      newcomer({ number: 2_147_483_647 }),
      newcomer({ number: 1_000_002 }),
      newcomer({ number: 1_000_001 }),
      newcomer({ number: 2_000_002 }),
      newcomer(),
      ...newcomers(1500),
      newcomer({ number: 1_000_005 }),
      newcomer({ number: 2_001_503 }),
      newcomer({ number: 2_001_502 }),
    ]
    const dry = await importing(admin, file, { path: '/v1/imports?dry_run=true' })
    const wet = await importing(admin, file)
    for (const { outcomes } of [dry, wet]) {
      expect(outcomes.filter((account) => account !== 'created')).toEqual([
        'number must be at most 1000001',
        'number must be at most 1000001',
        'number must be at most 2000001',
        'number is taken',
        'number must be at most 2001502',
      ])
    }
    expect(dry.outcomes).toEqual(wet.outcomes)
  })

  it('requires users:import, and for a role or a status the permission that creating with it requires', async () => {
    await roleWith(admin, ['users:read', 'users:delete'], 'power')
    const importer = await someoneWith(admin, ['users:import'])
    const fuller = await someoneWith(admin, ['users:import', 'roles:assign', 'users:read', 'users:deactivate'])
    const file = () => [
      newcomer(),
      newcomer({ role: 'user' }),
      newcomer({ roles: ['user', 'power'] }),
      newcomer({ status: 'inactive' }),
    ]
    const missing = 'takes a permission that is missing:'
    expect((await importing(importer.access_token, file())).outcomes).toEqual([
      'created',
      'created',
      `roles ${missing} roles:assign, users:read, users:delete`,
      `status ${missing} users:deactivate`,
    ])
    expect((await importing(fuller.access_token, file())).outcomes).toEqual([
      'created',
      'created',
      `roles ${missing} users:delete`,
      'created',
    ])
    const narrow = await keyWith(admin, ['users:import'])
    expect((await importing(narrow.key, [newcomer({ role: 'admin' })])).outcomes[0]).toMatch(
      /^roles takes a permission/,
    )
    const other = await someoneWith(admin, ['users:create', 'users:update', 'roles:assign'])
    const refused = await call('/v1/imports', { token: other.access_token, body: '{', headers: ndjson })
    expectProblem(refused, 403, lacking('users:import'))
    await whole()
  })

  it('records each user’s creation, with the fields of the row', async () => {
    const { results } = await importing(admin, [newcomer({ password_hash: legacy.old[1], matricule: 5, phone: null })])
    const { body } = await call(`/v1/audit-events?user=${results[0]?.id}`, { token: admin })
    expect(body.data).toEqual([
      expect.objectContaining({ action: 'user.created', contract: 'v1', user_id: results[0]?.id }),
    ])
    expect(body.data[0].fields.sort()).toEqual(['email', 'matricule', 'name', 'password_hash'])
    const { body: me } = await call('/v1/me', { token: admin })
    expect(body.data[0].actor_id).toBe(me.id)
  })

  it('makes users appear in search, lists and totals', async () => {
    await importing(
      admin,
      newcomers(1200, (index) => ({
        ...(index % 2 && { status: 'inactive' }),
        ...(index % 3 === 0 && { roles: ['admin', 'user'] }),
      })),
    )
    const total = async (query: string) => (await call(`/v1/users?${query}`, { token: admin })).body.pagination.total
    expect(await total('')).toBe(1201)
    expect(await total('status=inactive')).toBe(600)
    expect(await total('role=admin')).toBe(401)
    expect(await total('search=newcomer+number')).toBe(1200)
    const page = await call('/backoffice/api/v1/users?page=12&per_page=100', { token: admin })
    expect(page.body.data.length).toBe(100)
    await whole()
  })
})

describe('an imported password', () => {
  it('in plain text is hashed by the rules for new users, at most a hundred per import', async () => {
    const secret = { password: 'a fine passphrase' }
    const { outcomes, last } = await importing(admin, [
      newcomer({ password: 'newcomer1' }),
      newcomer({ email: 'selfsame@example.org', password: 'selfsame@example.org' }),
      newcomer({ ...secret, password_hash: legacy.old[1] }),
      ...newcomers(101, () => secret),
    ])
    expect(outcomes.slice(1, 3)).toEqual([
      "password must not be the user's own email, username or name",
      'password_hash must not come beside a password',
    ])
    expect([last.passwords, last.refused]).toEqual([100, 4])
    expect(outcomes.at(-1)).toMatch(/^password is one more than the 100/)
    const hashes = await rows<{ password_hash: string }>("SELECT password_hash FROM users WHERE email LIKE 'newcomer%'")
    expect(new Set(hashes.map(({ password_hash }) => password_hash)).size).toBe(hashes.length)
    const tooShort = await importing(admin, [newcomer({ password: 'lilac-moss' }), newcomer({ password: 'lilac' })], {
      env: { PASSWORD_MIN_LENGTH: '12' },
    })
    expect(tooShort.outcomes).toEqual([
      'password must have at least 12 characters',
      'password must have at least 12 characters',
    ])
  })

  it('is rejected when it has the form of a hash', async () => {
    const hashes = [
      ...Object.values(legacy)
        .map(([, hash]) => hash)
        .slice(0, -1),
      await ours(),
      ...formsOfHashes,
    ]
    const { outcomes } = await importing(
      admin,
      hashes.map((password) => newcomer({ password })),
    )
    expect(outcomes).toEqual(hashes.map(() => 'password looks like a hash: name the column password_hash'))
    const fine = await importing(
      admin,
      phrases.map((password) => newcomer({ password })),
    )
    expect(fine.outcomes).toEqual(phrases.map(() => 'created'))
  })

  it('is absent for Django’s unusable password: the result says so, and the user can set one by token later', async () => {
    const marks = ['!', '!unusable', `!${'aB3'.repeat(13)}x`]
    const { results, last } = await importing(
      admin,
      marks.map((password_hash) => newcomer({ password_hash })),
    )
    const note = 'has no password, as password_hash says: a set-password token sets one'
    expect(results).toEqual(
      marks.map((_, index) => ({ line: index + 1, status: 'created', id: expect.any(String), note })),
    )
    expect([last.passwords, last.password_hashes]).toEqual([0, []])
    const { id } = results[0] as { id: string }
    const { email } = await user(id)
    expect(await storedHash(email)).toBeNull()
    const { body } = await call(`/v1/users/${id}/password-token`, { method: 'POST', token: admin })
    const password = 'a fine new passphrase'
    await call('/v1/auth/password', { json: { token: body.token, new_password: password } })
    expect((await call('/v1/auth/login', { json: { identifier: email, password } })).status).toBe(200)
    const { outcomes } = await importing(admin, [newcomer({ password_hash: '!', password: 'a fine passphrase' })])
    expect(outcomes).toEqual(['password_hash must not come beside a password'])
  })

  it.each(Object.entries(legacy))(
    'stored as %s signs in when it is right, and is rehashed in Usher’s form',
    async (kind, [password, made]) => {
      const hash = kind.startsWith('ours') ? await ours() : made
      const people = signInContracts.map(([name]) => ({
        email: `${name}@legacy.example`,
        name: 'Somebody Known',
        password_hash: hash,
      }))
      expect((await importing(admin, people)).outcomes).toEqual(people.map(() => 'created'))
      for (const [name, { session, outcome }] of signInContracts) {
        const email = `${name}@legacy.example`
        const tries = async (secret: string) => {
          const { path, ...options } = session.signIn(email, secret)
          return outcome(await call(path, options))
        }
        expect([name, await tries('not the password')]).toEqual([name, 'unauthenticated'])
        expect(await storedHash(email)).toBe(hash)
        const [failures] = await rows('SELECT failures FROM sign_in_failures')
        expect(failures).toEqual({ failures: 1 })
        expect([name, await tries(password)]).toEqual([name, 'done'])
        const renewed = await storedHash(email)
        expect(renewed).toMatch(/^\$pbkdf2-sha256\$i=100000,r=1\$/)
        expect(await rows('SELECT * FROM sign_in_failures')).toEqual([])
        expect([name, await tries(password)]).toEqual([name, 'done'])
        expect(await storedHash(email)).toBe(renewed)
      }
    },
    120_000,
  )

  it('is rehashed as typed: the part that bcrypt ignored in a long password counts from then on', async () => {
    const long = 'x'.repeat(72)
    const stored = '$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i'
    await importing(admin, [{ email: 'long@legacy.example', name: 'Long', password_hash: stored }])
    const login = async (password: string) =>
      (await call('/v1/auth/login', { json: { identifier: 'long@legacy.example', password } })).status
    expect(await login(`${long} and more`)).toBe(200)
    expect([await login(long), await login(`${long} and more`)]).toEqual([401, 200])
  })

  it('in a foreign form is not verified while the account is locked', async () => {
    const [password, password_hash] = legacy.django
    await importing(admin, [{ email: 'locked@legacy.example', name: 'Locked', password_hash }])
    const login = (secret: string) =>
      call('/v1/auth/login', { json: { identifier: 'locked@legacy.example', password: secret } })
    for (let failed = 0; failed < 5; failed += 1) expect((await login('not the password')).status).toBe(401)
    const before = derivations.count
    expect((await login(password)).status).toBe(429)
    expect(derivations.count).toBe(before)
    expect(await storedHash('locked@legacy.example')).toBe(password_hash)
  })

  it('in a foreign form does not let an inactive user in', async () => {
    const [password, password_hash] = legacy.old
    await importing(admin, [{ email: 'off@legacy.example', name: 'Off', password_hash, status: 'inactive' }])
    const answer = await call('/v1/auth/login', { json: { identifier: 'off@legacy.example', password } })
    expectProblem(answer, 401, 'The identifier or the password is wrong.')
  })

  it('is rejected by row when its hash is malformed, of an unknown kind, or too costly to verify', async () => {
    const unknown = 'is no hash that this directory can verify'
    const { outcomes } = await importing(admin, [
      newcomer({ password_hash: '' }),
      newcomer({ password_hash: '$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0' }),
      newcomer({ password_hash: `${legacy.laravel[1]}x` }),
      newcomer({ password_hash: legacy.laravel[1].replace('$10$', '$15$') }),
      newcomer({ password_hash: legacy.django[1].replace('36000', '2000001') }),
      newcomer({ pin_hash: legacy.laravel[1] }),
      newcomer({ password_hash: 7 }),
      newcomer({ password_hash: null, pin_hash: null }),
    ])
    expect(outcomes.slice(0, 3)).toEqual(Array(3).fill(`password_hash ${unknown}`))
    expect(outcomes.slice(3, 5)).toEqual(
      Array(2).fill(expect.stringMatching(/^password_hash would cost too much to verify/)),
    )
    expect(outcomes.slice(5)).toEqual([`pin_hash ${unknown}`, 'password_hash must be a string', 'created'])
  })
})

describe('a dry run', () => {
  it('returns the results of the import, and writes nothing', async () => {
    const account = await signedInPerson(admin, { matricule: 12 })
    const file = [
      ...newcomers(150),
      newcomer({ matricule: 12 }),
      newcomer({ role: 'nobody-made-this' }),
      { id: account.id, email: 'x@example.org', name: 'x' },
      newcomer({ number: account.number }),
      newcomer({ password: 'a fine passphrase' }),
    ]
    const before = await snapshot()
    const dry = await importing(admin, file, { path: '/v1/imports?dry_run=true' })
    expect(await snapshot()).toEqual(before)
    expect(dry.last).toMatchObject({ dry_run: true, created: 151, skipped: 1, refused: 3, passwords: 1 })
    const wet = await importing(admin, file, { path: '/v1/imports?dry_run=false' })
    expect(dry.outcomes).toEqual(wet.outcomes)
    expect(wet.last).toMatchObject({ dry_run: false, created: 151, skipped: 1, refused: 3, passwords: 1 })
    expect(dry.last.rows_written / wet.last.rows_written).toBeGreaterThan(0.9)
    expect(dry.last.rows_written / wet.last.rows_written).toBeLessThanOrEqual(1)
  })

  it('finds duplicates, however far apart', async () => {
    const twins = [{ email: 'twin@example.org', name: 'Twin', username: 'twin', number: 9000 }]
    const { outcomes, last } = await importing(
      admin,
      [
        ...twins,
        ...newcomers(1500),
        newcomer({ username: 'TWIN' }),
        newcomer({ number: 9000 }),
        { email: 'TWIN@example.org', name: 'Twin' },
      ],
      { path: '/v1/imports?dry_run=true' },
    )
    expect(outcomes.slice(-3)).toEqual(['username is taken', 'number is taken', 'skipped'])
    expect(last.created).toBe(1501)
  })

  it('lists the kinds of hashes, and the cost of a sign-in until they are renewed', async () => {
    const file = Object.values(legacy).map(([, password_hash]) => newcomer({ password_hash }))
    const { last, outcomes } = await importing(admin, file, { path: '/v1/imports?dry_run=true' })
    expect(outcomes.at(-1)).toMatch(/^password_hash is no hash/)
    expect(last.password_hashes.map(({ kind, users }) => `${users} ${kind}`).sort()).toEqual([
      '1 bcrypt 6',
      '1 pbkdf2_sha256 100001',
      '1 pbkdf2_sha256 36000',
      '2 bcrypt 10',
    ])
    for (const { milliseconds } of last.password_hashes) expect(milliseconds).toBeGreaterThan(0)
  })

  it('is selected by true, and by no other value', async () => {
    const answer = await call('/v1/imports?dry_run=1', { token: admin, body: '{}', headers: ndjson })
    expectInvalid(answer, ['dry_run', 'must be one of true, false'])
  })
})

describe('the body of an import', () => {
  const send = (body: BodyInit, headers: Record<string, string>, token: string | undefined = admin) =>
    call('/v1/imports', { method: 'POST', token, body, headers })
  const tooLarge = 'A body has at most 26,214,400 bytes.'

  it('has at most 25 MB: a larger Content-Length is refused first, and a longer stream when it exceeds the limit', async () => {
    const declared = { ...ndjson, 'content-length': '26214401' }
    expectProblem(await send('{}', declared, ''), 413, tooLarge)
    expectProblem(await send('x'.repeat(26_214_401), ndjson), 413, tooLarge)
    const lines = `${JSON.stringify(newcomer({ note: 'x'.repeat(60_000) }))}\n`
    const { results, last } = await importing(admin, lines.repeat(Math.ceil(26_214_401 / lines.length)))
    expect([results[0]?.status, results[1]?.status]).toEqual(['created', 'skipped'])
    expect(last).toMatchObject({ status: 'stopped', problem: { status: 413, detail: tooLarge } })
    expect(last.line).toBe((results.at(-1)?.line ?? 0) + 1)
  })

  it('has at most 100,000 rows: the response says where to continue', async () => {
    const { last, results } = await importing(admin, '{}\n'.repeat(100_002))
    expect(results.length).toBe(100_000)
    expect(last).toMatchObject({
      status: 'stopped',
      line: 100_001,
      problem: { status: 413, detail: 'A body has at most 100,000 lines.' },
    })
  })

  it('must be NDJSON by its content type, which is checked after the permission', async () => {
    for (const type of ['application/x-ndjson; charset=utf-8', 'application/ndjson', 'Application/JSONL']) {
      expect((await send(asLines([newcomer()]), { 'content-type': type })).status).toBe(200)
    }
    const message = 'The body must be application/x-ndjson.'
    for (const type of ['application/json', 'text/plain']) {
      expectProblem(await send('{}', { 'content-type': type }), 415, message)
    }
    expectProblem(await send(new Uint8Array([123, 125]), {}), 415, message)
    const plain = (await signedInPerson(admin)).access_token
    expectProblem(await send('{}', { 'content-type': 'text/plain' }, plain), 403, lacking('users:import'))
  })

  it('is processed while it arrives, and a client that reads only after sending gets the whole response', async () => {
    const { readable, writable } = new TransformStream<Uint8Array>()
    const writer = writable.getWriter()
    const encoder = new TextEncoder()
    const pending = fetchWorker('/v1/imports', { method: 'POST', token: admin, body: readable, headers: ndjson })
    await writer.write(encoder.encode(`${asLines(newcomers(150))}\n`))
    const response = await pending
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const { value } = await reader.read()
    expect(new TextDecoder().decode(value).split('\n').length).toBe(101)
    for (let part = 0; part < 5; part += 1) await writer.write(encoder.encode(`${asLines(newcomers(1000))}\n`))
    await writer.close()
    let text = ''
    for (let read = await reader.read(); !read.done; read = await reader.read())
      text += new TextDecoder().decode(read.value)
    expect(text.trim().split('\n').length).toBe(50 + 5000 + 1)
    expect(text).toMatch(/"status":"done"[^\n]*\n$/)
  })
})

describe('an import during other changes', () => {
  it('creates each user once when the same file is imported several times at once', async () => {
    const file = newcomers(700, (index) => ({ number: 1000 + index, matricule: 5000 + index }))
    const [account, other] = await Promise.all([importing(admin, file), importing(admin, file.toReversed())])
    expect([account.last.status, other.last.status]).toEqual(['done', 'done'])
    expect(account.last.created + other.last.created).toBe(700)
    expect(account.last.skipped + other.last.skipped).toBe(700)
    expect(await count()).toBe(701)
    await whole()
  })

  it('decides again when another request was faster, and creates the users that it still can', async () => {
    const file = newcomers(5)
    let batches = 0
    const DB = {
      prepare: (sql: string) => testEnv.DB.prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        batches += 1
        if (batches === 2)
          await call('/v1/users', { token: admin, json: { ...file[2], password: 'a fine passphrase' } })
        return testEnv.DB.batch(statements)
      },
    }
    const { outcomes } = await importing(admin, file, { env: { DB } })
    expect(outcomes).toEqual(['created', 'created', 'skipped', 'created', 'created'])
    expect(batches).toBe(4)
    await whole()
  })

  it('stops when its permission ends, and says where to continue', async () => {
    const importer = await someoneWith(admin, ['users:import'])
    let batches = 0
    const DB = {
      prepare: (sql: string) => testEnv.DB.prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        batches += 1
        if (batches === 4) await call(`/v1/users/${importer.id}/deactivate`, { method: 'POST', token: admin })
        return testEnv.DB.batch(statements)
      },
    }
    const { results, last } = await importing(importer.access_token, newcomers(1500), { env: { DB } })
    expect(results.length).toBe(100)
    expect(last).toMatchObject({ status: 'stopped', line: 101, problem: { status: 401 } })
    expect(await count()).toBe(102)
  })

  it('stops when the database fails, with nothing half written, says where to continue, and ends the same when repeated', async () => {
    const file = newcomers(500)
    const fault = { kind: 'error', message: documented.notAgain[0] as string } as const
    const { DB } = failingD1({ strikes: (number) => number >= 4, fault })
    const { results, last } = await importing(admin, file, { env: { DB } })
    expect(results.length).toBe(100)
    expect(last).toMatchObject({ status: 'stopped', line: 101, problem: { status: 503 } })
    expect(await count()).toBe(101)
    await whole()
    const again = await importing(admin, file)
    expect(again.last).toMatchObject({ status: 'done', created: 400, skipped: 100, refused: 0 })
    await whole()
  })

  it('finds the created users when it is repeated after a lost response', async () => {
    const file = newcomers(300)
    const fault = { kind: 'reply lost', message: documented.again[2] as string } as const
    const { DB } = failingD1({ strikes: (number) => number === 4, fault })
    const { last } = await importing(admin, file, { env: { DB } })
    expect(last).toMatchObject({ status: 'stopped', line: 101 })
    const again = await importing(admin, file)
    expect(again.last).toMatchObject({ created: 0, skipped: 300, refused: 0 })
    await whole()
  })

  it('takes two trips for a thousand rows, and writes at most 20 rows per user', async () => {
    const d1 = failingD1()
    const full = newcomers(1100, (index) => ({
      ...everything,
      email: `full${index}@example.org`,
      username: `full${index}`,
      matricule: 60_000 + index,
      number: 3000 + index,
      password_hash: legacy.laravel[1],
      role: 'admin',
    }))
    const { last } = await importing(admin, full, { env: { DB: d1.DB } })
    expect([last.created, d1.batches.length]).toEqual([1100, 4])
    const written = d1.batches.reduce((sum, batch) => sum + batch.written, 0)
    expect(written).toBe(last.rows_written)
    expect(written / 1100).toBeLessThan(20)
  })

  it('keeps the existing admin’s access', async () => {
    const { outcomes } = await importing(admin, [
      { ...firstAdmin, name: 'Somebody Else', password: undefined, role: 'user' },
    ])
    expect(outcomes).toEqual(['skipped'])
    expect((await call('/v1/me', { token: admin })).body.role).toBe('admin')
  })
})

namesEveryTest(statements)

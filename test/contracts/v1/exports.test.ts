/** v1: exports, and their import into another directory. */
import { beforeEach, describe, expect, it } from 'vitest'
import { inconsistencies } from '../../support/consistency'
import { exported, importing } from '../../support/imports'
import { populate } from '../../support/population'
import { namesEveryTest } from '../../support/statements'
import {
  adminToken,
  call,
  fetchWorker,
  freshDirectory,
  newDatabase,
  person,
  rows,
  signedInPerson,
  signIn,
} from '../../support/usher'
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
} from '../../support/v1'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

describe('GET /exports', () => {
  it('returns a line for each user, in order of number, with all stored data', async () => {
    await roleWith(admin, [], 'reception')
    const account = await signedInPerson(admin, { ...everything, password: 'a fine passphrase', role: 'reception' })
    await call(`/v1/users/${account.id}/deactivate`, { method: 'POST', token: admin })
    const { body: plain } = await call('/v1/users', { token: admin, json: person() })
    const { answer, users } = await exported(admin)
    expect(users.map(({ number }) => number)).toEqual([1, 2, 3])
    const { id, created_at, updated_at } = (await call(`/v1/users/${account.id}`, { token: admin })).body
    const kept = {
      ...everything,
      id,
      number: 2,
      roles: ['reception'],
      status: 'inactive',
      created_at,
      updated_at,
      version: 2,
    }
    expect(users[1]).toEqual(kept)
    expect(users[2]).toMatchObject({ id: plain.id, roles: ['user'], status: 'active', version: 1, ...nothingMore })
    expect(answer.text.endsWith('}\n')).toBe(true)
  })

  it('is NDJSON with a file name, and must not be cached', async () => {
    const { headers } = (await exported(admin)).answer
    expect(headers.get('content-type')).toBe('application/x-ndjson')
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename="usher-\d{4}-\d\d-\d\d\.ndjson"$/)
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('requires users:export; contains hashes only on request, which also requires users:export_hashes', async () => {
    await signedInPerson(admin)
    const { key } = await keyWith(admin, ['users:export'])
    const { answer, users } = await exported(key)
    expect(answer.text).not.toMatch(/hash|pbkdf2|\$2|salt/)
    expect(users.length).toBe(2)
    const withHashes = '?include=password_hashes'
    expectProblem(
      await call(`/v1/exports${withHashes}`, { token: key }),
      403,
      lacking('users:export', 'users:export_hashes'),
    )
    const { key: hashesOnly } = await keyWith(admin, ['users:export_hashes', 'users:read', 'users:import'])
    expectProblem(await call('/v1/exports', { token: hashesOnly }), 403, lacking('users:export'))
    const { key: both } = await keyWith(admin, ['users:export', 'users:export_hashes'])
    for (const user of (await exported(both, withHashes)).users) {
      expect(user).toMatchObject({ password_hash: expect.stringMatching(/^\$pbkdf2-sha256\$/), pin_hash: null })
    }
    for (const include of ['everything', 'password_hashes,pins']) {
      const answered = await call(`/v1/exports?include=${include}`, { token: admin })
      expectInvalid(answered, ['include', 'must be one of password_hashes'])
    }
  })

  it('resumes after a number', async () => {
    await populate(20)
    const { answer } = await exported(admin)
    const lines = answer.text.split('\n')
    expect((await exported(admin, '?after=7')).answer.text).toBe(lines.slice(7).join('\n'))
    expect((await exported(admin, '?after=21')).users).toEqual([])
    for (const after of ['x', '-1', '1.5']) {
      expect((await call(`/v1/exports?after=${after}`, { token: admin })).status).toBe(400)
    }
  })

  it('is written page by page, and breaks off when the permission for it ends', async () => {
    await populate(10_100)
    const exporter = await someoneWith(admin, ['users:export'])
    const { users, answer } = await exported(exporter.access_token)
    expect([users.length, answer.cost.trips]).toEqual([10_102, 1])
    const response = await fetchWorker('/v1/exports', { token: exporter.access_token })
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    await reader.read()
    await call(`/v1/users/${exporter.id}/deactivate`, { method: 'POST', token: admin })
    const rest = async () => {
      while (!(await reader.read()).done);
    }
    await expect(rest()).rejects.toThrow()
  })
})

describe('an export, imported into an empty directory,', () => {
  it('gives the same directory: every line, every role, every sign-in', async () => {
    await roleWith(admin, ['users:read'], 'reception')
    const others = { ...everything, email: 'b@example.org', username: null, matricule: null, role: 'reception' }
    const mover = await signedInPerson(admin, {
      role: 'admin',
      email: 'mover@example.org',
      password: 'a moving passphrase',
    })
    const [account, two] = [
      await signedInPerson(admin, { ...everything, password: 'a fine passphrase' }),
      await signedInPerson(admin, { ...others, password: 'another passphrase' }),
    ]
    await call(`/v1/users/${two.id}/roles`, {
      method: 'PUT',
      token: admin,
      json: { roles: ['reception', 'user', 'admin'] },
    })
    const json = { name: `${'x'.repeat(150)} ${'y'.repeat(49)}` }
    await call(`/v1/users/${account.id}`, { method: 'PATCH', token: admin, json })
    await call(`/v1/users/${account.id}`, { method: 'PATCH', token: admin, json: { last_name: 'z'.repeat(100) } })
    await call(`/v1/users/${two.id}`, { method: 'PATCH', token: admin, json: { first_name: '', last_name: '' } })
    await call(`/v1/users/${two.id}/deactivate`, { method: 'POST', token: admin })
    const pin = {
      username: 'idris',
      first_name: 'Idris',
      last_name: 'Vance',
      email: 'i@example.org',
      user_type: 'CL',
      gender: 'M',
      numeric_password: '4821',
    }
    await call('/clinic/users/user/new/', { token: admin, json: { ...pin, password: 'a fine passphrase' } })
    const { body: gone } = await call('/v1/users', { token: admin, json: person() })
    await call('/v1/users', { token: admin, json: person() })
    await call(`/v1/users/${gone.id}`, { method: 'DELETE', token: admin })
    const { answer: source, users } = await exported(admin, '?include=password_hashes')
    const { body: roles } = await call('/v1/roles', { token: admin })
    expect(users.filter(({ pin_hash }) => pin_hash).length).toBe(1)

    await newDatabase()
    // A number is never assigned twice. The first admin of the new directory must not take the number of an imported
    // user.
    const highest = Number(users.at(-1)?.['number'])
    await rows("INSERT INTO sqlite_sequence (name, seq) VALUES ('users', ?)", highest)
    const first = await adminToken()
    const { body: present } = await call('/v1/roles', { token: first })
    for (const role of roles.data) {
      if (present.data.some(({ id }: { id: string }) => id === role.id)) continue
      expect((await call('/v1/roles', { token: first, json: role })).status).toBe(201)
    }
    // The first admins of both directories have the same email. An imported admin must delete this one first.
    const moved = await importing(first, source.text)
    expect(moved.outcomes[0]).toMatch(/^email is taken by usr_/)
    expect(moved.last).toMatchObject({ created: users.length - 1, refused: 1 })
    const { access_token } = await signIn('mover@example.org', 'a moving passphrase')
    const { body: bootstrap } = await call('/v1/me', { token: first })
    expect((await call(`/v1/users/${bootstrap.id}`, { method: 'DELETE', token: access_token })).status).toBe(204)
    expect((await importing(access_token, source.text)).last).toMatchObject({ created: 1, skipped: users.length - 1 })

    const again = await exported(access_token, '?include=password_hashes')
    expect(again.answer.text).toBe(source.text)
    expect((await call('/v1/roles', { token: access_token })).body).toEqual(roles)
    expect(await inconsistencies((sql) => rows(sql))).toEqual([])
    await adminToken()
    expect((await signIn(account.email, 'a fine passphrase')).user.id).toBe(account.id)
    expect(
      (await call('/v1/auth/login', { json: { identifier: 'b@example.org', password: 'another passphrase' } })).status,
    ).toBe(401)
    expect((await signIn('mover@example.org', 'a moving passphrase')).user.id).toBe(mover.id)
    const { body: next } = await call('/v1/users', { token: access_token, json: person() })
    const [row] = await rows('SELECT number FROM users ORDER BY number DESC LIMIT 1')
    expect([next.status, Number(row?.['number'])]).toEqual(['active', highest + 2])
  })
})

namesEveryTest(statements)

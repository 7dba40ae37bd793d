/**
 * The batch that uses an authority also checks it. In these tests the authority ends, or becomes too small, while a
 * request is being handled.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import { adminToken, call, freshDirectory, person, rows, signedInPerson, testEnv, type Call } from './support/usher'

freshDirectory()

let admin: string
/** Has every permission for users, roles and keys, and none for the audit trail. */
let manager: Awaited<ReturnType<typeof signedInPerson>>
let clerk: Awaited<ReturnType<typeof signedInPerson>>

const may = [
  ...['read', 'create', 'update', 'deactivate', 'delete'].map((what) => `users:${what}`),
  ...['roles:read', 'roles:assign', 'roles:manage', 'api_keys:manage'],
]

beforeEach(async () => {
  admin = await adminToken()
  manager = await holderOf('manager', may)
  clerk = await holderOf('clerk', ['users:read'])
})

async function holderOf(name: string, permissions: string[]) {
  const role = await call('/v1/roles', { token: admin, json: { name, permissions } })
  expect(role.status).toBe(201)
  return signedInPerson(admin, { role: name })
}

const giveRole = async (name: string, permissions: string[]) => {
  const { body } = await call('/v1/roles', { token: admin })
  const { id } = body.data.find((role: { name: string }) => role.name === name)
  expect((await call(`/v1/roles/${id}`, { method: 'PATCH', token: admin, json: { permissions } })).status).toBe(200)
}

/** Sends the manager's request and runs `between` before the batch that commits, which is the second. */
async function overtaken(path: string, options: Call, between: () => Promise<unknown>, committing = 2) {
  let batches = 0
  const DB = {
    prepare: (sql: string) => testEnv.DB.prepare(sql),
    batch: async (statements: D1PreparedStatement[]) => {
      batches += 1
      if (batches === committing) await between()
      return testEnv.DB.batch(statements)
    },
  }
  const answer = await call(path, { token: manager.access_token, ...options, env: { DB } })
  expect(batches).toBeGreaterThan(1)
  return answer
}

const everything = async () =>
  JSON.stringify([
    await rows('SELECT * FROM users ORDER BY number'),
    await rows('SELECT * FROM user_roles ORDER BY user_number, position'),
    await rows('SELECT name FROM roles ORDER BY number'),
    await rows('SELECT * FROM password_tokens'),
    await rows('SELECT id FROM api_keys'),
  ])

describe('a user who gains more permissions than the actor while an update of them is decided', () => {
  it.each<[string, (id: string) => [string, Call]]>([
    ['edited', (id) => [`/v1/users/${id}`, { method: 'PATCH', json: { phone: '1' } }]],
    ['given a password', (id) => [`/v1/users/${id}`, { method: 'PATCH', json: { password: 'a way in for others' } }]],
    ['given another role', (id) => [`/v1/users/${id}/roles`, { method: 'PUT', json: { roles: ['user'] } }]],
    ['deactivated', (id) => [`/v1/users/${id}/deactivate`, { method: 'POST' }]],
    ['given a set-password token', (id) => [`/v1/users/${id}/password-token`, { method: 'POST' }]],
  ])('is not %s', async (_, request) => {
    const before = await everything()
    const { status } = await overtaken(...request(clerk.id), () => giveRole('clerk', ['users:read', 'audit:read']))
    expect(status).toBe(403)
    expect(await everything()).toBe(before)
  })

  it('is not deleted, which takes one batch', async () => {
    const before = await everything()
    const grow = () => giveRole('clerk', ['users:read', 'audit:read'])
    const { status } = await overtaken(`/v1/users/${clerk.id}`, { method: 'DELETE' }, grow, 1)
    expect(status).toBe(403)
    expect(await everything()).toBe(before)
  })
})

describe('a role that gains more permissions than the actor while it is being assigned', () => {
  it.each<[string, (id: string) => [string, Call]]>([
    ['a new user', () => ['/v1/users', { json: person({ role: 'clerk' }) }]],
    ['another', (id) => [`/v1/users/${id}/roles`, { method: 'PUT', json: { roles: ['clerk'] } }]],
    ['another as their only one', (id) => [`/v1/users/${id}`, { method: 'PATCH', json: { role: 'clerk' } }]],
  ])('is not assigned to %s', async (_, request) => {
    const plain = await signedInPerson(admin)
    const before = await everything()
    const { status } = await overtaken(...request(plain.id), () => giveRole('clerk', ['users:read', 'audit:read']))
    expect(status).toBe(403)
    expect(await everything()).toBe(before)
  })
})

describe('a permission that is lost while it is being used', () => {
  const less = may.filter((permission) => permission !== 'users:delete')

  it.each<[string, string, object]>([
    ['an API key', '/v1/api-keys', { name: 'late', permissions: ['users:delete'] }],
    ['a role', '/v1/roles', { name: 'late', permissions: ['users:delete'] }],
  ])('does not appear in %s', async (_, path, json) => {
    const before = await everything()
    const { status } = await overtaken(path, { json }, () => giveRole('manager', less))
    expect(status).toBe(403)
    expect(await everything()).toBe(before)
  })
})

describe('a user that another program deactivated in the database', () => {
  it('cannot act with a session or an API key, or use a refresh token', async () => {
    const json = { name: 'a key', permissions: ['users:read'] }
    const { key } = (await call('/v1/api-keys', { token: manager.access_token, json })).body
    const paths = ['/v1/me', '/v1/users', `/personnel/users/${manager.uuid}`]
    const statuses = async () => [
      ...(await Promise.all(paths.map((path) => call(path, { token: manager.access_token })))).map(
        ({ status }) => status,
      ),
      ...(await Promise.all(paths.map((path) => call(path, { token: key })))).map(({ status }) => status),
    ]
    expect(await statuses()).toEqual(Array(6).fill(200))
    await rows('UPDATE users SET active = 0 WHERE id = ?', manager.uuid)
    expect(await statuses()).toEqual(Array(6).fill(401))
    const change = { method: 'PATCH', token: manager.access_token, json: { phone: '1' } }
    expect((await call('/v1/me', change)).status).toBe(401)
    const { refresh_token } = manager
    expect((await call('/v1/auth/refresh', { json: { refresh_token } })).status).toBe(401)
  })
})

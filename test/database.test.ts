/** The database: the code knows its tables, redundant data agrees, and the audit trail is complete. */
import { getTableColumns, getTableName } from 'drizzle-orm'
import { getTableConfig, type SQLiteTable } from 'drizzle-orm/sqlite-core'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { AuditAction } from '../src/core/audit/audit'
import { fold, foldForSearch } from '../src/core/users/text'
import * as tables from '../src/database/tables'
import { quietWebhook } from './contracts/v1/operations'
import {
  adminToken,
  call,
  firstAdmin,
  freshDirectory,
  person,
  roleIds,
  rows,
  signedInPerson,
  uuidOf,
} from './support/usher'

freshDirectory()

const known = Object.values(tables) as SQLiteTable[]

interface Listed {
  name: string
  type: 'table' | 'virtual' | 'shadow' | 'view'
  strict: 0 | 1
}

/** The tables in the database, without those of SQLite, D1 and the migrations. */
async function listed(): Promise<Listed[]> {
  const all = await rows<Listed>('PRAGMA table_list')
  return all.filter(({ name }) => !/^(sqlite_|_cf_|d1_)/.test(name))
}

interface ColumnInfo {
  name: string
  type: string
  notnull: 0 | 1
  pk: number
}

const columnsOf = (table: string) => rows<ColumnInfo>(`PRAGMA table_info(${table})`)

describe('the tables', () => {
  it('are all known to the code, and the code knows no others', async () => {
    const there = (await listed()).filter(({ type }) => type !== 'shadow' && type !== 'view').map(({ name }) => name)
    expect(known.map(getTableName).sort()).toEqual(there.sort())
  })

  it('have the columns that the code knows: names, types, nullability, keys', async () => {
    const virtual = (await listed()).filter(({ type }) => type === 'virtual').map(({ name }) => name)
    for (const table of known.filter((user) => !virtual.includes(getTableName(user)))) {
      const { name: tableName, columns, primaryKeys } = getTableConfig(table)
      const composite = primaryKeys.flatMap((key) => key.columns.map(({ name }) => name))
      const expected = columns.map(({ name, getSQLType, notNull, primary }, index) => {
        const key = composite.indexOf(name) + 1 || Number(primary)
        return { name, type: getSQLType.call(columns[index]).toUpperCase(), required: notNull || key > 0, key }
      })
      const real = (await columnsOf(tableName)).map(({ name, type, notnull, pk }) => {
        return { name, type, required: notnull === 1 || pk > 0, key: pk }
      })
      expect({ table: tableName, columns: expected }).toEqual({ table: tableName, columns: real })
      expect(Object.keys(getTableColumns(table))).toEqual(real.map(({ name }) => name))
    }
  })

  it('that are virtual have every column that the code names', async () => {
    for (const { name } of (await listed()).filter(({ type }) => type === 'virtual')) {
      const table = known.find((user) => getTableName(user) === name) as SQLiteTable
      const real = (await columnsOf(name)).map((column) => column.name)
      const named = Object.keys(getTableColumns(table)).filter((column) => column !== 'rowid')
      expect(real).toEqual(expect.arrayContaining(named))
    }
  })

  it('reject values of another type', async () => {
    const loose = (await listed()).filter(({ type, strict }) => type === 'table' && strict === 0)
    expect(loose).toEqual([])
  })

  it('have a constraint of the same name for every reason to refuse a batch', async () => {
    const reasons = tables.refusal.reason.enumValues
    for (const reason of reasons) {
      await expect(rows('INSERT INTO refusal (reason) VALUES (?)', reason)).rejects.toThrow(
        new RegExp(`CHECK constraint failed: ${reason}\\b`),
      )
    }
    const [{ sql }] = (await rows("SELECT sql FROM sqlite_master WHERE name = 'refusal'")) as [{ sql: string }]
    expect([...sql.matchAll(/CONSTRAINT (\w+)/g)].map(([, name]) => name).sort()).toEqual([...reasons].sort())
    expect(await rows('SELECT * FROM refusal')).toEqual([])
  })
})

let admin: string
const signedIn = () =>
  beforeEach(async () => {
    admin = await adminToken()
  })

const create = (fields: Record<string, unknown> = {}) => call('/v1/users', { token: admin, json: person(fields) })
const remove = (id: string) => call(`/v1/users/${id}`, { token: admin, method: 'DELETE' })
const deactivate = (id: string) => call(`/personnel/users/delete/${uuidOf(id)}`, { token: admin, method: 'DELETE' })
const update = (id: string, json: object) =>
  call('/personnel/users/update', { token: admin, method: 'PUT', json: { user_id: uuidOf(id), ...json } })
const numberOf = async (id: string) =>
  (await rows<{ number: number }>('SELECT number FROM users WHERE id = ?', uuidOf(id)))[0]?.number as number

describe('a user number', () => {
  signedIn()

  it('is never assigned again, not even that of the last user', async () => {
    const { body: user } = await create()
    const { body: last } = await create()
    const numbers = [await numberOf(user.id), await numberOf(last.id)] as const
    expect(numbers[1]).toBe(numbers[0] + 1)
    await remove(last.id)
    await remove(user.id)
    const { body: next } = await create()
    expect(await numberOf(next.id)).toBe(numbers[1] + 1)
  })

  it('is not used up by a refused creation', async () => {
    const { body: user } = await create({ email: 'taken@example.org' })
    expect((await create({ email: 'taken@example.org' })).status).toBe(409)
    const { body: next } = await create()
    expect(await numberOf(next.id)).toBe((await numberOf(user.id)) + 1)
  })
})

describe('redundant data agrees', () => {
  signedIn()

  /** Users of both roles, some inactive, some deleted, and some whose creation failed. */
  async function aMixedDirectory() {
    const ids: string[] = []
    for (let index = 0; index < 12; index += 1) {
      const { body } = await create({
        role: index % 3 === 0 ? 'admin' : 'user',
        ...(index % 2 === 0 && { username: `User.${index}` }),
        ...(index % 4 === 0 && { matricule: 100 + index }),
        // The same identifier twice, for one user.
        ...(index === 5 && { username: 'Five@example.org', email: 'five@Example.org' }),
        ...(index === 8 && { username: '１０８' }),
      })
      ids.push(body.id)
    }
    const at = (index: number) => ids[index] as string
    for (const index of [1, 3, 4, 4]) expect((await deactivate(at(index))).status).toBe(204)
    for (const index of [2, 3, 6]) expect((await remove(at(index))).status).toBe(204)
    expect((await remove(at(2))).status).toBe(404)
    expect((await create({ email: 'FIVE@example.org' })).status).toBe(409)
    expect((await update(at(7), { email: 'Seven@example.org', matricule: 707, nom: 'Seven' })).status).toBe(200)
    expect((await update(at(8), { matricule: 808 })).status).toBe(200)
    expect((await update(at(9), { matricule: 707 })).status).toBe(409)
    const give = (index: number, ...roles: string[]) =>
      call(`/v1/users/${at(index)}/roles`, { token: admin, method: 'PUT', json: { roles } })
    expect((await give(7, 'admin', 'user')).status).toBe(200)
    expect((await give(9, 'user')).status).toBe(200)
    expect((await give(11, 'admin', 'nobody-made-this')).status).toBe(400)
    expect((await call(`/v1/users/${at(4)}/activate`, { token: admin, method: 'POST' })).status).toBe(200)
    return ids
  }

  const counted = `
    SELECT 'all' AS scope, count(*) AS count FROM users
    UNION ALL SELECT 'inactive', count(*) FROM users WHERE active = 0
    UNION ALL SELECT 'role:' || number, (SELECT count(*) FROM user_roles WHERE role_number = number) FROM roles
    ORDER BY scope`

  const spread = `
    SELECT 'all' AS scope, number FROM users UNION ALL SELECT 'inactive', number FROM users WHERE active = 0
    UNION ALL SELECT 'role:' || role_number, user_number FROM user_roles`

  async function expectCounted(): Promise<void> {
    expect(await rows('SELECT scope, count FROM user_counts ORDER BY scope')).toEqual(await rows(counted))
    // Spans and parts without users keep a count of zero.
    const spans = 'SELECT scope, position, count FROM user_spans WHERE count > 0 ORDER BY scope, position'
    expect(await rows(spans)).toEqual(
      await rows(`SELECT scope, number / 16384 AS position, count(*) AS count FROM (${spread}) GROUP BY 1, 2`),
    )
    const parts = `SELECT scope, position * 32 + key AS part, value AS count FROM user_spans, json_each(parts)
      WHERE value <> 0 ORDER BY 1, 2`
    expect(await rows(parts)).toEqual(
      await rows(`SELECT scope, number / 512 AS part, count(*) AS count FROM (${spread}) GROUP BY 1, 2`),
    )
  }

  it('in the totals and the rows that they count', async () => {
    await aMixedDirectory()
    await expectCounted()
    const totals = await rows('SELECT scope, count FROM user_counts ORDER BY scope')
    expect(totals).toEqual([
      { scope: 'all', count: 10 },
      { scope: 'inactive', count: 1 },
      { scope: 'role:1', count: 3 },
      { scope: 'role:2', count: 8 },
    ])
    const { body } = await call('/v1/users?limit=1', { token: admin })
    expect(body.pagination.total).toBe(10)
  })

  it('in the totals, after roles are deleted and holders change', async () => {
    await aMixedDirectory()
    for (const statement of [
      // Into another span.
      `INSERT INTO users SELECT number + 20000, printf('%036d', number), NULL, NULL, NULL, email || 'x', email_key || 'x', name,
         name_key, given_name, family_name, birthdate, gender, phone_number, mobile_number, certified_email, user_type, is_staff,
         country_id, active, primary_role, role_count, created_at, updated_at, version, password_hash, pin_hash,
         session_generation, key_generation, password_from, password_weak FROM users`,
      'INSERT INTO user_roles SELECT number, primary_role, 0 FROM users WHERE number > 20000',
      'UPDATE users SET active = 1 WHERE active = 0',
      'UPDATE users SET active = 0 WHERE primary_role = 2',
      `INSERT INTO roles (id, name, name_key, description, permissions, built_in)
         VALUES ('019a0000-0000-7000-8000-000000000003', 'auditor', 'auditor', '', 0, 0)`,
      'INSERT INTO user_roles (user_number, position, role_number) SELECT number, 2, 3 FROM users WHERE number % 2',
      'DELETE FROM user_roles WHERE position = 2 AND user_number < 6',
      'DELETE FROM users WHERE number IN (SELECT user_number FROM user_roles WHERE role_number = 3 LIMIT 2)',
    ]) {
      await rows(statement)
      await expectCounted()
    }
    await rows('DELETE FROM user_roles WHERE role_number = 3')
    await rows('DELETE FROM roles WHERE number = 3')
    for (const table of ['user_counts', 'user_spans']) {
      expect(await rows(`SELECT * FROM ${table} WHERE scope = 'role:3'`)).toEqual([])
    }
  })

  it('between each user’s roles and the columns that repeat them', async () => {
    await aMixedDirectory()
    const kept = await rows('SELECT number, primary_role, role_count FROM users ORDER BY number')
    expect(kept).toEqual(
      await rows(
        `SELECT user_number AS number, max(iif(position = 0, role_number, NULL)) AS primary_role, count(*) AS role_count
         FROM user_roles GROUP BY user_number ORDER BY user_number`,
      ),
    )
    expect(kept).toHaveLength(10)
  })

  it('and if it does not, a list still shows each user with their own roles', async () => {
    const admin = await adminToken()
    const user = await signedInPerson(admin)
    await rows('UPDATE users SET role_count = 2 WHERE id = ?', user.uuid)
    await rows('DELETE FROM user_roles WHERE user_number = (SELECT number FROM users WHERE id = ?)', user.uuid)
    await call('/v1/users', { token: admin, json: person({ role: 'admin' }) })
    const { body } = await call('/v1/users', { token: admin })
    expect(body.data.map(({ role }: { role: string }) => role)).toEqual(['admin', 'user', 'admin'])
  })

  it('in the login identifiers and the users that they name', async () => {
    await aMixedDirectory()
    const users = await rows<{ number: number; email: string; username: string | null; matricule: number | null }>(
      'SELECT number, email, username, matricule FROM users',
    )
    const expected = users.flatMap(({ number, email, username, matricule }) => {
      const keys = [email, username, matricule?.toString()].flatMap((user) => (user == null ? [] : [fold(user)]))
      return [...new Set(keys)].map((key) => `${key} ${number}`)
    })
    const kept = await rows<{ key: string; user_number: number }>('SELECT key, user_number FROM login_identifiers')
    expect(kept.map(({ key, user_number }) => `${key} ${user_number}`).sort()).toEqual(expected.sort())
    expect(expected).toContain(
      `five@example.org ${users.find(({ username }) => username === 'Five@example.org')?.number}`,
    )
    expect(expected.some((user) => user.startsWith('808 '))).toBe(true)
  })

  it('in the folded columns and their source columns', async () => {
    const ids = await aMixedDirectory()
    const renamed = { name: 'ÅSA Holm', email: 'ÅSA@Example.org', username: 'ÅSA' }
    const json = { ...renamed, matricule: null }
    expect((await call(`/v1/users/${ids[10]}`, { token: admin, method: 'PATCH', json })).body).toMatchObject({
      ...renamed,
      email: 'ÅSA@example.org',
    })
    const folded = (text: unknown) => (text === null ? null : fold(String(text)))
    const users = await rows('SELECT * FROM users')
    expect(users).toHaveLength(10)
    for (const { email, email_key, username, username_key, name, name_key } of users) {
      expect([email_key, username_key, name_key]).toEqual([folded(email), folded(username), folded(name)])
    }
  })

  it('in the search index, which has one current entry for every user and no other', async () => {
    await aMixedDirectory()
    const numbers = await rows('SELECT number FROM users ORDER BY number')
    expect(await rows('SELECT rowid AS number FROM user_search ORDER BY rowid')).toEqual(numbers)
    const users = await rows<{ number: number; email: string; family_name: string }>(
      'SELECT number, email, family_name FROM users',
    )
    for (const { number, email, family_name } of users) {
      for (const text of [email, family_name].filter((user) => user !== '')) {
        const match = `"${foldForSearch(text)}"`
        const found = await rows<{ rowid: number }>('SELECT rowid FROM user_search WHERE user_search MATCH ?', match)
        expect(found.map(({ rowid }) => rowid)).toContain(number)
      }
    }
    const of = async (word: string) => (await call(`/v1/users?search=${word}`, { token: admin })).body.pagination.total
    expect([await of('seven'), await of('SEVEN@example')]).toEqual([1, 1])
  })

  it('after a deletion, which leaves only audit events of the user', async () => {
    const input = person({ username: 'gone', matricule: 66 })
    const { body } = await call('/v1/users', { token: admin, json: input })
    const number = await numberOf(body.id)
    await call('/v1/auth/login', { json: { identifier: 'gone', password: input.password } })
    await call('/v1/auth/login', { json: { identifier: 'gone', password: 'not the password' } })
    const [session] = await rows<{ id: string }>('SELECT id FROM sessions WHERE user_number = ?', number)
    await remove(body.id)
    for (const [sql, value] of [
      ['SELECT * FROM users WHERE number = ?', number],
      ['SELECT * FROM user_roles WHERE user_number = ?', number],
      ['SELECT * FROM login_identifiers WHERE user_number = ?', number],
      ['SELECT * FROM sessions WHERE user_number = ?', number],
      ['SELECT * FROM refresh_tokens WHERE session_id = ?', session?.id],
      ['SELECT * FROM sign_in_failures WHERE account = ?', `user:${number}`],
    ] as const) {
      expect(await rows(sql, value)).toEqual([])
    }
    expect(await rows('SELECT * FROM audit_events WHERE user_id = ?', uuidOf(body.id))).not.toEqual([])
  })
})

describe('the audit trail', () => {
  signedIn()

  interface Event {
    action: string
    actor_id: string | null
    user_id: string | null
    contract: string
    fields: string
  }
  const events = () =>
    rows<Event & { sequence: number; id: string; at: number }>('SELECT * FROM audit_events ORDER BY sequence')

  /** The events that `work` recorded: action, actor, user, contract, and the fields in alphabetical order. */
  async function writtenBy(work: () => Promise<unknown>) {
    const before = await events()
    await work()
    const after = await events()
    expect(after.slice(0, before.length)).toEqual(before)
    return after.slice(before.length).map(({ action, actor_id, user_id, contract, fields }) => {
      return [action, actor_id, user_id, contract, (JSON.parse(fields) as string[]).sort()]
    })
  }

  const idOf = async (email: string) =>
    (await rows<{ id: string }>('SELECT id FROM users WHERE email = ?', email))[0]?.id as string

  let adminId: string
  beforeEach(async () => {
    adminId = await idOf(firstAdmin.email)
  })

  it('begins with the creation of the first admin, which has no actor', async () => {
    expect(
      (await events()).map(({ action, actor_id, user_id, contract }) => [action, actor_id, user_id, contract]),
    ).toEqual([
      ['user.created', null, adminId, 'v1'],
      ['session.created', adminId, adminId, 'v1'],
    ])
  })

  it('says who created which user through which contract, and which fields were set', async () => {
    const user = person({ username: 'one', matricule: 1, first_name: 'One' })
    const json = {
      matricule: 2,
      nom: 'Two',
      email: 'two@example.org',
      password: 'a fine passphrase',
      role_id: roleIds.user,
    }
    const written = await writtenBy(async () => {
      await call('/v1/users', { token: admin, json: user })
      await call('/personnel/users/create', { token: admin, json })
    })
    expect(written).toEqual([
      [
        'user.created',
        adminId,
        await idOf(user.email),
        'v1',
        ['email', 'givenName', 'matricule', 'name', 'password', 'username'],
      ],
      [
        'user.created',
        adminId,
        await idOf('two@example.org'),
        'personnel',
        ['email', 'matricule', 'name', 'password', 'role'],
      ],
    ])
  })

  it('says which fields of a user changed, derived ones included, and no unchanged field', async () => {
    const { body } = await create({ name: 'Lia Okoye', matricule: 3 })
    const id = uuidOf(body.id)
    expect(
      await writtenBy(() => update(body.id, { nom: 'Lia Diallo', email: 'lia@example.org', matricule: 3 })),
    ).toEqual([['user.updated', adminId, id, 'personnel', ['email', 'familyName', 'name']]])
    expect(await writtenBy(() => update(body.id, { password: 'another passphrase' }))).toEqual([
      ['user.password_set', adminId, id, 'personnel', ['password']],
    ])
    expect(await writtenBy(() => update(body.id, { nom: 'Lia Sow', password: 'yet another passphrase' }))).toEqual([
      ['user.updated', adminId, id, 'personnel', ['familyName', 'name']],
      ['user.password_set', adminId, id, 'personnel', ['password']],
    ])
  })

  type Person = Awaited<ReturnType<typeof signedInPerson>>
  interface Scenario {
    /** Prepares the user for the action. */
    after?: (user: Person) => Promise<unknown>
    does: (user: Person) => Promise<unknown>
    actor: 'admin' | 'one' | 'nobody'
    to: 'admin' | 'one' | 'nobody' | 'somebody new'
    fields?: string[]
    /** Actions that are recorded along with it. */
    also?: string[]
  }

  const asAdmin = (method: string, path: string, json?: object) => call(path, { token: admin, method, json })
  const role = { name: 'reception', permissions: ['users:read'] }
  const theRole = async () => {
    const { data } = (await asAdmin('GET', '/v1/roles')).body
    return `/v1/roles/${data.find(({ name }: { name: string }) => name === role.name).id}`
  }
  const key = { name: 'nightly report', permissions: ['users:read'] }
  const login = (user: Person, password: unknown) =>
    call('/v1/auth/login', { json: { identifier: user.input.email, password } })

  const theWebhook = async () => `/v1/webhooks/${(await asAdmin('GET', '/v1/webhooks')).body.data[0].id}`

  const scenarios: Record<AuditAction, Scenario> = {
    'user.created': {
      does: () => asAdmin('POST', '/v1/users', person()),
      actor: 'admin',
      to: 'somebody new',
      fields: ['email', 'name', 'password'],
    },
    'user.updated': {
      does: (user) => asAdmin('PATCH', `/v1/users/${user.id}`, { phone: '12', last_name: 'Faro', gender: null }),
      actor: 'admin',
      to: 'one',
      fields: ['familyName', 'name', 'phoneNumber'],
    },
    'user.deactivated': {
      does: (user) => asAdmin('POST', `/v1/users/${user.id}/deactivate`),
      actor: 'admin',
      to: 'one',
      fields: ['active'],
    },
    'user.activated': {
      after: (user) => asAdmin('POST', `/v1/users/${user.id}/deactivate`),
      does: (user) => asAdmin('POST', `/v1/users/${user.id}/activate`),
      actor: 'admin',
      to: 'one',
      fields: ['active'],
    },
    'user.deleted': { does: (user) => asAdmin('DELETE', `/v1/users/${user.id}`), actor: 'admin', to: 'one' },
    'user.roles_set': {
      does: (user) => asAdmin('PUT', `/v1/users/${user.id}/roles`, { roles: ['admin', 'user'] }),
      actor: 'admin',
      to: 'one',
      fields: ['roles'],
    },
    'user.password_set': {
      does: (user) => {
        const json = { current_password: user.input.password, new_password: 'another fine passphrase' }
        return call('/v1/me/password', { token: user.access_token, method: 'PUT', json })
      },
      actor: 'one',
      to: 'one',
      fields: ['password'],
      also: ['session.created'],
    },
    'user.password_adopted': {
      after: async (user) => {
        const { fetch } = globalThis
        vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) =>
          String(input).includes('127.0.0.1:9/')
            ? Promise.resolve(Response.json({ result: 'match' }))
            : fetch(input, init),
        )
        await rows("UPDATE users SET password_hash = NULL, password_from = 'quiet-hook' WHERE number = ?", user.number)
      },
      does: (user) => login(user, user.input.password),
      actor: 'one',
      to: 'one',
      fields: ['password'],
      also: ['session.created'],
    },
    'user.password_token_issued': {
      does: (user) => asAdmin('POST', `/v1/users/${user.id}/password-token`),
      actor: 'admin',
      to: 'one',
    },
    'user.password_token_revoked': {
      after: (user) => asAdmin('POST', `/v1/users/${user.id}/password-token`),
      does: (user) => asAdmin('DELETE', `/v1/users/${user.id}/password-token`),
      actor: 'admin',
      to: 'one',
    },
    'session.created': { does: (user) => login(user, user.input.password), actor: 'one', to: 'one' },
    'session.ended': {
      does: (user) => asAdmin('DELETE', `/v1/users/${user.id}/sessions`),
      actor: 'admin',
      to: 'one',
    },
    'key.created': {
      does: () => asAdmin('POST', '/v1/api-keys', key),
      actor: 'admin',
      to: 'admin',
      fields: ['expires_at', 'name', 'permissions'],
    },
    'key.revoked': {
      after: () => asAdmin('POST', '/v1/api-keys', key),
      does: async () => asAdmin('DELETE', `/v1/api-keys/${(await asAdmin('GET', '/v1/api-keys')).body.data[0].id}`),
      actor: 'admin',
      to: 'admin',
    },
    'role.created': {
      does: () => asAdmin('POST', '/v1/roles', role),
      actor: 'admin',
      to: 'nobody',
      fields: ['description', 'name', 'permissions'],
    },
    'role.updated': {
      after: () => asAdmin('POST', '/v1/roles', role),
      does: async () => asAdmin('PATCH', await theRole(), { permissions: [] }),
      actor: 'admin',
      to: 'nobody',
      fields: ['permissions'],
    },
    'role.deleted': {
      after: () => asAdmin('POST', '/v1/roles', role),
      does: async () => asAdmin('DELETE', await theRole()),
      actor: 'admin',
      to: 'nobody',
    },
    'webhook.created': {
      does: () => asAdmin('POST', '/v1/webhooks', quietWebhook),
      actor: 'admin',
      to: 'nobody',
      fields: ['active', 'description', 'events', 'url'],
    },
    'webhook.updated': {
      after: () => asAdmin('POST', '/v1/webhooks', quietWebhook),
      does: async () => asAdmin('PATCH', await theWebhook(), { description: 'The portal.', events: ['user.created'] }),
      actor: 'admin',
      to: 'nobody',
      fields: ['description', 'events'],
    },
    'webhook.deleted': {
      after: () => asAdmin('POST', '/v1/webhooks', quietWebhook),
      does: async () => asAdmin('DELETE', await theWebhook()),
      actor: 'admin',
      to: 'nobody',
    },
    'account.locked': {
      after: async (user) => {
        for (let tried = 0; tried < 4; tried += 1) await login(user, 'not the password')
      },
      does: (user) => login(user, 'not the password'),
      actor: 'nobody',
      to: 'one',
    },
    'account.unlocked': {
      after: async (user) => {
        for (let tried = 0; tried < 5; tried += 1) await login(user, 'not the password')
      },
      does: (user) => asAdmin('POST', `/v1/users/${user.id}/activate`),
      actor: 'admin',
      to: 'one',
    },
    'session.reuse_detected': {
      after: (user) => call('/v1/auth/refresh', { json: { refresh_token: user.refresh_token } }),
      does: async (user) => {
        vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 })
        await call('/v1/auth/refresh', { json: { refresh_token: user.refresh_token } })
        vi.useRealTimers()
      },
      actor: 'nobody',
      to: 'one',
      also: ['session.ended'],
    },
    'users.exported': {
      does: () => asAdmin('GET', '/v1/exports'),
      actor: 'admin',
      to: 'nobody',
      fields: [
        'active',
        'birthdate',
        'certifiedEmail',
        'countryId',
        'createdAt',
        'email',
        'familyName',
        'gender',
        'givenName',
        'id',
        'isStaff',
        'matricule',
        'mobileNumber',
        'name',
        'number',
        'phoneNumber',
        'roles',
        'updatedAt',
        'userType',
        'username',
        'version',
      ],
    },
  }

  it.each(Object.entries(scenarios))('records %s once, with actor, user and fields', async (action, scenario) => {
    const user = await signedInPerson(admin)
    await scenario.after?.(user)
    const written = await writtenBy(() => scenario.does(user))
    const newest = (await rows<{ id: string }>('SELECT id FROM users ORDER BY number DESC LIMIT 1'))[0]?.id
    const who = { admin: adminId, one: user.uuid, nobody: null, 'somebody new': newest }
    expect(written).toEqual([
      [action, who[scenario.actor], who[scenario.to], 'v1', scenario.fields ?? []],
      ...(scenario.also ?? []).map((further) => [further, who[scenario.actor], who[scenario.to], 'v1', []]),
    ])
  })

  it('records when a session began and ended', async () => {
    const user = person()
    const { body } = await call('/v1/users', { token: admin, json: user })
    const id = uuidOf(body.id)
    let token = ''
    const signIn = async () => {
      const form = { username: user.email, password: user.password }
      token = (await call('/personnel/token', { form })).body.access_token
    }
    expect(await writtenBy(signIn)).toEqual([['session.created', id, id, 'personnel', []]])
    expect(await writtenBy(() => call('/v1/auth/logout', { method: 'POST', token }))).toEqual([
      ['session.ended', id, id, 'v1', []],
    ])
    expect(await writtenBy(() => call('/v1/auth/logout', { method: 'POST', token }))).toEqual([])
  })

  it('records once that an account was locked, for known and unknown identifiers', async () => {
    const user = person()
    const { body } = await call('/v1/users', { token: admin, json: user })
    const fail = (identifier: string) => call('/v1/auth/login', { json: { identifier, password: 'not the password' } })
    for (const [identifier, id] of [
      [user.email, uuidOf(body.id)],
      ['nobody@example.org', null],
    ] as const) {
      const failing = (times: number) => async () => {
        for (let tried = 0; tried < times; tried += 1) await fail(identifier)
      }
      expect(await writtenBy(failing(4))).toEqual([])
      expect(await writtenBy(failing(1))).toEqual([['account.locked', null, id, 'v1', []]])
      expect(await writtenBy(failing(3))).toEqual([])
    }
  })

  it('gives every event a unique id and its time', async () => {
    const from = Math.floor(Date.now() / 1000)
    for (let index = 0; index < 5; index += 1) await create()
    const all = (await events()).filter(({ action }) => action === 'user.created')
    expect(new Set(all.map(({ id }) => id)).size).toBe(6)
    for (const { id } of all) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/)
    }
    // The first admin is older than the test.
    for (const { at } of all.slice(1)) {
      expect(at).toBeGreaterThanOrEqual(from)
      expect(at).toBeLessThanOrEqual(Math.floor(Date.now() / 1000))
    }
  })

  it('contains no value that a client sent', async () => {
    const values = {
      email: 'secretive@example.org',
      name: 'Sekret Person',
      username: 'sekretive',
      matricule: 987_654_321,
      phone: '+33 1 70 18 55 55',
      birth_date: '1971-02-03',
      password: 'a sekret passphrase',
    }
    const { body } = await create(values)
    await update(body.id, { nom: 'Sekret Another', password: 'a sekret passphrase too', email: 'sekret@example.org' })
    await call('/v1/auth/login', { json: { identifier: 'sekret@example.org', password: 'a sekret guess' } })
    await call('/v1/auth/login', { json: { identifier: 'sekret@example.org', password: 'a sekret passphrase too' } })
    await deactivate(body.id)
    await remove(body.id)
    const all = await events()
    expect(all.map(({ action }) => action)).toContain('user.deleted')
    const text = JSON.stringify(all)
    for (const part of [/se[ck]ret/i, /example/, /987654321/, /70 18/, /1971/, /pbkdf2/]) expect(text).not.toMatch(part)
  })

  it('records nothing for refused requests, updates without a change, and reads', async () => {
    const user = person({ matricule: 4 })
    const { body } = await call('/v1/users', { token: admin, json: user })
    const plain = (await call('/v1/auth/login', { json: { identifier: user.email, password: user.password } })).body
      .access_token
    const me = (await call('/v1/me', { token: admin })).body.id
    const statuses: number[] = []
    const written = await writtenBy(async () => {
      for (const { status } of [
        await create({ email: user.email }),
        await create({ matricule: 4 }),
        await create({ email: 'no address' }),
        await create({ role: 'nobody-made-this' }),
        await call('/v1/users', { json: person() }),
        await call('/v1/users', { token: plain, json: person() }),
        await call(`/v1/users/${me}`, { token: plain, method: 'DELETE' }),
        await remove(me),
        await deactivate(me),
        await remove('usr_019b1c6e7a407d529a513f1d0c2b4e66'),
        await update(body.id, { email: firstAdmin.email }),
        await update(body.id, { nom: '' }),
        await update('usr_019b1c6e7a407d529a513f1d0c2b4e66', { nom: 'Nobody' }),
        await call('/v1/auth/login', { json: { identifier: user.email, password: 'not the password' } }),
        await update(body.id, { nom: body.name, email: body.email, matricule: 4 }),
        await call(`/v1/users/${body.id}`, { token: admin }),
        await call('/personnel/users/list', { token: admin }),
      ]) {
        statuses.push(status)
      }
    })
    expect(statuses).toEqual([
      ...[409, 409, 400, 400, 401, 403, 403, 409, 409, 404, 409, 422, 404, 401],
      ...[200, 200, 200],
    ])
    expect(written).toEqual([])
    await deactivate(body.id)
    expect(await writtenBy(() => deactivate(body.id))).toEqual([])
  })
})

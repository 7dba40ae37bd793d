/** v1: the cost of each operation at 10,000 users, counted by the database itself. */
import { beforeAll, describe, expect, it } from 'vitest'
import { operationsOf } from '../../support/conformance'
import { populate } from '../../support/population'
import {
  adminToken,
  call,
  firstAdmin,
  migrate,
  openApi,
  person,
  signedInPerson,
  signIn,
  type Answer,
} from '../../support/usher'
import { quietWebhook } from './operations'
import { namesEveryTest } from '../../support/statements'
import { everything, keyWith, statements, roleWith } from '../../support/v1'

let admin: string

beforeAll(async () => {
  await migrate()
  admin = await adminToken()
  await populate(10_000)
}, 120_000)

interface Most {
  trips: number
  read: number
  written: number
}

const asAdmin = (method: string, path: string, json?: unknown, headers: Record<string, string> = {}) =>
  call(path, { method, token: admin, json, headers })

async function newUser(more: Record<string, unknown> = {}): Promise<string> {
  return (await asAdmin('POST', '/v1/users', person(more))).body.id
}

async function sessionOf(id: string): Promise<string> {
  return (await asAdmin('GET', `/v1/users/${id}/sessions`)).body.data[0].id
}

async function passwordToken(): Promise<string> {
  return (await asAdmin('POST', `/v1/users/${await newUser()}/password-token`)).body.token
}

/** The limits of a write in the cost table. */
const change: Most = { trips: 2, read: 40, written: 15 }
const reading = (read: number): Most => ({ trips: 1, read, written: 0 })

/** A typical request of each operation, and its limits. */
const operations: Record<string, [most: Most, does: () => Promise<Answer>]> = {
  v1GetUser: [reading(8), async () => asAdmin('GET', `/v1/users/${await newUser()}`)],
  v1GetMe: [reading(8), () => asAdmin('GET', '/v1/me')],
  v1ListUsers: [reading(20 + 20), () => asAdmin('GET', '/v1/users')],
  v1CreateUser: [
    { trips: 2, read: 40, written: 25 },
    () =>
      asAdmin('POST', '/v1/users', person({ username: 'costly', matricule: 900_100, phone: '1', gender: 'female' })),
  ],
  v1PutUser: [
    change,
    async () => asAdmin('PUT', `/v1/users/${await newUser()}`, { phone: '1', birth_date: '1990-01-01' }),
  ],
  v1PatchUser: [change, async () => asAdmin('PATCH', `/v1/users/${await newUser()}`, { name: 'Another Name' })],
  v1DeleteUser: [
    { ...change, trips: 1 },
    async () => asAdmin('DELETE', `/v1/users/${await newUser({ username: 'gone', matricule: 7 })}`),
  ],
  v1ActivateUser: [change, async () => asAdmin('POST', `/v1/users/${await newUser()}/activate`)],
  v1DeactivateUser: [change, async () => asAdmin('POST', `/v1/users/${await newUser()}/deactivate`)],
  v1SetUserRoles: [change, async () => asAdmin('PUT', `/v1/users/${await newUser()}/roles`, { roles: ['admin'] })],
  v1PatchMe: [change, async () => call('/v1/me', { ...(await asOneself()), method: 'PATCH', json: { phone: '1' } })],
  v1ChangePassword: [
    change,
    async () => {
      const { token, input } = await asOneself()
      const json = { current_password: input.password, new_password: 'another fine passphrase' }
      return call('/v1/me/password', { method: 'PUT', token, json })
    },
  ],
  v1IssuePasswordToken: [change, async () => asAdmin('POST', `/v1/users/${await newUser()}/password-token`)],
  v1RevokePasswordTokens: [
    change,
    async () => {
      const path = `/v1/users/${await newUser()}/password-token`
      await asAdmin('POST', path)
      return asAdmin('DELETE', path)
    },
  ],
  v1SetPassword: [
    change,
    async () => call('/v1/auth/password', { json: { token: await passwordToken(), new_password: 'another fine one' } }),
  ],
  v1Login: [
    { trips: 3, read: 30, written: 12 },
    () => call('/v1/auth/login', { json: { identifier: firstAdmin.email, password: firstAdmin.password } }),
  ],
  v1Refresh: [
    { trips: 1, read: 30, written: 12 },
    async () => {
      const { refresh_token } = await signIn(firstAdmin.email, firstAdmin.password)
      return call('/v1/auth/refresh', { json: { refresh_token } })
    },
  ],
  v1Logout: [
    { trips: 1, read: 30, written: 12 },
    async () => call('/v1/auth/logout', { method: 'POST', token: (await asOneself()).token }),
  ],
  v1ListSessions: [reading(15), async () => asAdmin('GET', `/v1/users/${(await asOneself()).id}/sessions`)],
  v1EndSessions: [change, async () => asAdmin('DELETE', `/v1/users/${(await asOneself()).id}/sessions`)],
  v1EndSession: [
    change,
    async () => {
      const { id } = await asOneself()
      return asAdmin('DELETE', `/v1/users/${id}/sessions/${await sessionOf(id)}`)
    },
  ],
  v1ListRoles: [reading(30), () => asAdmin('GET', '/v1/roles')],
  v1GetRole: [reading(8), async () => asAdmin('GET', `/v1/roles/${(await roleWith(admin, [])).id}`)],
  v1CreateRole: [change, () => asAdmin('POST', '/v1/roles', { name: 'costly', permissions: ['users:read'] })],
  v1PatchRole: [
    change,
    async () => asAdmin('PATCH', `/v1/roles/${(await roleWith(admin, [])).id}`, { permissions: ['users:read'] }),
  ],
  v1DeleteRole: [change, async () => asAdmin('DELETE', `/v1/roles/${(await roleWith(admin, [])).id}`)],
  v1ListApiKeys: [reading(20), () => asAdmin('GET', '/v1/api-keys')],
  v1CreateApiKey: [change, () => asAdmin('POST', '/v1/api-keys', { name: 'costly', permissions: ['users:read'] })],
  v1RevokeApiKey: [change, async () => asAdmin('DELETE', `/v1/api-keys/${(await keyWith(admin, [])).id}`)],
  v1ListUserApiKeys: [reading(20), async () => asAdmin('GET', `/v1/users/${(await holderOfKey()).id}/api-keys`)],
  v1RevokeUserApiKeys: [change, async () => asAdmin('DELETE', `/v1/users/${(await holderOfKey()).id}/api-keys`)],
  v1ListWebhooks: [reading(20), () => asAdmin('GET', '/v1/webhooks')],
  v1CreateWebhook: [change, () => asAdmin('POST', '/v1/webhooks', quietWebhook)],
  v1GetWebhook: [reading(8), async () => asAdmin('GET', await newWebhook())],
  v1PatchWebhook: [change, async () => asAdmin('PATCH', await newWebhook(), { description: 'The portal.' })],
  v1DeleteWebhook: [change, async () => asAdmin('DELETE', await newWebhook())],
  v1GetMigration: [reading(14), () => asAdmin('GET', '/v1/migration')],
  v1GetHookSecret: [reading(8), () => asAdmin('GET', '/v1/migration/quiet-hook/secret')],
  v1CheckUpstreams: [reading(8), () => asAdmin('GET', '/v1/diagnostics/upstreams')],
  v1GetWebhookSecret: [reading(8), async () => asAdmin('GET', `${await newWebhook()}/secret`)],
  v1ReplaceWebhookSecret: [change, async () => asAdmin('POST', `${await newWebhook()}/secret`)],
  v1ListWebhookFailures: [reading(8), async () => asAdmin('GET', `${await newWebhook()}/failures`)],
  v1RetryWebhook: [change, async () => asAdmin('POST', `${await newWebhook()}/retry`)],
  v1PingWebhook: [change, async () => asAdmin('POST', `${await newWebhook()}/ping`)],
  v1ImportUsers: [{ trips: 2, read: 100 * 40, written: 100 * 20 }, () => importing(100)],
  v1ExportUsers: [{ trips: 1, read: 2 * 5000 + 20, written: 4 }, () => asAdmin('GET', '/v1/exports')],
  v1ListAuditEvents: [reading(20 + 10), () => asAdmin('GET', '/v1/audit-events')],
  v1ListUsage: [reading(20 + 10), () => asAdmin('GET', '/v1/usage')],
  v1Introspect: [reading(14), async () => asAdmin('POST', '/v1/auth/introspect', { token: (await asOneself()).token })],
  v1GetDiagnostics: [{ trips: 5, read: 20, written: 0 }, () => asAdmin('GET', '/v1/diagnostics')],
  v1MeasureHashing: [{ trips: 3, read: 10, written: 0 }, () => asAdmin('GET', '/v1/diagnostics/hashing')],
  v1CheckDirectory: [
    { trips: 4, read: 6 * 2_048 + 100, written: 0 },
    () => asAdmin('GET', '/v1/diagnostics/directory?check=search'),
  ],
}

async function holderOfKey() {
  const holder = await signedInPerson(admin, { role: 'admin' })
  await keyWith(holder.access_token, ['users:read'])
  return holder
}

async function newWebhook(): Promise<string> {
  return `/v1/webhooks/${(await asAdmin('POST', '/v1/webhooks', quietWebhook)).body.id}`
}

/** Imports users with every field set. */
function importing(count: number): Promise<Answer> {
  const users = Array.from({ length: count }, (_, index) => ({
    ...everything,
    email: `imported${index}@example.org`,
    username: `imported${index}`,
    matricule: 800_000 + index,
    number: 50_000 + index,
    role: 'admin',
    password_hash: `$2y$10$${'.'.repeat(53)}`,
  }))
  const body = users.map((user) => JSON.stringify(user)).join('\n')
  return call('/v1/imports', { token: admin, body, headers: { 'content-type': 'application/x-ndjson' } })
}

async function asOneself() {
  const { access_token: token, id, input } = await signedInPerson(admin)
  return { token, id, input }
}

function expectCost(what: string, { status, text, cost }: Answer, most: Most) {
  expect([what, status < 300 ? 'done' : text]).toEqual([what, 'done'])
  const within = cost.trips <= most.trips && cost.read <= most.read && cost.written <= most.written
  expect([what, within ? most : cost]).toEqual([what, most])
  expect(cost.trips).toBeGreaterThan(0)
}

describe('at 10,000 users', () => {
  it('every operation of the document is measured here', async () => {
    const all = operationsOf(await openApi()).map(({ operationId }) => operationId)
    expect(Object.keys(operations).sort()).toEqual(all.filter((id) => id.startsWith('v1')).sort())
  })

  it('every operation keeps to the trips and the rows of the cost table', async () => {
    for (const [operationId, [most, does]] of Object.entries(operations)) expectCost(operationId, await does(), most)
  })

  it('an Idempotency-Key costs two more rows, and a replay costs one trip and writes nothing', async () => {
    const json = person()
    const keyed = () => asAdmin('POST', '/v1/users', json, { 'idempotency-key': 'costs' })
    expectCost('keyed', await keyed(), { trips: 2, read: 40, written: 25 + 2 })
    expectCost('replayed', await keyed(), reading(20))
  })

  it('a page in any order, with any one filter, the first or by cursor, takes one trip and one row per user, or two with a role filter', async () => {
    for (const sort of ['created_at', '-created_at', 'email', '-email', 'name', '-name']) {
      let query: string | undefined = `limit=100&sort=${sort}`
      for (let turned = 0; turned < 3 && query !== undefined; turned += 1) {
        const page = await asAdmin('GET', `/v1/users?${query}`)
        expectCost(query, page, reading(100 + 20))
        query = `limit=100&sort=${sort}&cursor=${page.body.pagination.next_cursor}`
      }
    }
    for (const filter of ['status=active', 'status=inactive', 'role=user', 'role=admin']) {
      const each = filter.startsWith('role') ? 2 : 1
      expectCost(filter, await asAdmin('GET', `/v1/users?limit=100&${filter}`), reading(each * 100 + 20))
    }
  })

  it('a search takes one trip, one row per hit and two per user of the page', async () => {
    for (const [search, further] of [
      ['number777', 30],
      ['someone number12', 30],
      ['example.org', 30],
      ['77', 700],
      ['9', 700],
    ] as const) {
      const path = `/v1/users?limit=50&search=${encodeURIComponent(search)}`
      const first = await asAdmin('GET', path)
      const hits: number = first.body.pagination.total
      expectCost(search, first, reading(hits + 2 * 50 + further))
      const cursor: string | null = first.body.pagination.next_cursor
      if (cursor) expectCost(search, await asAdmin('GET', `${path}&cursor=${cursor}`), reading(hits + 2 * 50 + further))
    }
  })

  it('a search of short words costs twice the most frequent word more, or 200 more next to a longer word', async () => {
    const asked = (search: string, limit = 50) =>
      asAdmin('GET', `/v1/users?limit=${limit}&search=${encodeURIComponent(search)}`)
    for (const search of ['1 2 3', '77 7 u', 'e o s', 'zq 1 2']) {
      const alone = await Promise.all(search.split(' ').map((word) => asked(word, 1)))
      const dearest = Math.min(2000, Math.max(...alone.map(({ cost }) => cost.read)))
      const page = await asked(search)
      expectCost(search, page, reading(page.body.pagination.total + 3 * 50 + 2 * dearest + 1000))
    }
    for (const [long, short] of [
      ['number12', '9 3 so me ex'],
      ['example.org', '9 7 so om me eo on ne nu um mb be er s o m e'],
    ] as const) {
      const hits = (await asked(long)).body.pagination.total
      const page = await asked(`${short} ${long}`)
      expect(page.body.pagination.total).toBeGreaterThan(0)
      expectCost(short, page, reading(hits + 3 * 50 + 200))
    }
  })

  it('a search in another order, or with a filter, takes four rows per hit', async () => {
    for (const more of ['sort=email', 'sort=-name', 'sort=-created_at', 'status=active', 'role=user']) {
      const page = await asAdmin('GET', `/v1/users?limit=50&search=number12&${more}`)
      const hits: number = page.body.pagination.total
      expect(hits).toBeGreaterThan(50)
      expectCost(more, page, reading(4 * hits + 2 * 50 + 30))
    }
  })
})

namesEveryTest(statements)

/**
 * Every answer of every suite is held against the document by `call`; here each documented answer is seen to be real, so that the
 * document promises no more than there is, and the check itself is seen to bite.
 */
import { Validator } from '@cfworker/json-schema'
import { beforeEach, describe, expect, it } from 'vitest'
import { permissions } from '../src/core/access/permissions'
import { contracts } from '../src/contracts'
import { conform, operationsOf, type OpenApi, type Operation, type Schema } from './support/conformance'
import { quietWebhook } from './support/requests'
import {
  adminToken,
  call,
  freshDirectory,
  openApi,
  person,
  roleIds,
  signedInPerson,
  uuidOf,
  type Call,
} from './support/usher'

freshDirectory()

type Ask = Call & { path?: string }

/** How each status that depends on the operation is provoked; absent where the document must not have it. */
interface Provoked {
  path?: string
  valid?: Call
  /** What a plain user may not do; unless told otherwise, the same. */
  forbidden?: Ask
  invalid?: Ask
  notFound?: Ask
  conflict?: Ask
  unauthorized?: Ask
  /** Any other answer: not modified, a failed precondition, a key used again. */
  others?: Ask[]
}

/** Who there is when an operation is provoked. */
interface Scene {
  admin: string
  adminId: string
  one: Awaited<ReturnType<typeof signedInPerson>>
  role: { id: string }
  session: { id: string }
  apiKey: { id: string; key: string }
  /** The token of a user who is no admin, but holds every permission. */
  deputy: string
  passwordToken: string
  /** Its path. */
  webhook: string
}

const document = await openApi()
const operations = operationsOf(document)

const body = () => ({ matricule: 31, nom: 'Odile Marchand', password: 'a fine passphrase', role_id: roleIds.user })
const other = '/v1/users/usr_019b1c6e7a407d529a513f1d0c2b4e66'
const rbacOther = '/rbac/api/v1/users/019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66'
const rbacBody = (email: string) => ({
  email,
  password: 'a fine passphrase',
  first_name: 'Odile',
  last_name: 'Marchand',
})

const backofficePerson = {
  ...{ username: 'odile', password: 'a fine passphrase', password_confirmation: 'a fine passphrase' },
  ...{ first_name: 'Odile', last_name: 'Marchand', gender: 'female', birthday: '1970-01-01' },
}

const ifMatch = { headers: { 'if-match': '"999"' } }
/** A key whose subject has been deleted since. */
const deletedKey = { headers: { 'idempotency-key': 'deleted' } }
const deletedUser = person()
const deletedRole = { name: 'deleted', permissions: [] }
/** A key that came before with another request. */
const usedKey = { headers: { 'idempotency-key': 'used' } }

const provoked: Record<string, (scene: Scene) => Provoked> = {
  personnelListUsers: () => ({}),
  personnelGetUser: ({ one }) => ({
    path: `/personnel/users/${one.uuid}`,
    forbidden: { path: '/personnel/users/nobody' },
    notFound: { path: '/personnel/users/nobody' },
  }),
  personnelCreateUser: ({ one }) => ({
    valid: { json: { ...body(), email: 'odile@example.org' } },
    invalid: { json: {} },
    notFound: { json: { ...body(), email: 'odile2@example.org', matricule: 32, role_id: one.uuid } },
    conflict: { json: { ...body(), email: one.input.email } },
  }),
  personnelUpdateUser: ({ one }) => ({
    valid: { json: { user_id: one.uuid, nom: 'Another Name' } },
    forbidden: { json: { user_id: 'nobody' } },
    invalid: { json: { user_id: one.uuid, nom: ' ' } },
    notFound: { json: { user_id: 'nobody' } },
    conflict: { json: { user_id: one.uuid, email: 'first.admin@usher.example' } },
  }),
  personnelDeactivateUser: ({ one, adminId }) => ({
    path: `/personnel/users/delete/${one.uuid}`,
    notFound: { path: '/personnel/users/delete/nobody' },
    conflict: { path: `/personnel/users/delete/${uuidOf(adminId)}` },
  }),
  personnelToken: ({ one }) => ({
    valid: { form: { username: one.input.email, password: String(one.input.password) } },
    invalid: { form: {} },
    unauthorized: { form: { username: one.input.email, password: 'not the password' } },
  }),
  personnelLogout: ({ apiKey }) => ({ forbidden: { token: apiKey.key } }),
  v1Login: ({ one }) => ({
    valid: { json: { identifier: one.input.email, password: one.input.password } },
    invalid: { json: {} },
    unauthorized: { json: { identifier: one.input.email, password: 'not the password' } },
  }),
  v1Refresh: ({ one }) => ({
    valid: { json: { refresh_token: one.refresh_token } },
    invalid: { json: {} },
    unauthorized: { json: { refresh_token: 'none of ours' } },
  }),
  v1Logout: ({ apiKey }) => ({ forbidden: { token: apiKey.key } }),
  v1SetPassword: ({ passwordToken }) => ({
    valid: { json: { token: passwordToken, new_password: 'another fine passphrase' } },
    invalid: { json: {} },
    unauthorized: { json: { token: 'none of ours', new_password: 'another fine passphrase' } },
  }),
  v1IssuePasswordToken: ({ one }) => ({
    path: `/v1/users/${one.id}/password-token`,
    notFound: { path: `${other}/password-token` },
  }),
  v1RevokePasswordTokens: ({ one }) => ({
    path: `/v1/users/${one.id}/password-token`,
    notFound: { path: `${other}/password-token` },
  }),
  v1GetMe: () => ({ others: [{ headers: { 'if-none-match': '*' } }] }),
  v1PatchMe: ({ one }) => ({
    valid: { json: { phone: '1' } },
    forbidden: { json: { email: 'mine@example.org' } },
    invalid: { json: { name: '' } },
    conflict: { json: { email: one.input.email } },
    others: [{ json: {}, ...ifMatch }],
  }),
  v1ChangePassword: ({ apiKey }) => ({
    valid: { json: { current_password: 'the very first way in', new_password: 'the second way in' } },
    forbidden: { token: apiKey.key },
    invalid: { json: { current_password: 'wrong', new_password: 'the second way in' } },
  }),
  v1GetUser: ({ one }) => ({
    path: `/v1/users/${one.id}`,
    forbidden: { path: other },
    notFound: { path: other },
    others: [{ headers: { 'if-none-match': '*' } }],
  }),
  v1CreateUser: ({ one }) => ({
    valid: { json: person() },
    invalid: { json: {} },
    notFound: { json: deletedUser, ...deletedKey },
    conflict: { json: person({ email: one.input.email }) },
    others: [usedKey],
  }),
  v1PutUser: ({ one }) => changing(one),
  v1PatchUser: ({ one }) => changing(one),
  v1DeleteUser: ({ one, adminId }) => ({
    path: `/v1/users/${one.id}`,
    notFound: { path: other },
    conflict: { path: `/v1/users/${adminId}` },
    others: [ifMatch],
  }),
  v1ListUsers: () => ({ invalid: { path: '/v1/users?limit=0' } }),
  v1SetUserRoles: ({ one, adminId }) => ({
    path: `/v1/users/${one.id}/roles`,
    valid: { json: { roles: ['admin', 'user'] } },
    invalid: { json: { roles: ['nobody-made-this'] } },
    notFound: { path: `${other}/roles` },
    conflict: { path: `/v1/users/${adminId}/roles`, json: { roles: ['user'] } },
    others: [ifMatch],
  }),
  v1ActivateUser: ({ one }) => ({
    path: `/v1/users/${one.id}/activate`,
    invalid: { headers: { 'idempotency-key': 'k'.repeat(256) } },
    notFound: { path: `${other}/activate` },
    others: [usedKey, ifMatch],
  }),
  v1DeactivateUser: ({ one, adminId }) => ({
    path: `/v1/users/${one.id}/deactivate`,
    invalid: { headers: { 'idempotency-key': 'k'.repeat(256) } },
    notFound: { path: `${other}/deactivate` },
    conflict: { path: `/v1/users/${adminId}/deactivate` },
    others: [usedKey, ifMatch],
  }),
  v1ListSessions: ({ one }) => ({
    path: `/v1/users/${one.id}/sessions`,
    forbidden: { path: `${other}/sessions` },
    notFound: { path: `${other}/sessions` },
  }),
  v1EndSessions: ({ one }) => ({
    path: `/v1/users/${one.id}/sessions`,
    forbidden: { path: `${other}/sessions` },
    notFound: { path: `${other}/sessions` },
  }),
  v1EndSession: ({ one, session }) => ({
    path: `/v1/users/${one.id}/sessions/${session.id}`,
    forbidden: { path: `${other}/sessions/${session.id}` },
    notFound: { path: `/v1/users/${one.id}/sessions/none` },
  }),
  v1ListRoles: () => ({}),
  v1CreateRole: () => ({
    valid: { json: { name: 'reception', permissions: [] } },
    invalid: { json: {} },
    notFound: { json: deletedRole, headers: { 'idempotency-key': 'deleted role' } },
    conflict: { json: { name: 'ADMIN', permissions: [] } },
    others: [usedKey],
  }),
  v1GetRole: ({ role }) => ({ path: `/v1/roles/${role.id}`, notFound: { path: '/v1/roles/none' } }),
  v1PatchRole: ({ role }) => ({
    path: `/v1/roles/${role.id}`,
    valid: { json: { description: 'At the door.' } },
    invalid: { json: { permissions: ['everything'] } },
    notFound: { path: '/v1/roles/none' },
    conflict: { path: `/v1/roles/${roleIds.admin}` },
  }),
  v1DeleteRole: ({ role }) => ({
    path: `/v1/roles/${role.id}`,
    notFound: { path: '/v1/roles/none' },
    conflict: { path: `/v1/roles/${roleIds.user}` },
  }),
  v1CreateApiKey: () => ({ valid: { json: { name: 'a key', permissions: [] } }, invalid: { json: {} } }),
  v1ListApiKeys: () => ({}),
  v1ListUserApiKeys: ({ one }) => ({
    path: `/v1/users/${one.id}/api-keys`,
    notFound: { path: `${other}/api-keys` },
  }),
  v1RevokeUserApiKeys: ({ one }) => ({
    path: `/v1/users/${one.id}/api-keys`,
    notFound: { path: `${other}/api-keys` },
  }),
  v1RevokeApiKey: ({ apiKey }) => ({
    path: `/v1/api-keys/${apiKey.id}`,
    notFound: { path: '/v1/api-keys/none' },
  }),
  v1ImportUsers: () => ({
    valid: asLines('{"email":"odile@example.org","name":"Odile Marchand"}'),
    invalid: { path: '/v1/imports?dry_run=perhaps' },
    others: [
      asLines('{}', { 'content-length': '26214401' }),
      { body: '{}', headers: { 'content-type': 'text/plain' } },
    ],
  }),
  v1ExportUsers: () => ({ invalid: { path: '/v1/exports?include=everything' } }),
  v1ListAuditEvents: () => ({ invalid: { path: '/v1/audit-events?cursor=none' } }),
  v1ListWebhooks: () => ({}),
  v1CreateWebhook: () => ({ valid: { json: quietWebhook }, invalid: { json: {} } }),
  v1GetWebhook: ({ webhook }) => ({ path: webhook, notFound: { path: '/v1/webhooks/none' } }),
  v1PatchWebhook: ({ webhook }) => ({
    path: webhook,
    valid: { json: { description: 'The portal.' } },
    invalid: { json: { events: [] } },
    notFound: { path: '/v1/webhooks/none' },
  }),
  v1DeleteWebhook: ({ webhook }) => ({ path: webhook, notFound: { path: '/v1/webhooks/none' } }),
  v1GetWebhookSecret: ({ webhook }) => ({
    path: `${webhook}/secret`,
    notFound: { path: '/v1/webhooks/none/secret' },
  }),
  v1ReplaceWebhookSecret: ({ webhook }) => ({
    path: `${webhook}/secret`,
    notFound: { path: '/v1/webhooks/none/secret' },
  }),
  v1ListWebhookFailures: ({ webhook }) => ({
    path: `${webhook}/failures`,
    invalid: { path: `${webhook}/failures?limit=0` },
    notFound: { path: '/v1/webhooks/none/failures' },
  }),
  v1RetryWebhook: ({ webhook }) => ({ path: `${webhook}/retry`, notFound: { path: '/v1/webhooks/none/retry' } }),
  v1PingWebhook: ({ webhook }) => ({ path: `${webhook}/ping`, notFound: { path: '/v1/webhooks/none/ping' } }),
  v1GetDiagnostics: () => ({}),
  v1MeasureHashing: () => ({}),
  v1CheckDirectory: () => ({
    path: '/v1/diagnostics/directory?check=hashes',
    invalid: { path: '/v1/diagnostics/directory?check=health' },
  }),
  rbacListUsers: () => ({ invalid: { path: '/rbac/api/v1/users?page=0' } }),
  rbacGetUser: ({ one }) => ({
    path: `/rbac/api/v1/users/${one.uuid}`,
    forbidden: { path: rbacOther },
    invalid: { path: '/rbac/api/v1/users/none' },
    notFound: { path: rbacOther },
  }),
  rbacCreateUser: ({ one }) => ({
    valid: { json: rbacBody('odile@example.org') },
    invalid: { json: {} },
    notFound: { json: { ...rbacBody('odile2@example.org'), role_ids: [one.uuid] } },
    conflict: { json: rbacBody(one.input.email) },
  }),
  rbacUpdateUser: ({ one }) => ({
    path: `/rbac/api/v1/users/${one.uuid}`,
    valid: { json: { first_name: 'Another' } },
    forbidden: { path: rbacOther },
    invalid: { json: { is_active: 'maybe' } },
    notFound: { path: rbacOther },
    conflict: { json: { email: 'first.admin@usher.example' } },
  }),
  rbacDeleteUser: ({ one, adminId }) => ({
    path: `/rbac/api/v1/users/${one.uuid}`,
    invalid: { path: '/rbac/api/v1/users/none' },
    notFound: { path: rbacOther },
    conflict: { path: `/rbac/api/v1/users/${uuidOf(adminId)}` },
  }),
  rbacLogin: ({ one }) => ({
    valid: { json: { email: one.input.email, password: one.input.password } },
    invalid: { json: {} },
    unauthorized: { json: { email: one.input.email, password: 'not the password' } },
  }),
  rbacRefresh: ({ one }) => ({
    valid: { json: { refresh_token: one.refresh_token } },
    invalid: { json: {} },
    unauthorized: { json: { refresh_token: 'none of ours' } },
  }),
  rbacLogout: ({ apiKey }) => ({ forbidden: { token: apiKey.key } }),
  backofficeListUsers: () => ({ invalid: { path: '/backoffice/api/v1/users?status=none' } }),
  backofficeGetUser: () => ({ path: backofficeUser(2), notFound: { path: backofficeUser(0) } }),
  backofficeCreateUser: ({ one }) => ({
    valid: { json: { ...backofficePerson, email: 'odile@example.org' } },
    invalid: { json: { ...backofficePerson, email: one.input.email } },
  }),
  backofficeUpdateUser: () => ({
    path: backofficeUser(2),
    valid: { json: { first_name: 'Another' } },
    invalid: { json: { gender: 'none' } },
    notFound: { path: backofficeUser(0) },
    conflict: { path: backofficeUser(1), json: { user_status: 'inactive' } },
  }),
  backofficeDeleteUser: ({ deputy }) => ({
    path: backofficeUser(2),
    notFound: { path: backofficeUser(0) },
    conflict: { path: backofficeUser(1), token: deputy },
  }),
  backofficeLogin: ({ one }) => ({
    valid: { json: { username: one.input.email, password: one.input.password } },
    invalid: { json: {} },
    unauthorized: { json: { username: one.input.email, password: 'not the password' } },
  }),
  backofficeLogout: ({ apiKey }) => ({ forbidden: { token: apiKey.key } }),
  clinicCreateUser: ({ one }) => ({
    valid: { json: inClinic('odile') },
    invalid: { json: {} },
    conflict: { json: { ...inClinic('odile2'), email: one.input.email } },
  }),
  clinicLogin: ({ one }) => ({
    valid: { form: { username: one.input.email, password: String(one.input.password) } },
    invalid: { form: {} },
    unauthorized: { form: { username: one.input.email, password: 'not the password' } },
    others: [{ headers: { 'sec-fetch-site': 'cross-site' } }],
  }),
  clinicLogout: ({ apiKey }) => ({ forbidden: { token: apiKey.key } }),
  clinicGetUser: () => ({
    path: '/clinic/users/user/2/get_user_info/',
    forbidden: { path: '/clinic/users/user/999/get_user_info/' },
    notFound: { path: '/clinic/users/user/999/get_user_info/' },
    others: [{ path: '/clinic/users/user/odile/get_user_info/' }],
  }),
  clinicSearchUsers: () => ({
    path: '/clinic/users/user/search/?query_string=person',
    invalid: { path: '/clinic/users/user/search/' },
    notFound: { path: '/clinic/users/user/search/?query_string=nobody' },
  }),
  clinicEditUser: () => ({
    path: '/clinic/users/user/2/edit/',
    valid: { json: inClinic('odile') },
    forbidden: { path: '/clinic/users/user/1/edit/' },
    invalid: { json: {} },
    notFound: { path: '/clinic/users/user/999/edit/' },
    conflict: { json: { ...inClinic('odile'), email: 'first.admin@usher.example' } },
    others: [{ path: '/clinic/users/user/odile/edit/' }],
  }),
  clinicDeactivateUser: () => ({
    path: '/clinic/users/user/2/deactivate/',
    notFound: { path: '/clinic/users/user/odile/deactivate/' },
    conflict: { path: '/clinic/users/user/1/deactivate/' },
  }),
  clinicActivateUser: () => ({
    path: '/clinic/users/user/2/activate/',
    notFound: { path: '/clinic/users/user/odile/activate/' },
    others: [{ path: '/clinic/users/user/999/activate/' }],
  }),
}

function asLines(body: string, headers: Record<string, string> = {}): Call {
  return { body, headers: { 'content-type': 'application/x-ndjson', ...headers } }
}

/** The first admin is number 1 of the scene, and `one` number 2. */
function backofficeUser(number: number): string {
  return `/backoffice/api/v1/users/${number}`
}

/** What clinic requires of a user, and that they stay active. */
function inClinic(username: string) {
  const names = { username, first_name: 'Odile', last_name: 'Marchand', email: `${username}@clinic.example` }
  return { ...names, user_type: 'CL', gender: 'F', is_active: true }
}

function changing(one: Scene['one']): Provoked {
  return {
    path: `/v1/users/${one.id}`,
    valid: { json: { phone: '1' } },
    forbidden: { path: other },
    invalid: { json: { name: '' } },
    notFound: { path: other },
    conflict: { json: { email: 'first.admin@usher.example' } },
    others: [ifMatch],
  }
}

describe('the document', () => {
  it('is held by this suite operation by operation: a new one must be added here', () => {
    expect(Object.keys(provoked).sort()).toEqual(operations.map(({ operationId }) => operationId).sort())
  })

  it.each(operations.map((operation) => [operation.operationId, operation] as const))(
    'promises nothing of %s that it does not answer',
    async (id, operation) => {
      const seen = await provoke(id, operation)
      expect(Object.keys(operation.responses).sort()).toEqual([...seen].map(String).sort())
    },
  )
})

describe.each(['/doc', ...contracts.map(({ name }) => `/doc/${name}`)])('the document at %s', (path) => {
  it('gives each operation one tag that it describes, and a summary of its own', async () => {
    const { body } = await call<OpenApi & { tags: { name: string; description: string }[] }>(path)
    const described = body.tags.filter(({ description }) => description !== '').map(({ name }) => name)
    const listed = operationsOf(body)
    expect(new Set(listed.flatMap(({ tags }) => tags))).toEqual(new Set(described))
    for (const { operationId, tags } of listed) expect([operationId, tags.length]).toEqual([operationId, 1])
    expect(new Set(listed.map(({ summary }) => summary)).size).toBe(listed.length)
  })
})

describe.each(contracts.map(({ name }) => `/doc/${name}`))('the schemas of %s', (path) => {
  type Json = Record<string, unknown>
  /** Every object in the document, with the way to it. */
  function* objectsIn(value: unknown, way: string[] = []): Generator<[way: string[], object: Json]> {
    if (typeof value !== 'object' || value === null) return
    if (!Array.isArray(value)) yield [way, value as Json]
    for (const [key, inner] of Object.entries(value)) {
      if (key !== 'example' && key !== 'examples') yield* objectsIn(inner, [...way, key])
    }
  }

  it('have a component behind every reference', async () => {
    const { body } = await call<OpenApi>(path)
    for (const [way, { $ref }] of objectsIn(body)) {
      if (typeof $ref !== 'string') continue
      const [, , kind = '', name = ''] = $ref.split('/')
      expect([way.join('.'), $ref, name in ((body.components as Record<string, Json>)[kind] ?? {})]).toEqual([
        ...[way.join('.'), $ref, true],
      ])
    }
  })

  it('name every enumeration, under the prefix of the contract', async () => {
    const { body } = await call<OpenApi>(path)
    const inline = [...objectsIn(body)].filter(([way, { enum: values }]) => {
      return Array.isArray(values) && values.length > 1 && !(way[1] === 'schemas' && way.length === 3)
    })
    expect(inline.map(([way]) => way.join('.'))).toEqual([])
    const prefix = new RegExp(`^${path.replace('/doc/', '')}`, 'i')
    for (const name of Object.keys(body.components.schemas)) expect(name).toMatch(prefix)
  })

  it('have no default in a request body, which generators would make a required field', async () => {
    const { body } = await call<OpenApi>(path)
    const defaults = [...objectsIn(body.components)].filter(([, one]) => 'default' in one)
    expect(defaults.map(([way]) => way.join('.'))).toEqual([])
  })

  it('describe lines of JSON as text, with the schema of a line', async () => {
    const { body } = await call<OpenApi>(path)
    for (const [way, content] of objectsIn(body.paths)) {
      const media = content['application/x-ndjson'] as { schema: Json; 'x-item-schema': Json } | undefined
      if (!media) continue
      expect([way.join('.'), media.schema['type']]).toEqual([way.join('.'), 'string'])
      expect(media['x-item-schema']['$ref']).toMatch(/^#\/components\/schemas\/V1/)
    }
  })
})

describe('the document of personnel', () => {
  it('does not accept an empty sign-in, nor half of one', async () => {
    const { body } = await call<OpenApi>('/doc/personnel')
    const { components } = body
    const schema = { $ref: '#/components/schemas/PersonnelTokenRequest', components } as unknown as Schema
    const isValid = (value: unknown) => new Validator(schema, '2020-12', false).validate(value).valid
    expect(isValid({ username: '31', password: 'a fine passphrase' })).toBe(true)
    expect(isValid({ grant_type: 'refresh_token', refresh_token: 'x' })).toBe(true)
    for (const half of [{}, { username: '31' }, { password: 'a fine passphrase' }, { grant_type: 'refresh_token' }]) {
      expect([half, isValid(half)]).toEqual([half, false])
    }
  })
})

describe('the check', () => {
  const operation = operations.find(({ operationId }) => operationId === 'v1GetUser') as Operation
  let answer: { status: number; headers: Headers; body: Record<string, unknown>; text: string }

  beforeEach(async () => {
    const admin = await adminToken()
    const one = await signedInPerson(admin)
    answer = await call(`/v1/users/${one.id}`, { token: admin })
  })

  it('accepts what the Worker answers', () => {
    conform(document, operation, answer)
  })

  it('refuses a leaked field', () => {
    expect(() => conform(document, operation, { ...answer, body: { ...answer.body, password_hash: 'x' } })).toThrow()
  })

  it('refuses a missing field, a wrong type, an undocumented status or content type, and a missing header', () => {
    const { email: _, ...missing } = answer.body
    expect(() => conform(document, operation, { ...answer, body: missing })).toThrow()
    expect(() => conform(document, operation, { ...answer, body: { ...answer.body, matricule: 'x' } })).toThrow()
    expect(() => conform(document, operation, { ...answer, status: 418 })).toThrow()
    for (const [name, value] of [
      ['content-type', 'text/plain'],
      ['etag', undefined],
    ] as const) {
      const headers = new Headers(answer.headers)
      headers.delete(name)
      if (value !== undefined) headers.set(name, value)
      expect(() => conform(document, operation, { ...answer, headers })).toThrow()
    }
  })
})

async function setScene(): Promise<Scene> {
  const admin = await adminToken()
  const as = (json: unknown) => ({ token: admin, json })
  const one = await signedInPerson(admin)
  await call('/v1/roles', as({ name: 'deputy', permissions }))
  const [me, role, apiKey, deputy, sessions, passwordToken, webhook] = await Promise.all([
    call('/v1/me', { token: admin }),
    call('/v1/roles', as({ name: 'door', permissions: [] })),
    call('/v1/api-keys', as({ name: 'a key', permissions: [] })),
    signedInPerson(admin, { role: 'deputy' }),
    call(`/v1/users/${one.id}/sessions`, { token: admin }),
    call(`/v1/users/${one.id}/password-token`, { token: admin, method: 'POST' }),
    call('/v1/webhooks', as(quietWebhook)),
  ])
  await call('/v1/roles', { ...as({ name: 'keyed', permissions: [] }), ...usedKey })
  for (const [path, json, headers] of [
    ['/v1/users', deletedUser, deletedKey.headers],
    ['/v1/roles', deletedRole, { 'idempotency-key': 'deleted role' }],
  ] as const) {
    const made = await call(path, { ...as(json), headers })
    await call(`${path}/${made.body.id}`, { method: 'DELETE', token: admin })
  }
  return {
    admin,
    adminId: me.body.id,
    one,
    role: role.body,
    session: sessions.body.data[0],
    apiKey: apiKey.body,
    deputy: deputy.access_token,
    passwordToken: passwordToken.body.token,
    webhook: `/v1/webhooks/${webhook.body.id}`,
  }
}

/** Every status the operation can be made to answer. */
async function provoke(id: string, operation: Operation): Promise<Set<number>> {
  const scene = await setScene()
  const how = provoked[id]?.(scene) ?? {}
  const { method } = operation
  const authenticated = operation.security?.length !== 0
  const token = authenticated ? scene.admin : undefined
  const base: Ask = { method, token, path: how.path ?? operation.path, ...how.valid }
  const seen = new Set<number>()
  const ask = async (options: Ask) => {
    const { path, ...rest } = { ...base, ...options }
    seen.add((await call(path as string, rest)).status)
  }
  const refusing = { limit: () => Promise.resolve({ success: false }) }
  const limiters = { CLIENT_LIMITER: refusing, PRINCIPAL_LIMITER: refusing, RATE_LIMIT: 'on' }
  const absent = { prepare: () => ({ bind: () => ({}) }), batch: () => Promise.reject(new Error('D1 is away')) }

  await ask({ env: limiters })
  await ask({ env: { DB: absent } })
  if (authenticated) {
    await ask({ token: undefined })
    if (operation.responses['403']) await ask({ token: scene.one.access_token, ...how.forbidden })
  }
  for (const options of [how.unauthorized, how.invalid, how.notFound, how.conflict, ...(how.others ?? [])]) {
    if (options) await ask(options)
  }
  if (method !== 'GET' && method !== 'DELETE') {
    const [contentType = 'application/json'] = Object.keys(operation.requestBody?.content ?? {})
    const bare = { json: undefined, form: undefined }
    await ask({ ...bare, body: 'x'.repeat(70_000), headers: { 'content-type': contentType } })
    if (contentType === 'application/json') await ask({ ...bare, body: '{', headers: { 'content-type': contentType } })
    if (operation.requestBody && contentType === 'application/json') {
      await ask({ ...bare, body: 'x', headers: { 'content-type': 'text/plain' } })
    }
    await ask({ ...bare, body: 'x', headers: { 'content-type': contentType, 'content-encoding': 'gzip' } })
  }
  await ask({})
  return seen
}

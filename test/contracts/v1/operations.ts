import { permissions } from '../../../src/core/access/permissions'
import { adminRole, roleIds, strangerId, v1Path, type Role } from '../../support/people'
import {
  firstAdminEmail,
  type ContractDescription,
  type Provoked,
  type ProvokingScene,
  type Subject,
  type Tools,
} from '../description'

const other = `/v1/users/${strangerId}`

const newUser = (email: string) => ({ email, name: 'Odile Marchand', password: 'a fine passphrase' })

const ifMatch = { headers: { 'if-match': '"999"' } }

/** Requests with an Idempotency-Key for a user and a role that were created with it and then deleted. */
export const deletedUser = { json: newUser('deleted@example.org'), headers: { 'idempotency-key': 'deleted' } }
export const deletedRole = {
  json: { name: 'deleted', permissions: [] },
  headers: { 'idempotency-key': 'deleted role' },
}
/** A key that was used before with another request. */
export const usedKey = { headers: { 'idempotency-key': 'used' } }

/** No server listens at this address. Only a ping is sent there. */
export const quietWebhook = { url: 'http://127.0.0.1:9/hook', status: 'inactive' }

const asLines = (body: string, headers: Record<string, string> = {}) => ({
  body,
  headers: { 'content-type': 'application/x-ndjson', ...headers },
})

/** The response to the admin's POST of `json`. */
async function created<Body>({ admin, call }: Subject & Tools, path: string, json?: object): Promise<Body> {
  const { status, body, text } = await call(path, { method: 'POST', token: admin, json })
  if (status !== 201) throw new Error(`${path}: ${status} ${text}`)
  return body as Body
}

const newRole = (about: Subject & Tools) =>
  created<Role>(about, '/v1/roles', { name: `role ${about.next()}`, permissions: [] })

const newWebhook = async (about: Subject & Tools) =>
  `/v1/webhooks/${(await created<{ id: string }>(about, '/v1/webhooks', quietWebhook)).id}`

const changing = (one: ProvokingScene['one']): Provoked => ({
  path: `/v1/users/${one.id}`,
  valid: { json: { phone: '1' } },
  forbidden: { path: other },
  invalid: { json: { name: '' } },
  notFound: { path: other },
  conflict: { json: { email: firstAdminEmail } },
  others: [ifMatch],
})

export const operations: ContractDescription['operations'] = {
  v1ListUsers: {
    access: { needs: 'users:read' },
    provoke: () => ({ invalid: { path: '/v1/users?limit=0' } }),
  },
  v1GetUser: {
    access: { needs: 'users:read', self: 'waived' },
    provoke: ({ one }) => ({
      path: `/v1/users/${one.id}`,
      forbidden: { path: other },
      notFound: { path: other },
      others: [{ headers: { 'if-none-match': '*' } }],
    }),
  },
  v1CreateUser: {
    access: { needs: 'users:create' },
    provoke: ({ one }) => ({
      valid: { json: newUser('odile@example.org') },
      invalid: { json: {} },
      notFound: deletedUser,
      conflict: { json: newUser(one.email) },
      others: [usedKey],
    }),
  },
  v1PutUser: {
    access: { needs: 'users:update', self: 'waived' },
    provoke: ({ one }) => changing(one),
  },
  v1PatchUser: {
    access: { needs: 'users:update', self: 'waived' },
    provoke: ({ one }) => changing(one),
  },
  v1DeleteUser: {
    access: { needs: 'users:delete', readsReason: true },
    provoke: ({ one, adminId }) => ({
      path: `/v1/users/${one.id}`,
      notFound: { path: other },
      conflict: { path: `/v1/users/${adminId}` },
      others: [ifMatch],
    }),
  },
  v1SetUserRoles: {
    access: { needs: 'roles:assign' },
    provoke: ({ one, adminId }) => ({
      path: `/v1/users/${one.id}/roles`,
      valid: { json: { roles: ['admin', 'user'] } },
      invalid: { json: { roles: ['nobody-made-this'] } },
      notFound: { path: `${other}/roles` },
      conflict: { path: `/v1/users/${adminId}/roles`, json: { roles: ['user'] } },
      others: [ifMatch],
    }),
  },
  v1ActivateUser: {
    access: { needs: 'users:deactivate' },
    provoke: ({ one }) => ({
      path: `/v1/users/${one.id}/activate`,
      invalid: { headers: { 'idempotency-key': 'k'.repeat(256) } },
      notFound: { path: `${other}/activate` },
      others: [usedKey, ifMatch],
    }),
  },
  v1DeactivateUser: {
    access: { needs: 'users:deactivate' },
    provoke: ({ one, adminId }) => ({
      path: `/v1/users/${one.id}/deactivate`,
      invalid: { headers: { 'idempotency-key': 'k'.repeat(256) } },
      notFound: { path: `${other}/deactivate` },
      conflict: { path: `/v1/users/${adminId}/deactivate` },
      others: [usedKey, ifMatch],
    }),
  },
  v1ListSessions: {
    access: { needs: 'sessions:manage', self: 'waived' },
    provoke: ({ one }) => ({
      path: `/v1/users/${one.id}/sessions`,
      forbidden: { path: `${other}/sessions` },
      notFound: { path: `${other}/sessions` },
    }),
    request: ({ one }) => ({ path: `${v1Path(one)}/sessions` }),
  },
  v1EndSessions: {
    access: { needs: 'sessions:manage', self: 'waived' },
    provoke: ({ one }) => ({
      path: `/v1/users/${one.id}/sessions`,
      forbidden: { path: `${other}/sessions` },
      notFound: { path: `${other}/sessions` },
    }),
    request: ({ one }) => ({ path: `${v1Path(one)}/sessions`, method: 'DELETE' }),
  },
  v1EndSession: {
    access: { needs: 'sessions:manage', self: 'waived' },
    provoke: ({ one, session }) => ({
      path: `/v1/users/${one.id}/sessions/${session.id}`,
      forbidden: { path: `${other}/sessions/${session.id}` },
      notFound: { path: `/v1/users/${one.id}/sessions/none` },
    }),
    request: async ({ admin, one, call }) => {
      const { body } = await call(`${v1Path(one)}/sessions`, { token: admin })
      return { path: `${v1Path(one)}/sessions/${body.data[0].id}`, method: 'DELETE' }
    },
  },
  v1IssuePasswordToken: {
    access: { needs: 'users:update' },
    provoke: ({ one }) => ({
      path: `/v1/users/${one.id}/password-token`,
      notFound: { path: `${other}/password-token` },
    }),
    request: ({ one }) => ({ path: `${v1Path(one)}/password-token`, method: 'POST' }),
  },
  v1RevokePasswordTokens: {
    access: { needs: 'users:update' },
    provoke: ({ one }) => ({
      path: `/v1/users/${one.id}/password-token`,
      notFound: { path: `${other}/password-token` },
    }),
    request: async ({ admin, one, untouched, call }) => {
      const path = `${v1Path(one)}/password-token`
      if (!untouched) await call(path, { method: 'POST', token: admin })
      return { path, method: 'DELETE' }
    },
  },
  v1Login: {
    access: { open: true },
    provoke: ({ one }) => ({
      valid: { json: { identifier: one.email, password: one.password } },
      invalid: { json: {} },
      unauthorized: { json: { identifier: one.email, password: 'not the password' } },
    }),
  },
  v1Refresh: {
    access: { open: true },
    provoke: ({ one }) => ({
      valid: { json: { refresh_token: one.refresh_token } },
      invalid: { json: {} },
      unauthorized: { json: { refresh_token: 'none of ours' } },
    }),
  },
  v1SetPassword: {
    access: { open: true },
    provoke: ({ passwordToken }) => ({
      valid: { json: { token: passwordToken, new_password: 'another fine passphrase' } },
      invalid: { json: {} },
      unauthorized: { json: { token: 'none of ours', new_password: 'another fine passphrase' } },
    }),
    request: async (about) => {
      const { token } = await created<{ token: string }>(about, `${v1Path(about.one)}/password-token`)
      return { path: '/v1/auth/password', json: { token, new_password: 'another fine passphrase' } }
    },
  },
  v1Logout: {
    access: { self: 'only', key: 'never' },
    provoke: ({ apiKey }) => ({ forbidden: { token: apiKey.key } }),
  },
  v1GetMe: {
    access: { self: 'only' },
    provoke: () => ({ others: [{ headers: { 'if-none-match': '*' } }] }),
    request: () => ({ path: '/v1/me' }),
  },
  v1PatchMe: {
    access: { self: 'only', key: 'never' },
    provoke: ({ one }) => ({
      valid: { json: { phone: '1' } },
      forbidden: { json: { email: 'mine@example.org' } },
      invalid: { json: { name: '' } },
      conflict: { json: { email: one.email } },
      others: [{ json: {}, ...ifMatch }],
    }),
  },
  v1ChangePassword: {
    access: { self: 'only', key: 'never' },
    provoke: ({ apiKey }) => ({
      valid: { json: { current_password: 'the very first way in', new_password: 'the second way in' } },
      forbidden: { token: apiKey.key },
      invalid: { json: { current_password: 'wrong', new_password: 'the second way in' } },
    }),
    request: ({ one }) => ({
      path: '/v1/me/password',
      method: 'PUT',
      json: { current_password: one.password, new_password: 'another fine passphrase' },
    }),
  },
  v1ListRoles: {
    access: { needs: 'roles:read' },
    provoke: () => ({}),
    request: () => ({ path: '/v1/roles' }),
  },
  v1CreateRole: {
    access: { needs: 'roles:manage' },
    provoke: () => ({
      valid: { json: { name: 'reception', permissions: [] } },
      invalid: { json: {} },
      notFound: deletedRole,
      conflict: { json: { name: 'ADMIN', permissions: [] } },
      others: [usedKey],
    }),
    request: ({ next }) => ({ path: '/v1/roles', json: { name: `role ${next()}`, permissions: [] } }),
  },
  v1GetRole: {
    access: { needs: 'roles:read' },
    provoke: ({ role }) => ({ path: `/v1/roles/${role.id}`, notFound: { path: '/v1/roles/none' } }),
    request: () => ({ path: `/v1/roles/${adminRole.id}` }),
  },
  v1PatchRole: {
    access: { needs: 'roles:manage' },
    provoke: ({ role }) => ({
      path: `/v1/roles/${role.id}`,
      valid: { json: { description: 'At the door.' } },
      invalid: { json: { permissions: ['everything'] } },
      notFound: { path: '/v1/roles/none' },
      conflict: { path: `/v1/roles/${roleIds.admin}` },
    }),
    request: async (about) => ({
      path: `/v1/roles/${(await newRole(about)).id}`,
      method: 'PATCH',
      json: { description: 'At the door.' },
    }),
  },
  v1DeleteRole: {
    access: { needs: 'roles:manage' },
    provoke: ({ role }) => ({
      path: `/v1/roles/${role.id}`,
      notFound: { path: '/v1/roles/none' },
      conflict: { path: `/v1/roles/${roleIds.user}` },
    }),
    request: async (about) => ({ path: `/v1/roles/${(await newRole(about)).id}`, method: 'DELETE' }),
  },
  v1CreateApiKey: {
    access: { needs: 'api_keys:manage' },
    provoke: () => ({ valid: { json: { name: 'a key', permissions: [] } }, invalid: { json: {} } }),
    request: () => ({ path: '/v1/api-keys', json: { name: 'a key', permissions: [] } }),
  },
  v1ListApiKeys: {
    access: { needs: 'api_keys:manage' },
    provoke: () => ({}),
    request: () => ({ path: '/v1/api-keys' }),
  },
  v1RevokeApiKey: {
    access: { needs: 'api_keys:manage' },
    provoke: ({ apiKey }) => ({
      path: `/v1/api-keys/${apiKey.id}`,
      notFound: { path: '/v1/api-keys/none' },
    }),
    request: async (about) => {
      const { id } = await created<{ id: string }>(about, '/v1/api-keys', { name: 'a key', permissions: [] })
      return { path: `/v1/api-keys/${id}`, method: 'DELETE' }
    },
  },
  v1ListUserApiKeys: {
    access: { needs: 'api_keys:manage' },
    provoke: ({ one }) => ({
      path: `/v1/users/${one.id}/api-keys`,
      notFound: { path: `${other}/api-keys` },
    }),
    request: ({ one }) => ({ path: `${v1Path(one)}/api-keys` }),
  },
  v1RevokeUserApiKeys: {
    access: { needs: 'api_keys:manage' },
    provoke: ({ one }) => ({
      path: `/v1/users/${one.id}/api-keys`,
      notFound: { path: `${other}/api-keys` },
    }),
    request: async ({ one, rows }) => {
      await rows(
        `INSERT INTO api_keys (id, hash, user_number, generation, name, permissions, created_at)
       SELECT ?1, ?1, number, key_generation, 'a key', 0, 1 FROM users WHERE id = ?2`,
        crypto.randomUUID(),
        one.uuid,
      )
      return { path: `${v1Path(one)}/api-keys`, method: 'DELETE' }
    },
  },
  v1ImportUsers: {
    access: { needs: 'users:import' },
    provoke: () => ({
      valid: asLines('{"email":"odile@example.org","name":"Odile Marchand"}'),
      invalid: { path: '/v1/imports?dry_run=perhaps' },
      others: [
        asLines('{}', { 'content-length': '26214401' }),
        { body: '{}', headers: { 'content-type': 'text/plain' } },
      ],
    }),
    request: ({ next }) => ({
      path: '/v1/imports',
      body: JSON.stringify({ email: `requested${next()}@example.org`, name: 'Somebody New' }),
      headers: { 'content-type': 'application/x-ndjson' },
    }),
  },
  v1ExportUsers: {
    access: { needs: 'users:export', writes: true },
    provoke: () => ({ invalid: { path: '/v1/exports?include=everything' } }),
    request: () => ({ path: '/v1/exports' }),
  },
  v1ListAuditEvents: {
    access: { needs: 'audit:read' },
    provoke: () => ({ invalid: { path: '/v1/audit-events?cursor=none' } }),
    request: () => ({ path: '/v1/audit-events' }),
  },
  v1ListUsage: {
    access: { needs: 'usage:read' },
    provoke: () => ({ invalid: { path: '/v1/usage?group=week' } }),
    request: () => ({ path: '/v1/usage' }),
  },
  v1ListWebhooks: {
    access: { needs: 'webhooks:manage' },
    provoke: () => ({}),
    request: () => ({ path: '/v1/webhooks' }),
  },
  v1CreateWebhook: {
    access: { needs: 'webhooks:manage' },
    provoke: () => ({ valid: { json: quietWebhook }, invalid: { json: {} } }),
    request: () => ({ path: '/v1/webhooks', json: quietWebhook }),
  },
  v1GetWebhook: {
    access: { needs: 'webhooks:manage' },
    provoke: ({ webhook }) => ({ path: webhook, notFound: { path: '/v1/webhooks/none' } }),
    request: async (about) => ({ path: await newWebhook(about) }),
  },
  v1PatchWebhook: {
    access: { needs: 'webhooks:manage' },
    provoke: ({ webhook }) => ({
      path: webhook,
      valid: { json: { description: 'The portal.' } },
      invalid: { json: { events: [] } },
      notFound: { path: '/v1/webhooks/none' },
    }),
    request: async (about) => ({
      path: await newWebhook(about),
      method: 'PATCH',
      json: { description: 'The portal.' },
    }),
  },
  v1DeleteWebhook: {
    access: { needs: 'webhooks:manage' },
    provoke: ({ webhook }) => ({ path: webhook, notFound: { path: '/v1/webhooks/none' } }),
    request: async (about) => ({ path: await newWebhook(about), method: 'DELETE' }),
  },
  v1GetWebhookSecret: {
    access: { needs: 'webhooks:manage' },
    provoke: ({ webhook }) => ({
      path: `${webhook}/secret`,
      notFound: { path: '/v1/webhooks/none/secret' },
    }),
    request: async (about) => ({ path: `${await newWebhook(about)}/secret` }),
  },
  v1ListWebhookFailures: {
    access: { needs: 'webhooks:manage' },
    provoke: ({ webhook }) => ({
      path: `${webhook}/failures`,
      invalid: { path: `${webhook}/failures?limit=0` },
      notFound: { path: '/v1/webhooks/none/failures' },
    }),
    request: async (about) => ({ path: `${await newWebhook(about)}/failures` }),
  },
  v1ReplaceWebhookSecret: {
    access: { needs: 'webhooks:manage' },
    provoke: ({ webhook }) => ({
      path: `${webhook}/secret`,
      notFound: { path: '/v1/webhooks/none/secret' },
    }),
    request: async (about) => ({ path: `${await newWebhook(about)}/secret`, method: 'POST' }),
  },
  v1RetryWebhook: {
    access: { needs: 'webhooks:manage' },
    provoke: ({ webhook }) => ({ path: `${webhook}/retry`, notFound: { path: '/v1/webhooks/none/retry' } }),
    request: async (about) => {
      const path = await newWebhook(about)
      await about.rows(
        `INSERT INTO webhook_failures (webhook_id, sequence, attempts, last_attempt_at, last_outcome)
       SELECT ?, max(sequence), 10, 1, 'timeout' FROM audit_events WHERE action = 'user.created'`,
        path.split('/').at(-1),
      )
      return { path: `${path}/retry`, method: 'POST' }
    },
  },
  v1PingWebhook: {
    access: { needs: 'webhooks:manage' },
    provoke: ({ webhook }) => ({ path: `${webhook}/ping`, notFound: { path: '/v1/webhooks/none/ping' } }),
    request: async (about) => ({ path: `${await newWebhook(about)}/ping`, method: 'POST' }),
  },
  v1Introspect: {
    access: { needs: 'tokens:introspect', writes: false },
    provoke: ({ apiKey }) => ({
      path: '/v1/auth/introspect',
      valid: { json: { token: apiKey.key } },
      invalid: { json: {} },
    }),
    request: () => ({ path: '/v1/auth/introspect', form: { token: 'unknown' } }),
  },
  v1GetDiagnostics: {
    access: { needs: permissions },
    provoke: () => ({}),
    request: () => ({ path: '/v1/diagnostics' }),
  },
  v1MeasureHashing: {
    access: { needs: permissions },
    provoke: () => ({}),
    request: () => ({ path: '/v1/diagnostics/hashing' }),
  },
  v1CheckDirectory: {
    access: { needs: permissions },
    provoke: () => ({
      path: '/v1/diagnostics/directory?check=hashes',
      invalid: { path: '/v1/diagnostics/directory?check=health' },
    }),
    request: () => ({ path: '/v1/diagnostics/directory?check=search' }),
  },
  v1CheckUpstreams: {
    access: { needs: permissions },
    provoke: () => ({}),
    request: () => ({ path: '/v1/diagnostics/upstreams' }),
  },
  v1GetMigration: {
    access: { needs: 'users:read' },
    provoke: () => ({}),
    request: () => ({ path: '/v1/migration' }),
  },
  v1GetHookSecret: {
    access: { needs: 'webhooks:manage' },
    provoke: () => ({
      path: '/v1/migration/quiet-hook/secret',
      notFound: { path: '/v1/migration/none/secret' },
    }),
    request: () => ({ path: '/v1/migration/quiet-hook/secret' }),
  },
}

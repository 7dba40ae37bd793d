/** For every operation of the document a request that succeeds, made for whoever may make it. */
import { operationFor, operationsOf } from './conformance'
import { adminRole, nobody, plainRole, v1Path, type Ask, type ContractActs, type Role, type Someone } from './contracts'
import { servedContracts, call, methodOf, openApi, rows } from './usher'

/** What a request is about: somebody, and whatever else an admin must make first. */
export interface Subject {
  admin: string
  one: Someone & { refresh_token: string }
  /** They stay as they are, in a request that is to be refused. */
  untouched?: boolean
}

export type Make = (subject: Subject) => Ask | Promise<Ask>

let made = 0
const next = () => (made += 1)

/** What the admin's POST of `json` is answered with. */
async function madeBy<Body>(admin: string, path: string, json?: object): Promise<Body> {
  const { status, body, text } = await call<Body>(path, { method: 'POST', token: admin, json })
  if (status !== 201) throw new Error(`${path}: ${status} ${text}`)
  return body
}

/** Nobody listens there, and nothing is sent there but a ping. */
export const quietWebhook = { url: 'http://127.0.0.1:9/hook', status: 'inactive' }

const newWebhook = async (admin: string) =>
  `/v1/webhooks/${(await madeBy<{ id: string }>(admin, '/v1/webhooks', quietWebhook)).id}`

const newRole = (admin: string) => madeBy<Role>(admin, '/v1/roles', { name: `role ${next()}`, permissions: [] })

/** What every contract has in one form or another, each with an example that tells which operation it is. */
function common(acts: ContractActs): [example: Ask, make: Make][] {
  const { activate, delete: remove, refresh } = acts
  const about = (ask: (one: Subject['one']) => Ask): [Ask, Make] => [
    ask({ ...nobody, refresh_token: '' }),
    ({ one }) => ask(one),
  ]
  const afterDeactivation =
    (ask: (one: Someone) => Ask): Make =>
    async ({ admin, one, untouched }) => {
      const { path, ...deactivation } = acts.deactivate(one)
      if (!untouched) await call(path, { ...deactivation, token: admin })
      return ask(one)
    }
  return [
    about(acts.list),
    about(acts.read),
    about(() => acts.create(`requested${next()}@example.org`)),
    ...Object.values(acts.edits).map((edit) => about((one) => edit(one))),
    ...acts.setRole.flatMap((set): [Ask, Make][] => {
      const example = set(nobody, plainRole)
      return example ? [[example, async ({ admin, one }) => set(one, await newRole(admin)) ?? example]] : []
    }),
    about(acts.deactivate),
    ...(activate ? [[activate(nobody), afterDeactivation(activate)] satisfies [Ask, Make]] : []),
    ...(remove ? [about(remove)] : []),
    about(({ email, password }) => acts.signIn(email, password)),
    ...(refresh ? [about(({ refresh_token }) => refresh.ask(refresh_token))] : []),
    about(acts.signOut),
  ]
}

/** Those that only one contract has. */
const others: Record<string, Make> = {
  v1GetMe: () => ({ path: '/v1/me' }),
  v1ChangePassword: ({ one }) => ({
    path: '/v1/me/password',
    method: 'PUT',
    json: { current_password: one.password, new_password: 'another fine passphrase' },
  }),
  v1IssuePasswordToken: ({ one }) => ({ path: `${v1Path(one)}/password-token`, method: 'POST' }),
  v1RevokePasswordTokens: async ({ admin, one, untouched }) => {
    const path = `${v1Path(one)}/password-token`
    if (!untouched) await call(path, { method: 'POST', token: admin })
    return { path, method: 'DELETE' }
  },
  v1SetPassword: async ({ admin, one }) => {
    const { token } = await madeBy<{ token: string }>(admin, `${v1Path(one)}/password-token`)
    return { path: '/v1/auth/password', json: { token, new_password: 'another fine passphrase' } }
  },
  v1ListSessions: ({ one }) => ({ path: `${v1Path(one)}/sessions` }),
  v1EndSessions: ({ one }) => ({ path: `${v1Path(one)}/sessions`, method: 'DELETE' }),
  v1EndSession: async ({ admin, one }) => {
    const { body } = await call(`${v1Path(one)}/sessions`, { token: admin })
    return { path: `${v1Path(one)}/sessions/${body.data[0].id}`, method: 'DELETE' }
  },
  v1ListRoles: () => ({ path: '/v1/roles' }),
  v1CreateRole: () => ({ path: '/v1/roles', json: { name: `role ${next()}`, permissions: [] } }),
  v1GetRole: () => ({ path: `/v1/roles/${adminRole.id}` }),
  v1PatchRole: async ({ admin }) => ({
    path: `/v1/roles/${(await newRole(admin)).id}`,
    method: 'PATCH',
    json: { description: 'At the door.' },
  }),
  v1DeleteRole: async ({ admin }) => ({ path: `/v1/roles/${(await newRole(admin)).id}`, method: 'DELETE' }),
  v1CreateApiKey: () => ({ path: '/v1/api-keys', json: { name: 'a key', permissions: [] } }),
  v1ListApiKeys: () => ({ path: '/v1/api-keys' }),
  v1RevokeApiKey: async ({ admin }) => {
    const { id } = await madeBy<{ id: string }>(admin, '/v1/api-keys', { name: 'a key', permissions: [] })
    return { path: `/v1/api-keys/${id}`, method: 'DELETE' }
  },
  v1ListUserApiKeys: ({ one }) => ({ path: `${v1Path(one)}/api-keys` }),
  v1RevokeUserApiKeys: async ({ one }) => {
    await rows(
      `INSERT INTO api_keys (id, hash, user_number, generation, name, permissions, created_at)
       SELECT ?1, ?1, number, key_generation, 'a key', 0, 1 FROM users WHERE id = ?2`,
      crypto.randomUUID(),
      one.uuid,
    )
    return { path: `${v1Path(one)}/api-keys`, method: 'DELETE' }
  },
  v1ImportUsers: () => ({
    path: '/v1/imports',
    body: JSON.stringify({ email: `requested${next()}@example.org`, name: 'Somebody New' }),
    headers: { 'content-type': 'application/x-ndjson' },
  }),
  v1ExportUsers: () => ({ path: '/v1/exports' }),
  v1ListAuditEvents: () => ({ path: '/v1/audit-events' }),
  v1ListWebhooks: () => ({ path: '/v1/webhooks' }),
  v1CreateWebhook: () => ({ path: '/v1/webhooks', json: quietWebhook }),
  v1GetWebhook: async ({ admin }) => ({ path: await newWebhook(admin) }),
  v1PatchWebhook: async ({ admin }) => ({
    path: await newWebhook(admin),
    method: 'PATCH',
    json: { description: 'The portal.' },
  }),
  v1DeleteWebhook: async ({ admin }) => ({ path: await newWebhook(admin), method: 'DELETE' }),
  v1GetWebhookSecret: async ({ admin }) => ({ path: `${await newWebhook(admin)}/secret` }),
  v1ReplaceWebhookSecret: async ({ admin }) => ({ path: `${await newWebhook(admin)}/secret`, method: 'POST' }),
  v1ListWebhookFailures: async ({ admin }) => ({ path: `${await newWebhook(admin)}/failures` }),
  v1RetryWebhook: async ({ admin }) => {
    const path = await newWebhook(admin)
    await rows(
      `INSERT INTO webhook_failures (webhook_id, sequence, attempts, last_attempt_at, last_outcome)
       SELECT ?, max(sequence), 10, 1, 'timeout' FROM audit_events WHERE action = 'user.created'`,
      path.split('/').at(-1),
    )
    return { path: `${path}/retry`, method: 'POST' }
  },
  v1PingWebhook: async ({ admin }) => ({ path: `${await newWebhook(admin)}/ping`, method: 'POST' }),
  v1GetDiagnostics: () => ({ path: '/v1/diagnostics' }),
  v1MeasureHashing: () => ({ path: '/v1/diagnostics/hashing' }),
  v1CheckDirectory: () => ({ path: '/v1/diagnostics/directory?check=search' }),
}

const document = await openApi()
const makes = new Map(Object.entries(others))
for (const [, acts] of await servedContracts()) {
  for (const [example, make] of common(acts)) {
    const { operationId = example.path } = operationFor(document, methodOf(example), example.path) ?? {}
    if (!makes.has(operationId)) makes.set(operationId, make)
  }
}

/** Every operation of the document; one that this file cannot make a request for fails every suite that asks. */
export const operations = operationsOf(document).map((operation) => {
  const make = makes.get(operation.operationId)
  if (!make) throw new Error(`${operation.operationId} has no request in test/support/requests.ts`)
  return { ...operation, request: make }
})

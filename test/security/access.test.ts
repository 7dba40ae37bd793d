/** Who may do what: every operation of the document, asked by everyone who might try, and what is left of it in the tables. */
import { beforeAll, describe, expect, it } from 'vitest'
import { reset } from 'cloudflare:test'
import { permissions, type Permission } from '../../src/core/access/permissions'
import { actsIn, type Ask } from '../support/contracts'
import { operations } from '../support/requests'
import { snapshot } from '../support/snapshot'
import { adminToken, call, migrate, rows, signedInPerson, testEnv, type Call } from '../support/usher'

/** What an operation takes, whoever asks. */
interface Access {
  /** Nothing: it is how one gets in. */
  open?: true
  needs?: Permission | readonly Permission[]
  /** `waived`: not needed of whom it concerns. `only`: it concerns whoever asks. */
  self?: 'waived' | 'only'
  /** Not for API keys, which are no one's self. */
  key?: 'never'
}

const access: Record<string, Access> = {
  personnelListUsers: { needs: 'users:read' },
  personnelGetUser: { needs: 'users:read', self: 'waived' },
  personnelCreateUser: { needs: 'users:create' },
  personnelUpdateUser: { needs: 'users:update', self: 'waived' },
  personnelDeactivateUser: { needs: 'users:deactivate' },
  personnelToken: { open: true },
  personnelLogout: { self: 'only', key: 'never' },

  v1ListUsers: { needs: 'users:read' },
  v1GetUser: { needs: 'users:read', self: 'waived' },
  v1CreateUser: { needs: 'users:create' },
  v1PutUser: { needs: 'users:update', self: 'waived' },
  v1PatchUser: { needs: 'users:update', self: 'waived' },
  v1DeleteUser: { needs: 'users:delete' },
  v1SetUserRoles: { needs: 'roles:assign' },
  v1ActivateUser: { needs: 'users:deactivate' },
  v1DeactivateUser: { needs: 'users:deactivate' },
  v1ListSessions: { needs: 'sessions:manage', self: 'waived' },
  v1EndSessions: { needs: 'sessions:manage', self: 'waived' },
  v1EndSession: { needs: 'sessions:manage', self: 'waived' },
  v1IssuePasswordToken: { needs: 'users:update' },
  v1RevokePasswordTokens: { needs: 'users:update' },
  v1Login: { open: true },
  v1Refresh: { open: true },
  v1SetPassword: { open: true },
  v1Logout: { self: 'only', key: 'never' },
  v1GetMe: { self: 'only' },
  v1PatchMe: { self: 'only', key: 'never' },
  v1ChangePassword: { self: 'only', key: 'never' },
  v1ListRoles: { needs: 'roles:read' },
  v1CreateRole: { needs: 'roles:manage' },
  v1GetRole: { needs: 'roles:read' },
  v1PatchRole: { needs: 'roles:manage' },
  v1DeleteRole: { needs: 'roles:manage' },
  v1CreateApiKey: { needs: 'api_keys:manage' },
  v1ListApiKeys: { needs: 'api_keys:manage' },
  v1RevokeApiKey: { needs: 'api_keys:manage' },
  v1ListUserApiKeys: { needs: 'api_keys:manage' },
  v1RevokeUserApiKeys: { needs: 'api_keys:manage' },
  v1ImportUsers: { needs: 'users:import' },
  v1ExportUsers: { needs: 'users:export' },
  v1ListAuditEvents: { needs: 'audit:read' },
  v1ListWebhooks: { needs: 'webhooks:manage' },
  v1CreateWebhook: { needs: 'webhooks:manage' },
  v1GetWebhook: { needs: 'webhooks:manage' },
  v1PatchWebhook: { needs: 'webhooks:manage' },
  v1DeleteWebhook: { needs: 'webhooks:manage' },
  v1GetWebhookSecret: { needs: 'webhooks:manage' },
  v1ListWebhookFailures: { needs: 'webhooks:manage' },
  v1ReplaceWebhookSecret: { needs: 'webhooks:manage' },
  v1RetryWebhook: { needs: 'webhooks:manage' },
  v1PingWebhook: { needs: 'webhooks:manage' },
  v1GetDiagnostics: { needs: permissions },
  v1MeasureHashing: { needs: permissions },
  v1CheckDirectory: { needs: permissions },

  rbacListUsers: { needs: 'users:read' },
  rbacGetUser: { needs: 'users:read', self: 'waived' },
  rbacCreateUser: { needs: 'users:create' },
  rbacUpdateUser: { needs: 'users:update', self: 'waived' },
  rbacDeleteUser: { needs: 'users:delete' },
  rbacLogin: { open: true },
  rbacRefresh: { open: true },
  rbacLogout: { self: 'only', key: 'never' },

  clinicCreateUser: { needs: 'users:create' },
  clinicLogin: { open: true },
  clinicLogout: { self: 'only', key: 'never' },
  clinicGetUser: { needs: 'users:read', self: 'waived' },
  clinicSearchUsers: { needs: 'users:read' },
  clinicEditUser: { needs: 'users:update', self: 'waived' },
  clinicDeactivateUser: { needs: 'users:deactivate' },
  clinicActivateUser: { needs: 'users:deactivate' },

  backofficeListUsers: { needs: 'users:read' },
  backofficeGetUser: { needs: 'users:read' },
  backofficeCreateUser: { needs: 'users:create' },
  backofficeUpdateUser: { needs: 'users:update' },
  backofficeDeleteUser: { needs: 'users:delete' },
  backofficeLogin: { open: true },
  backofficeLogout: { self: 'only', key: 'never' },
}

const named = operations.map((operation) => [operation.operationId, operation] as const)
const guarded = named.filter(([id]) => !access[id]?.open)

const json = { 'content-type': 'application/json' }
const invalidToken = 'Bearer error="invalid_token"'

type Person = Awaited<ReturnType<typeof signedInPerson>>

let admin: string
/** Whose authority is gone, by what took it. */
let gone: Record<'signed out' | 'deactivated' | 'deleted', string>
let keyOfDemoted: string
/** Who acts, or is acted upon, only where it comes to nothing. */
let boss: Person, plain: Person, bystander: Person

const keys = new Map<string, string>()

async function keyOf(token: string, allowed: readonly Permission[]): Promise<string> {
  const known = keys.get(`${token} ${allowed}`)
  if (known !== undefined) return known
  const { key } = (await call('/v1/api-keys', { token, json: { name: 'a key', permissions: allowed } })).body
  keys.set(`${token} ${allowed}`, key)
  return key
}

beforeAll(async () => {
  await reset()
  await migrate()
  admin = await adminToken()
  const [out, off, deleted] = [await signedInPerson(admin), await signedInPerson(admin), await signedInPerson(admin)]
  await call('/v1/auth/logout', { method: 'POST', token: out.access_token })
  await call(`/v1/users/${off.id}/deactivate`, { method: 'POST', token: admin })
  await call(`/v1/users/${deleted.id}`, { method: 'DELETE', token: admin })
  gone = { 'signed out': out.access_token, deactivated: off.access_token, deleted: deleted.access_token }
  const demoted = await signedInPerson(admin, { role: 'admin' })
  keyOfDemoted = await keyOf(demoted.access_token, permissions)
  await call(`/v1/users/${demoted.id}`, { method: 'PATCH', token: admin, json: { role: 'user' } })
  boss = await signedInPerson(admin, { role: 'admin' })
  plain = await signedInPerson(admin)
  bystander = await signedInPerson(admin)
})

/** Asks, and says what came of it: of the request, and of the directory. */
async function attempt(ask: Ask, as: Call = {}) {
  const before = await snapshot()
  const answer = await call(ask.path, { ...ask, ...as })
  const changed = JSON.stringify(await snapshot()) !== JSON.stringify(before)
  return { outcome: actsIn(ask.path).outcome(answer), changed, challenge: answer.headers.get('www-authenticate') }
}

/** What takes authority away behind the Worker's back, what gives it back, and what is said to those who lost it so. */
const losses = {
  deactivation: { take: 'SET active = 0', give: 'SET active = 1', outcome: 'unauthenticated' },
  demotion: { take: 'SET primary_role = 2', give: 'SET primary_role = 1', outcome: 'forbidden' },
}

/** Asks while an admin is overtaken by a loss just before the batch of this number; then all is as it was. */
async function overtakenAt(last: number, { take, give }: (typeof losses)['demotion'], ask: Ask, one: Person) {
  let batches = 0
  const overtaken = {
    prepare: (sql: string) => testEnv.DB.prepare(sql),
    batch: async (statements: D1PreparedStatement[]) => {
      batches += 1
      if (batches === last) await rows(`UPDATE users ${take} WHERE number = ?`, one.number)
      return testEnv.DB.batch(statements)
    },
  }
  const answer = await call(ask.path, { ...ask, token: one.access_token, env: { DB: overtaken } })
  await rows(`UPDATE users ${give} WHERE number = ?`, one.number)
  return { outcome: actsIn(ask.path).outcome(answer), batches }
}

describe('the table', () => {
  it('has every operation of the document and no other: a new one must be added', () => {
    expect(Object.keys(access).sort()).toEqual(operations.map(({ operationId }) => operationId).sort())
  })

  it('agrees with the document on what needs no credential', () => {
    const open = operations.filter(({ security }) => security?.length === 0).map(({ operationId }) => operationId)
    expect(named.filter(([id]) => access[id]?.open).map(([id]) => id)).toEqual(open)
  })
})

describe.each(guarded)('%s', (id, { method, path, request, requestBody }) => {
  const { needs, self, key } = access[id] ?? {}
  // Signing out may be a GET, and an export is recorded.
  const writes = method !== 'GET' || path === actsIn(path).signOut().path || id === 'v1ExportUsers'
  const done = { outcome: 'done', changed: writes, challenge: null }
  const forbidden = { outcome: 'forbidden', changed: false, challenge: null }
  const unauthenticated = { outcome: 'unauthenticated', changed: false, challenge: invalidToken }
  const anew = async (one?: Person) => request({ admin, one: one ?? (await signedInPerson(admin)) })
  const inVain = async (one: Person) => request({ admin, one, untouched: true })

  it('is refused to nobody, and to those whose authority is gone, with the challenge each is due', async () => {
    const ask = await inVain(bystander)
    expect(await attempt(ask)).toEqual({ ...unauthenticated, challenge: 'Bearer' })
    for (const token of Object.values(gone)) expect(await attempt(ask, { token })).toEqual(unauthenticated)
  })

  it(`is ${self ? 'done' : 'refused'} for a plain user who is concerned`, async () => {
    const one = self ? await signedInPerson(admin) : plain
    const ask = await (self ? anew(one) : inVain(one))
    expect(await attempt(ask, { token: one.access_token })).toEqual(self ? done : forbidden)
  })

  if (needs) {
    it(`is refused, for want of ${needs.toString()}, to a plain user who is not concerned`, async () => {
      expect(await attempt(await inVain(bystander), { token: plain.access_token })).toEqual(forbidden)
    })
  }

  it('is done for an admin', async () => {
    const one = self === 'only' ? await signedInPerson(admin, { role: 'admin' }) : undefined
    expect(await attempt(await anew(one), { token: one?.access_token ?? admin })).toEqual(done)
  })

  it('goes by the permissions of an API key as far as its owner still holds them, and never by whose it is', async () => {
    const needed = [needs ?? []].flat()
    const narrow = await keyOf(boss.access_token, needed)
    const others = permissions.filter((permission) => permission !== needed[0])
    const wide = await keyOf(boss.access_token, others)
    const allowed = key === 'never' ? forbidden : done
    const without = needs ? forbidden : allowed
    expect(await attempt(await anew(), { token: narrow })).toEqual(allowed)
    for (const [token, one] of [
      [wide, bystander],
      [wide, boss],
      [keyOfDemoted, bystander],
    ] as const) {
      expect(await attempt(await inVain(one), { token })).toEqual(without)
    }
  })

  if (requestBody) {
    it('tells what is wrong with a request only to those who may make it', async () => {
      const unfit = { path: (await inVain(bystander)).path, method, body: '{', headers: json }
      expect(await attempt(unfit, { token: admin })).toMatchObject({ outcome: 'refused', changed: false })
      expect(await attempt(unfit, { token: gone.deactivated })).toEqual(unauthenticated)
      // Where whom it concerns stands in the body, whether that is oneself cannot be known before.
      const outcome = !needs || (self && !path.includes('{')) ? 'refused' : 'forbidden'
      expect(await attempt(unfit, { token: plain.access_token })).toMatchObject({ outcome, changed: false })
    })
  }

  if (writes) {
    it('commits nothing on an authority that is gone by the time of any of its batches', async () => {
      const one = self === 'only' ? await signedInPerson(admin, { role: 'admin' }) : undefined
      const { outcome, batches } = await overtakenAt(Infinity, losses.deactivation, await anew(one), one ?? boss)
      expect(outcome).toBe('done')
      const ask = await anew(self === 'only' ? boss : undefined)
      // The deactivation of the boss ends the tokens that earlier tests gave to the boss.
      await call(`/v1/users/${boss.id}/password-token`, { method: 'DELETE', token: admin })
      const before = await snapshot()
      for (const loss of needs ? [losses.deactivation, losses.demotion] : [losses.deactivation]) {
        for (let last = 1; last <= batches; last += 1) {
          expect(await overtakenAt(last, loss, ask, boss)).toEqual({ outcome: loss.outcome, batches: last })
        }
      }
      expect(await snapshot()).toEqual(before)
    })
  }
})

describe.each(named.filter(([id]) => access[id]?.open))('%s', (_, { request }) => {
  it('takes no credential, and minds none', async () => {
    for (const token of [undefined, gone.deactivated, 'nonsense']) {
      const ask = await request({ admin, one: await signedInPerson(admin) })
      expect(await attempt(ask, { token })).toEqual({ outcome: 'done', changed: true, challenge: null })
    }
  })
})

/** v1: the audit trail. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { adminToken, call, firstAdmin, freshDirectory, openApi, person, signedInPerson } from '../../support/usher'
import { quietWebhook } from './operations'
import { namesEveryTest } from '../../support/statements'
import { expectInvalid, expectProblem, keyWith, lacking, statements, roleWith, someoneWith } from '../../support/v1'

freshDirectory()
afterEach(() => void vi.useRealTimers())

let admin: string
let adminId: string
beforeEach(async () => {
  admin = await adminToken()
  adminId = (await call('/v1/me', { token: admin })).body.id
})

interface Event {
  id: string
  at: string
  actor_id: string | null
  action: string
  user_id: string | null
  contract: string
  fields: string[]
  subject_id: string | null
  credential: { kind: 'session' | 'key'; id: string } | null
  request_id: string
  address: string | null
}

const list = (query = '', token = admin) =>
  call<{ data: Event[]; pagination: { next_cursor: string | null } }>(`/v1/audit-events?${query}`, { token })

/** The events that `work` added to the trail, oldest first. */
async function writtenBy(work: () => Promise<unknown>): Promise<Event[]> {
  const newest = (await list('limit=1')).body.data[0]?.id
  await work()
  const { data } = (await list('limit=100')).body
  return data
    .slice(
      0,
      data.findIndex(({ id }) => id === newest),
    )
    .toReversed()
}

const asAdmin = (method: string, path: string, json?: object) => call(path, { token: admin, method, json })
type Person = Awaited<ReturnType<typeof signedInPerson>>
const login = (user: Person, password = user.input.password) =>
  call('/v1/auth/login', { json: { identifier: user.input.email, password } })

const refresh = (user: Person) => call('/v1/auth/refresh', { json: { refresh_token: user.refresh_token } })

const lockOut = async (user: Person) => {
  for (let tried = 0; tried < 5; tried += 1) await login(user, 'not the password')
}

/** Runs `work` after the grace period of a used refresh token. */
async function muchLater(work: () => Promise<unknown>): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 })
  await work()
  vi.useRealTimers()
}

/** Every field of an export without hashes, in alphabetical order. */
const exportedFields = [
  ...['birth_date', 'certified_email', 'country_id', 'created_at', 'email', 'first_name', 'gender', 'id', 'is_staff'],
  ...['last_name', 'matricule', 'mobile', 'name', 'number', 'phone', 'roles', 'status', 'updated_at', 'user_type'],
  ...['username', 'version'],
]

interface Scenario {
  /** Prepares the user for the action. */
  after?: (user: Person) => Promise<unknown>
  does: (user: Person) => Promise<unknown>
  actor: 'admin' | 'one' | 'nobody'
  to: 'admin' | 'one' | 'nobody' | 'the new one'
  fields?: string[]
  /** Actions that are recorded along with it. */
  also?: string[]
}

const roleId = async (name: string): Promise<string> =>
  (await call('/v1/roles', { token: admin })).body.data.find((role: { name: string }) => role.name === name).id

const theWebhook = async () => `/v1/webhooks/${(await asAdmin('GET', '/v1/webhooks')).body.data[0].id}`

/** For each action, a request that causes its event. */
const scenarios: Record<string, Scenario> = {
  'user.created': {
    does: () => asAdmin('POST', '/v1/users', person({ user_type: 'student', first_name: 'Ada', role: 'admin' })),
    actor: 'admin',
    to: 'the new one',
    fields: ['email', 'first_name', 'name', 'password', 'role', 'user_type'],
  },
  'user.updated': {
    does: (user) =>
      asAdmin('PATCH', `/v1/users/${user.id}`, {
        email: 'new@example.org',
        username: 'new',
        matricule: 7,
        name: 'New Name',
        certified_email: 'c@example.org',
        birth_date: '1990-01-01',
        gender: 'female',
        phone: '1',
        mobile: '2',
        user_type: 'student',
        is_staff: true,
        country_id: 33,
      }),
    actor: 'admin',
    to: 'one',
    fields: [
      ...['birth_date', 'certified_email', 'country_id', 'email', 'first_name', 'gender', 'is_staff', 'last_name'],
      ...['matricule', 'mobile', 'name', 'phone', 'user_type', 'username'],
    ],
  },
  'user.deactivated': {
    does: (user) => asAdmin('POST', `/v1/users/${user.id}/deactivate`),
    actor: 'admin',
    to: 'one',
    fields: ['status'],
  },
  'user.activated': {
    after: (user) => asAdmin('POST', `/v1/users/${user.id}/deactivate`),
    does: (user) => asAdmin('POST', `/v1/users/${user.id}/activate`),
    actor: 'admin',
    to: 'one',
    fields: ['status'],
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
  'session.created': { does: (user) => login(user), actor: 'one', to: 'one' },
  'session.ended': { does: (user) => asAdmin('DELETE', `/v1/users/${user.id}/sessions`), actor: 'admin', to: 'one' },
  'key.created': {
    does: () => keyWith(admin, ['users:read']),
    actor: 'admin',
    to: 'admin',
    fields: ['expires_at', 'name', 'permissions'],
  },
  'key.revoked': {
    after: () => keyWith(admin, []),
    does: async () => asAdmin('DELETE', `/v1/api-keys/${(await asAdmin('GET', '/v1/api-keys')).body.data[0].id}`),
    actor: 'admin',
    to: 'admin',
  },
  'role.created': {
    does: () => roleWith(admin, ['users:read']),
    actor: 'admin',
    to: 'nobody',
    fields: ['description', 'name', 'permissions'],
  },
  'role.updated': {
    after: () => roleWith(admin, [], 'door'),
    does: async () => asAdmin('PATCH', `/v1/roles/${await roleId('door')}`, { permissions: ['users:read'] }),
    actor: 'admin',
    to: 'nobody',
    fields: ['permissions'],
  },
  'role.deleted': {
    after: () => roleWith(admin, [], 'gate'),
    does: async () => asAdmin('DELETE', `/v1/roles/${await roleId('gate')}`),
    actor: 'admin',
    to: 'nobody',
  },
  'webhook.created': {
    does: () => asAdmin('POST', '/v1/webhooks', quietWebhook),
    actor: 'admin',
    to: 'nobody',
    fields: ['description', 'events', 'status', 'url'],
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
    after: lockOut,
    does: (user) => asAdmin('POST', `/v1/users/${user.id}/activate`),
    actor: 'admin',
    to: 'one',
  },
  'session.reuse_detected': {
    after: (user) => refresh(user),
    does: (user) => muchLater(() => refresh(user)),
    actor: 'nobody',
    to: 'one',
    also: ['session.ended'],
  },
  'users.exported': {
    does: () => asAdmin('GET', '/v1/exports'),
    actor: 'admin',
    to: 'nobody',
    fields: exportedFields,
  },
}

describe('the audit trail', () => {
  /** Performs each action and expects one event with its actor, user, contract and fields. */
  async function expectEvents(actions: string[]) {
    for (const action of actions) {
      const { after, does, actor, to, fields = [], also = [] } = scenarios[action] as Scenario
      const user = await signedInPerson(admin)
      await after?.(user)
      const written = await writtenBy(() => does(user))
      const theNewOne = (await call('/v1/users?sort=-created_at&limit=1', { token: admin })).body.data[0].id
      const who = { admin: adminId, one: user.id, nobody: null, 'the new one': theNewOne }
      expect(
        written.map(({ action, actor_id, user_id, contract, fields }) => {
          return { action, actor_id, user_id, contract, fields: fields.toSorted() }
        }),
      ).toEqual([
        { action, actor_id: who[actor], user_id: who[to], contract: 'v1', fields },
        ...also.map((further) => ({
          action: further,
          actor_id: who[actor],
          user_id: who[to],
          contract: 'v1',
          fields: [],
        })),
      ])
      await call(`/v1/users/${user.id}`, { method: 'DELETE', token: admin })
    }
  }
  const actionsOf = (...subjects: string[]) =>
    Object.keys(scenarios).filter((action) => subjects.includes(action.split('.')[0] as string))

  it('records every change of a user with its actor, user, contract and fields', async () => {
    await expectEvents(actionsOf('user'))
  })

  it('records the start and end of a session, and a lockout', async () => {
    await expectEvents(actionsOf('session', 'account'))
  })

  it('records an export', async () => {
    await expectEvents(actionsOf('users'))
  })

  it('records every change of a role, a key or a webhook', async () => {
    await expectEvents(actionsOf('role', 'key', 'webhook'))
  })

  it('records no other action than those in the document', async () => {
    const actions = (await openApi()).components.schemas['V1AuditAction'] as { enum: string[] }
    // test/adoption.test.ts covers the adoption of a password, because it needs an upstream.
    expect(actions.enum.toSorted()).toEqual([...Object.keys(scenarios), 'user.password_adopted'].sort())
    expect(actionsOf('user', 'session', 'account', 'users', 'role', 'key', 'webhook')).toEqual(Object.keys(scenarios))
  })

  it('lists hashes among the exported fields only when the export contained them', async () => {
    const fieldsOf = async (query: string) => {
      const [event] = await writtenBy(() => asAdmin('GET', `/v1/exports${query}`))
      return event?.fields.toSorted()
    }
    expect(await fieldsOf('')).toEqual(exportedFields)
    expect(await fieldsOf('?include=password_hashes')).toEqual(
      [...exportedFields, 'password_from', 'password_hash', 'pin_hash'].sort(),
    )
    const exporter = await someoneWith(admin, ['users:export'])
    const refused = () => call('/v1/exports?include=password_hashes', { token: exporter.access_token })
    expect(await writtenBy(refused)).toEqual([])
  })

  it('records no unlock for an account that is not locked', async () => {
    const user = await signedInPerson(admin)
    await login(user, 'not the password')
    const unlocking = async () => {
      await asAdmin('POST', `/v1/users/${user.id}/activate`)
      await asAdmin('PATCH', `/v1/users/${user.id}`, { password: 'another fine passphrase' })
    }
    expect((await writtenBy(unlocking)).map(({ action }) => action)).toEqual(['user.password_set'])
    await lockOut(user)
    expect((await writtenBy(unlocking)).map(({ action }) => action)).toEqual(['account.unlocked', 'user.password_set'])
  })

  it('records an unlock when an administrator’s password change unlocks the account, through any contract', async () => {
    const user = await signedInPerson(admin)
    const json = { user_id: user.uuid, password: 'another fine passphrase' }
    await lockOut(user)
    const written = await writtenBy(() => call('/personnel/users/update', { method: 'PUT', token: admin, json }))
    expect(written.map(({ action, contract }) => [action, contract]).sort()).toEqual([
      ['account.unlocked', 'personnel'],
      ['user.password_set', 'personnel'],
    ])
  })

  it('names the role, key, session or webhook of an event', async () => {
    const user = await signedInPerson(admin)
    const { body: role } = await asAdmin('POST', '/v1/roles', { name: 'porter', permissions: [] })
    const { body: webhook } = await asAdmin('POST', '/v1/webhooks', quietWebhook)
    const key = await keyWith(admin, [])
    const sessions = (await call(`/v1/users/${user.id}/sessions`, { token: admin })).body.data as { id: string }[]
    const about = async (work: () => Promise<unknown>) =>
      (await writtenBy(work)).map(({ action, subject_id }) => [action, subject_id])
    expect((await list('limit=4')).body.data.map(({ subject_id }) => subject_id)).toEqual([
      ...[key.id, webhook.id, role.id],
      sessions[0]?.id,
    ])
    expect(await about(() => asAdmin('PATCH', `/v1/roles/${role.id}`, { description: 'At the door' }))).toEqual([
      ['role.updated', role.id],
    ])
    expect(await about(() => asAdmin('DELETE', `/v1/roles/${role.id}`))).toEqual([['role.deleted', role.id]])
    expect(await about(() => asAdmin('PATCH', `/v1/webhooks/${webhook.id}`, { description: 'A portal' }))).toEqual([
      ['webhook.updated', webhook.id],
    ])
    expect(await about(() => asAdmin('DELETE', `/v1/webhooks/${webhook.id}`))).toEqual([
      ['webhook.deleted', webhook.id],
    ])
    expect(await about(() => asAdmin('DELETE', `/v1/api-keys/${key.id}`))).toEqual([['key.revoked', key.id]])
    expect(await about(() => asAdmin('DELETE', `/v1/users/${user.id}/sessions/${sessions[0]?.id}`))).toEqual([
      ['session.ended', sessions[0]?.id],
    ])
    expect(await about(() => asAdmin('PATCH', `/v1/users/${user.id}`, { phone: '1' }))).toEqual([
      ['user.updated', null],
    ])
  })

  it('names the session or key that authorised the request, and the request', async () => {
    const { body } = await call(`/v1/users/${adminId}/sessions`, { token: admin })
    const session = (body.data as { id: string; current: boolean }[]).find(({ current }) => current)?.id
    const key = await keyWith(admin, ['users:create', 'users:import'])
    const create = (token: string) => call('/v1/users', { token, json: person() })
    const answers = [await create(admin), await create(key.key)]
    const line = JSON.stringify({ email: 'imported@example.org', name: 'Imported Person' })
    const headers = { 'content-type': 'application/x-ndjson' }
    answers.push(await call('/v1/imports', { method: 'POST', token: key.key, body: line, headers }))
    const events = (await list('limit=3')).body.data.toReversed()
    expect(events.map(({ action, credential }) => [action, credential])).toEqual([
      ['user.created', { kind: 'session', id: session }],
      ['user.created', { kind: 'key', id: key.id }],
      ['user.created', { kind: 'key', id: key.id }],
    ])
    expect(events.map(({ request_id }) => request_id)).toEqual(
      answers.map(({ headers }) => headers.get('x-request-id')),
    )
  })

  it('has the client’s address for sign-ins, lockouts and refused refreshes only', async () => {
    const user = await signedInPerson(admin)
    const from = { 'cf-connecting-ip': '2001:db8::7', 'x-forwarded-for': '192.0.2.1' }
    const json = { identifier: user.input.email, password: user.input.password }
    const written = await writtenBy(async () => {
      await call('/v1/auth/login', { json, headers: from })
      await call('/v1/me', { method: 'PATCH', token: user.access_token, json: { phone: '1' }, headers: from })
      await call('/v1/auth/refresh', { json: { refresh_token: user.refresh_token } })
      await muchLater(() => call('/v1/auth/refresh', { json: { refresh_token: user.refresh_token }, headers: from }))
      for (let tried = 0; tried < 5; tried += 1) {
        await call('/v1/auth/login', { json: { ...json, password: 'not the password' }, headers: from })
      }
    })
    expect(written.map(({ action, address }) => [action, address])).toEqual([
      ['session.created', '2001:db8::7'],
      ['user.updated', null],
      ['session.reuse_detected', '2001:db8::7'],
      ['session.ended', null],
      ['account.locked', '2001:db8::7'],
    ])
  })

  it('has one event for each change when a request makes several', async () => {
    const user = await signedInPerson(admin)
    const json = { phone: '1', role: 'admin', password: 'another fine passphrase' }
    const written = await writtenBy(() => asAdmin('PATCH', `/v1/users/${user.id}`, json))
    expect(written.map(({ action, fields }) => [action, fields]).sort()).toEqual([
      ['user.password_set', ['password']],
      ['user.roles_set', ['roles']],
      ['user.updated', ['phone']],
    ])
  })

  it('has the changes made through every contract, in v1’s terms', async () => {
    const user = await signedInPerson(admin)
    const json = { user_id: user.uuid, nom: 'Odile Marchand', matricule: 31 }
    const written = await writtenBy(async () => {
      await call('/personnel/users/update', { method: 'PUT', token: admin, json })
      await call('/personnel/token', { form: { username: '31', password: String(user.input.password) } })
    })
    expect(written.map(({ action, contract, actor_id, user_id }) => [action, contract, actor_id, user_id])).toEqual([
      ['user.updated', 'personnel', adminId, user.id],
      ['session.created', 'personnel', user.id, user.id],
    ])
    expect(written[0]?.fields.toSorted()).toEqual(['first_name', 'last_name', 'matricule', 'name'])
  })

  it('begins with the creation of the first admin, which has no actor', async () => {
    const { data } = (await list()).body
    expect(data.map(({ action, actor_id, user_id }) => [action, actor_id, user_id])).toEqual([
      ['session.created', adminId, adminId],
      ['user.created', null, adminId],
    ])
  })

  it('has an id and a time for each event', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2031-02-03T04:05:06.789Z') })
    admin = await adminToken()
    await call('/v1/users', { token: admin, json: person() })
    const { data } = (await list('limit=2')).body
    expect(data.map(({ at }) => at)).toEqual(['2031-02-03T04:05:06Z', '2031-02-03T04:05:06Z'])
    expect(new Set(data.map(({ id }) => id)).size).toBe(2)
  })

  it('names the owner of an API key as the actor', async () => {
    const { key } = await keyWith(admin, ['users:create'])
    const written = await writtenBy(() => call('/v1/users', { token: key, json: person() }))
    expect(written.map(({ action, actor_id }) => [action, actor_id])).toEqual([['user.created', adminId]])
  })

  it('has no event for single failed sign-ins, refused requests, updates without a change, and reads', async () => {
    const user = await signedInPerson(admin)
    const written = await writtenBy(async () => {
      await login(user, 'not the password')
      await call('/v1/users', { token: user.access_token, json: person() })
      await asAdmin('POST', '/v1/users', person({ email: user.input.email }))
      await asAdmin('POST', '/v1/roles', { name: 'admin', permissions: [] })
      await asAdmin('PATCH', `/v1/users/${user.id}`, user.user)
      await asAdmin('POST', `/v1/users/${user.id}/activate`)
      await asAdmin('PUT', `/v1/users/${user.id}/roles`, { roles: ['user'] })
      await call('/v1/users', { token: admin })
    })
    expect(written).toEqual([])
  })

  it('has field names and no field values', async () => {
    const secrets = { email: 'sekret@example.org', name: 'Sekret Person', username: 'sekret', phone: '+33 1 70 18' }
    const user = await signedInPerson(admin, { ...secrets, password: 'a sekret passphrase', matricule: 987654321 })
    await asAdmin('PATCH', `/v1/users/${user.id}`, { name: 'Sekret Other', password: 'another sekret one', phone: '7' })
    const { token } = (await asAdmin('POST', `/v1/users/${user.id}/password-token`)).body
    await call('/v1/auth/password', { json: { token, new_password: 'a third sekret one' } })
    await keyWith(admin, [], { name: 'sekret key' })
    const { text } = await list('limit=100')
    expect(text).toContain('user.password_set')
    for (const part of [/sekret/i, /987654321/, /70 18/, /pbkdf2/, /example\.org/]) expect(text).not.toMatch(part)
    expect(text).not.toContain(token)
  })

  it('keeps the events of and by deleted users', async () => {
    const user = await signedInPerson(admin)
    await call('/v1/me', { method: 'PATCH', token: user.access_token, json: { phone: '1' } })
    await asAdmin('DELETE', `/v1/users/${user.id}`)
    const actions = async (filter: string) => (await list(`${filter}=${user.id}`)).body.data.map(({ action }) => action)
    expect(await actions('user')).toEqual(['user.deleted', 'user.updated', 'session.created', 'user.created'])
    expect(await actions('actor')).toEqual(['user.updated', 'session.created'])
  })
})

describe('GET /audit-events', () => {
  it('requires audit:read', async () => {
    const plain = await signedInPerson(admin)
    expectProblem(await list('', plain.access_token), 403, lacking('audit:read'))
    const auditor = await someoneWith(admin, ['audit:read'])
    expect((await list('', auditor.access_token)).status).toBe(200)
  })

  it('returns the newest events first, page by page, 20 at a time by default', async () => {
    const ids: string[] = []
    for (let index = 0; index < 22; index += 1) ids.unshift((await asAdmin('POST', '/v1/users', person())).body.id)
    const first = await list('action=user.created')
    expect(first.body.data.map(({ user_id }) => user_id)).toEqual(ids.slice(0, 20))
    const rest = await list(`action=user.created&cursor=${first.body.pagination.next_cursor}`)
    expect(rest.body.data.map(({ user_id }) => user_id)).toEqual([...ids.slice(20), adminId])
    expect(rest.body.pagination).toEqual({ next_cursor: null })
    for (const limit of [1, 7, 24, 100]) {
      const seen: string[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const { body }: Awaited<ReturnType<typeof list>> = await list(`limit=${limit}${cursor && `&cursor=${cursor}`}`)
        seen.push(...body.data.map(({ id }) => id))
        cursor = body.pagination.next_cursor
      }
      expect([limit, new Set(seen).size, seen.length]).toEqual([limit, 24, 24])
    }
  })

  it('keeps its position while events are added', async () => {
    for (let index = 0; index < 4; index += 1) await asAdmin('POST', '/v1/users', person())
    const whole = (await list('limit=100')).body.data
    const first = await list('limit=3')
    await asAdmin('POST', '/v1/users', person())
    const rest = await list(`limit=100&cursor=${first.body.pagination.next_cursor}`)
    expect([...first.body.data, ...rest.body.data]).toEqual(whole)
  })

  it('filters by user, by actor and by action, alone and together', async () => {
    const [user, other] = [await signedInPerson(admin), await signedInPerson(admin)]
    await asAdmin('PATCH', `/v1/users/${user.id}`, { phone: '1' })
    await call('/v1/me', { method: 'PATCH', token: user.access_token, json: { phone: '2' } })
    const eventsOf = async (query: string) =>
      (await list(query)).body.data.map(({ action, actor_id, user_id }) => [action, actor_id, user_id])
    const own = ['user.updated', user.id, user.id]
    const theirs = ['user.updated', adminId, user.id]
    const created = (id: string) => ['user.created', adminId, id]
    const signedIn = (id: string) => ['session.created', id, id]
    expect(await eventsOf(`user=${user.id}`)).toEqual([own, theirs, signedIn(user.id), created(user.id)])
    expect(await eventsOf(`actor=${user.id}`)).toEqual([own, signedIn(user.id)])
    expect(await eventsOf('action=user.updated')).toEqual([own, theirs])
    expect(await eventsOf(`user=${user.id}&actor=${adminId}`)).toEqual([theirs, created(user.id)])
    expect(await eventsOf(`actor=${adminId}&action=user.created`)).toEqual([created(other.id), created(user.id)])
    expect(await eventsOf(`user=${user.id}&actor=${user.id}&action=user.updated`)).toEqual([own])
    for (const nobody of ['usr_019b1c6e7a407d529a513f1d0c2b4e66', 'nobody', firstAdmin.email]) {
      expect(await eventsOf(`user=${nobody}`)).toEqual([])
      expect(await eventsOf(`actor=${nobody}`)).toEqual([])
    }
  })

  it('accepts a cursor only with the filters it was issued for', async () => {
    for (let index = 0; index < 3; index += 1) await asAdmin('POST', '/v1/users', person())
    const own = [`user=${adminId}`, `actor=${adminId}`, 'action=session.created']
    await adminToken()
    const { body } = await list(`limit=1&${own.join('&')}`)
    const cursor = body.pagination.next_cursor
    expect((await list(`limit=9&${own.join('&')}&cursor=${cursor}`)).body.data).toHaveLength(1)
    for (const index of own.keys()) {
      const others = await list(`limit=1&${own.toSpliced(index, 1).join('&')}&cursor=${cursor}`)
      expectInvalid(others, ['cursor', 'is not valid'])
    }
    const users = (await call('/v1/users?limit=1', { token: admin })).body.pagination.next_cursor
    for (const odd of ['x', users]) expectInvalid(await list(`cursor=${odd}`), ['cursor', 'is not valid'])
  })

  it('returns 400 for a limit that is not a whole number from 1 to 100, and for an unknown action', async () => {
    for (const limit of ['0', '101', '-1', 'x', '1.5', '']) {
      const { status, body } = await list(`limit=${limit}`)
      expect([limit, status, body]).toMatchObject([limit, 400, { errors: [{ field: 'limit' }] }])
    }
    for (const action of ['user.create', '%20', 'USER.CREATED']) {
      const { status, body } = await list(`action=${action}`)
      expect([action, status, body]).toMatchObject([action, 400, { errors: [{ field: 'action' }] }])
    }
  })
})

namesEveryTest(statements)

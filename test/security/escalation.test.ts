/**
 * Privilege escalation: users gain no permissions through any field, over any more powerful user, or by granting what
 * they lack.
 */
import { describe, expect, it } from 'vitest'
import {
  type Ask,
  contractAt,
  contracts,
  editsOfAnyone,
  outcomeAt,
  waysToGive,
  type ContractDescription,
} from '../contracts'
import { adminRole, nobody, plainRole, v1Path, type Role } from '../support/people'
import { permissions, type Permission } from '../../src/core/access/permissions'
import { operationFor, operationsOf, schemaOf } from '../support/conformance'
import { snapshot } from '../support/snapshot'
import { adminToken, call, freshDirectory, methodOf, openApi, rows, signedInPerson } from '../support/usher'

freshDirectory()

const document = await openApi()

type Person = Awaited<ReturnType<typeof signedInPerson>>

async function roleOf(admin: string, allowed: readonly Permission[]): Promise<Role> {
  const json = { name: `role ${crypto.randomUUID()}`, permissions: allowed }
  return (await call('/v1/roles', { token: admin, json })).body
}

/** A user whose only role has exactly these permissions. */
async function personWith(admin: string, allowed: readonly Permission[]): Promise<Person & { role: Role }> {
  const role = await roleOf(admin, allowed)
  return { ...(await signedInPerson(admin, { role: role.name })), role }
}

async function outcomeOf({ path, ...options }: Ask, token: string) {
  return outcomeAt(path, await call(path, { ...options, token }))
}

/** The documented body fields of an operation. */
function fieldsOf(operationId: string | undefined): string[] {
  const operation = operationsOf(document).find((user) => user.operationId === operationId)
  return Object.values(operation?.requestBody?.content ?? {}).flatMap((media) => {
    const schema = schemaOf(media)
    const component = (schema.$ref ?? '').split('/').at(-1) as string
    return Object.keys(document.components.schemas[component]?.properties ?? schema.properties ?? {})
  })
}

/** Every field name of any contract or table, and some names that were used to take over other systems. */
async function everyField(): Promise<string[]> {
  const tables = await rows<{ sql: string }>(
    "SELECT sql FROM sqlite_master WHERE type = 'table' AND sql LIKE '%STRICT%'",
  )
  const columns = tables.flatMap(({ sql }) => [...sql.matchAll(/^ {2}([a-z_]+) /gm)].map(([, name]) => String(name)))
  const schemas = Object.values(document.components.schemas)
  const documented = schemas.flatMap(({ properties = {} }) => Object.keys(properties))
  const elsewhere = ['admin', 'isAdmin', 'is_superuser', 'scope', 'groups', 'permissions[]', '__proto__', 'constructor']
  return [...new Set([...documented, ...columns, ...elsewhere])]
}

const hostile: unknown[] = [
  adminRole.id,
  adminRole.name,
  adminRole.number,
  true,
  false,
  131071,
  'inactive',
  [adminRole.id],
  [adminRole.name],
  [{ id: adminRole.id, name: adminRole.name }],
  { permissions },
]

/** The fields that users may change of themselves, and the columns derived from them. */
const own = /^(name|name_key|given_name|family_name|birthdate|gender|phone_number|mobile_number|updated_at|version)$/

/** The directory without the user columns that match `column`, and without logs. */
async function snapshotWithout(column: RegExp) {
  const { users = [], audit_events: _, idempotency_records: __, ...others } = await snapshot()
  const left = users.map((row) => Object.entries(row).filter(([name]) => !column.test(name)))
  return { ...others, users: left.map((entries) => Object.fromEntries(entries)) }
}

const edits = contracts.flatMap(([, { edits: all }]) => Object.entries(all))
const creations = contracts.map(([, { create }]): [string, ContractDescription['create']] => {
  const example = create(nobody.email)
  return [operationFor(document, methodOf(example), example.path)?.operationId ?? example.path, create]
})

describe('every operation with a credential whose body may hold an email', () => {
  it('is listed in this suite as a creation or an edit', () => {
    const known = [...edits.map(([id]) => id), ...creations.map(([id]) => id), 'v1ImportUsers']
    const guarded = operationsOf(document).filter(({ security }) => security?.length !== 0)
    const withEmail = guarded.filter(({ operationId, path }) => {
      const [field = ''] = Object.keys(contractAt(path).wire.email(nobody.email))
      return fieldsOf(operationId).includes(field)
    })
    expect(withEmail.length).toBeGreaterThan(contracts.length)
    expect(withEmail.map(({ operationId }) => operationId).filter((id) => !known.includes(id))).toEqual([])
    expect(known.filter((id) => !guarded.some(({ operationId }) => operationId === id))).toEqual([])
  })
})

/** The contract of an operation. */
const contractOf = (operationId: string) =>
  contractAt(operationsOf(document).find((user) => user.operationId === operationId)?.path ?? '')

/** Splits the fields, so that a body with `value` in each of them is not too large. */
function fittingIntoBodies(fields: string[], value: unknown): string[][] {
  const size = Math.floor(40_000 / (JSON.stringify(value).length + 30))
  return Array.from({ length: Math.ceil(fields.length / size) }, (_, part) =>
    fields.slice(part * size, (part + 1) * size),
  )
}

/**
 * Sends every known field with every hostile value and checks after each value that `guarded` is unchanged. The
 * operation's own fields are sent one by one. All others are sent together, which must have the same effect as sending
 * none. Returns the outcome of a request without any extra field.
 */
async function askWithEvery(
  id: string,
  askWith: (fields: Record<string, unknown>) => Ask,
  { token, guarded }: { token: string; guarded: () => Promise<unknown> },
) {
  const before = await guarded()
  const usual = await outcomeOf(askWith({}), token)
  const { undocumented = [] } = contractOf(id).wire
  const taken = new Set(undocumented.map((field) => field.toLowerCase()))
  const unknown = (await everyField()).filter(
    (field) => !fieldsOf(id).includes(field) && !taken.has(field.toLowerCase()),
  )
  for (const value of hostile) {
    for (const fields of fittingIntoBodies(unknown, value)) {
      const ignored = Object.fromEntries(fields.map((field) => [field, value]))
      expect(await outcomeOf(askWith(ignored), token)).toBe(usual)
    }
    for (const field of [...fieldsOf(id), ...undocumented]) await outcomeOf(askWith({ [field]: value }), token)
    expect([value, await guarded()]).toEqual([value, before])
  }
  return usual
}

describe.each(edits)('%s', (id, edit) => {
  it('changes only the permitted fields of the caller’s own record, whatever is sent', async () => {
    const plain = await signedInPerson(await adminToken())
    const as = { token: plain.access_token, guarded: () => snapshotWithout(own) }
    expect(['done', 'forbidden']).toContain(await askWithEvery(id, (fields) => edit(plain, fields), as))
  })

  it('assigns no role and deactivates no user for a caller who may only edit', async () => {
    const admin = await adminToken()
    const [editor, user] = [await personWith(admin, ['users:update']), await signedInPerson(admin)]
    const as = { token: editor.access_token, guarded: powers }
    expect(await askWithEvery(id, (fields) => edit(user, fields), as)).toBe('done')
  })
})

/** The roles and states of all users except plain active ones. */
async function powers() {
  const { roles, user_roles = [], users = [], api_keys } = await snapshot()
  return {
    roles,
    given: user_roles.filter(({ role_number }) => role_number !== plainRole.number),
    users: users
      .filter(({ primary_role, role_count, active }) => primary_role !== 2 || role_count !== 1 || active !== 1)
      .map(({ number, primary_role, role_count, active }) => ({ number, primary_role, role_count, active })),
    api_keys,
  }
}

describe.each(creations)('%s', (id, create) => {
  it('creates only plain active users for a caller who may only create', async () => {
    const admin = await adminToken()
    const creator = await personWith(admin, ['users:create'])
    let asked = 0
    const askWith = (fields: Record<string, unknown>) => create(`asked${(asked += 1)}@example.org`, fields)
    expect(await askWithEvery(id, askWith, { token: creator.access_token, guarded: powers })).toBe('done')
  })

  it('requires roles:assign to assign any role but the default one', async () => {
    const admin = await adminToken()
    const [, { wire }] = contracts.find(([, acts]) => acts.create === create) as [string, ContractDescription]
    const creator = await personWith(admin, ['users:create'])
    const attempt = (email: string, fields: object | undefined) =>
      outcomeOf(create(email, { ...fields }), creator.access_token)
    expect(await attempt('plain@example.org', wire.role(plainRole))).toBe('done')
    const another = wire.role(await roleOf(admin, [])) ?? wire.role(adminRole)
    // A contract without a word for roles has no field that could give one.
    if (another) expect(await attempt('other@example.org', another)).toBe('forbidden')
  })
})

describe('v1ImportUsers', () => {
  it('creates only plain active users for a caller who may only import', async () => {
    const importer = await personWith(await adminToken(), ['users:import'])
    let asked = 0
    const askWith = (fields: Record<string, unknown>): Ask => ({
      path: '/v1/imports',
      headers: { 'content-type': 'application/x-ndjson' },
      body: JSON.stringify({ email: `asked${(asked += 1)}@example.org`, name: 'Somebody New', ...fields }),
    })
    expect(await askWithEvery('v1ImportUsers', askWith, { token: importer.access_token, guarded: powers })).toBe('done')
    const [{ count }] = (await rows("SELECT count(*) AS count FROM users WHERE email LIKE 'asked%'")) as [
      { count: number },
    ]
    expect(count).toBeGreaterThan(hostile.length)
  })
})

/** Every way to act on a user, in every contract and in v1 only. */
async function waysToAct(admin: string, user: Person, give: Role): Promise<Ask[]> {
  const { body: sessions } = await call(`${v1Path(user)}/sessions`, { token: admin })
  return contracts.flatMap(([name, acts]) => [
    ...editsOfAnyone(acts).flatMap(([, edit]) => [
      edit(user),
      ...(acts.wire.password ? [edit(user, acts.wire.password('taken over by me'))] : []),
      edit(user, acts.wire.email(`mine.${user.number}@example.org`)),
    ]),
    ...waysToGive(acts, user, give),
    acts.deactivate(user),
    ...(acts.activate ? [acts.activate(user)] : []),
    ...(name === 'v1'
      ? [
          { path: `${v1Path(user)}/password-token`, method: 'POST' },
          { path: `${v1Path(user)}/password-token`, method: 'DELETE' },
          ...sessions.data.map(({ id }: { id: string }) => ({
            path: `${v1Path(user)}/sessions/${id}`,
            method: 'DELETE',
          })),
          { path: `${v1Path(user)}/sessions`, method: 'DELETE' },
        ]
      : []),
    ...(acts.delete ? [acts.delete(user)] : []),
  ])
}

const allButOne = permissions.filter((permission) => permission !== 'webhooks:manage')

describe('an action on another user', () => {
  it('is refused, in every way, to a caller who lacks a single permission of that user, and to a narrower key', async () => {
    const admin = await adminToken()
    const [manager, boss] = [await personWith(admin, allButOne), await signedInPerson(admin, { role: 'admin' })]
    const [idle, peer] = [
      await signedInPerson(admin, { role: 'admin' }),
      await signedInPerson(admin, { role: 'admin' }),
    ]
    const as = (json: object) => ({ token: boss.access_token, json })
    const narrow = await call('/v1/api-keys', as({ name: 'narrow', permissions: allButOne }))
    const wide = await call('/v1/api-keys', as({ name: 'wide', permissions }))
    await call(`${v1Path(idle)}/deactivate`, { method: 'POST', token: peer.access_token })
    const asks = [
      ...(await waysToAct(admin, boss, manager.role)),
      ...(await waysToAct(admin, idle, manager.role)),
      { path: `/v1/api-keys/${wide.body.id}`, method: 'DELETE' },
      { path: `${v1Path(boss)}/api-keys`, method: 'DELETE' },
    ]
    const before = await snapshot()
    for (const token of [manager.access_token, narrow.body.key]) {
      for (const ask of asks) expect([ask, await outcomeOf(ask, token)]).toEqual([ask, 'forbidden'])
    }
    expect(await snapshot()).toEqual(before)
  })

  it('is allowed, in every way, on a user who holds no more than the caller (control for the test above)', async () => {
    const admin = await adminToken()
    const manager = await personWith(admin, allButOne)
    const user = await signedInPerson(admin)
    for (let way = 0, ways = await waysToAct(admin, user, manager.role); way < ways.length; way += 1) {
      ways = await waysToAct(admin, await signedInPerson(admin), manager.role)
      const ask = ways[way] as Ask
      expect([ask, await outcomeOf(ask, manager.access_token)]).toEqual([ask, 'done'])
    }
  })

  it('is refused with a password token that was issued before the user gained more permissions than the issuer', async () => {
    const admin = await adminToken()
    const editor = await personWith(admin, ['users:update'])
    const role = await roleOf(admin, [])
    const widened = await roleOf(admin, ['users:update'])
    const [promoted, risen, equal] = [
      await signedInPerson(admin),
      await signedInPerson(admin, { role: role.name }),
      await signedInPerson(admin, { role: widened.name }),
    ]
    const tokens = []
    for (const user of [promoted, risen, equal]) {
      const issued = await call(`${v1Path(user)}/password-token`, { method: 'POST', token: editor.access_token })
      tokens.push(issued.body.token)
    }
    await call(v1Path(promoted), { method: 'PATCH', token: admin, json: { role: 'admin' } })
    await call(`/v1/roles/${role.id}`, { method: 'PATCH', token: admin, json: { permissions: ['users:read'] } })
    const spend = async (token: string) =>
      (await call('/v1/auth/password', { json: { token, new_password: 'taken over by me' } })).status
    const before = await snapshot()
    expect([await spend(tokens[0]), await spend(tokens[1])]).toEqual([401, 401])
    expect(await snapshot()).toEqual(before)
    expect(await spend(tokens[2])).toBe(204)
  })

  it('cannot be granted by a user who lacks the permission for it', async () => {
    const admin = await adminToken()
    const [manager, plain] = [await personWith(admin, allButOne), await signedInPerson(admin)]
    const bystander = await signedInPerson(admin)
    const [owner, weak] = [await roleOf(admin, permissions), await roleOf(admin, [])]
    const grants = contracts.flatMap(([, acts]) => [
      ...[adminRole, owner].flatMap((role) => {
        const fields = acts.wire.role(role)
        return fields ? [acts.create('boss@example.org', fields)] : []
      }),
      ...(acts.keepsOwnRoles ? [bystander] : [manager, plain]).flatMap((user) => [
        ...waysToGive(acts, user, adminRole),
        ...waysToGive(acts, user, owner),
      ]),
    ])
    const asks: Ask[] = [
      ...grants,
      { path: '/v1/roles', json: { name: 'another owner', permissions } },
      { path: `/v1/roles/${manager.role.id}`, method: 'PATCH', json: { permissions } },
      { path: `/v1/roles/${weak.id}`, method: 'PATCH', json: { permissions: ['webhooks:manage'] } },
      { path: `/v1/roles/${owner.id}`, method: 'PATCH', json: { permissions: [] } },
      { path: `/v1/roles/${owner.id}`, method: 'DELETE' },
      { path: '/v1/api-keys', json: { name: 'a key', permissions } },
    ]
    const key = await call('/v1/api-keys', { token: admin, json: { name: 'narrow', permissions: allButOne } })
    const before = await snapshot()
    for (const token of [manager.access_token, key.body.key, plain.access_token]) {
      for (const ask of asks) expect([ask, await outcomeOf(ask, token)]).toEqual([ask, 'forbidden'])
    }
    expect(await snapshot()).toEqual(before)
  })
})

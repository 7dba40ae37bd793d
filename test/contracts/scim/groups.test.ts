/// <reference types="vite/client" />
/** SCIM groups, which are the roles of the directory: their members, and the permissions to change them. */
import { beforeEach, describe, expect, it } from 'vitest'
import {
  clientKey,
  clientOf,
  filtered,
  groupSchema,
  provisioning,
  scimUser,
  userSchema,
  type Client,
} from '../../support/scim'
import { adminToken, call, freshDirectory, roleIds, rows, signedInPerson } from '../../support/usher'
import { namesEveryTest } from '../../support/statements'
import statements from './STATEMENTS.md?raw'

freshDirectory()

let client: Client
beforeEach(async () => {
  client = clientOf(await clientKey())
})

const user = async () => (await client.post('/Users', scimUser())).body.id as string
const group = async (displayName = 'Radiologists', rest: object = {}) =>
  (await client.post('/Groups', { schemas: [groupSchema], displayName, ...rest })).body

const membersOf = async (id: string): Promise<string[]> =>
  ((await client.get(`/Groups/${id}`)).body.members ?? []).map(({ value }: { value: string }) => value)

const rolesOf = async (id: string) =>
  (
    await rows<{ name: string }>(
      'SELECT r.name FROM user_roles ur JOIN roles r ON r.number = ur.role_number JOIN users u ON u.number = ur.user_number WHERE u.id = ? ORDER BY ur.position',
      id,
    )
  ).map(({ name }) => name)

/** Redundant data agrees: the columns of users, and the counters of roles. */
async function expectAgreement() {
  const off = await rows(`SELECT u.id FROM users u WHERE (u.primary_role, u.role_count, u.role_count - 1) IS NOT (
    SELECT max(iif(position = 0, role_number, NULL)), count(*), max(position) FROM user_roles WHERE user_number = u.number)`)
  const counts = await rows(`SELECT scope FROM user_counts c WHERE scope LIKE 'role:%' AND count <> (
    SELECT count(*) FROM user_roles WHERE 'role:' || role_number = c.scope)`)
  expect([off, counts]).toEqual([[], []])
}

describe('POST /Groups', () => {
  it('creates a role with members and without permissions, and returns it', async () => {
    const [person, other] = [await user(), await user()]
    const answer = await client.post('/Groups', {
      schemas: [groupSchema],
      displayName: ' Nurses ',
      externalId: 'g1',
      members: [{ value: other }, person, { value: person, display: 'x' }],
    })
    expect(answer.status).toBe(201)
    const { id, meta, ...rest } = answer.body
    const $ref = (userId: string) => `https://usher.example/scim/v2/Users/${userId}`
    expect(rest).toEqual({
      schemas: [groupSchema],
      externalId: 'g1',
      displayName: 'Nurses',
      members: [person, other].map((value) => ({ value, $ref: $ref(value), type: 'User' })),
    })
    expect(answer.headers.get('location')).toBe(meta.location)
    expect(meta.version).toBeUndefined()
    const roles = await call('/v1/roles', { token: await adminToken() })
    expect(roles.body.data.find((role: any) => role.name === 'Nurses').permissions).toEqual([])
    expect((await client.get(`/Users/${person}`)).body.groups).toEqual([
      { value: id, $ref: `https://usher.example/scim/v2/Groups/${id}`, display: 'Nurses', type: 'direct' },
    ])
    expect(await rolesOf(person)).toEqual(['Nurses'])
    await expectAgreement()
  })

  it('rejects a taken or missing name, an unknown member and a group as a member, and creates nothing', async () => {
    const { id } = await group()
    for (const [body, status, scimType] of [
      [{ displayName: 'RADIOLOGISTS ' }, 409, 'uniqueness'],
      [{}, 400, 'invalidValue'],
      [{ displayName: 'x'.repeat(65) }, 400, 'invalidValue'],
      [{ displayName: 'A', members: [{ value: '019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66' }] }, 400, 'invalidValue'],
      [{ displayName: 'A', members: [{ value: id, type: 'Group' }] }, 400, 'invalidValue'],
      [{ displayName: 'A', members: [{ value: 'nobody' }] }, 400, 'invalidValue'],
      [{ displayName: 'A', schemas: [userSchema] }, 400, 'invalidSyntax'],
    ] as const) {
      const answer = await client.post('/Groups', { schemas: [groupSchema], ...body })
      expect([answer.status, answer.body.scimType]).toEqual([status, scimType])
    }
    expect((await client.get('/Groups')).body.totalResults).toBe(2)
  })

  it('requires roles:manage, and roles:assign with members', async () => {
    const member = await user()
    const weak = clientOf(await clientKey(['users:read', 'roles:read', 'roles:manage']))
    expect((await weak.post('/Groups', { schemas: [groupSchema], displayName: 'A' })).status).toBe(201)
    const refused = await weak.post('/Groups', {
      schemas: [groupSchema],
      displayName: 'B',
      members: [{ value: member }],
    })
    expect([refused.status, refused.body.detail]).toEqual([403, expect.stringContaining('roles:assign')])
    const reader = clientOf(await clientKey(['users:read', 'roles:read']))
    expect((await reader.post('/Groups', { schemas: [groupSchema], displayName: 'C' })).status).toBe(403)
  })
})

describe('PATCH /Groups/{id}', () => {
  it('adds and removes members in the requests of Entra and Okta, and returns 204', async () => {
    const { id } = await group()
    const [person, other, third] = [await user(), await user(), await user()]
    const patched = async (...operations: object[]) => {
      const { status, text } = await client.patch(`/Groups/${id}`, operations)
      expect([status, text]).toEqual([204, ''])
      await expectAgreement()
      return membersOf(id)
    }
    expect(await patched({ op: 'Add', path: 'members', value: [{ value: person }, { value: other }] })).toEqual([
      person,
      other,
    ])
    expect(await patched({ op: 'add', value: { members: [{ value: third }] } })).toEqual([person, other, third])
    expect(await patched({ op: 'Remove', path: 'members', value: [{ value: person }] })).toEqual([other, third])
    expect(await patched({ op: 'remove', path: `members[value eq "${other}"]` })).toEqual([third])
    expect(await patched({ op: 'replace', path: 'members', value: [{ value: person }] })).toEqual([person])
    expect(await patched({ op: 'add', path: `members[value eq "${third}"]`, value: {} })).toEqual([person, third])
    expect(await patched({ op: 'remove', path: `members[value eq "${person}" or value eq "${third}"]` })).toEqual([])
    expect(
      await patched({
        op: 'replace',
        value: { displayName: 'Renamed', externalId: 'g', id, members: [{ value: person }] },
      }),
    ).toEqual([person])
    expect(await patched({ op: 'remove', path: 'members' })).toEqual([])
    expect((await client.get(`/Groups/${id}`)).body).toMatchObject({ displayName: 'Renamed', externalId: 'g' })
    expect(await rolesOf(person)).toEqual(['user'])
  })

  it('keeps the other groups of a member, the primary one first, and raises the version of changed members only', async () => {
    const [first, second] = [await group('First'), await group('Second')]
    const [person, other] = [await user(), await user()]
    const add = (id: string, value: string) =>
      client.patch(`/Groups/${id}`, [{ op: 'add', path: 'members', value: [{ value }] }])
    await add(first.id, person)
    await add(second.id, person)
    await add(second.id, person)
    expect(await rolesOf(person)).toEqual(['First', 'Second'])
    const version = async (id: string) => (await client.get(`/Users/${id}`)).body.meta.version
    expect([await version(person), await version(other)]).toEqual(['W/"3"', 'W/"1"'])
    await client.patch(`/Groups/${first.id}`, [
      { op: 'remove', path: 'members', value: [{ value: person }, { value: other }] },
    ])
    expect(await rolesOf(person)).toEqual(['Second'])
    await expectAgreement()
    const events = await rows<{ user_id: string; contract: string }>(
      `SELECT user_id, contract FROM audit_events WHERE action = 'user.roles_set'`,
    )
    expect(events).toEqual(Array(3).fill({ user_id: person, contract: 'scim' }))
  })

  it('returns the group when attributes are requested, and reads its members only when members are requested', async () => {
    const person = await user()
    const { id } = await group('A', { members: [person] })
    const rename = [{ op: 'replace', path: 'displayName', value: 'B' }]
    const answer = await client.patch(`/Groups/${id}?excludedAttributes=members`, rename)
    expect([answer.status, answer.body.displayName, answer.body.members]).toEqual([200, 'B', undefined])
    const whole = await client.patch(`/Groups/${id}?attributes=members.value`, rename)
    expect(whole.body).toEqual({ schemas: [groupSchema], id, members: [{ value: person }] })
  })

  it('rejects malformed operations with the right scimType, and changes nothing', async () => {
    const { id } = await group('Group')
    for (const [operations, scimType] of [
      [[{ op: 'add', path: 'members', value: [{ value: '019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66' }] }], 'invalidValue'],
      [[{ op: 'add', path: 'members.type', value: 'x' }], 'mutability'],
      [[{ op: 'add', path: 'members.display', value: 'x' }], 'invalidPath'],
      [[{ op: 'add', path: 'members' }], 'invalidValue'],
      [[{ op: 'replace', path: 'members[type eq "User"]', value: [] }], 'noTarget'],
      [[{ op: 'remove', path: 'members[value sw "0"]' }], 'invalidFilter'],
      [[{ op: 'remove', path: 'members[hobby eq "0"]' }], 'invalidFilter'],
      [[{ op: 'remove', path: 'displayName' }], 'mutability'],
      [[{ op: 'replace', path: 'id', value: 'x' }], 'mutability'],
      [[{ op: 'replace', path: 'hobby', value: 'x' }], 'invalidPath'],
      [[{ op: 'remove' }], 'noTarget'],
      [[{ op: 'move', path: 'members' }], 'invalidSyntax'],
      [[], 'invalidSyntax'],
      [Array(1001).fill({ op: 'replace', path: 'displayName', value: 'x' }), 'invalidValue'],
    ] as [object[], string][]) {
      const answer = await client.patch(`/Groups/${id}`, operations)
      expect([operations.slice(0, 1), answer.status, answer.body.scimType]).toEqual([
        operations.slice(0, 1),
        400,
        scimType,
      ])
    }
    expect((await client.get(`/Groups/${id}`)).body.displayName).toBe('Group')
  })

  it('changes 500 members in one PATCH within its budget, and rejects 5,001 members', async () => {
    const { id } = await group()
    await rows(`WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 6100)
      INSERT INTO users (number, id, email, email_key, name, name_key, given_name, family_name, is_staff, active, primary_role, role_count, created_at, updated_at, version, session_generation, key_generation)
      SELECT i, printf('00000000-0000-7000-8000-%012d', i), 'm' || i || '@example.org', 'm' || i || '@example.org', 'M', 'm', 'M', '', 0, 1, 2, 1, 0, 0, 1, 0, 0 FROM n`)
    await rows(
      'INSERT INTO user_roles (user_number, role_number, position) SELECT number, 2, 0 FROM users WHERE number >= 1000',
    )
    const members = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        value: `00000000-0000-7000-8000-${String(1000 + index).padStart(12, '0')}`,
      }))
    const { status, cost } = await client.patch(`/Groups/${id}`, [{ op: 'add', path: 'members', value: members(500) }])
    expect([status, cost.trips]).toEqual([204, 2])
    expect(cost.read).toBeLessThanOrEqual(20 * 500 + 60)
    expect(cost.written).toBeLessThanOrEqual(14 * 500 + 20)
    await expectAgreement()
    const many = await client.patch(`/Groups/${id}`, [
      {
        op: 'replace',
        path: 'members',
        value: members(5001)
          .slice(0, 5001)
          .map(({ value }) => value),
      },
    ])
    expect(many.status).toBe(204)
    const tooMany = await client.patch(`/Groups/${id}`, [{ op: 'remove', path: 'members' }])
    expect([tooMany.status, tooMany.body.scimType]).toEqual([413, undefined])
    const read = await client.get(`/Groups/${id}`)
    expect(read.body.members).toHaveLength(5001)
    expect(read.cost.read).toBeLessThanOrEqual(3 * 5000 + 20)
    const bare = await client.get(`/Groups/${id}?excludedAttributes=members`)
    expect(bare.cost.read).toBeLessThanOrEqual(20)
    const list = await client.get('/Groups')
    expect(list.body.Resources.map((person: any) => person.members?.length)).toEqual([1, 5001])
    expect((await client.get('/Groups?excludedAttributes=members')).cost.read).toBeLessThanOrEqual(3 + 20)
  }, 120_000)
})

describe('a change of a group', () => {
  it('is forbidden for a role or a member with more permissions than the caller, and then changes nothing', async () => {
    const admin = await adminToken()
    const manager = await call('/v1/roles', { token: admin, json: { name: 'manager', permissions: ['audit:read'] } })
    const person = await user()
    const strong = await signedInPerson(admin, { role: 'manager' })
    const add = (id: string, ...values: string[]) =>
      client.patch(`/Groups/${id}`, [{ op: 'add', path: 'members', value: values.map((value) => ({ value })) }])
    expect((await add(manager.body.id, person)).status).toBe(403)
    expect((await add(roleIds.admin, person)).status).toBe(403)
    const { id } = await group()
    expect((await add(id, person, strong.uuid)).status).toBe(403)
    expect(await membersOf(id)).toEqual([])
    expect(
      (await client.patch(`/Groups/${manager.body.id}`, [{ op: 'replace', path: 'displayName', value: 'x' }])).status,
    ).toBe(403)
    const all = clientOf(admin)
    expect(
      (await all.patch(`/Groups/${id}`, [{ op: 'add', path: 'members', value: [{ value: strong.uuid }] }])).status,
    ).toBe(204)
    expect(await rolesOf(strong.uuid)).toEqual(['manager', 'Radiologists'])
  })

  it('is refused for the last active admin, and for the owner of the API key', async () => {
    const session = clientOf(await adminToken())
    const [admin] = await membersOf(roleIds.admin)
    const last = await session.patch(`/Groups/${roleIds.admin}`, [{ op: 'remove', path: 'members' }])
    expect([last.status, last.body.scimType]).toEqual([409, undefined])
    const { id } = await group()
    const all = clientOf(
      await clientKey([
        ...provisioning,
        'users:import',
        'users:export',
        'users:export_hashes',
        'sessions:manage',
        'api_keys:manage',
        'audit:read',
        'webhooks:manage',
      ]),
    )
    expect((await all.patch(`/Groups/${id}`, [{ op: 'add', path: 'members', value: [{ value: admin }] }])).status).toBe(
      403,
    )
    expect(
      (await session.patch(`/Groups/${id}`, [{ op: 'add', path: 'members', value: [{ value: admin }] }])).status,
    ).toBe(204)
  })

  it('cannot rename or delete a built-in role, and the default role is hidden', async () => {
    const session = clientOf(await adminToken())
    expect(
      (await session.patch(`/Groups/${roleIds.admin}`, [{ op: 'replace', path: 'displayName', value: 'x' }])).status,
    ).toBe(403)
    expect((await session.delete(`/Groups/${roleIds.admin}`)).status).toBe(403)
    for (const method of ['get', 'delete'] as const)
      expect((await session[method](`/Groups/${roleIds.user}`)).status).toBe(404)
    expect((await session.get('/Groups')).body.Resources.map((person: any) => person.displayName)).toEqual(['admin'])
  })
})

describe('PUT /Groups/{id}', () => {
  it('keeps the members when they are absent, and replaces them when a list is sent', async () => {
    const [person, other] = [await user(), await user()]
    const { id } = await group('A', { externalId: 'x', members: [person] })
    const put = (body: object) => client.put(`/Groups/${id}`, { schemas: [groupSchema], ...body })
    expect((await put({ displayName: 'B' })).body).toMatchObject({
      displayName: 'B',
      externalId: 'x',
      members: [{ value: person }],
    })
    expect(
      (await put({ displayName: 'B', members: [{ value: other }] })).body.members.map((member: any) => member.value),
    ).toEqual([other])
    const emptied = await put({ displayName: 'B', members: [], externalId: '' })
    expect([emptied.status, emptied.body.members, emptied.body.externalId]).toEqual([200, undefined, undefined])
    expect((await put({})).body.scimType).toBe('invalidValue')
    expect(
      (
        await client.put(
          `/Groups/${id}`,
          { schemas: [groupSchema], displayName: 'B' },
          { headers: { 'if-match': 'W/"1"' } },
        )
      ).status,
    ).toBe(412)
    expect(
      (
        await client.put(
          `/Groups/${id}`,
          { schemas: [groupSchema], displayName: 'B' },
          { headers: { 'if-match': '*' } },
        )
      ).status,
    ).toBe(200)
    await expectAgreement()
  })
})

describe('DELETE /Groups/{id}', () => {
  it('removes the role from its members in the same batch', async () => {
    const [person, other] = [await user(), await user()]
    const { id } = await group('A', { externalId: 'x', members: [person, other] })
    const kept = await group('B', { members: [other] })
    const { status, cost } = await client.delete(`/Groups/${id}`)
    expect([status, cost.trips]).toEqual([204, 2])
    expect([await rolesOf(person), await rolesOf(other)]).toEqual([['user'], ['B']])
    expect((await client.get(`/Groups/${id}`)).status).toBe(404)
    expect((await rows('SELECT * FROM external_ids')).length).toBe(0)
    await expectAgreement()
    expect((await group('A')).id).not.toBe(kept.id)
  })
})

describe('GET /Groups', () => {
  it('filters, sorts and pages, by index and by cursor', async () => {
    const person = await user()
    const a = await group('Zeta', { members: [person], externalId: 'z' })
    const b = await group('alpha')
    const names = async (path: string) => (await client.get(path)).body.Resources.map((found: any) => found.displayName)
    const filter = (text: string) => names(filtered(text).replace('/Users', '/Groups'))
    expect(await filter('displayName eq "ZETA"')).toEqual(['Zeta'])
    expect(await filter(`members eq "${person}"`)).toEqual(['Zeta'])
    expect(await filter(`id eq "${a.id}" and members eq "${person}"`)).toEqual(['Zeta'])
    expect(await filter(`id eq "${b.id}" and members[value eq "${person}" and type eq "user"]`)).toEqual([])
    expect(await filter(`members.value ne "${person}"`)).toEqual(['admin', 'alpha'])
    expect(await filter('externalId eq "z" or displayName sw "AL"')).toEqual(['Zeta', 'alpha'])
    expect(await filter('members pr and not (displayName eq "admin")')).toEqual(['Zeta'])
    expect(await filter('meta.created gt "2001-01-01T00:00:00Z"')).toHaveLength(3)
    for (const text of ['members co "x"', 'description eq "x"', 'members[value eq "x"', 'displayName eq 1']) {
      const answer = await client.get(filtered(text).replace('/Users', '/Groups'))
      expect([text, answer.status, answer.body.scimType]).toEqual([text, 400, 'invalidFilter'])
    }
    expect(await names('/Groups?sortBy=displayName')).toEqual(['admin', 'alpha', 'Zeta'])
    expect(await names('/Groups?sortBy=displayName&sortOrder=descending&count=1&startIndex=2')).toEqual(['alpha'])
    const first = (await client.get('/Groups?cursor=&count=2')).body
    expect([first.Resources.length, first.totalResults, first.startIndex]).toEqual([2, 3, undefined])
    const second = (await client.get(`/Groups?cursor=${first.nextCursor}&count=2`)).body
    expect([second.Resources.map((found: any) => found.displayName), second.nextCursor]).toEqual([['alpha'], undefined])
    expect((await client.get('/Groups?startIndex=9')).body).toMatchObject({
      totalResults: 3,
      itemsPerPage: 0,
      Resources: [],
    })
  })
})

namesEveryTest(statements)

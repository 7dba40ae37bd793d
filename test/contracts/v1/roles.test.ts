/** v1: roles. */
import { beforeEach, describe, expect, it } from 'vitest'
import { permissions } from '../../../src/core/access/permissions'
import { adminToken, call, freshDirectory, person, roleIds, rows, signedInPerson, testEnv } from '../../support/usher'
import { importing } from '../../support/imports'
import { namesEveryTest } from '../../support/statements'
import { expectInvalid, expectProblem, keyWith, lacking, statements, roleWith, someoneWith } from '../../support/v1'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const list = (token = admin) => call('/v1/roles', { token })
const get = (id: string, token = admin) => call(`/v1/roles/${id}`, { token })
const create = (json: unknown, token = admin) => call('/v1/roles', { token, json })
const patch = (id: string, json: unknown, token = admin) => call(`/v1/roles/${id}`, { method: 'PATCH', token, json })
const remove = (id: string, token = admin) => call(`/v1/roles/${id}`, { method: 'DELETE', token })

const legacy = '6f1b0c52-98aa-4f7e-9a53-0c2f7d1e8b44'
const taken = 'A role with this id, number or name is there already.'
const builtIn = 'A built-in role stays as it is.'
const notThere = 'There is no such role.'

/** Someone with roles:manage and these permissions. */
const manager = (...more: (typeof permissions)[number][]) => someoneWith(admin, ['roles:read', 'roles:manage', ...more])

describe('GET /roles', () => {
  it('returns every role in order of number, the built-in ones first', async () => {
    await create({ name: 'late', permissions: [], number: 40 })
    await create({ name: 'early', permissions: ['users:read'], number: 12, description: 'At the door.' })
    const { status, body } = await list()
    expect([status, body]).toEqual([
      200,
      {
        data: [
          { id: roleIds.admin, number: 1, name: 'admin', description: expect.any(String), permissions },
          { id: roleIds.user, number: 2, name: 'user', description: expect.any(String), permissions: [] },
          expect.objectContaining({
            number: 12,
            name: 'early',
            description: 'At the door.',
            permissions: ['users:read'],
          }),
          expect.objectContaining({ number: 40, name: 'late', description: '', permissions: [] }),
        ],
      },
    ])
  })

  it('requires roles:read', async () => {
    const plain = await signedInPerson(admin)
    expectProblem(await list(plain.access_token), 403, lacking('roles:read'))
    const reader = await someoneWith(admin, ['roles:read'])
    expect((await list(reader.access_token)).status).toBe(200)
  })
})

describe('POST /roles', () => {
  it('returns 201 with the role and a Location that leads to it', async () => {
    const json = { name: 'Réception', permissions: ['users:create', 'users:read'], description: 'At the door.' }
    const { status, headers, body } = await create(json)
    expect([status, body]).toEqual([
      201,
      {
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
        number: 3,
        name: 'Réception',
        description: 'At the door.',
        permissions: ['users:read', 'users:create'],
      },
    ])
    expect(headers.get('location')).toBe(`/v1/roles/${body.id}`)
    expect((await call(String(headers.get('location')), { token: admin })).body).toEqual(body)
  })

  it('requires name and permissions, and reports errors field by field', async () => {
    expectInvalid(await create({}), ['name', 'is required'], ['permissions', 'is required'])
    expectInvalid(
      await create({ name: ' ', permissions: 'all', description: 'x'.repeat(501), id: 'seven', number: 0 }),
      ['name', 'must not be blank'],
      ['permissions', 'must be a list'],
      ['description', 'must have at most 500 characters'],
      ['id', 'must be a uuid'],
      ['number', 'must be at least 1'],
    )
    const several = await create({ name: 'x'.repeat(65), permissions: ['users:read', 'users:everything', 7] })
    const oneOf = `must be one of ${permissions.join(', ')}`
    expectInvalid(
      several,
      ['name', 'must have at most 64 characters'],
      ['permissions.1', oneOf],
      ['permissions.2', oneOf],
    )
  })

  it('keeps the id and the number that a legacy system uses for the role', async () => {
    const { status, body } = await create({ name: 'agent', permissions: [], id: legacy.toUpperCase(), number: 700 })
    expect([status, body.id, body.number]).toEqual([201, legacy, 700])
    const json = { matricule: 51, nom: 'Odile Marchand', email: 'odile@example.org', password: 'une phrase longue' }
    const created = await call('/personnel/users/create', { token: admin, json: { ...json, role_id: legacy } })
    expect([created.body.role_id, created.body.role_name]).toEqual([legacy, 'agent'])
    expect((await create({ name: 'next', permissions: [] })).body.number).toBe(701)
  })

  it('accepts a number only if later numbers still fit', async () => {
    const highest = 2 ** 31 - 1
    for (const number of [highest + 1, 2 ** 53 - 1]) {
      expectInvalid(await create({ name: 'high', permissions: [], number }), ['number', `must be at most ${highest}`])
    }
    const numbers = [
      (await create({ name: 'high', permissions: [], number: highest })).body.number,
      (await create({ name: 'higher', permissions: [] })).body.number,
      (await create({ name: 'higher still', permissions: [] })).body.number,
    ]
    expect(numbers).toEqual([highest, highest + 1, highest + 2])
  })

  it('returns 409 for an id, a number or a name that is taken, names in any spelling', async () => {
    await create({ name: 'Straße', permissions: [], id: legacy, number: 9 })
    const roles = await list()
    for (const more of [
      { id: legacy },
      { number: 9 },
      { name: 'STRASSE' },
      { name: 'ａｄｍｉｎ' },
      { id: roleIds.user },
    ]) {
      expectProblem(await create({ name: 'another', permissions: [], ...more }), 409, taken)
    }
    expect((await list()).body).toEqual(roles.body)
  })

  it('stores and returns a name without surrounding blanks', async () => {
    for (const [sent, kept] of [
      [' nurse', 'nurse'],
      ['porter ', 'porter'],
      ['\u00a0\u3000 night porter\t\n', 'night porter'],
      [` ${'x'.repeat(64)} `, 'x'.repeat(64)],
    ] as const) {
      const { status, body } = await create({ name: sent, permissions: [] })
      expect([status, body.name]).toEqual([201, kept])
      expect((await get(body.id)).body.name).toBe(kept)
    }
    for (const name of [' ', '\u00a0', '\u3000\t']) {
      expectInvalid(await create({ name, permissions: [] }), ['name', 'must not be blank'])
    }
  })

  it('returns 409 for a name that differs only in blanks, case or Unicode form', async () => {
    expect((await create({ name: 'head nurse', permissions: [] })).status).toBe(201)
    for (const name of [
      ...['head nurse ', ' head nurse', 'HEAD NURSE\u00a0', '\u3000head nurse', '\ufeffhead nurse'],
      ...[
        'head\u00a0nurse',
        'head  nurse',
        'head\u3000nurse',
        'head\u2003nurse',
        'head\u1680nurse',
        'ｈｅａｄ　ｎｕｒｓｅ',
      ],
      ...[' admin', 'user\u00a0'],
    ]) {
      expectProblem(await create({ name, permissions: [] }), 409, taken)
    }
  })

  it('creates a role that can be named in any spelling, wherever a role is named', async () => {
    const { body: role } = await create({ name: ' head nurse ', permissions: [] })
    for (const name of ['head nurse', ' head nurse', 'head nurse\u00a0', 'HEAD\u00a0 NURSE', 'head\u200b nurse']) {
      const user = await signedInPerson(admin, { role: name })
      const held = async () => (await call(`/v1/users/${user.id}`, { token: admin })).body.roles
      expect([name, await held()]).toEqual([name, [{ id: role.id, name: 'head nurse' }]])
      const path = `/v1/users/${user.id}`
      for (const [way, method, json] of [
        [path, 'PATCH', { role: name }],
        [path, 'PUT', { role: name }],
        [`${path}/roles`, 'PUT', { roles: [name] }],
      ] as const) {
        await call(`${path}/roles`, { method: 'PUT', token: admin, json: { roles: ['user'] } })
        expect((await call(way, { method, token: admin, json })).status).toBe(200)
        expect([way, await held()]).toEqual([way, [{ id: role.id, name: 'head nurse' }]])
      }
      const imported = ['role', 'roles'].map((field, index) => ({
        email: `import${index}.of.${user.number}@example.org`,
        name: 'Somebody New',
        [field]: field === 'role' ? name : [name, 'user'],
      }))
      for (const path of ['/v1/imports?dry_run=true', '/v1/imports']) {
        expect((await importing(admin, imported, { path })).outcomes).toEqual(['created', 'created'])
      }
      const { body } = await call(`/v1/users?role=${encodeURIComponent(name)}&limit=100`, { token: admin })
      const holders = await rows('SELECT 1 FROM user_roles WHERE role_number = ?', role.number)
      expect([name, body.pagination.total]).toEqual([name, holders.length])
    }
  })

  it('gives a name to one of many simultaneous requests, and returns 409 to the others', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => create({ name: 'contested', permissions: [] })))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409])
    expect((await list()).body.data).toHaveLength(3)
  })

  it('never assigns a number twice, not even that of a deleted role', async () => {
    const first = (await create({ name: 'first', permissions: [] })).body
    await remove(first.id)
    expect((await create({ name: 'first', permissions: [] })).body.number).toBe(first.number + 1)
  })

  it('requires roles:manage, and every permission of the new role', async () => {
    const user = await manager('users:read')
    const permitted = { name: 'permitted', permissions: ['users:read', 'roles:manage'] }
    expect((await create(permitted, user.access_token)).status).toBe(201)
    const wider = { name: 'wider', permissions: ['users:read', 'users:delete', 'audit:read'] }
    expectProblem(await create(wider, user.access_token), 403, lacking('users:delete', 'audit:read'))
    const { key } = await keyWith(admin, ['roles:manage'])
    expectProblem(await create(wider, key), 403, lacking('users:read', 'users:delete', 'audit:read'))
    const reader = await someoneWith(admin, ['roles:read', 'roles:assign'])
    expectProblem(await create({ name: 'x', permissions: [] }, reader.access_token), 403, lacking('roles:manage'))
  })
})

describe('GET /roles/{id}', () => {
  it('returns the role, and requires roles:read', async () => {
    const role = await roleWith(admin, ['audit:read'])
    const { status, body } = await get(role.id)
    expect([status, body]).toEqual([200, role])
    const plain = await signedInPerson(admin, { role: role.name })
    expectProblem(await get(role.id, plain.access_token), 403, lacking('roles:read'))
  })

  it('returns 404 for an unknown role', async () => {
    for (const id of [legacy, '3', 'admin', roleIds.user.slice(1)]) expectProblem(await get(id), 404, notThere)
  })
})

describe('PATCH /roles/{id}', () => {
  it('changes the description and the permissions when they are sent', async () => {
    const role = await roleWith(admin, ['users:read'])
    const described = { ...role, description: 'At the door.' }
    const first = await patch(role.id, { description: 'At the door.' })
    expect([first.status, first.body]).toEqual([200, described])
    const second = await patch(role.id, { permissions: ['audit:read', 'users:create', 'audit:read'] })
    expect(second.body).toEqual({ ...described, permissions: ['users:create', 'audit:read'] })
    expect((await get(role.id)).body).toEqual(second.body)
    const again = await patch(role.id, second.body)
    expect([again.status, again.body, again.cost.written]).toEqual([200, second.body, 0])
  })

  it('does not change the id, the number and the name', async () => {
    const role = await roleWith(admin, [])
    const { status, body } = await patch(role.id, { id: legacy, number: 99, name: 'renamed', surprise: 1 })
    expect([status, body]).toEqual([200, role])
  })

  it('takes effect for every holder of the role from their next request on', async () => {
    const role = await roleWith(admin, [])
    const user = await signedInPerson(admin, { role: role.name })
    const users = async () => (await call('/v1/users', { token: user.access_token })).status
    expect(await users()).toBe(403)
    await patch(role.id, { permissions: ['users:read'] })
    expect(await users()).toBe(200)
    await patch(role.id, { permissions: [] })
    expect(await users()).toBe(403)
  })

  it('returns 409 for a built-in role, whatever is sent', async () => {
    for (const id of [roleIds.admin, roleIds.user]) {
      expectProblem(await patch(id, { permissions: ['users:read'] }), 409, builtIn)
      expectProblem(await patch(id, {}), 409, builtIn)
    }
  })

  it('requires roles:manage, and every permission of the role before and after', async () => {
    const user = await manager('users:read')
    const narrow = await roleWith(admin, ['users:read'])
    const wide = await roleWith(admin, ['users:read', 'users:delete'])
    const asOne = (id: string, json: unknown) => patch(id, json, user.access_token)
    expect((await asOne(narrow.id, { permissions: ['roles:manage'] })).status).toBe(200)
    expectProblem(await asOne(narrow.id, { permissions: ['users:delete'] }), 403, lacking('users:delete'))
    for (const json of [{ permissions: [] }, { description: 'mine' }]) {
      expectProblem(await asOne(wide.id, json), 403, lacking('users:delete'))
    }
    expect((await get(wide.id)).body).toEqual(wide)
    const reader = await someoneWith(admin, ['roles:read'])
    expectProblem(await patch(narrow.id, {}, reader.access_token), 403, lacking('roles:manage'))
  })

  it('returns 400 for invalid values, and 404 for an unknown role', async () => {
    const role = await roleWith(admin, [])
    expectInvalid(
      await patch(role.id, { description: 7, permissions: null }),
      ['description', 'must be a string'],
      ['permissions', 'must be a list'],
    )
    expectProblem(await patch(legacy, { permissions: [] }), 404, notThere)
  })
})

describe('DELETE /roles/{id}', () => {
  it('returns 204 without a body, and the role is gone', async () => {
    const role = await roleWith(admin, ['users:read'])
    const { status, text } = await remove(role.id)
    expect([status, text]).toEqual([204, ''])
    expectProblem(await get(role.id), 404, notThere)
    expectProblem(await remove(role.id), 404, notThere)
    expect((await create({ name: role.name, permissions: [], id: role.id })).status).toBe(201)
  })

  it('returns 409 while a user holds the role, even as one of several', async () => {
    const role = await roleWith(admin, [])
    const user = await signedInPerson(admin, { role: role.name })
    const setRoles = (roles: string[]) =>
      call(`/v1/users/${user.id}/roles`, { method: 'PUT', token: admin, json: { roles } })
    expectProblem(await remove(role.id), 409, 'Somebody holds this role.')
    await setRoles(['user', role.name])
    expectProblem(await remove(role.id), 409, 'Somebody holds this role.')
    await setRoles(['user'])
    expect((await remove(role.id)).status).toBe(204)
  })

  it('returns 409 when the role is assigned to a user at the same moment', async () => {
    const role = await roleWith(admin, [])
    let batches = 0
    const overtaking = {
      prepare: (sql: string) => testEnv.DB.prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        batches += 1
        if (batches === 2) await call('/v1/users', { token: admin, json: person({ role: role.name }) })
        return testEnv.DB.batch(statements)
      },
    }
    const options = { method: 'DELETE', token: admin, env: { DB: overtaking } }
    expectProblem(await call(`/v1/roles/${role.id}`, options), 409, 'Somebody holds this role.')
    expect(await rows('SELECT * FROM user_roles WHERE role_number NOT IN (SELECT number FROM roles)')).toEqual([])
  })

  it('returns 409 for a built-in role', async () => {
    for (const id of [roleIds.admin, roleIds.user]) expectProblem(await remove(id), 409, builtIn)
  })

  it('requires roles:manage, and every permission of the role', async () => {
    const user = await manager()
    const [narrow, wide] = [await roleWith(admin, ['roles:read']), await roleWith(admin, ['users:delete'])]
    expectProblem(await remove(wide.id, user.access_token), 403, lacking('users:delete'))
    expect((await remove(narrow.id, user.access_token)).status).toBe(204)
    const reader = await someoneWith(admin, ['roles:read'])
    expectProblem(await remove(wide.id, reader.access_token), 403, lacking('roles:manage'))
  })
})

namesEveryTest(statements)

/** v1: the roles of a user. */
import { beforeEach, describe, expect, it } from 'vitest'
import { adminToken, call, freshDirectory, roleIds, signedInPerson } from '../../support/usher'
import { namesEveryTest } from '../../support/statements'
import { expectInvalid, expectProblem, keyWith, lacking, statements, roleWith, someoneWith } from '../../support/v1'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const put = (id: string, roles: unknown, token = admin, headers: Record<string, string> = {}) =>
  call(`/v1/users/${id}/roles`, { method: 'PUT', token, json: { roles }, headers })
const namesOf = (body: { roles: { name: string }[] }) => body.roles.map(({ name }) => name)

describe('PUT /users/{id}/roles', () => {
  it('sets exactly these roles in this order, and returns the user with an ETag', async () => {
    const user = await signedInPerson(admin)
    const role = await roleWith(admin, ['users:read'], 'Reception')
    const { status, headers, body } = await put(user.id, ['Reception', 'admin', 'user'])
    const roles = [
      { id: role.id, name: 'Reception' },
      { id: roleIds.admin, name: 'admin' },
      { id: roleIds.user, name: 'user' },
    ]
    expect([status, body]).toEqual([200, { ...user.user, role: 'Reception', roles, updated_at: body.updated_at }])
    const read = await call(`/v1/users/${user.id}`, { token: admin })
    expect([read.body, read.headers.get('etag')]).toEqual([body, headers.get('etag')])
    expect(namesOf((await put(user.id, ['user', 'Reception'])).body)).toEqual(['user', 'Reception'])
  })

  it('makes the first role the primary one', async () => {
    const user = await signedInPerson(admin)
    expect((await put(user.id, ['admin', 'user'])).body.role).toBe('admin')
    expect((await put(user.id, ['user', 'admin'])).body.role).toBe('user')
  })

  it('finds a role by its name in any spelling, and assigns a repeated role once', async () => {
    const user = await signedInPerson(admin)
    await roleWith(admin, [], 'Straße')
    expect(namesOf((await put(user.id, ['STRASSE', 'ＡＤＭＩＮ', 'straße', 'admin'])).body)).toEqual([
      'Straße',
      'admin',
    ])
  })

  it('assigns the default role for an empty list', async () => {
    const user = await signedInPerson(admin, { role: 'admin' })
    expect(namesOf((await put(user.id, [])).body)).toEqual(['user'])
  })

  it('changes nothing for the roles that the user already has', async () => {
    const user = await signedInPerson(admin)
    const first = await put(user.id, ['admin', 'user'])
    const again = await put(user.id, ['ADMIN', 'user'])
    expect([again.status, again.body, again.cost.written]).toEqual([200, first.body, 0])
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'))
  })

  it('gives the user the permissions of all roles together, from the next request on', async () => {
    const [reading, auditing] = [await roleWith(admin, ['users:read']), await roleWith(admin, ['audit:read'])]
    const user = await signedInPerson(admin)
    const may = async () => {
      const paths = ['/v1/users', '/v1/audit-events', '/v1/roles']
      return Promise.all(paths.map(async (path) => (await call(path, { token: user.access_token })).status))
    }
    expect(await may()).toEqual([403, 403, 403])
    await put(user.id, ['user', reading.name, auditing.name])
    expect(await may()).toEqual([200, 200, 403])
    await put(user.id, [auditing.name])
    expect(await may()).toEqual([403, 200, 403])
  })

  it('returns 400 for an unknown role, and for anything but a list of names', async () => {
    const user = await signedInPerson(admin)
    expectInvalid(await put(user.id, ['user', 'nobody-made-this']), ['roles', 'is not a role of the directory'])
    expectInvalid(await put(user.id, 'user'), ['roles', 'must be a list'])
    expectInvalid(await put(user.id, ['user', 7]), ['roles.1', 'must be a string'])
    expectInvalid(await put(user.id, undefined), ['roles', 'is required'])
    expect((await call('/v1/me', { token: user.access_token })).body).toEqual(user.user)
  })

  it('returns 412 when If-Match names another version, and changes nothing', async () => {
    const user = await signedInPerson(admin)
    expectProblem(await put(user.id, ['admin'], admin, { 'if-match': '"7"' }), 412, 'The user has changed since.')
    expect((await call('/v1/me', { token: user.access_token })).body).toEqual(user.user)
    expect((await put(user.id, ['admin'], admin, { 'if-match': '"1"' })).status).toBe(200)
  })

  it('returns 404 for an unknown user', async () => {
    expectProblem(await put('usr_019b1c6e7a407d529a513f1d0c2b4e66', ['user']), 404, 'There is no such user.')
  })

  it('requires roles:assign, even for the caller’s own roles', async () => {
    const clerk = await someoneWith(admin, ['users:read', 'users:update', 'roles:manage'])
    const other = await signedInPerson(admin)
    for (const id of [clerk.id, other.id]) {
      expectProblem(await put(id, ['user'], clerk.access_token), 403, lacking('roles:assign'))
    }
  })

  it('gives no permission that the caller lacks, to others or to the caller, by session or by key', async () => {
    const assigner = await someoneWith(admin, ['roles:assign', 'users:read'])
    const reading = await roleWith(admin, ['users:read'])
    const other = await signedInPerson(admin)
    expect((await put(other.id, [reading.name], assigner.access_token)).status).toBe(200)
    for (const id of [other.id, assigner.id]) {
      const answer = await put(id, ['admin'], assigner.access_token)
      expect([answer.status, answer.body.detail]).toEqual([403, expect.stringContaining('users:delete')])
    }
    const { key } = await keyWith(admin, ['roles:assign', 'users:read'])
    expect((await put(other.id, ['admin'], key)).status).toBe(403)
    expect(namesOf((await call('/v1/me', { token: other.access_token })).body)).toEqual([reading.name])
  })

  it('removes no role from a user who holds a permission that the caller lacks', async () => {
    const assigner = await someoneWith(admin, ['roles:assign'])
    const stronger = await someoneWith(admin, ['roles:assign', 'audit:read'])
    expectProblem(await put(stronger.id, ['user'], assigner.access_token), 403, lacking('audit:read'))
  })

  it('returns 409 for the last active admin', async () => {
    const { body: me } = await call('/v1/me', { token: admin })
    expectProblem(await put(me.id, ['user']), 409, 'The last active admin must stay one.')
    const second = await signedInPerson(admin, { role: 'admin' })
    expect((await put(me.id, ['user'])).status).toBe(200)
    expectProblem(await put(second.id, ['user'], second.access_token), 409, 'The last active admin must stay one.')
  })
})

namesEveryTest(statements)

/** v1: API keys. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { permissions, type Permission } from '../../../src/core/access/permissions'
import { adminToken, call, freshDirectory, rows, signedInPerson, type Call } from '../../support/usher'
import { namesEveryTest } from '../../support/statements'
import { expectInvalid, expectProblem, keyWith, lacking, statements, roleWith, someoneWith } from '../../support/v1'

freshDirectory()
afterEach(() => void vi.useRealTimers())

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const create = (json: unknown, token = admin, options: Call = {}) => call('/v1/api-keys', { token, json, ...options })
const list = (token = admin) => call('/v1/api-keys', { token })
const revoke = (id: string, token = admin) => call(`/v1/api-keys/${id}`, { method: 'DELETE', token })
const statusOf = async (path: string, token: string) => (await call(path, { token })).status

const program = { name: 'nightly report', permissions: ['users:read'] }
const notValid = 'The credential is not valid, or no longer.'

describe('POST /api-keys', () => {
  it('returns 201 with the key, which is shown only once', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2031-02-03T04:05:06.789Z') })
    admin = await adminToken()
    const { status, body } = await create({ ...program, expires_at: '2031-03-01T00:00:00Z' })
    expect([status, body]).toEqual([
      201,
      {
        id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
        ...program,
        created_at: '2031-02-03T04:05:06Z',
        expires_at: '2031-03-01T00:00:00Z',
        last_used_at: null,
        key: expect.stringMatching(/^usk_[A-Za-z0-9_-]{49}$/),
      },
    ])
    const { key, ...shown } = body
    expect((await list()).body).toEqual({ data: [shown] })
    expect((await list()).text).not.toContain(key.slice(4, 20))
  })

  it('requires name and permissions, and reports errors field by field', async () => {
    expectInvalid(await create({}), ['name', 'is required'], ['permissions', 'is required'])
    expectInvalid(
      await create({ name: 'x'.repeat(201), permissions: ['everything'], expires_at: 7 }),
      ['name', 'must have at most 200 characters'],
      ['permissions.0', `must be one of ${permissions.join(', ')}`],
      ['expires_at', 'must be a string'],
    )
    expectInvalid(await create({ ...program, name: ' ' }), ['name', 'must not be blank'])
  })

  it('accepts an expiry time in the future, or none', async () => {
    for (const [sent, expected] of [
      [undefined, null],
      [null, null],
      ['2044-02-29T12:00:00Z', '2044-02-29T12:00:00Z'],
      ['2044-02-29T12:00:00.75+05:30', '2044-02-29T06:30:00Z'],
      ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59Z'],
    ]) {
      const { status, body } = await create({ ...program, expires_at: sent })
      expect([sent, status, body.expires_at]).toEqual([sent, 201, expected])
    }
    const message = 'must be a time to come, as 2027-01-31T12:00:00Z'
    for (const odd of [
      ...['2020-01-01T00:00:00Z', '2045-02-29T12:00:00Z', '2044-02-30T12:00:00Z', '2044-13-01T12:00:00Z'],
      ...['2044-02-28T24:00:00Z', '2044-02-28T12:00:60Z', '2044-02-28T12:00:00', '2044-02-28T12:00:00+25:00'],
      ...['9999-12-31T23:59:59-14:00', '2044-02-28', 'tomorrow', '', '4102444800'],
    ]) {
      expectInvalid(await create({ ...program, expires_at: odd }), ['expires_at', message])
    }
  })

  it('requires api_keys:manage, and every permission of the new key', async () => {
    const maker = await someoneWith(admin, ['api_keys:manage', 'users:read'])
    expect((await create(program, maker.access_token)).status).toBe(201)
    const wider = { ...program, permissions: ['users:read', 'users:delete', 'audit:read'] }
    expectProblem(await create(wider, maker.access_token), 403, lacking('users:delete', 'audit:read'))
    const plain = await signedInPerson(admin)
    expectProblem(await create({ ...program, permissions: [] }, plain.access_token), 403, lacking('api_keys:manage'))
  })

  it('called with a key, creates a key for its owner that is no wider than that key', async () => {
    const { key } = await keyWith(admin, ['api_keys:manage', 'users:read'])
    const made = await create(program, key)
    expect(made.status).toBe(201)
    const wider = { ...program, permissions: ['users:delete'] }
    expectProblem(await create(wider, key), 403, lacking('users:delete'))
    const me = await call('/v1/me', { token: made.body.key })
    expect(me.body).toEqual((await call('/v1/me', { token: admin })).body)
  })

  it('called with an expiring key, creates a key that expires no later', async () => {
    const ends = '2044-03-01T00:00:00Z'
    const { key } = await keyWith(admin, ['api_keys:manage', 'users:read'], { expires_at: ends })
    for (const [sent, expected] of [
      [undefined, ends],
      [null, ends],
      ['2045-01-01T00:00:00Z', ends],
      ['2044-02-01T00:00:00Z', '2044-02-01T00:00:00Z'],
    ]) {
      const { status, body } = await create({ ...program, expires_at: sent }, key)
      expect([sent, status, body.expires_at]).toEqual([sent, 201, expected])
      const { data } = (await list()).body
      expect(data.find(({ id }: { id: string }) => id === body.id).expires_at).toBe(expected)
    }
    const lasting = await keyWith(admin, ['api_keys:manage', 'users:read'])
    expect((await create(program, lasting.key)).body.expires_at).toBeNull()
    expect((await create({ ...program, expires_at: ends }, lasting.key)).body.expires_at).toBe(ends)
  })

  it('called with a key, creates a key that ends with it, over any number of steps', async () => {
    const allowed: Permission[] = ['api_keys:manage']
    const parent = await keyWith(admin, allowed)
    const child = await keyWith(parent.key, allowed)
    const grandchild = await keyWith(child.key, allowed)
    const sibling = await keyWith(parent.key, allowed)
    expect((await revoke(child.id)).status).toBe(204)
    const statuses = [parent, child, grandchild, sibling].map(({ key }) => statusOf('/v1/me', key))
    expect(await Promise.all(statuses)).toEqual([200, 401, 401, 200])
    expect((await revoke(parent.id)).status).toBe(204)
    expect(await statusOf('/v1/me', sibling.key)).toBe(401)
    expect(await rows('SELECT * FROM api_keys')).toEqual([])
  })

  it('stores only a hash of the key', async () => {
    const { key } = await keyWith(admin, [])
    const stored = JSON.stringify(await rows('SELECT * FROM api_keys'))
    for (const part of [key, key.slice(4), key.slice(4, 20)]) expect(stored).not.toContain(part)
  })

  it('returns a secret, so it ignores Idempotency-Key: each response has a new key', async () => {
    const headers = { 'idempotency-key': 'again' }
    const [first, second] = [await create(program, admin, { headers }), await create(program, admin, { headers })]
    expect([first.status, second.status, first.body.key === second.body.key]).toEqual([201, 201, false])
    expect(await rows('SELECT * FROM idempotency_records')).toEqual([])
  })
})

describe('an API key', () => {
  it('works in every contract, for its permissions and no more', async () => {
    const { key } = await keyWith(admin, ['users:read'])
    for (const path of ['/v1/users', '/personnel/users/list']) expect(await statusOf(path, key)).toBe(200)
    for (const path of ['/v1/roles', '/v1/audit-events', '/v1/api-keys']) expect(await statusOf(path, key)).toBe(403)
    expectProblem(await call('/v1/users', { token: key, json: {} }), 403, lacking('users:create'))
  })

  it('does not count as its owner: access to the owner’s own record requires a permission', async () => {
    const user = await someoneWith(admin, ['api_keys:manage'])
    const { key } = await keyWith(user.access_token, ['api_keys:manage'])
    expectProblem(await call(`/v1/users/${user.id}`, { token: key }), 403, lacking('users:read'))
    expectProblem(await call(`/v1/users/${user.id}/sessions`, { token: key }), 403, lacking('sessions:manage'))
    const json = { phone: '1' }
    const patched = await call(`/v1/users/${user.id}`, { method: 'PATCH', token: key, json })
    expectProblem(patched, 403, lacking('users:update'))
    expectProblem(await call('/v1/auth/logout', { method: 'POST', token: key }), 403, 'This is not allowed.')
  })

  it('allows no more than its owner currently may', async () => {
    const role = await roleWith(admin, ['users:read', 'roles:read', 'api_keys:manage'])
    const maker = await signedInPerson(admin, { role: role.name })
    const { key } = await keyWith(maker.access_token, ['users:read', 'roles:read'])
    const may = async () => [await statusOf('/v1/users', key), await statusOf('/v1/roles', key)]
    expect(await may()).toEqual([200, 200])
    await call(`/v1/roles/${role.id}`, { method: 'PATCH', token: admin, json: { permissions: ['roles:read'] } })
    expect(await may()).toEqual([403, 200])
    await call(`/v1/users/${maker.id}/roles`, { method: 'PUT', token: admin, json: { roles: ['user'] } })
    expect(await may()).toEqual([403, 403])
    expect(await statusOf('/v1/me', key)).toBe(200)
  })

  it('stops working when it expires', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2031-02-03T04:05:06Z') })
    admin = await adminToken()
    const { id, key } = await keyWith(admin, [], { expires_at: '2031-02-03T04:15:06Z' })
    vi.advanceTimersByTime(599_000)
    expect(await statusOf('/v1/me', key)).toBe(200)
    vi.advanceTimersByTime(1000)
    expectProblem(await call('/v1/me', { token: key }), 401, notValid)
    expect((await list()).body).toEqual({ data: [] })
    expect((await revoke(id)).status).toBe(204)
  })

  it('stops working with its owner', async () => {
    const [away, gone] = [await someoneWith(admin, ['api_keys:manage']), await someoneWith(admin, ['api_keys:manage'])]
    const keys = [await keyWith(away.access_token, []), await keyWith(gone.access_token, [])]
    await call(`/v1/users/${away.id}/deactivate`, { method: 'POST', token: admin })
    await call(`/v1/users/${gone.id}`, { method: 'DELETE', token: admin })
    for (const { key } of keys) expectProblem(await call('/v1/me', { token: key }), 401, notValid)
    await call(`/v1/users/${away.id}/activate`, { method: 'POST', token: admin })
    expectProblem(await call('/v1/me', { token: keys[0]?.key }), 401, notValid)
  })

  it('shows its last use, to the hour', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2031-02-03T04:05:06Z') })
    const { key } = await keyWith(await adminToken(), [])
    const use = async () => (await call('/v1/me', { token: key })).cost.written
    const shown = async () => (await list(await adminToken())).body.data[0].last_used_at
    expect([await shown(), await use(), await shown()]).toEqual([null, 1, '2031-02-03T04:05:06Z'])
    vi.advanceTimersByTime(3_599_000)
    expect([await use(), await shown()]).toEqual([0, '2031-02-03T04:05:06Z'])
    vi.advanceTimersByTime(1000)
    expect([await use(), await shown()]).toEqual([1, '2031-02-03T05:05:06Z'])
  })

  it('that is mistyped is refused without a database query', async () => {
    const { key } = await keyWith(admin, [])
    const otherThan = (character: string | undefined) => (character === 'A' ? 'B' : 'A')
    for (const odd of [
      `${key.slice(0, -1)}${otherThan(key.at(-1))}`,
      `usk_${otherThan(key[4])}${key.slice(5)}`,
      key.slice(0, -1),
      `${key}A`,
      'usk_',
    ]) {
      const answer = await call('/v1/me', { token: odd })
      expectProblem(answer, 401, notValid)
      expect([answer.cost.trips, answer.headers.get('www-authenticate')]).toEqual([0, 'Bearer error="invalid_token"'])
    }
  })
})

describe('GET /api-keys', () => {
  it('returns the caller’s own keys, newest first, without the secrets', async () => {
    const other = await someoneWith(admin, ['api_keys:manage'])
    const made = []
    for (const name of ['first', 'second', 'third']) made.unshift((await create({ ...program, name })).body)
    await keyWith(other.access_token, [])
    const { status, body } = await list()
    expect([status, body]).toEqual([200, { data: made.map(({ key: _, ...shown }) => shown) }])
    expect((await list(other.access_token)).body.data).toHaveLength(1)
  })

  it('called with a key, returns the keys of its owner', async () => {
    const { id, key } = await keyWith(admin, ['api_keys:manage'])
    expect((await list(key)).body.data.map((user: { id: string }) => user.id)).toEqual([id])
  })

  it('requires api_keys:manage', async () => {
    const plain = await signedInPerson(admin)
    expectProblem(await list(plain.access_token), 403, lacking('api_keys:manage'))
  })
})

describe('DELETE /api-keys/{id}', () => {
  it('returns 204 without a body, and the key is refused from the next request on', async () => {
    const { id, key } = await keyWith(admin, ['users:read'])
    expect(await statusOf('/v1/users', key)).toBe(200)
    const { status, text } = await revoke(id)
    expect([status, text]).toEqual([204, ''])
    expectProblem(await call('/v1/users', { token: key }), 401, notValid)
    expect((await list()).body).toEqual({ data: [] })
    expectProblem(await revoke(id), 404, 'There is no such API key.')
  })

  it('revokes any user’s key with no more permissions than the caller, and no wider key', async () => {
    const revoker = await someoneWith(admin, ['api_keys:manage', 'users:read'])
    const [narrow, wide] = [await keyWith(admin, ['users:read']), await keyWith(admin, ['users:read', 'audit:read'])]
    expect((await revoke(narrow.id, revoker.access_token)).status).toBe(204)
    expectProblem(await revoke(wide.id, revoker.access_token), 403, lacking('audit:read'))
    expect([await statusOf('/v1/me', narrow.key), await statusOf('/v1/me', wide.key)]).toEqual([401, 200])
  })

  it('revokes the caller’s own key, even when it is wider than the caller now is', async () => {
    const role = await roleWith(admin, ['users:read', 'api_keys:manage'])
    const maker = await signedInPerson(admin, { role: role.name })
    const { id } = await keyWith(maker.access_token, ['users:read'])
    await call(`/v1/roles/${role.id}`, { method: 'PATCH', token: admin, json: { permissions: ['api_keys:manage'] } })
    expect((await revoke(id, maker.access_token)).status).toBe(204)
  })

  it('called with a key, revokes no wider key, even of the same owner', async () => {
    const { id, key } = await keyWith(admin, ['api_keys:manage'])
    const wide = await keyWith(admin, ['users:read'])
    expectProblem(await revoke(wide.id, key), 403, lacking('users:read'))
    expect(await statusOf('/v1/users', wide.key)).toBe(200)
    expect((await revoke(id, key)).status).toBe(204)
    expect(await statusOf('/v1/me', key)).toBe(401)
  })

  it('requires api_keys:manage, and returns 404 for an unknown key', async () => {
    const { id } = await keyWith(admin, [])
    const plain = await signedInPerson(admin)
    expectProblem(await revoke(id, plain.access_token), 403, lacking('api_keys:manage'))
    for (const odd of ['none', '019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66']) {
      expectProblem(await revoke(odd), 404, 'There is no such API key.')
    }
  })
})

describe('GET /users/{id}/api-keys', () => {
  it('returns the valid keys of a user, newest first, without the secrets', async () => {
    const user = await someoneWith(admin, ['api_keys:manage'])
    const made = []
    for (const name of ['first', 'second']) made.unshift(await keyWith(user.access_token, [], { name }))
    const { id } = await keyWith(user.access_token, [])
    await revoke(id, user.access_token)
    await keyWith(admin, [])
    const { status, body, text } = await call(`/v1/users/${user.id}/api-keys`, { token: admin })
    expect([status, body]).toEqual([200, { data: made.map(({ key: _, ...shown }) => shown) }])
    for (const { key } of made) expect(text).not.toContain(key.slice(4, 20))
  })

  it('requires api_keys:manage, even for the caller’s own keys, and returns 404 for an unknown user', async () => {
    const plain = await signedInPerson(admin)
    const path = `/v1/users/${plain.id}/api-keys`
    expectProblem(await call(path, { token: plain.access_token }), 403, lacking('api_keys:manage'))
    const manager = await someoneWith(admin, ['api_keys:manage'])
    expect((await call(path, { token: manager.access_token })).body).toEqual({ data: [] })
    const nobody = '/v1/users/usr_019b1c6e7a407d529a513f1d0c2b4e66/api-keys'
    for (const method of ['GET', 'DELETE']) {
      expectProblem(await call(nobody, { method, token: admin }), 404, 'There is no such user.')
    }
  })
})

describe('DELETE /users/{id}/api-keys', () => {
  const revokeAll = (id: string, token = admin) => call(`/v1/users/${id}/api-keys`, { method: 'DELETE', token })

  it('returns 204 without a body, and every key of the user is refused from the next request on', async () => {
    const [user, other] = [await someoneWith(admin, ['api_keys:manage']), await someoneWith(admin, ['api_keys:manage'])]
    const keys = [await keyWith(user.access_token, []), await keyWith(user.access_token, [])]
    const left = await keyWith(other.access_token, [])
    for (let again = 0; again < 2; again += 1) {
      const { status, text } = await revokeAll(user.id)
      expect([status, text]).toEqual([204, ''])
    }
    for (const { key } of keys) expectProblem(await call('/v1/me', { token: key }), 401, notValid)
    expect([await statusOf('/v1/me', left.key), await statusOf('/v1/me', user.access_token)]).toEqual([200, 200])
    const recorded = await rows("SELECT user_id, subject_id FROM audit_events WHERE action = 'key.revoked'")
    expect(recorded).toEqual([{ user_id: user.uuid, subject_id: null }])
  })

  it('revokes no key when one of them is wider than the caller’s session or key', async () => {
    const revoker = await someoneWith(admin, ['api_keys:manage', 'users:read'])
    const { body: boss } = await call('/v1/me', { token: admin })
    const [narrow, wide] = [await keyWith(admin, ['users:read']), await keyWith(admin, ['audit:read'])]
    const weak = await keyWith(admin, ['api_keys:manage', 'users:read'])
    for (const token of [revoker.access_token, weak.key]) {
      expectProblem(await revokeAll(boss.id, token), 403, lacking('audit:read'))
    }
    expect([await statusOf('/v1/me', narrow.key), await statusOf('/v1/me', wide.key)]).toEqual([200, 200])
    await revoke(wide.id)
    expect((await revokeAll(boss.id, revoker.access_token)).status).toBe(204)
    expect([await statusOf('/v1/me', narrow.key), await statusOf('/v1/me', weak.key)]).toEqual([401, 401])
  })

  it('revokes the caller’s own keys, even when they are wider than the caller now is', async () => {
    const role = await roleWith(admin, ['users:read', 'api_keys:manage'])
    const maker = await signedInPerson(admin, { role: role.name })
    const { key } = await keyWith(maker.access_token, ['users:read'])
    await call(`/v1/roles/${role.id}`, { method: 'PATCH', token: admin, json: { permissions: ['api_keys:manage'] } })
    expect((await revokeAll(maker.id, maker.access_token)).status).toBe(204)
    expect(await statusOf('/v1/me', key)).toBe(401)
  })

  it('requires api_keys:manage', async () => {
    const plain = await signedInPerson(admin)
    expectProblem(await revokeAll(plain.id, plain.access_token), 403, lacking('api_keys:manage'))
  })
})

namesEveryTest(statements)

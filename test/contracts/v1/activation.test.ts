/** v1: deactivating and reactivating users. */
import { beforeEach, describe, expect, it } from 'vitest'
import { adminToken, call, freshDirectory, signedInPerson } from '../../support/usher'
import { namesEveryTest } from '../../support/statements'
import { expectProblem, keyWith, lacking, statements, someoneWith } from '../../support/v1'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const post = (id: string, action: 'activate' | 'deactivate', token = admin) =>
  call(`/v1/users/${id}/${action}`, { method: 'POST', token })
const login = (identifier: unknown, password: unknown) => call('/v1/auth/login', { json: { identifier, password } })

describe('POST /users/{id}/deactivate', () => {
  it('returns the inactive user with an ETag', async () => {
    const user = await signedInPerson(admin)
    const { status, headers, body } = await post(user.id, 'deactivate')
    expect([status, body]).toEqual([200, { ...user.user, status: 'inactive', updated_at: body.updated_at }])
    const read = await call(`/v1/users/${user.id}`, { token: admin })
    expect([read.body, read.headers.get('etag')]).toEqual([body, headers.get('etag')])
  })

  it('returns the same response when repeated, and changes nothing', async () => {
    const user = await signedInPerson(admin)
    const first = await post(user.id, 'deactivate')
    const again = await post(user.id, 'deactivate')
    expect([again.status, again.text, again.cost.written]).toEqual([200, first.text, 0])
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'))
  })

  it('ends every session, refresh token and key of the user, from the next request on', async () => {
    const user = await someoneWith(admin, ['users:read', 'api_keys:manage'])
    const { key } = await keyWith(user.access_token, ['users:read'])
    expect((await call('/v1/users', { token: key })).status).toBe(200)
    await post(user.id, 'deactivate')
    for (const token of [user.access_token, key]) expect((await call('/v1/users', { token })).status).toBe(401)
    expect((await call('/v1/auth/refresh', { json: { refresh_token: user.refresh_token } })).status).toBe(401)
    expect((await login(user.input.email, user.input.password)).status).toBe(401)
    expect((await call(`/v1/users/${user.id}/sessions`, { token: admin })).body).toEqual({ data: [] })
  })

  it('requires users:deactivate, even for the caller’s own account', async () => {
    const other = await signedInPerson(admin)
    const clerk = await someoneWith(admin, ['users:read', 'users:update', 'users:delete'])
    const missing = lacking('users:deactivate')
    for (const id of [other.id, clerk.id]) {
      expectProblem(await post(id, 'deactivate', clerk.access_token), 403, missing)
    }
    const keeper = await someoneWith(admin, ['users:deactivate'])
    expect((await post(other.id, 'deactivate', keeper.access_token)).status).toBe(200)
    expect((await post(keeper.id, 'deactivate', keeper.access_token)).status).toBe(200)
  })

  it('is forbidden for a user who holds a permission that the caller lacks', async () => {
    const keeper = await someoneWith(admin, ['users:deactivate'])
    const stronger = await someoneWith(admin, ['users:deactivate', 'audit:read'])
    expectProblem(await post(stronger.id, 'deactivate', keeper.access_token), 403, lacking('audit:read'))
    expect((await call('/v1/me', { token: stronger.access_token })).body.status).toBe('active')
  })

  it('returns 404 for an unknown user', async () => {
    expectProblem(await post('usr_019b1c6e7a407d529a513f1d0c2b4e66', 'deactivate'), 404, 'There is no such user.')
    expectProblem(await post('me', 'activate'), 404, 'There is no such user.')
  })

  it('returns 409 for the last active admin, and succeeds for every other user', async () => {
    const { body: me } = await call('/v1/me', { token: admin })
    const second = await signedInPerson(admin, { role: 'admin' })
    expect((await post(second.id, 'deactivate')).status).toBe(200)
    expectProblem(await post(me.id, 'deactivate'), 409, 'The last active admin must stay one.')
    expect((await call('/v1/me', { token: admin })).body).toEqual(me)
  })
})

describe('POST /users/{id}/activate', () => {
  it('returns the active user with an ETag, also when repeated', async () => {
    const user = await signedInPerson(admin)
    await post(user.id, 'deactivate')
    const first = await post(user.id, 'activate')
    expect([first.status, first.body]).toEqual([200, { ...user.user, updated_at: first.body.updated_at }])
    const again = await post(user.id, 'activate')
    expect([again.status, again.text]).toEqual([200, first.text])
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'))
  })

  it('lets the user sign in again, and revives no session, refresh token or key', async () => {
    const user = await someoneWith(admin, ['users:read', 'api_keys:manage'])
    const { key } = await keyWith(user.access_token, ['users:read'])
    await post(user.id, 'deactivate')
    await post(user.id, 'activate')
    for (const token of [user.access_token, key]) expect((await call('/v1/users', { token })).status).toBe(401)
    expect((await call('/v1/auth/refresh', { json: { refresh_token: user.refresh_token } })).status).toBe(401)
    const again = await login(user.input.email, user.input.password)
    expect(again.status).toBe(200)
    expect((await call('/v1/api-keys', { token: again.body.access_token })).body).toEqual({ data: [] })
  })

  it('clears a lockout, even for a user who is already active', async () => {
    const user = await signedInPerson(admin)
    for (let tried = 0; tried < 5; tried += 1) await login(user.input.email, 'not the password')
    expect((await login(user.input.email, user.input.password)).status).toBe(429)
    const { status, headers, body } = await post(user.id, 'activate')
    expect([status, body, headers.get('etag')]).toEqual([200, user.user, '"1"'])
    expect((await login(user.input.email, user.input.password)).status).toBe(200)
  })

  it('requires users:deactivate, and every permission that the user holds', async () => {
    const keeper = await someoneWith(admin, ['users:deactivate'])
    const stronger = await someoneWith(admin, ['audit:read'])
    const plain = await signedInPerson(admin)
    for (const { id } of [stronger, plain]) await post(id, 'deactivate')
    expectProblem(await post(stronger.id, 'activate', keeper.access_token), 403, lacking('audit:read'))
    expect((await post(plain.id, 'activate', keeper.access_token)).status).toBe(200)
    const clerk = await someoneWith(admin, ['users:update'])
    expectProblem(await post(plain.id, 'activate', clerk.access_token), 403, lacking('users:deactivate'))
  })
})

namesEveryTest(statements)

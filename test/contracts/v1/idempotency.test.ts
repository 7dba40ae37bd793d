/** v1: a POST that may be sent again. */
import { beforeEach, describe, expect, it } from 'vitest'
import {
  adminToken,
  call,
  firstAdmin,
  freshDirectory,
  person,
  rows,
  signedInPerson,
  testEnv,
} from '../../support/usher'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const create = (json: unknown, options = {}) => call('/v1/users', { token: admin, method: 'POST', json, ...options })

describe('Idempotency-Key', () => {
  const keyed = (key: string, json: unknown, options = {}) =>
    call('/v1/users', { token: admin, json, headers: { 'idempotency-key': key }, ...options })
  const total = async () => (await call('/v1/users', { token: admin })).body.pagination.total

  it('replays the first answer to the letter, whatever happened since, and does nothing twice', async () => {
    const input = person({ username: 'once' })
    const first = await keyed('k1', input)
    await call(`/v1/users/${first.body.id}`, { method: 'PATCH', token: admin, json: { phone: '9' } })
    const again = await keyed('k1', input)
    expect([again.status, again.text]).toEqual([201, first.text])
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'))
    expect([await total(), again.cost.written]).toEqual([2, 0])
  })

  it('is 422 with another body or another path, and free again after 24 hours', async () => {
    const input = person()
    const { body } = await keyed('k1', input)
    expect((await keyed('k1', { ...input, phone: '1' })).status).toBe(422)
    const headers = { 'idempotency-key': 'k1' }
    const elsewhere = await call(`/v1/users/${body.id}/deactivate`, { method: 'POST', token: admin, headers })
    expect(elsewhere.status).toBe(422)
    await rows('UPDATE idempotency_records SET created_at = created_at - 86400')
    expect((await keyed('k1', person())).status).toBe(201)
  })

  it('belongs to its principal', async () => {
    const one = await signedInPerson(admin, { role: 'admin' })
    expect((await keyed('k1', person())).status).toBe(201)
    expect((await keyed('k1', person(), { token: one.access_token })).status).toBe(201)
  })

  it('lets one of many at once do it, and the others replay it', async () => {
    const input = person()
    const answers = await Promise.all(Array.from({ length: 8 }, () => keyed('k1', input)))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(await total()).toBe(2)
  })

  it('keeps nothing of a request that failed', async () => {
    const input = person()
    expect((await keyed('k1', { ...input, email: firstAdmin.email })).status).toBe(409)
    expect((await keyed('k1', input)).status).toBe(201)
  })

  it('covers every other POST of v1 that holds no secret', async () => {
    const { body: user } = await create(person())
    const headers = { 'idempotency-key': 'k1' }
    const post = (path: string, json?: unknown) => call(path, { method: 'POST', token: admin, json, headers })
    const first = await post(`/v1/users/${user.id}/deactivate`)
    await call(`/v1/users/${user.id}/activate`, { method: 'POST', token: admin })
    expect((await post(`/v1/users/${user.id}/deactivate`)).text).toBe(first.text)
    expect((await call(`/v1/users/${user.id}`, { token: admin })).body.status).toBe('active')
    headers['idempotency-key'] = 'k2'
    const role = await post('/v1/roles', { name: 'keyed', permissions: [] })
    expect((await post('/v1/roles', { name: 'keyed', permissions: [] })).text).toBe(role.text)
    expect((await call('/v1/api-keys', { token: admin, json: { name: 'x', permissions: [] }, headers })).status).toBe(
      201,
    )
  })

  it('stores neither the body nor a plain hash of it, and survives the rotation of the secret', async () => {
    const input = person()
    const first = await keyed('k1', input)
    const stored = JSON.stringify(await rows('SELECT * FROM idempotency_records'))
    expect(stored).not.toContain(input.password)
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(input)))
    expect(stored).not.toContain(btoa(String.fromCharCode(...new Uint8Array(digest))).slice(0, 20))
    const env = { JWT_SECRET: 'Zt8Kq1Lw5Xr0Vn7Bd3Hs9Jf2Gm6Pc4Ty8Ua1Ei5Ro', JWT_SECRET_PREVIOUS: testEnv.JWT_SECRET }
    expect((await keyed('k1', input, { env })).text).toBe(first.text)
  })

  it('is 400 when empty or longer than 255 characters', async () => {
    for (const key of ['', 'k'.repeat(256)]) expect((await keyed(key, person())).status).toBe(400)
  })
})

/** v1, as far as it is served: signing in, oneself, and creating, reading, listing and deleting users. */
import { beforeEach, describe, expect, it } from 'vitest'
import { adminToken, call, firstAdmin, freshDirectory, person, roleIds, signedInPerson } from '../../support/usher'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const create = (json: unknown, options = {}) => call('/v1/users', { token: admin, method: 'POST', json, ...options })
const fieldsOf = (body: { errors: { field: string; message: string }[] }) => body.errors.map(({ field }) => field)

describe('POST /users', () => {
  it('answers 201 with the whole user, a Location that leads to them and an ETag', async () => {
    const { status, headers, body } = await create({
      email: 'Mara.Novak@Example.org',
      name: 'Mara Novak',
      password: 'securepass123',
      role: 'user',
    })
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.stringMatching(/^usr_[0-9a-f]{32}$/),
      email: 'Mara.Novak@example.org',
      name: 'Mara Novak',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      updated_at: body.created_at,
      status: 'active',
      role: 'user',
      username: null,
      matricule: null,
      first_name: 'Mara',
      last_name: 'Novak',
      birth_date: null,
      gender: null,
      phone: null,
      mobile: null,
      certified_email: null,
      user_type: null,
      is_staff: false,
      country_id: null,
      roles: [{ id: roleIds.user, name: 'user' }],
    })
    expect(headers.get('location')).toBe(`/v1/users/${body.id}`)
    const read = await call(String(headers.get('location')), { token: admin })
    expect(read.body).toEqual(body)
    expect(read.headers.get('etag')).toBe(headers.get('etag'))
  })

  it('takes every other writable field, and shows what was taken', async () => {
    const fields = {
      email: 'full@example.org',
      name: 'Dr. Full Record',
      username: 'full.record',
      matricule: 9_007_199_254_740_991,
      first_name: 'Full',
      last_name: 'Record',
      birth_date: '1984-02-29',
      gender: 'unknown',
      phone: '+41 22 000 00 00',
      mobile: '+41 79 000 00 00',
      certified_email: 'full@certified.example',
      user_type: 'student',
      is_staff: true,
      country_id: 756,
    }
    const { status, body } = await create({ ...fields, password: 'a fine passphrase', role: 'admin' })
    expect(status).toBe(201)
    expect(body).toMatchObject({ ...fields, role: 'admin' })
  })

  it('gives the role user unless told otherwise', async () => {
    expect((await create(person())).body.role).toBe('user')
  })

  it('requires email, name and password, and says everything that is wrong in one answer', async () => {
    const { status, headers, body } = await create({})
    expect(status).toBe(400)
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(body).toMatchObject({ type: 'about:blank', title: 'Bad Request', status: 400 })
    expect(body.errors).toEqual([
      { field: 'email', message: 'is required' },
      { field: 'name', message: 'is required' },
      { field: 'password', message: 'is required' },
    ])
    const bad = { email: 'no', name: ' ', password: 'short', username: 'a b', matricule: -1, birth_date: '2026-02-30' }
    const worse = { gender: 'other', is_staff: 'yes', country_id: 0, user_type: 1, phone: '\u0007', first_name: 7 }
    expect(fieldsOf((await create({ ...bad, ...worse })).body)).toEqual([
      ...['email', 'name', 'password', 'username', 'matricule', 'first_name', 'birth_date', 'gender', 'phone'],
      ...['user_type', 'is_staff', 'country_id'],
    ])
  })

  it.each([
    ['"12"', '12'],
    ['1.5', 1.5],
    ['above what a double counts', 2 ** 53],
    ['true', true],
  ])('refuses a matricule that is %s', async (_, matricule) => {
    expect(fieldsOf((await create(person({ matricule }))).body)).toEqual(['matricule'])
  })

  it('refuses a role that does not exist, as bad input', async () => {
    const { status, body } = await create(person({ role: 'nobody-made-this' }))
    expect([status, fieldsOf(body)]).toEqual([400, ['role']])
  })

  it('ignores read-only and unknown fields', async () => {
    const sent = person({ id: 'usr_0', status: 'inactive', created_at: '1999-01-01T00:00:00Z', roles: [], surprise: 1 })
    const { status, body } = await create(sent)
    expect([status, body.status, body.role]).toEqual([201, 'active', 'user'])
    expect(body.id).not.toBe('usr_0')
  })

  it('answers 409 for an email, username or matricule that is taken, and creates nothing', async () => {
    await create(person({ email: 'taken@example.org', username: 'taken', matricule: 5 }))
    for (const [field, value] of [
      ['email', 'TAKEN@example.org'],
      ['username', 'Taken'],
      ['matricule', 5],
    ] as const) {
      const { status, body } = await create(person({ [field]: value }))
      expect(status).toBe(409)
      expect(body.detail).toContain(field)
    }
    expect((await call('/v1/users', { token: admin })).body.pagination.total).toBe(2)
  })

  it('answers 400 for JSON that is none, 415 for what is not JSON, 413 for what is too large', async () => {
    const json = { 'content-type': 'application/json' }
    for (const body of ['{', '[]', '"text"', 'null', '']) {
      expect((await create(undefined, { body, headers: json })).status).toBe(400)
    }
    const invalidUtf8 = new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])
    expect((await create(undefined, { body: invalidUtf8, headers: json })).status).toBe(400)
    expect((await create(undefined, { body: '{}', headers: { 'content-type': 'text/plain' } })).status).toBe(415)
    expect((await create(person({ phone: 'x'.repeat(66_000) }))).status).toBe(413)
  })
})

describe('GET /users/{id}', () => {
  it('answers 404 for an id that is no one’s, and for what is no id at all', async () => {
    for (const id of ['usr_019b1c6e7a407d529a513f1d0c2b4e66', 'usr_1', 'nonsense', '%00', "usr_' OR 1=1 --"]) {
      const { status, body } = await call(`/v1/users/${id}`, { token: admin })
      expect([status, body.title]).toEqual([404, 'Not Found'])
    }
  })

  it('answers HEAD as GET, without the body', async () => {
    const { body } = await call('/v1/me', { token: admin })
    const head = await call(`/v1/users/${body.id}`, { method: 'HEAD', token: admin })
    expect([head.status, head.text]).toEqual([200, ''])
    expect(head.headers.get('etag')).toMatch(/^"\d+"$/)
  })
})

describe('GET /users', () => {
  it('pages by cursor in order of creation, with the exact total on every page', async () => {
    const emails = [firstAdmin.email]
    for (let index = 0; index < 6; index += 1) emails.push((await create(person())).body.email)
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const path: string = `/v1/users?limit=3${cursor === null ? '' : `&cursor=${cursor}`}`
      const { body } = await call(path, { token: admin })
      expect(body.pagination.total).toBe(7)
      seen.push(...body.data.map(({ email }: { email: string }) => email))
      cursor = body.pagination.next_cursor
    } while (cursor !== null)
    expect(seen).toEqual(emails)
  })

  it('gives 20 at a time unless told otherwise', async () => {
    for (let index = 0; index < 21; index += 1) await create(person())
    const { body } = await call('/v1/users', { token: admin })
    expect(body.data).toHaveLength(20)
    expect((await call('/v1/users?limit=100', { token: admin })).body.data).toHaveLength(22)
  })

  it.each(['0', '101', '-1', 'x', '1.5', '1e1', '0x10', '', '%20'])('answers 400 for limit=%s', async (limit) => {
    const { status, body } = await call(`/v1/users?limit=${limit}`, { token: admin })
    expect([status, fieldsOf(body)]).toEqual([400, ['limit']])
  })

  it.each(['x', 'e30', 'eyJhZnRlciI6LTF9', '%22'])('answers 400 for a cursor that is not ours: %s', async (cursor) => {
    const { status, body } = await call(`/v1/users?cursor=${cursor}`, { token: admin })
    expect([status, fieldsOf(body)]).toEqual([400, ['cursor']])
  })
})

describe('DELETE /users/{id}', () => {
  it('answers 204 without a body, then 404, and frees the email, username and matricule', async () => {
    const input = person({ username: 'free.again', matricule: 12 })
    const { body } = await create(input)
    const gone = await call(`/v1/users/${body.id}`, { method: 'DELETE', token: admin })
    expect([gone.status, gone.text]).toEqual([204, ''])
    expect((await call(`/v1/users/${body.id}`, { token: admin })).status).toBe(404)
    expect((await call(`/v1/users/${body.id}`, { method: 'DELETE', token: admin })).status).toBe(404)
    const again = await create(input)
    expect(again.status).toBe(201)
    expect(again.body.id).not.toBe(body.id)
  })
})

describe('POST /auth/login', () => {
  it('answers the tokens and the user', async () => {
    const input = person()
    const { body: user } = await create(input)
    const { status, body } = await call('/v1/auth/login', {
      json: { identifier: input.email, password: input.password },
    })
    expect(status).toBe(200)
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 900,
      refresh_token: expect.any(String),
      user,
    })
  })

  it('honours ACCESS_TOKEN_TTL_SECONDS', async () => {
    const json = { identifier: firstAdmin.email, password: firstAdmin.password }
    const { body } = await call('/v1/auth/login', { json, env: { ACCESS_TOKEN_TTL_SECONDS: '60' } })
    expect(body.expires_in).toBe(60)
    const { iat, exp } = JSON.parse(atob(body.access_token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')))
    expect(exp - iat).toBe(60)
  })

  it('answers 401 as a problem for what is wrong', async () => {
    const { status, body } = await call('/v1/auth/login', { json: { identifier: 'nobody', password: 'nothing' } })
    expect([status, body.title]).toEqual([401, 'Unauthorized'])
  })
})

describe('POST /auth/refresh and /auth/logout', () => {
  it('trades a refresh token for the next pair, and ends both', async () => {
    const one = await signedInPerson(admin)
    const { status, body } = await call('/v1/auth/refresh', { json: { refresh_token: one.refresh_token } })
    expect(status).toBe(200)
    expect(Object.keys(body)).toEqual(['access_token', 'token_type', 'expires_in', 'refresh_token'])
    const out = await call('/v1/auth/logout', { method: 'POST', token: body.access_token })
    expect([out.status, out.text]).toEqual([204, ''])
    expect((await call('/v1/me', { token: body.access_token })).status).toBe(401)
    expect((await call('/v1/auth/refresh', { json: { refresh_token: body.refresh_token } })).status).toBe(401)
  })
})

describe('GET /me', () => {
  it('answers the signed-in user', async () => {
    const one = await signedInPerson(admin)
    expect((await call('/v1/me', { token: one.access_token })).body).toEqual(one.user)
  })
})

describe('any path', () => {
  it('answers 404 where there is none and 405 with Allow for a verb it does not take, as problems', async () => {
    const nowhere = await call('/v1/nowhere', { token: admin })
    expect([nowhere.status, nowhere.body.title]).toEqual([404, 'Not Found'])
    expect((await call('/v1')).status).toBe(404)
    const wrong = await call('/v1/users', { method: 'PATCH', token: admin })
    expect([wrong.status, wrong.body.title]).toEqual([405, 'Method Not Allowed'])
    expect(wrong.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'HEAD', 'POST'])
    expect(wrong.headers.get('content-type')).toBe('application/problem+json')
  })
})

/** v1: creating, reading, changing and deleting users. */
import { beforeEach, describe, expect, it } from 'vitest'
import { adminToken, call, firstAdmin, freshDirectory, person, roleIds } from '../../support/usher'

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

describe('PUT and PATCH /users/{id}', () => {
  it.each(['PUT', 'PATCH'])(
    '%s changes what is sent and nothing else, and answers the user with a new ETag',
    async (method) => {
      const { body: before, headers } = await create(person({ phone: '1', mobile: '2', birth_date: '1990-05-05' }))
      const path = `/v1/users/${before.id}`
      const answer = await call(path, { method, token: admin, json: { phone: '3', mobile: null, gender: 'male' } })
      expect(answer.status).toBe(200)
      expect(answer.body).toEqual({
        ...before,
        phone: '3',
        mobile: null,
        gender: 'male',
        updated_at: answer.body.updated_at,
      })
      expect(answer.headers.get('etag')).not.toBe(headers.get('etag'))
      expect((await call(path, { token: admin })).body).toEqual(answer.body)
    },
  )

  it('changes every writable field, and takes every optional one away with null', async () => {
    const { body: before } = await create(person())
    const path = `/v1/users/${before.id}`
    const all = {
      email: 'Changed.Here@example.org',
      name: 'Changed Name',
      username: 'changed.name',
      matricule: 0,
      first_name: 'Chang',
      last_name: 'Ed',
      birth_date: '2001-12-31',
      gender: 'unknown',
      phone: '1',
      mobile: '2',
      certified_email: 'certified@example.org',
      user_type: 'administrative',
      is_staff: true,
      country_id: 1,
    }
    expect((await call(path, { method: 'PATCH', token: admin, json: all })).body).toMatchObject(all)
    const optional = [
      'username',
      'matricule',
      'birth_date',
      'gender',
      'phone',
      'mobile',
      'certified_email',
      'user_type',
      'country_id',
    ]
    const none = Object.fromEntries(optional.map((field) => [field, null]))
    expect((await call(path, { method: 'PATCH', token: admin, json: none })).body).toMatchObject(none)
  })

  it('leaves read-only fields as they are, and sends nothing to the database for a whole record sent back', async () => {
    const { body: user, headers } = await create(
      person({ username: 'whole', matricule: 3, first_name: 'W', last_name: 'H' }),
    )
    const answer = await call(`/v1/users/${user.id}`, { method: 'PUT', token: admin, json: user })
    expect([answer.status, answer.body, answer.cost.written]).toEqual([200, user, 0])
    expect(answer.headers.get('etag')).toBe(headers.get('etag'))
    const readOnly = { id: 'usr_1', status: 'inactive', roles: [], created_at: '1999-01-01T00:00:00Z', updated_at: 'x' }
    expect((await call(`/v1/users/${user.id}`, { method: 'PUT', token: admin, json: readOnly })).body).toEqual(user)
  })

  it('sets the primary role by name, replacing all, unless it is the primary one already', async () => {
    const { body: user } = await create(person())
    const set = (json: unknown) => call(`/v1/users/${user.id}`, { method: 'PATCH', token: admin, json })
    expect((await set({ role: 'admin' })).body.roles.map(({ name }: any) => name)).toEqual(['admin'])
    await call(`/v1/users/${user.id}/roles`, { method: 'PUT', token: admin, json: { roles: ['admin', 'user'] } })
    expect((await set({ role: 'admin' })).body.roles).toHaveLength(2)
    expect((await set({ role: 'user' })).body.roles.map(({ name }: any) => name)).toEqual(['user'])
    const unknown = await set({ role: 'nobody-made-this' })
    expect([unknown.status, fieldsOf(unknown.body)]).toEqual([400, ['role']])
  })

  it('answers 412 where If-Match names another version, and changes nothing', async () => {
    const { body: user, headers } = await create(person())
    const etag = String(headers.get('etag'))
    const change = (match: string, json: unknown, method = 'PATCH') =>
      call(`/v1/users/${user.id}`, { method, token: admin, json, headers: { 'if-match': match } })
    expect((await change(etag, { phone: '1' })).status).toBe(200)
    for (const stale of [etag, `W/${etag}`, '"999"', 'nonsense']) {
      expect((await change(stale, { phone: '2' })).status).toBe(412)
      expect((await change(stale, { phone: '2' }, 'PUT')).status).toBe(412)
    }
    const gone = await call(`/v1/users/${user.id}`, { method: 'DELETE', token: admin, headers: { 'if-match': etag } })
    expect(gone.status).toBe(412)
    expect((await call(`/v1/users/${user.id}`, { token: admin })).body.phone).toBe('1')
    expect((await change('*', { phone: '3' })).status).toBe(200)
    expect((await change('"1", "3"', { phone: '4' })).status).toBe(200)
  })

  it('takes an ETag that was marked weak on its way, as a compressing edge does', async () => {
    const { body: user, headers } = await create(person())
    const match = { 'if-match': `W/${headers.get('etag')}` }
    const change = () =>
      call(`/v1/users/${user.id}`, { method: 'PATCH', token: admin, json: { phone: '1' }, headers: match })
    expect([(await change()).status, (await change()).status]).toEqual([200, 412])
  })

  it('of two changes on one version lets one win', async () => {
    const { body: user, headers } = await create(person())
    const change = (phone: string) =>
      call(`/v1/users/${user.id}`, {
        method: 'PATCH',
        token: admin,
        json: { phone },
        headers: { 'if-match': String(headers.get('etag')) },
      })
    const statuses = (await Promise.all(['1', '2', '3', '4'].map(change))).map(({ status }) => status).sort()
    expect(statuses).toEqual([200, 412, 412, 412])
  })

  it('answers 409 for what is taken, and 400 before 404', async () => {
    const { body: user } = await create(person())
    const change = (id: string, json: unknown) => call(`/v1/users/${id}`, { method: 'PATCH', token: admin, json })
    expect((await change(user.id, { email: firstAdmin.email.toUpperCase() })).status).toBe(409)
    expect((await change('usr_1', { email: 'none' })).status).toBe(400)
    expect((await change('usr_1', {})).status).toBe(404)
    expect((await change(user.id, [])).status).toBe(400)
  })
})

describe('If-None-Match', () => {
  it('gets 304 without a body where the user is as the client has it', async () => {
    const { body: user, headers } = await create(person())
    const etag = String(headers.get('etag'))
    for (const [tag, status] of [
      [etag, 304],
      [`W/${etag}`, 304],
      [`"0", ${etag}`, 304],
      ['*', 304],
      ['"0"', 200],
    ] as const) {
      const answer = await call(`/v1/users/${user.id}`, { token: admin, headers: { 'if-none-match': tag } })
      expect([tag, answer.status]).toEqual([tag, status])
      expect(answer.headers.get('etag')).toBe(etag)
      expect(answer.text === '').toBe(status === 304)
    }
  })
})

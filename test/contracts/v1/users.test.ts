/** v1, as far as it is served: signing in, oneself, and creating, reading, listing and deleting users. */
import { beforeEach, describe, expect, it } from 'vitest'
import {
  adminToken,
  call,
  firstAdmin,
  freshDirectory,
  person,
  roleIds,
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

describe('POST /users/{id}/activate and /deactivate', () => {
  it('answer the user with their new status, again and again', async () => {
    const one = await signedInPerson(admin)
    const post = (action: string) => call(`/v1/users/${one.id}/${action}`, { method: 'POST', token: admin })
    for (const [action, status] of [
      ['deactivate', 'inactive'],
      ['deactivate', 'inactive'],
      ['activate', 'active'],
      ['activate', 'active'],
    ] as const) {
      const answer = await post(action)
      expect([answer.status, answer.body.status]).toEqual([200, status])
      expect(answer.headers.get('etag')).toMatch(/^"\d+"$/)
    }
    expect((await call('/v1/me', { token: one.access_token })).status).toBe(401)
    expect((await post('nothing')).status).toBe(404)
  })
})

describe('PUT /users/{id}/roles', () => {
  const put = (id: string, roles: unknown, token = admin) =>
    call(`/v1/users/${id}/roles`, { method: 'PUT', token, json: { roles } })

  it('gives these roles in this order, the first being the primary one', async () => {
    const { body: user } = await create(person())
    await call('/v1/roles', { token: admin, json: { name: 'Reception', permissions: ['users:read'] } })
    const { status, body } = await put(user.id, ['reception', 'admin', 'user', 'RECEPTION'])
    expect([status, body.role, body.roles.map(({ name }: any) => name)]).toEqual([
      200,
      'Reception',
      ['Reception', 'admin', 'user'],
    ])
    expect((await put(user.id, [])).body.roles.map(({ name }: any) => name)).toEqual(['user'])
  })

  it('refuses a role that does not exist, and one that allows what the giver may not', async () => {
    const { body: user } = await create(person())
    expect((await put(user.id, ['user', 'nobody-made-this'])).status).toBe(400)
    const role = { name: 'assigner', permissions: ['roles:assign'] }
    await call('/v1/roles', { token: admin, json: role })
    const assigner = await signedInPerson(admin, { role: 'assigner' })
    expect((await put(user.id, ['assigner'], assigner.access_token)).status).toBe(200)
    expect((await put(user.id, ['admin'], assigner.access_token)).status).toBe(403)
    expect((await put(assigner.id, ['admin'], assigner.access_token)).status).toBe(403)
  })
})

describe('GET /users by search, filters and sort', () => {
  const emailsOf = async (query: string) => {
    const { status, body, text } = await call(`/v1/users?${query}`, { token: admin })
    expect([query, status, text.length > 0]).toEqual([query, 200, true])
    expect(body.pagination.total).toBe(body.data.length)
    return body.data.map(({ email }: { email: string }) => email.split('@')[0]) as string[]
  }

  beforeEach(async () => {
    const password = 'a fine passphrase'
    for (const input of [
      { email: 'zoe@example.org', name: 'Zoë Ångström', username: 'z_o_e' },
      { email: 'bo@example.org', name: 'Bo Li' },
      { email: 'percent@example.org', name: 'Per %Cent "Quoted" O\u2019Neil*', username: 'per-cent' },
      { email: 'istanbul@example.org', name: 'İlker Straße', first_name: 'Given', last_name: 'Elsewhere' },
      { email: 'alba@certified.example', name: 'alba Álvarez', certified_email: 'notary@hidden.example' },
    ]) {
      expect((await create({ ...input, password })).status).toBe(201)
    }
  })

  it.each([
    ['angstrom', ['zoe']],
    ['ÅNGSTRÖM', ['zoe']],
    ['zoe example', ['zoe']],
    ['gstr', ['zoe']],
    ['bo', ['bo']],
    ['%', ['percent']],
    ['%c', ['percent']],
    ['"quoted"', ['percent']],
    ['"', ['percent']],
    ['neil*', ['percent']],
    ['*', ['percent']],
    ['_o_', ['zoe']],
    ['-', ['percent']],
    ['strasse', ['istanbul']],
    ['elsewhere', ['istanbul']],
    ['ilker', ['istanbul']],
    ['alvarez', ['alba']],
    ['notary', []],
    ['nowhere', []],
    ['zoe nowhere', []],
    ['AND', []],
    ['name:zoe', []],
    ['(', []],
    ['\u0001', []],
  ])('finds %s where it is written, every character literal', async (search, expected) => {
    expect(await emailsOf(`search=${encodeURIComponent(search)}&limit=100`)).toEqual(expected)
  })

  it('finds one letter and the end of a word as well as its middle', async () => {
    expect(await emailsOf('search=li')).toEqual(['bo'])
    expect(await emailsOf('search=z')).toEqual(expect.arrayContaining(['zoe', 'alba']))
    expect(await emailsOf('search=%C3%AB')).toEqual(expect.arrayContaining(['zoe']))
    expect(await emailsOf('search=er')).toEqual(expect.arrayContaining(['percent', 'istanbul']))
  })

  it('follows a change and a deletion', async () => {
    const { body } = await call('/v1/users?search=zoe', { token: admin })
    const path = `/v1/users/${body.data[0].id}`
    await call(path, { method: 'PATCH', token: admin, json: { name: 'Renamed Person', email: 'new@example.org' } })
    expect(await emailsOf('search=angstrom')).toEqual([])
    expect(await emailsOf('search=renamed')).toEqual(['new'])
    await call(path, { method: 'DELETE', token: admin })
    expect(await emailsOf('search=renamed')).toEqual([])
  })

  it('filters by status and role, alone and together, with search too', async () => {
    const { body } = await call('/v1/users?search=bo', { token: admin })
    await call(`/v1/users/${body.data[0].id}/deactivate`, { method: 'POST', token: admin })
    expect(await emailsOf('status=inactive')).toEqual(['bo'])
    expect((await emailsOf('status=active')).length).toBe(5)
    expect(await emailsOf('role=admin')).toEqual(['first.admin'])
    expect(await emailsOf('role=ADMIN&status=active')).toEqual(['first.admin'])
    expect(await emailsOf('role=user&status=inactive')).toEqual(['bo'])
    expect(await emailsOf('role=nobody-made-this')).toEqual([])
    expect(await emailsOf('search=example.org&status=inactive')).toEqual(['bo'])
    expect(await emailsOf('search=example.org&role=admin')).toEqual([])
    expect(await emailsOf('search=usher&role=admin&status=active&sort=name')).toEqual(['first.admin'])
  })

  it('sorts by creation, email and name, both ways, and pages through each without gap or repeat', async () => {
    const created = ['first.admin', 'zoe', 'bo', 'percent', 'istanbul', 'alba']
    const orders: Record<string, string[]> = {
      created_at: created,
      email: [...created].sort(),
      name: ['alba', 'bo', 'first.admin', 'istanbul', 'percent', 'zoe'],
    }
    for (const [sort, expected] of Object.entries(orders)) {
      for (const [parameter, order] of [
        [sort, expected],
        [`-${sort}`, [...expected].reverse()],
      ] as const) {
        for (const filter of ['', '&status=active', '&search=e', '&role=user']) {
          const whole = await emailsOf(`sort=${parameter}${filter}&limit=100`)
          if (filter !== '&role=user' && filter !== '&search=e') expect([parameter, whole]).toEqual([parameter, order])
          const paged: string[] = []
          let cursor: string | null = ''
          while (cursor !== null) {
            const path: string = `/v1/users?sort=${parameter}${filter}&limit=2${cursor && `&cursor=${cursor}`}`
            const { body } = await call(path, { token: admin })
            expect(body.pagination.total).toBe(whole.length)
            paged.push(...body.data.map(({ email }: { email: string }) => email.split('@')[0]))
            cursor = body.pagination.next_cursor
          }
          expect([parameter, filter, paged]).toEqual([parameter, filter, whole])
        }
      }
    }
  })

  it('answers 400 for a cursor of another sort or filter, an unknown sort or status, and a search too long', async () => {
    const { body } = await call('/v1/users?limit=2&sort=email', { token: admin })
    const cursor = body.pagination.next_cursor
    for (const query of [
      '',
      '&sort=-email',
      '&sort=email&status=active',
      '&sort=email&search=a',
      '&sort=email&role=user',
    ]) {
      expect((await call(`/v1/users?limit=2&cursor=${cursor}${query}`, { token: admin })).status).toBe(400)
    }
    expect((await call(`/v1/users?limit=2&cursor=${cursor}&sort=email`, { token: admin })).status).toBe(200)
    for (const query of ['sort=age', 'status=maybe', `search=${'a'.repeat(201)}`]) {
      expect((await call(`/v1/users?${query}`, { token: admin })).status).toBe(400)
    }
  })
})

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

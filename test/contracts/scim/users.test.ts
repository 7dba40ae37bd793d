/// <reference types="vite/client" />
/** SCIM users: creating, reading, replacing, patching and deleting them, and the attributes stored for SCIM only. */
import { beforeEach, describe, expect, it } from 'vitest'
import {
  base,
  clientKey,
  clientOf,
  enterprise,
  provisioning,
  scimUser,
  userSchema,
  type Client,
} from '../../support/scim'
import { adminToken, call, freshDirectory, rows, signedInPerson } from '../../support/usher'
import { namesEveryTest } from '../../support/statements'
import statements from './STATEMENTS.md?raw'

freshDirectory()

let client: Client
beforeEach(async () => {
  client = clientOf(await clientKey())
})

const created = async (overrides: Record<string, unknown> = {}) => {
  const answer = await client.post('/Users', scimUser(overrides))
  expect([answer.status, answer.text]).toEqual([201, expect.any(String)])
  return answer.body
}

describe('POST /Users', () => {
  it('creates a user and returns the whole resource with Location and ETag', async () => {
    const answer = await client.post('/Users', {
      schemas: [userSchema, enterprise],
      externalId: '00u1',
      userName: 'noor',
      name: { givenName: 'Noor', familyName: 'Haddad', honorificPrefix: 'Dr.', formatted: 'Dr. Noor Haddad' },
      emails: [
        { value: 'noor@home.example', type: 'home' },
        { value: 'noor@example.org', primary: true },
      ],
      phoneNumbers: [
        { value: '+1 555 1', type: 'work' },
        { value: '+1 555 2', type: 'mobile', primary: true },
        { value: '+1 555 3', type: 'fax' },
      ],
      title: 'Radiologist',
      userType: 'Employee',
      addresses: [{ type: 'work', locality: 'Rome', formatted: 'Via Appia 1\n00100 Rome' }],
      [enterprise]: { employeeNumber: '4711', department: 'Radiology', manager: '26118915' },
    })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('content-type')).toBe('application/scim+json')
    const { id, meta, ...rest } = answer.body
    expect(rest).toEqual({
      schemas: [userSchema, enterprise],
      externalId: '00u1',
      userName: 'noor',
      name: { givenName: 'Noor', familyName: 'Haddad', honorificPrefix: 'Dr.', formatted: 'Dr. Noor Haddad' },
      displayName: 'Dr. Noor Haddad',
      title: 'Radiologist',
      userType: 'Employee',
      active: true,
      emails: [{ value: 'noor@example.org', type: 'work', primary: true }],
      phoneNumbers: [
        { value: '+1 555 1', type: 'work' },
        { value: '+1 555 2', type: 'mobile', primary: true },
        { value: '+1 555 3', type: 'fax' },
      ],
      addresses: [{ type: 'work', locality: 'Rome', formatted: 'Via Appia 1\n00100 Rome' }],
      [enterprise]: { employeeNumber: '4711', department: 'Radiology', manager: { value: '26118915' } },
    })
    expect(meta).toMatchObject({
      resourceType: 'User',
      version: 'W/"1"',
      location: `https://usher.example${base}/Users/${id}`,
    })
    expect(answer.headers.get('etag')).toBe('W/"1"')
    expect(answer.headers.get('location')).toBe(meta.location)
    const again = await client.get(`/Users/${id}`)
    expect([again.status, again.body]).toEqual([200, answer.body])
  })

  it('shares the record with every contract, but not the attributes stored for SCIM only', async () => {
    const { id } = await created({
      userName: 'shared@example.org',
      emails: undefined,
      title: 'Nurse',
      [enterprise]: { employeeNumber: '12' },
    })
    const v1 = await call(`/v1/users/usr_${id.replaceAll('-', '')}`, { token: await adminToken() })
    expect(v1.body).toMatchObject({
      email: 'shared@example.org',
      username: null,
      matricule: 12,
      name: 'Person ' + v1.body.last_name,
    })
    expect(v1.text).not.toContain('Nurse')
  })

  it('uses the userName as the email when emails are absent, and rejects one that is not an address', async () => {
    expect((await created({ userName: 'only@example.org', emails: undefined })).emails).toEqual([
      { value: 'only@example.org', type: 'work', primary: true },
    ])
    const refused = await client.post('/Users', scimUser({ userName: 'no-address', emails: [] }))
    expect([refused.status, refused.body.scimType]).toEqual([400, 'invalidValue'])
  })

  it('ignores a password in every place, so the user cannot sign in with it', async () => {
    const { id } = await created({ password: 'a placeholder of Okta', PassWord: 'another' })
    await client.patch(`/Users/${id}`, [
      { op: 'replace', path: 'password', value: 'a placeholder of Okta' },
      { op: 'replace', value: { password: 'x' } },
    ])
    expect(await rows('SELECT password_hash FROM users WHERE id = ?', id)).toEqual([{ password_hash: null }])
    expect((await client.get(`/Users/${id}`)).body.meta.version).toBe('W/"1"')
  })

  it('rejects bad input with 400 and the right scimType, and creates no user', async () => {
    const before = await rows('SELECT count(*) AS n FROM users')
    for (const [what, overrides, scimType] of [
      ['no schemas', { schemas: undefined }, 'invalidSyntax'],
      ['another schema', { schemas: ['urn:other'] }, 'invalidSyntax'],
      ['no userName', { userName: undefined }, 'invalidValue'],
      ['an empty userName', { userName: '' }, 'invalidValue'],
      ['a userName with blanks', { userName: 'a b' }, 'invalidValue'],
      ['a userName of 129 characters', { userName: 'x'.repeat(129) }, 'invalidValue'],
      ['a userName of another type', { userName: 7 }, 'invalidValue'],
      ['an email that is none', { emails: [{ value: 'nothing' }] }, 'invalidValue'],
      ['active of another type', { active: 'maybe' }, 'invalidValue'],
      ['a name of another type', { name: 'Noor' }, 'invalidValue'],
      ['roles', { roles: [{ value: 'admin' }] }, 'invalidValue'],
      ['entitlements', { Entitlements: ['all'] }, 'invalidValue'],
      ['an externalId of 256 characters', { externalId: 'x'.repeat(256) }, 'invalidValue'],
      ['control characters', { title: 'a\u0000b' }, 'invalidValue'],
      ['eleven addresses', { addresses: Array(11).fill({ type: 'work' }) }, 'invalidValue'],
      [
        'two primary addresses',
        {
          addresses: [
            { primary: true, region: 'a' },
            { primary: 'True', region: 'b' },
          ],
        },
        'invalidValue',
      ],
      [
        'more attributes than are kept',
        { addresses: Array(8).fill({ streetAddress: 'x'.repeat(1500) }) },
        'invalidValue',
      ],
    ] as [string, Record<string, unknown>, string][]) {
      const answer = await client.post('/Users', scimUser(overrides))
      expect([what, answer.status, answer.body.scimType, answer.body.status]).toEqual([what, 400, scimType, '400'])
    }
    expect(await rows('SELECT count(*) AS n FROM users')).toEqual(before)
  })

  it('ignores empty roles, unknown attributes and property names of object prototypes', async () => {
    const body = `{"schemas":["${userSchema}"],"userName":"proto@example.org","roles":[],"__proto__":{"active":false},"constructor":1,"hobby":"chess","name":{"__proto__":{"givenName":"X"},"givenName":"Ada"}}`
    const answer = await call(`${base}/Users`, {
      token: await clientKey(),
      body,
      headers: { 'content-type': 'application/scim+json; charset=utf-8' },
    })
    expect([answer.status, answer.body.active, answer.body.name.givenName]).toEqual([201, true, 'Ada'])
  })

  it('returns 409 uniqueness for an email, userName or employee number that another user has', async () => {
    await created({ userName: 'taken@example.org', emails: undefined, [enterprise]: { employeeNumber: '77' } })
    for (const overrides of [
      { userName: 'TAKEN@example.org', emails: undefined },
      { emails: [{ value: 'taken@example.org' }] },
      { [enterprise]: { employeeNumber: '77' } },
      { userName: '77' },
    ]) {
      const answer = await client.post('/Users', scimUser(overrides))
      expect([answer.status, answer.body.scimType]).toEqual([409, 'uniqueness'])
    }
  })

  it('reads attribute names, URNs and booleans in any case', async () => {
    const answer = await client.post('/Users', {
      SCHEMAS: [userSchema.toUpperCase()],
      USERNAME: 'case@example.org',
      [`${userSchema}:title`]: 'Chief',
      Name: { GIVENNAME: 'Ada' },
      ACTIVE: 'False',
      [`${enterprise.toLowerCase()}:Department`]: 'IT',
    })
    expect(answer.body).toMatchObject({
      userName: 'case@example.org',
      title: 'Chief',
      name: { givenName: 'Ada' },
      active: false,
      [enterprise]: { department: 'IT' },
    })
  })
})

describe('externalId', () => {
  it('belongs to one client, need not be unique, and remains with a new key of the same owner', async () => {
    const admin = await adminToken()
    const owner = await signedInPerson(admin, { role: 'admin' })
    const other = clientOf(owner.access_token)
    const { id } = await created({ externalId: 'mine' })
    const second = await created({ externalId: 'mine' })
    expect((await other.get(`/Users/${id}`)).body.externalId).toBeUndefined()
    await other.patch(`/Users/${id}`, [{ op: 'add', path: 'externalId', value: 'Theirs' }])
    expect((await other.get(`/Users/${id}`)).body.externalId).toBe('Theirs')
    expect((await client.get(`/Users/${id}`)).body.externalId).toBe('mine')
    const renewed = clientOf(await clientKey())
    expect((await renewed.get(`/Users?filter=externalId eq "mine"`)).body.Resources.map((one: any) => one.id)).toEqual([
      id,
      second.id,
    ])
    expect((await renewed.get(`/Users?filter=externalId eq "MINE"`)).body.totalResults).toBe(0)
    expect((await other.get(`/Users?filter=externalId eq "Theirs"`)).body.totalResults).toBe(1)
  })
})

describe('PUT /Users/{id}', () => {
  it('replaces the attributes stored for SCIM only, and keeps absent attributes of the core', async () => {
    const { id, userName } = await created({
      title: 'Nurse',
      externalId: 'x',
      phoneNumbers: [
        { value: '1', type: 'work' },
        { value: '2', type: 'fax' },
      ],
      [enterprise]: { employeeNumber: '9', department: 'IT' },
    })
    await client.patch(`/Users/${id}`, [{ op: 'replace', path: 'active', value: false }])
    const { status, body } = await client.put(`/Users/${id}`, { schemas: [userSchema], userName })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      externalId: 'x',
      active: false,
      name: { givenName: 'Person' },
      phoneNumbers: [{ value: '1', type: 'work' }],
      [enterprise]: { employeeNumber: '9' },
    })
    expect(body.title).toBeUndefined()
    expect(body[enterprise].department).toBeUndefined()
  })

  it('clears attributes that are null, and the absent parts of a name that is sent', async () => {
    const { id, userName } = await created({ externalId: 'x', [enterprise]: { employeeNumber: '9' } })
    const { body } = await client.put(`/Users/${id}`, {
      schemas: [userSchema],
      userName,
      externalId: null,
      name: { givenName: 'Solo' },
      [enterprise]: { employeeNumber: '' },
    })
    expect(body.externalId).toBeUndefined()
    expect(body.name).toEqual({ formatted: 'Solo', givenName: 'Solo' })
    expect(body.displayName).toBe('Solo')
    expect(body[enterprise]).toBeUndefined()
  })

  it('changes nothing and keeps the version when a user is sent back as shown', async () => {
    const { id } = await created({
      title: 'T',
      externalId: 'e',
      name: { givenName: 'A', familyName: 'B', formatted: 'B, A' },
    })
    const shown = (await client.get(`/Users/${id}`)).body
    const events = await rows('SELECT count(*) AS n FROM audit_events')
    const { body } = await client.put(`/Users/${id}`, shown)
    expect(body).toEqual(shown)
    expect(await rows('SELECT count(*) AS n FROM audit_events')).toEqual(events)
  })

  it('returns 404 for an unknown user, and creates no user', async () => {
    const answer = await client.put('/Users/019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66', scimUser())
    expect(answer.status).toBe(404)
    expect((await client.get('/Users/not-a-uuid')).status).toBe(404)
  })
})

describe('userName and emails', () => {
  it('keep the shown userName when only the email changes', async () => {
    const { id } = await created({ userName: 'old@example.org', emails: undefined })
    const { body } = await client.patch(`/Users/${id}`, [
      { op: 'replace', path: 'emails[type eq "work"].value', value: 'new@example.org' },
    ])
    expect([body.userName, body.emails[0].value]).toEqual(['old@example.org', 'new@example.org'])
    expect(await rows('SELECT username FROM users WHERE id = ?', id)).toEqual([{ username: 'old@example.org' }])
    const back = await client.patch(`/Users/${id}`, [{ op: 'replace', path: 'userName', value: 'NEW@example.org' }])
    expect(back.body.userName).toBe('new@example.org')
    expect(await rows('SELECT username FROM users WHERE id = ?', id)).toEqual([{ username: null }])
  })

  it('fall back to the userName when every email is removed', async () => {
    const { id } = await created({ userName: 'name@example.org', emails: [{ value: 'mail@example.org' }] })
    const { body } = await client.patch(`/Users/${id}`, [{ op: 'remove', path: 'emails' }])
    expect(body.emails).toEqual([{ value: 'name@example.org', type: 'work', primary: true }])
  })

  it('use the primary one of several emails, else the first of type work, else the first', async () => {
    const emails = async (list: object[]) => (await created({ emails: list })).emails[0].value
    expect(await emails([{ value: 'a1@example.org' }, { value: 'b1@example.org', primary: 'true' }])).toBe(
      'b1@example.org',
    )
    expect(await emails([{ value: 'a2@example.org' }, { value: 'b2@example.org', type: 'Work' }])).toBe(
      'b2@example.org',
    )
    expect(await emails([{ value: 'a3@example.org', type: 'home' }, { value: 'b3@example.org' }])).toBe(
      'a3@example.org',
    )
  })
})

describe('employeeNumber', () => {
  it('is the matricule when it is a number, and is stored separately when it is not', async () => {
    const { id } = await created({ [enterprise]: { employeeNumber: '12' } })
    const path = `${enterprise}:employeeNumber`
    const kept = await client.patch(`/Users/${id}`, [{ op: 'replace', path, value: 'E-0012' }])
    expect(kept.body[enterprise].employeeNumber).toBe('E-0012')
    expect(await rows('SELECT matricule FROM users WHERE id = ?', id)).toEqual([{ matricule: 12 }])
    const leading = await client.patch(`/Users/${id}`, [{ op: 'replace', path, value: '007' }])
    expect(leading.body[enterprise].employeeNumber).toBe('007')
    const number = await client.patch(`/Users/${id}`, [{ op: 'replace', path, value: '13' }])
    expect(number.body[enterprise].employeeNumber).toBe('13')
    expect(await rows('SELECT matricule FROM users WHERE id = ?', id)).toEqual([{ matricule: 13 }])
    const removed = await client.patch(`/Users/${id}`, [{ op: 'remove', path }])
    expect(removed.body[enterprise]).toBeUndefined()
    expect(await rows('SELECT matricule FROM users WHERE id = ?', id)).toEqual([{ matricule: null }])
  })
})

describe('deactivating', () => {
  it('requires users:deactivate, and ends every session and key of the user in the same batch', async () => {
    const admin = await adminToken()
    const person = await signedInPerson(admin)
    const weak = clientOf(await clientKey(provisioning.filter((one) => one !== 'users:deactivate')))
    const refused = await weak.patch(`/Users/${person.uuid}`, [{ op: 'Replace', path: 'active', value: 'False' }])
    expect([refused.status, refused.body.detail]).toEqual([403, expect.stringContaining('users:deactivate')])
    expect((await call('/v1/me', { token: person.access_token })).status).toBe(200)
    const { status, body, cost } = await client.patch(`/Users/${person.uuid}`, [
      { op: 'Replace', path: 'active', value: 'False' },
    ])
    expect([status, body.active, cost.trips]).toEqual([200, false, 2])
    expect((await call('/v1/me', { token: person.access_token })).status).toBe(401)
    await client.patch(`/Users/${person.uuid}`, [{ op: 'replace', value: { active: true } }])
    expect((await call('/v1/me', { token: person.access_token })).status).toBe(401)
  })

  it('returns 409 for the last active admin', async () => {
    const [admin] = await rows<{ id: string }>('SELECT id FROM users')
    const session = clientOf(await adminToken())
    const answer = await session.patch(`/Users/${admin?.id}`, [{ op: 'replace', path: 'active', value: false }])
    expect([answer.status, answer.body.scimType]).toEqual([409, undefined])
  })
})

describe('DELETE /Users/{id}', () => {
  it('deletes the user and the attributes stored for SCIM only, and frees the userName', async () => {
    const { id, userName } = await created({ title: 'T', externalId: 'x' })
    expect((await client.delete(`/Users/${id}`)).status).toBe(204)
    expect((await client.get(`/Users/${id}`)).status).toBe(404)
    expect((await client.delete(`/Users/${id}`)).status).toBe(404)
    expect(await rows('SELECT * FROM kept_attributes')).toEqual([])
    expect(await rows('SELECT * FROM external_ids')).toEqual([])
    expect((await created({ userName, emails: undefined })).id).not.toBe(id)
  })
})

describe('versions', () => {
  it('allow a change for the current version only, weak or strong, and return 304 for a read of that version', async () => {
    const { id } = await created()
    const path = `/Users/${id}`
    const change = (tag: string) =>
      client.patch(path, [{ op: 'replace', path: 'title', value: tag }], { headers: { 'if-match': tag } })
    expect((await change('W/"9"')).status).toBe(412)
    expect((await change('W/"1"')).headers.get('etag')).toBe('W/"2"')
    expect((await change('"2"')).status).toBe(200)
    expect((await change('*')).status).toBe(200)
    const unchanged = await client.get(path, { headers: { 'if-none-match': 'W/"4"' } })
    expect([unchanged.status, unchanged.text]).toEqual([304, ''])
    expect((await client.delete(path, { headers: { 'if-match': '"1"' } })).status).toBe(412)
  })

  it('increase with a change of the externalId or of an attribute stored for SCIM only, and the event names it', async () => {
    const { id } = await created()
    await client.patch(`/Users/${id}`, [{ op: 'add', value: { title: 'T', 'name.middleName': 'M' } }])
    const { body } = await client.patch(`/Users/${id}`, [{ op: 'add', path: 'externalId', value: 'x' }])
    expect(body.meta.version).toBe('W/"3"')
    const events = await rows<{ contract: string; fields: string }>(
      `SELECT contract, fields FROM audit_events WHERE action = 'user.updated'`,
    )
    expect(events.map(({ contract, fields }) => [contract, JSON.parse(fields)])).toEqual([
      ['scim', ['name', 'title']],
      ['scim', ['externalId']],
    ])
  })
})

describe('attributes and excludedAttributes', () => {
  it('return the requested attributes, always with schemas and id', async () => {
    const { id } = await created({ title: 'T', [enterprise]: { department: 'IT', costCenter: '1' } })
    const get = async (query: string) => (await client.get(`/Users/${id}?${query}`)).body
    expect(Object.keys(await get('attributes=USERNAME,name.givenName,hobby'))).toEqual([
      'schemas',
      'id',
      'userName',
      'name',
    ])
    expect((await get('attributes=name.givenName')).name).toEqual({ givenName: 'Person' })
    expect(await get(`attributes=${enterprise}:department`)).toEqual({
      schemas: [userSchema, enterprise],
      id,
      [enterprise]: { department: 'IT' },
    })
    expect((await get('attributes=emails[type eq "work"].value')).emails).toEqual([{ value: expect.any(String) }])
    const without = await get(`excludedAttributes=title,emails.type,id,${enterprise}`)
    expect([without.title, without.id, without.emails[0].type, without.schemas]).toEqual([
      undefined,
      id,
      undefined,
      [userSchema],
    ])
    expect((await client.get(`/Users/${id}?attributes=id&excludedAttributes=title`)).body.scimType).toBe('invalidValue')
  })
})

namesEveryTest(statements)

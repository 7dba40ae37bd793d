/** One directory: what is written through one contract reads rightly through the others. */
import { beforeEach, describe, expect, it } from 'vitest'
import { adminToken, call, freshDirectory, roleIds, rows, signedInPerson, uuidOf } from './support/usher'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const throughPersonnel = (user_id: string) => call(`/personnel/users/${user_id}`, { token: admin })
const throughV1 = (id: string) => call(`/v1/users/${id}`, { token: admin })
const toV1Id = (uuid: string) => `usr_${uuid.replaceAll('-', '')}`

describe('created', () => {
  it('through personnel, a person reads through v1', async () => {
    const json = {
      matricule: 410,
      nom: 'Lia Marie Okoye',
      email: 'Lia@Example.org',
      password: 'une phrase longue',
      role_id: roleIds.admin,
    }
    const { body: created } = await call('/personnel/users/create', { token: admin, json })
    expect((await throughV1(toV1Id(created.user_id))).body).toMatchObject({
      email: 'Lia@example.org',
      name: 'Lia Marie Okoye',
      first_name: 'Lia',
      last_name: 'Marie Okoye',
      matricule: 410,
      username: null,
      role: 'admin',
      roles: [{ id: roleIds.admin, name: 'admin' }],
      status: 'active',
      created_at: `${created.timestamp}Z`,
    })
  })

  it('through v1, a person reads through personnel, without matricule as null', async () => {
    const one = await signedInPerson(admin, { name: 'Tomás Rey', first_name: 'Tom', last_name: 'King' })
    expect((await throughPersonnel(one.uuid)).body).toEqual({
      user_id: one.uuid,
      matricule: null,
      nom: 'Tomás Rey',
      email: one.input.email,
      password: 'password_hashed',
      role_name: 'user',
      role_id: roleIds.user,
      status: 'activated',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/),
    })
  })
})

describe('changed', () => {
  it('through personnel, a person is changed in v1, the name with its parts and the ETag too', async () => {
    const one = await signedInPerson(admin)
    const before = await throughV1(one.id)
    const json = { user_id: one.uuid, nom: 'Nadia El Amrani', email: 'nadia@example.org', matricule: 7 }
    expect((await call('/personnel/users/update', { method: 'PUT', token: admin, json })).status).toBe(200)
    const after = await throughV1(one.id)
    expect(after.body).toMatchObject({
      name: 'Nadia El Amrani',
      first_name: 'Nadia',
      last_name: 'El Amrani',
      email: 'nadia@example.org',
      matricule: 7,
    })
    expect(after.headers.get('etag')).not.toBe(before.headers.get('etag'))
  })

  it('not at all by a whole record read from personnel and sent back', async () => {
    const one = await signedInPerson(admin, { first_name: 'Kept', last_name: 'As Sent', name: 'Something Else' })
    const before = await throughV1(one.id)
    const { body: json } = await throughPersonnel(one.uuid)
    const answer = await call('/personnel/users/update', { method: 'PUT', token: admin, json })
    expect([answer.status, answer.body]).toEqual([200, json])
    expect(answer.cost.written).toBe(0)
    const after = await throughV1(one.id)
    expect(after.body).toEqual(before.body)
    expect(after.headers.get('etag')).toBe(before.headers.get('etag'))
  })
})

describe('deactivated', () => {
  it('through personnel, a person is inactive in v1 and signed out of both', async () => {
    const one = await signedInPerson(admin)
    await call(`/personnel/users/delete/${one.uuid}`, { method: 'DELETE', token: admin })
    expect((await throughV1(one.id)).body.status).toBe('inactive')
    expect((await throughPersonnel(one.uuid)).body.status).toBe('deactivated')
    expect((await call('/v1/me', { token: one.access_token })).status).toBe(401)
    expect((await call(`/personnel/users/${one.uuid}`, { token: one.access_token })).status).toBe(401)
  })
})

describe('deleted', () => {
  it('through v1, a person is unknown to personnel, and their matricule is free for another', async () => {
    const one = await signedInPerson(admin, { matricule: 77 })
    await call(`/v1/users/${one.id}`, { method: 'DELETE', token: admin })
    expect((await throughPersonnel(one.uuid)).status).toBe(404)
    expect((await throughPersonnel('77')).status).toBe(404)
    const another = await signedInPerson(admin, { matricule: 77 })
    expect((await throughPersonnel('77')).body.user_id).toBe(another.uuid)
    expect(await rows('SELECT * FROM user_roles WHERE user_number NOT IN (SELECT number FROM users)')).toEqual([])
  })
})

describe('signed in', () => {
  it('through one contract, a token is good in the other', async () => {
    const one = await signedInPerson(admin, { matricule: 5 })
    const form = { username: '5', password: String(one.input.password) }
    const { body } = await call('/personnel/token', { form })
    expect((await call('/v1/me', { token: body.access_token })).body.id).toBe(one.id)
    expect((await throughPersonnel(uuidOf(one.id))).status).toBe(200)
    const refreshed = await call('/v1/auth/refresh', { json: { refresh_token: body.refresh_token } })
    expect(refreshed.status).toBe(200)
    await call('/v1/auth/logout', { method: 'POST', token: refreshed.body.access_token })
    expect((await call(`/personnel/users/5`, { token: body.access_token })).status).toBe(401)
  })
})

describe('at once', () => {
  it('concurrent changes of different fields are all kept', async () => {
    const one = await signedInPerson(admin)
    const change = (json: object) =>
      call('/personnel/users/update', { method: 'PUT', token: admin, json: { user_id: one.uuid, ...json } })
    const answers = await Promise.all([
      change({ nom: 'Changed Name' }),
      change({ email: 'changed@example.org' }),
      change({ matricule: 31 }),
      change({ password: 'changed by an admin' }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    const { body } = await throughV1(one.id)
    expect(body).toMatchObject({ name: 'Changed Name', email: 'changed@example.org', matricule: 31 })
  })
})

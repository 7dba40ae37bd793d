/** v1: the roles of a user. */
import { beforeEach, describe, expect, it } from 'vitest'
import { adminToken, call, freshDirectory, person, signedInPerson } from '../../support/usher'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const create = (json: unknown, options = {}) => call('/v1/users', { token: admin, method: 'POST', json, ...options })

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

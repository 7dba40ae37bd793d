/** v1: keeping a user out, and letting them in again. */
import { beforeEach, describe, expect, it } from 'vitest'
import { adminToken, call, freshDirectory, signedInPerson } from '../../support/usher'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
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

/** v1: oneself. */
import { beforeEach, describe, expect, it } from 'vitest'
import { adminToken, call, freshDirectory, signedInPerson } from '../../support/usher'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

describe('GET /me', () => {
  it('answers the signed-in user', async () => {
    const one = await signedInPerson(admin)
    expect((await call('/v1/me', { token: one.access_token })).body).toEqual(one.user)
  })
})

/** v1: signing in, staying in and signing out. */
import { beforeEach, describe, expect, it } from 'vitest'
import { adminToken, call, firstAdmin, freshDirectory, person, signedInPerson } from '../../support/usher'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const create = (json: unknown, options = {}) => call('/v1/users', { token: admin, method: 'POST', json, ...options })

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

/** backoffice: behaviour that all operations share. */
import { describe, expect, it, vi } from 'vitest'
import statements from './STATEMENTS.md?raw'
import { adminAndInes, away, expectMessage, get, ines, inesShown, users } from '../../support/backoffice'
import { namesEveryTest } from '../../support/statements'
import { call, firstAdmin, freshDirectory } from '../../support/usher'

freshDirectory()

const base = '/backoffice/api'

describe('every operation', () => {
  const guarded: [method: string, path: string][] = [
    ['GET', users],
    ['GET', `${users}/1`],
    ['POST', users],
    ['PUT', `${users}/1`],
    ['DELETE', `${users}/1`],
    ['POST', `${base}/logout`],
  ]

  it('returns 401 without a token, and names the error of an invalid one', async () => {
    for (const [method, path] of guarded) {
      const without = await call(path, { method })
      expectMessage(without, 401, 'Unauthenticated.')
      expect(without.headers.get('www-authenticate')).toBe('Bearer')
      for (const headers of [{ authorization: 'Bearer 17|laravelSanctumToken' }, { authorization: 'Bearer' }]) {
        const bad = await call(path, { method, headers })
        expectMessage(bad, 401, 'Unauthenticated.')
        expect(bad.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
      }
    }
  })

  it('returns 404 for an unknown path, and 405 with Allow for a wrong method', async () => {
    const paths = [
      '',
      '/',
      '/v1',
      '/v1/users/',
      '/v1/users/1/',
      '/v1/users/1/roles',
      '/users',
      '/login/',
      '/user',
      '/nowhere',
    ]
    for (const path of paths) expectMessage(await call(base + path), 404, 'Not Found')
    for (const [method, path, allow] of [
      ['PUT', users, 'GET, HEAD, POST'],
      ['DELETE', users, 'GET, HEAD, POST'],
      ['POST', `${users}/1`, 'GET, HEAD, PUT, DELETE'],
      ['PATCH', `${users}/1`, 'GET, HEAD, PUT, DELETE'],
      ['GET', `${base}/login`, 'POST'],
      ['GET', `${base}/logout`, 'POST'],
    ] as const) {
      const answer = await call(path, { method })
      expectMessage(answer, 405, `The method is not supported here. Supported methods: ${answer.headers.get('allow')}.`)
      expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(allow.split(', ').sort())
    }
  })

  it('answers HEAD like GET, without a body', async () => {
    const { admin } = await adminAndInes()
    for (const path of [users, `${users}/2`, `${users}/3`, `${users}?status=x`]) {
      const asked = await call(path, { token: admin })
      const head = await call(path, { method: 'HEAD', token: admin })
      expect([path, head.status, head.text]).toEqual([path, asked.status, ''])
      expect(head.headers.get('content-type')).toBe('application/json')
    }
    expect((await call(users, { method: 'HEAD' })).status).toBe(401)
  })

  it('is served at the root of the contract’s own host', async () => {
    const env = { CONTRACT_HOSTS: '{"office.usher.example":"backoffice"}' }
    const on = { host: 'office.usher.example', env }
    const json = { username: firstAdmin.email, password: firstAdmin.password }
    const { token } = (await call('/api/login', { ...on, json })).body.data
    expect((await call('/api/v1/users', { ...on, token, json: ines })).status).toBe(201)
    expect((await call('/api/v1/users/2', { ...on, token })).text).toBe(`{"data":${inesShown(2)}}`)
    expectMessage(await call(users, { ...on, token }), 404, 'Not Found')
    expectMessage(await call('/v1/me', { ...on, token }), 404, 'Not Found')
    expect((await call('/api/logout', { ...on, token, method: 'POST' })).status).toBe(200)
  })

  it('returns 503 with Retry-After while the database is away', async () => {
    const { admin } = await adminAndInes()
    vi.spyOn(console, 'error').mockImplementation(() => {})
    for (const [method, path] of [...guarded, ['POST', `${base}/login`] as const]) {
      const body = ['POST', 'PUT'].includes(method) ? { json: ines } : {}
      const answer = await call(path, { ...body, method, token: admin, env: { DB: away } })
      expectMessage(answer, 503, 'Service Unavailable')
      expect(answer.headers.get('retry-after')).toBe('5')
    }
    expect((await get(admin, 2)).text).toBe(`{"data":${inesShown(2)}}`)
  })
})

namesEveryTest(statements)

/** v1: what every path has in common. */
import { beforeEach, describe, expect, it } from 'vitest'
import { adminToken, call, freshDirectory } from '../../support/usher'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
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

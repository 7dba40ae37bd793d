/** How much one client or one principal may ask for in a minute. */
import { describe, expect, it } from 'vitest'
import { type Ask } from '../support/contracts'
import {
  servedContracts,
  adminToken,
  call,
  firstAdmin,
  freshDirectory,
  signedInPerson,
  type Call,
} from '../support/usher'

freshDirectory()

const contracts = await servedContracts()

/** Counts as the platform does, but in memory. */
function limiter(limit: number) {
  const counts = new Map<string, number>()
  return {
    counts,
    limit: ({ key }: { key: string }) => {
      counts.set(key, (counts.get(key) ?? 0) + 1)
      return Promise.resolve({ success: (counts.get(key) ?? 0) <= limit })
    },
  }
}

const from = (address: string) => ({ 'cf-connecting-ip': address, 'x-forwarded-for': '203.0.113.99' })

const statusOf = async ({ path, ...options }: Ask, as: Call) => {
  const { status, headers } = await call(path, { ...options, ...as })
  if (status === 429) expect(headers.get('retry-after')).toBe('60')
  return status
}

function limiters() {
  const [PRINCIPAL_LIMITER, CLIENT_LIMITER, SIGN_IN_LIMITER] = [limiter(2), limiter(3), limiter(1)]
  return { RATE_LIMIT: 'on', PRINCIPAL_LIMITER, CLIENT_LIMITER, SIGN_IN_LIMITER }
}

describe.each(contracts)('%s', (_, acts) => {
  it('counts a principal by its user, from wherever and on whatever session, and a key by itself', async () => {
    const admin = await adminToken()
    const { access_token: token, email, password, uuid } = await signedInPerson(admin, { role: 'admin' })
    const again = (await call('/v1/auth/login', { json: { identifier: email, password } })).body.access_token
    const { body } = await call('/v1/api-keys', { token, json: { name: 'a key', permissions: ['users:read'] } })
    const env = limiters()
    const list = (as: string, address: string) => statusOf(acts.list(), { token: as, env, headers: from(address) })
    expect([await list(token, '203.0.113.1'), await list(again, '203.0.113.2')]).toEqual([200, 200])
    expect([await list(token, '203.0.113.3'), await list(again, '203.0.113.1')]).toEqual([429, 429])
    expect(await list(body.key, '203.0.113.1')).toBe(200)
    expect([...env.PRINCIPAL_LIMITER.counts.keys()]).toEqual([uuid, expect.not.stringContaining(body.key)])
    expect(env.CLIENT_LIMITER.counts.size).toBe(0)
  })

  it('counts an anonymous client, and one whose credential is none, by the address the platform saw', async () => {
    const env = limiters()
    const ask = (token?: string) => statusOf(acts.list(), { token, env, headers: from('203.0.113.5') })
    expect([await ask(), await ask('nonsense'), await ask()]).toEqual([401, 401, 401])
    expect([await ask(), await ask('nonsense')]).toEqual([429, 429])
    expect([...env.CLIENT_LIMITER.counts.keys()]).toEqual(['203.0.113.5'])
  })

  it('counts sign-ins apart, by the IPv4 address or the IPv6 /64', async () => {
    await adminToken()
    const env = limiters()
    const { email, password } = firstAdmin
    const signIn = (address: string) => statusOf(acts.signIn(email, password), { env, headers: from(address) })
    expect([await signIn('2001:db8:1:2::7'), await signIn('2001:0db8:0001:0002:ffff::')]).toEqual([200, 429])
    expect([await signIn('2001:db8:1:3::7'), await signIn('198.51.100.4'), await signIn('198.51.100.4')]).toEqual([
      200, 200, 429,
    ])
    expect([...env.SIGN_IN_LIMITER.counts.keys()]).toEqual(['2001:db8:1:2', '2001:db8:1:3', '198.51.100.4'])
  })
})

describe('the limits', () => {
  it('are really bound: the platform’s own limiter ends at twenty sign-ins a minute, through all contracts together', async () => {
    const statuses: number[] = []
    for (let tried = 0; tried < 25; tried += 1) {
      const [, acts] = contracts[tried % contracts.length] as (typeof contracts)[number]
      const { path, ...options } = acts.signIn(`nobody${tried}`, 'nothing at all')
      const headers = { ...options.headers, 'cf-connecting-ip': '198.51.100.7' }
      const answer = await call(path, { ...options, headers, env: { RATE_LIMIT: 'on' } })
      statuses.push(acts.outcome(answer) === 'limited' ? 429 : 401)
    }
    expect(statuses).toEqual([...Array(20).fill(401), ...Array(5).fill(429)])
  })

  it('cover the health of the Worker too, which asks the database', async () => {
    const env = limiters()
    const health = () => statusOf({ path: '/health' }, { env, headers: from('203.0.113.6') })
    expect([await health(), await health(), await health(), await health()]).toEqual([200, 200, 200, 429])
  })
})

/// <reference types="vite/client" />
/** Rate limits: the requests that one client, one session or one API key may send in a minute. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import wranglerToml from '../../wrangler.toml?raw'
import { contracts, signInContracts, type Ask } from '../contracts'
import { adminToken, call, firstAdmin, freshDirectory, rows, signedInPerson, type Call } from '../support/usher'

freshDirectory()

/** Counts like the platform's limiter, in memory. */
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

afterEach(() => vi.useRealTimers())

const from = (address: string) => ({ 'cf-connecting-ip': address, 'x-forwarded-for': '203.0.113.99' })

const statusOf = async ({ path, ...options }: Ask, as: Call) => {
  const { status, headers, cost } = await call(path, { ...options, ...as })
  if (status === 429) expect([headers.get('retry-after'), cost.trips]).toEqual(['60', 0])
  return status
}

const toBase64Url = (bytes: ArrayBuffer) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

/** A key with a valid checksum that was never issued. Computing the checksum takes no secret. */
async function madeUpKey(): Promise<string> {
  const secret = `usk_${toBase64Url(crypto.getRandomValues(new Uint8Array(32)).buffer)}`
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret))
  return `${secret}${toBase64Url(hash).slice(-6)}`
}

async function keyOf(admin: string): Promise<{ id: string; key: string }> {
  return (await call('/v1/api-keys', { token: admin, json: { name: 'a program', permissions: ['users:read'] } })).body
}

function limiters() {
  const [credentials, CLIENT_LIMITER, SIGN_IN_LIMITER] = [limiter(2), limiter(3), limiter(1)]
  const ofCredentials = { PRINCIPAL_LIMITER: credentials, PROVISIONING_LIMITER: credentials }
  return { RATE_LIMIT: 'on', ...ofCredentials, CLIENT_LIMITER, SIGN_IN_LIMITER }
}

it('allows a provisioning client 1,800 requests a minute, counted apart from the other contracts', async () => {
  const limits = [...wranglerToml.matchAll(/name = "PROVISIONING_LIMITER"\nnamespace_id = "\d+"\nsimple = \{ (.*) \}/g)]
  expect(limits.map(([, limit]) => limit)).toEqual(Array(3).fill('limit = 1800, period = 60'))
  const token = await adminToken()
  const env = { ...limiters(), PRINCIPAL_LIMITER: limiter(0), PROVISIONING_LIMITER: limiter(1) }
  const ask = (path: string) => statusOf({ path }, { token, env })
  expect([await ask('/v1/users'), await ask('/scim/v2/Users'), await ask('/scim/v2/Groups')]).toEqual([429, 200, 429])
})

describe.each(contracts)('%s', (_, acts) => {
  it('counts each session and each key separately, from any address', async () => {
    const admin = await adminToken()
    const { access_token: token, email, password, uuid } = await signedInPerson(admin, { role: 'admin' })
    const again = (await call('/v1/auth/login', { json: { identifier: email, password } })).body.access_token
    const { key } = await keyOf(token)
    const env = limiters()
    const list = (as: string, address: string) => statusOf(acts.list(), { token: as, env, headers: from(address) })
    const thrice = async (as: string) => [
      await list(as, '203.0.113.1'),
      await list(as, '203.0.113.2'),
      await list(as, '203.0.113.3'),
    ]
    for (const credential of [token, again, key]) expect(await thrice(credential)).toEqual([200, 200, 429])
    const sessions = await rows<{ id: string }>(
      'SELECT s.id FROM sessions s JOIN users u ON u.number = user_number WHERE u.id = ? ORDER BY s.id',
      uuid,
    )
    const counted = [...env.PRINCIPAL_LIMITER.counts.keys()]
    expect(counted).toEqual([...sessions.map(({ id }) => id), expect.not.stringContaining(key)])
  })

  it('does not reduce a user’s limit when a session or key of theirs has ended', async () => {
    const admin = await adminToken()
    const { access_token: ended, email, password } = await signedInPerson(admin, { role: 'admin' })
    const again = (await call('/v1/auth/login', { json: { identifier: email, password } })).body.access_token
    const { id, key } = await keyOf(again)
    await call('/v1/auth/logout', { method: 'POST', token: ended })
    await call(`/v1/api-keys/${id}`, { method: 'DELETE', token: again })
    const env = limiters()
    const list = (as: string) => statusOf(acts.list(), { token: as, env, headers: from('203.0.113.1') })
    for (const dead of [ended, key]) {
      expect([await list(dead), await list(dead), await list(dead)]).toEqual([401, 401, 429])
    }
    expect(await list(again)).toBe(200)
  })

  it('counts unknown API keys against the client’s address, and stops asking the database above the limit', async () => {
    const admin = await adminToken()
    const [{ key }, { key: unused }] = [await keyOf(admin), await keyOf(admin)]
    const env = limiters()
    Object.assign(env, { PRINCIPAL_LIMITER: limiter(100), PROVISIONING_LIMITER: limiter(100) })
    const list = (as: string, address: string) => statusOf(acts.list(), { token: as, env, headers: from(address) })
    const [office, next] = ['2001:db8:1:2::7', '2001:0db8:0001:0002:ffff::']
    expect(await list(key, office)).toBe(200)
    expect([await list(await madeUpKey(), office), await list(await madeUpKey(), next)]).toEqual([401, 401])
    expect([await list(await madeUpKey(), office), await list(await madeUpKey(), next)]).toEqual([429, 429])
    // A recently confirmed key and a signed token still work from that address. A key that this isolate has not seen
    // does not.
    expect([await list(key, office), await list(admin, next), await list(unused, office)]).toEqual([200, 200, 429])
    expect(await list(unused, '2001:db8:1:3::7')).toBe(200)
    expect([...env.CLIENT_LIMITER.counts]).toEqual([
      ['2001:db8:1:2', 6],
      ['2001:db8:1:3', 1],
    ])
  })

  it('forgets a known API key within minutes, or as soon as the database refuses it', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const admin = await adminToken()
    const { id, key } = await keyOf(admin)
    const env = limiters()
    Object.assign(env, { PRINCIPAL_LIMITER: limiter(100), PROVISIONING_LIMITER: limiter(100) })
    const list = () => statusOf(acts.list(), { token: key, env, headers: from('203.0.113.8') })
    const counted = () => env.CLIENT_LIMITER.counts.get('203.0.113.8')
    expect([await list(), await list(), counted()]).toEqual([200, 200, 1])
    vi.setSystemTime(Date.now() + 299_000)
    expect([await list(), counted()]).toEqual([200, 1])
    vi.setSystemTime(Date.now() + 300_000)
    expect([await list(), await list(), counted()]).toEqual([200, 200, 2])
    await call(`/v1/api-keys/${id}`, { method: 'DELETE', token: await adminToken() })
    expect([await list(), counted()]).toEqual([401, 2])
    expect([await list(), await list(), counted()]).toEqual([401, 429, 4])
  })

  it('remembers an API key that lacks a permission, and keeps known keys while the database is away', async () => {
    const admin = await adminToken()
    const { body } = await call('/v1/api-keys', { token: admin, json: { name: 'a program', permissions: [] } })
    const env = limiters()
    Object.assign(env, { PRINCIPAL_LIMITER: limiter(100), PROVISIONING_LIMITER: limiter(100) })
    const failing = {
      prepare: () => {
        throw new Error('D1_ERROR: D1 DB is overloaded.')
      },
    }
    const list = (more: object = {}) =>
      statusOf(acts.list(), { token: body.key, env: { ...env, ...more }, headers: from('203.0.113.9') })
    expect([await list(), await list({ DB: failing }), await list(), await list()]).toEqual([403, 503, 403, 403])
    expect(env.CLIENT_LIMITER.counts.get('203.0.113.9')).toBe(1)
  })

  it('counts a client without a credential, or with a malformed one, by the address that the platform reports', async () => {
    const env = limiters()
    const ask = (token?: string) => statusOf(acts.list(), { token, env, headers: from('203.0.113.5') })
    expect([await ask(), await ask('nonsense'), await ask()]).toEqual([401, 401, 401])
    expect([await ask(), await ask('nonsense')]).toEqual([429, 429])
    expect([...env.CLIENT_LIMITER.counts.keys()]).toEqual(['203.0.113.5'])
  })
})

describe.each(signInContracts)('%s', (_, { session, outcome }) => {
  it('counts sign-ins separately, by the IPv4 address or the IPv6 /64', async () => {
    await adminToken()
    const env = limiters()
    const { email, password } = firstAdmin
    const signIn = async (address: string) => {
      const { path, ...options } = session.signIn(email, password)
      return outcome(await call(path, { ...options, env, headers: from(address) }))
    }
    expect([await signIn('2001:db8:1:2::7'), await signIn('2001:0db8:0001:0002:ffff::')]).toEqual(['done', 'limited'])
    expect([await signIn('2001:db8:1:3::7'), await signIn('198.51.100.4'), await signIn('198.51.100.4')]).toEqual([
      ...['done', 'done', 'limited'],
    ])
    expect([...env.SIGN_IN_LIMITER.counts.keys()]).toEqual(['2001:db8:1:2', '2001:db8:1:3', '198.51.100.4'])
  })
})

describe('the rate limits', () => {
  it('use the platform’s limiter, which allows twenty sign-ins a minute through all contracts together', async () => {
    const signIns = async (address: string) => {
      const statuses: number[] = []
      for (let tried = 0; tried < 25; tried += 1) {
        const [, acts] = signInContracts[tried % signInContracts.length] as (typeof signInContracts)[number]
        const { path, ...options } = acts.session.signIn(`nobody${tried}`, 'nothing at all')
        const headers = { ...options.headers, 'cf-connecting-ip': address }
        const answer = await call(path, { ...options, headers, env: { RATE_LIMIT: 'on' } })
        statuses.push(acts.outcome(answer) === 'limited' ? 429 : 401)
      }
      return statuses
    }
    // The limiter counts from the start of each minute by the clock, so another client tries again when a minute ends.
    const minute = () => Math.floor(Date.now() / 60_000)
    let [client, begun, statuses] = [7, 0, [] as number[]]
    do {
      begun = minute()
      statuses = await signIns(`198.51.100.${client}`)
      client += 1
    } while (minute() !== begun && client < 12)
    expect(statuses).toEqual([...Array(20).fill(401), ...Array(5).fill(429)])
  })

  it('also cover /health, which asks the database', async () => {
    const env = limiters()
    const health = () => statusOf({ path: '/health' }, { env, headers: from('203.0.113.6') })
    expect([await health(), await health(), await health(), await health()]).toEqual([200, 200, 200, 429])
  })
})

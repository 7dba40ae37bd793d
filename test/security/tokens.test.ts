/** The credentials that each contract accepts and rejects. With an invalid secret the Worker serves nothing. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { contracts, type Ask } from '../contracts'
import {
  forgeriesOf,
  read,
  schemes,
  signed,
  signedWith,
  genuineTokenFrom,
  type Genuine,
  type Scheme,
} from '../support/forgeries'
import { snapshot } from '../support/snapshot'
import { adminToken, call, newDatabase, signedInPerson, useVariables, type Call } from '../support/usher'

type Person = Awaited<ReturnType<typeof signedInPerson>>

let admin: Person
let plain: Person
let genuine: Genuine

/** Usher issues tokens of this scheme from here on, among them those of `admin` and `plain`. */
async function begin(scheme: Scheme): Promise<void> {
  useVariables(scheme.env)
  await newDatabase()
  const first = await adminToken()
  admin = await signedInPerson(first, { role: 'admin' })
  plain = await signedInPerson(first)
  const { sid } = read(plain.access_token.split('.')[1] as string)
  genuine = genuineTokenFrom(admin.access_token, {
    scheme,
    refreshToken: admin.refresh_token,
    other: { userId: plain.uuid, sessionId: String(sid) },
  })
  expect(genuine.header).toMatchObject({ alg: scheme.alg, typ: scheme.typ })
}

let created = 0
let refused = 0
afterAll(() => {
  useVariables({})
  const made = schemes.flatMap(forgeriesOf).length
  console.log(`${made} forgeries in ${refused} requests to ${contracts.length} contracts: none taken`)
})

/** A read and a write of every contract. */
function asks(): Ask[] {
  return contracts.flatMap(([, acts]) => [acts.list(), acts.create(`created${(created += 1)}@example.org`)])
}

/** The status and challenge of every contract's read and write. */
async function answers(as: Call): Promise<[number, string | null][]> {
  const challenges: [number, string | null][] = []
  for (const ask of asks()) {
    const { status, headers } = await call(ask.path, { ...ask, ...as, headers: { ...ask.headers, ...as.headers } })
    challenges.push([status, headers.get('www-authenticate')])
  }
  return challenges
}

const invalid = asks().map(() => [401, 'Bearer error="invalid_token"'])
const missing = asks().map(() => [401, 'Bearer'])

async function outcomes(token: string, env?: Call['env']): Promise<string[]> {
  const outcomes: string[] = []
  for (const [, acts] of contracts) {
    for (const { path, ...ask } of [acts.list(), acts.create(`created${(created += 1)}@example.org`)]) {
      outcomes.push(acts.outcome(await call(path, { ...ask, token, ...(env && { env }) })))
    }
  }
  return outcomes
}

const everywhere = (outcome: string) => asks().map(() => outcome)

describe.each(schemes)('with $alg,', (scheme) => {
  beforeAll(() => begin(scheme))

  describe('an access token', () => {
    it('in the Worker’s own form is accepted (control for the forgeries below)', async () => {
      expect(await outcomes(await signed(scheme, genuine.header, genuine.claims))).toEqual(everywhere('done'))
      // Issued by a clock that is slightly ahead, and valid from a time that has come.
      const iat = Math.floor(Date.now() / 1000) + 55
      const claims = { ...genuine.claims, iat, nbf: iat - 60, exp: iat + 60 }
      expect(await outcomes(await signed(scheme, genuine.header, claims))).toEqual(everywhere('done'))
    })

    it.each(forgeriesOf(scheme))('is rejected when it is forged by %s', async (_, make) => {
      const before = await snapshot()
      expect(await answers({ token: await make(genuine) })).toEqual(invalid)
      expect(await snapshot()).toEqual(before)
      refused += invalid.length
    })

    it('grants nothing by its role claims, and identifies the user by one claim only', async () => {
      const claims = read(plain.access_token.split('.')[1] as string)
      const decoy = scheme.subject === 'sub' ? 'user_id' : 'sub'
      const byAdmin = { ...unread(genuine.claims), [decoy]: admin.uuid, permissions: ['users:read'], scope: 'admin' }
      expect(await outcomes(await signed(scheme, genuine.header, { ...claims, ...byAdmin }))).toEqual(
        everywhere('forbidden'),
      )
      const byPlain = { ...unread(claims), [decoy]: plain.uuid }
      expect(await outcomes(await signed(scheme, genuine.header, { ...genuine.claims, ...byPlain }))).toEqual(
        everywhere('done'),
      )
    })

    /** The claims that Usher does not read. */
    function unread(claims: Record<string, unknown>) {
      const isRead = [scheme.subject, 'sid', 'iss', 'aud', 'iat', 'exp', 'jti', 'token_type']
      const others = Object.entries(claims).filter(([name]) => !isRead.includes(name))
      expect(others.length).toBeGreaterThan(1)
      return Object.fromEntries(others)
    }

    it('of the previous key is accepted during a rotation, and not after it', async () => {
      expect(await outcomes(admin.access_token, scheme.rotation.during)).toEqual(everywhere('done'))
      expect(await answers({ token: admin.access_token, env: scheme.rotation.after })).toEqual(invalid)
    })
  })

  describe('a token whose signature was verified before', () => {
    const taken = async (token: string, env?: Call['env']) =>
      (await call('/v1/me', { token, ...(env && { env }) })).status

    it('is rejected once it has expired, or its key is no longer configured', async () => {
      vi.useFakeTimers({ toFake: ['Date'] })
      try {
        const { access_token: token } = await signedInPerson(await adminToken())
        expect([await taken(token), await taken(token)]).toEqual([200, 200])
        expect(await taken(token, scheme.rotation.after)).toBe(401)
        vi.advanceTimersByTime(899_000)
        expect(await taken(token)).toBe(200)
        vi.advanceTimersByTime(1_000)
        expect(await taken(token)).toBe(401)
      } finally {
        vi.useRealTimers()
      }
    })

    it('is rejected with the same header and claims and another signature', async () => {
      const { access_token: token } = plain
      expect(await taken(token)).toBe(200)
      const [header, payload, signature = ''] = token.split('.')
      const other = (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1)
      expect(await taken([header, payload, other].join('.'))).toBe(401)
    })
  })

  describe('a credential', () => {
    it('is accepted in the Authorization header, with the scheme in any case', async () => {
      for (const scheme of ['Bearer', 'bearer', 'BEARER', 'Bearer ']) {
        const challenges = await answers({ headers: { authorization: `${scheme} ${admin.access_token}` } })
        expect(challenges.map(([, challenge]) => challenge)).toEqual(everywhere('').map(() => null))
      }
    })

    it.each([
      ['two of them', () => `Bearer ${admin.access_token} ${admin.access_token}`],
      ['a list of them', () => `Bearer ${admin.access_token}, Bearer ${admin.access_token}`],
      ['it in quotes', () => `Bearer "${admin.access_token}"`],
      ['a bare scheme', () => 'Bearer'],
    ])('is not accepted in a header of %s', async (_, header) => {
      const before = await snapshot()
      expect(await answers({ headers: { authorization: header() } })).toEqual(invalid)
      expect(await snapshot()).toEqual(before)
    })

    it.each([
      ['no scheme', () => ({ authorization: admin.access_token })],
      ['the scheme Basic', () => ({ authorization: `Basic ${btoa(`${admin.email}:${admin.password}`)}` })],
      ['the scheme Token', () => ({ authorization: `Token ${admin.access_token}` })],
      ['a scheme that begins like ours', () => ({ authorization: `Bearers ${admin.access_token}` })],
      ['other headers', () => ({ 'x-authorization': `Bearer ${admin.access_token}`, 'x-api-key': admin.access_token })],
      ['a cookie', () => ({ cookie: `access_token=${admin.access_token}; token=${admin.access_token}` })],
    ])('is not accepted in %s, and the response is the same as without a credential', async (_, headers) => {
      const before = await snapshot()
      expect(await answers({ headers: headers() as Record<string, string> })).toEqual(missing)
      expect(await snapshot()).toEqual(before)
    })

    it('is not accepted in the URL, which logs and histories store', async () => {
      for (const { path, ...ask } of asks()) {
        const query = `access_token=${admin.access_token}&token=${admin.access_token}`
        const { status, headers } = await call(`${path}${path.includes('?') ? '&' : '?'}${query}`, ask)
        expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
      }
    })
  })
})

describe('the Worker', () => {
  beforeAll(() => begin(schemes[0] as Scheme))

  const paths = [...asks().map(({ path }) => path), '/', '/health', '/doc']

  it.each([
    [undefined],
    [''],
    ['x7Kq2pWm'],
    ['k3Yp0Qx7vT9mZr2LwB5nHs8DfGjC1aU'],
    ['your-256-bit-secret-your-256-bit-secret'],
    ['change-me-change-me-change-me-change-me'],
    ['a-string-secret-at-least-256-bits-long'],
    ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
  ])('serves nothing while JWT_SECRET is %j, and reports it', async (JWT_SECRET) => {
    for (const path of paths) {
      const token = await signedWith(JWT_SECRET || '\0', genuine)
      const { status, body, headers } = await call(path, { env: { JWT_SECRET }, token, host: 'usher.example' })
      expect([path, status, headers.get('retry-after')]).toEqual([path, 503, '60'])
      expect(body.problems.join(' ')).toContain('JWT_SECRET')
      if (JWT_SECRET) expect(JSON.stringify(body)).not.toContain(JWT_SECRET)
    }
  })

  it('serves nothing while JWT_SECRET_PREVIOUS is invalid', async () => {
    for (const path of paths) {
      const { status, body } = await call(path, { env: { JWT_SECRET_PREVIOUS: 'short' }, host: 'usher.example' })
      expect([path, status]).toEqual([path, 503])
      expect(body.problems.join(' ')).toContain('JWT_SECRET_PREVIOUS')
    }
  })
})

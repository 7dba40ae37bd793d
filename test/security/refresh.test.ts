/** Refresh tokens: one use each, a short grace period for lost responses, and reuse ends the session. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { refreshContracts } from '../contracts'
import { adminToken, call, freshDirectory, rows, signedInPerson, testEnv, type Call } from '../support/usher'

freshDirectory()

const refreshing = refreshContracts.map(([name, { refresh, outcome }]) => [name, { ...refresh, outcome }] as const)

type Refreshing = (typeof refreshing)[number][1]

/** The outcome of a refresh through a contract, with the next token if there is one. */
async function trade({ ask, tokenOf, outcome }: Refreshing, token: string, env: NonNullable<Call['env']> = {}) {
  const { path, ...options } = ask(token)
  const answer = await call(path, { ...options, env })
  const became = outcome(answer)
  return {
    became,
    cost: answer.cost,
    ...(became === 'done' && { next: tokenOf(answer), access: answer.body.access_token }),
  }
}

const reads = async (token: string | undefined) => (await call('/v1/me', { token: String(token) })).status

/** A forged token: its first bytes are genuine, and every other byte differs from the genuine one. */
function forged(token: string, genuine: number): string {
  const base64 = token.replaceAll('-', '+').replaceAll('_', '/')
  const bytes = Uint8Array.from(atob(base64), (character, index) => character.charCodeAt(0) ^ Number(index >= genuine))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
}

let user: Awaited<ReturnType<typeof signedInPerson>>

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1000 * Math.ceil(Date.now() / 1000) })
  user = await signedInPerson(await adminToken())
})

afterEach(() => {
  vi.useRealTimers()
})

describe.each(refreshing)('through %s, refreshing', (_, through) => {
  it('rotates the token at every use, in one trip, and keeps the session’s access tokens alive', async () => {
    const second = await trade(through, user.refresh_token)
    expect(second).toMatchObject({ became: 'done', cost: { trips: 1 } })
    const third = await trade(through, String(second.next))
    expect(new Set([user.refresh_token, second.next, third.next]).size).toBe(3)
    for (const access of [user.access_token, second.access, third.access]) expect(await reads(access)).toBe(200)
  })

  it('accepts a token of any other contract', async () => {
    for (const [, { session, refresh }] of refreshContracts) {
      const { path, ...options } = session.signIn(user.email, user.password)
      expect((await trade(through, refresh.tokenOf(await call(path, options)))).became).toBe('done')
    }
  })

  it('gives a retry within ten seconds the same successor, and ends the session on a later one, access tokens included', async () => {
    const second = await trade(through, user.refresh_token)
    vi.setSystemTime(Date.now() + 10_000)
    const retried = await trade(through, user.refresh_token)
    expect(retried).toMatchObject({ became: 'done', next: second.next })
    expect([await reads(second.access), await reads(retried.access)]).toEqual([200, 200])
    vi.setSystemTime(Date.now() + 1000)
    expect((await trade(through, user.refresh_token)).became).toBe('unauthenticated')
    expect([await reads(second.access), await reads(retried.access)]).toEqual([401, 401])
    expect((await trade(through, String(second.next))).became).toBe('unauthenticated')
    const ended = await rows("SELECT user_id FROM audit_events WHERE action = 'session.ended'")
    expect(ended).toEqual([{ user_id: user.uuid }])
  })

  it('does not fork a session: two holders of one token collide at their next refresh', async () => {
    const [owner, thief] = [await trade(through, user.refresh_token), await trade(through, user.refresh_token)]
    const next = await trade(through, String(owner.next))
    vi.setSystemTime(Date.now() + 11_000)
    expect((await trade(through, String(thief.next))).became).toBe('unauthenticated')
    expect((await trade(through, String(next.next))).became).toBe('unauthenticated')
    for (const { access } of [owner, thief, next]) expect(await reads(access)).toBe(401)
    const detected = await rows("SELECT user_id FROM audit_events WHERE action = 'session.reuse_detected'")
    expect(detected).toEqual([{ user_id: user.uuid }])
  })

  it('ends the session for a used token that is no longer stored', async () => {
    const second = await trade(through, user.refresh_token)
    await rows('UPDATE refresh_tokens SET spent_at = spent_at - 60')
    const third = await trade(through, String(second.next))
    expect(await rows('SELECT * FROM refresh_tokens WHERE spent_at < unixepoch() - 10')).toEqual([])
    expect((await trade(through, user.refresh_token)).became).toBe('unauthenticated')
    expect(await reads(third.access)).toBe(401)
  })

  it('does not end a session because of a forged token', async () => {
    // The session's id, which an access token shows, with 48 invented bytes. With the family's bytes too, it would
    // count as reuse.
    for (const token of [
      forged(user.refresh_token, 16),
      forged(user.refresh_token, 31),
      'A'.repeat(86),
      '',
      'x',
      user.access_token,
      `${user.refresh_token}A`,
    ]) {
      expect(['unauthenticated', 'refused']).toContain((await trade(through, token)).became)
    }
    expect(await reads(user.access_token)).toBe(200)
    expect((await trade(through, user.refresh_token)).became).toBe('done')
  })
})

describe('refresh tokens', () => {
  const [[, through]] = refreshing as [(typeof refreshing)[number]]
  const JWT_SECRET = 'Zt8Kq1Lw5Xr0Vn7Bd3Hs9Jf2Gm6Pc4Ty8Ua1Ei5Ro'
  const rotating = { JWT_SECRET, JWT_SECRET_PREVIOUS: testEnv.JWT_SECRET }

  it('have one successor during a rotation of the secret: a retry under the next secret gets the same one', async () => {
    const second = await trade(through, user.refresh_token)
    const retried = await trade(through, user.refresh_token, rotating)
    expect(retried).toMatchObject({ became: 'done', next: second.next })
    const third = await trade(through, String(second.next), rotating)
    expect((await trade(through, String(second.next), rotating)).next).toBe(third.next)
    expect((await trade(through, String(third.next), { JWT_SECRET })).became).toBe('done')
  })

  it('have no successor under a secret that replaced a lost one, and the session continues from the current token', async () => {
    const second = await trade(through, user.refresh_token)
    expect((await trade(through, user.refresh_token, { JWT_SECRET })).became).toBe('unauthenticated')
    expect((await trade(through, String(second.next), { JWT_SECRET })).became).toBe('done')
  })

  it('extend a session to at most ninety days after its sign-in, or SESSION_MAX_DAYS', async () => {
    const day = 86_400_000
    const refreshedFor = async (env: NonNullable<Call['env']>) => {
      const [, { session, refresh }] = refreshContracts[0] as (typeof refreshContracts)[number]
      const { path, ...options } = session.signIn(user.email, user.password)
      let token = refresh.tokenOf(await call(path, { ...options, env }))
      const began = Date.now()
      for (;;) {
        vi.setSystemTime(Date.now() + day)
        const next = await trade(through, token, env)
        if (next.became !== 'done') return (Date.now() - began) / day
        token = String(next.next)
      }
    }
    expect(await refreshedFor({})).toBe(90)
    expect(await refreshedFor({ SESSION_MAX_DAYS: '7' })).toBe(7)
  })

  it('end with a lowered SESSION_MAX_DAYS, which does not count as reuse', async () => {
    vi.setSystemTime(Date.now() + 8 * 86_400_000)
    expect((await trade(through, user.refresh_token, { SESSION_MAX_DAYS: '7' })).became).toBe('unauthenticated')
    expect(await rows("SELECT * FROM audit_events WHERE action = 'session.reuse_detected'")).toEqual([])
  })

  it('of an ended session do not count as reuse, used or not', async () => {
    const second = await trade(through, user.refresh_token)
    vi.setSystemTime(Date.now() + 31 * 86_400_000)
    for (const token of [user.refresh_token, String(second.next)]) {
      expect((await trade(through, token)).became).toBe('unauthenticated')
    }
    const recorded = await rows(
      "SELECT action FROM audit_events WHERE action LIKE 'session.%' AND action <> 'session.created'",
    )
    expect(recorded).toEqual([])
  })

  it('exchanged twenty times at once, through all contracts, give the same working pair each time', async () => {
    const through = (index: number) => (refreshing[index % refreshing.length] as (typeof refreshing)[number])[1]
    const twenty = Array.from({ length: 20 }, (_, index) => through(index))
    const first = await Promise.all(twenty.map((each) => trade(each, user.refresh_token)))
    expect(first.map(({ became }) => became)).toEqual(Array(20).fill('done'))
    expect(new Set(first.map(({ next }) => next)).size).toBe(1)
    const second = await Promise.all(first.map(({ next }, index) => trade(through(index + 1), String(next))))
    expect(second.map(({ became }) => became)).toEqual(Array(20).fill('done'))
    for (const { access } of [...first, ...second]) expect(await reads(access)).toBe(200)
  })

  it('are not stored in a form that a client could send', async () => {
    const stored = JSON.stringify([await rows('SELECT * FROM refresh_tokens'), await rows('SELECT * FROM sessions')])
    for (let start = 0; start + 20 <= user.refresh_token.length; start += 1) {
      expect(stored).not.toContain(user.refresh_token.slice(start, start + 20))
    }
  })
})

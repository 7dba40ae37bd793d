/** Lockout: five failures on one account, by any identifier and contract, lock it for a growing time. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { contracts, passwordEdits, signInContracts, type Ask } from '../contracts'
import { v1Path } from '../support/people'
import { derivations } from '../support/pbkdf2-cap'
import { newLegacy, pendingPerson, withUpstreams } from '../support/upstream'
import { adminToken, call, freshDirectory, rows, signedInPerson, testEnv, type Call } from '../support/usher'

freshDirectory()

let admin: string
let user: Awaited<ReturnType<typeof signedInPerson>>

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1000 * Math.ceil(Date.now() / 1000) })
  admin = await adminToken()
  user = await signedInPerson(admin, { username: 'kofi', matricule: 88 })
})

afterEach(() => {
  vi.useRealTimers()
})

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000)

let turn = 0

/** Signs in once, each time through the next contract. */
async function tries(identifier: string, password: string, as: Call = {}) {
  const [, acts] = signInContracts[(turn += 1) % signInContracts.length] as (typeof signInContracts)[number]
  const { path, ...options } = acts.session.signIn(identifier, password)
  const before = derivations.count
  const { headers, cost, ...answer } = await call(path, { ...options, ...as })
  const retryAfter = headers.get('retry-after')
  return {
    became: acts.outcome(answer),
    retryAfter: retryAfter === null ? undefined : Number(retryAfter),
    trips: cost.trips,
    hashed: derivations.count - before,
  }
}

async function fail(times: number, identifiers: string | string[], as: Call = {}): Promise<void> {
  const all = [identifiers].flat()
  for (let failed = 0; failed < times; failed += 1) {
    const { became } = await tries(all[failed % all.length] as string, 'not the password', as)
    expect(became).toBe('unauthenticated')
  }
}

/** The response of an account that stays locked for this many seconds. */
const locked = (seconds: number) => ({ became: 'limited', retryAfter: seconds, trips: 1, hashed: 0 })

describe('five failures', () => {
  it('by any identifiers of an account lock it for thirty seconds, even for the right password, without hashing', async () => {
    await fail(5, ['kofi', user.email, '88'])
    for (const identifier of [user.email, 'KOFI', '88']) {
      expect(await tries(identifier, user.password)).toEqual(locked(30))
      expect(await tries(identifier, 'not the password')).toEqual(locked(30))
    }
    pass(29)
    expect(await tries(user.email, user.password)).toEqual(locked(1))
    pass(1)
    expect((await tries(user.email, user.password)).became).toBe('done')
  })

  it('lock an unknown identifier in the same way, in any spelling', async () => {
    await fail(5, ['nobody@example.org', 'NOBODY@example.org'])
    expect(await tries('ＮＯＢＯＤＹ@example.org', 'x')).toEqual(locked(30))
    expect((await tries('nobody.else@example.org', 'x')).became).toBe('unauthenticated')
  })

  it('lock the account of an inactive user, or one without a password, in the same way', async () => {
    await call(`${v1Path(user)}/deactivate`, { method: 'POST', token: admin })
    const bare = await signedInPerson(admin)
    await rows('UPDATE users SET password_hash = NULL WHERE number = ?', bare.number)
    for (const { email, password } of [user, bare]) {
      await fail(5, email)
      expect(await tries(email, password)).toEqual(locked(30))
    }
  })

  it('lock the account of a pending user in the same way, whether or not the upstream is set', async () => {
    const legacy = newLegacy()
    for (const as of [withUpstreams, {}]) {
      const waiting = await pendingPerson(admin, 'hook-legacy')
      legacy.passwords.set(waiting.email, waiting.password)
      await fail(5, waiting.email, as)
      const asked = legacy.asked.length
      for (const password of [waiting.password, 'not the password']) {
        expect(await tries(waiting.email, password, as)).toEqual(locked(30))
      }
      expect(legacy.asked).toHaveLength(asked)
      pass(30)
      const outcome = as === withUpstreams ? 'done' : 'unauthenticated'
      expect((await tries(waiting.email, waiting.password, as)).became).toBe(outcome)
    }
    expect(legacy.asked).toHaveLength(6)
    vi.restoreAllMocks()
  })

  it('lock no other account, and end no session', async () => {
    const other = await signedInPerson(admin)
    await fail(5, user.email)
    expect((await tries(other.email, other.password)).became).toBe('done')
    expect((await call('/v1/me', { token: user.access_token })).status).toBe(200)
  })

  it('with a wrong current password of the caller lock the account too', async () => {
    const json = { current_password: 'not the password', new_password: 'another fine passphrase' }
    const change = () => call('/v1/me/password', { method: 'PUT', token: user.access_token, json })
    await fail(2, user.email)
    for (let failed = 0; failed < 3; failed += 1) expect((await change()).status).toBe(400)
    expect(await tries(user.email, user.password)).toEqual(locked(30))
    const { status, headers, cost } = await change()
    expect([status, headers.get('retry-after'), cost.trips]).toEqual([429, '30', 1])
  })
})

describe('a lockout', () => {
  it('is not extended by attempts, needs five new failures afterwards, and doubles each time up to fifteen minutes', async () => {
    for (const seconds of [30, 60, 120, 240, 480, 900, 900]) {
      await fail(4, user.email)
      await fail(1, user.email)
      expect(await tries(user.email, user.password)).toEqual(locked(seconds))
      pass(seconds - 1)
      expect(await tries(user.email, 'not the password')).toEqual(locked(1))
      pass(1)
    }
    expect((await tries(user.email, user.password)).became).toBe('done')
  })

  it('and earlier failures are cleared by a successful sign-in', async () => {
    for (let round = 0; round < 3; round += 1) {
      await fail(4, user.email)
      expect((await tries(user.email, user.password)).became).toBe('done')
    }
    expect(await rows('SELECT * FROM sign_in_failures')).toEqual([])
  })

  it.each(passwordEdits)('is cleared when an admin sets the password by %s', async (_, acts, withPassword) => {
    const { path, ...setting } = withPassword(user, 'set by somebody else')
    await fail(5, user.email)
    expect(acts.outcome(await call(path, { ...setting, token: admin }))).toBe('done')
    expect((await tries(user.email, 'set by somebody else')).became).toBe('done')
  })

  it.each(contracts.flatMap(([name, { activate }]) => (activate ? [[name, activate] as const] : [])))(
    'is cleared when an admin activates the user through %s',
    async (_, activate) => {
      const { path, ...activation } = activate(user)
      await fail(5, user.email)
      await call(`${v1Path(user)}/deactivate`, { method: 'POST', token: admin })
      expect((await call(path, { ...activation, token: admin })).status).toBe(200)
      expect((await tries(user.email, user.password)).became).toBe('done')
    },
  )

  it('is cleared by v1’s activate even for an active user, and only for a permitted caller', async () => {
    await fail(5, user.email)
    const activate = (token: string) => call(`${v1Path(user)}/activate`, { method: 'POST', token })
    expect((await activate(user.access_token)).status).toBe(403)
    expect(await tries(user.email, user.password)).toEqual(locked(30))
    expect((await activate(admin)).status).toBe(200)
    expect((await tries(user.email, user.password)).became).toBe('done')
  })

  it('is not cleared by a session of the account, because a stolen session could then continue guessing', async () => {
    const boss = await signedInPerson(admin, { role: 'admin' })
    await fail(5, boss.email)
    expect((await call(`${v1Path(boss)}/activate`, { method: 'POST', token: boss.access_token })).status).toBe(200)
    expect(await tries(boss.email, boss.password)).toEqual(locked(30))
  })

  it('is cleared by a password token', async () => {
    const { body } = await call(`${v1Path(user)}/password-token`, { method: 'POST', token: admin })
    await fail(5, user.email)
    const json = { token: body.token, new_password: 'one of my own making' }
    expect((await call('/v1/auth/password', { json })).status).toBe(204)
    expect((await tries(user.email, 'one of my own making')).became).toBe('done')
  })
})

describe('a right guess', () => {
  /** Five failures by others lock the account after this request has looked at it and before it commits. */
  function whileOthersFail(): Call {
    let batches = 0
    return {
      env: {
        DB: {
          prepare: (sql: string) => testEnv.DB.prepare(sql),
          batch: async (statements: D1PreparedStatement[]) => {
            batches += 1
            if (batches === 2) await fail(5, user.email)
            return testEnv.DB.batch(statements)
          },
        },
      },
    }
  }

  it.each(signInContracts)(
    'that arrives at the same time as the failures that lock the account is refused by %s',
    async (_, acts) => {
      const { path, ...options } = acts.session.signIn(user.email, user.password)
      expect(acts.outcome(await call(path, { ...options, ...whileOthersFail() }))).toBe('limited')
      expect(await rows('SELECT * FROM sessions WHERE user_number = ?', user.number)).toHaveLength(1)
    },
  )

  it('for the caller’s current password is refused in that case too', async () => {
    const json = { current_password: user.password, new_password: 'another fine passphrase' }
    const ask: Ask = { path: '/v1/me/password', method: 'PUT', token: user.access_token, json }
    expect((await call(ask.path, { ...ask, ...whileOthersFail() })).status).toBe(429)
    pass(30)
    expect((await tries(user.email, user.password)).became).toBe('done')
  })

  it('gains nothing from simultaneous attempts: forty guesses lock the account, once', async () => {
    const guesses = await Promise.all(Array.from({ length: 40 }, () => tries(user.email, 'not the password')))
    expect(guesses.every(({ became }) => became === 'unauthenticated' || became === 'limited')).toBe(true)
    expect(await tries(user.email, user.password)).toEqual(locked(30))
    const [counted] = await rows('SELECT failures, lockouts FROM sign_in_failures')
    expect(counted).toEqual({ failures: 0, lockouts: 1 })
  })
})

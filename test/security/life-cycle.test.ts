/**
 * The life of credentials: a credential that has ended is refused in every contract, from the next request on, for
 * good.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  contracts,
  demotionsOf,
  passwordEdits,
  refreshContracts,
  signInContracts,
  type Ask,
  type ContractDescription,
  type Outcome,
  type SignIn,
  type SigningIn,
} from '../contracts'
import { v1Path } from '../support/people'
import { permissions } from '../../src/core/access/permissions'
import { adminToken, call, freshDirectory, person, rows, signedInPerson, type Call } from '../support/usher'

freshDirectory()

type Person = Awaited<ReturnType<typeof signedInPerson>>

/** The credentials that a sign-in through one contract returns. */
interface Session {
  sends: ReturnType<SignIn['credential']>
  refreshToken?: string
}

let admin: string

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  admin = await adminToken()
})

afterEach(() => {
  vi.useRealTimers()
})

/** Unix seconds of the tests' clock, which stands still. The database's clock runs. */
const now = () => Math.floor(Date.now() / 1000)

async function ask(acts: ContractDescription, { path, ...options }: Ask, as: Pick<Call, 'token' | 'headers'> = {}) {
  return acts.outcome(await call(path, { ...options, ...as }))
}

async function signInThrough(acts: SigningIn, { email, password }: Person, env: Call['env'] = {}): Promise<Session> {
  const { credential, refresh, signIn } = acts.session
  const { path, ...options } = signIn(email, password)
  const answer = await call(path, { ...options, env })
  expect(acts.outcome(answer)).toBe('done')
  return { sends: credential(answer), ...(refresh && { refreshToken: refresh.tokenOf(answer) }) }
}

/** Signs in through every contract. */
async function signInEverywhere(user: Person, env: Call['env'] = {}): Promise<Session[]> {
  const sessions: Session[] = []
  for (const [, acts] of signInContracts) sessions.push(await signInThrough(acts, user, env))
  return sessions
}

const keyOf = async (user: Person): Promise<{ id: string; key: string }> =>
  (await call('/v1/api-keys', { token: user.access_token, json: { name: 'a key', permissions } })).body

/** The distinct outcomes of requests about `user` with this credential, in every contract that may accept it. */
async function distinctOutcomes(
  { only, ...as }: Session['sends'],
  about: (acts: ContractDescription) => Ask,
): Promise<Outcome[]> {
  const outcomes = new Set<Outcome>()
  for (const [name, acts] of contracts) {
    if (only === undefined || only === name) outcomes.add(await ask(acts, about(acts), as))
  }
  return [...outcomes]
}

/** The outcome of reading the user's own record with each session. An admin may read it in every contract. */
async function reading(user: Person, sessions: readonly Session[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const { sends } of sessions) outcomes.push(...(await distinctOutcomes(sends, (acts) => acts.read(user))))
  return [...new Set(outcomes)]
}

/** The outcome of the refresh tokens in every contract that has a refresh. */
async function refreshing(sessions: readonly Session[]): Promise<Outcome[]> {
  const outcomes = new Set<Outcome>()
  for (const { refreshToken } of sessions) {
    if (refreshToken === undefined) continue
    for (const [, acts] of refreshContracts) outcomes.add(await ask(acts, acts.refresh.ask(refreshToken)))
  }
  return [...outcomes]
}

describe.each(signInContracts)('through %s', (name, acts) => {
  it('signing out ends the session, whichever contract began it, and no other session', async () => {
    const user = await signedInPerson(admin, { role: 'admin' })
    const other = await signInThrough(acts, user)
    for (const session of await signInEverywhere(user)) {
      if (![undefined, name].includes(session.sends.only)) continue
      expect(await reading(user, [session])).toEqual(['done'])
      expect(await ask(acts, acts.session.signOut(), session.sends)).toBe('done')
      expect(await reading(user, [session])).toEqual(['unauthenticated'])
      expect(await refreshing([session])).toEqual(session.refreshToken === undefined ? [] : ['unauthenticated'])
    }
    expect(await reading(user, [other])).toEqual(['done'])
  })
})

describe.each(contracts)('through %s', (_, acts) => {
  it('deactivation ends every session, refresh token and key, and reactivation revives none', async () => {
    const user = await signedInPerson(admin, { role: 'admin' })
    const [sessions, key] = [await signInEverywhere(user), { sends: { token: (await keyOf(user)).key } }]
    const way = await call(`${v1Path(user)}/password-token`, { method: 'POST', token: admin })
    const byToken = () =>
      call('/v1/auth/password', { json: { token: way.body.token, new_password: 'another fine passphrase' } })
    expect(await reading(user, [...sessions, key])).toEqual(['done'])

    expect(await ask(acts, acts.deactivate(user), { token: admin })).toBe('done')
    expect(await reading(user, [...sessions, key])).toEqual(['unauthenticated'])
    expect(await refreshing(sessions)).toEqual(['unauthenticated'])
    for (const [, other] of signInContracts) {
      // Otherwise the failed sign-ins in the previous contracts would have locked the account.
      await rows('DELETE FROM sign_in_failures')
      expect(await ask(other, other.session.signIn(user.email, user.password))).toBe('unauthenticated')
    }
    expect((await byToken()).status).toBe(401)

    for (const [, other] of contracts) {
      if (!other.activate) continue
      expect(await ask(acts, acts.deactivate(user), { token: admin })).toBe('done')
      expect(await ask(other, other.activate(user), { token: admin })).toBe('done')
      expect(await reading(user, [...sessions, key])).toEqual(['unauthenticated'])
    }
    expect(await refreshing(sessions)).toEqual(['unauthenticated'])
    expect((await byToken()).status).toBe(401)
    expect(await reading(user, await signInEverywhere(user))).toEqual(['done'])
  })

  const { delete: remove } = acts
  if (remove) {
    it('deletion ends every session, refresh token and key', async () => {
      const user = await signedInPerson(admin, { role: 'admin' })
      const [sessions, key] = [await signInEverywhere(user), { sends: { token: (await keyOf(user)).key } }]
      expect(await ask(acts, remove(user), { token: admin })).toBe('done')
      expect(await reading(user, [...sessions, key])).toEqual(['unauthenticated'])
      expect(await refreshing(sessions)).toEqual(['unauthenticated'])
      expect(await rows('SELECT * FROM sessions WHERE user_number = ?', user.number)).toEqual([])
      expect(await rows('SELECT * FROM refresh_tokens WHERE session_id NOT IN (SELECT id FROM sessions)')).toEqual([])
    })
  }

  it.each(demotionsOf(acts).map((demote, index) => [index + 1, demote] as const))(
    'demotion (way %i) removes the role’s permissions from every session and key, and no others',
    async (_, demote) => {
      const user = await signedInPerson(admin, { role: 'admin' })
      const credentials = [...(await signInEverywhere(user)), { sends: { token: (await keyOf(user)).key } }]
      for (const { sends } of credentials)
        expect(await distinctOutcomes(sends, (other) => other.list())).toEqual(['done'])
      expect(await ask(acts, demote(user), { token: admin })).toBe('done')
      const people = await rows('SELECT * FROM users')
      for (const { sends } of credentials) {
        expect(await distinctOutcomes(sends, (other) => other.list())).toEqual(['forbidden'])
        expect(await distinctOutcomes(sends, (other) => other.create(person().email))).toEqual(['forbidden'])
      }
      expect(await rows('SELECT * FROM users')).toEqual(people)
      expect(await refreshing(credentials)).toEqual(['done'])
    },
  )
})

it.each(passwordEdits)(
  'a password set by another user, by %s, ends every session, refresh token and key',
  async (_, acts, withPassword) => {
    const user = await signedInPerson(admin, { role: 'admin' })
    const [sessions, key] = [await signInEverywhere(user), { sends: { token: (await keyOf(user)).key } }]
    const changed = { ...user, password: 'set by somebody else' }
    const setting = withPassword({ ...user, isAdmin: true }, changed.password)
    expect(await ask(acts, setting, { token: admin })).toBe('done')
    expect(await reading(user, sessions)).toEqual(['unauthenticated'])
    expect(await refreshing(sessions)).toEqual(['unauthenticated'])
    // One failed sign-in. Five would lock the account.
    const [, first] = signInContracts[0] as (typeof signInContracts)[number]
    expect(await ask(first, first.session.signIn(user.email, user.password))).toBe('unauthenticated')
    expect(await reading(user, await signInEverywhere(changed))).toEqual(['done'])
    expect(await reading(user, [key])).toEqual(['unauthenticated'])
  },
)

describe('through v1 alone', () => {
  it('a user’s own password change ends every session, the current one included, and every set-password token', async () => {
    const user = await signedInPerson(admin, { role: 'admin' })
    const others = await signInEverywhere(user)
    const way = await call(`${v1Path(user)}/password-token`, { method: 'POST', token: admin })
    const json = { current_password: user.password, new_password: 'one of my own making' }
    const { status, body } = await call('/v1/me/password', { method: 'PUT', token: user.access_token, json })
    expect(status).toBe(200)
    const earlier = [...others, { sends: { token: user.access_token }, refreshToken: user.refresh_token }]
    expect(await reading(user, earlier)).toEqual(['unauthenticated'])
    expect(await refreshing(earlier)).toEqual(['unauthenticated'])
    expect(await reading(user, [{ sends: { token: body.access_token } }])).toEqual(['done'])
    const byToken = { token: way.body.token, new_password: 'another fine passphrase' }
    expect((await call('/v1/auth/password', { json: byToken })).status).toBe(401)
  })

  it('a password set with keep_api_keys ends every session, and keeps the keys', async () => {
    const user = await signedInPerson(admin, { role: 'admin' })
    const [sessions, key] = [await signInEverywhere(user), { sends: { token: (await keyOf(user)).key } }]
    for (const method of ['PATCH', 'PUT']) {
      const json = { password: `set by ${method}, keys kept`, keep_api_keys: true }
      expect((await call(v1Path(user), { method, token: admin, json })).status).toBe(200)
    }
    expect(await reading(user, sessions)).toEqual(['unauthenticated'])
    expect(await reading(user, [key])).toEqual(['done'])
    const json = { password: 'set without that', keep_api_keys: false }
    expect((await call(v1Path(user), { method: 'PATCH', token: admin, json })).status).toBe(200)
    expect(await reading(user, [key])).toEqual(['unauthenticated'])
  })

  it('keep_api_keys alone changes nothing', async () => {
    const user = await signedInPerson(admin, { role: 'admin' })
    const key = { sends: { token: (await keyOf(user)).key } }
    for (const keep_api_keys of [true, false]) {
      const { headers } = await call(v1Path(user), { method: 'PATCH', token: admin, json: { keep_api_keys } })
      expect(headers.get('etag')).toBe('"1"')
    }
    expect(await reading(user, [key])).toEqual(['done'])
  })

  it('a password set by token ends every session and key, and the token', async () => {
    const user = await signedInPerson(admin, { role: 'admin' })
    const [sessions, key] = [await signInEverywhere(user), { sends: { token: (await keyOf(user)).key } }]
    const way = await call(`${v1Path(user)}/password-token`, { method: 'POST', token: admin })
    const spend = () =>
      call('/v1/auth/password', { json: { token: way.body.token, new_password: 'another passphrase' } })
    expect([(await spend()).status, (await spend()).status]).toEqual([204, 401])
    expect(await reading(user, [...sessions, key])).toEqual(['unauthenticated'])
    expect(await refreshing(sessions)).toEqual(['unauthenticated'])
  })

  it('revoking a key ends that key, and nothing else', async () => {
    const user = await signedInPerson(admin, { role: 'admin' })
    const [{ id, key }, other] = [await keyOf(user), await keyOf(user)]
    const [revoked, left] = [{ sends: { token: key } }, { sends: { token: other.key } }]
    expect(await reading(user, [revoked])).toEqual(['done'])
    expect((await call(`/v1/api-keys/${id}`, { method: 'DELETE', token: user.access_token })).status).toBe(204)
    expect(await reading(user, [revoked])).toEqual(['unauthenticated'])
    expect(await reading(user, [left, { sends: { token: user.access_token } }])).toEqual(['done'])
  })

  it('revoking every key of a user ends them, and nothing else', async () => {
    const user = await signedInPerson(admin, { role: 'admin' })
    const keys = [await keyOf(user), await keyOf(user)].map(({ key }) => ({ sends: { token: key } }))
    expect((await call(`${v1Path(user)}/api-keys`, { method: 'DELETE', token: admin })).status).toBe(204)
    expect(await reading(user, keys)).toEqual(['unauthenticated'])
    expect(await reading(user, [{ sends: { token: user.access_token } }])).toEqual(['done'])
  })

  it('revoking a key ends the keys created with it, over any number of steps', async () => {
    const user = await signedInPerson(admin, { role: 'admin' })
    const { id, key } = await keyOf(user)
    const child = await keyOf({ ...user, access_token: key })
    const grandchild = await keyOf({ ...user, access_token: child.key })
    const other = await keyOf(user)
    const chain = [key, child.key, grandchild.key].map((token) => ({ sends: { token } }))
    expect(await reading(user, chain)).toEqual(['done'])
    expect((await call(`/v1/api-keys/${id}`, { method: 'DELETE', token: admin })).status).toBe(204)
    expect(await reading(user, chain)).toEqual(['unauthenticated'])
    expect(await reading(user, [{ sends: { token: other.key } }])).toEqual(['done'])
  })

  it('an expired key is refused', async () => {
    const user = await signedInPerson(admin, { role: 'admin' })
    const { id, key } = await keyOf(user)
    await rows('UPDATE api_keys SET expires_at = ? WHERE id = ?', now() + 60, id)
    expect(await reading(user, [{ sends: { token: key } }])).toEqual(['done'])
    await rows('UPDATE api_keys SET expires_at = ? WHERE id = ?', now(), id)
    expect(await reading(user, [{ sends: { token: key } }])).toEqual(['unauthenticated'])
  })

  it('ending one session, or all, covers those of every contract, and keeps the keys', async () => {
    const user = await signedInPerson(admin, { role: 'admin' })
    const [sessions, key] = [await signInEverywhere(user), { sends: { token: (await keyOf(user)).key } }]
    const { body } = await call(`${v1Path(user)}/sessions`, { token: admin })
    const newest = sessions.at(-1) as Session
    expect((await call(`${v1Path(user)}/sessions/${body.data[0].id}`, { method: 'DELETE', token: admin })).status).toBe(
      204,
    )
    expect(await reading(user, [newest])).toEqual(['unauthenticated'])
    expect(await reading(user, sessions.slice(0, -1))).toEqual(['done'])
    expect((await call(`${v1Path(user)}/sessions`, { method: 'DELETE', token: admin })).status).toBe(204)
    expect(await reading(user, sessions)).toEqual(['unauthenticated'])
    expect(await refreshing(sessions)).toEqual(['unauthenticated'])
    expect(await reading(user, [key])).toEqual(['done'])
  })
})

describe('a session', () => {
  it('shows its last use to the hour', async () => {
    const user = await signedInPerson(admin)
    const json = { username: user.input.email, password: user.input.password }
    const { token } = (await call('/backoffice/api/login', { json })).body.data
    const use = async () => (await call('/v1/me', { token })).cost.written
    const used = []
    for (const minutes of [0, 59, 1, 0, 59, 1, 0]) {
      vi.advanceTimersByTime(minutes * 60_000)
      used.push(await use())
    }
    expect(used).toEqual([0, 0, 1, 0, 0, 1, 0])
  })

  it('ends after thirty days without a refresh, in every contract, and sooner when it cannot be refreshed', async () => {
    const user = await signedInPerson(admin, { role: 'admin' })
    await signInEverywhere(user)
    const hours = await rows(
      'SELECT DISTINCT contract, (expires_at - created_at) / 3600 AS hours FROM sessions ORDER BY contract',
    )
    const lifetimes = signInContracts.map(([contract, { session }]) => ({ contract, hours: session.hours }))
    expect(hours).toEqual(lifetimes.sort((user, other) => user.contract.localeCompare(other.contract)))
    const env = { SESSION_MAX_DAYS: '7' }
    await rows('DELETE FROM sessions')
    await signInEverywhere(user, env)
    const capped = await rows<{ contract: string; hours: number }>(
      'SELECT contract, (expires_at - created_at) / 3600 AS hours FROM sessions ORDER BY contract',
    )
    expect(capped).toEqual(lifetimes.map(({ contract, hours }) => ({ contract, hours: Math.min(hours, 7 * 24) })))
    const again = await signInEverywhere(user)
    await rows('UPDATE sessions SET expires_at = ?', now() + 60)
    expect(await reading(user, again)).toEqual(['done'])
    await rows('UPDATE sessions SET expires_at = ?', now())
    expect(await reading(user, again)).toEqual(['unauthenticated'])
    expect(await refreshing(again)).toEqual(['unauthenticated'])
  })
})

/** A failed sign-in does not reveal its reason, by its response or by its cost. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Ask, signInContracts, outcomeAt } from '../contracts'
import { derivations } from '../support/pbkdf2-cap'
import { newLegacy, pendingPerson, withUpstreams } from '../support/upstream'
import { adminToken, call, freshDirectory, rows, signedInPerson } from '../support/usher'

freshDirectory()
afterEach(() => void vi.restoreAllMocks())

/** Everything about a response that a client can see or measure. */
async function observed({ path, ...options }: Ask) {
  const before = derivations.count
  const answer = await call(path, options)
  const { status, text, headers, cost } = answer
  if (status === 401) expect(headers.get('www-authenticate')).toBe('Bearer')
  const became = outcomeAt(path, answer)
  const shown = [...headers].filter(([name]) => !['x-request-id', 'server-timing'].includes(name))
  return {
    became,
    status,
    text,
    headers: shown,
    trips: cost.trips,
    written: cost.written,
    hashed: derivations.count - before,
  }
}

/** One of each kind of failed sign-in, with its identifier and password. */
async function failures(admin: string): Promise<[kind: string, identifier: string, password: string][]> {
  const [known, inactive, bare] = [
    await signedInPerson(admin, { username: 'known', matricule: 61 }),
    await signedInPerson(admin),
    await signedInPerson(admin),
  ]
  await call(`/v1/users/${inactive.id}/deactivate`, { method: 'POST', token: admin })
  await rows('UPDATE users SET password_hash = NULL WHERE number = ?', bare.number)
  // No request of these tests has this upstream in its settings.
  const waiting = await pendingPerson(admin, 'hook-legacy')
  return [
    ['unknown', 'nobody@example.org', 'whatever it was'],
    ['unknown by name', 'nobody', 'whatever it was'],
    ['unknown by number', '99', 'whatever it was'],
    ['wrong', known.email, 'not the password'],
    ['wrong by name', 'known', 'not the password'],
    ['wrong by number', '61', 'not the password'],
    ['inactive, right', inactive.email, inactive.password],
    ['password-less', bare.email, bare.password],
    ['pending for an upstream that was removed', waiting.email, waiting.password],
  ]
}

describe.each(signInContracts)('through %s', (_, acts) => {
  it('an unknown user, a wrong password, an inactive user and a missing password give the same bytes at the same cost', async () => {
    const admin = await adminToken()
    const [first, ...others] = await failures(admin)
    const expected = await observed(acts.session.signIn(...pair(first)))
    expect(expected).toMatchObject({ became: 'unauthenticated', hashed: 1, trips: 2, written: 1 })
    for (const [kind, ...tried] of others) {
      expect([kind, await observed(acts.session.signIn(...tried))]).toEqual([kind, expected])
    }
  })

  it('a pending user and a wrong password give the same bytes and as much hashing, in one more trip to the database', async () => {
    const admin = await adminToken()
    const legacy = newLegacy()
    const waiting = await pendingPerson(admin, 'hook-legacy')
    const expected = await observed(acts.session.signIn('nobody@example.org', 'not the password'))
    const ask = { ...acts.session.signIn(waiting.email, 'not the password'), ...withUpstreams }
    const { written, ...seen } = await observed(ask)
    expect(legacy.asked).toHaveLength(1)
    expect({ ...seen, trips: seen.trips - 1, written: 1 }).toEqual(expected)
    expect(written).toBeGreaterThan(1)
  })

  it('a wrong password on an outdated hash costs as much as on a current one', async () => {
    const admin = await adminToken()
    const user = await signedInPerson(admin)
    const env = { PASSWORD_ROUNDS: '3' }
    const costOf = async (identifier: string, password: string) => {
      const before = derivations.iterations
      const { path, ...options } = acts.session.signIn(identifier, password)
      expect(acts.outcome(await call(path, { ...options, env }))).toBe('unauthenticated')
      await rows('DELETE FROM sign_in_failures')
      return derivations.iterations - before
    }
    expect(await costOf('nobody@example.org', 'not the password')).toBe(300_000)
    const text = (bytes: number) => 'A'.repeat(bytes)
    for (const [hash, iterations] of [
      [undefined, 300_000],
      [`$pbkdf2-sha256$i=1000,r=1$${text(22)}$${text(43)}`, 300_000],
      [`$pbkdf2-sha256$i=70000,r=2$${text(22)}$${text(43)}`, 300_000],
      [`pbkdf2_sha256$36000$seasalt$${text(43)}=`, 300_000],
      // One bcrypt iteration costs as much as 560 PBKDF2 iterations, as measured.
      [`$2b$04$${text(21)}.${text(30)}.`, 300_000 - 560 * 16],
    ] as const) {
      if (hash) await rows('UPDATE users SET password_hash = ? WHERE number = ?', hash, user.number)
      for (const wrong of ['not the password', 'with a NUL\0']) {
        expect([hash, wrong, await costOf(user.email, wrong)]).toEqual([hash, wrong, iterations])
      }
    }
  })

  it('a visible difference is detected (control for the tests above)', async () => {
    const admin = await adminToken()
    const [first] = await failures(admin)
    const expected = await observed(acts.session.signIn(...pair(first)))
    const user = await signedInPerson(admin)
    expect(await observed(acts.session.signIn(user.email, user.password))).not.toEqual(expected)
    await rows("UPDATE users SET password_hash = replace(password_hash, 'r=1', 'r=2') WHERE number = ?", user.number)
    const costly = await observed(acts.session.signIn(user.email, 'not the password'))
    expect(costly).not.toEqual(expected)
    expect({ ...costly, hashed: 1 }).toEqual(expected)
    await rows('UPDATE sign_in_failures SET locked_until = unixepoch() + 60')
    expect(await observed(acts.session.signIn(user.email, 'not the password'))).not.toEqual(expected)
  })
})

function pair(failure: [string, string, string] | undefined): [identifier: string, password: string] {
  const [, identifier, password] = failure as [string, string, string]
  return [identifier, password]
}

/** Signing in, staying in, and being out from the next request on. */
import { describe, expect, it } from 'vitest'
import {
  adminToken,
  call,
  firstAdmin,
  freshDirectory,
  person,
  rows,
  signedInPerson,
  signIn,
  type Call,
} from './support/usher'

freshDirectory()

const login = (identifier: string, password: string, options: Call = {}) =>
  call('/v1/auth/login', { json: { identifier, password }, ...options })
const refresh = (refresh_token: string) => call('/v1/auth/refresh', { json: { refresh_token } })
const me = (token: string) => call('/v1/me', { token })

describe('the first admin', () => {
  it('is made by the first sign-in with exactly the configured credentials, named by the local part', async () => {
    expect((await login(firstAdmin.email, 'another password')).status).toBe(401)
    expect(await rows('SELECT * FROM users')).toHaveLength(0)
    const { status, body } = await login(firstAdmin.email, firstAdmin.password)
    expect(status).toBe(200)
    expect(body.user).toMatchObject({ email: firstAdmin.email, name: 'first.admin', role: 'admin', status: 'active' })
  })

  it('is made once, however many sign in at the same moment, through either contract', async () => {
    const attempts = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        index % 2
          ? login(firstAdmin.email, firstAdmin.password)
          : call('/personnel/token', { form: { username: firstAdmin.email, password: firstAdmin.password } }),
      ),
    )
    expect(attempts.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(await rows('SELECT * FROM users')).toHaveLength(1)
    expect(await rows('SELECT * FROM sessions')).toHaveLength(10)
  })

  it('cannot be made again once an admin exists, whoever the configuration then names', async () => {
    await adminToken()
    const env = { BOOTSTRAP_ADMIN_EMAIL: 'second@usher.example', BOOTSTRAP_ADMIN_PASSWORD: 'another way to get in' }
    expect((await login('second@usher.example', 'another way to get in', { env })).status).toBe(401)
  })

  it('is not made of a user who is already there', async () => {
    const admin = await adminToken()
    const { email } = (await call('/v1/users', { token: admin, json: person() })).body
    await rows('UPDATE users SET primary_role = 2')
    await rows('UPDATE user_roles SET role_number = 2')
    await rows("UPDATE user_counts SET count = 0 WHERE scope = 'role:1'")
    const env = { BOOTSTRAP_ADMIN_EMAIL: email, BOOTSTRAP_ADMIN_PASSWORD: 'another way to get in' }
    expect((await login(email, 'another way to get in', { env })).status).toBe(401)
  })
})

describe('signing in', () => {
  it('takes the email, the username or the matricule, in any case and width', async () => {
    const admin = await adminToken()
    const input = person({ email: 'Ines.Costa@Example.ORG', username: 'ines', matricule: 771 })
    await call('/v1/users', { token: admin, json: input })
    for (const identifier of ['ines.costa@example.org', 'INES', 'ｉｎｅｓ', '771']) {
      expect((await login(identifier, String(input.password))).status).toBe(200)
    }
  })

  it('answers the unknown, the wrong, the inactive and the password-less alike, to the byte and at the same cost', async () => {
    const admin = await adminToken()
    const known = await signedInPerson(admin)
    const inactive = await signedInPerson(admin)
    const bare = await signedInPerson(admin)
    await call(`/personnel/users/delete/${inactive.uuid}`, { method: 'DELETE', token: admin })
    await rows('UPDATE users SET password_hash = NULL WHERE id = ?', bare.uuid)
    const answers = await Promise.all([
      login('nobody@example.org', 'whatever it was'),
      login(known.input.email, 'not the password'),
      login(inactive.input.email, String(inactive.input.password)),
      login(bare.input.email, String(bare.input.password)),
    ])
    for (const { status, text, cost, headers } of answers) {
      expect(status).toBe(401)
      expect(text).toBe(answers[0]?.text)
      expect(cost.trips).toBe(2)
      expect(cost.written).toBe(1)
      expect(headers.get('www-authenticate')).toBe('Bearer')
    }
  })
})

describe('brute force', () => {
  const fail = (identifier: string, times: number) =>
    Array.from({ length: times }).reduce<Promise<unknown>>(
      (done) => done.then(() => login(identifier, 'not the password')),
      Promise.resolve(),
    )

  it('locks an account after five failures by any identifier, the right password included, without hashing', async () => {
    const admin = await adminToken()
    const { input } = await signedInPerson(admin, { username: 'kofi', matricule: 88 })
    await fail('kofi', 3)
    await fail('88', 2)
    const locked = await login(input.email, String(input.password))
    expect(locked.status).toBe(429)
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Number(locked.headers.get('retry-after'))).toBeLessThanOrEqual(30)
    expect(locked.cost.trips).toBe(1)
  })

  it('locks an identifier that is no one’s just the same', async () => {
    await fail('nobody@example.org', 5)
    expect((await login('NOBODY@example.org', 'x')).status).toBe(429)
  })

  it('is not extended by attempts while locked, and takes five new failures afterwards, for a longer delay', async () => {
    const admin = await adminToken()
    const { input } = await signedInPerson(admin)
    await fail(input.email, 5)
    const [before] = await rows('SELECT * FROM sign_in_failures')
    await fail(input.email, 3)
    expect(await rows('SELECT * FROM sign_in_failures')).toEqual([before])
    await rows('UPDATE sign_in_failures SET locked_until = locked_until - 60')
    await fail(input.email, 4)
    expect((await login(input.email, 'not the password')).status).toBe(401)
    const again = await login(input.email, String(input.password))
    expect(again.status).toBe(429)
    expect(Number(again.headers.get('retry-after'))).toBeGreaterThan(30)
  })

  it('never waits longer than fifteen minutes', async () => {
    await fail('nobody@example.org', 4)
    await rows('UPDATE sign_in_failures SET lockouts = 40')
    await fail('nobody@example.org', 1)
    const { headers } = await login('nobody@example.org', 'x')
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(880)
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(900)
  })

  it('forgets the failures at success and when an admin sets the password', async () => {
    const admin = await adminToken()
    const { input, uuid } = await signedInPerson(admin)
    await fail(input.email, 4)
    await signIn(input.email, String(input.password))
    expect(await rows('SELECT * FROM sign_in_failures')).toHaveLength(0)
    await fail(input.email, 5)
    const json = { user_id: uuid, password: 'set by somebody else' }
    expect((await call('/personnel/users/update', { method: 'PUT', token: admin, json })).status).toBe(200)
    expect((await login(input.email, 'set by somebody else')).status).toBe(200)
  })

  it('honours no right guess that comes with the failures that lock the account', async () => {
    const admin = await adminToken()
    const { input } = await signedInPerson(admin)
    const guesses = [...Array(12).fill('not the password'), String(input.password)]
    await Promise.all(guesses.slice(0, 12).map((guess) => login(input.email, guess)))
    expect((await login(input.email, guesses[12])).status).toBe(429)
  })
})

describe('a session', () => {
  it('is over at logout, everywhere and from the next request on, its refresh token too', async () => {
    const admin = await adminToken()
    const one = await signedInPerson(admin)
    expect((await call('/personnel/logout', { method: 'POST', token: one.access_token })).status).toBe(204)
    expect((await me(one.access_token)).status).toBe(401)
    expect((await call(`/personnel/users/${one.uuid}`, { token: one.access_token })).status).toBe(401)
    expect((await refresh(one.refresh_token)).status).toBe(401)
  })

  it('is over when its user is deactivated, and stays over when they are active again', async () => {
    const admin = await adminToken()
    const one = await signedInPerson(admin)
    await call(`/personnel/users/delete/${one.uuid}`, { method: 'DELETE', token: admin })
    expect((await me(one.access_token)).status).toBe(401)
    expect((await login(one.input.email, String(one.input.password))).status).toBe(401)
    await rows('UPDATE users SET active = 1 WHERE id = ?', one.uuid)
    expect((await me(one.access_token)).status).toBe(401)
    expect((await refresh(one.refresh_token)).status).toBe(401)
    expect((await login(one.input.email, String(one.input.password))).status).toBe(200)
  })

  it('is over when its user is deleted', async () => {
    const admin = await adminToken()
    const one = await signedInPerson(admin)
    expect((await call(`/v1/users/${one.id}`, { method: 'DELETE', token: admin })).status).toBe(204)
    expect((await me(one.access_token)).status).toBe(401)
    expect((await refresh(one.refresh_token)).status).toBe(401)
    expect(await rows('SELECT * FROM refresh_tokens WHERE session_id NOT IN (SELECT id FROM sessions)')).toEqual([])
  })

  it('is over when a password is set for its user', async () => {
    const admin = await adminToken()
    const one = await signedInPerson(admin)
    const json = { user_id: one.uuid, password: 'set by somebody else' }
    await call('/personnel/users/update', { method: 'PUT', token: admin, json })
    expect((await me(one.access_token)).status).toBe(401)
    expect((await login(one.input.email, String(one.input.password))).status).toBe(401)
    expect((await login(one.input.email, 'set by somebody else')).status).toBe(200)
  })

  it('loses what its user’s roles no longer allow, from the next request on', async () => {
    const admin = await adminToken()
    const one = await signedInPerson(admin, { role: 'admin' })
    expect((await call('/v1/users', { token: one.access_token })).status).toBe(200)
    await rows('UPDATE users SET primary_role = 2 WHERE id = ?', one.uuid)
    expect((await call('/v1/users', { token: one.access_token })).status).toBe(403)
    expect((await call('/v1/users', { token: one.access_token, json: person() })).status).toBe(403)
  })

  it('keeps its last use to the hour', async () => {
    const admin = await adminToken()
    expect((await me(admin)).cost.written).toBe(0)
    await rows('UPDATE sessions SET last_used_at = last_used_at - 3600')
    expect((await me(admin)).cost.written).toBe(1)
    expect((await me(admin)).cost.written).toBe(0)
  })

  it('ends after thirty days without a refresh', async () => {
    const admin = await adminToken()
    await rows('UPDATE sessions SET expires_at = expires_at - 30 * 86400')
    expect((await me(admin)).status).toBe(401)
  })
})

describe('refreshing', () => {
  it('rotates the refresh token at every use and leaves the access tokens of the session alive', async () => {
    const admin = await adminToken()
    const one = await signedInPerson(admin)
    const second = await refresh(one.refresh_token)
    expect(second.status).toBe(200)
    expect(second.body.refresh_token).not.toBe(one.refresh_token)
    expect(second.cost.trips).toBe(1)
    expect((await me(second.body.access_token)).status).toBe(200)
    expect((await me(one.access_token)).status).toBe(200)
  })

  it('gives a working pair to a retry within ten seconds, to twenty at once', async () => {
    const admin = await adminToken()
    const one = await signedInPerson(admin)
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(one.refresh_token)))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    const next = await Promise.all(answers.map(({ body }) => refresh(body.refresh_token)))
    expect(next.map(({ status }) => status)).toEqual(Array(20).fill(200))
  })

  it('ends the session, access tokens included, when a token is used long after it was spent', async () => {
    const admin = await adminToken()
    const one = await signedInPerson(admin)
    const second = await refresh(one.refresh_token)
    await rows('UPDATE refresh_tokens SET spent_at = spent_at - 11')
    expect((await refresh(one.refresh_token)).status).toBe(401)
    expect((await me(second.body.access_token)).status).toBe(401)
    expect((await refresh(second.body.refresh_token)).status).toBe(401)
    expect((await rows("SELECT * FROM audit_events WHERE action = 'session.ended'")).length).toBe(1)
  })

  it('ends the session for a spent token that is no longer even stored', async () => {
    const admin = await adminToken()
    const one = await signedInPerson(admin)
    const second = await refresh(one.refresh_token)
    await rows('UPDATE refresh_tokens SET spent_at = spent_at - 60')
    const third = await refresh(second.body.refresh_token)
    expect(await rows('SELECT * FROM refresh_tokens WHERE spent_at < unixepoch() - 10')).toEqual([])
    expect((await refresh(one.refresh_token)).status).toBe(401)
    expect((await me(third.body.access_token)).status).toBe(401)
  })

  it('is not fooled by a forged token into ending somebody’s session', async () => {
    const admin = await adminToken()
    const one = await signedInPerson(admin)
    // The session's id, which a token of one's own shows, with 48 bytes of one's own making.
    const forged = `${one.refresh_token.slice(0, 20)}${'A'.repeat(66)}`
    expect((await refresh(forged)).status).toBe(401)
    expect((await refresh('A'.repeat(86))).status).toBe(401)
    expect((await me(one.access_token)).status).toBe(200)
  })

  it('stores nothing that could be presented', async () => {
    const admin = await adminToken()
    const one = await signedInPerson(admin)
    const stored = JSON.stringify([await rows('SELECT * FROM refresh_tokens'), await rows('SELECT * FROM sessions')])
    expect(stored).not.toContain(one.refresh_token)
    expect(stored).not.toContain(one.refresh_token.slice(-40))
  })
})

/** v1: the sessions of a user. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { adminToken, call, freshDirectory, signedInPerson, signIn } from '../../support/usher'
import { namesEveryTest } from '../../support/statements'
import { expectProblem, keyWith, lacking, statements, someoneWith } from '../../support/v1'

freshDirectory()
afterEach(() => void vi.useRealTimers())

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

interface Session {
  id: string
  contract: string
  current: boolean
}
type Person = Awaited<ReturnType<typeof signedInPerson>>

const list = (id: string, token = admin) => call<{ data: Session[] }>(`/v1/users/${id}/sessions`, { token })
const endAll = (id: string, token = admin) => call(`/v1/users/${id}/sessions`, { method: 'DELETE', token })
const end = (id: string, session: string, token = admin) =>
  call(`/v1/users/${id}/sessions/${session}`, { method: 'DELETE', token })
const again = ({ input }: Person) => signIn(input.email, String(input.password))
const me = async (token: string) => (await call('/v1/me', { token })).status
const refresh = async (refresh_token: string) => (await call('/v1/auth/refresh', { json: { refresh_token } })).status

const nobody = 'usr_019b1c6e7a407d529a513f1d0c2b4e66'

describe('GET /users/{id}/sessions', () => {
  it('returns each live session: start, last use, expiry, contract, program, and whether it is the current one', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2031-02-03T04:05:06.789Z') })
    const user = await signedInPerson(await adminToken())
    vi.advanceTimersByTime(60_000)
    const form = { username: user.input.email, password: String(user.input.password) }
    const headers = { 'user-agent': 'payroll/2.1 (Linux) <b>' }
    const { access_token } = (await call('/personnel/token', { form, headers })).body
    const { status, body } = await list(user.id, access_token)
    const id = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect([status, body]).toEqual([
      200,
      {
        data: [
          {
            id,
            created_at: '2031-02-03T04:06:06Z',
            last_used_at: '2031-02-03T04:06:06Z',
            expires_at: '2031-03-05T04:06:06Z',
            contract: 'personnel',
            program: 'payroll/2.1',
            current: true,
          },
          {
            id,
            created_at: '2031-02-03T04:05:06Z',
            last_used_at: '2031-02-03T04:05:06Z',
            expires_at: '2031-03-05T04:05:06Z',
            contract: 'v1',
            program: null,
            current: false,
          },
        ],
      },
    ])
  })

  it('shows the last use to the hour, and a later expiry after a refresh', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2031-02-03T04:05:06Z') })
    const user = await signedInPerson(await adminToken())
    const shown = async () => (await list(user.id, await adminToken())).body.data[0]
    vi.advanceTimersByTime(599_000)
    await me(user.access_token)
    expect(await shown()).toMatchObject({ last_used_at: '2031-02-03T04:05:06Z' })
    vi.advanceTimersByTime(3_600_000)
    const next = await call('/v1/auth/refresh', { json: { refresh_token: user.refresh_token } })
    expect(await shown()).toMatchObject({ last_used_at: '2031-02-03T05:15:05Z', expires_at: '2031-03-05T05:15:05Z' })
    vi.advanceTimersByTime(600_000)
    expect(await me(next.body.access_token)).toBe(200)
    expect(await shown()).toMatchObject({ created_at: '2031-02-03T04:05:06Z', last_used_at: '2031-02-03T05:15:05Z' })
  })

  it('shows no ended session, whatever ended it', async () => {
    const user = await signedInPerson(admin)
    const second = await again(user)
    await again(user)
    await call('/v1/auth/logout', { method: 'POST', token: second.access_token })
    expect((await list(user.id)).body.data).toHaveLength(2)
    await call(`/v1/users/${user.id}`, { method: 'PATCH', token: admin, json: { password: 'set by an admin' } })
    expect((await list(user.id)).body.data).toEqual([])
    vi.useFakeTimers({ toFake: ['Date'] })
    await signIn(user.input.email, 'set by an admin')
    vi.advanceTimersByTime(30 * 86_400_000)
    expect((await list(user.id, await adminToken())).body.data).toEqual([])
  })

  it('requires no permission for the caller’s own sessions, and sessions:manage for those of others', async () => {
    const [user, other] = [await signedInPerson(admin), await signedInPerson(admin)]
    expect((await list(user.id, user.access_token)).status).toBe(200)
    for (const id of [other.id, nobody]) {
      expectProblem(await list(id, user.access_token), 403, lacking('sessions:manage'))
    }
    const keeper = await someoneWith(admin, ['sessions:manage'])
    expect((await list(other.id, keeper.access_token)).body.data).toMatchObject([{ current: false }])
  })

  it('works with an API key, for which no session is the current one', async () => {
    const { body: self } = await call('/v1/me', { token: admin })
    const { key } = await keyWith(admin, ['sessions:manage'])
    expect((await list(self.id, key)).body.data).toMatchObject([{ current: false }])
    const { key: without } = await keyWith(admin, [])
    expectProblem(await list(self.id, without), 403, lacking('sessions:manage'))
  })

  it('returns 404 for an unknown user', async () => {
    for (const id of [nobody, 'me']) expectProblem(await list(id), 404, 'There is no such user.')
  })
})

describe('DELETE /users/{id}/sessions', () => {
  it('returns 204 without a body, and ends every session of the user, refresh tokens included', async () => {
    const user = await signedInPerson(admin)
    const second = await again(user)
    const { status, text } = await endAll(user.id)
    expect([status, text]).toEqual([204, ''])
    for (const { access_token, refresh_token } of [user, second]) {
      expect([await me(access_token), await refresh(refresh_token)]).toEqual([401, 401])
    }
    expect((await list(user.id)).body).toEqual({ data: [] })
    expect(await me((await again(user)).access_token)).toBe(200)
  })

  it('ends the caller’s own sessions, the current one included, without a permission', async () => {
    const user = await signedInPerson(admin)
    const second = await again(user)
    expect((await endAll(user.id, user.access_token)).status).toBe(204)
    expect([await me(user.access_token), await me(second.access_token), await me(admin)]).toEqual([401, 401, 200])
  })

  it('keeps API keys', async () => {
    const user = await someoneWith(admin, ['api_keys:manage'])
    const { key } = await keyWith(user.access_token, [])
    await endAll(user.id)
    expect(await me(key)).toBe(200)
  })

  it('requires sessions:manage for others, and every permission that they hold', async () => {
    const keeper = await someoneWith(admin, ['sessions:manage'])
    const stronger = await someoneWith(admin, ['audit:read'])
    const plain = await signedInPerson(admin)
    expectProblem(await endAll(keeper.id, plain.access_token), 403, lacking('sessions:manage'))
    expectProblem(await endAll(stronger.id, keeper.access_token), 403, lacking('audit:read'))
    expect(await me(stronger.access_token)).toBe(200)
    expect((await endAll(plain.id, keeper.access_token)).status).toBe(204)
  })

  it('returns 404 for an unknown user', async () => {
    expectProblem(await endAll(nobody), 404, 'There is no such user.')
  })
})

describe('DELETE /users/{id}/sessions/{session_id}', () => {
  it('returns 204 without a body, and ends that session with its refresh token, and no other', async () => {
    const user = await signedInPerson(admin)
    const second = await again(user)
    const [newest] = (await list(user.id)).body.data
    const { status, text } = await end(user.id, String(newest?.id))
    expect([status, text]).toEqual([204, ''])
    expect([await me(second.access_token), await refresh(second.refresh_token)]).toEqual([401, 401])
    expect([await me(user.access_token), await refresh(user.refresh_token)]).toEqual([200, 200])
    expectProblem(await end(user.id, String(newest?.id)), 404, 'There is no such session.')
  })

  it('ends the caller’s own session, even the current one, without a permission', async () => {
    const user = await signedInPerson(admin)
    const current = (await list(user.id, user.access_token)).body.data.find((session) => session.current)
    expect((await end(user.id, String(current?.id), user.access_token)).status).toBe(204)
    expect(await me(user.access_token)).toBe(401)
  })

  it('returns 404 for another user’s session, an ended one and an unknown one', async () => {
    const [user, other] = [await signedInPerson(admin), await signedInPerson(admin)]
    const theirs = String((await list(other.id)).body.data[0]?.id)
    for (const id of [theirs, 'none', '019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66']) {
      expectProblem(await end(user.id, id), 404, 'There is no such session.')
      expectProblem(await end(user.id, id, user.access_token), 404, 'There is no such session.')
    }
    expect(await me(other.access_token)).toBe(200)
    expectProblem(await end(nobody, theirs), 404, 'There is no such user.')
  })

  it('requires sessions:manage for others, and every permission that they hold', async () => {
    const keeper = await someoneWith(admin, ['sessions:manage'])
    const stronger = await someoneWith(admin, ['audit:read'])
    const plain = await signedInPerson(admin)
    const first = async ({ id }: Person) => String((await list(id)).body.data[0]?.id)
    expectProblem(await end(keeper.id, await first(keeper), plain.access_token), 403, lacking('sessions:manage'))
    expectProblem(await end(stronger.id, await first(stronger), keeper.access_token), 403, lacking('audit:read'))
    expect((await end(plain.id, await first(plain), keeper.access_token)).status).toBe(204)
    expect([await me(stronger.access_token), await me(plain.access_token)]).toEqual([200, 401])
  })
})

namesEveryTest(statements)

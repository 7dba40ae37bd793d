/** Set-password tokens: a token is valid only while its issuer could still issue it, whichever contract ends that. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Ask, contracts, demotionsOf, editsOfAnyone } from '../contracts'
import { v1Path } from '../support/people'
import { permissions, type Permission } from '../../src/core/access/permissions'
import { snapshot } from '../support/snapshot'
import { adminToken, call, freshDirectory, signedInPerson, testEnv } from '../support/usher'

freshDirectory()
afterEach(() => void vi.useRealTimers())

type Person = Awaited<ReturnType<typeof signedInPerson>>

let admin: string
let giver: Person
let person: Person

beforeEach(async () => {
  admin = await adminToken()
  giver = await signedInPerson(admin, { role: 'admin' })
  person = await signedInPerson(admin)
})

const done = async ({ path, ...options }: Ask, token = admin) => {
  const { status, text } = await call(path, { ...options, token })
  expect(status, text).toBeLessThan(300)
}

async function tokenBy(token = giver.access_token, user = person): Promise<string> {
  const { status, body, text } = await call(`${v1Path(user)}/password-token`, { method: 'POST', token })
  expect(status, text).toBe(201)
  return body.token
}

const use = async (token: string) =>
  (await call('/v1/auth/password', { json: { token, new_password: 'taken over by token' } })).status

/** Expects that the token is refused, and that the attempt changes nothing. */
async function expectOver(token: string) {
  const before = await snapshot()
  expect(await use(token)).toBe(401)
  expect(await snapshot()).toEqual(before)
}

async function roleOf(allowed: readonly Permission[]): Promise<{ id: string; name: string }> {
  const json = { name: `role ${crypto.randomUUID()}`, permissions: allowed }
  return (await call('/v1/roles', { token: admin, json })).body
}

const keyOf = async (token: string, more: object = {}): Promise<{ id: string; key: string }> =>
  (await call('/v1/api-keys', { token, json: { name: 'a key', permissions, ...more } })).body

describe('a set-password token', () => {
  it('works when none of the following happens (control)', async () => {
    const [bySession, byKey] = [await tokenBy(), await tokenBy((await keyOf(giver.access_token)).key)]
    await done({ path: '/v1/auth/logout', method: 'POST' }, giver.access_token)
    expect(await use(byKey)).toBe(204)
    expect(await use(bySession)).toBe(401)
    expect(await use(await tokenBy(admin))).toBe(204)
  })

  it.each(contracts)('ends with its issuer’s deactivation through %s, and is not revived', async (_, acts) => {
    const token = await tokenBy()
    await done(acts.deactivate(giver))
    await expectOver(token)
    await done({ path: `${v1Path(giver)}/activate`, method: 'POST' })
    await expectOver(token)
  })

  it.each(contracts.flatMap(([name, { delete: remove }]) => (remove ? [[name, remove] as const] : [])))(
    'ends with its issuer’s deletion through %s',
    async (_, remove) => {
      const token = await tokenBy()
      await done(remove(giver))
      await expectOver(token)
    },
  )

  it.each(contracts.flatMap(([name, acts]) => demotionsOf(acts).map((demote) => [name, demote] as const)))(
    'ends with its issuer’s demotion through %s',
    async (_, demote) => {
      const token = await tokenBy()
      await done(demote(giver))
      await expectOver(token)
    },
  )

  it('ends when a role of its issuer loses users:update, or a permission that its user holds', async () => {
    const role = await roleOf(['users:update', 'audit:read'])
    const target = await roleOf(['audit:read'])
    const clerk = await signedInPerson(admin, { role: role.name })
    const stronger = await signedInPerson(admin, { role: target.name })
    const [plain, strong] = [await tokenBy(clerk.access_token), await tokenBy(clerk.access_token, stronger)]
    const narrowTo = (allowed: Permission[]) =>
      done({ path: `/v1/roles/${role.id}`, method: 'PATCH', json: { permissions: allowed } })
    await narrowTo(['audit:read'])
    await expectOver(plain)
    await narrowTo(['users:update'])
    await expectOver(strong)
    expect(await use(plain)).toBe(204)
  })

  it('ends with the key that requested it: revoked, expired, or ended with the key that created it', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const inAnHour = new Date(Date.now() + 3_600_000).toISOString()
    const [revoked, together, expiring] = [
      await keyOf(giver.access_token),
      await keyOf(giver.access_token),
      await keyOf(giver.access_token, { expires_at: inAnHour }),
    ]
    const child = await keyOf(together.key)
    const tokens = []
    for (const { key } of [revoked, together, child, expiring]) tokens.push(await tokenBy(key))
    await done({ path: `/v1/api-keys/${revoked.id}`, method: 'DELETE' })
    await expectOver(tokens[0] as string)
    await done({ path: `/v1/api-keys/${together.id}`, method: 'DELETE' })
    await expectOver(tokens[1] as string)
    await expectOver(tokens[2] as string)
    vi.advanceTimersByTime(3_600_000)
    await expectOver(tokens[3] as string)
  })

  it('has no more authority than the key that requested it', async () => {
    const { key } = await keyOf(giver.access_token, { permissions: ['users:update'] })
    const token = await tokenBy(key)
    await done({ path: v1Path(person), method: 'PATCH', json: { role: (await roleOf(['users:read'])).name } })
    await expectOver(token)
  })

  it('ends when another user sets the issuer’s password, because the issuer’s session may have been stolen', async () => {
    const token = await tokenBy()
    await done({ path: v1Path(giver), method: 'PATCH', json: { password: 'set by somebody else' } })
    await expectOver(token)
  })

  it.each(contracts.flatMap(([, acts]) => editsOfAnyone(acts).map(([id, edit]) => [id, acts.wire, edit] as const)))(
    'ends when the email of its user is changed by %s, and is not revived by the same email',
    async (_, wire, edit) => {
      const token = await tokenBy()
      await done(edit(person, wire.email(`new.${person.number}@example.org`)))
      await expectOver(token)
      await done({ path: v1Path(person), method: 'PATCH', json: { email: person.email } })
      await expectOver(token)
    },
  )

  it('has no authority that its issuer lost while it was being created', async () => {
    const role = await roleOf(['users:update', 'audit:read'])
    const clerk = await signedInPerson(admin, { role: role.name })
    let batches = 0
    const narrowing = {
      prepare: (sql: string) => testEnv.DB.prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        batches += 1
        const json = { permissions: ['users:update'] }
        if (batches === 2) await done({ path: `/v1/roles/${role.id}`, method: 'PATCH', json })
        return testEnv.DB.batch(statements)
      },
    }
    const path = `${v1Path(person)}/password-token`
    const issued = await call(path, { method: 'POST', token: clerk.access_token, env: { DB: narrowing } })
    expect([issued.status, batches]).toEqual([201, 2])
    await done({ path: v1Path(person), method: 'PATCH', json: { role: (await roleOf(['audit:read'])).name } })
    await expectOver(issued.body.token)
  })

  it('is refused when its issuer is demoted between its check and its use', async () => {
    const token = await tokenBy()
    let batches = 0
    const demoting = {
      prepare: (sql: string) => testEnv.DB.prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        batches += 1
        if (batches === 2) await done({ path: v1Path(giver), method: 'PATCH', json: { role: 'user' } })
        return testEnv.DB.batch(statements)
      },
    }
    const json = { token, new_password: 'taken over by token' }
    expect((await call('/v1/auth/password', { json, env: { DB: demoting } })).status).toBe(401)
    expect(batches).toBe(2)
    const login = { identifier: person.email, password: person.password }
    expect((await call('/v1/auth/login', { json: login })).status).toBe(200)
  })
})

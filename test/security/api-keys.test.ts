/** API keys: actions on the key's own owner that every contract must refuse. */
import { describe, expect, it } from 'vitest'
import { contracts, editsOfAnyone, outcomeAt, waysToGive, type Ask } from '../contracts'
import { type Someone, plainRole, v1Path } from '../support/people'
import { permissions } from '../../src/core/access/permissions'
import { snapshot } from '../support/snapshot'
import { adminToken, call, freshDirectory, signedInPerson } from '../support/usher'

freshDirectory()

async function keyOf(token: string): Promise<string> {
  const { status, body, text } = await call('/v1/api-keys', { token, json: { name: 'a key', permissions } })
  expect(status, text).toBe(201)
  return body.key
}

async function outcomeOf({ path, ...options }: Ask, token: string) {
  return outcomeAt(path, await call(path, { ...options, token }))
}

/** Every request that takes over, shuts out or deletes `user`, in every contract, named after its effect. */
async function takeovers(admin: string, user: Someone): Promise<[what: string, ask: Ask][]> {
  const { body: sessions } = await call(`${v1Path(user)}/sessions`, { token: admin })
  const path = v1Path(user)
  return [
    ...contracts.flatMap(([name, acts]): [string, Ask][] => [
      ...editsOfAnyone(acts).flatMap(([id, edit]): [string, Ask][] => [
        [`${id}: email`, edit(user, acts.wire.email(`mine.${user.number}@example.org`))],
        ...[
          acts.wire.password?.('taken over by a key'),
          acts.wire.username?.(`mine.${user.number}`),
          acts.wire.matricule?.(80_000 + user.number),
        ].flatMap((fields): [string, Ask][] =>
          fields ? [[`${id}: ${Object.keys(fields).join(', ')}`, edit(user, fields)]] : [],
        ),
      ]),
      ...waysToGive(acts, user, plainRole).map((ask): [string, Ask] => [`${name}: roles`, ask]),
      [`${name}: deactivate`, acts.deactivate(user)],
      ...(acts.delete ? [[`${name}: delete`, acts.delete(user)] satisfies [string, Ask]] : []),
    ]),
    ['v1: activate', { path: `${path}/activate`, method: 'POST' }],
    ['v1: password token', { path: `${path}/password-token`, method: 'POST' }],
    ['v1: end every session', { path: `${path}/sessions`, method: 'DELETE' }],
    ...sessions.data.map(({ id }: { id: string }): [string, Ask] => [
      'v1: end one session',
      { path: `${path}/sessions/${id}`, method: 'DELETE' },
    ]),
  ]
}

describe('an API key', () => {
  it('cannot take over, shut out or delete its own owner, in any contract', async () => {
    const admin = await adminToken()
    const user = { ...(await signedInPerson(admin, { role: 'admin' })), isAdmin: true }
    const key = await keyOf(user.access_token)
    const asks = await takeovers(admin, user)
    const before = await snapshot()
    for (const [what, ask] of asks) expect([what, await outcomeOf(ask, key)]).toEqual([what, 'forbidden'])
    expect(await snapshot()).toEqual(before)
  })

  it('can do all of this to another user with no more permissions than the key', async () => {
    const admin = await adminToken()
    const key = await keyOf((await signedInPerson(admin, { role: 'admin' })).access_token)
    const another = async () => ({ ...(await signedInPerson(admin, { role: 'admin' })), isAdmin: true })
    const count = (await takeovers(admin, await another())).length
    for (let index = 0; index < count; index += 1) {
      const [what, ask] = (await takeovers(admin, await another()))[index] as [string, Ask]
      expect([what, await outcomeOf(ask, key)]).toEqual([what, 'done'])
    }
  })

  it('changes fields of its owner that are not credentials, and ignores credentials that are sent back as shown', async () => {
    const admin = await adminToken()
    const user = { ...(await signedInPerson(admin, { role: 'admin' })), isAdmin: true }
    const key = await keyOf(user.access_token)
    for (const [, acts] of contracts) {
      for (const [id, edit] of editsOfAnyone(acts)) expect([id, await outcomeOf(edit(user), key)]).toEqual([id, 'done'])
    }
    const { body: shown } = await call(v1Path(user), { token: key })
    const whole = await call(v1Path(user), { method: 'PUT', token: key, json: { ...shown, phone: '+33 1' } })
    expect([whole.status, whole.body.phone]).toEqual([200, '+33 1'])
  })
})

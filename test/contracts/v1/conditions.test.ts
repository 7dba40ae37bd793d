/** v1: conditional updates of a user. */
import { beforeEach, describe, expect, it } from 'vitest'
import { namesEveryTest } from '../../support/statements'
import { snapshot } from '../../support/snapshot'
import { adminToken, call, freshDirectory, openApi, person, signedInPerson, type Call } from '../../support/usher'
import { operationsOf } from '../../support/conformance'
import { expectProblem, statements } from '../../support/v1'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const changedSince = 'The user has changed since.'

/** Every operation that changes or deletes a user. Each of these would change a new user. */
const changes: Record<string, (path: string) => [string, Call]> = {
  v1PutUser: (path) => [path, { method: 'PUT', json: { phone: '1' } }],
  v1PatchUser: (path) => [path, { method: 'PATCH', json: { phone: '1' } }],
  v1DeleteUser: (path) => [path, { method: 'DELETE' }],
  v1SetUserRoles: (path) => [`${path}/roles`, { method: 'PUT', json: { roles: ['admin'] } }],
  v1DeactivateUser: (path) => [`${path}/deactivate`, { method: 'POST' }],
  v1ActivateUser: (path) => [`${path}/activate`, { method: 'POST' }],
}

type Change = (headers: Record<string, string>) => ReturnType<typeof call>

/** A new user at version 1, and an update of them. */
async function toChange(operationId: string): Promise<Change> {
  if (operationId === 'v1PatchMe') {
    const { access_token: token } = await signedInPerson(admin)
    return (headers) => call('/v1/me', { method: 'PATCH', token, json: { phone: '1' }, headers })
  }
  const { body } = await call('/v1/users', { token: admin, json: person() })
  const [path, options] = changes[operationId]?.(`/v1/users/${body.id}`) ?? []
  return (headers) => call(String(path), { token: admin, ...options, headers })
}

const ids = [...Object.keys(changes), 'v1PatchMe']

async function expectRefused(change: Change, headers: Record<string, string>): Promise<void> {
  const before = await snapshot()
  expectProblem(await change(headers), 412, changedSince)
  expect(await snapshot()).toEqual(before)
}

describe('a conditional update of a user', () => {
  it('is tested here for every operation that has one', async () => {
    const conditional = operationsOf(await openApi()).filter(
      ({ method, path, parameters = [] }) =>
        path.startsWith('/v1/') && method !== 'GET' && parameters.some(({ name }) => name === 'if-match'),
    )
    expect(conditional.map(({ operationId }) => operationId).sort()).toEqual(ids.toSorted())
    for (const { operationId, parameters = [], responses } of conditional) {
      expect([operationId, parameters.some(({ name }) => name === 'if-none-match')]).toEqual([operationId, true])
      expect([operationId, '412' in responses]).toEqual([operationId, true])
    }
  })

  it('returns 412 when If-Match does not name the user’s version', async () => {
    for (const operationId of ids) {
      const change = await toChange(operationId)
      for (const tags of ['"2"', 'W/"2"', '"0", "2"', '"a foreign tag"', '', '1', '"2", *']) {
        await expectRefused(change, { 'if-match': tags })
      }
    }
  })

  it('succeeds when If-Match names the version, or any', async () => {
    for (const operationId of ids) {
      for (const tags of ['"1"', 'W/"1"', '"7", "1"', '"7",W/"1"', '*', ' * ']) {
        const change = await toChange(operationId)
        expect([tags, (await change({ 'if-match': tags })).status]).toEqual([
          tags,
          operationId === 'v1DeleteUser' ? 204 : 200,
        ])
      }
    }
  })

  it('returns 412 when If-None-Match names the user’s version, or any', async () => {
    for (const operationId of ids) {
      const change = await toChange(operationId)
      for (const tags of ['*', ' * ', '"1"', 'W/"1"', '"7", "1"', '"7",W/"1"', '"7", *']) {
        await expectRefused(change, { 'if-none-match': tags })
      }
      await expectRefused(change, { 'if-match': '"1"', 'if-none-match': '"1"' })
    }
  })

  it('succeeds when If-None-Match names other versions', async () => {
    for (const operationId of ids) {
      for (const tags of ['"2"', '"2", W/"7"', '"a foreign tag"', '']) {
        const change = await toChange(operationId)
        expect([tags, (await change({ 'if-none-match': tags })).status]).toEqual([
          tags,
          operationId === 'v1DeleteUser' ? 204 : 200,
        ])
      }
    }
  })

  it('returns 404 for an unknown user, whatever the condition', async () => {
    const nobody = '/v1/users/usr_019b1c6e7a407d529a513f1d0c2b4e66'
    for (const change of Object.values(changes)) {
      const [path, options] = change(nobody)
      const headers = { 'if-none-match': '*', 'if-match': '"1"' }
      expectProblem(await call(path, { token: admin, ...options, headers }), 404, 'There is no such user.')
    }
  })

  it('with an Idempotency-Key replays the first response, even when the condition no longer holds', async () => {
    const { body } = await call('/v1/users', { token: admin, json: person() })
    const deactivate = () =>
      call(`/v1/users/${body.id}/deactivate`, {
        method: 'POST',
        token: admin,
        headers: { 'idempotency-key': 'k1', 'if-match': '"1"' },
      })
    const first = await deactivate()
    expect([first.status, first.headers.get('etag')]).toEqual([200, '"2"'])
    expect((await deactivate()).text).toBe(first.text)
  })
})

namesEveryTest(statements)

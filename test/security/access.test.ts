/** Authorisation: every operation of the document, called by every kind of caller, and the rows that it leaves. */
import { beforeAll, describe, expect, it } from 'vitest'
import { contracts, outcomeAt, type Ask } from '../contracts'
import { permissions, type Permission } from '../../src/core/access/permissions'
import { operations } from '../support/requests'
import { restoreDirectory, saveDirectory, type SavedDirectory } from '../support/saved-directory'
import { snapshot } from '../support/snapshot'
import { adminToken, call, newDatabase, rows, signedInPerson, testEnv, type Call } from '../support/usher'

const named = operations.map((operation) => [operation.operationId, operation] as const)
const guarded = named.filter(([, { access }]) => !access.open)

const json = { 'content-type': 'application/json' }
const invalidToken = 'Bearer error="invalid_token"'

type Person = Awaited<ReturnType<typeof signedInPerson>>

let admin: string
/** Tokens without authority, by the event that ended it. */
let gone: Record<'signed out' | 'deactivated' | 'deleted', string>
let keyOfDemoted: string
/** Callers and subjects of requests that must have no effect. */
let boss: Person, plain: Person, bystander: Person
let saved: SavedDirectory
/** Plain users of the saved directory, and the number of those that the requests of this operation have used. */
let users: Person[]
let used = 0

const keys = new Map<string, string>()

async function keyOf(token: string, allowed: readonly Permission[]): Promise<string> {
  const known = keys.get(`${token} ${allowed}`)
  if (known !== undefined) return known
  const { key } = (await call('/v1/api-keys', { token, json: { name: 'a key', permissions: allowed } })).body
  keys.set(`${token} ${allowed}`, key)
  return key
}

beforeAll(async () => {
  await newDatabase()
  admin = await adminToken()
  const [out, off, deleted] = [await signedInPerson(admin), await signedInPerson(admin), await signedInPerson(admin)]
  await call('/v1/auth/logout', { method: 'POST', token: out.access_token })
  await call(`/v1/users/${off.id}/deactivate`, { method: 'POST', token: admin })
  await call(`/v1/users/${deleted.id}`, { method: 'DELETE', token: admin })
  gone = { 'signed out': out.access_token, deactivated: off.access_token, deleted: deleted.access_token }
  const demoted = await signedInPerson(admin, { role: 'admin' })
  keyOfDemoted = await keyOf(demoted.access_token, permissions)
  await call(`/v1/users/${demoted.id}`, { method: 'PATCH', token: admin, json: { role: 'user' } })
  boss = await signedInPerson(admin, { role: 'admin' })
  plain = await signedInPerson(admin)
  bystander = await signedInPerson(admin)
  users = []
  for (let made = 0; made < 6; made += 1) users.push(await signedInPerson(admin))
  saved = await saveDirectory()
})

/** A signed-in plain user that no request has changed. */
async function newUser(): Promise<Person> {
  used += 1
  return users[used - 1] ?? (await signedInPerson(admin))
}

/** Each operation begins with the same small directory, because every snapshot reads all of it. */
async function restoreAll(): Promise<void> {
  await restoreDirectory(saved)
  keys.clear()
  used = 0
}

/** Sends the request and returns its outcome and the changes in the directory. */
async function attempt(ask: Ask, as: Call = {}) {
  const before = await snapshot()
  const answer = await call(ask.path, { ...ask, ...as })
  const changed = JSON.stringify(await snapshot()) !== JSON.stringify(before)
  return { outcome: outcomeAt(ask.path, answer), changed, challenge: answer.headers.get('www-authenticate') }
}

/** Ways to remove authority directly in the database, ways to restore it, and the outcome for the caller in between. */
const losses = {
  deactivation: { take: 'SET active = 0', give: 'SET active = 1', outcome: 'unauthenticated' },
  demotion: { take: 'SET primary_role = 2', give: 'SET primary_role = 1', outcome: 'forbidden' },
}

/** Sends requests while an admin loses authority just before the batch with this number, then restores it. */
async function overtakenAt(last: number, { take, give }: (typeof losses)['demotion'], ask: Ask, user: Person) {
  let batches = 0
  const overtaken = {
    prepare: (sql: string) => testEnv.DB.prepare(sql),
    batch: async (statements: D1PreparedStatement[]) => {
      batches += 1
      if (batches === last) await rows(`UPDATE users ${take} WHERE number = ?`, user.number)
      return testEnv.DB.batch(statements)
    },
  }
  const answer = await call(ask.path, { ...ask, token: user.access_token, env: { DB: overtaken } })
  await rows(`UPDATE users ${give} WHERE number = ?`, user.number)
  return { outcome: outcomeAt(ask.path, answer), batches }
}

describe('the descriptions', () => {
  it('cover every operation of the document and no other: add new operations to the description', () => {
    const described = contracts.flatMap(([, { operations: own }]) => Object.keys(own))
    expect(described.sort()).toEqual(operations.map(({ operationId }) => operationId).sort())
  })

  it('agree with the document on which operations need no credential', () => {
    const open = operations.filter(({ security }) => security?.length === 0).map(({ operationId }) => operationId)
    expect(named.filter(([, { access }]) => access.open).map(([id]) => id)).toEqual(open)
  })
})

describe.each(guarded)('%s', (_, { method, path, request, requestBody, access }) => {
  const { needs, self, key } = access
  const writes = access.writes ?? method !== 'GET'
  const done = { outcome: 'done', changed: writes, challenge: null }
  const forbidden = { outcome: 'forbidden', changed: false, challenge: null }
  const unauthenticated = { outcome: 'unauthenticated', changed: false, challenge: invalidToken }
  const anew = async (user?: Person) => request({ admin, one: user ?? (await newUser()) })
  const inVain = async (user: Person) => request({ admin, one: user, untouched: true })

  beforeAll(restoreAll)

  it('is refused with the right challenge without a credential, and with one whose authority has ended', async () => {
    const ask = await inVain(bystander)
    expect(await attempt(ask)).toEqual({ ...unauthenticated, challenge: 'Bearer' })
    for (const token of Object.values(gone)) expect(await attempt(ask, { token })).toEqual(unauthenticated)
  })

  it(`is ${self ? 'done' : 'refused'} for a plain user about themselves`, async () => {
    const user = self ? await newUser() : plain
    const ask = await (self ? anew(user) : inVain(user))
    expect(await attempt(ask, { token: user.access_token })).toEqual(self ? done : forbidden)
  })

  if (needs) {
    it(`is refused to a plain user about others, who lacks ${needs.toString()}`, async () => {
      expect(await attempt(await inVain(bystander), { token: plain.access_token })).toEqual(forbidden)
    })
  }

  it('is allowed for an admin', async () => {
    const user = self === 'only' ? await signedInPerson(admin, { role: 'admin' }) : undefined
    expect(await attempt(await anew(user), { token: user?.access_token ?? admin })).toEqual(done)
  })

  it('is allowed for an API key with the permission only while its owner holds the permission too', async () => {
    const needed = [needs ?? []].flat()
    const narrow = await keyOf(boss.access_token, needed)
    const others = permissions.filter((permission) => permission !== needed[0])
    const wide = await keyOf(boss.access_token, others)
    const allowed = key === 'never' ? forbidden : done
    const without = needs ? forbidden : allowed
    expect(await attempt(await anew(), { token: narrow })).toEqual(allowed)
    for (const [token, user] of [
      [wide, bystander],
      [wide, boss],
      [keyOfDemoted, bystander],
    ] as const) {
      expect(await attempt(await inVain(user), { token })).toEqual(without)
    }
  })

  if (requestBody) {
    it('reports errors in a request only to callers who may make it', async () => {
      const unfit = { path: (await inVain(bystander)).path, method, body: '{', headers: json }
      expect(await attempt(unfit, { token: admin })).toMatchObject({ outcome: 'refused', changed: false })
      expect(await attempt(unfit, { token: gone.deactivated })).toEqual(unauthenticated)
      // When the body names the user, the check for the caller's own account comes after validation.
      const outcome = !needs || (self && !path.includes('{')) ? 'refused' : 'forbidden'
      expect(await attempt(unfit, { token: plain.access_token })).toMatchObject({ outcome, changed: false })
    })
  }

  if (writes) {
    it('commits nothing when the authority has ended before any of its batches', async () => {
      const user = self === 'only' ? await signedInPerson(admin, { role: 'admin' }) : undefined
      const { outcome, batches } = await overtakenAt(Infinity, losses.deactivation, await anew(user), user ?? boss)
      expect(outcome).toBe('done')
      const ask = await anew(self === 'only' ? boss : undefined)
      // The deactivation of the boss revokes the tokens that earlier tests issued to the boss.
      await call(`/v1/users/${boss.id}/password-token`, { method: 'DELETE', token: admin })
      const before = await snapshot()
      for (const loss of needs ? [losses.deactivation, losses.demotion] : [losses.deactivation]) {
        for (let last = 1; last <= batches; last += 1) {
          const reason = access.readsReason && loss === losses.demotion ? 1 : 0
          expect(await overtakenAt(last, loss, ask, boss)).toEqual({ outcome: loss.outcome, batches: last + reason })
        }
      }
      expect(await snapshot()).toEqual(before)
    })
  }
})

describe.each(named.filter(([, { access }]) => access.open))('%s', (_, { request, access }) => {
  const { writes = true, checksCredential } = access
  const done = { outcome: 'done', changed: writes, challenge: null }
  const refused = { outcome: 'unauthenticated', changed: false, challenge: invalidToken }

  beforeAll(restoreAll)

  it(`requires no credential, and ${checksCredential ? 'refuses' : 'ignores'} an invalid one`, async () => {
    for (const token of [undefined, gone.deactivated, 'nonsense']) {
      const ask = await request({ admin, one: await newUser() })
      expect(await attempt(ask, { token })).toEqual(token !== undefined && checksCredential ? refused : done)
    }
  })
})

/** Hashing a password is the only expensive step. It must not run for a request that could be refused without it. */
import { beforeAll, describe, expect, it } from 'vitest'
import { outcomeAt, signInContracts, type Ask } from '../contracts'
import { derivations } from '../support/pbkdf2-cap'
import { operations } from '../support/requests'
import { adminToken, call, newDatabase, rows, signedInPerson, type Call } from '../support/usher'

const named = operations.map((operation) => [operation.operationId, operation] as const)

type Person = Awaited<ReturnType<typeof signedInPerson>>

let admin: string
let user: Person
/** Credentials without authority: none, a forged one, an ended one, and one without a permission. */
let powerless: (string | undefined)[]

beforeAll(async () => {
  await newDatabase()
  admin = await adminToken()
  user = await signedInPerson(admin)
  const { access_token: over } = await signedInPerson(admin)
  await call('/v1/auth/logout', { method: 'POST', token: over })
  const { body } = await call('/v1/api-keys', { token: admin, json: { name: 'none', permissions: [] } })
  powerless = [undefined, 'nonsense', over, body.key]
})

/** The outcome of a request, and the number of key derivations. */
async function outcomeOf(ask: Ask, as: Call = {}) {
  const before = derivations.count
  const outcome = outcomeAt(ask.path, await call(ask.path, { ...ask, ...as }))
  return [outcome, derivations.count - before]
}

const over = { limit: () => Promise.resolve({ success: false }) }
const within = { limit: () => Promise.resolve({ success: true }) }

describe('a password is not hashed', () => {
  it.each(named.filter(([, { requestBody }]) => requestBody))('in %s when the body is too large', async (_, it) => {
    const ask = await it.request({ admin, one: user, untouched: true })
    const [contentType = 'application/json'] = Object.keys(it.requestBody?.content ?? {})
    const large = { form: undefined, json: undefined, token: admin, headers: { 'content-type': contentType } }
    const tooLarge = contentType === 'application/x-ndjson' ? 26_214_401 : (it.maxBytes ?? 65_536) + 1
    for (const body of ['x'.repeat(tooLarge), streamed(tooLarge)]) {
      expect(await outcomeOf(ask, { ...large, body })).toEqual(['too_large', 0])
    }
  })

  it.each(named)('in %s when the client is over its limit', async (_, { request }) => {
    const ask = await request({ admin, one: user, untouched: true })
    const env = {
      RATE_LIMIT: 'on',
      PRINCIPAL_LIMITER: over,
      PROVISIONING_LIMITER: over,
      CLIENT_LIMITER: over,
      SIGN_IN_LIMITER: within,
    }
    for (const token of [admin, undefined]) expect(await outcomeOf(ask, { token, env })).toEqual(['limited', 0])
  })

  it.each(named.filter(([, { security }]) => security?.length !== 0))(
    'in %s when the caller may not make the request',
    async (_, it) => {
      const ask = await it.request({ admin, one: user, untouched: true })
      for (const token of powerless) expect(await outcomeOf(ask, { token })).toEqual([expect.anything(), 0])
    },
  )

  it.each(signInContracts)(
    'through %s when the client is over its sign-in limit, or the account is locked',
    async (_, { session }) => {
      const ask = session.signIn(user.email, user.password)
      const env = { RATE_LIMIT: 'on', PRINCIPAL_LIMITER: within, CLIENT_LIMITER: within, SIGN_IN_LIMITER: over }
      expect(await outcomeOf(ask, { env })).toEqual(['limited', 0])
      await rows('INSERT INTO sign_in_failures VALUES (?, 0, 1, unixepoch() + 60, unixepoch())', `user:${user.number}`)
      expect(await outcomeOf(ask)).toEqual(['limited', 0])
      await rows('DELETE FROM sign_in_failures')
      expect(await outcomeOf(ask)).toEqual(['done', 1])
    },
  )

  it('for an invalid password token', async () => {
    for (const token of ['', 'x', 'A'.repeat(64)]) {
      const json = { token, new_password: 'a fine passphrase' }
      expect(await outcomeOf({ path: '/v1/auth/password', json })).toEqual(['unauthenticated', 0])
    }
  })
})

/** A body without a Content-Length. */
function streamed(bytes: number): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('x'.repeat(bytes)))
      controller.close()
    },
  })
}

/**
 * Simultaneous guesses, each of which sees the account unlocked. Five are answered as wrong. The others all get one
 * response, even a right guess, so neither a response nor its cost reveals which guess was right.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Ask, type SigningIn, signInContracts, outcomeAt } from '../contracts'
import { derivations } from '../support/pbkdf2-cap'
import { adminToken, call, firstAdmin, freshDirectory, rows, signedInPerson, testEnv } from '../support/usher'

freshDirectory()

const wrong = 'not the password'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1000 * Math.ceil(Date.now() / 1000) })
})

afterEach(() => {
  vi.useRealTimers()
})

type Seen = Awaited<ReturnType<typeof seen>>

/** Everything about a response that a client can see, and its round trips. */
async function seen({ path, ...options }: Ask) {
  const answer = await call(path, options)
  const { status, text, cost } = answer
  const headers = [...answer.headers].filter(([name]) => !['x-request-id', 'server-timing', 'date'].includes(name))
  return { became: outcomeAt(path, answer), status, text, headers, trips: cost.trips }
}

/** The real database. `beforeBatch` is awaited with the number of each batch of the request. */
function databaseWith(beforeBatch: (number: number) => Promise<unknown> | undefined) {
  let batches = 0
  return {
    prepare: (sql: string) => testEnv.DB.prepare(sql),
    batch: async (statements: D1PreparedStatement[]) => {
      await beforeBatch((batches += 1))
      return testEnv.DB.batch(statements)
    },
  }
}

type Position = 'first' | 'after five wrong ones' | 'last'

/**
 * Sends all guesses at once. No guess continues after its first look at the account until all have looked. The right
 * guesses are at `position`.
 */
async function guessAtOnce(guesses: { ask: Ask; isRight: boolean }[], position: Position) {
  const [allLooked, rightDone, fiveWrong, wrongDone] = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
  let looked = 0
  let rightOnes = 0
  let wrongOnes = 0
  const total = guesses.filter(({ isRight }) => isRight).length
  const rightGate = { first: undefined, 'after five wrong ones': fiveWrong, last: wrongDone }[position]
  const wrongGate = position === 'first' ? rightDone : undefined
  const answers = await Promise.all(
    guesses.map(async ({ ask, isRight }) => {
      const database = databaseWith(async (number) => {
        if (number !== 2) return
        if ((looked += 1) === guesses.length) allLooked?.resolve()
        await allLooked?.promise
        await (isRight ? rightGate : wrongGate)?.promise
      })
      const answer = await seen({ ...ask, env: { DB: database } })
      if (isRight && (rightOnes += 1) === total) rightDone?.resolve()
      if (!isRight && (wrongOnes += 1) === 5) fiveWrong?.resolve()
      if (!isRight && wrongOnes === guesses.length - total) wrongDone?.resolve()
      return { ...answer, contract: ask.path.split('/')[1], isRight }
    }),
  )
  return answers
}

const count = 40

/** Guesses through all contracts in turn. When a password is given, the first guess of each contract is right. */
function guessesAt(identifier: string, password: string | undefined) {
  return Array.from({ length: count }, (_, index) => {
    const [, { session }] = signInContracts[index % signInContracts.length] as [string, SigningIn]
    const isRight = index < signInContracts.length && password !== undefined
    return { ask: session.signIn(identifier, isRight ? password : wrong), isRight }
  })
}

function expectAlike(answers: (Seen & { contract: string | undefined })[]) {
  for (const [name] of signInContracts) {
    const own = answers.filter(({ contract }) => contract === name)
    const [first] = own
    for (const person of own) expect({ ...person, isRight: null }).toEqual({ ...first, isRight: null })
  }
}

async function personWith(hash?: string) {
  const person = await signedInPerson(await adminToken(), { password: 'a bcrypt password' })
  if (hash !== undefined) await rows('UPDATE users SET password_hash = ? WHERE number = ?', hash, person.number)
  await rows('DELETE FROM sessions WHERE user_number = ?', person.number)
  return person
}

const bcrypt = '$2a$06$abcdefghijklmnopqrstuugPooxs1p4fzPkiu/V9r91072PcXt46u'

const accounts: [kind: string, account: () => Promise<{ email: string; password: string }>][] = [
  ['a user', () => personWith()],
  ['a user with an outdated hash', () => personWith(bcrypt)],
  ['the first admin', () => Promise.resolve(firstAdmin)],
]

describe.each(accounts)('of forty guesses at once at %s', (_, account) => {
  it.each(['after five wrong ones', 'last'] as const)(
    'five get the response of a wrong password, and the others one same response, the right ones included: %s',
    async (position) => {
      const { email, password } = await account()
      const answers = await guessAtOnce(guessesAt(email, password), position)
      expect(answers.filter(({ became }) => became === 'unauthenticated')).toHaveLength(5)
      const others = answers.filter(({ became }) => became !== 'unauthenticated')
      expect(others.map(({ became }) => became)).toEqual(Array(35).fill('limited'))
      expect(others.filter(({ isRight }) => isRight)).toHaveLength(signInContracts.length)
      expectAlike(others)
      expect(await rows('SELECT id FROM sessions WHERE user_number > 1')).toEqual([])
    },
  )

  it('the right ones succeed when they come first, five get the response of a wrong password, and the others one same response', async () => {
    const { email, password } = await account()
    const answers = await guessAtOnce(guessesAt(email, password), 'first')
    const outcomes = answers.map(({ isRight, became }) => (isRight ? `right: ${became}` : became)).sort()
    expect(outcomes).toEqual([
      ...Array(count - 5 - signInContracts.length).fill('limited'),
      ...Array(signInContracts.length).fill('right: done'),
      ...Array(5).fill('unauthenticated'),
    ])
    expectAlike(answers.filter(({ became }) => became === 'limited'))
  })
})

describe('of forty guesses at once', () => {
  it('at an unknown account, the same number get the response of a wrong password, with the same texts', async () => {
    const { email, password } = await personWith()
    const known = await guessAtOnce(guessesAt(email, password), 'last')
    const unknown = await guessAtOnce(guessesAt('nobody@example.org', undefined), 'last')
    expect(unknown.filter(({ became }) => became === 'unauthenticated')).toHaveLength(5)
    expectAlike([...known, ...unknown].filter(({ became }) => became === 'limited'))
  })

  it.each(['after five wrong ones', 'last'] as const)(
    'at the caller’s own current password, five get the response of a wrong password, and the others one same response, the right one included: %s',
    async (position) => {
      const { email, password } = await personWith()
      const { body } = await call('/v1/auth/login', { json: { identifier: email, password } })
      const guesses = Array.from({ length: 40 }, (_, index) => {
        const json = { current_password: index === 0 ? password : wrong, new_password: 'another fine passphrase' }
        const ask = { path: '/v1/me/password', method: 'PUT', token: String(body.access_token), json }
        return { ask, isRight: index === 0 }
      })
      const answers = await guessAtOnce(guesses, position)
      expect(answers.filter(({ status }) => status === 400)).toHaveLength(5)
      const others = answers.filter(({ status }) => status !== 400)
      expect(others.map(({ became }) => became)).toEqual(Array(35).fill('limited'))
      expectAlike(others)
    },
  )
})

describe('when the account is locked while a guess is checked', () => {
  /** The outcome of a guess, and the iterations that it cost. */
  async function overtaken(ask: Ask, env: Record<string, unknown> = {}) {
    const lock = (number: number) =>
      number === 2
        ? rows(
            `INSERT INTO sign_in_failures
              SELECT 'user:' || number, 0, 1, unixepoch() + 60, unixepoch() FROM users UNION ALL
              SELECT 'identifier:' || ?, 0, 1, unixepoch() + 60, unixepoch()`,
            firstAdminKey,
          )
        : undefined
    const before = derivations.iterations
    const answer = await seen({ ...ask, env: { ...env, DB: databaseWith(lock) } })
    await rows('DELETE FROM sign_in_failures')
    return { ...answer, iterations: derivations.iterations - before }
  }

  let firstAdminKey: string
  beforeEach(async () => {
    vi.useRealTimers()
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(firstAdmin.email))
    firstAdminKey = btoa(String.fromCharCode(...new Uint8Array(digest)))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replaceAll('=', '')
  })

  it.each(signInContracts)(
    'a right guess costs as much as a wrong one, and rehashes nothing, through %s',
    async (_, acts) => {
      const asks = (email: string, password: string) => [
        acts.session.signIn(email, wrong),
        acts.session.signIn(email, password),
      ]
      const same = async ([person, other]: Ask[], env = {}) => {
        const expected = await overtaken(person as Ask, env)
        const answer = await overtaken(other as Ask, env)
        expect(expected).toMatchObject({ became: 'limited', trips: 3 })
        expect({ ...answer, headers: null }).toEqual({ ...expected, headers: null })
      }
      await same(asks(firstAdmin.email, firstAdmin.password))
      const current = await personWith()
      await same(asks(current.email, current.password))
      await same(asks(current.email, current.password), { PASSWORD_ROUNDS: '3' })
      const imported = await personWith(bcrypt)
      await same(asks(imported.email, imported.password), { PASSWORD_ROUNDS: '3' })
      const hashes = await rows('SELECT password_hash FROM users WHERE number = ?', imported.number)
      expect(hashes).toEqual([{ password_hash: bcrypt }])
    },
  )

  it('a right guess at the caller’s own current password costs as much as a wrong one', async () => {
    const { email, password } = await personWith()
    const { body } = await call('/v1/auth/login', { json: { identifier: email, password } })
    const change = (current_password: string): Ask => {
      const json = { current_password, new_password: 'another fine passphrase' }
      return { path: '/v1/me/password', method: 'PUT', token: String(body.access_token), json }
    }
    for (const env of [{}, { PASSWORD_ROUNDS: '3' }]) {
      const expected = await overtaken(change(wrong), env)
      const answer = await overtaken(change(password), env)
      expect(expected).toMatchObject({ became: 'limited', trips: 3 })
      expect({ ...answer, headers: null }).toEqual({ ...expected, headers: null })
    }
  })
})

describe('a client that signs in twenty times at once with the right password', () => {
  it.each(accounts)('succeeds each time as %s', async (_, account) => {
    const { email, password } = await account()
    const guesses = guessesAt(email, password).flatMap((guess) => (guess.isRight ? Array(4).fill(guess) : []))
    const answers = await guessAtOnce(guesses, 'first')
    expect(answers.map(({ became }) => became)).toEqual(Array(4 * signInContracts.length).fill('done'))
    const [user] = await rows('SELECT password_hash FROM users ORDER BY number DESC')
    expect(user?.['password_hash']).toMatch(/^\$pbkdf2-sha256\$i=100000,r=1\$/)
  })
})

/** One directory: a user written through one contract reads the same through the others, field by field. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  contractAt,
  contracts,
  refreshContracts,
  signInContracts,
  type Ask,
  type ContractDescription,
  type Fields,
  type SigningIn,
} from './contracts'
import { adminToken, call, freshDirectory, openApi, rows, signIn } from './support/usher'
import { operationFor } from './support/conformance'
import { barePerson, changedAt, nurseRole, plainRole, recordPassword, v1Path, type Person } from './support/people'

freshDirectory()
let admin: string
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2031-02-03T04:05:06.789Z') })
  admin = await adminToken()
  const role = await call('/v1/roles', { token: admin, json: { ...nurseRole, permissions: ['roles:read'] } })
  expect(role.status, role.text).toBe(201)
})
afterEach(() => void vi.useRealTimers())

/** Moves the clock on by a minute, so that an update has a later time than the creation. */
const later = () => vi.advanceTimersByTime(60_000)

type Credential = ReturnType<SigningIn['session']['credential']>

const document = await openApi()
const v1 = contractAt('/v1/users')

/** A user in the form that a description's functions take. */
const asked = (person: Person) => ({ ...person, password: recordPassword })

/** Sends the request of a description. */
const send = ({ path, ...options }: Ask, token = admin) => call(path, { token, ...options })

/** The person with this email, with the ids that the directory assigned. */
async function person(known: Omit<Person, 'uuid' | 'number'>): Promise<Person> {
  const [ids] = await rows<{ id: string; number: number }>('SELECT id, number FROM users WHERE email = ?', known.email)
  return { ...known, uuid: ids?.id ?? 'none', number: ids?.number ?? 0 }
}

/** Creates a person through the contract, with every field that it accepts, and returns the person as stored. */
async function createdThrough({ create, records }: ContractDescription) {
  const { email = records.creation.makes.email, ...fields } = records.creation.sent
  const answer = await send(create(email, { email, ...fields }))
  return { ...answer, one: await person(records.creation.makes) }
}

/**
 * Edits the person through the contract. A contract that replaces whole records receives the record that it shows, with
 * the fields changed.
 */
async function edit({ read, records, replacesRecord }: ContractDescription, user: Person, fields: Fields) {
  const record = replacesRecord && records.in((await send(read(asked(user)))).body)
  return send(records.edit(asked(user), fields, record))
}

/** The record of the person in every contract. */
async function recordsOf(user: Person) {
  const answers = contracts.map(async ([name, { read, outcome, records }]) => {
    const answer = await send(read(asked(user)))
    expect([name, outcome(answer)], answer.text).toEqual([name, 'done'])
    return [name, records.in(answer.body)]
  })
  return Object.fromEntries(await Promise.all(answers))
}

const expectedRecords = (user: Person) =>
  Object.fromEntries(contracts.map(([name, { records }]) => [name, records.shown(user)]))

/** Expects that every contract answers a request for this deleted person, by any former id, with its "not found". */
async function expectMissing(user: Person) {
  for (const [name, { read, outcome, wire }] of contracts) {
    const answer = await send(read(asked(user)))
    expect([name, answer.status, outcome(answer)]).toEqual([name, wire.statuses.missing, 'refused'])
  }
}

/** Signs in through the contract and returns the credential that its clients then send. */
async function credentialOf({ session: { signIn: ask, credential } }: SigningIn, identifier: string, password: string) {
  const { path, ...options } = ask(identifier, password)
  return credential(await call(path, options))
}

/** The outcome of ending the session through the contract. */
async function signOutOutcome({ session, outcome }: SigningIn, { only: _, ...credential }: Credential) {
  const { path, ...options } = session.signOut()
  return outcome(await call(path, { ...options, ...credential }))
}

async function expectSignIn(identifier: string, password: string) {
  for (const [name, contract] of signInContracts) {
    const credential = await credentialOf(contract, identifier, password)
    expect([name, identifier, await signOutOutcome(contract, credential)]).toEqual([name, identifier, 'done'])
  }
}

/** Expects that a sign-in through the contract fails and returns no usable credential. */
async function expectNoSignIn(identifier: string, password: string) {
  for (const [name, { outcome, session }] of signInContracts) {
    // Else the failures in the contracts before would have locked the account.
    await rows('DELETE FROM sign_in_failures')
    const { path, ...options } = session.signIn(identifier, password)
    expect([name, outcome(await call(path, options))]).toEqual([name, 'unauthenticated'])
  }
}

/** Creates a person through v1 with every field set and two roles. */
async function lia(): Promise<Person> {
  const { one: user } = await createdThrough(v1)
  await call(`${v1Path(user)}/roles`, { method: 'PUT', token: admin, json: { roles: ['nurse', 'user'] } })
  const known = { ...user, roles: [nurseRole, plainRole] }
  expect(await recordsOf(known)).toEqual(expectedRecords(known))
  return known
}

describe('a person created', () => {
  it.each(contracts)('through %s reads the same through all contracts', async (_, contract) => {
    const { one: user, body, text } = await createdThrough(contract)
    expect(await recordsOf(user), text).toEqual(expectedRecords(user))
    expect(contract.records.in(body)).toEqual(contract.records.shown(user))
  })

  it.each(contracts.filter(([, { wire }]) => wire.password))(
    'through %s signs in through all contracts, by each identifier, unless inactive',
    async (_, contract) => {
      const { one: user } = await createdThrough(contract)
      if (!user.active) await send(v1.activate!(asked(user)))
      for (const identifier of [user.email, user.username, user.matricule]) {
        if (identifier !== null) await expectSignIn(String(identifier), recordPassword)
      }
    },
  )
})

describe('a person changed', () => {
  it.each(contracts)('through %s, field by field, reads the same through all contracts', async (_, contract) => {
    let user = await lia()
    later()
    for (const [sent, makes] of contract.records.changes) {
      user = { ...user, ...makes }
      if (Object.keys(makes).length > 0) user.updatedAt = changedAt
      const { body, text } = await edit(contract, user, sent)
      expect([sent, await recordsOf(user)], text).toEqual([sent, expectedRecords(user)])
      expect(contract.records.in(body)).toEqual(contract.records.shown(user))
    }
  })

  it.each(
    contracts.flatMap(([name, contract]) =>
      contract.wire.password ? [[name, contract, contract.wire.password] as const] : [],
    ),
  )('through %s has the new password in all contracts, and the old one in none', async (_, contract, withPassword) => {
    const user = await lia()
    const { access_token: token } = await signIn('lia', recordPassword)
    const next = 'uma outra frase'
    await edit(contract, user, withPassword(next))
    expect((await call('/v1/me', { token })).status).toBe(401)
    await expectSignIn('lia', next)
    await expectNoSignIn('lia', recordPassword)
  })

  it('through all contracts at the same time keeps every change', async () => {
    const user = await lia()
    later()
    const edits = contracts.flatMap(([, contract]) =>
      (contract.records.concurrent ?? []).map(([sent, makes]) => ({ contract, sent, makes })),
    )
    const fields = edits.flatMap(({ makes }) => Object.keys(makes))
    expect(new Set(fields).size, 'two contracts list the same field in `records.concurrent`').toBe(fields.length)
    const answers = await Promise.all(edits.map(({ contract, sent }) => edit(contract, user, sent)))
    expect(answers.map((answer, index) => edits[index]?.contract.outcome(answer))).toEqual(edits.map(() => 'done'))
    const after = { ...user, ...Object.assign({}, ...edits.map(({ makes }) => makes)), updatedAt: changedAt } as Person
    expect(await recordsOf(after)).toEqual(expectedRecords(after))
  })
})

describe('a whole record', () => {
  /** Reads the record, sends it back, and expects no change. */
  async function sendBack(contract: ContractDescription, user: Person, more: Fields = {}) {
    const before = await send(v1.read(asked(user)))
    const record = contract.records.in((await send(contract.read(asked(user)))).body)
    later()
    const { body, cost, text } = await edit(contract, user, { ...record, ...more })
    expect(contract.records.in(body), text).toEqual(record)
    const after = await send(v1.read(asked(user)))
    expect([after.body, after.headers.get('etag')]).toEqual([before.body, before.headers.get('etag')])
    expect(cost.written).toBe(0)
  }

  it.each(contracts)(
    'read from %s and sent back changes nothing, whichever contract created it',
    async (_, contract) => {
      for (const [, creator] of contracts) {
        const { one: user } = await createdThrough(creator)
        await sendBack(contract, user)
        await send(v1.delete!(asked(user)))
      }
    },
  )

  it.each(contracts)(
    'read from %s and sent back changes nothing, even with values that the contract would reject',
    async (_, contract) => {
      const roomy = {
        name: 'N'.repeat(200),
        first_name: 'G'.repeat(100),
        last_name: '',
        username: 'u'.repeat(128),
        email: `${'e'.repeat(64)}@${'long.'.repeat(30)}example.org`,
        phone: '1'.repeat(32),
        mobile: ' 2 ',
        certified_email: `c@${'long.'.repeat(40)}example.org`,
        gender: 'unknown',
        password: recordPassword,
        matricule: 2 ** 53 - 1,
      }
      const bare = { email: 'bare@example.org', name: 'Bare', password: recordPassword }
      const padded = {
        email: 'padded@example.org',
        name: ' Padded ',
        first_name: ' Pad ',
        last_name: ' Ded ',
        password: recordPassword,
      }
      for (const sent of [roomy, bare, padded]) {
        const { body } = await call('/v1/users', { token: admin, json: sent })
        expect(body.email).toBe(sent.email)
        await sendBack(
          contract,
          await person({ ...barePerson, email: sent.email, name: sent.name, givenName: '', familyName: '' }),
        )
      }
    },
  )

  it.each(contracts.filter(([, { records }]) => records.blankPassword))(
    'read from %s and sent back with an empty password field changes nothing',
    async (_, contract) => {
      await sendBack(contract, await lia(), contract.records.blankPassword)
    },
  )

  it('read from clinic and sent back as a jQuery form changes nothing', async () => {
    const user = await lia()
    const { data } = (await send(contractAt('/clinic/').read(asked(user)))).body
    const form = Object.entries(data).flatMap(([field, value]) =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).map(([inner, each]) => [`${field}[${inner}]`, String(each)])
        : [[field, String(value ?? '')]],
    )
    const path = `/clinic/users/user/${user.number}/edit/`
    const { body, cost } = await call(path, { token: admin, form: Object.fromEntries([...form, ['password', '']]) })
    expect([body.data, cost.written]).toEqual([data, 0])
  })
})

/** A session of every contract that has a sign-in. */
const credentialsOf = (identifier: string) =>
  Promise.all(
    signInContracts.map(async ([name, contract]) => ({
      name,
      contract,
      credential: await credentialOf(contract, identifier, recordPassword),
    })),
  )

async function expectEnded(credentials: Awaited<ReturnType<typeof credentialsOf>>) {
  for (const { name, contract, credential } of credentials) {
    expect([name, await signOutOutcome(contract, credential)]).toEqual([name, 'unauthenticated'])
  }
}

describe('a deactivated person', () => {
  it.each(contracts)('loses access in all contracts when deactivated through %s', async (_, contract) => {
    const user = await lia()
    const credentials = await credentialsOf('lia')
    const { refresh_token } = await signIn('lia', recordPassword)
    later()
    for (let times = 0; times < 2; times += 1) {
      await send(contract.deactivate(asked(user)))
      const after = { ...user, active: false, updatedAt: changedAt }
      expect(await recordsOf(after)).toEqual(expectedRecords(after))
      later()
    }
    await expectEnded(credentials)
    await expectNoSignIn('lia', recordPassword)
    expect((await call('/v1/auth/refresh', { json: { refresh_token } })).status).toBe(401)
  })

  it.each(contracts.flatMap(([name, { activate }]) => (activate ? [[name, activate] as const] : [])))(
    'has access in all contracts again when reactivated through %s',
    async (_, activate) => {
      const user = await lia()
      const credentials = await credentialsOf('lia')
      await send(v1.deactivate(asked(user)))
      later()
      await send(activate(asked(user)))
      const after = { ...user, updatedAt: changedAt }
      expect(await recordsOf(after)).toEqual(expectedRecords(after))
      await expectEnded(credentials)
      await expectSignIn('lia', recordPassword)
    },
  )
})

describe('a deleted person', () => {
  it.each(contracts.flatMap(([name, { delete: remove }]) => (remove ? [[name, remove] as const] : [])))(
    'is missing in all contracts when deleted through %s, and their identifiers are free',
    async (_, remove) => {
      const user = await lia()
      const credentials = await credentialsOf('lia')
      await send(remove(asked(user)))
      await expectMissing(user)
      expect((await call('/personnel/users/4821', { token: admin })).status).toBe(404)
      await expectEnded(credentials)
      const { status, one: another } = await createdThrough(v1)
      expect(status).toBe(201)
      expect(await recordsOf(another)).toEqual(expectedRecords(another))
      expect([another.number > user.number, another.uuid === user.uuid]).toEqual([true, false])
      await expectMissing(user)
      expect(await rows('SELECT * FROM user_roles WHERE user_number NOT IN (SELECT number FROM users)')).toEqual([])
    },
  )
})

describe('a session', () => {
  /** The outcome of reading the user's own record through each contract. */
  const reads = (token: string | undefined, user: Person) =>
    Promise.all(contracts.map(async ([, { read, outcome }]) => outcome(await send(read(asked(user)), token))))

  /** In some contracts users need the permission even for their own record. */
  const alive = (user: Person) =>
    contracts.map(([, { read, operations }]) => {
      const { operationId = '' } = operationFor(document, 'GET', read(asked(user)).path) ?? {}
      return operations[operationId]?.access.self === 'waived' ? 'done' : 'forbidden'
    })

  it.each(signInContracts)(
    'ended through %s is ended in all contracts, and no other session is',
    async (_, contract) => {
      const user = await lia()
      for (const [, issuer] of signInContracts) {
        const { token, only } = await credentialOf(issuer, 'lia', recordPassword)
        const other = await credentialOf(issuer, 'lia', recordPassword)
        if (only !== undefined) continue
        expect(await reads(token, user)).toEqual(alive(user))
        expect(await signOutOutcome(contract, { token })).toBe('done')
        expect(await reads(token, user)).toEqual(contracts.map(() => 'unauthenticated'))
        expect(await reads(other.token, user)).toEqual(alive(user))
      }
    },
  )

  it('that only one contract accepts is ended by v1, like any other', async () => {
    const user = await lia()
    for (const [name, contract] of signInContracts) {
      const { only, ...credential } = await credentialOf(contract, 'lia', recordPassword)
      if (only === undefined) continue
      const { path, ...options } = contract.read(asked(user))
      const read = async () => contract.outcome(await call(path, { ...options, ...credential }))
      expect([name, await read()]).toEqual([only, 'done'])
      expect((await call(`${v1Path(user)}/sessions`, { method: 'DELETE', token: admin })).status).toBe(204)
      expect([name, await read()]).toEqual([only, 'unauthenticated'])
    }
  })

  it('can be refreshed by each contract with a refresh, one after the other', async () => {
    const user = await lia()
    const [, first] = refreshContracts[0] as (typeof refreshContracts)[number]
    const { path, ...options } = first.session.signIn('4821', recordPassword)
    let answer = await call(path, options)
    const tokens = [first.session.credential(answer).token]
    let refreshToken = first.refresh.tokenOf(answer)
    for (const [name, { refresh, session, outcome }] of refreshContracts) {
      const { path: refreshPath, ...asking } = refresh.ask(refreshToken)
      answer = await call(refreshPath, asking)
      expect([name, outcome(answer)]).toEqual([name, 'done'])
      refreshToken = refresh.tokenOf(answer)
      tokens.push(session.credential(answer).token)
    }
    await call('/v1/auth/logout', { method: 'POST', token: tokens.at(-1) })
    for (const token of tokens) expect(await reads(token, user)).toEqual(contracts.map(() => 'unauthenticated'))
  })
})

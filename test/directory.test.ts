/** One directory: what is written through one contract reads rightly through the others, field by field. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { contracts, shown, ways, type Contract, type Person } from './support/records'
import { adminToken, call, freshDirectory, roleIds, rows, signIn } from './support/usher'

freshDirectory()
// Each of these does what several tests elsewhere do.
vi.setConfig({ testTimeout: 30_000 })

const password = 'uma frase comprida'
const admins = { id: roleIds.admin, number: 1, name: 'admin' }
const users = { id: roleIds.user, number: 2, name: 'user' }
const nurses = { id: '7c9e6a14-3f52-4b0d-8a61-5e2d90b7f3c8', number: 31, name: 'nurse' }

let admin: string
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2031-02-03T04:05:06.789Z') })
  admin = await adminToken()
  const role = await call('/v1/roles', { token: admin, json: { ...nurses, permissions: ['roles:read'] } })
  expect(role.status, role.text).toBe(201)
})
afterEach(() => void vi.useRealTimers())

/** A minute passes: whatever changes then has another time of change. */
const later = () => vi.advanceTimersByTime(60_000)
const [created, changed] = ['2031-02-03T04:05:06', '2031-02-03T04:06:06']

/** Whom a contract makes of as little as it takes. */
const nobodyYet = {
  ...{ matricule: null, username: null, birthdate: null, gender: null, phone: null, mobile: null },
  ...{ certifiedEmail: null, userType: null, isStaff: false, countryId: null, roles: [users] },
  ...{ active: true, createdAt: created, updatedAt: created },
} satisfies Partial<Person>

/** The person of an email, with the ids that the directory gave them. */
async function person(known: Omit<Person, 'uuid' | 'number'>): Promise<Person> {
  const [ids] = await rows<{ id: string; number: number }>('SELECT id, number FROM users WHERE email = ?', known.email)
  return { ...known, uuid: ids?.id ?? 'nobody', number: ids?.number ?? 0 }
}

/** What every contract shows of the person. */
async function read(one: Person) {
  const answers = contracts.map(async (contract) => {
    const { status, body, text } = await ways[contract].read(admin, one)
    expect([contract, status], text).toEqual([contract, 200])
    return [contract, ways[contract].recordIn(body)]
  })
  return Object.fromEntries(await Promise.all(answers))
}

const whatEachShows = (one: Person) => Object.fromEntries(contracts.map((contract) => [contract, shown[contract](one)]))

/** What every contract answers where the person is no more, with the identifiers by which it knew them. */
async function readInVain(one: Person) {
  const answers = contracts.map(async (contract) => {
    const { status, body } = await ways[contract].read(admin, one)
    return [contract, status, contract === 'clinic' ? body.success : undefined]
  })
  return Promise.all(answers)
}
const unknownToAll = contracts.map((contract) =>
  contract === 'clinic' ? [contract, 200, false] : [contract, 404, undefined],
)

/** A creation through each contract, with all it takes, and what it makes. */
const creations: Record<Contract, { sent: object; made: Omit<Person, 'uuid' | 'number'> }> = {
  personnel: {
    sent: { matricule: 4821, nom: 'Lia Marie Okoye', email: 'Lia@Example.org', password, role_id: nurses.id },
    made: {
      ...{ ...nobodyYet, matricule: 4821, name: 'Lia Marie Okoye', givenName: 'Lia', familyName: 'Marie Okoye' },
      ...{ email: 'Lia@example.org', roles: [nurses] },
    },
  },
  v1: {
    sent: {
      ...{ email: 'lia@example.org', name: 'Dr Lia M. Okoye', first_name: 'Lia', last_name: 'Okoye', password },
      ...{ username: 'lia', matricule: 4821, birth_date: '1980-07-08', gender: 'unknown', phone: '+351 21 000 000' },
      ...{ mobile: '+351 91 000 000', certified_email: 'lia@certified.example', user_type: 'student' },
      ...{ is_staff: true, country_id: 620, role: 'nurse' },
    },
    made: {
      ...{ ...nobodyYet, email: 'lia@example.org', name: 'Dr Lia M. Okoye', givenName: 'Lia', familyName: 'Okoye' },
      ...{ username: 'lia', matricule: 4821, birthdate: '1980-07-08', gender: 'unknown', phone: '+351 21 000 000' },
      ...{ mobile: '+351 91 000 000', certifiedEmail: 'lia@certified.example', userType: 'student' },
      ...{ isStaff: true, countryId: 620, roles: [nurses] },
    },
  },
  rbac: {
    sent: {
      ...{ email: 'lia@example.org', password, first_name: 'Lia Marie', last_name: 'Okoye' },
      role_ids: [nurses.id, admins.id, users.id],
    },
    made: {
      ...{ ...nobodyYet, email: 'lia@example.org', name: 'Lia Marie Okoye', givenName: 'Lia Marie' },
      ...{ familyName: 'Okoye', roles: [nurses, admins, users] },
    },
  },
  clinic: {
    sent: {
      ...{ username: 'lia', first_name: 'Lia', last_name: 'Okoye', email: 'lia@example.org', birth_date: '07/08/1980' },
      ...{ is_active: false, is_admin: true, user_type: 'TE', gender: 'F', phone: '+351 21 000 000', password },
      ...{ mobile: '+351 91 000 000', certified_email: 'lia@certified.example', numeric_password: '4821' },
    },
    made: {
      ...{ ...nobodyYet, username: 'lia', name: 'Lia Okoye', givenName: 'Lia', familyName: 'Okoye' },
      ...{ email: 'lia@example.org', birthdate: '1980-07-08', isStaff: true, active: false, roles: [admins] },
      ...{ userType: 'technician', gender: 'female', phone: '+351 21 000 000', mobile: '+351 91 000 000' },
      certifiedEmail: 'lia@certified.example',
    },
  },
  backoffice: {
    sent: {
      ...{ username: 'lia', email: 'lia@example.org', password, password_confirmation: password, first_name: 'Lia' },
      ...{ last_name: 'Okoye', gender: 'female', birthday: '1980-07-08', country_id: 620, role_id: 31 },
    },
    made: {
      ...{ ...nobodyYet, username: 'lia', name: 'Lia Okoye', givenName: 'Lia', familyName: 'Okoye' },
      ...{ email: 'lia@example.org', birthdate: '1980-07-08', gender: 'female', countryId: 620, roles: [nurses] },
    },
  },
}

/** A person about whom everything is known, with two roles, made through v1. */
async function lia(): Promise<Person> {
  const { sent, made } = creations.v1
  await ways.v1.create(admin, { ...sent, gender: 'female' })
  const one = await person({ ...made, gender: 'female', roles: [nurses, users] })
  const path = `/v1/users/usr_${one.uuid.replaceAll('-', '')}/roles`
  await call(path, { method: 'PUT', token: admin, json: { roles: ['nurse', 'user'] } })
  expect(await read(one)).toEqual(whatEachShows(one))
  return one
}

describe('a person created', () => {
  it.each(contracts)('through %s reads rightly through the other four', async (contract) => {
    const { sent, made } = creations[contract]
    const { body, text } = await ways[contract].create(admin, sent)
    const one = await person(made)
    expect(await read(one), text).toEqual(whatEachShows(one))
    expect(ways[contract].recordIn(body)).toEqual(shown[contract](one))
  })

  it.each(contracts)(
    'through %s signs in through the other four, by what each shows, unless inactive',
    async (contract) => {
      const { sent, made } = creations[contract]
      await ways[contract].create(admin, sent)
      if (!made.active) await ways[contract].reactivate?.(admin, await person(made))
      const identifiers = [made.email, made.username, made.matricule].filter((one) => one !== null)
      for (const each of contracts) {
        for (const identifier of identifiers) {
          const credential = await ways[each].signIn(String(identifier), password)
          expect([each, identifier, (await ways[each].signOut(credential)).status]).toEqual([
            ...[each, identifier, expect.toBeOneOf([200, 204])],
          ])
        }
      }
    },
  )
})

/** Changes through each contract, one after the other, and what each makes of the person. */
const changes: Record<Contract, [sent: object, made: Partial<Person>][]> = {
  personnel: [
    [{ nom: 'Ana Sofia Reis' }, { name: 'Ana Sofia Reis', givenName: 'Ana', familyName: 'Sofia Reis' }],
    [{ nom: 'Ana' }, { name: 'Ana', givenName: 'Ana', familyName: '' }],
    [{ email: 'Ana@EXAMPLE.org' }, { email: 'Ana@example.org' }],
    [{ matricule: 7 }, { matricule: 7 }],
    [{ nom: null, matricule: null, email: null, password: '' }, {}],
  ],
  v1: [
    [{ name: 'Ana Sofia Reis' }, { name: 'Ana Sofia Reis', givenName: 'Ana', familyName: 'Sofia Reis' }],
    [{ first_name: 'Eva' }, { name: 'Eva Sofia Reis', givenName: 'Eva' }],
    [
      { name: 'Dr Reis', last_name: 'Reis' },
      { name: 'Dr Reis', familyName: 'Reis' },
    ],
    [
      { email: 'ana@example.org', username: 'ana', matricule: 0 },
      { email: 'ana@example.org', username: 'ana', matricule: 0 },
    ],
    [
      { username: null, matricule: null },
      { username: null, matricule: null },
    ],
    [
      { birth_date: '2000-02-29', gender: 'male' },
      { birthdate: '2000-02-29', gender: 'male' },
    ],
    [
      { birth_date: null, gender: null },
      { birthdate: null, gender: null },
    ],
    [
      { phone: '1', mobile: '2', certified_email: 'a@b.example' },
      { phone: '1', mobile: '2', certifiedEmail: 'a@b.example' },
    ],
    [
      { phone: null, mobile: null, certified_email: null },
      { phone: null, mobile: null, certifiedEmail: null },
    ],
    [
      { user_type: 'administrative', is_staff: false, country_id: 1 },
      { userType: 'administrative', isStaff: false, countryId: 1 },
    ],
    [
      { user_type: null, country_id: null },
      { userType: null, countryId: null },
    ],
    [{ role: 'nurse' }, {}],
    [{ role: 'admin' }, { roles: [admins] }],
  ],
  rbac: [
    [{ first_name: 'Ana Sofia' }, { name: 'Ana Sofia Okoye', givenName: 'Ana Sofia' }],
    [
      { first_name: 'Eva', last_name: 'Reis' },
      { name: 'Eva Reis', givenName: 'Eva', familyName: 'Reis' },
    ],
    [{ email: 'eva@example.org' }, { email: 'eva@example.org' }],
    [{ role_ids: [nurses.id, users.id] }, {}],
    [{ role_ids: [users.id, nurses.id, admins.id] }, { roles: [users, nurses, admins] }],
    [{ role_ids: [admins.id] }, { roles: [admins] }],
    [{ role_ids: [] }, { roles: [users] }],
  ],
  clinic: [
    [{ first_name: 'Ana' }, { name: 'Ana Okoye', givenName: 'Ana' }],
    [
      { last_name: 'Reis', username: 'ana' },
      { name: 'Ana Reis', familyName: 'Reis', username: 'ana' },
    ],
    [{ email: 'ana@example.org' }, { email: 'ana@example.org' }],
    [
      { birth_date: '29 Feb 2000', gender: 'M' },
      { birthdate: '2000-02-29', gender: 'male' },
    ],
    [
      { birth_date: '', gender: 'U' },
      { birthdate: null, gender: 'unknown' },
    ],
    [
      { phone: '1', mobile: '2', certified_email: 'a@b.example' },
      { phone: '1', mobile: '2', certifiedEmail: 'a@b.example' },
    ],
    [
      { phone: '', mobile: null, certified_email: '' },
      { phone: null, mobile: null, certifiedEmail: null },
    ],
    [
      { user_type: 'AD', is_staff: false },
      { userType: 'administrative', isStaff: false },
    ],
    [{ is_admin: true }, { roles: [admins, nurses, users] }],
    [{ is_admin: false }, { roles: [nurses, users] }],
    [{ is_active: false }, { active: false }],
    [{ username: 'ana@example.org' }, { username: null }],
  ],
  backoffice: [
    [{ first_name: 'Ana' }, { name: 'Ana Okoye', givenName: 'Ana' }],
    [
      { first_name: 'Eva', last_name: 'Reis' },
      { name: 'Eva Reis', givenName: 'Eva', familyName: 'Reis' },
    ],
    [
      { email: 'eva@example.org', username: 'eva' },
      { email: 'eva@example.org', username: 'eva' },
    ],
    [
      { gender: 'male', birthday: '2000-02-29' },
      { gender: 'male', birthdate: '2000-02-29' },
    ],
    [{ country_id: 1 }, { countryId: 1 }],
    [{ country_id: null }, { countryId: null }],
    [{ role_id: 31 }, {}],
    [{ role_id: 1 }, { roles: [admins] }],
    [{ username: 'eva@example.org' }, { username: null }],
  ],
}

describe('a person changed', () => {
  it.each(contracts)('through %s, field by field, reads rightly through the other four', async (contract) => {
    let one = await lia()
    later()
    for (const [sent, made] of changes[contract]) {
      one = { ...one, ...made }
      if (Object.keys(made).length > 0) one.updatedAt = changed
      const { body, text } = await ways[contract].update(admin, one, sent)
      expect([sent, await read(one)], text).toEqual([sent, whatEachShows(one)])
      expect(ways[contract].recordIn(body)).toEqual(shown[contract](one))
    }
  })

  it.each(contracts)('through %s has a new password, and the old one nowhere', async (contract) => {
    const one = await lia()
    const { token } = await ways.v1.signIn('lia', password)
    const next = 'uma outra frase'
    const confirmed = contract === 'backoffice' ? { password_confirmation: next } : {}
    await ways[contract].update(admin, one, { password: next, ...confirmed })
    expect((await call('/v1/me', { token })).status).toBe(401)
    for (const each of contracts) {
      const credential = await ways[each].signIn('lia', next)
      expect([each, (await ways[each].signOut(credential)).status]).toEqual([each, expect.toBeOneOf([200, 204])])
    }
    expect((await call('/v1/auth/login', { json: { identifier: 'lia', password } })).status).toBe(401)
  })

  it('at once through all five keeps every change', async () => {
    const one = await lia()
    later()
    const answers = await Promise.all([
      ways.personnel.update(admin, one, { matricule: 31 }),
      ways.v1.update(admin, one, { phone: '1' }),
      ways.rbac.update(admin, one, { email: 'at.once@example.org' }),
      ways.v1.update(admin, one, { is_staff: false }),
      ways.backoffice.update(admin, one, { country_id: 1 }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    const made = { matricule: 31, phone: '1', email: 'at.once@example.org', isStaff: false, countryId: 1 }
    const after = { ...one, ...made, updatedAt: changed }
    expect(await read(after)).toEqual(whatEachShows(after))
  })
})

describe('a whole record', () => {
  /** Reads it, sends it back, and says what that changed. */
  async function sendBack(contract: Contract, one: Person, more: object = {}) {
    const before = await ways.v1.read(admin, one)
    const record = ways[contract].recordIn((await ways[contract].read(admin, one)).body)
    later()
    const { body, cost, text } = await ways[contract].update(admin, one, { ...record, ...more })
    expect(ways[contract].recordIn(body), text).toEqual(record)
    const after = await ways.v1.read(admin, one)
    expect([after.body, after.headers.get('etag')]).toEqual([before.body, before.headers.get('etag')])
    expect(cost.written).toBe(0)
  }

  it.each(contracts)('read from %s and sent back changes nothing, whoever made it', async (contract) => {
    for (const maker of contracts) {
      const { sent, made } = creations[maker]
      await ways[maker].create(admin, sent)
      const one = await person(made)
      await sendBack(contract, one)
      await ways.v1.remove?.(admin, one)
    }
  })

  it.each(contracts)(
    'read from %s and sent back changes nothing where it holds what the contract would not take',
    async (contract) => {
      const roomy = {
        ...{ name: 'N'.repeat(200), first_name: 'G'.repeat(100), last_name: '', username: 'u'.repeat(128) },
        ...{ email: `${'e'.repeat(64)}@${'long.'.repeat(30)}example.org`, phone: '1'.repeat(32), mobile: ' 2 ' },
        ...{
          certified_email: `c@${'long.'.repeat(40)}example.org`,
          gender: 'unknown',
          password,
          matricule: 2 ** 53 - 1,
        },
      }
      const bare = { email: 'bare@example.org', name: 'Bare', password }
      const padded = {
        email: 'padded@example.org',
        name: ' Padded ',
        first_name: ' Pad ',
        last_name: ' Ded ',
        password,
      }
      for (const sent of [roomy, bare, padded]) {
        const { body } = await ways.v1.create(admin, sent)
        const [ids] = await rows<{ id: string; number: number }>(
          'SELECT id, number FROM users WHERE email = ?',
          sent.email,
        )
        expect(body.email).toBe(sent.email)
        await sendBack(contract, { uuid: ids?.id, number: ids?.number } as Person)
      }
    },
  )

  it('sent back as a jQuery form or an empty password field changes nothing either', async () => {
    const one = await lia()
    await sendBack('personnel', one, { password: '' })
    await sendBack('backoffice', one, { password: '', password_confirmation: '' })
    const { data } = (await ways.clinic.read(admin, one)).body
    const form = Object.entries(data).flatMap(([field, value]) =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).map(([inner, each]) => [`${field}[${inner}]`, String(each)])
        : [[field, String(value ?? '')]],
    )
    const path = `/clinic/users/user/${one.number}/edit/`
    const { body, cost } = await call(path, { token: admin, form: Object.fromEntries([...form, ['password', '']]) })
    expect([body.data, cost.written]).toEqual([data, 0])
  })
})

describe('a person deactivated', () => {
  it.each(contracts)('through %s is inactive in the other four, and signed out of all five', async (contract) => {
    const one = await lia()
    const credentials = await Promise.all(contracts.map((each) => ways[each].signIn('lia', password)))
    const { refresh_token } = await signIn('lia', password)
    later()
    for (let times = 0; times < 2; times += 1) {
      await ways[contract].deactivate(admin, one)
      const after = { ...one, active: false, updatedAt: changed }
      expect(await read(after)).toEqual(whatEachShows(after))
      later()
    }
    for (const [index, each] of contracts.entries()) {
      expect([each, (await ways[each].signOut(credentials[index]!)).status]).toEqual([each, 401])
      const again = await ways[each].signIn('lia', password).catch(() => ({ token: 'none' }))
      expect([each, (await ways[each].signOut(again)).status]).toEqual([each, 401])
    }
    expect((await call('/v1/auth/refresh', { json: { refresh_token } })).status).toBe(401)
  })

  const able = contracts.filter((contract) => ways[contract].reactivate)

  it.each(able)('and reactivated through %s is active in the other four, and may sign in anew', async (contract) => {
    const one = await lia()
    const credentials = await Promise.all(contracts.map((each) => ways[each].signIn('lia', password)))
    await ways.personnel.deactivate(admin, one)
    later()
    await ways[contract].reactivate?.(admin, one)
    const after = { ...one, updatedAt: changed }
    expect(await read(after)).toEqual(whatEachShows(after))
    for (const [index, each] of contracts.entries()) {
      expect([each, (await ways[each].signOut(credentials[index]!)).status]).toEqual([each, 401])
      const again = await ways[each].signIn('lia', password)
      expect([each, (await ways[each].signOut(again)).status]).toEqual([each, expect.toBeOneOf([200, 204])])
    }
  })

  it('can be reactivated by all but personnel', () => {
    expect(able).toEqual(['v1', 'rbac', 'clinic', 'backoffice'])
  })
})

describe('a person deleted', () => {
  const able = contracts.filter((contract) => ways[contract].remove)

  it.each(able)(
    'through %s is unknown to the other four, and what they signed in with is free for another',
    async (contract) => {
      const one = await lia()
      const credentials = await Promise.all(contracts.map((each) => ways[each].signIn('lia', password)))
      await ways[contract].remove?.(admin, one)
      expect(await readInVain(one)).toEqual(unknownToAll)
      expect((await call('/personnel/users/4821', { token: admin })).status).toBe(404)
      for (const [index, each] of contracts.entries()) {
        expect([each, (await ways[each].signOut(credentials[index]!)).status]).toEqual([each, 401])
      }
      const { sent, made } = creations.v1
      expect((await ways.v1.create(admin, sent)).status).toBe(201)
      const another = await person(made)
      expect(await read(another)).toEqual(whatEachShows(another))
      expect([another.number > one.number, another.uuid === one.uuid]).toEqual([true, false])
      expect(await readInVain(one)).toEqual(unknownToAll)
      expect(await rows('SELECT * FROM user_roles WHERE user_number NOT IN (SELECT number FROM users)')).toEqual([])
    },
  )

  it('can be deleted by v1, rbac and backoffice', () => {
    expect(able).toEqual(['v1', 'rbac', 'backoffice'])
  })
})

describe('a session', () => {
  it.each(contracts)('ended through %s is ended in all five, and no other is', async (contract) => {
    const one = await lia()
    const reads = (token: string) => contracts.map(async (each) => (await ways[each].read(token, one)).status)
    for (const issuer of contracts.filter((each) => each !== 'clinic')) {
      const { token } = await ways[issuer].signIn('lia', password)
      const other = await ways[issuer].signIn('lia', password)
      // In backoffice nobody reads even themselves without the permission.
      expect(await Promise.all(reads(token!))).toEqual([200, 200, 200, 200, 403])
      expect((await ways[contract].signOut({ token })).status).toBeLessThan(300)
      expect(await Promise.all(reads(token!))).toEqual([401, 401, 401, 401, 401])
      expect(await Promise.all(reads(other.token!))).toEqual([200, 200, 200, 200, 403])
    }
  })

  it('of a cookie is ended by v1, like any other', async () => {
    const one = await lia()
    const cookie = await ways.clinic.signIn('lia', password)
    const info = () => call(`/clinic/users/user/${one.number}/get_user_info/`, cookie)
    expect((await info()).status).toBe(200)
    const path = `/v1/users/usr_${one.uuid.replaceAll('-', '')}/sessions`
    expect((await call(path, { method: 'DELETE', token: admin })).status).toBe(204)
    expect((await info()).status).toBe(401)
  })

  it('is refreshed by whichever contract refreshes', async () => {
    await lia()
    const { body } = await call('/personnel/token', { form: { username: '4821', password } })
    const refreshed = await call('/v1/auth/refresh', { json: { refresh_token: body.refresh_token } })
    const again = await call('/rbac/api/v1/auth/refresh', { json: { refresh_token: refreshed.body.refresh_token } })
    expect([refreshed.status, again.status]).toEqual([200, 200])
    await call('/v1/auth/logout', { method: 'POST', token: again.body.access_token })
    for (const { access_token } of [body, refreshed.body, again.body]) {
      expect((await call('/personnel/users/4821', { token: access_token })).status).toBe(401)
    }
  })
})

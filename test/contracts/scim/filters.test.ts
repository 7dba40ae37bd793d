/// <reference types="vite/client" />
/** SCIM lists: filters, order and pages, each compared with the shown users. */
import { beforeEach, describe, expect, it } from 'vitest'
import { clientKey, clientOf, enterprise, filtered, scimUser, searchSchema, type Client } from '../../support/scim'
import { freshDirectory, rows, testEnv } from '../../support/usher'
import { namesEveryTest } from '../../support/statements'
import statements from './STATEMENTS.md?raw'

freshDirectory()

let client: Client
let ids: Record<string, string>

const people: Record<string, Record<string, unknown>> = {
  ada: {
    userName: 'Ada',
    emails: [{ value: 'ada@one.example' }],
    name: { givenName: 'Zoë', familyName: 'Lovelace' },
    externalId: 'E1',
  },
  bob: {
    userName: 'bob@two.example',
    emails: undefined,
    displayName: 'Bob "The" Builder',
    name: { givenName: 'Bob' },
    active: false,
  },
  cyd: {
    userName: 'cyd.noor',
    emails: [{ value: 'noor@two.example' }],
    name: { givenName: 'Noor', familyName: 'Ångström' },
    [enterprise]: { employeeNumber: '42' },
  },
  dan: { userName: '007', emails: [{ value: 'dan@one.example' }], [enterprise]: { employeeNumber: 'X-9' } },
}

beforeEach(async () => {
  client = clientOf(await clientKey())
  const [admin] = await rows<{ id: string }>('SELECT id FROM users')
  ids = { admin: admin?.id ?? '' }
  for (const [name, overrides] of Object.entries(people))
    ids[name] = (await client.post('/Users', scimUser(overrides))).body.id
})

const named = (answer: { body: any }) =>
  answer.body.Resources.map(({ id }: { id: string }) => Object.keys(ids).find((name) => ids[name] === id)) as string[]

async function found(filter: string): Promise<string> {
  const answer = await client.get(filtered(filter))
  expect([filter, answer.status, answer.text.slice(0, 300)]).toEqual([filter, 200, expect.any(String)])
  expect(answer.body.totalResults).toBe(answer.body.Resources.length)
  return named(answer).join(' ')
}

describe('filter', () => {
  const examples: [filter: string, expected: string][] = [
    ['userName eq "ADA"', 'ada'],
    ['userName eq "bob@two.example"', 'bob'],
    ['userName eq "ada@one.example"', ''],
    ['userName eq "7"', 'dan'],
    ['userName sw "00"', 'dan'],
    ['userName sw "bob@TWO"', 'bob'],
    ['userName ew "two.example"', 'bob'],
    ['userName co "noo"', 'cyd'],
    ['userName co "no"', 'cyd'],
    ['not (userName pr)', ''],
    ['urn:ietf:params:scim:schemas:core:2.0:User:USERNAME eq "ada"', 'ada'],
    ['emails eq "ADA@one.example"', 'ada'],
    ['emails.value ew "@one.example"', 'ada dan'],
    ['emails[type eq "work" and value eq "noor@two.example"]', 'cyd'],
    ['emails[type eq "work"].value eq "noor@two.example"', 'cyd'],
    ['emails[type eq "home"]', ''],
    ['emails[type eq "WORK" and primary eq "True"]', 'admin ada bob cyd dan'],
    ['emails[value sw "noor"]', 'cyd'],
    ['displayName eq "bob \\"the\\" builder"', 'bob'],
    ['displayName co "e\\" b"', 'bob'],
    ['displayName sw "Zoë"', 'ada'],
    ['displayName ew "lace"', 'ada'],
    ['displayName co "r å"', 'cyd'],
    ['name.givenName eq "zoe"', 'ada'],
    ['name.givenName sw "no"', 'cyd'],
    ['name.givenName co "oo"', 'cyd'],
    ['name.givenName eq "noor"', 'cyd'],
    ['name.familyName eq "angstrom"', 'cyd'],
    ['name.familyName ew "ström"', 'cyd'],
    ['name.familyName pr and not (name.givenName sw "P")', 'ada cyd'],
    ['externalId eq "E1"', 'ada'],
    ['externalId eq "e1"', ''],
    ['externalId pr', 'ada'],
    ['externalId ne "E1"', 'admin bob cyd dan'],
    ['externalId eq null', 'admin bob cyd dan'],
    ['externalId ne null', 'ada'],
    ['employeeNumber eq "42"', 'cyd'],
    [`${enterprise}:employeeNumber eq "x-9"`, 'dan'],
    ['employeeNumber pr', 'cyd dan'],
    ['employeeNumber gt "5"', 'dan'],
    ['active eq false', 'bob'],
    ['active eq "FALSE"', 'bob'],
    ['active ne true', 'bob'],
    ['active eq true and emails.value ew "two.example"', 'cyd'],
    ['userName eq "ada" or employeeNumber eq "42" or externalId eq "none"', 'ada cyd'],
    ['(userName eq "ada" or userName eq "007") and not (emails co "ada")', 'dan'],
    ['meta.created gt "2001-01-01T00:00:00Z"', 'admin ada bob cyd dan'],
    ['meta.lastModified lt "2001-01-01T00:00:00.5+02:00"', ''],
    ['userName gt "bob"', 'bob cyd admin'.split(' ').sort().join(' ')],
    ['userName co ""', 'admin ada bob cyd dan'],
    ['userName eq ""', ''],
    ['userName co "\\u0001"', ''],
    ['userName co "%"', ''],
    ['groups.display eq "admin"', 'admin'],
    ['groups pr', 'admin'],
    ['groups[display sw "adm" and type eq "direct"]', 'admin'],
    ['groups ne "019a0000-0000-7000-8000-000000000001"', 'ada bob cyd dan'],
    ['groups.value eq "019a0000-0000-7000-8000-000000000001"', 'admin'],
    ['groups.value eq "019a0000-0000-7000-8000-000000000002"', ''],
  ]

  it('finds exactly the matching users, by every attribute and operator', async () => {
    const sorted = (text: string) => text.split(' ').sort().join(' ')
    for (const [filter, expected] of examples)
      expect([filter, sorted(await found(filter))]).toEqual([filter, sorted(expected)])
  })

  it('is rejected when it is malformed, too large, or names an attribute that cannot be searched', async () => {
    for (const [filter = ''] of [
      ['userName'],
      ['userName eq'],
      ['userName eq ada'],
      ['userName eq "ada" and'],
      ['userName eq "ada'],
      ['userName eq "a" "b"'],
      ['(userName eq "ada"'],
      ['userName xx "ada"'],
      ['hobby eq "chess"'],
      ['title eq "Chief"'],
      ['password eq "x"'],
      ['name.formatted eq "x"'],
      ['userName eq true'],
      ['userName eq 7'],
      ['active eq "maybe"'],
      ['active gt true'],
      ['meta.created eq "yesterday"'],
      ['meta.created co "2001"'],
      ['emails[hobby eq "x"]'],
      ['emails[value[type eq "x"]]'],
      ['externalId gt null'],
      [`userName eq "${'x'.repeat(2000)}"`],
      [Array(51).fill('userName eq "a"').join(' or ')],
      [`${'('.repeat(12)}userName eq "a"${')'.repeat(12)}`],
      [''],
      ["userName eq 'ada'"],
      ['userName eq "\\x"'],
    ]) {
      const answer = await client.get(filtered(filter))
      expect([filter, answer.status, answer.body.scimType]).toEqual([filter, 400, 'invalidFilter'])
    }
  })

  it('may have the maximum size', async () => {
    const filter = Array.from({ length: 50 }, (_, index) => `displayName co "b${index}x"`).join(' or ')
    expect((await client.get(filtered(filter))).body.totalResults).toBe(0)
    const mixed = [
      'id',
      'externalId',
      'userName',
      'emails',
      'employeeNumber',
      'displayName',
      'name.givenName',
      'groups',
      'groups.display',
    ]
    const everything = Array.from({ length: 50 }, (_, index) => `${mixed[index % mixed.length]} eq "q${index}"`).join(
      ' or ',
    )
    expect((await client.get(filtered(everything))).body.totalResults).toBe(0)
    const deep = Array.from({ length: 11 }, () => 'not (').join('') + 'active eq true' + ')'.repeat(11)
    expect((await client.get(filtered(deep))).status).toBe(200)
  })

  it('cannot scan more than 50,000 users, but can still use an index', async () => {
    await testEnv.DB.prepare(`UPDATE user_counts SET count = 50001 WHERE scope = 'all'`).run()
    for (const filter of [
      'externalId pr',
      'userName co "no"',
      'not (userName eq "ada")',
      'userName eq "ada" or active eq true and externalId pr',
    ]) {
      const answer = await client.get(filtered(filter))
      expect([filter, answer.status, answer.body.scimType]).toEqual([filter, 400, 'tooMany'])
    }
    expect(await found('userName eq "ada" and externalId pr')).toBe('ada')
    expect(await found('displayName co "lovel" or employeeNumber eq "42"')).toBe('ada cyd')
  })

  it('finds one user by a look-up in one round trip and fourteen rows', async () => {
    // The first use of an operation in an hour writes a row.
    await client.get('/Users?count=0')
    await client.get(`/Users/${ids['ada']}`)
    for (const filter of [
      'userName eq "ada"',
      'externalId eq "E1"',
      'emails.value eq "ada@one.example"',
      'employeeNumber eq "42"',
      `id eq "${ids['ada']}"`,
      'emails[type eq "work" and value eq "ada@one.example"]',
    ]) {
      const { cost, body } = await client.get(filtered(filter))
      expect([filter, body.totalResults, cost.trips, cost.written]).toEqual([filter, 1, 1, 0])
      expect([filter, Math.max(cost.read, 14)]).toEqual([filter, 14])
    }
    const { cost } = await client.get(`/Users/${ids['ada']}`)
    expect([cost.trips, cost.read <= 10]).toEqual([1, true])
  })
})

describe('order', () => {
  it('sorts by userName, displayName, email and time of creation, in both directions', async () => {
    const sorted = async (query: string) => named(await client.get(`/Users?${query}`))
    expect(await sorted('')).toEqual(['admin', 'ada', 'bob', 'cyd', 'dan'])
    expect(await sorted('sortBy=userName')).toEqual(['dan', 'ada', 'bob', 'cyd', 'admin'])
    expect(await sorted('sortBy=USERNAME&sortOrder=descending')).toEqual(['admin', 'cyd', 'bob', 'ada', 'dan'])
    expect(await sorted('sortBy=emails.value')).toEqual(['ada', 'bob', 'dan', 'admin', 'cyd'])
    expect(await sorted('sortBy=displayName&count=2')).toEqual(['bob', 'admin'])
    expect(await sorted('sortBy=meta.created&sortOrder=descending')).toHaveLength(5)
    expect(
      await sorted(`sortBy=userName&startIndex=2&count=2&filter=${encodeURIComponent('emails.value ew "example"')}`),
    ).toEqual(['ada', 'bob'])
    for (const sortBy of ['title', 'hobby', 'name.givenName']) {
      const answer = await client.get(`/Users?sortBy=${sortBy}`)
      expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidValue'])
    }
  })
})

describe('pages', () => {
  it('by index state their position, handle invalid sizes as RFC 7644 requires, and are empty past the end', async () => {
    const page = async (query: string) => (await client.get(`/Users?${query}`)).body
    expect(await page('startIndex=2&count=2')).toMatchObject({ totalResults: 5, itemsPerPage: 2, startIndex: 2 })
    expect(named(await client.get('/Users?startIndex=4&count=2'))).toEqual(['cyd', 'dan'])
    expect(await page('startIndex=-3&count=-1')).toMatchObject({
      totalResults: 5,
      itemsPerPage: 0,
      startIndex: 1,
      Resources: [],
    })
    expect(await page('count=0')).toMatchObject({ totalResults: 5, itemsPerPage: 0, Resources: [] })
    expect(await page('startIndex=99&count=5000')).toMatchObject({
      totalResults: 5,
      itemsPerPage: 0,
      startIndex: 99,
      Resources: [],
    })
    expect(await page('count=0&filter=active eq true')).toMatchObject({ totalResults: 4, Resources: [] })
    for (const query of ['count=x', 'startIndex=1.5', 'cursor=&startIndex=1']) {
      const answer = await client.get(`/Users?${query}`)
      expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidValue'])
    }
  })

  it.each([
    '',
    '&sortBy=userName',
    '&sortBy=userName&sortOrder=descending',
    '&sortBy=meta.created',
    '&filter=active eq true',
    '&filter=emails pr',
    '&filter=emails co "exa"&sortBy=displayName',
  ])('by cursor return each user exactly once while users are created and deleted: %s', async (rest) => {
    const expected = named(await client.get(`/Users?count=200${rest}`))
    const seen: string[] = []
    let cursor: string | undefined = ''
    for (let step = 0; cursor !== undefined; step += 1) {
      const answer = await client.get(`/Users?count=2&cursor=${encodeURIComponent(cursor)}${rest}`)
      expect([answer.status, answer.body.startIndex]).toEqual([200, undefined])
      seen.push(...named(answer))
      cursor = answer.body.nextCursor
      // The last user of the page is deleted, and another user is created.
      if (step === 0) {
        await client.delete(`/Users/${ids[seen.at(-1) as string]}`)
        await client.post('/Users', scimUser({ userName: 'newcomer', emails: [{ value: 'zz@newcomer.test' }] }))
      }
    }
    const there = seen.filter((name) => name !== undefined)
    expect(there).toEqual(expected)
    expect(new Set(there).size).toBe(there.length)
  })

  it('reject a cursor of another list or count, and an invalid cursor', async () => {
    const { nextCursor } = (await client.get('/Users?count=2&cursor=')).body
    const asked = async (query: string) => (await client.get(`/Users?${query}`)).body.scimType
    expect(await asked(`count=2&cursor=${nextCursor}&sortBy=userName`)).toBe('invalidCursor')
    expect(await asked(`count=2&cursor=${nextCursor}&filter=active eq true`)).toBe('invalidCursor')
    expect(await asked(`count=3&cursor=${nextCursor}`)).toBe('invalidCount')
    expect(await asked('cursor=nonsense')).toBe('invalidCursor')
  })

  it('of a .search request have the same parameters in the body', async () => {
    const search = (request: object) => client.post('/Users/.search', { schemas: [searchSchema], ...request })
    const answer = await search({
      filter: 'userName sw "a" or active eq false',
      sortBy: 'userName',
      sortOrder: 'descending',
      count: 1,
      startIndex: 2,
      attributes: ['userName'],
    })
    expect(answer.body).toMatchObject({
      totalResults: 2,
      startIndex: 2,
      Resources: [{ userName: 'Ada', id: ids['ada'] }],
    })
    expect((await search({ filter: 7 })).body.scimType).toBe('invalidValue')
    expect((await search({ count: '1' })).body.itemsPerPage).toBe(1)
    expect((await client.post('/Users/.search', { filter: 'active eq true' })).body.scimType).toBe('invalidSyntax')
  })
})

namesEveryTest(statements)

/// <reference types="vite/client" />
/**
 * The filter and PATCH languages on their own: random filters and operations against naive models, and the requests of
 * real providers.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failed } from '../../../src/http/contract/failure'
import {
  filterLimits,
  holdsForEntry,
  parseFilter,
  parsePath,
  printFilter,
  operators,
  type Filter,
} from '../../../src/contracts/scim/language/filter'
import { applyPatch, type Operation } from '../../../src/contracts/scim/language/patch'
import type { Complex, Values } from '../../../src/contracts/scim/language/values'
import { userResource, userSchema } from '../../../src/contracts/scim/schemas/attributes'
import { namesEveryTest } from '../../support/statements'
import statements from './STATEMENTS.md?raw'

const path = fc.constantFrom(
  'userName',
  'name.givenName',
  'emails',
  'meta.created',
  `${userSchema.id}:title`,
  'not',
  'and',
  'pr',
)
const literal = fc.oneof(
  fc.string(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
)
const comparison: fc.Arbitrary<Filter> = fc.oneof(
  fc.record({
    kind: fc.constant('compare' as const),
    path,
    operator: fc.constantFrom(...operators),
    value: literal.map((value) => (Object.is(value, -0) ? 0 : value)),
  }),
  fc.record({ kind: fc.constant('present' as const), path }),
)

/** Random chains are flat, as the parser returns them. A chain of the same kind inside a chain keeps its brackets. */
const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    comparison,
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      filters: fc.array(tie('filter'), { minLength: 2, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('not' as const), filter: tie('filter') }),
    fc.record({ kind: fc.constant('entry' as const), path: fc.constantFrom('emails', 'members'), filter: comparison }),
  ),
}))

const comparisonsIn = (one: Filter): number =>
  one.kind === 'and' || one.kind === 'or'
    ? one.filters.reduce((sum, each) => sum + comparisonsIn(each), 0)
    : one.kind === 'not' || one.kind === 'entry'
      ? comparisonsIn(one.filter)
      : 1

describe('filters', () => {
  it('are parsed back to the same filter after printing', () => {
    fc.assert(
      fc.property(filter, (drawn) => {
        const text = printFilter(drawn)
        fc.pre(text.length <= filterLimits.characters && comparisonsIn(drawn) <= filterLimits.comparisons)
        expect(parseFilter(text)).toEqual(drawn)
        expect(printFilter(parseFilter(text))).toBe(text)
      }),
      { numRuns: 500 },
    )
  })

  it('of any text are parsed or rejected as invalidFilter, without delay', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.string(),
        fc.constantFrom('(', ')', '[', ']', '"', ' and ', ' or ', 'not ', ' eq ', ' pr', 'userName', '\\', '.'),
      ),
      { maxLength: 40 },
    )
    fc.assert(
      fc.property(pieces, (words) => {
        try {
          parseFilter(words.join(''))
        } catch (error) {
          expect(error).toBeInstanceOf(Failed)
          expect((error as Failed).failure).toMatchObject({ kind: 'invalid_request', own: { code: 'invalidFilter' } })
        }
      }),
      { numRuns: 1000 },
    )
    const started = Date.now()
    for (const text of [
      '('.repeat(2000),
      'a eq "' + '\\"'.repeat(990),
      'not '.repeat(400),
      'a'.repeat(2000),
      ' '.repeat(2000),
    ]) {
      expect(() => parseFilter(text)).toThrow(Failed)
    }
    expect(Date.now() - started).toBeLessThan(1000)
  })

  it('give and precedence over or, and respect brackets', () => {
    expect(parseFilter('a pr or b pr and c pr')).toEqual({
      kind: 'or',
      filters: [
        { kind: 'present', path: 'a' },
        {
          kind: 'and',
          filters: [
            { kind: 'present', path: 'b' },
            { kind: 'present', path: 'c' },
          ],
        },
      ],
    })
    expect(printFilter(parseFilter('( a pr or b pr )and NOT(c EQ 1)'))).toBe('(a pr or b pr) and not (c eq 1)')
  })

  it('of entries give the same result as a naive evaluation', () => {
    const email = userSchema.attributes.find(({ name }) => name === 'emails')
    if (!email) throw new Error('no emails')
    const [values, types] = [
      ['a', 'b', 'AB'],
      ['work', 'home'],
    ]
    const leaf = fc.oneof(
      fc.record({
        kind: fc.constant('compare' as const),
        path: fc.constant('value'),
        operator: fc.constantFrom('eq' as const, 'ne' as const, 'co' as const, 'sw' as const, 'ew' as const),
        value: fc.constantFrom(...values),
      }),
      fc.record({
        kind: fc.constant('compare' as const),
        path: fc.constant('TYPE'),
        operator: fc.constantFrom('eq' as const, 'ne' as const),
        value: fc.constantFrom(...types),
      }),
      fc.record({ kind: fc.constant('present' as const), path: fc.constant('type') }),
    )
    const { tree } = fc.letrec<{ tree: Filter }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.record({
          kind: fc.constantFrom('and' as const, 'or' as const),
          filters: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
        }),
        fc.record({ kind: fc.constant('not' as const), filter: tie('tree') }),
      ),
    }))
    const entry = fc.record({ value: fc.constantFrom(...values), type: fc.constantFrom(...types, undefined) })
    const naive = (one: Filter, { value, type }: { value: string; type: string | undefined }): boolean => {
      if (one.kind === 'and') return one.filters.every((each) => naive(each, { value, type }))
      if (one.kind === 'or') return one.filters.some((each) => naive(each, { value, type }))
      if (one.kind === 'not') return !naive(one.filter, { value, type })
      if (one.kind !== 'compare') return type !== undefined
      const actual = one.path === 'value' ? value.toLowerCase() : type
      const expected = String(one.value).toLowerCase()
      if (actual === undefined) return one.operator === 'ne'
      const holds = {
        eq: actual === expected,
        ne: actual !== expected,
        co: actual.includes(expected),
        sw: actual.startsWith(expected),
        ew: actual.endsWith(expected),
      }
      return holds[one.operator as keyof typeof holds]
    }
    fc.assert(
      fc.property(tree, entry, (drawn, { value, type }) => {
        const complex: Complex = { value, ...(type !== undefined && { type }) }
        expect(holdsForEntry(drawn, email, complex)).toBe(naive(drawn, { value, type }))
      }),
      { numRuns: 500 },
    )
  })
})

describe('paths', () => {
  it('have an attribute, a filter of its entries and a sub-attribute; other text is rejected', () => {
    for (const [text, expected] of [
      ['userName', { path: 'userName', filter: undefined, sub: undefined }],
      [
        `${userSchema.id}:name.givenName`,
        { path: `${userSchema.id}:name.givenName`, filter: undefined, sub: undefined },
      ],
      [
        'emails[type eq "work"].value',
        { path: 'emails', filter: { kind: 'compare', path: 'type', operator: 'eq', value: 'work' }, sub: 'value' },
      ],
      [
        'members[value eq "1"]',
        { path: 'members', filter: { kind: 'compare', path: 'value', operator: 'eq', value: '1' }, sub: undefined },
      ],
      ['emails.', { path: 'emails.', filter: undefined, sub: undefined }],
      ['user name', undefined],
      ['[type eq "work"]', undefined],
      ['emails[type eq "work"]value', undefined],
      ['emails[type eq "work"].value.x y', undefined],
    ] as [string, unknown][]) {
      expect([text, parsePath(text)]).toEqual([text, expected])
    }
  })
})

describe('PATCH', () => {
  const required = ['userName', 'active']
  const start: Values = {
    userName: 'ada',
    active: true,
    emails: [{ value: 'a@example.org', type: 'work', primary: true }],
  }
  const patched = (...operations: [verb: Operation['verb'], path: string | undefined, value?: unknown][]) =>
    applyPatch(
      userResource,
      start,
      operations.map(([verb, to, value]) => ({ verb, path: to, value })),
      required,
    )

  it('gives the same result as a naive model for single-valued attributes', () => {
    const names = ['title', 'nickName', 'displayName'] as const
    const operation = fc.record({
      verb: fc.constantFrom('add' as const, 'replace' as const, 'remove' as const),
      name: fc.constantFrom(...names),
      value: fc.constantFrom('x', 'y', '', null),
      spelling: fc.constantFrom('plain', 'upper', 'urn', 'pathless'),
    })
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 8 }), (drawn) => {
        const model = new Map<string, string>()
        const operations = drawn.map(({ verb, name, value, spelling }): Operation => {
          if (verb === 'remove' || value === '' || value === null) model.delete(name)
          else model.set(name, value)
          if (verb === 'remove') return { verb, path: name, value: undefined }
          const spelled =
            spelling === 'upper' ? name.toUpperCase() : spelling === 'urn' ? `${userSchema.id}:${name}` : name
          return spelling === 'pathless'
            ? { verb, path: undefined, value: { [name]: value } }
            : { verb, path: spelled, value }
        })
        const result = applyPatch(userResource, start, operations, required)
        for (const name of names) expect(result[name] ?? undefined).toBe(model.get(name))
        expect(start).toEqual({
          userName: 'ada',
          active: true,
          emails: [{ value: 'a@example.org', type: 'work', primary: true }],
        })
      }),
    )
  })

  it('gives the same result as a naive model for entries selected by type', () => {
    const operation = fc.record({
      verb: fc.constantFrom('replace' as const, 'remove' as const, 'add' as const),
      type: fc.constantFrom('work', 'home', 'fax'),
      value: fc.constantFrom('1', '2', '3'),
    })
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 8 }), (drawn) => {
        const model = new Map<string, string>()
        for (const { verb, type, value } of drawn) {
          if (verb === 'remove') model.delete(type)
          else model.set(type, value)
        }
        const operations = drawn.map(({ verb, type, value }): Operation =>
          verb === 'remove'
            ? { verb, path: `phoneNumbers[type eq "${type}"]`, value: undefined }
            : { verb, path: `phoneNumbers[type eq "${type}"].value`, value },
        )
        const entries = (applyPatch(userResource, start, operations, required)['phoneNumbers'] ?? []) as Complex[]
        expect(new Map(entries.map(({ type, value }) => [type, value]))).toEqual(model)
        expect(entries.length).toBe(model.size)
      }),
    )
  })

  it('leaves one primary entry: the last entry that was made primary', () => {
    const result = patched(
      ['add', 'phoneNumbers', [{ value: '1', type: 'work', primary: true }]],
      ['add', 'phoneNumbers', [{ value: '2', type: 'home', primary: 'True' }]],
      ['replace', 'phoneNumbers[type eq "fax"]', { value: '3', primary: true }],
    )
    expect(result['phoneNumbers']).toEqual([
      { value: '1', type: 'work' },
      { value: '2', type: 'home' },
      { type: 'fax', value: '3', primary: true },
    ])
  })

  it('adds new entries, merges into existing ones, and removes the entries of a list', () => {
    const result = patched(
      ['add', 'emails', [{ value: 'A@example.org' }, { value: 'b@example.org', type: 'home' }]],
      [
        'add',
        undefined,
        { 'name.givenName': 'Ada', name: { familyName: 'L' }, 'emails[type eq "home"].value': 'c@example.org' },
      ],
      ['replace', 'name', { givenName: 'Eva' }],
      ['remove', 'emails', [{ value: 'a@EXAMPLE.org' }]],
    )
    expect(result['emails']).toEqual([{ value: 'c@example.org', type: 'home' }])
    expect(result['name']).toEqual({ givenName: 'Eva', familyName: 'L' })
  })

  it('accepts the extension by its URN, and its attributes with and without the URN', () => {
    const id = userResource.extension?.id ?? ''
    const result = patched(
      ['add', id, { department: 'IT' }],
      ['replace', `${id}:manager`, '1'],
      ['add', undefined, { [`${id}:costCenter`]: '7', [id]: { division: 'D' }, organization: 'O' }],
      ['remove', `${id}:department`],
    )
    expect(result[id]).toEqual({
      department: null,
      manager: { value: '1' },
      costCenter: '7',
      division: 'D',
      organization: 'O',
    })
    expect(patched(['remove', id])[id]).toBe(null)
  })

  it('rejects a malformed operation with the right scimType', () => {
    for (const [verb, to, value, code] of [
      ['remove', undefined, undefined, 'noTarget'],
      ['remove', 'userName', undefined, 'mutability'],
      ['replace', 'active', null, 'mutability'],
      ['replace', 'id', 'x', 'mutability'],
      ['add', 'meta.version', 'x', 'mutability'],
      ['add', 'groups', [], 'mutability'],
      ['add', 'hobby', 'x', 'invalidPath'],
      ['add', 'name.hobby', 'x', 'invalidPath'],
      ['add', 'emails[type eq "work"].hobby', 'x', 'invalidPath'],
      ['add', 'title[value eq "x"]', 'x', 'invalidPath'],
      ['add', 'a b', 'x', 'invalidPath'],
      ['add', '__proto__', 'x', 'invalidPath'],
      ['add', 'constructor.prototype', 'x', 'invalidPath'],
      ['add', 'emails[type eq', 'x', 'invalidFilter'],
      ['add', 'emails[hobby eq "x"]', {}, 'invalidFilter'],
      ['replace', 'emails[value sw "x"]', { type: 'home' }, 'noTarget'],
      ['replace', 'addresses[type ne "x" and region pr]', { region: 'x' }, 'noTarget'],
      ['add', 'title', undefined, 'invalidValue'],
      ['add', 'title', 7, 'invalidValue'],
      ['add', 'title', ['x'], 'invalidValue'],
      ['add', 'active', 'maybe', 'invalidValue'],
      ['add', 'name', 'Ada', 'invalidValue'],
      ['add', undefined, 'x', 'invalidValue'],
      ['add', 'roles', [{ value: 'admin' }], 'invalidValue'],
      ['replace', undefined, { entitlements: ['x'] }, 'invalidValue'],
    ] as const) {
      let failure: unknown
      try {
        patched([verb, to, value])
      } catch (error) {
        failure = (error as Failed).failure
      }
      expect([verb, to, failure]).toEqual([
        verb,
        to,
        expect.objectContaining({ own: expect.objectContaining({ code }) }),
      ])
    }
  })

  it('ignores passwords and attributes that are not stored, in every place', () => {
    expect(
      patched(
        ['replace', 'password', 'x'],
        ['add', 'photos', [{ value: 'x' }]],
        [
          'add',
          undefined,
          { Password: 'x', ims: [], hobby: 'chess', id: 'x', meta: {}, roles: [], __proto__: { active: false } },
        ],
        ['remove', 'roles'],
        ['remove', 'phoneNumbers[type eq "work"]'],
      ),
    ).toEqual({ ...start, phoneNumbers: null })
  })
})

namesEveryTest(statements)

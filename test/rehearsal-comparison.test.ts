/** The comparison of `npm run rehearse`: what is a difference, what is learned, and what is ignored. */
import { describe, expect, it } from 'vitest'
import { Bindings } from '../scripts/rehearse/bindings'
import { compare } from '../scripts/rehearse/comparison'
import type { Answer, Rehearsal } from '../src/http/contract/rehearsal'

const rules: Rehearsal = {
  signIn: { operation: 'signIn', identifier: 'name', password: 'password', encoding: 'json', token: 'token' },
  sessionOperations: [],
  creates: [],
  identifiers: { id: 'user', role_id: 'role', 'roles.id': 'role' },
  volatile: ['at'],
  tokens: ['token', 'next'],
  addresses: ['location'],
  naturalKeys: ['email'],
  listsAreOrdered: true,
  listsArePaged: false,
  counts: [],
  succeeded: ({ status }) => status < 400,
  isInactive: () => false,
}
const json = { 'content-type': 'application/json' }
const answer = (body: unknown, more: Partial<Answer> = {}): Answer => ({
  status: 200,
  headers: json,
  cookies: [],
  json: body,
  ...more,
})
const withHeaders = (headers: Record<string, string>) => answer({}, { headers: { ...json, ...headers } })

const pathOf = (url: string) => url.replace(/^https?:\/\/[^/]+/, '')
const compared = (one: Answer, other: Answer, more: Partial<Rehearsal> = {}, bindings = new Bindings()) =>
  compare(one, other, { rules: { ...rules, ...more }, bindings, withCookies: true, pathOf })
const differences = (one: unknown, other: unknown, more: Partial<Rehearsal> = {}) =>
  compared(answer(one), answer(other), more).differences.map(({ kind, place }) => `${kind} ${place}`)

describe('JSON', () => {
  it.each([
    ['a missing key', { a: { b: 1 } }, { a: {} }, 'missing key $.a.b'],
    ['a further key', { a: 1 }, { a: 1, b: null }, 'extra key $.b'],
    ['another type', { a: 1 }, { a: '1' }, 'type $.a'],
    ['null in place of a value', { a: 'x' }, { a: null }, 'type $.a'],
    ['another value', { a: 'x' }, { a: 'y' }, 'value $.a'],
    ['another number', [{ a: 1 }], [{ a: 1.5 }], 'value $[*].a'],
    ['a missing item', ['a', 'b'], ['a'], 'missing item $[*]'],
    ['a further item', { list: [] }, { list: [1] }, 'extra item $.list[*]'],
    ['an identifier in another form', { id: '7' }, { id: '019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66' }, 'form $.id'],
    ['an identifier of another type', { id: 7 }, { id: '7' }, 'type $.id'],
    ['a time of another type', { at: '2026-01-01' }, { at: 7 }, 'type $.at'],
  ])('shows %s', (_, one, other, expected) => {
    expect(differences(one, other)).toEqual([expected])
  })

  it.each([
    ['the order of keys', { a: 1, b: 2 }, { b: 2, a: 1 }],
    ['times', { at: '2026-01-01' }, { at: '2027-01-01' }],
    ['a time that is null on one side', { at: null }, { at: '2027-01-01' }],
    ['tokens', { token: 'one' }, { token: 'other' }],
    ['identifiers that are learned', { id: 'a1', name: 'x' }, { id: 'b2', name: 'x' }],
    ['origins of addresses', { location: 'https://a.example/x' }, { location: 'http://localhost:1/x' }],
  ])('ignores %s', (_, one, other) => {
    expect(differences(one, other)).toEqual([])
  })

  it('is not compared when only one side failed: the status shows the difference', () => {
    const found = compared(answer({ a: 1 }), answer({ error: 'x' }, { status: 404 })).differences
    expect(found.map(({ place }) => place)).toEqual(['status'])
  })
})

describe('identifiers', () => {
  it('are learned from their record, and expected from then on', () => {
    const bindings = new Bindings()
    const { pairs } = compared(answer({ id: '7', roles: [{ id: '1' }] }), answer({ id: '9', roles: [{ id: '4' }] }))
    expect(pairs.map(({ kind, recorded, received }) => [kind, recorded, received])).toEqual([
      ['user', '7', '9'],
      ['role', '1', '4'],
    ])
    for (const pair of pairs) bindings.bind(pair)
    const later = (id: string) => compared(answer({ id: '7' }), answer({ id }), {}, bindings).differences
    expect(later('9')).toEqual([])
    expect(later('8')).toEqual([
      expect.objectContaining({ kind: 'value', place: '$.id', expected: '9', received: '8' }),
    ])
  })

  it('are expected in messages and URLs, even before the field that contains them', () => {
    const one = { message: 'User 4711 created', location: '/users/4711', id: '4711' }
    expect(differences(one, { message: 'User 12 created', location: '/users/12', id: '12' })).toEqual([])
    expect(differences(one, { message: 'User 13 created', location: '/users/12', id: '12' })).toEqual([
      'value $.message',
    ])
  })

  it('always name the same record: one identifier of Usher stands for one of the recording', () => {
    const one = [
      { id: '1', email: 'a@x.example' },
      { id: '2', email: 'b@x.example' },
    ]
    const other = [
      { id: '2', email: 'a@x.example' },
      { id: '1', email: 'b@x.example' },
    ]
    expect(differences(one, other)).toEqual([])
  })
})

describe('lists', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name, index) => ({ id: String(index + 1), email: `${name}@x.example` }))

  it('pair records by their identifying fields, and show missing, additional and moved records', () => {
    expect(differences([a, b, c], [a, c])).toEqual(['missing item $[*]'])
    expect(differences([a], [a, b])).toEqual(['extra item $[*]'])
    expect(differences([a, b], [b, a])).toEqual(['order $[*]'])
    expect(differences([a, b], [b, a], { listsAreOrdered: false })).toEqual([])
    expect(differences([a, { ...b, x: 1 }], [a, { ...b, x: 2 }])).toEqual(['value $[*].x'])
  })

  it('of plain values are compared in order, in every contract', () => {
    expect(differences({ roles: ['a', 'b'] }, { roles: ['b', 'a'] }, { listsAreOrdered: false })).toContain(
      'value $.roles[*]',
    )
  })
})

describe('headers and cookies', () => {
  it.each([
    ['content-type', { 'content-type': 'text/html' }, {}],
    ['location', { location: '/users/1' }, { location: '/users/2' }],
    ['www-authenticate', { 'www-authenticate': 'Bearer' }, {}],
    [
      'link',
      { link: '<https://a.example/x?page=2>; rel="next"' },
      { link: '<https://b.example/x?page=3>; rel="next"' },
    ],
  ] as [string, Record<string, string>, Record<string, string>][])('show a difference of %s', (name, one, other) => {
    const found = compared(withHeaders(one), withHeaders(other)).differences
    expect(found.map(({ kind, place }) => [kind, place])).toEqual([['header', name]])
  })

  it('are compared without charsets, origins and other headers', () => {
    const one = { 'content-type': 'application/json; charset=utf-8', location: 'https://a.example/x', server: 'a' }
    expect(compared(withHeaders(one), withHeaders({ location: 'http://b.example/x' })).differences).toEqual([])
  })

  it('are compared by the name and attributes of cookies, not by value and time', () => {
    const cookies = (...all: string[]) => answer({}, { cookies: all })
    const one = 'sid=1; Path=/; HttpOnly; Max-Age=10'
    expect(compared(cookies(one), cookies('sid=2; httponly; path=/; Expires=tomorrow')).differences).toEqual([])
    const found = compared(cookies(one), cookies('sid=2; Path=/; Max-Age=10', 'other=1')).differences
    expect(found.map(({ place }) => place)).toEqual(['set-cookie: sid', 'set-cookie: other'])
  })
})

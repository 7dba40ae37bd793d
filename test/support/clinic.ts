/** Requests of the clinic client: jQuery forms, uploads and JSON, with a cookie jar and the response envelope. */
import { expect } from 'vitest'
import { call, person, signedInPerson, type Answer, type Call } from './usher'
import type { Permission } from '../../src/core/access/permissions'

export const users = '/clinic/users/user'

export type Fields = Record<string, unknown>

/** A person in the form's fields. The first six are required. */
export const ines = {
  username: 'ines.caron',
  first_name: 'Inès',
  last_name: 'Caron',
  email: 'ines.caron@example.org',
  user_type: 'CL',
  gender: 'F',
}

export const inesInFull = {
  ...ines,
  birth_date: '1988-04-02',
  is_staff: true,
  is_active: true,
  is_admin: false,
  phone: '+33 1 70 18 44 01',
  mobile: '+33 6 70 18 44 02',
  certified_email: 'ines@certified.example',
  numeric_password: '4821',
  password: 'une phrase pour Inès',
}

/** The pairs that jQuery's `$.param` makes of an object, such as `user_type[key]` and `CL`. Null gives no pair. */
function pairsOf(fields: Fields): [string, string][] {
  return Object.entries(fields).flatMap(([name, value]): [string, string][] => {
    if (value === undefined) return []
    if (typeof value !== 'object' || value === null) return [[name, String(value ?? '')]]
    return Object.entries(value).map(([key, inner]) => [`${name}[${key}]`, String(inner)])
  })
}

function multipart(fields: Fields): FormData {
  const form = new FormData()
  for (const [name, value] of pairsOf(fields)) form.append(name, value)
  return form
}

type Kind = (fields: Fields) => Call

export const asForm: Kind = (fields) => ({ body: new URLSearchParams(pairsOf(fields)) })
export const asMultipart: Kind = (fields) => ({ body: multipart(fields) })
export const asJson: Kind = (fields) => ({ json: fields })

/** The kinds of body that clinic accepts. */
export const kinds: [string, Kind][] = [
  ['a form', asForm],
  ['a multipart form', asMultipart],
  ['JSON', asJson],
]

export const create = (token: string, fields: Fields, kind = asForm) =>
  call(`${users}/new/`, { token, method: 'POST', ...kind(fields) })
export const edit = (token: string, id: string, fields: Fields, kind = asForm) =>
  call(`${users}/${id}/edit/`, { token, method: 'POST', ...kind(fields) })
export const info = (token: string, id: string) => call(`${users}/${id}/get_user_info/`, { token })
export const search = (token: string, query: string) =>
  call(`${users}/search/?${new URLSearchParams({ query_string: query })}`, { token })
export const activate = (token: string, id: string) => call(`${users}/${id}/activate/`, { token, method: 'POST' })
export const deactivate = (token: string, id: string) => call(`${users}/${id}/deactivate/`, { token, method: 'POST' })
export const login = (username: string, password: string, options: Call = {}) =>
  call(`${users}/login/`, { ...asForm({ username, password }), ...options })
export const logout = (options: Call) => call(`${users}/logout/`, options)

/** Ines as clinic shows her after her creation from `inesInFull`, without her identifiers. */
export const inesShown = {
  username: 'ines.caron',
  first_name: 'Inès',
  last_name: 'Caron',
  email: 'ines.caron@example.org',
  birth_date: '02 Apr 1988',
  is_staff: true,
  is_active: true,
  is_admin: false,
  user_type: { key: 'CL', value: 'Clinician' },
  gender: { key: 'F', value: 'Female' },
  phone: '+33 1 70 18 44 01',
  mobile: '+33 6 70 18 44 02',
  certified_email: 'ines@certified.example',
}

/** Creates Ines, with these fields replaced, and returns her record. */
export async function created(
  token: string,
  fields: Fields = {},
): Promise<typeof inesShown & { id: string; uid: string }> {
  const { status, body, text } = await create(token, { ...inesInFull, ...fields })
  if (status !== 200 || !body.success) throw new Error(`creation failed: ${status} ${text}`)
  return body.data
}

/** A user with exactly these permissions, signed in through v1. */
export async function clerk(admin: string, permissions: Permission[]) {
  const name = `clerk ${permissions.join(' ')}`.replaceAll(':', ' ').slice(0, 64)
  const made = await call('/v1/roles', { token: admin, json: { name, permissions } })
  if (made.status !== 201) throw new Error(`no such role could be made: ${made.text}`)
  const user = await signedInPerson(admin, { role: name })
  return { ...user, number: await numberOf(admin, user.input.email) }
}

/** The clinic id of the user with this email. */
export async function numberOf(admin: string, email: string): Promise<string> {
  const { body } = await search(admin, email)
  return body.data[0].id as string
}

/** A plain user, signed in through v1, with their clinic id. */
export async function plainUser(admin: string, overrides: Fields = {}) {
  const user = await signedInPerson(admin, person(overrides))
  return { ...user, number: await numberOf(admin, user.input.email) }
}

/** The record as v1 shows it, which has more fields, and its version. */
export async function throughV1(token: string, uid: string) {
  const { body, headers } = await call(`/v1/users/usr_${uid}`, { token })
  return { body, etag: headers.get('etag') }
}

/** Expects an error envelope, byte for byte. */
export function expectFailure({ status, text, headers }: Answer, errors: string, expected = 200): void {
  expect([status, text]).toEqual([expected, JSON.stringify({ success: false, errors })])
  expect(headers.get('content-type')).toBe('application/json')
}

/** Expects a success envelope, byte for byte. */
export function expectSuccess({ status, text, headers }: Answer, message: string, data?: unknown): void {
  expect([status, text]).toEqual([200, JSON.stringify({ success: true, message, data })])
  expect(headers.get('content-type')).toBe('application/json')
}

/** The cookie that a response sets, as `name=value`, the way a cookie jar sends it. */
export function cookieOf({ headers }: Answer): string {
  return headers.get('set-cookie')?.split(';')[0] ?? ''
}

/** Values that mean yes in a checkbox, in any letter case. */
export const wordsForYes = ['true', '1', 'on', 'yes', 't', 'y', 'True', 'TRUE', 'ON', 'Yes', 'T', ' true ']
export const wordsForNo = [
  ...['false', '0', 'off', 'no', 'f', 'n', 'null', 'none', ''],
  ...['False', 'FALSE', 'OFF', 'No', 'NULL', 'None', ' false ', ' '],
]
/** Values that mean neither yes nor no. Django reads some of them as yes. */
export const neitherYesNorNo = [
  'maybe',
  '2',
  '00',
  '-1',
  '0.0',
  'nope',
  'yes please',
  'undefined',
  'oui',
  '✓',
  'true,false',
]
/** The same in JSON, which has more types than text. */
export const jsonYes = [true, 1]
export const jsonNo = [false, 0, null]
export const jsonNeither = [2, -1, 0.5, [], ['false'], {}, { key: 'false' }]

export const notAllowed = 'You are not allowed to do this.'
export const notSignedIn = 'Authentication required.'

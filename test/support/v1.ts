/// <reference types="vite/client" />
/** Requests of v1's clients and the expected errors. */
import { expect } from 'vitest'
import type { Permission } from '../../src/core/access/permissions'
import statements from '../contracts/v1/STATEMENTS.md?raw'
import { call, signedInPerson, type Answer } from './usher'

export { statements }

const titles = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
}

/** Expects a problem (RFC 9457) with exactly these members. */
export function expectProblem(answer: Answer, status: keyof typeof titles, detail: string): void {
  const { headers, body } = answer
  expect([answer.status, body]).toEqual([status, { type: 'about:blank', title: titles[status], status, detail }])
  expect(headers.get('content-type')).toBe('application/problem+json')
}

/** Expects a 400 with exactly these fields and messages, in this order. */
export function expectInvalid(answer: Answer, ...errors: [field: string, message: string][]): void {
  const { status, headers, body } = answer
  expect([status, body]).toEqual([
    400,
    {
      type: 'about:blank',
      title: titles[400],
      status: 400,
      detail: expect.stringMatching(/^(The body|A query parameter|A header) is not valid\.$/),
      errors: errors.map(([field, message]) => ({ field, message })),
    },
  ])
  expect(headers.get('content-type')).toBe('application/problem+json')
}

/** Expects a 409 that names these identifiers. */
export function expectTaken(answer: Answer, ...fields: string[]): void {
  const { status, headers, body } = answer
  expect([status, body.title, body.status]).toEqual([409, titles[409], 409])
  for (const field of fields) expect(body.detail).toContain(field)
  expect(headers.get('content-type')).toBe('application/problem+json')
}

export const lacking = (...permissions: Permission[]) => `Missing permission: ${permissions.join(', ')}.`
/** The detail of a 403 that no permission would avoid. */
export const notAllowed = 'This is not allowed.'

let roles = 0

/** Creates a role with exactly these permissions. */
export async function roleWith(admin: string, permissions: Permission[], name = `role${(roles += 1)}`) {
  const { status, body, text } = await call('/v1/roles', { token: admin, json: { name, permissions } })
  if (status !== 201) throw new Error(`role not created: ${status} ${text}`)
  return body as { id: string; number: number; name: string; description: string; permissions: Permission[] }
}

/** A signed-in user with exactly these permissions. */
export async function someoneWith(admin: string, permissions: Permission[], more: Record<string, unknown> = {}) {
  const { name } = await roleWith(admin, permissions)
  return signedInPerson(admin, { ...more, role: name })
}

/** Creates an API key with these permissions for the token's owner. */
export async function keyWith(token: string, permissions: Permission[], more: Record<string, unknown> = {}) {
  const json = { name: 'a program', permissions, ...more }
  const { status, body, text } = await call('/v1/api-keys', { token, json })
  if (status !== 201) throw new Error(`key not created: ${status} ${text}`)
  return body as { id: string; key: string; expires_at: string | null }
}

/** A value of the wrong type for each field, and the expected message. Creation and update give the same messages. */
export const wrongValues: [field: string, value: unknown, message: string][] = [
  ['email', 'mara.example.org', 'must be an email address'],
  ['email', `${'m'.repeat(243)}@example.org`, 'must have at most 254 characters'],
  ['email', null, 'must be a string'],
  ['name', ' ', 'must not be blank'],
  ['name', 'x'.repeat(201), 'must have at most 200 characters'],
  ['name', 'Mara\u202eNovak', 'must not contain control or invisible characters'],
  ['password', 'x'.repeat(7), 'must have at least 8 characters'],
  ['password', 'x'.repeat(129), 'must have at most 128 characters'],
  ['password', 'password123', 'is among the most common passwords'],
  ['password', 12345678, 'must be a string'],
  ['role', 7, 'must be a string'],
  ['role', 'nobody-made-this', 'is not a role of the directory'],
  ['username', 'a b', 'must not contain blanks'],
  ['username', '', 'must not be blank'],
  ['username', 'x'.repeat(129), 'must have at most 128 characters'],
  ['matricule', '12', 'must be an integer'],
  ['matricule', true, 'must be an integer'],
  ['matricule', 1.5, 'must be an integer'],
  ['matricule', -1, 'must be at least 0'],
  ['matricule', 2 ** 53, `must be at most ${Number.MAX_SAFE_INTEGER}`],
  ['first_name', 7, 'must be a string'],
  ['first_name', 'x'.repeat(101), 'must have at most 100 characters'],
  ['last_name', null, 'must be a string'],
  ['birth_date', '2026-02-30', 'must be a date, YYYY-MM-DD'],
  ['birth_date', '1990-1-1', 'must be a date, YYYY-MM-DD'],
  ['birth_date', '1990-01-01T00:00:00Z', 'must be a date, YYYY-MM-DD'],
  ['gender', 'F', 'must be one of male, female, unknown'],
  ['phone', '\u0007', 'must not contain control or invisible characters'],
  ['mobile', '1'.repeat(33), 'must have at most 32 characters'],
  ['certified_email', 'no', 'must be an email address'],
  ['user_type', 'CL', 'must be one of administrative, technician, clinician, student'],
  ['is_staff', 'yes', 'must be a boolean'],
  ['is_staff', null, 'must be a boolean'],
  ['country_id', 0, 'must be at least 1'],
]

/** A value for every writable field except the password and the role. */
export const everything = {
  email: 'full@example.org',
  name: 'Dr. Full Record',
  username: 'full.record',
  matricule: 9_007_199_254_740_991,
  first_name: 'Full',
  last_name: 'Record',
  birth_date: '1984-02-29',
  gender: 'unknown',
  phone: '+41 22 000 00 00',
  mobile: '+41 79 000 00 00',
  certified_email: 'full@certified.example',
  user_type: 'student',
  is_staff: true,
  country_id: 756,
}

/** The fields of a user who was created with only name, email and password. */
export const nothingMore = {
  username: null,
  matricule: null,
  birth_date: null,
  gender: null,
  phone: null,
  mobile: null,
  certified_email: null,
  user_type: null,
  country_id: null,
}

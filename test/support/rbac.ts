/** Requests of the rbac client, a sample user, and the expected errors. */
import { expect } from 'vitest'
import type { Permission } from '../../src/core/access/permissions'
import { adminToken, call, roleIds, signedInPerson, type Answer } from './usher'

export const users = '/rbac/api/v1/users'
export const auth = '/rbac/api/v1/auth'
export const asJson = { 'content-type': 'application/json' }
/** An id that no user and no role has. */
export const nobody = '5f0c2d9e-3b7a-4c61-8e15-d2a94b6f7038'

/** The body of the original API's create request, with an invented person and no role. */
export const tamsin = {
  email: 'tamsin.okello@example.org',
  password: 'the tide is in at nine',
  first_name: 'Tamsin',
  last_name: 'Okello',
}

/** A second user, for tests that need two. */
export const piotr = { ...tamsin, email: 'piotr.wilk@example.org', first_name: 'Piotr', last_name: 'Wilk' }

/** The exact record of a user created at 04:05:06 on 3 February 2031. */
export const wire = (id: string, { email, first_name, last_name }: typeof tamsin, role: 'user' | 'admin' = 'user') =>
  `{"id":"${id}","email":"${email}","first_name":"${first_name}","last_name":"${last_name}","is_active":true,` +
  `"roles":[{"id":"${roleIds[role]}","name":"${role}"}],` +
  `"created_at":"2031-02-03T04:05:06Z","updated_at":"2031-02-03T04:05:06Z"}`
export const thatSecond = { toFake: ['Date' as const], now: new Date('2031-02-03T04:05:06.789Z') }

export const list = (token: string, query = '') => call(`${users}${query}`, { token })
export const get = (token: string, id: string) => call(`${users}/${id}`, { token })
export const create = (token: string, json: unknown) => call(users, { token, json })
export const update = (token: string, id: string, json: unknown) =>
  call(`${users}/${id}`, { method: 'PUT', token, json })
export const remove = (token: string, id: string) => call(`${users}/${id}`, { method: 'DELETE', token })
export const login = (json: unknown) => call(`${auth}/login`, { json })
export const refresh = (refresh_token: unknown) => call(`${auth}/refresh`, { json: { refresh_token } })
export const logout = (token: string) => call(`${auth}/logout`, { method: 'POST', token })

/** An admin's token, and Tamsin as the create response returned her. */
export async function adminAndTamsin() {
  const admin = await adminToken()
  const { status, body, text } = await create(admin, tamsin)
  expect(status, text).toBe(201)
  return { admin, body, text, id: body.id as string }
}

/** Creates a role with exactly these permissions. */
export async function roleWith(admin: string, name: string, permissions: Permission[]): Promise<string> {
  const { status, body, text } = await call('/v1/roles', { token: admin, json: { name, permissions } })
  expect(status, text).toBe(201)
  return body.id as string
}

/** A signed-in user with exactly these permissions. */
export async function clerk(admin: string, permissions: Permission[]) {
  await roleWith(admin, 'clerk', permissions)
  return signedInPerson(admin, { role: 'clerk' })
}

/** The version and update time of the record, from v1. */
export async function versionOf(admin: string, id: string) {
  const { headers, body } = await call(`/v1/users/usr_${id.replaceAll('-', '')}`, { token: admin })
  return [headers.get('etag'), body.updated_at]
}

export const roleNames = ({ body }: Answer): string[] => body.roles.map(({ name }: { name: string }) => name)
export const emails = ({ body }: Answer): string[] => body.data.map(({ email }: { email: string }) => email)

export function expectDetail({ status, text }: Answer, expected: number, sentence: string): void {
  expect([status, text]).toEqual([expected, JSON.stringify({ detail: sentence })])
}

/** One entry of a 422: location, type, message. */
export type Entry = readonly [loc: readonly (string | number)[], type: string, msg: string]

/** Expects a 422 with exactly these entries, in this order. */
export function expectInvalid({ status, text }: Answer, ...entries: Entry[]): void {
  expect([status, text]).toEqual([
    422,
    JSON.stringify({ detail: entries.map(([loc, type, msg]) => ({ loc, msg, type })) }),
  ])
}

export const missing = (...loc: string[]): Entry => [['body', ...loc], 'missing', 'Field required']
export const notAnObject: Entry = [
  ['body'],
  'model_attributes_type',
  'Input should be a valid dictionary or object to extract fields from',
]
export const lacking = (...permissions: Permission[]) => `Insufficient permissions. Missing: ${permissions.join(', ')}`

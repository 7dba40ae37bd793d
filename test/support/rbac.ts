/** rbac as its clients ask it, a person to ask about, and the words in which it says no. */
import { expect, vi } from 'vitest'
import type { Permission } from '../../src/core/access/permissions'
import { adminToken, call, roleIds, signedInPerson, type Answer } from './usher'

// A promise may take many requests to hold, and a busy machine takes its time: nothing here is about time.
vi.setConfig({ testTimeout: 60_000 })

export const users = '/rbac/api/v1/users'
export const auth = '/rbac/api/v1/auth'
export const asJson = { 'content-type': 'application/json' }
/** Nobody's identifier, and no role's. */
export const nobody = '5f0c2d9e-3b7a-4c61-8e15-d2a94b6f7038'

/** The seed's body of a creation, with somebody else in it and no role. */
export const tamsin = {
  email: 'tamsin.okello@example.org',
  password: 'the tide is in at nine',
  first_name: 'Tamsin',
  last_name: 'Okello',
}

/** Another, so that both may be there. */
export const piotr = { ...tamsin, email: 'piotr.wilk@example.org', first_name: 'Piotr', last_name: 'Wilk' }

/** A record on the wire, to the letter: someone created at 04:05:06 on 3 February 2031. */
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

/** An admin's token, and Tamsin as she was answered when she was created. */
export async function adminAndTamsin() {
  const admin = await adminToken()
  const { status, body, text } = await create(admin, tamsin)
  expect(status, text).toBe(201)
  return { admin, body, text, id: body.id as string }
}

/** A role with these permissions and no other. */
export async function roleWith(admin: string, name: string, permissions: Permission[]): Promise<string> {
  const { status, body, text } = await call('/v1/roles', { token: admin, json: { name, permissions } })
  expect(status, text).toBe(201)
  return body.id as string
}

/** Someone who holds these permissions and no other, signed in. */
export async function clerk(admin: string, permissions: Permission[]) {
  await roleWith(admin, 'clerk', permissions)
  return signedInPerson(admin, { role: 'clerk' })
}

/** The record's version and time of change, as v1 tells them. */
export async function versionOf(admin: string, id: string) {
  const { headers, body } = await call(`/v1/users/usr_${id.replaceAll('-', '')}`, { token: admin })
  return [headers.get('etag'), body.updated_at]
}

export const roleNames = ({ body }: Answer): string[] => body.roles.map(({ name }: { name: string }) => name)
export const emails = ({ body }: Answer): string[] => body.data.map(({ email }: { email: string }) => email)

export function expectDetail({ status, text }: Answer, expected: number, sentence: string): void {
  expect([status, text]).toEqual([expected, JSON.stringify({ detail: sentence })])
}

/** Of a 422: where, its type, its message. */
export type Entry = readonly [loc: readonly (string | number)[], type: string, msg: string]

/** A 422 of exactly these entries, in this order, to the letter. */
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

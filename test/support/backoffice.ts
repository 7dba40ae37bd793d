/** Requests of the back-office client, a sample user, and the expected validation errors. */
import { expect } from 'vitest'
import type { Permission } from '../../src/core/access/permissions'
import { adminToken, call, rows, signedInPerson, type Answer, type Call } from './usher'

export const users = '/backoffice/api/v1/users'
export const asJson = { 'content-type': 'application/json' }

const password = 'uma frase comprida'

/** The body of the original API's create request, with an invented person. */
export const ines = {
  username: 'ines.calado',
  email: 'ines.calado@example.org',
  password,
  password_confirmation: password,
  first_name: 'Inês',
  last_name: 'Calado',
  gender: 'female',
  birthday: '1991-06-14',
  country_id: 620,
}

/** The exact record that the contract returns for her. */
export const inesShown = (userId: number) =>
  `{"user_id":${userId},"username":"ines.calado","first_name":"Inês","last_name":"Calado",` +
  `"email":"ines.calado@example.org","gender":"female","birthday":"1991-06-14","country_id":620,` +
  `"user_status":"active","role_id":2}`

/** A second user, for tests that need two. */
export const rui = {
  ...ines,
  username: 'rui.tavares',
  email: 'rui.tavares@example.org',
  first_name: 'Rui',
  last_name: 'Tavares',
  gender: 'male',
  birthday: '1978-11-30',
}

export const list = (token: string, query = '') => call(`${users}${query}`, { token })
export const get = (token: string, id: number | string) => call(`${users}/${id}`, { token })
export const create = (token: string, json: unknown) => call(users, { token, json })
export const update = (token: string, id: number | string, json: unknown, options: Call = {}) =>
  call(`${users}/${id}`, { method: 'PUT', token, json, ...options })
export const remove = (token: string, id: number | string) => call(`${users}/${id}`, { method: 'DELETE', token })
export const login = (json: unknown) => call('/backoffice/api/login', { json })
export const logout = (token: string) => call('/backoffice/api/logout', { method: 'POST', token })

/** An admin's token, and Inês as the create response returned her. */
export async function adminAndInes() {
  const admin = await adminToken()
  const { status, body, text } = await create(admin, ines)
  expect(status, text).toBe(201)
  return { admin, user: body.data as Record<string, unknown>, id: body.data.user_id as number }
}

/** A signed-in user with exactly these permissions. */
export async function clerk(admin: string, permissions: Permission[]) {
  await call('/v1/roles', { token: admin, json: { name: 'clerk', permissions } })
  return signedInPerson(admin, { role: 'clerk' })
}

/** The number of a user who was created through another contract. */
export async function numberOf(email: string): Promise<number> {
  const [user] = await rows<{ number: number }>('SELECT number FROM users WHERE email = ?', email)
  return user?.number ?? 0
}

/** The version and update time of the record, which only v1 returns. */
export async function etagOf(admin: string, email: string) {
  const [user] = await rows<{ id: string }>('SELECT id FROM users WHERE email = ?', email)
  const { headers, body } = await call(`/v1/users/usr_${user?.id.replaceAll('-', '')}`, { token: admin })
  return { etag: headers.get('etag'), updatedAt: body.updated_at as string }
}

export function expectMessage({ status, text }: Answer, expected: number, message: string) {
  expect([status, text]).toEqual([expected, JSON.stringify({ message })])
}

/**
 * Expects a 422 with exactly these fields and messages, in this order, and the summary message that Laravel builds from
 * them.
 */
export function expectInvalid({ status, text }: Answer, errors: Record<string, string[]>) {
  const [first, ...others] = Object.values(errors).flat()
  const more = others.length === 0 ? '' : ` (and ${others.length} more error${others.length === 1 ? '' : 's'})`
  expect([status, text]).toEqual([422, JSON.stringify({ message: `${first}${more}`, errors })])
}

export const required = (field: string) => `The ${field} field is required.`
export const unauthorized = 'This action is unauthorized.'
export const away = {
  prepare: () => ({ bind: () => ({}) }),
  batch: () => Promise.reject(new Error('D1_ERROR: gone')),
}

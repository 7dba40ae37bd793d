/** v1 as its clients use it, and the words in which it says no. */
import { expect, vi } from 'vitest'
import type { Permission } from '../../src/core/permissions'
import { call, signedInPerson, type Answer } from './usher'

// A promise may take many requests to hold, and a busy machine takes its time: nothing here is about time.
vi.setConfig({ testTimeout: 30_000 })

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

/** A problem of exactly these words: RFC 9457, and nothing beside it. */
export function expectProblem(answer: Answer, status: keyof typeof titles, detail: string): void {
  const { headers, body } = answer
  expect([answer.status, body]).toEqual([status, { type: 'about:blank', title: titles[status], status, detail }])
  expect(headers.get('content-type')).toBe('application/problem+json')
}

/** A 400 that tells exactly these fields, in this order, each with its message. */
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

/** A 409 that names these identifiers. */
export function expectTaken(answer: Answer, ...fields: string[]): void {
  const { status, headers, body } = answer
  expect([status, body.title, body.status]).toEqual([409, titles[409], 409])
  for (const field of fields) expect(body.detail).toContain(field)
  expect(headers.get('content-type')).toBe('application/problem+json')
}

export const lacking = (...permissions: Permission[]) => `Missing permission: ${permissions.join(', ')}.`
/** The detail of a 403 that no permission would turn. */
export const notAllowed = 'This is not allowed.'

let roles = 0

/** A role with these permissions and no other. */
export async function roleWith(admin: string, permissions: Permission[], name = `role${(roles += 1)}`) {
  const { status, body, text } = await call('/v1/roles', { token: admin, json: { name, permissions } })
  if (status !== 201) throw new Error(`role not created: ${status} ${text}`)
  return body as { id: string; number: number; name: string; description: string; permissions: Permission[] }
}

/** Someone signed in who holds these permissions and no other. */
export async function someoneWith(admin: string, permissions: Permission[], more: Record<string, unknown> = {}) {
  const { name } = await roleWith(admin, permissions)
  return signedInPerson(admin, { ...more, role: name })
}

/** A key of the token's owner with these permissions. */
export async function keyWith(token: string, permissions: Permission[], more: Record<string, unknown> = {}) {
  const json = { name: 'a program', permissions, ...more }
  const { status, body, text } = await call('/v1/api-keys', { token, json })
  if (status !== 201) throw new Error(`key not created: ${status} ${text}`)
  return body as { id: string; key: string; expires_at: string | null }
}

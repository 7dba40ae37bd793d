/** Requests to SCIM for the suites. */
import { base, patchSchema, userSchema } from '../contracts/scim/words'
import { adminToken, call, type Answer, type Call } from './usher'

export { base, enterprise, groupSchema, patchSchema, searchSchema, userSchema } from '../contracts/scim/words'

/** The permissions that the documentation tells operators to give a provisioning client. */
export const provisioning = [
  'users:read',
  'users:create',
  'users:update',
  'users:deactivate',
  'users:delete',
  'roles:read',
  'roles:assign',
  'roles:manage',
]

/** An API key for a provisioning client, made by the first admin. */
export async function clientKey(permissions: readonly string[] = provisioning): Promise<string> {
  const token = await adminToken()
  const { body } = await call<{ key: string }>('/v1/api-keys', { token, json: { name: 'SCIM', permissions } })
  return body.key
}

export interface Client {
  get: (path: string, options?: Call) => Promise<Answer>
  post: (path: string, json: unknown, options?: Call) => Promise<Answer>
  put: (path: string, json: unknown, options?: Call) => Promise<Answer>
  /** PATCH with these operations. */
  patch: (path: string, operations: readonly object[], options?: Call) => Promise<Answer>
  delete: (path: string, options?: Call) => Promise<Answer>
}

export function clientOf(token: string): Client {
  const ask = (method: string, path: string, options: Call) => call(`${base}${path}`, { method, token, ...options })
  return {
    get: (path, options = {}) => ask('GET', path, options),
    post: (path, json, options = {}) => ask('POST', path, { json, ...options }),
    put: (path, json, options = {}) => ask('PUT', path, { json, ...options }),
    patch: (path, operations, options = {}) =>
      ask('PATCH', path, { json: { schemas: [patchSchema], Operations: operations }, ...options }),
    delete: (path, options = {}) => ask('DELETE', path, options),
  }
}

let people = 0

/** A new user in SCIM's words. */
export function scimUser(overrides: Record<string, unknown> = {}) {
  people += 1
  const userName = `person${people}@example.org`
  return {
    schemas: [userSchema],
    userName,
    name: { givenName: 'Person', familyName: `Number${people}` },
    emails: [{ value: userName, type: 'work', primary: true }],
    ...overrides,
  }
}

export const filtered = (filter: string, rest = '') => `/Users?filter=${encodeURIComponent(filter)}${rest}`

/** How a contract signs a user in at its original. A contract that can has it in `original-sign-in.ts`, beside its routes. */
import type { UpstreamCredentials } from '../../core/sign-in/upstreams'

export interface OriginalSignIn {
  /** The request, to `path` under the base URL of the original. */
  signInRequest: (credentials: UpstreamCredentials) => SignInRequest
  /**
   * What the response says of the password; undefined where it says nothing of it. `body` is parsed JSON. Only a response that an original
   * gives to wrong credentials is `no_match`: anything else would lock users out.
   */
  readSignIn: (response: { status: number; body: unknown }) => 'match' | 'no_match' | undefined
}

export type SignInRequest = { path: string } & ({ json: object } | { form: Record<string, string> })

/** Whether parsed JSON is an object with this field, of this type. */
export function hasField(body: unknown, field: string, type: 'string' | 'object'): boolean {
  const value = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[field] : undefined
  return typeof value === type && value !== null
}

/** The statuses of a response to credentials that are wrong, or that the original does not even take for credentials. */
export const refusesCredentials = (status: number): boolean => [400, 401, 403, 422].includes(status)

/** How a contract signs a user in at its original. Such a contract has a file `original-sign-in.ts` next to its routes. */
import type { UpstreamCredentials } from '../../core/sign-in/upstreams'

export interface OriginalSignIn {
  /** The request, to `path` under the base URL of the original. */
  signInRequest: (credentials: UpstreamCredentials) => SignInRequest
  /**
   * Reads whether the password is right; undefined if the response does not say. `body` is parsed JSON. Only a response that an original
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

/** The statuses of responses to wrong or malformed credentials. */
export const refusesCredentials = (status: number): boolean => [400, 401, 403, 422].includes(status)

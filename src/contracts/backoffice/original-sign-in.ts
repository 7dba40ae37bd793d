/** Sign-in at the original, a Laravel application. */
import { hasField, refusesCredentials, type OriginalSignIn } from '../../http/upstreams/original-sign-in'

export const originalSignIn: OriginalSignIn = {
  signInRequest: ({ username, email, password }) => ({
    path: '/api/login',
    json: { username: username ?? email, password },
  }),
  readSignIn({ status, body }) {
    if (status === 200 && hasField((body as { data?: unknown } | null)?.data, 'token', 'string')) return 'match'
    return refusesCredentials(status) && hasField(body, 'message', 'string') ? 'no_match' : undefined
  },
}

/** Sign-in at the original, a FastAPI application: by email. */
import { hasField, refusesCredentials, type OriginalSignIn } from '../../http/upstreams/original-sign-in'

export const originalSignIn: OriginalSignIn = {
  signInRequest: ({ email, password }) => ({ path: '/api/v1/auth/login', json: { email, password } }),
  readSignIn({ status, body }) {
    if (status === 200 && hasField(body, 'access_token', 'string')) return 'match'
    const refused = hasField(body, 'detail', 'string') || hasField(body, 'detail', 'object')
    return refusesCredentials(status) && refused ? 'no_match' : undefined
  },
}

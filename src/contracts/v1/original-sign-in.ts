/** Sign-in at another directory that speaks v1. Its base URL ends in `/v1`. */
import { hasField, refusesCredentials, type OriginalSignIn } from '../../http/upstreams/original-sign-in'

export const originalSignIn: OriginalSignIn = {
  signInRequest: ({ email, password }) => ({ path: '/auth/login', json: { identifier: email, password } }),
  readSignIn({ status, body }) {
    if (status === 200 && hasField(body, 'access_token', 'string')) return 'match'
    return refusesCredentials(status) && hasField(body, 'title', 'string') ? 'no_match' : undefined
  },
}

/** Sign-in at the original: a Django form. Success and failure are both 200, in the envelope. */
import { hasField, type OriginalSignIn } from '../../http/upstreams/original-sign-in'

export const originalSignIn: OriginalSignIn = {
  // The original knows users by their usernames. A user imported without a username has the email as username there.
  signInRequest: ({ username, email, password }) => ({
    path: '/users/user/login/',
    form: { username: username ?? email, password },
  }),
  readSignIn({ status, body }) {
    if (status !== 200) return undefined
    const { success } = (body ?? {}) as { success?: unknown }
    if (success === true && hasField(body, 'data', 'object')) return 'match'
    return success === false && hasField(body, 'errors', 'string') ? 'no_match' : undefined
  },
}

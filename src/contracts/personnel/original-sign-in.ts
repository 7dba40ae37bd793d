/** Sign-in at the original: the password form of FastAPI. */
import { hasField, refusesCredentials, type OriginalSignIn } from '../../http/upstreams/original-sign-in'

export const originalSignIn: OriginalSignIn = {
  signInRequest: ({ matricule, email, password }) => ({
    path: '/token',
    form: { username: matricule === null ? email : String(matricule), password },
  }),
  readSignIn({ status, body }) {
    if (status === 200 && hasField(body, 'access_token', 'string')) return 'match'
    const refused = hasField(body, 'detail', 'string') || hasField(body, 'detail', 'object')
    return refusesCredentials(status) && refused ? 'no_match' : undefined
  },
}

/** The configuration of better-auth, for its Worker and for its schema. */
import { admin } from 'better-auth/plugins/admin'

export function options(database, { BETTER_AUTH_SECRET, BETTER_AUTH_URL }) {
  return {
    database,
    secret: BETTER_AUTH_SECRET,
    baseURL: BETTER_AUTH_URL,
    emailAndPassword: { enabled: true },
    plugins: [admin()],
    // Disables the rate limit, like RATE_LIMIT=off for Usher, because the load comes from a single client.
    rateLimit: { enabled: false },
  }
}

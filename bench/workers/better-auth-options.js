/** How better-auth is set up: for the Worker, and for making its schema. */
import { admin } from 'better-auth/plugins/admin'

export function options(database, { BETTER_AUTH_SECRET, BETTER_AUTH_URL }) {
  return {
    database,
    secret: BETTER_AUTH_SECRET,
    baseURL: BETTER_AUTH_URL,
    emailAndPassword: { enabled: true },
    plugins: [admin()],
    // As RATE_LIMIT=off for Usher: the load comes from one client.
    rateLimit: { enabled: false },
  }
}

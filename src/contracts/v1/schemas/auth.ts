/** Signing in. */
import { z } from '@hono/zod-openapi'
import { V1User } from './users'

export const V1Login = z
  .object({
    identifier: z.string().openapi({ description: 'Email, username or matricule' }),
    password: z.string().openapi({ format: 'password' }),
  })
  .openapi('V1Login', { example: { identifier: 'noor.haddad@example.org', password: 'a password long enough' } })

export const V1Refresh = z.object({ refresh_token: z.string() }).openapi('V1Refresh')

/** `refresh_token` is needed only without a valid access token. */
export const V1Logout = z.object({ refresh_token: z.string().optional() }).openapi('V1Logout')

const tokens = {
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int().openapi({ description: 'Seconds' }),
  refresh_token: z.string(),
}

export const V1Tokens = z.strictObject(tokens).openapi('V1Tokens')

export const V1SignedIn = z.strictObject({ ...tokens, user: V1User }).openapi('V1SignedIn')

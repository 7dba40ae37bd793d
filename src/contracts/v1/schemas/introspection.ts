/** Token introspection, in the terms of RFC 7662 and RFC 6749. */
import { z } from '@hono/zod-openapi'
import { permission } from './fields'

export const V1Introspect = z
  .object({
    token: z.string().min(1).openapi({ description: 'An access token or an API key of any contract' }),
    token_type_hint: z.string().optional().openapi({ description: 'Ignored' }),
  })
  .openapi('V1Introspect', { example: { token: 'usk_…' } })

const seconds = z.int().openapi({ description: 'Unix seconds' })

export const V1Introspection = z
  .strictObject({
    active: z.boolean().openapi({ description: 'When false, no other member is present' }),
    sub: z.uuid().optional().openapi({ description: 'The id of the user' }),
    username: z.string().nullable().optional(),
    roles: z.array(z.string()).optional().openapi({ description: 'Names; the primary role comes first' }),
    permissions: z
      .array(permission)
      .optional()
      .openapi({ description: 'The permissions that the token has now, whichever it had when it was issued' }),
    token_type: z.literal('Bearer').optional(),
    client_id: z
      .string()
      .optional()
      .openapi({ description: 'The contract that issued the access token, or the id of the API key' }),
    contract: z.string().optional().openapi({ description: 'The contract of the session; absent for an API key' }),
    sid: z.uuid().optional().openapi({ description: 'The id of the session; absent for an API key' }),
    iss: z.string().optional(),
    aud: z.string().optional(),
    iat: seconds.optional(),
    exp: seconds.optional(),
  })
  .openapi('V1Introspection')

export const V1OAuthError = z
  .strictObject({ error: z.literal('invalid_request'), error_description: z.string() })
  .openapi('V1OAuthError', { description: 'A failure in the format of RFC 6749' })

/** API keys. */
import { z } from '@hono/zod-openapi'
import { parseKeyName } from '../../../core/users/fields'
import { orNull, parsedBy, futureTime } from '../../../http/contract/fields'
import { filledText, permission, sentPermissions, time, uuid } from './fields'

const apiKey = {
  id: uuid,
  name: z.string(),
  permissions: z.array(permission),
  created_at: time,
  expires_at: time.nullable(),
  last_used_at: time.nullable().openapi({ description: 'To the hour' }),
}

export const V1ApiKey = z.strictObject(apiKey).openapi('V1ApiKey')

export const V1ApiKeyList = z.strictObject({ data: z.array(V1ApiKey) }).openapi('V1ApiKeyList')

export const V1NewApiKey = z
  .strictObject({ ...apiKey, key: z.string().openapi({ description: 'Shown this one time only' }) })
  .openapi('V1NewApiKey')

export const V1ApiKeyCreate = z
  .object({
    name: parsedBy(z.string(), parseKeyName).openapi(filledText(200)),
    permissions: sentPermissions,
    expires_at: orNull(futureTime, { type: 'string', format: 'date-time' }),
  })
  .openapi('V1ApiKeyCreate', { example: { name: 'nightly report', permissions: ['users:read'] } })

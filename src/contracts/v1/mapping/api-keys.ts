/** API keys. */
import type { z } from '@hono/zod-openapi'
import type { ApiKey } from '../../../core/access/api-keys'
import { toUtc } from '../../../http/contract/times'
import type { V1ApiKey } from '../schemas/api-keys'

export function fromApiKey(key: ApiKey): z.infer<typeof V1ApiKey> {
  return {
    id: key.id,
    name: key.name,
    permissions: [...key.permissions],
    created_at: toUtc(key.createdAt),
    expires_at: key.expiresAt === null ? null : toUtc(key.expiresAt),
    last_used_at: key.lastUsedAt === null ? null : toUtc(key.lastUsedAt),
  }
}

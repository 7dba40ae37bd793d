/** Headers of requests. */
import { z } from '@hono/zod-openapi'

export const V1IdempotencyKey = z.object({
  'idempotency-key': z.string().min(1).max(255).optional().openapi({
    description:
      'For 24 hours, a retry with the same key and body returns the first response, or 404 if its user or role was deleted',
  }),
})

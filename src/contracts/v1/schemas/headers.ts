/** Headers of requests. */
import { z } from '@hono/zod-openapi'

export const V1IdempotencyKey = z.object({
  'idempotency-key': z.string().min(1).max(255).optional().openapi({
    description:
      'A retry with the same key and body gets the first response, for 24 hours; 404 once its subject is deleted',
  }),
})

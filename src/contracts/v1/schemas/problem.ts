/** The format of every failure. */
import { z } from '@hono/zod-openapi'
import { maxIssues } from '../../../http/contract/failure'

export const errors = z.array(z.strictObject({ field: z.string(), message: z.string() })).max(maxIssues)

export const V1Problem = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: errors.optional(),
  })
  .openapi('V1Problem', {
    example: { type: 'about:blank', title: 'Not Found', status: 404, detail: 'There is no such user.' },
  })

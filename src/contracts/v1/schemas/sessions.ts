/** Sessions. */
import { z } from '@hono/zod-openapi'
import { time, uuid } from './fields'

export const V1Session = z
  .strictObject({
    id: uuid,
    created_at: time,
    last_used_at: time.openapi({ description: 'To the hour' }),
    expires_at: time,
    contract: z.string(),
    program: z
      .string()
      .nullable()
      .openapi({ description: 'The first product of the `User-Agent` that signed in; null if it named none' }),
    current: z.boolean(),
  })
  .openapi('V1Session')

export const V1SessionList = z.strictObject({ data: z.array(V1Session) }).openapi('V1SessionList')

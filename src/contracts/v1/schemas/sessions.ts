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
    current: z.boolean(),
  })
  .openapi('V1Session')

export const V1SessionList = z.strictObject({ data: z.array(V1Session) }).openapi('V1SessionList')

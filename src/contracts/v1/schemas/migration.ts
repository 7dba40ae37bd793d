/** The migration from upstreams. */
import { z } from '@hono/zod-openapi'
import { time } from './fields'

const count = z.int().nonnegative()

export const V1UpstreamProgress = z
  .strictObject({
    upstream: z.string(),
    pending: count.openapi({ description: 'Users whose password only the upstream knows' }),
    adopted: z
      .strictObject({
        total: count,
        by_day: z.record(z.string(), count).openapi({ description: 'By day in UTC, of the last 30 days' }),
      })
      .openapi('V1UpstreamAdopted'),
    refused: count.openapi({ description: 'Answers of the upstream that a password is wrong' }),
    unknown: count.openapi({ description: 'Times that the upstream gave no answer' }),
    last_adopted_at: time.nullable(),
  })
  .openapi('V1UpstreamProgress', {
    example: {
      upstream: 'clinic-legacy',
      pending: 412,
      adopted: { total: 88, by_day: { '2026-11-24': 51, '2026-11-25': 37 } },
      refused: 9,
      unknown: 2,
      last_adopted_at: '2026-11-25T16:20:00Z',
    },
  })

export const V1Migration = z.strictObject({ data: z.array(V1UpstreamProgress) }).openapi('V1Migration')

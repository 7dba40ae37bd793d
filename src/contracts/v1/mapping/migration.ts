/** The migration from upstreams. */
import type { z } from '@hono/zod-openapi'
import type { UpstreamProgress } from '../../../core/moving/migration'
import { toUtc } from '../../../http/contract/times'
import type { V1UpstreamProgress } from '../schemas/migration'

export function fromUpstreamProgress(progress: UpstreamProgress): z.infer<typeof V1UpstreamProgress> {
  const { upstream, pending, adopted, adoptedByDay, refused, unknown, lastAdoptedAt } = progress
  return {
    upstream,
    pending,
    adopted: { total: adopted, by_day: { ...adoptedByDay } },
    refused,
    unknown,
    last_adopted_at: lastAdoptedAt === null ? null : toUtc(lastAdoptedAt),
  }
}

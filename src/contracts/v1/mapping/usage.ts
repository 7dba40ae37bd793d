/** Usage. */
import type { z } from '@hono/zod-openapi'
import type { Usage } from '../../../core/usage/usage'
import { toUtc } from '../../../http/contract/times'
import type { V1Usage } from '../schemas/usage'
import { toId } from './ids'

export function fromUsage(usage: Usage): z.infer<typeof V1Usage> {
  return {
    contract: usage.contract ?? null,
    operation: usage.operation ?? null,
    principal: usage.principal === undefined ? null : toId(usage.principal),
    program: usage.program ?? null,
    first_seen: toUtc(usage.firstSeen),
    last_seen: toUtc(usage.lastSeen),
    active_days: usage.activeDays,
    active_hours: usage.activeHours,
  }
}

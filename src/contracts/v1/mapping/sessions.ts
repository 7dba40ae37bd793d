/** Sessions. */
import type { z } from '@hono/zod-openapi'
import type { Session } from '../../../core/sign-in/sessions'
import { toUtc } from '../../../http/contract/times'
import type { V1Session } from '../schemas/sessions'

export function fromSession(session: Session): z.infer<typeof V1Session> {
  return {
    id: session.id,
    created_at: toUtc(session.createdAt),
    last_used_at: toUtc(session.lastUsedAt),
    expires_at: toUtc(session.expiresAt),
    contract: session.contract,
    program: session.program || null,
    current: session.current,
  }
}

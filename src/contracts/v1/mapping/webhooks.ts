/** Webhooks and the messages they receive. */
import type { z } from '@hono/zod-openapi'
import type { WebhookEvent } from '../../../core/audit/audit'
import type { AuditEvent } from '../../../core/audit/audit-trail'
import type { Webhook, WebhookFailure } from '../../../core/webhooks/webhooks'
import { toUtc } from '../../../http/contract/times'
import type {
  V1Webhook,
  V1WebhookEvent,
  V1WebhookFailureList,
  V1WebhookSecret,
  V1WebhookUpdate,
} from '../schemas/webhooks'
import { fromAuditEvent } from './audit-events'

export function fromWebhook(webhook: Webhook): z.infer<typeof V1Webhook> {
  return {
    id: webhook.id,
    url: webhook.url,
    description: webhook.description,
    events: [...webhook.events],
    status: webhook.active ? 'active' : 'inactive',
    created_at: toUtc(webhook.createdAt),
    last_attempt_at: webhook.lastAttemptAt === null ? null : toUtc(webhook.lastAttemptAt),
    last_outcome: webhook.lastOutcome,
  }
}

/** The signing secrets, the current one first. */
export function fromSecrets([secret, previous]: [string, ...string[]]): z.infer<typeof V1WebhookSecret> {
  return { secret, previous_secret: previous ?? null }
}

/** Only the sent fields. */
export function toWebhookInput({ url, description, events, status }: z.output<typeof V1WebhookUpdate>) {
  return { url, description, events, active: status === undefined ? undefined : status === 'active' }
}

/** The message that a webhook receives for an event. */
export function toWebhookMessage(event: AuditEvent): z.infer<typeof V1WebhookEvent> {
  const { id, at, action, user_id, actor_id, contract, fields } = fromAuditEvent(event)
  return { id, type: action as WebhookEvent, timestamp: at, data: { user_id, actor_id, contract, fields } }
}

export function fromWebhookFailure(failure: WebhookFailure): z.infer<typeof V1WebhookFailureList>['data'][number] {
  return {
    event: toWebhookMessage(failure.event),
    attempts: failure.attempts,
    last_attempt_at: toUtc(failure.lastAttemptAt),
    last_outcome: failure.lastOutcome,
    next_attempt_at: failure.nextAttemptAt === null ? null : toUtc(failure.nextAttemptAt),
  }
}

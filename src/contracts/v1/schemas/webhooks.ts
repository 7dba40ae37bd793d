/** Webhooks and the messages they receive. */
import { z } from '@hono/zod-openapi'
import { webhookEvents } from '../../../core/audit/audit'
import { parseWebhookUrl } from '../../../core/webhooks/webhooks'
import { listOf, parsedBy, refuse } from '../../../http/contract/fields'
import { cursorPagination, description, page, text, time, userId, uuid } from './fields'

const webhookEvent = z.enum(webhookEvents).openapi('V1WebhookEventType')

const webhookStatus = z.enum(['active', 'inactive']).openapi('V1WebhookStatus')

const outcome = z
  .string()
  .openapi({ description: '`delivered`, `http_<status>`, `timeout` or `unreachable`', example: 'http_503' })

const webhook = {
  id: uuid,
  url: z.string().openapi({ format: 'uri' }),
  description: z.string(),
  events: z.array(webhookEvent),
  status: webhookStatus,
  created_at: time,
  last_attempt_at: time.nullable(),
  last_outcome: outcome.nullable(),
}

const secret = z.string().openapi({ description: 'Signs the messages: `whsec_` and base64' })

export const V1Webhook = z.strictObject(webhook).openapi('V1Webhook')

export const V1NewWebhook = z.strictObject({ ...webhook, secret }).openapi('V1NewWebhook')

export const V1WebhookList = z.strictObject({ data: z.array(V1Webhook) }).openapi('V1WebhookList')

export const V1WebhookSecret = z
  .strictObject({
    secret,
    previous_secret: z.string().nullable().openapi({
      description: 'Also signs: for 24 hours after the secret was replaced, and while JWT_SECRET_PREVIOUS is set',
    }),
  })
  .openapi('V1WebhookSecret')

const webhookInput = {
  description: description.optional(),
  events: listOf(webhookEvent, webhookEvents.length)
    .transform((events, context) => (events.length > 0 ? [...new Set(events)] : refuse(context, { rule: 'blank' })))
    .openapi({
      type: 'array',
      items: { $ref: '#/components/schemas/V1WebhookEventType' },
      minItems: 1,
      maxItems: webhookEvents.length,
    })
    .optional(),
  status: webhookStatus.optional(),
}

const webhookUrl = parsedBy(z.string(), parseWebhookUrl).openapi({ ...text(2000), format: 'uri' })

export const V1WebhookCreate = z
  .object({ url: webhookUrl, ...webhookInput })
  .openapi('V1WebhookCreate', { example: { url: 'https://apps.example.org/usher', events: ['user.created'] } })

export const V1WebhookUpdate = z
  .object({ url: webhookUrl.optional(), ...webhookInput })
  .openapi('V1WebhookUpdate', { example: { status: 'inactive' } })

export const V1WebhookEvent = z
  .strictObject({
    id: uuid,
    type: webhookEvent,
    timestamp: time,
    data: z
      .strictObject({
        user_id: userId.nullable(),
        actor_id: userId.nullable(),
        contract: z.string(),
        fields: z.array(z.string()),
      })
      .openapi('V1WebhookEventData'),
  })
  .openapi('V1WebhookEvent', { description: 'The message. `GET /users/{user_id}` returns the current user' })

export const V1WebhookFailureList = z
  .strictObject({
    data: z.array(
      z
        .strictObject({
          event: V1WebhookEvent,
          attempts: z.int(),
          last_attempt_at: time,
          last_outcome: outcome,
          next_attempt_at: time.nullable().openapi({ description: 'Null if no further attempt is made' }),
        })
        .openapi('V1WebhookFailure'),
    ),
    pagination: cursorPagination,
  })
  .openapi('V1WebhookFailureList')

export const V1WebhookFailureListQuery = z.object(page)

export const V1WebhookRetry = z
  .strictObject({ retrying: z.int().openapi({ description: 'Events' }) })
  .openapi('V1WebhookRetry')

export const V1WebhookPing = z.strictObject({ outcome }).openapi('V1WebhookPing')

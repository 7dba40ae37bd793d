/**
 * Manages webhooks, which receive changes of users. They belong to the directory and remain when their creator is
 * deleted.
 */
import { v7 as uuid } from 'uuid'
import {
  deleteWebhook as deleteWebhookRow,
  insertWebhook,
  refuseUnlessWebhook,
  retryWebhookFailures as retryFailures,
  selectWebhook,
  selectWebhookFailures,
  selectWebhooks,
  updateWebhook as updateWebhookRow,
  updateWebhookOutcome,
  updateWebhookSecrets,
  type WebhookRow,
} from '../../database/webhooks/webhooks'
import { record, webhookEvents, type WebhookEvent } from '../audit/audit'
import { toAuditEvent, type AuditEvent } from '../audit/audit-trail'
import { decideAndCommit, readFacts, guard, translateRefusals, type Caller } from '../access/caller'
import type { Parsed, Parser } from '../users/fields'
import { Refused } from '../refusal'
import type { Outcome } from './webhook-delivery'
import { firstNonces, replacedNonces, signingNonces } from './webhook-secrets'

/** Times are unix seconds. */
export interface Webhook {
  id: string
  url: string
  description: string
  events: readonly WebhookEvent[]
  active: boolean
  createdAt: number
  lastAttemptAt: number | null
  lastOutcome: Outcome | null
  /** Identify the secrets that sign now, the current one first. */
  secretNonces: readonly string[]
}

export interface WebhookInput {
  url: Parsed<'webhookUrl'>
  description: Parsed<'description'>
  events: readonly WebhookEvent[]
  active: boolean
}

/** An event that is not yet delivered. `nextAttemptAt` is null when no further attempt is made. */
export interface WebhookFailure {
  event: AuditEvent
  attempts: number
  lastAttemptAt: number
  lastOutcome: Outcome
  nextAttemptAt: number | null
}

const urlMax = 2000

/** Accepts an https URL, or http on localhost, without credentials and without a fragment. */
export const parseWebhookUrl: Parser<string, Parsed<'webhookUrl'>> = (input) => {
  const url = input.length <= urlMax && URL.canParse(input) ? new URL(input) : undefined
  const local = url !== undefined && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  const sound =
    (url?.protocol === 'https:' || (url?.protocol === 'http:' && local)) &&
    url.username === '' &&
    url.password === '' &&
    !url.href.includes('#') &&
    url.href.length <= urlMax
  return sound ? { value: url.href as Parsed<'webhookUrl'> } : { problem: { rule: 'not_a_webhook_url' } }
}

/** Newest first. */
export async function listWebhooks(caller: Caller): Promise<Webhook[]> {
  const [rows] = await translateRefusals(caller, () => caller.database.batch(guard(caller), selectWebhooks()))
  return rows.map((row) => toWebhook(caller, row))
}

export async function getWebhook(caller: Caller, id: string): Promise<Webhook> {
  const [rows] = await translateRefusals(caller, () => caller.database.batch(guard(caller), selectWebhook({ id })))
  return toWebhook(caller, found(rows[0]))
}

/** Creates a webhook, which receives later events only: all, unless `events` selects some. */
export async function createWebhook(
  caller: Caller,
  {
    url,
    description,
    events,
    active,
  }: Pick<WebhookInput, 'url'> & Partial<{ [Field in keyof WebhookInput]: WebhookInput[Field] | undefined }>,
): Promise<Webhook> {
  const row = {
    id: uuid(),
    url,
    description: description ?? '',
    events: JSON.stringify(events ?? webhookEvents),
    active: Number(active ?? true),
    created_at: caller.now,
    secret_nonces: firstNonces(),
  }
  return decideAndCommit(caller, async () => {
    const [actor] = await readFacts(caller)
    await caller.database.batch(
      guard(caller, { needs: caller.needs }),
      insertWebhook(row),
      record(caller, actor, 'webhook.created', {
        subjectId: row.id,
        fields: ['url', 'description', 'events', 'active'],
      }),
    )
    return toWebhook(caller, { ...row, last_attempt_at: null, last_outcome: null })
  })
}

/**
 * Fields that are not given stay unchanged. A reactivated webhook receives the events that it missed, as far as the
 * audit trail still has them.
 */
export async function updateWebhook(
  caller: Caller,
  id: string,
  changes: { [Field in keyof WebhookInput]?: WebhookInput[Field] | undefined },
): Promise<Webhook> {
  return decideAndCommit(caller, async () => {
    const [actor, [row]] = await readFacts(caller, selectWebhook({ id }))
    const present = found(row)
    const { url = present.url, description = present.description, events, active } = changes
    const next = {
      url,
      description,
      events: events ? JSON.stringify(events) : present.events,
      active: active === undefined ? present.active : Number(active),
    }
    const fields = (Object.keys(next) as (keyof typeof next)[]).filter((field) => next[field] !== present[field])
    if (fields.length === 0) return toWebhook(caller, present)
    await caller.database.batch(
      guard(caller, { needs: caller.needs }),
      refuseUnlessWebhook(id),
      updateWebhookRow(id, Object.fromEntries(fields.map((field) => [field, next[field]]))),
      record(caller, actor, 'webhook.updated', { subjectId: id, fields }),
    )
    if (next.active === 1) caller.database.diagnostics.webhooksPending = true
    return toWebhook(caller, { ...present, ...next })
  })
}

/** Gives the webhook a new secret. The previous one still signs for a day. */
export async function replaceWebhookSecret(caller: Caller, id: string): Promise<Webhook> {
  return decideAndCommit(caller, async () => {
    const [actor, [row]] = await readFacts(caller, selectWebhook({ id }))
    const present = found(row)
    const secret_nonces = replacedNonces(present.secret_nonces, caller.now)
    await caller.database.batch(
      guard(caller, { needs: caller.needs }),
      ...updateWebhookSecrets(id, { before: present.secret_nonces, after: secret_nonces }),
      record(caller, actor, 'webhook.updated', { subjectId: id, fields: ['secret'] }),
    )
    return toWebhook(caller, { ...present, secret_nonces })
  })
}

export async function deleteWebhook(caller: Caller, id: string): Promise<void> {
  await decideAndCommit(caller, async () => {
    const [actor, [row]] = await readFacts(caller, selectWebhook({ id }))
    found(row)
    await caller.database.batch(
      guard(caller, { needs: caller.needs }),
      refuseUnlessWebhook(id),
      deleteWebhookRow({ id }),
      record(caller, actor, 'webhook.deleted', { subjectId: id }),
    )
  })
}

/** Returns a page, newest first. `next` is the position of the next page, if there is one. */
export async function listWebhookFailures(
  caller: Caller,
  id: string,
  { before = Number.MAX_SAFE_INTEGER, limit }: { before: number | undefined; limit: number },
): Promise<{ failures: WebhookFailure[]; next: number | undefined }> {
  const [webhooks, rows] = await translateRefusals(caller, () =>
    caller.database.batch(
      guard(caller),
      selectWebhook({ id }),
      selectWebhookFailures({ id, before, limit: limit + 1 }),
    ),
  )
  found(webhooks[0])
  const page = rows.slice(0, limit)
  const failures = page.map((row) => ({
    event: toAuditEvent(row),
    attempts: row.attempts,
    lastAttemptAt: row.last_attempt_at,
    lastOutcome: row.last_outcome as Outcome,
    nextAttemptAt: row.next_attempt_at,
  }))
  return { failures, next: rows.length > limit ? page.at(-1)?.sequence : undefined }
}

/** Makes all failed events due again, at once if the webhook is active. Returns their number. */
export async function retryWebhookFailures(caller: Caller, id: string): Promise<number> {
  return decideAndCommit(caller, async () => {
    const [, [row]] = await readFacts(caller, selectWebhook({ id }))
    const { active } = found(row)
    const [, , , counted] = await caller.database.batch(
      guard(caller, { needs: caller.needs }),
      refuseUnlessWebhook(id),
      updateWebhookRow(id, {}),
      ...retryFailures(id, caller.now),
    )
    if (active === 1) caller.database.diagnostics.webhooksPending = true
    return counted?.[0]?.retrying ?? 0
  })
}

/** Sends a test message, even to an inactive webhook, and returns the outcome. */
export async function pingWebhook(
  caller: Caller,
  id: string,
  send: (webhook: Webhook) => Promise<Outcome>,
): Promise<Outcome> {
  const [, [row]] = await translateRefusals(caller, () => readFacts(caller, selectWebhook({ id })))
  const outcome = await send(toWebhook(caller, found(row)))
  await translateRefusals(caller, () =>
    caller.database.batch(
      guard(caller, { needs: caller.needs }),
      updateWebhookOutcome({ id, at: caller.now, outcome }),
    ),
  )
  return outcome
}

function found<Row>(row: Row | undefined): Row {
  if (!row) throw new Refused({ kind: 'resource_not_found', resource: 'webhook' })
  return row
}

function toWebhook({ now }: Caller, row: WebhookRow): Webhook {
  return {
    id: row.id,
    url: row.url,
    description: row.description,
    events: JSON.parse(row.events) as WebhookEvent[],
    active: row.active === 1,
    createdAt: row.created_at,
    lastAttemptAt: row.last_attempt_at,
    lastOutcome: row.last_outcome as Outcome | null,
    secretNonces: signingNonces(row.secret_nonces, now),
  }
}

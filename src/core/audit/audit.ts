/** What is written down of what was done: who, what, to whom, which fields; never a value. */
import { v7 as uuid } from 'uuid'
import {
  insertAuditEvent,
  insertAuditEventOfKey,
  insertUnlockedEvent,
  type NewAuditEventRow,
} from '../../database/audit/audit'
import type { ActorRow } from '../../database/guard'
import type { CommonEvent } from '../../database/moving/imports'
import type { Statement } from '../../database/statement'
import type { Caller, Visit } from '../access/caller'

export const auditActions = [
  'user.created',
  'user.updated',
  'user.deactivated',
  'user.activated',
  'user.deleted',
  'user.roles_set',
  'user.password_set',
  'user.password_token_issued',
  'user.password_token_revoked',
  'session.created',
  'session.ended',
  'session.reuse_detected',
  'key.created',
  'key.revoked',
  'role.created',
  'role.updated',
  'role.deleted',
  'account.locked',
  'account.unlocked',
  'users.exported',
  'webhook.created',
  'webhook.updated',
  'webhook.deleted',
] as const

export type AuditAction = (typeof auditActions)[number]

/** What webhooks tell: changes of users. */
export const webhookEvents = [
  'user.created',
  'user.updated',
  'user.deactivated',
  'user.activated',
  'user.deleted',
  'user.roles_set',
  'user.password_set',
] as const satisfies readonly AuditAction[]

export type WebhookEvent = (typeof webhookEvents)[number]

const notifiesWebhooks = (action: AuditAction) => (webhookEvents as readonly AuditAction[]).includes(action)

/** Who did it: a row of users, with the API key that the request came on, if it did. */
export type Actor = Pick<ActorRow, 'id' | 'key_id'>

export interface EventDetails {
  /** The user it was done to. */
  userId?: string | null
  /** The role, API key, session or webhook that it is about. */
  subjectId?: string
  fields?: readonly string[]
}

/** The statement that records what `actor` did on the caller's credential, for the batch that does it. */
export function record(caller: Caller, actor: Actor, action: AuditAction, details: EventDetails = {}): Statement {
  return { ...insertAuditEvent(eventBy(caller, actor, action, details)), notifiesWebhooks: notifiesWebhooks(action) }
}

/** The same, for a batch that knows its actor by the credential alone. */
export function recordByCredential(caller: Caller, action: AuditAction, details: EventDetails): Statement {
  const { credential } = caller
  if (credential.kind === 'session') return record(caller, { id: credential.userId, key_id: null }, action, details)
  const { actor_id: _, credential_id: __, ...event } = newEvent(caller, action, { ...details, actorId: null })
  const insert = insertAuditEventOfKey({ ...event, credential_kind: 'key', hash: credential.hash })
  return { ...insert, notifiesWebhooks: notifiesWebhooks(action) }
}

/** Records that a lockout of the account was lifted, if there is one. To stand before the statement that lifts it. */
export function recordUnlocking(caller: Caller, actor: Actor, account: string, userId: string): Statement {
  return insertUnlockedEvent({ ...eventBy(caller, actor, 'account.unlocked', { userId }), account })
}

/** The same for a request without a credential. */
export function recordUnlockingWithoutCredential(
  visit: Visit,
  account: string,
  who: { actorId: string | null; userId: string },
): Statement {
  return insertUnlockedEvent({ ...newEvent(visit, 'account.unlocked', who), account })
}

function eventBy(caller: Caller, actor: Actor, action: AuditAction, details: EventDetails): NewAuditEventRow {
  return { ...newEvent(caller, action, { ...details, actorId: actor.id }), ...credentialOf(caller, actor) }
}

/** The event as a row, of a request that no credential stands behind. The address of its client is recorded where `address` says so. */
export function newEvent(
  visit: Visit,
  action: AuditAction,
  details: EventDetails & { actorId: string | null; address?: boolean },
): NewAuditEventRow {
  return {
    id: uuid(),
    at: visit.now,
    actor_id: details.actorId,
    action,
    user_id: details.userId ?? null,
    contract: visit.contract,
    fields: JSON.stringify(details.fields ?? []),
    subject_id: details.subjectId ?? null,
    credential_kind: null,
    credential_id: null,
    request_id: visit.requestId,
    address: details.address ? (visit.address ?? null) : null,
  }
}

/** The same for a request without a credential. */
export function recordWithoutCredential(
  visit: Visit,
  action: AuditAction,
  details: Parameters<typeof newEvent>[2],
): Statement {
  return { ...insertAuditEvent(newEvent(visit, action, details)), notifiesWebhooks: notifiesWebhooks(action) }
}

function credentialOf(
  { credential }: Caller,
  actor: Actor,
): Pick<NewAuditEventRow, 'credential_kind' | 'credential_id'> {
  return {
    credential_kind: credential.kind,
    credential_id: credential.kind === 'session' ? credential.sessionId : actor.key_id,
  }
}

/** What the events of the same action on many users have in common. */
export function commonEvent(caller: Caller, actor: Actor, action: AuditAction): CommonEvent {
  const {
    id: _,
    user_id: __,
    fields: ___,
    subject_id: ____,
    address: _____,
    ...common
  } = eventBy(caller, actor, action, {})
  return { ...common, notifiesWebhooks: notifiesWebhooks(action) }
}

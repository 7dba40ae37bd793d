/** The audit events of a change: the actor, the action, the user and the fields, never a value. */
import { v7 as uuid } from 'uuid'
import {
  insertAuditEvent,
  insertAuditEventByCredential,
  insertUnlockedEvent,
  type NewAuditEventRow,
} from '../../database/audit/audit'
import { nameOf, valueOf, type ActorRow } from '../../database/guard'
import type { CommonEvent } from '../../database/moving/imports'
import type { Statement } from '../../database/statement'
import type { Caller, Visit } from '../access/caller'
import type { UserSelector } from '../users/user'

export const auditActions = [
  'user.created',
  'user.updated',
  'user.deactivated',
  'user.activated',
  'user.deleted',
  'user.roles_set',
  'user.password_set',
  'user.password_adopted',
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

/** The actions that webhooks deliver: changes of users. */
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

/** The acting user, and the API key of the request, if it came with one. */
export type Actor = Pick<ActorRow, 'id' | 'key_id'>

export interface EventDetails {
  /** The user that the action changed. */
  userId?: string | null
  /** The role, API key, session or webhook that the event is about. */
  subjectId?: string
  fields?: readonly string[]
}

/** Returns the statement that records an action of `actor`. It belongs in the batch of the action. */
export function record(caller: Caller, actor: Actor, action: AuditAction, details: EventDetails = {}): Statement {
  return { ...insertAuditEvent(eventBy(caller, actor, action, details)), notifiesWebhooks: notifiesWebhooks(action) }
}

/** As `record`, for a batch that knows its actor only by the credential, and the user only by a key. */
export function recordByCredential(
  caller: Caller,
  action: AuditAction,
  { user, ...details }: Omit<EventDetails, 'userId'> & { user?: UserSelector },
): Statement {
  const { credential } = caller
  const { kind } = credential
  const event = {
    ...newEvent(caller, action, { ...details, actorId: null }),
    credential_kind: kind,
    user_id: valueOf(user),
  }
  const insert = insertAuditEventByCredential(
    { kind, user: nameOf(user) ?? 'id' },
    kind === 'session'
      ? { ...event, actor_id: credential.userId, credential_id: credential.sessionId }
      : { ...event, hash: credential.hash },
  )
  return { ...insert, notifiesWebhooks: notifiesWebhooks(action) }
}

/** Records that a lockout was lifted, if the account is locked. Must precede the statement that lifts it. */
export function recordUnlocking(caller: Caller, actor: Actor, account: string, userId: string): Statement {
  return insertUnlockedEvent({ ...eventBy(caller, actor, 'account.unlocked', { userId }), account })
}

/** As `recordUnlocking`, for a request without a credential. */
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

/** Returns the row of an event without a credential. `address` records the client's address. */
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

/** As `record`, for a request without a credential. */
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

/** Returns the columns that the events of one action on many users share. */
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

/** What is written down of what was done: who, what, to whom, which fields; never a value. */
import { v7 as uuid } from 'uuid'
import { insertAuditEvent } from '../database/audit'
import type { CommonEvent } from '../database/imports'
import type { Statement } from '../database/statement'
import type { Visit } from './caller'

export const auditActions = [
  'user.created',
  'user.updated',
  'user.deactivated',
  'user.activated',
  'user.deleted',
  'user.roles_set',
  'user.password_set',
  'user.password_token_issued',
  'session.created',
  'session.ended',
  'key.created',
  'key.revoked',
  'role.created',
  'role.updated',
  'role.deleted',
  'account.locked',
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

const isTold = (action: AuditAction) => (webhookEvents as readonly AuditAction[]).includes(action)

/** The statement that records it, for the batch that does it. */
export function record(
  visit: Visit,
  action: AuditAction,
  about: { actorId: string | null; userId: string | null; fields?: readonly string[] },
): Statement {
  const insert = insertAuditEvent({
    id: uuid(),
    at: visit.now,
    actor_id: about.actorId,
    action,
    user_id: about.userId,
    contract: visit.contract,
    fields: JSON.stringify(about.fields ?? []),
  })
  return { ...insert, told: isTold(action) }
}

/** What the events of the same action on many users have in common. */
export function eachEvent(visit: Visit, action: AuditAction, actorId: string): CommonEvent {
  return { at: visit.now, actor_id: actorId, action, contract: visit.contract, told: isTold(action) }
}

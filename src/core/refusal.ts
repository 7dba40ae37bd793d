/** All refusals of the core. Each contract renders each kind; a new kind does not compile until every contract does. */
import type { Permission } from './access/permissions'
import type { Problem } from './users/fields'
import type { UserSelector } from './users/user'

export type Refusal =
  /** The request has no valid credential of an active user. */
  | { kind: 'unauthenticated' }
  /**
   * `missing` is empty when no permission would help. `fields` names the forbidden fields, if the contract asked for
   * their names.
   */
  | { kind: 'forbidden'; missing: readonly Permission[]; fields?: readonly string[] }
  /** Users change their own password only by giving the current one. */
  | { kind: 'own_password' }
  | { kind: 'invalid'; problems: readonly FieldProblem[] }
  | { kind: 'user_not_found'; selector: UserSelector }
  /** A role that the change names in this field does not exist. */
  | { kind: 'role_not_found'; field: 'role' | 'roles' }
  /** The subject of the request does not exist and is not a user. */
  | { kind: 'resource_not_found'; resource: 'role' | 'session' | 'api_key' | 'webhook' | 'upstream' }
  | { kind: 'role_refused'; why: 'taken' | 'in_use' | 'built_in' }
  | { kind: 'already_taken'; fields: readonly [LoginField, ...LoginField[]] }
  | { kind: 'last_admin' }
  /** More users than one request reads, or more memberships than one changes. */
  | { kind: 'too_many'; of: 'users' | 'memberships'; max: number }
  /** The user is at a version other than the required one. */
  | { kind: 'version_mismatch' }
  /** The idempotency key was used for another request. */
  | { kind: 'idempotency_key_reused' }
  /** Concurrent changes made every attempt at this change fail. */
  | { kind: 'contended' }
  /** Unknown user, wrong password, inactive user or no password. The response is the same for all. */
  | { kind: 'invalid_credentials' }
  | { kind: 'invalid_refresh_token' }
  | { kind: 'invalid_password_token' }
  /** Too many failed sign-ins on this account. */
  | { kind: 'locked_out'; retryAfterSeconds: number }
  /** The upstream that knows the password of this account gives no answer. */
  | { kind: 'upstream_unavailable'; retryAfterSeconds: number }

export type LoginField = 'email' | 'username' | 'matricule'

/** The problem with one field of the core user. The contract translates the field's name. */
export interface FieldProblem {
  field: string
  problem: Problem
}

/** Thrown by the core; each contract renders it. */
export class Refused extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.kind)
  }
}

/** Every way the directory says no. Each contract renders each of them; a new one does not compile until all do. */
import type { Permission } from './access/permissions'
import type { Problem } from './users/fields'
import type { UserSelector } from './users/user'

export type Refusal =
  /** No living credential of an active user stands behind the request. */
  | { kind: 'unauthenticated' }
  /** `missing` is empty where no permission would help. `fields` are the fields that may not be changed, where the contract asked for their names. */
  | { kind: 'forbidden'; missing: readonly Permission[]; fields?: readonly string[] }
  /** One's own password changes only where the current one is given. */
  | { kind: 'own_password' }
  | { kind: 'invalid'; problems: readonly FieldProblem[] }
  | { kind: 'user_not_found'; selector: UserSelector }
  /** A role that a change names, in this of its fields. */
  | { kind: 'role_not_found'; field: 'role' | 'roles' }
  /** What the request is about, where that is no user. */
  | { kind: 'resource_not_found'; resource: 'role' | 'session' | 'api_key' | 'webhook' }
  | { kind: 'role_refused'; why: 'taken' | 'in_use' | 'built_in' }
  | { kind: 'already_taken'; fields: readonly [LoginField, ...LoginField[]] }
  | { kind: 'last_admin' }
  /** The user is at another version than the caller would change. */
  | { kind: 'version_mismatch' }
  /** The same key came before with another request. */
  | { kind: 'idempotency_key_reused' }
  /** Others changed the same thing, again and again, while this change was being made. */
  | { kind: 'contended' }
  /** Wrong, unknown, inactive or without password: nobody is told which. */
  | { kind: 'invalid_credentials' }
  | { kind: 'invalid_refresh_token' }
  | { kind: 'invalid_password_token' }
  /** Too many failed sign-ins on this account. */
  | { kind: 'locked_out'; retryAfterSeconds: number }

export type LoginField = 'email' | 'username' | 'matricule'

/** What is wrong with one field of the core record; the contract knows it by its own name. */
export interface FieldProblem {
  field: string
  problem: Problem
}

/** Thrown by the core, rendered at the edge. */
export class Refused extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.kind)
  }
}

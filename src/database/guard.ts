/**
 * Authorisation, decided by the database in the transaction that needs it. A guard is the head of every batch. If the
 * session is invalid, its user inactive or a permission missing, the batch fails at the guard and nothing is written.
 */
import { sql, type SQL, type SQLWrapper } from 'drizzle-orm/sql'
import { compile, prepare, type Statement } from './statement'
import { apiKeys, refusal, roles, sessions, userRoles, users } from './tables'
import { upsertUse, type UseRow } from './usage/usage'

/** The head of a batch. Only this file creates one. */
export interface Guard {
  readonly statements: readonly Statement<unknown>[]
  /** Whether the last statement returns the id of the request's API key. */
  readonly namesKey?: boolean
}

/** Identifies a user by a unique key. */
export type UserKey = { id: string } | { number: number } | { matricule: number }

/**
 * The credential of a request: a session, which must belong to the user of its token, or an API key. `issuedAt` (unix
 * seconds) is when the token was issued, and so the last known use of the session. With `contract`, the session must be
 * one of that contract.
 */
export type Credential =
  | { kind: 'session'; sessionId: string; userId: string; issuedAt: number; contract?: string | undefined }
  | { kind: 'key'; hash: string }

export interface Claim {
  credential: Credential
  /** Unix seconds. */
  now: number
  /** A bit mask of the permissions that the caller must hold. */
  needs: number
  /** The user who needs no permission, because the operation concerns them alone. Ignored for API keys. */
  self?: UserKey | undefined
  /** The user that the change is about. The caller must hold every permission of this user. */
  targetUser?: UserKey | undefined
  /** Whether the caller must not be the target user. */
  othersOnly?: boolean
  /** The roles that the change grants. The caller must hold every permission of these roles. */
  grantedRoles?: readonly number[] | undefined
  /** Whether the request has no earlier batch, which would have recorded its use. */
  isOnlyBatch?: boolean
  /** The use to record, if the claim holds. */
  use?: PendingUse | undefined
}

/** A use that is not recorded yet. `program` is the program of a session; an API key counts as a program itself. */
export interface PendingUse {
  row: Omit<UseRow, 'principal'>
  onRecorded: () => void
}

export interface ActorRow {
  number: number
  id: string
  permissions: number
  /** The id of the API key of the request; null on a session. */
  key_id: string | null
}

const permissionBits = 20
const lastUseResolutionSeconds = 3600

/** `a | b | …` as a balanced tree, because D1 refuses expressions deeper than 100. */
function orOf(terms: readonly SQL[]): SQL {
  if (terms.length === 1) return terms[0] as SQL
  const middle = terms.length >> 1
  return sql`(${orOf(terms.slice(0, middle))} | ${orOf(terms.slice(middle))})`
}

/** The union of the permissions of the roles that `from` lists as `role_number`. SQLite has no aggregate OR. */
function union(from: SQL): SQL {
  const bits = orOf(Array.from({ length: permissionBits }, (_, bit) => sql.raw(`max(permissions & ${1 << bit})`)))
  return sql`coalesce((SELECT ${bits} FROM (${from}) JOIN ${roles} ON ${roles.number} = role_number), 0)`
}

/** The permissions that a user holds through their roles, as an expression over a row of users. */
export const heldPermissions = sql`(
  (SELECT ${roles.permissions} FROM ${roles} WHERE ${roles.number} = ${users.primary_role}) |
  CASE WHEN ${users.role_count} > 1 THEN ${union(
    sql`SELECT role_number FROM ${userRoles} WHERE ${userRoles.user_number} = ${users.number} AND position > 0`,
  )} ELSE 0 END)`

const value = sql.placeholder

/** The user of the credential, if it is valid: one row or none. */
const actor = {
  session: () => sql`
    SELECT ${users.number}, ${users.id}, ${users.matricule}, ${heldPermissions} AS permissions, NULL AS key_id
    FROM ${sessions} JOIN ${users} ON ${users.number} = ${sessions.user_number}
    WHERE ${sessions.id} = ${value('credential')} AND ${sessions.expires_at} > ${value('now')}
      AND ${sessions.generation} = ${users.session_generation} AND ${users.active} = 1 AND ${users.id} = ${value('userId')}
      AND ${sessions.contract} = coalesce(${value('sessionContract')}, ${sessions.contract})`,
  key: () => sql`
    SELECT ${users.number}, ${users.id}, ${heldPermissions} & ${apiKeys.permissions} AS permissions, ${apiKeys.id} AS key_id
    FROM ${apiKeys} JOIN ${users} ON ${users.number} = ${apiKeys.user_number}
    WHERE ${apiKeys.hash} = ${value('credential')} AND coalesce(${apiKeys.expires_at} > ${value('now')}, 1)
      AND ${apiKeys.generation} = ${users.key_generation} AND ${users.active} = 1`,
}

export type UserKeyName = 'id' | 'number' | 'matricule'

/** The name of a unique key. */
export function nameOf(key: UserKey): UserKeyName
export function nameOf(key: UserKey | undefined): UserKeyName | undefined
export function nameOf(key: UserKey | undefined): UserKeyName | undefined {
  return key && (Object.keys(key)[0] as UserKeyName)
}

/** The value of a unique key; null without one. */
export const valueOf = (key: UserKey | undefined) => (key && Object.values<string | number>(key)[0]) ?? null

/** The permissions that the caller must hold; none if the caller is `self`. */
function neededBy(self: UserKeyName | undefined): SQL {
  return self
    ? sql`CASE WHEN actor.${sql.identifier(self)} = ${value('self')} THEN 0 ELSE ${value('needs')} END`
    : sql`${value('needs')}`
}

/** `target` is the key of the target user, if the claim is about a user or grants roles. */
function authority(
  kind: Credential['kind'],
  self: UserKeyName | undefined,
  target: UserKeyName | undefined,
  othersOnly: boolean,
): SQL {
  const needs = neededBy(self)
  const ofTarget = (wanted: SQLWrapper) =>
    sql`(SELECT ${wanted} FROM ${users} WHERE ${users[target ?? 'number']} = ${value('targetUser')})`
  const further = target
    ? sql` | coalesce(${ofTarget(heldPermissions)}, 0) | ${union(sql`SELECT value AS role_number FROM json_each(${value('grantedRoles')})`)}`
    : sql``
  const isOther = othersOnly ? sql` AND actor.number IS NOT ${ofTarget(users.number)}` : sql``
  return sql`
    INSERT INTO ${refusal} (reason)
    SELECT iif(allowed IS NULL, 'unauthenticated', 'forbidden')
    FROM (
      SELECT (SELECT (${needs}${further}) & ~actor.permissions = 0${isOther} FROM (${actor[kind]()}) AS actor) AS allowed)
    WHERE allowed IS NOT 1`
}

type ClaimValues = Record<string, string | number | null>
const authorities = new Map<string, (values: ClaimValues) => Statement>()

/** Updates the last use of a credential, at most once an hour. */
const touches = {
  session: prepare<{ credential: string; now: number; before: number }>(
    () => sql`
      UPDATE ${sessions} SET last_used_at = ${value('now')}
      WHERE ${sessions.id} = ${value('credential')} AND ${sessions.last_used_at} <= ${value('before')}`,
  ),
  key: prepare<{ credential: string; now: number; before: number }>(
    () => sql`
      UPDATE ${apiKeys} SET last_used_at = ${value('now')}
      WHERE ${apiKeys.hash} = ${value('credential')} AND coalesce(${apiKeys.last_used_at}, 0) <= ${value('before')}`,
  ),
}

/** Returns no statement when the token itself shows a use within the hour. */
function touch({ credential, now }: Claim): Statement[] {
  const before = now - lastUseResolutionSeconds
  if (credential.kind === 'session' && credential.issuedAt > before) return []
  return [touches[credential.kind]({ credential: credentialValues(credential).credential, now, before })]
}

const uses = new Map<string, (values: ClaimValues) => Statement>()

/** Records the use only if the claim holds, because a query does not refuse the batch before its rows are read. */
function recordUse({ credential, now, needs, self: claimed, use }: Claim): Statement[] {
  if (!use) return []
  const { kind } = credential
  const self = kind === 'session' ? claimed : undefined
  const selfKey = nameOf(self)
  const shape = `${kind} ${selfKey}`
  let statement = uses.get(shape)
  if (!statement) {
    statement = prepare(() =>
      upsertUse(
        sql`actor.id`,
        kind === 'key' ? sql`actor.key_id` : sql`${value('program')}`,
        sql`FROM (${actor[kind]()}) AS actor WHERE ${neededBy(selfKey)} & ~actor.permissions = 0`,
      ),
    )
    uses.set(shape, statement)
  }
  const values = { ...credentialValues(credential), now, needs, self: valueOf(self), ...use.row }
  return [{ ...statement(values), onCommit: use.onRecorded }]
}

const keyId = prepare<{ credential: string }, { id: string }>(
  () => sql`SELECT ${apiKeys.id} FROM ${apiKeys} WHERE ${apiKeys.hash} = ${value('credential')}`,
)

/** Returns the guard of an operation with a credential. It also records the credential's last use, to the hour. */
export function requireAuthority(claim: Claim): Guard {
  const { now, needs, targetUser, othersOnly = false, grantedRoles, isOnlyBatch = false } = claim
  const { kind } = claim.credential
  const self = kind === 'session' ? claim.self : undefined
  const selfKey = nameOf(self)
  const target = nameOf(targetUser ?? (grantedRoles && { number: 0 }))
  const shape = `${kind} ${selfKey} ${target} ${othersOnly}`
  let statement = authorities.get(shape)
  if (!statement) authorities.set(shape, (statement = prepare(() => authority(kind, selfKey, target, othersOnly))))
  const values = credentialValues(claim.credential)
  const isFirst = isOnlyBatch || !target
  const namesKey = kind === 'key' && isFirst
  return {
    namesKey,
    statements: [
      statement({
        ...values,
        now,
        needs,
        self: valueOf(self),
        targetUser: valueOf(targetUser),
        grantedRoles: JSON.stringify(grantedRoles ?? []),
      }),
      // A commit follows a batch that has already recorded the use.
      ...(isFirst ? [...touch(claim), ...recordUse(claim)] : []),
      ...(namesKey ? [keyId({ credential: values.credential })] : []),
    ],
  }
}

function credentialValues(credential: Credential): {
  credential: string
  userId: string
  sessionContract: string | null
} {
  return credential.kind === 'session'
    ? { credential: credential.sessionId, userId: credential.userId, sessionContract: credential.contract ?? null }
    : { credential: credential.hash, userId: '', sessionContract: null }
}

/** For operations without a credential: signing in, and checking the health of the database. */
export const unguarded: Guard = { statements: [] }

/**
 * Refuses the batch with `reason` when `condition` holds. Used without a credential, and for changes decided on earlier
 * facts.
 */
export function refuseIf(reason: Reason, condition: SQL): Statement {
  return compile(refusing(reason, condition))
}

type Reason = (typeof refusal.$inferSelect)['reason']

/** The SQL of `refuseIf`. */
export const refusing = (reason: Reason, condition: SQL): SQL =>
  sql`INSERT INTO ${refusal} (reason) SELECT ${sql.raw(`'${reason}'`)} WHERE ${condition}`

/** The head of a batch that reads facts: the acting user, and whether they are allowed to. */
export interface Inquiry {
  touch: readonly Statement[]
  actor: Statement<ActorRow & { allowed: number }>
}

const inquiries = new Map<string, (values: ClaimValues) => Statement<ActorRow & { allowed: number }>>()

export function inquire(claim: Claim): Inquiry {
  const { credential, now, needs, self: claimed } = claim
  const { kind } = credential
  const self = kind === 'session' ? claimed : undefined
  const selfKey = nameOf(self)
  const shape = `${kind} ${selfKey}`
  let actorOf = inquiries.get(shape)
  if (!actorOf) {
    actorOf = prepare(
      () => sql`
        SELECT number, id, permissions, key_id, ${neededBy(selfKey)} & ~actor.permissions = 0 AS allowed
        FROM (${actor[kind]()}) AS actor`,
    )
    inquiries.set(shape, actorOf)
  }
  const values = credentialValues(credential)
  return {
    touch: [...touch(claim), ...recordUse(claim)],
    actor: actorOf({ ...values, now, needs, self: valueOf(self) }),
  }
}

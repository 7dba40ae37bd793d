/**
 * Authority, decided by the database in the transaction that uses it. A guard is the head of every batch: if the session is dead,
 * its user inactive, or a needed permission not held, the batch fails there and nothing of it happens.
 */
import { sql, type SQL } from 'drizzle-orm/sql'
import { compile, prepare, type Statement } from './statement'
import { apiKeys, refusal, roles, sessions, userRoles, users } from './tables'

/** The head of a batch. Only this file makes one. */
export interface Guard {
  readonly statements: readonly Statement<unknown>[]
  /** Whether the last of them answers the id of the API key that is asked on. */
  readonly namesKey?: boolean
}

/** A user named by one of the keys that are unique in the directory. */
export type UserKey = { id: string } | { number: number } | { matricule: number }

/**
 * What a request is made on: a session, which must be of the user its token names, or an API key. `issuedAt` (unix seconds) is when
 * the token was, and so when the session was used.
 */
export type Credential =
  { kind: 'session'; sessionId: string; userId: string; issuedAt: number } | { kind: 'key'; hash: string }

export interface Claim {
  credential: Credential
  /** Unix seconds. */
  now: number
  /** Bit mask of permissions that must be held. */
  needs: number
  /** The user who needs no permission, being the one concerned; a key is nobody's self. */
  self?: UserKey | undefined
  /** The user whose every permission must be held too: nobody acts on the more powerful. */
  targetUser?: number | undefined
  /** The roles whose every permission must be held too: nobody grants more than they have. */
  grantedRoles?: readonly number[] | undefined
}

export interface ActorRow {
  number: number
  id: string
  permissions: number
  /** Of the API key that is asked on; null on a session. */
  key_id: string | null
}

const permissionBits = 20
const lastUseResolutionSeconds = 3600

/** `a | b | …` as a balanced tree: D1 refuses expressions deeper than 100. */
function orOf(terms: readonly SQL[]): SQL {
  if (terms.length === 1) return terms[0] as SQL
  const middle = terms.length >> 1
  return sql`(${orOf(terms.slice(0, middle))} | ${orOf(terms.slice(middle))})`
}

/** The union of the permissions of the roles that `from` lists as `role_number`; SQLite has no aggregate OR. */
function union(from: SQL): SQL {
  const bits = orOf(Array.from({ length: permissionBits }, (_, bit) => sql.raw(`max(permissions & ${1 << bit})`)))
  return sql`coalesce((SELECT ${bits} FROM (${from}) JOIN ${roles} ON ${roles.number} = role_number), 0)`
}

/** The permissions a user holds through their roles; an expression over a row of users. */
export const heldPermissions = sql`(
  (SELECT ${roles.permissions} FROM ${roles} WHERE ${roles.number} = ${users.primary_role}) |
  CASE WHEN ${users.role_count} > 1 THEN ${union(
    sql`SELECT role_number FROM ${userRoles} WHERE ${userRoles.user_number} = ${users.number} AND position > 0`,
  )} ELSE 0 END)`

const value = sql.placeholder

/** The one behind the credential, if it is alive: a row, or none. */
const actor = {
  session: () => sql`
    SELECT ${users.number}, ${users.id}, ${users.matricule}, ${heldPermissions} AS permissions, NULL AS key_id
    FROM ${sessions} JOIN ${users} ON ${users.number} = ${sessions.user_number}
    WHERE ${sessions.id} = ${value('credential')} AND ${sessions.expires_at} > ${value('now')}
      AND ${sessions.generation} = ${users.session_generation} AND ${users.active} = 1 AND ${users.id} = ${value('userId')}`,
  key: () => sql`
    SELECT ${users.number}, ${users.id}, ${heldPermissions} & ${apiKeys.permissions} AS permissions, ${apiKeys.id} AS key_id
    FROM ${apiKeys} JOIN ${users} ON ${users.number} = ${apiKeys.user_number}
    WHERE ${apiKeys.hash} = ${value('credential')} AND coalesce(${apiKeys.expires_at} > ${value('now')}, 1)
      AND ${apiKeys.generation} = ${users.key_generation} AND ${users.active} = 1`,
}

const selfKeys = ['id', 'number', 'matricule'] as const

/** What must be held: nothing, of the user who is the one concerned. */
function neededBy(self: (typeof selfKeys)[number] | undefined): SQL {
  return self
    ? sql`CASE WHEN actor.${sql.identifier(self)} = ${value('self')} THEN 0 ELSE ${value('needs')} END`
    : sql`${value('needs')}`
}

function authority(kind: Credential['kind'], self: (typeof selfKeys)[number] | undefined, extended: boolean): SQL {
  const needs = neededBy(self)
  const further = extended
    ? sql` | coalesce((SELECT ${heldPermissions} FROM ${users} WHERE ${users.number} = ${value('targetUser')}), 0) | ${union(sql`SELECT value AS role_number FROM json_each(${value('grantedRoles')})`)}`
    : sql``
  return sql`
    INSERT INTO ${refusal} (reason)
    SELECT iif(allowed IS NULL, 'unauthenticated', 'forbidden')
    FROM (SELECT (SELECT (${needs}${further}) & ~actor.permissions = 0 FROM (${actor[kind]()}) AS actor) AS allowed)
    WHERE allowed IS NOT 1`
}

type ClaimValues = Record<string, string | number | null>
const authorities = new Map<string, (values: ClaimValues) => Statement>()

/** A credential that was last used an hour ago or longer has been used now. */
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

/** Nothing, where the token tells that the session has been used since. */
function touch({ credential, now }: Claim): Statement[] {
  const before = now - lastUseResolutionSeconds
  if (credential.kind === 'session' && credential.issuedAt > before) return []
  return [touches[credential.kind]({ credential: credentialValues(credential).credential, now, before })]
}

const keyId = prepare<{ credential: string }, { id: string }>(
  () => sql`SELECT ${apiKeys.id} FROM ${apiKeys} WHERE ${apiKeys.hash} = ${value('credential')}`,
)

/** The guard of everything done on a credential; it also keeps the credential's last use, to the hour. */
export function requireAuthority(claim: Claim): Guard {
  const { now, needs, targetUser, grantedRoles } = claim
  const { kind } = claim.credential
  const self = kind === 'session' ? claim.self : undefined
  const selfKey = self && selfKeys.find((key) => key in self)
  const extended = targetUser !== undefined || grantedRoles !== undefined
  const shape = `${kind} ${selfKey} ${extended}`
  let statement = authorities.get(shape)
  if (!statement) authorities.set(shape, (statement = prepare(() => authority(kind, selfKey, extended))))
  const values = credentialValues(claim.credential)
  const namesKey = kind === 'key' && !extended
  return {
    namesKey,
    statements: [
      statement({
        ...values,
        now,
        needs,
        self: (self && Object.values<string | number>(self)[0]) ?? null,
        targetUser: targetUser ?? null,
        grantedRoles: JSON.stringify(grantedRoles ?? []),
      }),
      // The commit of a change follows a batch that has touched the credential already.
      ...(extended ? [] : touch(claim)),
      ...(namesKey ? [keyId({ credential: values.credential })] : []),
    ],
  }
}

function credentialValues(credential: Credential): { credential: string; userId: string } {
  return credential.kind === 'session'
    ? { credential: credential.sessionId, userId: credential.userId }
    : { credential: credential.hash, userId: '' }
}

/** For what needs no credential: signing in, and asking whether the database is there. */
export const unguarded: Guard = { statements: [] }

/** A guard of what the world must be like, for batches that no credential stands behind and for changes decided on earlier facts. */
export function refuseIf(reason: (typeof refusal.$inferSelect)['reason'], condition: SQL): Statement {
  return compile(sql`INSERT INTO ${refusal} (reason) SELECT ${sql.raw(`'${reason}'`)} WHERE ${condition}`)
}

/** The head of a batch that asks what a change is decided on: who stands behind the credential, and whether they may know. */
export interface Inquiry {
  touch: readonly Statement[]
  actor: Statement<ActorRow & { allowed: number }>
}

const inquiries = new Map<string, (values: ClaimValues) => Statement<ActorRow & { allowed: number }>>()

export function inquire(claim: Claim): Inquiry {
  const { credential, now, needs, self: claimed } = claim
  const { kind } = credential
  const self = kind === 'session' ? claimed : undefined
  const selfKey = self && selfKeys.find((key) => key in self)
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
    touch: touch(claim),
    actor: actorOf({ ...values, now, needs, self: (self && Object.values<string | number>(self)[0]) ?? null }),
  }
}

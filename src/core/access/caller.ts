/**
 * The caller of an operation and the authority that it claims. The guard of each batch checks the claim in the
 * database.
 */
import { BatchConflict, BatchRefused, type Database } from '../../database/database'
import { inquire, requireAuthority, type ActorRow, type Claim, type Credential, type Guard } from '../../database/guard'
import type { Statement } from '../../database/statement'
import type { Permission } from './permissions'
import { toMask } from './permissions'
import { Refused, type Refusal } from '../refusal'
import { pendingUseOn, type Use } from '../usage/recording'
import type { Upstream, Upstreams } from '../sign-in/upstreams'
import type { UserSelector } from '../users/user'

export interface Settings {
  /** Rounds of 100,000 PBKDF2 iterations. */
  passwordRounds: number
  /** Code points. */
  passwordMinLength: number
  firstAdmin: { email: string; password: string } | undefined
  /** A session ends this long after its sign-in, however often it is refreshed. */
  sessionMaxSeconds: number
  /** The first secret signs and derives; all secrets verify. */
  jwtSecrets: readonly [string, ...string[]]
  /** By name. The rows of an import give the name in `password_from`. */
  upstreams: ReadonlyMap<string, Upstream>
}

/** One request to the directory, with or without credentials. */
export interface Visit {
  database: Database
  settings: Settings
  upstreams: Upstreams
  /** The name of the contract that received the request. */
  contract: string
  /** The `X-Request-Id` of the response, a uuid. */
  requestId: string
  /** The client's IP address as the platform reports it; undefined when it reports none. */
  address: string | undefined
  /** The program that sends the request, by its own account; an empty text where it names none. */
  program: string
  /** Unix seconds. */
  now: number
  /** The use to record, if usage is recorded. */
  use?: Use | undefined
}

/**
 * A request with a credential. The credential only claims an identity; the database decides whether it is still valid.
 */
export interface Caller extends Visit {
  credential: Credential
  needs: readonly Permission[]
  /** The user who needs no permission, because the operation concerns only this user. */
  self?: UserSelector | undefined
  /** A retry with the same key returns the result of the first request. */
  idempotency?: IdempotencyKey | undefined
}

export interface IdempotencyKey {
  key: string
  /**
   * Keyed hashes of the request; the first uses the current secret. A record that has any of them belongs to the same
   * request.
   */
  fingerprints: readonly [string, ...string[]]
  /** Called when the stored result of the first request is returned. */
  onReplay: () => void
}

/** The authority that a change needs. It is known only after the facts are read. */
interface Needs {
  needs: readonly Permission[]
  /** The user to change. */
  targetUser?: UserSelector
  /** Whether the caller must not be the user to change. */
  othersOnly?: boolean
  /** The numbers of the roles that the change grants. */
  grantedRoles?: readonly number[]
  /** Whether the change is decided in this batch alone, without facts that were read before. */
  isOnlyBatch?: boolean
}

/**
 * Returns the head of a batch, which checks the permissions of the operation. A commit passes the permissions that its
 * change needs.
 */
export function guard(caller: Caller, change?: Needs): Guard {
  if (!change) return requireAuthority(claimOf(caller))
  return requireAuthority({ ...claimOf(caller), ...change, needs: toMask(change.needs), self: undefined })
}

function claimOf(caller: Caller): Claim {
  const { credential, now, needs, self } = caller
  return { credential, now, needs: toMask(needs), self, use: pendingUseOn(caller, credential) }
}

/**
 * Reads the acting user and the facts that a change is decided on. The commit then needs a `guard` that decides again.
 */
export function readFacts<const S extends readonly Statement<unknown>[]>(caller: Caller, ...statements: S) {
  return caller.database.readFacts(inquire(claimOf(caller)), ...statements)
}

/** Checks the caller's authority alone, for responses that need no data. Records no use. */
export async function authorise(caller: Caller): Promise<void> {
  await translateRefusals(caller, () => caller.database.batch(guard({ ...caller, use: undefined })))
}

/** Whether the caller is the user with this id. An API key never is. */
export function isSelf({ credential }: Caller, userId: string): boolean {
  return credential.kind === 'session' && credential.userId === userId
}

/** Refuses operations that need a session: an invalid key as unauthenticated, a valid key as forbidden. */
export async function refuseApiKey(caller: Caller): Promise<never> {
  await authorise(caller)
  throw new Refused({ kind: 'forbidden', missing: [] })
}

/**
 * Refuses an API key that acts on its own owner. Otherwise, a person with a stolen session could create a key and use
 * it to take over the account.
 */
export function refuseApiKeyOnOwner({ credential }: Caller, actor: ActorRow, userId: string): void {
  if (credential.kind === 'key' && actor.id === userId) throw new Refused({ kind: 'forbidden', missing: [] })
}

const lostRace = (error: unknown) =>
  error instanceof BatchConflict ||
  (error instanceof BatchRefused && ['stale', 'sign_in_changed'].includes(error.reason))

/**
 * Runs `work` and turns a refusal of the database into a `Refused`. A missing permission is reported from
 * `caller.needs`.
 */
export async function translateRefusals<T>(caller: Caller, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof BatchRefused ? new Refused(toRefusal(error.reason, caller.needs)) : error
  }
}

function toRefusal(reason: BatchRefused['reason'], needs: readonly Permission[]): Refusal {
  switch (reason) {
    case 'unauthenticated':
      return { kind: 'unauthenticated' }
    case 'forbidden':
      return { kind: 'forbidden', missing: needs }
    case 'last_admin':
      return { kind: 'last_admin' }
    case 'not_there':
    case 'stale':
    case 'admin_exists':
    case 'sign_in_changed':
    case 'refresh_token_unusable':
    case 'password_token_unusable':
      return { kind: 'contended' }
  }
}

const attempts = 50

/**
 * Decides on facts, then commits on the condition that they still hold. If another change came first, decides again on
 * new facts. An attempt fails only when another change succeeded, so a queue of writers always makes progress.
 */
export async function decideAndCommit<T>(caller: Caller, attempt: () => Promise<T>): Promise<T> {
  return translateRefusals(caller, async () => {
    for (let tried = 1; tried <= attempts; tried += 1) {
      try {
        return await attempt()
      } catch (error) {
        if (!lostRace(error)) throw error
      }
    }
    throw new Refused({ kind: 'contended' })
  })
}

/** Who asks, and on what authority. Everything the directory does for someone takes a Caller, and spends it in the batch's guard. */
import { BatchConflict, BatchRefused, type Database } from '../../database/database'
import { inquire, requireAuthority, type ActorRow, type Claim, type Credential, type Guard } from '../../database/guard'
import type { Statement } from '../../database/statement'
import type { Permission } from './permissions'
import { toMask } from './permissions'
import { Refused, type Refusal } from '../refusal'
import type { UserSelector } from '../users/user'

export interface Settings {
  /** Rounds of 100,000 PBKDF2 iterations. */
  passwordRounds: number
  /** Code points. */
  passwordMinLength: number
  firstAdmin: { email: string; password: string } | undefined
  /** How long after its sign-in a session ends, however often it is refreshed. */
  sessionMaxSeconds: number
  /** The first signs and derives; all verify. */
  jwtSecrets: readonly [string, ...string[]]
}

/** One request to the directory, by whomever. */
export interface Visit {
  database: Database
  settings: Settings
  /** The name of the contract it came through. */
  contract: string
  /** The `X-Request-Id` of its response, a uuid. */
  requestId: string
  /** The client's IP address, as the platform saw it; undefined where it says none. */
  address: string | undefined
  /** Unix seconds. */
  now: number
}

/** One request on a credential. The claims say whom it is for; only the database says whether that still holds. */
export interface Caller extends Visit {
  credential: Credential
  needs: readonly Permission[]
  /** The user who may do this without the permission, being the one concerned. */
  self?: UserSelector | undefined
  /** A retry of this request, known by the key, gets the first one's result. */
  idempotency?: IdempotencyKey | undefined
}

export interface IdempotencyKey {
  key: string
  /** Keyed hashes of the request, by the present secret first; a record by any of them is of the same request. */
  fingerprints: readonly [string, ...string[]]
  /** Called where the result of the first request is answered again. */
  onReplay: () => void
}

/** What a change turned out to need, once it was known whom it concerns and what it does. */
interface Needs {
  needs: readonly Permission[]
  /** The number of the user acted upon. */
  targetUser?: number
  /** The numbers of the roles given. */
  grantedRoles?: readonly number[]
}

/** The head of the caller's batches: the operation's own needs, or, for a commit, what its change was found to need. */
export function guard(caller: Caller, change?: Needs): Guard {
  if (!change) return requireAuthority(claimOf(caller))
  const { targetUser, grantedRoles } = change
  return requireAuthority({
    ...claimOf(caller),
    needs: toMask(change.needs),
    self: undefined,
    targetUser,
    grantedRoles,
  })
}

function claimOf({ credential, now, needs, self }: Caller): Claim {
  return { credential, now, needs: toMask(needs), self }
}

/** What a change is decided on, with who asks; for a commit that its `guard` decides on once more. */
export function readFacts<const S extends readonly Statement<unknown>[]>(caller: Caller, ...statements: S) {
  return caller.database.readFacts(inquire(claimOf(caller)), ...statements)
}

/** Whether the caller may do this at all: the guard alone, for answers that need nothing else of the database. */
export async function authorise(caller: Caller): Promise<void> {
  await translateRefusals(caller, () => caller.database.batch(guard(caller)))
}

/** Whether the user with this id is the one who asks; a key is nobody's self. */
export function isSelf({ credential }: Caller, userId: string): boolean {
  return credential.kind === 'session' && credential.userId === userId
}

/** Refuses an API key what takes a session; one that is not alive is unauthenticated. */
export async function refuseApiKey(caller: Caller): Promise<never> {
  await authorise(caller)
  throw new Refused({ kind: 'forbidden', missing: [] })
}

/**
 * Refuses an API key of the user with this id. A key must not take its owner over or shut them out: whoever stole a session could make
 * a key and do by it what the session may not.
 */
export function refuseApiKeyOnOwner({ credential }: Caller, actor: ActorRow, userId: string): void {
  if (credential.kind === 'key' && actor.id === userId) throw new Refused({ kind: 'forbidden', missing: [] })
}

const overtaken = (error: unknown) =>
  error instanceof BatchConflict ||
  (error instanceof BatchRefused && ['stale', 'sign_in_changed'].includes(error.reason))

/** Turns the database's no into the core's. `needs` is what a missing permission is named from. */
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
 * Decides on facts, then commits on the condition that they still hold; when others were faster, decides again on the new facts.
 * Each attempt that fails is one that somebody else's change made fail, so a queue of writers always moves.
 */
export async function decideAndCommit<T>(caller: Caller, attempt: () => Promise<T>): Promise<T> {
  return translateRefusals(caller, async () => {
    for (let tried = 1; tried <= attempts; tried += 1) {
      try {
        return await attempt()
      } catch (error) {
        if (!overtaken(error)) throw error
      }
    }
    throw new Refused({ kind: 'contended' })
  })
}

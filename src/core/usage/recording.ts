/**
 * Records the use of operations by users and programs, once for each hour, in the batch of the request. An isolate
 * remembers the uses that it has recorded in the current hour. The statement writes nothing if another isolate has
 * recorded the use already.
 */
import type { Credential, PendingUse } from '../../database/guard'
import type { Statement } from '../../database/statement'
import { recordUseOfSession, recordUseOfUser } from '../../database/usage/usage'
import type { Settings, Visit } from '../access/caller'

/** The use that a request makes. */
export interface Use {
  /** The operationId. */
  operation: string
  /** The name that the client sends; an empty text without one. */
  program: string
}

/** The maximum number of programs that an isolate records by name in an hour, for one principal and operation. */
const maxPrograms = 20
/** The name of all further programs. A client that sends a new name with each request must not fill the database. */
const otherPrograms = '(other)'

/**
 * The maximum number of principals and operations in memory. Above it the isolate forgets them, and asks the database
 * again.
 */
const maxRemembered = 10_000

interface Memory {
  /** Hours since 1970. */
  hour: number
  /** The recorded programs, by contract, operation and principal. */
  programs: Map<string, Set<string>>
}

/** One for each configuration; an isolate has only one. */
const memories = new WeakMap<Settings, Memory>()

function memoryOf(settings: Settings, hour: number): Memory {
  const known = memories.get(settings)
  if (known?.hour === hour && known.programs.size < maxRemembered) return known
  const memory = { hour, programs: new Map<string, Set<string>>() }
  memories.set(settings, memory)
  return memory
}

/**
 * Returns the use of a request with a credential, unless it is recorded already. An API key counts as one program, for
 * every `User-Agent`.
 */
export function pendingUseOn(visit: Visit, credential: Credential): PendingUse | undefined {
  const { use } = visit
  if (!use) return undefined
  if (credential.kind === 'session') return pendingUse(visit, use, credential.userId)
  return pendingUse(visit, { ...use, program: '' }, credential.hash)
}

/** `principal` identifies the user or the API key of the request. */
function pendingUse({ contract, settings, now }: Visit, use: Use, principal: string): PendingUse | undefined {
  const hour = Math.floor(now / 3600)
  const { programs } = memoryOf(settings, hour)
  const key = `${contract} ${use.operation} ${principal}`
  const recorded = programs.get(key)
  const isKnown = recorded === undefined || recorded.size < maxPrograms || recorded.has(use.program)
  const program = isKnown ? use.program : otherPrograms
  if (recorded?.has(program)) return undefined
  return {
    row: { contract, operation: use.operation, program, day: Math.floor(hour / 24), hours: 1 << (hour % 24) },
    onRecorded: () => void programs.set(key, (programs.get(key) ?? new Set()).add(program)),
  }
}

/** Records the use by a user, if the guard of the batch admits the caller. */
export function recordUse(visit: Visit, userId: string): Statement[] {
  const use = visit.use && pendingUse(visit, visit.use, userId)
  return use ? [{ ...recordUseOfUser({ ...use.row, principal: userId }), onCommit: use.onRecorded }] : []
}

/** Does the same for a session, while the session is valid in the batch. */
export function recordUseOnSession(visit: Visit, sessionId: string): Statement[] {
  const use = visit.use && pendingUse(visit, visit.use, sessionId)
  return use ? [{ ...recordUseOfSession({ ...use.row, sessionId }), onCommit: use.onRecorded }] : []
}

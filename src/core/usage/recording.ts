/**
 * Recording who uses which operation. A use is recorded in the batch of its request, once for each hour: an isolate remembers what it has
 * recorded in the present hour, and the statement writes nothing where another isolate was first.
 */
import type { Credential, PendingUse } from '../../database/guard'
import type { Statement } from '../../database/statement'
import { recordUseOfSession, recordUseOfUser } from '../../database/usage/usage'
import type { Settings, Visit } from '../access/caller'

/** What a request uses. */
export interface Use {
  /** The operationId. */
  operation: string
  /** As the client names itself; an empty text where it does not. */
  program: string
}

/** The programs of one principal and operation in the present hour that an isolate records by name. */
const maxPrograms = 20
/** Stands for the others: a client that names itself anew at each request must not fill the database. */
const otherPrograms = '(other)'

/** Principals with their operation, at most: beyond that the isolate forgets, and asks the database again. */
const maxRemembered = 10_000

interface Memory {
  /** Hours since 1970. */
  hour: number
  /** The programs that are recorded, by contract, operation and principal. */
  programs: Map<string, Set<string>>
}

/** One for each configuration: an isolate has one. */
const memories = new WeakMap<Settings, Memory>()

function memoryOf(settings: Settings, hour: number): Memory {
  const known = memories.get(settings)
  if (known?.hour === hour && known.programs.size < maxRemembered) return known
  const memory = { hour, programs: new Map<string, Set<string>>() }
  memories.set(settings, memory)
  return memory
}

/** The use of a request on a credential, unless it is recorded. An API key is one program, however its clients name themselves. */
export function pendingUseOn(visit: Visit, credential: Credential): PendingUse | undefined {
  const { use } = visit
  if (!use) return undefined
  if (credential.kind === 'session') return pendingUse(visit, use, credential.userId)
  return pendingUse(visit, { ...use, program: '' }, credential.hash)
}

/** `principal` is what the request knows its user or API key by. */
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

/** Records the use by a user whom the batch lets in. */
export function recordUse(visit: Visit, userId: string): Statement[] {
  const use = visit.use && pendingUse(visit, visit.use, userId)
  return use ? [{ ...recordUseOfUser({ ...use.row, principal: userId }), onCommit: use.onRecorded }] : []
}

/** The same where only the session is known, which the batch must not have ended yet. */
export function recordUseOnSession(visit: Visit, sessionId: string): Statement[] {
  const use = visit.use && pendingUse(visit, visit.use, sessionId)
  return use ? [{ ...recordUseOfSession({ ...use.row, sessionId }), onCommit: use.onRecorded }] : []
}

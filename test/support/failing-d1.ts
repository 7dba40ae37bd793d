/**
 * A D1 that fails on demand. The Worker gets it in place of the real database, to which it otherwise forwards
 * everything.
 */
import { testEnv } from './usher'

/** The errors in D1's documentation, by its advice: retry, or do not retry. */
export const documented = {
  again: [
    'D1_ERROR: D1 DB reset because its code was updated.',
    'D1_ERROR: Internal error while starting up D1 DB storage caused object to be reset.',
    'D1_ERROR: Network connection lost.',
    'D1_ERROR: Internal error in D1 DB storage caused object to be reset.',
    'D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node.',
    "D1_ERROR: Can't read from request stream because client disconnected.",
  ],
  notAgain: [
    'D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.',
    'D1_ERROR: D1 DB is overloaded. Requests queued for too long.',
    'D1_ERROR: D1 DB is overloaded. Too many requests queued.',
    "D1_ERROR: D1 DB's isolate exceeded its memory limit and was reset.",
    'D1_ERROR: D1 DB exceeded its CPU time limit and was reset.',
    'D1_ERROR: Exceeded maximum DB size.',
    'D1_ERROR: statement too long: SQLITE_TOOBIG',
    'D1_ERROR: too many SQL variables at offset 0: SQLITE_ERROR',
    'D1_ERROR: no such table: users: SQLITE_ERROR',
    'D1_ERROR: database disk image is malformed: SQLITE_CORRUPT',
    'D1_COLUMN_NOTFOUND: Column not found.',
    'Too many API requests by single Worker invocation.',
  ],
}

export type Fault =
  /** The batch has no effect. */
  | { kind: 'error'; message: string }
  /** The batch has no effect, and no reply ever arrives. */
  | { kind: 'stall' }
  /** The batch is committed, but the reply is an error. */
  | { kind: 'reply lost'; message: string }

/** `strikes` decides for each batch whether it fails. Batches are numbered from 1. */
export interface Plan {
  strikes: (number: number) => boolean
  fault: Fault
}

/**
 * A database for `env.DB`. `batches` lists the batches that were sent and the rows that each wrote. `stalled` resolves
 * when a batch stalls.
 */
export function failingD1(plan?: Plan) {
  const batches: { written: number }[] = []
  const stalled = Promise.withResolvers<void>()
  const batch = async (statements: D1PreparedStatement[]) => {
    const record = { written: 0 }
    const number = batches.push(record)
    const fault = plan?.strikes(number) ? plan.fault : undefined
    if (fault?.kind === 'error') throw new Error(fault.message)
    if (fault?.kind === 'stall') {
      stalled.resolve()
      return new Promise<never>(() => {})
    }
    const results = await testEnv.DB.batch(statements)
    record.written = results.reduce((sum, { meta }) => sum + meta.rows_written, 0)
    if (fault) throw new Error(fault.message)
    return results
  }
  return { DB: { prepare: (sql: string) => testEnv.DB.prepare(sql), batch }, batches, stalled: stalled.promise }
}

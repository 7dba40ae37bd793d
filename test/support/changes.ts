/**
 * Counts the calls of D1 that may have written. SQLite's total_changes() cannot tell: the local D1 writes a bookmark in
 * each call, even in one that only reads.
 */
import { env } from 'cloudflare:workers'

const { DB } = env as unknown as { DB: D1Database }

let writes = 0

/** A number that differs after every call that may have written. */
export const changes = (): number => writes

/** Counts a change that no call of D1 has made. */
export function changed(): void {
  writes += 1
}

/** Counts the calls of `method` that fail, or of whose answer `hasWritten` is true. */
function count<Name extends string>(
  prototype: Record<Name, (...values: never[]) => Promise<unknown>>,
  method: Name,
  hasWritten: (answer: unknown, statement: string) => boolean,
) {
  const original = prototype[method]
  prototype[method] = async function (this: { statement?: string }, ...values: never[]) {
    try {
      const answer = await original.apply(this, values)
      if (hasWritten(answer, this.statement ?? '')) writes += 1
      return answer
    } catch (error) {
      writes += 1
      throw error
    }
  }
}

const inMeta = (answer: unknown) => [answer].flat().some((result) => (result as D1Result).meta.changed_db)
const inStatement = (_: unknown, statement: string) => !/^\s*(SELECT|EXPLAIN)\b/i.test(statement)

const database = Object.getPrototypeOf(DB)
count(database, 'batch', inMeta)
count(database, 'exec', () => true)
const statement = Object.getPrototypeOf(DB.prepare('SELECT 1'))
count(statement, 'all', inMeta)
count(statement, 'run', inMeta)
// Their answers have no meta.
count(statement, 'first', inStatement)
count(statement, 'raw', inStatement)

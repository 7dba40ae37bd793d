/** The one way to D1: a batch, which is one round trip and one transaction, and which always begins with its guard. */
import type { ActorRow, Guard, Inquiry } from './guard'
import type { Statement } from './statement'
import { refusal } from './tables'
import { selectActiveWebhook } from './webhooks/webhooks'

type Reason = (typeof refusal.$inferSelect)['reason']

/** A guard in the batch did not hold, so nothing of the batch happened. */
export class BatchRefused extends Error {
  constructor(readonly reason: Reason) {
    super(reason)
  }
}

/** A uniqueness or a reference did not hold, so nothing of the batch happened: somebody else was first. */
export class BatchConflict extends Error {}

/** A value broke a rule of its column, so nothing of the batch happened. The same request would fail again. */
export class ValueRefused extends Error {}

/** D1 did not answer, not in time, or not with anything this code knows: whether the batch happened is unknown. */
export class DatabaseUnavailable extends Error {}

/** Far more than any batch of ours takes, and less than clients wait; D1 itself gives up after 30 seconds, or never. */
const limitMilliseconds = 10_000

/**
 * The errors after which D1's documentation says to ask again. Where it is overloaded, out of time or out of memory it says not to:
 * that would be more of what ails it.
 */
const passing =
  /reset because its code was updated|Internal error (in|while starting up) D1 DB storage|Network connection lost|transient issue on remote node|Can't read from request stream/

const maxPauseMilliseconds = 100

/** What a request has cost so far, summed from D1's own account of each statement; times in milliseconds. */
export interface Cost {
  trips: number
  rowsRead: number
  rowsWritten: number
  milliseconds: number
}

type Rows<S extends readonly Statement<unknown>[]> = {
  -readonly [I in keyof S]: S[I] extends Statement<infer Row> ? Row[] : never
}

export class Database {
  readonly cost: Cost = { trips: 0, rowsRead: 0, rowsWritten: 0, milliseconds: 0 }

  /**
   * What was learned beside what was asked for: the id of the API key the work was done on, whether webhooks wait to tell of it, where
   * the database is, and how large.
   */
  readonly diagnostics: { keyId?: string; webhooksPending?: boolean; region?: string | undefined; sizeBytes?: number } =
    {}

  constructor(private readonly d1: D1Database) {}

  /**
   * Reads what a change is to be decided on, and who asks. Throws as `batch` does, before anything read is seen, where they may not:
   * the same decision as the guard's, without a row of its own.
   */
  async readFacts<const S extends readonly Statement<unknown>[]>(
    { touch, actor }: Inquiry,
    ...statements: S
  ): Promise<[ActorRow, ...Rows<S>]> {
    const results = await this.run([...touch, actor, ...statements], () => true)
    const row = results[touch.length]?.results[0] as (ActorRow & { allowed: number }) | undefined
    if (row?.key_id) this.diagnostics.keyId = row.key_id
    if (row?.allowed !== 1) throw new BatchRefused(row ? 'forbidden' : 'unauthenticated')
    return [row, ...rowsOf(statements, results.slice(touch.length + 1))]
  }

  /**
   * Runs `statements` after `guard` in one transaction and answers the rows of each.
   * Throws BatchRefused, BatchConflict, ValueRefused or DatabaseUnavailable; all but the last leave nothing behind.
   */
  async batch<const S extends readonly Statement<unknown>[]>(guard: Guard, ...statements: S): Promise<Rows<S>> {
    const checks = statements.some((statement) => statement.notifiesWebhooks) ? [selectActiveWebhook()] : []
    const all = [...guard.statements, ...statements, ...checks]
    const results = await this.run(all, () => statements.every(isRead))
    const head = guard.statements.length
    if (checks.length > 0) this.diagnostics.webhooksPending ||= (results.pop()?.results.length ?? 0) > 0
    if (guard.namesKey) this.diagnostics.keyId = (results[head - 1]?.results[0] as { id: string }).id
    return rowsOf(statements, results.slice(head))
  }

  /** Runs what leaves everything as it was, whatever it writes on the way, and so can be asked twice. Throws as `batch` does. */
  async probe(statements: readonly Statement[]): Promise<void> {
    await this.run(statements, () => true)
  }

  /**
   * Asks once more after an error that passes, if the batch changes nothing that matters, however often it runs. D1 does the same
   * for batches that only read, but ours begin with a guard, which it takes for a write. A change is never sent twice: the error may
   * have come after it was made, and only the client can know, or ask again under its Idempotency-Key, whether it still is to be.
   */
  private async run(statements: readonly Statement<unknown>[], isRepeatable: () => boolean): Promise<D1Result[]> {
    try {
      return await this.send(statements)
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable && passing.test(error.message) && isRepeatable())) throw error
      // Not all at once: whatever hit this request hit others in the same moment.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * maxPauseMilliseconds))
      return this.send(statements)
    }
  }

  private async send(statements: readonly Statement<unknown>[]): Promise<D1Result[]> {
    this.cost.trips += 1
    let results: D1Result[]
    let timer: number | null = null
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer in ${limitMilliseconds} ms`)), limitMilliseconds)
    })
    try {
      const answer = this.d1.batch(statements.map(({ sql, params }) => this.d1.prepare(sql).bind(...params)))
      results = await Promise.race([answer, late])
    } catch (error) {
      throw fromD1(error)
    } finally {
      clearTimeout(timer)
    }
    for (const { meta } of results) {
      this.cost.rowsRead += meta.rows_read
      this.cost.rowsWritten += meta.rows_written
      this.cost.milliseconds += meta.duration
      this.diagnostics.region = meta.served_by_region
      this.diagnostics.sizeBytes = meta.size_after
    }
    return results
  }
}

function rowsOf<const S extends readonly Statement<unknown>[]>(statements: S, results: readonly D1Result[]): Rows<S> {
  return statements.map(({ read }, index) => {
    const rows = (results[index] as D1Result).results
    return read ? rows.map((row) => read(row as never)) : rows
  }) as Rows<S>
}

/** Whether the statement leaves everything as it is: a question, or a condition that no row comes of. */
function isRead({ sql }: Statement<unknown>): boolean {
  return (
    /^\s*INSERT INTO "refusal"/i.test(sql) ||
    (/^\s*(SELECT|WITH)\b/i.test(sql) && !/\b(INSERT|UPDATE|DELETE)\b/i.test(sql))
  )
}

function fromD1(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error)
  const refused = /CHECK constraint failed: ([a-z_]+)(?::|$)/.exec(message)?.[1]
  if (refused !== undefined && isReason(refused)) return new BatchRefused(refused)
  if (/CHECK constraint failed|cannot store \w+ value in/.test(message)) return new ValueRefused(message)
  if (/(UNIQUE|FOREIGN KEY) constraint failed/.test(message)) return new BatchConflict(message)
  return new DatabaseUnavailable(message)
}

function isReason(name: string): name is Reason {
  return (refusal.reason.enumValues as readonly string[]).includes(name)
}

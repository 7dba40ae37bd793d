/** The only access to D1: a batch, which is one round trip and one transaction and always begins with a guard. */
import type { ActorRow, Guard, Inquiry } from './guard'
import type { Statement } from './statement'
import { refusal } from './tables'
import { selectActiveWebhook } from './webhooks/webhooks'

type Reason = (typeof refusal.$inferSelect)['reason']

/** A guard refused the batch. Nothing was written. */
export class BatchRefused extends Error {
  constructor(readonly reason: Reason) {
    super(reason)
  }
}

/** A uniqueness or foreign-key constraint failed, because another change came first. Nothing was written. */
export class BatchConflict extends Error {}

/** A value violated a constraint of its column. Nothing was written, and a retry would fail again. */
export class ValueRefused extends Error {}

/** D1 gave no response, a late one or an unknown error. Whether the batch was written is unknown. */
export class DatabaseUnavailable extends Error {}

/**
 * Far longer than any batch of Usher takes, and shorter than clients wait. D1 itself gives up after 30 seconds or
 * never.
 */
const limitMilliseconds = 10_000

/**
 * The transient errors that D1's documentation says to retry. It says not to retry when D1 is overloaded, out of time
 * or out of memory, because a retry adds load.
 */
const transientErrors =
  /reset because its code was updated|Internal error (in|while starting up) D1 DB storage|Network connection lost|transient issue on remote node|Can't read from request stream/

const maxPauseMilliseconds = 100

/** The cost of a request so far, summed from D1's `meta` of each statement. Times are in milliseconds. */
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
   * Facts learned from the batches: the id of the API key, whether webhooks have events to receive, and the region and
   * size of the database.
   */
  readonly diagnostics: { keyId?: string; webhooksPending?: boolean; region?: string | undefined; sizeBytes?: number } =
    {}

  constructor(private readonly d1: D1Database) {}

  /**
   * Reads the acting user and the facts that a change is decided on. Throws as `batch` does. The authority is checked
   * before any fact is returned, by the same rule as the guard's.
   */
  async readFacts<const S extends readonly Statement<unknown>[]>(
    { touch, actor }: Inquiry,
    ...statements: S
  ): Promise<[ActorRow, ...Rows<S>]> {
    const results = await this.run([...touch, actor, ...statements], () => true)
    const row = results[touch.length]?.results[0] as (ActorRow & { allowed: number }) | undefined
    if (row?.key_id) this.diagnostics.keyId = row.key_id
    if (row?.allowed !== 1) throw new BatchRefused(row ? 'forbidden' : 'unauthenticated')
    notifyCommitted(touch)
    return [row, ...rowsOf(statements, results.slice(touch.length + 1))]
  }

  /**
   * Runs `statements` after `guard` in one transaction and returns the rows of each. Throws BatchRefused,
   * BatchConflict, ValueRefused or DatabaseUnavailable. All but the last guarantee that nothing was written.
   */
  async batch<const S extends readonly Statement<unknown>[]>(guard: Guard, ...statements: S): Promise<Rows<S>> {
    const checks = statements.some((statement) => statement.notifiesWebhooks) ? [selectActiveWebhook()] : []
    const all = [...guard.statements, ...statements, ...checks]
    const results = await this.run(all, () => statements.every(isRead))
    notifyCommitted(all)
    const head = guard.statements.length
    if (checks.length > 0) this.diagnostics.webhooksPending ||= (results.pop()?.results.length ?? 0) > 0
    if (guard.namesKey) this.diagnostics.keyId = (results[head - 1]?.results[0] as { id: string }).id
    return rowsOf(statements, results.slice(head))
  }

  /** Runs statements that leave the data unchanged in the end, so that a retry is safe. Throws as `batch` does. */
  async probe(statements: readonly Statement[]): Promise<void> {
    await this.run(statements, () => true)
  }

  /**
   * Retries once after a transient error, if the batch is safe to repeat. D1 itself retries batches that only read, but
   * it treats guards as writes. A change is never sent twice, because the error may have come after the commit. Only
   * the client can know whether to retry, or use an Idempotency-Key.
   */
  private async run(statements: readonly Statement<unknown>[], isRepeatable: () => boolean): Promise<D1Result[]> {
    try {
      return await this.send(statements)
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable && transientErrors.test(error.message) && isRepeatable())) throw error
      // A random pause, because the error probably hit many requests at the same moment.
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

function notifyCommitted(statements: readonly Statement<unknown>[]): void {
  for (const { onCommit } of statements) onCommit?.()
}

function rowsOf<const S extends readonly Statement<unknown>[]>(statements: S, results: readonly D1Result[]): Rows<S> {
  return statements.map(({ read }, index) => {
    const rows = (results[index] as D1Result).results
    // Only the statement knows the shape of its rows.
    return read ? rows.map((row) => read(row as never)) : rows
  }) as Rows<S>
}

/** Whether the statement leaves the data unchanged: a query, or a guard, which never inserts a row. */
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

/** Removes expired and outdated rows, a limited number per run. The next run continues. */
import type { Database } from '../../database/database'
import { unguarded } from '../../database/guard'
import {
  isOldestFirst,
  keepSweepPosition,
  selectRangeEnd,
  selectSweepPositions,
  sweepRange,
  taskNames,
  type Position,
  type TaskName,
  type Times,
} from '../../database/upkeep/sweep'
import { idempotencyRetentionSeconds } from '../idempotency'
import { forgottenAfterSeconds } from '../sign-in/sign-in-failures'

/** Rows scanned in one transaction, few enough not to delay other requests. */
const rowsPerRange = 2_000
/** Ranges per table and run. Together they stay below the platform's limit of 1,000 queries per run. */
const rangesPerRun = 30

export interface SweepReport {
  /** Rows removed, by table. */
  removed: Record<TaskName, number>
  /** Tables that the run did not finish. The next run continues there. */
  unfinished: TaskName[]
}

/** Makes one run. `now` is unix seconds. Two concurrent runs are safe: neither finds rows that the other removed. */
export async function sweep(
  database: Database,
  {
    now,
    auditRetentionDays,
    usageRetentionDays,
  }: { now: number; auditRetentionDays: number | undefined; usageRetentionDays: number },
): Promise<SweepReport> {
  const times = {
    now,
    idempotencyBefore: now - idempotencyRetentionSeconds,
    failuresBefore: now - forgottenAfterSeconds,
    auditBefore: auditRetentionDays === undefined ? undefined : now - auditRetentionDays * 86_400,
    usageBeforeDay: Math.floor(now / 86_400) - usageRetentionDays,
  }
  const [stored] = await database.batch(unguarded, selectSweepPositions())
  const positions = new Map(stored.map(({ task, position }) => [task, JSON.parse(position) as Position]))
  const removed = {} as SweepReport['removed']
  const unfinished: TaskName[] = []
  for (const name of taskNames) {
    const outcome = await sweepTable(database, name, times, positions.get(name))
    removed[name] = outcome.removed
    if (!outcome.finished) unfinished.push(name)
  }
  return { removed, unfinished }
}

async function sweepTable(database: Database, name: TaskName, times: Times, from: Position | undefined) {
  const oldestFirst = isOldestFirst(name)
  let removed = 0
  let after = from
  for (let range = 0; range < rangesPerRun; range += 1) {
    const [ends] = await database.batch(unguarded, selectRangeEnd(name, after, rowsPerRange))
    const end = ends[0] && (JSON.parse(ends[0].end) as Position)
    const statements = sweepRange(name, times, { after, end })
    if (!statements) return { removed, finished: true }
    const keep = oldestFirst || end === after ? [] : [keepSweepPosition(name, end)]
    const [, [count]] = await database.batch(unguarded, ...statements, ...keep)
    const removedNow = count?.removed ?? 0
    removed += removedNow
    if (end === undefined || (oldestFirst && removedNow === 0)) return { removed, finished: true }
    after = end
  }
  return { removed, finished: false }
}

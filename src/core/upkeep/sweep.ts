/** Housekeeping: what has expired, ended or been kept long enough goes, so much at a time and the rest at the next run. */
import type { Database } from '../../database/database'
import { unguarded } from '../../database/guard'
import {
  isOldestFirst,
  keepSweepPosition,
  selectStretchEnd,
  selectSweepPositions,
  sweepStretch,
  taskNames,
  type Position,
  type TaskName,
  type Times,
} from '../../database/upkeep/sweep'
import { idempotencyRetentionSeconds } from '../idempotency'
import { forgottenAfterSeconds } from '../sign-in/sign-in-failures'

/** Rows looked at in one transaction: few enough that nobody waits for it. */
const stretchRows = 2_000
/** Of each table, a run: all of them make fewer queries than the platform allows one run, which is 1,000. */
const stretches = 30

export interface SweepReport {
  /** Rows, by table. */
  removed: Record<TaskName, number>
  /** The tables that the run did not come to the end of: the next goes on there. */
  unfinished: TaskName[]
}

/** One run; `now` is unix seconds. Two at once do no harm: what the one has removed the other does not find. */
export async function sweep(
  database: Database,
  { now, auditRetentionDays }: { now: number; auditRetentionDays: number | undefined },
): Promise<SweepReport> {
  const times = {
    now,
    idempotencyBefore: now - idempotencyRetentionSeconds,
    failuresBefore: now - forgottenAfterSeconds,
    auditBefore: auditRetentionDays === undefined ? undefined : now - auditRetentionDays * 86_400,
  }
  const [kept] = await database.batch(unguarded, selectSweepPositions())
  const positions = new Map(kept.map(({ task, position }) => [task, JSON.parse(position) as Position]))
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
  for (let stretch = 0; stretch < stretches; stretch += 1) {
    const [ends] = await database.batch(unguarded, selectStretchEnd(name, after, stretchRows))
    const end = ends[0] && (JSON.parse(ends[0].end) as Position)
    const statements = sweepStretch(name, times, { after, end })
    if (!statements) return { removed, finished: true }
    const keep = oldestFirst || end === after ? [] : [keepSweepPosition(name, end)]
    const [, [count]] = await database.batch(unguarded, ...statements, ...keep)
    const gone = count?.removed ?? 0
    removed += gone
    if (end === undefined || (oldestFirst && gone === 0)) return { removed, finished: true }
    after = end
  }
  return { removed, finished: false }
}

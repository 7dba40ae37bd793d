/** Lists which users and programs use which operations. */
import { pageKey, selectUsage, usageDimensions, type UsageDimension, type UsageRow } from '../../database/usage/usage'
import { guard, translateRefusals, type Caller } from '../access/caller'

export { pageKey, usageDimensions, type UsageDimension }

/** A value that the list is not grouped by is undefined. */
export interface Usage {
  contract: string | undefined
  operation: string | undefined
  /** The user's id. */
  principal: string | undefined
  /** The API key's id, or the name that the program sends; undefined without one. */
  program: string | undefined
  /** Unix seconds: the beginning of an hour. */
  firstSeen: number
  lastSeen: number
  activeDays: number
  activeHours: number
}

/** The position at which a page of usage ended. */
export type UsagePosition = readonly (string | number)[]

/** A page of usage, in the order of `usageDimensions`. `next` is the start of the next page, if there is one. */
export async function listUsage(
  caller: Caller,
  filter: {
    contract: string | undefined
    operation: string | undefined
    /** Unix seconds. The list begins with the day of this time. */
    since: number | undefined
    /** In the order of `usageDimensions`. */
    group: readonly UsageDimension[]
    after: UsagePosition | undefined
    limit: number
  },
): Promise<{ usage: Usage[]; next: UsagePosition | undefined }> {
  const { since, limit, ...query } = filter
  const sinceDay = since === undefined ? undefined : Math.floor(since / 86_400)
  const [rows] = await translateRefusals(caller, () =>
    caller.database.batch(guard(caller), selectUsage({ ...query, sinceDay, limit: limit + 1 })),
  )
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const next = last && rows.length > limit ? pageKey(filter).map((dimension) => last[dimension] ?? '') : undefined
  return { usage: page.map(toUsage), next }
}

function toUsage(row: UsageRow): Usage {
  return {
    contract: row.contract,
    operation: row.operation,
    principal: row.principal,
    program: row.program || undefined,
    firstSeen: row.first_hour * 3600,
    lastSeen: row.last_hour * 3600,
    activeDays: row.active_days,
    activeHours: row.active_hours,
  }
}

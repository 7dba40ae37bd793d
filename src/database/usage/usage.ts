/** Statements about usage: the operations that users and programs used, and the time. */
import { sql, type SQL } from 'drizzle-orm/sql'
import { compile, prepare, type Statement } from '../statement'
import { sessions, usage, users } from '../tables'

/** A type instead of an interface, because placeholders need an index signature. */
export type UseRow = typeof usage.$inferSelect

const value = sql.placeholder

/**
 * Inserts the use, or adds its hour to the row of its day. Writes nothing if the hour is recorded already. `principal`
 * and `program` are expressions over `source`, which is a FROM clause with a WHERE clause.
 */
export const upsertUse = (principal: SQL, program: SQL, source: SQL): SQL => sql`
  INSERT INTO ${usage} (contract, operation, principal, program, day, hours)
  SELECT ${value('contract')}, ${value('operation')}, ${principal}, ${program}, ${value('day')}, ${value('hours')} ${source}
  ON CONFLICT DO UPDATE SET hours = ${usage}.hours | excluded.hours WHERE ${usage}.hours & excluded.hours = 0`

export const recordUseOfUser = prepare<UseRow>(() =>
  upsertUse(sql`${value('principal')}`, sql`${value('program')}`, sql`WHERE 1`),
)

/** Does the same for a request that only has the session. */
export const recordUseOfSession = prepare<Omit<UseRow, 'principal'> & { sessionId: string }>(() =>
  upsertUse(
    sql`${users.id}`,
    sql`${value('program')}`,
    sql`FROM ${sessions} JOIN ${users} ON ${users.number} = ${sessions.user_number} WHERE ${sessions.id} = ${value('sessionId')}`,
  ),
)

/** The values by which usage can be grouped, in the order of the primary key. */
export const usageDimensions = ['contract', 'operation', 'principal', 'program', 'day'] as const
export type UsageDimension = (typeof usageDimensions)[number]

/** A value that the group does not name is absent. */
export type UsageRow = Partial<Pick<UseRow, UsageDimension>> & {
  /** Hours since 1970. */
  first_hour: number
  last_hour: number
  active_days: number
  active_hours: number
}

export interface UsageQuery {
  contract: string | undefined
  operation: string | undefined
  /** The first day of the list. */
  sinceDay: number | undefined
  group: readonly UsageDimension[]
  /** The end of the previous page: the values of `pageKey`. */
  after: readonly (string | number)[] | undefined
  limit: number
}

const hoursOfDay = Array.from({ length: 24 }, (_, hour) => ({ hour, bit: 1 << hour }))

const raw = (parts: readonly string[], separator: string) => sql.raw(parts.join(separator))
const firstHour = raw(
  hoursOfDay.map(({ hour, bit }) => `WHEN hours & ${bit} THEN ${hour}`),
  ' ',
)
const lastHour = raw(
  hoursOfDay.toReversed().map(({ hour, bit }) => `WHEN hours & ${bit} THEN ${hour}`),
  ' ',
)
const hoursOfRow = raw(
  hoursOfDay.map(({ hour }) => `(hours >> ${hour} & 1)`),
  ' + ',
)
/** Counts each hour of a day once, even if several rows of the group have it. */
const distinctHours = raw(
  hoursOfDay.map(({ bit }) => `count(DISTINCT iif(hours & ${bit}, day, NULL))`),
  ' + ',
)

/** The columns by which entries of the list differ. */
export function pageKey({ group, contract, operation }: Pick<UsageQuery, 'group' | 'contract' | 'operation'>) {
  const fixed = { contract, operation } as Partial<Record<UsageDimension, string | undefined>>
  return group.filter((dimension) => fixed[dimension] === undefined)
}

/**
 * Selects a page of usage in the order of its group. A list that is grouped by everything except the day reads no row
 * before its first entry.
 */
export function selectUsage(query: UsageQuery): Statement<UsageRow> {
  const { contract, operation, sinceDay, group, after, limit } = query
  const columns = list(group.map((dimension) => sql`${usage[dimension]}`))
  const key = pageKey(query)
  const isRowAPair = usageDimensions.slice(0, 4).every((dimension) => group.includes(dimension))
  const conditions = [
    contract === undefined ? undefined : sql`${usage.contract} = ${contract}`,
    operation === undefined ? undefined : sql`${usage.operation} = ${operation}`,
    sinceDay === undefined ? undefined : sql`${usage.day} >= ${sinceDay}`,
    after === undefined
      ? undefined
      : sql`(${list(key.map((dimension) => sql`${usage[dimension]}`))}) > (${list(after.map((part) => sql`${part}`))})`,
    // Always true: every contract has a name. The condition lets the database search the primary key from its
    // beginning.
    contract !== undefined || (after !== undefined && key[0] === 'contract') ? undefined : sql`${usage.contract} > ''`,
  ]
  return compile(sql`
    SELECT ${columns}, min(day * 24 + CASE ${firstHour} END) AS first_hour, max(day * 24 + CASE ${lastHour} END) AS last_hour,
      ${isRowAPair ? sql`count(*)` : sql`count(DISTINCT day)`} AS active_days,
      ${isRowAPair ? sql`sum(${hoursOfRow})` : distinctHours} AS active_hours
    FROM ${usage} WHERE ${sql.join(
      conditions.filter((condition) => condition !== undefined),
      sql` AND `,
    )}
    GROUP BY ${columns} ORDER BY ${columns} LIMIT ${limit}`)
}

const list = (parts: readonly SQL[]): SQL => sql.join([...parts], sql`, `)

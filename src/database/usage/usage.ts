/** Statements about usage: which user and program used which operation, and when. */
import { sql, type SQL } from 'drizzle-orm/sql'
import { compile, prepare, type Statement } from '../statement'
import { sessions, usage, users } from '../tables'

/** A type and not an interface, for the placeholders' sake. */
export type UseRow = typeof usage.$inferSelect

const value = sql.placeholder

/**
 * Inserts the use, or adds its hour to the row of its day. Writes nothing where the hour is recorded already. `principal` and `program`
 * are expressions over `source`, which is a FROM clause with a WHERE clause.
 */
export const upsertUse = (principal: SQL, program: SQL, source: SQL): SQL => sql`
  INSERT INTO ${usage} (contract, operation, principal, program, day, hours)
  SELECT ${value('contract')}, ${value('operation')}, ${principal}, ${program}, ${value('day')}, ${value('hours')} ${source}
  ON CONFLICT DO UPDATE SET hours = ${usage}.hours | excluded.hours WHERE ${usage}.hours & excluded.hours = 0`

export const recordUseOfUser = prepare<UseRow>(() =>
  upsertUse(sql`${value('principal')}`, sql`${value('program')}`, sql`WHERE 1`),
)

/** The same where the user is known by a session only. */
export const recordUseOfSession = prepare<Omit<UseRow, 'principal'> & { sessionId: string }>(() =>
  upsertUse(
    sql`${users.id}`,
    sql`${value('program')}`,
    sql`FROM ${sessions} JOIN ${users} ON ${users.number} = ${sessions.user_number} WHERE ${sessions.id} = ${value('sessionId')}`,
  ),
)

/** What usage can be grouped by, in the order of the primary key. */
export const usageDimensions = ['contract', 'operation', 'principal', 'program', 'day'] as const
export type UsageDimension = (typeof usageDimensions)[number]

/** A dimension that the group does not name is absent. */
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
  /** The first day that counts. */
  sinceDay: number | undefined
  group: readonly UsageDimension[]
  /** Where the page before ended: the values of `pageKey`. */
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
/** An hour of a day counts once, whichever rows of the group have it. */
const distinctHours = raw(
  hoursOfDay.map(({ bit }) => `count(DISTINCT iif(hours & ${bit}, day, NULL))`),
  ' + ',
)

/** The columns that tell the entries of the list apart. */
export function pageKey({ group, contract, operation }: Pick<UsageQuery, 'group' | 'contract' | 'operation'>) {
  const fixed = { contract, operation } as Partial<Record<UsageDimension, string | undefined>>
  return group.filter((dimension) => fixed[dimension] === undefined)
}

/** A page of usage in the order of its group. Grouped by everything but the day, it reads no row before its first entry. */
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
    // Every contract has a name: the condition lets the primary key be searched from its beginning.
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

/**
 * Pages of the users that match a condition. An index finds the candidates where possible. The condition is then evaluated
 * exactly on each candidate.
 */
import { sql, type SQL } from 'drizzle-orm'
import { limit, prepare, prepareEach, type Statement, type Values } from '../statement'
import { userCounts } from '../tables'
import { candidates, costOf, narrowing, type Narrowing } from './user-candidates'
import { toSql, type TextField, type UserCondition } from './user-condition'
import type { UserFilter } from './user-filter'
import { keyOf, orderBy, type Order } from './user-matched-page'
import { clientNumber, listedUser, pageOf, readPage, type ClientKind, type UserPage } from './user-row'

/** The maximum number of users for a condition that no index narrows. Such a condition is evaluated on every user. */
export const maxUsersRead = 50_000

export interface ConditionQuery extends Order {
  condition: UserCondition
  client: NonNullable<UserFilter['client']>
  after: { key: string; number: number } | undefined
  offset: number
  limit: number
}

/** A page. The total is undefined if too many users would have to be read. */
export type ConditionPage = Omit<UserPage, 'total'> & { total: number | undefined }

const value = sql.placeholder

/** The maximum number of users that a look-up returns without a second statement. */
const maxFound = 200

/**
 * Selects all users that a look-up finds, in order. `total` is undefined if there are more than the maximum. Returns
 * undefined if the condition is not a look-up.
 */
export function selectFewUsers(query: ConditionQuery): Statement<ConditionPage> | undefined {
  const { condition, client, sort, descending } = query
  const found = narrowing(condition)
  if (!found || costOf(found) > 0 || sizeOf(condition) > maxRepeated) return undefined
  const shape = { sort, descending, client: client.kind }
  if (isOneText(condition)) {
    const { field, value: text, key } = condition
    return selectByText({ ...shape, field }, { client: client.credential, text, key })
  }
  return prepare<Values, ConditionPage>(() => fewUsers(shape, condition, found), readFew)({ client: client.credential })
}

type FewShape = Order & { client: ClientKind }

function fewUsers({ client, ...order }: FewShape, condition: UserCondition, found: Narrowing): SQL {
  const own = clientNumber[client]
  // Every user that is found by an external id has this id.
  const known = isExact(condition) && condition.field === 'externalId' ? sql`${condition.value}` : undefined
  return pageOf(
    sql`0`,
    sql`SELECT ${listedUser(keyOf(order.sort), own, known)} FROM (${candidates(found, own)}) AS candidate
    CROSS JOIN users ON users.number = candidate.number WHERE ${isExact(condition) ? sql`1` : toSql(condition, own)}
    ORDER BY ${orderBy(order, sql`users.number`)} LIMIT ${sql.raw(String(maxFound + 1))}`,
  )
}

function readFew(row: Parameters<typeof readPage>[0]): ConditionPage {
  const { users } = readPage(row)
  return { users, total: users.length > maxFound ? undefined : users.length }
}

/** Whether the condition is the look-up that clients send before each change. It has one statement for each field. */
const isOneText = (condition: UserCondition): condition is UserCondition & { kind: 'text' } =>
  condition.kind === 'text' && condition.comparison === 'eq' && condition.field !== 'employeeNumber'

const selectByText = prepareEach<
  FewShape & { field: TextField },
  { client: string; text: string; key: string },
  ConditionPage
>(({ field, ...shape }) => {
  // A placeholder is a value to the library, but has a type of its own.
  const [text, key] = [value('text'), value('key')] as unknown as [string, string]
  const condition = { kind: 'text', field, comparison: 'eq', value: text, key, searched: text } as const
  return fewUsers(shape, condition, narrowing(condition) as Narrowing)
}, readFew)

/** Whether the look-up finds only users that match the condition. */
const isExact = (condition: UserCondition): condition is UserCondition & { kind: 'text' } =>
  condition.kind === 'text' && (condition.field === 'id' || condition.field === 'externalId')

/**
 * Not cached, unlike other statements: clients write the conditions, so their number is unlimited. `client` is a common
 * table expression, so that each further use needs no parameter.
 */
export function selectConditionPage(query: ConditionQuery): Statement<ConditionPage> {
  const { condition, client, after, offset, limit: most } = query
  const own = sql`(SELECT number FROM client)`
  const page = matchedPage(query, {
    key: keyOf(query.sort),
    own,
    exact: toSql(condition, own),
    found: narrowing(condition),
  })
  const statement = sql`WITH client AS MATERIALIZED (SELECT ${clientNumber[client.kind]} AS number), ${page}`
  const values = { client: client.credential, offset, limit: most, ...after }
  return prepare<Values, ConditionPage>(() => statement, readConditionPage)(values)
}

/** The maximum number of comparisons that bind the client as a parameter. */
const maxRepeated = 10

function sizeOf(condition: UserCondition): number {
  if (condition.kind === 'all' || condition.kind === 'any') {
    return condition.conditions.reduce((size, one) => size + sizeOf(one), 0)
  }
  // A condition on roles can have as many comparisons as a whole filter, so it counts as the maximum.
  return condition.kind === 'not' ? sizeOf(condition.condition) : condition.kind === 'role' ? maxRepeated : 1
}

interface Parts {
  key: SQL | undefined
  /** The number of the client. */
  own: SQL
  exact: SQL
}

function matchedPage(query: ConditionQuery, { key, own, exact, found }: Parts & { found: Narrowing | undefined }): SQL {
  const { after, descending } = query
  const source = found
    ? sql`(${candidates(found, own)}) AS candidate CROSS JOIN users ON users.number = candidate.number WHERE ${exact}`
    : sql`users WHERE users.number > (SELECT beginning FROM everyone) AND ${exact}`
  const than = descending ? sql`<` : sql`>`
  const number = sql`CAST(${value('number')} AS INTEGER)`
  const beyond =
    after === undefined
      ? sql`1`
      : key
        ? sql`(key, number) ${than} (${value('key')}, ${number})`
        : sql`number ${than} ${number}`
  const direction = descending ? sql`DESC` : sql`ASC`
  const order = key ? sql`key ${direction}, number ${direction}` : sql`number ${direction}`
  const listed = sql`
    SELECT ${listedUser(key, own)} FROM (
        SELECT number FROM hits WHERE ${beyond} ORDER BY ${order}
        ${limit('limit')} OFFSET CAST(${value('offset')} AS INTEGER)) AS page
      CROSS JOIN users ON users.number = page.number
    ORDER BY ${orderBy(query, sql`users.number`)}`
  const total = found
    ? sql`(SELECT count(*) FROM hits)`
    : sql`iif((SELECT beginning FROM everyone) > 0, NULL, (SELECT count(*) FROM hits))`
  // If there are too many users, the search starts after the last user and finds none.
  const everyone = sql`everyone AS MATERIALIZED (
    SELECT iif(count <= ${sql.raw(String(maxUsersRead))}, 0, 9007199254740991) AS beginning
    FROM ${userCounts} WHERE scope = 'all')`
  return sql`${found ? sql`` : sql`${everyone}, `}
    hits AS MATERIALIZED (SELECT users.number AS number, ${key ?? sql`NULL`} AS key FROM ${source})
    ${pageOf(total, listed)}`
}

function readConditionPage(row: Parameters<typeof readPage>[0]): ConditionPage {
  const total = row.total as number | null
  return { ...readPage(row), total: total ?? undefined }
}

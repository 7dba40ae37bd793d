/** Pages of users in any order that v1 documents, by cursor, with exact totals. */
import { sql, type SQL } from 'drizzle-orm'
import { compile, type Statement } from './statement'
import { allOf, countedBy, counterOf, numberOf, sourceOf, type UserFilter } from './user-filter'
import { userColumns, type UserRow } from './users'

export type SortKey = 'number' | 'email' | 'name'

export interface ListQuery extends UserFilter {
  sort: SortKey
  descending: boolean
  /** Where the page before ended: the sort key and the number of its last user. */
  after: { key: string; number: number } | undefined
  limit: number
}

/** A row of a list, with the key it was sorted by. */
export type ListRow = UserRow & { sort_key: string }

const sortColumn = { number: sql`users.number`, email: sql`users.email_key`, name: sql`users.name_key` }

/** A page. In any order but that of number a search must yield every hit to be sorted: the page's numbers first, then its users. */
export function selectUserPage(query: ListQuery): Statement<ListRow> {
  const { sort, descending, limit, search } = query
  const direction = descending ? sql`DESC` : sql`ASC`
  const orderBy = (number: SQL) =>
    sort === 'number' ? sql`${number} ${direction}` : sql`${sortColumn[sort]} ${direction}, ${number} ${direction}`
  const columns = sql`${userColumns()}, ${sortColumn[sort]} AS sort_key`
  const where = allOf(query, ...beyond(numberOf(query), query))
  const rest = sql`FROM ${sourceOf(query, { withUsers: true })} WHERE ${where} ORDER BY ${orderBy(numberOf(query))} LIMIT ${limit}`
  if (!search || sort === 'number') return compile(sql`SELECT ${columns} ${rest}`)
  return compile(
    sql`SELECT ${columns} FROM (SELECT users.number ${rest}) AS page CROSS JOIN users ON users.number = page.number
      ORDER BY ${orderBy(sql`users.number`)}`,
  )
}

/** How many there are on all pages. */
export function selectUserTotal(filter: UserFilter): Statement<{ count: number }> {
  const counter = counterOf(filter)
  if (counter) return compile(sql`SELECT ${countedBy(counter)} AS count`)
  return compile(sql`SELECT count(*) AS count FROM ${sourceOf(filter)} WHERE ${allOf(filter)}`)
}

function beyond(number: SQL, { sort, descending, after }: ListQuery): SQL[] {
  if (!after) return []
  const than = descending ? sql`<` : sql`>`
  // D1 binds numbers as REAL, by which the search would not seek but read every hit before.
  if (sort === 'number') return [sql`${number} ${than} CAST(${after.number} AS INTEGER)`]
  return [sql`(${sortColumn[sort]}, ${number}) ${than} (${after.key}, ${after.number})`]
}

/** Pages of users in any order that v1 documents, by cursor, with exact totals. */
import { sql, type SQL } from 'drizzle-orm'
import { prepareEach, type Statement, type Values } from './statement'
import {
  allOf,
  countedBy,
  counterOf,
  numberOf,
  shapeOf,
  sourceOf,
  valuesOf,
  type FilterShape,
  type UserFilter,
} from './user-filter'
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

const value = sql.placeholder

const sortColumn = { number: sql`users.number`, email: sql`users.email_key`, name: sql`users.name_key` }

/** A page. In any order but that of number a search must yield every hit to be sorted: the page's numbers first, then its users. */
export function selectUserPage(query: ListQuery): Statement<ListRow> {
  const { sort, descending, after, limit } = query
  return page(
    { ...shapeOf(query), sort, descending, goesOn: after !== undefined },
    { ...valuesOf(query), limit, ...(after && { key: after.key, number: after.number }) },
  )
}

interface ListShape extends FilterShape {
  sort: SortKey
  descending: boolean
  /** It begins after a user, not at the first. */
  goesOn: boolean
}

const page = prepareEach<ListShape, Values, ListRow>((shape) => {
  const { sort, descending, search } = shape
  const direction = descending ? sql`DESC` : sql`ASC`
  const orderBy = (number: SQL) =>
    sort === 'number' ? sql`${number} ${direction}` : sql`${sortColumn[sort]} ${direction}, ${number} ${direction}`
  const columns = sql`${userColumns()}, ${sortColumn[sort]} AS sort_key`
  const where = allOf(shape, ...beyond(numberOf(shape), shape))
  const rest = sql`FROM ${sourceOf(shape, { withUsers: true })} WHERE ${where} ORDER BY ${orderBy(numberOf(shape))} LIMIT ${value('limit')}`
  if (!search || sort === 'number') return sql`SELECT ${columns} ${rest}`
  return sql`
    SELECT ${columns} FROM (SELECT users.number ${rest}) AS page CROSS JOIN users ON users.number = page.number
    ORDER BY ${orderBy(sql`users.number`)}`
})

/** How many there are on all pages. */
export function selectUserTotal(filter: UserFilter): Statement<{ count: number }> {
  return total(shapeOf(filter), valuesOf(filter))
}

const total = prepareEach<FilterShape, Values, { count: number }>((shape) => {
  const counter = counterOf(shape)
  return counter
    ? sql`SELECT ${countedBy(counter)} AS count`
    : sql`SELECT count(*) AS count FROM ${sourceOf(shape)} WHERE ${allOf(shape)}`
})

function beyond(number: SQL, { sort, descending, goesOn }: ListShape): SQL[] {
  if (!goesOn) return []
  const than = descending ? sql`<` : sql`>`
  // D1 binds numbers as REAL, by which the search would not seek but read every hit before.
  if (sort === 'number') return [sql`${number} ${than} CAST(${value('number')} AS INTEGER)`]
  return [sql`(${sortColumn[sort]}, ${number}) ${than} (${value('key')}, ${value('number')})`]
}

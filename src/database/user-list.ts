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
import { orderBy, readPageRow, selectFirstPage, sortColumn, type Order, type PageRow } from './user-first-page'
import { userCell } from './users'

export interface ListQuery extends UserFilter, Order {
  /** Where the page before ended: the sort key and the number of its last user. */
  after: { key: string; number: number } | undefined
  limit: number
}

const value = sql.placeholder

/** A page, in order, and its total: in a row of its own, or in every row. */
export function selectUserPage(query: ListQuery): Statement<PageRow> {
  const { sort, descending, after, limit } = query
  const shape = shapeOf(query)
  if (after || counterOf(shape)) return pageAndTotal(...shapedPage(query))
  return selectFirstPage({ ...shape, sort, descending }, { ...valuesOf(query), limit })
}

/** The page alone. In any order but that of number a search must yield every hit to be sorted: its numbers first, then its users. */
export function selectUsersAfter(query: ListQuery): Statement<PageRow> {
  return pageAlone(...shapedPage(query))
}

function shapedPage(query: ListQuery): [ListShape, Values] {
  const { sort, descending, after, limit } = query
  return [
    { ...shapeOf(query), sort, descending, goesOn: after !== undefined },
    { ...valuesOf(query), limit, ...(after && { key: after.key, number: after.number }) },
  ]
}

interface ListShape extends FilterShape, Order {
  /** It begins after a user, not at the first. */
  goesOn: boolean
}

const pageAlone = prepareEach<ListShape, Values, PageRow>(pageOf, readPageRow)

const pageAndTotal = prepareEach<ListShape, Values, PageRow>(
  (shape) => sql`
    SELECT NULL AS user, NULL AS sort_key, ${totalOf(shape)} AS total
    UNION ALL SELECT *, NULL FROM (${pageOf(shape)})`,
  readPageRow,
)

function pageOf(shape: ListShape): SQL {
  const { sort, search } = shape
  const columns = sql`${userCell}, ${sortColumn[sort]} AS sort_key`
  const where = allOf(shape, ...beyond(numberOf(shape), shape))
  const rest = sql`FROM ${sourceOf(shape, { withUsers: true })} WHERE ${where} ORDER BY ${orderBy(shape, numberOf(shape))} LIMIT ${value('limit')}`
  if (!search || sort === 'number') return sql`SELECT ${columns} ${rest}`
  return sql`
    SELECT ${columns} FROM (SELECT users.number ${rest}) AS page CROSS JOIN users ON users.number = page.number
    ORDER BY ${orderBy(shape, sql`users.number`)}`
}

function totalOf(shape: FilterShape): SQL {
  const counter = counterOf(shape)
  return counter ? countedBy(counter) : sql`(SELECT count(*) FROM ${sourceOf(shape)} WHERE ${allOf(shape)})`
}

function beyond(number: SQL, { sort, descending, goesOn }: ListShape): SQL[] {
  if (!goesOn) return []
  const than = descending ? sql`<` : sql`>`
  // D1 binds numbers as REAL, by which the search would not seek but read every hit before.
  if (sort === 'number') return [sql`${number} ${than} CAST(${value('number')} AS INTEGER)`]
  return [sql`(${sortColumn[sort]}, ${number}) ${than} (${value('key')}, ${value('number')})`]
}

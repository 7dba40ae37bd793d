/** Pages of users by cursor, in any order that v1 documents, with exact totals. */
import { sql, type SQL } from 'drizzle-orm'
import { limit, prepareEach, type Statement, type Values } from '../statement'
import {
  allOf,
  clientOf,
  isEveryone,
  numberOf,
  shapeOf,
  sourceOf,
  totalByCounters,
  valuesOf,
  withExpandedWords,
  type FilterShape,
  type UserFilter,
} from './user-filter'
import { afterNumber, keyOf, orderBy, selectMatchedPage, type Order } from './user-matched-page'
import { listedUser, pageOf, readPage, type UserPage, type UserRow } from './user-row'
import { readUserCell, userCell } from './users'

export interface ListQuery extends UserFilter, Order {
  /** The end of the previous page: the sort key and the number of its last user. */
  after: { key: string; number: number } | undefined
  /** How many users to skip. Only without `after`, and where users are counted: each is read. */
  offset?: number | undefined
  limit: number
}

const value = sql.placeholder

/** Returns a page, in order, and its total. */
export function selectUserPage(query: ListQuery): Statement<UserPage> {
  const { sort, descending, after, offset = 0, limit } = query
  const shape = { ...shapeOf(query), sort, descending }
  const values = { ...valuesOf(query), limit, offset }
  if (totalByCounters(shape) || (after && sort !== 'number')) {
    return pageAndTotal({ ...shape, continues: after !== undefined, skips: offset > 0 }, { ...values, ...after })
  }
  return selectMatchedPage({ ...shape, beginning: after ? 'after' : 'first' }, { ...values, ...after })
}

interface ListShape extends FilterShape, Order {
  /** Whether the page starts after a user instead of at the first. */
  continues: boolean
  skips: boolean
}

const pageAndTotal = prepareEach<ListShape, Values, UserPage>(
  (shape) => withExpandedWords(shape, pageOf(totalOf(shape), usersOf(shape))),
  readPage,
)

function usersOf(shape: ListShape): SQL {
  const { sort, search } = shape
  const number = numberOf(shape)
  if (sort === 'number')
    return sql`SELECT ${listedUser(undefined, clientOf(shape))} ${pageFrom(shape, afterPosition(number, shape))}`
  if (shape.continues && isEveryone(shape)) return usersAfterKey(shape)
  const rest = pageFrom(shape, afterPosition(number, shape))
  const listed = listedUser(keyOf(sort), clientOf(shape))
  if (!search) return sql`SELECT ${listed} ${rest}`
  // Sorting reads every hit: first only the numbers, then the users of the page.
  return sql`
    SELECT ${listed} FROM (SELECT users.number ${rest}) AS page
      CROSS JOIN users ON users.number = page.number
    ORDER BY ${orderBy(shape, sql`users.number`)}`
}

function pageFrom(shape: ListShape, where: SQL[]): SQL {
  const skipped = shape.skips ? sql` OFFSET CAST(${value('offset')} AS INTEGER)` : sql``
  return sql`FROM ${sourceOf(shape, { withUsers: true })} WHERE ${allOf(shape, ...where)}
    ORDER BY ${orderBy(shape, numberOf(shape))} ${limit('limit')}${skipped}`
}

/**
 * First the users with the same key, then all others. With one condition, SQLite would read all users of the same key
 * to find the start.
 */
function usersAfterKey(shape: ListShape): SQL {
  const { sort, descending } = shape
  const [key, than] = [keyOf(sort) as SQL, descending ? sql`<` : sql`>`]
  const users = (...where: SQL[]) =>
    sql`SELECT * FROM (SELECT ${listedUser(key, clientOf(shape))} ${pageFrom(shape, where)})`
  return sql`
    ${users(sql`${key} = ${value('key')}`, sql`users.number ${than} ${afterNumber}`)}
    UNION ALL ${users(sql`${key} ${than} ${value('key')}`)} ${limit('limit')}`
}

function totalOf(shape: FilterShape): SQL {
  return totalByCounters(shape) ?? sql`(SELECT count(*) FROM ${sourceOf(shape)} WHERE ${allOf(shape)})`
}

function afterPosition(number: SQL, { sort, descending, continues }: ListShape): SQL[] {
  if (!continues) return []
  const than = descending ? sql`<` : sql`>`
  const key = keyOf(sort)
  return [
    key
      ? sql`(${key}, ${number}) ${than} (${value('key')}, ${value('number')})`
      : sql`${number} ${than} ${afterNumber}`,
  ]
}

/** Returns the users of the filter after this number, in order of number, without a total. */
export function selectUsersAfter({
  number,
  limit,
  ...filter
}: UserFilter & { number: number; limit: number }): Statement<UserRow> {
  return usersAfter(shapeOf(filter), { ...valuesOf(filter), number, limit })
}

const usersAfter = prepareEach<FilterShape, Values, UserRow>((shape) => {
  const number = numberOf(shape)
  return withExpandedWords(
    shape,
    sql`
      SELECT ${userCell} FROM ${sourceOf(shape, { withUsers: true })}
      WHERE ${allOf(shape, sql`${number} > ${afterNumber}`)} ORDER BY ${number} ${limit('limit')}`,
  )
}, readUserCell)

/** Pages of users in any order that v1 documents, by cursor, with exact totals. */
import { sql, type SQL } from 'drizzle-orm'
import { limit, prepareEach, type Statement, type Values } from '../statement'
import {
  allOf,
  countedBy,
  counterOf,
  isEveryone,
  numberOf,
  shapeOf,
  sourceOf,
  valuesOf,
  withExpandedWords,
  type FilterShape,
  type UserFilter,
} from './user-filter'
import { afterNumber, keyOf, orderBy, selectMatchedPage, type Order } from './user-matched-page'
import { listedUser, pageOf, readPage, type UserPage, type UserRow } from './user-row'
import { readUserCell, userCell } from './users'

export interface ListQuery extends UserFilter, Order {
  /** Where the page before ended: the sort key and the number of its last user. */
  after: { key: string; number: number } | undefined
  limit: number
}

const value = sql.placeholder

/** A page, in order, and its total. */
export function selectUserPage(query: ListQuery): Statement<UserPage> {
  const { sort, descending, after, limit } = query
  const shape = { ...shapeOf(query), sort, descending }
  const values = { ...valuesOf(query), limit }
  if (counterOf(shape) || (after && sort !== 'number')) {
    return pageAndTotal({ ...shape, goesOn: after !== undefined }, { ...values, ...after })
  }
  return selectMatchedPage({ ...shape, beginning: after ? 'after' : 'first' }, { ...values, ...after })
}

interface ListShape extends FilterShape, Order {
  /** It begins after a user, not at the first. */
  goesOn: boolean
}

const pageAndTotal = prepareEach<ListShape, Values, UserPage>(
  (shape) => withExpandedWords(shape, pageOf(totalOf(shape), usersOf(shape))),
  readPage,
)

function usersOf(shape: ListShape): SQL {
  const { sort, search } = shape
  const number = numberOf(shape)
  if (sort === 'number') return sql`SELECT ${listedUser()} ${fromOn(shape, beyond(number, shape))}`
  if (shape.goesOn && isEveryone(shape)) return everyoneFromOn(shape)
  const rest = fromOn(shape, beyond(number, shape))
  if (!search) return sql`SELECT ${listedUser(keyOf(sort))} ${rest}`
  // Every hit must be read to be sorted: its number first, then the users of the page.
  return sql`
    SELECT ${listedUser(keyOf(sort))} FROM (SELECT users.number ${rest}) AS page
      CROSS JOIN users ON users.number = page.number
    ORDER BY ${orderBy(shape, sql`users.number`)}`
}

function fromOn(shape: ListShape, where: SQL[]): SQL {
  return sql`FROM ${sourceOf(shape, { withUsers: true })} WHERE ${allOf(shape, ...where)}
    ORDER BY ${orderBy(shape, numberOf(shape))} ${limit('limit')}`
}

/** Those of the same key, then those of others: in one condition SQLite would read all of the same key to find where to begin. */
function everyoneFromOn(shape: ListShape): SQL {
  const { sort, descending } = shape
  const [key, than] = [keyOf(sort) as SQL, descending ? sql`<` : sql`>`]
  const users = (...where: SQL[]) => sql`SELECT * FROM (SELECT ${listedUser(key)} ${fromOn(shape, where)})`
  return sql`
    ${users(sql`${key} = ${value('key')}`, sql`users.number ${than} ${afterNumber}`)}
    UNION ALL ${users(sql`${key} ${than} ${value('key')}`)} ${limit('limit')}`
}

function totalOf(shape: FilterShape): SQL {
  const counter = counterOf(shape)
  return counter ? countedBy(counter) : sql`(SELECT count(*) FROM ${sourceOf(shape)} WHERE ${allOf(shape)})`
}

function beyond(number: SQL, { sort, descending, goesOn }: ListShape): SQL[] {
  if (!goesOn) return []
  const than = descending ? sql`<` : sql`>`
  const key = keyOf(sort)
  return [
    key
      ? sql`(${key}, ${number}) ${than} (${value('key')}, ${value('number')})`
      : sql`${number} ${than} ${afterNumber}`,
  ]
}

/** Those of the filter after the user of this number, in order of number, without their total. */
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

/** Pages of a filter that no counter counts. Every match is read once, for both the page and the total. */
import { sql, type SQL } from 'drizzle-orm'
import { limit, prepareEach, type Values } from '../statement'
import { allOf, numberOf, sourceOf, withExpandedWords, type FilterShape } from './user-filter'
import { listedUser, pageOf, readPage, type UserPage } from './user-row'

/** `shownName` is the username or, without one, the email. */
export type SortKey = 'number' | 'email' | 'name' | 'shownName' | 'createdAt'

export interface Order {
  sort: SortKey
  descending: boolean
}

const sortColumn = {
  number: sql`users.number`,
  email: sql`users.email_key`,
  name: sql`users.name_key`,
  shownName: sql`coalesce(users.username_key, users.email_key)`,
  // Text, as the other keys are.
  createdAt: sql`printf('%012d', users.created_at)`,
}

/** The sort key; undefined where the number alone gives the order. */
export const keyOf = (sort: SortKey): SQL | undefined => (sort === 'number' ? undefined : sortColumn[sort])

/** `number` is the user's number in the table that is read first. */
export function orderBy({ sort, descending }: Order, number: SQL): SQL {
  const direction = descending ? sql`DESC` : sql`ASC`
  const key = keyOf(sort)
  return key ? sql`${key} ${direction}, ${number} ${direction}` : sql`${number} ${direction}`
}

const value = sql.placeholder

/** D1 binds numbers as REAL. Without the cast, a search would read every hit before this number. */
export const afterNumber = sql`CAST(${value('number')} AS INTEGER)`

/** The start of a page: at the first user, after the user with `number`, or after `offset` users. */
export type Beginning = 'first' | 'after' | 'offset'

/**
 * Takes `limit` and the values of its beginning. In order of number each match is read once: matches outside the page
 * are only counted. In any other order the page starts at the first user, and all matches are counted when it is full.
 */
export const selectMatchedPage = prepareEach<FilterShape & Order & { beginning: Beginning }, Values, UserPage>(
  (shape) => {
    const { sort, descending, beginning } = shape
    const byNumber = sort === 'number'
    const number = numberOf(shape)
    const [before, beyond] = descending ? [sql`>=`, sql`<`] : [sql`<=`, sql`>`]
    const matching = (...further: SQL[]) => sql`FROM ${sourceOf(shape)} WHERE ${allOf(shape, ...further)}`

    const reached = {
      first: sql`SELECT 0 AS size`,
      after: sql`SELECT count(*) AS size ${matching(sql`${number} ${before} ${afterNumber}`)}`,
      offset: sql`SELECT count(*) AS size, max(number) AS last FROM (
        SELECT ${number} AS number ${matching()} ORDER BY ${number} ${limit('offset')})`,
    }[beginning]
    const from = {
      first: [],
      after: [sql`${number} ${beyond} ${afterNumber}`],
      offset: [sql`${number} > (SELECT last FROM reached)`],
    }[beginning]
    const most =
      beginning === 'offset'
        ? sql`LIMIT (SELECT iif(size < ${value('offset')}, 0, ${value('limit')}) FROM reached)`
        : limit('limit')
    const page = sql`
      SELECT ${number} AS number FROM ${sourceOf(shape, byNumber ? {} : { withUsers: true })}
      WHERE ${allOf(shape, ...from)} ORDER BY ${orderBy(shape, number)} ${most}`

    const rest = byNumber ? matching(sql`${number} ${beyond} numbers ->> '$[#-1]'`) : matching()
    const uncounted = byNumber ? sql`size + (SELECT count(*) ${rest})` : sql`(SELECT count(*) ${rest})`
    const total = sql`(SELECT size FROM reached)
      + (SELECT iif(size < ${value('limit')}, size, ${uncounted}) FROM page)`
    return withExpandedWords(
      shape,
      sql`
        WITH reached AS MATERIALIZED (${reached}),
          page AS MATERIALIZED (SELECT count(*) AS size, json_group_array(number) AS numbers FROM (${page}))
        ${pageOf(
          total,
          // CROSS JOIN preserves the order of the array.
          sql`SELECT ${listedUser(keyOf(sort))}
            FROM page CROSS JOIN json_each(numbers) AS place CROSS JOIN users ON users.number = place.value`,
        )}`,
    )
  },
  readPage,
)

/** The first page of the users a filter lets through, in any order, with how many there are: what matches is read once. */
import { sql, type SQL } from 'drizzle-orm'
import { limit, prepareEach, type Values } from './statement'
import { allOf, numberOf, sourceOf, type FilterShape } from './user-filter'
import { listedUser, pageOf, readPage, type UserPage } from './user-row'

export type SortKey = 'number' | 'email' | 'name'

export interface Order {
  sort: SortKey
  descending: boolean
}

const sortColumn = { number: sql`users.number`, email: sql`users.email_key`, name: sql`users.name_key` }

/** By what the users after one are told from those before them: the key, where it is not the number alone. */
export const keyOf = (sort: SortKey): SQL | undefined => (sort === 'number' ? undefined : sortColumn[sort])

/** `number` is the user's number in the table that is read first. */
export function orderBy({ sort, descending }: Order, number: SQL): SQL {
  const direction = descending ? sql`DESC` : sql`ASC`
  const key = keyOf(sort)
  return key ? sql`${key} ${direction}, ${number} ${direction}` : sql`${number} ${direction}`
}

const value = sql.placeholder

/**
 * Takes `limit`. A page that is not full is the whole; after a full one the rest is counted, in order of number without reading the
 * page again. CROSS JOIN keeps the users in the order of their numbers' array.
 */
export const selectFirstPage = prepareEach<FilterShape & Order, Values, UserPage>((shape) => {
  const byNumber = shape.sort === 'number'
  const number = numberOf(shape)
  const first = sql`
    SELECT ${number} AS number FROM ${sourceOf(shape, byNumber ? {} : { withUsers: true })} WHERE ${allOf(shape)}
    ORDER BY ${orderBy(shape, number)} ${limit('limit')}`
  const rest = byNumber ? [sql`${number} ${shape.descending ? sql`<` : sql`>`} numbers ->> '$[#-1]'`] : []
  const others = sql`(SELECT count(*) FROM ${sourceOf(shape)} WHERE ${allOf(shape, ...rest)})`
  const total = sql`(SELECT iif(size < ${value('limit')}, size, ${byNumber ? sql`size + ` : sql``}${others}) FROM page)`
  return sql`
    WITH page AS MATERIALIZED (SELECT count(*) AS size, json_group_array(number) AS numbers FROM (${first}))
    ${pageOf(
      total,
      sql`SELECT ${listedUser(keyOf(shape.sort))}
        FROM page CROSS JOIN json_each(numbers) AS place CROSS JOIN users ON users.number = place.value`,
    )}`
}, readPage)

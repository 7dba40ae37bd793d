/** The first page of the users a filter lets through, in any order, with how many there are: what matches is read once. */
import { sql, type SQL } from 'drizzle-orm'
import { prepareEach, type Values } from './statement'
import { allOf, numberOf, sourceOf, type FilterShape } from './user-filter'
import { readUserCell, userCell, type UserRow } from './users'

export type SortKey = 'number' | 'email' | 'name'

export interface Order {
  sort: SortKey
  descending: boolean
}

/** A user of a page, with the key the page was sorted by and, of some statements, how many there are on all pages; or only that. */
export type PageRow = ((UserRow & { sort_key?: string | number }) | { number: null }) & { total?: number | null }

export const sortColumn = { number: sql`users.number`, email: sql`users.email_key`, name: sql`users.name_key` }

/** `number` is the user's number in the table that is read first. */
export function orderBy({ sort, descending }: Order, number: SQL): SQL {
  const direction = descending ? sql`DESC` : sql`ASC`
  return sort === 'number' ? sql`${number} ${direction}` : sql`${sortColumn[sort]} ${direction}, ${number} ${direction}`
}

interface Read {
  user: string | null
  sort_key?: string | number
  total?: number | null
}

export function readPageRow(row: Read): PageRow {
  return hasUser(row) ? readUserCell(row) : { number: null, total: row.total ?? null }
}

const hasUser = (row: Read): row is Read & { user: string } => row.user !== null

const value = sql.placeholder

/**
 * Takes `limit`. A page that is not full is the whole; after a full one the rest is counted, in order of number without reading the
 * page again. Without a user there is no row; CROSS JOIN keeps the users in the order of their numbers' array.
 */
export const selectFirstPage = prepareEach<FilterShape & Order, Values, PageRow>((shape) => {
  const byNumber = shape.sort === 'number'
  const number = numberOf(shape)
  const first = sql`
    SELECT ${number} AS number FROM ${sourceOf(shape, byNumber ? {} : { withUsers: true })} WHERE ${allOf(shape)}
    ORDER BY ${orderBy(shape, number)} LIMIT ${value('limit')}`
  const rest = byNumber ? [sql`${number} ${shape.descending ? sql`<` : sql`>`} numbers ->> '$[#-1]'`] : []
  const others = sql`(SELECT count(*) FROM ${sourceOf(shape)} WHERE ${allOf(shape, ...rest)})`
  return sql`
    WITH page AS MATERIALIZED (SELECT count(*) AS size, json_group_array(number) AS numbers FROM (${first})),
      whole AS MATERIALIZED (
        SELECT numbers, iif(size < ${value('limit')}, size, ${byNumber ? sql`size + ` : sql``}${others}) AS total FROM page)
    SELECT ${userCell}, ${sortColumn[shape.sort]} AS sort_key, total
    FROM whole CROSS JOIN json_each(numbers) AS place CROSS JOIN users ON users.number = place.value`
}, readPageRow)

/** Pages of users by page number, at any depth, in order of number, with exact totals. */
import { sql, type SQL } from 'drizzle-orm'
import { limit, prepareEach, type Statement, type Values } from '../statement'
import { userSpans } from '../tables'
import {
  allOf,
  clientOf,
  countedBy,
  counterOf,
  numberOf,
  shapeOf,
  sourceOf,
  valuesOf,
  type Counter,
  type FilterShape,
  type UserFilter,
} from './user-filter'
import { selectMatchedPage } from './user-matched-page'
import { listedUser, pageOf, readPage, type UserPage } from './user-row'

export interface PageQuery extends UserFilter {
  /** The number of users before the page. */
  offset: number
  limit: number
}

/**
 * Returns a page, in order of number, and its total. With a counter, the counts locate the start of the page. Without
 * one, every match is read once.
 */
export function selectNumberedPage(query: PageQuery): Statement<UserPage> {
  const shape = shapeOf(query)
  const { offset, limit } = query
  const values = { ...valuesOf(query), offset, limit }
  if (counterOf(shape)) return countedPage({ ...shape, first: offset === 0 }, values)
  const beginning = offset === 0 ? 'first' : 'offset'
  return selectMatchedPage({ ...shape, sort: 'number', descending: false, beginning }, values)
}

const value = sql.placeholder

/** The numbers of a span in user_spans, and of each part that has its own count. */
export const [spanLength, partLength] = [16_384, 512]

const countedPage = prepareEach<FilterShape & { first: boolean }, Values, UserPage>((shape) => {
  const counter = counterOf(shape) as Counter
  const page = (from: SQL[], limit: SQL) => pageOf(countedBy(counter), usersOfPage(shape, from, limit))
  if (shape.first) return page([], limit('limit'))
  const first = sql`(SELECT ${spanLength} * span.position + ${partLength} * part.position FROM span, part)`
  return sql`
    WITH span AS (${locate(sql`0`, spansOf(counter))}),
      part AS (${locate(sql`(SELECT before FROM span)`, partsOf(counter))})
    ${page(
      [sql`${numberOf(shape)} >= ${first}`],
      sql`${limit('limit')} OFFSET coalesce(${value('offset')} - (SELECT before FROM part), 0)`,
    )}`
}, readPage)

/** Returns the users of the page. For a role, skipped holders are not read from `users`. */
function usersOfPage(shape: FilterShape, from: SQL[], limit: SQL): SQL {
  const number = numberOf(shape)
  const page = sql`FROM ${sourceOf(shape)} WHERE ${allOf(shape, ...from)} ORDER BY ${number} ${limit}`
  const listed = listedUser(undefined, clientOf(shape))
  if (!shape.role) return sql`SELECT ${listed} ${page}`
  return sql`SELECT ${listed} FROM (SELECT ${number} AS number ${page}) AS page
    CROSS JOIN users ON users.number = page.number`
}

/** Finds the entry of `counts` that holds the user after `offset` others, and the number of users before the entry. */
function locate(start: SQL, counts: SQL): SQL {
  return sql`
    SELECT position, before FROM (
      SELECT position, count, ${start} + sum(count) OVER (ORDER BY position) - count AS before FROM (${counts}))
    WHERE before <= ${value('offset')} AND before + count > ${value('offset')}`
}

function spansOf({ scope, without }: Counter): SQL {
  const other = without
    ? sql`- coalesce((SELECT count FROM ${userSpans} AS other
        WHERE other.scope = ${without} AND other.position = user_spans.position), 0)`
    : sql``
  return sql`SELECT position, count ${other} AS count FROM ${userSpans} WHERE scope = ${scope}`
}

/** Returns the parts of the span found. */
function partsOf({ scope, without }: Counter): SQL {
  const parts = (of: SQL) =>
    sql`(SELECT parts FROM ${userSpans} WHERE scope = ${of} AND position = (SELECT position FROM span))`
  const other = without ? sql`- coalesce(${parts(without)} ->> key, 0)` : sql``
  return sql`SELECT key AS position, value ${other} AS count FROM json_each(${parts(scope)})`
}

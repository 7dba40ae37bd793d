/** Pages of users by their number, at any depth, in order of the users' own numbers, with exact totals. */
import { sql, type SQL } from 'drizzle-orm'
import { compile, type Statement } from './statement'
import { userSpans } from './tables'
import { allOf, countedBy, counterOf, numberOf, sourceOf, type Counter, type UserFilter } from './user-filter'
import { userColumns, type UserRow } from './users'

export interface PageQuery extends UserFilter {
  /** How many users come before the page. */
  offset: number
  limit: number
}

/** A user of the page, and how many there are on all pages; on a page past the end one row says the total alone. */
export type PageRow = (UserRow | { number: null }) & { total: number }

/** Where users are counted, a page begins at a user looked up in the counts; elsewhere all that match are read, once. */
export function selectNumberedPage(query: PageQuery): Statement<PageRow> {
  const counter = counterOf(query)
  return compile(counter ? countedPage(query, counter) : matchedPage(query))
}

/** Numbers in a span, and in each of its parts. */
const [spanLength, partLength] = [16_384, 512]

function countedPage(query: PageQuery, counter: Counter): SQL {
  const { offset, limit } = query
  const number = numberOf(query)
  const first = sql`(SELECT ${spanLength} * span.position + ${partLength} * part.position FROM span, part)`
  return sql`
    WITH span AS (${holding(offset, sql`0`, spansOf(counter))}),
      part AS (${holding(offset, sql`(SELECT before FROM span)`, partsOf(counter))}),
      page AS (SELECT ${number} AS number FROM ${firstOf(query)} WHERE ${allOf(query, sql`${number} >= ${first}`)}
        ORDER BY ${number} LIMIT ${limit} OFFSET ${offset} - (SELECT before FROM part))
    SELECT ${countedBy(counter)} AS total, ${userColumns()}
    FROM (SELECT 1) LEFT JOIN page LEFT JOIN users ON users.number = page.number`
}

/** Of a role's holders, who they are stands in user_roles: no user is read for being passed over. */
const firstOf = (query: PageQuery) => (query.role ? sql`user_roles` : sourceOf(query))

/** Of `counts` in a row, the one that holds the user with `offset` others before them, and how many come before it. */
function holding(offset: number, start: SQL, counts: SQL): SQL {
  return sql`
    SELECT position, before FROM (
      SELECT position, count, ${start} + sum(count) OVER (ORDER BY position) - count AS before FROM (${counts}))
    WHERE before <= ${offset} AND before + count > ${offset}`
}

function spansOf({ scope, without }: Counter): SQL {
  const other = without
    ? sql`- coalesce((SELECT count FROM ${userSpans} AS other WHERE other.scope = ${without} AND other.position = user_spans.position), 0)`
    : sql``
  return sql`SELECT position, count ${other} AS count FROM ${userSpans} WHERE scope = ${scope}`
}

/** The parts of the span found. */
function partsOf({ scope, without }: Counter): SQL {
  const parts = (of: SQL) =>
    sql`(SELECT parts FROM ${userSpans} WHERE scope = ${of} AND position = (SELECT position FROM span))`
  const other = without ? sql`- coalesce(${parts(without)} ->> key, 0)` : sql``
  return sql`SELECT key AS position, value ${other} AS count FROM json_each(${parts(scope)})`
}

function matchedPage(query: PageQuery): SQL {
  const { offset, limit } = query
  const number = numberOf(query)
  const after = sql`${number} > (SELECT max(number) FROM page)`
  return sql`
    WITH page AS MATERIALIZED (SELECT ${number} AS number FROM ${sourceOf(query)} WHERE ${allOf(query)}
        ORDER BY ${number} LIMIT ${limit} OFFSET ${offset}),
      matched AS MATERIALIZED (SELECT CASE WHEN EXISTS (SELECT 1 FROM page)
        THEN ${offset} + (SELECT count(*) FROM page)
          + (SELECT count(*) FROM ${sourceOf(query)} WHERE ${allOf(query, after)})
        ELSE (SELECT count(*) FROM ${sourceOf(query)} WHERE ${allOf(query)}) END AS total)
    SELECT matched.total, ${userColumns()}
    FROM matched LEFT JOIN page LEFT JOIN users ON users.number = page.number`
}

/** Pages of users in any order that v1 documents, by cursor, with exact totals. */
import { sql, type SQL } from 'drizzle-orm'
import { compile, type Statement } from './statement'
import { roles, userCounts, userRoles, userSearch } from './tables'
import { matchExpression, type SearchField } from './user-search'
import { userColumns, type UserRow } from './users'

export type SortKey = 'number' | 'email' | 'name'

export interface ListQuery {
  sort: SortKey
  descending: boolean
  /** Where the page before ended: the sort key and the number of its last user. */
  after: { key: string; number: number } | undefined
  limit: number
  active: boolean | undefined
  /** The folded name of a role they hold. */
  roleKey: string | undefined
  /** Folded words, each of which is somewhere in one of the fields. */
  search: { words: readonly string[]; fields: readonly SearchField[] } | undefined
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
  const rest = sql`FROM ${sourceOf(query)} WHERE ${conditions(query)} ORDER BY ${orderBy(numberOf(query))} LIMIT ${limit}`
  if (!search || sort === 'number') return compile(sql`SELECT ${columns} ${rest}`)
  return compile(
    sql`SELECT ${columns} FROM (SELECT users.number ${rest}) AS page CROSS JOIN users ON users.number = page.number
      ORDER BY ${orderBy(sql`users.number`)}`,
  )
}

/** How many there are on all pages. */
export function selectUserTotal(query: ListQuery): Statement<{ count: number }> {
  const { active, roleKey } = query
  const match = matchOf(query)
  const count = (scope: SQL) => sql`(SELECT count FROM ${userCounts} WHERE scope = ${scope})`
  if (match && active === undefined && roleKey === undefined) {
    return compile(sql`SELECT count(*) AS count FROM ${userSearch} WHERE ${userSearch} MATCH ${match}`)
  }
  if (!match && (active === undefined || roleKey === undefined)) {
    if (roleKey !== undefined) {
      return compile(sql`SELECT coalesce(${count(sql`'role:' || ${roleNumber(roleKey)}`)}, 0) AS count`)
    }
    const inactive = count(sql`'inactive'`)
    const all = count(sql`'all'`)
    if (active === undefined) return compile(sql`SELECT ${all} AS count`)
    return compile(active ? sql`SELECT ${all} - ${inactive} AS count` : sql`SELECT ${inactive} AS count`)
  }
  const everyPage = { ...query, after: undefined }
  return compile(sql`SELECT count(*) AS count FROM ${sourceOf(query)} WHERE ${conditions(everyPage)}`)
}

function matchOf({ search }: ListQuery): SQL | undefined {
  return search && matchExpression(search.words, search.fields)
}

const roleNumber = (key: string) => sql`(SELECT number FROM ${roles} WHERE name_key = ${key})`

/** The tables to read in the order that reads least: the most telling first. */
function sourceOf({ search, roleKey, active }: ListQuery): SQL {
  if (search) {
    const role = sql`${userRoles} ON user_roles.role_number = ${roleNumber(roleKey ?? '')} AND user_roles.user_number = user_search.rowid`
    return roleKey === undefined
      ? sql`${userSearch} CROSS JOIN users ON users.number = user_search.rowid`
      : sql`${userSearch} CROSS JOIN ${role} CROSS JOIN users ON users.number = user_search.rowid`
  }
  if (roleKey !== undefined) return sql`${userRoles} CROSS JOIN users ON users.number = user_roles.user_number`
  return active === undefined ? sql`users` : sql`users INDEXED BY users_by_active`
}

/** The user's number in the table that is read first, which gives the order too. */
function numberOf({ roleKey, search }: ListQuery): SQL {
  if (search) return sql`user_search.rowid`
  return roleKey === undefined ? sql`users.number` : sql`user_roles.user_number`
}

function conditions(query: ListQuery): SQL {
  const { active, roleKey } = query
  const match = matchOf(query)
  const all = [beyond(numberOf(query), query)]
  if (match) all.push(sql`${userSearch} MATCH ${match}`)
  if (roleKey !== undefined && !match) all.push(sql`user_roles.role_number = ${roleNumber(roleKey)}`)
  if (active !== undefined) all.push(sql`users.active = ${Number(active)}`)
  return sql.join(all, sql` AND `)
}

function beyond(number: SQL, { sort, descending, after }: ListQuery): SQL {
  if (!after) return sql`1`
  const than = descending ? sql`<` : sql`>`
  // D1 binds numbers as REAL, by which the search would not seek but read every hit before.
  if (sort === 'number') return sql`${number} ${than} CAST(${after.number} AS INTEGER)`
  return sql`(${sortColumn[sort]}, ${number}) ${than} (${after.key}, ${after.number})`
}

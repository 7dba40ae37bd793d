/** Lists of users: pages in a documented order, and everyone. */
import { selectUserPage, selectUserTotal, type ListRow, type SortKey } from '../database/user-list'
import type { SearchField } from '../database/user-search'
import { selectUsersByMatricule } from '../database/users'
import { guard, refusing, type Caller } from './caller'
import { fold, foldForSearch } from './text'
import { toUser, type User } from './user'

export type { SearchField, SortKey }

export interface ListRequest {
  /** `number` is the order of creation. */
  sort: SortKey
  descending: boolean
  after: Position | undefined
  limit: number
  active?: boolean | undefined
  /** A role's name. */
  role?: string | undefined
  /** Words, each to be found somewhere in one of the contract's search fields. */
  search?: { text: string; fields: readonly SearchField[] } | undefined
}

/** Where a page ends: the sort key and the number of its last user. */
export interface Position {
  key: string
  number: number
}

/** A page with the exact total of all pages; `next` is where the page after it begins, if there is one. */
export async function listUsers(
  caller: Caller,
  request: ListRequest,
): Promise<{ users: User[]; total: number; next: Position | undefined }> {
  const { limit, search } = request
  const words = search
    ? foldForSearch(search.text)
        .split(/\s+/u)
        .filter((word) => word !== '')
    : []
  const query = {
    sort: request.sort,
    descending: request.descending,
    after: request.after,
    limit: limit + 1,
    active: request.active,
    roleKey: request.role === undefined ? undefined : fold(request.role),
    search: search && words.length > 0 ? { words: [...new Set(words)], fields: search.fields } : undefined,
  }
  const [rows, totals] = await refusing(caller, () =>
    caller.database.batch(guard(caller), selectUserPage(query), selectUserTotal(query)),
  )
  const page = rows.slice(0, limit)
  return {
    users: page.map(toUser),
    total: totals[0]?.count ?? 0,
    next: rows.length > limit ? positionOf(page.at(-1) as ListRow) : undefined,
  }
}

function positionOf(row: ListRow): Position {
  return { key: String(row.sort_key), number: row.number }
}

/** Rows a page of an unpaginated list: a million users stay within the queries one invocation may make. */
const streamedPageSize = 5000

/**
 * Every user, by matricule, then those without one by number, a page at a time. The authority is asked for again at each page,
 * so a list that is being read ends with the right to read it.
 */
export async function* everyUserByMatricule(caller: Caller): AsyncGenerator<User[], void, undefined> {
  let after = { matricule: -1, number: 0 }
  for (;;) {
    const statement = selectUsersByMatricule({ ...after, limit: streamedPageSize })
    const [rows] = await refusing(caller, () => caller.database.batch(guard(caller), statement))
    if (rows.length > 0) yield rows.map(toUser)
    const last = rows.at(-1)
    if (!last || rows.length < streamedPageSize) return
    after = { matricule: last.matricule ?? Number.MAX_SAFE_INTEGER, number: last.matricule === null ? last.number : 0 }
  }
}

/** Lists users: one page by cursor, one page by number, or all users as a stream. */
import { selectUserPage, selectUsersAfter } from '../../database/users/user-list'
import type { Statement } from '../../database/statement'
import type { SortKey } from '../../database/users/user-matched-page'
import { passwordStates, type PasswordState, type RoleKey, type UserFilter } from '../../database/users/user-filter'
import { selectNumberedPage } from '../../database/users/user-pages'
import type { SearchField } from '../../database/users/user-search'
import type { ListedUser, UserPage } from '../../database/users/user-row'
import { selectUsersByMatricule } from '../../database/users/users'
import { guard, translateRefusals, type Caller } from '../access/caller'
import type { Parsed } from './fields'
import { searchWords } from './search'
import { foldRoleName } from './text'
import { toUser, type Gender, type User } from './user'

export { passwordStates }
export type { SearchField, SortKey }

/** Selects the users of a list. An empty filter selects all users. */
export interface Filter {
  active?: boolean | undefined
  /** Matches any holder of the role, primary or not. */
  role?: { name: string } | { number: number } | undefined
  gender?: Gender | undefined
  password?: PasswordState | undefined
  /** Each word must occur in at least one of the contract's search fields. Text without words matches all users. */
  search?: { text: Parsed<'search'>; fields: readonly SearchField[] } | undefined
}

export interface ListRequest extends Filter {
  /** `number` is the order of creation. */
  sort: SortKey
  descending: boolean
  after: Position | undefined
  limit: number
}

/** The end of a page: the sort key and the number of its last user. */
export interface Position {
  key: string
  number: number
}

/** Returns a page with the exact total of all pages. `next` is the position of the next page, if there is one. */
export async function listUsers(
  caller: Caller,
  request: ListRequest,
): Promise<{ users: User[]; total: number; next: Position | undefined }> {
  const { sort, descending, after, limit } = request
  const query = { ...toUserFilter(request), sort, descending, after, limit: limit + 1 }
  const page = await read(caller, selectUserPage(query))
  const users = page.users.slice(0, limit)
  return {
    users: users.map(({ user }) => toUser(user)),
    total: page.total,
    next: page.users.length > limit ? positionOf(users.at(-1) as ListedUser) : undefined,
  }
}

async function read(caller: Caller, statement: Statement<UserPage>): Promise<UserPage> {
  const [[page]] = await translateRefusals(caller, () => caller.database.batch(guard(caller), statement))
  return page as UserPage
}

function positionOf({ user: { number }, key }: ListedUser): Position {
  return { key: key ?? String(number), number }
}

/** Returns at most `limit` users from `offset` on, in order of number, with the exact total. Past the end there are none. */
export async function listUsersByOffset(
  caller: Caller,
  { offset, limit, ...filter }: Filter & { offset: number; limit: number },
): Promise<{ users: User[]; total: number }> {
  const found = await read(caller, selectNumberedPage({ ...toUserFilter(filter), offset, limit }))
  const users = found.users.map(({ user }) => toUser(user)).sort((a, b) => a.number - b.number)
  return { users, total: found.total }
}

/**
 * Rows per page of a streamed list. With pages of this size, a million users need fewer queries than one invocation may
 * make.
 */
export const streamedPageSize = 5000

/**
 * Streams all users in pages: first by matricule, then the users without one by number. Each page checks the caller's
 * authority again, so the stream ends when the caller loses it.
 */
export async function* everyUserByMatricule(caller: Caller): AsyncGenerator<User[], void, undefined> {
  let after = { matricule: -1, number: 0 }
  for (;;) {
    const statement = selectUsersByMatricule({ ...after, limit: streamedPageSize })
    const [rows] = await translateRefusals(caller, () => caller.database.batch(guard(caller), statement))
    if (rows.length > 0) yield rows.map(toUser)
    const last = rows.at(-1)
    if (!last || rows.length < streamedPageSize) return
    after = { matricule: last.matricule ?? Number.MAX_SAFE_INTEGER, number: last.matricule === null ? last.number : 0 }
  }
}

/** Streams the users that match the filter, in order of number. Each page checks the caller's authority again. */
export async function* everyUser(caller: Caller, filter: Filter): AsyncGenerator<User[], void, undefined> {
  const query = toUserFilter(filter)
  let number = 0
  for (;;) {
    const statement = selectUsersAfter({ ...query, number, limit: streamedPageSize })
    const [rows] = await translateRefusals(caller, () => caller.database.batch(guard(caller), statement))
    if (rows.length > 0) yield rows.map(toUser)
    const last = rows.at(-1)
    if (!last || rows.length < streamedPageSize) return
    number = last.number
  }
}

function toUserFilter({ active, role, gender, password, search }: Filter): UserFilter {
  const words = search ? searchWords(search.text) : []
  return {
    active,
    role: role && toRoleKey(role),
    gender,
    password,
    search: search && words.length > 0 ? { words, fields: search.fields } : undefined,
  }
}

function toRoleKey(role: { name: string } | { number: number }): RoleKey {
  return 'name' in role ? { key: foldRoleName(role.name) } : role
}

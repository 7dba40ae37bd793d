/** The users of a list: the tables to read, the most selective first, and the conditions on their rows. */
import { sql, type SQL } from 'drizzle-orm'
import { roles, upstreams, userCounts, userRoles, userSearch } from '../tables'
import type { Values } from '../statement'
import { clientNumber, type ClientKind } from './user-row'
import {
  searchConditions,
  searchShapeOf,
  expandedWords,
  searchValues,
  type Search,
  type SearchShape,
} from './user-search'

/** The number of the default role. */
export const defaultRole = sql.raw('2')

/** Selects a role by its number or folded name, or by its id. The default role cannot be selected by id. */
export type RoleKey = { number: number } | { key: string } | { id: string }

/**
 * `pending`: an upstream knows the password. `set`: the directory stores a hash. `none`: the user has no password.
 * `weak`: the directory stores a hash, but the policy would refuse the password.
 */
export const passwordStates = ['pending', 'set', 'none', 'weak'] as const
export type PasswordState = (typeof passwordStates)[number]

export interface UserFilter {
  active?: boolean | undefined
  /** Holders of the role, primary or not. */
  role?: RoleKey | undefined
  gender?: 'male' | 'female' | 'unknown' | undefined
  password?: PasswordState | undefined
  /** Each word occurs in at least one of the fields. */
  search?: Search | undefined
  /** The credential of the provisioning client, if its view of the users is requested. */
  client?: { kind: ClientKind; credential: string } | undefined
}

/** The parts of a filter that its SQL depends on. The rest are values. */
export interface FilterShape {
  active: boolean | undefined
  role: 'number' | 'key' | 'id' | undefined
  gender: boolean
  password: PasswordState | undefined
  search: SearchShape | undefined
  client: ClientKind | undefined
}

export function shapeOf({ active, role, gender, password, search, client }: UserFilter): FilterShape {
  return {
    active,
    role: role && ('number' in role ? 'number' : 'key' in role ? 'key' : 'id'),
    gender: gender !== undefined,
    password,
    search: search && searchShapeOf(search),
    client: client?.kind,
  }
}

/** An expression for the number of the client. */
export const clientOf = ({ client }: FilterShape): SQL | undefined => client && clientNumber[client]

export function isEveryone({ active, role, gender, password, search }: FilterShape): boolean {
  return active === undefined && !role && !gender && !password && !search
}

/** Returns the values for a statement of the filter's shape. */
export function valuesOf({ role, gender, search, client }: UserFilter): Values {
  return {
    ...(role && { role: Object.values<string | number>(role)[0] as string | number }),
    ...(client && { client: client.credential }),
    ...(gender && { gender }),
    ...(search && searchValues(search)),
  }
}

const value = sql.placeholder

/**
 * Returns the tables to read, the most selective first. By default `users` is included only when a condition needs it.
 */
export function sourceOf(
  { search, role, active, gender, password }: FilterShape,
  { withUsers = active !== undefined || gender || password !== undefined }: { withUsers?: boolean } = {},
): SQL {
  const users = (number: SQL) => (withUsers ? sql` CROSS JOIN users ON users.number = ${number}` : sql``)
  if (search) {
    const roleJoin = role
      ? sql` CROSS JOIN ${userRoles} ON user_roles.role_number = ${roleNumber(role)} AND user_roles.user_number = user_search.rowid`
      : sql``
    return sql`${userSearch}${roleJoin}${users(sql`user_search.rowid`)}`
  }
  if (role) return sql`${userRoles}${users(sql`user_roles.user_number`)}`
  if (gender) return sql`users INDEXED BY users_by_gender`
  if (password && password !== 'set') return sql`users INDEXED BY ${passwordIndex[password]}`
  // Nearly every user has a password, so an index of them would cost more than it saves.
  if (password && active === undefined) return sql`users NOT INDEXED`
  return active === undefined ? sql`users` : sql`users INDEXED BY users_by_active`
}

/** The user's number in the table that is read first, which also gives the order. */
export function numberOf({ role, search }: FilterShape): SQL {
  if (search) return sql`user_search.rowid`
  return role ? sql`user_roles.user_number` : sql`users.number`
}

const withoutPassword = sql.raw('users_without_password')
const passwordIndex = {
  pending: withoutPassword,
  none: withoutPassword,
  weak: sql.raw('users_with_weak_password'),
}

const passwordCondition: Record<PasswordState, SQL> = {
  pending: sql`users.password_hash IS NULL AND (users.password_from IS NOT NULL) = 1`,
  none: sql`users.password_hash IS NULL AND (users.password_from IS NOT NULL) = 0`,
  set: sql`users.number > 0 AND users.password_hash IS NOT NULL`,
  weak: sql`users.password_weak = 1`,
}

function conditionsOf({ active, role, gender, password, search }: FilterShape): SQL[] {
  const conditions: SQL[] = []
  if (search) conditions.push(...searchConditions(search))
  if (role && !search) conditions.push(sql`user_roles.role_number = ${roleNumber(role)}`)
  if (active !== undefined) conditions.push(active ? sql`users.active = 1` : sql`users.active = 0`)
  if (gender) conditions.push(sql`users.gender = ${value('gender')}`)
  if (password) conditions.push(passwordCondition[password])
  return conditions
}

/** Joins all conditions with AND. `further` conditions come after the filter's own. */
export function allOf(filter: FilterShape, ...further: SQL[]): SQL {
  const conditions = [...conditionsOf(filter), ...further]
  return conditions.length === 0 ? sql`1` : sql.join(conditions, sql` AND `)
}

/** Adds the expanded words of the search, if it has any. They are looked up once, even when used several times. */
export function withExpandedWords({ search }: FilterShape, statement: SQL): SQL {
  return search?.byVocabulary ? sql`WITH ${expandedWords} SELECT * FROM (${statement})` : statement
}

/** Counts the users of the filter without reading them: the users of `scope` minus the users of `without`. */
export interface Counter {
  scope: SQL
  without?: SQL
}

/** Returns the counter for a filter by nothing, by status or by role; undefined for any other. */
export function counterOf({ active, role, gender, password, search }: FilterShape): Counter | undefined {
  if (search || gender || password || (active !== undefined && role)) return undefined
  if (role) return { scope: sql`('role:' || ${roleNumber(role)})` }
  if (active === undefined) return { scope: sql`'all'` }
  return active ? { scope: sql`'all'`, without: sql`'inactive'` } : { scope: sql`'inactive'` }
}

/** The total of the filter as an expression that reads none of its users; undefined where they must be read. */
export function totalByCounters(shape: FilterShape): SQL | undefined {
  const counter = counterOf(shape)
  if (counter) return countedBy(counter)
  const { password } = shape
  if (!isEveryone({ ...shape, password: undefined })) return undefined
  if (password === 'pending') return pendingTotal
  if (password !== 'set') return undefined
  return sql`(${countedBy({ scope: sql`'all'` })} - ${pendingTotal}
    - (SELECT count(*) FROM users INDEXED BY users_without_password WHERE ${passwordCondition.none}))`
}

const pendingTotal = sql`(SELECT coalesce(sum(pending), 0) FROM ${upstreams})`

/** The number of users that the counter counts, as an expression. */
export function countedBy({ scope, without }: Counter): SQL {
  const count = (of: SQL) => sql`coalesce((SELECT count FROM ${userCounts} WHERE scope = ${of}), 0)`
  return without ? sql`(${count(scope)} - ${count(without)})` : count(scope)
}

function roleNumber(role: 'number' | 'key' | 'id'): SQL {
  // D1 binds numbers as REAL, which would give `2.0` in the name of a scope.
  if (role === 'number') return sql`CAST(${value('role')} AS INTEGER)`
  const named =
    role === 'key' ? sql`name_key = ${value('role')}` : sql`id = ${value('role')} AND number <> ${defaultRole}`
  return sql`(SELECT number FROM ${roles} WHERE ${named})`
}

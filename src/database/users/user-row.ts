/**
 * Reads users from JSON texts, because one cell costs D1 and the Worker a fraction of a user's many columns. The texts
 * are arrays: as an object, a user would exceed the arguments that D1 allows a function.
 */
import { sql, type SQL } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { externalIds, keptAttributes, roles, userRoles, users } from '../tables'

type Columns = typeof users.$inferSelect

type Unshown =
  | `${'email' | 'username' | 'name'}_key`
  | `password_${'hash' | 'from' | 'weak'}`
  | 'pin_hash'
  | `${'session' | 'key'}_generation`
  | 'primary_role'
  | 'role_count'

export interface HeldRole {
  id: string
  number: number
  name: string
}

/** A user without secrets. The primary role comes first. */
export type UserRow = Omit<Columns, Unshown> & { roles: readonly [HeldRole, ...HeldRole[]] }

/** The columns of a UserRow that are in `users` itself. */
const columns: Record<Exclude<keyof UserRow, 'roles'>, SQLiteColumn> = {
  number: users.number,
  id: users.id,
  matricule: users.matricule,
  username: users.username,
  email: users.email,
  name: users.name,
  given_name: users.given_name,
  family_name: users.family_name,
  birthdate: users.birthdate,
  gender: users.gender,
  phone_number: users.phone_number,
  mobile_number: users.mobile_number,
  certified_email: users.certified_email,
  user_type: users.user_type,
  is_staff: users.is_staff,
  country_id: users.country_id,
  active: users.active,
  created_at: users.created_at,
  updated_at: users.updated_at,
  version: users.version,
}

/** The values of the columns, in the same order. */
type Values = [
  ...[number: number, id: string, matricule: number | null, username: string | null, email: string, name: string],
  ...[given_name: string, family_name: string, birthdate: string | null, gender: UserRow['gender']],
  ...[phone_number: string | null, mobile_number: string | null, certified_email: string | null],
  ...[user_type: UserRow['user_type'], is_staff: number, country_id: number | null, active: number],
  ...[created_at: number, updated_at: number, version: number],
]

/** Written out, because a loop over the names takes longer than parsing. */
function toRow(values: readonly [...Values, ...unknown[]], roles: UserRow['roles']): UserRow {
  return {
    number: values[0],
    id: values[1],
    matricule: values[2],
    username: values[3],
    email: values[4],
    name: values[5],
    given_name: values[6],
    family_name: values[7],
    birthdate: values[8],
    gender: values[9],
    phone_number: values[10],
    mobile_number: values[11],
    certified_email: values[12],
    user_type: values[13],
    is_staff: values[14],
    country_id: values[15],
    active: values[16],
    created_at: values[17],
    updated_at: values[18],
    version: values[19],
    roles,
  }
}

const arrayOf = (...further: SQL[]): SQL =>
  sql`json_array(${sql.join([...Object.values(columns), ...further], sql`, `)})`

type RoleValues = [id: string, number: number, name: string]

const toRole = ([id, number, name]: RoleValues): HeldRole => ({ id, number, name })

const primaryRole = sql`(
  SELECT json_array(${roles.id}, ${roles.number}, ${roles.name}) FROM ${roles}
  WHERE ${roles.number} = ${users.primary_role})`

const otherRoles = sql`CASE WHEN ${users.role_count} > 1 THEN (
  SELECT json_group_array(json_array(id, number, name)) FROM (
    SELECT ${roles.id}, ${roles.number}, ${roles.name}
    FROM ${userRoles} CROSS JOIN ${roles} ON ${roles.number} = ${userRoles.role_number}
    WHERE ${userRoles.user_number} = ${users.number} AND ${userRoles.position} > 0
    ORDER BY ${userRoles.position})) END`

/** The names of a user's roles as JSON. The primary role comes first. */
export const roleNames = sql`CASE WHEN ${users.role_count} > 1 THEN (
  SELECT json_group_array(name) FROM (
    SELECT ${roles.name} FROM ${userRoles} CROSS JOIN ${roles} ON ${roles.number} = ${userRoles.role_number}
    WHERE ${userRoles.user_number} = ${users.number} ORDER BY ${userRoles.position}))
  ELSE (SELECT json_array(${roles.name}) FROM ${roles} WHERE ${roles.number} = ${users.primary_role}) END`

/** A row of `users` as one text, which `readUser` parses. */
export const userText = arrayOf(sql`json(${primaryRole})`, sql`json(${otherRoles})`)

export function readUser(text: string): UserRow {
  const values = JSON.parse(text) as [...Values, primary: RoleValues, others: RoleValues[] | null]
  return toRow(values, [toRole(values[20]), ...(values[21] ?? []).map(toRole)])
}

/** The data that a provisioning client stores for a user: attributes as JSON, and the external id. */
export interface KeptRow {
  attributes: string | null
  external_id: string | null
}

/** The kind of credential that identifies a provisioning client. The client is the user of the credential. */
export type ClientKind = 'session' | 'key'

const clientValue = sql.placeholder('client')

/**
 * An expression for the number of the client. The statement has the id of the session or the hash of the key as
 * `client`.
 */
export const clientNumber: Record<ClientKind, SQL> = {
  session: sql`(SELECT user_number FROM sessions WHERE id = ${clientValue})`,
  key: sql`(SELECT user_number FROM api_keys WHERE hash = ${clientValue})`,
}

/** The values of a KeptRow, over a row of users. `externalId` is an expression, if it is known already. */
export const keptOf = (client: SQL, externalId?: SQL): [attributes: SQL, externalId: SQL] => [
  sql`(SELECT ${keptAttributes.attributes} FROM ${keptAttributes} WHERE ${keptAttributes.user_number} = ${users.number})`,
  externalId ?? externalIdOf('user', client, users.number),
]

/** The client's id of a user or role, by the number of the user or role. */
export const externalIdOf = (kind: 'user' | 'role', client: SQL, number: SQLiteColumn): SQL => sql`(
  SELECT ${externalIds.value} FROM ${externalIds} WHERE ${externalIds.client_number} = ${client}
    AND ${externalIds.kind} = ${sql.raw(`'${kind}'`)} AND ${externalIds.subject_number} = ${number})`

/** The users of one page, in order, and the total of all pages. */
export interface UserPage {
  users: ListedUser[]
  total: number
}

/** A user of a list, with its sort key unless the key is the number, and with the data of a provisioning client. */
export interface ListedUser {
  user: UserRow
  key: string | undefined
  kept: KeptRow | undefined
}

/** The columns that `pageOf` needs of each user: the values, and the numbers of the roles. */
export const listedUser = (key?: SQL, client?: SQL, externalId?: SQL): SQL => sql`
  ${client ? arrayOf(key ?? sql`NULL`, ...keptOf(client, externalId)) : key ? arrayOf(key) : arrayOf()} AS user,
  coalesce(CASE WHEN ${users.role_count} > 1 THEN (
    SELECT group_concat(role_number) FROM (
      SELECT ${userRoles.role_number} FROM ${userRoles} WHERE ${userRoles.user_number} = ${users.number}
      ORDER BY ${userRoles.position})) END, ${users.primary_role}) AS roles_held`

/**
 * The single row that `readPage` parses: the total, the `listed` users in order, and each of their roles once. D1
 * limits a text to 2 MB, far more than a hundred users with a hundred roles each.
 */
export const pageOf = (total: SQL, listed: SQL): SQL => sql`
  SELECT ${total} AS total, listed, held,
    (SELECT json_group_array(json_array(id, number, name)) FROM ${roles}
      WHERE number IN (SELECT value FROM json_each('[' || each_held || ']'))) AS roles
  FROM (
    SELECT '[' || group_concat(user) || ']' AS listed, group_concat(roles_held, ' ') AS held,
      group_concat(DISTINCT roles_held) AS each_held
    FROM (${listed}))`

interface PageText {
  total: number
  listed: string | null
  held: string | null
  roles: string
}

export function readPage({ total, listed, held, roles }: PageText): UserPage {
  const byNumber = new Map((JSON.parse(roles) as RoleValues[]).map((role) => [String(role[1]), toRole(role)]))
  const known = new Map<string, UserRow['roles']>()
  const rolesOf = (numbers: string): UserRow['roles'] => {
    let found = known.get(numbers)
    if (!found) {
      found = numbers.split(',').flatMap((number) => byNumber.get(number) ?? []) as [HeldRole, ...HeldRole[]]
      known.set(numbers, found)
    }
    return found
  }
  const rolesOfEach = held?.split(' ') ?? []
  const all = JSON.parse(listed ?? '[]') as Listed[]
  return {
    total,
    users: all.map((values, index) => ({
      user: toRow(values, rolesOf(rolesOfEach[index] as string)),
      key: values[20] ?? undefined,
      kept: values.length > 21 ? { attributes: values[21] ?? null, external_id: values[22] ?? null } : undefined,
    })),
  }
}

type Listed = [...Values, key?: string | null, attributes?: string | null, externalId?: string | null]

/**
 * Conditions on users as a tree, and pages of the users that match one. An index finds the candidates where possible.
 * The tree is then evaluated exactly on each candidate. Values are bound and never part of the SQL.
 */
import { sql, type SQL } from 'drizzle-orm'
import { limit, prepare, type Statement, type Values } from '../statement'
import {
  externalIds,
  keptAttributes,
  loginIdentifiers,
  roles,
  userCounts,
  userRoles,
  users,
  userSearch,
} from '../tables'
import { defaultRole, type UserFilter } from './user-filter'
import { keyOf, orderBy, type Order } from './user-matched-page'
import { clientNumber, externalIdOf, listedUser, pageOf, readPage, type UserPage } from './user-row'

export type TextField =
  'id' | 'externalId' | 'shownName' | 'email' | 'name' | 'givenName' | 'familyName' | 'employeeNumber'
export type TimeField = 'createdAt' | 'updatedAt'
export type Comparison = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le'
export type TextComparison = Comparison | 'co' | 'sw' | 'ew'

/** A condition on one role of a user, or on a role of its own. */
export type RoleCondition =
  | { kind: 'constant'; holds: boolean }
  | { kind: 'all' | 'any'; conditions: readonly RoleCondition[] }
  | { kind: 'not'; condition: RoleCondition }
  | { kind: 'text'; field: 'id' | 'name'; comparison: TextComparison; value: string }

export type UserCondition =
  | { kind: 'constant'; holds: boolean }
  | { kind: 'all' | 'any'; conditions: readonly UserCondition[] }
  | { kind: 'not'; condition: UserCondition }
  /** `value` is folded as its field is; `key` is its login key, `searched` is folded for search. */
  | { kind: 'text'; field: TextField; comparison: TextComparison; value: string; key: string; searched: string }
  | { kind: 'present'; field: TextField }
  /** Unix seconds. */
  | { kind: 'time'; field: TimeField; comparison: Comparison; value: number }
  | { kind: 'active'; is: boolean }
  /** The user holds such a role, other than the default one. */
  | { kind: 'role'; condition: RoleCondition }

/** A condition that no index narrows is evaluated on every user, as long as there are no more than these. */
export const mostUsersRead = 50_000

export interface ConditionQuery extends Order {
  condition: UserCondition
  client: NonNullable<UserFilter['client']>
  after: { key: string; number: number } | undefined
  offset: number
  limit: number
}

/** A page; its total is undefined where too many users would have to be read. */
export type ConditionPage = Omit<UserPage, 'total'> & { total: number | undefined }

const value = sql.placeholder

/** The most users of a look-up that are answered as they are found. */
const mostFound = 200

/**
 * The users that a look-up finds, all of them in order, where these are few: `total` is undefined where there are more. Undefined where
 * the condition is no look-up.
 */
export function selectFewUsers(query: ConditionQuery): Statement<ConditionPage> | undefined {
  const { condition, client } = query
  const found = narrowing(condition)
  if (!found || costOf(found) > 0 || sizeOf(condition) > mostRepeated) return undefined
  const own = clientNumber[client.kind]
  // All that are found by an external id have it.
  const known = isExact(condition) && condition.field === 'externalId' ? sql`${condition.value}` : undefined
  const listed = sql`SELECT ${listedUser(keyOf(query.sort), own, known)} FROM (${candidates(found, own)}) AS candidate
    CROSS JOIN users ON users.number = candidate.number WHERE ${isExact(condition) ? sql`1` : toSql(condition, own)}
    ORDER BY ${orderBy(query, sql`users.number`)} LIMIT ${sql.raw(String(mostFound + 1))}`
  return prepare<Values, ConditionPage>(
    () => pageOf(sql`0`, listed),
    (row: Parameters<typeof readPage>[0]) => {
      const { users } = readPage(row)
      return { users, total: users.length > mostFound ? undefined : users.length }
    },
  )({ client: client.credential })
}

/** Whether the look-up finds just the users for whom the condition holds. */
const isExact = (condition: UserCondition): condition is UserCondition & { kind: 'text' } =>
  condition.kind === 'text' && (condition.field === 'id' || condition.field === 'externalId')

/**
 * Not compiled once and kept, as other statements are: clients write the conditions, and there is no end of them. `client` is a common
 * table, so that each use of it takes no further parameter.
 */
export function selectConditionPage(query: ConditionQuery): Statement<ConditionPage> {
  const { condition, client, after, offset, limit: most } = query
  const own = sql`(SELECT number FROM client)`
  const page = matchedPage(query, {
    key: keyOf(query.sort),
    own,
    exact: toSql(condition, own),
    found: narrowing(condition),
  })
  const statement = sql`WITH client AS MATERIALIZED (SELECT ${clientNumber[client.kind]} AS number), ${page}`
  const values = { client: client.credential, offset, limit: most, ...after }
  return prepare<Values, ConditionPage>(() => statement, readConditionPage)(values)
}

/** How many comparisons may each bind the client themselves. */
const mostRepeated = 10

function sizeOf(condition: UserCondition): number {
  if (condition.kind === 'all' || condition.kind === 'any') {
    return condition.conditions.reduce((size, one) => size + sizeOf(one), 0)
  }
  // A condition on roles is not counted by its parts: as many as a filter may have are too many here.
  return condition.kind === 'not' ? sizeOf(condition.condition) : condition.kind === 'role' ? mostRepeated : 1
}

interface Parts {
  key: SQL | undefined
  /** The number of the client. */
  own: SQL
  exact: SQL
}

function matchedPage(query: ConditionQuery, { key, own, exact, found }: Parts & { found: Narrowing | undefined }): SQL {
  const { after, descending } = query
  const source = found
    ? sql`(${candidates(found, own)}) AS candidate CROSS JOIN users ON users.number = candidate.number WHERE ${exact}`
    : sql`users WHERE users.number > (SELECT beginning FROM everyone) AND ${exact}`
  const than = descending ? sql`<` : sql`>`
  const number = sql`CAST(${value('number')} AS INTEGER)`
  const beyond =
    after === undefined
      ? sql`1`
      : key
        ? sql`(key, number) ${than} (${value('key')}, ${number})`
        : sql`number ${than} ${number}`
  const direction = descending ? sql`DESC` : sql`ASC`
  const order = key ? sql`key ${direction}, number ${direction}` : sql`number ${direction}`
  const listed = sql`
    SELECT ${listedUser(key, own)} FROM (
        SELECT number FROM hits WHERE ${beyond} ORDER BY ${order}
        ${limit('limit')} OFFSET CAST(${value('offset')} AS INTEGER)) AS page
      CROSS JOIN users ON users.number = page.number
    ORDER BY ${orderBy(query, sql`users.number`)}`
  const total = found
    ? sql`(SELECT count(*) FROM hits)`
    : sql`iif((SELECT beginning FROM everyone) > 0, NULL, (SELECT count(*) FROM hits))`
  // Where there are too many users, the search begins after the last of them.
  const everyone = sql`everyone AS MATERIALIZED (
    SELECT iif(count <= ${sql.raw(String(mostUsersRead))}, 0, 9007199254740991) AS beginning
    FROM ${userCounts} WHERE scope = 'all')`
  return sql`${found ? sql`` : sql`${everyone}, `}
    hits AS MATERIALIZED (SELECT users.number AS number, ${key ?? sql`NULL`} AS key FROM ${source})
    ${pageOf(total, listed)}`
}

function readConditionPage(row: Parameters<typeof readPage>[0]): ConditionPage {
  const total = row.total as number | null
  return { ...readPage(row), total: total ?? undefined }
}

/** What an index finds a superset of the hits by: each list is of alternatives. */
interface Narrowing {
  ids: string[]
  /** Keys of login_identifiers. */
  keys: string[]
  names: string[]
  externalIds: string[]
  employeeNumbers: string[]
  /** Expressions for MATCH. */
  phrases: string[]
  roleIds: string[]
  roleNames: string[]
}

type Cost = 0 | 1 | 2

const none: Narrowing = {
  ids: [],
  keys: [],
  names: [],
  externalIds: [],
  employeeNumbers: [],
  phrases: [],
  roleIds: [],
  roleNames: [],
}
const kinds = Object.keys(none) as (keyof Narrowing)[]

/** Look-ups come before searches, and searches before the holders of a role, which may be many. */
function costOf({ phrases, roleIds, roleNames }: Narrowing): Cost {
  if (roleIds.length + roleNames.length > 0) return 2
  return phrases.length > 0 ? 1 : 0
}

/** Undefined where no index narrows the condition. */
function narrowing(condition: UserCondition): Narrowing | undefined {
  switch (condition.kind) {
    case 'constant':
      return condition.holds ? undefined : none
    case 'all':
      return condition.conditions
        .flatMap((one) => narrowing(one) ?? [])
        .sort((one, other) => costOf(one) - costOf(other))[0]
    case 'any': {
      const found = condition.conditions.map(narrowing)
      return found.every((one) => one !== undefined)
        ? // `fromEntries` loses the names of the kinds.
          (Object.fromEntries(kinds.map((kind) => [kind, found.flatMap((one) => one[kind])])) as unknown as Narrowing)
        : undefined
    }
    case 'text':
      return narrowingOfText(condition)
    case 'role':
      return narrowingOfRole(condition.condition)
    case 'not':
    case 'present':
    case 'time':
    case 'active':
      return undefined
  }
}

function narrowingOfRole(condition: RoleCondition): Narrowing | undefined {
  if (condition.kind === 'all') return condition.conditions.flatMap((one) => narrowingOfRole(one) ?? [])[0]
  if (condition.kind !== 'text' || condition.comparison !== 'eq') return undefined
  return condition.field === 'id' ? { ...none, roleIds: [condition.value] } : { ...none, roleNames: [condition.value] }
}

const digits = /^[0-9]{1,16}$/

function narrowingOfText(condition: UserCondition & { kind: 'text' }): Narrowing | undefined {
  const { field, comparison, value: text, key } = condition
  if (comparison === 'eq') {
    if (field === 'id') return { ...none, ids: [text] }
    if (field === 'externalId') return { ...none, externalIds: [text] }
    if (field === 'shownName' || field === 'email') return { ...none, keys: [key] }
    if (field === 'name') return { ...none, names: [text] }
    // The number is the matricule or, where one is kept, that one.
    if (field === 'employeeNumber') {
      return { ...none, employeeNumbers: [text], keys: digits.test(text) ? [text] : [] }
    }
  }
  const phrase = phraseOf(condition)
  return phrase === undefined ? undefined : { ...none, phrases: [phrase] }
}

/** Where the index holds the text of a field; what an email holds may have no entry of its own (`toSearchRow`). */
const searchedIn: Partial<Record<TextField, { own: readonly string[]; others: readonly string[] }>> = {
  shownName: { own: ['username'], others: ['email'] },
  email: { own: ['email'], others: [] },
  name: { own: ['name'], others: ['given_name', 'family_name', 'email'] },
  givenName: { own: ['given_name'], others: ['email'] },
  familyName: { own: ['family_name'], others: ['email'] },
}

/** Ends each text of the index. */
const end = '\u0001\u0001'
const isLongEnough = (text: string) => [...text].length >= 3
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
const within = (columns: readonly string[], phrase: string) => `({${columns.join(' ')}} : ${phrase})`

/** An expression for MATCH that finds every user with such a text, and maybe more; undefined where the text is too short for one. */
function phraseOf({ field, comparison, searched }: UserCondition & { kind: 'text' }): string | undefined {
  const places = searchedIn[field]
  if (!places || !['eq', 'co', 'sw', 'ew'].includes(comparison)) return undefined
  const { own, others } = places
  // A name that is its two parts joined has no entry: no phrase reaches from one part into the other.
  const words = field === 'name' ? searched.split(' ') : [searched]
  const [longest = ''] = words.toSorted((one, other) => other.length - one.length)
  const whole = words.length === 1
  const atStart = whole && (comparison === 'sw' || comparison === 'eq') ? '^ ' : ''
  const ownText = whole && (comparison === 'ew' || comparison === 'eq') ? longest + end : longest
  if (!isLongEnough(others.length > 0 ? longest : ownText)) return undefined
  const inOwn = within(own, atStart + quoted(ownText))
  return others.length > 0 ? `(${inOwn} OR ${within(others, quoted(longest))})` : inOwn
}

/** The numbers of the users that the index finds, each once. */
function candidates(found: Narrowing, own: SQL): SQL {
  const selects = [
    found.ids.length > 0 && sql`SELECT number FROM users WHERE id ${among(found.ids)}`,
    found.keys.length > 0 && sql`SELECT user_number AS number FROM ${loginIdentifiers} WHERE key ${among(found.keys)}`,
    found.names.length > 0 && sql`SELECT number FROM users WHERE name_key ${among(found.names)}`,
    found.externalIds.length > 0 &&
      sql`SELECT subject_number AS number FROM ${externalIds}
        WHERE client_number = ${own} AND kind = 'user' AND value ${among(found.externalIds)}`,
    found.employeeNumbers.length > 0 &&
      sql`SELECT user_number AS number FROM ${keptAttributes} WHERE employee_number_key ${among(found.employeeNumbers)}`,
    found.phrases.length > 0 &&
      sql`SELECT rowid AS number FROM ${userSearch} WHERE user_search MATCH ${found.phrases.join(' OR ')}`,
    found.roleIds.length > 0 && holders(sql`id ${among(found.roleIds)}`),
    found.roleNames.length > 0 && holders(sql`name_key ${among(found.roleNames)}`),
  ].filter((select) => select !== false)
  return selects.length === 0 ? sql`SELECT NULL AS number WHERE 0` : sql.join(selects, sql` UNION `)
}

const holders = (named: SQL) => sql`SELECT user_number AS number FROM ${userRoles}
  WHERE role_number IN (SELECT number FROM ${roles} WHERE ${named})`

/** One parameter for any number of alternatives. */
function among(alternatives: readonly string[]): SQL {
  const [first, ...others] = alternatives
  return others.length === 0 ? sql`= ${first}` : sql`IN (SELECT value FROM json_each(${JSON.stringify(alternatives)}))`
}

/** True or false for every user, never NULL. */
function toSql(condition: UserCondition, own: SQL): SQL {
  switch (condition.kind) {
    case 'constant':
      return constant(condition.holds)
    case 'all':
    case 'any':
      return joined(
        condition.kind,
        condition.conditions.map((one) => toSql(one, own)),
      )
    case 'not':
      return sql`NOT ${toSql(condition.condition, own)}`
    case 'text': {
      const { field, comparison, key } = condition
      const byKey = comparison === 'eq' || comparison === 'ne' ? keyColumn[field] : undefined
      return byKey ? textHolds(byKey, { comparison, value: key }) : textHolds(shownText(field, own), condition)
    }
    case 'present':
      return sql`(${shownText(condition.field, own)} IS NOT NULL)`
    case 'time':
      return sql`(${condition.field === 'createdAt' ? users.created_at : users.updated_at} ${operators[condition.comparison]} ${condition.value})`
    case 'active':
      return condition.is ? sql`(users.active = 1)` : sql`(users.active = 0)`
    case 'role':
      return sql`EXISTS (
        SELECT 1 FROM ${userRoles} CROSS JOIN ${roles} ON ${roles.number} = ${userRoles.role_number}
        WHERE ${userRoles.user_number} = users.number AND ${roles.number} <> ${defaultRole} AND ${roleHolds(condition.condition)})`
  }
}

/** All spellings of one identifier are equal. */
const keyColumn: Partial<Record<TextField, SQL>> = {
  shownName: sql`coalesce(users.username_key, users.email_key)`,
  email: sql`users.email_key`,
}

const constant = (holds: boolean) => sql.raw(holds ? '(1 = 1)' : '(1 = 0)')

function roleHolds(condition: RoleCondition): SQL {
  switch (condition.kind) {
    case 'constant':
      return constant(condition.holds)
    case 'all':
    case 'any':
      return joined(condition.kind, condition.conditions.map(roleHolds))
    case 'not':
      return sql`NOT ${roleHolds(condition.condition)}`
    case 'text':
      return textHolds(condition.field === 'id' ? sql`${roles.id}` : sql`${roles.name_key}`, condition)
  }
}

/** As a balanced tree: D1 refuses expressions deeper than 100. */
function joined(kind: 'all' | 'any', terms: readonly SQL[]): SQL {
  if (terms.length === 0) return constant(kind === 'all')
  if (terms.length === 1) return terms[0] as SQL
  const middle = terms.length >> 1
  const [left, right] = [joined(kind, terms.slice(0, middle)), joined(kind, terms.slice(middle))]
  return kind === 'all' ? sql`(${left} AND ${right})` : sql`(${left} OR ${right})`
}

const operators: Record<Comparison, SQL> = {
  eq: sql`=`,
  ne: sql`<>`,
  gt: sql`>`,
  ge: sql`>=`,
  lt: sql`<`,
  le: sql`<=`,
}

/** Without a text only `ne` holds. */
function textHolds(text: SQL, { comparison, value }: { comparison: TextComparison; value: string }): SQL {
  const length = sql.raw(String([...value].length))
  switch (comparison) {
    case 'ne':
      return sql`(${text} IS NOT ${value})`
    case 'co':
      return sql`(coalesce(instr(${text}, ${value}), 0) > 0)`
    case 'sw':
      return sql`(substr(${text}, 1, ${length}) IS ${value})`
    case 'ew':
      return sql`(substr(${text}, -${length}, ${length}) IS ${value})`
    default:
      return sql`coalesce(${text} ${operators[comparison]} ${value}, 0)`
  }
}

/** The folded text of a column: SQLite folds ASCII, and the key is the folded text of anything else. */
const foldedBy = (column: SQL, key: SQL) =>
  sql`iif(octet_length(${column}) = length(${column}), lower(${column}), ${key})`

/** The text by which a field is compared, folded unless its case counts; NULL where there is none. */
function shownText(field: TextField, own: SQL): SQL {
  switch (field) {
    case 'id':
      return sql`users.id`
    case 'externalId':
      return externalIdOf('user', own, users.number)
    case 'shownName':
      return sql`coalesce(${foldedBy(sql`users.username`, sql`users.username_key`)}, ${shownText('email', own)})`
    case 'email':
      return foldedBy(sql`users.email`, sql`users.email_key`)
    case 'name':
      return sql`nullif(users.name_key, '')`
    case 'givenName':
      return partOfName('given_name')
    case 'familyName':
      return partOfName('family_name')
    case 'employeeNumber':
      return sql`coalesce((SELECT employee_number_key FROM ${keptAttributes} WHERE user_number = users.number),
        CAST(users.matricule AS TEXT))`
  }
}

/** Folded for search: a part without an entry in the index is ASCII, or empty (`toSearchRow`). */
const partOfName = (part: 'given_name' | 'family_name') => sql`nullif((
  SELECT iif(${userSearch[part]} = '', lower(users.${sql.raw(part)}), substr(${userSearch[part]}, 1, length(${userSearch[part]}) - 2))
  FROM ${userSearch} WHERE ${userSearch.rowid} = users.number), '')`

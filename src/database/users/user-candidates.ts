/** The candidates for a condition that an index finds: every matching user, and possibly others. */
import { sql, type SQL } from 'drizzle-orm'
import { externalIds, keptAttributes, loginIdentifiers, roles, userRoles, userSearch } from '../tables'
import type { RoleCondition, TextField, UserCondition } from './user-condition'

/** The keys by which an index finds the candidates. Each list holds alternatives. */
export interface Narrowing {
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
export function costOf({ phrases, roleIds, roleNames }: Narrowing): Cost {
  if (roleIds.length + roleNames.length > 0) return 2
  return phrases.length > 0 ? 1 : 0
}

/** Returns undefined if no index narrows the condition. */
export function narrowing(condition: UserCondition): Narrowing | undefined {
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
        ? // `fromEntries` loses the type of the keys.
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
    // The number is the matricule, or the stored employee number instead.
    if (field === 'employeeNumber') {
      return { ...none, employeeNumbers: [text], keys: digits.test(text) ? [text] : [] }
    }
  }
  const phrase = phraseOf(condition)
  return phrase === undefined ? undefined : { ...none, phrases: [phrase] }
}

/** The index columns of a field. A text that the email contains may have no entry of its own (`toSearchRow`). */
const searchedIn: Partial<Record<TextField, { own: readonly string[]; others: readonly string[] }>> = {
  shownName: { own: ['username'], others: ['email'] },
  email: { own: ['email'], others: [] },
  name: { own: ['name'], others: ['given_name', 'family_name', 'email'] },
  givenName: { own: ['given_name'], others: ['email'] },
  familyName: { own: ['family_name'], others: ['email'] },
}

/** The end mark of each text in the index. */
const end = '\u0001\u0001'
const isLongEnough = (text: string) => [...text].length >= 3
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
const within = (columns: readonly string[], phrase: string) => `({${columns.join(' ')}} : ${phrase})`

/**
 * Returns a MATCH expression that finds every user with such a text, and possibly others. Undefined if the text is too
 * short.
 */
function phraseOf({ field, comparison, searched }: UserCondition & { kind: 'text' }): string | undefined {
  const places = searchedIn[field]
  if (!places || !['eq', 'co', 'sw', 'ew'].includes(comparison)) return undefined
  const { own, others } = places
  // A name that equals its joined parts has no entry of its own, so no phrase may span both parts.
  const words = field === 'name' ? searched.split(' ') : [searched]
  const [longest = ''] = words.toSorted((one, other) => other.length - one.length)
  const whole = words.length === 1
  const atStart = whole && (comparison === 'sw' || comparison === 'eq') ? '^ ' : ''
  const ownText = whole && (comparison === 'ew' || comparison === 'eq') ? longest + end : longest
  if (!isLongEnough(others.length > 0 ? longest : ownText)) return undefined
  const inOwn = within(own, atStart + quoted(ownText))
  return others.length > 0 ? `(${inOwn} OR ${within(others, quoted(longest))})` : inOwn
}

/** Selects the numbers of the users that the index finds, without duplicates. */
export function candidates(found: Narrowing, own: SQL): SQL {
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

/** Uses one parameter for any number of alternatives. */
function among(alternatives: readonly string[]): SQL {
  const [first, ...others] = alternatives
  return others.length === 0 ? sql`= ${first}` : sql`IN (SELECT value FROM json_each(${JSON.stringify(alternatives)}))`
}

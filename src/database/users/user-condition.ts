/** Conditions on users as a tree, and their SQL. Values are bound and never part of the SQL. */
import { sql, type SQL } from 'drizzle-orm'
import { keptAttributes, roles, userRoles, users, userSearch } from '../tables'
import { defaultRole } from './user-filter'
import { externalIdOf } from './user-row'

export type TextField =
  'id' | 'externalId' | 'shownName' | 'email' | 'name' | 'givenName' | 'familyName' | 'employeeNumber'
export type TimeField = 'createdAt' | 'updatedAt'
export type Comparison = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le'
export type TextComparison = Comparison | 'co' | 'sw' | 'ew'

/** A condition on one role of a user, or on a role itself. */
export type RoleCondition =
  | { kind: 'constant'; holds: boolean }
  | { kind: 'all' | 'any'; conditions: readonly RoleCondition[] }
  | { kind: 'not'; condition: RoleCondition }
  | { kind: 'text'; field: 'id' | 'name'; comparison: TextComparison; value: string }

export type UserCondition =
  | { kind: 'constant'; holds: boolean }
  | { kind: 'all' | 'any'; conditions: readonly UserCondition[] }
  | { kind: 'not'; condition: UserCondition }
  /** `value` is folded like its field. `key` is its login key. `searched` is folded for search. */
  | { kind: 'text'; field: TextField; comparison: TextComparison; value: string; key: string; searched: string }
  | { kind: 'present'; field: TextField }
  /** Unix seconds. */
  | { kind: 'time'; field: TimeField; comparison: Comparison; value: number }
  | { kind: 'active'; is: boolean }
  /** The user holds a role that matches, other than the default role. */
  | { kind: 'role'; condition: RoleCondition }

/** Returns SQL that is true or false for every user, and never NULL. */
export function toSql(condition: UserCondition, own: SQL): SQL {
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

/** Builds a balanced tree, because D1 refuses expressions deeper than 100. */
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

/** A user without the text matches `ne` only. */
function textHolds(text: SQL, { comparison, value }: { comparison: TextComparison; value: string }): SQL {
  const length = () => sql.raw(String([...value].length))
  switch (comparison) {
    case 'ne':
      return sql`(${text} IS NOT ${value})`
    case 'co':
      return sql`(coalesce(instr(${text}, ${value}), 0) > 0)`
    case 'sw':
      return sql`(substr(${text}, 1, ${length()}) IS ${value})`
    case 'ew':
      return sql`(substr(${text}, -${length()}, ${length()}) IS ${value})`
    default:
      return sql`coalesce(${text} ${operators[comparison]} ${value}, 0)`
  }
}

/** The folded text of a column. SQLite folds ASCII text. For any other text the key column has the folded text. */
const foldedBy = (column: SQL, key: SQL) =>
  sql`iif(octet_length(${column}) = length(${column}), lower(${column}), ${key})`

/** The text with which a field is compared; folded unless the field is case-sensitive. NULL without a value. */
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

/** Folded for search. A text without an entry in the index is ASCII or empty (`toSearchRow`). */
const partOfName = (part: 'given_name' | 'family_name') => sql`nullif((
  SELECT iif(${userSearch[part]} = '', lower(users.${sql.raw(part)}), substr(${userSearch[part]}, 1, length(${userSearch[part]}) - 2))
  FROM ${userSearch} WHERE ${userSearch.rowid} = users.number), '')`

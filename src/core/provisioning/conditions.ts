/**
 * Conditions on users, for contracts with a filter language. Text is compared in folded form, except for case-sensitive
 * fields.
 */
import type {
  Comparison,
  RoleCondition,
  TextComparison,
  TextField,
  TimeField,
  UserCondition,
} from '../../database/users/user-condition'
import { fold, foldForSearch, foldIdentifier, foldRoleName } from '../users/text'

export { maxUsersRead } from '../../database/users/user-condition-page'
export type { Comparison, RoleCondition, TextComparison, TextField, TimeField, UserCondition }

/**
 * No field is empty or holds control characters or lone surrogates. A text with such characters therefore matches `ne`
 * only.
 */
const isNowhere = (value: string) => /[\p{Cc}\p{Cs}]/u.test(value)

/** Compares a text field of a user with a value. */
export function textCondition(field: TextField, comparison: TextComparison, value: string): UserCondition {
  if (value === '' && (comparison === 'co' || comparison === 'sw' || comparison === 'ew'))
    return { kind: 'present', field }
  if (isNowhere(value) || value === '') {
    if (comparison === 'ne') return { kind: 'constant', holds: true }
    if (comparison === 'gt' || comparison === 'ge') return { kind: 'present', field }
    return { kind: 'constant', holds: false }
  }
  return {
    kind: 'text',
    field,
    comparison,
    value: foldedAs[field](value),
    key: foldIdentifier(value),
    searched: foldForSearch(value),
  }
}

/** Emails and usernames are compared in their stored form: the domain is in ASCII. */
const foldAddress = (value: string) => (value.includes('@') ? foldIdentifier(value) : fold(value))

const foldedAs: Record<TextField, (value: string) => string> = {
  id: (value) => value,
  externalId: (value) => value,
  shownName: foldAddress,
  email: foldAddress,
  name: fold,
  givenName: foldForSearch,
  familyName: foldForSearch,
  employeeNumber: fold,
}

/** Compares a text field of a role with a value. */
export function roleTextCondition(field: 'id' | 'name', comparison: TextComparison, value: string): RoleCondition {
  if (value === '' && (comparison === 'co' || comparison === 'sw' || comparison === 'ew'))
    return { kind: 'constant', holds: true }
  if (isNowhere(value)) return { kind: 'constant', holds: comparison === 'ne' }
  return { kind: 'text', field, comparison, value: field === 'name' ? foldRoleName(value) : value }
}

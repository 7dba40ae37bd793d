/** Conditions on users, as contracts with a filter language state them. Text compares folded, unless its case counts. */
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

/** No field holds control characters or lone surrogates, so only `ne` holds for a text that does; and no field is empty. */
const isNowhere = (value: string) => /[\p{Cc}\p{Cs}]/u.test(value)

/** A user's text compared with another. */
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

/** An email or a name to sign in by compares as the directory keeps it, with its domain in ASCII. */
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

/** A text of a role compared with another. */
export function roleTextCondition(field: 'id' | 'name', comparison: TextComparison, value: string): RoleCondition {
  if (value === '' && (comparison === 'co' || comparison === 'sw' || comparison === 'ew'))
    return { kind: 'constant', holds: true }
  if (isNowhere(value)) return { kind: 'constant', holds: comparison === 'ne' }
  return { kind: 'text', field, comparison, value: field === 'name' ? foldRoleName(value) : value }
}

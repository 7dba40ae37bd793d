/** Parses values of the wire by the rules of the core. */
import { parseExternalId, type Outcome } from '../../../core/users/fields'
import { describe } from '../errors'
import { invalid } from '../language/values'

export function externalIdOf(wanted: unknown, present: string | null): string | null {
  const value = typeof wanted === 'string' ? wanted : null
  return value === null || value === present ? value : parsed('externalId', parseExternalId, value)
}

export function parsed<Result>(name: string, parser: (input: string) => Outcome<Result>, value: string): Result {
  const outcome = parser(value)
  if ('value' in outcome) return outcome.value
  throw invalid(name, `${describe(outcome.problem)}.`)
}

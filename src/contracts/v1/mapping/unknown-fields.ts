/**
 * Unknown fields of an import's rows. They are named and counted. Fields that look like a status or a hash are refused,
 * because ignoring them could let a person sign in who must not.
 */
import { lookalikeOf } from '../../../core/passwords/lookalikes.js'
import { maxIssues } from '../../../http/contract/failure'
import { V1ImportedUser } from '../schemas/imports'

const maxFields = 100
const maxCharacters = 64

/** The unknown fields of a row, shortened. */
export function unknownFieldsOf(row: unknown): string[] {
  return unknownIn(row).map(shortened)
}

/** The unknown fields that look like a status or a hash. */
export function lookalikesIn(row: unknown): { field: string; lookalike: 'status' | 'hash' }[] {
  return unknownIn(row)
    .flatMap((field) => {
      const lookalike = lookalikeOf(field, (row as Record<string, unknown>)[field])
      return lookalike ? [{ field: shortened(field), lookalike }] : []
    })
    .slice(0, maxIssues)
}

/** Adds the fields of one line to the counts, up to a maximum of distinct fields. */
export function countFields(counts: Map<string, number>, fields: readonly string[]): void {
  for (const field of new Set(fields)) {
    if (counts.has(field) || counts.size < maxFields) counts.set(field, (counts.get(field) ?? 0) + 1)
  }
}

function unknownIn(row: unknown): string[] {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) return []
  return Object.keys(row).filter((field) => !Object.hasOwn(V1ImportedUser.shape, field))
}

const shortened = (field: string) => (field.length > maxCharacters ? `${field.slice(0, maxCharacters)}…` : field)

/** Fields of a row that no user has: named and counted, and refused where passing over them would let somebody in. */
import { lookalikeOf } from '../../../core/passwords/lookalikes.js'
import { maxIssues } from '../../../http/contract/failure'
import { V1ImportedUser } from '../schemas/imports'

const maxFields = 100
const maxCharacters = 64

/** The row's fields that are none of a user's, in short. */
export function unknownFieldsOf(row: unknown): string[] {
  return unknownIn(row).map(([field]) => shortened(field))
}

/** Those that look like a status or a hash. */
export function lookalikesIn(row: unknown): { field: string; lookalike: 'status' | 'hash' }[] {
  return unknownIn(row)
    .flatMap(([field, value]) => {
      const lookalike = lookalikeOf(field, value)
      return lookalike ? [{ field: shortened(field), lookalike }] : []
    })
    .slice(0, maxIssues)
}

/** Adds the fields of one line to the counts, as long as there are not too many to name. */
export function countFields(counts: Map<string, number>, fields: readonly string[]): void {
  for (const field of new Set(fields)) {
    if (counts.has(field) || counts.size < maxFields) counts.set(field, (counts.get(field) ?? 0) + 1)
  }
}

function unknownIn(row: unknown): [string, unknown][] {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) return []
  return Object.entries(row).filter(([field]) => !Object.hasOwn(V1ImportedUser.shape, field))
}

const shortened = (field: string) => (field.length > maxCharacters ? `${field.slice(0, maxCharacters)}…` : field)

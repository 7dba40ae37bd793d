/** Imports. */
import type { z } from '@hono/zod-openapi'
import type { ImportedUser, RowResult, Totals } from '../../../core/moving/imports'
import type { StoredHash } from '../../../core/passwords/stored-hashes'
import type { V1ImportResult, V1ImportedUser } from '../schemas/imports'
import { toId } from './ids'
import { toOptional } from './users'

export function toImportedUser(row: z.output<typeof V1ImportedUser>): ImportedUser {
  return {
    id: row.id,
    number: row.number,
    email: row.email,
    name: row.name,
    givenName: row.first_name,
    familyName: row.last_name,
    password: row.password,
    passwordHash: row.password_hash,
    passwordFrom: row.password_from,
    pinHash: row.pin_hash,
    roles: row.roles ?? (row.role === undefined ? undefined : [row.role]),
    active: row.status ?? row.is_active ?? row.user_status,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    version: row.version,
    ...toOptional(row),
  }
}

/** The result of a row that was not refused. errors.ts renders refused rows. */
export function fromPresent(result: Exclude<RowResult, { status: 'refused' }>): z.infer<typeof V1ImportResult> {
  const { line, status, id } = result
  return {
    line,
    status,
    ...(id !== undefined && { id: toId(id) }),
    ...(status === 'created' && result.withoutPassword && { note: noPassword }),
  }
}

const noPassword = 'has no password, as password_hash says: a set-password token sets one'

export function fromTotals(
  totals: Totals,
  unknownFields: ReadonlyMap<string, number>,
  dry_run: boolean,
): z.infer<typeof V1ImportResult> {
  const { created, skipped, refused, rowsWritten, passwords, hashes } = totals
  return {
    status: 'done',
    dry_run,
    created,
    skipped,
    refused,
    rows_written: rowsWritten,
    passwords,
    password_hashes: [...hashes.values()].map(({ stored, users, milliseconds }) => ({
      kind: kindOf(stored),
      users,
      milliseconds,
    })),
    unknown_fields: [...unknownFields].map(([field, lines]) => ({ field, lines })),
  }
}

function kindOf(stored: StoredHash): string {
  switch (stored.scheme) {
    case 'usher':
      return `pbkdf2-sha256 i=${stored.iterations},r=${stored.rounds}`
    case 'django':
      return `pbkdf2_sha256 ${stored.iterations}`
    case 'bcrypt':
      return `bcrypt ${stored.cost}`
  }
}

/** Imports users of another directory, in parts of many rows. Existing users are left unchanged. */
import { v7 as uuid } from 'uuid'
import {
  insertEachUser,
  rowsToWrite,
  selectHolders,
  selectHighestNumber,
  selectKnownIds,
  selectUsedNumbers,
  type HolderRow,
  type NewUserEntry,
} from '../../database/moving/imports'
import type { RoleRow } from '../../database/access/roles'
import type { NewUserRow } from '../../database/users/users'
import { commonEvent } from '../audit/audit'
import { decideAndCommit, readFacts, guard, type Caller } from '../access/caller'
import {
  decideRows,
  type Decision,
  type Facts,
  type Holder,
  type ImportRow,
  type ImportedUser,
  type RowProblem,
} from './import-decisions'
import { hashPassword } from '../passwords/passwords'
import type { Permission } from '../access/permissions'
import { defaultRole, selectNamedRoles } from '../access/roles'
import { millisecondsToVerify, readHash, type StoredHash } from '../passwords/stored-hashes'
import { loginKeys, toRowWithoutSecrets, toSearchRow } from '../users/users'

export { parseRowPassword } from './import-decisions'
export type { ImportRow, ImportedUser, RowProblem }

export type RowResult =
  /** In a dry run the user is not created, and `id` is undefined unless the row has one. */
  | { line: number; status: 'created'; id: string | undefined; withoutPassword: boolean }
  | { line: number; status: 'skipped'; id: string | undefined }
  | { line: number; status: 'refused'; problems: readonly RowProblem[] }

export interface Totals {
  created: number
  skipped: number
  refused: number
  /** Counted by D1; estimated in a dry run. */
  rowsWritten: number
  /** Passwords that were hashed, or would be in a dry run. */
  passwords: number
  /** The password hashes of the created users, by the cost of verifying one. */
  hashes: Map<string, { stored: StoredHash; users: number; milliseconds: number }>
}

/** The maximum plain-text passwords that one import hashes. The rest of the platform's CPU limit is for other work. */
export const maxPasswords = 100

export interface Import {
  /**
   * Decides and writes these rows in one batch. Refuses the whole batch when the caller may not import, or has lost the
   * permission.
   */
  add(rows: readonly ImportRow[]): Promise<RowResult[]>
  /** Counts rows that were refused by an earlier check. */
  refuse(count: number): void
  readonly totals: Readonly<Totals>
}

/**
 * Imports users in parts. A row matches an existing user by id or, without an id, by email, unless another field
 * contradicts it. Matched rows are skipped, so an import can be run again. A dry run returns the same results and
 * writes nothing.
 */
export function beginImport(caller: Caller, { dryRun }: { dryRun: boolean }): Import {
  const totals: Totals = { created: 0, skipped: 0, refused: 0, rowsWritten: 0, passwords: 0, hashes: new Map() }
  /** The rows that earlier parts of a dry run would have written. */
  const earlier = {
    ids: new Set<string>(),
    keys: new Map<string, Holder>(),
    numbers: new Set<number>(),
    highest: 0,
  }
  const hashed = new WeakMap<ImportedUser, string>()

  return {
    totals,
    refuse(count) {
      totals.refused += count
    },
    async add(rows) {
      return decideAndCommit(caller, async () => {
        const known = await factsAbout(caller, rows)
        const decisions = decideRows(rows, known, {
          claimed: dryRun ? earlier : { ids: new Set(), keys: new Map(), numbers: new Set(), highest: 0 },
          passwordsLeft: maxPasswords - totals.passwords,
          passwordMinLength: caller.settings.passwordMinLength,
          upstreams: [...caller.settings.upstreams.keys()],
          now: caller.now,
          newId: dryRun ? () => undefined : uuid,
        })
        const entries: NewUserEntry[] = []
        for (const decision of decisions) {
          if (decision.status === 'created') entries.push(await toEntry(caller, decision, { hashed, dryRun }))
        }
        const before = caller.database.cost.rowsWritten
        if (entries.length > 0 && !dryRun) {
          await caller.database.batch(
            guard(caller, neededAuthority(caller, entries, decisions)),
            ...insertEachUser(entries, commonEvent(caller, known.actor, 'user.created')),
          )
        }
        const written = dryRun
          ? entries.reduce((sum, entry) => sum + rowsToWrite(entry), 0)
          : caller.database.cost.rowsWritten - before
        count(totals, decisions, written)
        return decisions.map(toResult)
      })
    },
  }
}

async function factsAbout(caller: Caller, rows: readonly ImportRow[]): Promise<Facts> {
  const keys = rows.map(({ user }) => loginKeys(user))
  const roles = [...new Set(rows.flatMap(({ user }) => user.roles ?? []))].map((name) => ({ name }))
  const ids = rows.flatMap(({ user }) => user.id ?? [])
  const numbers = rows.flatMap(({ user }) => user.number ?? [])
  const [actor, knownIds, holders, used, [sequence], roleRows] = await readFacts(
    caller,
    selectKnownIds({ ids: JSON.stringify(ids) }),
    selectHolders({ keys: JSON.stringify(keys.flatMap((own) => own.map(([, key]) => key))) }),
    selectUsedNumbers({ numbers: JSON.stringify(numbers) }),
    selectHighestNumber(),
    selectNamedRoles([...roles, { number: defaultRole }]),
  )
  return {
    actor,
    keys,
    ids: new Map(knownIds.map(({ id, present }) => [id, present === 1])),
    holders: new Map(holders.map(({ key, ...holder }) => [key, toHolder(holder)])),
    numbers: new Map(used.map(({ number, present }) => [number, present === 1])),
    highest: sequence?.highest ?? 0,
    roles: new Map<string, RoleRow>(roleRows.map((role) => [role.name_key, role])),
  }
}

function toHolder({ id, number, email_key, username_key, matricule }: Omit<HolderRow, 'key'>): Holder {
  return {
    id,
    number,
    keys: {
      email: email_key,
      ...(username_key !== null && { username: username_key }),
      ...(matricule !== null && { matricule: String(matricule) }),
    },
  }
}

async function toEntry(
  caller: Caller,
  decision: Decision & { status: 'created' },
  { hashed, dryRun }: { hashed: WeakMap<ImportedUser, string>; dryRun: boolean },
): Promise<NewUserEntry> {
  const { user, roles, id = '' } = decision
  const granted = roles.map(({ number }) => number)
  const createdAt = user.createdAt ?? Math.min(caller.now, user.updatedAt ?? caller.now)
  const row: NewUserRow & { number: number | null } = {
    ...toRowWithoutSecrets(id, user, granted, createdAt),
    number: user.number ?? null,
    updated_at: user.updatedAt ?? createdAt,
    version: user.version ?? 1,
    password_hash: user.passwordHash ?? null,
    pin_hash: user.pinHash ?? null,
    password_from: user.passwordFrom ?? null,
  }
  if (user.password !== undefined && !dryRun) {
    // Hashed once, even when the row is decided again.
    row.password_hash = hashed.get(user) ?? (await hashPassword(user.password, caller.settings.passwordRounds))
    hashed.set(user, row.password_hash)
  }
  return { row, roles: granted, search: toSearchRow(row), event: { id: uuid(), fields: writtenFields(user) } }
}

function writtenFields(user: ImportedUser): string[] {
  return (Object.keys(user) as (keyof ImportedUser)[]).filter((field) => user[field] != null)
}

/** Returns the authority that the rows need together, for the guard of the commit. */
function neededAuthority(caller: Caller, entries: readonly NewUserEntry[], decisions: readonly Decision[]) {
  const further = new Set<Permission>(
    decisions.flatMap((decision) => (decision.status === 'created' ? decision.needs : [])),
  )
  return {
    needs: [...caller.needs, ...further],
    grantedRoles: [...new Set(entries.flatMap(({ roles }) => roles))],
  }
}

function count(totals: Totals, decisions: readonly Decision[], written: number): void {
  totals.rowsWritten += written
  for (const decision of decisions) {
    totals[decision.status] += 1
    if (decision.status !== 'created') continue
    const { password, passwordHash } = decision.user
    if (password !== undefined) totals.passwords += 1
    const stored = passwordHash == null ? undefined : readHash(passwordHash)
    if (stored) countHash(totals.hashes, stored)
  }
}

function countHash(hashes: Totals['hashes'], stored: StoredHash): void {
  const milliseconds = Math.round(millisecondsToVerify(stored))
  const kind = `${stored.scheme} ${milliseconds}`
  const counted = hashes.get(kind)
  if (counted) counted.users += 1
  else hashes.set(kind, { stored, users: 1, milliseconds })
}

function toResult(decision: Decision): RowResult {
  const { line, status } = decision
  if (status === 'refused') return { line, status, problems: decision.problems }
  if (status === 'skipped') return { line, status, id: decision.id }
  return { line, status, id: decision.id, withoutPassword: decision.withoutPassword }
}

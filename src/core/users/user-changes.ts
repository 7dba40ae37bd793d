/** Updates a user: reads the facts, decides the update, and commits it only if the facts still hold. */
import { BatchConflict } from '../../database/database'
import type { ActorRow } from '../../database/guard'
import type { Statement } from '../../database/statement'
import { updateUserSearch } from '../../database/users/user-search'
import { readUser, type UserRow } from '../../database/users/user-row'
import {
  deleteUserRoles,
  insertUserRoles,
  refuseUnlessVersion,
  roleColumns,
  selectLoginIdentifiers,
  selectNothing,
  selectUser,
  selectUserToChange,
  updateUser as updateUserRow,
  type Revocation,
  type UserColumns,
} from '../../database/users/users'
import { record } from '../audit/audit'
import { decideAndCommit, readFacts, guard, refuseApiKey, type Caller } from '../access/caller'
import { selectEarlierResult, earlierResult, storeResult } from '../idempotency'
import { hashPassword } from '../passwords/passwords'
import { Refused } from '../refusal'
import { defaultRole, selectNamedRoles } from '../access/roles'
import { accountOf, unlock } from '../sign-in/sign-in-failures'
import { fold, foldIdentifier } from './text'
import { toUser, type User, type UserChanges, type UserSelector } from './user'
import {
  decide,
  fields,
  type ChangeOptions,
  type CompleteChange,
  type Decision,
  type Facts,
  type Field,
  type Sent,
} from './user-decisions'
import { refuseLosingLastAdmin, loginKeys, refuseTaken, toSearchRow } from './users'

/**
 * Updates a user and returns the user as committed. `changesTo` receives the current user, or undefined when there is
 * none, so that an invalid request is reported before a missing user. Values equal to the current ones are not changes.
 */
export async function updateUser(
  caller: Caller,
  selector: UserSelector,
  changesTo: (present: User | undefined) => UserChanges,
  options: ChangeOptions = {},
): Promise<User> {
  return updateUserWith(caller, selector, selectNothing(), (present) => ({ changes: changesTo(present) }), options)
}

/** Like `updateUser`. `read` returns a row of data outside the record, on which the change is decided too. */
export async function updateUserWith<Row>(
  caller: Caller,
  selector: UserSelector,
  read: Statement<Row>,
  changesTo: (present: User | undefined, row: Row | undefined, actor: ActorRow) => CompleteChange,
  options: ChangeOptions = {},
): Promise<User> {
  const { namedRoles } = options
  const hashes: Hashes = {}
  return decideAndCommit(caller, async () => {
    const [actor, records, [row], roleRows, [further]] = await readFacts(
      caller,
      selectEarlierResult(caller),
      selectUserToChange(selector),
      selectNamedRoles(namedRoles?.length === 0 ? [{ number: defaultRole }] : (namedRoles ?? [])),
      read,
    )
    const first = earlierResult(caller, records, 'user')
    if (first) return toUser(readUser(first))
    const present = row && toUser(row)
    const change = changesTo(present, further, actor)
    if (!present) throw new Refused({ kind: 'user_not_found', selector })
    const decision = decide(caller, { actor, row, present, roleRows }, change, options)
    if (decision.actions.length === 0 && !decision.unlocks && !caller.idempotency) return present
    await hash(caller, decision.sent, hashes)
    return commit(caller, { actor, row, present }, decision, hashes, change.further?.statements)
  })
}

/** Computed once, even when the update is decided again. */
interface Hashes {
  password?: string
  pin?: string
}

async function hash({ settings }: Caller, { password, pin }: Sent, hashes: Hashes): Promise<void> {
  if (password !== undefined) hashes.password ??= await hashPassword(password, settings.passwordRounds)
  if (pin !== undefined) hashes.pin ??= await hashPassword(pin, settings.passwordRounds)
}

/** Commits the update in one batch, on the condition that the facts still hold. */
async function commit(
  caller: Caller,
  found: Omit<Facts, 'roleRows'>,
  decision: Decision,
  hashes: Hashes,
  further: readonly Statement[] = [],
): Promise<User> {
  const { actor, present } = found
  const { sent, granted, needs, actions, unlocks } = decision
  try {
    const results = await caller.database.batch(
      guard(caller, { needs, targetUser: { number: present.number }, grantedRoles: granted ?? [] }),
      ...(actions.length > 0
        ? updateStatements(caller, found, decision, hashes)
        : [refuseUnlessVersion(present.number, present.version)]),
      ...further,
      ...actions.map(([action, about]) => record(caller, actor, action, { userId: present.id, fields: about })),
      ...(unlocks ? unlock(caller, actor, accountOf(present.number), present.id) : []),
      ...storeResult(caller, { user: present.id }),
      selectUser({ id: present.id }),
    )
    return toUser((results.at(-1) as UserRow[])[0] as UserRow)
  } catch (error) {
    if (error instanceof BatchConflict) await refuseIfTaken(caller, present, sent)
    throw error
  }
}

/**
 * Returns the statements that write the row, the search entry and the roles. The batch is refused when no active admin
 * would remain.
 */
function updateStatements(
  { now }: Caller,
  { row, present }: Omit<Facts, 'roleRows'>,
  { sent, written, granted }: Decision,
  hashes: Hashes,
): Statement[] {
  const deactivates = written.includes('active') && sent.active === false
  const columns = toColumns(sent, written)
  const searched = Object.keys(columns).some((column) => column in toSearchRow(row))
  return [
    ...updateUserRow(
      present,
      {
        ...columns,
        ...(granted && roleColumns(granted)),
        ...(hashes.password !== undefined && { password_hash: hashes.password }),
        ...(hashes.pin !== undefined && { pin_hash: hashes.pin }),
        updated_at: now,
      },
      revocationOf(sent, deactivates),
    ),
    ...(searched
      ? [updateUserSearch({ number: present.number, ...toSearchRow({ ...row, ...columns } as UserRow) })]
      : []),
    ...(granted ? replaceRoles(present, granted) : []),
    ...(granted || deactivates ? refuseLosingLastAdmin(row) : []),
  ]
}

/**
 * A new password set by another user revokes the API keys too: a person who had the old password may have created them.
 */
function revocationOf({ password, keepApiKeys }: Sent, deactivates: boolean): Revocation {
  if (deactivates) return 'credentials'
  if (password === undefined) return undefined
  return keepApiKeys === true ? 'sessions' : 'credentials'
}

/** Updates the caller's own record. An API key has no own record, so it is refused. */
export async function updateOwnUser(
  caller: Caller,
  changesTo: (present: User | undefined) => UserChanges,
  options: ChangeOptions = {},
): Promise<User> {
  const { credential } = caller
  if (credential.kind === 'key') return refuseApiKey(caller)
  return updateUser(caller, { id: credential.userId }, changesTo, options)
}

/**
 * Activates or deactivates a user; both are idempotent. Deactivation revokes every session and API key. Activation also
 * clears a lockout.
 */
export function setActive(
  caller: Caller,
  selector: UserSelector,
  active: boolean,
  { condition }: Pick<ChangeOptions, 'condition'> = {},
): Promise<User> {
  return updateUser(caller, selector, () => ({ active }), { unlocking: active, condition })
}

/** Writes only the differences, because each row of a role changes the role's count. */
function replaceRoles(present: User, granted: readonly number[]): Statement[] {
  const gone = present.roles.filter(({ number }) => !granted.includes(number)).map(({ number }) => number)
  const placed = [...granted.entries()].filter(([position, number]) => present.roles[position]?.number !== number)
  return [
    ...(gone.length > 0 ? [deleteUserRoles({ number: present.number, roles: JSON.stringify(gone) })] : []),
    ...(placed.length > 0
      ? [insertUserRoles({ id: present.id, roles: JSON.stringify(Object.fromEntries(placed)) })]
      : []),
  ]
}

function toColumns(sent: Sent, written: readonly Field[]): UserColumns {
  const columns: Record<string, unknown> = {}
  for (const field of written) {
    const value = sent[field]
    columns[fields[field].column] = typeof value === 'boolean' ? Number(value) : value
    if (field === 'name') columns['name_key'] = fold(String(value))
    if (field === 'email' || field === 'username') {
      columns[`${field}_key`] = value == null ? null : foldIdentifier(String(value))
    }
  }
  return columns
}

/** Refuses with the identifiers that another user holds. If none is taken, the conflict was temporary. */
async function refuseIfTaken(caller: Caller, present: User, sent: Sent): Promise<void> {
  const keys = loginKeys(sent)
  const [taken] = await caller.database.batch(
    guard(caller),
    selectLoginIdentifiers({ keys: JSON.stringify(keys.map(([, key]) => key)) }),
  )
  const others = taken.filter(({ user_number }) => user_number !== present.number)
  refuseTaken(
    keys,
    others.map(({ key }) => key),
  )
}

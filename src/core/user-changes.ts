/** Changing a user: what differs, what that takes, and one commit of it on the condition that nothing moved meanwhile. */
import { BatchConflict } from '../database/database'
import type { ActorRow } from '../database/guard'
import type { RoleRow } from '../database/roles'
import type { Statement } from '../database/statement'
import { updateUserSearch } from '../database/user-search'
import {
  deleteUserRoles,
  insertUserRoles,
  readUser,
  refuseUnlessVersion,
  roleColumns,
  selectLoginIdentifiers,
  selectUser,
  selectUserToChange,
  updateUser as updateUserRow,
  type UserColumns,
  type UserRow,
} from '../database/users'
import { recall, recalled, remember } from './idempotency'
import { record, type AuditAction } from './audit'
import { decideAndCommit, facts, guard, isOneself, refuseKey, type Caller } from './caller'
import { hashPassword, refuseUnfitPassword } from './passwords'
import { fromMask, type Permission } from './permissions'
import { Refused } from './refusal'
import { adminRole, defaultRole, findRoles, refuseMissing, rolesNamed, rolesToAssign } from './roles'
import { accountOf, clearFailures } from './sign-in-failures'
import { fold, foldIdentifier } from './text'
import {
  coherentNames,
  toUser,
  type RoleSelector,
  type User,
  type UserChanges,
  type UserSelector,
  type WritableUser,
} from './user'
import { keepingAnAdmin, loginKeys, refuseOtherVersion, refuseTaken, toSearchRow, type VersionCondition } from './users'

type Field = keyof WritableUser

/** Where each field is kept, and what changing it takes of whom: `self` what it takes on one's own record. */
const fields: Record<Field, { column: keyof UserColumns; self: 'free' | 'kept' | Permission; other?: Permission }> = {
  email: { column: 'email', self: 'users:update' },
  username: { column: 'username', self: 'users:update' },
  matricule: { column: 'matricule', self: 'users:update' },
  name: { column: 'name', self: 'free' },
  givenName: { column: 'given_name', self: 'free' },
  familyName: { column: 'family_name', self: 'free' },
  birthdate: { column: 'birthdate', self: 'free' },
  gender: { column: 'gender', self: 'free' },
  phoneNumber: { column: 'phone_number', self: 'free' },
  mobileNumber: { column: 'mobile_number', self: 'free' },
  // Left as they are when someone without the permission sends their whole record back.
  certifiedEmail: { column: 'certified_email', self: 'kept' },
  userType: { column: 'user_type', self: 'kept' },
  isStaff: { column: 'is_staff', self: 'kept' },
  countryId: { column: 'country_id', self: 'kept' },
  active: { column: 'active', self: 'users:deactivate', other: 'users:deactivate' },
}

export interface ChangeOptions {
  /** The roles that the changes name; none at all means the default one. */
  naming?: readonly RoleSelector[] | undefined
  /** The versions they are meant for. */
  condition?: VersionCondition
  /** What becomes of changes to one's own record that are not everyone's to make: refused, unless they are to stay as they are. */
  beyondOwn?: 'kept'
  /** Forgets failed sign-ins even where nothing else changes: of the active too. */
  unlocking?: boolean
}

/**
 * `changesTo` is asked for the changes once the present record is known (undefined where there is no such user, so that a bad
 * request is told so first). Values equal to the present ones are no change. Answers the user as committed.
 */
export async function updateUser(
  caller: Caller,
  selector: UserSelector,
  changesTo: (present: User | undefined) => UserChanges,
  options: ChangeOptions = {},
): Promise<User> {
  const { naming } = options
  const hashes: Hashes = {}
  return decideAndCommit(caller, async () => {
    const [actor, records, [row], roleRows] = await facts(
      caller,
      recall(caller),
      selectUserToChange(selector),
      rolesNamed(naming?.length === 0 ? [{ number: defaultRole }] : (naming ?? [])),
    )
    const first = recalled(caller, records)
    if (first) return toUser(readUser(first))
    const present = row && toUser(row)
    const changes = changesTo(present)
    if (!present) throw new Refused({ kind: 'user_not_found', selector })
    const decision = decide(caller, { actor, row, present, roleRows }, changes, options)
    if (decision.actions.length === 0 && !decision.unlocks && !caller.idempotency) return present
    await hash(caller, decision.sent, hashes)
    return commit(caller, { actor, row, present }, decision, hashes)
  })
}

/** What a change is decided on. */
interface Facts {
  actor: ActorRow
  row: UserRow & { permissions: number }
  present: User
  roleRows: readonly RoleRow[]
}

/** What is to be done, and on what further authority. */
interface Decision {
  sent: Sent
  /** The fields that differ. */
  written: readonly Field[]
  /** The numbers of the roles to hold instead of the present ones. */
  granted: readonly number[] | undefined
  needs: readonly Permission[]
  actions: readonly [AuditAction, string[]][]
  /** Whether failed sign-ins are forgotten. */
  unlocks: boolean
}

/** Throws what speaks against it. */
function decide(
  caller: Caller,
  { actor, row, present, roleRows }: Facts,
  changes: UserChanges,
  { condition, beyondOwn, unlocking = false }: ChangeOptions,
): Decision {
  const held = fromMask(actor.permissions)
  const oneself = isOneself(caller, present.id)
  const different = differing(oneself && beyondOwn === 'kept' ? ownOf(changes) : changes, present)
  const sent: Sent = { ...different, ...coherentNames(different, present) }
  const written = changedFields(sent, present).filter(
    (field) => !(oneself && fields[field].self === 'kept' && !held.includes('users:update')),
  )
  const roles = rolesToSet(sent, present)

  if (sent.password !== undefined) {
    const { email, username, name } = { ...present, ...sent }
    refuseUnfitPassword(sent.password, [email, username, name], caller.settings.passwordMinLength)
    if (oneself) throw new Refused({ kind: 'own_password' })
  }
  const needs = [
    ...(oneself && caller.self ? [] : caller.needs),
    ...written.flatMap((field) => toPermission(oneself ? fields[field].self : fields[field].other)),
    ...(roles ? (['roles:assign'] as const) : []),
    ...(sent.pin !== undefined ? (['users:update'] as const) : []),
  ]
  refuseMissing([...needs, ...fromMask(row.permissions)], held)
  // What the user holds already, whoever changes them must hold too.
  const known = [...roleRows, ...present.roles.map(asRow)]
  const granted =
    roles && rolesToAssign(roles, known, actor.permissions, sent.role ? 'role' : 'roles').map(({ number }) => number)
  refuseOtherVersion(present.version, condition)
  return {
    ...{ sent, written, granted, needs },
    actions: actionsOf(sent, written, granted !== undefined),
    unlocks: unlocking || sent.password !== undefined || (written.includes('active') && sent.active === true),
  }
}

/** Hashed once, however often the change is decided again. */
interface Hashes {
  password?: string
  pin?: string
}

async function hash({ settings }: Caller, { password, pin }: Sent, hashes: Hashes): Promise<void> {
  if (password !== undefined) hashes.password ??= await hashPassword(password, settings.passwordRounds)
  if (pin !== undefined) hashes.pin ??= await hashPassword(pin, settings.passwordRounds)
}

/** One batch, on the condition that the facts still hold. */
async function commit(
  caller: Caller,
  found: Omit<Facts, 'roleRows'>,
  decision: Decision,
  hashes: Hashes,
): Promise<User> {
  const { actor, present } = found
  const { sent, granted, needs, actions, unlocks } = decision
  try {
    const results = await caller.database.batch(
      guard(caller, { needs, over: present.number, granting: granted ?? [] }),
      ...(actions.length > 0
        ? writing(caller, found, decision, hashes)
        : [refuseUnlessVersion(present.number, present.version)]),
      ...actions.map(([action, about]) =>
        record(caller, action, { actorId: actor.id, userId: present.id, fields: about }),
      ),
      ...(unlocks ? [clearFailures(accountOf(present.number))] : []),
      ...remember(caller, { user: present.id }),
      selectUser({ id: present.id }),
    )
    return toUser((results.at(-1) as UserRow[])[0] as UserRow)
  } catch (error) {
    if (error instanceof BatchConflict) await refuseIfTaken(caller, present, sent)
    throw error
  }
}

/** The row, what search finds it by, its roles; and an admin must stay. */
function writing(
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
      deactivates ? 'credentials' : sent.password !== undefined ? 'sessions' : undefined,
    ),
    ...(searched
      ? [updateUserSearch({ number: present.number, ...toSearchRow({ ...row, ...columns } as UserRow) })]
      : []),
    ...(granted ? replaceRoles(present, granted) : []),
    ...(granted || deactivates ? keepingAnAdmin(row) : []),
  ]
}

/** The caller's own record, which an API key has none of. */
export async function updateOneself(
  caller: Caller,
  changesTo: (present: User | undefined) => UserChanges,
  options: ChangeOptions = {},
): Promise<User> {
  const { credential } = caller
  if (credential.kind === 'key') {
    await refuseKey(caller)
    throw new Refused({ kind: 'unauthenticated' })
  }
  return updateUser(caller, { id: credential.userId }, changesTo, options)
}

/** What everyone may change of themselves. */
function ownOf(changes: UserChanges): UserChanges {
  const free = Object.entries(changes).filter(([field]) => fields[field as Field]?.self === 'free')
  return Object.fromEntries(free)
}

/** Reversible; ends every session and key of the user. Idempotent, like its opposite, which also ends a lockout. */
export function setActive(caller: Caller, selector: UserSelector, active: boolean): Promise<User> {
  return updateUser(caller, selector, () => ({ active }), { unlocking: active })
}

/** The changes with their names settled: derived ones may be longer than what may be sent. */
type Sent = Omit<UserChanges, 'name' | 'givenName' | 'familyName'> & {
  [Name in 'name' | 'givenName' | 'familyName']?: string | undefined
}

/** What is left once everything that is so already, or not given, is taken away. */
function differing(changes: UserChanges, present: User): UserChanges {
  return Object.fromEntries(
    Object.entries(changes).filter(([field, value]) => value !== undefined && value !== present[field as Field]),
  )
}

function changedFields(sent: Sent, present: User): Field[] {
  return (Object.keys(fields) as Field[]).filter((field) => sent[field] !== undefined && sent[field] !== present[field])
}

function toPermission(asked: 'free' | 'kept' | Permission | undefined): Permission[] {
  if (asked === undefined || asked === 'free') return []
  return [asked === 'kept' ? 'users:update' : asked]
}

/** The roles to give instead of the present ones, or undefined where they would be the same. */
function rolesToSet({ roles, role, admin }: Sent, present: User): readonly RoleSelector[] | undefined {
  if (admin !== undefined) {
    const others = present.roles.filter(({ number }) => number !== adminRole)
    if (admin === others.length < present.roles.length) return undefined
    return admin ? [{ number: adminRole }, ...others] : others.length > 0 ? others : [{ number: defaultRole }]
  }
  if (role) return findRoles([role], present.roles.slice(0, 1).map(asRow)) ? undefined : [role]
  if (!roles) return undefined
  const wanted = roles.length > 0 ? roles : [{ number: defaultRole }]
  const found = findRoles(wanted, present.roles.map(asRow))
  const same =
    found?.length === present.roles.length && found.every((row, index) => row.id === present.roles[index]?.id)
  return same ? undefined : wanted
}

/** Writes no more than what differs: each row of a role is counted in the totals. */
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

function asRow(role: User['roles'][number]) {
  return { ...role, name_key: fold(role.name), permissions: 0 }
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

/** What happened, in the audit's words, each with the fields it concerns. */
function actionsOf(sent: Sent, written: readonly Field[], rolesSet: boolean): [AuditAction, string[]][] {
  const plain: string[] = written.filter((field) => field !== 'active')
  if (sent.pin !== undefined) plain.push('pin')
  const actions: [AuditAction, string[]][] = []
  if (plain.length > 0) actions.push(['user.updated', plain])
  if (written.includes('active')) actions.push([sent.active ? 'user.activated' : 'user.deactivated', ['active']])
  if (sent.password !== undefined) actions.push(['user.password_set', ['password']])
  if (rolesSet) actions.push(['user.roles_set', ['roles']])
  return actions
}

/** Somebody holds one of these identifiers: says which. Otherwise the conflict was of the moment. */
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

/** Changing a user: what differs, what that takes, and one commit of it on the condition that nothing moved meanwhile. */
import { BatchConflict } from '../database/database'
import { updateUserSearch } from '../database/user-search'
import {
  deleteUserRoles,
  insertUserRoles,
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
import { decideAndCommit, facts, guard, refuseKey, type Caller } from './caller'
import { hashPassword, refuseUnfitPassword } from './passwords'
import { fromMask, type Permission } from './permissions'
import { Refused } from './refusal'
import { defaultRole, findRoles, refuseMissing, rolesNamed, rolesToAssign } from './roles'
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

/**
 * `changesTo` is asked for the changes once the present record is known (undefined where there is no such user, so that a bad
 * request is told so first); `naming` lists the roles they may name, `condition` the versions they are meant for. Values equal to the present ones are no change. Answers the
 * user as committed.
 */
export async function updateUser(
  caller: Caller,
  selector: UserSelector,
  changesTo: (present: User | undefined) => UserChanges,
  { naming = [], condition }: { naming?: readonly RoleSelector[]; condition?: VersionCondition } = {},
): Promise<User> {
  const secrets: { password?: string; pin?: string } = {}
  return decideAndCommit(caller, async () => {
    const [actor, records, [row], roleRows] = await facts(
      caller,
      recall(caller),
      selectUserToChange(selector),
      rolesNamed([...naming, { number: defaultRole }]),
    )
    const first = recalled<UserRow>(caller, records)
    if (first) return toUser(first)
    const present = row && toUser(row)
    const changes = changesTo(present)
    if (!present) throw new Refused({ kind: 'user_not_found', selector })

    refuseOtherVersion(present.version, condition)
    const held = fromMask(actor.permissions)
    const oneself = caller.credential.kind === 'session' && actor.id === present.id
    const different = differing(changes, present)
    const sent: Sent = { ...different, ...coherentNames(different, present) }
    const written = changedFields(sent, present).filter(
      (field) => !(oneself && fields[field].self === 'kept' && !held.includes('users:update')),
    )
    const roles = rolesToSet(sent, present)

    if (sent.password !== undefined) {
      const { email, username, name } = { ...present, ...sent }
      refuseUnfitPassword(sent.password, [email, username, name], caller.settings.passwordMinLength)
    }
    if (sent.password !== undefined && oneself) throw new Refused({ kind: 'own_password' })
    const needs = [
      ...(oneself ? [] : caller.needs),
      ...written.flatMap((field) => toPermission(oneself ? fields[field].self : fields[field].other)),
      ...(roles ? (['roles:assign'] as const) : []),
    ]
    refuseMissing([...needs, ...fromMask(row.permissions)], held)
    const granted = roles && rolesToAssign(roles, roleRows, actor.permissions).map(({ number }) => number)

    const actions = actionsOf(sent, written, granted !== undefined)
    if (actions.length === 0 && !caller.idempotency) return present
    const { passwordRounds } = caller.settings
    if (sent.password !== undefined) secrets.password ??= await hashPassword(sent.password, passwordRounds)
    if (sent.pin !== undefined) secrets.pin ??= await hashPassword(sent.pin, passwordRounds)

    const deactivates = written.includes('active') && sent.active === false
    const ending = deactivates ? 'credentials' : sent.password !== undefined ? 'sessions' : undefined
    const columns = toColumns(sent, written)
    const unlocks = sent.password !== undefined || (written.includes('active') && sent.active === true)
    const searched = Object.keys(columns).some((column) => column in toSearchRow(row))
    const statements = [
      ...updateUserRow(
        present,
        {
          ...columns,
          ...(granted && roleColumns(granted)),
          ...(secrets.password !== undefined && { password_hash: secrets.password }),
          ...(secrets.pin !== undefined && { pin_hash: secrets.pin }),
          updated_at: caller.now,
        },
        ending,
      ),
      ...(searched
        ? [updateUserSearch({ number: present.number, ...toSearchRow({ ...row, ...columns } as UserRow) })]
        : []),
      ...(granted
        ? [
            deleteUserRoles({ number: present.number }),
            insertUserRoles({ id: present.id, roles: JSON.stringify(granted) }),
          ]
        : []),
      ...(granted || deactivates ? keepingAnAdmin(row) : []),
      ...(unlocks ? [clearFailures(accountOf(present.number))] : []),
      ...actions.map(([action, about]) =>
        record(caller, action, { actorId: actor.id, userId: present.id, fields: about }),
      ),
    ]
    try {
      const further = { needs, over: present.number, granting: granted ?? [] }
      const results = await caller.database.batch(
        guard(caller, further),
        ...(actions.length > 0 ? statements : [refuseUnlessVersion(present.number, present.version)]),
        ...remember(caller, { user: present.id }),
        selectUser({ id: present.id }),
      )
      return toUser((results.at(-1) as UserRow[])[0] as UserRow)
    } catch (error) {
      if (error instanceof BatchConflict) await refuseIfTaken(caller, present, sent)
      throw error
    }
  })
}

/** The caller's own record, which an API key has none of. */
export async function updateOneself(
  caller: Caller,
  changesTo: (present: User | undefined) => UserChanges,
  options: { naming?: readonly RoleSelector[]; condition?: VersionCondition } = {},
): Promise<User> {
  const { credential } = caller
  if (credential.kind === 'key') {
    await refuseKey(caller)
    throw new Refused({ kind: 'unauthenticated' })
  }
  return updateUser(caller, { id: credential.userId }, changesTo, options)
}

/** Reversible; ends every session of the user. Idempotent, like its opposite. */
export function setActive(caller: Caller, selector: UserSelector, active: boolean): Promise<User> {
  return updateUser(caller, selector, () => ({ active }))
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
function rolesToSet({ roles, role }: Sent, present: User): readonly RoleSelector[] | undefined {
  if (role) return findRoles([role], present.roles.slice(0, 1).map(asRow)) ? undefined : [role]
  if (!roles) return undefined
  const wanted = roles.length > 0 ? roles : [{ number: defaultRole }]
  const found = findRoles(wanted, present.roles.map(asRow))
  const same =
    found?.length === present.roles.length && found.every((row, index) => row.id === present.roles[index]?.id)
  return same ? undefined : wanted
}

function asRow(role: User['roles'][number]) {
  return { ...role, name_key: fold(role.name) }
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

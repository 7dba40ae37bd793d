/**
 * Decides a user update: which fields change, which permissions it needs, which audit events it records. Pure: no I/O.
 */
import type { ActorRow } from '../../database/guard'
import type { RoleRow } from '../../database/access/roles'
import type { Statement } from '../../database/statement'
import type { UserRow } from '../../database/users/user-row'
import type { UserColumns } from '../../database/users/users'
import type { AuditAction } from '../audit/audit'
import { isSelf, refuseApiKeyOnOwner, type Caller } from '../access/caller'
import { enforcePasswordPolicy } from '../passwords/passwords'
import { fromMask, type Permission } from '../access/permissions'
import { Refused } from '../refusal'
import { adminRole, defaultRole, findRoles, refuseMissing, rolesToAssign } from '../access/roles'
import { foldRoleName, isLonger, lengthOf, maxNameLength } from './text'
import { coherentNames, type RoleSelector, type User, type UserChanges, type WritableUser } from './user'
import { refuseOtherVersion, type VersionCondition } from './users'

export type Field = keyof WritableUser

/**
 * The column of each field, and the permission to change it. `self` applies to the caller's own record, `other` to all
 * other records.
 */
export const fields: Record<
  Field,
  { column: keyof UserColumns; self: 'free' | 'ignored' | Permission; other?: Permission }
> = {
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
  // A client that sends its user's whole record back leaves these fields unchanged, unless the user holds the
  // permission.
  certifiedEmail: { column: 'certified_email', self: 'ignored' },
  userType: { column: 'user_type', self: 'ignored' },
  isStaff: { column: 'is_staff', self: 'ignored' },
  countryId: { column: 'country_id', self: 'ignored' },
  active: { column: 'active', self: 'users:deactivate', other: 'users:deactivate' },
}

export interface ChangeOptions {
  /** The roles that the update names. An empty list means the default role. */
  namedRoles?: readonly RoleSelector[] | undefined
  /** The versions of the user that the update is meant for. */
  condition?: VersionCondition | undefined
  /**
   * The handling of a change to the caller's own record that needs a permission they lack. By default, fields with
   * `self: 'ignored'` are ignored and all others are refused. `refuse_by_name` refuses all of them, and the refusal
   * names the fields.
   */
  onForbiddenOwnField?: 'refuse_by_name'
  /** A new `name` leaves the given and the family name as they are. */
  keepsNameParts?: boolean
  /** Clears failed sign-ins even when no field changes, for active users too. */
  unlocking?: boolean
}

/** What an update writes outside the record: its fields for the audit trail, and the statements. */
export interface FurtherChange {
  fields: readonly string[]
  statements: readonly Statement[]
}

export interface CompleteChange {
  changes: UserChanges
  further?: FurtherChange
}

/** The facts that an update is decided on. */
export interface Facts {
  actor: ActorRow
  row: UserRow & { permissions: number }
  present: User
  roleRows: readonly RoleRow[]
}

/** The update to commit, and the permissions it needs. */
export interface Decision {
  sent: Sent
  /** The fields that change. */
  written: readonly Field[]
  /** The numbers of the new roles, which replace the current ones. */
  granted: readonly number[] | undefined
  needs: readonly Permission[]
  actions: readonly [AuditAction, string[]][]
  /** Whether failed sign-ins are cleared. */
  unlocks: boolean
}

/** Throws `Refused` when the update is not allowed. */
export function decide(
  caller: Caller,
  { actor, row, present, roleRows }: Facts,
  { changes, further }: CompleteChange,
  { condition, onForbiddenOwnField, unlocking = false, keepsNameParts = false }: ChangeOptions,
): Decision {
  const held = fromMask(actor.permissions)
  const isOwnRecord = isSelf(caller, present.id)
  const different = differences(changes, present)
  const sent: Sent =
    keepsNameParts && different.name !== undefined ? different : { ...different, ...coherentNames(different, present) }
  refuseLongName(different, sent)
  const refusesByName = onForbiddenOwnField === 'refuse_by_name'
  const written = changedFields(sent, present).filter(
    (field) => !(isOwnRecord && !refusesByName && fields[field].self === 'ignored' && !held.includes('users:update')),
  )
  const roles = rolesToSet(sent, present)

  if (sent.password !== undefined) {
    const { email, username, name } = { ...present, ...sent }
    enforcePasswordPolicy(sent.password, [email, username, name], caller.settings.passwordMinLength)
    if (isOwnRecord) throw new Refused({ kind: 'own_password' })
  }
  const isTakeover =
    roles !== undefined || sent.password !== undefined || written.some((field) => takeoverFields.has(field))
  if (isTakeover || unlocking) refuseApiKeyOnOwner(caller, actor, present.id)
  if (isOwnRecord && refusesByName) refuseForbiddenFields(sent, written, held)
  const needs = [
    ...(isOwnRecord && caller.self ? [] : caller.needs),
    ...written.flatMap((field) => toPermission(isOwnRecord ? fields[field].self : fields[field].other)),
    ...(roles ? (['roles:assign'] as const) : []),
    ...(sent.pin !== undefined ? (['users:update'] as const) : []),
  ]
  refuseMissing([...needs, ...fromMask(row.permissions)], held)
  // The caller must hold every permission of the user's current roles too.
  const known = [...roleRows, ...present.roles.map(asRow)]
  const granted =
    roles && rolesToAssign(roles, known, actor.permissions, sent.role ? 'role' : 'roles').map(({ number }) => number)
  refuseOtherVersion(present.version, condition)
  return {
    sent,
    written,
    granted,
    needs,
    actions: actionsOf(sent, [...written, ...(further?.fields ?? [])], granted !== undefined),
    // Not for the caller's own account: with a stolen session, an attacker could keep guessing the password at
    // `PUT /me/password`.
    unlocks:
      !isOwnRecord &&
      (unlocking || sent.password !== undefined || (written.includes('active') && sent.active === true)),
  }
}

/** The fields that could take over an account or lock its user out. */
const takeoverFields: ReadonlySet<Field> = new Set(['email', 'username', 'matricule', 'active'])

/** Refuses the fields that the caller may not change on their own record, and names them. */
function refuseForbiddenFields(sent: Sent, written: readonly Field[], held: readonly Permission[]): void {
  const attempts: [field: string, needs: Permission[]][] = [
    ...written.map((field): [string, Permission[]] => [field, toPermission(fields[field].self)]),
    ...(sent.pin !== undefined ? [['pin', ['users:update']] satisfies [string, Permission[]]] : []),
  ]
  const refused = attempts.filter(([, needs]) => !needs.every((permission) => held.includes(permission)))
  if (refused.length === 0) return
  const missing = [...new Set(refused.flatMap(([, needs]) => needs))]
  throw new Refused({ kind: 'forbidden', missing, fields: refused.map(([field]) => field) })
}

/** The changes with coherent names. A derived name may be longer than a client may send. */
export type Sent = Omit<UserChanges, 'name' | 'givenName' | 'familyName'> & {
  [Name in 'name' | 'givenName' | 'familyName']?: string | undefined
}

/**
 * Throws `Refused` when a new part makes the whole name too long. This can happen when an imported user's other part is
 * very long.
 */
function refuseLongName({ name, givenName, familyName }: UserChanges, sent: Sent): void {
  if (name !== undefined || sent.name === undefined || !isLonger(sent.name, maxNameLength)) return
  const [field, part] = givenName === undefined ? ['familyName', familyName ?? ''] : ['givenName', givenName]
  const room = maxNameLength - (lengthOf(sent.name) - lengthOf(part))
  throw new Refused({ kind: 'invalid', problems: [{ field, problem: { rule: 'too_long', max: Math.max(room, 0) } }] })
}

/** Drops changes that are undefined or equal to the current value. */
function differences(changes: UserChanges, present: User): UserChanges {
  return Object.fromEntries(
    Object.entries(changes).filter(([field, value]) => value !== undefined && value !== present[field as Field]),
  )
}

function changedFields(sent: Sent, present: User): Field[] {
  return (Object.keys(fields) as Field[]).filter((field) => sent[field] !== undefined && sent[field] !== present[field])
}

function toPermission(rule: 'free' | 'ignored' | Permission | undefined): Permission[] {
  if (rule === undefined || rule === 'free') return []
  return [rule === 'ignored' ? 'users:update' : rule]
}

/** Returns the new roles, or undefined when they equal the current ones. */
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

/** Returns the audit actions of the update, each with its fields. */
function actionsOf(sent: Sent, written: readonly string[], rolesSet: boolean): [AuditAction, string[]][] {
  const plain = written.filter((field) => field !== 'active')
  if (sent.pin !== undefined) plain.push('pin')
  const actions: [AuditAction, string[]][] = []
  if (plain.length > 0) actions.push(['user.updated', plain])
  if (written.includes('active')) actions.push([sent.active ? 'user.activated' : 'user.deactivated', ['active']])
  if (sent.password !== undefined) actions.push(['user.password_set', ['password']])
  if (rolesSet) actions.push(['user.roles_set', ['roles']])
  return actions
}

function asRow(role: User['roles'][number]) {
  return { ...role, name_key: foldRoleName(role.name), permissions: 0 }
}

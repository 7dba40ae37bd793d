/** Finds, creates and deletes users. */
import { v7 as uuid } from 'uuid'
import { BatchRefused } from '../../database/database'
import type { ActorRow } from '../../database/guard'
import type { Statement } from '../../database/statement'
import { insertUserSearch, type SearchRow } from '../../database/users/user-search'
import { readUser, type UserRow } from '../../database/users/user-row'
import {
  deleteUser as deleteUserRow,
  insertUser,
  insertUserRoles,
  refuseWithoutActiveAdmin,
  roleColumns,
  selectLoginIdentifiers,
  selectUser,
  selectUserToChange,
  selectUserOfKey,
  type NewUserRow,
  type Versions,
} from '../../database/users/users'
import { record, recordByCredential } from '../audit/audit'
import {
  decideAndCommit,
  readFacts,
  guard,
  isSelf,
  refuseApiKeyOnOwner,
  translateRefusals,
  type Caller,
  type Visit,
} from '../access/caller'
import { selectEarlierResult, earlierResult, storeResult } from '../idempotency'
import { hashPassword, enforcePasswordPolicy } from '../passwords/passwords'
import type { Permission } from '../access/permissions'
import { Refused, type LoginField } from '../refusal'
import { adminRole, defaultRole, findRoles, refuseMissing, selectNamedRoles, rolesToAssign } from '../access/roles'
import { fromMask } from '../access/permissions'
import { fold, foldForSearch, foldIdentifier, isAscii } from './text'
import type { FurtherChange } from './user-decisions'
import { coherentNames, toUser, type NewUser, type RoleSelector, type User, type UserSelector } from './user'

export async function getUser(caller: Caller, selector: UserSelector): Promise<User> {
  const [rows] = await translateRefusals(caller, () => caller.database.batch(guard(caller), selectUser(selector)))
  const row = rows[0]
  if (!row) throw new Refused({ kind: 'user_not_found', selector })
  return toUser(row)
}

/** Returns the user of the session, or the owner of the API key. */
export async function getOwnUser(caller: Caller): Promise<User> {
  const { credential } = caller
  const statement =
    credential.kind === 'session' ? selectUser({ id: credential.userId }) : selectUserOfKey({ hash: credential.hash })
  const [rows] = await translateRefusals(caller, () => caller.database.batch(guard(caller), statement))
  return toUser(rows[0] as UserRow)
}

/**
 * Creates a user. The password is optional; a user without one cannot sign in. `further` returns what to write outside the record,
 * given the id of the new user.
 */
export async function createUser(
  caller: Caller,
  input: NewUser,
  further?: (id: string, actor: ActorRow) => FurtherChange,
): Promise<User> {
  const selectors = requestedRoles(input)
  const id = uuid()
  let row: NewUserRow | undefined
  return decideAndCommit(caller, async () => {
    const keys = loginKeys(input)
    const [actor, records, roleRows, taken] = await readFacts(
      caller,
      selectEarlierResult(caller),
      selectNamedRoles(selectors),
      selectLoginIdentifiers({ keys: JSON.stringify(keys.map(([, key]) => key)) }),
    )
    const first = earlierResult(caller, records, 'user')
    if (first) return toUser(readUser(first))
    if (input.password !== undefined) {
      const { name } = coherentNames(input, { givenName: '', familyName: '' })
      enforcePasswordPolicy(input.password, [input.email, input.username, name], caller.settings.passwordMinLength)
    }
    const needs: Permission[] = [...caller.needs, ...(input.active === false ? (['users:deactivate'] as const) : [])]
    refuseMissing(needs, fromMask(actor.permissions))
    const found = findRoles(selectors, roleRows)
    const byDefault = found?.length === 1 && found[0]?.number === defaultRole
    const roles = byDefault
      ? found
      : rolesToAssign(selectors, roleRows, actor.permissions, input.role ? 'role' : 'roles')
    refuseTaken(
      keys,
      taken.map(({ key }) => key),
    )

    const grantedRoles = roles.map(({ number }) => number)
    row ??= await toNewRow(id, input, grantedRoles, caller)
    const { fields, statements } = further?.(id, actor) ?? { fields: [], statements: [] }
    const results = await caller.database.batch(
      guard(caller, { needs: byDefault ? needs : [...needs, 'roles:assign'], grantedRoles }),
      ...insertUserStatements({ ...row, ...roleColumns(grantedRoles) }, grantedRoles),
      ...statements,
      record(caller, actor, 'user.created', { userId: id, fields: [...writtenFields(input), ...fields] }),
      ...storeResult(caller, { user: id }),
      selectUser({ id }),
    )
    return toUser((results.at(-1) as UserRow[])[0] as UserRow)
  })
}

/**
 * Deletes a user permanently, in one batch. Their email, username and matricule become free; their id and number are
 * never reused. `condition` restricts the deletion to certain versions. `only: 'others'` refuses callers who would delete
 * themselves.
 */
export async function deleteUser(caller: Caller, selector: UserSelector, options: DeletionOptions = {}): Promise<void> {
  const othersOnly = options.only === 'others' || caller.credential.kind === 'key'
  await decideAndCommit(caller, async () => {
    try {
      await caller.database.batch(
        guard(caller, { needs: caller.needs, targetUser: selector, othersOnly, isOnlyBatch: true }),
        recordByCredential(caller, 'user.deleted', { user: selector }),
        ...deleteUserRow(selector, toVersions(options.condition), adminRole),
      )
    } catch (error) {
      if (error instanceof BatchRefused && error.reason !== 'unauthenticated') {
        await refuseDeletion(caller, selector, options)
      }
      throw error
    }
  })
}

interface DeletionOptions {
  condition?: VersionCondition
  only?: 'others'
}

/** Throws the reason why the database refused a deletion. Returns if the user is the last admin, or has changed since. */
async function refuseDeletion(
  caller: Caller,
  selector: UserSelector,
  { condition, only }: DeletionOptions,
): Promise<void> {
  const [actor, [user]] = await readFacts(caller, selectUserToChange(selector))
  if (!user) throw new Refused({ kind: 'user_not_found', selector })
  refuseMissing(fromMask(user.permissions), fromMask(actor.permissions))
  refuseApiKeyOnOwner(caller, actor, user.id)
  if (only === 'others' && isSelf(caller, user.id)) throw new Refused({ kind: 'forbidden', missing: [] })
  refuseOtherVersion(user.version, condition)
}

function toVersions({ oneOf, noneOf = [] }: VersionCondition = {}): Versions {
  const allowed = noneOf === 'any' ? [] : oneOf
  return { oneOf: allowed ? JSON.stringify(allowed) : null, noneOf: JSON.stringify(noneOf === 'any' ? [] : noneOf) }
}

function requestedRoles(input: Pick<NewUser, 'roles' | 'role' | 'admin'>): readonly RoleSelector[] {
  if (input.role) return [input.role]
  if (input.admin) return [{ number: adminRole }]
  return input.roles?.length ? input.roles : [{ number: defaultRole }]
}

type Identified = {
  email?: string | undefined
  username?: string | null | undefined
  matricule?: number | null | undefined
}

/** Returns the login keys of these identifiers. All identifiers share one namespace. */
export function loginKeys(input: Identified): [LoginField, string][] {
  const keys: [LoginField, string][] = []
  if (input.matricule != null) keys.push(['matricule', String(input.matricule)])
  if (input.username != null) keys.push(['username', foldIdentifier(input.username)])
  if (input.email !== undefined) keys.push(['email', foldIdentifier(input.email)])
  return keys
}

export function refuseTaken(keys: readonly [LoginField, string][], taken: readonly string[]): void {
  const [first, ...others] = keys.filter(([, key]) => taken.includes(key)).map(([field]) => field)
  if (first) throw new Refused({ kind: 'already_taken', fields: [first, ...others] })
}

/** Returns the statements that create a user: the row, its roles and its search entry. */
export function insertUserStatements(row: NewUserRow, roleNumbers: readonly number[]): Statement[] {
  return [
    insertUser(row),
    insertUserRoles({ id: row.id, roles: JSON.stringify(roleNumbers) }),
    insertUserSearch({ id: row.id, ...toSearchRow(row) }),
  ]
}

type Searched = Pick<UserRow, 'email' | 'username' | 'name' | 'given_name' | 'family_name' | 'certified_email'>

/**
 * Returns the texts of a user's search entry. Redundant texts are left empty: a name that equals its joined parts, and
 * any ASCII text that the email contains (SQLite can fold only ASCII). Every contract searches the email.
 */
export function toSearchRow(row: Searched): SearchRow {
  const email = foldForSearch(row.email)
  const unlessInEmail = (text: string | null) => {
    const folded = foldForSearch(text ?? '')
    return email.includes(folded) && isAscii(text ?? '') ? '' : folded
  }
  const joined = `${row.given_name} ${row.family_name}`.trim()
  return {
    email,
    username: unlessInEmail(row.username),
    name: row.name === joined ? '' : unlessInEmail(row.name),
    given_name: unlessInEmail(row.given_name),
    family_name: unlessInEmail(row.family_name),
    certified_email: unlessInEmail(row.certified_email),
  }
}

/** The versions of a user that a change applies to: any of `oneOf`, when given, and none of `noneOf`. */
export interface VersionCondition {
  oneOf?: readonly number[] | undefined
  noneOf?: readonly number[] | 'any' | undefined
}

export function refuseOtherVersion(version: number, { oneOf, noneOf }: VersionCondition = {}): void {
  const excluded = noneOf === 'any' || noneOf?.includes(version)
  if (excluded || (oneOf && !oneOf.includes(version))) throw new Refused({ kind: 'version_mismatch' })
}

/**
 * For the end of a batch that removes the user or their admin role. Refuses the batch if no active admin would remain.
 */
export function refuseLosingLastAdmin(user: UserRow): Statement[] {
  return toUser(user).roles.some(({ number }) => number === adminRole) ? [refuseWithoutActiveAdmin(adminRole)] : []
}

/** Returns the row of a new user, with the secrets hashed. */
export async function toNewRow(
  id: string,
  input: NewUser,
  roleNumbers: readonly number[],
  { settings, now }: Visit,
): Promise<NewUserRow> {
  return {
    ...toRowWithoutSecrets(id, input, roleNumbers, now),
    password_hash: input.password === undefined ? null : await hashPassword(input.password, settings.passwordRounds),
    pin_hash: input.pin === undefined ? null : await hashPassword(input.pin, settings.passwordRounds),
  }
}

/** The fields of a new user. Derived or imported names may be longer than a client may send. */
type Fields = Omit<NewUser, 'name' | 'givenName' | 'familyName' | 'roles'> & Parameters<typeof coherentNames>[0]

export function toRowWithoutSecrets(
  id: string,
  input: Fields,
  roleNumbers: readonly number[],
  now: number,
): NewUserRow {
  const names = { name: '', givenName: '', familyName: '', ...coherentNames(input, { givenName: '', familyName: '' }) }
  return {
    id,
    matricule: input.matricule ?? null,
    username: input.username ?? null,
    username_key: input.username == null ? null : foldIdentifier(input.username),
    email: input.email,
    email_key: foldIdentifier(input.email),
    name: names.name,
    name_key: fold(names.name),
    given_name: names.givenName,
    family_name: names.familyName,
    birthdate: input.birthdate ?? null,
    gender: input.gender ?? null,
    phone_number: input.phoneNumber ?? null,
    mobile_number: input.mobileNumber ?? null,
    certified_email: input.certifiedEmail ?? null,
    user_type: input.userType ?? null,
    is_staff: input.isStaff === true ? 1 : 0,
    country_id: input.countryId ?? null,
    active: input.active === false ? 0 : 1,
    ...roleColumns(roleNumbers),
    created_at: now,
    updated_at: now,
    version: 1,
    password_hash: null,
    pin_hash: null,
    session_generation: 0,
    key_generation: 0,
    password_from: null,
    password_weak: 0,
  }
}

function writtenFields({ admin, ...input }: NewUser): string[] {
  const fields = Object.entries(input).flatMap(([field, value]) => (value === undefined ? [] : [field]))
  return admin ? [...fields, 'roles'] : fields
}

/** Finding, listing, creating and deleting users. */
import { v7 as uuid } from 'uuid'
import { selectActor } from '../database/guard'
import type { Statement } from '../database/statement'
import {
  deleteUser as deleteUserRow,
  insertUser,
  insertUserRoles,
  refuseUnlessVersion,
  refuseWithoutActiveAdmin,
  roleColumns,
  selectLoginIdentifiers,
  selectUser,
  selectUserToChange,
  selectUserCount,
  selectUsersByMatricule,
  selectUsersByNumber,
  selectUsersWithoutMatricule,
  type NewUserRow,
  type UserRow,
} from '../database/users'
import { record } from './audit'
import { decideAndCommit, guard, refusing, type Caller, type Visit } from './caller'
import { hashPassword, refuseUnfitPassword } from './passwords'
import type { Permission } from './permissions'
import { Refused, type LoginField } from './refusal'
import { adminRole, defaultRole, findRoles, refuseMissing, rolesNamed, rolesToAssign } from './roles'
import { fromMask } from './permissions'
import { fold } from './text'
import { coherentNames, toUser, type NewUser, type RoleSelector, type User, type UserSelector } from './user'

export async function getUser(caller: Caller, selector: UserSelector): Promise<User> {
  const [rows] = await refusing(caller, () => caller.database.batch(guard(caller), selectUser(selector)))
  const row = rows[0]
  if (!row) throw new Refused({ kind: 'user_not_found', selector })
  return toUser(row)
}

/** A page in order of number, after the user of number `after`, and the exact total. `next` is the last number of a full page. */
export async function listUsers(
  caller: Caller,
  page: { after: number; limit: number },
): Promise<{ users: User[]; total: number; next: number | undefined }> {
  const { after, limit } = page
  const [rows, counts] = await refusing(caller, () =>
    caller.database.batch(
      guard(caller),
      selectUsersByNumber({ after, limit: limit + 1 }),
      selectUserCount({ scope: 'all' }),
    ),
  )
  const users = rows.slice(0, limit).map(toUser)
  return { users, total: counts[0]?.count ?? 0, next: rows.length > limit ? users.at(-1)?.number : undefined }
}

/** Rows a page of an unpaginated list: a million users stay within the queries one invocation may make. */
const streamedPageSize = 5000

/**
 * Every user, by matricule, then those without one by number, a page at a time. The authority is asked for again at each page,
 * so a list that is being read ends with the right to read it.
 */
export async function* everyUserByMatricule(caller: Caller): AsyncGenerator<User[], void, undefined> {
  yield* pages(caller, selectUsersByMatricule, (row) => row.matricule ?? 0)
  yield* pages(caller, selectUsersWithoutMatricule, (row) => row.number)
}

async function* pages(
  caller: Caller,
  select: (page: { after: number; limit: number }) => Statement<UserRow>,
  keyOf: (row: UserRow) => number,
): AsyncGenerator<User[], void, undefined> {
  let after = -1
  for (;;) {
    const statement = select({ after, limit: streamedPageSize })
    const [rows] = await refusing(caller, () => caller.database.batch(guard(caller), statement))
    if (rows.length > 0) yield rows.map(toUser)
    const last = rows.at(-1)
    if (!last || rows.length < streamedPageSize) return
    after = keyOf(last)
  }
}

/** Creates a user with everything given; a password is optional, and without one nobody can sign in as them. */
export async function createUser(caller: Caller, input: NewUser): Promise<User> {
  const selectors = requestedRoles(input)
  const id = uuid()
  let row: NewUserRow | undefined
  return decideAndCommit(caller, async () => {
    const keys = loginKeys(input)
    const [actors, roleRows, taken] = await caller.database.batch(
      guard(caller),
      selectActor(caller),
      rolesNamed(selectors),
      selectLoginIdentifiers({ keys: JSON.stringify(keys.map(([, key]) => key)) }),
    )
    const actor = actors[0]
    if (!actor) throw new Refused({ kind: 'unauthenticated' })
    if (input.password !== undefined) {
      const { name } = coherentNames(input, { givenName: '', familyName: '' })
      refuseUnfitPassword(input.password, [input.email, input.username, name], caller.settings.passwordMinLength)
    }
    const needs: Permission[] = [...caller.needs, ...(input.active === false ? (['users:deactivate'] as const) : [])]
    refuseMissing(needs, fromMask(actor.permissions))
    const asked = findRoles(selectors, roleRows)
    const byDefault = asked?.length === 1 && asked[0]?.number === defaultRole
    const roles = byDefault ? asked : rolesToAssign(selectors, roleRows, actor.permissions)
    refuseTaken(
      keys,
      taken.map(({ key }) => key),
    )

    const granting = roles.map(({ number }) => number)
    row ??= await toNewRow(id, input, granting, caller)
    const [, , , created] = await caller.database.batch(
      guard(caller, { needs: byDefault ? needs : [...needs, 'roles:assign'], granting }),
      insertUser(row),
      insertUserRoles({ id, roles: JSON.stringify(granting) }),
      record(caller, 'user.created', { actorId: actor.id, userId: id, fields: writtenFields(input) }),
      selectUser({ id }),
    )
    return toUser(created[0] as UserRow)
  })
}

/** Deletes for good: email, username and matricule are free again, number and id never are. */
export async function deleteUser(caller: Caller, selector: UserSelector): Promise<void> {
  await decideAndCommit(caller, async () => {
    const [actors, users] = await caller.database.batch(
      guard(caller),
      selectActor(caller),
      selectUserToChange(selector),
    )
    const [actor, user] = [actors[0], users[0]]
    if (!actor) throw new Refused({ kind: 'unauthenticated' })
    if (!user) throw new Refused({ kind: 'user_not_found', selector })
    refuseMissing(fromMask(user.permissions), fromMask(actor.permissions))
    await caller.database.batch(
      guard(caller, { needs: caller.needs, over: user.number }),
      refuseUnlessVersion(user.number, user.version),
      deleteUserRow({ number: user.number }),
      ...keepingAnAdmin(user),
      record(caller, 'user.deleted', { actorId: actor.id, userId: user.id }),
    )
  })
}

function requestedRoles(input: { roles?: readonly RoleSelector[] | undefined; role?: RoleSelector | undefined }) {
  if (input.role) return [input.role]
  return input.roles?.length ? input.roles : [{ number: defaultRole }]
}

type Identified = {
  email?: string | undefined
  username?: string | null | undefined
  matricule?: number | null | undefined
}

/** The keys under which these identifiers are taken in the one namespace of signing in. */
export function loginKeys(input: Identified): [LoginField, string][] {
  const keys: [LoginField, string][] = []
  if (input.matricule != null) keys.push(['matricule', String(input.matricule)])
  if (input.username != null) keys.push(['username', fold(input.username)])
  if (input.email !== undefined) keys.push(['email', fold(input.email)])
  return keys
}

export function refuseTaken(keys: readonly [LoginField, string][], taken: readonly string[]): void {
  const clash = keys.find(([, key]) => taken.includes(key))
  if (clash) throw new Refused({ kind: 'already_taken', field: clash[0] })
}

/** What the batch that takes an admin away must end with; of anyone else it may take what it likes. */
export function keepingAnAdmin(user: UserRow): Statement[] {
  return toUser(user).roles.some(({ number }) => number === adminRole) ? [refuseWithoutActiveAdmin(adminRole)] : []
}

/** The row of a new user, with the password hashed. */
export async function toNewRow(
  id: string,
  input: NewUser,
  roleNumbers: readonly number[],
  { settings, now }: Visit,
): Promise<NewUserRow> {
  const names = { name: '', givenName: '', familyName: '', ...coherentNames(input, { givenName: '', familyName: '' }) }
  return {
    id,
    matricule: input.matricule ?? null,
    username: input.username ?? null,
    username_key: input.username == null ? null : fold(input.username),
    email: input.email,
    email_key: fold(input.email),
    name: names.name,
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
    password_hash: input.password === undefined ? null : await hashPassword(input.password, settings.passwordRounds),
    pin_hash: input.pin === undefined ? null : await hashPassword(input.pin, settings.passwordRounds),
    session_generation: 0,
  }
}

function writtenFields(input: NewUser): string[] {
  return Object.entries(input).flatMap(([field, value]) => (value === undefined ? [] : [field]))
}

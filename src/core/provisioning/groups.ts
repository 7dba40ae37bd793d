/**
 * Roles as groups whose members change many at a time. Every role is a group except the default role, which users hold
 * while they are in no group.
 */
import { v7 as uuid } from 'uuid'
import { deleteRole, insertRole, refuseUnlessRole, renameRole, selectEveryRole } from '../../database/access/roles'
import { BatchConflict } from '../../database/database'
import { saveExternalId } from '../../database/provisioning/kept'
import {
  selectGroup,
  selectGroups,
  selectHoldersById,
  selectHoldersOfRole,
  selectMembers,
  selectMembersOf,
  selectNextRoleNumber,
  selectNoHolders,
  selectRolesHeld,
  type GroupRow,
  type MemberRow,
} from '../../database/provisioning/groups'
import { decideAndCommit, guard, readFacts, translateRefusals, type Caller } from '../access/caller'
import { fromMask, type Permission } from '../access/permissions'
import { defaultRole, refuseMissing, selectNamedRoles } from '../access/roles'
import { record } from '../audit/audit'
import { Refused } from '../refusal'
import type { Parsed } from '../users/fields'
import { foldRoleName } from '../users/text'
import { streamedPageSize } from '../users/user-list'
import { decideMembers, maxMemberships, membershipStatements, refuseMany, type MemberChange } from './memberships'
import { clientOf } from './users'

/** Times are unix seconds. */
export interface Group {
  id: string
  number: number
  name: string
  /** The client's own id of the group. */
  externalId: string | null
  builtIn: boolean
  /** The number of members. */
  size: number
  createdAt: number
  updatedAt: number
}

export interface GroupChanges {
  name?: Parsed<'roleName'> | undefined
  externalId?: string | null | undefined
}

/** Returns every group in order of number, and for each of `userIds` the groups of the user. */
export async function listGroups(
  caller: Caller,
  userIds: readonly string[],
): Promise<{ groups: Group[]; groupsOf: ReadonlyMap<string, ReadonlySet<number>> }> {
  const [rows, held] = await translateRefusals(caller, () =>
    caller.database.batch(
      guard(caller),
      selectGroups(clientOf(caller)),
      selectRolesHeld({ ids: JSON.stringify(userIds) }),
    ),
  )
  const groupsOf = new Map<string, Set<number>>(userIds.map((id) => [id, new Set()]))
  for (const { id, role_number } of held) groupsOf.get(id)?.add(role_number)
  return { groups: rows.filter(({ number }) => number !== defaultRole).map(toGroup), groupsOf }
}

export async function getGroup(caller: Caller, id: string): Promise<Group> {
  const [rows] = await translateRefusals(caller, () =>
    caller.database.batch(guard(caller), selectGroup(clientOf(caller), id)),
  )
  return toGroup(found(rows[0]))
}

/** `members` yields all members, a page at a time. The first page has been read already. */
export interface GroupAndMembers {
  group: Group
  members: AsyncGenerator<Member[], void, undefined>
}

export async function getGroupAndMembers(caller: Caller, id: string): Promise<GroupAndMembers> {
  const [rows, first] = await translateRefusals(caller, () =>
    caller.database.batch(
      guard(caller),
      selectGroup(clientOf(caller), id),
      selectMembersOf({ id, number: 0, limit: streamedPageSize }),
    ),
  )
  return withMembers(caller, toGroup(found(rows[0])), first)
}

const withMembers = (caller: Caller, group: Group, first: readonly MemberRow[]): GroupAndMembers => ({
  group,
  members: memberPages(caller, [group], first),
})

/** `place` is the position of the group in the list. */
export interface Member {
  place: number
  id: string
}

/** Yields the members of the groups in order, a page at a time. Each page checks the authority again. */
export async function* memberPages(
  caller: Caller,
  groups: readonly Group[],
  first?: readonly MemberRow[],
): AsyncGenerator<Member[], void, undefined> {
  const numbers = JSON.stringify(groups.map(({ number }) => number))
  let [place, number] = [0, 0]
  for (let page = first; ; page = undefined) {
    const statement = selectMembers({ groups: numbers, place, number, limit: streamedPageSize })
    const [rows] = page
      ? [page]
      : await translateRefusals(caller, () => caller.database.batch(guard(caller), statement))
    if (rows.length > 0) yield rows.map((row) => ({ place: row.place, id: row.id }))
    const last = rows.at(-1)
    if (!last || rows.length < streamedPageSize) return
    ;[place, number] = [last.place, last.number]
  }
}

/** Creates a group without permissions. A client cannot assign permissions to a role. */
export async function createGroup(
  caller: Caller,
  input: { name: Parsed<'roleName'>; externalId: string | null; members: readonly string[] },
): Promise<GroupAndMembers> {
  const id = uuid()
  const members: MemberChange = { keepsPresent: true, add: input.members, remove: [] }
  return decideAndCommit(caller, async () => {
    const [actor, [next], taken, roleRows, named] = await readFacts(
      caller,
      selectNextRoleNumber(),
      selectNamedRoles([{ name: input.name }]),
      selectEveryRole(),
      selectHoldersById({ ids: JSON.stringify(input.members) }),
    )
    if (taken.length > 0) throw new Refused({ kind: 'role_refused', why: 'taken' })
    const role = { number: next?.number ?? 1, permissions: 0 }
    const decided = decideMembers(caller, { actor, roleRows, role, named, present: [] }, members)
    const needs = [...caller.needs, ...decided.needs]
    refuseMissing(needs, fromMask(actor.permissions))
    try {
      const results = await caller.database.batch(
        guard(caller, { needs, grantedRoles: [] }),
        insertRole({
          id,
          number: role.number,
          name: input.name,
          name_key: foldRoleName(input.name),
          description: '',
          permissions: 0,
          created_at: caller.now,
        }),
        ...(input.externalId === null
          ? []
          : [saveExternalId('role', { id, client: actor.number, externalId: input.externalId })]),
        ...membershipStatements(caller, actor, decided, roleRows),
        record(caller, actor, 'role.created', { subjectId: id, fields: ['name'] }),
        selectGroup(clientOf(caller), id),
        selectMembersOf({ id, number: 0, limit: streamedPageSize }),
      )
      const [[row], first] = results.slice(-2) as [GroupRow[], MemberRow[]]
      return withMembers(caller, toGroup(found(row)), first)
    } catch (error) {
      // Another request has taken the name or the number meanwhile.
      if (error instanceof BatchConflict) await refuseTakenName(caller, input.name)
      throw error
    }
  })
}

/** Changes a group and its members in one batch. */
export async function updateGroup(
  caller: Caller,
  id: string,
  members: MemberChange,
  changesTo: (present: Group | undefined) => GroupChanges,
  { answersMembers }: { answersMembers: boolean },
): Promise<GroupAndMembers> {
  return decideAndCommit(caller, async () => {
    const { row, ...facts } = await groupFacts(caller, id, members)
    const { name: wanted, externalId } = changesTo(row && toGroup(row))
    const role = found(row)
    const { actor, roleRows } = facts
    const decided = decideMembers(caller, { ...facts, role }, members)
    const name = wanted === undefined || wanted === role.name ? undefined : wanted
    const isExternalIdNew = externalId !== undefined && externalId !== role.external_id
    const fields = [...(name === undefined ? [] : ['name']), ...(isExternalIdNew ? ['externalId'] : [])]
    const firstMembers = selectMembersOf({ id, number: 0, limit: answersMembers ? streamedPageSize : 0 })
    if (fields.length === 0 && decided.changes.length === 0) {
      const [first] = await caller.database.batch(guard(caller), firstMembers)
      return withMembers(caller, toGroup(role), first)
    }
    const ofRole: Permission[] = fields.length > 0 ? ['roles:manage'] : []
    const ofName: Permission[] = name === undefined ? [] : fromMask(role.permissions)
    const needs = [...caller.needs, ...ofRole, ...ofName, ...decided.needs]
    refuseMissing(needs, fromMask(actor.permissions))
    if (name !== undefined && role.built_in === 1) throw new Refused({ kind: 'role_refused', why: 'built_in' })
    try {
      const results = await caller.database.batch(
        guard(caller, { needs, grantedRoles: [] }),
        refuseUnlessRole(role),
        renameRole({
          number: role.number,
          name: name ?? role.name,
          name_key: foldRoleName(name ?? role.name),
          updated_at: caller.now,
        }),
        ...(isExternalIdNew ? [saveExternalId('role', { id, client: actor.number, externalId })] : []),
        ...membershipStatements(caller, actor, decided, roleRows),
        ...(fields.length > 0 ? [record(caller, actor, 'role.updated', { subjectId: id, fields })] : []),
        firstMembers,
      )
      const group = {
        ...toGroup(role),
        name: name ?? role.name,
        externalId: isExternalIdNew ? externalId : role.external_id,
        updatedAt: caller.now,
      }
      return withMembers(caller, group, results.at(-1) as MemberRow[])
    } catch (error) {
      if (error instanceof BatchConflict && name !== undefined) await refuseTakenName(caller, name)
      throw error
    }
  })
}

/** Deletes a group and removes it from its members in the same batch. */
export async function deleteGroup(caller: Caller, id: string): Promise<void> {
  const everyone: MemberChange = { keepsPresent: false, add: [], remove: [] }
  await decideAndCommit(caller, async () => {
    const { row, ...facts } = await groupFacts(caller, id, everyone)
    const role = found(row)
    if (role.built_in === 1) throw new Refused({ kind: 'role_refused', why: 'built_in' })
    const decided = decideMembers(caller, { ...facts, role }, everyone)
    const needs = [...caller.needs, ...fromMask(role.permissions), ...decided.needs]
    refuseMissing(needs, fromMask(facts.actor.permissions))
    await caller.database.batch(
      guard(caller, { needs, grantedRoles: [] }),
      refuseUnlessRole(role),
      ...membershipStatements(caller, facts.actor, decided, facts.roleRows),
      deleteRole({ number: role.number }),
      record(caller, facts.actor, 'role.deleted', { subjectId: id }),
    )
  })
}

async function groupFacts(caller: Caller, id: string, { keepsPresent, add, remove }: MemberChange) {
  const ids = [...new Set([...add, ...remove])]
  if (ids.length > 2 * maxMemberships) refuseMany()
  const limit = 2 * maxMemberships + 1
  const [actor, [row], roleRows, named, present] = await readFacts(
    caller,
    selectGroup(clientOf(caller), id),
    selectEveryRole(),
    selectHoldersById({ ids: JSON.stringify(ids) }),
    keepsPresent ? selectNoHolders() : selectHoldersOfRole({ id, limit }),
  )
  return { actor, row, roleRows, named, present }
}

async function refuseTakenName(caller: Caller, name: string): Promise<void> {
  const [taken] = await caller.database.batch(guard(caller), selectNamedRoles([{ name }]))
  if (taken.length > 0) throw new Refused({ kind: 'role_refused', why: 'taken' })
}

function found<Row>(row: Row | undefined): Row {
  if (!row) throw new Refused({ kind: 'resource_not_found', resource: 'role' })
  return row
}

function toGroup(row: GroupRow): Group {
  return {
    id: row.id,
    number: row.number,
    name: row.name,
    externalId: row.external_id,
    builtIn: row.built_in === 1,
    size: row.holders,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

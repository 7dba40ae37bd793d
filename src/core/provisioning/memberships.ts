/** Decides a change of the members of a group: the permissions it needs, and the statements that make it. */
import { v7 as uuid } from 'uuid'
import type { ActorRow } from '../../database/guard'
import { insertEventOfEach } from '../../database/moving/imports'
import {
  refuseUnlessPermissions,
  replaceRolesOfMany,
  type HolderRow,
  type RolesChange,
} from '../../database/provisioning/groups'
import type { Statement } from '../../database/statement'
import { refuseWithoutActiveAdmin } from '../../database/users/users'
import { refuseApiKeyOnOwner, type Caller } from '../access/caller'
import { fromMask, type Permission } from '../access/permissions'
import { adminRole, defaultRole } from '../access/roles'
import { commonEvent } from '../audit/audit'
import { Refused } from '../refusal'

/** A change of the members by user ids: keeps or removes the present members, removes some users and adds others. */
export interface MemberChange {
  keepsPresent: boolean
  add: readonly string[]
  remove: readonly string[]
}

/** The maximum number of memberships that one request changes. */
export const maxMemberships = 5000

interface MemberFacts {
  actor: ActorRow
  roleRows: readonly { number: number; permissions: number }[]
  role: { number: number; permissions: number }
  /** The users that the change adds or removes by id. */
  named: readonly HolderRow[]
  /** The present members, if the change concerns all of them. */
  present: readonly HolderRow[]
}

export function refuseMany(): never {
  throw new Refused({ kind: 'too_many', of: 'memberships', max: maxMemberships })
}

interface Decided {
  changes: readonly (RolesChange & { id: string })[]
  needs: readonly Permission[]
  /** The permissions on which the decision is based. */
  permissions: readonly { number: number; permissions: number }[]
  /** Whether the change removes a user from the admin role. */
  takesAdmins: boolean
}

const nothing: Decided = { changes: [], needs: [], permissions: [], takesAdmins: false }

/**
 * Decides which users join and leave. Requires every permission of the role and of each user concerned. One user with
 * more permissions than the caller refuses the whole change.
 */
export function decideMembers(
  caller: Caller,
  { actor, roleRows, role, named, present }: MemberFacts,
  { add, remove }: MemberChange,
): Decided {
  const users = new Map([...present, ...named].map((row) => [row.id, row]))
  const unknown = add.find((id) => !users.has(id))
  if (unknown !== undefined) throw new Refused({ kind: 'user_not_found', selector: { id: unknown } })
  const joining = new Set(add)
  const leaving = new Set([...present.map(({ id }) => id), ...remove].filter((id) => !joining.has(id)))
  const changes = [...users.values()].flatMap(({ id, number, version, roles }) => {
    const before = JSON.parse(roles) as number[]
    const after = rolesAfter(before, role.number, joining.has(id), leaving.has(id))
    return after === before ? [] : [{ id, number, version, before, after }]
  })
  if (changes.length === 0) return nothing
  if (changes.length > maxMemberships) refuseMany()
  for (const { id } of changes) refuseApiKeyOnOwner(caller, actor, id)
  const touched = new Set([role.number, ...changes.flatMap(({ before }) => before)])
  const permissions = [...roleRows.filter(({ number }) => number !== role.number), role].filter(({ number }) =>
    touched.has(number),
  )
  return {
    changes,
    needs: ['roles:assign', ...fromMask(permissions.reduce((mask, one) => mask | one.permissions, 0))],
    permissions,
    takesAdmins: role.number === adminRole && leaving.size > 0,
  }
}

/** The first group replaces the default role. A user who leaves the last group gets the default role again. */
function rolesAfter(before: readonly number[], role: number, joins: boolean, leaves: boolean): readonly number[] {
  if (joins && !before.includes(role))
    return [...before.filter((one) => one !== defaultRole || before.length > 1), role]
  if (!leaves || !before.includes(role)) return before
  const others = before.filter((one) => one !== role)
  return others.length > 0 ? others : [defaultRole]
}

export function membershipStatements(
  caller: Caller,
  actor: ActorRow,
  { changes, permissions, takesAdmins }: Decided,
  roleRows: MemberFacts['roleRows'],
): Statement[] {
  if (changes.length === 0) return []
  const known = permissions.filter(({ number }) => roleRows.some((row) => row.number === number))
  return [
    refuseUnlessPermissions(known),
    ...replaceRolesOfMany(changes, caller.now),
    ...insertEventOfEach(
      changes.map(({ id }) => ({ id: uuid(), userId: id, fields: ['roles'] })),
      commonEvent(caller, actor, 'user.roles_set'),
    ),
    ...(takesAdmins ? [refuseWithoutActiveAdmin(adminRole)] : []),
  ]
}

/** Looks up the roles that a change names, and checks that the caller may grant them. */
import { selectRoles, type RoleRow } from '../../database/access/roles'
import type { Statement } from '../../database/statement'
import { foldRoleName } from '../users/text'
import { fromMask, type Permission } from './permissions'
import { Refused } from '../refusal'
import type { RoleSelector } from '../users/user'

export const adminRole = 1
export const defaultRole = 2

/** Returns the statement that looks up all named roles. */
export function selectNamedRoles(selectors: readonly RoleSelector[]): Statement<RoleRow> {
  return selectRoles({
    ids: JSON.stringify(selectors.flatMap((selector) => ('id' in selector ? [selector.id] : []))),
    numbers: JSON.stringify(selectors.flatMap((selector) => ('number' in selector ? [selector.number] : []))),
    keys: JSON.stringify(selectors.flatMap((selector) => ('name' in selector ? [foldRoleName(selector.name)] : []))),
  })
}

/** Returns the roles in the order named, without duplicates. Returns undefined if any role does not exist. */
export function findRoles<Role extends Pick<RoleRow, 'id' | 'number' | 'name_key'>>(
  selectors: readonly RoleSelector[],
  rows: readonly Role[],
): Role[] | undefined {
  const found = new Set<Role>()
  for (const selector of selectors) {
    const key = 'name' in selector ? foldRoleName(selector.name) : undefined
    const role = rows.find((row) =>
      'id' in selector
        ? row.id === selector.id
        : 'number' in selector
          ? row.number === selector.number
          : row.name_key === key,
    )
    if (!role) return undefined
    found.add(role)
  }
  return [...found]
}

type Candidate = Pick<RoleRow, 'id' | 'number' | 'name_key' | 'permissions'>

/**
 * Refuses a caller who may not assign roles or lacks a permission of one of them. Then refuses a role that does not
 * exist.
 */
export function rolesToAssign(
  selectors: readonly RoleSelector[],
  rows: readonly Candidate[],
  actorPermissions: number,
  field: 'role' | 'roles',
): Candidate[] {
  const held = fromMask(actorPermissions)
  const roles = findRoles(selectors, rows)
  const wanted: Permission[] = [
    'roles:assign',
    ...fromMask((roles ?? []).reduce((mask, role) => mask | role.permissions, 0)),
  ]
  refuseMissing(wanted, held)
  if (!roles) throw new Refused({ kind: 'role_not_found', field })
  return roles
}

export function refuseMissing(wanted: readonly Permission[], held: readonly Permission[]): void {
  const missing = [...new Set(wanted)].filter((permission) => !held.includes(permission))
  if (missing.length > 0) throw new Refused({ kind: 'forbidden', missing })
}

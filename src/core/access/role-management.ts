/**
 * Lists, creates, changes and deletes roles. A caller must hold every permission of a role to create, change or delete
 * it.
 */
import { v7 as uuid } from 'uuid'
import {
  deleteRole as deleteRoleRow,
  insertRole,
  refuseUnlessRole,
  selectEveryRole,
  selectRole,
  updateRole as updateRoleRow,
  type RoleRow,
} from '../../database/access/roles'
import { record } from '../audit/audit'
import { BatchConflict } from '../../database/database'
import { decideAndCommit, readFacts, guard, translateRefusals, type Caller } from './caller'
import type { Parsed } from '../users/fields'
import { selectEarlierResult, earlierResult, storeResult } from '../idempotency'
import { fromMask, toMask, type Permission } from './permissions'
import { Refused } from '../refusal'
import { refuseMissing, selectNamedRoles } from './roles'
import { foldRoleName } from '../users/text'

export interface Role {
  id: string
  number: number
  name: string
  description: string
  permissions: readonly Permission[]
}

export interface NewRole {
  name: Parsed<'roleName'>
  permissions: readonly Permission[]
  description?: Parsed<'description'> | undefined
  /** The id and the number of the role in a legacy system. */
  id?: string | undefined
  number?: number | undefined
}

export interface RoleChanges {
  description?: Parsed<'description'> | undefined
  permissions?: readonly Permission[] | undefined
}

/** Returns all roles, in order of number. */
export async function listRoles(caller: Caller): Promise<Role[]> {
  const [rows] = await translateRefusals(caller, () => caller.database.batch(guard(caller), selectEveryRole()))
  return rows.map(toRole)
}

export async function getRole(caller: Caller, id: string): Promise<Role> {
  const [rows] = await translateRefusals(caller, () => caller.database.batch(guard(caller), selectRole({ id })))
  return toRole(orNotFound(rows[0]))
}

export async function createRole(caller: Caller, input: NewRole): Promise<Role> {
  const id = input.id ?? uuid()
  return decideAndCommit(caller, async () => {
    const [actor, records, taken] = await readFacts(
      caller,
      selectEarlierResult(caller),
      selectNamedRoles([
        { id },
        { name: input.name },
        ...(input.number === undefined ? [] : [{ number: input.number }]),
      ]),
    )
    const first = earlierResult(caller, records, 'role')
    if (first) return toRole(JSON.parse(first) as RoleRow)
    refuseMissing(input.permissions, fromMask(actor.permissions))
    if (taken.length > 0) throw new Refused({ kind: 'role_refused', why: 'taken' })
    const results = await caller.database.batch(
      guard(caller, { needs: [...caller.needs, ...input.permissions] }),
      insertRole({
        id,
        number: input.number ?? null,
        name: input.name,
        name_key: foldRoleName(input.name),
        description: input.description ?? '',
        permissions: toMask(input.permissions),
        created_at: caller.now,
      }),
      record(caller, actor, 'role.created', { subjectId: id, fields: ['name', 'description', 'permissions'] }),
      ...storeResult(caller, { role: id }),
      selectRole({ id }),
    )
    return toRole((results.at(-1) as RoleRow[])[0] as RoleRow)
  })
}

/** Fields that are not given stay unchanged. A built-in role cannot be changed. */
export async function updateRole(caller: Caller, id: string, changes: RoleChanges): Promise<Role> {
  return decideAndCommit(caller, async () => {
    const { actor, role } = await roleToChange(caller, id)
    const description = changes.description ?? role.description
    const permissions = changes.permissions ? toMask(changes.permissions) : role.permissions
    const touched = fromMask(role.permissions | permissions)
    refuseMissing(touched, fromMask(actor.permissions))
    const fields = [
      ...(description === role.description ? [] : ['description']),
      ...(permissions === role.permissions ? [] : ['permissions']),
    ]
    if (fields.length === 0) return toRole(role)
    await caller.database.batch(
      guard(caller, { needs: [...caller.needs, ...touched] }),
      refuseUnlessRole(role),
      updateRoleRow({ number: role.number, description, permissions, updated_at: caller.now }),
      record(caller, actor, 'role.updated', { subjectId: id, fields }),
    )
    return toRole({ ...role, description, permissions })
  })
}

/** Refuses to delete a role that is built in or held by a user. */
export async function deleteRole(caller: Caller, id: string): Promise<void> {
  await decideAndCommit(caller, async () => {
    const { actor, role } = await roleToChange(caller, id)
    refuseMissing(fromMask(role.permissions), fromMask(actor.permissions))
    if (role.holders > 0) throw new Refused({ kind: 'role_refused', why: 'in_use' })
    try {
      await caller.database.batch(
        guard(caller, { needs: [...caller.needs, ...fromMask(role.permissions)] }),
        refuseUnlessRole(role),
        deleteRoleRow({ number: role.number }),
        record(caller, actor, 'role.deleted', { subjectId: id }),
      )
    } catch (error) {
      // The role was granted to a user after the check above.
      throw error instanceof BatchConflict ? new Refused({ kind: 'role_refused', why: 'in_use' }) : error
    }
  })
}

async function roleToChange(caller: Caller, id: string) {
  const [actor, roles] = await readFacts(caller, selectRole({ id }))
  const role = orNotFound(roles[0])
  if (role.built_in === 1) throw new Refused({ kind: 'role_refused', why: 'built_in' })
  return { actor, role }
}

function orNotFound<Row>(row: Row | undefined): Row {
  if (!row) throw new Refused({ kind: 'resource_not_found', resource: 'role' })
  return row
}

function toRole({ id, number, name, description, permissions }: RoleRow): Role {
  return { id, number, name, description, permissions: fromMask(permissions) }
}

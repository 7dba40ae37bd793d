/** Translates between the fields of rbac and of the core. */
import type { z } from '@hono/zod-openapi'
import type { NewUser, RoleSelector, User, UserChanges } from '../../core/users/user'
import { toUtc } from '../../http/contract/times'
import { RbacUserUpdate, type RbacUser, type RbacUserCreate } from './schemas'

export function fromUser(user: User): z.infer<typeof RbacUser> {
  return {
    id: user.id,
    email: user.email,
    first_name: user.givenName,
    last_name: user.familyName,
    is_active: user.active,
    roles: user.roles.map(({ id, name }) => ({ id, name })),
    created_at: toUtc(user.createdAt),
    updated_at: toUtc(user.updatedAt),
  }
}

export function toNewUser(body: z.output<typeof RbacUserCreate>): NewUser {
  return {
    email: body.email,
    password: body.password,
    givenName: body.first_name,
    familyName: body.last_name,
    active: body.is_active ?? undefined,
    roles: body.role_ids ? toRoles(body.role_ids) : undefined,
  }
}

export function toUserChanges(body: Partial<z.output<typeof RbacUserUpdate>>): UserChanges {
  return {
    email: body.email ?? undefined,
    password: body.password ?? undefined,
    givenName: body.first_name ?? undefined,
    familyName: body.last_name ?? undefined,
    active: body.is_active ?? undefined,
    roles: body.role_ids ? toRoles(body.role_ids) : undefined,
  }
}

function toRoles(ids: readonly string[]): RoleSelector[] {
  return ids.map((id) => ({ id }))
}

/** The roles that the body names, read before the validation against the current record. */
export function toNamedRoles(sent: unknown): RoleSelector[] | undefined {
  const ids = RbacUserUpdate.shape.role_ids.safeParse(Object(sent)['role_ids']).data
  return ids ? toRoles(ids) : undefined
}

/** Returns rbac's name of a core field. */
export function wireName(field: string): string {
  const names: Record<string, string> = { givenName: 'first_name', familyName: 'last_name', active: 'is_active' }
  return names[field] ?? field
}

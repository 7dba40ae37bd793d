/**
 * The permissions that a role or an API key may have. The position in this list is the stored bit: append only, never
 * reorder.
 */
export const permissions = [
  'users:read',
  'users:create',
  'users:update',
  'users:deactivate',
  'users:delete',
  'users:import',
  'users:export',
  'users:export_hashes',
  'roles:read',
  'roles:assign',
  'roles:manage',
  'sessions:manage',
  'api_keys:manage',
  'audit:read',
  'webhooks:manage',
  'usage:read',
  'tokens:introspect',
] as const

export type Permission = (typeof permissions)[number]

export function toMask(held: Iterable<Permission>): number {
  let mask = 0
  for (const permission of held) mask |= 1 << permissions.indexOf(permission)
  return mask
}

/** Ignores bits that no permission uses. */
export function fromMask(mask: number): Permission[] {
  return permissions.filter((_, bit) => mask & (1 << bit))
}

/** What a role or a key may allow. The position in this list is the bit it is stored as: append, never reorder. */
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
] as const

export type Permission = (typeof permissions)[number]

export function toMask(held: Iterable<Permission>): number {
  let mask = 0
  for (const permission of held) mask |= 1 << permissions.indexOf(permission)
  return mask
}

/** Bits that stand for no permission yet are passed over. */
export function fromMask(mask: number): Permission[] {
  return permissions.filter((_, bit) => mask & (1 << bit))
}

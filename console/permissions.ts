import type { Permission } from '../client/index.ts'

/** A missing permission does not compile. */
const all: Record<Permission, true> = {
  'users:read': true,
  'users:create': true,
  'users:update': true,
  'users:deactivate': true,
  'users:delete': true,
  'users:import': true,
  'users:export': true,
  'users:export_hashes': true,
  'roles:read': true,
  'roles:assign': true,
  'roles:manage': true,
  'sessions:manage': true,
  'api_keys:manage': true,
  'audit:read': true,
  'webhooks:manage': true,
  'usage:read': true,
  'tokens:introspect': true,
}

/** What the diagnostics of a deployment need. */
export const everyPermission = Object.keys(all) as Permission[]

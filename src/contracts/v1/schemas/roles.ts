/** Roles. */
import { z } from '@hono/zod-openapi'
import { parseRoleName, parseRoleNumber, parseUuid, roleNumberMax } from '../../../core/users/fields'
import { parsedBy } from '../../../http/contract/fields'
import { description, filledText, integer, permission, sentPermissions, uuid } from './fields'

export const V1Role = z
  .strictObject({
    id: uuid,
    number: z.int(),
    name: z.string(),
    description: z.string(),
    permissions: z.array(permission),
  })
  .openapi('V1Role')

export const V1RoleList = z.strictObject({ data: z.array(V1Role) }).openapi('V1RoleList')

export const V1RoleCreate = z
  .object({
    name: parsedBy(z.string(), parseRoleName).openapi(filledText(64)),
    permissions: sentPermissions,
    description: description.optional(),
    id: parsedBy(z.string(), parseUuid).openapi({ type: 'string', format: 'uuid' }).optional(),
    number: parsedBy(z.int(), parseRoleNumber).openapi(integer(1, roleNumberMax)).optional(),
  })
  .openapi('V1RoleCreate', { example: { name: 'reception', permissions: ['users:read', 'users:create'] } })

export const V1RoleUpdate = z
  .object({ description: description.optional(), permissions: sentPermissions.optional() })
  .openapi('V1RoleUpdate', { example: { permissions: ['users:read'] } })

/** Roles. */
import type { z } from '@hono/zod-openapi'
import type { Role } from '../../../core/access/role-management'
import type { V1Role } from '../schemas/roles'

export function fromRole({ id, number, name, description, permissions }: Role): z.infer<typeof V1Role> {
  return { id, number, name, description, permissions: [...permissions] }
}

/** Fields that several resources share. */
import { z } from '@hono/zod-openapi'
import { parseDescription, parseEmail, parsePassword } from '../../../core/users/fields'
import { permissions } from '../../../core/access/permissions'
import { listOf, orEmpty, parsedBy, queryInteger } from '../../../http/contract/fields'

export const uuid = z.string().openapi({ format: 'uuid' })

export const time = z.string().openapi({ format: 'date-time', description: 'UTC, whole seconds' })

export const text = (max: number) => ({ type: 'string' as const, maxLength: max })

/** Text that must not be blank. */
export const filledText = (max: number) => ({ ...text(max), minLength: 1 })

export const email = parsedBy(z.string(), parseEmail).openapi({ ...text(254), format: 'email' })

export const passwordDocument = { ...text(128), minLength: 8 }

export const password = parsedBy(z.string(), parsePassword).openapi(passwordDocument)

export const integer = (minimum: number, maximum = Number.MAX_SAFE_INTEGER) => ({
  type: 'integer' as const,
  minimum,
  maximum,
})

/** A user's id in v1's format. */
export const userId = z.string().openapi({ description: '`usr_` and 32 hex digits', pattern: '^usr_[0-9a-f]{32}$' })

export const shownEmail = z.string().openapi({ format: 'email' })

export const date = z.string().openapi({ format: 'date' })

export const userStatus = z.enum(['active', 'inactive']).openapi('V1UserStatus')

export const role = z.string().openapi({ description: "A role's name" })

export const page = {
  limit: queryInteger(1, 100).optional().openapi({ default: 20 }),
  cursor: orEmpty(z.string()).openapi({ type: 'string', description: '`next_cursor` of the previous page' }),
}

export const cursorPagination = z.strictObject({ next_cursor: z.string().nullable() }).openapi('V1CursorPagination')

export const permission = z.enum(permissions).openapi('V1Permission')

export const sentPermissions = listOf(permission, permissions.length)

export const description = parsedBy(z.string(), parseDescription).openapi(text(500))

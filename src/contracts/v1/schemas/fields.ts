/** What several resources are made of. */
import { z } from '@hono/zod-openapi'
import { parseDescription, parseEmail, parsePassword } from '../../../core/fields'
import { permissions } from '../../../core/permissions'
import { parsedBy, queryInteger } from '../../../http/fields'

export const uuid = z.string().openapi({ format: 'uuid' })

export const time = z.string().openapi({ format: 'date-time', description: 'UTC, whole seconds' })

export const text = (max: number) => ({ type: 'string' as const, maxLength: max })

export const email = parsedBy(z.string(), parseEmail).openapi({ ...text(254), format: 'email' })

export const passwordDocument = { ...text(128), minLength: 8 }

export const password = parsedBy(z.string(), parsePassword).openapi(passwordDocument)

export const integer = (minimum: number, maximum = Number.MAX_SAFE_INTEGER) => ({
  type: 'integer' as const,
  minimum,
  maximum,
})

export const role = z.string().openapi({ description: "A role's name" })

export const page = {
  limit: queryInteger(1, 100).optional().openapi({ default: 20 }),
  cursor: z.string().optional().openapi({ description: '`next_cursor` of the page before' }),
}

export const permission = z.enum(permissions).openapi('V1Permission')

export const description = parsedBy(z.string(), parseDescription).openapi(text(500))

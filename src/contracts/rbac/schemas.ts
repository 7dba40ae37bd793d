/** The schemas of rbac. */
import { z } from '@hono/zod-openapi'
import { maxRoles, withLimits, parseFamilyName, parseGivenName, parsePassword } from '../../core/users/fields'
import { parseSearch } from '../../core/users/search'
import { lastOf, listOf, orNull, parsedBy } from '../../http/contract/fields'
import {
  addressIn,
  laxBoolean,
  laxEmail,
  laxQueryInteger,
  laxUuid,
  validationErrors,
} from '../../http/frameworks/pydantic'

const time = z.string().openapi({ format: 'date-time', description: 'UTC, whole seconds' })

const example = { email: 'noor.haddad@example.org', first_name: 'Noor', last_name: 'Haddad' }

const role = z.strictObject({ id: z.string().openapi({ format: 'uuid' }), name: z.string() }).openapi('RbacRole')

export const RbacUser = z
  .strictObject({
    id: z.string().openapi({ format: 'uuid' }),
    email: z.string().openapi({ format: 'email' }),
    first_name: z.string(),
    last_name: z.string(),
    is_active: z.boolean(),
    roles: z.array(role),
    created_at: time,
    updated_at: time,
  })
  .openapi('RbacUser', {
    example: {
      id: '019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66',
      ...example,
      is_active: true,
      roles: [{ id: '019a0000-0000-7000-8000-000000000002', name: 'user' }],
      created_at: '2026-01-15T09:30:00Z',
      updated_at: '2026-01-15T09:30:00Z',
    },
  })

export const RbacUserList = z
  .strictObject({
    data: z.array(RbacUser),
    pagination: z
      .strictObject({ page: z.int(), limit: z.int(), total: z.int(), pages: z.int() })
      .openapi('RbacPagination'),
  })
  .openapi('RbacUserList')

/** The last page for which the number of preceding users is exact. */
const lastPage = Math.floor(Number.MAX_SAFE_INTEGER / 100)

export const RbacUserListQuery = z.object({
  page: laxQueryInteger(1, lastPage).openapi({ default: 1 }),
  limit: laxQueryInteger(1, 100).openapi({ default: 10 }),
  search: z.preprocess(lastOf, parsedBy(z.string(), parseSearch).optional()).openapi({
    type: 'string',
    maxLength: 200,
    description:
      'Each word must occur in email, first or last name; case and accents are ignored. At most three words, unless one has three characters or more',
  }),
})

const password = parsedBy(z.string(), parsePassword).openapi({ type: 'string', minLength: 8, maxLength: 128 })
const first_name = parsedBy(z.string(), withLimits(parseGivenName, { required: true })).openapi({
  type: 'string',
  minLength: 1,
  maxLength: 100,
})
const last_name = parsedBy(z.string(), withLimits(parseFamilyName, { required: true })).openapi({
  type: 'string',
  minLength: 1,
  maxLength: 100,
})
const role_ids = listOf(laxUuid, maxRoles).openapi({ description: 'In order: the first is the primary role' })

const is_active = orNull(laxBoolean, { type: 'boolean' })

export const RbacUserCreate = z
  .object({
    email: laxEmail,
    password,
    first_name,
    last_name,
    is_active: is_active.openapi({ description: 'Default true. False needs `users:deactivate`' }),
    role_ids: role_ids.nullish(),
  })
  .openapi('RbacUserCreate', {
    example: { ...example, password: 'a password long enough', role_ids: ['019a0000-0000-7000-8000-000000000002'] },
  })

/** Only the sent fields change. Null counts as absent, as in a model with optional fields. */
export const RbacUserUpdate = z
  .object({
    email: orNull(laxEmail, { type: 'string' }),
    password: orNull(password, { type: 'string' }),
    first_name: orNull(first_name, { type: 'string' }),
    last_name: orNull(last_name, { type: 'string' }),
    is_active,
    role_ids: role_ids.nullish(),
  })
  .openapi('RbacUserUpdate', { example: { first_name: 'Nour', is_active: false } })

export const RbacLogin = z
  .object({
    email: z.string().transform(addressIn).openapi({ type: 'string' }),
    password: z.string().openapi({ format: 'password' }),
  })
  .openapi('RbacLogin', { example: { email: example.email, password: 'a password long enough' } })

export const RbacRefresh = z.object({ refresh_token: z.string() }).openapi('RbacRefresh')

export const RbacTokens = z
  .strictObject({ access_token: z.string(), token_type: z.literal('bearer'), refresh_token: z.string() })
  .openapi('RbacTokens')

export const RbacMessage = z.strictObject({ message: z.string() }).openapi('RbacMessage')
export const RbacError = z.strictObject({ detail: z.string() }).openapi('RbacError')
export const RbacValidationError = z.strictObject({ detail: validationErrors }).openapi('RbacValidationError')

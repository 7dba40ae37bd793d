/** The wire of v1, in its own names. */
import { z } from '@hono/zod-openapi'
import {
  parseBirthdate,
  parseCountryId,
  parseEmail,
  parseFamilyName,
  parseGivenName,
  parseMatricule,
  parseName,
  parsePassword,
  parsePhoneNumber,
  parseUsername,
} from '../../core/fields'
import { parsedBy, queryInteger } from '../../http/fields'

const time = z.string().openapi({ format: 'date-time', description: 'UTC, whole seconds' })
const gender = z.enum(['male', 'female', 'unknown'])
const userType = z.enum(['administrative', 'technician', 'clinician', 'student'])

const example = {
  email: 'noor.haddad@example.org',
  name: 'Noor Haddad',
  username: 'noor',
  matricule: 5120,
  first_name: 'Noor',
  last_name: 'Haddad',
  birth_date: '1988-04-02',
  gender: 'female' as const,
  phone: '+33 1 70 18 00 00',
  mobile: null,
  certified_email: null,
  user_type: 'clinician' as const,
  is_staff: true,
  country_id: 33,
}

export const V1User = z
  .strictObject({
    id: z.string(),
    email: z.string(),
    name: z.string(),
    created_at: time,
    updated_at: time,
    status: z.enum(['active', 'inactive']),
    role: z.string().openapi({ description: "The primary role's name" }),
    username: z.string().nullable(),
    matricule: z.int().nullable(),
    first_name: z.string(),
    last_name: z.string(),
    birth_date: z.string().nullable().openapi({ format: 'date' }),
    gender: gender.nullable(),
    phone: z.string().nullable(),
    mobile: z.string().nullable(),
    certified_email: z.string().nullable(),
    user_type: userType.nullable(),
    is_staff: z.boolean(),
    country_id: z.int().nullable(),
    roles: z.array(z.strictObject({ id: z.string(), name: z.string() })),
  })
  .openapi('V1User', {
    example: {
      id: 'usr_019b1c6e7a407d529a513f1d0c2b4e66',
      created_at: '2026-01-15T09:30:00Z',
      updated_at: '2026-01-15T09:30:00Z',
      status: 'active',
      role: 'user',
      roles: [{ id: '019a0000-0000-7000-8000-000000000002', name: 'user' }],
      ...example,
    },
  })

export const V1UserList = z
  .strictObject({
    data: z.array(V1User),
    pagination: z.strictObject({ next_cursor: z.string().nullable(), total: z.int() }),
  })
  .openapi('V1UserList')

const text = (max: number) => ({ type: 'string' as const, maxLength: max })
const email = parsedBy(z.string(), parseEmail).openapi({ ...text(254), format: 'email' })

export const V1UserCreate = z
  .object({
    email,
    name: parsedBy(z.string(), parseName).openapi(text(200)),
    password: parsedBy(z.string(), parsePassword).openapi({ ...text(128), minLength: 8 }),
    role: z.string().optional().openapi({ description: "A role's name", default: 'user' }),
    username: parsedBy(z.string(), parseUsername).openapi(text(64)).nullish(),
    matricule: parsedBy(z.int(), parseMatricule)
      .openapi({ type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
      .nullish(),
    first_name: parsedBy(z.string(), parseGivenName).openapi(text(100)).optional(),
    last_name: parsedBy(z.string(), parseFamilyName).openapi(text(100)).optional(),
    birth_date: parsedBy(z.string(), parseBirthdate).openapi({ type: 'string', format: 'date' }).nullish(),
    gender: gender.nullish(),
    phone: parsedBy(z.string(), parsePhoneNumber).openapi(text(32)).nullish(),
    mobile: parsedBy(z.string(), parsePhoneNumber).openapi(text(32)).nullish(),
    certified_email: email.nullish(),
    user_type: userType.nullish(),
    is_staff: z.boolean().optional(),
    country_id: parsedBy(z.int(), parseCountryId)
      .openapi({ type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
      .nullish(),
  })
  .openapi('V1UserCreate', { example: { password: 'a password long enough', role: 'user', ...example } })

export const V1UserListQuery = z.object({
  limit: queryInteger(1, 100).optional().openapi({ default: 20 }),
  cursor: z.string().optional().openapi({ description: '`next_cursor` of the page before' }),
})

export const V1Login = z
  .object({
    identifier: z.string().openapi({ description: 'Email, username or matricule' }),
    password: z.string().openapi({ format: 'password' }),
  })
  .openapi('V1Login', { example: { identifier: 'noor.haddad@example.org', password: 'a password long enough' } })

export const V1Refresh = z.object({ refresh_token: z.string() }).openapi('V1Refresh')

const tokens = {
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int().openapi({ description: 'Seconds' }),
  refresh_token: z.string(),
}

export const V1Tokens = z.strictObject(tokens).openapi('V1Tokens')
export const V1SignedIn = z.strictObject({ ...tokens, user: V1User }).openapi('V1SignedIn')

export const V1Problem = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z.array(z.strictObject({ field: z.string(), message: z.string() })).optional(),
  })
  .openapi('V1Problem', {
    example: { type: 'about:blank', title: 'Not Found', status: 404, detail: 'There is no such user.' },
  })

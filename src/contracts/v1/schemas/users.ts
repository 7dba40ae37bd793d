/** Users. */
import { z } from '@hono/zod-openapi'
import {
  maxRoles,
  parseBirthdate,
  parseCountryId,
  parseEmail,
  parseFamilyName,
  parseGivenName,
  parseMatricule,
  parseName,
  parsePhoneNumber,
  parseUsername,
} from '../../../core/users/fields'
import { parseSearch } from '../../../core/users/search'
import { passwordStates } from '../../../core/users/user-list'
import { listOf, orEmpty, orNull, parsedBy } from '../../../http/contract/fields'
import {
  date,
  email,
  filledText,
  integer,
  page,
  password,
  passwordDocument,
  role,
  shownEmail,
  text,
  time,
  userId,
  userStatus,
  uuid,
} from './fields'

export const gender = z.enum(['male', 'female', 'unknown']).openapi('V1Gender')

export const userType = z.enum(['administrative', 'technician', 'clinician', 'student']).openapi('V1UserType')

const roleReference = z.strictObject({ id: uuid, name: z.string() }).openapi('V1RoleReference')

export const example = {
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
    id: userId,
    email: shownEmail,
    name: z.string(),
    created_at: time,
    updated_at: time,
    status: userStatus,
    role: z.string().openapi({ description: "The primary role's name" }),
    username: z.string().nullable(),
    matricule: z.int().nullable(),
    first_name: z.string(),
    last_name: z.string(),
    birth_date: date.nullable(),
    gender: gender.nullable(),
    phone: z.string().nullable(),
    mobile: z.string().nullable(),
    certified_email: shownEmail.nullable(),
    user_type: userType.nullable(),
    is_staff: z.boolean(),
    country_id: z.int().nullable(),
    roles: z.array(roleReference),
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
    pagination: z.strictObject({ next_cursor: z.string().nullable(), total: z.int() }).openapi('V1UserPagination'),
  })
  .openapi('V1UserList')

const name = parsedBy(z.string(), parseName).openapi(filledText(200))

/** Optional fields, at creation and in changes. */
export const optional = {
  username: orNull(parsedBy(z.string(), parseUsername), filledText(128)),
  matricule: orNull(parsedBy(z.int(), parseMatricule), integer(0)),
  first_name: parsedBy(z.string(), parseGivenName).openapi(text(100)).optional(),
  last_name: parsedBy(z.string(), parseFamilyName).openapi(text(100)).optional(),
  birth_date: orNull(parsedBy(z.string(), parseBirthdate), { type: 'string', format: 'date' }),
  gender: gender.nullish(),
  phone: orNull(parsedBy(z.string(), parsePhoneNumber), text(32)),
  mobile: orNull(parsedBy(z.string(), parsePhoneNumber), text(32)),
  certified_email: orNull(parsedBy(z.string(), parseEmail), { ...text(254), format: 'email' }),
  user_type: userType.nullish(),
  is_staff: z.boolean().optional(),
  country_id: orNull(parsedBy(z.int(), parseCountryId), integer(1)),
}

export const V1UserCreate = z
  .object({
    email,
    name,
    password: password.nullable().openapi({
      ...passwordDocument,
      type: ['string', 'null'],
      description: 'Null for a user who will use a set-password token',
    }),
    role: role.optional().openapi({ description: "A role's name. Default `user`" }),
    ...optional,
  })
  .openapi('V1UserCreate', { example: { password: 'a password long enough', role: 'user', ...example } })

/** Only the sent fields change. Null removes a value. */
export const V1UserUpdate = z
  .object({
    email: email.optional(),
    name: name.optional(),
    password: password.optional(),
    keep_api_keys: z.boolean().optional().openapi({
      description: "True keeps the user's API keys when `password` changes; otherwise they are revoked",
    }),
    role: role.optional(),
    ...optional,
  })
  .openapi('V1UserUpdate', { example: { phone: '+33 1 70 18 00 01', user_type: 'technician' } })

export const V1UserRoles = z
  .object({ roles: listOf(role, maxRoles).openapi({ description: 'In order: the first is the primary role' }) })
  .openapi('V1UserRoles', { example: { roles: ['admin', 'user'] } })

export const V1UserListQuery = z.object({
  ...page,
  search: orEmpty(parsedBy(z.string(), parseSearch)).openapi({
    ...text(200),
    description:
      'Each word must occur in email, username, name, first or last name; case and accents are ignored. At most three words, unless one has three characters or more',
  }),
  status: orEmpty(userStatus),
  role: orEmpty(role),
  password: orEmpty(
    z.enum(passwordStates).openapi('V1PasswordState', {
      description:
        '`pending`: an upstream knows it; `set`; `none`; `weak`: set, and adopted although the policy would refuse it',
    }),
  ),
  sort: orEmpty(
    z
      .enum(['created_at', '-created_at', 'email', '-email', 'name', '-name'])
      .openapi('V1UserSort', { description: 'Default `created_at`. `-` means descending' }),
  ),
})

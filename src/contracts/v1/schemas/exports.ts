/** Exports. */
import { z } from '@hono/zod-openapi'
import { orEmpty, queryInteger } from '../../../http/contract/fields'
import { date, shownEmail, time, userId, userStatus } from './fields'
import { gender, userType } from './users'

export const V1ExportQuery = z.object({
  after: orEmpty(queryInteger(0, Number.MAX_SAFE_INTEGER)).openapi({
    description: 'Continue after the user with this number, the last one of an interrupted export',
  }),
  include: orEmpty(
    z.enum(['password_hashes']).openapi('V1ExportInclude', { description: 'Also needs `users:export_hashes`' }),
  ),
})

const exported = {
  id: userId,
  number: z.int(),
  email: shownEmail,
  name: z.string(),
  first_name: z.string(),
  last_name: z.string(),
  username: z.string().nullable(),
  matricule: z.int().nullable(),
  birth_date: date.nullable(),
  gender: gender.nullable(),
  phone: z.string().nullable(),
  mobile: z.string().nullable(),
  certified_email: shownEmail.nullable(),
  user_type: userType.nullable(),
  is_staff: z.boolean(),
  country_id: z.int().nullable(),
  roles: z.array(z.string()),
  status: userStatus,
  created_at: time,
  updated_at: time,
  version: z.int(),
}

/** A line of an export, which is also a valid line of an import. */
export const V1ExportedUser = z
  .strictObject({
    ...exported,
    password_hash: z.string().nullable().optional(),
    password_from: z
      .string()
      .optional()
      .openapi({ description: 'Of a pending user, with the hashes: the upstream that knows the password' }),
    pin_hash: z.string().nullable().optional(),
  })
  .openapi('V1ExportedUser')

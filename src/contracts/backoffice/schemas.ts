/** The schemas of backoffice, validated as Laravel's rules do. */
import { z } from '@hono/zod-openapi'
import {
  withLimits,
  parseBirthdate,
  parseCountryId,
  parseEmail,
  parseFamilyName,
  parseGivenName,
  parsePassword,
  parseRoleNumber,
  parseUsername,
  roleNumberMax,
  type Parser,
} from '../../core/users/fields'
import { parseSearch } from '../../core/users/search'
import { parsedBy, refuse } from '../../http/contract/fields'
import { readDate } from '../../http/contract/times'

const genders = ['male', 'female'] as const
const statuses = ['active', 'inactive'] as const

const example = {
  username: 'noor',
  first_name: 'Noor',
  last_name: 'Haddad',
  email: 'noor.haddad@example.org',
  gender: 'female' as const,
  birthday: '1988-04-02',
  country_id: 33,
}

const gender = z.enum(genders).openapi('BackofficeGender')
const userStatus = z.enum(statuses).openapi('BackofficeUserStatus')

export const BackofficeUser = z
  .strictObject({
    user_id: z.int(),
    username: z.string(),
    first_name: z.string(),
    last_name: z.string(),
    email: z.string().openapi({ format: 'email' }),
    gender: gender.nullable(),
    birthday: z.string().nullable().openapi({ format: 'date' }),
    country_id: z.int().nullable(),
    user_status: userStatus,
    role_id: z.int(),
  })
  .openapi('BackofficeUser', { example: { user_id: 17, ...example, user_status: 'active', role_id: 2 } })

/** A required field. Null counts as absent. */
function field<Value>(read: (value: NonNullable<unknown>, context: z.core.$RefinementCtx) => Value) {
  return z
    .unknown()
    .transform((value, context) => (value == null ? refuse(context, { rule: 'missing' }) : read(value, context)))
}

function text<Value>(parser: Parser<string, Value>) {
  return field((value, context) => {
    if (typeof value !== 'string') return refuse(context, { rule: 'wrong_type', expected: 'string' })
    const outcome = parser(value)
    return 'value' in outcome ? outcome.value : refuse(context, outcome.problem)
  })
}

/** Accepts a number or its decimal digits as text. */
function integer<Value>(parser: Parser<number, Value>) {
  return field((value, context) => {
    const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value
    if (!Number.isInteger(number)) return refuse(context, { rule: 'wrong_type', expected: 'integer' })
    const outcome = parser(number as number)
    return 'value' in outcome ? outcome.value : refuse(context, outcome.problem)
  })
}

/** Documents a value of the component. */
const refTo = (component: string) => ({ allOf: [{ $ref: `#/components/schemas/${component}` }] })

function oneOf<const Option extends string>(options: readonly Option[]) {
  return field((value, context) => {
    const option = options.find((known) => known === value)
    return option ?? refuse(context, { rule: 'not_one_of', options })
  })
}

/** The password and its confirmation, as `withConfirmation` combines them. */
const password = field((sent, context) => {
  const { value, confirmation } = sent as { value: unknown; confirmation: unknown }
  if (typeof value !== 'string') return refuse(context, { rule: 'wrong_type', expected: 'string' })
  const outcome = parsePassword(value)
  if ('problem' in outcome) refuse(context, outcome.problem)
  if (value !== confirmation) refuse(context, { rule: 'not_confirmed' })
  return 'value' in outcome ? outcome.value : z.NEVER
})

const birthday = field((value, context) => {
  const outcome = parseBirthdate(typeof value === 'string' ? readDate(value) : '')
  return 'value' in outcome ? outcome.value : refuse(context, outcome.problem)
})

const name = (max: number) => ({ type: 'string' as const, minLength: 1, maxLength: max })

const fields = {
  username: text(withLimits(parseUsername, { max: 64 })).openapi(name(64)),
  email: text(parseEmail).openapi({ ...name(254), format: 'email' }),
  password: password.openapi({ type: 'string', format: 'password', minLength: 8, maxLength: 128 }),
  password_confirmation: z.unknown().optional().openapi({ type: 'string', format: 'password' }),
  first_name: text(withLimits(parseGivenName, { max: 64, required: true })).openapi(name(64)),
  last_name: text(withLimits(parseFamilyName, { max: 64, required: true })).openapi(name(64)),
  gender: oneOf(genders).openapi(refTo('BackofficeGender')),
  birthday: birthday.openapi({ type: 'string', format: 'date' }),
}
const country_id = integer(parseCountryId)
  .nullish()
  .openapi({ type: ['integer', 'null'], minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
const role_id = integer(parseRoleNumber).openapi({
  type: 'integer',
  minimum: 1,
  maximum: roleNumberMax,
  description: "A role's number",
})

const user_status = oneOf(statuses)

export const BackofficeUserCreate = z
  .object({
    ...fields,
    country_id,
    role_id: role_id
      .nullish()
      .openapi({ type: ['integer', 'null'], description: "A role's number. Default 2, a regular user" }),
    user_status: user_status.nullish().openapi({
      anyOf: [{ $ref: '#/components/schemas/BackofficeUserStatus' }, { type: 'null' }],
      description: 'Default `active`. `inactive` needs `users:deactivate`',
    }),
  })
  .openapi('BackofficeUserCreate', {
    required: Object.keys(fields),
    example: { ...example, password: 'a password long enough', password_confirmation: 'a password long enough' },
  })

/** Only the sent fields change. */
export const BackofficeUserUpdate = z
  .object({ ...fields, country_id, role_id, user_status: user_status.openapi(refTo('BackofficeUserStatus')) })
  .partial()
  .openapi('BackofficeUserUpdate', { example: { last_name: 'Haddad Lemoine', user_status: 'inactive' } })

/** The last of several values counts. An empty value counts as absent. */
const last = (value: unknown) => {
  const text: unknown = Array.isArray(value) ? value.at(-1) : value
  return (typeof text === 'string' ? text.trim() : text) || undefined
}

/** As PHP does, treats anything but a positive integer as absent. */
const paging = (otherwise: number, read: (number: number) => number) =>
  z
    .preprocess((value) => /^\+?([1-9]\d*)$/.exec(String(last(value)))?.[1], z.string().optional())
    .transform((digits) => (digits === undefined ? otherwise : read(Number(digits))))

export const BackofficeUserListQuery = z.object({
  page: paging(1, (page) => (Number.isSafeInteger(page) ? page : 1)).openapi({ type: 'integer', default: 1 }),
  per_page: paging(15, (size) => Math.min(size, 100)).openapi({ type: 'integer', default: 15, maximum: 100 }),
  search: z.preprocess(last, parsedBy(z.string(), parseSearch).optional()).openapi({
    type: 'string',
    maxLength: 200,
    description:
      'Each word must occur in email, username, first or last name; case and accents are ignored. At most three words, unless one has three characters or more',
  }),
  status: z.preprocess(last, user_status.optional()).openapi(refTo('BackofficeUserStatus')),
  gender: z.preprocess(last, fields.gender.optional()).openapi(refTo('BackofficeGender')),
  role_id: z.preprocess(last, role_id.optional()).openapi({ type: 'integer' }),
})

export const BackofficeUserList = z
  .strictObject({
    data: z.array(BackofficeUser),
    meta: z.strictObject({ current_page: z.int(), per_page: z.int(), total: z.int() }).openapi('BackofficePaging'),
  })
  .openapi('BackofficeUserList')

export const BackofficeUserAnswer = z.strictObject({ data: BackofficeUser }).openapi('BackofficeUserAnswer')
export const BackofficeUserWritten = z
  .strictObject({ message: z.string(), data: BackofficeUser })
  .openapi('BackofficeUserWritten')

const credential = text((value) => ({ value }))

export const BackofficeLogin = z
  .object({
    username: credential.openapi({ type: 'string', description: 'A username or an email' }),
    password: credential.openapi({ type: 'string', format: 'password' }),
  })
  .openapi('BackofficeLogin', {
    required: ['username', 'password'],
    example: { username: example.username, password: 'a password long enough' },
  })

export const BackofficeSignedIn = z
  .strictObject({
    success: z.literal(true),
    message: z.string(),
    token: z.string(),
    role: z.string().openapi({ description: "The primary role's name" }),
    user_id: z.int(),
    data: z.strictObject({
      token: z.string(),
      user: z.strictObject({ ...BackofficeUser.shape, role: z.string() }),
    }),
  })
  .openapi('BackofficeSignedIn')

export const BackofficeMessage = z.strictObject({ message: z.string() }).openapi('BackofficeMessage')
export const BackofficeValidationError = z
  .strictObject({ message: z.string(), errors: z.record(z.string(), z.array(z.string())) })
  .openapi('BackofficeValidationError')

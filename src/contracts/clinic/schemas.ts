/** The schemas of clinic, validated as Django's forms do. */
import { z } from '@hono/zod-openapi'
import {
  withLimits,
  parseBirthdate,
  parseEmail,
  parseFamilyName,
  parseGivenName,
  parsePassword,
  parsePhoneNumber,
  parsePin,
  parseUsername,
  type Parser,
} from '../../core/users/fields'
import { parseSearch } from '../../core/users/search'
import { parsedBy, refuse } from '../../http/contract/fields'
import { readDate } from '../../http/contract/times'

export const userTypes = { AD: 'Administrative', TE: 'Technician', CL: 'Clinician', ST: 'Student' } as const
export const genders = { M: 'Male', F: 'Female', U: 'Unknown' } as const

type Key<Choices> = keyof Choices & string

/** A choice as it is shown: its key and its label. */
function choice<Choices extends Record<string, string>>(choices: Choices, component: string) {
  const keys = Object.keys(choices) as [Key<Choices>, ...Key<Choices>[]]
  const key = z.enum(keys).openapi(`${component}Key`)
  return z.strictObject({ key, value: z.string() }).openapi(component).nullable()
}

const example = {
  username: 'noor',
  first_name: 'Noor',
  last_name: 'Haddad',
  email: 'noor.haddad@example.org',
  is_staff: true,
  is_active: true,
  is_admin: false,
  phone: '+33 1 70 18 00 00',
  mobile: null,
  certified_email: null,
}

export const ClinicUser = z
  .strictObject({
    id: z.string().openapi({ description: 'A decimal number', pattern: '^[1-9][0-9]*$' }),
    uid: z.string().openapi({ description: '32 hex digits', pattern: '^[0-9a-f]{32}$' }),
    username: z.string(),
    first_name: z.string(),
    last_name: z.string(),
    email: z.string().openapi({ format: 'email' }),
    birth_date: z.string().nullable().openapi({ description: 'As `08 Jul 1980`' }),
    is_staff: z.boolean(),
    is_active: z.boolean(),
    is_admin: z.boolean(),
    user_type: choice(userTypes, 'ClinicUserType'),
    gender: choice(genders, 'ClinicGender'),
    phone: z.string().nullable(),
    mobile: z.string().nullable(),
    certified_email: z.string().nullable().openapi({ format: 'email' }),
  })
  .openapi('ClinicUser', {
    example: {
      id: '17',
      uid: '019b1c6e7a407d529a513f1d0c2b4e66',
      birth_date: '02 Apr 1988',
      user_type: { key: 'CL', value: 'Clinician' },
      gender: { key: 'F', value: 'Female' },
      ...example,
    },
  })

/** Reads a value that is present. An absent or null value becomes `otherwise`. */
function field<Value, None>(
  read: (value: NonNullable<unknown>, context: z.core.$RefinementCtx) => Value,
  otherwise: (context: z.core.$RefinementCtx) => None,
) {
  return z
    .unknown()
    .optional()
    .transform((value, context) => (value == null ? otherwise(context) : read(value, context)))
}

const isRequired = (context: z.core.$RefinementCtx) => refuse(context, { rule: 'missing' })
const none = () => null

/** A JSON integer is read as its digits. Beyond the exact range, the digits are unknown. */
const textBy =
  <Value>(parser: Parser<string, Value>) =>
  (value: unknown, context: z.core.$RefinementCtx) => {
    const sent = Number.isSafeInteger(value) ? String(value) : value
    if (typeof sent !== 'string') return refuse(context, { rule: 'wrong_type', expected: 'string' })
    const outcome = parser(sent)
    return 'value' in outcome ? outcome.value : refuse(context, outcome.problem)
  }

/** Accepts a choice by its key, alone or with its label. */
function choiceOf<Choices extends Record<string, string>>(choices: Choices, component: string) {
  const keys = Object.keys(choices) as Key<Choices>[]
  return field((value, context) => {
    const sent = typeof value === 'object' && 'key' in value ? value.key : value
    return keys.find((key) => key === sent) ?? refuse(context, { rule: 'not_one_of', options: keys })
  }, isRequired).openapi({ allOf: [{ $ref: `#/components/schemas/${component}Key` }] })
}

const truths = ['true', '1', 'on', 'yes', 't', 'y']
const falsehoods = ['false', '0', 'off', 'no', 'f', 'n', 'null', 'none', '']

/**
 * A checkbox of the form. Django takes any unknown word for true. Here it is invalid, because a meaningless word must
 * not grant a privilege.
 */
function box<Absent extends boolean | undefined>(absent: Absent) {
  return z
    .unknown()
    .optional()
    .transform((value, context) => {
      if (value === undefined) return absent
      const word = typeof value === 'object' ? (value === null ? '' : undefined) : String(value).toLowerCase()
      if (word !== undefined && truths.includes(word)) return true
      if (word !== undefined && falsehoods.includes(word)) return false
      return refuse(context, { rule: 'unparsable', expected: 'boolean' })
    })
    .openapi({
      type: 'boolean',
      description: absent === undefined ? 'Unchanged if absent' : `${absent ? 'True' : 'False'} if absent`,
    })
}

const text = (max: number) => ({ type: 'string' as const, minLength: 1, maxLength: max })
const optional = (max: number) => ({ type: ['string', 'null'] as ['string', 'null'], maxLength: max })

const fields = {
  username: field(textBy(withLimits(parseUsername, { max: 30 })), isRequired).openapi(text(30)),
  first_name: field(textBy(withLimits(parseGivenName, { max: 50, required: true })), isRequired).openapi(text(50)),
  last_name: field(textBy(withLimits(parseFamilyName, { max: 50, required: true })), isRequired).openapi(text(50)),
  email: field(textBy(withLimits(parseEmail, { max: 250 })), isRequired).openapi({ ...text(250), format: 'email' }),
  birth_date: field(
    textBy((value) => parseBirthdate(readDate(value))),
    none,
  ).openapi({
    type: ['string', 'null'],
    description: '`1988-04-02`, with or without a time, `04/02/1988` (month first) or `02 Apr 1988`',
  }),
  user_type: choiceOf(userTypes, 'ClinicUserType'),
  gender: choiceOf(genders, 'ClinicGender'),
  phone: field(textBy(withLimits(parsePhoneNumber, { max: 20 })), none).openapi(optional(20)),
  mobile: field(textBy(withLimits(parsePhoneNumber, { max: 20 })), none).openapi(optional(20)),
  certified_email: field(textBy(parseEmail), none).openapi({ ...optional(254), format: 'email' }),
  numeric_password: field(textBy(parsePin), () => undefined).openapi({
    type: ['string', 'null'],
    pattern: '^[0-9]{4}$',
    description: 'A PIN of four digits. Stored as a hash; cannot be used to sign in',
  }),
  password: field(textBy(parsePassword), () => undefined).openapi({
    type: ['string', 'null'],
    minLength: 8,
    maxLength: 128,
    description: 'Without a password the user cannot sign in until one is set',
  }),
}

const required = ['username', 'first_name', 'last_name', 'email', 'user_type', 'gender']
const sent = { ...example, birth_date: '1988-04-02', user_type: 'CL' as const, gender: 'F' as const }

export const ClinicUserCreate = z
  .object({ ...fields, is_staff: box(true), is_active: box(true), is_admin: box(false) })
  .openapi('ClinicUserCreate', { required, example: { ...sent, password: 'a password long enough' } })

/**
 * Replaces the record, as the original form does: an absent field becomes null, an unticked checkbox false. An absent
 * `is_staff`, password or PIN stays unchanged, because the original form does not have them.
 */
export const ClinicUserEdit = z
  .object({
    ...fields,
    password: fields.password.openapi({ description: 'Unchanged if absent' }),
    numeric_password: fields.numeric_password.openapi({ description: 'Unchanged if absent' }),
    is_staff: box(undefined),
    is_active: box(false),
    is_admin: box(false),
  })
  .openapi('ClinicUserEdit', { required, example: sent })

export const ClinicLogin = z
  .object({
    username: field(
      textBy((value) => ({ value })),
      isRequired,
    ).openapi({
      type: 'string',
      description: 'A username or an email',
    }),
    password: field(
      textBy((value) => ({ value })),
      isRequired,
    ).openapi({ type: 'string', format: 'password' }),
  })
  .openapi('ClinicLogin', {
    required: ['username', 'password'],
    example: { username: 'noor', password: 'a password long enough' },
  })

/** A parameter may be repeated; the last value counts. */
export const ClinicSearchQuery = z.object({
  query_string: z
    .preprocess((value) => (Array.isArray(value) ? value.at(-1) : value), parsedBy(z.string(), parseSearch))
    .openapi({
      type: 'string',
      maxLength: 200,
      description:
        'Each word must occur in username, last name, first name, email or certified email; case and accents are ignored. At most three words, unless one has three characters or more. Empty matches all users',
    }),
})

const success = z.literal(true)
const message = z.string()

/** HTTP 200 means that the request was understood. `success` tells whether the operation succeeded. */
export const ClinicFailure = z
  .strictObject({ success: z.literal(false), errors: z.string() })
  .openapi('ClinicFailure', { example: { success: false, errors: 'User 17 not found.' } })

export const ClinicUserAnswer = z.strictObject({ success, message, data: ClinicUser }).openapi('ClinicUserAnswer')
export const ClinicActiveAnswer = z
  .strictObject({ success, message, data: z.strictObject({ id: z.string(), is_active: z.boolean() }) })
  .openapi('ClinicActiveAnswer')
export const ClinicMessage = z.strictObject({ success, message }).openapi('ClinicMessage')
export const ClinicHits = z
  .strictObject({ success, data: z.array(ClinicUser), total_count: z.int(), message })
  .openapi('ClinicHits')
export const ClinicMiss = z
  .strictObject({ success: z.literal(false), message, data: z.array(ClinicUser).max(0), total_count: z.literal(0) })
  .openapi('ClinicMiss')

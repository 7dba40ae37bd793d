/** Imports: one line of results per line of the body. */
import { z } from '@hono/zod-openapi'
import {
  maxRoles,
  parseStoredName,
  parseStoredNamePart,
  parseUserNumber,
  parseUuid,
  parseVersion,
  userNumberMax,
} from '../../../core/users/fields'
import { parseRowPassword } from '../../../core/moving/imports'
import { anyTime, listOf, orNull, parsedBy, refuse } from '../../../http/contract/fields'
import { email, integer, role, text, userId } from './fields'
import { V1Problem, errors } from './problem'
import { example, optional } from './users'

/** An id in v1's format, `usr_` and 32 hexadecimal digits, or the uuid that other contracts show. */
const knownId = z
  .string()
  .transform((text) => {
    const hex = /^(?:usr_)?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$/i.exec(text)
    return hex ? hex.slice(1).join('-') : ''
  })
  .pipe(parsedBy(z.string(), parseUuid))
  .openapi({ type: 'string', description: '`usr_…` or a uuid' })

const count = z.int().nonnegative()

/** The status of the user, in the words of the contract that the row comes from. */
const statusOf = <Word extends string>(component: string, words: Record<Word, boolean>) =>
  z
    .enum(Object.keys(words) as [Word, ...Word[]])
    .openapi(component)
    .transform((word) => words[word])

const statusFields = ['status', 'is_active', 'user_status'] as const

export const V1ImportedUser = z
  .object({
    id: knownId.optional(),
    number: orNull(parsedBy(z.int(), parseUserNumber), {
      ...integer(1, userNumberMax),
      description: "The user's id in backoffice and clinic",
    }),
    email,
    name: parsedBy(z.string(), parseStoredName).openapi(text(200)).optional(),
    password: parsedBy(z.string(), parseRowPassword)
      .openapi({ ...text(128), minLength: 8, description: 'In plain text, never a hash; for at most a hundred rows' })
      .optional(),
    password_hash: orNull(z.string(), {
      type: 'string',
      description:
        "bcrypt (`$2a$`, `$2b$`, `$2y$`), Django's `pbkdf2_sha256$…`, or the format of an export. Django's `!…` means no password",
    }),
    password_from: orNull(z.string(), {
      type: 'string',
      description: 'Instead of a hash: the upstream (`UPSTREAMS`) that checks the password at the first sign-in',
    }),
    pin_hash: orNull(z.string(), { type: 'string', description: 'In the format of an export' }),
    role: role.optional(),
    roles: listOf(
      z.union([z.string(), z.object({ name: z.string() }).transform((role) => role.name)]).openapi({ type: 'string' }),
      maxRoles,
    )
      .optional()
      .openapi({ description: 'Names; the first is the primary role. Default `user`' }),
    status: statusOf('V1ImportedStatus', {
      active: true,
      inactive: false,
      activated: true,
      deactivated: false,
    }).optional(),
    is_active: z.boolean().optional().openapi({ description: 'Instead of `status`, for rows of rbac and clinic' }),
    // Instead of `status`, for rows of backoffice.
    user_status: statusOf('V1ImportedUserStatus', { active: true, inactive: false }).optional(),
    created_at: anyTime.openapi({ type: 'string', format: 'date-time' }).optional(),
    updated_at: anyTime.openapi({ type: 'string', format: 'date-time' }).optional(),
    version: parsedBy(z.int(), parseVersion)
      .openapi(integer(1, 2 ** 31 - 1))
      .optional(),
    ...optional,
    first_name: parsedBy(z.string(), parseStoredNamePart).openapi(text(100)).optional(),
    last_name: parsedBy(z.string(), parseStoredNamePart).openapi(text(100)).optional(),
  })
  .superRefine((row, context) => {
    const [first, ...others] = statusFields.filter((field) => row[field] !== undefined)
    const contradicting = others.find((field) => first && row[field] !== row[first])
    if (contradicting) refuse(context, { rule: 'not_confirmed' }, [contradicting])
  })
  .openapi('V1ImportedUser', {
    example: {
      ...example,
      id: 'usr_019b1c6e7a407d529a513f1d0c2b4e67',
      number: 17,
      password_hash: '$2y$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW',
      roles: ['user'],
      status: 'active',
      created_at: '2019-05-02T08:00:00Z',
    },
  })

const line = z.int().openapi({ description: 'From 1' })

export const V1ImportQuery = z.object({
  dry_run: z
    .string()
    .transform((text, context) => {
      if (text === 'true' || text === 'false') return text === 'true'
      return refuse(context, { rule: 'not_one_of', options: ['true', 'false'] })
    })
    .openapi({ type: 'boolean', description: 'Return the results and write nothing' })
    .optional(),
})

/** A line of the results: one per row, and one at the end. */
export const V1ImportAccepted = z
  .strictObject({
    line,
    status: z.enum(['created', 'skipped']).openapi('V1ImportAcceptedStatus'),
    id: userId.optional(),
    note: z.string().optional().openapi({ description: 'Present if the user was created without a password' }),
  })
  .openapi('V1ImportAccepted')

export const V1ImportRefused = z.strictObject({ line, status: z.literal('refused'), errors }).openapi('V1ImportRefused')

export const V1ImportStopped = z
  .strictObject({
    status: z.literal('stopped'),
    line: line.openapi({ description: 'Where to continue: every line before it was decided' }),
    problem: V1Problem,
  })
  .openapi('V1ImportStopped')

const hashesOfKind = z
  .strictObject({
    kind: z.string(),
    users: count,
    milliseconds: count.openapi({ description: 'The approximate time of one sign-in until the hash is renewed' }),
  })
  .openapi('V1ImportedHashes')

export const V1ImportDone = z
  .strictObject({
    status: z.literal('done'),
    dry_run: z.boolean(),
    created: count,
    skipped: count,
    refused: count,
    rows_written: count.openapi({ description: 'Rows written in the database, which are billed' }),
    passwords: count.openapi({ description: 'Plain-text passwords that were hashed' }),
    password_hashes: z.array(hashesOfKind),
    unknown_fields: z
      .array(z.strictObject({ field: z.string(), lines: count }).openapi('V1ImportUnknownField'))
      .openapi({ description: 'Unknown fields and the number of lines with them; the first hundred' }),
  })
  .openapi('V1ImportDone')

export const V1ImportResult = z
  .union([V1ImportAccepted, V1ImportRefused, V1ImportStopped, V1ImportDone])
  .openapi('V1ImportResult', {
    example: { line: 1, status: 'created', id: 'usr_019b1c6e7a407d529a513f1d0c2b4e68' },
  })

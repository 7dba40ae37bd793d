/** Imports: a line in, a line out. */
import { z } from '@hono/zod-openapi'
import {
  parseKeptName,
  parseKeptPart,
  parseUserNumber,
  parseUuid,
  parseVersion,
  userNumberMax,
} from '../../../core/fields'
import { anyTime, orNull, parsedBy } from '../../../http/fields'
import { email, integer, password, role, text } from './fields'
import { V1Problem, errors } from './problem'
import { example, optional } from './users'

/** `usr_` and 32 hexadecimal digits, as v1 shows it, or the uuid that they are, as other contracts do. */
const knownId = z
  .string()
  .transform((text) => {
    const hex = /^(?:usr_)?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$/i.exec(text)
    return hex ? hex.slice(1).join('-') : ''
  })
  .pipe(parsedBy(z.string(), parseUuid))
  .openapi({ type: 'string', description: '`usr_…` or a uuid' })

const count = z.int().nonnegative()

export const V1ImportedUser = z
  .object({
    id: knownId.optional(),
    number: orNull(parsedBy(z.int(), parseUserNumber), {
      ...integer(1, userNumberMax),
      description: 'By which backoffice and clinic know the user',
    }),
    email,
    name: parsedBy(z.string(), parseKeptName).openapi(text(200)).optional(),
    password: password.optional().openapi({ description: 'In clear, for a hundred rows at most' }),
    password_hash: orNull(z.string(), {
      type: 'string',
      description: 'bcrypt (`$2a$`, `$2b$`, `$2y$`), `pbkdf2_sha256$…` as Django has it, or as an export has it',
    }),
    pin_hash: orNull(z.string(), { type: 'string', description: 'As an export has it' }),
    role: role.optional(),
    roles: z
      .array(
        z.union([z.string(), z.object({ name: z.string() }).transform((one) => one.name)]).openapi({ type: 'string' }),
      )
      .optional()
      .openapi({ description: 'Names; the first is the primary role. `user` without any' }),
    status: z.enum(['active', 'inactive']).optional(),
    created_at: anyTime.openapi({ type: 'string', format: 'date-time' }).optional(),
    updated_at: anyTime.openapi({ type: 'string', format: 'date-time' }).optional(),
    version: parsedBy(z.int(), parseVersion)
      .openapi(integer(1, 2 ** 31 - 1))
      .optional(),
    ...optional,
    first_name: parsedBy(z.string(), parseKeptPart).openapi(text(100)).optional(),
    last_name: parsedBy(z.string(), parseKeptPart).openapi(text(100)).optional(),
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
  dry_run: z.enum(['true', 'false']).optional().openapi({ description: 'Say what would be done, and write nothing' }),
})

/** A line of what an import answers: one for each row, and one at the end. */
export const V1ImportResult = z
  .union([
    z.strictObject({ line, status: z.enum(['created', 'skipped']), id: z.string().optional() }),
    z.strictObject({ line, status: z.literal('refused'), errors }),
    z.strictObject({
      status: z.literal('stopped'),
      line: line.openapi({ description: 'Where to go on: what was before it was decided' }),
      problem: V1Problem,
    }),
    z.strictObject({
      status: z.literal('done'),
      dry_run: z.boolean(),
      created: count,
      skipped: count,
      refused: count,
      rows_written: count.openapi({ description: 'In the database, which is the bill' }),
      passwords: count.openapi({ description: 'Came in clear and were hashed' }),
      password_hashes: z.array(
        z.strictObject({
          kind: z.string(),
          users: count,
          milliseconds: count.openapi({ description: 'That one sign-in takes until the hash is renewed, roughly' }),
        }),
      ),
    }),
  ])
  .openapi('V1ImportResult', {
    example: { line: 1, status: 'created', id: 'usr_019b1c6e7a407d529a513f1d0c2b4e68' },
  })

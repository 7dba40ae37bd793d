/** The schemas of personnel. */
import { z } from '@hono/zod-openapi'
import { parseMatricule, parseName, parsePassword } from '../../core/users/fields'
import { parsedBy, refuse } from '../../http/contract/fields'
import { laxEmail, laxInteger, laxUuid, validationErrors } from '../../http/frameworks/pydantic'

/** Shown where the original API published its password hashes. */
export const passwordHashed = 'password_hashed'

export const PersonnelUser = z
  .strictObject({
    user_id: z.string().openapi({ format: 'uuid' }),
    matricule: z.int().nullable(),
    nom: z.string(),
    email: z.string().openapi({ format: 'email' }),
    password: z.literal(passwordHashed),
    role_name: z.string(),
    role_id: z.string().openapi({ format: 'uuid' }),
    status: z.enum(['activated', 'deactivated']).openapi('PersonnelStatus'),
    timestamp: z.string().openapi({ description: 'UTC, to the second, without a zone' }),
  })
  .openapi('PersonnelUser', {
    example: {
      user_id: '019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66',
      matricule: 4821,
      nom: 'Aïcha Lemoine',
      email: 'aicha.lemoine@example.org',
      password: passwordHashed,
      role_name: 'user',
      role_id: '019a0000-0000-7000-8000-000000000002',
      status: 'activated',
      timestamp: '2026-01-15T09:30:00',
    },
  })

const nom = parsedBy(z.string(), parseName).openapi({ type: 'string', minLength: 1, maxLength: 200 })
/** Refuses the constant that every list shows as a password. Clients that copy records send it back. */
const parseUnshownPassword = (input: string) =>
  input === passwordHashed ? { problem: { rule: 'password_common' as const } } : parsePassword(input)

const password = parsedBy(z.string(), parseUnshownPassword).openapi({ type: 'string', minLength: 8, maxLength: 128 })
const matricule = laxInteger(parseMatricule).openapi({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

export const PersonnelUserCreate = z
  .object({ matricule, nom, email: laxEmail, password, role_id: laxUuid })
  .openapi('PersonnelUserCreate', {
    required: ['matricule', 'nom', 'email', 'password', 'role_id'],
    example: {
      matricule: 4821,
      nom: 'Aïcha Lemoine',
      email: 'aicha.lemoine@example.org',
      password: 'un mot de passe assez long',
      role_id: '019a0000-0000-7000-8000-000000000002',
    },
  })

/** Absent and null fields stay unchanged, and so does a password that is empty or as shown. */
export const PersonnelUserUpdate = z
  .object({
    user_id: z.string().openapi({ description: 'The identifier, or digits only: the matricule' }),
    nom: nom.nullish().openapi({ type: ['string', 'null'] }),
    matricule: matricule.nullish().openapi({ type: ['integer', 'null'] }),
    email: laxEmail.nullish().openapi({ type: ['string', 'null'] }),
    password: z
      .preprocess((sent) => (sent === '' || sent === passwordHashed ? null : sent), password.nullish())
      .openapi({ type: ['string', 'null'], minLength: 0, maxLength: 128 }),
  })
  .openapi('PersonnelUserUpdate', { required: ['user_id'] })

const tokenForm = z
  .object({
    grant_type: z.enum(['', 'password', 'refresh_token']).openapi('PersonnelGrantType').optional(),
    username: z.string().optional().openapi({ description: 'Matricule, email or username' }),
    password: z.string().optional().openapi({ format: 'password' }),
    refresh_token: z.string().optional(),
  })
  .transform(({ grant_type, username, password, refresh_token }, context) => {
    const missing = (field: string) => refuse(context, { rule: 'missing' }, [field])
    if (grant_type === 'refresh_token') return refresh_token ? { refresh_token } : missing('refresh_token')
    if (username && password) return { username, password }
    if (!username) missing('username')
    if (!password) missing('password')
    return z.NEVER
  })

/**
 * A sign-in or, with `grant_type=refresh_token`, a refresh. An empty field counts as missing. It is a single object,
 * because interactive references cannot render a form of a union.
 */
export const PersonnelTokenRequest = tokenForm.openapi('PersonnelTokenRequest', {
  minProperties: 2,
})

export const PersonnelToken = z
  .strictObject({
    access_token: z.string(),
    token_type: z.literal('bearer'),
    refresh_token: z.string(),
    expires_in: z.int().openapi({ description: 'Seconds' }),
  })
  .openapi('PersonnelToken')

export const PersonnelError = z.strictObject({ detail: z.string() }).openapi('PersonnelError')
export const PersonnelValidationError = z.strictObject({ detail: validationErrors }).openapi('PersonnelValidationError')

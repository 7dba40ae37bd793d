/** The wire of v1, in its own names. */
import { z } from '@hono/zod-openapi'
import { auditActions, webhookEvents } from '../../core/audit'
import {
  parseBirthdate,
  parseCountryId,
  parseDescription,
  parseEmail,
  parseFamilyName,
  parseGivenName,
  parseKeptName,
  parseKeptPart,
  parseKeyName,
  parseMatricule,
  parseName,
  parsePassword,
  parsePhoneNumber,
  parseRoleName,
  parseRoleNumber,
  parseUsername,
  parseUserNumber,
  parseUuid,
  parseVersion,
  roleNumberMax,
  userNumberMax,
} from '../../core/fields'
import { directoryChecks, findings } from '../../core/directory-checks'
import { hashStandings } from '../../core/passwords'
import { permissions } from '../../core/permissions'
import { parseWebhookUrl } from '../../core/webhooks'
import { anyTime, orNull, parsedBy, queryInteger, refuse, timeToCome } from '../../http/fields'
import { bindingNames, variableNames } from '../../http/deployment'

const uuid = z.string().openapi({ format: 'uuid' })
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
    roles: z.array(z.strictObject({ id: uuid, name: z.string() })),
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
const name = parsedBy(z.string(), parseName).openapi(text(200))
const password = parsedBy(z.string(), parsePassword).openapi({ ...text(128), minLength: 8 })
const integer = (minimum: number, maximum = Number.MAX_SAFE_INTEGER) => ({ type: 'integer' as const, minimum, maximum })
const role = z.string().openapi({ description: "A role's name" })

/** What may be left out at creation and sent in a change. */
const optional = {
  username: orNull(parsedBy(z.string(), parseUsername), text(64)),
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
    password,
    role: role.optional().openapi({ description: "A role's name; `user` without one" }),
    ...optional,
  })
  .openapi('V1UserCreate', { example: { password: 'a password long enough', role: 'user', ...example } })

/** Only what is sent changes; null takes a value away. */
export const V1UserUpdate = z
  .object({
    email: email.optional(),
    name: name.optional(),
    password: password.optional(),
    role: role.optional(),
    ...optional,
  })
  .openapi('V1UserUpdate', { example: { phone: '+33 1 70 18 00 01', user_type: 'technician' } })

export const V1UserRoles = z
  .object({ roles: z.array(role).openapi({ description: 'In order: the first is the primary role' }) })
  .openapi('V1UserRoles', { example: { roles: ['admin', 'user'] } })

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

export const V1ExportQuery = z.object({
  after: queryInteger(0, Number.MAX_SAFE_INTEGER).optional().openapi({
    description: 'Go on after the user of this number: the last one of an export that broke off',
  }),
  include: z.enum(['password_hashes']).optional().openapi({ description: 'Takes `users:export_hashes` too' }),
})

const exported = {
  id: z.string(),
  number: z.int(),
  email: z.string(),
  name: z.string(),
  first_name: z.string(),
  last_name: z.string(),
  username: z.string().nullable(),
  matricule: z.int().nullable(),
  birth_date: z.string().nullable().openapi({ format: 'date' }),
  gender: gender.nullable(),
  phone: z.string().nullable(),
  mobile: z.string().nullable(),
  certified_email: z.string().nullable(),
  user_type: userType.nullable(),
  is_staff: z.boolean(),
  country_id: z.int().nullable(),
  roles: z.array(z.string()),
  status: z.enum(['active', 'inactive']),
  created_at: time,
  updated_at: time,
  version: z.int(),
}

/** A line of an export; each may be a line of an import. */
export const V1ExportedUser = z
  .strictObject({
    ...exported,
    password_hash: z.string().nullable().optional(),
    pin_hash: z.string().nullable().optional(),
  })
  .openapi('V1ExportedUser')

const page = {
  limit: queryInteger(1, 100).optional().openapi({ default: 20 }),
  cursor: z.string().optional().openapi({ description: '`next_cursor` of the page before' }),
}

export const V1UserListQuery = z.object({
  ...page,
  search: z.string().max(200).optional().openapi({
    description: 'Words, each somewhere in email, username, name, first or last name, whatever the case and accents',
  }),
  status: z.enum(['active', 'inactive']).optional(),
  role: role.optional(),
  sort: z
    .enum(['created_at', '-created_at', 'email', '-email', 'name', '-name'])
    .optional()
    .openapi({ default: 'created_at' }),
})

export const V1IfMatch = z.object({ 'if-match': z.string().optional() })
export const V1IfNoneMatch = z.object({ 'if-none-match': z.string().optional() })
export const V1IdempotencyKey = z.object({
  'idempotency-key': z.string().min(1).max(255).optional().openapi({
    description: 'A retry with the same key and body gets the first answer, for 24 hours',
  }),
})

export const V1Session = z
  .strictObject({
    id: uuid,
    created_at: time,
    last_used_at: time.openapi({ description: 'To the hour' }),
    expires_at: time,
    contract: z.string(),
    current: z.boolean(),
  })
  .openapi('V1Session')
export const V1SessionList = z.strictObject({ data: z.array(V1Session) }).openapi('V1SessionList')

const permission = z.enum(permissions).openapi('V1Permission')

export const V1Role = z
  .strictObject({
    id: uuid,
    number: z.int(),
    name: z.string(),
    description: z.string(),
    permissions: z.array(permission),
  })
  .openapi('V1Role')
export const V1RoleList = z.strictObject({ data: z.array(V1Role) }).openapi('V1RoleList')

const description = parsedBy(z.string(), parseDescription).openapi(text(500))

export const V1RoleCreate = z
  .object({
    name: parsedBy(z.string(), parseRoleName).openapi(text(64)),
    permissions: z.array(permission),
    description: description.optional(),
    id: parsedBy(z.string(), parseUuid).openapi({ type: 'string', format: 'uuid' }).optional(),
    number: parsedBy(z.int(), parseRoleNumber).openapi(integer(1, roleNumberMax)).optional(),
  })
  .openapi('V1RoleCreate', { example: { name: 'reception', permissions: ['users:read', 'users:create'] } })

export const V1RoleUpdate = z
  .object({ description: description.optional(), permissions: z.array(permission).optional() })
  .openapi('V1RoleUpdate', { example: { permissions: ['users:read'] } })

const apiKey = {
  id: uuid,
  name: z.string(),
  permissions: z.array(permission),
  created_at: time,
  expires_at: time.nullable(),
  last_used_at: time.nullable().openapi({ description: 'To the hour' }),
}

export const V1ApiKey = z.strictObject(apiKey).openapi('V1ApiKey')
export const V1ApiKeyList = z.strictObject({ data: z.array(V1ApiKey) }).openapi('V1ApiKeyList')
export const V1NewApiKey = z
  .strictObject({ ...apiKey, key: z.string().openapi({ description: 'Shown this once' }) })
  .openapi('V1NewApiKey')

export const V1ApiKeyCreate = z
  .object({
    name: parsedBy(z.string(), parseKeyName).openapi(text(200)),
    permissions: z.array(permission),
    expires_at: orNull(timeToCome, { type: 'string', format: 'date-time' }),
  })
  .openapi('V1ApiKeyCreate', { example: { name: 'nightly report', permissions: ['users:read'] } })

const action = z.enum(auditActions)

export const V1AuditEvent = z
  .strictObject({
    id: uuid,
    at: time,
    actor_id: z.string().nullable(),
    action,
    user_id: z.string().nullable(),
    contract: z.string(),
    fields: z.array(z.string()),
  })
  .openapi('V1AuditEvent')
export const V1AuditEventList = z
  .strictObject({
    data: z.array(V1AuditEvent),
    pagination: z.strictObject({ next_cursor: z.string().nullable() }),
  })
  .openapi('V1AuditEventList')

export const V1AuditEventListQuery = z.object({
  ...page,
  user: z.string().optional().openapi({ description: 'Whom it was done to, `usr_…`' }),
  actor: z.string().optional().openapi({ description: 'Who did it, `usr_…`' }),
  action: action.optional(),
})

const webhookEvent = z.enum(webhookEvents).openapi('V1WebhookEventType')
const webhookStatus = z.enum(['active', 'inactive'])
const outcome = z
  .string()
  .openapi({ description: '`delivered`, `http_<status>`, `timeout` or `unreachable`', example: 'http_503' })

const webhook = {
  id: uuid,
  url: z.string(),
  description: z.string(),
  events: z.array(webhookEvent),
  status: webhookStatus,
  created_at: time,
  last_attempt_at: time.nullable(),
  last_outcome: outcome.nullable(),
}

const secret = z.string().openapi({ description: 'Signs what is sent: `whsec_` and base64' })

export const V1Webhook = z.strictObject(webhook).openapi('V1Webhook')
export const V1NewWebhook = z.strictObject({ ...webhook, secret }).openapi('V1NewWebhook')
export const V1WebhookList = z.strictObject({ data: z.array(V1Webhook) }).openapi('V1WebhookList')

export const V1WebhookSecret = z
  .strictObject({
    secret,
    previous_secret: z.string().nullable().openapi({ description: 'Signs too, while JWT_SECRET_PREVIOUS is set' }),
  })
  .openapi('V1WebhookSecret')

const webhookInput = {
  description: description.optional(),
  events: z
    .array(webhookEvent)
    .transform((events, context) => (events.length > 0 ? [...new Set(events)] : refuse(context, { rule: 'blank' })))
    .openapi({ type: 'array', items: { $ref: '#/components/schemas/V1WebhookEventType' }, minItems: 1 })
    .optional(),
  status: webhookStatus.optional(),
}
const webhookUrl = parsedBy(z.string(), parseWebhookUrl).openapi({ ...text(2000), format: 'uri' })

export const V1WebhookCreate = z
  .object({ url: webhookUrl, ...webhookInput })
  .openapi('V1WebhookCreate', { example: { url: 'https://apps.example.org/usher', events: ['user.created'] } })
export const V1WebhookUpdate = z
  .object({ url: webhookUrl.optional(), ...webhookInput })
  .openapi('V1WebhookUpdate', { example: { status: 'inactive' } })

export const V1WebhookEvent = z
  .strictObject({
    id: uuid,
    type: webhookEvent,
    timestamp: time,
    data: z.strictObject({
      user_id: z.string().nullable(),
      actor_id: z.string().nullable(),
      contract: z.string(),
      fields: z.array(z.string()),
    }),
  })
  .openapi('V1WebhookEvent', { description: 'What is sent: who the user is now, `GET /users/{user_id}` says' })

export const V1WebhookFailureList = z
  .strictObject({
    data: z.array(
      z
        .strictObject({
          event: V1WebhookEvent,
          attempts: z.int(),
          last_attempt_at: time,
          last_outcome: outcome,
          next_attempt_at: time.nullable().openapi({ description: 'Null where no more is tried' }),
        })
        .openapi('V1WebhookFailure'),
    ),
    pagination: z.strictObject({ next_cursor: z.string().nullable() }),
  })
  .openapi('V1WebhookFailureList')
export const V1WebhookFailureListQuery = z.object(page)

export const V1WebhookRetry = z
  .strictObject({ retrying: z.int().openapi({ description: 'Events' }) })
  .openapi('V1WebhookRetry')
export const V1WebhookPing = z.strictObject({ outcome }).openapi('V1WebhookPing')
const migration = z.array(z.string())

export const V1Diagnostics = z
  .strictObject({
    time: time.openapi({ description: "By the Worker's clock" }),
    version: z
      .strictObject({ id: z.string(), uploaded_at: z.string() })
      .nullable()
      .openapi({ description: 'Of the Worker, where the platform says' }),
    database: z.strictObject({
      region: z.string().nullable(),
      size_bytes: z.int().nullable(),
      trip_milliseconds: z.int().openapi({ description: 'From the Worker and back, at the best of a few trips' }),
      migrations: z.strictObject({ applied: migration, missing: migration, unknown: migration }),
    }),
    missing_bindings: z.array(z.enum(bindingNames)),
    variables: z.array(z.enum(variableNames)).openapi({ description: 'Those that are set' }),
    rate_limit: z.boolean(),
    server_timing: z.boolean(),
    request_log: z.boolean(),
    admins: z.int().openapi({ description: 'Holders of the role admin' }),
  })
  .openapi('V1Diagnostics')

export const V1HashingDiagnostics = z
  .strictObject({
    iterations: z.int().openapi({ description: 'PBKDF2 iterations a call' }),
    rounds: z.int().openapi({ description: 'Calls a password' }),
    milliseconds: z.int().nullable().openapi({ description: 'What a password took; null where it was refused' }),
    cap_enforced: z.boolean().openapi({ description: 'Whether the platform refuses a call of one iteration more' }),
  })
  .openapi('V1HashingDiagnostics')

export const V1DirectoryDiagnostics = z
  .strictObject({
    users: z.int().openapi({ description: 'Looked at' }),
    findings: z.array(
      z.strictObject({
        finding: z.enum(findings),
        count: z.int(),
        users: z.array(z.string()).openapi({ description: 'The first of those concerned, `usr_…`' }),
        places: z.array(z.string()).openapi({ description: 'Of what concerns no user: where, at first' }),
      }),
    ),
    hashes: z
      .array(z.strictObject({ format: z.string(), standing: z.enum(hashStandings), count: z.int() }))
      .optional()
      .openapi({ description: 'Passwords by the form they are kept in, where `check` is hashes' }),
    pagination: z.strictObject({ next_cursor: z.string().nullable() }),
  })
  .openapi('V1DirectoryDiagnostics')

export const V1DirectoryDiagnosticsQuery = z.object({
  check: z.enum(directoryChecks),
  cursor: page.cursor,
})

export const V1PasswordChange = z
  .object({ current_password: z.string().openapi({ format: 'password' }), new_password: password })
  .openapi('V1PasswordChange')

export const V1PasswordToken = z.strictObject({ token: z.string(), expires_at: time }).openapi('V1PasswordToken')

export const V1PasswordByToken = z.object({ token: z.string(), new_password: password }).openapi('V1PasswordByToken')

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

const errors = z.array(z.strictObject({ field: z.string(), message: z.string() }))

export const V1Problem = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: errors.optional(),
  })
  .openapi('V1Problem', {
    example: { type: 'about:blank', title: 'Not Found', status: 404, detail: 'There is no such user.' },
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

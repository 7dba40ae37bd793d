/**
 * The tables as the statements see them. The migrations create them, and a test compares the two. Property names are
 * the column names.
 */
import { blob, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

export const roles = sqliteTable('roles', {
  number: integer().primaryKey({ autoIncrement: true }),
  id: text().notNull(),
  name: text().notNull(),
  name_key: text().notNull(),
  description: text().notNull(),
  permissions: integer().notNull(),
  built_in: integer().notNull(),
  created_at: integer().notNull(),
  updated_at: integer().notNull(),
})

export const users = sqliteTable('users', {
  number: integer().primaryKey({ autoIncrement: true }),
  id: text().notNull(),
  matricule: integer(),
  username: text(),
  username_key: text(),
  email: text().notNull(),
  email_key: text().notNull(),
  name: text().notNull(),
  name_key: text().notNull(),
  given_name: text().notNull(),
  family_name: text().notNull(),
  birthdate: text(),
  gender: text({ enum: ['male', 'female', 'unknown'] }),
  phone_number: text(),
  mobile_number: text(),
  certified_email: text(),
  user_type: text({ enum: ['administrative', 'technician', 'clinician', 'student'] }),
  is_staff: integer().notNull(),
  country_id: integer(),
  active: integer().notNull(),
  primary_role: integer().notNull(),
  role_count: integer().notNull(),
  created_at: integer().notNull(),
  updated_at: integer().notNull(),
  version: integer().notNull(),
  password_hash: text(),
  pin_hash: text(),
  session_generation: integer().notNull(),
  key_generation: integer().notNull(),
  password_from: text(),
  password_weak: integer().notNull(),
})

export const loginIdentifiers = sqliteTable('login_identifiers', {
  key: text().primaryKey(),
  user_number: integer().notNull(),
})

export const deletedNumbers = sqliteTable('deleted_numbers', {
  number: integer().primaryKey(),
})

export const userRoles = sqliteTable(
  'user_roles',
  {
    user_number: integer().notNull(),
    role_number: integer().notNull(),
    position: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.user_number, table.role_number] })],
)

export const userCounts = sqliteTable('user_counts', {
  scope: text().primaryKey(),
  count: integer().notNull(),
})

export const userSpans = sqliteTable(
  'user_spans',
  {
    scope: text().notNull(),
    position: integer().notNull(),
    count: integer().notNull(),
    parts: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.scope, table.position] })],
)

export const countedTogether = sqliteTable('counted_together', {
  present: integer().primaryKey(),
})

export const sessions = sqliteTable('sessions', {
  id: text().primaryKey(),
  user_number: integer().notNull(),
  generation: integer().notNull(),
  contract: text().notNull(),
  family_hash: text().notNull(),
  created_at: integer().notNull(),
  last_used_at: integer().notNull(),
  expires_at: integer().notNull(),
  program: text().notNull(),
})

export const refreshTokens = sqliteTable(
  'refresh_tokens',
  {
    session_id: text().notNull(),
    hash: text().notNull(),
    spent_at: integer(),
  },
  (table) => [primaryKey({ columns: [table.session_id, table.hash] })],
)

export const signInFailures = sqliteTable('sign_in_failures', {
  account: text().primaryKey(),
  failures: integer().notNull(),
  lockouts: integer().notNull(),
  locked_until: integer().notNull(),
  last_failed_at: integer().notNull(),
})

export const upstreams = sqliteTable('upstreams', {
  name: text().primaryKey(),
  pending: integer().notNull(),
  adopted: integer().notNull(),
  refused: integer().notNull(),
  unknown: integer().notNull(),
  last_adopted_at: integer(),
})

export const adoptionDays = sqliteTable(
  'adoption_days',
  {
    upstream: text().notNull(),
    day: text().notNull(),
    adopted: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.upstream, table.day] })],
)

export const adoptionAttempts = sqliteTable(
  'adoption_attempts',
  {
    user_number: integer().notNull(),
    id: text().notNull(),
    expires_at: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.user_number, table.id] })],
)

export const apiKeys = sqliteTable('api_keys', {
  id: text().notNull(),
  hash: text().primaryKey(),
  user_number: integer().notNull(),
  generation: integer().notNull(),
  name: text().notNull(),
  permissions: integer().notNull(),
  created_at: integer().notNull(),
  expires_at: integer(),
  last_used_at: integer(),
  parent_hash: text(),
})

export const passwordTokens = sqliteTable(
  'password_tokens',
  {
    user_number: integer().notNull(),
    hash: text().notNull(),
    expires_at: integer().notNull(),
    giver_number: integer().notNull(),
    giver_generation: integer().notNull(),
    key_hash: text(),
  },
  (table) => [primaryKey({ columns: [table.user_number, table.hash] })],
)

export const idempotencyRecords = sqliteTable(
  'idempotency_records',
  {
    principal: text().notNull(),
    key: text().notNull(),
    fingerprint: text().notNull(),
    subject_id: text().notNull(),
    result: text(),
    created_at: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.principal, table.key] })],
)

export const externalIds = sqliteTable(
  'external_ids',
  {
    kind: text({ enum: ['user', 'role'] }).notNull(),
    subject_number: integer().notNull(),
    client_number: integer().notNull(),
    value: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.subject_number, table.client_number] })],
)

export const keptAttributes = sqliteTable('kept_attributes', {
  user_number: integer().primaryKey(),
  attributes: text().notNull(),
  employee_number_key: text(),
})

/** A virtual table. Its columns hold no values and serve MATCH only. */
export const userSearch = sqliteTable('user_search', {
  rowid: integer(),
  email: text(),
  username: text(),
  name: text(),
  given_name: text(),
  family_name: text(),
  certified_email: text(),
})

export const userSearchTerms = sqliteTable('user_search_terms', {
  term: text(),
  doc: integer(),
})

export const auditEvents = sqliteTable('audit_events', {
  sequence: integer().primaryKey(),
  id: text().notNull(),
  at: integer().notNull(),
  actor_id: text(),
  action: text().notNull(),
  user_id: text(),
  contract: text().notNull(),
  fields: text().notNull(),
  subject_id: text(),
  credential_kind: text({ enum: ['session', 'key'] }),
  credential_id: blob(),
  request_id: blob(),
  address: text(),
})

export const webhooks = sqliteTable('webhooks', {
  id: text().primaryKey(),
  url: text().notNull(),
  description: text().notNull(),
  events: text().notNull(),
  active: integer().notNull(),
  created_at: integer().notNull(),
  secret_nonces: text().notNull(),
  position: integer().notNull(),
  failures: integer().notNull(),
  next_attempt_at: integer().notNull(),
  last_attempt_at: integer(),
  last_outcome: text(),
  lease: text(),
  leased_until: integer().notNull(),
})

export const webhookFailures = sqliteTable(
  'webhook_failures',
  {
    webhook_id: text().notNull(),
    sequence: integer().notNull(),
    attempts: integer().notNull(),
    last_attempt_at: integer().notNull(),
    last_outcome: text().notNull(),
    next_attempt_at: integer(),
  },
  (table) => [primaryKey({ columns: [table.webhook_id, table.sequence] })],
)

export const usage = sqliteTable(
  'usage',
  {
    contract: text().notNull(),
    operation: text().notNull(),
    principal: text().notNull(),
    program: text().notNull(),
    day: integer().notNull(),
    hours: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.contract, table.operation, table.principal, table.program, table.day] })],
)

export const sweepPositions = sqliteTable('sweep_positions', {
  task: text().primaryKey(),
  position: text().notNull(),
})

export const writeProbe = sqliteTable('write_probe', {
  number: integer().primaryKey(),
  filling: blob({ mode: 'buffer' }).notNull(),
})

export const refusal = sqliteTable('refusal', {
  reason: text({
    enum: [
      'unauthenticated',
      'forbidden',
      'stale',
      'not_there',
      'last_admin',
      'admin_exists',
      'sign_in_changed',
      'refresh_token_unusable',
      'password_token_unusable',
    ],
  }).notNull(),
})

/** What v1 takes and answers, from its document: `npm run client` writes this file, test/client/operations.test.ts holds it to the document. */
import type { Operation } from './operation.ts'

/** Taken by `putUser`, `patchUser`, `patchMe` */
export type UserUpdate = {
  email?: string | undefined
  name?: string | undefined
  password?: string | undefined
  /** True keeps the user's API keys when `password` changes; otherwise they are revoked */
  keep_api_keys?: boolean | undefined
  /** A role's name */
  role?: string | undefined
  username?: string | null | undefined
  matricule?: number | null | undefined
  first_name?: string | undefined
  last_name?: string | undefined
  birth_date?: string | null | undefined
  gender?: Gender | undefined
  phone?: string | null | undefined
  mobile?: string | null | undefined
  certified_email?: string | null | undefined
  user_type?: UserType | undefined
  is_staff?: boolean | undefined
  country_id?: number | null | undefined
}

/** A part of `UserUpdate`, `ImportedUser`, `ExportedUser`, `User`, `UserCreate` */
export type Gender = 'male' | 'female' | 'unknown' | null

/** A part of `UserUpdate`, `ImportedUser`, `ExportedUser`, `User`, `UserCreate` */
export type UserType = 'administrative' | 'technician' | 'clinician' | 'student' | null

/** Taken by `logout` */
export type Logout = {
  refresh_token?: string | undefined
}

/** Taken by `introspect` */
export type Introspect = {
  /** An access token or an API key of any contract */
  token: string
  /** Ignored */
  token_type_hint?: string | undefined
}

/** Taken by `importUsers` */
export type ImportedUser = {
  /** `usr_…` or a uuid */
  id?: string | undefined
  /** The user's id in backoffice and clinic */
  number?: number | null | undefined
  email: string
  name?: string | undefined
  /** In plain text, never a hash; for at most a hundred rows */
  password?: string | undefined
  /** bcrypt (`$2a$`, `$2b$`, `$2y$`), Django's `pbkdf2_sha256$…`, or the format of an export. Django's `!…` means no password */
  password_hash?: string | null | undefined
  /** Instead of a hash: the upstream (`UPSTREAMS`) that checks the password at the first sign-in */
  password_from?: string | null | undefined
  /** In the format of an export */
  pin_hash?: string | null | undefined
  /** A role's name */
  role?: string | undefined
  /** Names; the first is the primary role. Default `user` */
  roles?: Array<string> | undefined
  status?: ImportedStatus | undefined
  /** Instead of `status`, for rows of rbac and clinic */
  is_active?: boolean | undefined
  user_status?: ImportedUserStatus | undefined
  created_at?: string | undefined
  updated_at?: string | undefined
  version?: number | undefined
  username?: string | null | undefined
  matricule?: number | null | undefined
  first_name?: string | undefined
  last_name?: string | undefined
  birth_date?: string | null | undefined
  gender?: Gender | undefined
  phone?: string | null | undefined
  mobile?: string | null | undefined
  certified_email?: string | null | undefined
  user_type?: UserType | undefined
  is_staff?: boolean | undefined
  country_id?: number | null | undefined
}

/** A part of `ImportedUser` */
export type ImportedStatus = 'active' | 'inactive' | 'activated' | 'deactivated'

/** A part of `ImportedUser` */
export type ImportedUserStatus = 'active' | 'inactive'

/** Answered by `importUsers` */
export type ImportResult = ImportAccepted | ImportRefused | ImportStopped | ImportDone

/** A part of `ImportResult` */
export type ImportAccepted = {
  /** From 1 */
  line: number
  status: ImportAcceptedStatus
  /** `usr_` and 32 hex digits */
  id?: string | undefined
  /** Present if the user was created without a password */
  note?: string | undefined
}

/** A part of `ImportAccepted` */
export type ImportAcceptedStatus = 'created' | 'skipped'

/** A part of `ImportResult` */
export type ImportRefused = {
  /** From 1 */
  line: number
  status: 'refused'
  errors: Array<{
    field: string
    message: string
  }>
}

/** A part of `ImportResult` */
export type ImportStopped = {
  status: 'stopped'
  /** Where to continue: every line before it was decided */
  line: number
  problem: Problem
}

/** A part of `ImportStopped` */
export type Problem = {
  type: string
  title: string
  status: number
  detail: string
  errors?:
    | Array<{
        field: string
        message: string
      }>
    | undefined
}

/** A part of `ImportResult` */
export type ImportDone = {
  status: 'done'
  dry_run: boolean
  created: number
  skipped: number
  refused: number
  /** Rows written in the database, which are billed */
  rows_written: number
  /** Plain-text passwords that were hashed */
  passwords: number
  password_hashes: Array<ImportedHashes>
  /** Unknown fields and the number of lines with them; the first hundred */
  unknown_fields: Array<ImportUnknownField>
}

/** A part of `ImportDone` */
export type ImportedHashes = {
  kind: string
  users: number
  /** The approximate time of one sign-in until the hash is renewed */
  milliseconds: number
}

/** A part of `ImportDone` */
export type ImportUnknownField = {
  field: string
  lines: number
}

/** Answered by `exportUsers` */
export type ExportedUser = {
  /** `usr_` and 32 hex digits */
  id: string
  number: number
  email: string
  name: string
  first_name: string
  last_name: string
  username: string | null
  matricule: number | null
  birth_date: string | null
  gender: Gender
  phone: string | null
  mobile: string | null
  certified_email: string | null
  user_type: UserType
  is_staff: boolean
  country_id: number | null
  roles: Array<string>
  status: UserStatus
  /** UTC, whole seconds */
  created_at: string
  /** UTC, whole seconds */
  updated_at: string
  version: number
  password_hash?: string | null | undefined
  /** Of a pending user, with the hashes: the upstream that knows the password */
  password_from?: string | undefined
  pin_hash?: string | null | undefined
}

/** Taken by `listUsers` */
export type UserStatus = 'active' | 'inactive'

/** Answered by `getUser`, `putUser`, `patchUser`, `createUser`, `setUserRoles`, `activateUser`, `deactivateUser`, `getMe`, `patchMe` */
export type User = {
  /** `usr_` and 32 hex digits */
  id: string
  email: string
  name: string
  /** UTC, whole seconds */
  created_at: string
  /** UTC, whole seconds */
  updated_at: string
  status: UserStatus
  /** The primary role's name */
  role: string
  username: string | null
  matricule: number | null
  first_name: string
  last_name: string
  birth_date: string | null
  gender: Gender
  phone: string | null
  mobile: string | null
  certified_email: string | null
  user_type: UserType
  is_staff: boolean
  country_id: number | null
  roles: Array<RoleReference>
}

/** A part of `User` */
export type RoleReference = {
  id: string
  name: string
}

/** Taken by `createUser` */
export type UserCreate = {
  email: string
  name: string
  /** Null for a user who will use a set-password token */
  password: string | null
  /** A role's name. Default `user` */
  role?: string | undefined
  username?: string | null | undefined
  matricule?: number | null | undefined
  first_name?: string | undefined
  last_name?: string | undefined
  birth_date?: string | null | undefined
  gender?: Gender | undefined
  phone?: string | null | undefined
  mobile?: string | null | undefined
  certified_email?: string | null | undefined
  user_type?: UserType | undefined
  is_staff?: boolean | undefined
  country_id?: number | null | undefined
}

/** Answered by `listUsers` */
export type UserList = {
  data: Array<User>
  pagination: UserPagination
}

/** A part of `UserList` */
export type UserPagination = {
  next_cursor: string | null
  total: number
}

/** `pending`: an upstream knows it; `set`; `none`; `weak`: set, and adopted although the policy would refuse it */
export type PasswordState = 'pending' | 'set' | 'none' | 'weak'

/** Default `created_at`. `-` means descending */
export type UserSort = 'created_at' | '-created_at' | 'email' | '-email' | 'name' | '-name'

/** Taken by `setUserRoles` */
export type UserRoles = {
  /** In order: the first is the primary role */
  roles: Array<string>
}

/** Answered by `changePassword`, `login` */
export type SignedIn = {
  access_token: string
  token_type: 'Bearer'
  /** Seconds */
  expires_in: number
  refresh_token: string
  user: User
}

/** Taken by `changePassword` */
export type PasswordChange = {
  current_password: string
  new_password: string
}

/** Taken by `login` */
export type Login = {
  /** Email, username or matricule */
  identifier: string
  password: string
}

/** Answered by `refresh` */
export type Tokens = {
  access_token: string
  token_type: 'Bearer'
  /** Seconds */
  expires_in: number
  refresh_token: string
}

/** Taken by `refresh` */
export type Refresh = {
  refresh_token: string
}

/** Answered by `introspect` */
export type Introspection = {
  /** When false, no other member is present */
  active: boolean
  /** The id of the user */
  sub?: string | undefined
  username?: string | null | undefined
  /** Names; the primary role comes first */
  roles?: Array<string> | undefined
  /** The permissions that the token has now, whichever it had when it was issued */
  permissions?: Array<Permission> | undefined
  token_type?: 'Bearer' | undefined
  /** The contract that issued the access token, or the id of the API key */
  client_id?: string | undefined
  /** The contract of the session; absent for an API key */
  contract?: string | undefined
  /** The id of the session; absent for an API key */
  sid?: string | undefined
  iss?: string | undefined
  aud?: string | undefined
  /** Unix seconds */
  iat?: number | undefined
  /** Unix seconds */
  exp?: number | undefined
}

/** A part of `Introspection`, `Role`, `RoleCreate`, `RoleUpdate`, `NewApiKey`, `ApiKeyCreate`, `ApiKey` */
export type Permission =
  | 'users:read'
  | 'users:create'
  | 'users:update'
  | 'users:deactivate'
  | 'users:delete'
  | 'users:import'
  | 'users:export'
  | 'users:export_hashes'
  | 'roles:read'
  | 'roles:assign'
  | 'roles:manage'
  | 'sessions:manage'
  | 'api_keys:manage'
  | 'audit:read'
  | 'webhooks:manage'
  | 'usage:read'
  | 'tokens:introspect'

/** A failure in the format of RFC 6749 */
export type OAuthError = {
  error: 'invalid_request'
  error_description: string
}

/** Answered by `issuePasswordToken` */
export type PasswordToken = {
  token: string
  /** UTC, whole seconds */
  expires_at: string
}

/** Taken by `setPassword` */
export type PasswordByToken = {
  token: string
  new_password: string
}

/** Answered by `listSessions` */
export type SessionList = {
  data: Array<Session>
}

/** A part of `SessionList` */
export type Session = {
  id: string
  /** UTC, whole seconds */
  created_at: string
  /** To the hour */
  last_used_at: string
  /** UTC, whole seconds */
  expires_at: string
  contract: string
  /** The first product of the `User-Agent` that signed in; null if it named none */
  program: string | null
  current: boolean
}

/** Answered by `listRoles` */
export type RoleList = {
  data: Array<Role>
}

/** Answered by `createRole`, `getRole`, `patchRole` */
export type Role = {
  id: string
  number: number
  name: string
  description: string
  permissions: Array<Permission>
}

/** Taken by `createRole` */
export type RoleCreate = {
  name: string
  permissions: Array<Permission>
  description?: string | undefined
  id?: string | undefined
  number?: number | undefined
}

/** Taken by `patchRole` */
export type RoleUpdate = {
  description?: string | undefined
  permissions?: Array<Permission> | undefined
}

/** Answered by `createApiKey` */
export type NewApiKey = {
  id: string
  name: string
  permissions: Array<Permission>
  /** UTC, whole seconds */
  created_at: string
  /** UTC, whole seconds */
  expires_at: string | null
  /** To the hour */
  last_used_at: string | null
  /** Shown this one time only */
  key: string
}

/** Taken by `createApiKey` */
export type ApiKeyCreate = {
  name: string
  permissions: Array<Permission>
  expires_at?: string | null | undefined
}

/** Answered by `listApiKeys`, `listUserApiKeys` */
export type ApiKeyList = {
  data: Array<ApiKey>
}

/** A part of `ApiKeyList` */
export type ApiKey = {
  id: string
  name: string
  permissions: Array<Permission>
  /** UTC, whole seconds */
  created_at: string
  /** UTC, whole seconds */
  expires_at: string | null
  /** To the hour */
  last_used_at: string | null
}

/** Answered by `listAuditEvents` */
export type AuditEventList = {
  data: Array<AuditEvent>
  pagination: CursorPagination
}

/** A part of `AuditEventList` */
export type AuditEvent = {
  id: string
  /** UTC, whole seconds */
  at: string
  /** `usr_` and 32 hex digits */
  actor_id: string | null
  action: AuditAction
  /** `usr_` and 32 hex digits */
  user_id: string | null
  contract: string
  fields: Array<string>
  /** The role, API key, session or webhook that the event is about */
  subject_id: string | null
  credential: AuditCredential
  /** The `X-Request-Id` of the response */
  request_id: string | null
  /** The address of the client, for `session.created`, `account.locked` and `session.reuse_detected` */
  address: string | null
}

/** Taken by `listAuditEvents` */
export type AuditAction =
  | 'user.created'
  | 'user.updated'
  | 'user.deactivated'
  | 'user.activated'
  | 'user.deleted'
  | 'user.roles_set'
  | 'user.password_set'
  | 'user.password_adopted'
  | 'user.password_token_issued'
  | 'user.password_token_revoked'
  | 'session.created'
  | 'session.ended'
  | 'session.reuse_detected'
  | 'key.created'
  | 'key.revoked'
  | 'role.created'
  | 'role.updated'
  | 'role.deleted'
  | 'account.locked'
  | 'account.unlocked'
  | 'users.exported'
  | 'webhook.created'
  | 'webhook.updated'
  | 'webhook.deleted'

/** The session or API key that authorised the request */
export type AuditCredential = {
  kind: CredentialKind
  id: string
} | null

/** A part of `AuditCredential` */
export type CredentialKind = 'session' | 'key'

/** A part of `AuditEventList`, `WebhookFailureList`, `UsageList`, `DirectoryDiagnostics` */
export type CursorPagination = {
  next_cursor: string | null
}

/** Answered by `listWebhooks` */
export type WebhookList = {
  data: Array<Webhook>
}

/** Answered by `getWebhook`, `patchWebhook` */
export type Webhook = {
  id: string
  url: string
  description: string
  events: Array<WebhookEventType>
  status: WebhookStatus
  /** UTC, whole seconds */
  created_at: string
  /** UTC, whole seconds */
  last_attempt_at: string | null
  /** `delivered`, `http_<status>`, `timeout` or `unreachable` */
  last_outcome: string | null
}

/** A part of `Webhook`, `NewWebhook`, `WebhookCreate`, `WebhookUpdate`, `WebhookEvent` */
export type WebhookEventType =
  | 'user.created'
  | 'user.updated'
  | 'user.deactivated'
  | 'user.activated'
  | 'user.deleted'
  | 'user.roles_set'
  | 'user.password_set'

/** A part of `Webhook`, `NewWebhook`, `WebhookCreate`, `WebhookUpdate` */
export type WebhookStatus = 'active' | 'inactive'

/** Answered by `createWebhook` */
export type NewWebhook = {
  id: string
  url: string
  description: string
  events: Array<WebhookEventType>
  status: WebhookStatus
  /** UTC, whole seconds */
  created_at: string
  /** UTC, whole seconds */
  last_attempt_at: string | null
  /** `delivered`, `http_<status>`, `timeout` or `unreachable` */
  last_outcome: string | null
  /** Signs the messages: `whsec_` and base64 */
  secret: string
}

/** Taken by `createWebhook` */
export type WebhookCreate = {
  url: string
  description?: string | undefined
  events?: Array<WebhookEventType> | undefined
  status?: WebhookStatus | undefined
}

/** Taken by `patchWebhook` */
export type WebhookUpdate = {
  url?: string | undefined
  description?: string | undefined
  events?: Array<WebhookEventType> | undefined
  status?: WebhookStatus | undefined
}

/** Answered by `getWebhookSecret`, `replaceWebhookSecret`, `getHookSecret` */
export type WebhookSecret = {
  /** Signs the messages: `whsec_` and base64 */
  secret: string
  /** Also signs: for 24 hours after the secret was replaced, and while JWT_SECRET_PREVIOUS is set */
  previous_secret: string | null
}

/** Answered by `listWebhookFailures` */
export type WebhookFailureList = {
  data: Array<WebhookFailure>
  pagination: CursorPagination
}

/** A part of `WebhookFailureList` */
export type WebhookFailure = {
  event: WebhookEvent
  attempts: number
  /** UTC, whole seconds */
  last_attempt_at: string
  /** `delivered`, `http_<status>`, `timeout` or `unreachable` */
  last_outcome: string
  /** Null if no further attempt is made */
  next_attempt_at: string | null
}

/** The message. `GET /users/{user_id}` returns the current user */
export type WebhookEvent = {
  id: string
  type: WebhookEventType
  /** UTC, whole seconds */
  timestamp: string
  data: WebhookEventData
}

/** A part of `WebhookEvent` */
export type WebhookEventData = {
  /** `usr_` and 32 hex digits */
  user_id: string | null
  /** `usr_` and 32 hex digits */
  actor_id: string | null
  contract: string
  fields: Array<string>
}

/** Answered by `retryWebhook` */
export type WebhookRetry = {
  /** Events */
  retrying: number
}

/** Answered by `pingWebhook` */
export type WebhookPing = {
  /** `delivered`, `http_<status>`, `timeout` or `unreachable` */
  outcome: string
}

/** Also needs `users:export_hashes` */
export type ExportInclude = 'password_hashes'

/** Answered by `listUsage` */
export type UsageList = {
  data: Array<Usage>
  pagination: CursorPagination
}

/** A value that the list is not grouped by is null */
export type Usage = {
  contract: string | null
  /** The operationId */
  operation: string | null
  /** `usr_` and 32 hex digits */
  principal: string | null
  /** The API key's id, else the first product of `User-Agent`; null where the client names none */
  program: string | null
  /** UTC, to the hour */
  first_seen: string
  /** UTC, to the hour */
  last_seen: string
  /** Days (UTC) on which it was used */
  active_days: number
  /** Hours in which it was used */
  active_hours: number
}

/** Answered by `getMigration` */
export type Migration = {
  data: Array<UpstreamProgress>
}

/** A part of `Migration` */
export type UpstreamProgress = {
  upstream: string
  /** Users whose password only the upstream knows */
  pending: number
  adopted: UpstreamAdopted
  /** Answers of the upstream that a password is wrong */
  refused: number
  /** Times that the upstream gave no answer */
  unknown: number
  /** UTC, whole seconds */
  last_adopted_at: string | null
}

/** A part of `UpstreamProgress` */
export type UpstreamAdopted = {
  total: number
  /** By day in UTC, of the last 30 days */
  by_day: Record<string, unknown>
}

/** Answered by `getDiagnostics` */
export type Diagnostics = {
  /** By the Worker's clock */
  time: string
  /** The version of the Worker, if the platform reports it */
  version: {
    id: string
    uploaded_at: string
  } | null
  database: {
    region: string | null
    size_bytes: number | null
    /** The shortest of a few round trips from the Worker */
    trip_milliseconds: number
    migrations: {
      applied: Array<string>
      missing: Array<string>
      unknown: Array<string>
    }
  }
  missing_bindings: Array<Binding>
  /** The variables that are set */
  variables: Array<Variable>
  rate_limit: boolean
  server_timing: boolean
  request_log: boolean
  /** How long the access tokens of v1 and rbac are valid */
  access_token_seconds: number
  usage: {
    recorded: boolean
    retention_days: number
  }
  retirements: Array<{
    contract: string
    /** UTC, whole seconds */
    deprecated: string | null
    /** UTC, whole seconds */
    sunset: string | null
    brown_outs: Array<{
      /** UTC, whole seconds */
      from: string
      /** UTC, whole seconds */
      until: string
    }>
  }>
  /** Holders of the role admin */
  admins: number
}

/** A part of `Diagnostics` */
export type Binding =
  'DB' | 'ASSETS' | 'PRINCIPAL_LIMITER' | 'PROVISIONING_LIMITER' | 'CLIENT_LIMITER' | 'SIGN_IN_LIMITER'

/** A part of `Diagnostics` */
export type Variable =
  | 'JWT_SECRET'
  | 'JWT_SECRET_PREVIOUS'
  | 'BOOTSTRAP_ADMIN_EMAIL'
  | 'BOOTSTRAP_ADMIN_PASSWORD'
  | 'CONTRACT_HOSTS'
  | 'ACCESS_TOKEN_TTL_SECONDS'
  | 'PASSWORD_MIN_LENGTH'
  | 'PASSWORD_ROUNDS'
  | 'SESSION_MAX_DAYS'
  | 'RATE_LIMIT'
  | 'SERVER_TIMING'
  | 'CORS_ORIGINS'
  | 'REQUEST_LOG'
  | 'AUDIT_RETENTION_DAYS'
  | 'USAGE'
  | 'USAGE_RETENTION_DAYS'
  | 'UPSTREAMS'
  | 'RETIREMENTS'
  | 'SIGNING_KEY'
  | 'SIGNING_KEY_NEXT'
  | 'SIGNING_KEY_PREVIOUS'
  | 'LEGACY_TOKEN_SECRETS'
  | 'ISSUER'
  | 'AUDIENCE'
  | 'CONSOLE'

/** Answered by `measureHashing` */
export type HashingDiagnostics = {
  /** PBKDF2 iterations per call */
  iterations: number
  /** Calls per password */
  rounds: number
  /** The time to hash a password; null if the platform refused */
  milliseconds: number | null
  /** Whether the platform refuses a call with one iteration more */
  cap_enforced: boolean
}

/** Answered by `checkUpstreams` */
export type UpstreamDiagnostics = {
  data: Array<{
    upstream: string
    /** `no_match` as it should be; `match`, `timeout`, `unreachable`, `unreadable` or `http_<status>` */
    answer: string
  }>
}

/** Answered by `checkDirectory` */
export type DirectoryDiagnostics = {
  /** Users checked */
  users: number
  findings: Array<{
    finding: Finding
    count: number
    /** The first affected users, `usr_…` */
    users: Array<string>
    /** The first places of findings that affect no user */
    places: Array<string>
  }>
  /** Passwords by the format of their hashes, if `check` is `hashes` */
  hashes?:
    | Array<{
        format: string
        standing: HashStanding
        count: number
      }>
    | undefined
  pagination: CursorPagination
}

/** A part of `DirectoryDiagnostics` */
export type Finding =
  | 'total_off'
  | 'pending_off'
  | 'span_off'
  | 'count_off'
  | 'role_columns_off'
  | 'search_entry_missing'
  | 'search_entry_stray'
  | 'search_entry_outdated'
  | 'identifier_missing'
  | 'identifier_stray'
  | 'identifier_outdated'
  | 'hash_outdated'
  | 'hash_unverifiable'

/** A part of `DirectoryDiagnostics` */
export type HashStanding = 'current' | 'outdated' | 'unverifiable'

/** Taken by `checkDirectory` */
export type DirectoryCheck = 'totals' | 'counts' | 'roles' | 'search' | 'identifiers' | 'hashes'

/** What a failure may be. */
export type FailureStatus = 400 | 401 | 403 | 404 | 409 | 412 | 413 | 415 | 422 | 429 | 503

/** What each operation takes and answers. */
export interface Operations {
  /** Get a user. Needs `users:read`, except for your own user. For `id`, also `matricule:4821` or `number:17`. */
  getUser: {
    input: {
      /** The ETag of the user as the client has it */
      ifNoneMatch?: string | undefined
      id: string
    }
    answer: {
      status: 200
      body: User
      etag: string
    }
    unchanged: {
      status: 304
      body: undefined
      etag: string
    }
  }
  /** Change a user, as PATCH does. Needs `users:update`, except for your own user. PUT and PATCH do the same. Null removes a value. A role also needs `roles:assign` and every permission of that role. A new password revokes the user's sessions and, without `keep_api_keys`, their API keys. */
  putUser: {
    input: {
      /** The ETag of the user as the change is meant for */
      ifMatch?: string | undefined
      /** ETags that the user must not have; `*` for any */
      ifNoneMatch?: string | undefined
      id: string
      body: UserUpdate
    }
    answer: {
      status: 200
      body: User
      etag: string
    }
  }
  /** Change a user. Needs `users:update`, except for your own user. PUT and PATCH do the same. Null removes a value. A role also needs `roles:assign` and every permission of that role. A new password revokes the user's sessions and, without `keep_api_keys`, their API keys. */
  patchUser: {
    input: {
      /** The ETag of the user as the change is meant for */
      ifMatch?: string | undefined
      /** ETags that the user must not have; `*` for any */
      ifNoneMatch?: string | undefined
      id: string
      body: UserUpdate
    }
    answer: {
      status: 200
      body: User
      etag: string
    }
  }
  /** Delete a user permanently. Needs `users:delete`. The email, username and matricule become free. The id is never reused. */
  deleteUser: {
    input: {
      /** The ETag of the user as the change is meant for */
      ifMatch?: string | undefined
      /** ETags that the user must not have; `*` for any */
      ifNoneMatch?: string | undefined
      id: string
    }
    answer: {
      status: 204
      body: undefined
    }
  }
  /** Create a user. Needs `users:create`. A role other than `user` also needs `roles:assign` and every permission of that role. */
  createUser: {
    input: {
      /** For 24 hours, a retry with the same key and body returns the first response, or 404 if its user or role was deleted */
      idempotencyKey?: string | undefined
      body: UserCreate
    }
    answer: {
      status: 201
      body: User
      etag: string
      location: string
    }
  }
  /** List users, page by page. Needs `users:read`. A cursor is valid only for the sort and filters it came from. */
  listUsers: {
    input: {
      limit?: number | undefined
      /** `next_cursor` of the previous page */
      cursor?: string | undefined
      /** Each word must occur in email, username, name, first or last name; case and accents are ignored. At most three words, unless one has three characters or more */
      search?: string | undefined
      status?: UserStatus | undefined
      /** A role's name */
      role?: string | undefined
      /** `pending`: an upstream knows it; `set`; `none`; `weak`: set, and adopted although the policy would refuse it */
      password?: PasswordState | undefined
      /** Default `created_at`. `-` means descending */
      sort?: UserSort | undefined
    }
    answer: {
      status: 200
      body: UserList
    }
  }
  /** Replace the roles of a user. Needs `roles:assign`. Also needs every permission of the roles. An empty list gives the role `user`. */
  setUserRoles: {
    input: {
      /** The ETag of the user as the change is meant for */
      ifMatch?: string | undefined
      /** ETags that the user must not have; `*` for any */
      ifNoneMatch?: string | undefined
      id: string
      body: UserRoles
    }
    answer: {
      status: 200
      body: User
      etag: string
    }
  }
  /** Activate a user. Needs `users:deactivate`. Idempotent. Activation does not restore revoked sessions and API keys. */
  activateUser: {
    input: {
      /** The ETag of the user as the change is meant for */
      ifMatch?: string | undefined
      /** ETags that the user must not have; `*` for any */
      ifNoneMatch?: string | undefined
      id: string
      /** For 24 hours, a retry with the same key and body returns the first response, or 404 if its user or role was deleted */
      idempotencyKey?: string | undefined
    }
    answer: {
      status: 200
      body: User
      etag: string
    }
  }
  /** Deactivate a user, which ends their sessions and API keys. Needs `users:deactivate`. Idempotent. Activation does not restore revoked sessions and API keys. */
  deactivateUser: {
    input: {
      /** The ETag of the user as the change is meant for */
      ifMatch?: string | undefined
      /** ETags that the user must not have; `*` for any */
      ifNoneMatch?: string | undefined
      id: string
      /** For 24 hours, a retry with the same key and body returns the first response, or 404 if its user or role was deleted */
      idempotencyKey?: string | undefined
    }
    answer: {
      status: 200
      body: User
      etag: string
    }
  }
  /** Get the signed-in user, or the owner of the API key. For everyone with a credential. */
  getMe: {
    input: {
      /** The ETag of the user as the client has it */
      ifNoneMatch?: string | undefined
    }
    answer: {
      status: 200
      body: User
      etag: string
    }
    unchanged: {
      status: 304
      body: undefined
      etag: string
    }
  }
  /** Change your names, birth date, gender and phone numbers. For everyone with a credential. Not for API keys. All other fields need the same permissions as for any user. */
  patchMe: {
    input: {
      /** The ETag of the user as the change is meant for */
      ifMatch?: string | undefined
      /** ETags that the user must not have; `*` for any */
      ifNoneMatch?: string | undefined
      body: UserUpdate
    }
    answer: {
      status: 200
      body: User
      etag: string
    }
  }
  /** Change your password, which ends your sessions and starts a new one. For everyone with a credential. Starts a new session and returns its tokens. All earlier sessions end, the current one included. Not for API keys. A wrong current password counts as a failed sign-in. */
  changePassword: {
    input: {
      body: PasswordChange
    }
    answer: {
      status: 200
      body: SignedIn
    }
  }
  /** Sign in. Needs no credential, and counts as a sign-in. Five failures with any identifier lock the account for 30 seconds, doubling up to 15 minutes. */
  login: {
    input: {
      body: Login
    }
    answer: {
      status: 200
      body: SignedIn
    }
  }
  /** Refresh the tokens. Needs no credential. A refresh token is valid for one use within 30 days. A retry within 10 seconds returns the same successor. A later use of a used token ends the session. A session ends 90 days after its sign-in, unless `SESSION_MAX_DAYS` says otherwise. */
  refresh: {
    input: {
      body: Refresh
    }
    answer: {
      status: 200
      body: Tokens
    }
  }
  /** Sign out. For everyone with a credential, or with a refresh token in the body. Ends the session and its refresh token. Without a valid access token, `refresh_token` in the body identifies the session. Not for API keys. */
  logout: {
    input: {
      body?: Logout | undefined
    }
    answer: {
      status: 204
      body: undefined
    }
  }
  /** Find out whether a token is valid now, and what its user may do. Needs `tokens:introspect`. RFC 7662. Answers `active: false` for everything that is not a valid access token or API key of this directory. */
  introspect: {
    input: {
      body: Introspect
    }
    answer: {
      status: 200
      body: Introspection
    }
  }
  /** Issue a token that sets the password of a user once. Needs `users:update`. Valid for one use within 24 hours, while you may still issue it, and until the password or email changes. You deliver it to the user, for example by mail. */
  issuePasswordToken: {
    input: {
      id: string
    }
    answer: {
      status: 201
      body: PasswordToken
    }
  }
  /** Revoke every set-password token of a user. Needs `users:update`. Also needs every permission of the user. */
  revokePasswordTokens: {
    input: {
      id: string
    }
    answer: {
      status: 204
      body: undefined
    }
  }
  /** Set a password with a token. Needs no credential, and counts as a sign-in. Revokes every session and API key of the user. The audit trail names the user who issued the token. */
  setPassword: {
    input: {
      body: PasswordByToken
    }
    answer: {
      status: 204
      body: undefined
    }
  }
  /** List the sessions of a user, newest first. Needs `sessions:manage`, except for your own user. */
  listSessions: {
    input: {
      id: string
    }
    answer: {
      status: 200
      body: SessionList
    }
  }
  /** End every session of a user. Needs `sessions:manage`, except for your own user. */
  endSessions: {
    input: {
      id: string
    }
    answer: {
      status: 204
      body: undefined
    }
  }
  /** End one session of a user. Needs `sessions:manage`, except for your own user. */
  endSession: {
    input: {
      id: string
      session_id: string
    }
    answer: {
      status: 204
      body: undefined
    }
  }
  /** List roles. Needs `roles:read`. */
  listRoles: {
    input: {}
    answer: {
      status: 200
      body: RoleList
    }
  }
  /** Create a role, under a given id and number if needed. Needs `roles:manage`. Also needs every permission of the role. */
  createRole: {
    input: {
      /** For 24 hours, a retry with the same key and body returns the first response, or 404 if its user or role was deleted */
      idempotencyKey?: string | undefined
      body: RoleCreate
    }
    answer: {
      status: 201
      body: Role
      location: string
    }
  }
  /** Get a role. Needs `roles:read`. */
  getRole: {
    input: {
      id: string
    }
    answer: {
      status: 200
      body: Role
    }
  }
  /** Change the description or the permissions of a role. Needs `roles:manage`. Also needs every permission of the role, before and after the change. */
  patchRole: {
    input: {
      id: string
      body: RoleUpdate
    }
    answer: {
      status: 200
      body: Role
    }
  }
  /** Delete a role that is not in use. Needs `roles:manage`. */
  deleteRole: {
    input: {
      id: string
    }
    answer: {
      status: 204
      body: undefined
    }
  }
  /** Create an API key. Needs `api_keys:manage`. A key created with another key expires no later than that key and is revoked with it. */
  createApiKey: {
    input: {
      body: ApiKeyCreate
    }
    answer: {
      status: 201
      body: NewApiKey
    }
  }
  /** List your API keys, newest first. Needs `api_keys:manage`. */
  listApiKeys: {
    input: {}
    answer: {
      status: 200
      body: ApiKeyList
    }
  }
  /** Revoke an API key. Needs `api_keys:manage`. */
  revokeApiKey: {
    input: {
      id: string
    }
    answer: {
      status: 204
      body: undefined
    }
  }
  /** List the API keys of a user. Needs `api_keys:manage`. Newest first. Expired and revoked keys are not listed. */
  listUserApiKeys: {
    input: {
      id: string
    }
    answer: {
      status: 200
      body: ApiKeyList
    }
  }
  /** Revoke every API key of a user. Needs `api_keys:manage`. For another user it also needs every permission of each key; otherwise no key is revoked. */
  revokeUserApiKeys: {
    input: {
      id: string
    }
    answer: {
      status: 204
      body: undefined
    }
  }
  /** List audit events, newest first. Needs `audit:read`. */
  listAuditEvents: {
    input: {
      limit?: number | undefined
      /** `next_cursor` of the previous page */
      cursor?: string | undefined
      /** The user that the action changed, `usr_…` */
      user?: string | undefined
      /** The user who acted, `usr_…` */
      actor?: string | undefined
      action?: AuditAction | undefined
    }
    answer: {
      status: 200
      body: AuditEventList
    }
  }
  /** List webhooks, newest first. Needs `webhooks:manage`. */
  listWebhooks: {
    input: {}
    answer: {
      status: 200
      body: WebhookList
    }
  }
  /** Create a webhook, which receives changes of users from now on. Needs `webhooks:manage`. It receives all events unless `events` selects some. */
  createWebhook: {
    input: {
      body: WebhookCreate
    }
    answer: {
      status: 201
      body: NewWebhook
      location: string
    }
  }
  /** Get a webhook and the outcome of its last attempt. Needs `webhooks:manage`. */
  getWebhook: {
    input: {
      id: string
    }
    answer: {
      status: 200
      body: Webhook
    }
  }
  /** Change a webhook, stop it, or resume it where it stopped. Needs `webhooks:manage`. */
  patchWebhook: {
    input: {
      id: string
      body: WebhookUpdate
    }
    answer: {
      status: 200
      body: Webhook
    }
  }
  /** Delete a webhook and its failed deliveries. Needs `webhooks:manage`. */
  deleteWebhook: {
    input: {
      id: string
    }
    answer: {
      status: 204
      body: undefined
    }
  }
  /** Get the signing secret of a webhook. Needs `webhooks:manage`. */
  getWebhookSecret: {
    input: {
      id: string
    }
    answer: {
      status: 200
      body: WebhookSecret
    }
  }
  /** Give a webhook a new secret. Needs `webhooks:manage`. The previous secret also signs for 24 hours. */
  replaceWebhookSecret: {
    input: {
      id: string
    }
    answer: {
      status: 200
      body: WebhookSecret
    }
  }
  /** List the failed deliveries of a webhook, newest first. Needs `webhooks:manage`. */
  listWebhookFailures: {
    input: {
      id: string
      limit?: number | undefined
      /** `next_cursor` of the previous page */
      cursor?: string | undefined
    }
    answer: {
      status: 200
      body: WebhookFailureList
    }
  }
  /** Retry the failed deliveries of a webhook. Needs `webhooks:manage`. */
  retryWebhook: {
    input: {
      id: string
    }
    answer: {
      status: 200
      body: WebhookRetry
    }
  }
  /** Send a `ping` to a webhook. Needs `webhooks:manage`. */
  pingWebhook: {
    input: {
      id: string
    }
    answer: {
      status: 200
      body: WebhookPing
    }
  }
  /** Import users, one per line, with the hashes of their passwords. Needs `users:import`. Up to 26,214,400 bytes and 100,000 lines. The response has one line per line of the body, in order: created, skipped or refused, with reasons. A row is skipped when its user exists: by id or, without an id, by email, unless another field contradicts it. The last line has the totals and the unknown fields. Existing users are left unchanged, so you can run the import again. A line with an unknown field that looks like a status or a hash is refused. A role other than `user` needs `roles:assign` and every permission of that role; `status: inactive` needs `users:deactivate`. */
  importUsers: {
    input: {
      /** Return the results and write nothing */
      dry_run?: boolean | undefined
      body: Iterable<ImportedUser>
    }
    answer: {
      status: 200
      body: AsyncGenerator<ImportResult, void, undefined>
    }
  }
  /** Export all users, one per line, in the format that an import reads. Needs `users:export`. In order of number. `include=password_hashes` adds the hashes of passwords and PINs, and also needs `users:export_hashes`. */
  exportUsers: {
    input: {
      /** Continue after the user with this number, the last one of an interrupted export */
      after?: number | undefined
      /** Also needs `users:export_hashes` */
      include?: ExportInclude | undefined
    }
    answer: {
      status: 200
      body: AsyncGenerator<ExportedUser, void, undefined>
    }
  }
  /** List which users and programs use which operations. Needs `usage:read`. A cursor is good for the filters and the group it came from. */
  listUsage: {
    input: {
      limit?: number | undefined
      /** `next_cursor` of the previous page */
      cursor?: string | undefined
      /** A contract's name */
      contract?: string | undefined
      /** An operationId */
      operation?: string | undefined
      /** A date, or a time, whose whole day counts (UTC) */
      since?: string | undefined
      /** One or more of contract, operation, principal, program, day, separated by commas; without it, all but the day */
      group?: string | undefined
    }
    answer: {
      status: 200
      body: UsageList
    }
  }
  /** Get how many users of each upstream have signed in, and how many are pending. Needs `users:read`. */
  getMigration: {
    input: {}
    answer: {
      status: 200
      body: Migration
    }
  }
  /** Get the secret that signs what a hook is sent. Needs `webhooks:manage`. */
  getHookSecret: {
    input: {
      upstream: string
    }
    answer: {
      status: 200
      body: WebhookSecret
    }
  }
  /** Describe this deployment: database, bindings and settings, without secrets. Needs every permission. */
  getDiagnostics: {
    input: {}
    answer: {
      status: 200
      body: Diagnostics
    }
  }
  /** Measure what hashing a password costs here. Needs every permission. */
  measureHashing: {
    input: {}
    answer: {
      status: 200
      body: HashingDiagnostics
    }
  }
  /** Ask each upstream about an invented user. Needs every permission. */
  checkUpstreams: {
    input: {}
    answer: {
      status: 200
      body: UpstreamDiagnostics
    }
  }
  /** Check the directory for inconsistencies, some thousands of users at a time. Needs every permission. */
  checkDirectory: {
    input: {
      check: DirectoryCheck
      /** `next_cursor` of the previous page */
      cursor?: string | undefined
    }
    answer: {
      status: 200
      body: DirectoryDiagnostics
    }
  }
}

/** How each is asked for. */
export const operations: Record<keyof Operations, Operation> = {
  getUser: { method: 'GET', path: '/users/{id}', headers: ['if-none-match'] },
  putUser: { method: 'PUT', path: '/users/{id}', headers: ['if-match', 'if-none-match'], sends: 'application/json' },
  patchUser: {
    method: 'PATCH',
    path: '/users/{id}',
    headers: ['if-match', 'if-none-match'],
    sends: 'application/json',
  },
  deleteUser: { method: 'DELETE', path: '/users/{id}', headers: ['if-match', 'if-none-match'] },
  createUser: { method: 'POST', path: '/users', headers: ['idempotency-key'], sends: 'application/json' },
  listUsers: {
    method: 'GET',
    path: '/users',
    query: ['limit', 'cursor', 'search', 'status', 'role', 'password', 'sort'],
  },
  setUserRoles: {
    method: 'PUT',
    path: '/users/{id}/roles',
    headers: ['if-match', 'if-none-match'],
    sends: 'application/json',
  },
  activateUser: {
    method: 'POST',
    path: '/users/{id}/activate',
    headers: ['if-match', 'if-none-match', 'idempotency-key'],
  },
  deactivateUser: {
    method: 'POST',
    path: '/users/{id}/deactivate',
    headers: ['if-match', 'if-none-match', 'idempotency-key'],
  },
  getMe: { method: 'GET', path: '/me', headers: ['if-none-match'] },
  patchMe: { method: 'PATCH', path: '/me', headers: ['if-match', 'if-none-match'], sends: 'application/json' },
  changePassword: { method: 'PUT', path: '/me/password', sends: 'application/json' },
  login: { method: 'POST', path: '/auth/login', sends: 'application/json', anonymous: true },
  refresh: { method: 'POST', path: '/auth/refresh', sends: 'application/json', anonymous: true },
  logout: { method: 'POST', path: '/auth/logout', sends: 'application/json' },
  introspect: { method: 'POST', path: '/auth/introspect', sends: 'application/json' },
  issuePasswordToken: { method: 'POST', path: '/users/{id}/password-token' },
  revokePasswordTokens: { method: 'DELETE', path: '/users/{id}/password-token' },
  setPassword: { method: 'POST', path: '/auth/password', sends: 'application/json', anonymous: true },
  listSessions: { method: 'GET', path: '/users/{id}/sessions' },
  endSessions: { method: 'DELETE', path: '/users/{id}/sessions' },
  endSession: { method: 'DELETE', path: '/users/{id}/sessions/{session_id}' },
  listRoles: { method: 'GET', path: '/roles' },
  createRole: { method: 'POST', path: '/roles', headers: ['idempotency-key'], sends: 'application/json' },
  getRole: { method: 'GET', path: '/roles/{id}' },
  patchRole: { method: 'PATCH', path: '/roles/{id}', sends: 'application/json' },
  deleteRole: { method: 'DELETE', path: '/roles/{id}' },
  createApiKey: { method: 'POST', path: '/api-keys', sends: 'application/json' },
  listApiKeys: { method: 'GET', path: '/api-keys' },
  revokeApiKey: { method: 'DELETE', path: '/api-keys/{id}' },
  listUserApiKeys: { method: 'GET', path: '/users/{id}/api-keys' },
  revokeUserApiKeys: { method: 'DELETE', path: '/users/{id}/api-keys' },
  listAuditEvents: { method: 'GET', path: '/audit-events', query: ['limit', 'cursor', 'user', 'actor', 'action'] },
  listWebhooks: { method: 'GET', path: '/webhooks' },
  createWebhook: { method: 'POST', path: '/webhooks', sends: 'application/json' },
  getWebhook: { method: 'GET', path: '/webhooks/{id}' },
  patchWebhook: { method: 'PATCH', path: '/webhooks/{id}', sends: 'application/json' },
  deleteWebhook: { method: 'DELETE', path: '/webhooks/{id}' },
  getWebhookSecret: { method: 'GET', path: '/webhooks/{id}/secret' },
  replaceWebhookSecret: { method: 'POST', path: '/webhooks/{id}/secret' },
  listWebhookFailures: { method: 'GET', path: '/webhooks/{id}/failures', query: ['limit', 'cursor'] },
  retryWebhook: { method: 'POST', path: '/webhooks/{id}/retry' },
  pingWebhook: { method: 'POST', path: '/webhooks/{id}/ping' },
  importUsers: { method: 'POST', path: '/imports', query: ['dry_run'], sends: 'application/x-ndjson' },
  exportUsers: { method: 'GET', path: '/exports', query: ['after', 'include'] },
  listUsage: { method: 'GET', path: '/usage', query: ['limit', 'cursor', 'contract', 'operation', 'since', 'group'] },
  getMigration: { method: 'GET', path: '/migration' },
  getHookSecret: { method: 'GET', path: '/migration/{upstream}/secret' },
  getDiagnostics: { method: 'GET', path: '/diagnostics' },
  measureHashing: { method: 'GET', path: '/diagnostics/hashing' },
  checkUpstreams: { method: 'GET', path: '/diagnostics/upstreams' },
  checkDirectory: { method: 'GET', path: '/diagnostics/directory', query: ['check', 'cursor'] },
}

/** Between v1's wire and the core, field by field. */
import type { z } from '@hono/zod-openapi'
import type { ApiKey } from '../../core/api-keys'
import type { WebhookEvent } from '../../core/audit'
import type { AuditEvent } from '../../core/audit-trail'
import type { Exported } from '../../core/exports'
import type { Newcomer, RowResult, Totals } from '../../core/imports'
import type { DatabaseFacts, HashingFacts } from '../../core/diagnostics'
import type { Finding } from '../../core/directory-checks'
import type { Role } from '../../core/role-management'
import type { Session } from '../../core/sessions'
import type { StoredHash } from '../../core/stored-hashes'
import type { NewUser, RoleSelector, User, UserChanges } from '../../core/user'
import type { Webhook, WebhookFailure } from '../../core/webhooks'
import type { Deployment } from '../../http/deployment'
import { toUtc } from '../../http/times'
import type {
  V1ApiKey,
  V1AuditEvent,
  V1ExportedUser,
  V1ImportedUser,
  V1ImportResult,
  V1Diagnostics,
  V1HashingDiagnostics,
  V1Role,
  V1Session,
  V1User,
  V1UserCreate,
  V1UserUpdate,
  V1Webhook,
  V1WebhookEvent,
  V1WebhookFailureList,
  V1WebhookUpdate,
} from './schemas'

export function fromUser(user: User): z.infer<typeof V1User> {
  return {
    id: toId(user.id),
    email: user.email,
    name: user.name,
    created_at: toUtc(user.createdAt),
    updated_at: toUtc(user.updatedAt),
    status: user.active ? 'active' : 'inactive',
    role: user.roles[0].name,
    username: user.username,
    matricule: user.matricule,
    first_name: user.givenName,
    last_name: user.familyName,
    birth_date: user.birthdate,
    gender: user.gender,
    phone: user.phoneNumber,
    mobile: user.mobileNumber,
    certified_email: user.certifiedEmail,
    user_type: user.userType,
    is_staff: user.isStaff,
    country_id: user.countryId,
    roles: user.roles.map(({ id, name }) => ({ id, name })),
  }
}

export function toNewUser(body: z.output<typeof V1UserCreate>): NewUser {
  return {
    email: body.email,
    name: body.name,
    password: body.password,
    role: body.role === undefined ? undefined : { name: body.role },
    givenName: body.first_name,
    familyName: body.last_name,
    ...toOptional(body),
  }
}

type Optional = Omit<z.output<typeof V1UserUpdate>, 'email' | 'name' | 'password' | 'role' | 'first_name' | 'last_name'>

/** What creation, changes and imports name alike. */
function toOptional(body: Optional) {
  return {
    username: body.username,
    matricule: body.matricule,
    birthdate: body.birth_date,
    gender: body.gender,
    phoneNumber: body.phone,
    mobileNumber: body.mobile,
    certifiedEmail: body.certified_email,
    userType: body.user_type,
    isStaff: body.is_staff,
    countryId: body.country_id,
  }
}

/** Only what is sent. Read-only fields, `status` and `roles` among them, do not reach this. */
export function toUserChanges(body: z.output<typeof V1UserUpdate>): UserChanges {
  const { email, name, password, role, first_name: givenName, last_name: familyName } = body
  const named = role === undefined ? undefined : { name: role }
  return { email, name, password, givenName, familyName, role: named, ...toOptional(body) }
}

/** The role a change names, if it names one, before it is known whether it is a change. */
export function toNamedRoles(sent: unknown): RoleSelector[] | undefined {
  const role = typeof sent === 'object' && sent !== null && 'role' in sent ? sent.role : undefined
  return typeof role === 'string' ? [{ name: role }] : undefined
}

export function toNewcomer(row: z.output<typeof V1ImportedUser>): Newcomer {
  return {
    id: row.id,
    number: row.number,
    email: row.email,
    name: row.name,
    givenName: row.first_name,
    familyName: row.last_name,
    password: row.password,
    passwordHash: row.password_hash,
    pinHash: row.pin_hash,
    roles: row.roles ?? (row.role === undefined ? undefined : [row.role]),
    active: row.status && row.status === 'active',
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    version: row.version,
    ...toOptional(row),
  }
}

/** What is refused is told in the words of errors.ts. */
export function fromPresent({
  line,
  status,
  id,
}: Exclude<RowResult, { status: 'refused' }>): z.infer<typeof V1ImportResult> {
  return { line, status, ...(id !== undefined && { id: toId(id) }) }
}

export function fromTotals(totals: Totals, dry_run: boolean): z.infer<typeof V1ImportResult> {
  const { created, skipped, refused, rowsWritten, passwords, hashes } = totals
  return {
    status: 'done',
    dry_run,
    created,
    skipped,
    refused,
    rows_written: rowsWritten,
    passwords,
    password_hashes: [...hashes.values()].map(({ stored, users, milliseconds }) => ({
      kind: kindOf(stored),
      users,
      milliseconds,
    })),
  }
}

function kindOf(stored: StoredHash): string {
  switch (stored.scheme) {
    case 'usher':
      return `pbkdf2-sha256 i=${stored.iterations},r=${stored.rounds}`
    case 'django':
      return `pbkdf2_sha256 ${stored.iterations}`
    case 'bcrypt':
      return `bcrypt ${stored.cost}`
  }
}

export function fromExported({ user, hashes }: Exported): z.infer<typeof V1ExportedUser> {
  return {
    id: toId(user.id),
    number: user.number,
    email: user.email,
    name: user.name,
    first_name: user.givenName,
    last_name: user.familyName,
    username: user.username,
    matricule: user.matricule,
    birth_date: user.birthdate,
    gender: user.gender,
    phone: user.phoneNumber,
    mobile: user.mobileNumber,
    certified_email: user.certifiedEmail,
    user_type: user.userType,
    is_staff: user.isStaff,
    country_id: user.countryId,
    roles: user.roles.map(({ name }) => name),
    status: user.active ? 'active' : 'inactive',
    created_at: toUtc(user.createdAt),
    updated_at: toUtc(user.updatedAt),
    version: user.version,
    ...(hashes && { password_hash: hashes.password, pin_hash: hashes.pin }),
  }
}

export function fromSession(session: Session): z.infer<typeof V1Session> {
  return {
    id: session.id,
    created_at: toUtc(session.createdAt),
    last_used_at: toUtc(session.lastUsedAt),
    expires_at: toUtc(session.expiresAt),
    contract: session.contract,
    current: session.current,
  }
}

export function fromRole({ id, number, name, description, permissions }: Role): z.infer<typeof V1Role> {
  return { id, number, name, description, permissions: [...permissions] }
}

export function fromApiKey(key: ApiKey): z.infer<typeof V1ApiKey> {
  return {
    id: key.id,
    name: key.name,
    permissions: [...key.permissions],
    created_at: toUtc(key.createdAt),
    expires_at: key.expiresAt === null ? null : toUtc(key.expiresAt),
    last_used_at: key.lastUsedAt === null ? null : toUtc(key.lastUsedAt),
  }
}

export function fromAuditEvent(event: AuditEvent): z.infer<typeof V1AuditEvent> {
  return {
    id: event.id,
    at: toUtc(event.at),
    actor_id: event.actorId === null ? null : toId(event.actorId),
    action: event.action,
    user_id: event.userId === null ? null : toId(event.userId),
    contract: event.contract,
    fields: event.fields.map(wireName),
  }
}

export function fromWebhook(webhook: Webhook): z.infer<typeof V1Webhook> {
  return {
    id: webhook.id,
    url: webhook.url,
    description: webhook.description,
    events: [...webhook.events],
    status: webhook.active ? 'active' : 'inactive',
    created_at: toUtc(webhook.createdAt),
    last_attempt_at: webhook.lastAttemptAt === null ? null : toUtc(webhook.lastAttemptAt),
    last_outcome: webhook.lastOutcome,
  }
}

/** Only what is sent. */
export function toWebhookInput({ url, description, events, status }: z.output<typeof V1WebhookUpdate>) {
  return { url, description, events, active: status === undefined ? undefined : status === 'active' }
}

/** What a webhook is sent of an event. */
export function toWebhookMessage(event: AuditEvent): z.infer<typeof V1WebhookEvent> {
  const { id, at, action, user_id, actor_id, contract, fields } = fromAuditEvent(event)
  return { id, type: action as WebhookEvent, timestamp: at, data: { user_id, actor_id, contract, fields } }
}

export function fromWebhookFailure(failure: WebhookFailure): z.infer<typeof V1WebhookFailureList>['data'][number] {
  return {
    event: toWebhookMessage(failure.event),
    attempts: failure.attempts,
    last_attempt_at: toUtc(failure.lastAttemptAt),
    last_outcome: failure.lastOutcome,
    next_attempt_at: failure.nextAttemptAt === null ? null : toUtc(failure.nextAttemptAt),
  }
}

export function fromDeployment(
  { version, missingBindings, variables, rateLimited, serverTiming, logsRequests }: Deployment,
  { region, sizeBytes, tripMilliseconds, migrations, admins }: DatabaseFacts,
  now: number,
): z.infer<typeof V1Diagnostics> {
  const { applied, missing, unknown } = migrations
  return {
    time: toUtc(now),
    version: version ? { id: version.id, uploaded_at: version.uploadedAt } : null,
    database: {
      region: region ?? null,
      size_bytes: sizeBytes ?? null,
      trip_milliseconds: tripMilliseconds,
      migrations: { applied: [...applied], missing: [...missing], unknown: [...unknown] },
    },
    missing_bindings: missingBindings,
    variables,
    rate_limit: rateLimited,
    server_timing: serverTiming,
    request_log: logsRequests,
    admins,
  }
}

export function fromHashing(facts: HashingFacts): z.infer<typeof V1HashingDiagnostics> {
  const { iterations, rounds, milliseconds, refusesMore } = facts
  return { iterations, rounds, milliseconds: milliseconds ?? null, cap_enforced: refusesMore }
}

export function fromFinding({ kind, count, userIds, places }: Finding) {
  return { finding: kind, count, users: userIds.map(toId), places }
}

/** `usr_` and the uuid's 32 hex digits. */
export function toId(uuid: string): string {
  return `usr_${uuid.replaceAll('-', '')}`
}

/** Anything that is not an id of ours names nobody. */
export function toSelector(id: string): { id: string } {
  const match = /^usr_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(id)
  return { id: match ? match.slice(1).join('-') : '' }
}

/** Core fields in v1's names, where they differ. */
export function wireName(field: string): string {
  return names[field] ?? field
}

const names: Record<string, string> = {
  active: 'status',
  givenName: 'first_name',
  familyName: 'last_name',
  birthdate: 'birth_date',
  phoneNumber: 'phone',
  mobileNumber: 'mobile',
  certifiedEmail: 'certified_email',
  userType: 'user_type',
  isStaff: 'is_staff',
  countryId: 'country_id',
  currentPassword: 'current_password',
  newPassword: 'new_password',
  passwordHash: 'password_hash',
  pinHash: 'pin_hash',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
}

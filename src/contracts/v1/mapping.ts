/** Between v1's wire and the core, field by field. */
import type { z } from '@hono/zod-openapi'
import type { ApiKey } from '../../core/api-keys'
import type { AuditEvent } from '../../core/audit-trail'
import type { DatabaseFacts, HashingFacts } from '../../core/diagnostics'
import type { Finding } from '../../core/directory-checks'
import type { Role } from '../../core/role-management'
import type { Session } from '../../core/sessions'
import type { NewUser, RoleSelector, User, UserChanges } from '../../core/user'
import type { Deployment } from '../../http/deployment'
import { toUtc } from '../../http/times'
import type {
  V1ApiKey,
  V1AuditEvent,
  V1Diagnostics,
  V1HashingDiagnostics,
  V1Role,
  V1Session,
  V1User,
  V1UserCreate,
  V1UserUpdate,
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
    ...toOptional(body),
  }
}

/** What creation and changes name alike. */
function toOptional(body: Omit<z.output<typeof V1UserUpdate>, 'email' | 'name' | 'password' | 'role'>) {
  return {
    username: body.username,
    matricule: body.matricule,
    givenName: body.first_name,
    familyName: body.last_name,
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
  const { email, name, password, role } = body
  return { email, name, password, role: role === undefined ? undefined : { name: role }, ...toOptional(body) }
}

/** The role a change names, if it names one, before it is known whether it is a change. */
export function toNamedRoles(sent: unknown): RoleSelector[] | undefined {
  const role = typeof sent === 'object' && sent !== null && 'role' in sent ? sent.role : undefined
  return typeof role === 'string' ? [{ name: role }] : undefined
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
}

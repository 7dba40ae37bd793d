/** Users. */
import type { z } from '@hono/zod-openapi'
import type { NewUser, RoleSelector, User, UserChanges } from '../../../core/users/user'
import { toUtc } from '../../../http/contract/times'
import type { V1User, V1UserCreate, V1UserUpdate } from '../schemas/users'
import { toId } from './ids'

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
    password: body.password ?? undefined,
    role: body.role === undefined ? undefined : { name: body.role },
    givenName: body.first_name,
    familyName: body.last_name,
    ...toOptional(body),
  }
}

type Optional = Omit<
  z.output<typeof V1UserUpdate>,
  'email' | 'name' | 'password' | 'keep_api_keys' | 'role' | 'first_name' | 'last_name'
>

/** The optional fields that creation, changes and imports share. */
export function toOptional(body: Optional) {
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

/** Only the sent fields. Read-only fields, `status` and `roles` among them, are dropped earlier. */
export function toUserChanges(body: z.output<typeof V1UserUpdate>): UserChanges {
  const { email, name, password, keep_api_keys: keepApiKeys, role } = body
  const { first_name: givenName, last_name: familyName } = body
  const named = role === undefined ? undefined : { name: role }
  return { email, name, password, keepApiKeys, givenName, familyName, role: named, ...toOptional(body) }
}

/** The role that the body names, read before the validation against the current record. */
export function toNamedRoles(sent: unknown): RoleSelector[] | undefined {
  const role = typeof sent === 'object' && sent !== null && 'role' in sent ? sent.role : undefined
  return typeof role === 'string' ? [{ name: role }] : undefined
}

/** Between v1's wire and the core, field by field. */
import type { z } from '@hono/zod-openapi'
import type { NewUser, User, UserSelector } from '../../core/user'
import type { V1User, V1UserCreate } from './schemas'

export function fromUser(user: User): z.infer<typeof V1User> {
  return {
    id: toId(user),
    email: user.email,
    name: user.name,
    created_at: toTime(user.createdAt),
    updated_at: toTime(user.updatedAt),
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

/** `usr_` and the uuid's 32 hex digits. */
export function toId(user: User): string {
  return `usr_${user.id.replaceAll('-', '')}`
}

/** Anything that is not an id of ours names nobody. */
export function toSelector(id: string): UserSelector {
  const match = /^usr_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(id)
  return { id: match ? match.slice(1).join('-') : '' }
}

/** Changes whenever the user does. */
export function toETag(user: User): string {
  return `"${user.version}"`
}

function toTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
}

/** Core fields in v1's names, where they differ. */
export function wireName(field: string): string {
  return names[field] ?? field
}

const names: Record<string, string> = {
  givenName: 'first_name',
  familyName: 'last_name',
  birthdate: 'birth_date',
  phoneNumber: 'phone',
  mobileNumber: 'mobile',
  certifiedEmail: 'certified_email',
  userType: 'user_type',
  isStaff: 'is_staff',
  countryId: 'country_id',
}

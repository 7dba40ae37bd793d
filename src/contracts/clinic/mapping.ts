/** Translates between the fields of clinic and of the core. */
import type { z } from '@hono/zod-openapi'
import { adminRole, defaultRole } from '../../core/access/roles'
import {
  usernameOrEmail,
  type Gender,
  type NewUser,
  type User,
  type UserChanges,
  type UserType,
} from '../../core/users/user'
import { toDayMonthYear } from '../../http/contract/times'
import { genders, userTypes, type ClinicUser, type ClinicUserCreate, type ClinicUserEdit } from './schemas'

export function fromUser(user: User): z.infer<typeof ClinicUser> {
  return {
    id: String(user.number),
    uid: user.id.replaceAll('-', ''),
    username: usernameOrEmail(user),
    first_name: user.givenName,
    last_name: user.familyName,
    email: user.email,
    birth_date: user.birthdate && toDayMonthYear(user.birthdate),
    is_staff: user.isStaff,
    is_active: user.active,
    is_admin: user.roles.some(({ number }) => number === adminRole),
    user_type: user.userType && toChoice(userTypes, keyOf(coreUserTypes, user.userType)),
    gender: user.gender && toChoice(genders, keyOf(coreGenders, user.gender)),
    // Contracts that do not trim may have stored an empty phone number.
    phone: user.phoneNumber || null,
    mobile: user.mobileNumber || null,
    certified_email: user.certifiedEmail,
  }
}

const coreUserTypes = { AD: 'administrative', TE: 'technician', CL: 'clinician', ST: 'student' } as const
const coreGenders = { M: 'male', F: 'female', U: 'unknown' } as const

function keyOf<Key extends string>(keys: Record<Key, UserType | Gender>, value: UserType | Gender): Key {
  return (Object.keys(keys) as Key[]).find((key) => keys[key] === value) as Key
}

function toChoice<Key extends string>(choices: Record<Key, string>, key: Key) {
  return { key, value: choices[key] }
}

type Create = z.output<typeof ClinicUserCreate>

/** `username` is absent when the client sent the email as the username. */
export function toNewUser(body: Omit<Create, 'username'> & Partial<Pick<Create, 'username'>>): NewUser {
  return {
    username: body.username,
    email: body.email,
    password: body.password,
    pin: body.numeric_password,
    givenName: body.first_name,
    familyName: body.last_name,
    birthdate: body.birth_date,
    gender: coreGenders[body.gender],
    phoneNumber: body.phone,
    mobileNumber: body.mobile,
    certifiedEmail: body.certified_email,
    userType: coreUserTypes[body.user_type],
    isStaff: body.is_staff,
    active: body.is_active,
    admin: body.is_admin,
  }
}

/**
 * The fields that differ from the shown record. `withoutUsername` is set when the client sent the email as the
 * username.
 */
export function toUserChanges(body: Partial<z.output<typeof ClinicUserEdit>>, withoutUsername: boolean): UserChanges {
  return {
    username: withoutUsername ? null : body.username,
    email: body.email,
    password: body.password,
    pin: body.numeric_password,
    givenName: body.first_name,
    familyName: body.last_name,
    birthdate: body.birth_date,
    gender: body.gender && coreGenders[body.gender],
    phoneNumber: body.phone,
    mobileNumber: body.mobile,
    certifiedEmail: body.certified_email,
    userType: body.user_type && coreUserTypes[body.user_type],
    isStaff: body.is_staff,
    active: body.is_active,
    admin: body.is_admin,
  }
}

/**
 * The changes of the caller's own record. Its checkboxes are ignored, so that an unticked box cannot lock the user out.
 * An absent certified email stays unchanged, because most users may not change it.
 */
export function toOwnChanges(changes: UserChanges, sent: Record<string, unknown>): UserChanges {
  const own = { ...changes, active: undefined, isStaff: undefined, admin: undefined }
  return 'certified_email' in sent ? own : { ...own, certifiedEmail: undefined }
}

/** The roles that `is_admin` may grant: the admin role or the default role. */
export const namedRoles = [{ number: adminRole }, { number: defaultRole }]

/** Returns clinic's name of a core field. */
export function wireName(field: string): string {
  return names[field] ?? field
}

const names: Record<string, string> = {
  pin: 'numeric_password',
  givenName: 'first_name',
  familyName: 'last_name',
  birthdate: 'birth_date',
  phoneNumber: 'phone',
  mobileNumber: 'mobile',
  certifiedEmail: 'certified_email',
  userType: 'user_type',
  isStaff: 'is_staff',
  active: 'is_active',
}

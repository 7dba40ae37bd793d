/** The user of the core. It has no password hash, so no contract can return one. */
import type { UserRow } from '../../database/users/user-row'
import type { Parsed } from './fields'
import { foldIdentifier } from './text'

export type Gender = 'male' | 'female' | 'unknown'
export type UserType = 'administrative' | 'technician' | 'clinician' | 'student'

export interface RoleReference {
  id: string
  number: number
  name: string
}

/** Times are unix seconds. `birthdate` is `YYYY-MM-DD`. `roles` is never empty, and the first is the primary role. */
export interface User {
  id: string
  number: number
  matricule: number | null
  username: string | null
  email: string
  name: string
  givenName: string
  familyName: string
  birthdate: string | null
  gender: Gender | null
  phoneNumber: string | null
  mobileNumber: string | null
  certifiedEmail: string | null
  userType: UserType | null
  isStaff: boolean
  countryId: number | null
  roles: readonly [RoleReference, ...RoleReference[]]
  active: boolean
  createdAt: number
  updatedAt: number
  version: number
}

/** Identifies a user by a unique key. */
export type UserSelector = { id: string } | { number: number } | { matricule: number }

/** Identifies a role by a unique key. Names are compared folded. */
export type RoleSelector = { id: string } | { number: number } | { name: string }

/** The parsed values that can be written. Null removes an optional value. */
export interface WritableUser {
  email: Parsed<'email'>
  username: Parsed<'username'> | null
  matricule: Parsed<'matricule', number> | null
  name: Parsed<'name'>
  givenName: Parsed<'givenName'>
  familyName: Parsed<'familyName'>
  birthdate: Parsed<'birthdate'> | null
  gender: Gender | null
  phoneNumber: Parsed<'phoneNumber'> | null
  mobileNumber: Parsed<'phoneNumber'> | null
  certifiedEmail: Parsed<'email'> | null
  userType: UserType | null
  isStaff: boolean
  countryId: Parsed<'countryId', number> | null
  active: boolean
}

/** Values that are not columns of the user: secrets to hash, roles to look up. */
interface NonColumnFields {
  password: Parsed<'password'>
  pin: Parsed<'pin'>
  /** In order; the first becomes the primary role. An empty list means the default role. */
  roles: readonly RoleSelector[]
  /** For contracts with a single role. Replaces all roles, unless it already is the primary role. */
  role: RoleSelector
  /** Whether the user holds the admin role: true makes it the primary role, false removes it. */
  admin: boolean
}

type Optional<T> = { [Key in keyof T]?: T[Key] | undefined }

export type NewUser = Pick<WritableUser, 'email'> & Optional<Omit<WritableUser, 'email'> & NonColumnFields>
/** `keepApiKeys` keeps the user's API keys when the password changes. */
export type UserChanges = Optional<WritableUser & NonColumnFields & { keepApiKeys: boolean }>

/** For contracts that must show a username. A user without one is shown by email, which signs in as well. */
export function usernameOrEmail({ username, email }: Pick<User, 'username' | 'email'>): string {
  return username ?? email
}

/**
 * Whether the client sent an email as the username of a user without one. The email is the user's current one, or the
 * one in the same request.
 */
export function sendsEmailAsUsername(
  sent: { username?: unknown; email?: unknown },
  present: User | undefined,
): boolean {
  const { username, email } = sent
  if (typeof username !== 'string' || (present && username === usernameOrEmail(present))) return false
  const key = foldIdentifier(username)
  if (key === '') return false
  return [email, present?.email].some((text) => typeof text === 'string' && foldIdentifier(text) === key)
}

/**
 * A change of the whole name sets its parts, and a change of the parts sets the whole name. When all are sent, each is
 * kept as sent.
 */
export function coherentNames(
  sent: { name?: string | undefined; givenName?: string | undefined; familyName?: string | undefined },
  current: { givenName: string; familyName: string },
): { name?: string; givenName?: string; familyName?: string } {
  const { name, givenName, familyName } = sent
  if (name !== undefined && givenName === undefined && familyName === undefined) {
    const [first = '', ...rest] = name.trim().split(/\s+/u)
    return { name, givenName: first, familyName: rest.join(' ') }
  }
  if (name === undefined && (givenName !== undefined || familyName !== undefined)) {
    const parts = { givenName: givenName ?? current.givenName, familyName: familyName ?? current.familyName }
    return { ...parts, name: `${parts.givenName} ${parts.familyName}`.trim() }
  }
  return {
    ...(name !== undefined && { name }),
    ...(givenName !== undefined && { givenName }),
    ...(familyName !== undefined && { familyName }),
  }
}

export function toUser(row: UserRow): User {
  return {
    id: row.id,
    number: row.number,
    matricule: row.matricule,
    username: row.username,
    email: row.email,
    name: row.name,
    givenName: row.given_name,
    familyName: row.family_name,
    birthdate: row.birthdate,
    gender: row.gender,
    phoneNumber: row.phone_number,
    mobileNumber: row.mobile_number,
    certifiedEmail: row.certified_email,
    userType: row.user_type,
    isStaff: row.is_staff === 1,
    countryId: row.country_id,
    roles: row.roles,
    active: row.active === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    version: row.version,
  }
}

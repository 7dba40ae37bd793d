/** The record, as the directory speaks of it. It has no hash, so nothing that shows a user can show one. */
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

/** Times are unix seconds; birthdate is `YYYY-MM-DD`; `roles` is never empty and its first is the primary role. */
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

/** A user, by any key that is unique in the directory. */
export type UserSelector = { id: string } | { number: number } | { matricule: number }

/** A role, by any key that is unique. Names are compared folded. */
export type RoleSelector = { id: string } | { number: number } | { name: string }

/** What may be written, parsed; null takes an optional value away. */
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

/** What each field may become beside the record's own columns: secrets to hash, roles to find. */
interface NonColumnFields {
  password: Parsed<'password'>
  pin: Parsed<'pin'>
  /** In order; the first is to be the primary role. None at all means the default role. */
  roles: readonly RoleSelector[]
  /** The one role of a contract that knows one: replaces them all, unless it is the primary one already. */
  role: RoleSelector
  /** Whether to hold the admin role: true puts it first, false takes it away. */
  admin: boolean
}

type Optional<T> = { [Key in keyof T]?: T[Key] | undefined }

export type NewUser = Pick<WritableUser, 'email'> & Optional<Omit<WritableUser, 'email'> & NonColumnFields>
/** `keepApiKeys` lets the API keys of the user outlive a new password. */
export type UserChanges = Optional<WritableUser & NonColumnFields & { keepApiKeys: boolean }>

/** Where a contract has to show a username and there is none: the email, which is as good a login identifier. */
export function usernameOrEmail({ username, email }: Pick<User, 'username' | 'email'>): string {
  return username ?? email
}

/** What stands in for a username is none when it comes back: the email that the user has, or is given by the same request. */
export function sendsEmailAsUsername(
  sent: { username?: unknown; email?: unknown },
  present: User | undefined,
): boolean {
  const { username, email } = sent
  if (typeof username !== 'string' || (present && username === usernameOrEmail(present))) return false
  const key = foldIdentifier(username)
  if (key === '') return false
  return [email, present?.email].some((one) => typeof one === 'string' && foldIdentifier(one) === key)
}

/** Writing the whole name sets its parts; writing parts alone sets the whole; written together each stays as sent. */
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

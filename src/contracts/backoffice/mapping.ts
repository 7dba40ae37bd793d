/** Translates between the fields of backoffice and of the core. */
import type { z } from '@hono/zod-openapi'
import { usernameOrEmail, type NewUser, type RoleSelector, type User, type UserChanges } from '../../core/users/user'
import { trimmed } from '../../http/bodies/body'
import {
  BackofficeUserUpdate,
  type BackofficeSignedIn,
  type BackofficeUser,
  type BackofficeUserCreate,
  type BackofficeUserListQuery,
} from './schemas'

export function fromUser(user: User): z.infer<typeof BackofficeUser> {
  return {
    user_id: user.number,
    username: usernameOrEmail(user),
    first_name: user.givenName,
    last_name: user.familyName,
    email: user.email,
    gender: user.gender === 'unknown' ? null : user.gender,
    birthday: user.birthdate,
    country_id: user.countryId,
    user_status: user.active ? 'active' : 'inactive',
    role_id: user.roles[0].number,
  }
}

/** Clients of the original API read the token, role and id at the top of the body. Newer clients read `data`. */
export function signedIn(token: string, user: User): z.infer<typeof BackofficeSignedIn> {
  const role = user.roles[0].name
  return {
    success: true,
    message: 'Login successful',
    token,
    role,
    user_id: user.number,
    data: { token, user: { ...fromUser(user), role } },
  }
}

/** `username` is absent when the client sent the email as the username. */
export function toNewUser(body: Omit<z.output<typeof BackofficeUserCreate>, 'username'> & Named): NewUser {
  return {
    username: body.username,
    email: body.email,
    password: body.password,
    givenName: body.first_name,
    familyName: body.last_name,
    gender: body.gender,
    birthdate: body.birthday,
    countryId: body.country_id,
    role: body.role_id == null ? undefined : { number: body.role_id },
    active: toActive(body.user_status),
  }
}

type Named = Partial<Pick<z.output<typeof BackofficeUserCreate>, 'username'>>

/** Only the sent fields. `withoutUsername` is set when the client sent the email as the username. */
export function toUserChanges(body: z.output<typeof BackofficeUserUpdate>, withoutUsername: boolean): UserChanges {
  return {
    username: withoutUsername ? null : body.username,
    email: body.email,
    password: body.password,
    givenName: body.first_name,
    familyName: body.last_name,
    gender: body.gender,
    birthdate: body.birthday,
    countryId: body.country_id,
    role: body.role_id === undefined ? undefined : { number: body.role_id },
    active: toActive(body.user_status),
  }
}

function toActive(status: 'active' | 'inactive' | null | undefined): boolean | undefined {
  return status == null ? undefined : status === 'active'
}

/**
 * Combines the password with its confirmation, because they are validated together. Forms send an empty password when
 * the field is not filled in, so it counts as absent.
 */
export function withConfirmation({ password: value, ...fields }: Record<string, unknown>): Record<string, unknown> {
  if (value == null || value === '') return fields
  return { ...fields, password: { value, confirmation: fields['password_confirmation'] } }
}

/** The role that the body names, read before the validation against the current record. */
export function toNamedRoles(sent: Record<string, unknown>): RoleSelector[] | undefined {
  const number = BackofficeUserUpdate.shape.role_id.safeParse(trimmed(sent['role_id'], 'role_id')).data
  return number === undefined ? undefined : [{ number }]
}

export function toFilter({ search, status, gender, role_id }: z.output<typeof BackofficeUserListQuery>) {
  return {
    active: toActive(status),
    gender,
    role: role_id === undefined ? undefined : { number: role_id },
    search: search === undefined ? undefined : { text: search, fields: searchFields },
  }
}

const searchFields = ['email', 'username', 'given_name', 'family_name'] as const

/** Returns backoffice's name of a core field. */
export function wireName(field: string): string {
  const names: Record<string, string> = { givenName: 'first_name', familyName: 'last_name', birthdate: 'birthday' }
  return names[field] ?? field
}

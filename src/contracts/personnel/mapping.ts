/** Translates between the fields of personnel and of the core. */
import type { z } from '@hono/zod-openapi'
import { readMatricule } from '../../core/users/fields'
import type { NewUser, User, UserChanges, UserSelector } from '../../core/users/user'
import { uuidIn } from '../../http/frameworks/pydantic'
import { toUtc } from '../../http/contract/times'
import { passwordHashed, type PersonnelUser, type PersonnelUserCreate, type PersonnelUserUpdate } from './schemas'

export function fromUser(user: User): z.infer<typeof PersonnelUser> {
  const [primary] = user.roles
  return {
    user_id: user.id,
    matricule: user.matricule,
    nom: user.name,
    email: user.email,
    password: passwordHashed,
    role_name: primary.name,
    role_id: primary.id,
    status: user.active ? 'activated' : 'deactivated',
    timestamp: toUtc(user.createdAt).slice(0, -1),
  }
}

export function toNewUser(body: z.output<typeof PersonnelUserCreate>): NewUser {
  return {
    matricule: body.matricule,
    name: body.nom,
    email: body.email,
    password: body.password,
    role: { id: body.role_id },
  }
}

/** Null is not a change, as in the original API. */
export function toUserChanges(body: Omit<z.output<typeof PersonnelUserUpdate>, 'user_id'>): UserChanges {
  return {
    name: body.nom ?? undefined,
    matricule: body.matricule ?? undefined,
    email: body.email ?? undefined,
    password: body.password ?? undefined,
  }
}

/**
 * The original API shows `user_id` as a uuid but also calls it the matricule. Digits alone are a matricule. A uuid may
 * have any spelling.
 */
export function toSelector(userId: string): UserSelector {
  const matricule = readMatricule(userId)
  return matricule === undefined ? { id: uuidIn(userId) ?? userId } : { matricule }
}

/** The `sub` that personnel's clients expect in a token. */
export function toSubject(user: User): string {
  return user.matricule === null ? user.id : String(user.matricule)
}

/** Returns personnel's name of a core field. */
export function wireName(field: string): string {
  return field === 'name' ? 'nom' : field
}

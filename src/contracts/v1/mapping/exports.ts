/** Exports. */
import type { z } from '@hono/zod-openapi'
import type { Exported } from '../../../core/moving/exports'
import { toUtc } from '../../../http/contract/times'
import type { V1ExportedUser } from '../schemas/exports'
import { toId } from './ids'

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
    ...(hashes?.passwordFrom != null && { password_from: hashes.passwordFrom }),
  }
}

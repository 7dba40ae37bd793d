/** Exports all users with everything the directory stores about them. */
import { selectUsersToExport } from '../../database/users/users'
import { recordByCredential } from '../audit/audit'
import { guard, translateRefusals, type Caller } from '../access/caller'
import { toUser, type User } from '../users/user'
import { streamedPageSize } from '../users/user-list'

/** A user and, if requested, the hashes. They are separate because the user itself has no hash. */
export interface Exported {
  user: User
  hashes: { password: string | null; passwordFrom: string | null; pin: string | null } | undefined
}

/**
 * Streams all users after number `after`, in order of number. With hashes it also needs `users:export_hashes`. Each
 * page checks the caller's authority again.
 */
export async function* exportUsers(
  caller: Caller,
  { hashes, after }: { hashes: boolean; after: number },
): AsyncGenerator<Exported[], void, undefined> {
  const exporter: Caller = hashes ? { ...caller, needs: [...caller.needs, 'users:export_hashes'] } : caller
  const recorded = recordByCredential(exporter, 'users.exported', {
    fields: [...exportedFields, ...(hashes ? ['passwordHash', 'passwordFrom', 'pinHash'] : [])],
  })
  for (let number = after; ;) {
    const statement = selectUsersToExport({ number, limit: streamedPageSize })
    // In the batch of the first page, so that no export goes unrecorded.
    const first = number === after ? [recorded] : []
    const [rows] = await translateRefusals(exporter, () =>
      exporter.database.batch(guard(exporter), statement, ...first),
    )
    if (rows.length > 0) {
      yield rows.map(({ password_hash, password_from, pin_hash, ...row }) => ({
        user: toUser(row),
        hashes: hashes ? { password: password_hash, passwordFrom: password_from, pin: pin_hash } : undefined,
      }))
    }
    const last = rows.at(-1)
    if (!last || rows.length < streamedPageSize) return
    number = last.number
  }
}

const exportedFields = [
  'id',
  'number',
  'email',
  'name',
  'givenName',
  'familyName',
  'username',
  'matricule',
  'birthdate',
  'gender',
  'phoneNumber',
  'mobileNumber',
  'certifiedEmail',
  'userType',
  'isStaff',
  'countryId',
  'roles',
  'active',
  'createdAt',
  'updatedAt',
  'version',
] as const satisfies readonly (keyof User)[]

/** Moving out: everyone, with all that is kept of them. */
import { selectUsersToExport } from '../../database/users/users'
import { recordByCredential } from '../audit/audit'
import { guard, translateRefusals, type Caller } from '../access/caller'
import { toUser, type User } from '../users/user'
import { streamedPageSize } from '../users/user-list'

/** The hashes, where they were asked for, stand beside the user: the record itself has none. */
export interface Exported {
  user: User
  hashes: { password: string | null; pin: string | null } | undefined
}

/**
 * Everyone in order of number after `after`, a page at a time; with their hashes that takes `users:export_hashes`, too. The authority is asked for
 * again at each page.
 */
export async function* exportUsers(
  caller: Caller,
  { hashes, after }: { hashes: boolean; after: number },
): AsyncGenerator<Exported[], void, undefined> {
  const exporter: Caller = hashes ? { ...caller, needs: [...caller.needs, 'users:export_hashes'] } : caller
  const recorded = recordByCredential(exporter, 'users.exported', {
    fields: [...exportedFields, ...(hashes ? ['passwordHash', 'pinHash'] : [])],
  })
  for (let number = after; ;) {
    const statement = selectUsersToExport({ number, limit: streamedPageSize })
    // With the first page, so that nothing goes out unrecorded.
    const first = number === after ? [recorded] : []
    const [rows] = await translateRefusals(exporter, () =>
      exporter.database.batch(guard(exporter), statement, ...first),
    )
    if (rows.length > 0) {
      yield rows.map(({ password_hash, pin_hash, ...row }) => ({
        user: toUser(row),
        hashes: hashes ? { password: password_hash, pin: pin_hash } : undefined,
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

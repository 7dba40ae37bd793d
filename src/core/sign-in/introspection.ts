/** Reports to another service whether a credential is valid, and the permissions of its user. */
import type { Credential } from '../../database/guard'
import {
  selectIntrospectedKey,
  selectIntrospectedSession,
  type IntrospectedRow,
} from '../../database/sign-in/introspection'
import type { UserRow } from '../../database/users/user-row'
import { selectUser } from '../../database/users/users'
import { authorise, guard, refuseApiKey, translateRefusals, type Caller } from '../access/caller'
import { fromMask, type Permission } from '../access/permissions'
import { toUser, type User } from '../users/user'

interface Holder {
  userId: string
  username: string | null
  /** The primary role comes first. */
  roles: readonly string[]
  permissions: readonly Permission[]
}

/** A valid credential. Times are unix seconds. */
export type Introspected =
  | (Holder & { kind: 'session'; contract: string })
  | (Holder & { kind: 'key'; keyId: string; createdAt: number; expiresAt: number | null })

/**
 * Returns undefined for a credential that is not valid now. `credential` is undefined for text that Usher cannot have
 * issued.
 */
export async function introspect(
  caller: Caller,
  credential: Credential | undefined,
): Promise<Introspected | undefined> {
  if (!credential) {
    await authorise(caller)
    return undefined
  }
  const { database, now } = caller
  if (credential.kind === 'session') {
    const [[row]] = await translateRefusals(caller, () =>
      database.batch(guard(caller), selectIntrospectedSession({ ...idsOf(credential), now })),
    )
    return row && { ...toHolder(row), kind: 'session', contract: row.contract }
  }
  const [[row]] = await translateRefusals(caller, () =>
    database.batch(guard(caller), selectIntrospectedKey({ hash: credential.hash, now })),
  )
  return (
    row && {
      ...toHolder(row),
      kind: 'key',
      keyId: row.key_id,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
    }
  )
}

/** Returns the user and the current permissions of the caller’s session. An API key has no session. */
export async function describeSession(
  caller: Caller,
): Promise<{ user: User; sessionId: string; permissions: readonly Permission[] }> {
  const { credential, database, now } = caller
  if (credential.kind === 'key') return refuseApiKey(caller)
  const { userId, sessionId } = credential
  const [users, [session]] = await translateRefusals(caller, () =>
    database.batch(guard(caller), selectUser({ id: userId }), selectIntrospectedSession({ ...idsOf(credential), now })),
  )
  return { user: toUser(users[0] as UserRow), sessionId, permissions: fromMask(session?.permissions ?? 0) }
}

const idsOf = ({
  sessionId,
  userId,
  contract = null,
}: Omit<Credential & { kind: 'session' }, 'contract'> & { contract?: string | null | undefined }) => ({
  sessionId,
  userId,
  contract,
})

function toHolder({ id, username, roles, permissions }: IntrospectedRow): Holder {
  return { userId: id, username, roles: JSON.parse(roles) as string[], permissions: fromMask(permissions) }
}

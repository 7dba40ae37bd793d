/** Tells another service whether a credential is valid now, and what its user may do. */
import type { Credential } from '../../database/guard'
import {
  selectIntrospectedKey,
  selectIntrospectedSession,
  type IntrospectedRow,
} from '../../database/sign-in/introspection'
import { authorise, guard, translateRefusals, type Caller } from '../access/caller'
import { fromMask, type Permission } from '../access/permissions'

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
 * Returns undefined for a credential that is not valid now. Undefined as `credential` stands for text that Usher cannot
 * have issued.
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

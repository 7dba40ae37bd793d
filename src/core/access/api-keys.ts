/**
 * API keys for programs: `usk_`, 32 random bytes and a checksum, shown once and stored as a hash. A key never has more
 * permissions than its creator.
 */
import { v7 as uuid } from 'uuid'
import {
  deleteApiKeys,
  insertApiKey,
  selectApiKey,
  selectApiKeysOf,
  selectApiKeysOfUser,
  type ApiKeyRow,
} from '../../database/access/api-keys'
import { selectUserToChange } from '../../database/users/users'
import { record } from '../audit/audit'
import { decideAndCommit, readFacts, guard, isSelf, translateRefusals, type Caller } from './caller'
import { fromBase64Url, sha256, toBase64Url, utf8 } from '../encoding'
import type { Parsed } from '../users/fields'
import { fromMask, toMask, type Permission } from './permissions'
import { Refused } from '../refusal'
import { refuseMissing } from './roles'

/** Times are unix seconds. */
export interface ApiKey {
  id: string
  name: string
  permissions: readonly Permission[]
  createdAt: number
  expiresAt: number | null
  lastUsedAt: number | null
}

const prefix = 'usk_'
const secretLength = 43
const checksumLength = 6

/**
 * Returns the hash under which a key is stored. Returns undefined for a malformed or mistyped key, which so costs no
 * query.
 */
export async function apiKeyHash(key: string): Promise<string | undefined> {
  if (!key.startsWith(prefix) || key.length !== prefix.length + secretLength + checksumLength) return undefined
  const secret = key.slice(prefix.length, prefix.length + secretLength)
  if (fromBase64Url(secret)?.length !== 32) return undefined
  const hash = await sha256(utf8(prefix + secret))
  return key.endsWith(checksumOf(hash)) ? hash : undefined
}

/** The end of the hash. The checksum reveals 36 bits of the hash of 256 random bits. */
const checksumOf = (hash: string) => hash.slice(-checksumLength)

/**
 * Creates a key for the caller. When the caller uses an API key, the new key belongs to that key's owner, expires no
 * later, and is revoked with it. `key` is returned this one time only.
 */
export async function createApiKey(
  caller: Caller,
  input: { name: Parsed<'keyName'>; permissions: readonly Permission[]; expiresAt: number | null },
): Promise<ApiKey & { key: string }> {
  const secret = toBase64Url(crypto.getRandomValues(new Uint8Array(32)))
  const hash = await sha256(utf8(prefix + secret))
  return decideAndCommit(caller, async () => {
    const [actor] = await readFacts(caller)
    refuseMissing(input.permissions, fromMask(actor.permissions))
    const row = {
      id: uuid(),
      user_number: actor.number,
      name: input.name,
      permissions: toMask(input.permissions),
      created_at: caller.now,
      expires_at: input.expiresAt,
    }
    const { credential } = caller
    const results = await caller.database.batch(
      guard(caller, { needs: [...caller.needs, ...input.permissions] }),
      insertApiKey({ ...row, hash, parent_hash: credential.kind === 'key' ? credential.hash : null }),
      record(caller, actor, 'key.created', {
        userId: actor.id,
        subjectId: row.id,
        fields: ['name', 'permissions', 'expires_at'],
      }),
    )
    const made = { ...row, last_used_at: null, expires_at: results[0][0]?.expires_at ?? null }
    return { ...toApiKey(made), key: `${prefix}${secret}${checksumOf(hash)}` }
  })
}

/** Returns the valid keys of the caller, newest first. An API key lists the keys of its owner. */
export async function listApiKeys(caller: Caller): Promise<ApiKey[]> {
  const { credential, now } = caller
  const sessionId = credential.kind === 'session' ? credential.sessionId : null
  const hash = credential.kind === 'key' ? credential.hash : null
  const [keys] = await translateRefusals(caller, () =>
    caller.database.batch(guard(caller), selectApiKeysOf({ sessionId, hash, now })),
  )
  return keys.map(toApiKey)
}

/** Returns the valid keys of a user, newest first. */
export async function listApiKeysOf(caller: Caller, user: { id: string }): Promise<ApiKey[]> {
  const { keys } = await translateRefusals(caller, () => apiKeysOf(caller, user))
  return keys.map(toApiKey)
}

/** Revokes every valid key of a user. Refuses if another user's key has a permission that the caller lacks. */
export async function revokeApiKeysOf(caller: Caller, selector: { id: string }): Promise<void> {
  await decideAndCommit(caller, async () => {
    const { actor, user, keys } = await apiKeysOf(caller, selector)
    if (keys.length === 0) return
    const needs = isSelf(caller, user.id) ? [] : keys.flatMap((key) => fromMask(key.permissions))
    refuseMissing([...new Set(needs)], fromMask(actor.permissions))
    await caller.database.batch(
      guard(caller, { needs: [...caller.needs, ...needs] }),
      deleteApiKeys({ ids: JSON.stringify(keys.map(({ id }) => id)) }),
      record(caller, actor, 'key.revoked', { userId: user.id }),
    )
  })
}

async function apiKeysOf(caller: Caller, selector: { id: string }) {
  const [actor, [user], keys] = await readFacts(
    caller,
    selectUserToChange(selector),
    selectApiKeysOfUser({ id: selector.id, now: caller.now }),
  )
  if (!user) throw new Refused({ kind: 'user_not_found', selector })
  return { actor, user, keys }
}

/**
 * Revokes a key. On a session, users may revoke any key of their own. All other keys must have no permission that the
 * caller lacks.
 */
export async function revokeApiKey(caller: Caller, id: string): Promise<void> {
  await decideAndCommit(caller, async () => {
    const [actor, [key]] = await readFacts(caller, selectApiKey({ id }))
    if (!key) throw new Refused({ kind: 'resource_not_found', resource: 'api_key' })
    const needs = isSelf(caller, key.owner_id) ? [] : fromMask(key.permissions)
    refuseMissing(needs, fromMask(actor.permissions))
    await caller.database.batch(
      guard(caller, { needs: [...caller.needs, ...needs] }),
      deleteApiKeys({ ids: JSON.stringify([id]) }),
      record(caller, actor, 'key.revoked', { userId: key.owner_id, subjectId: id }),
    )
  })
}

function toApiKey(row: Omit<ApiKeyRow, 'user_number'>): ApiKey {
  return {
    id: row.id,
    name: row.name,
    permissions: fromMask(row.permissions),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  }
}

/** Keys for programs: `usk_`, 32 random bytes and a checksum; shown once, kept as their hash, never wider than their maker. */
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

/** The hash that stands for a key, or undefined for what no key of ours can be: a mistyped one costs no database. */
export async function apiKeyHash(key: string): Promise<string | undefined> {
  if (!key.startsWith(prefix) || key.length !== prefix.length + secretLength + checksumLength) return undefined
  const secret = key.slice(prefix.length, prefix.length + secretLength)
  if (fromBase64Url(secret)?.length !== 32) return undefined
  const hash = await sha256(utf8(prefix + secret))
  return key.endsWith(checksumOf(hash)) ? hash : undefined
}

/** The end of the hash: what leaks of it with the checksum is 36 bits of the hash of 256 random ones. */
const checksumOf = (hash: string) => hash.slice(-checksumLength)

/**
 * Makes a key for the caller, or, on a key, for its owner: then it expires no later than that key, and ends with it. `key` is the only
 * time it is shown.
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

/** One's own living keys, newest first; on a key, its owner's. */
export async function listApiKeys(caller: Caller): Promise<ApiKey[]> {
  const { credential, now } = caller
  const sessionId = credential.kind === 'session' ? credential.sessionId : null
  const hash = credential.kind === 'key' ? credential.hash : null
  const [keys] = await translateRefusals(caller, () =>
    caller.database.batch(guard(caller), selectApiKeysOf({ sessionId, hash, now })),
  )
  return keys.map(toApiKey)
}

/** The living keys of a user, newest first. */
export async function listApiKeysOf(caller: Caller, user: { id: string }): Promise<ApiKey[]> {
  const { keys } = await translateRefusals(caller, () => apiKeysOf(caller, user))
  return keys.map(toApiKey)
}

/** Revokes every living key of a user, unless one is wider than the caller's own authority; of oneself any. */
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

/** Revokes one's own key, or anyone's that is no wider than one's own authority; on a key none is one's own. */
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

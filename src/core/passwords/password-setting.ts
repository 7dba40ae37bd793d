/** Changes a user's own password: with the current password, or with a token from a user who may set it. */
import { parse as uuidBytes } from 'uuid'
import { BatchRefused } from '../../database/database'
import { unguarded } from '../../database/guard'
import {
  deletePasswordTokens,
  insertPasswordToken,
  refuseUnlessPasswordToken,
  selectAnyPasswordToken,
  selectPasswordTokenGiver,
} from '../../database/sign-in/password-tokens'
import type { Statement } from '../../database/statement'
import { refuseSignInIfLocked, selectSignInOf } from '../../database/sign-in/sessions'
import type { UserRow } from '../../database/users/user-row'
import { selectUser, selectUserToChange, updateUser as updateUserRow } from '../../database/users/users'
import { record, recordWithoutCredential, recordUnlockingWithoutCredential } from '../audit/audit'
import {
  decideAndCommit,
  readFacts,
  guard,
  isSelf,
  refuseApiKey,
  refuseApiKeyOnOwner,
  type Caller,
  type Visit,
} from '../access/caller'
import { fromBase64Url, sha256, toBase64Url, toUuid } from '../encoding'
import type { Parsed } from '../users/fields'
import { hashPassword, enforcePasswordPolicy, verifyPassword } from './passwords'
import { fromMask, toMask, type Permission } from '../access/permissions'
import { Refused } from '../refusal'
import { refuseMissing } from '../access/roles'
import { beginSession, newRefreshableSession, type SignedIn } from '../sign-in/sign-in'
import { accountOf, clearFailures, countFailure, refuseIfLocked } from '../sign-in/sign-in-failures'
import { recordUse } from '../usage/recording'
import { toUser, type User, type UserSelector } from '../users/user'

const tokenSeconds = 86_400

/**
 * Changes the caller's password and starts a new session. All earlier sessions end, the caller's included, so that a
 * stolen session ends too. A wrong current password counts as a failed sign-in.
 */
export async function changeOwnPassword(
  caller: Caller,
  { current, next }: { current: string; next: Parsed<'password'> },
): Promise<SignedIn> {
  const { credential, database, settings, now } = caller
  const { session, refreshToken } = await newRefreshableSession()
  let hash: string | undefined
  return decideAndCommit(caller, async () => {
    if (credential.kind === 'key') return refuseApiKey(caller)
    const id = credential.userId
    const [users, secrets] = await database.batch(guard(caller), selectUserToChange({ id }), selectSignInOf({ id }))
    const [row, secret] = [users[0], secrets[0]]
    if (!row || !secret) throw new Refused({ kind: 'unauthenticated' })
    const account = accountOf(row.number)
    refuseIfLocked(secret.locked_until, now)
    enforcePasswordPolicy(next, [row.email, row.username, row.name], settings.passwordMinLength, 'newPassword')
    // Before the current password is checked, so that on a locked account a right password takes no longer than a wrong
    // one.
    hash ??= await hashPassword(next, settings.passwordRounds)
    const { matches } = await verifyPassword(current, secret.password_hash, settings.passwordRounds)
    if (!matches) {
      await database.batch(unguarded, ...countFailure(caller, account, id))
      throw new Refused({ kind: 'invalid', problems: [{ field: 'currentPassword', problem: { rule: 'wrong' } }] })
    }
    const results = await database.batch(
      guard(caller, { needs: caller.needs }),
      refuseSignInIfLocked(account, now),
      ...updateUserRow(row, { password_hash: hash, updated_at: now }, 'sessions'),
      clearFailures(account),
      record(caller, { id, key_id: null }, 'user.password_set', { userId: id, fields: ['password'] }),
      ...beginSession(caller, session, id),
      selectUser({ id }),
    )
    const [user] = results.at(-1) as UserRow[]
    return { user: toUser(user as UserRow), sessionId: session.id, refreshToken }
  })
}

/** The permission to issue a set-password token, in addition to every permission of the user. */
const tokenNeeds: readonly Permission[] = ['users:update']

/**
 * Issues a token that sets the user's password once, within a day. Callers cannot issue one for themselves. It is valid
 * only while its issuer could still issue it and the user's email is unchanged. The caller delivers the token to the
 * user.
 */
export async function issuePasswordToken(
  caller: Caller,
  selector: UserSelector,
): Promise<{ token: string; expiresAt: number }> {
  const secret = crypto.getRandomValues(new Uint8Array(32))
  const expiresAt = caller.now + tokenSeconds
  return decideAndCommit(caller, async () => {
    const [actor, [row]] = await readFacts(caller, selectUserToChange(selector))
    if (!row) throw new Refused({ kind: 'user_not_found', selector })
    if (isSelf(caller, row.id)) throw new Refused({ kind: 'own_password' })
    refuseApiKeyOnOwner(caller, actor, row.id)
    refuseMissing(fromMask(row.permissions), fromMask(actor.permissions))
    const bytes = new Uint8Array([...uuidBytes(row.id), ...secret])
    await caller.database.batch(
      guard(caller, { needs: caller.needs, targetUser: { number: row.number } }),
      insertPasswordToken({
        user_number: row.number,
        hash: await sha256(bytes),
        expires_at: expiresAt,
        giver_number: actor.number,
        key_hash: caller.credential.kind === 'key' ? caller.credential.hash : null,
      }),
      record(caller, actor, 'user.password_token_issued', { userId: row.id }),
    )
    return { token: toBase64Url(bytes), expiresAt }
  })
}

/** Revokes every set-password token of the user. */
export async function revokePasswordTokens(caller: Caller, selector: { id: string }): Promise<void> {
  await decideAndCommit(caller, async () => {
    const [actor, [row], outstanding] = await readFacts(
      caller,
      selectUserToChange(selector),
      selectAnyPasswordToken({ userId: selector.id, now: caller.now }),
    )
    if (!row) throw new Refused({ kind: 'user_not_found', selector })
    refuseMissing(fromMask(row.permissions), fromMask(actor.permissions))
    if (outstanding.length === 0) return
    await caller.database.batch(
      guard(caller, { needs: caller.needs, targetUser: { number: row.number } }),
      deletePasswordTokens({ user_number: row.number }),
      record(caller, actor, 'user.password_token_revoked', { userId: row.id }),
    )
  })
}

/**
 * Sets a password with a token. The audit trail names the token's issuer as the actor. All sessions, API keys and other
 * such tokens of the user are revoked, and a lockout is cleared.
 */
export async function setPasswordByToken(
  visit: Visit,
  { token, password }: { token: string; password: Parsed<'password'> },
): Promise<void> {
  const secret = token.trim()
  const bytes = secret.length === 64 ? fromBase64Url(secret) : undefined
  if (!bytes) throw new Refused({ kind: 'invalid_password_token' })
  const userId = toUuid(bytes.subarray(0, 16))
  const hashOfToken = await sha256(bytes)
  const usable = refuseUnlessPasswordToken({
    userId,
    hash: hashOfToken,
    now: visit.now,
    needs: toMask(tokenNeeds),
  })
  const { user, giverId } = await refusingToken(async () => {
    const [, users, givers] = await visit.database.batch(
      unguarded,
      usable,
      selectUserToChange({ id: userId }),
      selectPasswordTokenGiver({ userId, hash: hashOfToken }),
    )
    return { user: toUser(users[0] as UserRow), giverId: givers[0]?.id ?? null }
  })
  enforcePasswordPolicy(
    password,
    [user.email, user.username, user.name],
    visit.settings.passwordMinLength,
    'newPassword',
  )
  const hash = await hashPassword(password, visit.settings.passwordRounds)
  await commitByToken(visit, { user, giverId, usable, hash })
}

async function commitByToken(
  visit: Visit,
  { user, giverId, usable, hash }: { user: User; giverId: string | null; usable: Statement; hash: string },
) {
  const who = { actorId: giverId, userId: user.id }
  const account = accountOf(user.number)
  for (let present = user; ;) {
    try {
      await visit.database.batch(
        unguarded,
        usable,
        ...updateUserRow(present, { password_hash: hash, updated_at: visit.now }, 'credentials'),
        recordUnlockingWithoutCredential(visit, account, who),
        clearFailures(account),
        recordWithoutCredential(visit, 'user.password_set', { ...who, fields: ['password'] }),
        ...recordUse(visit, user.id),
      )
      return
    } catch (error) {
      if (!(error instanceof BatchRefused)) throw error
      if (error.reason !== 'stale') throw new Refused({ kind: 'invalid_password_token' })
      const [users] = await visit.database.batch(unguarded, selectUserToChange({ id: user.id }))
      if (!users[0]) throw new Refused({ kind: 'invalid_password_token' })
      present = toUser(users[0])
    }
  }
}

async function refusingToken<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof BatchRefused ? new Refused({ kind: 'invalid_password_token' }) : error
  }
}

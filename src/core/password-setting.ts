/** Setting one's own password: with the present one, or with a token somebody with the right to gave out. */
import { parse as uuidBytes } from 'uuid'
import { BatchRefused } from '../database/database'
import { unguarded } from '../database/guard'
import { insertPasswordToken, refuseUnlessPasswordToken } from '../database/password-tokens'
import { refuseSignInIfLocked, selectSignInOf } from '../database/sessions'
import type { UserRow } from '../database/user-row'
import { selectUser, selectUserToChange, updateUser as updateUserRow } from '../database/users'
import { record, recordOf } from './audit'
import { decideAndCommit, facts, guard, isOneself, refuseKey, refuseKeyOf, type Caller, type Visit } from './caller'
import { fromBase64Url, sha256, toBase64Url, toUuid } from './encoding'
import type { Parsed } from './fields'
import { hashPassword, refuseUnfitPassword, verifyPassword } from './passwords'
import { fromMask } from './permissions'
import { Refused } from './refusal'
import { refuseMissing } from './roles'
import { beginSession, newRefreshableSession, type SignedIn } from './sign-in'
import { accountOf, clearFailures, countFailure, refuseIfLocked } from './sign-in-failures'
import { toUser, type User, type UserSelector } from './user'

const tokenSeconds = 86_400

/**
 * Changes the caller's password and begins a new session: every earlier one ends, the caller's included, so that no thief of a session
 * keeps it. A wrong present password counts as a failed sign-in.
 */
export async function changeOwnPassword(
  caller: Caller,
  { current, next }: { current: string; next: Parsed<'password'> },
): Promise<SignedIn> {
  const { credential, database, settings, now } = caller
  const { session, refreshToken } = await newRefreshableSession()
  let hash: string | undefined
  return decideAndCommit(caller, async () => {
    if (credential.kind === 'key') return refuseKey(caller)
    const id = credential.userId
    const [users, secrets] = await database.batch(guard(caller), selectUserToChange({ id }), selectSignInOf({ id }))
    const [row, secret] = [users[0], secrets[0]]
    if (!row || !secret) throw new Refused({ kind: 'unauthenticated' })
    const account = accountOf(row.number)
    refuseIfLocked(secret.locked_until, now)
    refuseUnfitPassword(next, [row.email, row.username, row.name], settings.passwordMinLength, 'newPassword')
    // Before the present one is checked, so that on a locked account a right one takes no longer than a wrong one.
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

/**
 * A token that sets the user's password once, within a day, while they hold no more than whoever gives it out; never one's own. How it
 * reaches them is the caller's to see to.
 */
export async function issuePasswordToken(
  caller: Caller,
  selector: UserSelector,
): Promise<{ token: string; expiresAt: number }> {
  const secret = crypto.getRandomValues(new Uint8Array(32))
  const expiresAt = caller.now + tokenSeconds
  return decideAndCommit(caller, async () => {
    const [actor, [row]] = await facts(caller, selectUserToChange(selector))
    if (!row) throw new Refused({ kind: 'user_not_found', selector })
    if (isOneself(caller, row.id)) throw new Refused({ kind: 'own_password' })
    refuseKeyOf(caller, actor, row.id)
    refuseMissing(fromMask(row.permissions), fromMask(actor.permissions))
    const bytes = new Uint8Array([...uuidBytes(row.id), ...secret])
    await caller.database.batch(
      guard(caller, { needs: caller.needs, over: row.number }),
      insertPasswordToken({
        user_number: row.number,
        hash: await sha256(bytes),
        expires_at: expiresAt,
        authority: actor.permissions,
      }),
      record(caller, actor, 'user.password_token_issued', { userId: row.id }),
    )
    return { token: toBase64Url(bytes), expiresAt }
  })
}

/** Spends a token on a new password: every session of its user ends, and so does every other such token. */
export async function setPasswordByToken(
  visit: Visit,
  { token, password }: { token: string; password: Parsed<'password'> },
): Promise<void> {
  const secret = token.trim()
  const bytes = secret.length === 64 ? fromBase64Url(secret) : undefined
  if (!bytes) throw new Refused({ kind: 'invalid_password_token' })
  const userId = toUuid(bytes.subarray(0, 16))
  const usable = refuseUnlessPasswordToken({ userId, hash: await sha256(bytes), now: visit.now })
  const user = await refusingToken(async () => {
    const [, users] = await visit.database.batch(unguarded, usable, selectUserToChange({ id: userId }))
    return toUser(users[0] as NonNullable<(typeof users)[0]>)
  })
  refuseUnfitPassword(password, [user.email, user.username, user.name], visit.settings.passwordMinLength, 'newPassword')
  const hash = await hashPassword(password, visit.settings.passwordRounds)
  await commitByToken(visit, user, usable, hash)
}

async function commitByToken(
  visit: Visit,
  user: User,
  usable: ReturnType<typeof refuseUnlessPasswordToken>,
  hash: string,
) {
  for (let present = user; ;) {
    try {
      await visit.database.batch(
        unguarded,
        usable,
        ...updateUserRow(present, { password_hash: hash, updated_at: visit.now }, 'sessions'),
        clearFailures(accountOf(present.number)),
        recordOf(visit, 'user.password_set', { actorId: present.id, userId: present.id, fields: ['password'] }),
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

/** Signs users in and refreshes their sessions. Each session has a family of refresh tokens. */
import { v7 as uuid } from 'uuid'
import { insertReuseDetectedEvent, insertSessionEndedEvent, insertSignedOutEvent } from '../../database/audit/audit'
import { BatchRefused, DatabaseUnavailable } from '../../database/database'
import { unguarded } from '../../database/guard'
import {
  deleteSessionOfFamily,
  extendSession,
  insertRefreshToken,
  insertSession,
  refuseSignInIfLocked,
  refuseSignInUnless,
  refuseSignInUnlessStillOf,
  refuseUnlessAlive,
  refuseUnlessRefreshable,
  selectSignIn,
  selectSignInFailures,
  rotateRefreshToken,
  type SignInRow,
} from '../../database/sign-in/sessions'
import type { Statement } from '../../database/statement'
import type { UserRow } from '../../database/users/user-row'
import { replacePasswordHash, selectUser, selectUserCount, selectUserOfSession } from '../../database/users/users'
import { newEvent, recordWithoutCredential } from '../audit/audit'
import type { Visit } from '../access/caller'
import { sha256 } from '../encoding'
import type { Parsed } from '../users/fields'
import { adopt, isToAdopt, type AdoptionRequest } from './adoption'
import { createFirstAdmin } from './first-admin'
import { hashPassword, verifyPassword } from '../passwords/passwords'
import { newRefreshToken, readRefreshToken, successorOf, type RefreshToken } from './refresh-tokens'
import { Refused } from '../refusal'
import { adminRole } from '../access/roles'
import { recordUse, recordUseOnSession } from '../usage/recording'
import { accountOf, accountOfUnknown, clearFailures, countFailure, refuseIfLocked } from './sign-in-failures'
import { foldIdentifier } from '../users/text'
import { toUser, type User } from '../users/user'

/** A session ends this long after its last refresh. */
const refreshableSeconds = 30 * 86_400
/** A retry with a used refresh token gets the same successor for this long, because the first response may be lost. */
const refreshLeewaySeconds = 10

/** Sign-in attempts while the account keeps changing. */
const attempts = 5

export interface Credentials {
  /** An email, a username or a matricule. */
  identifier: string
  password: string
}

/** A session that was started or refreshed. */
export interface OpenedSession {
  user: User
  sessionId: string
}

/** `refreshToken` is returned this one time only, and is stored as a hash. */
export interface SignedIn extends OpenedSession {
  refreshToken: string
}

/**
 * Signs in for thirty days from each refresh. Unknown users, wrong passwords, inactive users and users without a
 * password cost the same and are all refused as `invalid_credentials`. Too many failures on one account are refused as
 * `locked_out`.
 */
export async function signIn(visit: Visit, credentials: Credentials): Promise<SignedIn> {
  const { session, refreshToken } = await newRefreshableSession()
  return { ...(await open(visit, credentials, session)), refreshToken }
}

/** As `signIn`, but for at most so many seconds. The session cannot be refreshed. */
export async function signInFor(
  visit: Visit,
  credentials: Credentials,
  seconds: number,
): Promise<OpenedSession & { seconds: number }> {
  const noFamily = await sha256(crypto.getRandomValues(new Uint8Array(16)))
  const session = { id: uuid(), seconds, familyHash: noFamily, tokenStatements: [] }
  return { ...(await open(visit, credentials, session)), seconds: lifetimeOf(visit, session) }
}

/** A session to be started. */
export interface NewSession {
  id: string
  seconds: number
  familyHash: string
  /** Written in the same batch as the session. */
  tokenStatements: readonly Statement[]
}

/** Returns a refreshable session and its first refresh token. */
export async function newRefreshableSession(): Promise<{ session: NewSession; refreshToken: string }> {
  const id = uuid()
  const { text, hash, familyHash } = await newRefreshToken(id)
  const tokenStatements = [insertRefreshToken({ session_id: id, hash })]
  return { session: { id, seconds: refreshableSeconds, familyHash, tokenStatements }, refreshToken: text }
}

/** Returns the statements that start the session. */
export function beginSession(visit: Visit, session: NewSession, userId: string): Statement[] {
  return [
    insertSession({
      id: session.id,
      user_id: userId,
      contract: visit.contract,
      family_hash: session.familyHash,
      created_at: visit.now,
      last_used_at: visit.now,
      expires_at: visit.now + lifetimeOf(visit, session),
      program: visit.program,
    }),
    ...session.tokenStatements,
    recordWithoutCredential(visit, 'session.created', {
      actorId: userId,
      userId,
      subjectId: session.id,
      address: true,
    }),
    ...recordUse(visit, userId),
  ]
}

const lifetimeOf = ({ settings }: Visit, { seconds }: NewSession) => Math.min(seconds, settings.sessionMaxSeconds)

async function open(visit: Visit, credentials: Credentials, session: NewSession): Promise<OpenedSession> {
  const request = { ...credentials, key: foldIdentifier(credentials.identifier), asked: false }
  for (let tried = 1; ; tried += 1) {
    try {
      return { user: await trySigningIn(visit, request, session), sessionId: session.id }
    } catch (error) {
      if (!(error instanceof BatchRefused)) throw error
      // Since the first read, the account changed or was locked, or the first admin was created. Try again.
      if (tried === attempts) throw new Refused({ kind: 'contended' })
    }
  }
}

async function trySigningIn(visit: Visit, request: AdoptionRequest, session: NewSession): Promise<User> {
  const { key, password } = request
  const unknownAccount = await accountOfUnknown(key)
  const [users, failures, admins] = await visit.database.batch(
    unguarded,
    selectSignIn({ key }),
    selectSignInFailures({ key, unknown: unknownAccount }),
    selectUserCount({ scope: `role:${adminRole}` }),
  )
  refuseIfLocked(failures[0]?.locked_until, visit.now)
  const user = users[0]

  const sessionStatements = (userId: string) => beginSession(visit, session, userId)
  if (admins[0]?.count === 0) {
    const signIn = { key, password, taken: user !== undefined, account: unknownAccount }
    const firstAdmin = await createFirstAdmin(visit, signIn, sessionStatements)
    if (firstAdmin) return firstAdmin
  }

  if (user && isToAdopt(visit, user, password)) return adopt(visit, user, request, sessionStatements)

  const account = user ? accountOf(user.number) : unknownAccount
  const stored = user?.password_hash ?? null
  const { matches, outdated } = await verifyPassword(password, stored, visit.settings.passwordRounds)
  if (!matches || user?.active !== 1) {
    const changed = refuseSignInUnlessStillOf(user, key)
    await visit.database.batch(unguarded, changed, ...countFailure(visit, account, user?.id ?? null))
    throw new Refused({ kind: 'invalid_credentials' })
  }
  const results = await visit.database.batch(
    unguarded,
    refuseSignInUnless(user),
    refuseSignInIfLocked(account, visit.now),
    ...sessionStatements(user.id),
    clearFailures(account),
    selectUser({ id: user.id }),
  )
  // Only after a successful sign-in: on a locked account, the extra time would reveal that the password is right.
  if (outdated) await rehash(visit, user, password)
  return toUser((results.at(-1) as UserRow[])[0] as UserRow)
}

/** The sign-in has already succeeded, so an error here is only logged. The next sign-in tries again. */
async function rehash(visit: Visit, { number, password_hash }: SignInRow, password: string): Promise<void> {
  const known = password.normalize('NFC') as Parsed<'password'>
  const renewed = await hashPassword(known, visit.settings.passwordRounds)
  const replacement = replacePasswordHash({ number, outdated: password_hash, password_hash: renewed })
  try {
    await visit.database.batch(unguarded, replacement)
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable)) throw error
    console.error(visit.requestId, `D1: ${error.message}`)
  }
}

/**
 * Exchanges a refresh token for its successor. A retry within ten seconds gets the same successor. A later use of a
 * used token means that two clients hold it, so the session ends. Refuses with `invalid_refresh_token`.
 */
export async function refreshSession(visit: Visit, refreshToken: string): Promise<SignedIn> {
  const { database, settings, now } = visit
  const token = await readRefreshToken(refreshToken)
  if (!token) throw new Refused({ kind: 'invalid_refresh_token' })
  const { sessionId, hash } = token
  const usedSince = now - refreshLeewaySeconds
  // During a rotation of the secret, the successor of an earlier token may derive from the previous secret.
  const successors = await Promise.all(settings.jwtSecrets.map((secret) => successorOf(token, secret)))
  const [successor, otherSuccessor = null] = successors.map((token) => token.hash) as [string, string?]
  try {
    const results = await database.batch(
      unguarded,
      refuseUnlessRefreshable({ ...familyOf(visit, token), hash, usedSince }),
      ...rotateRefreshToken({
        session_id: sessionId,
        hash,
        successor,
        otherSuccessor,
        now,
        forgottenBefore: usedSince,
      }),
      extendSession({
        id: sessionId,
        now,
        expires_at: now + refreshableSeconds,
        longest: settings.sessionMaxSeconds,
      }),
      selectUserOfSession({ id: sessionId }),
      ...recordUseOnSession(visit, sessionId),
    )
    const [, , , inserted, found, , users] = results
    const next = successors.find((token) => token.hash === (inserted[0] ?? found[0])?.hash)
    if (!next) throw new Refused({ kind: 'invalid_refresh_token' })
    return { user: toUser(users[0] as UserRow), sessionId, refreshToken: next.text }
  } catch (error) {
    if (!(error instanceof BatchRefused)) throw error
    const about = { actorId: null, subjectId: sessionId }
    const family = familyOf(visit, token)
    await database.batch(
      unguarded,
      insertReuseDetectedEvent({
        ...newEvent(visit, 'session.reuse_detected', { ...about, address: true }),
        ...family,
        hash,
      }),
      insertSessionEndedEvent({ ...newEvent(visit, 'session.ended', about), ...family }),
      deleteSessionOfFamily({ id: sessionId, family_hash: token.familyHash }),
    )
    throw new Refused({ kind: 'invalid_refresh_token' })
  }
}

/**
 * Ends the session of a refresh token, for a client whose access token has expired. A used token is accepted too,
 * because using it would end the session anyway. Refuses with `invalid_refresh_token`.
 */
export async function signOutByRefreshToken(visit: Visit, refreshToken: string): Promise<void> {
  const token = await readRefreshToken(refreshToken)
  if (!token) throw new Refused({ kind: 'invalid_refresh_token' })
  const family = familyOf(visit, token)
  const event = newEvent(visit, 'session.ended', { actorId: null, subjectId: token.sessionId })
  try {
    await visit.database.batch(
      unguarded,
      refuseUnlessAlive(family),
      insertSignedOutEvent({ ...event, ...family }),
      ...recordUseOnSession(visit, token.sessionId),
      deleteSessionOfFamily({ id: token.sessionId, family_hash: token.familyHash }),
    )
  } catch (error) {
    throw error instanceof BatchRefused ? new Refused({ kind: 'invalid_refresh_token' }) : error
  }
}

/** The conditions by which the database finds the token's session while it is valid. */
function familyOf({ settings, now }: Visit, { sessionId, familyHash }: RefreshToken) {
  return { sessionId, familyHash, now, begunAfter: now - settings.sessionMaxSeconds }
}

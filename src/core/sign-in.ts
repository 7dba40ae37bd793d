/** Signing in and staying in: sessions begin here, each with its family of refresh tokens. */
import { parse as uuidBytes, v7 as uuid } from 'uuid'
import { insertReuseDetectedEvent, insertSessionEndedEvent, insertSignedOutEvent } from '../database/audit'
import { BatchRefused } from '../database/database'
import { unguarded } from '../database/guard'
import {
  deleteSessionOfFamily,
  extendSession,
  insertRefreshToken,
  insertSession,
  refuseSignInIfLocked,
  refuseSignInUnless,
  refuseUnlessAlive,
  refuseUnlessRefreshable,
  selectSignIn,
  selectSignInFailures,
  spendRefreshToken,
  type SignInRow,
} from '../database/sessions'
import type { Statement } from '../database/statement'
import type { UserRow } from '../database/user-row'
import { selectUser, selectUserOfSession, setPasswordHash } from '../database/users'
import { newEvent, recordOf } from './audit'
import type { Visit } from './caller'
import { fromBase64Url, sha256, toBase64Url, toUuid } from './encoding'
import type { Parsed } from './fields'
import { createFirstAdmin } from './first-admin'
import { hashPassword, verifyPassword } from './passwords'
import { Refused } from './refusal'
import {
  accountOf,
  accountOfNobody,
  clearFailures,
  countFailure,
  recordLockout,
  refuseIfLocked,
} from './sign-in-failures'
import { foldIdentifier } from './text'
import { toUser, type User } from './user'

/** How long a session lasts after its last refresh. */
const refreshableSeconds = 30 * 86_400
/** How long a spent refresh token still gets a working pair: its answer may have been lost. */
const refreshLeewaySeconds = 10

/** Looks at an account that changes under every one of them. */
const attempts = 5

export interface Credentials {
  /** An email, a username or a matricule. */
  identifier: string
  password: string
}

/** A session of a user, begun or gone on with. */
export interface Opened {
  user: User
  sessionId: string
}

/** With the next refresh token, which is shown this once and kept only as its hash. */
export interface SignedIn extends Opened {
  refreshToken: string
}

/**
 * Signs in, for thirty days from each refresh. Unknown, wrong, inactive and password-less cost the same and are refused alike, as
 * `invalid_credentials`; too many failures on one account as `locked_out`.
 */
export async function signIn(visit: Visit, credentials: Credentials): Promise<SignedIn> {
  const sessionId = uuid()
  const token = await newRefreshToken(sessionId)
  const opened = await open(visit, credentials, {
    id: sessionId,
    seconds: refreshableSeconds,
    familyHash: token.familyHash,
    beside: [insertRefreshToken({ session_id: sessionId, hash: token.hash })],
  })
  return { ...opened, refreshToken: token.text }
}

/** Signs in as `signIn` does, for so many seconds and no longer: nothing refreshes this session. */
export async function signInFor(visit: Visit, credentials: Credentials, seconds: number): Promise<Opened> {
  const noFamily = await sha256(crypto.getRandomValues(new Uint8Array(16)))
  return open(visit, credentials, { id: uuid(), seconds, familyHash: noFamily, beside: [] })
}

/** A session about to be. */
interface NewSession {
  id: string
  seconds: number
  familyHash: string
  /** What is written with it. */
  beside: readonly Statement[]
}

async function open(visit: Visit, credentials: Credentials, session: NewSession): Promise<Opened> {
  for (let tried = 1; ; tried += 1) {
    try {
      return { user: await trySigningIn(visit, credentials, session), sessionId: session.id }
    } catch (error) {
      if (!(error instanceof BatchRefused)) throw error
      // The account changed while the password was being checked, or somebody else just became the first admin: look again.
      if (tried === attempts) throw new Refused({ kind: 'contended' })
    }
  }
}

async function trySigningIn(visit: Visit, { identifier, password }: Credentials, session: NewSession): Promise<User> {
  const key = foldIdentifier(identifier)
  const nobody = await accountOfNobody(key)
  const [users, failures] = await visit.database.batch(
    unguarded,
    selectSignIn({ key }),
    selectSignInFailures({ key, unknown: nobody }),
  )
  refuseIfLocked(failures[0]?.locked_until, visit.now)
  const user = users[0]

  const opening = (userId: string) => [
    insertSession({
      id: session.id,
      user_id: userId,
      contract: visit.contract,
      family_hash: session.familyHash,
      created_at: visit.now,
      last_used_at: visit.now,
      expires_at: visit.now + session.seconds,
    }),
    ...session.beside,
    recordOf(visit, 'session.created', { actorId: userId, userId, subjectId: session.id, address: true }),
  ]
  const firstAdmin = await createFirstAdmin(
    visit,
    { key, password, taken: user !== undefined, account: nobody },
    opening,
  )
  if (firstAdmin) return firstAdmin

  const account = user ? accountOf(user.number) : nobody
  const { passwordRounds } = visit.settings
  const { matches, outdated } = await verifyPassword(password, user?.password_hash ?? null, passwordRounds)
  if (!matches || user?.active !== 1) {
    await visit.database.batch(
      unguarded,
      countFailure(account, visit.now),
      recordLockout(visit, account, user?.id ?? null),
    )
    throw new Refused({ kind: 'invalid_credentials' })
  }
  const rehashed = outdated ? [await rehash(user, password, passwordRounds)] : []
  const results = await visit.database.batch(
    unguarded,
    refuseSignInUnless(user),
    refuseSignInIfLocked(account, visit.now),
    ...rehashed,
    ...opening(user.id),
    clearFailures(account),
    selectUser({ id: user.id }),
  )
  return toUser((results.at(-1) as UserRow[])[0] as UserRow)
}

async function rehash(user: SignInRow, password: string, rounds: number): Promise<Statement> {
  const known = password.normalize('NFC') as Parsed<'password'>
  return setPasswordHash({ number: user.number, password_hash: await hashPassword(known, rounds) })
}

/**
 * Trades a refresh token for the next one. Spent ones work for ten seconds more; later use of one means that two hold it, and
 * ends the session. Refuses with `invalid_refresh_token`.
 */
export async function refreshSession(visit: Visit, refreshToken: string): Promise<SignedIn> {
  const token = await readRefreshToken(refreshToken)
  if (!token) throw new Refused({ kind: 'invalid_refresh_token' })
  const { sessionId, hash, familyHash } = token
  const next = await newRefreshToken(sessionId, token.family)
  const spentSince = visit.now - refreshLeewaySeconds
  try {
    const results = await visit.database.batch(
      unguarded,
      refuseUnlessRefreshable({ sessionId, hash, familyHash, now: visit.now, spentSince }),
      ...spendRefreshToken({ session_id: sessionId, hash, now: visit.now, forgottenBefore: spentSince }),
      insertRefreshToken({ session_id: sessionId, hash: next.hash }),
      extendSession({ id: sessionId, now: visit.now, expires_at: visit.now + refreshableSeconds }),
      selectUserOfSession({ id: sessionId }),
    )
    return { user: toUser((results.at(-1) as UserRow[])[0] as UserRow), sessionId, refreshToken: next.text }
  } catch (error) {
    if (!(error instanceof BatchRefused)) throw error
    await visit.database.batch(
      unguarded,
      insertReuseDetectedEvent({
        ...newEvent(visit, 'session.reuse_detected', { actorId: null, subjectId: sessionId, address: true }),
        family_hash: familyHash,
        hash,
      }),
      insertSessionEndedEvent({
        ...newEvent(visit, 'session.ended', { actorId: null, subjectId: sessionId }),
        family_hash: familyHash,
      }),
      deleteSessionOfFamily({ id: sessionId, family_hash: familyHash }),
    )
    throw new Refused({ kind: 'invalid_refresh_token' })
  }
}

/**
 * Ends the session of a refresh token, for a client whose access token has expired. A spent token will do: whoever holds it could end
 * the session by using it. Refuses with `invalid_refresh_token`.
 */
export async function signOutByRefreshToken(visit: Visit, refreshToken: string): Promise<void> {
  const token = await readRefreshToken(refreshToken)
  if (!token) throw new Refused({ kind: 'invalid_refresh_token' })
  const { sessionId, familyHash } = token
  const event = newEvent(visit, 'session.ended', { actorId: null, subjectId: sessionId })
  try {
    await visit.database.batch(
      unguarded,
      refuseUnlessAlive({ sessionId, familyHash, now: visit.now }),
      insertSignedOutEvent({ ...event, family_hash: familyHash }),
      deleteSessionOfFamily({ id: sessionId, family_hash: familyHash }),
    )
  } catch (error) {
    throw error instanceof BatchRefused ? new Refused({ kind: 'invalid_refresh_token' }) : error
  }
}

/** 16 bytes of session id, 16 that the family shares, 32 of this token alone; as URL-safe base64. */
async function newRefreshToken(sessionId: string, family = crypto.getRandomValues(new Uint8Array(16))) {
  const bytes = new Uint8Array(64)
  bytes.set(uuidBytes(sessionId))
  bytes.set(family, 16)
  crypto.getRandomValues(bytes.subarray(32))
  return { text: toBase64Url(bytes), hash: await sha256(bytes), familyHash: await sha256(family) }
}

async function readRefreshToken(text: string) {
  const bytes = text.length === 86 ? fromBase64Url(text) : undefined
  if (!bytes) return undefined
  const family = bytes.slice(16, 32)
  return {
    sessionId: toUuid(bytes.subarray(0, 16)),
    family,
    hash: await sha256(bytes),
    familyHash: await sha256(family),
  }
}

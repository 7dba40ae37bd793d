/** Lists and ends the sessions of a user. */
import { deleteSession, endSessionsOf, selectSessionsOf } from '../../database/sign-in/sessions'
import { selectUserToChange } from '../../database/users/users'
import { record } from '../audit/audit'
import {
  decideAndCommit,
  readFacts,
  guard,
  isSelf,
  refuseApiKey,
  refuseApiKeyOnOwner,
  translateRefusals,
  type Caller,
} from '../access/caller'
import { fromMask } from '../access/permissions'
import { Refused } from '../refusal'
import { refuseMissing } from '../access/roles'
import type { UserSelector } from '../users/user'

/** Times are unix seconds. */
export interface Session {
  id: string
  contract: string
  /** That signed in, by its own account; an empty text where it named none. */
  program: string
  createdAt: number
  lastUsedAt: number
  expiresAt: number
  /** Whether the request came with this session. */
  current: boolean
}

/** Returns the valid sessions of a user, newest first. */
export async function listSessions(caller: Caller, user: { id: string }): Promise<Session[]> {
  const { sessions } = await sessionsOf(caller, user)
  return sessions
}

/** Ends one session of a user. A session of another user is not found. */
export async function endSession(caller: Caller, user: { id: string }, sessionId: string): Promise<void> {
  await end(caller, user, sessionId)
}

/** Ends every session of a user, the caller's own session included. */
export async function endSessions(caller: Caller, user: { id: string }): Promise<void> {
  await end(caller, user, undefined)
}

/** Ends the caller's session, so its access and refresh tokens are invalid from now on. An API key has no session. */
export async function signOut(caller: Caller): Promise<void> {
  const { credential } = caller
  if (credential.kind === 'key') return refuseApiKey(caller)
  await translateRefusals(caller, () =>
    caller.database.batch(
      guard(caller),
      deleteSession({ id: credential.sessionId }),
      record(caller, { id: credential.userId, key_id: null }, 'session.ended', {
        userId: credential.userId,
        subjectId: credential.sessionId,
      }),
    ),
  )
}

async function sessionsOf(caller: Caller, selector: UserSelector & { id: string }) {
  const [actor, [user], rows] = await translateRefusals(caller, () =>
    readFacts(caller, selectUserToChange(selector), selectSessionsOf({ user_id: selector.id, now: caller.now })),
  )
  if (!user) throw new Refused({ kind: 'user_not_found', selector })
  const own = caller.credential.kind === 'session' ? caller.credential.sessionId : undefined
  const sessions = rows.map((row) => ({
    id: row.id,
    contract: row.contract,
    program: row.program,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
    current: row.id === own,
  }))
  return { actor, user, sessions }
}

async function end(caller: Caller, selector: { id: string }, sessionId: string | undefined): Promise<void> {
  await decideAndCommit(caller, async () => {
    const { actor, user, sessions } = await sessionsOf(caller, selector)
    refuseApiKeyOnOwner(caller, actor, user.id)
    refuseMissing(fromMask(user.permissions), fromMask(actor.permissions))
    if (sessionId !== undefined && !sessions.some(({ id }) => id === sessionId)) {
      throw new Refused({ kind: 'resource_not_found', resource: 'session' })
    }
    await caller.database.batch(
      guard(caller, { needs: isSelf(caller, user.id) ? [] : caller.needs, targetUser: { number: user.number } }),
      sessionId === undefined ? endSessionsOf({ number: user.number }) : deleteSession({ id: sessionId }),
      record(caller, actor, 'session.ended', {
        userId: user.id,
        ...(sessionId !== undefined && { subjectId: sessionId }),
      }),
    )
  })
}

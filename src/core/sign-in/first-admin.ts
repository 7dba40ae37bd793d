/**
 * Creates the first admin of an empty directory, once, when a client first signs in with the configured credentials.
 */
import { v7 as uuid } from 'uuid'
import { BatchConflict } from '../../database/database'
import { unguarded } from '../../database/guard'
import { refuseSignInIfLocked } from '../../database/sign-in/sessions'
import type { Statement } from '../../database/statement'
import type { UserRow } from '../../database/users/user-row'
import { refuseIfRoleHeld, selectUser } from '../../database/users/users'
import { recordWithoutCredential } from '../audit/audit'
import type { Visit } from '../access/caller'
import { sha256, utf8 } from '../encoding'
import { isTooLongPassword, parseEmail, parseName, parsePassword, type Outcome } from '../users/fields'
import { enforcePasswordPolicy } from '../passwords/passwords'
import { adminRole } from '../access/roles'
import { foldIdentifier } from '../users/text'
import { toUser, type User } from '../users/user'
import { insertUserStatements, toNewRow } from '../users/users'

/**
 * Creates the first admin and signs them in with `sessionStatements`. Returns undefined when the credentials are not
 * the configured ones. It costs the same round trips and hashing as a sign-in with a wrong password, because a lockout
 * must not distinguish them. `key` is the folded identifier; `taken` is whether a user already has it; `account` is
 * where its failures are counted. Throws `BatchRefused` when another sign-in came first.
 */
export async function createFirstAdmin(
  visit: Visit,
  signIn: { key: string; password: string; taken: boolean; account: string },
  sessionStatements: (userId: string) => Statement[],
): Promise<User | undefined> {
  const configured = visit.settings.firstAdmin
  if (!configured || foldIdentifier(configured.email) !== signIn.key) return undefined
  if (isTooLongPassword(signIn.password)) return undefined
  if (!(await sameSecret(configured.password, signIn.password))) return undefined
  if (signIn.taken) return refuse('BOOTSTRAP_ADMIN_EMAIL already is a user of the directory')

  const email = parsed('BOOTSTRAP_ADMIN_EMAIL', parseEmail(configured.email))
  const name = email && parsed('BOOTSTRAP_ADMIN_EMAIL', parseName(email.slice(0, email.lastIndexOf('@'))))
  const password = parsed('BOOTSTRAP_ADMIN_PASSWORD', parsePassword(configured.password))
  if (!email || !name || !password) return undefined
  try {
    enforcePasswordPolicy(password, [email, name], visit.settings.passwordMinLength)
  } catch {
    return refuse('BOOTSTRAP_ADMIN_PASSWORD is too short or says who the admin is')
  }

  const id = uuid()
  const row = await toNewRow(id, { email, name, password }, [adminRole], visit)
  try {
    const results = await visit.database.batch(
      unguarded,
      refuseIfRoleHeld(adminRole),
      refuseSignInIfLocked(signIn.account, visit.now),
      ...insertUserStatements(row, [adminRole]),
      recordWithoutCredential(visit, 'user.created', {
        actorId: null,
        userId: id,
        fields: ['email', 'name', 'password', 'roles'],
      }),
      ...sessionStatements(id),
      selectUser({ id }),
    )
    return toUser((results.at(-1) as UserRow[])[0] as UserRow)
  } catch (error) {
    if (error instanceof BatchConflict) return refuse('BOOTSTRAP_ADMIN_EMAIL already is a user of the directory')
    throw error
  }
}

/** Logs the reason for the operator. The client learns only that the sign-in failed. */
function refuse(why: string): undefined {
  console.error(`The first admin was not created: ${why}.`)
  return undefined
}

function parsed<Value>(variable: string, outcome: Outcome<Value>): Value | undefined {
  return 'value' in outcome ? outcome.value : refuse(`${variable} is not acceptable: ${outcome.problem.rule}`)
}

/** Compares hashes, so that the response time does not reveal how much of the secret matches. */
async function sameSecret(first: string, second: string): Promise<boolean> {
  const [a, b] = await Promise.all([first, second].map((text) => sha256(utf8(text.normalize('NFC')))))
  return a === b
}

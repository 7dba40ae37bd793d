/** Email, username and names. SCIM shows in one attribute what the core stores in several fields. */
import {
  parseEmail,
  parseFamilyName,
  parseGivenName,
  parseName,
  parseUsername,
  type Parsed,
} from '../../../core/users/fields'
import { foldIdentifier } from '../../../core/users/text'
import type { User, UserChanges } from '../../../core/users/user'
import { invalid, type Complex, type Values } from '../language/values'
import { parsed } from './parsing'
import { isOfType } from './phones'

/** Returns the email and the username. A userName that equals the email means that there is no username. */
export function identityOf(wanted: Values, shown: Values, user: User | undefined): UserChanges {
  const userName = wanted['userName']
  if (typeof userName !== 'string') throw invalid('userName', 'is required.')
  const sent = emailIn((wanted['emails'] ?? []) as Complex[])
  const isUnchanged = user !== undefined && sent === user.email
  const email = isUnchanged
    ? user.email
    : sent === undefined
      ? fromUserName(userName)
      : parsed('emails', parseEmail, sent)
  const changes: UserChanges = { email: email as Parsed<'email'> }
  const isEmail = foldIdentifier(userName) === foldIdentifier(email)
  if (user && userName === shown['userName']) {
    if (isEmail)
      return user.username === null ? changes : { ...changes, username: email === user.email ? undefined : null }
    // A userName that was the email becomes the username, if its length allows it.
    const kept = user.username === null ? parseUsername(userName) : undefined
    return kept && 'value' in kept ? { ...changes, username: kept.value } : changes
  }
  const standsIn = isEmail || (user !== undefined && foldIdentifier(userName) === foldIdentifier(user.email))
  return { ...changes, username: standsIn ? null : parsed('userName', parseUsername, userName) }
}

function fromUserName(userName: string): Parsed<'email'> {
  const outcome = parseEmail(userName)
  if ('value' in outcome) return outcome.value
  throw invalid('emails', 'must have an address, since userName is none.')
}

/** Returns the primary address, else the first of type work, else the first. */
function emailIn(entries: readonly Complex[]): string | undefined {
  const withValue = entries.filter(({ value }) => value !== undefined)
  const chosen =
    withValue.find(({ primary }) => primary === true) ??
    withValue.find((entry) => isOfType(entry, 'work')) ??
    withValue[0]
  return chosen && String(chosen['value'])
}

export function nameChanges(wanted: Values, user: User | undefined): UserChanges {
  const names = (wanted['name'] ?? {}) as Complex
  const [given, family] = [String(names['givenName'] ?? ''), String(names['familyName'] ?? '')]
  const changes: UserChanges = {}
  if (given !== (user?.givenName ?? '')) changes.givenName = parsed('name.givenName', parseGivenName, given)
  if (family !== (user?.familyName ?? '')) changes.familyName = parsed('name.familyName', parseFamilyName, family)
  const displayName = wanted['displayName']
  if (typeof displayName === 'string') {
    if (displayName !== user?.name) changes.name = parsed('displayName', parseName, displayName)
    return changes
  }
  // Without a display name: the formatted name, else the parts, which the core joins.
  const formatted = names['formatted']
  if (typeof formatted === 'string' && formatted !== user?.name) {
    const outcome = parseName(formatted)
    if ('value' in outcome) changes.name = outcome.value
  } else if (user && user.name !== '' && changes.givenName === undefined && changes.familyName === undefined) {
    const joined = parseName(`${given} ${family}`.trim())
    if ('value' in joined) changes.name = joined.value
  }
  return changes
}

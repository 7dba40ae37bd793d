/** Translates between users of the core and users of SCIM, attribute by attribute. */
import {
  maxAttributeBytes,
  type Attributes,
  type ProvisionedChanges,
  type ProvisionedUser,
} from '../../../core/provisioning/users'
import { parseAttribute, parseMatricule, parseName } from '../../../core/users/fields'
import { defaultRole } from '../../../core/access/roles'
import { usernameOrEmail, type NewUser, type User, type UserChanges } from '../../../core/users/user'
import { toUtc } from '../../../http/contract/times'
import { invalid, type Complex, type Value, type Values } from '../language/values'
import { enterpriseSchema, userSchema } from '../schemas/attributes'
import { identityOf, nameChanges } from './identity'
import { namesOf, toAttributes } from './kept'
import { externalIdOf, parsed } from './parsing'
import { ownPhones, phoneNumbersOf, phonesOf } from './phones'

const extension = enterpriseSchema.id

/** Returns the new user of the core for the values that a client sends. */
export function toNewUser(sent: Values): { input: NewUser; externalId: string | null; attributes: Attributes } {
  const { changes, externalId, attributes } = toChanges(sent, undefined)
  const { email, name, givenName, familyName, active, ...further } = changes
  if (!email) throw invalid('emails', 'must have an address.')
  // Without a name, the core joins the parts of the name.
  const displayed = name ?? (givenName || familyName ? undefined : nameFrom(sent))
  return {
    input: { ...further, email, name: displayed, givenName, familyName, active: active === false ? false : undefined },
    externalId: externalId ?? null,
    attributes: attributes ?? {},
  }
}

/** For a user without any name: the beginning of the userName. */
const nameFrom = ({ userName }: Values) =>
  parsed('userName', parseName, String(userName).split('@')[0] || String(userName))

/** Adds the present values of core attributes that the client leaves out. */
export function toReplacement(sent: Values, present: ProvisionedUser): ProvisionedChanges {
  const shown = valuesOf(present)
  const stays = ['externalId', 'name', 'displayName', 'active', 'emails'].map((name) => [
    name,
    sent[name] === undefined ? shown[name] : sent[name],
  ])
  const own = (shown['phoneNumbers'] ?? []) as Complex[]
  const phoneNumbers = sent['phoneNumbers'] === undefined ? own.slice(0, ownPhones(present.user)) : sent['phoneNumbers']
  const given = (sent[extension] ?? {}) as Values
  const employeeNumber =
    given['employeeNumber'] === undefined
      ? (shown[extension] as Values | undefined)?.['employeeNumber']
      : given['employeeNumber']
  const wanted: Values = {
    ...sent,
    ...(Object.fromEntries(stays) as Values),
    phoneNumbers: phoneNumbers as Value,
    [extension]: { ...given, employeeNumber: employeeNumber as Value },
  }
  if (wanted['active'] === null) wanted['active'] = shown['active']
  return toChanges(wanted, present)
}

/**
 * Returns the changes that lead to `wanted`, which is the complete user. A value that equals the shown one is no
 * change, and is not validated.
 */
export function toChanges(wanted: Values, present: ProvisionedUser | undefined): ProvisionedChanges {
  const shown = present ? valuesOf(present) : {}
  const employee = employeeNumberOf(wanted, shown, present)
  const phones = phonesOf(wanted, shown)
  const changes: UserChanges = {
    ...identityOf(wanted, shown, present?.user),
    ...nameChanges(wanted, present?.user),
    ...phones.changes,
    ...(employee.matricule !== undefined && { matricule: employee.matricule }),
    active: typeof wanted['active'] === 'boolean' ? wanted['active'] : undefined,
  }
  const attributes = toAttributes(wanted, shown, { employeeNumber: employee.kept, phones })
  if (attributes && new TextEncoder().encode(JSON.stringify(attributes)).length > maxAttributeBytes) {
    throw invalid('The user', `has more than ${maxAttributeBytes} bytes of attributes.`)
  }
  return { changes, externalId: externalIdOf(wanted['externalId'], present?.externalId ?? null), attributes }
}

/**
 * A value of digits is the matricule. Any other value is stored for SCIM only, and is shown instead of the matricule.
 */
function employeeNumberOf(
  wanted: Values,
  shown: Values,
  present: ProvisionedUser | undefined,
): { matricule?: UserChanges['matricule']; kept: string | undefined } {
  const value = (wanted[extension] as Values | null | undefined)?.['employeeNumber']
  const before = (shown[extension] as Values | undefined)?.['employeeNumber']
  const keptBefore = present?.attributes['employeeNumber'] as string | undefined
  if (value === before) return { kept: keptBefore }
  if (typeof value !== 'string')
    return keptBefore === undefined ? { matricule: null, kept: undefined } : { kept: undefined }
  const isMatricule = /^(0|[1-9][0-9]{0,15})$/.test(value) && Number.isSafeInteger(Number(value))
  if (!isMatricule) return { kept: parsed('employeeNumber', parseAttribute, value) }
  const outcome = parseMatricule(Number(value))
  return 'value' in outcome ? { matricule: outcome.value, kept: undefined } : { kept: value }
}

/**
 * Returns a user as a complete resource. `base` is the URL of the contract. An absent attribute is undefined, which JSON
 * leaves out.
 */
export function fromUser({ user, externalId, attributes }: ProvisionedUser, base: string): Record<string, unknown> {
  const extended = extensionFrom(user, attributes)
  return {
    schemas: extended ? extendedUser : plainUser,
    id: user.id,
    externalId: externalId ?? undefined,
    userName: usernameOrEmail(user),
    name: namesOf(user, attributes),
    displayName: user.name || undefined,
    nickName: attributes['nickName'],
    profileUrl: attributes['profileUrl'],
    title: attributes['title'],
    userType: attributes['userType'],
    preferredLanguage: attributes['preferredLanguage'],
    locale: attributes['locale'],
    timezone: attributes['timezone'],
    active: user.active,
    emails: [{ value: user.email, type: 'work', primary: true }],
    phoneNumbers: phoneNumbersOf(user, attributes),
    addresses: attributes['addresses'],
    groups: groupsOf(user, base),
    [extension]: extended,
    meta: {
      resourceType: 'User',
      created: toUtc(user.createdAt),
      lastModified: toUtc(user.updatedAt),
      location: `${base}/Users/${user.id}`,
      version: toETag(user),
    },
  }
}

const plainUser = [userSchema.id]
const extendedUser = [userSchema.id, extension]

function extensionFrom({ matricule }: User, attributes: Attributes): Record<string, unknown> | undefined {
  const extended = {
    employeeNumber: attributes['employeeNumber'] ?? (matricule === null ? undefined : String(matricule)),
    costCenter: attributes['costCenter'],
    organization: attributes['organization'],
    division: attributes['division'],
    department: attributes['department'],
    manager: attributes['manager'],
  }
  return Object.values(extended).some((value) => value !== undefined) ? extended : undefined
}

function groupsOf({ roles }: User, base: string): Record<string, unknown>[] | undefined {
  const groups = roles.filter(({ number }) => number !== defaultRole)
  if (groups.length === 0) return undefined
  return groups.map(({ id, name }) => ({ value: id, $ref: `${base}/Groups/${id}`, display: name, type: 'direct' }))
}

/** Returns the attributes of a user as a client sees them: only those that have a value. */
export function valuesOf(provisioned: ProvisionedUser): Values {
  return JSON.parse(JSON.stringify(fromUser(provisioned, ''))) as Values
}

export const toETag = ({ version }: { version: number }) => `W/"${version}"`

/** Translates between users of the core and users of SCIM, attribute by attribute. */
import {
  maxAttributeBytes,
  type Attributes,
  type ProvisionedChanges,
  type ProvisionedUser,
} from '../../../core/provisioning/users'
import { parseAttribute, parseMatricule, parseName } from '../../../core/users/fields'
import { defaultRole } from '../../../core/access/roles'
import { usernameOrEmail, type NewUser, type UserChanges } from '../../../core/users/user'
import { toUtc } from '../../../http/contract/times'
import { invalid, picked, withoutAbsent, type Complex, type Value, type Values } from '../language/values'
import { enterpriseSchema, userSchema } from '../schemas/attributes'
import { identityOf, nameChanges } from './identity'
import { extensionTexts, namesOf, plainTexts, toAttributes } from './kept'
import { externalIdOf, parsed } from './parsing'
import { ownPhones, phoneNumbersOf, phonesOf } from './phones'

const extension = enterpriseSchema.id

/** Returns the attributes of a user as SCIM shows them, except those that only the directory sets. */
export function valuesOf({ user, externalId, attributes }: ProvisionedUser): Values {
  const extended = withoutAbsent({
    employeeNumber: attributes['employeeNumber'] ?? (user.matricule === null ? undefined : String(user.matricule)),
    ...picked(attributes, extensionTexts),
    manager: attributes['manager'],
  })
  return withoutAbsent({
    externalId,
    userName: usernameOrEmail(user),
    name: namesOf(user, attributes),
    displayName: user.name || undefined,
    ...picked(attributes, plainTexts),
    active: user.active,
    emails: [{ value: user.email, type: 'work', primary: true }],
    phoneNumbers: phoneNumbersOf(user, attributes),
    addresses: attributes['addresses'],
    [extension]: Object.keys(extended).length > 0 ? extended : undefined,
  })
}

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

/** Returns a user as a complete resource. `base` is the URL of the contract. */
export function fromUser(provisioned: ProvisionedUser, base: string): Record<string, unknown> {
  const { user } = provisioned
  const { externalId, ...values } = valuesOf(provisioned)
  const { [extension]: extended, ...own } = values
  const groups = user.roles
    .filter(({ number }) => number !== defaultRole)
    .map(({ id, name }) => ({ value: id, $ref: `${base}/Groups/${id}`, display: name, type: 'direct' }))
  return {
    schemas: [userSchema.id, ...(extended ? [extension] : [])],
    id: user.id,
    ...(externalId !== undefined && { externalId }),
    ...own,
    ...(groups.length > 0 && { groups }),
    ...(extended && { [extension]: extended }),
    meta: {
      resourceType: 'User',
      created: toUtc(user.createdAt),
      lastModified: toUtc(user.updatedAt),
      location: `${base}/Users/${user.id}`,
      version: toETag(user),
    },
  }
}

export const toETag = ({ version }: { version: number }) => `W/"${version}"`

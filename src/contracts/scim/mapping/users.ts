/** Between users of the core and SCIM's, attribute by attribute. */
import {
  maxAttributeBytes,
  type Attributes,
  type ProvisionedChanges,
  type ProvisionedUser,
} from '../../../core/provisioning/users'
import {
  parseAttribute,
  parseEmail,
  parseExternalId,
  parseFamilyName,
  parseGivenName,
  parseMatricule,
  parseName,
  parsePhoneNumber,
  parseUsername,
  type Outcome,
  type Parsed,
} from '../../../core/users/fields'
import { defaultRole } from '../../../core/access/roles'
import { foldIdentifier } from '../../../core/users/text'
import { usernameOrEmail, type NewUser, type User, type UserChanges } from '../../../core/users/user'
import { toUtc } from '../../../http/contract/times'
import { describe } from '../errors'
import { invalid, type Complex, type Value, type Values } from '../language/values'
import { enterpriseSchema, userSchema } from '../schemas/attributes'

const extension = enterpriseSchema.id

/** Attributes kept as they are, each a text. */
const plainTexts = ['nickName', 'profileUrl', 'title', 'userType', 'preferredLanguage', 'locale', 'timezone'] as const
const extensionTexts = ['costCenter', 'organization', 'division', 'department'] as const
const otherNames = ['middleName', 'honorificPrefix', 'honorificSuffix'] as const

/** The attributes of a user as SCIM shows them, but for those that the directory alone decides. */
export function valuesOf({ user, externalId, attributes }: ProvisionedUser): Values {
  const extended = withoutNone({
    employeeNumber: attributes['employeeNumber'] ?? (user.matricule === null ? undefined : String(user.matricule)),
    ...picked(attributes, extensionTexts),
    manager: attributes['manager'],
  })
  return withoutNone({
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

function withoutNone(values: Record<string, unknown>): Values {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== null),
  ) as Values
}

const picked = (from: Attributes, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, from[name]]))

interface KeptName {
  formatted?: string
  /** The parts that `formatted` came with. */
  givenName?: string
  familyName?: string
  middleName?: string
  honorificPrefix?: string
  honorificSuffix?: string
}

const keptName = (attributes: Attributes) => (attributes['name'] ?? {}) as KeptName

function namesOf({ givenName, familyName }: User, attributes: Attributes): Values | undefined {
  const kept = keptName(attributes)
  const isAsSent = (kept.givenName ?? '') === givenName && (kept.familyName ?? '') === familyName
  const formatted = kept.formatted !== undefined && isAsSent ? kept.formatted : `${givenName} ${familyName}`.trim()
  const names = withoutNone({
    formatted: formatted || undefined,
    familyName: familyName || undefined,
    givenName: givenName || undefined,
    ...picked(kept as Attributes, otherNames),
  })
  return Object.keys(names).length > 0 ? names : undefined
}

function phoneNumbersOf({ phoneNumber, mobileNumber }: User, attributes: Attributes): Complex[] | undefined {
  const primary = attributes['primaryPhone']
  const own = (type: string, value: string | null): Complex[] =>
    value === null ? [] : [{ value, type, ...(primary === type && { primary: true }) }]
  const all = [
    ...own('work', phoneNumber),
    ...own('mobile', mobileNumber),
    ...((attributes['phoneNumbers'] ?? []) as Complex[]),
  ]
  return all.length > 0 ? all : undefined
}

/** A user of the core, of what a client sends to create one. */
export function toNewUser(sent: Values): { input: NewUser; externalId: string | null; attributes: Attributes } {
  const { changes, externalId, attributes } = toChanges(sent, undefined)
  const { email, name, givenName, familyName, active, ...further } = changes
  if (!email) throw invalid('emails', 'must have an address.')
  // The name falls to its parts: given in full, or joined by the core.
  const displayed = name ?? (givenName || familyName ? undefined : nameFrom(sent))
  return {
    input: { ...further, email, name: displayed, givenName, familyName, active: active === false ? false : undefined },
    externalId: externalId ?? null,
    attributes: attributes ?? {},
  }
}

/** Of a user without any name: the beginning of the userName. */
const nameFrom = ({ userName }: Values) =>
  parsed('userName', parseName, String(userName).split('@')[0] || String(userName))

/** What a client sends of a user who is there: what it leaves out and the core keeps stays. */
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

const ownPhones = ({ phoneNumber, mobileNumber }: User) => Number(phoneNumber !== null) + Number(mobileNumber !== null)

/** The changes that make a user what `wanted` says in full. What is wanted as it is shown is no change, and is not checked. */
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

export function externalIdOf(wanted: unknown, present: string | null): string | null {
  const value = typeof wanted === 'string' ? wanted : null
  return value === null || value === present ? value : parsed('externalId', parseExternalId, value)
}

export function parsed<Result>(name: string, parser: (input: string) => Outcome<Result>, value: string): Result {
  const outcome = parser(value)
  if ('value' in outcome) return outcome.value
  throw invalid(name, `${describe(outcome.problem)}.`)
}

/** Email and username. A userName that stands for the email is no username. */
function identityOf(wanted: Values, shown: Values, user: User | undefined): UserChanges {
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
    // The email that stood in for a username stays the userName: it becomes the username, where it fits.
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

/** The primary address, else the first for work, else the first. */
function emailIn(entries: readonly Complex[]): string | undefined {
  const withValue = entries.filter(({ value }) => value !== undefined)
  const chosen =
    withValue.find(({ primary }) => primary === true) ??
    withValue.find((entry) => isOfType(entry, 'work')) ??
    withValue[0]
  return chosen && String(chosen['value'])
}

const isOfType = ({ type }: Complex, expected: string) => typeof type === 'string' && type.toLowerCase() === expected

function nameChanges(wanted: Values, user: User | undefined): UserChanges {
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
  // Without a name to show: the formatted one, else the parts, which the core joins.
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

interface Phones {
  changes: Pick<UserChanges, 'phoneNumber' | 'mobileNumber'>
  primary: string | undefined
  others: Complex[]
}

const maxOthers = 10

/** The first of each of two types is the core's; the others are kept. */
function phonesOf(wanted: Values, shown: Values): Phones {
  const all = (wanted['phoneNumbers'] ?? []) as Complex[]
  const present = (shown['phoneNumbers'] ?? []) as Complex[]
  const first = (entries: readonly Complex[], type: string) =>
    entries.find((entry) => entry['value'] !== undefined && isOfType(entry, type))
  const [work, mobile] = [first(all, 'work'), first(all, 'mobile')]
  const value = (entry: Complex | undefined, type: string) => {
    const before = first(present, type)?.['value']
    const after = entry?.['value']
    if (after === before) return undefined
    return after === undefined ? null : parsed('phoneNumbers', parsePhoneNumber, String(after))
  }
  const others = all.filter((entry) => entry !== work && entry !== mobile)
  refuseUnfit('phoneNumbers', all, others)
  const primary = work?.['primary'] === true ? 'work' : mobile?.['primary'] === true ? 'mobile' : undefined
  return { changes: { phoneNumber: value(work, 'work'), mobileNumber: value(mobile, 'mobile') }, primary, others }
}

function refuseUnfit(name: string, all: readonly Complex[], kept: readonly Complex[]): void {
  if (kept.length > maxOthers) throw invalid(name, `has at most ${maxOthers} entries.`)
  if (all.filter(({ primary }) => primary === true).length > 1) throw invalid(name, 'has more than one primary entry.')
}

/** A number of digits is the matricule. Anything else is kept, and shown instead of it. */
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

/** What the core has no field for, in the order in which it is always written. */
function toAttributes(
  wanted: Values,
  shown: Values,
  { employeeNumber, phones }: { employeeNumber: string | undefined; phones: Phones },
): Attributes {
  const extended = (wanted[extension] ?? {}) as Values
  const shownExtension = (shown[extension] ?? {}) as Values
  const texts = (names: readonly string[], from: Values, before: Values) =>
    Object.fromEntries(names.map((name) => [name, keptValue(name, from[name], before[name])]))
  const addresses = (wanted['addresses'] ?? []) as Complex[]
  refuseUnfit('addresses', addresses, addresses)
  return withoutNone({
    name: keptNameOf((wanted['name'] ?? {}) as Complex, (shown['name'] ?? {}) as Complex),
    ...texts(plainTexts, wanted, shown),
    phoneNumbers:
      phones.others.length > 0 ? keptValue('phoneNumbers', phones.others, shown['phoneNumbers']) : undefined,
    primaryPhone: phones.primary,
    addresses: keptValue('addresses', wanted['addresses'], shown['addresses']),
    employeeNumber,
    ...texts(extensionTexts, extended, shownExtension),
    manager: keptValue('manager', extended['manager'], shownExtension['manager']),
  }) as Attributes
}

/** `formatted` is kept with its parts, and only where it is not what they make. */
function keptNameOf(name: Complex, shown: Complex): KeptName | undefined {
  const { formatted, givenName, familyName } = name
  const joined = `${String(givenName ?? '')} ${String(familyName ?? '')}`.trim()
  // Shown as joined from parts that change now, it is joined again.
  const stale =
    formatted === shown['formatted'] && (givenName !== shown['givenName'] || familyName !== shown['familyName'])
  const kept = withoutNone({
    ...(formatted !== undefined &&
      formatted !== joined &&
      !stale && { formatted: keptText('name.formatted', formatted, shown['formatted']), givenName, familyName }),
    ...Object.fromEntries(otherNames.map((one) => [one, keptText(`name.${one}`, name[one], shown[one])])),
  })
  return Object.keys(kept).length > 0 ? (kept as KeptName) : undefined
}

function keptText(name: string, value: unknown, before: unknown): unknown {
  if (typeof value !== 'string' || value === before) return value
  // An address has lines.
  if (name === 'addresses.formatted') {
    return value
      .split('\n')
      .map((line) => line.replace(/\r$/, ''))
      .map((line) => parsed(name, parseAttribute, line))
      .join('\n')
  }
  return parsed(name, parseAttribute, value)
}

function keptValue(name: string, value: unknown, before: unknown): unknown {
  if (value === null || value === undefined || JSON.stringify(value) === JSON.stringify(before)) return value
  if (typeof value === 'string') return keptText(name, value, before)
  if (Array.isArray(value)) return value.map((entry: unknown) => keptValue(name, entry, undefined))
  return Object.fromEntries(
    Object.entries(value as Complex)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([sub, one]) => [sub, keptText(`${name}.${sub}`, one, undefined)]),
  )
}

/** A user as a resource, all of it. `base` is the address of the contract. */
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

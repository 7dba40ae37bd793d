/** Attributes without a core field, which are stored for SCIM only. */
import type { Attributes } from '../../../core/provisioning/users'
import { parseAttribute } from '../../../core/users/fields'
import type { User } from '../../../core/users/user'
import { withoutAbsent, type Complex, type Values } from '../language/values'
import { enterpriseSchema } from '../schemas/attributes'
import { parsed } from './parsing'
import { refuseUnfit, type Phones } from './phones'

const extension = enterpriseSchema.id

/** Text attributes that are stored as they are. */
const plainTexts = ['nickName', 'profileUrl', 'title', 'userType', 'preferredLanguage', 'locale', 'timezone'] as const
const extensionTexts = ['costCenter', 'organization', 'division', 'department'] as const
const otherNames = ['middleName', 'honorificPrefix', 'honorificSuffix'] as const

interface KeptName {
  formatted?: string
  /** The name parts that were sent together with `formatted`. */
  givenName?: string
  familyName?: string
  middleName?: string
  honorificPrefix?: string
  honorificSuffix?: string
}

const keptName = (attributes: Attributes) => (attributes['name'] ?? {}) as KeptName

/** Returns the parts of the name. Returns undefined for a user without a name. */
export function namesOf({ givenName, familyName }: User, attributes: Attributes): object | undefined {
  const kept = keptName(attributes)
  const { middleName, honorificPrefix, honorificSuffix } = kept
  const isAsSent = (kept.givenName ?? '') === givenName && (kept.familyName ?? '') === familyName
  const formatted = kept.formatted !== undefined && isAsSent ? kept.formatted : `${givenName} ${familyName}`.trim()
  if (!(formatted || middleName || honorificPrefix || honorificSuffix)) return undefined
  return {
    formatted: formatted || undefined,
    familyName: familyName || undefined,
    givenName: givenName || undefined,
    middleName,
    honorificPrefix,
    honorificSuffix,
  }
}

/** Returns the values that the core has no field for, always in the same order. */
export function toAttributes(
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
  return withoutAbsent({
    name: nameToStore((wanted['name'] ?? {}) as Complex, (shown['name'] ?? {}) as Complex),
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

/** `formatted` is stored with its parts, and only if it differs from the joined parts. */
function nameToStore(name: Complex, shown: Complex): KeptName | undefined {
  const { formatted, givenName, familyName } = name
  const joined = `${String(givenName ?? '')} ${String(familyName ?? '')}`.trim()
  // A formatted name that equals the joined parts is joined again when a part changes.
  const stale =
    formatted === shown['formatted'] && (givenName !== shown['givenName'] || familyName !== shown['familyName'])
  const kept = withoutAbsent({
    ...(formatted !== undefined &&
      formatted !== joined &&
      !stale && { formatted: keptText('name.formatted', formatted, shown['formatted']), givenName, familyName }),
    ...Object.fromEntries(otherNames.map((one) => [one, keptText(`name.${one}`, name[one], shown[one])])),
  })
  return Object.keys(kept).length > 0 ? (kept as KeptName) : undefined
}

function keptText(name: string, value: unknown, before: unknown): unknown {
  if (typeof value !== 'string' || value === before) return value
  // An address may have several lines.
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

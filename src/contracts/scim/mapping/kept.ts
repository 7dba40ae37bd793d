/** Attributes that the core has no field for: kept for SCIM alone. */
import type { Attributes } from '../../../core/provisioning/users'
import { parseAttribute } from '../../../core/users/fields'
import type { User } from '../../../core/users/user'
import { picked, withoutNone, type Complex, type Values } from '../language/values'
import { enterpriseSchema } from '../schemas/attributes'
import { parsed } from './parsing'
import { refuseUnfit, type Phones } from './phones'

const extension = enterpriseSchema.id

/** Attributes kept as they are, each a text. */
export const plainTexts = [
  'nickName',
  'profileUrl',
  'title',
  'userType',
  'preferredLanguage',
  'locale',
  'timezone',
] as const
export const extensionTexts = ['costCenter', 'organization', 'division', 'department'] as const
const otherNames = ['middleName', 'honorificPrefix', 'honorificSuffix'] as const

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

export function namesOf({ givenName, familyName }: User, attributes: Attributes): Values | undefined {
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

/** What the core has no field for, in the order in which it is always written. */
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

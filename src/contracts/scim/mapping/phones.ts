/**
 * Phone numbers. The core stores the first of type work and the first mobile number. The others are stored for SCIM
 * only.
 */
import type { Attributes } from '../../../core/provisioning/users'
import { parsePhoneNumber } from '../../../core/users/fields'
import type { User, UserChanges } from '../../../core/users/user'
import { invalid, type Complex, type Values } from '../language/values'
import { parsed } from './parsing'

export const isOfType = ({ type }: Complex, expected: string) =>
  typeof type === 'string' && type.toLowerCase() === expected

export function phoneNumbersOf({ phoneNumber, mobileNumber }: User, attributes: Attributes): Complex[] | undefined {
  const others = attributes['phoneNumbers'] as Complex[] | undefined
  if (phoneNumber === null && mobileNumber === null) return others
  const primary = attributes['primaryPhone']
  const own = (type: string, value: string | null): Complex[] =>
    value === null ? [] : [{ value, type, ...(primary === type && { primary: true }) }]
  return [...own('work', phoneNumber), ...own('mobile', mobileNumber), ...(others ?? [])]
}

export const ownPhones = ({ phoneNumber, mobileNumber }: User) =>
  Number(phoneNumber !== null) + Number(mobileNumber !== null)

export interface Phones {
  changes: Pick<UserChanges, 'phoneNumber' | 'mobileNumber'>
  primary: string | undefined
  others: Complex[]
}

const maxOthers = 10

/** The core stores the first number of each of the two types. The others are stored for SCIM only. */
export function phonesOf(wanted: Values, shown: Values): Phones {
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

export function refuseUnfit(name: string, all: readonly Complex[], kept: readonly Complex[]): void {
  if (kept.length > maxOthers) throw invalid(name, `has at most ${maxOthers} entries.`)
  if (all.filter(({ primary }) => primary === true).length > 1) throw invalid(name, 'has more than one primary entry.')
}

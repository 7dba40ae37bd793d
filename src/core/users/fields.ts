/**
 * The fields of a user, and the values that each field may hold. Only the parser of a field makes a `Parsed` value, so
 * the core never sees an unchecked one. Parsers normalise: the stored value is also the value that is returned.
 */
import { isCommonPassword } from '../passwords/common-passwords'
import {
  fold,
  foldIdentifier,
  isDomain,
  isFarLonger,
  isLonger,
  isPlainText,
  lengthOf,
  maxNameLength,
  maxRoleNameLength,
} from './text'

/** Lengths are in code points. Bounds are inclusive. */
export type Problem =
  | { rule: 'blank' }
  | { rule: 'too_long'; max: number }
  | { rule: 'below'; min: number }
  | { rule: 'above'; max: number }
  | { rule: 'characters' }
  | { rule: 'has_blanks' }
  | { rule: 'not_an_email' }
  | { rule: 'not_a_date' }
  | { rule: 'not_a_uuid' }
  | { rule: 'not_four_digits' }
  | { rule: 'not_a_webhook_url' }
  | { rule: 'password_too_short'; min: number }
  | { rule: 'password_common' }
  | { rule: 'password_personal' }
  /** The given password is not the current one. */
  | { rule: 'wrong' }
  /** A search in which every word is shorter than `longWord` characters may have at most `max` words. */
  | { rule: 'too_many_short_words'; max: number; longWord: number }

declare const parsedAs: unique symbol
/** A value that passed the parser of the field. */
export type Parsed<Field extends string, Value = string> = Value & { readonly [parsedAs]: Field }

/** The result of a parser: the normalised value, or the problem with the input. */
export type Outcome<Value> = { value: Value } | { problem: Problem }
export type Parser<Input, Value> = (input: Input) => Outcome<Value>

/** New roles get the number after the highest, so the maximum leaves room for them. */
export const roleNumberMax = 2 ** 31 - 1

/** The maximum number of roles of one user. */
export const maxRoles = 100

export const passwordLength = { min: 8, max: 128 }

function text<Field extends string>(limits: {
  max: number
  required?: boolean
  /** Whether joiners and variation selectors are allowed. Only the names of people allow them. */
  joiners?: boolean
}): Parser<string, Parsed<Field>> {
  return (input) => {
    if (isFarLonger(input, limits.max)) return { problem: { rule: 'too_long', max: limits.max } }
    const value = input.normalize('NFC')
    if (limits.required && isBlank(value)) return { problem: { rule: 'blank' } }
    if (isLonger(value, limits.max)) return { problem: { rule: 'too_long', max: limits.max } }
    if (!isPlainText(value, { joiners: limits.joiners === true })) return { problem: { rule: 'characters' } }
    return { value: value as Parsed<Field> }
  }
}

/** Text that holds only joiners and variation selectors counts as blank. */
export const isBlank = (value: string) => fold(value).trim() === ''

/** Narrows a parser for a contract with tighter limits: at most `max` code points and, when `required`, not blank. */
export function withLimits<Value extends string>(
  parser: Parser<string, Value>,
  { max, required = false }: { max?: number; required?: boolean },
): Parser<string, Value> {
  return (input) => {
    const outcome = parser(input)
    if (!('value' in outcome)) return outcome
    if (required && isBlank(outcome.value)) return { problem: { rule: 'blank' } }
    if (max !== undefined && isLonger(outcome.value, max)) return { problem: { rule: 'too_long', max } }
    return outcome
  }
}

function integer<Field extends string>(
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): Parser<number, Parsed<Field, number>> {
  return (value) => {
    if (value < min) return { problem: { rule: 'below', min } }
    if (value > max) return { problem: { rule: 'above', max } }
    return { value: value as Parsed<Field, number> }
  }
}

export const parseName: Parser<string, Parsed<'name'>> = text({ max: 200, required: true, joiners: true })
export const parseGivenName: Parser<string, Parsed<'givenName'>> = text({ max: 100, joiners: true })
export const parseFamilyName: Parser<string, Parsed<'familyName'>> = text({ max: 100, joiners: true })
/**
 * Accepts every name that the directory may hold. A name joined from its parts, or a part split from a name, can be
 * longer than a client may send.
 */
export const parseStoredName: Parser<string, Parsed<'storedName'>> = text({ max: maxNameLength, joiners: true })
export const parseStoredNamePart: Parser<string, Parsed<'storedName'>> = text({ max: 200, joiners: true })
export const parsePhoneNumber: Parser<string, Parsed<'phoneNumber'>> = text({ max: 32 })
const parseTrimmedRoleName: Parser<string, Parsed<'roleName'>> = text({ max: maxRoleNameLength, required: true })
/** Strips surrounding blanks. */
export const parseRoleName: Parser<string, Parsed<'roleName'>> = (input) => parseTrimmedRoleName(input.trim())
export const parseDescription: Parser<string, Parsed<'description'>> = text({ max: 500 })
export const parseKeyName: Parser<string, Parsed<'keyName'>> = text({ max: 200, required: true })
/** An attribute or an id that a provisioning client stores for a user or role. */
export const parseAttribute: Parser<string, Parsed<'attribute'>> = text({ max: 2000, joiners: true })
export const parseExternalId: Parser<string, Parsed<'externalId'>> = text({ max: 255, required: true })
export const parseRoleNumber: Parser<number, Parsed<'roleNumber', number>> = integer(1, roleNumberMax)
/** New users get the number after the highest, so the maximum leaves room for them. */
export const userNumberMax = 2 ** 31 - 1
export const parseUserNumber: Parser<number, Parsed<'userNumber', number>> = integer(1, userNumberMax)
export const parseVersion: Parser<number, Parsed<'version', number>> = integer(1, 2 ** 31 - 1)
export const parseMatricule: Parser<number, Parsed<'matricule', number>> = integer(0)

/**
 * Returns the matricule that an identifier spells, in any spelling of its digits. Returns undefined when the identifier
 * has other characters.
 */
export function readMatricule(identifier: string): number | undefined {
  const key = isLonger(identifier, 254) ? '' : foldIdentifier(identifier)
  const number = /^[0-9]+$/.test(key) ? Number(key) : NaN
  return Number.isSafeInteger(number) ? number : undefined
}

export const parseCountryId: Parser<number, Parsed<'countryId', number>> = integer(1)

export function parseUsername(input: string): Outcome<Parsed<'username'>> {
  if (isFarLonger(input, 128)) return { problem: { rule: 'too_long', max: 128 } }
  const value = input.normalize('NFC')
  if (value === '' || fold(value) === '') return { problem: { rule: 'blank' } }
  if (/\s/u.test(value)) return { problem: { rule: 'has_blanks' } }
  if (isLonger(value, 128)) return { problem: { rule: 'too_long', max: 128 } }
  if (!isPlainText(value, { joiners: false })) return { problem: { rule: 'characters' } }
  return { value: value as Parsed<'username'> }
}

const local = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u

/** Accepts an address with a dot-atom, an @ and a domain of at least two labels. The local part is kept as sent. */
export function parseEmail(input: string): Outcome<Parsed<'email'>> {
  if (isFarLonger(input, 254)) return { problem: { rule: 'too_long', max: 254 } }
  const sent = input.normalize('NFC')
  const at = sent.lastIndexOf('@')
  const domain = sent
    .slice(at + 1)
    .toLowerCase()
    .normalize('NFC')
  // Lower-casing can lengthen the domain.
  const address = sent.slice(0, at + 1) + domain
  if (isLonger(address, 254)) return { problem: { rule: 'too_long', max: 254 } }
  if (!isPlainText(address, { joiners: false })) return { problem: { rule: 'characters' } }
  const isValid = at > 0 && !isLonger(sent.slice(0, at), 64) && local.test(sent.slice(0, at)) && isDomain(domain)
  return isValid ? { value: address as Parsed<'email'> } : { problem: { rule: 'not_an_email' } }
}

export function parseUuid(input: string): Outcome<Parsed<'uuid'>> {
  const value = input.toLowerCase()
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)
    ? { value: value as Parsed<'uuid'> }
    : { problem: { rule: 'not_a_uuid' } }
}

/** Accepts a calendar date, `YYYY-MM-DD`, that exists. */
export function parseBirthdate(input: string): Outcome<Parsed<'birthdate'>> {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(input) ? Date.parse(`${input}T00:00:00Z`) : NaN
  return !Number.isNaN(day) && new Date(day).getUTCDate() === Number(input.slice(8))
    ? { value: input as Parsed<'birthdate'> }
    : { problem: { rule: 'not_a_date' } }
}

/** Whether the password has more than `passwordLength.max` code points in every normal form. */
export const isTooLongPassword = (input: string) => isFarLonger(input, passwordLength.max)

/**
 * Checks length and common passwords. `passwordPolicyProblem` adds the checks that depend on the user and the
 * deployment. A password is never trimmed or truncated. It is normalised to NFC, so that keyboards with different
 * compositions give the same password.
 */
export function parsePassword(input: string): Outcome<Parsed<'password'>> {
  if (isTooLongPassword(input)) return { problem: { rule: 'too_long', max: passwordLength.max } }
  const value = input.normalize('NFC')
  const length = lengthOf(value)
  if (length < passwordLength.min) return { problem: { rule: 'password_too_short', min: passwordLength.min } }
  if (length > passwordLength.max) return { problem: { rule: 'too_long', max: passwordLength.max } }
  // HMAC pads its key with NULs, so a NUL at the end would not be part of the password.
  if (!value.isWellFormed() || value.includes('\0')) return { problem: { rule: 'characters' } }
  if (isCommonPassword(fold(value))) return { problem: { rule: 'password_common' } }
  return { value: value as Parsed<'password'> }
}

export function parsePin(input: string): Outcome<Parsed<'pin'>> {
  return /^[0-9]{4}$/.test(input) ? { value: input as Parsed<'pin'> } : { problem: { rule: 'not_four_digits' } }
}

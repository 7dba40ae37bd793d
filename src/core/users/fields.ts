/**
 * The fields of the record: what each may hold. A value reaches the core only through the parser of its field, which is what
 * `Parsed` says in the type; the parsers normalise, so what is stored is what is answered.
 */
import { commonPasswords } from '../passwords/common-passwords'
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

/** Lengths in code points, bounds inclusive. */
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
  /** Not the present one. */
  | { rule: 'wrong' }
  /** A search without a word of `longWord` characters has at most `max` words. */
  | { rule: 'too_many_short_words'; max: number; longWord: number }

declare const parsedAs: unique symbol
/** A value that passed the parser of the field. */
export type Parsed<Field extends string, Value = string> = Value & { readonly [parsedAs]: Field }

/** What a parser answers: the normalised value, or what is wrong with the one given. */
export type Outcome<Value> = { value: Value } | { problem: Problem }
export type Parser<Input, Value> = (input: Input) => Outcome<Value>

/** The next role is given the next number, so there must be room beyond the highest for all the roles to come. */
export const roleNumberMax = 2 ** 31 - 1

/** Roles of one user. */
export const maxRoles = 100

export const passwordLength = { min: 8, max: 128 }

function text<Field extends string>(limits: {
  max: number
  required?: boolean
  /** Whether joiners and variation selectors may stand in it: in the names of people only. */
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

/** Joiners and variation selectors alone are as blank as blanks. */
export const isBlank = (value: string) => fold(value).trim() === ''

/** The field in a contract that takes less of it: at most `max` code points and, where it is `required`, not only blanks. */
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
/** Names as the directory may have come to hold them: one joined from its parts, or a part split from one, is longer than what may be sent. */
export const parseStoredName: Parser<string, Parsed<'storedName'>> = text({ max: maxNameLength, joiners: true })
export const parseStoredNamePart: Parser<string, Parsed<'storedName'>> = text({ max: 200, joiners: true })
export const parsePhoneNumber: Parser<string, Parsed<'phoneNumber'>> = text({ max: 32 })
const parseTrimmedRoleName: Parser<string, Parsed<'roleName'>> = text({ max: maxRoleNameLength, required: true })
/** Without the blanks around it. */
export const parseRoleName: Parser<string, Parsed<'roleName'>> = (input) => parseTrimmedRoleName(input.trim())
export const parseDescription: Parser<string, Parsed<'description'>> = text({ max: 500 })
export const parseKeyName: Parser<string, Parsed<'keyName'>> = text({ max: 200, required: true })
export const parseRoleNumber: Parser<number, Parsed<'roleNumber', number>> = integer(1, roleNumberMax)
/** The directory gives the numbers after the highest, and needs room for them. */
export const userNumberMax = 2 ** 31 - 1
export const parseUserNumber: Parser<number, Parsed<'userNumber', number>> = integer(1, userNumberMax)
export const parseVersion: Parser<number, Parsed<'version', number>> = integer(1, 2 ** 31 - 1)
export const parseMatricule: Parser<number, Parsed<'matricule', number>> = integer(0)

/** The matricule that an identifier of digits only stands for, in any spelling; undefined where the identifier is anything else. */
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

/** An address as people have them: a dot-atom, an @, a domain of at least two labels. The local part stays as sent. */
export function parseEmail(input: string): Outcome<Parsed<'email'>> {
  if (isFarLonger(input, 254)) return { problem: { rule: 'too_long', max: 254 } }
  const sent = input.normalize('NFC')
  const at = sent.lastIndexOf('@')
  const domain = sent
    .slice(at + 1)
    .toLowerCase()
    .normalize('NFC')
  // In lower case it may be longer than it came.
  const address = sent.slice(0, at + 1) + domain
  if (isLonger(address, 254)) return { problem: { rule: 'too_long', max: 254 } }
  if (!isPlainText(address, { joiners: false })) return { problem: { rule: 'characters' } }
  const sound = at > 0 && !isLonger(sent.slice(0, at), 64) && local.test(sent.slice(0, at)) && isDomain(domain)
  return sound ? { value: address as Parsed<'email'> } : { problem: { rule: 'not_an_email' } }
}

export function parseUuid(input: string): Outcome<Parsed<'uuid'>> {
  const value = input.toLowerCase()
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)
    ? { value: value as Parsed<'uuid'> }
    : { problem: { rule: 'not_a_uuid' } }
}

/** A calendar date, `YYYY-MM-DD`, that exists. */
export function parseBirthdate(input: string): Outcome<Parsed<'birthdate'>> {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(input) ? Date.parse(`${input}T00:00:00Z`) : NaN
  return !Number.isNaN(day) && new Date(day).toISOString().startsWith(input)
    ? { value: input as Parsed<'birthdate'> }
    : { problem: { rule: 'not_a_date' } }
}

/** Whether it has more than `passwordLength.max` code points however it is normalised. */
export const isTooLongPassword = (input: string) => isFarLonger(input, passwordLength.max)

/**
 * Length and commonness; `meetsPolicy` in passwords.ts adds what depends on the user and on the deployment. Never trimmed or cut:
 * NFC, so that two keyboards that write one password differently both sign in.
 */
export function parsePassword(input: string): Outcome<Parsed<'password'>> {
  if (isTooLongPassword(input)) return { problem: { rule: 'too_long', max: passwordLength.max } }
  const value = input.normalize('NFC')
  const length = lengthOf(value)
  if (length < passwordLength.min) return { problem: { rule: 'password_too_short', min: passwordLength.min } }
  if (length > passwordLength.max) return { problem: { rule: 'too_long', max: passwordLength.max } }
  // HMAC pads its key with NULs: one at the end would be no part of the password.
  if (!value.isWellFormed() || value.includes('\0')) return { problem: { rule: 'characters' } }
  if (`\n${commonPasswords}\n`.includes(`\n${fold(value)}\n`)) return { problem: { rule: 'password_common' } }
  return { value: value as Parsed<'password'> }
}

export function parsePin(input: string): Outcome<Parsed<'pin'>> {
  return /^[0-9]{4}$/.test(input) ? { value: input as Parsed<'pin'> } : { problem: { rule: 'not_four_digits' } }
}

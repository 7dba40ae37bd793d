/** For contracts whose original uses FastAPI: pydantic's lax parsing of values, and its validation errors. */
import { z } from '@hono/zod-openapi'
import { parseEmail, type Parser } from '../../core/users/fields'
import { lastOf, parsedBy, refuse } from '../contract/fields'
import { describe } from '../contract/describe'
import { maxIssues, type Failure, type Issue } from '../contract/failure'

/** An integer as pydantic accepts it: `12`, `1.0`, `"12"` and `true`, within the exact range of doubles. */
export function laxInteger<Value>(parser: Parser<number, Value>) {
  return z
    .unknown()
    .transform((input, context) => {
      const read = readInteger(input)
      if (typeof read !== 'number') return refuse(context, read)
      const outcome = parser(read)
      return 'value' in outcome ? outcome.value : refuse(context, outcome.problem)
    })
    .openapi({ type: 'integer' })
}

function readInteger(input: unknown): number | Issue['problem'] {
  if (input === undefined) return { rule: 'missing' }
  if (typeof input === 'boolean') return Number(input)
  if (typeof input === 'number') return Number.isInteger(input) ? input : { rule: 'fractional' }
  if (typeof input !== 'string') return { rule: 'wrong_type', expected: 'integer' }
  const text = input.trim().replace(/\.0+$/, '')
  return /^[+-]?\d+(_\d+)*$/.test(text) && text.length <= 4300
    ? Number(text.replaceAll('_', ''))
    : { rule: 'unparsable', expected: 'integer' }
}

/** An optional integer in a query. The last of several values counts. */
export function laxQueryInteger(min: number, max: number) {
  const within: Parser<number, number> = (value) => {
    if (value < min) return { problem: { rule: 'below', min } }
    return value > max ? { problem: { rule: 'above', max } } : { value }
  }
  return z.preprocess(lastOf, laxInteger(within).optional()).openapi({ type: 'integer', minimum: min, maximum: max })
}

/** A boolean as pydantic accepts it: `true`, `1`, `"yes"` and `"off"` among others. */
export const laxBoolean = z
  .unknown()
  .transform((input, context) => {
    if (input === undefined) return refuse(context, { rule: 'missing' })
    if (typeof input === 'boolean') return input
    if (typeof input !== 'string' && !isWholeNumber(input)) {
      return refuse(context, { rule: 'wrong_type', expected: 'boolean' })
    }
    const text = String(input).toLowerCase()
    if (['true', 't', 'yes', 'y', 'on', '1'].includes(text)) return true
    if (['false', 'f', 'no', 'n', 'off', '0'].includes(text)) return false
    return refuse(context, { rule: 'unparsable', expected: 'boolean' })
  })
  .openapi({ type: 'boolean' })

/** Pydantic accepts numbers of at most 64 bits. */
const isWholeNumber = (input: unknown) => Number.isInteger(input) && Math.abs(input as number) < 2 ** 63

const hyphenated = '([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})'
const spellings = new RegExp(`^(?:${hyphenated}|\\{${hyphenated}\\}|urn:uuid:${hyphenated}|([0-9a-fA-F]{32}))$`)

/** Returns the uuid of a text in any of pydantic's spellings, in lower case with hyphens. */
export function uuidIn(text: string): string | undefined {
  const digits = spellings.exec(text)?.slice(1).join('').replaceAll('-', '').toLowerCase()
  return digits?.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** A uuid in any of pydantic's spellings. The output is in lower case with hyphens. */
export const laxUuid = z
  .unknown()
  .transform((input, context) => {
    if (input === undefined) return refuse(context, { rule: 'missing' })
    if (typeof input !== 'string') return refuse(context, { rule: 'wrong_type', expected: 'uuid' })
    return uuidIn(input) ?? refuse(context, { rule: 'unparsable', expected: 'uuid' })
  })
  .openapi({ type: 'string', format: 'uuid' })

const nameWord = "[\\p{L}\\p{M}\\p{N}_!#$%&'*+/=?^`{|}~-]+"
const namedAddress = new RegExp(`^(?:${nameWord}(?:\\s+${nameWord})*|"[^"]+")?\\s*<([^<>]*@[^<>]*)>$`, 'u')
/** In a longer text, pydantic does not look for a name. */
const maxNamedAddressLength = 2048

/**
 * Returns the address that pydantic's `EmailStr` finds in a text, alone or as `Name <address>`, without surrounding
 * blanks.
 */
export function addressIn(text: string): string {
  const stripped = text.trim()
  const named = stripped.length <= maxNamedAddressLength ? namedAddress.exec(stripped) : null
  return named?.[1]?.trim() ?? stripped
}

/** An email as pydantic's `EmailStr` accepts it. */
export const laxEmail = parsedBy(z.string(), (text) => parseEmail(addressIn(text))).openapi({
  type: 'string',
  format: 'email',
  maxLength: 254,
})

export const validationErrors = z
  .array(z.object({ loc: z.array(z.union([z.string(), z.int()])), msg: z.string(), type: z.string() }))
  .max(maxIssues)

type Refusing = Extract<
  Failure,
  { kind: 'invalid' | 'invalid_request' | 'unreadable_body' | 'unsupported_media_type' | 'unsupported_encoding' }
>

/**
 * Returns the entries of a 422 response in the order of the schema's fields. They never contain the sent values.
 * `wireName` translates the name of a core field.
 */
export function toValidationErrors(
  failure: Refusing,
  wireName: (field: string) => string,
): z.infer<typeof validationErrors> {
  switch (failure.kind) {
    case 'invalid':
      return failure.problems.map(({ field, problem }) => ({ loc: ['body', wireName(field)], ...toEntry(problem) }))
    case 'invalid_request':
      return failure.issues.map(({ path, problem }) => ({ loc: [failure.part, ...path], ...toEntry(problem) }))
    case 'unreadable_body':
      return [{ loc: ['body', failure.position], msg: 'JSON decode error', type: 'json_invalid' }]
    case 'unsupported_media_type':
      return [{ loc: ['body'], ...wrongType.object }]
    case 'unsupported_encoding':
      return [{ loc: ['header', 'content-encoding'], ...valueError('must be identity') }]
  }
}

const valueError = (sentence: string) => ({ msg: `Value error, ${sentence}`, type: 'value_error' })

/** A problem without a type in pydantic is a `value_error`, in the words that all contracts share. */
function toEntry(problem: Issue['problem']): { msg: string; type: string } {
  switch (problem.rule) {
    case 'missing':
      return { msg: 'Field required', type: 'missing' }
    case 'wrong_type':
      return wrongType[problem.expected]
    case 'unparsable':
      return unparsable[problem.expected]
    case 'fractional':
      return { msg: 'Input should be a valid integer, got a number with a fractional part', type: 'int_from_float' }
    case 'too_many': {
      const what = problem.of === 'items' ? 'List' : 'Dictionary'
      return { msg: `${what} should have at most ${problem.max} items after validation, not more`, type: 'too_long' }
    }
    case 'not_one_of':
      return { msg: `Input should be ${alternatives(problem.options)}`, type: 'literal_error' }
    case 'too_long':
      return { msg: `String should have at most ${problem.max} characters`, type: 'string_too_long' }
    case 'password_too_short':
      return { msg: `String should have at least ${problem.min} characters`, type: 'string_too_short' }
    case 'below':
      return { msg: `Input should be greater than or equal to ${problem.min}`, type: 'greater_than_equal' }
    case 'above':
      return { msg: `Input should be less than or equal to ${problem.max}`, type: 'less_than_equal' }
    case 'not_an_email':
      return { msg: 'value is not a valid email address', type: 'value_error' }
    case 'not_a_uuid':
      return unparsable.uuid
    default:
      return valueError(describe(problem))
  }
}

/** `'a', 'b' or 'c'` */
function alternatives(options: readonly string[]): string {
  const quoted = options.map((option) => `'${option}'`)
  return [quoted.slice(0, -1).join(', '), ...quoted.slice(-1)].filter((part) => part !== '').join(' or ')
}

const wrongType = {
  string: { msg: 'Input should be a valid string', type: 'string_type' },
  integer: { msg: 'Input should be a valid integer', type: 'int_type' },
  boolean: { msg: 'Input should be a valid boolean', type: 'bool_type' },
  list: { msg: 'Input should be a valid list', type: 'list_type' },
  object: {
    msg: 'Input should be a valid dictionary or object to extract fields from',
    type: 'model_attributes_type',
  },
  uuid: { msg: 'UUID input should be a string, bytes or UUID object', type: 'uuid_type' },
}

const unparsable = {
  integer: { msg: 'Input should be a valid integer, unable to parse string as an integer', type: 'int_parsing' },
  boolean: { msg: 'Input should be a valid boolean, unable to interpret input', type: 'bool_parsing' },
  uuid: { msg: 'Input should be a valid UUID', type: 'uuid_parsing' },
  time: { msg: 'Input should be a valid datetime', type: 'datetime_parsing' },
}

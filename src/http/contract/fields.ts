/** Turns the core's parsers into schemas, so that one response reports every problem of a body. */
import { z } from '@hono/zod-openapi'
import { parseBirthdate, type Parser } from '../../core/users/fields'
import type { Issue } from './failure'

/** Adds the problem as an issue of the schema. `toIssues` reads it. */
export function refuse(
  context: z.core.$RefinementCtx,
  problem: Issue['problem'],
  path: (string | number)[] = [],
): typeof z.NEVER {
  context.addIssue({ code: 'custom', params: { problem }, path })
  return z.NEVER
}

/**
 * Accepts the schema, null or nothing. `documented` describes the value in the OpenAPI document, where null is added.
 */
export function orNull<Schema extends z.ZodType>(
  schema: Schema,
  documented: { type: 'string' | 'integer' | 'boolean' | 'array'; [keyword: string]: unknown },
) {
  return schema.nullish().openapi({ ...documented, type: [documented.type, 'null'] })
}

/** An optional query parameter. An empty one counts as absent. */
export const orEmpty = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional())

/** A list of at most `max` items. The count is checked first, so that a long list is cheap and gives one problem. */
export function listOf<Item extends z.ZodType>(item: Item, max: number) {
  return z.preprocess(
    (value, context) =>
      Array.isArray(value) && value.length > max ? refuse(context, { rule: 'too_many', of: 'items', max }) : value,
    z.array(item).openapi({ maxItems: max }),
  )
}

/** Returns the last of several values with one name. */
export const lastOf = (value: unknown) => (Array.isArray(value) ? (value.at(-1) as unknown) : value)

/** An integer in a query, in decimal digits only. */
export function queryInteger(min: number, max: number) {
  return z
    .string()
    .transform((text, context) => {
      if (!/^-?\d{1,15}$/.test(text)) return refuse(context, { rule: 'unparsable', expected: 'integer' })
      const value = Number(text)
      if (value < min) return refuse(context, { rule: 'below', min })
      return value > max ? refuse(context, { rule: 'above', max }) : value
    })
    .openapi({ type: 'integer', minimum: min, maximum: max })
}

/** Selects the user of a number in a path. Text that is not a valid number selects no user. */
export function userByNumber(text: string | undefined): { number: number } {
  return { number: /^\d{1,15}$/.test(text ?? '') ? Number(text) : 0 }
}

const zonedTime =
  /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/
const lastOfYear9999 = Date.parse('9999-12-31T23:59:59Z')

const firstOfYear1 = Date.parse('0001-01-01T00:00:00Z')

/**
 * Returns the unix seconds of an ISO 8601 time with a zone, from year 1 to 9999. Returns undefined for any other text.
 */
function secondsOf(text: string): number | undefined {
  const day = zonedTime.exec(text)?.[1]
  const exists = day !== undefined && 'value' in parseBirthdate(day)
  const milliseconds = exists ? Date.parse(text) : NaN
  return milliseconds >= firstOfYear1 && milliseconds <= lastOfYear9999 ? Math.floor(milliseconds / 1000) : undefined
}

/** A time in the future. */
export const futureTime = z.string().transform((text, context) => {
  const seconds = secondsOf(text)
  return seconds !== undefined && Date.parse(text) > Date.now()
    ? seconds
    : refuse(context, { rule: 'not_a_time_to_come' })
})

export const anyTime = z
  .string()
  .transform((text, context) => secondsOf(text) ?? refuse(context, { rule: 'unparsable', expected: 'time' }))

/** Passes the schema's output to a parser of the core. */
export function parsedBy<Wire extends z.ZodType, Value>(schema: Wire, parser: Parser<z.output<Wire>, Value>) {
  return schema.transform((input, context) => {
    const outcome = parser(input)
    return 'value' in outcome ? outcome.value : refuse(context, outcome.problem)
  })
}

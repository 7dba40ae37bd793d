/** The core's field parsers as schemas, so that one answer tells everything that is wrong with a body. */
import { z } from '@hono/zod-openapi'
import { parseBirthdate, type Parser } from '../../core/users/fields'
import type { Issue } from './failure'

/** Adds the problem to a schema's findings, where `toIssues` finds it again. */
export function refuse(
  context: z.core.$RefinementCtx,
  problem: Issue['problem'],
  path: (string | number)[] = [],
): typeof z.NEVER {
  context.addIssue({ code: 'custom', params: { problem }, path })
  return z.NEVER
}

/** The schema, null or absent; `documented` is how its values stand in the document, where null is then said too. */
export function orNull<Schema extends z.ZodType>(
  schema: Schema,
  documented: { type: 'string' | 'integer' | 'boolean' | 'array'; [keyword: string]: unknown },
) {
  return schema.nullish().openapi({ ...documented, type: [documented.type, 'null'] })
}

/** A query parameter that may be absent; an empty one is. */
export const orEmpty = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional())

/** A list of at most `max` items. It is counted first, so that a long one costs nothing and is one problem. */
export function listOf<Item extends z.ZodType>(item: Item, max: number) {
  return z.preprocess(
    (value, context) =>
      Array.isArray(value) && value.length > max ? refuse(context, { rule: 'too_many', of: 'items', max }) : value,
    z.array(item).openapi({ maxItems: max }),
  )
}

/** Of several values that a query has of one name the last counts. */
export const lastOf = (value: unknown) => (Array.isArray(value) ? (value.at(-1) as unknown) : value)

/** A whole number in a query, in decimal digits and nothing else. */
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

/** The user of a number in a path; what is no number of ours is nobody's. */
export function userByNumber(text: string | undefined): { number: number } {
  return { number: /^\d{1,15}$/.test(text ?? '') ? Number(text) : 0 }
}

const zonedTime =
  /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/
const lastOfYear9999 = Date.parse('9999-12-31T23:59:59Z')

const firstOfYear1 = Date.parse('0001-01-01T00:00:00Z')

/** Unix seconds of a time in ISO 8601 with its zone, on a day that exists, for a clock of four-digit years; else undefined. */
function secondsOf(text: string): number | undefined {
  const day = zonedTime.exec(text)?.[1]
  const exists = day !== undefined && 'value' in parseBirthdate(day)
  const milliseconds = exists ? Date.parse(text) : NaN
  return milliseconds >= firstOfYear1 && milliseconds <= lastOfYear9999 ? Math.floor(milliseconds / 1000) : undefined
}

/** A time yet to come. */
export const timeToCome = z.string().transform((text, context) => {
  const seconds = secondsOf(text)
  return seconds !== undefined && Date.parse(text) > Date.now()
    ? seconds
    : refuse(context, { rule: 'not_a_time_to_come' })
})

export const anyTime = z
  .string()
  .transform((text, context) => secondsOf(text) ?? refuse(context, { rule: 'unparsable', expected: 'time' }))

/** What comes out of `schema`, through the core's parser for the field. */
export function parsedBy<Wire extends z.ZodType, Value>(schema: Wire, parser: Parser<z.output<Wire>, Value>) {
  return schema.transform((input, context) => {
    const outcome = parser(input)
    return 'value' in outcome ? outcome.value : refuse(context, outcome.problem)
  })
}

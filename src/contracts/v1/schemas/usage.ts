/** Usage. */
import { z } from '@hono/zod-openapi'
import { usageDimensions } from '../../../core/usage/usage'
import { anyTime, orEmpty, refuse } from '../../../http/contract/fields'
import { cursorPagination, page, time, userId } from './fields'

const hour = time.openapi({ description: 'UTC, to the hour' })

export const V1Usage = z
  .strictObject({
    contract: z.string().nullable(),
    operation: z.string().nullable().openapi({ description: 'The operationId' }),
    principal: userId.nullable(),
    program: z.string().nullable().openapi({
      description: "The API key's id, else the first product of `User-Agent`; null where the client names none",
    }),
    first_seen: hour,
    last_seen: hour,
    active_days: z.int().openapi({ description: 'Days (UTC) on which it was used' }),
    active_hours: z.int().openapi({ description: 'Hours in which it was used' }),
  })
  .openapi('V1Usage', { description: 'A value that the list is not grouped by is null' })

export const V1UsageList = z
  .strictObject({ data: z.array(V1Usage), pagination: cursorPagination })
  .openapi('V1UsageList')

const dateOrTime = z
  .string()
  .transform((text) => (/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text))
  .pipe(anyTime)

const group = z.string().transform((text, context) => {
  const names = text.split(',')
  const isEach = names.every((name) => (usageDimensions as readonly string[]).includes(name))
  if (!isEach) return refuse(context, { rule: 'not_one_of', options: usageDimensions })
  return usageDimensions.filter((dimension) => names.includes(dimension))
})

export const V1UsageQuery = z.object({
  ...page,
  contract: orEmpty(z.string()).openapi({ description: "A contract's name" }),
  operation: orEmpty(z.string()).openapi({ description: 'An operationId' }),
  since: orEmpty(dateOrTime).openapi({
    type: 'string',
    description: 'A date, or a time, whose whole day counts (UTC)',
    example: '2026-11-01',
  }),
  group: orEmpty(group).openapi({
    type: 'string',
    description: `One or more of ${usageDimensions.join(', ')}, separated by commas; without it, all but the day`,
    example: 'contract,program',
  }),
})

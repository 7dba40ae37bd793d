/** Values that routes share: how a body and an answer stand in the document, and how a list is streamed. */
import type { z } from '@hono/zod-openapi'
import type { TypedResponse } from 'hono'

export function json<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  headers?: Record<string, ReturnType<typeof header>>,
) {
  return { description, ...(headers && { headers }), content: { 'application/json': { schema } } }
}

/** A header of an answer, which has it always unless it is `optional`. */
export function header(description: string, type: 'string' | 'integer' = 'string', { optional = false } = {}) {
  return { description, required: !optional, schema: { type } }
}

export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { 'application/json': { schema } } }
}

/** The answers with these statuses of those `described`; any operation may answer 429 and 503. */
export function failuresOf<Described extends Record<429 | 503, object>>(described: Described) {
  return <Status extends keyof Described>(...statuses: Status[]) => {
    const chosen = [...statuses, 429, 503] as (Status | 429 | 503)[]
    const entries = chosen.map((status) => [status, described[status]])
    return Object.fromEntries(entries) as Pick<Described, Status | 429 | 503>
  }
}

/** What `readFields` reads. */
export const formTypes = ['application/x-www-form-urlencoded', 'multipart/form-data', 'application/json']

/** Documents a body whose schema, a component of the document, the operation applies itself, by `validate` or `validateChanges`. */
export function documentedBody(component: string, types: readonly string[] = ['application/json']) {
  const schema = { $ref: `#/components/schemas/${component}` }
  return { required: true, content: Object.fromEntries(types.map((type) => [type, { schema }])) }
}

/** What stands around a streamed list. */
interface Around {
  open: string
  /** Written last; `count` is how many were. */
  close: (count: number) => string
  /** The whole answer where there is nothing to list. */
  empty: string
}

const array: Around = { open: '[', close: () => ']', empty: '[]' }

/** A JSON array written page by page as the client reads it. */
export function streamedArray<Item, Wire>(
  pages: AsyncGenerator<Item[], void, undefined>,
  toWire: (item: Item) => Wire,
) {
  return streamed<Item, Wire, Wire[]>(pages, toWire, array)
}

const ends = new WeakMap<ReadableStream, Promise<{ broken: boolean }>>()

/** Resolves once the streamed answer has been written, or has broken off; undefined for an answer that is no stream of ours. */
export function endOf({ body }: Response): Promise<{ broken: boolean }> | undefined {
  return body === null ? undefined : ends.get(body)
}

/** JSON with a list in it, written page by page as the client reads it. */
export async function streamed<Item, Wire, Whole extends object>(
  pages: AsyncGenerator<Item[], void, undefined>,
  toWire: (item: Item) => Wire,
  around: Around,
): Promise<Response & TypedResponse<Whole, 200, 'json'>> {
  const response = await streamedText(listed(pages, toWire, around), { contentType: 'application/json' })
  return response as Response & TypedResponse<Whole, 200, 'json'>
}

async function* listed<Item, Wire>(
  pages: AsyncGenerator<Item[], void, undefined>,
  toWire: (item: Item) => Wire,
  { open, close, empty }: Around,
): AsyncGenerator<string, void, undefined> {
  let separator = open
  let count = 0
  for await (const items of pages) {
    yield separator + items.map((item) => JSON.stringify(toWire(item))).join(',')
    separator = ','
    count += items.length
  }
  yield count === 0 ? empty : close(count)
}

export const ndjsonType = 'application/x-ndjson'

/** Documents text with one value of `component` a line. OpenAPI 3.1 has no keyword for the schema of a line, so the text names it. */
function linesOfComponent(component: string) {
  const $ref = `#/components/schemas/${component}`
  const schema = { type: 'string' as const, description: `One ${component} in JSON a line` }
  return { schema, 'x-item-schema': { $ref } }
}

/** As `json`, of an answer with one value of `component` a line. */
export function ndjson(component: string, description: string, headers?: Record<string, ReturnType<typeof header>>) {
  const content: Record<string, ReturnType<typeof linesOfComponent>> = { [ndjsonType]: linesOfComponent(component) }
  return { description, ...(headers && { headers }), content }
}

export function ndjsonBody(component: string) {
  return { required: true, content: { [ndjsonType]: linesOfComponent(component) } }
}

/** A line for each item, written page by page. */
export function streamedLines<Item>(
  pages: AsyncGenerator<Item[], void, undefined>,
  toWire: (item: Item) => object,
  options: { aheadBytes?: number; headers?: Record<string, string> } = {},
): Promise<Response> {
  return streamedText(linesOf(pages, toWire), { contentType: ndjsonType, ...options })
}

async function* linesOf<Item>(
  pages: AsyncGenerator<Item[], void, undefined>,
  toWire: (item: Item) => object,
): AsyncGenerator<string, void, undefined> {
  for await (const items of pages) yield items.map((item) => `${JSON.stringify(toWire(item))}\n`).join('')
}

/**
 * Text as it comes. The first piece is there before the answer begins, so that a refusal is still an error; a failure after that breaks
 * the connection, never a well-formed answer that is short. Until the client reads, no more is asked for than one piece, or what makes
 * up `aheadBytes`.
 */
async function streamedText(
  texts: AsyncGenerator<string, void, undefined>,
  { contentType, headers, aheadBytes }: { contentType: string; headers?: Record<string, string>; aheadBytes?: number },
): Promise<Response> {
  const encoder = new TextEncoder()
  const first = await texts.next()
  const end = Promise.withResolvers<{ broken: boolean }>()
  const write = (controller: ReadableStreamDefaultController<Uint8Array>, { done, value }: typeof first) => {
    if (!done) return controller.enqueue(encoder.encode(value))
    controller.close()
    end.resolve({ broken: false })
  }
  const stream = new ReadableStream<Uint8Array>(
    {
      start: (controller) => write(controller, first),
      async pull(controller) {
        try {
          write(controller, await texts.next())
        } catch (error) {
          end.resolve({ broken: true })
          throw error
        }
      },
      async cancel() {
        end.resolve({ broken: true })
        await texts.return()
      },
    },
    aheadBytes === undefined
      ? { highWaterMark: 1 }
      : { highWaterMark: aheadBytes, size: (chunk) => chunk?.byteLength ?? 0 },
  )
  ends.set(stream, end.promise)
  return new Response(stream, { headers: { 'content-type': contentType, ...headers } })
}

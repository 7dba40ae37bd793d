/** Helpers for routes: bodies and responses in the OpenAPI document, and streamed lists. */
import type { z } from '@hono/zod-openapi'
import type { TypedResponse } from 'hono'
import type { ContractApp } from './contract-types'

export function json<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  headers?: Record<string, ReturnType<typeof header>>,
) {
  return { description, ...(headers && { headers }), content: { 'application/json': { schema } } }
}

/** A header of a response, required unless it is `optional`. */
export function header(description: string, type: 'string' | 'integer' = 'string', { optional = false } = {}) {
  return { description, required: !optional, schema: { type } }
}

export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { 'application/json': { schema } } }
}

/** Selects the described failures of an operation by status. Any operation may return 429 and 503. */
export function failuresOf<Described extends Record<429 | 503, object>>(described: Described) {
  return <Status extends keyof Described>(...statuses: Status[]) => {
    const chosen = [...statuses, 429, 503] as (Status | 429 | 503)[]
    const entries = chosen.map((status) => [status, described[status]])
    return Object.fromEntries(entries) as Pick<Described, Status | 429 | 503>
  }
}

/** The content types that `readFields` accepts. */
export const formTypes = ['application/x-www-form-urlencoded', 'multipart/form-data', 'application/json']

/** A schema under the name of its component: `{ RbacUserUpdate }`. */
type Component = Record<string, z.ZodType>

/** Registers the component in the contract's document, and returns a reference to it. */
function referenceTo({ openAPIRegistry }: ContractApp, component: Component) {
  const [[name, schema]] = Object.entries(component) as [[string, z.ZodType]]
  openAPIRegistry.register(name, schema)
  return { name, schema: { $ref: `#/components/schemas/${name}` } }
}

/**
 * Documents a body that the operation validates itself, with `validate` or `validateChanges`. The library would validate a body that is
 * documented by its schema.
 */
export function documentedBody(
  app: ContractApp,
  component: Component,
  types: readonly string[] = ['application/json'],
) {
  const { schema } = referenceTo(app, component)
  return { required: true, content: Object.fromEntries(types.map((type) => [type, { schema }])) }
}

/** The text around a streamed list. */
interface ListFrame {
  open: string
  /** Written last. `count` is the number of items. */
  close: (count: number) => string
  /** The whole response when there are no items. */
  empty: string
}

const array: ListFrame = { open: '[', close: () => ']', empty: '[]' }

/** Streams a JSON array page by page, as the client reads it. */
export function streamedArray<Item, Wire>(
  pages: AsyncGenerator<Item[], void, undefined>,
  toWire: (item: Item) => Wire,
) {
  return streamed<Item, Wire, Wire[]>(pages, toWire, array)
}

const ends = new WeakMap<ReadableStream, Promise<{ broken: boolean }>>()

/** Resolves when the streamed response is complete or broken. Undefined for a response that is not streamed. */
export function streamEndOf({ body }: Response): Promise<{ broken: boolean }> | undefined {
  return body === null ? undefined : ends.get(body)
}

/** Streams JSON that contains a list, page by page, as the client reads it. */
export async function streamed<Item, Wire, Whole extends object>(
  pages: AsyncGenerator<Item[], void, undefined>,
  toWire: (item: Item) => Wire,
  frame: ListFrame,
): Promise<Response & TypedResponse<Whole, 200, 'json'>> {
  const response = await streamedText(listed(pages, toWire, frame), { contentType: 'application/json' })
  return response as Response & TypedResponse<Whole, 200, 'json'>
}

async function* listed<Item, Wire>(
  pages: AsyncGenerator<Item[], void, undefined>,
  toWire: (item: Item) => Wire,
  { open, close, empty }: ListFrame,
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

/**
 * Documents text with one value of the component per line. OpenAPI 3.1 has no keyword for the schema of a line, so the
 * description names it.
 */
function linesOfComponent(app: ContractApp, component: Component) {
  const { name, schema: line } = referenceTo(app, component)
  const schema = { type: 'string' as const, description: `One ${name} in JSON a line` }
  return { schema, 'x-item-schema': line }
}

/** As `json`, for a response with one value of the component per line. */
export function ndjson(
  app: ContractApp,
  component: Component,
  description: string,
  headers?: Record<string, ReturnType<typeof header>>,
) {
  const content: Record<string, ReturnType<typeof linesOfComponent>> = {
    [ndjsonType]: linesOfComponent(app, component),
  }
  return { description, ...(headers && { headers }), content }
}

export function ndjsonBody(app: ContractApp, component: Component) {
  return { required: true, content: { [ndjsonType]: linesOfComponent(app, component) } }
}

/** Streams one line per item, page by page. */
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
 * Streams text. The first chunk is awaited before the response starts, so that a refusal is still an error response. A
 * later failure breaks the connection, so that a client never takes a short list for a complete one. Reads ahead of the
 * client by one chunk, or by `aheadBytes`.
 */
export async function streamedText(
  texts: AsyncGenerator<string, void, undefined>,
  {
    contentType,
    headers,
    aheadBytes,
    status = 200,
  }: { contentType: string; headers?: Record<string, string>; aheadBytes?: number; status?: number },
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
  return new Response(stream, { status, headers: { 'content-type': contentType, ...headers } })
}

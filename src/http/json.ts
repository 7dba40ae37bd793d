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

/** A header that an answer always has. */
export function header(description: string, type: 'string' | 'integer' = 'string') {
  return { description, required: true, schema: { type } }
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

/** What `fieldsOf` reads. */
export const formTypes = ['application/x-www-form-urlencoded', 'multipart/form-data', 'application/json']

/** Documents a body whose schema, a component of the document, the operation applies itself, by `checked` or `changesIn`. */
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

/**
 * JSON with a list in it, written page by page as the client reads it. The first page is read before the answer begins, so that a
 * refusal is still an error; a failure after that breaks the connection, never a well-formed answer that is short.
 */
export async function streamed<Item, Wire, Whole extends object>(
  pages: AsyncGenerator<Item[], void, undefined>,
  toWire: (item: Item) => Wire,
  { open, close, empty }: Around,
): Promise<Response & TypedResponse<Whole, 200, 'json'>> {
  const encoder = new TextEncoder()
  const first = await pages.next()
  let separator = open
  let count = 0
  const end = Promise.withResolvers<{ broken: boolean }>()
  const encode = (items: Item[]) => {
    const text = separator + items.map((item) => JSON.stringify(toWire(item))).join(',')
    separator = ','
    count += items.length
    return encoder.encode(text)
  }
  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (!first.done) return controller.enqueue(encode(first.value))
        controller.enqueue(encoder.encode(empty))
        controller.close()
        end.resolve({ broken: false })
      },
      async pull(controller) {
        try {
          const { done, value } = await pages.next()
          if (!done) return controller.enqueue(encode(value))
          controller.enqueue(encoder.encode(close(count)))
          controller.close()
          end.resolve({ broken: false })
        } catch (error) {
          end.resolve({ broken: true })
          throw error
        }
      },
      async cancel() {
        end.resolve({ broken: true })
        await pages.return()
      },
    },
    { highWaterMark: 1 },
  )
  ends.set(stream, end.promise)
  const response = new Response(stream, { headers: { 'content-type': 'application/json' } })
  return response as Response & TypedResponse<Whole, 200, 'json'>
}

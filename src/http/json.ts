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

/** Documents a body whose schema, a component of the document, the operation applies itself by `changesIn`. */
export function documentedBody(component: string) {
  return { required: true, content: { 'application/json': { schema: { $ref: `#/components/schemas/${component}` } } } }
}

/**
 * A JSON array written page by page as the client reads it. The first page is read before the answer begins, so that a refusal is
 * still an error; a failure after that breaks the connection, never a well-formed array that is short.
 */
export async function streamedArray<Item, Wire>(
  pages: AsyncGenerator<Item[], void, undefined>,
  toWire: (item: Item) => Wire,
): Promise<Response & TypedResponse<Wire[], 200, 'json'>> {
  const encoder = new TextEncoder()
  const first = await pages.next()
  let separator = '['
  const encode = (items: Item[]) => {
    const text = separator + items.map((item) => JSON.stringify(toWire(item))).join(',')
    separator = ','
    return encoder.encode(text)
  }
  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (!first.done) return controller.enqueue(encode(first.value))
        controller.enqueue(encoder.encode('[]'))
        controller.close()
      },
      async pull(controller) {
        const { done, value } = await pages.next()
        if (!done) return controller.enqueue(encode(value))
        controller.enqueue(encoder.encode(']'))
        controller.close()
      },
      async cancel() {
        await pages.return()
      },
    },
    { highWaterMark: 1 },
  )
  const response = new Response(stream, { headers: { 'content-type': 'application/json' } })
  return response as Response & TypedResponse<Wire[], 200, 'json'>
}

/** Bodies: at most so many bytes, decoded fatally, read once. */
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { z } from '@hono/zod-openapi'
import type { ContractEnv } from './contract'
import { emptyBody, Failed, toIssues } from './failure'

const maxBytes = 65_536
const hasBody = (c: Context) => c.req.raw.body !== null && !['GET', 'HEAD', 'DELETE'].includes(c.req.method)

/** Reads the body, and no further than may be: what follows finds the bytes where the framework keeps them. */
export const limitedBody = createMiddleware<ContractEnv>(async (c, next) => {
  if (hasBody(c)) {
    if (Number(c.req.header('content-length') ?? 0) > maxBytes) throw new Failed({ kind: 'body_too_large' })
    const chunks: Uint8Array[] = []
    let length = 0
    for await (const chunk of c.req.raw.body as ReadableStream<Uint8Array>) {
      length += chunk.byteLength
      if (length > maxBytes) throw new Failed({ kind: 'body_too_large' })
      chunks.push(chunk)
    }
    // The framework keeps a promise here, whatever its type says.
    c.req.bodyCache.arrayBuffer = new Blob(chunks).arrayBuffer() as unknown as ArrayBuffer
  }
  await next()
})

const isJson = /^application\/([\w.-]+\+)?json *(;|$)/i
const isForm = /^application\/x-www-form-urlencoded *(;|$)/i

/** Refuses what a lenient reader would let pass: bytes that are not UTF-8 would be stored as U+FFFD. */
export const decodedBody = createMiddleware<ContractEnv>(async (c, next) => {
  if (hasBody(c)) {
    const contentType = c.req.header('content-type') ?? (c.var.contract.assumesJson ? 'application/json' : '')
    const [json, form] = [isJson.test(contentType), isForm.test(contentType)]
    if (json) checkJson(decode(await c.req.arrayBuffer()))
    if (form) checkEscapes(decode(await c.req.arrayBuffer()))
    // Whatever its spelling and parameters, from here on it is called by its plain name.
    if (json || form) {
      const headers = new Headers(c.req.raw.headers)
      headers.set('content-type', json ? 'application/json' : 'application/x-www-form-urlencoded')
      c.req.raw = new Request(c.req.raw.url, { method: c.req.method, headers })
    }
  }
  await next()
})

function decode(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    throw new Failed({ kind: 'unreadable_body', position: 0 })
  }
}

/** An empty body passes: whether one is needed, the operation says. */
function checkJson(text: string): void {
  if (text === '') return
  try {
    JSON.parse(text)
  } catch (error) {
    const position = /at position (\d+)/.exec(String(error))?.[1]
    throw new Failed({ kind: 'unreadable_body', position: Number(position ?? 0) })
  }
}

/** The bytes behind a form's percent signs must be UTF-8 too. */
function checkEscapes(form: string): void {
  for (const [run] of form.matchAll(/(%[0-9a-f]{2})+/gi)) {
    try {
      decodeURIComponent(run)
    } catch {
      throw new Failed({ kind: 'unreadable_body', position: 0 })
    }
  }
}

/** The JSON value of a body whose schema the operation applies itself, once it knows what it would change. */
export async function jsonOf(c: Context): Promise<unknown> {
  const text = decode(await c.req.arrayBuffer())
  if (text === '') throw new Failed(emptyBody)
  if (!isJson.test(c.req.header('content-type') ?? '')) throw new Failed({ kind: 'unsupported_media_type' })
  return JSON.parse(text) as unknown
}

/**
 * The changes in `sent`, checked by `schema`. A field sent back exactly as `shown` is no change: it is not checked, so that a record
 * which would not pass today can still be edited by a client that sends all of it.
 */
export function changesIn<Schema extends z.ZodObject>(
  schema: Schema,
  sent: unknown,
  shown: Record<string, unknown> | undefined,
): z.output<Schema> {
  const changed = isObject(sent)
    ? Object.fromEntries(Object.entries(sent).filter(([field, value]) => !shown || !isShown(value, shown, field)))
    : sent
  const result = schema.safeParse(changed)
  if (!result.success)
    throw new Failed({ kind: 'invalid_request', part: 'body', issues: toIssues(result.error, changed) })
  return result.data
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isShown(value: unknown, shown: Record<string, unknown>, field: string): boolean {
  return Object.hasOwn(shown, field) && JSON.stringify(value) === JSON.stringify(shown[field])
}

/** Reads request bodies: limited in size, decoded as strict UTF-8, and read only once. */
import type { Context } from 'hono'
import type { z } from '@hono/zod-openapi'
import type { ContractTraits } from '../contract/contract-types'
import { emptyBody, Failed, toIssues } from '../contract/failure'
import { readPart, splitParts } from './multipart'
import { maxStreamBytes } from './ndjson'

const maxBytes = 65_536
const hasBody = (c: Context) => !['GET', 'HEAD', 'DELETE'].includes(c.req.method) && c.req.raw.body !== null

/** Reads the body up to the limit, and keeps the bytes where the framework looks for them. */
export async function limitBody(c: Context, limit = maxBytes): Promise<void> {
  if (!hasBody(c)) return
  const tooLarge = { kind: 'body_too_large', maxBytes: limit } as const
  if (Number(c.req.header('content-length') ?? 0) > limit) throw new Failed(tooLarge)
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of c.req.raw.body as ReadableStream<Uint8Array>) {
    length += chunk.byteLength
    if (length > limit) throw new Failed(tooLarge)
    chunks.push(chunk)
  }
  // The framework keeps a promise here, although the type says otherwise.
  c.req.bodyCache.arrayBuffer = new Blob(chunks).arrayBuffer() as unknown as ArrayBuffer
}

/** For an operation that streams the body. A declared length over the limit is refused before reading. */
export function boundBody(c: Context): void {
  if (Number(c.req.header('content-length') ?? 0) > maxStreamBytes) {
    throw new Failed({ kind: 'body_too_large', maxBytes: maxStreamBytes })
  }
}

const isJson = /^application\/([\w.-]+\+)?json *(;|$)/i
const isForm = /^application\/x-www-form-urlencoded *(;|$)/i
const isMultipart = /^multipart\/form-data *(;|$)/i

/** Refuses invalid encodings, which a lenient decoder would store as U+FFFD. */
export async function decodeBody(c: Context): Promise<void> {
  if (!hasBody(c)) return
  refuseEncoded(c)
  const bytes = await c.req.arrayBuffer()
  const contract = c.get('contract') as ContractTraits
  const contentType = c.req.header('content-type') ?? (contract.assumesJson ? 'application/json' : '')
  const json = isJson.test(contentType)
  const multipart = isMultipart.test(contentType)
  const form = contract.readsForms === true && (multipart || isForm.test(contentType))
  if (json) checkJson(bytes)
  // The framework uses this form instead of reading the body itself.
  if (form) c.req.bodyCache.formData = toForm(multipart ? readMultipart(bytes, contentType) : readForm(bytes))
  // From here on, the content type is the plain name, without variants and parameters.
  if (json || form) {
    const headers = new Headers(c.req.raw.headers)
    headers.set('content-type', json ? 'application/json' : 'application/x-www-form-urlencoded')
    c.req.raw = new Request(c.req.raw.url, { method: c.req.method, headers })
  }
}

/** Usher does not decompress bodies. RFC 9110 requires the response to list the accepted codings. */
export function refuseEncoded(c: Context): void {
  if (c.req.raw.body === null) return
  const codings = (c.req.header('content-encoding') ?? '').split(',').map((coding) => coding.trim().toLowerCase())
  const isPlain = codings.every((coding) => coding === '' || coding === 'identity')
  if (!isPlain) throw new Failed({ kind: 'unsupported_encoding' })
}

function decode(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    throw new Failed({ kind: 'unreadable_body', position: 0 })
  }
}

/** An empty body passes. The operation decides whether it needs one. */
function checkJson(bytes: ArrayBuffer): void {
  if (bytes.byteLength === 0) return
  const text = decode(bytes)
  try {
    JSON.parse(text)
  } catch (error) {
    const position = /at position (\d+)/.exec(String(error))?.[1]
    throw new Failed({ kind: 'unreadable_body', position: Number(position ?? 0) })
  }
}

/** Far more fields than any form of a contract has. */
const maxFields = 1000

function refuseTooMany(fields: readonly unknown[]): void {
  if (fields.length <= maxFields) return
  const problem = { rule: 'too_many' as const, of: 'fields' as const, max: maxFields }
  throw new Failed({ kind: 'invalid_request', part: 'body', issues: [{ path: [], problem }] })
}

type Pair = readonly [name: string, value: string]

function toForm(pairs: readonly Pair[]): FormData {
  const form = new FormData()
  for (const [name, value] of pairs) form.append(name, value)
  return form
}

function readForm(bytes: ArrayBuffer): Pair[] {
  const text = decode(bytes)
  checkEscapes(text)
  const pairs = [...new URLSearchParams(text)]
  refuseTooMany(pairs)
  return pairs
}

/** Skips files, which may contain any bytes. */
function readMultipart(bytes: ArrayBuffer, contentType: string): Pair[] {
  if (bytes.byteLength === 0) return []
  const pieces = splitParts(new TextDecoder().decode(bytes), contentType)
  if (!pieces) throw new Failed({ kind: 'unreadable_body', position: 0 })
  refuseTooMany(pieces)
  const pairs: Pair[] = []
  for (const piece of pieces) {
    const part = readPart(piece)
    if (!part) throw new Failed({ kind: 'unreadable_body', position: 0 })
    if (part.text !== undefined) pairs.push([part.name, part.text])
  }
  // Invalid UTF-8 has become U+FFFD. A strict decoding tells whether the client sent one.
  if (pairs.some((pair) => pair.join('').includes('\ufffd'))) decode(bytes)
  return pairs
}

/** Percent-encoded bytes of a form must be valid UTF-8 too. */
function checkEscapes(form: string): void {
  for (const [run] of form.matchAll(/(%[0-9a-f]{2})+/gi)) {
    try {
      decodeURIComponent(run)
    } catch {
      throw new Failed({ kind: 'unreadable_body', position: 0 })
    }
  }
}

/** Returns the JSON value of a body. The operation validates it later, against the current record. */
export async function readJson(c: Context): Promise<unknown> {
  const text = decode(await c.req.arrayBuffer())
  if (text === '') throw new Failed(emptyBody)
  if (!isJson.test(c.req.header('content-type') ?? '')) throw new Failed({ kind: 'unsupported_media_type' })
  return JSON.parse(text) as unknown
}

/** As `readJson`, but returns undefined for an empty body. */
export async function readOptionalJson(c: Context): Promise<unknown> {
  return (await c.req.arrayBuffer()).byteLength === 0 ? undefined : readJson(c)
}

/**
 * Returns the fields of a JSON body, a form or a multipart form; no fields for an empty body. In a form, `user[name]`
 * is the field `name` of the field `user`, as browser libraries write it. The last of several values counts.
 */
export async function readFields(c: Context): Promise<Record<string, unknown>> {
  const bytes = await c.req.arrayBuffer()
  if (bytes.byteLength === 0) return {}
  const contentType = c.req.header('content-type') ?? ''
  if (isJson.test(contentType)) {
    const value: unknown = JSON.parse(decode(bytes))
    if (isObject(value)) return value
    const problem = { rule: 'wrong_type' as const, expected: 'object' as const }
    throw new Failed({ kind: 'invalid_request', part: 'body', issues: [{ path: [], problem }] })
  }
  if (!isForm.test(contentType)) throw new Failed({ kind: 'unsupported_media_type' })
  return nested(await c.req.formData())
}

/**
 * Returns the parameters of a form or the members of a JSON object. It serves an operation whose standard requires a
 * form, in a contract without other forms. Refuses a repeated parameter, as RFC 6749 requires.
 */
export async function readParameters(c: Context): Promise<Record<string, unknown>> {
  const bytes = await c.req.arrayBuffer()
  if (bytes.byteLength === 0 || !isForm.test(c.req.header('content-type') ?? '')) return readFields(c)
  const pairs = readForm(bytes)
  const repeated = pairs.find(([name], index) => pairs.findIndex(([other]) => other === name) !== index)
  if (repeated) {
    const issues = [{ path: [repeated[0]], problem: { rule: 'repeated' as const } }]
    throw new Failed({ kind: 'invalid_request', part: 'body', issues })
  }
  return Object.fromEntries(pairs)
}

function nested(form: FormData): Record<string, unknown> {
  const fields = new Map<string, string | Map<string, string>>()
  for (const [name, value] of form) {
    if (typeof value !== 'string') continue
    const [, outer, inner] = /^([^[\]]+)\[([^[\]]+)\]$/.exec(name) ?? []
    if (outer === undefined || inner === undefined) {
      fields.set(name, value)
      continue
    }
    const present = fields.get(outer)
    const group = present instanceof Map ? present : new Map<string, string>()
    fields.set(outer, group.set(inner, value))
  }
  const entries = [...fields].map(([name, value]) => [name, value instanceof Map ? Object.fromEntries(value) : value])
  return Object.fromEntries(entries) as Record<string, unknown>
}

/** Converts a value before it is compared and validated. */
type Reader = (value: unknown, field: string) => unknown

const asSent: Reader = (value) => value

/** Validates the sent fields with `schema`. */
export function validate<Schema extends z.ZodObject>(
  schema: Schema,
  sent: unknown,
  read: Reader = asSent,
): z.output<Schema> {
  const values = isObject(sent)
    ? Object.fromEntries(Object.entries(sent).map(([field, value]) => [field, read(value, field)]))
    : sent
  const result = schema.safeParse(values)
  if (result.success) return result.data
  throw new Failed({ kind: 'invalid_request', part: 'body', issues: toIssues(result.error, values) })
}

interface ChangesOptions {
  /** The record as the client sees it now. */
  shown?: Record<string, unknown> | undefined
  /** Fields whose values the caller determines without the schema. */
  alreadyParsed?: readonly string[]
  read?: Reader
}

/**
 * Validates the changes in `sent`. A field equal to `shown` is not a change and is not validated. So a client that
 * sends whole records can edit a record that is not valid today.
 */
export function validateChanges<Schema extends z.ZodObject>(
  schema: Schema,
  sent: unknown,
  { shown, alreadyParsed = [], read = asSent }: ChangesOptions,
): Partial<z.output<Schema>> {
  const isUnchanged = (field: string) => {
    if (!shown || !isObject(sent) || !Object.hasOwn(sent, field) || !Object.hasOwn(shown, field)) return false
    const value = read(sent[field], field)
    // Clients that read a missing value as null also send it as null.
    if (value === null && read(shown[field], field) === null) return true
    return isSame(shown[field], sent[field]) || isSame(shown[field], value)
  }
  const omitted = Object.keys(schema.shape).filter((field) => alreadyParsed.includes(field) || isUnchanged(field))
  // The field names are known only at run time.
  const rest: z.ZodObject = schema.omit(Object.fromEntries(omitted.map((field) => [field, true])) as never)
  return validate(rest, sent, read) as Partial<z.output<Schema>>
}

/** Does not compare JSON texts, because JSON writes numbers out of range, such as `1e400`, as null. */
function isSame(shown: unknown, sent: unknown): boolean {
  if (typeof shown !== 'object' || typeof sent !== 'object' || shown === null || sent === null) return shown === sent
  const [entries, others] = [Object.entries(shown), Object.entries(sent)]
  return (
    Array.isArray(shown) === Array.isArray(sent) &&
    entries.length === others.length &&
    entries.every(([key, value]) => Object.hasOwn(sent, key) && isSame(value, (sent as Record<string, unknown>)[key]))
  )
}

/**
 * For contracts whose original does the same: trims text, and turns empty text into null. Passwords are never trimmed.
 */
export function trimmed(value: unknown, field: string): unknown {
  if (typeof value !== 'string') return value
  return (field.startsWith('password') ? value : value.trim()) || null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

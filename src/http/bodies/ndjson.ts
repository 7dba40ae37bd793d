/** Reads newline-delimited JSON as it arrives. */
import type { Context } from 'hono'
import { Failed } from '../contract/failure'
import { ndjsonType } from '../contract/json'

const isNdjson = /^application\/(x-ndjson|ndjson|jsonl|x-jsonlines) *(;|$)/i

/** The limits of a whole body and of one line. */
export const maxStreamBytes = 26_214_400
export const maxLineBytes = 65_536
/**
 * The maximum number of lines of a body. The platform’s limits of time and queries per request suffice for this number.
 */
const maxLines = 100_000

/** A line that is not blank, by its number from 1: the value, or the reason why it cannot be read. */
export type Line = { number: number; value: unknown } | { number: number; unreadable: 'too_long' | 'not_json' }

const firstLines = 100
/** Large enough for the longest body to stay below the platform's limit of queries per invocation. */
const linesAtOnce = 4000
const charactersAtOnce = 1_300_000

/**
 * Yields the lines in batches; the first batch is small, so that the response starts early. Refuses a wrong content
 * type at once, and a body over the limit when it exceeds it.
 */
export function linesOf(c: Context): AsyncGenerator<Line[], void, undefined> {
  if (!isNdjson.test(c.req.header('content-type') ?? '')) {
    throw new Failed({ kind: 'unsupported_media_type', expected: ndjsonType })
  }
  return gathered(c.req.raw.body ?? new Blob([]).stream())
}

async function* gathered(body: ReadableStream<Uint8Array>): AsyncGenerator<Line[], void, undefined> {
  let lines: Line[] = []
  let characters = 0
  let enough = firstLines
  let [number, read] = [0, 0]
  for await (const texts of wholeLines(body)) {
    for (const text of texts) {
      number += 1
      const line = toLine(number, number === 1 ? text?.replace(/^\ufeff/, '') : text)
      if (line && read === maxLines) {
        if (lines.length > 0) yield lines
        throw new Failed({ kind: 'body_too_large', maxBytes: maxStreamBytes, maxLines })
      }
      if (line) {
        lines.push(line)
        read += 1
      }
      characters += text?.length ?? 0
      if (lines.length < enough && characters < charactersAtOnce) continue
      yield lines
      ;[lines, characters, enough] = [[], 0, linesAtOnce]
    }
  }
  if (lines.length > 0) yield lines
}

const [newline, carriageReturn] = [10, 13]

/** The text of a line without its end. Null for a line that is too long, and undefined for invalid UTF-8. */
type Text = string | null | undefined

async function* wholeLines(body: ReadableStream<Uint8Array>): AsyncGenerator<Text[], void, undefined> {
  let bytes = 0
  let begun: Uint8Array[] = []
  let begunBytes = 0
  const keep = (part: Uint8Array) => {
    begunBytes += part.byteLength
    // Keeps only as much of a long line as shows that it is too long.
    if (begunBytes <= maxLineBytes + 1) begun.push(part)
    else begun = []
  }
  for await (const chunk of body) {
    bytes += chunk.byteLength
    if (bytes > maxStreamBytes) throw new Failed({ kind: 'body_too_large', maxBytes: maxStreamBytes })
    const first = chunk.indexOf(newline)
    if (first < 0) {
      keep(chunk)
      continue
    }
    keep(chunk.subarray(0, first))
    const last = chunk.lastIndexOf(newline)
    yield [textOf(begun, begunBytes), ...(first < last ? textsOf(chunk.subarray(first + 1, last)) : [])]
    ;[begun, begunBytes] = [[], 0]
    keep(chunk.subarray(last + 1))
  }
  if (begunBytes > 0) yield [textOf(begun, begunBytes)]
}

function textOf(parts: readonly Uint8Array[], length: number): Text {
  if (length === 0) return ''
  const line = new Uint8Array(Math.min(length, maxLineBytes + 1))
  let at = 0
  for (const part of parts) {
    line.set(part, at)
    at += part.byteLength
  }
  const whole = line.at(-1) === carriageReturn ? line.subarray(0, -1) : line
  return whole.byteLength > maxLineBytes ? null : decoded(whole)
}

/** Decodes all lines at once if they are valid, as they usually are. */
function textsOf(lines: Uint8Array): Text[] {
  const text = decoded(lines)
  if (text !== undefined)
    return text.split('\n').map((line) => (line.length * 3 > maxLineBytes ? measured(line) : line))
  const texts: Text[] = []
  for (let start = 0; start <= lines.byteLength;) {
    const found = lines.indexOf(newline, start)
    const end = found < 0 ? lines.byteLength : found
    texts.push(textOf([lines.subarray(start, Math.min(end, start + maxLineBytes + 1))], end - start))
    start = end + 1
  }
  return texts
}

const measured = (line: string) =>
  new TextEncoder().encode(line.replace(/\r$/, '')).byteLength > maxLineBytes ? null : line

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Returns undefined for a blank line. */
function toLine(number: number, text: Text): Line | undefined {
  if (text === null) return { number, unreadable: 'too_long' }
  if (text === undefined) return { number, unreadable: 'not_json' }
  if (text.trim() === '') return undefined
  try {
    return { number, value: JSON.parse(text) as unknown }
  } catch {
    return { number, unreadable: 'not_json' }
  }
}

/** Newline-delimited JSON: a body read line by line as it comes, and answers written so. */
import type { Context } from 'hono'
import { Failed } from '../contract/failure'
import { ndjsonType } from '../contract/json'

const isNdjson = /^application\/(x-ndjson|ndjson|jsonl|x-jsonlines) *(;|$)/i

/** Of a whole body, and of one line. */
export const maxStreamBytes = 26_214_400
export const maxLineBytes = 65_536
/** Of a body: what the platform allows a request, in time and in queries, is enough for these. */
const maxLines = 100_000

/** A line with something on it, by its number from 1: what it says, or why it cannot be read. */
export type Line = { number: number; value: unknown } | { number: number; unreadable: 'too_long' | 'not_json' }

const firstLines = 100
/** So that the largest body takes no more queries than one invocation may make. */
const linesAtOnce = 2000
const charactersAtOnce = 650_000

/**
 * The lines of the body many at a time, the first of them sooner. Refuses a body of another type at once, and one that is too large
 * when it has become so.
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

/** A text for each line, without its end; null for one that is too long and undefined for one that is not UTF-8. */
type Text = string | null | undefined

async function* wholeLines(body: ReadableStream<Uint8Array>): AsyncGenerator<Text[], void, undefined> {
  let bytes = 0
  let begun: Uint8Array[] = []
  let begunBytes = 0
  const keep = (part: Uint8Array) => {
    begunBytes += part.byteLength
    // Of a line that is too long nothing more is kept than that it is.
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

/** All lines at once where they are sound, which they mostly are. */
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

/** Nothing for a line with nothing on it. */
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

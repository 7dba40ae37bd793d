/** The text of a table: UTF-8, UTF-16 with a byte order mark, or the encoding that the command line names. */
import { isUtf8 } from 'node:buffer'
import { closeSync, openSync, readSync } from 'node:fs'
import { Stop } from '../directory.js'

const chunkBytes = 1 << 20
const newline = 10

const hint = 'Save the table as UTF-8 or name its encoding: tables of Excel on Windows take --encoding windows-1252.'

/**
 * Yields the text in parts, with a newline as the end of each line. Stops at bytes that are invalid in the encoding; no
 * character is replaced.
 */
export function* textOf(file, encoding) {
  let line = 1
  let rest = ''
  for (const decoded of decodedParts(file, encoding, () => line)) {
    const text = rest + decoded
    // A carriage return and its newline may be in different parts.
    rest = text.endsWith('\r') ? '\r' : ''
    const part = text.slice(0, text.length - rest.length).replace(/\r\n?/g, '\n')
    const nul = part.indexOf('\0')
    if (nul >= 0) throw new Stop(`Line ${line + newlinesIn(part.slice(0, nul))} is not in a known encoding. ${hint}`)
    line += newlinesIn(part)
    if (part !== '') yield part
  }
  if (rest !== '') yield '\n'
}

const newlinesIn = (text) => text.split('\n').length - 1

function* decodedParts(file, encoding, lineSoFar) {
  const chunks = chunksOf(file)
  const { value: first = Buffer.alloc(0) } = chunks.next()
  const label = markOf(first) ?? encoding ?? 'utf-8'
  const all = withFirst(first, chunks)
  if (decoderOf(label).encoding === 'utf-8') return yield* utf8Parts(all, lineSoFar)
  const decoder = decoderOf(label)
  for (const chunk of all) yield decodedBy(decoder, chunk, { stream: true }, lineSoFar)
  yield decodedBy(decoder, Buffer.alloc(0), {}, lineSoFar)
}

/** A byte order mark decides the encoding, whatever the command line says. */
function markOf(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 'utf-8' : undefined
}

function decoderOf(label) {
  try {
    return new TextDecoder(label, { fatal: true })
  } catch {
    throw new Stop(`${label} is not a supported encoding.`)
  }
}

function decodedBy(decoder, bytes, options, lineSoFar) {
  try {
    return decoder.decode(bytes, options)
  } catch {
    throw new Stop(`The table is not ${decoder.encoding} from line ${lineSoFar()} on. ${hint}`)
  }
}

/** Decodes whole lines, so that the line with invalid UTF-8 can be named. */
function* utf8Parts(chunks, lineSoFar) {
  const decoder = new TextDecoder('utf-8')
  let rest = Buffer.alloc(0)
  const decoded = (bytes) => {
    if (!isUtf8(bytes)) throw new Stop(`Line ${lineSoFar() + linesOfUtf8(bytes)} is not UTF-8. ${hint}`)
    return decoder.decode(bytes, { stream: true })
  }
  for (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk])
    const end = bytes.lastIndexOf(newline) + 1
    rest = bytes.subarray(end)
    if (end > 0) yield decoded(bytes.subarray(0, end))
  }
  if (rest.length > 0) yield decoded(rest)
}

function linesOfUtf8(bytes) {
  let count = 0
  for (let start = 0; start < bytes.length; count += 1) {
    const end = bytes.indexOf(newline, start)
    const next = end < 0 ? bytes.length : end + 1
    if (!isUtf8(bytes.subarray(start, next))) return count
    start = next
  }
  return count
}

function* withFirst(first, others) {
  yield first
  yield* others
}

function* chunksOf(file) {
  const handle = openSync(file, 'r')
  try {
    for (;;) {
      const buffer = Buffer.alloc(chunkBytes)
      const read = readSync(handle, buffer)
      if (read === 0) return
      yield buffer.subarray(0, read)
    }
  } finally {
    closeSync(handle)
  }
}

/**
 * Reads the JSON objects of a file one by one, as text: the items of `log.entries` of a HAR file, or the lines of
 * NDJSON. The whole file is never in memory. A string longer than `longest` bytes is cut, and its object is marked.
 */
import { createReadStream } from 'node:fs'
import { Stop } from '../directory.js'

const longest = 8 * 2 ** 20
const largestElement = 64 * 2 ** 20

const [quote, backslash, openBrace, closeBrace, openBracket, closeBracket, colon, comma, letterU] = [
  ...'"\\{}[]:,u',
].map((character) => character.charCodeAt(0))
const isBlank = (byte) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** Yields `{ text, isCut }`. `name` is the name of the file, for messages. */
export async function* elementsOf(path, name = path) {
  const isHar = await beginsAsHar(path, name)
  const scan = new Scan(isHar, name)
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    scan.read(chunk)
    yield* scan.taken()
  }
  scan.end()
}

async function beginsAsHar(path, name) {
  let start = Buffer.alloc(0)
  for await (const chunk of createReadStream(path, { end: 65_535 })) start = Buffer.concat([start, chunk])
  const text = start
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart()
  if (text === '') throw new Stop(`${name} is empty.`)
  if (!text.startsWith('{')) throw new Stop(`${name} is not a recording: neither HAR nor NDJSON.`)
  const [line] = text.split('\n')
  // The first line of NDJSON is complete, and has a request.
  return !/^\{\s*"(request|response|index|time|timestamp|id)"/.test(line) && !isCompleteEntry(line)
}

function isCompleteEntry(line) {
  try {
    const value = JSON.parse(line)
    return 'request' in value || 'response' in value || !('log' in value)
  } catch {
    return false
  }
}

class Scan {
  constructor(isHar, name) {
    this.isHar = isHar
    this.name = name
    this.found = []
    this.count = 0
    this.position = 0
    this.depth = 0
    /** The keys of the two outermost objects. */
    this.keys = []
    this.key = undefined
    this.lastString = undefined
    this.inString = false
    this.escaped = 0
    this.stringLength = 0
    /** The pieces of the element that is being read. */
    this.pieces = undefined
    this.size = 0
    this.skipping = false
    this.isCut = false
    this.hasEntries = !isHar
    this.elementDepth = isHar ? undefined : 0
    this.hasEnded = false
  }

  read(chunk) {
    let from = this.pieces && !this.skipping ? 0 : -1
    const keep = (to) => {
      if (from < 0 || to <= from) return
      // Copies the bytes, because a slice would keep the whole chunk in memory.
      this.pieces.push(Buffer.from(chunk.subarray(from, to)))
      this.size += to - from
      if (this.size > largestElement) throw new Stop(`Entry ${this.count + 1} of ${this.name} is larger than 64 MB.`)
    }
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at]
      if (this.inString) {
        if (this.escaped > 0) {
          this.escaped = this.escaped === 1 && byte === letterU && this.escapeIsNew ? 4 : this.escaped - 1
          this.escapeIsNew = false
        } else if (byte === quote) {
          this.inString = false
          if (this.skipping) {
            this.skipping = false
            from = at
          }
          if (this.capturing !== undefined) {
            this.lastString = Buffer.from(this.capturing).toString('utf8')
            this.capturing = undefined
          }
          continue
        } else {
          if (this.pieces && !this.skipping && this.stringLength > longest && byte < 0x80) {
            keep(at)
            from = -1
            this.skipping = true
            this.isCut = true
          }
          if (byte === backslash) {
            this.escaped = 1
            this.escapeIsNew = true
          }
        }
        this.stringLength += 1
        if (this.capturing !== undefined && this.capturing.length < 64) this.capturing.push(byte)
        continue
      }
      if (byte === quote) {
        this.inString = true
        this.stringLength = 0
        if (this.isHar && !this.pieces && this.depth <= 2) this.capturing = []
        else if (!this.pieces && this.depth === this.elementDepth) this.unexpected(byte)
      } else if (byte === openBrace || byte === openBracket) {
        if (this.hasEnded) this.unexpected(byte)
        if (this.depth === this.elementDepth) {
          if (byte !== openBrace) this.unexpected(byte)
          this.pieces = []
          this.size = 0
          this.isCut = false
          from = at
        } else if (this.isHar && !this.pieces && byte === openBracket && this.depth === 2 && this.isEntries()) {
          this.elementDepth = 3
          this.hasEntries = true
        }
        this.depth += 1
        if (this.depth <= 2) this.keys[this.depth] = undefined
      } else if (byte === closeBrace || byte === closeBracket) {
        this.depth -= 1
        if (this.depth < 0) this.unexpected(byte)
        if (this.pieces && this.depth === this.elementDepth) {
          keep(at + 1)
          from = -1
          this.count += 1
          this.found.push({ text: Buffer.concat(this.pieces).toString('utf8'), isCut: this.isCut })
          this.pieces = undefined
        } else if (this.isHar && !this.pieces) {
          if (this.depth === 2 && this.elementDepth === 3) this.elementDepth = undefined
          if (this.depth === 0) this.hasEnded = true
        }
      } else if (byte === colon && this.depth <= 2 && !this.pieces) {
        this.keys[this.depth] = this.lastString
      } else if (!this.pieces && this.elementDepth === this.depth && !isBlank(byte) && !this.isMark(byte, at, chunk)) {
        this.unexpected(byte)
      }
    }
    if (this.pieces && from >= 0) keep(chunk.length)
    this.position += chunk.length
  }

  isEntries() {
    return this.keys[1] === 'log' && this.keys[2] === 'entries'
  }

  /** A comma between entries of a HAR file, or the byte order mark at the start of a file. */
  isMark(byte, at, chunk) {
    if (this.isHar && byte === comma) return true
    return this.position === 0 && at < 3 && chunk[0] === 0xef
  }

  unexpected(byte) {
    const where = this.isHar ? `after entry ${this.count}` : `on line ${this.count + 1}`
    throw new Stop(`${this.name} is not JSON: ${where} there is ${JSON.stringify(String.fromCharCode(byte))}.`)
  }

  *taken() {
    const { found } = this
    this.found = []
    yield* found
  }

  end() {
    if (this.inString || this.depth > 0 || (this.isHar && !this.hasEnded)) {
      throw new Stop(`${this.name} ends in the middle of its JSON, after ${this.count} entries: it is truncated.`)
    }
    if (!this.hasEntries)
      throw new Stop(`${this.name} is not a recording: it is JSON without log.entries, and not NDJSON.`)
  }
}

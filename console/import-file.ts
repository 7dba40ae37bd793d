/** Reads the users of a file: NDJSON, or a table, which is read as `npm run csv` reads it. */
import { parse } from 'csv-parse/sync'
import { dialectOf, everyTable } from '../scripts/csv/dialect.js'
import { columnsOf } from '../scripts/csv/headings.js'
import { toRow } from '../scripts/csv/values.js'
import type { ImportedUser } from '../client/index.ts'

/** `refused` says why the line cannot be sent. Lines count from 1. */
export type FileRow = { line: number; row: ImportedUser } | { line: number; refused: string }

export interface FileContent {
  rows: FileRow[]
  /** Columns that match no field of a user, and hold values. */
  ignored: string[]
}

/** Throws an Error with what is wrong with the file as a whole. */
export async function readFile(file: File): Promise<FileContent> {
  const text = decode(new Uint8Array(await file.arrayBuffer())).replace(/\r\n?/g, '\n')
  const isLines = /\.(ndjson|jsonl|json)$/i.test(file.name) || /^\s*\{/.test(text)
  return isLines ? readLines(text) : readTable(text)
}

function decode(bytes: Uint8Array): string {
  const label = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8'
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes)
  } catch {
    throw new Error('The file is not UTF-8. Save it as UTF-8; spreadsheets call it “CSV UTF-8”.')
  }
}

function readLines(text: string): FileContent {
  const rows = text.split('\n').flatMap((content, index): FileRow[] => {
    if (content.trim() === '') return []
    const line = index + 1
    try {
      const row: unknown = JSON.parse(content)
      const isObject = typeof row === 'object' && row !== null && !Array.isArray(row)
      return [isObject ? { line, row: row as ImportedUser } : { line, refused: 'is not a JSON object' }]
    } catch {
      return [{ line, refused: 'is not JSON' }]
    }
  })
  return { rows, ignored: [] }
}

interface Parsed {
  record: string[]
  info: { lines: number }
}

function readTable(text: string): FileContent {
  const { delimiter, ltrim, skipped } = dialectOf(text)
  const offset = skipped === '' ? 0 : 1
  const records = parse(text.slice(skipped.length), {
    ...everyTable,
    delimiter,
    ltrim,
    info: true,
  }) as unknown as Parsed[]
  const [headings, ...others] = records
  if (!headings) throw new Error('The file is empty.')
  const columns = columnsOf(headings.record)
  const ignored = new Set<string>()
  const rows = others.map(({ record, info }): FileRow => {
    const inside = record.reduce((sum, value) => sum + value.split('\n').length - 1, 0)
    const line = info.lines + offset - inside
    try {
      const { row, refused } = toRow(record, columns, ignored)
      return refused === undefined ? { line, row: row as unknown as ImportedUser } : { line, refused }
    } catch (error) {
      return { line, refused: (error as Error).message }
    }
  })
  return { rows, ignored: [...ignored] }
}

const maxLines = 20_000
const maxBytes = 10_000_000

/** Parts that one request takes each, well under the limits of an import. */
export function partsOf(rows: readonly { line: number; row: ImportedUser }[]) {
  const parts: { line: number; row: ImportedUser }[][] = []
  let bytes = 0
  for (const item of rows) {
    const size = JSON.stringify(item.row).length * 3
    const last = parts.at(-1)
    if (!last || last.length >= maxLines || bytes + size > maxBytes) {
      parts.push([item])
      bytes = size
    } else {
      last.push(item)
      bytes += size
    }
  }
  return parts
}

/** Reads the rows of a table with their line numbers. */
import { Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { Stop } from '../directory.js'
import { dialectOf, everyTable } from './dialect.js'
import { textOf } from './encoding.js'

const reasons = {
  CSV_QUOTE_NOT_CLOSED: 'a quotation mark opens and never closes',
  CSV_INVALID_CLOSING_QUOTE: 'a quotation mark closes in the middle of a value',
  INVALID_OPENING_QUOTE: 'a quotation mark stands in the middle of a value',
  CSV_MAX_RECORD_SIZE: 'it is longer than a million characters',
}

/** Yields the rows that have a value, each with the line where it starts. */
export async function* recordsOf(file, encoding) {
  const parts = textOf(file, encoding)
  const { value: beginning = '' } = parts.next()
  const { delimiter, ltrim, skipped } = dialectOf(beginning)
  const linesSkipped = skipped === '' ? 0 : 1
  let last = linesSkipped
  const parser = parse({
    ...everyTable,
    delimiter,
    ltrim,
    on_record(values, { lines }) {
      last = lines + linesSkipped
      const inside = values.reduce((count, value) => count + value.split('\n').length - 1, 0)
      return { line: last - inside, values }
    },
  })
  const source = Readable.from(afterSkipped(beginning.slice(skipped.length), parts)).on('error', (error) =>
    parser.destroy(error),
  )
  try {
    yield* source.pipe(parser)
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const [from, to] = [last + 1, Math.max(error.lines + linesSkipped, last + 1)]
    const where = error.code === 'CSV_QUOTE_NOT_CLOSED' || from === to ? `Line ${from}` : `Lines ${from} to ${to}`
    throw new Stop(`${where} cannot be parsed as a row: ${reasons[error.code] ?? 'it is not CSV'}.`)
  }
}

function* afterSkipped(beginning, parts) {
  if (beginning !== '') yield beginning
  yield* parts
}

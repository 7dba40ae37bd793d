/** Detects how a table separates its values, from its line of headings. */
import { parse } from 'csv-parse/sync'
import { isKnown } from './headings.js'

const delimiters = [',', ';', '\t', '|']

/** The options that all tables share. */
export const everyTable = {
  relax_column_count: true,
  skip_empty_lines: true,
  skip_records_with_empty_values: true,
  max_record_size: 1_000_000,
}

/**
 * `text` is the beginning of the table. The delimiter is the one that gives the most known headings, then the most
 * columns. A first line of `sep=;`, which spreadsheets read, decides alone and is `skipped`. If a blank follows every
 * delimiter of the headings, blanks are not part of values.
 */
export function dialectOf(text) {
  const [skipped = '', named] = /^"?sep=([^\w"\n])"?[^\S\t\n]*\1*(?:\n|$)/i.exec(text) ?? []
  const table = text.slice(skipped.length)
  const possible = (named ? [named] : delimiters).flatMap((delimiter) =>
    [false, true].flatMap((ltrim) => {
      const headings = headingsBy(table, { delimiter, ltrim })
      if (!headings || (!ltrim && hasBlanks(headings))) return []
      return [{ delimiter, ltrim, known: headings.filter(isKnown).length, columns: headings.length }]
    }),
  )
  const [best = { delimiter: named ?? ',', ltrim: false }] = possible.toSorted(
    (one, other) => other.known - one.known || other.columns - one.columns || Number(one.ltrim) - Number(other.ltrim),
  )
  return { delimiter: best.delimiter, ltrim: best.ltrim, skipped }
}

const hasBlanks = ([, ...others]) => others.length > 0 && others.every((heading) => heading.startsWith(' '))

/** Undefined if the line cannot be parsed this way. */
function headingsBy(text, { delimiter, ltrim }) {
  try {
    return parse(text, { ...everyTable, delimiter, ltrim, to: 1 })[0]
  } catch {
    return undefined
  }
}

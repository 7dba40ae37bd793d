/** How a table separates its values, as its line of headings shows. */
import { parse } from 'csv-parse/sync'
import { isKnown } from './headings.js'

const delimiters = [',', ';', '\t', '|']

/** What this table has in common with every other one. */
export const everyTable = {
  relax_column_count: true,
  skip_empty_lines: true,
  skip_records_with_empty_values: true,
  max_record_size: 1_000_000,
}

/**
 * `text` is the beginning of the table. The delimiter is the one that makes most known headings, then most columns; `sep=;` in the first
 * line, which is for spreadsheets, decides by itself and is `skipped`. Blanks after every delimiter of the headings are no part of values.
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

/** Undefined where the line cannot be read so. */
function headingsBy(text, { delimiter, ltrim }) {
  try {
    return parse(text, { ...everyTable, delimiter, ltrim, to: 1 })[0]
  } catch {
    return undefined
  }
}

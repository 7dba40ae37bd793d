/** Formats of times on the wire. */

const secondsADay = 86_400

/**
 * Caches dates by the day since 1970, because Date takes ten times as long and a page of users has two hundred times.
 */
const datesKnown = new Map<number, string>()
const maxDatesKnown = 10_000

function toDate(day: number): string {
  const known = datesKnown.get(day)
  if (known !== undefined) return known
  const date = new Date(day * secondsADay * 1000).toISOString().slice(0, -'T00:00:00.000Z'.length)
  if (datesKnown.size >= maxDatesKnown) datesKnown.clear()
  datesKnown.set(day, date)
  return date
}

const twoDigits = (number: number) => (number < 10 ? `0${number}` : String(number))

/**
 * Unix seconds as ISO 8601 in UTC, to the second: `2026-01-15T09:30:00Z`. Joined, because V8 writes concatenated text
 * to JSON at half the speed.
 */
export function toUtc(seconds: number): string {
  const day = Math.floor(seconds / secondsADay)
  const second = seconds - day * secondsADay
  const hours = twoDigits(Math.floor(second / 3600))
  const minutes = twoDigits(Math.floor(second / 60) % 60)
  return [toDate(day), 'T', hours, ':', minutes, ':', twoDigits(Math.floor(second % 60)), 'Z'].join('')
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** A date, with or without a time of day. */
const isoDate = /^(\d{4}-\d\d-\d\d)(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?$/i

/**
 * Returns a date as `YYYY-MM-DD`. Accepts that format, with or without a time, `07/08/1980` (month first) and
 * `08 Jul 1980`. Returns any other text unchanged. Does not check that the day exists.
 */
export function readDate(text: string): string {
  const [, iso] = isoDate.exec(text) ?? []
  if (iso !== undefined) return iso
  const [, month, day, year] = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text) ?? []
  if (month && day && year) return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
  const [, dayOf, name, yearOf] = /^(\d{1,2}) ([a-z]{3}) (\d{4})$/i.exec(text) ?? []
  const number = months.indexOf(name?.toLowerCase() ?? '') + 1
  if (!dayOf || number === 0) return text
  return `${yearOf}-${String(number).padStart(2, '0')}-${dayOf.padStart(2, '0')}`
}

/** `YYYY-MM-DD` as `08 Jul 1980`. */
export function toDayMonthYear(date: string): string {
  const [year, month, day] = date.split('-')
  const name = months[Number(month) - 1] ?? ''
  return `${day} ${name.slice(0, 1).toUpperCase()}${name.slice(1)} ${year}`
}

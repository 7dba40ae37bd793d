/** Formats usage as a table of text: one line for each entry, with a heat map of its days. */

const dimensions = ['contract', 'operation', 'principal', 'program']

/** The minimum active hours of a day for each mark. */
const heat = [
  [12, '█'],
  [6, '▓'],
  [3, '▒'],
  [1, '░'],
  [0, '·'],
]

export const legend = '· none, ░ 1 to 2 hours of the day, ▒ 3 to 5, ▓ 6 to 11, █ 12 to 24'

/** Returns the last `count` days up to and including the day of `now`, as `YYYY-MM-DD`. */
export function lastDays(count, now) {
  return Array.from({ length: count }, (_, index) =>
    new Date(now - (count - 1 - index) * 86_400_000).toISOString().slice(0, 10),
  )
}

/** Adds up the daily entries of the API, in the order of first appearance. */
export function byEntry(days) {
  const entries = new Map()
  for (const day of days) {
    const values = dimensions.map((dimension) => day[dimension])
    const key = JSON.stringify(values)
    const entry = entries.get(key) ?? { values, first: day.first_seen, last: day.last_seen, hours: 0, map: new Map() }
    if (day.first_seen < entry.first) entry.first = day.first_seen
    if (day.last_seen > entry.last) entry.last = day.last_seen
    entry.hours += day.active_hours
    entry.map.set(day.first_seen.slice(0, 10), day.active_hours)
    entries.set(key, entry)
  }
  return [...entries.values()]
}

/** Returns the lines of the table. `group` names the columns to show, `days` are the columns of the heat map. */
export function tableOf(entries, { group, days }) {
  const shown = dimensions.filter((dimension) => group.includes(dimension))
  const headings = [...shown, 'first seen', 'last seen', 'days', 'hours', 'heat map']
  const rows = entries.map(({ values, first, last, hours, map }) => [
    ...shown.map((dimension) => values[dimensions.indexOf(dimension)] ?? '(none)'),
    hourOf(first),
    hourOf(last),
    String(map.size),
    String(hours),
    days.map((day) => signOf(map.get(day) ?? 0)).join(''),
  ])
  const widths = headings.map((heading, column) =>
    Math.max(...[heading, ...rows.map((row) => row[column])].map(({ length }) => length)),
  )
  return [headings, ...rows].map((row) =>
    row
      .map((cell, column) => (/^\d+$/.test(cell) ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join('  ')
      .trimEnd(),
  )
}

/** Formats `2026-11-30T09:00:00Z` as `2026-11-30 09h`. */
const hourOf = (time) => `${time.slice(0, 10)} ${time.slice(11, 13)}h`

const signOf = (hours) => heat.find(([least]) => hours >= least)[1]

/** `RETIREMENTS`: when contracts are deprecated, when they pause on purpose, and when they end. */

/** Times are unix seconds. A date is the beginning of its day in UTC. */
export interface Retirement {
  deprecated: number | undefined
  /** From this time on the contract responds 410. */
  sunset: number | undefined
  /** A page for the maintainers of clients. */
  link: string | undefined
  /** The contract responds 503 from `from` until before `until`. */
  brownOuts: readonly { from: number; until: number }[]
}

const keys = ['deprecated', 'sunset', 'link', 'brown_outs']
const maxMinutes = 1440
const maxBrownOuts = 100

/** Retirements by contract name. Each problem names the variable and the contract, and contains no value. */
export function parseRetirements(text: string | undefined, problems: string[]): ReadonlyMap<string, Retirement> {
  const retirements = new Map<string, Retirement>()
  const all = objectIn(text || '{}')
  if (!all) {
    problems.push('RETIREMENTS must be a JSON object of contract to retirement.')
    return retirements
  }
  for (const [contract, value] of Object.entries(all)) {
    const found: string[] = []
    const retirement = parseRetirement(value, found)
    problems.push(...found.map((problem) => `RETIREMENTS: ${contract}: ${problem}`))
    if (found.length === 0) retirements.set(contract, retirement)
  }
  return retirements
}

function parseRetirement(value: unknown, problems: string[]): Retirement {
  const retirement = isObject(value) ? value : {}
  if (!isObject(value) || Object.keys(value).length === 0) {
    problems.push(`must be an object with ${keys.join(', ')}, as far as they apply.`)
  }
  for (const key of Object.keys(retirement))
    if (!keys.includes(key)) problems.push(`has an unknown key, ${keys.join(', ')} are known.`)
  const date = (key: 'deprecated' | 'sunset') => {
    const seconds = retirement[key] === undefined ? undefined : secondsOfDate(retirement[key])
    if (Number.isNaN(seconds)) problems.push(`${key} must be a date, as 2027-01-31.`)
    return seconds
  }
  const [deprecated, sunset] = [date('deprecated'), date('sunset')]
  if (deprecated !== undefined && sunset !== undefined && sunset < deprecated) {
    problems.push('sunset must not be before deprecated.')
  }
  return {
    deprecated,
    sunset,
    link: parseLink(retirement['link'], problems),
    brownOuts: parseBrownOuts(retirement['brown_outs'], problems),
  }
}

function parseLink(link: unknown, problems: string[]): string | undefined {
  if (link === undefined) return undefined
  const isUrl = typeof link === 'string' && /^https?:\/\//.test(link) && URL.canParse(link)
  if (!isUrl) problems.push('link must be an http or https URL.')
  // Returns the link in the form of a header: without blanks, quotes, angle brackets and non-ASCII characters.
  return isUrl ? new URL(link).href.replace(/'/g, '%27') : undefined
}

function parseBrownOuts(list: unknown, problems: string[]): Retirement['brownOuts'] {
  if (list === undefined) return []
  if (!Array.isArray(list) || list.length > maxBrownOuts) {
    problems.push(`brown_outs must be a list of at most ${maxBrownOuts}.`)
    return []
  }
  return list.map((item: unknown, index) => {
    const { from, minutes, ...others } = isObject(item) ? item : {}
    const begins = typeof from === 'string' ? secondsOfTime(from) : NaN
    const isLength = Number.isInteger(minutes) && Number(minutes) >= 1 && Number(minutes) <= maxMinutes
    if (!isObject(item) || Object.keys(others).length > 0)
      problems.push(`brown_outs: item ${index + 1} must have from and minutes, and nothing else.`)
    else if (Number.isNaN(begins))
      problems.push(`brown_outs: item ${index + 1}: from must be a time in UTC, as 2027-01-31T12:00:00Z.`)
    else if (!isLength)
      problems.push(`brown_outs: item ${index + 1}: minutes must be a whole number from 1 to ${maxMinutes}.`)
    return { from: begins, until: begins + Number(minutes) * 60 }
  })
}

/** Returns NaN for text that is not a date of the calendar. */
function secondsOfDate(date: unknown): number {
  return typeof date === 'string' && /^\d{4}-\d\d-\d\d$/.test(date) ? secondsOfTime(`${date}T00:00:00Z`) : NaN
}

function secondsOfTime(text: string): number {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z$/.test(text)) return NaN
  const milliseconds = Date.parse(text)
  // Date.parse reads the 30th of February as the 2nd of March.
  const isReal = !Number.isNaN(milliseconds) && new Date(milliseconds).toISOString().slice(0, 16) === text.slice(0, 16)
  return isReal ? Math.floor(milliseconds / 1000) : NaN
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Returns the seconds until the present brown-out ends; undefined outside brown-outs. */
export function brownOutSecondsLeft({ brownOuts }: Retirement, now: number): number | undefined {
  const ends = brownOuts.filter(({ from, until }) => from <= now && now < until).map(({ until }) => until - now)
  return ends.length === 0 ? undefined : Math.max(...ends)
}

/** Describes a retirement for an OpenAPI document. */
export function describeRetirement({ deprecated, sunset, link }: Retirement): string {
  const day = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 10)
  const sentences = [
    deprecated === undefined ? 'Deprecated.' : `Deprecated from ${day(deprecated)}.`,
    sunset === undefined ? '' : `Ends on ${day(sunset)}: from then on every response is 410.`,
    link === undefined ? '' : `See ${link}.`,
  ]
  return sentences.filter((sentence) => sentence !== '').join(' ')
}

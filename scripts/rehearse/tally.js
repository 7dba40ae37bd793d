/**
 * Counts the results of a rehearsal. Its size does not grow with the recording, because like differences are grouped.
 */
import { typeOf } from './comparison.ts'

const mostExamples = 5
const mostGroups = 500
const verdicts = ['same', 'listed', 'difference', 'skipped', 'other']

/** Names of fields, headers and members whose values are never shown. */
const secretName =
  /pass(word|code)?|pwd|secret|token|cookie|hash|salt|authorization|api_?key|csrf|numeric_password|^pin$/i
/** Values that are credentials or hashes, under any name. */
const secretValue =
  /eyJ[\w-]{8,}\.|us[krp]_\w{16,}|whsec_|\$(2[abxy]|argon2\w*|pbkdf2[\w-]*|scrypt|[156])\$|pbkdf2_sha\w+\$|Bearer \S+|[0-9a-f]{40,}|[A-Za-z0-9_-]{43,}/

export class Tally {
  counts = counted()
  /** Counts by operation. */
  operations = new Map()
  /** Unexplained differences, by operation, kind and place. */
  differences = new Map()
  /** Listed deviations: the number of exchanges by operation. */
  deviations = new Map()
  /** Reasons why entries were skipped. */
  skipped = new Map()
  /** Requests that the contract does not serve. */
  work = new Map()
  withoutBody = 0
  /** Differences beyond the number of groups that are kept. */
  unlisted = 0

  constructor({ withValues }) {
    this.withValues = withValues
  }

  get compared() {
    return this.counts.same + this.counts.listed + this.counts.difference
  }

  add({ verdict, index, operation, reason, isWork, differences, listed, withoutBody }) {
    this.counts[verdict] += 1
    if (withoutBody) this.withoutBody += 1
    if (verdict === 'other') {
      if (isWork) count(this.work, operation)
      return
    }
    if (!this.operations.has(operation)) this.operations.set(operation, counted())
    this.operations.get(operation)[verdict] += 1
    if (reason) count(this.skipped, reason)
    const ids = new Set(listed.flatMap(({ reasons }) => [...reasons]))
    for (const id of ids) {
      if (!this.deviations.has(id)) this.deviations.set(id, new Map())
      count(this.deviations.get(id), operation)
    }
    const seen = new Set()
    for (const difference of differences) this.#group(operation, index, difference, seen)
  }

  #group(operation, index, { kind, place, expected, received }, seen) {
    const types = [typeOf(expected), typeOf(received)]
    const key = [operation, kind, place, ...types].join('\n')
    let group = this.differences.get(key)
    if (!group) {
      if (this.differences.size >= mostGroups) {
        this.unlisted += 1
        return
      }
      group = { operation, kind, place, types, count: 0, examples: [] }
      this.differences.set(key, group)
    }
    // Counts several equal differences in one response as one, such as those in each item of a list.
    if (seen.has(key)) return
    seen.add(key)
    group.count += 1
    if (group.examples.length < mostExamples) {
      group.examples.push({
        index,
        ...(kind === 'status' && { recorded: String(expected), received: String(received) }),
        ...(this.withValues && { recorded: shown(place, expected), received: shown(place, received) }),
      })
    }
  }
}

const counted = () => Object.fromEntries(verdicts.map((verdict) => [verdict, 0]))
const count = (map, key) => map.set(key, (map.get(key) ?? 0) + 1)

/** Returns a value in the form that a report may show. */
function shown(place, value) {
  if (value === undefined) return undefined
  if (/^set-cookie/.test(place)) return String(value)
  if (place.split(/[.[]/).some((name) => secretName.test(name))) return 'hidden'
  const text = JSON.stringify(value, (name, inner) => (secretName.test(name) && inner !== null ? 'hidden' : inner))
  if (secretValue.test(text)) return 'hidden'
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

export const sentences = {
  status: 'another status',
  header: 'another header',
  'missing key': 'a key is missing',
  'extra key': 'a key is added',
  type: 'another type',
  value: 'another value',
  form: 'another form of identifier',
  'missing item': 'an item is missing',
  'extra item': 'an item is added',
  order: 'another order',
  body: 'another body',
}

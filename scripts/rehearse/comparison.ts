/**
 * Compares a recorded response with Usher’s response. Pure: takes the known identifiers, and returns the differences
 * and the newly learned identifiers.
 */
import type { Answer, Difference, DifferenceKind, Rehearsal } from '../../src/http/contract/rehearsal.ts'
import type { Bindings, Pair } from './bindings.ts'

type Rules = Pick<
  Rehearsal,
  'identifiers' | 'volatile' | 'tokens' | 'addresses' | 'naturalKeys' | 'listsAreOrdered' | 'signIn'
>

export interface Comparison {
  differences: Difference[]
  /** The identifiers of the same record in the recording and in Usher. */
  pairs: LearnedPair[]
  tokens: [recorded: string, received: string][]
  /** Whether a list of Usher has the user of the tool, and the recorded list has not. */
  showsOperator: boolean
}

export interface LearnedPair extends Pair {
  records: [recorded: Fields, received: Fields]
}

interface Options {
  rules: Rules
  bindings: Bindings
  /** False for a recording without any cookie, because browsers omit cookies from exports. */
  withCookies: boolean
  /** The user of the tool itself, who may be unknown to the recording and is then left out of lists. */
  operator?: string | undefined
  /** Returns the path of a URL without the prefix of the recording or of Usher. */
  pathOf: (url: string, side: 'recorded' | 'received') => string
}

type Fields = Record<string, unknown>

/** The headers with which clients page through lists. */
const pagingHeaders = [
  'link',
  'content-range',
  'x-total',
  'x-total-count',
  'x-total-pages',
  'x-page',
  'x-per-page',
  'x-next-page',
  'x-prev-page',
]

export function compare(recorded: Answer, received: Answer, options: Options): Comparison {
  const comparison: Comparison = { differences: [], pairs: [], tokens: [], showsOperator: false }
  const body = new BodyComparison(options, comparison)
  // The bodies of a failure and a success are not comparable: the status shows the difference.
  const areAlike = Math.floor(recorded.status / 100) === Math.floor(received.status / 100)
  const isComparable = areAlike && recorded.json !== undefined && received.json !== undefined
  // Learns all identifiers first, because a message may name an identifier before its field.
  if (isComparable) body.learn(recorded.json, received.json, '', undefined)
  if (recorded.status !== received.status) add(comparison, 'status', 'status', recorded.status, received.status)
  compareHeaders(recorded, received, options, body, comparison)
  if (isComparable) body.compare('$', recorded.json, received.json, '', undefined)
  return comparison
}

function add(
  { differences }: Comparison,
  kind: DifferenceKind,
  place: string,
  recorded: unknown,
  received: unknown,
  more: Partial<Difference> = {},
): void {
  differences.push({ kind, place, recorded, expected: recorded, received, ...more })
}

function compareHeaders(
  recorded: Answer,
  received: Answer,
  { pathOf, withCookies }: Options,
  body: BodyComparison,
  comparison: Comparison,
): void {
  const differ = (name: string, one: string | undefined, other: string | undefined, raw = one) => {
    if (one !== other) add(comparison, 'header', name, raw, other, { expected: one })
  }
  differ('content-type', mediaType(recorded), mediaType(received))
  const [from, to] = [recorded.headers['location'], received.headers['location']]
  differ(
    'location',
    from === undefined ? undefined : body.reboundText(pathOf(from, 'recorded')),
    to === undefined ? undefined : pathOf(to, 'received'),
    from,
  )
  differ('www-authenticate', recorded.headers['www-authenticate'], received.headers['www-authenticate'])
  for (const name of pagingHeaders) {
    const [one, other] = [recorded.headers[name], received.headers[name]]
    if (one === undefined && other === undefined) continue
    differ(name, one && body.reboundText(withoutOrigins(one)), other && withoutOrigins(other), one)
  }
  if (!withCookies) return
  const cookies = [cookiesOf(recorded), cookiesOf(received)] as const
  for (const name of new Set([...cookies[0].keys(), ...cookies[1].keys()])) {
    differ(`set-cookie: ${name}`, cookies[0].get(name), cookies[1].get(name))
  }
}

const mediaType = ({ headers, status }: Answer) =>
  status === 204 || status === 304 ? undefined : headers['content-type']?.split(';')[0]?.trim().toLowerCase()

const withoutOrigins = (text: string) => text.replace(/https?:\/\/[^/>\s]+/g, '')

/** Returns the attributes of each cookie, without its value and its times. */
function cookiesOf({ cookies }: Answer): Map<string, string> {
  return new Map(
    cookies.map((cookie) => {
      const [pair = '', ...attributes] = cookie.split(';').map((part) => part.trim())
      const shown = attributes
        .map((attribute) => attribute.replace(/^(Max-Age|Expires)=.*$/i, 'lasting').toLowerCase())
        .filter((attribute) => attribute !== '')
      return [pair.split('=')[0] as string, [...new Set(shown)].sort().join('; ')]
    }),
  )
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string | number => typeof value === 'string' || typeof value === 'number'

/** Returns the JSON type of a value. */
export function typeOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** Returns the format of an identifier. */
export function formOf(value: unknown): string {
  const text = String(value)
  if (/^\d{1,15}$/.test(text)) return 'a decimal number'
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return 'a uuid'
  const [, prefix, digits] = /^([a-z]+_)?([0-9a-f]+)$/i.exec(text) ?? []
  if (digits !== undefined && (prefix || digits.length >= 16)) return `${prefix ?? ''}${digits.length} hex digits`
  return 'text'
}

/** The user of a difference. */
interface Subject {
  recorded: string | undefined
  received: string | undefined
}

class BodyComparison {
  readonly #options: Options
  readonly #comparison: Comparison
  readonly #kinds: string[]
  /** Pairs of identifiers of this response, before they are bound. */
  readonly #local = new Map<string, string>()

  constructor(options: Options, comparison: Comparison) {
    this.#options = options
    this.#comparison = comparison
    this.#kinds = [...new Set(Object.values(options.rules.identifiers))]
  }

  #kindOf(key: string, parent: string): string | undefined {
    const { identifiers } = this.#options.rules
    return identifiers[`${parent}.${key}`] ?? identifiers[key]
  }

  #counterpart(kind: string, recorded: string): string | undefined {
    return this.#options.bindings.counterpart(kind, recorded) ?? this.#local.get(`${kind} ${recorded}`)
  }

  reboundText(text: string): string {
    const words = text.replace(/[A-Za-z0-9_-]+/g, (word) => {
      const found = this.#kinds.map((kind) => this.#local.get(`${kind} ${word}`)).find((value) => value !== undefined)
      return found ?? word
    })
    return words === text ? this.#options.bindings.reboundText(text, this.#kinds) : words
  }

  /** Returns the first identifier of a record, which identifies the record. */
  #identityOf(record: Fields, parent: string): [kind: string, value: string] | undefined {
    for (const [key, value] of Object.entries(record)) {
      const kind = this.#kindOf(key, parent)
      if (kind !== undefined && isText(value)) return [kind, String(value)]
    }
    return undefined
  }

  learn(one: unknown, other: unknown, key: string, parent: string | undefined): void {
    if (Array.isArray(one) && Array.isArray(other)) {
      const { paired } = this.#pair(one, other, key)
      for (const [from, to] of paired) this.learn(one[from], other[to], key, parent)
      return
    }
    if (!isObject(one) || !isObject(other)) return
    for (const [name, value] of Object.entries(one)) {
      const counterpart = other[name]
      const kind = this.#kindOf(name, key)
      if (kind !== undefined && isText(value) && isText(counterpart)) {
        const [recorded, received] = [String(value), String(counterpart)]
        if (this.#counterpart(kind, recorded) !== undefined) continue
        // A record that is bound to another recorded record keeps that binding.
        const bound = this.#options.bindings.recordedOf(kind, received)
        if (bound !== undefined && bound !== recorded) continue
        this.#local.set(`${kind} ${recorded}`, received)
        this.#comparison.pairs.push({ kind, recorded, received, records: [one, other] })
      } else if (this.#options.rules.tokens.includes(name)) {
        if (typeof value === 'string' && typeof counterpart === 'string') {
          this.#comparison.tokens.push([value, counterpart])
        }
      } else {
        this.learn(value, counterpart, name, key)
      }
    }
  }

  compare(path: string, one: unknown, other: unknown, key: string, record: Subject | undefined): void {
    const [from, to] = [typeOf(one), typeOf(other)]
    if (from !== to) return this.#add('type', path, one, other, key, record)
    if (Array.isArray(one) && Array.isArray(other)) return this.#compareLists(path, one, other, key, record)
    if (isObject(one) && isObject(other)) return this.#compareRecords(path, one, other, key, record)
    if (one === other) return
    if (typeof one === 'string') {
      const expected = this.reboundText(one)
      if (expected !== other) this.#add('value', path, one, other, key, record, expected)
      return
    }
    this.#add('value', path, one, other, key, record)
  }

  #compareRecords(path: string, one: Fields, other: Fields, key: string, outer: Subject | undefined): void {
    const identity = this.#identityOf(one, key)
    const received = this.#identityOf(other, key)
    const isUser = identity !== undefined && (outer === undefined || identity[0] === 'user')
    const record = isUser ? { recorded: identity[1], received: received?.[1] } : outer
    for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) {
      const place = `${path}.${name}`
      if (!(name in other)) this.#add('missing key', place, one[name], undefined, name, record)
      else if (!(name in one)) this.#add('extra key', place, undefined, other[name], name, record)
      else this.#compareMember(place, one[name], other[name], name, key, record)
    }
  }

  #compareMember(
    place: string,
    one: unknown,
    other: unknown,
    name: string,
    parent: string,
    record: Subject | undefined,
  ): void {
    const { rules, bindings } = this.#options
    const kind = this.#kindOf(name, parent)
    if (kind !== undefined && isText(one) && isText(other)) {
      if (typeof one !== typeof other) return this.#add('type', place, one, other, name, record)
      if (formOf(one) !== formOf(other)) return this.#add('form', place, one, other, name, record)
      const bound = this.#counterpart(kind, String(one))
      const expected = bound ?? String(one)
      if (expected !== String(other)) this.#add('value', place, one, other, name, record, expected)
      else if (typeof one === 'string' && /^0\d+$/.test(one)) {
        this.#add('value', place, one, other, name, record, expected)
      }
      return
    }
    const isVolatile = rules.volatile.includes(name) || rules.tokens.includes(name)
    if (isVolatile && (one === null || other === null || typeOf(one) === typeOf(other))) return
    if (rules.addresses?.includes(name) && typeof one === 'string' && typeof other === 'string') {
      const { pathOf } = this.#options
      const expected = this.reboundText(pathOf(one, 'recorded'))
      if (expected !== pathOf(other, 'received')) this.#add('value', place, one, other, name, record, expected)
      return
    }
    const isNatural = rules.naturalKeys.includes(name) && typeof one === 'string' && typeof other === 'string'
    if (isNatural && bindings.alias(one)?.toLowerCase() === other.toLowerCase()) return
    this.compare(place, one, other, name, record)
  }

  #compareLists(path: string, one: unknown[], other: unknown[], key: string, record: Subject | undefined): void {
    const place = `${path}[*]`
    const { paired, missing, extra } = this.#pair(one, other, key)
    for (const index of missing) {
      this.#add('missing item', place, one[index], undefined, key, this.#recordOf(one[index], undefined, key) ?? record)
    }
    for (const index of extra) {
      if (this.#isOperator(other[index])) {
        this.#comparison.showsOperator = true
        continue
      }
      this.#add(
        'extra item',
        place,
        undefined,
        other[index],
        key,
        this.#recordOf(undefined, other[index], key) ?? record,
      )
    }
    const isKeyed = one.some((item) => isObject(item) && this.#identityOf(item, key) !== undefined)
    // A list without records, such as the names of roles, is always compared in order.
    if (this.#options.rules.listsAreOrdered || !isKeyed) {
      const order = paired.map(([, to]) => to)
      if (order.some((to, index) => index > 0 && to < (order[index - 1] as number))) {
        this.#add('order', place, undefined, undefined, key, record)
      }
    }
    for (const [from, to] of paired) this.compare(place, one[from], other[to], key, record)
  }

  #recordOf(one: unknown, other: unknown, key: string): Subject | undefined {
    const recorded = isObject(one) ? this.#identityOf(one, key)?.[1] : undefined
    const received = isObject(other) ? this.#identityOf(other, key)?.[1] : undefined
    return recorded === undefined && received === undefined ? undefined : { recorded, received }
  }

  #isOperator(record: unknown): boolean {
    const { operator, rules, bindings } = this.#options
    if (operator === undefined || !isObject(record) || bindings.isAlias(operator)) return false
    return rules.naturalKeys.some((name) => String(record[name]).toLowerCase() === operator.toLowerCase())
  }

  /** Pairs the items of two lists: by identifier, then by identifying fields, then by position. */
  #pair(one: unknown[], other: unknown[], key: string) {
    const free = new Set(other.keys())
    const paired: [from: number, to: number][] = []
    let left = [...one.keys()]
    if (one.every(isObject) && other.every(isObject)) {
      for (const find of this.#waysToMatch(other, key)) {
        left = left.filter((from) => {
          const to = find(one[from] as Fields)
          if (to === undefined || !free.delete(to)) return true
          paired.push([from, to])
          return false
        })
      }
    }
    if (!one.some((item) => isObject(item) && this.#identityOf(item, key) !== undefined)) {
      const length = Math.min(left.length, free.size)
      const places = [...free].slice(0, length)
      for (const [index, to] of places.entries()) {
        paired.push([left[index] as number, to])
        free.delete(to)
      }
      left = left.slice(length)
    } else if (left.length === free.size && left.every((from) => this.#mayPair(one[from] as Fields, key))) {
      for (const to of [...free]) {
        paired.push([left.shift() as number, to])
        free.delete(to)
      }
    }
    paired.sort(([a], [b]) => a - b)
    return { paired, missing: left, extra: [...free] }
  }

  /** A record with an identifying field or a bound identifier is not paired by position. */
  #mayPair(record: Fields, key: string): boolean {
    const identity = this.#identityOf(record, key)
    if (identity && this.#counterpart(...identity) !== undefined) return false
    return !this.#options.rules.naturalKeys.some((name) => isText(record[name]))
  }

  /** Each function finds the position of the same record in `other`. It uses an index, because lists may be long. */
  #waysToMatch(other: Fields[], key: string): ((item: Fields) => number | undefined)[] {
    const { rules, bindings } = this.#options
    const byIdentity = new Map<string, number>()
    const byName = new Map<string, number>()
    for (const [to, candidate] of other.entries()) {
      const identity = this.#identityOf(candidate, key)
      if (identity) byIdentity.set(identity.join(' '), to)
      for (const name of rules.naturalKeys) {
        if (isText(candidate[name])) byName.set(`${name} ${String(candidate[name]).toLowerCase()}`, to)
      }
    }
    const boundTo = (item: Fields) => {
      const identity = this.#identityOf(item, key)
      return identity && this.#counterpart(...identity)
    }
    const named = (item: Fields, known: (value: string) => string | undefined) => {
      for (const name of rules.naturalKeys) {
        const value = isText(item[name]) ? known(String(item[name])) : undefined
        const found = value === undefined ? undefined : byName.get(`${name} ${value.toLowerCase()}`)
        if (found !== undefined) return found
      }
      return undefined
    }
    return [
      (item) => {
        const bound = boundTo(item)
        return bound === undefined ? undefined : byIdentity.get(`${this.#identityOf(item, key)?.[0]} ${bound}`)
      },
      (item) => named(item, (value) => value),
      (item) => named(item, (value) => bindings.alias(value)),
      (item) => {
        const identity = this.#identityOf(item, key)
        return identity && boundTo(item) === undefined ? byIdentity.get(identity.join(' ')) : undefined
      },
    ]
  }

  #add(
    kind: DifferenceKind,
    place: string,
    recorded: unknown,
    received: unknown,
    field: string,
    record: Subject | undefined,
    expected: unknown = recorded,
  ): void {
    add(this.#comparison, kind, place, recorded, received, {
      expected,
      ...(record && { record: { ...record, field: fieldIn(place, field) } }),
    })
  }
}

/** Returns the field of the record to which a place belongs: `user_type` for `$.data.user_type.key`. */
function fieldIn(place: string, field: string): string {
  const parts = place.split('.')
  const inside = parts.at(-2)
  return inside === undefined || inside === '$' || /\[\*\]$|^data$|^user$/.test(inside) ? field : `${inside}.${field}`
}

/** The filter language of RFC 7644, section 3.4.2.2: parses, prints and evaluates filters. Pure: no I/O. */
import { fold } from '../../../core/users/text'
import { badRequest } from '../problem'
import type { Attribute } from '../schemas/attributes'

export const operators = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const
export type Operator = (typeof operators)[number]
export type Literal = string | number | boolean | null

export type Filter =
  | { kind: 'and' | 'or'; filters: readonly Filter[] }
  | { kind: 'not'; filter: Filter }
  | { kind: 'compare'; path: string; operator: Operator; value: Literal }
  | { kind: 'present'; path: string }
  /** One entry of the attribute matches the filter. */
  | { kind: 'entry'; path: string; filter: Filter }

/** The limits of a filter, which bound the cost of a request. */
export const filterLimits = { characters: 2000, comparisons: 50, depth: 12 }

const refused = (detail: string) => badRequest('invalidFilter', detail, 'query')

export function parseFilter(text: string): Filter {
  const reader = new Reader(text)
  const filter = reader.filter()
  reader.end()
  return filter
}

/**
 * The path of a PATCH operation: an attribute, or the entries of an attribute that match a filter, with an optional
 * sub-attribute.
 */
export interface EntryPath {
  path: string
  filter: Filter | undefined
  sub: string | undefined
}

/** Throws `invalidFilter` if the filter is malformed. Returns undefined if the rest of the path is malformed. */
export function parsePath(text: string): EntryPath | undefined {
  const reader = new Reader(text)
  return reader.entryPath()
}

const name = /[A-Za-z$][\w$:.-]*/y
const blanks = /[ \t]*/y
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y
const constant = /(?:true|false|null)(?![\w.])/iy

class Reader {
  private at = 0
  private comparisons = 0

  constructor(private readonly text: string) {
    if (text.length > filterLimits.characters) {
      throw refused(`A filter has at most ${filterLimits.characters} characters.`)
    }
  }

  filter(depth = 1, inEntry = false): Filter {
    if (depth > filterLimits.depth) throw refused(`A filter is at most ${filterLimits.depth} levels deep.`)
    return this.chain('or', () => this.chain('and', () => this.term(depth, inEntry)))
  }

  end(): void {
    this.take(blanks)
    if (this.at < this.text.length) throw this.malformed()
  }

  entryPath(): EntryPath | undefined {
    const path = this.take(name)
    if (path === undefined) return undefined
    if (this.at === this.text.length) return { path, filter: undefined, sub: undefined }
    if (!this.symbol('[')) return undefined
    const filter = this.filter(1, true)
    if (!this.symbol(']')) throw this.malformed()
    if (this.at === this.text.length) return { path, filter, sub: undefined }
    const sub = this.symbol('.') ? this.take(name) : undefined
    return sub !== undefined && this.at === this.text.length ? { path, filter, sub } : undefined
  }

  private chain(kind: 'and' | 'or', next: () => Filter): Filter {
    const filters = [next()]
    while (this.word(kind)) filters.push(next())
    return filters.length === 1 ? (filters[0] as Filter) : { kind, filters }
  }

  private term(depth: number, inEntry: boolean): Filter {
    this.take(blanks)
    if (this.symbol('(')) return this.closed(depth, inEntry, ')')
    const start = this.at
    const path = this.take(name)
    if (path === undefined) throw this.malformed()
    if (path.toLowerCase() === 'not') {
      this.take(blanks)
      if (this.symbol('(')) return { kind: 'not', filter: this.closed(depth, inEntry, ')') }
      this.at = start + path.length
    }
    if (!inEntry && this.symbol('[')) {
      const filter = this.closed(depth, true, ']')
      // Entra sends a sub-attribute of the matching entry, which the grammar does not have.
      if (!this.symbol('.')) return { kind: 'entry', path, filter }
      const sub = this.take(name)
      if (sub === undefined) throw this.malformed()
      return { kind: 'entry', path, filter: { kind: 'and', filters: [filter, this.comparison(sub)] } }
    }
    return this.comparison(path)
  }

  private closed(depth: number, inEntry: boolean, bracket: ')' | ']'): Filter {
    const filter = this.filter(depth + 1, inEntry)
    this.take(blanks)
    if (!this.symbol(bracket)) throw this.malformed()
    return filter
  }

  private comparison(path: string): Filter {
    this.comparisons += 1
    if (this.comparisons > filterLimits.comparisons) {
      throw refused(`A filter has at most ${filterLimits.comparisons} comparisons.`)
    }
    if (this.take(blanks) === '') throw this.malformed()
    const word = this.take(name)?.toLowerCase()
    if (word === 'pr') return { kind: 'present', path }
    const operator = operators.find((one) => one === word)
    if (!operator || this.take(blanks) === '') throw this.malformed()
    return { kind: 'compare', path, operator, value: this.literal() }
  }

  private literal(): Literal {
    const text = this.take(string) ?? this.take(number) ?? this.take(constant)?.toLowerCase()
    if (text === undefined) throw this.malformed()
    return JSON.parse(text) as Literal
  }

  /** Consumes the word and the blanks after it, if the word comes next. */
  private word(expected: string): boolean {
    const start = this.at
    this.take(blanks)
    const word = this.take(name)
    if (word?.toLowerCase() === expected) return true
    this.at = start
    return false
  }

  private symbol(expected: string): boolean {
    if (this.text[this.at] !== expected) return false
    this.at += 1
    return true
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)?.[0]
    if (found !== undefined) this.at += found.length
    return found
  }

  private malformed() {
    return refused(`The filter is malformed at character ${this.at + 1}.`)
  }
}

/** Prints a filter. Parsing the text gives the same filter. */
export function printFilter(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters
        .map((one) => (isChain(one) ? `(${printFilter(one)})` : printFilter(one)))
        .join(` ${filter.kind} `)
    case 'not':
      return `not (${printFilter(filter.filter)})`
    case 'present':
      return `${filter.path} pr`
    case 'compare':
      return `${filter.path} ${filter.operator} ${JSON.stringify(filter.value)}`
    case 'entry':
      return `${filter.path}[${printFilter(filter.filter)}]`
  }
}

const isChain = ({ kind }: Filter) => kind === 'and' || kind === 'or'

/** Converts the value of a comparison to the type of the attribute. Null means no value. */
export function valueFor(attribute: Attribute, operator: Operator, value: Literal): string | number | boolean | null {
  const { name: attributeName, type } = attribute
  if (value === null) {
    if (operator === 'eq' || operator === 'ne') return null
    throw refused(`${attributeName} cannot be compared with null by ${operator}.`)
  }
  if (type === 'boolean') {
    const bool = readBoolean(value)
    if (bool === undefined) throw refused(`${attributeName} must be compared with true or false.`)
    if (operator !== 'eq' && operator !== 'ne') throw refused(`${attributeName} cannot be compared by ${operator}.`)
    return bool
  }
  if (typeof value !== 'string') throw refused(`${attributeName} must be compared with a string.`)
  if (type !== 'dateTime') return value
  if (operator === 'co' || operator === 'sw' || operator === 'ew') {
    throw refused(`${attributeName} cannot be compared by ${operator}.`)
  }
  const seconds = secondsOf(value)
  if (seconds === undefined) throw refused(`${attributeName} must be compared with a time.`)
  return seconds
}

/** Entra sends booleans as text. */
export function readBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string') return undefined
  const lower = value.toLowerCase()
  return lower === 'true' ? true : lower === 'false' ? false : undefined
}

const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$/i

/** Returns unix seconds with their fraction. A time without a zone is UTC. */
function secondsOf(text: string): number | undefined {
  const [, , zone] = dateTime.exec(text) ?? []
  const milliseconds = dateTime.test(text) ? Date.parse(zone === undefined ? `${text}Z` : text.toUpperCase()) : NaN
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000
}

/** Whether a value matches the comparison. A missing value (undefined) matches `ne` only. */
export function compares(attribute: Attribute, actual: unknown, operator: Operator, literal: Literal): boolean {
  const expected = valueFor(attribute, operator, literal)
  if (expected === null) return (actual === undefined) === (operator === 'eq')
  if (actual === undefined) return operator === 'ne'
  const normal = (value: unknown) => (typeof value === 'string' && !attribute.caseExact ? fold(value) : value)
  const [one, other] = [
    normal(attribute.type === 'dateTime' ? secondsOf(String(actual)) : actual),
    normal(expected),
  ] as [string, string]
  switch (operator) {
    case 'eq':
      return one === other
    case 'ne':
      return one !== other
    case 'co':
      return one.includes(other)
    case 'sw':
      return one.startsWith(other)
    case 'ew':
      return one.endsWith(other)
    case 'gt':
      return one > other
    case 'ge':
      return one >= other
    case 'lt':
      return one < other
    case 'le':
      return one <= other
  }
}

/** Whether an entry of an attribute matches the filter. */
export function holdsForEntry(filter: Filter, attribute: Attribute, entry: Readonly<Record<string, unknown>>): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.map((one) => holdsForEntry(one, attribute, entry)).every(Boolean)
    case 'or':
      return filter.filters.map((one) => holdsForEntry(one, attribute, entry)).some(Boolean)
    case 'not':
      return !holdsForEntry(filter.filter, attribute, entry)
    case 'present':
      return entry[subAttribute(attribute, filter.path).name] !== undefined
    case 'compare': {
      const sub = subAttribute(attribute, filter.path)
      return compares(sub, entry[sub.name], filter.operator, filter.value)
    }
    case 'entry':
      throw refused(`${attribute.name} has no entries in its entries.`)
  }
}

export function subAttribute({ name: parent, subAttributes = [] }: Attribute, path: string): Attribute {
  const lower = path.toLowerCase()
  const sub = subAttributes.find((one) => one.name.toLowerCase() === lower)
  if (!sub) throw refused(`${parent} has no such sub-attribute.`)
  return sub
}

/**
 * PATCH by RFC 7644, section 3.5.2, and as providers send it: applies operations in order to a resource as shown. Pure:
 * no I/O.
 */
import { fold } from '../../../core/users/text'
import { badRequest } from '../problem'
import type { Attribute, Resource } from '../schemas/attributes'
import { holdsForEntry, parsePath, subAttribute, type Filter } from './filter'
import { find, named, type Named } from './names'
import {
  extensionOf,
  invalid,
  isObject,
  member,
  message,
  onlyExtension,
  partsOf,
  readComplex,
  readSimple,
  readValue,
  refuseAuthority,
  withSub,
  type Complex,
  type Simple,
  type Value,
  type Values,
} from './values'

export type Verb = 'add' | 'replace' | 'remove'

export interface Operation {
  verb: Verb
  path: string | undefined
  /** Undefined where there is none. */
  value: unknown
}

export const patchSchema = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
export const maxOperations = 1000

/** Reads the operations of a PATCH body. */
export function readOperations(body: unknown): Operation[] {
  const operations = member(message(body, patchSchema), 'Operations')
  if (!Array.isArray(operations) || operations.length === 0) {
    throw badRequest('invalidSyntax', 'Operations must be a list of operations.')
  }
  if (operations.length > maxOperations) {
    throw badRequest('invalidValue', `Operations must have at most ${maxOperations} items.`)
  }
  return operations.map((one: unknown) => {
    if (!isObject(one)) throw badRequest('invalidSyntax', 'An operation must be an object.')
    const op = member(one, 'op')
    const verb = typeof op === 'string' ? op.toLowerCase() : ''
    if (verb !== 'add' && verb !== 'replace' && verb !== 'remove') {
      throw badRequest('invalidSyntax', 'op must be add, replace or remove.')
    }
    const path = member(one, 'path') ?? ''
    if (typeof path !== 'string') throw badRequest('invalidPath', 'path must be a string.')
    return { verb, path: path === '' ? undefined : path, value: member(one, 'value') }
  })
}

/** Returns the attributes after the operations. Attributes in `required` cannot be removed. */
export function applyPatch(
  resource: Resource,
  shown: Values,
  operations: readonly Operation[],
  required: readonly string[],
): Values {
  const values = structuredClone(shown)
  for (const operation of operations) apply(resource, values, operation)
  for (const name of required) {
    if (values[name] === null || values[name] === undefined) {
      throw badRequest('mutability', `${name} cannot be removed.`)
    }
  }
  return values
}

function apply(resource: Resource, values: Values, { verb, path, value }: Operation): void {
  if (path === undefined) {
    if (verb === 'remove') throw badRequest('noTarget', 'remove needs a path.')
    if (!isObject(value)) throw invalid('value', 'must be an object where there is no path.')
    for (const [name, one] of Object.entries(value)) {
      const target = isKnown(resource, name) ? targetOf(resource, name) : undefined
      if (target && isWritable(target.found)) change(resource, values, { verb, value: one, ...target })
      else if (target?.found.kind === 'authority') refuseAuthority('roles or entitlements', one)
    }
    return
  }
  const target = targetOf(resource, path)
  if (!target) throw badRequest('invalidPath', 'The path is malformed.')
  const { found } = target
  if (found.kind === 'ignored') return
  if (found.kind === 'authority') return verb === 'remove' ? undefined : refuseAuthority('roles or entitlements', value)
  if (found.kind === 'unknown')
    throw badRequest('invalidPath', 'The path names an attribute that the resource does not have.')
  if (!isWritable(found)) throw badRequest('mutability', 'The path names a read-only attribute.')
  if (verb !== 'remove' && value === undefined) throw invalid('value', 'is missing.')
  change(resource, values, { verb, value, ...target })
}

/** Whether a name or a path begins with an attribute of the resource. Others are ignored. */
const isKnown = (resource: Resource, path: string) => named(resource, path.split('[')[0] ?? '').kind !== 'unknown'

interface PathTarget {
  found: Named
  filter: Filter | undefined
  /** A sub-attribute of the entries that match the filter. */
  sub: Attribute | undefined
}

/** Returns undefined if the path is malformed. */
function targetOf(resource: Resource, path: string): PathTarget | undefined {
  const parsed = parsePath(path)
  if (!parsed) return undefined
  const found = named(resource, parsed.path)
  if (!parsed.filter || found.kind !== 'attribute') return { found, filter: undefined, sub: undefined }
  const { attribute, sub } = found
  if (!attribute.multiValued || sub) {
    throw badRequest('invalidPath', `${attribute.name} has one value, which no filter selects.`)
  }
  const own = parsed.sub === undefined ? undefined : find(attribute.subAttributes ?? [], parsed.sub.toLowerCase())
  if (parsed.sub !== undefined && !own) {
    throw badRequest('invalidPath', `The path names a sub-attribute that ${attribute.name} does not have.`)
  }
  return { found, filter: parsed.filter, sub: own }
}

const isWritable = (found: Named) =>
  found.kind === 'extension' ||
  (found.kind === 'attribute' &&
    (found.sub ?? found.attribute).mutability !== 'readOnly' &&
    found.attribute.mutability !== 'readOnly')

type Change = Omit<Operation, 'path'> & PathTarget

function change(resource: Resource, values: Values, { verb, value, found, filter, sub: entrySub }: Change): void {
  if (found.kind === 'extension') {
    if (verb === 'remove' || value === null) values[(resource.extension as { id: string }).id] = null
    else apply(onlyExtension(resource), values, { verb, path: undefined, value })
    return
  }
  if (found.kind !== 'attribute') return
  const { attribute, sub, isExtension } = found
  const container = isExtension ? extensionOf(resource, values) : values
  const present = container[attribute.name] as Value | null | undefined
  if (attribute.multiValued) {
    const entries = (present ?? []) as Complex[]
    const part = filter ? entrySub : sub
    const changed = changedEntries(attribute, entries, { verb, value, filter, sub: part })
    container[attribute.name] = changed.length > 0 ? changed : null
  } else if (sub) {
    const read = verb === 'remove' ? null : readSimple(sub, value, `${attribute.name}.${sub.name}`)
    container[attribute.name] = withSub(present as Complex | undefined, sub, read)
  } else if (verb === 'remove') container[attribute.name] = null
  else
    container[attribute.name] =
      attribute.type === 'complex' ? merged(attribute, present, value) : readValue(attribute, value)
}

/** Replaces the sub-attributes that are sent. A value without sub-attributes replaces all of them. */
function merged(attribute: Attribute, present: unknown, value: unknown): Complex | null {
  if (!isObject(value)) return readComplex(attribute, value)
  return partsOf(attribute, value).reduce<Complex | null>(
    (complex, [sub, one]) => withSub(complex, sub, one),
    (present as Complex | null | undefined) ?? null,
  )
}

interface EntryChange {
  verb: Verb
  value: unknown
  filter: Filter | undefined
  sub: Attribute | undefined
}

function changedEntries(attribute: Attribute, entries: readonly Complex[], entryChange: EntryChange): Complex[] {
  const { verb, value, filter, sub } = entryChange
  if (filter) return ofFilter(attribute, entries, { ...entryChange, filter })
  if (sub) {
    const read = verb === 'remove' ? null : readSimple(sub, value, `${attribute.name}.${sub.name}`)
    const all: readonly Complex[] = entries.length === 0 && read !== null ? [{}] : entries
    return all.map((entry) => withSub(entry, sub, read)).filter((entry) => entry !== null)
  }
  if (verb === 'remove') {
    if (value === undefined || value === null) return []
    const gone = readValue(attribute, value) as Complex[] | null
    return entries.filter((entry) => !gone?.some((one) => includes(attribute, entry, one)))
  }
  const sent = (readValue(attribute, value) ?? []) as Complex[]
  return verb === 'replace'
    ? sent
    : sent.reduce<Complex[]>((all, entry) => withEntry(attribute, all, entry), [...entries])
}

/**
 * Merges into an entry with the same value and type, or adds a new entry. A new primary entry replaces the previous
 * primary entry.
 */
function withEntry(attribute: Attribute, entries: readonly Complex[], entry: Complex): Complex[] {
  const index = entries.findIndex((one) => isSameEntry(attribute, one, entry))
  const all = index < 0 ? [...entries, entry] : entries.map((one, at) => (at === index ? { ...one, ...entry } : one))
  return withPrimary(all, entry['primary'] === true ? [index < 0 ? entries.length : index] : [])
}

function isSameEntry(attribute: Attribute, entry: Complex, other: Complex): boolean {
  const { value, type } = other
  if (value === undefined) return includes(attribute, entry, other)
  return includes(attribute, entry, { value, ...(type !== undefined && entry['type'] !== undefined && { type }) })
}

/** Whether the entry has every sub-attribute of the other. */
function includes({ subAttributes = [] }: Attribute, entry: Complex, other: Complex): boolean {
  return Object.entries(other).every(([name, value]) => {
    const exact = subAttributes.find((sub) => sub.name === name)?.caseExact === true
    const normal = (one: Simple | undefined) => (typeof one === 'string' && !exact ? fold(one) : one)
    return normal(entry[name]) === normal(value)
  })
}

/** Keeps only the entries at `chosen` primary, if there are any. */
function withPrimary(entries: readonly Complex[], chosen: readonly number[]): Complex[] {
  if (chosen.length === 0) return [...entries]
  return entries.map((entry, index) => {
    if (chosen.includes(index) || entry['primary'] !== true) return entry
    const { primary: _, ...others } = entry
    return others
  })
}

function ofFilter(
  attribute: Attribute,
  entries: readonly Complex[],
  { verb, value, filter, sub }: EntryChange & { filter: Filter },
): Complex[] {
  // Evaluates the filter on an empty entry, so that an invalid filter is an error even without entries.
  holdsForEntry(filter, attribute, {})
  const chosen = entries.flatMap((entry, index) => (holdsForEntry(filter, attribute, entry) ? [index] : []))
  const changed = (entry: Complex): Complex | null => {
    if (sub) {
      const read = verb === 'remove' ? null : readSimple(sub, value, `${attribute.name}.${sub.name}`)
      return withSub(entry, sub, read)
    }
    if (verb === 'remove' || value === null) return null
    return isObject(value) ? merged(attribute, entry, value) : { ...entry, ...readComplex(attribute, value) }
  }
  if (chosen.length === 0) {
    if (verb === 'remove') return [...entries]
    const made = changed(entryOf(attribute, filter))
    if (!made) return [...entries]
    return withPrimary([...entries, made], made['primary'] === true ? [entries.length] : [])
  }
  const all = entries.map((entry, index) => (chosen.includes(index) ? changed(entry) : entry))
  const primary = all.findIndex((entry, index) => chosen.includes(index) && entry?.['primary'] === true)
  const kept =
    primary < 0
      ? all
      : withPrimary(
          all.map((entry) => entry ?? {}),
          [primary],
        )
  return kept.filter((entry, index) => entry !== null && all[index] !== null) as Complex[]
}

/** Returns the entry that a filter of equalities describes. */
function entryOf(attribute: Attribute, filter: Filter): Complex {
  if (filter.kind === 'and') {
    return Object.assign({}, ...filter.filters.map((one) => entryOf(attribute, one))) as Complex
  }
  if (filter.kind !== 'compare' || filter.operator !== 'eq' || filter.value === null) {
    throw badRequest('noTarget', `No entry of ${attribute.name} matches the path.`)
  }
  const sub = subAttribute(attribute, filter.path)
  const value = readSimple(sub, filter.value, `${attribute.name}.${sub.name}`)
  return value === null ? {} : { [sub.name]: value }
}

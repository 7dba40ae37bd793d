/**
 * Reads the JSON of clients by the definitions of the attributes. Null means no value. Unknown and read-only members
 * are ignored.
 */
import { badRequest } from '../problem'
import type { Attribute, Resource } from '../schemas/attributes'
import { readBoolean } from './filter'
import { find, named } from './names'

export type Simple = string | boolean
export type Complex = Record<string, Simple>
export type Value = Simple | Complex | Complex[]
/** The attributes of a resource by name. The attributes of the extension are one value with its URN as name. */
export interface Values {
  [name: string]: Value | Values | null | undefined
}

export const invalid = (name: string, problem: string) => badRequest('invalidValue', `${name} ${problem}`)

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns a member of a message, with its name in any letter case. */
export function member(object: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name]
  const lower = name.toLowerCase()
  const key = Object.keys(object).find((one) => one.toLowerCase() === lower)
  return key === undefined ? undefined : object[key]
}

/** The maximum number of schemas or attributes that a message names. */
export const maxNames = 100

/** Returns the object if its `schemas` name the schema. */
export function message(body: unknown, schema: string): Record<string, unknown> {
  if (!isObject(body)) throw badRequest('invalidSyntax', 'The body must be a JSON object.')
  const schemas = member(body, 'schemas')
  if (Array.isArray(schemas) && schemas.length > maxNames) {
    throw badRequest('invalidSyntax', `schemas must have at most ${maxNames} items.`)
  }
  const isNamed = (name: unknown) => typeof name === 'string' && name.toLowerCase() === schema.toLowerCase()
  if (!Array.isArray(schemas) || !schemas.some(isNamed))
    throw badRequest('invalidSyntax', `schemas must name ${schema}.`)
  return body
}

/** Reads the attributes of a resource in a body. */
export function readResource(resource: Resource, body: unknown): Values {
  const values: Values = {}
  for (const [name, value] of Object.entries(message(body, resource.schema.id))) {
    setNamed(resource, values, name, value)
  }
  return values
}

function setNamed(resource: Resource, values: Values, name: string, value: unknown): void {
  const found = named(resource, name)
  if (found.kind === 'authority') return refuseAuthority(name, value)
  if (found.kind === 'extension') {
    if (value === null) values[(resource.extension as { id: string }).id] = null
    else if (!isObject(value)) throw invalid('The extension', 'must be an object.')
    else for (const [own, one] of Object.entries(value)) setNamed(onlyExtension(resource), values, own, one)
    return
  }
  if (found.kind !== 'attribute' || found.attribute.mutability === 'readOnly') return
  const { attribute, sub, isExtension } = found
  const container = isExtension ? extensionOf(resource, values) : values
  if (!sub) {
    container[attribute.name] = readValue(attribute, value)
    return
  }
  if (sub.mutability === 'readOnly') return
  if (attribute.multiValued) throw invalid(attribute.name, 'has several values, and no sub-attribute of its own.')
  container[attribute.name] = withSub(container[attribute.name] as Complex | undefined, sub, readSimple(sub, value))
}

/** A resource with the attributes of the extension only. */
export const onlyExtension = ({ schema, extension }: Resource): Resource => ({
  schema: { ...schema, attributes: [] },
  ...(extension && { extension }),
})

/** Returns the values of the extension, and creates them if they are absent. */
export function extensionOf({ extension }: Resource, values: Values): Values {
  const { id } = extension as { id: string }
  const present = values[id]
  const own = (isObject(present) ? present : {}) as Values
  values[id] = own
  return own
}

export function withSub(complex: Complex | null | undefined, sub: Attribute, value: Simple | null): Complex | null {
  const { [sub.name]: _, ...others } = complex ?? {}
  const changed = value === null ? others : { ...others, [sub.name]: value }
  return Object.keys(changed).length > 0 ? changed : null
}

/** `[]`, null and `false` are no value. Any other value is refused, because only groups give authority. */
export function refuseAuthority(name: string, value: unknown): void {
  const isEmpty = value === null || value === undefined || (Array.isArray(value) && value.length === 0)
  if (!isEmpty)
    throw badRequest('invalidValue', `${name.slice(0, 100)} cannot be set: authority is given through Groups.`)
}

/** Converts a value; null means no value. */
export function readValue(attribute: Attribute, value: unknown): Value | null {
  if (value === null || value === undefined) return null
  if (attribute.multiValued) {
    const entries = (Array.isArray(value) ? value : [value])
      .map((one: unknown) => readComplex(attribute, one))
      .filter((one) => one !== null)
    return entries.length > 0 ? entries : null
  }
  return attribute.type === 'complex' ? readComplex(attribute, value) : readSimple(attribute, value)
}

export function readComplex(attribute: Attribute, value: unknown): Complex | null {
  if (value === null) return null
  const { name, subAttributes = [] } = attribute
  if (typeof value === 'string' && find(subAttributes, 'value')) return value === '' ? null : { value }
  if (!isObject(value)) throw invalid(name, 'must be an object.')
  const complex = Object.fromEntries(
    partsOf(attribute, value).flatMap(([sub, one]) => (one === null ? [] : [[sub.name, one] as const])),
  )
  return Object.keys(complex).length > 0 ? complex : null
}

/** Reads the sub-attributes of an object. Null means that the object removes the sub-attribute. */
export function partsOf(
  { name, subAttributes = [] }: Attribute,
  value: Record<string, unknown>,
): [Attribute, Simple | null][] {
  return Object.entries(value).flatMap(([key, one]): [Attribute, Simple | null][] => {
    const sub = find(subAttributes, key.toLowerCase())
    return sub && sub.mutability !== 'readOnly' ? [[sub, readSimple(sub, one, `${name}.${sub.name}`)]] : []
  })
}

export function readSimple(attribute: Attribute, value: unknown, name: string = attribute.name): Simple | null {
  if (value === null || value === undefined) return null
  if (attribute.type === 'boolean') {
    if (value === '') return null
    const bool = readBoolean(value)
    if (bool === undefined) throw invalid(name, 'must be true or false.')
    return bool
  }
  if (typeof value !== 'string') throw invalid(name, 'must be a string.')
  return value === '' ? null : value
}

/** Returns the values without null and undefined. */
export function withoutAbsent(values: Record<string, unknown>): Values {
  const present: Values = {}
  for (const [name, value] of Object.entries(values)) if (value != null) present[name] = value as Value
  return present
}

/** The attributes that a client requests by `attributes` and `excludedAttributes` (RFC 7644, section 3.9). */
import { named } from '../language/names'
import type { Complex } from '../language/values'
import { badRequest } from '../problem'
import type { Resource } from '../schemas/attributes'

/** The names in the request, resolved to an attribute or a sub-attribute. Unknown names are ignored. */
export interface Projection {
  mode: 'all' | 'only' | 'without'
  /** The requested sub-attributes by attribute, or the whole attribute. The extension is listed by its URN. */
  names: ReadonlyMap<string, ReadonlySet<string> | 'all'>
}

export const wholeResource: Projection = { mode: 'all', names: new Map() }

export function toProjection(
  resource: Resource,
  attributes: readonly string[] | undefined,
  excluded: readonly string[] | undefined,
): Projection {
  if (attributes && excluded) {
    throw badRequest('invalidValue', 'attributes and excludedAttributes exclude each other.', 'query')
  }
  if (attributes) return { mode: 'only', names: resolved(resource, attributes) }
  if (excluded) return { mode: 'without', names: resolved(resource, excluded) }
  return wholeResource
}

/** Splits the names of a query parameter at commas, except for commas inside the brackets of a filter. */
export function namesIn(text: string | undefined): string[] | undefined {
  const names = text?.replace(/\[[^\]]*\]?/g, '').split(',')
  const given = names?.map((name) => name.trim()).filter((name) => name !== '')
  return given && given.length > 0 ? given : undefined
}

function resolved(resource: Resource, texts: readonly string[]): Projection['names'] {
  const names = new Map<string, Set<string> | 'all'>()
  const extension = resource.extension?.id ?? ''
  const add = (name: string, sub: string | undefined) => {
    const known = names.get(name)
    if (sub === undefined || known === 'all') names.set(name, 'all')
    else names.set(name, (known ?? new Set()).add(sub))
  }
  for (const text of texts) {
    const found = named(resource, text)
    if (found.kind === 'extension') add(extension, undefined)
    if (found.kind !== 'attribute') continue
    const { attribute, sub, isExtension } = found
    if (isExtension) add(extension, attribute.name)
    else add(attribute.name, sub?.name)
  }
  return names
}

/** Whether the attribute is requested. */
export function shows({ mode, names }: Projection, name: string): boolean {
  if (mode === 'all') return true
  return mode === 'only' ? names.has(name) : names.get(name) !== 'all'
}

const always: ReadonlySet<string> = new Set(['schemas', 'id'])

export function project(shown: Record<string, unknown>, projection: Projection): Record<string, unknown> {
  const { mode, names } = projection
  if (mode === 'all') return shown
  const entries = Object.entries(shown).flatMap(([name, value]): [string, unknown][] => {
    if (always.has(name)) return [[name, value]]
    const subs = names.get(name)
    if (value === undefined || !shows(projection, name)) return []
    if (subs === undefined || subs === 'all') return [[name, value]]
    const part = Array.isArray(value)
      ? value.map((entry) => partOf(entry as Complex, subs, mode))
      : partOf(value as Complex, subs, mode)
    return Object.keys(part).length > 0 ? [[name, part]] : []
  })
  const result = Object.fromEntries(entries)
  // `schemas` lists the extension only if the response shows it.
  const schemas = (shown['schemas'] as string[]).filter((schema, index) => index === 0 || result[schema] !== undefined)
  return { ...result, schemas }
}

const partOf = (value: Complex, subs: ReadonlySet<string>, mode: Projection['mode']) =>
  Object.fromEntries(
    Object.entries(value).filter(([name, part]) => part !== undefined && subs.has(name) === (mode === 'only')),
  )

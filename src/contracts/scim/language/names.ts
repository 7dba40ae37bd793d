/** Attribute names as clients write them: in any letter case, with or without the URN of their schema. */
import {
  authorityAttributes,
  commonAttributes,
  ignoredAttributes,
  type Attribute,
  type Resource,
} from '../schemas/attributes'

export type Named =
  | { kind: 'attribute'; attribute: Attribute; sub: Attribute | undefined; isExtension: boolean }
  /** The extension as a whole. */
  | { kind: 'extension' }
  /** Known attributes that are never stored. */
  | { kind: 'ignored' }
  /** Attributes that would give authority. */
  | { kind: 'authority' }
  | { kind: 'unknown' }

const unknown: Named = { kind: 'unknown' }

/** Resolves a name, or a name and a sub-attribute. */
export function named({ schema, extension }: Resource, text: string): Named {
  const lower = text.toLowerCase()
  if (extension && lower === extension.id.toLowerCase()) return { kind: 'extension' }
  for (const { id, attributes } of extension ? [extension, schema] : [schema]) {
    const prefix = `${id.toLowerCase()}:`
    if (!lower.startsWith(prefix)) continue
    const own = attributes === schema.attributes ? [...commonAttributes, ...attributes] : attributes
    return among(own, lower.slice(prefix.length), attributes !== schema.attributes)
  }
  const core = among([...commonAttributes, ...schema.attributes], lower, false)
  if (core.kind !== 'unknown') return core
  return extension ? among(extension.attributes, lower, true) : unknown
}

function among(attributes: readonly Attribute[], lower: string, isExtension: boolean): Named {
  const [name = '', subName, ...further] = lower.split('.')
  if (further.length > 0) return unknown
  if (ignoredAttributes.has(name)) return { kind: 'ignored' }
  if (authorityAttributes.has(name)) return { kind: 'authority' }
  const attribute = find(attributes, name)
  if (!attribute) return unknown
  if (subName === undefined) return { kind: 'attribute', attribute, sub: undefined, isExtension }
  const sub = find(attribute.subAttributes ?? [], subName)
  return sub ? { kind: 'attribute', attribute, sub, isExtension } : unknown
}

/** Finds the attribute of a lower-case name. */
export const find = (attributes: readonly Attribute[], lower: string): Attribute | undefined =>
  attributes.find(({ name }) => name.toLowerCase() === lower)

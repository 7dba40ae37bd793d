/** Translates filters of users into conditions of the core. Refuses a filter that the core cannot answer exactly. */
import {
  roleTextCondition,
  textCondition,
  type RoleCondition,
  type TextField,
  type TimeField,
  type UserCondition,
} from '../../../core/provisioning/conditions'
import { compares, subAttribute, valueFor, type Filter } from '../language/filter'
import { named } from '../language/names'
import { badRequest } from '../problem'
import { userResource, type Attribute } from '../schemas/attributes'

type Compare = Filter & { kind: 'compare' }

const constant = (holds: boolean) => ({ kind: 'constant' as const, holds })
export const everyone: UserCondition = constant(true)

const cannot = (name: string) => badRequest('invalidFilter', `Users cannot be filtered by ${name}.`, 'query')

const texts: Readonly<Record<string, TextField>> = {
  id: 'id',
  externalId: 'externalId',
  userName: 'shownName',
  emails: 'email',
  'emails.value': 'email',
  displayName: 'name',
  'name.givenName': 'givenName',
  'name.familyName': 'familyName',
  employeeNumber: 'employeeNumber',
}

/** The attributes that every user has. */
const always: ReadonlySet<TextField> = new Set(['id', 'shownName', 'email'])

const times: Readonly<Record<string, TimeField>> = { 'meta.created': 'createdAt', 'meta.lastModified': 'updatedAt' }

export function toUserCondition(filter: Filter): UserCondition {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return chain(filter.kind, filter.filters.map(toUserCondition))
    case 'not':
      return negated(toUserCondition(filter.filter))
    case 'entry':
      return ofEntry(filter)
    case 'present':
    case 'compare':
      return ofAttribute(filter)
  }
}

function ofAttribute(filter: Filter & { kind: 'present' | 'compare' }): UserCondition {
  const { attribute, sub, name } = attributeOf(filter.path)
  const text = texts[name]
  if (text) return ofText(text, subOr(attribute, sub, 'value'), filter)
  const time = times[name]
  if (time && sub) return ofTime(time, sub, filter)
  if (name === 'active') return ofActive(attribute, filter)
  if (attribute.name === 'groups') {
    return ofGroup({ ...filter, path: sub?.name ?? 'value' }, attribute)
  }
  if (attribute.name === 'emails' && sub) return ofOneEmail({ ...filter, path: sub.name }, attribute)
  throw cannot(name)
}

function attributeOf(path: string): { attribute: Attribute; sub: Attribute | undefined; name: string } {
  const found = named(userResource, path)
  if (found.kind !== 'attribute')
    throw badRequest('invalidFilter', 'The filter names an attribute that users do not have.', 'query')
  const { attribute, sub } = found
  return { attribute, sub, name: sub ? `${attribute.name}.${sub.name}` : attribute.name }
}

const subOr = ({ subAttributes, ...attribute }: Attribute, sub: Attribute | undefined, otherwise: string): Attribute =>
  sub ?? subAttributes?.find(({ name }) => name === otherwise) ?? attribute

function ofText(
  field: TextField,
  attribute: Attribute,
  filter: Filter & { kind: 'present' | 'compare' },
): UserCondition {
  const present: UserCondition = always.has(field) ? constant(true) : { kind: 'present', field }
  if (filter.kind === 'present') return present
  const value = valueFor(attribute, filter.operator, filter.value)
  if (value === null) return filter.operator === 'eq' ? negated(present) : present
  return textCondition(field, filter.operator, String(value))
}

function ofTime(
  field: TimeField,
  attribute: Attribute,
  filter: Filter & { kind: 'present' | 'compare' },
): UserCondition {
  if (filter.kind === 'present') return constant(true)
  const { operator } = filter
  const value = valueFor(attribute, operator, filter.value)
  if (value === null) return constant(operator === 'ne')
  // Not reached for operators on text: `valueFor` refuses them.
  if (operator === 'co' || operator === 'sw' || operator === 'ew') throw cannot(attribute.name)
  return { kind: 'time', field, comparison: operator, value: Number(value) }
}

function ofActive(attribute: Attribute, filter: Filter & { kind: 'present' | 'compare' }): UserCondition {
  if (filter.kind === 'present') return constant(true)
  const value = valueFor(attribute, filter.operator, filter.value)
  if (value === null) return constant(filter.operator === 'ne')
  return { kind: 'active', is: value === (filter.operator === 'eq') }
}

function ofEntry({ path, filter }: Filter & { kind: 'entry' }): UserCondition {
  const { attribute, sub, name } = attributeOf(path)
  if (sub || !['emails', 'groups'].includes(attribute.name)) throw cannot(name)
  return attribute.name === 'emails' ? ofOneEmail(filter, attribute) : ofGroup(filter, attribute)
}

/** The email of a user, which is shown as the primary one of type work. */
const shownEmail: Readonly<Record<string, unknown>> = { type: 'work', primary: true }

function ofOneEmail(filter: Filter, attribute: Attribute): UserCondition {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return chain(
        filter.kind,
        filter.filters.map((one) => ofOneEmail(one, attribute)),
      )
    case 'not':
      return negated(ofOneEmail(filter.filter, attribute))
    case 'entry':
      throw cannot(attribute.name)
    case 'present':
      subAttribute(attribute, filter.path)
      return constant(true)
    case 'compare': {
      const sub = subAttribute(attribute, filter.path)
      if (sub.name === 'value') return ofText('email', sub, filter)
      return constant(compares(sub, shownEmail[sub.name], filter.operator, filter.value))
    }
  }
}

/** A user matches if one of the groups matches. For `ne`, no group may be equal. */
function ofGroup(filter: Filter, attribute: Attribute): UserCondition {
  if (filter.kind === 'compare' && filter.operator === 'ne') {
    return negated(ofGroup({ ...filter, operator: 'eq' }, attribute))
  }
  const condition = ofOneGroup(filter, attribute)
  return condition.kind === 'constant' && !condition.holds ? condition : { kind: 'role', condition }
}

function ofOneGroup(filter: Filter, attribute: Attribute): RoleCondition {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return chain(
        filter.kind,
        filter.filters.map((one) => ofOneGroup(one, attribute)),
      )
    case 'not':
      return negated(ofOneGroup(filter.filter, attribute))
    case 'entry':
      throw cannot(attribute.name)
    case 'present':
      subAttribute(attribute, filter.path)
      return constant(true)
    case 'compare':
      return ofGroupText(filter, subAttribute(attribute, filter.path))
  }
}

function ofGroupText({ operator, value: literal }: Compare, sub: Attribute): RoleCondition {
  if (sub.name === 'type') return constant(compares(sub, 'direct', operator, literal))
  if (sub.name === '$ref') throw cannot('groups.$ref')
  const value = valueFor(sub, operator, literal)
  if (value === null) return constant(operator === 'ne')
  return roleTextCondition(sub.name === 'value' ? 'id' : 'name', operator, String(value))
}

type Tree = UserCondition | RoleCondition

/** Removes constants, so that a filter with one comparison is recognised as such. */
function chain<Condition extends Tree>(kind: 'and' | 'or', conditions: readonly Condition[]): Condition {
  const decisive = kind === 'or'
  const [all, open] = [conditions, conditions.filter((one) => one.kind !== 'constant')]
  if (all.some((one) => one.kind === 'constant' && one.holds === decisive)) return constant(decisive) as Condition
  if (open.length === 0) return constant(!decisive) as Condition
  if (open.length === 1) return open[0] as Condition
  // The union has one member for each kind, but TypeScript does not follow the choice.
  return { kind: kind === 'and' ? 'all' : 'any', conditions: open } as unknown as Condition
}

function negated<Condition extends Tree>(condition: Condition): Condition {
  return (condition.kind === 'constant'
    ? constant(!condition.holds)
    : // TypeScript does not follow this choice either.
      { kind: 'not', condition }) as unknown as Condition
}

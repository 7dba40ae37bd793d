/** Translates between roles of the core and groups of SCIM. */
import type { Group, GroupChanges, Member } from '../../../core/provisioning/groups'
import type { MemberChange } from '../../../core/provisioning/memberships'
import { parseRoleName, parseUuid } from '../../../core/users/fields'
import { fold } from '../../../core/users/text'
import { toUtc } from '../../../http/contract/times'
import { compares, holdsForEntry, parsePath, subAttribute, valueFor, type Filter } from '../language/filter'
import { named } from '../language/names'
import { applyPatch, type Operation } from '../language/patch'
import { invalid, isObject, readValue, type Complex, type Values } from '../language/values'
import { badRequest } from '../problem'
import { groupResource, groupSchema, type Attribute } from '../schemas/attributes'
import { externalIdOf, parsed } from './parsing'

const members = groupSchema.attributes.find(({ name }) => name === 'members') as Attribute

/** A group without its members. */
export function fromGroup(group: Group, base: string): Record<string, unknown> {
  return {
    schemas: [groupSchema.id],
    id: group.id,
    ...(group.externalId !== null && { externalId: group.externalId }),
    displayName: group.name,
    meta: {
      resourceType: 'Group',
      created: toUtc(group.createdAt),
      lastModified: toUtc(group.updatedAt),
      location: `${base}/Groups/${group.id}`,
    },
  }
}

export const fromMember = ({ id }: Member, base: string): Complex => ({
  value: id,
  $ref: `${base}/Users/${id}`,
  type: 'User',
})

/** Returns the ids of the users in a list of members. */
function idsOf(value: unknown): string[] {
  return ((readValue(members, value) ?? []) as Complex[]).map((entry) => {
    const { value: id, type } = entry
    if (typeof type === 'string' && fold(type) !== 'user') throw invalid('members', 'takes users only.')
    if (typeof id !== 'string') throw invalid('members', 'must have the ids of users as values.')
    return idOf(id)
  })
}

function idOf(text: string): string {
  const outcome = parseUuid(text)
  if ('value' in outcome) return outcome.value
  throw invalid('members', 'names a user that the directory does not have.')
}

export function toNewGroup(sent: Values) {
  const { name, externalId } = toGroupChanges(sent, undefined)
  if (name === undefined) throw invalid('displayName', 'is required.')
  return { name, externalId: externalId ?? null, members: idsOf(sent['members']) }
}

/** Absent members stay. A list replaces them, even if it is empty. */
export function toMemberChange(sent: Values): MemberChange {
  return sent['members'] === undefined ? unchanged : { keepsPresent: false, add: idsOf(sent['members']), remove: [] }
}

const unchanged: MemberChange = { keepsPresent: true, add: [], remove: [] }

/** A value that equals the shown one is no change, and is not validated. */
export function toGroupChanges(sent: Values, present: Group | undefined): GroupChanges {
  const { displayName, externalId } = sent
  if (typeof displayName !== 'string') throw invalid('displayName', 'is required.')
  return {
    name: displayName === present?.name ? undefined : parsed('displayName', parseRoleName, displayName),
    externalId: externalId === undefined ? undefined : externalIdOf(externalId, present?.externalId ?? null),
  }
}

/** Splits the operations of a PATCH. Operations on members are decided without reading the present members. */
export function toGroupPatch(operations: readonly Operation[]): {
  members: MemberChange
  changesTo: (present: Group | undefined) => GroupChanges
} {
  let change = unchanged
  const others: Operation[] = []
  for (const operation of operations) {
    const { ofMembers, rest } = divided(operation)
    for (const one of ofMembers) change = afterOperation(change, one)
    if (rest) others.push(rest)
  }
  const changesTo = (present: Group | undefined): GroupChanges => {
    const shown = { displayName: present?.name, externalId: present?.externalId ?? undefined }
    const values = applyPatch(withoutMembers, shown, others, present ? ['displayName'] : [])
    return present ? toGroupChanges({ ...values, externalId: values['externalId'] ?? null }, present) : {}
  }
  // Invalid operations are reported even when the group does not exist.
  return { members: change, changesTo }
}

const withoutMembers = {
  ...groupResource,
  schema: { ...groupSchema, attributes: groupSchema.attributes.filter((attribute) => attribute !== members) },
}

type MemberOperation = Pick<Operation, 'verb' | 'value'> & { filter: Filter | undefined }

function divided(operation: Operation): { ofMembers: MemberOperation[]; rest: Operation | undefined } {
  const { verb, path, value } = operation
  if (path !== undefined) {
    const target = membersIn(path)
    return target ? { ofMembers: [{ verb, value, ...target }], rest: undefined } : { ofMembers: [], rest: operation }
  }
  if (!isObject(value)) return { ofMembers: [], rest: operation }
  const entries = Object.entries(value).map(([name, one]) => [name, one, membersIn(name)] as const)
  return {
    ofMembers: entries.flatMap(([, one, target]) => (target ? [{ verb, value: one, ...target }] : [])),
    rest: {
      ...operation,
      value: Object.fromEntries(entries.flatMap(([name, one, target]) => (target ? [] : [[name, one]]))),
    },
  }
}

/** Returns the members that a path selects; undefined for a path of another attribute. */
function membersIn(path: string): { filter: Filter | undefined } | undefined {
  const parsedPath = /members/i.test(path) ? parsePath(path) : undefined
  if (!parsedPath) return undefined
  const found = named(groupResource, parsedPath.path)
  if (found.kind !== 'attribute' || found.attribute !== members) return undefined
  const isValue = [found.sub?.name, parsedPath.sub].every((sub) => sub === undefined || sub.toLowerCase() === 'value')
  if (!isValue) throw badRequest('mutability', 'Only the value of a member can be written.')
  return { filter: parsedPath.filter }
}

function afterOperation(change: MemberChange, { verb, value, filter }: MemberOperation): MemberChange {
  if (filter) return afterFiltered(change, filter, verb, value)
  if (verb === 'remove') return value === undefined || value === null ? none : without(change, idsOf(value))
  if (value === undefined) throw invalid('value', 'is missing.')
  return verb === 'add' ? having(change, idsOf(value)) : having(none, idsOf(value))
}

const none: MemberChange = { keepsPresent: false, add: [], remove: [] }

function having({ keepsPresent, add, remove }: MemberChange, ids: readonly string[]): MemberChange {
  const joined = new Set(ids)
  return { keepsPresent, add: [...new Set([...add, ...ids])], remove: remove.filter((id) => !joined.has(id)) }
}

function without({ keepsPresent, add, remove }: MemberChange, ids: readonly string[]): MemberChange {
  const gone = new Set(ids)
  return {
    keepsPresent,
    add: add.filter((id) => !gone.has(id)),
    remove: keepsPresent ? [...new Set([...remove, ...ids])] : remove,
  }
}

function afterFiltered(change: MemberChange, filter: Filter, verb: Operation['verb'], value: unknown): MemberChange {
  const ids = idsIn(filter)
  if (verb === 'remove') return ids === 'all' ? none : without(change, ids)
  if (ids === 'all' || ids.length !== 1) throw badRequest('noTarget', 'The path must select one member.')
  // Afterwards the group has the member that the filter names, with the value that is sent.
  const sent = idsOf(value)
  return having(verb === 'replace' ? without(change, ids) : change, sent.length > 0 ? sent : ids)
}

/** Returns the members that a filter names by value; `all` if it only requires that they are users. */
function idsIn(filter: Filter): string[] | 'all' {
  if (filter.kind === 'or') {
    const parts = filter.filters.map(idsIn)
    return parts.includes('all') ? 'all' : (parts as string[][]).flat()
  }
  if (filter.kind === 'and') {
    const parts = filter.filters.map(idsIn).filter((one) => one !== 'all')
    return parts.length === 0 ? 'all' : (parts[0] as string[]).filter((id) => parts.every((one) => one.includes(id)))
  }
  if (filter.kind !== 'compare' || filter.operator !== 'eq') throw cannotSelect()
  const sub = subAttribute(members, filter.path)
  const text = valueFor(sub, 'eq', filter.value)
  if (sub.name === 'type') return compares(sub, 'User', 'eq', filter.value) ? 'all' : []
  if (sub.name !== 'value' || typeof text !== 'string') throw cannotSelect()
  const outcome = parseUuid(text)
  return 'value' in outcome ? [outcome.value] : []
}

const cannotSelect = () => badRequest('invalidFilter', 'Members are selected by value eq alone.')

const cannotFilter = (name: string) => badRequest('invalidFilter', `Groups cannot be filtered by ${name}.`, 'query')

/** Returns the users whose membership a filter tests. */
export function usersIn(filter: Filter | undefined): string[] {
  if (!filter) return []
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters.flatMap(usersIn)
    case 'not':
      return usersIn(filter.filter)
    case 'entry':
      return /members$/i.test(filter.path) ? usersIn(filter.filter) : []
    case 'present':
      return []
    case 'compare':
      return typeof filter.value === 'string' && 'value' in parseUuid(filter.value) ? [filter.value] : []
  }
}

interface Known {
  base: string
  groupsOf: ReadonlyMap<string, ReadonlySet<number>>
}

/** Whether a group matches the filter. Members are compared by `eq` and `ne`. */
export function holdsForGroup(filter: Filter, group: Group, known: Known): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.map((one) => holdsForGroup(one, group, known)).every(Boolean)
    case 'or':
      return filter.filters.map((one) => holdsForGroup(one, group, known)).some(Boolean)
    case 'not':
      return !holdsForGroup(filter.filter, group, known)
    case 'entry': {
      const { attribute } = attributeOf(filter.path)
      if (attribute !== members) throw cannotFilter(attribute.name)
      return hasMember(filter.filter, group, known)
    }
    case 'present':
    case 'compare':
      return ofAttribute(filter, group, known)
  }
}

function attributeOf(path: string) {
  const found = named(groupResource, path)
  if (found.kind !== 'attribute') {
    throw badRequest('invalidFilter', 'The filter names an attribute that groups do not have.', 'query')
  }
  return found
}

function ofAttribute(filter: Filter & { kind: 'present' | 'compare' }, group: Group, known: Known): boolean {
  const { attribute, sub } = attributeOf(filter.path)
  if (attribute === members) {
    const inEntry = { ...filter, path: sub?.name ?? 'value' }
    if (inEntry.kind === 'compare' && inEntry.operator === 'ne') {
      return !hasMember({ ...inEntry, operator: 'eq' }, group, known)
    }
    return hasMember(inEntry, group, known)
  }
  const name = sub ? `${attribute.name}.${sub.name}` : attribute.name
  if (!['id', 'displayName', 'externalId', 'meta.created', 'meta.lastModified'].includes(name)) throw cannotFilter(name)
  const shown = fromGroup(group, known.base)
  const value = sub ? (shown[attribute.name] as Complex)[sub.name] : shown[attribute.name]
  if (filter.kind === 'present') return value !== undefined
  return compares(sub ?? attribute, value, filter.operator, filter.value)
}

function hasMember(filter: Filter, group: Group, { groupsOf }: Known): boolean {
  if (filter.kind === 'present') {
    subAttribute(members, filter.path)
    return group.size > 0
  }
  // The value identifies the member.
  const parts = filter.kind === 'and' ? filter.filters : [filter]
  const ids: string[] = []
  for (const part of parts) {
    if (part.kind !== 'compare' || part.operator !== 'eq') throw cannotFilter('members by anything but eq')
    const sub = subAttribute(members, part.path)
    const value = valueFor(sub, 'eq', part.value)
    if (sub.name === 'value' && typeof value === 'string') ids.push(value)
    else if (sub.name !== 'type') throw cannotFilter(`members.${sub.name}`)
    else if (!holdsForEntry(part, members, { type: 'User' })) return false
  }
  const [id, ...others] = ids
  if (id === undefined) return group.size > 0
  return others.every((other) => other === id) && groupsOf.get(id)?.has(group.number) === true
}

/** The parameters of a list: filter, order and page, from the query or from a SearchRequest. */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { ProvisionedList } from '../../core/provisioning/users'
import type { Position, SortKey } from '../../core/users/user-list'
import { readCursor, writeCursor } from '../../http/contract/cursor'
import { parseFilter, type Filter } from './language/filter'
import { named } from './language/names'
import { member, message, maxNames } from './language/values'
import { everyone, toUserCondition } from './mapping/conditions'
import { namesIn, toProjection, type Projection } from './mapping/projection'
import { badRequest } from './problem'
import { groupResource, userResource, type Resource } from './schemas/attributes'
import { searchSchema } from './schemas/messages'

export const pageSizes = { default: 100, max: 200 }

/** Returns a parameter as text; undefined without a value. */
type Parameter = (name: string) => string | undefined

export const parameterOf =
  (c: Pick<Context, 'req'>): Parameter =>
  (name) =>
    c.req.query(name)

/** Returns the members of a SearchRequest as parameters. */
export function searchParameters(body: unknown): Parameter {
  const request = message(body, searchSchema)
  return (name) => {
    const value = member(request, name)
    if (value === undefined || value === null) return undefined
    if (Array.isArray(value) && value.length > maxNames) {
      throw badRequest('invalidValue', `${name} must have at most ${maxNames} items.`)
    }
    if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(',')
    if (typeof value === 'string' || (typeof value === 'number' && /^(startIndex|count)$/.test(name)))
      return String(value)
    throw badRequest('invalidValue', `${name} is of the wrong type.`)
  }
}

export interface ListQuery {
  filter: Filter | undefined
  sort: SortKey
  descending: boolean
  /** Undefined for a page by cursor. */
  startIndex: number | undefined
  after: Position | undefined
  count: number
  projection: Projection
  /** Creates the cursor of the page after a position. */
  cursorAfter: (position: Position) => string
}

const userSorts: Readonly<Record<string, SortKey>> = {
  userName: 'shownName',
  displayName: 'name',
  emails: 'email',
  'emails.value': 'email',
  'meta.created': 'createdAt',
}
const groupSorts: Readonly<Record<string, SortKey>> = { displayName: 'name' }

const cursorSchema = z.object({ key: z.string(), number: z.int(), count: z.int() })

export function projectionOf(resource: Resource, parameter: Parameter): Projection {
  return toProjection(resource, namesIn(parameter('attributes')), namesIn(parameter('excludedAttributes')))
}

function listQuery(resource: Resource, sorts: Readonly<Record<string, SortKey>>, parameter: Parameter): ListQuery {
  const text = parameter('filter')
  const sort = sortOf(resource, sorts, parameter('sortBy'))
  const descending = parameter('sortOrder')?.toLowerCase() === 'descending'
  const count = Math.min(Math.max(integer(parameter, 'count') ?? pageSizes.default, 0), pageSizes.max)
  const cursor = parameter('cursor')
  const startIndex = integer(parameter, 'startIndex')
  if (cursor !== undefined && startIndex !== undefined) {
    throw badRequest('invalidValue', 'cursor and startIndex exclude each other.', 'query')
  }
  const list = [resource.schema.name, text ?? '', sort, descending]
  const from = cursor ? readCursor(cursor, list, cursorSchema) : undefined
  if (from && from.count !== count)
    throw badRequest('invalidCount', 'The cursor is of pages of another count.', 'query')
  return {
    filter: text === undefined ? undefined : parseFilter(text),
    sort,
    descending,
    startIndex: cursor === undefined ? Math.max(startIndex ?? 1, 1) : undefined,
    after: from && { key: from.key, number: from.number },
    count,
    projection: projectionOf(resource, parameter),
    cursorAfter: (position) => writeCursor({ ...position, count }, list),
  }
}

export const userListQuery = (parameter: Parameter) => listQuery(userResource, userSorts, parameter)
export const groupListQuery = (parameter: Parameter) => listQuery(groupResource, groupSorts, parameter)

export function toUserList({ filter, sort, descending, startIndex, after, count }: ListQuery): ProvisionedList {
  return {
    condition: filter ? toUserCondition(filter) : everyone,
    sort,
    descending,
    after,
    offset: (startIndex ?? 1) - 1,
    limit: count,
  }
}

/** The position of a page: its index, or the cursor of the next page. */
export function placeOf({ startIndex, cursorAfter }: ListQuery, next: Position | undefined) {
  return startIndex === undefined ? { nextCursor: next && cursorAfter(next) } : { startIndex }
}

function sortOf(resource: Resource, sorts: Readonly<Record<string, SortKey>>, text: string | undefined): SortKey {
  if (text === undefined || text === '') return 'number'
  const found = named(resource, text)
  const name = found.kind === 'attribute' ? found.attribute.name + (found.sub ? `.${found.sub.name}` : '') : ''
  const sort = Object.hasOwn(sorts, name) ? sorts[name] : undefined
  if (!sort) throw badRequest('invalidValue', `sortBy must be one of ${Object.keys(sorts).join(', ')}.`, 'query')
  return sort
}

function integer(parameter: Parameter, name: string): number | undefined {
  const text = parameter(name)
  if (text === undefined || text === '') return undefined
  if (!/^[+-]?\d{1,15}$/.test(text)) throw badRequest('invalidValue', `${name} must be an integer.`, 'query')
  return Number(text)
}

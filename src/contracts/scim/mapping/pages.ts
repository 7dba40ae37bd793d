/** Pages of groups. There are few groups, so all of them are read. */
import type { Group } from '../../../core/provisioning/groups'
import { foldRoleName } from '../../../core/users/text'
import type { Position } from '../../../core/users/user-list'
import type { ListQuery } from '../query'

const positionOf = (group: Group, sort: ListQuery['sort']): Position => ({
  key: sort === 'name' ? foldRoleName(group.name) : '',
  number: group.number,
})

const compare = (one: Position, other: Position) =>
  one.key === other.key ? one.number - other.number : one.key < other.key ? -1 : 1

/** Returns the groups of the page in order, and the start of the next page, if there is one. */
export function pageOfGroups(
  groups: readonly Group[],
  { sort, descending, startIndex = 1, after, count }: ListQuery,
): { page: readonly Group[]; next: Position | undefined } {
  const direction = descending ? -1 : 1
  const ordered = groups.toSorted((one, other) => direction * compare(positionOf(one, sort), positionOf(other, sort)))
  const rest = after
    ? ordered.filter((group) => direction * compare(positionOf(group, sort), after) > 0)
    : ordered.slice(startIndex - 1)
  const page = rest.slice(0, count)
  const last = page.at(-1)
  return { page, next: last && rest.length > count ? positionOf(last, sort) : undefined }
}

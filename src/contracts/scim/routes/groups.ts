/** Groups, which are the roles of the directory. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context, TypedResponse } from 'hono'
import {
  createGroup,
  deleteGroup,
  getGroup,
  getGroupAndMembers,
  listGroups,
  memberPages,
  updateGroup,
  type Group,
  type GroupAndMembers,
  type Member,
} from '../../../core/provisioning/groups'
import { Refused } from '../../../core/refusal'
import { readJson } from '../../../http/bodies/body'
import { documentedBody, streamedText } from '../../../http/contract/json'
import { authenticated } from '../../../http/credentials/authentication'
import { failures, scimMediaType } from '../errors'
import { readOperations } from '../language/patch'
import { readResource } from '../language/values'
import {
  fromGroup,
  fromMember,
  holdsForGroup,
  toGroupChanges,
  toGroupPatch,
  toMemberChange,
  toNewGroup,
  usersIn,
} from '../mapping/groups'
import { pageOfGroups } from '../mapping/pages'
import { project, shows, type Projection } from '../mapping/projection'
import { groupListQuery, parameterOf, placeOf, projectionOf, searchParameters, type ListQuery } from '../query'
import { groupResource } from '../schemas/attributes'
import { listMessage, ScimGroup, ScimGroupBody, ScimGroupList, ScimPatch, ScimSearch } from '../schemas/messages'
import { listParameters, projectionParameters } from '../schemas/parameters'
import { answer, app, baseOf, bodyTypes, locationHeader, scim } from './contract'

const tags = ['groups']
const params = z.object({ id: z.string().openapi({ format: 'uuid' }) })
/** The maximum size of a body in bytes. A provider may send some thousands of members at once. */
const maxBytes = 1_048_576

const idOf = (c: { req: { valid(part: 'param'): { id: string } } }) => c.req.valid('param').id.toLowerCase()

/** Yields the groups as JSON, each with its members, while they are read. */
async function* groupTexts(
  c: Context,
  groups: readonly Group[],
  pages: AsyncGenerator<Member[], void, undefined>,
  projection: Projection,
): AsyncGenerator<string, void, undefined> {
  const base = baseOf(c)
  const opened = (group: Group) => JSON.stringify(project(fromGroup(group, base), projection)).slice(0, -1)
  const text = (member: Member) =>
    JSON.stringify(
      (project({ schemas: [], members: [fromMember(member, base)] }, projection)['members'] as object[])[0],
    )
  let place = -1
  let hasMembers = false
  const closed = () => (place < 0 ? '' : hasMembers ? ']}' : '}')
  /**
   * Writes the end of the previous group, the groups without members in between, and the beginning of the group at
   * `next`.
   */
  const upTo = (next: number): string => {
    let written = ''
    while (place < next) {
      written += closed() + (place < 0 ? '' : ',')
      place += 1
      hasMembers = false
      written += opened(groups[place] as Group)
    }
    return written
  }
  for await (const members of pages) {
    let written = ''
    for (const member of members) {
      written += upTo(member.place)
      written += (hasMembers ? ',' : ',"members":[') + text(member)
      hasMembers = true
    }
    yield written
  }
  yield upTo(groups.length - 1) + closed()
}

async function* between(open: string, texts: AsyncGenerator<string, void, undefined>, close: string) {
  // Reads the first members before the response begins, so that a refusal is still an error status.
  const first = await texts.next()
  yield open + (first.done ? '' : first.value)
  yield* texts
  yield close
}

async function answerGroup<Status extends 200 | 201>(
  c: Context,
  { group, members }: GroupAndMembers,
  status: Status,
  projection: Projection,
) {
  const location = `${baseOf(c)}/Groups/${group.id}`
  if (!shows(projection, 'members')) {
    return answer(c, project(fromGroup(group, baseOf(c)), projection), status, { location })
  }
  const texts = groupTexts(c, [group], members, projection)
  return typed(await streamedText(texts, { contentType: scimMediaType, headers: { location }, status }), status)
}

const typed = <Status extends 200 | 201>(response: Response, _: Status) =>
  response as Response & TypedResponse<never, Status, 'json'>

async function answerList(c: Context, query: ListQuery) {
  const base = baseOf(c)
  const { filter, projection } = query
  const { groups, groupsOf } = await listGroups(c.var.caller, usersIn(filter))
  const matching = filter ? groups.filter((group) => holdsForGroup(filter, group, { base, groupsOf })) : groups
  const { page, next } = pageOfGroups(matching, query)
  const place = { total: matching.length, ...placeOf(query, next) }
  if (page.length === 0 || !shows(projection, 'members')) {
    const resources = page.map((group) => project(fromGroup(group, base), projection))
    return answer(c, listMessage(resources, place), 200)
  }
  // The envelope of a list, split at the place of its resources.
  const [open = '', close = ''] = JSON.stringify({ ...listMessage(page, place), Resources: ['|'] }).split('"|"')
  const texts = groupTexts(c, page, memberPages(c.var.caller, page), projection)
  return typed(await streamedText(between(open, texts, close), { contentType: scimMediaType }), 200)
}

const reading = ['roles:read', 'users:read'] as const

const list = createRoute({
  ...authenticated(reading),
  method: 'get',
  path: '/v2/Groups',
  operationId: 'scimListGroups',
  tags,
  summary: 'List or filter groups',
  parameters: listParameters,
  responses: { 200: scim(ScimGroupList, 'A page, with the exact total of all pages'), ...failures(400, 401, 403) },
})

app.openapi(list, async (c) => answerList(c, groupListQuery(parameterOf(c))))

const search = createRoute({
  ...authenticated(reading, undefined, { maxBytes }),
  method: 'post',
  path: '/v2/Groups/.search',
  operationId: 'scimSearchGroups',
  tags,
  summary: 'List or filter groups, with the parameters in the body',
  request: { body: documentedBody(app, { ScimSearch }, bodyTypes) },
  responses: {
    200: scim(ScimGroupList, 'A page, with the exact total of all pages'),
    ...failures(400, 401, 403, 413, 415),
  },
})

app.openapi(search, async (c) => answerList(c, groupListQuery(searchParameters(await readJson(c)))))

const create = createRoute({
  ...authenticated([...reading, 'roles:manage'], undefined, { maxBytes }),
  method: 'post',
  path: '/v2/Groups',
  operationId: 'scimCreateGroup',
  tags,
  summary: 'Create a group, which is a role without permissions',
  description: 'Members take `roles:assign` too, and every permission that each of them holds.',
  parameters: projectionParameters,
  request: { body: documentedBody(app, { ScimGroupBody }, bodyTypes) },
  responses: { 201: scim(ScimGroup, 'The new group', locationHeader), ...failures(400, 401, 403, 409, 413, 415) },
})

app.openapi(create, async (c) => {
  const projection = projectionOf(groupResource, parameterOf(c))
  const input = toNewGroup(readResource(groupResource, await readJson(c)))
  return answerGroup(c, await createGroup(c.var.caller, input), 201, projection)
})

const get = createRoute({
  ...authenticated(reading),
  method: 'get',
  path: '/v2/Groups/{id}',
  operationId: 'scimGetGroup',
  tags,
  summary: 'Get a group with all its members',
  parameters: projectionParameters,
  request: { params },
  responses: { 200: scim(ScimGroup, 'The group', locationHeader), ...failures(400, 401, 403, 404) },
})

async function* noMembers(): AsyncGenerator<Member[], void, undefined> {}

app.openapi(get, async (c) => {
  const projection = projectionOf(groupResource, parameterOf(c))
  const group = shows(projection, 'members')
    ? await getGroupAndMembers(c.var.caller, idOf(c))
    : { group: await getGroup(c.var.caller, idOf(c)), members: noMembers() }
  return answerGroup(c, group, 200, projection)
})

/** Groups have no versions, so only `*` matches. */
function refuseVersions(c: Context): void {
  const tags = c.req.header('if-match')
  if (tags !== undefined && tags.trim() !== '*') throw new Refused({ kind: 'version_mismatch' })
}

const change = {
  ...authenticated(reading, undefined, { maxBytes }),
  path: '/v2/Groups/{id}' as const,
  tags,
  description:
    'A new name or externalId takes `roles:manage` too. Other members take `roles:assign`, every permission of the group, and every permission that each of them holds.',
  parameters: projectionParameters,
}

const put = createRoute({
  ...change,
  method: 'put',
  operationId: 'scimPutGroup',
  summary: 'Replace a group. Members that are left out stay',
  request: { params, body: documentedBody(app, { ScimGroupBody }, bodyTypes) },
  responses: {
    200: scim(ScimGroup, 'The group', locationHeader),
    ...failures(400, 401, 403, 404, 409, 412, 413, 415),
  },
})

app.openapi(put, async (c) => {
  refuseVersions(c)
  const projection = projectionOf(groupResource, parameterOf(c))
  const sent = readResource(groupResource, await readJson(c))
  const group = await updateGroup(
    c.var.caller,
    idOf(c),
    toMemberChange(sent),
    (present) => toGroupChanges(sent, present),
    { answersMembers: shows(projection, 'members') },
  )
  return answerGroup(c, group, 200, projection)
})

const patch = createRoute({
  ...change,
  method: 'patch',
  operationId: 'scimPatchGroup',
  summary: 'Change a group by operations',
  request: { params, body: documentedBody(app, { ScimPatch }, bodyTypes) },
  responses: {
    200: scim(ScimGroup, 'The group, where `attributes` or `excludedAttributes` is given', locationHeader),
    204: { description: 'Changed' },
    ...failures(400, 401, 403, 404, 409, 412, 413, 415),
  },
})

app.openapi(patch, async (c) => {
  refuseVersions(c)
  const projection = projectionOf(groupResource, parameterOf(c))
  const { members, changesTo } = toGroupPatch(readOperations(await readJson(c)))
  const answersMembers = projection.mode !== 'all' && shows(projection, 'members')
  const group = await updateGroup(c.var.caller, idOf(c), members, changesTo, { answersMembers })
  if (projection.mode === 'all') return c.body(null, 204)
  return answerGroup(c, group, 200, projection)
})

const remove = createRoute({
  ...authenticated([...reading, 'roles:manage']),
  method: 'delete',
  path: '/v2/Groups/{id}',
  operationId: 'scimDeleteGroup',
  tags,
  summary: 'Delete a group, taking it from its members',
  description:
    'A group with members takes `roles:assign` too, and every permission that each of them holds. One of more than 5,000 members is 413.',
  request: { params },
  responses: { 204: { description: 'Deleted' }, ...failures(401, 403, 404, 412) },
})

app.openapi(remove, async (c) => {
  refuseVersions(c)
  await deleteGroup(c.var.caller, idOf(c))
  return c.body(null, 204)
})

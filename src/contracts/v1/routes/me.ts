/** The caller's own user. */
import { createRoute } from '@hono/zod-openapi'
import { changeOwnPassword } from '../../../core/passwords/password-setting'
import { updateOwnUser } from '../../../core/users/user-changes'
import { getOwnUser } from '../../../core/users/users'
import { authenticated } from '../../../http/credentials/authentication'
import { validateChanges, readJson } from '../../../http/bodies/body'
import {
  changeCondition,
  changeConditions,
  etagHeader,
  ifNoneMatch,
  isNotModified,
  toETag,
} from '../../../http/contract/conditions'
import { documentedBody, json, jsonBody } from '../../../http/contract/json'
import { failures } from '../errors'
import { toTokens } from '../mapping/tokens'
import { fromUser, toNamedRoles, toUserChanges } from '../mapping/users'
import { V1SignedIn } from '../schemas/auth'
import { V1PasswordChange } from '../schemas/passwords'
import { V1User, V1UserUpdate } from '../schemas/users'
import { app } from './contract'

const tags = ['me']

const getMe = createRoute({
  ...authenticated([]),
  method: 'get',
  path: '/me',
  operationId: 'v1GetMe',
  tags,
  summary: 'Get the signed-in user, or the owner of the API key',
  parameters: [ifNoneMatch],
  responses: {
    200: json(V1User, 'The user', etagHeader),
    304: { description: 'As the client has it', headers: etagHeader },
    ...failures(401),
  },
})

app.openapi(getMe, async (c) => {
  const user = await getOwnUser(c.var.caller)
  const etag = toETag(user)
  if (isNotModified(c, user)) return c.body(null, 304, { etag })
  return c.json(fromUser(user), 200, { etag })
})

const patchMe = createRoute({
  ...authenticated([]),
  method: 'patch',
  path: '/me',
  operationId: 'v1PatchMe',
  tags,
  summary: 'Change your names, birth date, gender and phone numbers',
  description: 'Not for API keys. All other fields need the same permissions as for any user.',
  parameters: changeConditions,
  request: { body: documentedBody(app, { V1UserUpdate }) },
  responses: { 200: json(V1User, 'The user', etagHeader), ...failures(400, 401, 403, 409, 412, 413, 415) },
})

app.openapi(patchMe, async (c) => {
  const sent = await readJson(c)
  const user = await updateOwnUser(
    c.var.caller,
    (present) => toUserChanges(validateChanges(V1UserUpdate, sent, { shown: present && fromUser(present) })),
    { namedRoles: toNamedRoles(sent), condition: changeCondition(c) },
  )
  return c.json(fromUser(user), 200, { etag: toETag(user) })
})

const putPassword = createRoute({
  ...authenticated([]),
  method: 'put',
  path: '/me/password',
  operationId: 'v1ChangePassword',
  tags,
  summary: 'Change your password, which ends your sessions and starts a new one',
  description:
    'Starts a new session and returns its tokens. All earlier sessions end, the current one included. Not for API keys. A wrong current password counts as a failed sign-in.',
  request: { body: jsonBody(V1PasswordChange) },
  responses: {
    200: json(V1SignedIn, 'The tokens of the new session, and the user'),
    ...failures(400, 401, 403, 413, 415),
  },
})

app.openapi(putPassword, async (c) => {
  const { current_password, new_password } = c.req.valid('json')
  const signedIn = await changeOwnPassword(c.var.caller, { current: current_password, next: new_password })
  const tokens = await toTokens(signedIn, c)
  return c.json({ ...tokens, user: fromUser(signedIn.user) }, 200)
})

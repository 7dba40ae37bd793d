/**
 * personnel: a French personnel register on FastAPI. Operations are in the order of the original API. Signing in, which
 * the original lacks, comes last.
 */
import { createRoute, z } from '@hono/zod-openapi'
import { signOut } from '../../core/sign-in/sessions'
import { refreshSession, signIn, type SignedIn } from '../../core/sign-in/sign-in'
import { setActive, updateUser } from '../../core/users/user-changes'
import { everyUserByMatricule } from '../../core/users/user-list'
import { createUser, getUser } from '../../core/users/users'
import { anonymous, authenticated } from '../../http/credentials/authentication'
import { validateChanges, readJson } from '../../http/bodies/body'
import { createContract, finishContract } from '../../http/contract/contract'
import { documentedBody, json, jsonBody, streamedArray } from '../../http/contract/json'
import { issueAccessToken } from '../../http/credentials/tokens'
import { failures, toFailureResponse } from './errors'
import { fromUser, toNewUser, toSelector, toSubject, toUserChanges } from './mapping'
import { originalSignIn } from './original-sign-in'
import {
  PersonnelToken,
  PersonnelTokenRequest,
  PersonnelUser,
  PersonnelUserCreate,
  PersonnelUserUpdate,
} from './schemas'

const accessTokenSeconds = 12 * 3600

const contract = createContract({
  name: 'personnel',
  title: 'Personnel',
  description: 'The personnel register: people by matricule, in French, as FastAPI answers.',
  assumesJson: true,
  readsForms: true,
  toFailureResponse,
  originalSignIn,
})
const { app } = contract

const userIdParam = z.object({
  user_id: z.string().openapi({ description: 'The identifier, or digits only: the matricule' }),
})

const listUsers = createRoute({
  ...authenticated(['users:read']),
  method: 'get',
  path: '/users/list',
  operationId: 'personnelListUsers',
  summary: 'List all users in order of matricule',
  description: 'Streams the whole directory in one response.',
  responses: { 200: json(z.array(PersonnelUser), 'Everyone'), ...failures(401, 403) },
})

app.openapi(listUsers, (c) => streamedArray(everyUserByMatricule(c.var.caller), fromUser))

const getUserRoute = createRoute({
  ...authenticated(['users:read'], (c) => toSelector(c.req.param('user_id') ?? '')),
  method: 'get',
  path: '/users/{user_id}',
  operationId: 'personnelGetUser',
  summary: 'Get a user',
  request: { params: userIdParam },
  responses: { 200: json(PersonnelUser, 'The user'), ...failures(401, 403, 404) },
})

app.openapi(getUserRoute, async (c) => {
  const { user_id } = c.req.valid('param')
  return c.json(fromUser(await getUser(c.var.caller, toSelector(user_id))), 200)
})

const createUserRoute = createRoute({
  ...authenticated(['users:create']),
  method: 'post',
  path: '/users/create',
  operationId: 'personnelCreateUser',
  summary: 'Create a user',
  description: 'A role other than the default also needs `roles:assign` and every permission of that role.',
  request: { body: jsonBody(PersonnelUserCreate) },
  responses: { 200: json(PersonnelUser, 'The new user'), ...failures(401, 403, 404, 409, 413, 422) },
})

app.openapi(createUserRoute, async (c) => {
  const user = await createUser(c.var.caller, toNewUser(c.req.valid('json')))
  return c.json(fromUser(user), 200)
})

const userIdOnly = PersonnelUserUpdate.pick({ user_id: true })

// The body names the user. The permission is waived for the caller's own record, so the body is read first.
const updateUserRoute = createRoute({
  ...authenticated([]),
  'x-access': 'Needs `users:update`, except for your own user.',
  method: 'put',
  path: '/users/update',
  operationId: 'personnelUpdateUser',
  summary: 'Change a user',
  description:
    "Absent and null fields stay unchanged. A new password revokes the user's sessions and API keys. Users may change only their own name.",
  request: { body: documentedBody(app, { PersonnelUserUpdate }) },
  responses: { 200: json(PersonnelUser, 'The user'), ...failures(401, 403, 404, 409, 413, 422) },
})

app.openapi(updateUserRoute, async (c) => {
  const sent = await readJson(c)
  // Without a `user_id` there is no current record, so all problems of the body are reported at once.
  const { user_id = '' } = userIdOnly.safeParse(sent).data ?? validateChanges(PersonnelUserUpdate, sent, {})
  const selector = toSelector(user_id)
  const user = await updateUser({ ...c.var.caller, needs: ['users:update'], self: selector }, selector, (present) =>
    toUserChanges(
      validateChanges(PersonnelUserUpdate, sent, { shown: present && fromUser(present), alreadyParsed: ['user_id'] }),
    ),
  )
  return c.json(fromUser(user), 200)
})

const deactivateUser = createRoute({
  ...authenticated(['users:deactivate']),
  method: 'delete',
  path: '/users/delete/{user_id}',
  operationId: 'personnelDeactivateUser',
  summary: 'Deactivate a user',
  description: "Reversible through other contracts. Revokes the user's sessions and API keys.",
  request: { params: userIdParam },
  responses: { 204: { description: 'Deactivated' }, ...failures(401, 403, 404, 409) },
})

app.openapi(deactivateUser, async (c) => {
  await setActive(c.var.caller, toSelector(c.req.valid('param').user_id), false)
  return c.body(null, 204)
})

const token = createRoute({
  ...anonymous({ signsIn: true }),
  method: 'post',
  path: '/token',
  operationId: 'personnelToken',
  summary: 'Sign in, or refresh the tokens',
  description: 'Five failures with any identifier lock the account for 30 seconds, doubling up to 15 minutes.',
  request: {
    body: { required: true, content: { 'application/x-www-form-urlencoded': { schema: PersonnelTokenRequest } } },
  },
  responses: { 200: json(PersonnelToken, 'The tokens'), ...failures(401, 413, 422) },
})

app.openapi(token, async (c) => {
  const { visit } = c.var
  const form = c.req.valid('form')
  const { user, sessionId, refreshToken }: SignedIn =
    'refresh_token' in form
      ? await refreshSession(visit, form.refresh_token)
      : await signIn(visit, { identifier: form.username, password: form.password })
  const claims = { user, sessionId, subject: toSubject(user), seconds: accessTokenSeconds }
  return c.json(
    {
      access_token: await issueAccessToken(c, claims),
      token_type: 'bearer' as const,
      refresh_token: refreshToken,
      expires_in: accessTokenSeconds,
    },
    200,
  )
})

const logout = createRoute({
  ...authenticated([]),
  method: 'post',
  path: '/logout',
  operationId: 'personnelLogout',
  summary: 'Sign out',
  description: 'Ends the session and its refresh token. Not for API keys.',
  responses: { 204: { description: 'Signed out' }, ...failures(401, 403, 413, 422) },
})

app.openapi(logout, async (c) => {
  await signOut(c.var.caller)
  return c.body(null, 204)
})

export const personnel = finishContract(contract)

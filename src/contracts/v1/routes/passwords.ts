/** Set-password tokens, so that no other user has to know a new password. */
import { createRoute, z } from '@hono/zod-openapi'
import { issuePasswordToken, revokePasswordTokens, setPasswordByToken } from '../../../core/passwords/password-setting'
import { anonymous, authenticated } from '../../../http/credentials/authentication'
import { json, jsonBody } from '../../../http/contract/json'
import { toUtc } from '../../../http/contract/times'
import { failures } from '../errors'
import { toSelector } from '../mapping/ids'
import { V1PasswordByToken, V1PasswordToken } from '../schemas/passwords'
import { app } from './contract'

const tags = ['passwords']

const issue = createRoute({
  ...authenticated(['users:update']),
  method: 'post',
  path: '/users/{id}/password-token',
  operationId: 'v1IssuePasswordToken',
  tags,
  summary: 'Issue a token that sets the password of a user once',
  description:
    'Valid for one use within 24 hours, while you may still issue it, and until the password or email changes. You deliver it to the user, for example by mail.',
  request: { params: z.object({ id: z.string() }) },
  responses: { 201: json(V1PasswordToken, 'The token, shown this once'), ...failures(400, 401, 403, 404, 413, 415) },
})

app.openapi(issue, async (c) => {
  const { token, expiresAt } = await issuePasswordToken(c.var.caller, toSelector(c.req.valid('param').id))
  return c.json({ token, expires_at: toUtc(expiresAt) }, 201)
})

const revoke = createRoute({
  ...authenticated(['users:update']),
  method: 'delete',
  path: '/users/{id}/password-token',
  operationId: 'v1RevokePasswordTokens',
  tags,
  summary: 'Revoke every set-password token of a user',
  description: 'Also needs every permission of the user.',
  request: { params: z.object({ id: z.string() }) },
  responses: { 204: { description: 'Revoked, or there was none' }, ...failures(401, 403, 404) },
})

app.openapi(revoke, async (c) => {
  await revokePasswordTokens(c.var.caller, toSelector(c.req.valid('param').id))
  return c.body(null, 204)
})

const spend = createRoute({
  ...anonymous({ signsIn: true }),
  method: 'post',
  path: '/auth/password',
  operationId: 'v1SetPassword',
  tags,
  summary: 'Set a password with a token',
  description: 'Revokes every session and API key of the user. The audit trail names the user who issued the token.',
  request: { body: jsonBody(V1PasswordByToken) },
  responses: { 204: { description: 'Set' }, ...failures(400, 401, 413, 415) },
})

app.openapi(spend, async (c) => {
  const { token, new_password } = c.req.valid('json')
  await setPasswordByToken(c.var.visit, { token, password: new_password })
  return c.body(null, 204)
})

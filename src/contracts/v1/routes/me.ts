/** Oneself. */
import { createRoute } from '@hono/zod-openapi'
import { getUser } from '../../../core/users'
import { authenticated } from '../../../http/authentication'
import { json } from '../../../http/json'
import { failures } from '../errors'
import { fromUser, toETag } from '../mapping'
import { V1User } from '../schemas'
import { app } from './contract'

const getMe = createRoute({
  ...authenticated([]),
  method: 'get',
  path: '/me',
  operationId: 'v1GetMe',
  summary: 'The signed-in user',
  responses: { 200: json(V1User, 'The user'), ...failures(401) },
})

app.openapi(getMe, async (c) => {
  const user = await getUser(c.var.caller, { id: c.var.caller.userId })
  return c.json(fromUser(user), 200, { etag: toETag(user) })
})

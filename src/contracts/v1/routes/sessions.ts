/** The sessions of a user. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { endSession, endSessions, listSessions } from '../../../core/sign-in/sessions'
import { authenticated } from '../../../http/credentials/authentication'
import { json } from '../../../http/contract/json'
import { failures } from '../errors'
import { toSelector } from '../mapping/ids'
import { fromSession } from '../mapping/sessions'
import { V1SessionList } from '../schemas/sessions'
import { app } from './contract'

const tags = ['sessions']

const ofUser = (c: Context) => toSelector(c.req.param('id') ?? '')
const params = z.object({ id: z.string().openapi({ example: 'usr_019b1c6e7a407d529a513f1d0c2b4e66' }) })

const list = createRoute({
  ...authenticated(['sessions:manage'], ofUser),
  method: 'get',
  path: '/users/{id}/sessions',
  operationId: 'v1ListSessions',
  tags,
  summary: 'List the sessions of a user, newest first',
  request: { params },
  responses: { 200: json(V1SessionList, 'The sessions'), ...failures(401, 403, 404) },
})

app.openapi(list, async (c) => {
  const sessions = await listSessions(c.var.caller, toSelector(c.req.valid('param').id))
  return c.json({ data: sessions.map(fromSession) }, 200)
})

const endAll = createRoute({
  ...authenticated(['sessions:manage'], ofUser),
  method: 'delete',
  path: '/users/{id}/sessions',
  operationId: 'v1EndSessions',
  tags,
  summary: 'End every session of a user',
  request: { params },
  responses: { 204: { description: 'Ended' }, ...failures(401, 403, 404) },
})

app.openapi(endAll, async (c) => {
  await endSessions(c.var.caller, toSelector(c.req.valid('param').id))
  return c.body(null, 204)
})

const endOne = createRoute({
  ...authenticated(['sessions:manage'], ofUser),
  method: 'delete',
  path: '/users/{id}/sessions/{session_id}',
  operationId: 'v1EndSession',
  tags,
  summary: 'End one session of a user',
  request: { params: params.extend({ session_id: z.string() }) },
  responses: { 204: { description: 'Ended' }, ...failures(401, 403, 404) },
})

app.openapi(endOne, async (c) => {
  const { id, session_id } = c.req.valid('param')
  await endSession(c.var.caller, toSelector(id), session_id)
  return c.body(null, 204)
})

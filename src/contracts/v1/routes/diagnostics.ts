/** Diagnostics of this deployment, which scripts/doctor.js reads and reports. */
import { createRoute, z } from '@hono/zod-openapi'
import { checkUpstreams, examineDatabase, measureHashing } from '../../../core/upkeep/diagnostics'
import { checkDirectory } from '../../../core/upkeep/directory-checks'
import { permissions } from '../../../core/access/permissions'
import { authenticated } from '../../../http/credentials/authentication'
import { readCursor, writeCursor } from '../../../http/contract/cursor'
import { deploymentOf } from '../../../http/deployment/deployment'
import { json } from '../../../http/contract/json'
import { failures } from '../errors'
import { fromDeployment, fromFinding, fromHashing } from '../mapping/diagnostics'
import {
  V1Diagnostics,
  V1DirectoryDiagnostics,
  V1DirectoryDiagnosticsQuery,
  V1HashingDiagnostics,
  V1UpstreamDiagnostics,
} from '../schemas/diagnostics'
import { app } from './contract'

const tags = ['diagnostics']

const get = createRoute({
  ...authenticated(permissions),
  method: 'get',
  path: '/diagnostics',
  operationId: 'v1GetDiagnostics',
  tags,
  summary: 'Describe this deployment: database, bindings and settings, without secrets',
  responses: { 200: json(V1Diagnostics, 'The facts'), ...failures(401, 403) },
})

app.openapi(get, async (c) => {
  const { caller, configuration } = c.var
  return c.json(fromDeployment(deploymentOf(c.env, configuration), await examineDatabase(caller), caller.now), 200)
})

const hashing = createRoute({
  ...authenticated(permissions),
  method: 'get',
  path: '/diagnostics/hashing',
  operationId: 'v1MeasureHashing',
  tags,
  summary: 'Measure what hashing a password costs here',
  responses: { 200: json(V1HashingDiagnostics, 'The cost'), ...failures(401, 403) },
})

app.openapi(hashing, async (c) => c.json(fromHashing(await measureHashing(c.var.caller)), 200))

const upstreams = createRoute({
  ...authenticated(permissions),
  method: 'get',
  path: '/diagnostics/upstreams',
  operationId: 'v1CheckUpstreams',
  tags,
  summary: 'Ask each upstream about an invented user',
  responses: { 200: json(V1UpstreamDiagnostics, 'What each answered'), ...failures(401, 403) },
})

app.openapi(upstreams, async (c) => c.json({ data: await checkUpstreams(c.var.caller) }, 200))

const directory = createRoute({
  ...authenticated(permissions),
  method: 'get',
  path: '/diagnostics/directory',
  operationId: 'v1CheckDirectory',
  tags,
  summary: 'Check the directory for inconsistencies, some thousands of users at a time',
  request: { query: V1DirectoryDiagnosticsQuery },
  responses: { 200: json(V1DirectoryDiagnostics, 'The findings in this range'), ...failures(400, 401, 403) },
})

const position = z.union([z.int().min(0), z.string()])

app.openapi(directory, async (c) => {
  const { check, cursor } = c.req.valid('query')
  const list = ['diagnostics', check]
  const { users, findings, hashes, next } = await checkDirectory(
    c.var.caller,
    check,
    readCursor(cursor, list, position),
  )
  const next_cursor = next === undefined ? null : writeCursor(next, list)
  return c.json(
    { users, findings: findings.map(fromFinding), ...(hashes && { hashes }), pagination: { next_cursor } },
    200,
  )
})

/** Exports of all users. */
import { createRoute } from '@hono/zod-openapi'
import { exportUsers } from '../../../core/moving/exports'
import { authenticated } from '../../../http/credentials/authentication'
import { header, ndjson, streamedLines } from '../../../http/contract/json'
import { toUtc } from '../../../http/contract/times'
import { failures } from '../errors'
import { fromExported } from '../mapping/exports'
import { V1ExportQuery, V1ExportedUser } from '../schemas/exports'
import { app } from './contract'

const tags = ['exports']

const exportRoute = createRoute({
  ...authenticated(['users:export']),
  method: 'get',
  path: '/exports',
  operationId: 'v1ExportUsers',
  tags,
  summary: 'Export all users, one per line, in the format that an import reads',
  description:
    'In order of number. `include=password_hashes` adds the hashes of passwords and PINs, and also needs `users:export_hashes`.',
  request: { query: V1ExportQuery },
  responses: {
    200: ndjson(app, { V1ExportedUser }, 'A line for each user', {
      'Content-Disposition': header('A name for the file'),
    }),
    ...failures(400, 401, 403),
  },
})

app.openapi(exportRoute, (c) => {
  const { include, after = 0 } = c.req.valid('query')
  const filename = `usher-${toUtc(c.var.visit.now).slice(0, 10)}.ndjson`
  const headers = { 'content-disposition': `attachment; filename="${filename}"` }
  return streamedLines(exportUsers(c.var.caller, { hashes: include === 'password_hashes', after }), fromExported, {
    headers,
  })
})

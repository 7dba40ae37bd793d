/** Logs one line of JSON per request: the operation, the caller and the cost, but nothing that the client sent. */
import { createMiddleware } from 'hono/factory'
import { routePath } from 'hono/route'
import type { ContractApp, ContractEnv } from '../contract/contract-types'
import { streamEndOf } from '../contract/json'
import { methodOf, operationIds } from '../contract/operations'

/** Logs the operationId; a route outside the OpenAPI documents is logged by its pattern. */
export function requestLog(app: ContractApp, contract: string | undefined) {
  return createMiddleware<ContractEnv>(async (c, next) => {
    const began = Date.now()
    await next()
    if (!c.get('configuration')?.logsRequests) return
    const { requestId, credential, database } = c.var
    const { method } = c.req
    const { status } = c.res
    // Logs the route and never the path, which may contain anything.
    const route = `${methodOf(c)} ${routePath(c)}`
    const write = (streamed: { broken: boolean } | undefined) => {
      const { trips, rowsRead, rowsWritten } = database.cost
      const line = {
        message: 'request',
        request_id: requestId,
        contract: contract ?? null,
        operation: operationIds(app).get(route) ?? (/[*]/.test(route) ? null : route),
        method,
        status,
        principal: (credential?.kind === 'session' ? credential.userId : database.diagnostics.keyId) ?? null,
        credential: credential?.kind ?? null,
        trips,
        rows_read: rowsRead,
        rows_written: rowsWritten,
        milliseconds: Date.now() - began,
        ...(streamed?.broken && { broken: true }),
      }
      console.log(JSON.stringify(line))
    }
    const end = method === 'HEAD' ? undefined : streamEndOf(c.res)
    if (end) void end.then(write)
    else write(undefined)
  })
}

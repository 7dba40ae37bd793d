/** One line of JSON a request: what was asked of which operation, by whom, and what it cost; nothing of what was sent. */
import { createMiddleware } from 'hono/factory'
import { routePath } from 'hono/route'
import type { Contract, ContractEnv } from './contract'
import { endOf } from './json'

/** `contracts` are those whose operations a line names; the few other routes go by their path. */
export function requestLog(contracts: readonly Contract[]) {
  let operations: ReadonlyMap<string, string> | undefined
  return createMiddleware<ContractEnv>(async (c, next) => {
    const began = Date.now()
    await next()
    if (!c.var.configuration?.logsRequests) return
    const { requestId, contract, credential, database } = c.var
    const { method } = c.req
    const { status } = c.res
    // The route, never the path: that may hold anything a client likes.
    const route = `${method === 'HEAD' ? 'GET' : method} ${routePath(c)}`
    const write = (streamed: { broken: boolean } | undefined) => {
      const { trips, rowsRead, rowsWritten } = database.cost
      const line = {
        message: 'request',
        request_id: requestId,
        contract: contract?.name ?? null,
        operation: (operations ??= operationIds(contracts)).get(route) ?? (/[*]/.test(route) ? null : route),
        method,
        status,
        principal: (credential?.kind === 'session' ? credential.userId : database.noted.keyId) ?? null,
        credential: credential?.kind ?? null,
        trips,
        rows_read: rowsRead,
        rows_written: rowsWritten,
        milliseconds: Date.now() - began,
        ...(streamed?.broken && { broken: true }),
      }
      console.log(JSON.stringify(line))
    }
    const end = method === 'HEAD' ? undefined : endOf(c.res)
    if (end) void end.then(write)
    else write(undefined)
  })
}

/** By method and route, as the router knows it. */
function operationIds(contracts: readonly Contract[]): Map<string, string> {
  const ids = new Map<string, string>()
  for (const { name, app } of contracts) {
    for (const definition of app.openAPIRegistry.definitions) {
      if (definition.type !== 'route') continue
      const { method, path, operationId } = definition.route
      const route = `${method.toUpperCase()} /${name}${path.replace(/\{(\w+)\}/g, ':$1')}`
      if (operationId) ids.set(route, operationId)
    }
  }
  return ids
}

/** One line of JSON a request: what was asked of which operation, by whom, and what it cost; nothing of what was sent. */
import { createMiddleware } from 'hono/factory'
import { routePath } from 'hono/route'
import type { ContractApp, ContractEnv } from '../contract/contract-types'
import { endOf } from '../contract/json'

/** A line names the operation of the app, a contract's; what is not in a document goes by its route. */
export function requestLog(app: ContractApp, contract: string | undefined) {
  let operations: ReadonlyMap<string, string> | undefined
  return createMiddleware<ContractEnv>(async (c, next) => {
    const began = Date.now()
    await next()
    if (!c.get('configuration')?.logsRequests) return
    const { requestId, credential, database } = c.var
    const { method } = c.req
    const { status } = c.res
    // The route, never the path: that may hold anything a client likes.
    const route = `${method === 'HEAD' ? 'GET' : method} ${routePath(c)}`
    const write = (streamed: { broken: boolean } | undefined) => {
      const { trips, rowsRead, rowsWritten } = database.cost
      const line = {
        message: 'request',
        request_id: requestId,
        contract: contract ?? null,
        operation: (operations ??= operationIds(app)).get(route) ?? (/[*]/.test(route) ? null : route),
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
    const end = method === 'HEAD' ? undefined : endOf(c.res)
    if (end) void end.then(write)
    else write(undefined)
  })
}

/** By method and route, as the router knows it. */
function operationIds({ openAPIRegistry }: ContractApp): Map<string, string> {
  const ids = new Map<string, string>()
  for (const definition of openAPIRegistry.definitions) {
    if (definition.type !== 'route') continue
    const { method, path, operationId } = definition.route
    if (operationId) ids.set(`${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`, operationId)
  }
  return ids
}

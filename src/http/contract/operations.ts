/** Finds the operation of a request. */
import type { Context } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { ContractApp, ContractEnv } from './contract-types'

const idsByApp = new WeakMap<ContractApp, ReadonlyMap<string, string>>()

/** The operationIds of an app by method and route, as the router knows them: `GET /users/:id`. */
export function operationIds(app: ContractApp): ReadonlyMap<string, string> {
  let ids = idsByApp.get(app)
  if (!ids) idsByApp.set(app, (ids = readOperationIds(app)))
  return ids
}

function readOperationIds({ openAPIRegistry }: ContractApp): Map<string, string> {
  const ids = new Map<string, string>()
  for (const definition of openAPIRegistry.definitions) {
    if (definition.type !== 'route') continue
    const { method, path, operationId } = definition.route
    if (operationId) ids.set(`${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`, operationId)
  }
  return ids
}

/** A HEAD request belongs to the operation of GET. */
export const methodOf = ({ req }: Pick<Context, 'req'>) => (req.method === 'HEAD' ? 'GET' : req.method)

/** Returns the operationId of a request; undefined for a path or method that the document does not have. */
export function operationOf(c: Context<ContractEnv>, app: ContractApp): string | undefined {
  // The middleware of all paths comes first, for ALL methods.
  const route = matchedRoutes(c).find(({ method }) => method !== 'ALL')
  return route && operationIds(app).get(`${route.method} ${route.path}`)
}

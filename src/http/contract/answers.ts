/** Middleware that all apps share: the site and each contract. */
import type { Context } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { Database } from '../../database/database'
import { configurationOf } from '../../env'
import type { ContractApp, ContractEnv } from './contract-types'
import { commonHeaders, nextForOrigin } from './headers'
import { announceRetirement } from './retirement'
import { requestLog } from '../deployment/request-log'

const databases = new WeakMap<Request, Database>()

/** The database of the request; undefined if the request needed none. */
export const databaseOf = (request: Request) => databases.get(request)

/**
 * Adds the shared middleware. Call it first in an app. `contract` is the name of the app's contract. The middleware
 * throws Misconfigured, which the app must render.
 */
export function useCommonMiddleware(
  app: ContractApp,
  contract: string | undefined,
  onMethodNotAllowed: (c: Context<ContractEnv>, allowed: string[]) => Response,
): void {
  app.use(requestLog(app, contract))
  app.use(commonHeaders)
  app.use(async (c, next) => {
    const configuration = configurationOf(c.env)
    c.set('configuration', configuration)
    const database = new Database(c.env.DB)
    databases.set(c.req.raw, database)
    c.set('database', database)
    const preflight = await nextForOrigin(c, next)
    if (preflight) return preflight
    const retirement = contract === undefined ? undefined : configuration.retirements.get(contract)
    if (retirement) announceRetirement(c.res, retirement)
  })
  app.use(methodNotAllowed({ app, onMethodNotAllowed }))
}

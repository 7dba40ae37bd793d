/** What every answer has in common, whichever app gives it. */
import type { Context } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { Database } from '../../database/database'
import { configurationOf } from '../../env'
import type { ContractApp, ContractEnv } from './contract-types'
import { commonHeaders, listedOrigins } from './headers'
import { requestLog } from '../deployment/request-log'

const databases = new WeakMap<Request, Database>()

/** What the answer to the request was made with: undefined where it asked nothing of the database's. */
export const databaseOf = (request: Request) => databases.get(request)

/** To stand first in an app; `contract` is the name of the one whose app it is. Throws Misconfigured, for the app to tell. */
export function answers(
  app: ContractApp,
  contract: string | undefined,
  onMethodNotAllowed: (c: Context<ContractEnv>, allowed: string[]) => Response,
): void {
  app.use(requestLog(app, contract))
  app.use(commonHeaders)
  app.use(async (c, next) => {
    c.set('configuration', configurationOf(c.env))
    const database = new Database(c.env.DB)
    databases.set(c.req.raw, database)
    c.set('database', database)
    await next()
  })
  app.use(listedOrigins)
  app.use(methodNotAllowed({ app, onMethodNotAllowed }))
}

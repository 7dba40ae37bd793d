/** What every contract is made of: an app that knows who asks, answers in the order of design, and fails in the contract's words. */
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { getPath } from 'hono/utils/url'
import { authorise } from '../../core/access/caller'
import { configurationOf, type Env } from '../../env'
import { answers } from './answers'
import type { Contract, ContractApp, ContractEnv, ContractTraits } from './contract-types'
import { hostOf } from '../deployment/hosts'
import { emptyBody, Failed, toFailure, toIssues, type Failure, type Part, type Issue } from './failure'

/** The name of the bearer scheme in the documents. */
export const bearerScheme = 'bearer'

const parts: Partial<Record<string, Part>> = { query: 'query', param: 'path', header: 'header' }

export function createContract(traits: ContractTraits): Contract {
  const app: ContractApp = new OpenAPIHono<ContractEnv>({
    getPath: (request, options) => pathInContract(traits, request, options?.env as Env),
    defaultHook: (result, c) => {
      if (result.success) return
      // A body without a type was refused or given one before: there is none.
      if (result.target === 'json' && c.req.header('content-type') === undefined) throw new Failed(emptyBody)
      // The library answers with the error alone; what was sent is what tells a missing field from a wrong one.
      const part = parts[result.target] ?? 'body'
      const { data } = result as unknown as { data: unknown }
      throw new Failed({ kind: 'invalid_request', part, issues: toIssues(result.error, data, part) })
    },
  })
  app.openAPIRegistry.registerComponent('securitySchemes', bearerScheme, {
    type: 'http',
    scheme: 'bearer',
    description: 'An access token, or an API key',
  })
  app.onError(async (error, c) => toResponse(c, traits, await firstFailure(c, toFailure(error, c.var.requestId))))
  answers(app, traits.name, (c, allowed) => toResponse(c, traits, { kind: 'method_not_allowed', allowed }))
  app.use(async (c, next) => {
    const settings = c.get('configuration')
    const now = Math.floor(Date.now() / 1000)
    c.set('contract', traits)
    c.set('visit', {
      database: c.get('database'),
      settings,
      contract: traits.name,
      requestId: c.get('requestId'),
      address: c.req.header('cf-connecting-ip'),
      now,
    })
    await next()
  })
  return { ...traits, app }
}

/** A path as the seed has it: what stands behind the base path or, on the contract's own host, at the root. */
function pathInContract({ name, keepsBasePathOnHost }: ContractTraits, request: Request, env: Env): string {
  const path = getPath(request)
  const base = `/${name}`
  if (path !== base && !path.startsWith(`${base}/`)) return path
  if (!keepsBasePathOnHost && ownHostOf(request, env) !== undefined) return path
  return path.slice(base.length) || '/'
}

/** The name of the contract whose own host the request is for; undefined on any other host. */
export function ownHostOf(request: Request, env: Env): string | undefined {
  const hosts = hostsOf(env)
  return hosts.size === 0 ? undefined : hosts.get(hostOf(request.url))
}

function hostsOf(env: Env): ReadonlyMap<string, string> {
  try {
    return configurationOf(env).contractHosts
  } catch {
    return new Map()
  }
}

/** To stand last in a contract: a path it does not know is its own 404, never another's. */
export function finishContract(contract: Contract): Contract {
  const { app, trailingSlashes } = contract
  const got = trailingSlashes ? app.routes.filter(({ method }) => method === 'GET') : []
  // Only its own paths: on a contract's own host any other could be read as another host's.
  for (const path of got.map((route) => route.path.replace(/\/$/, ''))) {
    app.all(path, (c, next) => {
      const { pathname, search } = new URL(c.req.url)
      return ['GET', 'HEAD'].includes(c.req.method) ? Promise.resolve(c.redirect(`${pathname}/${search}`, 308)) : next()
    })
  }
  app.all('*', (c) => toResponse(c, contract, { kind: 'no_such_path' }))
  return contract
}

/** What was wrong with the request is told only to those who may make it: authority is asked for first, if it was not yet. */
async function firstFailure(c: Context<ContractEnv>, failure: Failure): Promise<Failure> {
  const { caller, database } = c.var
  if (!caller || database.cost.trips > 0) return failure
  try {
    await authorise(caller)
    return failure
  } catch (error) {
    return toFailure(error, c.var.requestId)
  }
}

/** Schemas are the same in every deployment: how long a password must be here, only the configuration knows. */
export function withConfiguredMinLength<Told extends { problem: Issue['problem'] }>(
  c: Pick<Context<ContractEnv>, 'var'>,
  told: readonly Told[],
): Told[] {
  const min = c.var.configuration.passwordMinLength
  return told.map((one) =>
    one.problem.rule === 'password_too_short' ? { ...one, problem: { ...one.problem, min } } : one,
  )
}

function toResponse(c: Context<ContractEnv>, contract: ContractTraits, problem: Failure): Response {
  const failure =
    problem.kind === 'invalid_request' ? { ...problem, issues: withConfiguredMinLength(c, problem.issues) } : problem
  const { status, body, contentType = 'application/json' } = contract.toFailureResponse(failure, c.req.path)
  const headers: Record<string, string> = { 'content-type': contentType }
  if (status === 401) {
    headers['www-authenticate'] = failure.kind === 'unauthenticated' ? 'Bearer error="invalid_token"' : 'Bearer'
  }
  if ('retryAfterSeconds' in failure) headers['retry-after'] = String(failure.retryAfterSeconds)
  if (failure.kind === 'method_not_allowed') headers['allow'] = failure.allowed.join(', ')
  if (failure.kind === 'unsupported_encoding') headers['accept-encoding'] = 'identity'
  if (failure.kind === 'contended') headers['retry-after'] = '1'
  return c.body(JSON.stringify(body), status, headers)
}

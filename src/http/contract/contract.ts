/**
 * Creates the app of a contract: it authenticates requests, checks them in the order of checks, and renders failures in the
 * contract's format.
 *
 * The order of checks: 404 and 405 (route), 413 (size of the body), 401, 403, then 415, 400 and 422 (the request), then 404,
 * 409 and 412 (the data), then 2xx. A 429 may come before any of them. A 403 that depends on values of the body comes after
 * 422. Routes give the first checks their order with `authenticated`, and `firstFailure` puts authority before the request.
 */
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { getPath } from 'hono/utils/url'
import { authorise } from '../../core/access/caller'
import { configurationOf, type Env } from '../../env'
import { useCommonMiddleware } from './answers'
import type { Contract, ContractApp, ContractEnv, ContractTraits } from './contract-types'
import { hostOf } from '../deployment/hosts'
import { refuseWhereRetired } from './retirement'
import { operationOf } from './operations'
import { programOf } from '../credentials/program'
import { registerOriginal, upstreamsOf } from '../upstreams/upstreams'
import { emptyBody, Failed, toFailure, toIssues, type Failure, type Part, type Issue } from './failure'

/** The name of the bearer scheme in the documents. */
export const bearerScheme = 'bearer'

const parts: Partial<Record<string, Part>> = { query: 'query', param: 'path', header: 'header' }

export function createContract(traits: ContractTraits): Contract {
  if (traits.originalSignIn) registerOriginal(traits.name, traits.originalSignIn)
  const app: ContractApp = new OpenAPIHono<ContractEnv>({
    getPath: (request, options) => pathInContract(traits, request, options?.env as Env),
    defaultHook: (result, c) => {
      if (result.success) return
      // By this point a missing content type means an empty body.
      if (result.target === 'json' && c.req.header('content-type') === undefined) throw new Failed(emptyBody)
      // The library passes only the error. The sent data is needed to tell a missing field from a wrong one.
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
  useCommonMiddleware(app, traits.name, (c, allowed) => toResponse(c, traits, { kind: 'method_not_allowed', allowed }))
  app.use(async (c, next) => {
    const settings = c.get('configuration')
    const now = Math.floor(Date.now() / 1000)
    refuseWhereRetired(settings.retirements.get(traits.name), now)
    const operation = settings.recordsUsage ? operationOf(c, app) : undefined
    const program = programOf(c.req.header('user-agent'))
    c.set('contract', traits)
    c.set('visit', {
      database: c.get('database'),
      settings,
      upstreams: upstreamsOf(settings),
      contract: traits.name,
      requestId: c.get('requestId'),
      address: c.req.header('cf-connecting-ip'),
      program,
      now,
      use: operation === undefined ? undefined : { operation, program },
    })
    await next()
  })
  return { ...traits, app }
}

/**
 * Returns the path as the original API has it: what follows the base path or, on the contract's own host, the whole
 * path.
 */
function pathInContract(
  { name, keepsBasePathOnHost, ignoresTrailingSlash }: ContractTraits,
  request: Request,
  env: Env,
): string {
  const asked = getPath(request)
  const path = ignoresTrailingSlash ? asked.replace(/(?<=.)\/$/, '') : asked
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

/** Completes a contract after its last route: unknown paths return the contract's own 404. */
export function finishContract(contract: Contract): Contract {
  const { app, trailingSlashes } = contract
  const got = trailingSlashes ? app.routes.filter(({ method }) => method === 'GET') : []
  // Redirects only known paths. On the contract's own host, another path could be read as the name of another host.
  for (const path of got.map((route) => route.path.replace(/\/$/, ''))) {
    app.all(path, (c, next) => {
      const { pathname, search } = new URL(c.req.url)
      return ['GET', 'HEAD'].includes(c.req.method) ? Promise.resolve(c.redirect(`${pathname}/${search}`, 308)) : next()
    })
  }
  app.all('*', (c) => toResponse(c, contract, { kind: 'no_such_path' }))
  return contract
}

/**
 * Returns the failure to report. A caller without authority must not learn what is wrong with the request, so authority
 * is checked first, unless it already was.
 */
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

/** Schemas are the same in every deployment. Only the configuration knows the minimum length of a password. */
export function withConfiguredMinLength<Reported extends { problem: Issue['problem'] }>(
  c: Pick<Context<ContractEnv>, 'var'>,
  issues: readonly Reported[],
): Reported[] {
  const min = c.var.configuration.passwordMinLength
  return issues.map((issue) =>
    issue.problem.rule === 'password_too_short' ? { ...issue, problem: { ...issue.problem, min } } : issue,
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

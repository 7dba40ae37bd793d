/** Composition: every contract under its base path and on its hosts, the documents, the index, and what all answers share. */
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { getPath } from 'hono/utils/url'
import { contracts } from './contracts'
import { Database } from './database/database'
import { ailmentOf } from './database/health'
import { configurationOf, Misconfigured, type Env } from './env'
import type { Contract, ContractEnv } from './http/contract'
import { completeDocument, contractDocument, documentOnce, type Document } from './http/documents'
import { toFailure } from './http/failure'
import { commonHeaders, listedOrigins } from './http/headers'
import { requestLog } from './http/request-log'
import { indexPage } from './index-page'
import { deliverAtOnce } from './webhooks'
import { limitClient } from './http/rate-limit'

const byName = new Map<string, Contract>(contracts.map((contract) => [contract.name, contract]))

export const app = new OpenAPIHono<ContractEnv>({ getPath: contractPath })

/** On a contract's own host its paths stand at the root: they are those under its base path. */
function contractPath(request: Request, options?: { env?: object }): string {
  const path = getPath(request)
  const contract = contractOf(request, options?.env as Env | undefined)
  if (!contract || path === '/health' || path === `/doc/${contract.name}`) return path
  if (contract.keepsBasePathOnHost && `${path}/`.startsWith(`/${contract.name}/`)) return path
  return `/${contract.name}${path}`
}

/** The contract whose own host the request is for. */
function contractOf(request: Request, env: Env | undefined): Contract | undefined {
  return byName.get(hostsOf(env).get(new URL(request.url).hostname) ?? '')
}

function hostsOf(env: Env | undefined): ReadonlyMap<string, string> {
  try {
    return env ? configurationOf(env).contractHosts : new Map()
  } catch {
    return new Map()
  }
}

app.use(requestLog(contracts))
app.use(commonHeaders)
app.use(async (c, next) => {
  const configuration = configurationOf(c.env)
  const unknown = [...configuration.contractHosts.values()].filter((name) => !byName.has(name))
  if (unknown.length > 0) throw new Misconfigured([`CONTRACT_HOSTS names no contract of ours: ${unknown.join(', ')}.`])
  c.set('configuration', configuration)
  c.set('database', new Database(c.env.DB))
  await next()
  // The first attempt at once, behind the answer: should it be cut off, the clock makes up for it.
  if (c.var.database.noted.webhooksWait) c.executionCtx.waitUntil(deliverAtOnce(c.env))
})
app.use(listedOrigins)
app.use(
  methodNotAllowed({
    app,
    onMethodNotAllowed: (c, allowed) => c.json({ error: 'method_not_allowed' }, 405, { allow: allowed.join(', ') }),
  }),
)

app.onError((error, c) => {
  if (error instanceof Misconfigured) {
    console.error(`Usher does not serve: ${error.message}`)
    return c.json({ error: 'misconfigured', problems: error.problems }, 503, { 'retry-after': '60' })
  }
  const failure = toFailure(error, c.var.requestId)
  if (failure.kind === 'rate_limited') {
    return c.json({ error: 'rate_limited' }, 429, { 'retry-after': String(failure.retryAfterSeconds) })
  }
  return c.json({ error: 'unavailable' }, 503, { 'retry-after': '5' })
})
app.notFound((c) => c.json({ error: 'not_found' }, 404))

const summaries = contracts.map(({ name, title, description }) => ({ name, title, description }))

app.get('/', async (c) => {
  c.header('vary', 'Accept')
  if (!(c.req.header('accept') ?? '').includes('text/html')) {
    return c.json({
      name: 'Usher',
      document: '/doc',
      health: '/health',
      contracts: summaries.map(({ name, title }) => ({ name, title, base_path: `/${name}`, document: `/doc/${name}` })),
    })
  }
  const { html, contentSecurityPolicy } = await indexPage(summaries)
  return c.html(html, 200, { 'content-security-policy': contentSecurityPolicy })
})

app.get('/health', async (c) => {
  await limitClient(c)
  const ailment = await ailmentOf(c.var.database, (message) => console.error(c.var.requestId, `D1: ${message}`))
  if (ailment === undefined) return c.json({ status: 'ok' })
  return c.json({ status: 'unavailable', database: ailment }, 503, { 'retry-after': '5' })
})

const everything = documentOnce(() => completeDocument(contracts))
serveDocument('/doc', () => everything())
for (const contract of contracts) {
  const underItsPath = documentOnce(() => contractDocument(contract))
  const onItsHost = documentOnce(() => contractDocument(contract, '/'))
  serveDocument(`/doc/${contract.name}`, ({ req, env }) => (contractOf(req.raw, env) ? onItsHost() : underItsPath()))
  app.route(`/${contract.name}`, contract.app)
}

function serveDocument(path: string, documentFor: (c: Context<ContractEnv>) => Promise<Document>): void {
  app.get(path, async (c) => {
    const { text, etag } = await documentFor(c)
    const headers = { etag, 'cache-control': 'public, no-cache' }
    if (c.req.header('if-none-match')?.includes(etag)) return c.body(null, 304, headers)
    return c.body(text, 200, { ...headers, 'content-type': 'application/json' })
  })
}

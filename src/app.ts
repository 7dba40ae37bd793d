/** Composition: every contract under its base path and on its hosts, the documents, the index, and what all answers share. */
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { getPath } from 'hono/utils/url'
import { contracts } from './contracts'
import { Database } from './database/database'
import { ping } from './database/ping'
import { unguarded } from './database/guard'
import { configurationOf, Misconfigured, type Env } from './env'
import type { Contract, ContractEnv } from './http/contract'
import { docsPage, docsPolicy } from './docs-page'
import { assetFor, assetsPath } from './http/assets'
import { completeDocument, contractDocument, documentOnce, textOnce, type Document } from './http/documents'
import { toFailure } from './http/failure'
import { commonHeaders, listedOrigins } from './http/headers'
import { indexPage } from './index-page'
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

app.use(commonHeaders)
app.use(async (c, next) => {
  const configuration = configurationOf(c.env)
  const unknown = [...configuration.contractHosts.values()].filter((name) => !byName.has(name))
  if (unknown.length > 0) throw new Misconfigured([`CONTRACT_HOSTS names no contract of ours: ${unknown.join(', ')}.`])
  c.set('configuration', configuration)
  c.set('database', new Database(c.env.DB))
  await next()
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
      docs: '/docs',
      health: '/health',
      contracts: summaries.map(({ name, title }) => ({
        name,
        title,
        base_path: `/${name}`,
        document: `/doc/${name}`,
        docs: `/docs/${name}`,
      })),
    })
  }
  const { html, contentSecurityPolicy } = await indexPage(summaries, new URL(c.req.url).origin)
  return c.html(html, 200, { 'content-security-policy': contentSecurityPolicy })
})

app.get('/health', async (c) => {
  await limitClient(c)
  try {
    await c.var.database.batch(unguarded, ping())
    return c.json({ status: 'ok' })
  } catch {
    return c.json({ status: 'unavailable' }, 503, { 'retry-after': '5' })
  }
})

const everything = documentOnce(() => completeDocument(contracts))
serve('/doc', 'application/json', () => everything())
for (const contract of contracts) {
  const underItsPath = documentOnce(() => contractDocument(contract))
  const onItsHost = documentOnce(() => contractDocument(contract, '/'))
  serve(`/doc/${contract.name}`, 'application/json', ({ req, env }) =>
    contractOf(req.raw, env) ? onItsHost() : underItsPath(),
  )
  app.route(`/${contract.name}`, contract.app)
}

for (const [index, summary] of summaries.entries()) {
  const page = textOnce(() => docsPage(summaries, summary))
  for (const path of [`/docs/${summary.name}`, ...(index === 0 ? ['/docs'] : [])]) {
    serve(path, 'text/html; charset=UTF-8', () => page(), { 'content-security-policy': docsPolicy })
  }
}
app.get(`${assetsPath}/*`, async (c) => (await assetFor(c)) ?? c.notFound())

/** What is the same for everyone until the next deployment, and not sent again to who has it. */
function serve(
  path: string,
  contentType: string,
  documentFor: (c: Context<ContractEnv>) => Promise<Document>,
  policy: Record<string, string> = {},
): void {
  app.get(path, async (c) => {
    const { text, etag } = await documentFor(c)
    const headers = { etag, 'cache-control': 'public, no-cache', ...policy }
    if (c.req.header('if-none-match')?.includes(etag)) return c.body(null, 304, headers)
    return c.body(text, 200, { ...headers, 'content-type': contentType })
  })
}

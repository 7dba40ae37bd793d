/**
 * Composition: chooses the app that responds to a request, and serves the site itself: the index, the OpenAPI
 * documents, the reference and the health check.
 */
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { getPath } from 'hono/utils/url'
import { consoleApp, consoleAssets, consolePath } from './console'
import { contracts } from './contracts'
import { findDatabaseProblem } from './database/upkeep/health'
import { docsIndexPage, docsPage, docsPolicy } from './docs-page'
import { configurationOf, Misconfigured, type Configuration, type Env } from './env'
import { databaseOf, useCommonMiddleware } from './http/contract/answers'
import { assetFor, assetsPath } from './http/deployment/assets'
import { describeRetirement } from './http/deployment/retirements'
import { ownHostOf } from './http/contract/contract'
import type { Contract, ContractApp, ContractEnv } from './http/contract/contract-types'
import { completeDocument, contractDocument, documentOnce, textOnce, type Document } from './http/contract/documents'
import { toFailure } from './http/contract/failure'
import { indexPage, type Summary } from './index-page'
import { limitClient } from './http/credentials/rate-limit'
import { signingKeyProblems } from './http/credentials/signing-keys'
import { isWellKnown, serveWellKnown } from './http/deployment/well-known'
import { hasOriginal } from './http/upstreams/upstreams'
import { deliverAfterResponse } from './webhooks'

const byName = new Map<string, Contract>(contracts.map((contract) => [contract.name, contract]))

export async function fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
  const response = await appFor(request, env, await isConfigured(env)).fetch(request, env, context)
  // Delivers to webhooks after the response. If this is interrupted, the scheduled run delivers.
  if (databaseOf(request)?.diagnostics.webhooksPending) context.waitUntil(deliverAfterResponse(env))
  return response
}

/**
 * Chooses the app for a request: a contract by its base path or its own host, or the site. The site serves the
 * documents and the health check on every host, and reports a misconfiguration.
 */
function appFor(request: Request, env: Env, isConfigured: boolean): ContractApp {
  const path = getPath(request)
  const own = ownHostOf(request, env)
  if (own !== undefined) {
    const contract = byName.get(own)
    const isSites = path === '/health' || path === `/doc/${own}` || isWellKnown(path)
    return contract && !isSites && isConfigured ? contract.app : site
  }
  const end = path.indexOf('/', 1)
  const first = path.slice(1, end < 0 ? undefined : end)
  if (`/${first}` === consolePath && isConfigured && configurationOf(env).servesConsole) return consoleApp
  const contract = byName.get(first)
  return contract && isConfigured ? contract.app : site
}

const configured = new WeakMap<Env, boolean>()

async function isConfigured(env: Env): Promise<boolean> {
  const known = configured.get(env)
  if (known !== undefined) return known
  let isValid = false
  try {
    isValid = (await remainingProblems(configurationOf(env))).length === 0
  } catch {
    // The site reports the problem.
  }
  configured.set(env, isValid)
  return isValid
}

/** Problems of the configuration that only the composition can find. */
async function remainingProblems(configuration: Configuration): Promise<readonly string[]> {
  const { contractHosts, legacySecrets, retirements, upstreams } = configuration
  const unknown = (names: Iterable<string>) => [...names].filter((name) => !byName.has(name))
  const hosts = unknown(contractHosts.values())
  const retired = unknown(retirements.keys())
  const secrets = unknown(legacySecrets.keys())
  const mute = [...upstreams.values()].flatMap(({ contract }) => contract ?? []).filter((name) => !hasOriginal(name))
  return [
    ...(hosts.length > 0 ? [`CONTRACT_HOSTS names unknown contracts: ${hosts.join(', ')}.`] : []),
    ...(retired.length > 0 ? [`RETIREMENTS names unknown contracts: ${retired.join(', ')}.`] : []),
    ...(mute.length > 0 ? [`UPSTREAMS names contracts whose originals cannot be asked: ${mute.join(', ')}.`] : []),
    ...(secrets.length > 0 ? [`LEGACY_TOKEN_SECRETS names unknown contracts: ${secrets.join(', ')}.`] : []),
    ...(await signingKeyProblems(configuration)),
  ]
}

const site: ContractApp = new OpenAPIHono<ContractEnv>()
useCommonMiddleware(site, undefined, (c, allowed) =>
  c.json({ error: 'method_not_allowed' }, 405, { allow: allowed.join(', ') }),
)
site.use(async (c, next) => {
  const problems = await remainingProblems(c.var.configuration)
  if (problems.length > 0) throw new Misconfigured(problems)
  await next()
})

site.onError((error, c) => {
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
site.notFound((c) => c.json({ error: 'not_found' }, 404))

const summaries = contracts.map(({ name, title, description }) => ({ name, title, description }))

site.get('/', async (c) => {
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

site.get('/health', async (c) => {
  await limitClient(c)
  const now = Math.floor(Date.now() / 1000)
  const problem = await findDatabaseProblem(c.var.database, now, (message) =>
    console.error(c.var.requestId, `D1: ${message}`),
  )
  if (problem === undefined) return c.json({ status: 'ok' })
  return c.json({ status: 'unavailable', database: problem }, 503, { 'retry-after': '5' })
})

/** Documents and pages mark the contracts that the configuration retires. */
function perConfiguration(build: (configuration: Configuration) => () => Promise<Document>) {
  const built = new WeakMap<Configuration, () => Promise<Document>>()
  return ({ var: { configuration } }: Context<ContractEnv>): Promise<Document> => {
    let document = built.get(configuration)
    if (!document) built.set(configuration, (document = build(configuration)))
    return document()
  }
}

const everything = perConfiguration(({ retirements }) => documentOnce(() => completeDocument(contracts, retirements)))
serve('/doc', 'application/json', everything)
for (const contract of contracts) {
  const documentAt = (base?: string) =>
    perConfiguration(({ retirements }) =>
      documentOnce(() => contractDocument(contract, retirements.get(contract.name), base)),
    )
  const [underItsPath, onItsHost] = [documentAt(), documentAt('/')]
  serve(`/doc/${contract.name}`, 'application/json', (c) =>
    ownHostOf(c.req.raw, c.env) ? onItsHost(c) : underItsPath(c),
  )
}

serveWellKnown(site)

const withRetirement =
  ({ retirements }: Configuration) =>
  (summary: Summary): Summary => {
    const retirement = retirements.get(summary.name)
    if (!retirement) return summary
    const text = describeRetirement({ ...retirement, link: undefined })
    return { ...summary, retirement: { text, link: retirement.link } }
  }

const docsIndex = perConfiguration((configuration) =>
  textOnce(() => docsIndexPage(summaries.map(withRetirement(configuration)))),
)
serve('/docs', 'text/html; charset=UTF-8', docsIndex, { 'content-security-policy': docsPolicy })
for (const summary of summaries) {
  const page = perConfiguration((configuration) =>
    textOnce(() => docsPage(summaries, withRetirement(configuration)(summary))),
  )
  serve(`/docs/${summary.name}`, 'text/html; charset=UTF-8', page, { 'content-security-policy': docsPolicy })
}
// Addresses that people and tools commonly try.
for (const [path, target] of [
  ['/docs/', '/docs'],
  ['/doc/', '/doc'],
  ['/openapi.json', '/doc'],
  ['/favicon.ico', `${assetsPath}/icon.svg`],
  ...contracts.flatMap(({ name }) => ['doc', 'docs'].map((kind) => [`/${kind}/${name}/`, `/${kind}/${name}`] as const)),
] as const) {
  site.get(path, (c) => c.redirect(target, 308))
}
site.get(`${assetsPath}/*`, async (c) => {
  const isOff = c.req.path.startsWith(`${assetsPath}${consoleAssets}/`) && !c.var.configuration.servesConsole
  return (isOff ? undefined : await assetFor(c)) ?? c.notFound()
})

/** Serves content that changes only with a deployment, with an ETag. */
function serve(
  path: string,
  contentType: string,
  documentFor: (c: Context<ContractEnv>) => Promise<Document>,
  policy: Record<string, string> = {},
): void {
  site.get(path, async (c) => {
    const { text, etag } = await documentFor(c)
    const headers = { etag, 'cache-control': 'public, no-cache', ...policy }
    if (c.req.header('if-none-match')?.includes(etag)) return c.body(null, 304, headers)
    return c.body(text, 200, { ...headers, 'content-type': contentType })
  })
}

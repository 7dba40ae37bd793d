/** The headers of every response. */
import type { Context, Next } from 'hono'
import { cors } from 'hono/cors'
import { createMiddleware } from 'hono/factory'
import type { Cost } from '../../database/database'
import type { ContractEnv } from './contract-types'

const always = Object.entries({
  'x-content-type-options': 'nosniff',
  'strict-transport-security': 'max-age=31536000',
  'referrer-policy': 'no-referrer',
})

const otherwise = Object.entries({
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cache-control': 'no-store',
})

export const commonHeaders = createMiddleware<ContractEnv>(async (c, next) => {
  const requestId = crypto.randomUUID()
  c.set('requestId', requestId)
  await next()
  const { headers } = c.res
  headers.set('x-request-id', requestId)
  for (const [name, value] of always) headers.set(name, value)
  for (const [name, value] of otherwise) if (!headers.has(name)) headers.set(name, value)
  if (c.get('configuration')?.serverTiming) headers.set('server-timing', serverTiming(c.get('database').cost))
})

function serverTiming(cost: Cost): string {
  const { trips, rowsRead, rowsWritten, milliseconds } = cost
  return `d1;dur=${milliseconds.toFixed(2)};desc="trips=${trips} read=${rowsRead} written=${rowsWritten}"`
}

/**
 * CORS is closed except for the listed origins, which may send bearer tokens but no cookies. Returns the response to a
 * preflight request.
 */
export async function nextForOrigin(c: Context<ContractEnv>, next: Next): Promise<Response | undefined> {
  const { corsOrigins } = c.get('configuration')
  const origin = corsOrigins.length > 0 ? c.req.header('origin') : undefined
  if (origin !== undefined && corsOrigins.includes(origin)) return (await open(c, next)) ?? undefined
  await next()
  if (corsOrigins.length > 0) c.res.headers.append('vary', 'Origin')
  return undefined
}

const open = cors({
  origin: (origin) => origin,
  allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowHeaders: [
    'authorization',
    'content-type',
    'if-match',
    'if-none-match',
    'idempotency-key',
    // Sent with every request by Laravel, Angular, axios, and by tracing and error reporting scripts. Usher ignores
    // them.
    'x-requested-with',
    'x-request-id',
    'x-csrf-token',
    'x-xsrf-token',
    'cache-control',
    'traceparent',
    'tracestate',
    'baggage',
    'sentry-trace',
  ],
  exposeHeaders: ['etag', 'idempotency-replayed', 'location', 'retry-after', 'x-request-id'],
  maxAge: 600,
})

/** Session cookies, for contracts whose clients are browsers, and checks against cross-site requests. */
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { Failed } from '../contract/failure'
import { hostOf, withoutFinalDot } from '../deployment/hosts'

/** The name of the scheme in the OpenAPI documents. */
export const cookieScheme = 'cookie'

export const cookieSecurity = { type: 'apiKey', in: 'cookie', name: '__Host-sessionid' } as const

const name = 'sessionid'

/** Browsers refuse a Secure cookie over plain http, which only local development uses. */
function optionsFor(c: Context) {
  const { protocol } = new URL(c.req.url)
  const loopback = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostOf(c.req.url))
  return protocol === 'http:' && loopback ? { path: '/' } : { path: '/', secure: true, prefix: 'host' as const }
}

export function readSessionCookie(c: Context): string | undefined {
  const options = optionsFor(c)
  return 'prefix' in options ? getCookie(c, name, options.prefix) : getCookie(c, name)
}

export function setSessionCookie(c: Context, token: string, seconds: number): void {
  setCookie(c, name, token, { ...optionsFor(c), httpOnly: true, sameSite: 'Lax', maxAge: seconds })
}

export function clearSessionCookie(c: Context): void {
  deleteCookie(c, name, { ...optionsFor(c), httpOnly: true, sameSite: 'Lax' })
}

/**
 * Refuses a request that another site made the browser send, because the browser adds the cookie to it too. Clients
 * other than browsers send neither header. With `same-origin`, the origin is not compared, because a proxy may have
 * rewritten the host.
 */
export function refuseCrossSite(c: Context): void {
  const site = c.req.header('sec-fetch-site')
  if (site === 'same-origin') return
  const origin = c.req.header('origin')
  const isOwn =
    (site === undefined || site === 'none') &&
    (origin === undefined || withoutFinalDot(origin) === withoutFinalDot(new URL(c.req.url).origin))
  if (!isOwn) throw new Failed({ kind: 'cross_site' })
}

/** The headers by which browsers mark a prefetch, now and in the past. */
const purposeHeaders = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']

/** Refuses a prefetch, for a GET with an effect. */
export function refusePrefetch(c: Context): void {
  const isAhead = purposeHeaders.some((name) => /prefetch|prerender|preview/i.test(c.req.header(name) ?? ''))
  if (isAhead) throw new Failed({ kind: 'forbidden', missing: [] })
}

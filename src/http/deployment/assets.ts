/** The files of assets/, which the platform keeps beside the Worker: with their ETag, and the headers of every answer. */
import type { Context } from 'hono'
import type { ContractEnv } from '../contract/contract-types'

/** The path they are served under; in their folder they stand at the root. */
export const assetsPath = '/assets'

/** `undefined` for a file that is not there. */
export async function assetFor(c: Context<ContractEnv>): Promise<Response | undefined> {
  const url = new URL(c.req.url)
  url.pathname = url.pathname.slice(assetsPath.length)
  url.search = ''
  const known = c.req.header('if-none-match')
  const response = await c.env.ASSETS.fetch(new Request(url, { headers: known ? { 'if-none-match': known } : {} }))
  if (response.status !== 200 && response.status !== 304) return undefined
  const headers = new Headers({ 'cache-control': 'public, no-cache' })
  for (const name of ['content-type', 'etag']) {
    const value = response.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  return new Response(response.body, { status: response.status, headers })
}

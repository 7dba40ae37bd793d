/** Serves the files of assets/, which the platform stores next to the Worker, with an ETag and the common headers. */
import type { Context } from 'hono'
import type { ContractEnv } from '../contract/contract-types'

/** The path of the files on the wire. In their folder they are at the root. */
export const assetsPath = '/assets'

/** Returns undefined for a file that does not exist. `file` is its path from their folder. */
export async function assetFor(
  c: Context<ContractEnv>,
  file = new URL(c.req.url).pathname.slice(assetsPath.length),
): Promise<Response | undefined> {
  const url = new URL(c.req.url)
  url.pathname = file
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

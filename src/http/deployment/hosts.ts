/** Normalises host names: lower case, international names in ASCII, no port and no final dot. */

/** Removes the final dot of a host name or origin, which names the same host without it. */
export const withoutFinalDot = (host: string) => host.replace(/\.(?=(:\d+)?$)/, '')

/** The host of a URL. */
export const hostOf = (url: string) => withoutFinalDot(new URL(url).hostname)

const label = '[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?'
const hostName = new RegExp(`^(${label}(\\.${label})*|\\[[0-9a-f:]+\\])$`)

/**
 * Returns the host of `text`, with or without a port. Returns undefined for any other text, such as a URL or a
 * wildcard.
 */
export function parseHost(text: string): string | undefined {
  const url = `http://${text}`
  if (/[\s/\\?#@%]/.test(text) || !URL.canParse(url)) return undefined
  const host = hostOf(url)
  return hostName.test(host) ? host : undefined
}

/** Host names in one spelling: lower case, international names in ASCII, without a port and without the final dot of DNS. */

/** A host name or an origin without the final dot, which names the same host. */
export const withoutFinalDot = (host: string) => host.replace(/\.(?=(:\d+)?$)/, '')

/** The host of a URL. */
export const hostOf = (url: string) => withoutFinalDot(new URL(url).hostname)

const label = '[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?'
const hostName = new RegExp(`^(${label}(\\.${label})*|\\[[0-9a-f:]+\\])$`)

/** The host that `text` names, with or without a port; undefined where `text` is anything else, such as a URL or a wildcard. */
export function parseHost(text: string): string | undefined {
  const url = `http://${text}`
  if (/[\s/\\?#@%]/.test(text) || !URL.canParse(url)) return undefined
  const host = hostOf(url)
  return hostName.test(host) ? host : undefined
}

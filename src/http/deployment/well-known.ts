/** The public keys and the metadata by which other services verify tokens (RFC 7517, RFC 8414). */
import type { ContractApp } from '../contract/contract-types'
import { sha256, utf8 } from '../../core/encoding'
import { keysOf } from '../credentials/signing-keys'
import { issuerFor } from '../credentials/tokens'

const keysPath = '/.well-known/jwks.json'
const metadataPath = '/.well-known/oauth-authorization-server'

/** Every host of the deployment serves these paths. */
export function isWellKnown(path: string): boolean {
  return path === keysPath || path === metadataPath
}

/** How long services may use their copy. A key is published for longer than this before it signs. */
const cached = 'public, max-age=600'

export function serveWellKnown(site: ContractApp): void {
  site.get(keysPath, async (c) => {
    const { publicKeys } = await keysOf(c.var.configuration)
    const text = JSON.stringify({ keys: publicKeys })
    const headers = { etag: `"${await sha256(utf8(text))}"`, 'cache-control': cached }
    if (c.req.header('if-none-match')?.includes(headers.etag)) return c.body(null, 304, headers)
    return c.body(text, 200, { ...headers, 'content-type': 'application/json' })
  })

  site.get(metadataPath, async (c) => {
    const { publicKeys } = await keysOf(c.var.configuration)
    const issuer = issuerFor(c)
    const metadata = {
      issuer,
      ...(publicKeys.length > 0 && { jwks_uri: `${issuer}${keysPath}` }),
      introspection_endpoint: `${issuer}/v1/auth/introspect`,
      introspection_endpoint_auth_methods_supported: ['Bearer'],
      // Usher has no authorization endpoint and grants nothing through OAuth. RFC 8414 requires the first list, and
      // gives the second one a default that is not empty.
      response_types_supported: [],
      grant_types_supported: [],
    }
    return c.json(metadata, 200, { 'cache-control': cached })
  })
}

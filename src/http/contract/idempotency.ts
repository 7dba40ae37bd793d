/** The `Idempotency-Key` header. A request is identified by its key and a keyed hash of its content. */
import type { Context } from 'hono'
import type { Caller, IdempotencyKey } from '../../core/access/caller'
import { hmacSha256, toBase64Url, utf8 } from '../../core/encoding'
import type { Configuration } from '../../env'
import { header } from './json'

type KeyedRequest = Pick<Context, 'header'> & {
  var: { caller: Caller; configuration: Configuration }
  req: Pick<Context['req'], 'method' | 'path' | 'arrayBuffer'>
}

/** The header of a replay, in the OpenAPI document. */
export const replayedHeader = {
  'Idempotency-Replayed': header('`true` on a retry that got the response of the first request', 'string', {
    optional: true,
  }),
}

/** Returns the caller, with the idempotency key if the request has one. */
export async function withIdempotencyKey(c: KeyedRequest, key: string | undefined): Promise<Caller> {
  const { caller, configuration } = c.var
  if (key === undefined) return caller
  const body = canonical(new TextDecoder().decode(await c.req.arrayBuffer()))
  const request = utf8(`${caller.contract} ${c.req.method}\n${c.req.path}\n${body}`)
  const [first, ...others] = configuration.jwtSecrets
  const fingerprints: IdempotencyKey['fingerprints'] = [
    await fingerprint(first, request),
    ...(await Promise.all(others.map((secret) => fingerprint(secret, request)))),
  ]
  return { ...caller, idempotency: { key, fingerprints, onReplay: () => c.header('Idempotency-Replayed', 'true') } }
}

/** Returns one text for equal JSON values, whatever the order of members and the whitespace. */
function canonical(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), (_, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
        : value,
    )
  } catch {
    // The body is empty, or nested too deeply to serialise.
    return json
  }
}

/** A body may contain a password. A plain hash would allow guessing it, a keyed hash does not. */
async function fingerprint(secret: string, request: Uint8Array<ArrayBuffer>): Promise<string> {
  const key = await hmacSha256(utf8(secret), utf8('usher idempotency'))
  return toBase64Url(await hmacSha256(key, request))
}

/** `Idempotency-Key`: a request known by its key and a keyed hash of what it asks. */
import type { Context } from 'hono'
import type { Caller, IdempotencyKey } from '../../core/access/caller'
import { hmacSha256, toBase64Url, utf8 } from '../../core/encoding'
import type { Configuration } from '../../env'
import { header } from './json'

type KeyedRequest = Pick<Context, 'header'> & {
  var: { caller: Caller; configuration: Configuration }
  req: Pick<Context['req'], 'method' | 'path' | 'arrayBuffer'>
}

/** The header of a replay, in the document. */
export const replayedHeader = {
  'Idempotency-Replayed': header('`true` on a retry that got the response of the first request', 'string', {
    optional: true,
  }),
}

/** The caller of a request that may come again: with its key, if it has one. */
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

/** One text for all spellings of a JSON value: clients write members in any order, and blanks as they like. */
function canonical(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), (_, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
        : value,
    )
  } catch {
    // No body, or one nested too deeply to be written again.
    return json
  }
}

/** A body may hold a password: a plain hash of it could be guessed at, a keyed one cannot. */
async function fingerprint(secret: string, request: Uint8Array<ArrayBuffer>): Promise<string> {
  const key = await hmacSha256(utf8(secret), utf8('usher idempotency'))
  return toBase64Url(await hmacSha256(key, request))
}

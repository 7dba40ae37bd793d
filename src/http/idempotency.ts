/** `Idempotency-Key`: a request known by its key and a keyed hash of what it asks. */
import type { HonoRequest } from 'hono/request'
import type { Caller, IdempotencyKey } from '../core/caller'
import { toBase64Url, utf8 } from '../core/encoding'
import type { Configuration } from '../env'

interface KeyedRequest {
  var: { caller: Caller; configuration: Configuration }
  req: Pick<HonoRequest, 'method' | 'path' | 'arrayBuffer'>
}

/** The caller of a request that may come again: with its key, if it has one. */
export async function keyed(c: KeyedRequest, key: string | undefined): Promise<Caller> {
  const { caller, configuration } = c.var
  if (key === undefined) return caller
  const body = new Uint8Array(await c.req.arrayBuffer())
  const head = utf8(`${caller.contract} ${c.req.method}\n${c.req.path}\n`)
  const request = new Uint8Array([...head, ...body])
  const [first, ...others] = configuration.jwtSecrets
  const fingerprints: IdempotencyKey['fingerprints'] = [
    await fingerprint(first, request),
    ...(await Promise.all(others.map((secret) => fingerprint(secret, request)))),
  ]
  return { ...caller, idempotency: { key, fingerprints } }
}

/** A body may hold a password: a plain hash of it could be guessed at, a keyed one cannot. */
async function fingerprint(secret: string, request: Uint8Array<ArrayBuffer>): Promise<string> {
  const key = await hmac(utf8(secret), utf8('usher idempotency'))
  return toBase64Url(await hmac(key, request))
}

async function hmac(secret: Uint8Array<ArrayBuffer>, data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, data))
}

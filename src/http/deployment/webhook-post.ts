/**
 * Sends to webhooks by the Standard Webhooks specification (standardwebhooks.com): three headers, and a secret that is
 * derived, never stored.
 */
import { toBase64, utf8 } from '../../core/encoding'
import type { Outcome } from '../../core/webhooks/webhook-delivery'
import type { Configuration } from '../../env'

const limitMilliseconds = 10_000

interface Signed {
  id: string
  secretNonces: readonly string[]
}

/** Returns the secrets that sign a webhook's messages, the current one first. */
export async function webhookSecrets(configuration: Configuration, webhook: Signed): Promise<[string, ...string[]]> {
  const [first, ...others] = await secretsOf(configuration, webhook)
  const shown = (bytes: Uint8Array) => `whsec_${toBase64(bytes, { padded: true })}`
  return [shown(first as Uint8Array), ...others.map(shown)]
}

/** Derives a secret per nonce from the current JWT_SECRET and, if set, from the previous one. */
function secretsOf({ jwtSecrets }: Configuration, { id, secretNonces }: Signed): Promise<Uint8Array<ArrayBuffer>[]> {
  const all = secretNonces.flatMap((nonce) => jwtSecrets.map((secret) => secretBytes(secret, `${id} ${nonce}`)))
  return Promise.all(all)
}

/**
 * POSTs the message. It may arrive more than once, and the receiver recognises it by `id`. The response's body is not
 * read.
 */
export async function postToWebhook(
  configuration: Configuration,
  webhook: Signed & { url: string },
  message: { id: string; body: object },
): Promise<Outcome> {
  const body = JSON.stringify(message.body)
  const timestamp = Math.floor(Date.now() / 1000)
  const signed = utf8(`${message.id}.${timestamp}.${body}`)
  const secrets = await secretsOf(configuration, webhook)
  const signatures = await Promise.all(secrets.map((secret) => signature(secret, signed)))
  try {
    const response = await fetch(webhook.url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(limitMilliseconds),
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Usher-Webhooks/1',
        'webhook-id': message.id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signatures.join(' '),
      },
      body,
    })
    await response.body?.cancel()
    return response.ok ? 'delivered' : `http_${response.status}`
  } catch (error) {
    return error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'unreachable'
  }
}

const derived = new Map<string, Uint8Array<ArrayBuffer>>()

/** HKDF-SHA256 of a server secret, for this webhook only. */
async function secretBytes(secret: string, webhook: string): Promise<Uint8Array<ArrayBuffer>> {
  const name = `${webhook} ${secret}`
  const known = derived.get(name)
  if (known) return known
  const bytes = await derive(secret, `usher webhook ${webhook}`)
  derived.set(name, bytes)
  return bytes
}

async function derive(secret: string, purpose: string): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey('raw', utf8(secret), 'HKDF', false, ['deriveBits'])
  const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: utf8(purpose) }
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, 256))
}

async function signature(secret: Uint8Array<ArrayBuffer>, signed: Uint8Array<ArrayBuffer>): Promise<string> {
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return `v1,${toBase64(new Uint8Array(await crypto.subtle.sign('HMAC', key, signed)), { padded: true })}`
}

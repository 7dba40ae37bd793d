/**
 * Signatures by the Standard Webhooks specification (standardwebhooks.com). The secrets are derived from JWT_SECRET and
 * never stored.
 */
import { toBase64, utf8 } from '../../core/encoding'

type Bytes = Uint8Array<ArrayBuffer>

const derived = new Map<string, Bytes>()

/** HKDF-SHA256 of a server secret, for this purpose only. */
export async function deriveSecret(serverSecret: string, purpose: string): Promise<Bytes> {
  const name = `${purpose} ${serverSecret}`
  const known = derived.get(name)
  if (known) return known
  const key = await crypto.subtle.importKey('raw', utf8(serverSecret), 'HKDF', false, ['deriveBits'])
  const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: utf8(purpose) }
  const bytes = new Uint8Array(await crypto.subtle.deriveBits(how, key, 256))
  derived.set(name, bytes)
  return bytes
}

/** Returns the secret in the form that receivers configure. */
export const toSecretText = (bytes: Uint8Array): string => `whsec_${toBase64(bytes, { padded: true })}`

/** Returns the headers of a message whose JSON text is `body`, signed with each of the secrets. */
export async function signedHeaders(
  secrets: readonly Bytes[],
  id: string,
  body: string,
): Promise<Record<string, string>> {
  const timestamp = Math.floor(Date.now() / 1000)
  const signed = utf8(`${id}.${timestamp}.${body}`)
  const signatures = await Promise.all(secrets.map((secret) => signature(secret, signed)))
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  }
}

async function signature(secret: Bytes, signed: Bytes): Promise<string> {
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return `v1,${toBase64(new Uint8Array(await crypto.subtle.sign('HMAC', key, signed)), { padded: true })}`
}

/** Sends to webhooks by the Standard Webhooks specification (standardwebhooks.com). */
import type { Outcome } from '../../core/webhooks/webhook-delivery'
import type { Configuration } from '../../env'
import { deriveSecret, signedHeaders, toSecretText } from './signatures'

const limitMilliseconds = 10_000

interface Signed {
  id: string
  secretNonces: readonly string[]
}

/** Returns the secrets that sign a webhook's messages, the current one first. */
export async function webhookSecrets(configuration: Configuration, webhook: Signed): Promise<[string, ...string[]]> {
  const [first, ...others] = await secretsOf(configuration, webhook)
  return [toSecretText(first as Uint8Array), ...others.map(toSecretText)]
}

/** Derives a secret per nonce from the current JWT_SECRET and, if set, from the previous one. */
function secretsOf({ jwtSecrets }: Configuration, { id, secretNonces }: Signed): Promise<Uint8Array<ArrayBuffer>[]> {
  const all = secretNonces.flatMap((nonce) =>
    jwtSecrets.map((secret) => deriveSecret(secret, `usher webhook ${id} ${nonce}`)),
  )
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
  const headers = await signedHeaders(await secretsOf(configuration, webhook), message.id, body)
  try {
    const response = await fetch(webhook.url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(limitMilliseconds),
      headers: { ...headers, 'user-agent': 'Usher-Webhooks/1' },
      body,
    })
    await response.body?.cancel()
    return response.ok ? 'delivered' : `http_${response.status}`
  } catch (error) {
    return error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'unreachable'
  }
}

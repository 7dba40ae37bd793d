/**
 * A receiver of Usher's webhooks in plain Node, nothing to install. It checks that what comes is Usher's, is recent and is new, and
 * answers only once it has it: what it does not answer with a 2xx, or not in time, comes again.
 *
 *     WEBHOOK_SECRET='whsec_…' PORT=3000 node examples/webhook-receiver/receiver.js
 *
 * WEBHOOK_SECRET may be several, separated by blanks: the present one and the previous one, for 24 hours after the secret was replaced
 * and while JWT_SECRET is rotated.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const { WEBHOOK_SECRET = '', PORT = '3000', RECEIVED = 'received.jsonl' } = process.env
const secrets = WEBHOOK_SECRET.split(/\s+/)
  .filter((secret) => secret.startsWith('whsec_'))
  .map((secret) => Buffer.from(secret.slice('whsec_'.length), 'base64'))
if (secrets.length === 0) throw new Error('WEBHOOK_SECRET is missing.')

const toleranceSeconds = 300
const maxBytes = 65_536

/** What was taken already, by `webhook-id`: the same may come again, since an answer can be lost. */
const lines = existsSync(RECEIVED) ? readFileSync(RECEIVED, 'utf8').split('\n').slice(0, -1) : []
const taken = new Set(lines.map((line) => JSON.parse(line).id))

/** Whether the message is Usher's, as Standard Webhooks has it: an HMAC of the id, the time and the body, byte for byte. */
function isAuthentic({ 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures = '' }, body) {
  if (!id || !/^\d+$/.test(timestamp ?? '')) return false
  // An old message is one that somebody kept.
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > toleranceSeconds) return false
  const claimed = signatures
    .split(' ')
    .filter((signature) => signature.startsWith('v1,'))
    .map((signature) => Buffer.from(signature.slice('v1,'.length), 'base64'))
  return secrets.some((secret) => {
    const expected = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest()
    return claimed.some((bytes) => bytes.length === expected.length && timingSafeEqual(bytes, expected))
  })
}

async function bodyOf(request) {
  const chunks = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const server = createServer(async (request, response) => {
  const answer = (status) => response.writeHead(status).end()
  const body = request.method === 'POST' ? await bodyOf(request).catch(() => undefined) : undefined
  if (!body) return answer(400)
  if (!isAuthentic(request.headers, body)) return answer(401)
  const event = JSON.parse(body)
  if (event.type !== 'ping' && !taken.has(event.id)) {
    // Kept before it is answered: from here on it is ours to lose. This is where GET /v1/users/{user_id} says who the user is now.
    appendFileSync(RECEIVED, `${JSON.stringify(event)}\n`)
    taken.add(event.id)
  }
  answer(204)
})
server.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}/`))

/** Requests to the examined Worker. The API key is sent in a header, only over TLS or to this machine. */

/** The Worker cannot be examined, or not completely. */
export class CannotAsk extends Error {}

const limitMilliseconds = 60_000

const usage = 'npm run doctor -- https://usher.example.org'

/** Throws CannotAsk when the address or the key is missing or invalid. */
export function newClient([address, ...more], key, report) {
  if (!address || more.length > 0 || !URL.canParse(address)) throw new CannotAsk(`Give one address. ${usage}`)
  const { origin, protocol, hostname } = new URL(address)
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  if (!/^https?:$/.test(protocol)) throw new CannotAsk(`The address must start with https://. ${usage}`)
  if (protocol === 'http:' && !isLocal)
    throw new CannotAsk('The key is not sent without TLS: give the https:// address.')
  if (!key) {
    throw new CannotAsk(
      'USHER_API_KEY is not set. Create a key with every permission, by POST /v1/api-keys as an administrator, and set it:\n' +
        `read -rs USHER_API_KEY && export USHER_API_KEY && ${usage}`,
    )
  }

  /** Waits and retries when the response is 429 or 503. */
  async function send(url, headers = {}) {
    for (let tried = 1; ; tried += 1) {
      const response = await once(url, headers)
      const tries = { 429: 5, 503: 2 }[response.status] ?? 1
      if (tried >= tries || !response.headers.has('retry-after')) return response
      const seconds = Math.min(Number(response.headers.get('retry-after')) || 1, 60)
      report.progress(`Waiting ${seconds} s…`)
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    }
  }

  async function once(url, headers) {
    const began = Date.now()
    let response
    try {
      response = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(limitMilliseconds) })
    } catch (error) {
      const why = error.cause?.code ?? error.cause?.message ?? error.message
      throw new CannotAsk(`${new URL(url).origin} does not respond: ${why}.`)
    }
    const text = await response.text()
    const { status, headers: answered } = response
    return { status, headers: answered, body: parsed(text), began, ended: Date.now() }
  }

  return {
    origin,
    isLocal,
    secure: protocol === 'https:',
    /** Sends a request without credentials. */
    get: (path) => send(origin + path),
    /** Sends a request over plain http, once and without a key. Returns undefined without a response. */
    getInClear: (path) => once(`http://${new URL(origin).hostname}${path}`, {}).catch(() => undefined),
    /** Sends a request with the API key. */
    ask: (path) => send(`${origin}/v1${path}`, { authorization: `Bearer ${key}` }),
  }
}

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

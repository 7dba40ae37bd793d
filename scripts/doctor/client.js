/** Requests to the Worker that is examined. The key goes in a header, over TLS or to this machine, and nowhere else. */

/** Nothing could be learned, or nothing more. */
export class CannotAsk extends Error {}

const limitMilliseconds = 60_000

const usage = 'npm run doctor -- https://usher.example.org'

/** Throws CannotAsk where there is nobody to ask, or nothing to ask with. */
export function newClient([address, ...more], key, report) {
  if (!address || more.length > 0 || !URL.canParse(address)) throw new CannotAsk(`Whose doctor? ${usage}`)
  const { origin, protocol, hostname } = new URL(address)
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  if (!/^https?:$/.test(protocol)) throw new CannotAsk(`An address begins with https://. ${usage}`)
  if (protocol === 'http:' && !isLocal) throw new CannotAsk('A key is not sent without TLS: give the https:// address.')
  if (!key) {
    throw new CannotAsk(
      'USHER_API_KEY is not set. Make a key that holds every permission, by POST /v1/api-keys as an administrator, and keep it for this:\n' +
        `read -rs USHER_API_KEY && export USHER_API_KEY && ${usage}`,
    )
  }

  /** Waits as it is told to, where there were too many requests or the Worker is away for a moment. */
  async function send(url, headers = {}) {
    for (let tried = 1; ; tried += 1) {
      const response = await once(url, headers)
      const tries = { 429: 5, 503: 2 }[response.status] ?? 1
      if (tried >= tries || !response.headers.has('retry-after')) return response
      const seconds = Math.min(Number(response.headers.get('retry-after')) || 1, 60)
      report.progress(`Told to wait ${seconds} s…`)
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
      throw new CannotAsk(`${new URL(url).origin} does not answer: ${why}.`)
    }
    const text = await response.text()
    const { status, headers: answered } = response
    return { status, headers: answered, body: parsed(text), began, ended: Date.now() }
  }

  return {
    origin,
    isLocal,
    secure: protocol === 'https:',
    /** As anybody. */
    get: (path) => send(origin + path),
    /** By another scheme, once and without a key: undefined where nothing answers. */
    getInClear: (path) => once(`http://${new URL(origin).hostname}${path}`, {}).catch(() => undefined),
    /** As the key's owner. */
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

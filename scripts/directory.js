/**
 * Shared by the import and the export: requests to a directory at a URL, with an API key from the environment and with
 * retries.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Stop } from './stop.js'

/** The maximum seconds of retries, for a directory that does not respond and for a busy one. */
const retryLimitSeconds = { noAnswer: 120, busy: 600 }
const quietSeconds = 2

export { Stop }

/**
 * Parses the command line: exactly the named arguments, and flags. A flag that ends in `=` takes a value, after `=` or
 * a space.
 */
export function commandLine(usage, names, flags) {
  const options = Object.fromEntries(
    flags.map((flag) => [
      flag.replace(/^--|=$/g, ''),
      flag.endsWith('=') ? { type: 'string' } : { type: 'boolean', default: false },
    ]),
  )
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    if (positionals.length !== names.length) throw new Error('too few or too many')
    return {
      ...Object.fromEntries(names.map((name, index) => [name, positionals[index]])),
      ...Object.fromEntries(Object.entries(values).map(([name, value]) => [`--${name}`, value])),
    }
  } catch {
    throw new Stop(usage)
  }
}

/**
 * Returns the directory at `url`. The key comes from USHER_API_KEY, goes to this directory only, and is never sent
 * unencrypted to another machine.
 */
export function directoryAt(url) {
  const key = process.env.USHER_API_KEY
  if (!key) throw new Stop('Set USHER_API_KEY to an API key: POST /v1/api-keys creates one.')
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw new Stop(`${url} is not a URL.`)
  const base = new URL(url)
  if (base.protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(base.hostname)) {
    throw new Stop('Over http, others could read the key: use https.')
  }
  const root = `${base.origin}${base.pathname.replace(/\/(v1\/?)?$/, '')}/v1`
  const headers = { authorization: `Bearer ${key}` }
  return {
    url: root,
    /**
     * Returns the response, or throws Stop if a retry would not help. Retries while the directory is busy or
     * unavailable.
     */
    async ask(path, options = {}) {
      const response = await patiently(root, (signal) =>
        fetch(`${root}${path}`, { ...options, headers: { ...headers, ...options.headers }, redirect: 'error', signal }),
      )
      if (response.ok) return response
      const { title = '', detail = '' } = await response.json().catch(() => ({}))
      throw Object.assign(new Stop(`${response.status} ${title} ${detail}`.trim()), { status: response.status })
    },
  }
}

async function patiently(url, send) {
  const begun = Date.now()
  for (let tried = 1; ; tried += 1) {
    const response = await answerWithin(url, begun + retryLimitSeconds.noAnswer * 1000, send)
    const silent = response instanceof Error
    if (!silent && ![429, 502, 503, 504].includes(response.status)) return response
    const reason = silent ? reasonOf(response) : `it answers ${response.status}`
    const wait = Number(silent ? 0 : response.headers.get('retry-after')) || Math.min(2 ** (tried - 1), 30)
    const patience = silent ? retryLimitSeconds.noAnswer : retryLimitSeconds.busy
    const left = patience - Math.round((Date.now() - begun) / 1000)
    if (wait >= left) throw new Stop(`Gave up waiting for ${url}: ${reason}.`)
    say(`Waiting for ${url}: ${reason}. Next try in ${wait} s, giving up in ${left} s.`)
    await sleep(wait * 1000)
  }
}

/** Returns the response or the error. Reports a long wait. */
async function answerWithin(url, deadline, send) {
  const canceller = new AbortController()
  const left = Math.max(deadline - Date.now(), 1000)
  const cancelling = setTimeout(() => canceller.abort(new Error('no answer came in time')), left)
  const saying = setTimeout(
    () => say(`Waiting for ${url} to respond, giving up in ${Math.round(left / 1000)} s.`),
    quietSeconds * 1000,
  )
  try {
    return await send(canceller.signal)
  } catch (error) {
    return error
  } finally {
    clearTimeout(cancelling)
    clearTimeout(saying)
  }
}

/** Prints a line without breaking the progress bar. */
export function say(line) {
  console.error(`${process.stderr.isTTY ? '\r\x1b[K' : ''}${line}`)
}

export function reasonOf(error) {
  return [error.message, error.cause?.message ?? error.cause?.code].filter(Boolean).join(': ')
}

/**
 * Yields the lines of a response as they arrive. Throws when the response breaks off or stalls for two minutes, and
 * reports a stall.
 */
export async function* linesOf(response) {
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  let rest = ''
  for (;;) {
    const timers = []
    const late = new Promise((_, reject) => {
      const after = (seconds, act) => timers.push(setTimeout(act, seconds * 1000))
      after(10, () => say(`Waiting for the next lines, giving up in ${retryLimitSeconds.noAnswer - 10} s.`))
      after(retryLimitSeconds.noAnswer, () => reject(new Error('nothing came for two minutes')))
    })
    const { done, value } = await Promise.race([reader.read(), late]).finally(() => timers.forEach(clearTimeout))
    const lines = (rest + decoder.decode(value, { stream: !done })).split('\n')
    rest = lines.pop()
    if (lines.length > 0) yield lines.filter((line) => line !== '')
    if (done) return
  }
}

const grouped = (number) => Math.round(number).toLocaleString('en')

/** Shows the progress: a bar on a terminal, otherwise an occasional line. `total` may be unknown. */
export function progressOf(what, total) {
  const begun = Date.now()
  const { isTTY, columns = 80 } = process.stderr
  let printedAt = 0
  const text = (done, more) => {
    const rate = done.here / Math.max((Date.now() - begun) / 1000, 0.001)
    const of = total === undefined ? grouped(done.all) : `${grouped(done.all)} of ${grouped(total)}`
    return `${of} ${what}, ${grouped(rate)} a second${more ? `, ${more}` : ''}`
  }
  return {
    show(done, more) {
      if (Date.now() - printedAt < (isTTY ? 100 : 5000)) return
      printedAt = Date.now()
      const line = text(done, more)
      if (!isTTY) return void console.error(line)
      const width = Math.max(Math.min(30, columns - line.length - 4), 0)
      const filled = total ? Math.min(Math.round((done.all / total) * width), width) : 0
      process.stderr.write(`\r\x1b[K[${'#'.repeat(filled)}${' '.repeat(width - filled)}] ${line}`.slice(0, columns + 4))
    },
    end(done, more) {
      console.error(`${isTTY ? '\r\x1b[K' : ''}${text(done, more)}`)
    },
  }
}

/** Runs a script. Reports an error as one sentence. */
export async function run(script) {
  try {
    process.exitCode = (await script()) ?? 0
  } catch (error) {
    // Errors of the file system already describe the problem in one sentence.
    if (!(error instanceof Stop) && !error.syscall) throw error
    console.error(`\n${error.message}`)
    process.exitCode = 2
  }
}

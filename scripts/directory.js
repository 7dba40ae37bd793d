/** What moving in and moving out have in common: the directory at a URL, asked with a key from the environment, patiently. */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

/** How long a directory is asked that does not answer, and one that answers that it is busy. */
const patienceSeconds = { noAnswer: 120, busy: 600 }
const quietSeconds = 2

/** For whoever runs the script: told without a trace. */
export class Stop extends Error {}

/** Arguments and flags of the command line, as many as there must be. A flag named with `=` takes a value, after `=` or a blank. */
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

/** The directory at `url`; the key is read from USHER_API_KEY and sent nowhere else, and not in the clear to another machine. */
export function directoryAt(url) {
  const key = process.env.USHER_API_KEY
  if (!key) throw new Stop('Put an API key into USHER_API_KEY: POST /v1/api-keys makes one.')
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw new Stop(`${url} is no URL.`)
  const base = new URL(url)
  if (base.protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(base.hostname)) {
    throw new Stop('Over http the key would be read by others: use https.')
  }
  const root = `${base.origin}${base.pathname.replace(/\/(v1\/?)?$/, '')}/v1`
  const headers = { authorization: `Bearer ${key}` }
  return {
    url: root,
    /** The answer, or a Stop where asking again would not help. Busy or away, it is asked again. */
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
    const response = await answerWithin(url, begun + patienceSeconds.noAnswer * 1000, send)
    const silent = response instanceof Error
    if (!silent && ![429, 502, 503, 504].includes(response.status)) return response
    const reason = silent ? reasonOf(response) : `it answers ${response.status}`
    const wait = Number(silent ? 0 : response.headers.get('retry-after')) || Math.min(2 ** (tried - 1), 30)
    const patience = silent ? patienceSeconds.noAnswer : patienceSeconds.busy
    const left = patience - Math.round((Date.now() - begun) / 1000)
    if (wait >= left) throw new Stop(`Gave up waiting for ${url}: ${reason}.`)
    say(`Waiting for ${url}: ${reason}. Next try in ${wait} s, giving up in ${left} s.`)
    await sleep(wait * 1000)
  }
}

/** The answer or the error. Says what it waits for when that takes longer than a moment. */
async function answerWithin(url, deadline, send) {
  const canceller = new AbortController()
  const left = Math.max(deadline - Date.now(), 1000)
  const cancelling = setTimeout(() => canceller.abort(new Error('no answer came in time')), left)
  const saying = setTimeout(
    () => say(`Waiting for ${url} to answer, giving up in ${Math.round(left / 1000)} s.`),
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

/** A line of its own, whatever progress is shown. */
export function say(line) {
  console.error(`${process.stderr.isTTY ? '\r\x1b[K' : ''}${line}`)
}

export function reasonOf(error) {
  return [error.message, error.cause?.message ?? error.cause?.code].filter(Boolean).join(': ')
}

/** The lines of an answer as they come; throws where it breaks off, or nothing comes for two minutes, which it announces. */
export async function* linesOf(response) {
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  let rest = ''
  for (;;) {
    const timers = []
    const late = new Promise((_, reject) => {
      const after = (seconds, act) => timers.push(setTimeout(act, seconds * 1000))
      after(10, () => say(`Waiting for the next lines, giving up in ${patienceSeconds.noAnswer - 10} s.`))
      after(patienceSeconds.noAnswer, () => reject(new Error('nothing came for two minutes')))
    })
    const { done, value } = await Promise.race([reader.read(), late]).finally(() => timers.forEach(clearTimeout))
    const lines = (rest + decoder.decode(value, { stream: !done })).split('\n')
    rest = lines.pop()
    if (lines.length > 0) yield lines.filter((line) => line !== '')
    if (done) return
  }
}

const grouped = (number) => Math.round(number).toLocaleString('en')

/** Says how far it has come: a bar where somebody looks on, else a line now and then. `total` may be unknown. */
export function progressOf(what, total) {
  const begun = Date.now()
  const { isTTY, columns = 80 } = process.stderr
  let told = 0
  const text = (done, more) => {
    const rate = done.here / Math.max((Date.now() - begun) / 1000, 0.001)
    const of = total === undefined ? grouped(done.all) : `${grouped(done.all)} of ${grouped(total)}`
    return `${of} ${what}, ${grouped(rate)} a second${more ? `, ${more}` : ''}`
  }
  return {
    show(done, more) {
      if (Date.now() - told < (isTTY ? 100 : 5000)) return
      told = Date.now()
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

/** Runs a script: what stops it is told in a sentence. */
export async function run(script) {
  try {
    process.exitCode = (await script()) ?? 0
  } catch (error) {
    // An error of the file system says in a sentence what it could not do.
    if (!(error instanceof Stop) && !error.syscall) throw error
    console.error(`\n${error.message}`)
    process.exitCode = 2
  }
}

/** What moving in and moving out have in common: the directory at a URL, asked with a key from the environment, patiently. */
import { setTimeout as sleep } from 'node:timers/promises'

const attempts = 8
const patienceMilliseconds = 120_000

/** For whoever runs the script: told without a trace. */
export class Stop extends Error {}

/** Arguments and flags of the command line, as many as there must be. */
export function commandLine(usage, names, flags) {
  const given = process.argv.slice(2)
  const values = given.filter((one) => !one.startsWith('--'))
  const unknown = given.filter((one) => one.startsWith('--') && !flags.includes(one))
  if (values.length !== names.length || unknown.length > 0) throw new Stop(usage)
  return {
    ...Object.fromEntries(names.map((name, index) => [name, values[index]])),
    ...Object.fromEntries(flags.map((flag) => [flag, given.includes(flag)])),
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
      const response = await patiently(() =>
        fetch(`${root}${path}`, { ...options, headers: { ...headers, ...options.headers }, redirect: 'error' }),
      )
      if (response.ok) return response
      const { title = '', detail = '' } = await response.json().catch(() => ({}))
      throw Object.assign(new Stop(`${response.status} ${title} ${detail}`.trim()), { status: response.status })
    },
  }
}

async function patiently(send) {
  for (let tried = 1; ; tried += 1) {
    const response = await send().catch((error) => error)
    const again = response instanceof Error || [429, 502, 503, 504].includes(response.status)
    if (!again) return response
    if (tried === attempts) throw new Stop(response instanceof Error ? reasonOf(response) : `still ${response.status}`)
    const seconds = Number(response.headers?.get('retry-after') ?? 0) || Math.min(2 ** (tried - 1), 30)
    await sleep(seconds * 1000)
  }
}

export function reasonOf(error) {
  return [error.message, error.cause?.message ?? error.cause?.code].filter(Boolean).join(': ')
}

/** The lines of an answer as they come; throws where it breaks off, or nothing comes for two minutes. */
export async function* linesOf(response) {
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  let rest = ''
  for (;;) {
    let timer
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('nothing came for two minutes')), patienceMilliseconds)
    })
    const { done, value } = await Promise.race([reader.read(), late]).finally(() => clearTimeout(timer))
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
    if (!(error instanceof Stop)) throw error
    console.error(`\n${error.message}`)
    process.exitCode = 2
  }
}

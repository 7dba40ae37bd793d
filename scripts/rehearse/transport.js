/** Sends unchanged requests to Usher on one connection. Ends the rehearsal if Usher does not answer. */
import * as http from 'node:http'
import * as https from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { reasonOf, say, Stop } from '../directory.js'

const limitMilliseconds = 120_000
const mostJumpMilliseconds = 60_000

/** Usher's origin. It receives passwords, so another machine must use TLS. */
export function originOf(url) {
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw new Stop(`${url} is not a URL.`)
  const { origin, protocol, hostname, pathname, search } = new URL(url)
  if (pathname !== '/' || search !== '') throw new Stop(`Give the origin of Usher, ${origin}, without a path.`)
  if (protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname)) {
    throw new Stop('Over http the passwords would be read by others: use https.')
  }
  return origin
}

export function transportTo(origin) {
  const { request: open, Agent } = origin.startsWith('https:') ? https : http
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const { hostname, port } = new URL(origin)
  const clock = newClock()

  const once = ({ method, path, headers, body }) =>
    new Promise((resolve, reject) => {
      const content = body === undefined ? undefined : Buffer.from(body)
      const sent = [...headers, ['user-agent', 'usher-rehearse']]
      if (content || !['GET', 'HEAD'].includes(method)) sent.push(['content-length', String(content?.length ?? 0)])
      const request = open(
        {
          hostname: hostname.replace(/^\[|\]$/g, ''),
          port,
          agent,
          method,
          path: encodedPath(path),
          headers: grouped(sent),
        },
        (response) => {
          const parts = []
          response.on('data', (part) => parts.push(part))
          response.on('error', reject)
          response.on('end', () => {
            if (!response.complete) return reject(new Error('the response broke off'))
            const raw = response.rawHeaders
            const pairs = raw.flatMap((name, index) => (index % 2 ? [] : [[name, raw[index + 1]]]))
            resolve({ status: response.statusCode, headers: pairs, body: Buffer.concat(parts).toString('utf8') })
          })
        },
      )
      request.setTimeout(limitMilliseconds, () => request.destroy(new Error('no answer within two minutes')))
      request.on('error', reject)
      request.end(content)
    })

  return {
    async send(request) {
      for (let tried = 1; ; tried += 1) {
        clock.check()
        try {
          return await once(request)
        } catch (error) {
          // A request that may have been executed is not sent again, unless it changes nothing.
          const isSafe = error.code === 'ECONNREFUSED' || ['GET', 'HEAD'].includes(request.method)
          if (tried >= 3 || !isSafe) throw new Stop(`${origin} does not answer: ${reasonOf(error)}.`)
          await sleep(500 * tried)
        }
      }
    },
    async wait(seconds, reason) {
      say(`${reason}: waiting ${seconds} s.`)
      await sleep(seconds * 1000)
    },
    now: () => performance.now(),
    close: () => agent.destroy(),
  }
}

/** A repeated header is sent repeatedly, without characters that a header cannot contain. */
function grouped(headers) {
  const all = {}
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    const sendable = value.replace(/[^\t\x20-\x7e\x80-\xff]/g, '')
    all[key] = key in all ? [all[key], sendable].flat() : sendable
  }
  return all
}

/** Node refuses blanks and non-Latin-1 characters in a path, but a recording may have them. */
const encodedPath = (path) =>
  path.replace(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character.toWellFormed()))

/** Sessions expire by time, so a clock that jumps would cause differences. */
function newClock() {
  const start = Date.now() - performance.now()
  return {
    check() {
      const jump = Date.now() - performance.now() - start
      if (Math.abs(jump) < mostJumpMilliseconds) return
      const seconds = Math.round(jump / 1000)
      throw new Stop(
        `The clock of this machine jumped by ${seconds} s, or the machine slept: sessions may have ended early. Run the rehearsal again.`,
      )
    },
  }
}

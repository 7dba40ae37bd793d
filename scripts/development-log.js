/** What `npm start` prints of its server's output: one readable line a request, and whatever went wrong. `--verbose` prints everything instead. */

/** How long the two lines about one request wait for each other. */
const patienceMilliseconds = 500

/** wrangler's notices that say nothing about this directory: `npm start` runs the schedule itself, and needs no connection to Cloudflare. */
const notices =
  /Scheduled Workers are not automatically|manually trigger a scheduled event|cdn-cgi\/local\/scheduled|triggers\/#test-cron|`Request\.cf`|GetAddrInfoReqWrap/

export const isNotice = (line) => notices.test(line)

/**
 * A reader of the server's lines. wrangler's line has the path, the Worker's JSON line has the cost; the two are paired by method
 * and status, in order of arrival. A line whose partner does not come is printed alone.
 * `print` takes the line, and whether it is about a request.
 */
export function developmentLog(print) {
  const waiting = { wrangler: [], worker: [] }

  function pair(side, request) {
    const others = waiting[side === 'wrangler' ? 'worker' : 'wrangler']
    const index = others.findIndex((other) => other.method === request.method && other.status === request.status)
    if (index >= 0) {
      const [other] = others.splice(index, 1)
      clearTimeout(other.timer)
      print(requestLine({ ...other, ...request }), true)
      return
    }
    const timer = setTimeout(() => {
      waiting[side].splice(waiting[side].indexOf(entry), 1)
      print(requestLine(entry), true)
    }, patienceMilliseconds)
    const entry = { ...request, timer }
    waiting[side].push(entry)
  }

  return (line) => {
    if (isNotice(line)) return
    const served = /^\[wrangler:\w+\] ([A-Z]+) (\S+) (\d{3})\b.*\((\d+)ms\)/.exec(line)
    if (served) {
      const [, method, url, status, milliseconds] = served
      pair('wrangler', {
        method,
        path: url.split('?')[0],
        status: Number(status),
        wallMilliseconds: Number(milliseconds),
      })
      return
    }
    const logged = parsed(line)
    if (logged?.message === 'request') pair('worker', logged)
    else if (logged || /\[ERROR\]|\[WARNING\]|wrangler:(error|warn)|uncaught|^\s+at /i.test(line)) print(line, false)
  }
}

/** `GET /v1/users 200  12 ms  1 trip  34 rows read  0 written` */
function requestLine({
  method,
  path,
  operation,
  status,
  milliseconds,
  wallMilliseconds,
  trips,
  rows_read,
  rows_written,
}) {
  const cost =
    trips === undefined
      ? []
      : [`${trips} ${trips === 1 ? 'trip' : 'trips'}`, `${rows_read} rows read`, `${rows_written} written`]
  return [`${method} ${path ?? operation} ${status}`, `${milliseconds ?? wallMilliseconds} ms`, ...cost].join('  ')
}

function parsed(line) {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

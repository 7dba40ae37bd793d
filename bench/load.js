/**
 * The load client: a thread that keeps a number of requests in flight. Each connection sends the next request after a
 * response.
 */
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { Client } from 'undici'

/** Starts the client. `run` returns `{ completed, milliseconds, p50 }`; an unexpected status is an error. */
export function startClient() {
  const thread = new Worker(new URL(import.meta.url))
  return {
    run: (load) =>
      new Promise((resolve, reject) => {
        thread.once('message', ({ error, ...result }) => (error ? reject(new Error(error)) : resolve(result)))
        thread.postMessage(load)
      }),
    stop: () => thread.terminate(),
  }
}

if (!isMainThread) {
  parentPort.on('message', async (load) => {
    try {
      parentPort.postMessage(await run(load))
    } catch (error) {
      parentPort.postMessage({ error: String(error?.stack ?? error) })
    }
  })
}

/**
 * Sends each of `requests` once or, with `seconds`, in turn for that long. Requests in flight at the end are awaited.
 */
async function run({ address, requests, concurrency, seconds }) {
  const clients = Array.from({ length: concurrency }, () => new Client(address, { pipelining: 1 }))
  const latencies = []
  const start = performance.now()
  let next = 0
  const more = () =>
    seconds === undefined ? next < requests.length : next === 0 || performance.now() - start < seconds * 1000
  try {
    await Promise.all(
      clients.map(async (client) => {
        while (more()) {
          const request = requests[next % requests.length]
          next += 1
          const sent = performance.now()
          const status = await send(client, request)
          if (status !== request.expect) throw new Error(`${request.method} ${request.path} answered ${status}`)
          latencies.push(performance.now() - sent)
        }
      }),
    )
    const milliseconds = performance.now() - start
    latencies.sort((one, other) => one - other)
    return { completed: latencies.length, milliseconds, p50: latencies[latencies.length >> 1] }
  } finally {
    await Promise.all(clients.map((client) => client.destroy()))
  }
}

function send(client, { method, path, headers, body }) {
  return new Promise((resolve, reject) => {
    let status
    client.dispatch(
      { method, path, headers, body },
      {
        onRequestStart() {},
        onResponseStart(_, statusCode) {
          status = statusCode
        },
        onResponseData() {},
        onResponseEnd: () => resolve(status),
        onResponseError: (_, error) => reject(error),
      },
    )
  })
}

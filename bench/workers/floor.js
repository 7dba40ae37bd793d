/**
 * The bare Worker: it sends Usher's recorded batches again and returns their rows as JSON. It has no authentication,
 * validation, routing or mapping, so it shows the least cost of the same database work.
 */
import recording from './recording.json'

const { statements, requests } = JSON.parse(recording)
const iterations = 100_000
const rounds = 6

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url)
    if (pathname === '/hash') return Response.json(await hash())
    const answers = []
    for (const batch of requests[pathname.slice(1)]) {
      const results = await env.DB.batch(
        batch.map(([statement, params]) => env.DB.prepare(statements[statement]).bind(...params)),
      )
      answers.push(results.map(({ results: rows }) => rows))
    }
    return Response.json(answers)
  },
}

/** Hashes or checks one password, and does nothing else. */
async function hash() {
  const salt = crypto.getRandomValues(new Uint8Array(16))
  let key = new TextEncoder().encode('a passphrase that everyone has')
  for (let round = 0; round < rounds; round += 1) {
    const imported = await crypto.subtle.importKey('raw', key, 'PBKDF2', false, ['deriveBits'])
    key = await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, imported, 256)
  }
  return new Uint8Array(key).length
}

/**
 * `node test/recordings/record.js [CONTRACT…]` creates the recordings in this folder by sending requests to the Worker
 * through each contract. clinic and backoffice are HAR files as browsers export them, without cookies and
 * `Authorization`. The others are NDJSON with both. The password of the admin and the API key of scim are removed.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { admin, hurried, newServer } from '../support/server.js'
import { scenarios } from './scenarios.js'

const host = 'people.example'
const browserExports = ['clinic', 'backoffice']
/** What a recording of another API has no use for. */
const dull =
  /^(date|server-timing|x-request-id|cf-|content-security-policy|strict-transport-security|referrer-policy|x-content-type-options|connection|keep-alive|transfer-encoding|content-length|vary|cache-control)/

/** An API key of the admin, created outside the recording. */
async function newKey({ address }, permissions) {
  const post = (path, body, headers) =>
    fetch(address + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    }).then((response) => response.json())
  const { access_token: token } = await post('/v1/auth/login', { identifier: admin.email, password: admin.password })
  return (await post('/v1/api-keys', { name: 'client', permissions }, { authorization: `Bearer ${token}` })).key
}

/** Sends the requests of a scenario, and records them with their responses. */
function recorderOf(server, contract) {
  const entries = []
  let cookie
  return {
    entries,
    async ask(method, path, { headers = {}, json, form } = {}) {
      const own = { 'content-type': json ? 'application/json' : 'application/x-www-form-urlencoded' }
      const body = json ? JSON.stringify(json) : form ? new URLSearchParams(form).toString() : undefined
      const sent = { ...(body && own), ...headers, ...(cookie && { cookie }) }
      const address = `${server.address}${contract === 'v1' ? '' : `/${contract}`}${path}`
      const response = await fetch(address, { method, headers: sent, body, redirect: 'manual' })
      const text = await response.text()
      const [set] = response.headers.getSetCookie()
      if (set) cookie = /max-age=0|sessionid=;/i.test(set) ? undefined : set.split(';')[0]
      const received = [...response.headers].filter(([name]) => !dull.test(name))
      const authorization = sent.authorization?.replace(/usk_\S+/, 'the-key-of-the-client')
      const request = {
        method,
        path,
        headers: { ...sent, ...(authorization && { authorization }) },
        body: body && withoutPassword(body),
      }
      entries.push({ request, response: { status: response.status, headers: received, body: text } })
      return { body: text.startsWith('{') ? JSON.parse(text) : undefined, etag: response.headers.get('etag') }
    },
  }
}

function withoutPassword(body) {
  return [admin.password, encodeURIComponent(admin.password), admin.password.replaceAll(' ', '+')].reduce(
    (text, secret) => text.replaceAll(secret, '********'),
    body,
  )
}

function toHar(entries) {
  const exported = entries.map(({ request, response }) => ({
    request: {
      method: request.method,
      url: `https://${host}${request.path}`,
      httpVersion: 'HTTP/1.1',
      headers: listed(Object.entries(request.headers).filter(([name]) => !/^(authorization|cookie)$/.test(name))),
      ...(request.body && { postData: { mimeType: request.headers['content-type'], text: request.body } }),
    },
    response: {
      status: response.status,
      headers: listed(response.headers.filter(([name]) => name !== 'set-cookie')),
      content: { mimeType: Object.fromEntries(response.headers)['content-type'] ?? '', text: response.body },
    },
  }))
  return JSON.stringify(
    { log: { version: '1.2', creator: { name: 'record.js', version: '1' }, entries: exported } },
    null,
    1,
  )
}

const listed = (headers) => headers.map(([name, value]) => ({ name, value }))
const toNdjson = (entries) =>
  entries
    .map(({ request, response }) =>
      JSON.stringify({ request, response: { ...response, headers: Object.fromEntries(response.headers) } }),
    )
    .join('\n')

const wanted = process.argv.slice(2)
for (const [contract, scenario] of Object.entries(scenarios)) {
  if (wanted.length > 0 && !wanted.includes(contract)) continue
  const server = await newServer(hurried)
  await server.start()
  try {
    const { ask, entries } = recorderOf(server, contract)
    await scenario(ask, admin, (permissions) => newKey(server, permissions))
    const isHar = browserExports.includes(contract)
    const file = fileURLToPath(new URL(`${contract}.${isHar ? 'har' : 'ndjson'}`, import.meta.url))
    writeFileSync(file, `${isHar ? toHar(entries) : toNdjson(entries)}\n`)
    console.log(`${entries.length} exchanges in ${file}`)
  } finally {
    await server.remove()
  }
}
process.exit(0)

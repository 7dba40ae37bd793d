/**
 * A legacy system in a process of its own: five login APIs and a hook over one user table. The table is a JSON file of identifier to
 * password. POST /control sets a fault; GET /control counts the logins, and those that it holds back.
 *
 *     PORT=… USERS=users.json node test/support/legacy-system.js
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const { PORT, USERS } = process.env
const passwords = new Map(Object.entries(JSON.parse(readFileSync(USERS, 'utf8'))))
let fault = 'none'
const logins = { asked: 0, held: 0, byIdentifier: {} }

/** By path: the field that identifies the user, and the responses to a right and to a wrong password. */
const apis = {
  '/personnel/token': ['username', [200, { access_token: 'x' }], [401, { detail: 'Identifiants incorrects' }]],
  '/v1/auth/login': ['identifier', [200, { access_token: 'x' }], [401, { title: 'Unauthorized', status: 401 }]],
  '/rbac/api/v1/auth/login': ['email', [200, { access_token: 'x' }], [401, { detail: 'Incorrect email or password' }]],
  '/clinic/users/user/login/': [
    'username',
    [200, { success: true, message: 'Welcome.', data: { id: '1' } }],
    [200, { success: false, errors: 'Invalid login.' }],
  ],
  '/backoffice/api/login': [
    'username',
    [200, { message: 'Login successful', data: { token: 'x' } }],
    [401, { message: 'Invalid credentials' }],
  ],
  '/hook': ['identifier', [200, { result: 'match' }], [200, { result: 'no_match' }]],
}

const json = (response, [status, body]) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

const faults = {
  slow: (response) => {
    logins.held += 1
    response.once('close', () => (logins.held -= 1))
  },
  broken: (response) => json(response, [500, { result: 'match', success: true, access_token: 'x' }]),
  busy: (response) => json(response, [429, { detail: 'Too many requests' }]),
  redirecting: (response) => response.writeHead(302, { location: '/hook' }).end(),
  html: (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>It works</h1>'),
  garbage: (response) => json(response, [200, { result: 'perhaps', success: 'yes', access_token: 1 }]),
  huge: (response) => response.writeHead(200).end('x'.repeat(10_000_000)),
  hangup: (response) => response.destroy(),
}

const server = createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  if (request.url === '/control') {
    if (request.method === 'POST') fault = text
    return json(response, [200, logins])
  }
  const isForm = request.headers['content-type'] === 'application/x-www-form-urlencoded'
  const sent = isForm ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text)
  const api = apis[request.url]
  if (!api) return json(response, [404, { detail: 'Not Found' }])
  const [by, right, wrong] = api
  logins.asked += 1
  logins.byIdentifier[sent[by]] = (logins.byIdentifier[sent[by]] ?? 0) + 1
  if (fault !== 'none') return faults[fault](response)
  return json(response, passwords.get(sent[by]) === sent.password ? right : wrong)
})
server.listen(Number(PORT), '127.0.0.1', () => console.log('ready'))

/**
 * An upstream of Usher in plain Node: it tells whether a password is that of a legacy user. Adapt `isRight` to your system.
 *
 *     WEBHOOK_SECRET='whsec_…' PORT=3001 node examples/password-hook/hook.js
 *
 * WEBHOOK_SECRET is what GET /v1/migration/{upstream}/secret answers; both secrets, separated by blanks, while JWT_SECRET is rotated.
 * Run it on the machine of the legacy system, behind TLS. It must not log what it is sent: that is a password in clear.
 */
import { createHmac, scryptSync, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const { WEBHOOK_SECRET = '', PORT = '3001', USERS = 'users.json' } = process.env
const secrets = WEBHOOK_SECRET.split(/\s+/).flatMap((text) =>
  text.startsWith('whsec_') ? [Buffer.from(text.slice('whsec_'.length), 'base64')] : [],
)
if (secrets.length === 0) throw new Error('WEBHOOK_SECRET is missing.')

/** The legacy system of this example: a JSON file of {"<identifier>": {"salt": "<hex>", "scrypt": "<hex>"}}. */
function isRight({ identifier, password }) {
  const user = JSON.parse(readFileSync(USERS, 'utf8'))[identifier.toLowerCase()]
  if (!user) return false
  const expected = Buffer.from(user.scrypt, 'hex')
  return timingSafeEqual(scryptSync(password, Buffer.from(user.salt, 'hex'), expected.length), expected)
}

/** Whether Usher sent it, in the last five minutes. */
function isAuthentic({ 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signatures = '' }, body) {
  if (!(Math.abs(Date.now() / 1000 - Number(time)) < 300)) return false
  return secrets.some((secret) => {
    const expected = createHmac('sha256', secret).update(`${id}.${time}.${body}`).digest()
    return signatures.split(' ').some((one) => {
      const sent = Buffer.from(one.replace(/^v1,/, ''), 'base64')
      return sent.length === expected.length && timingSafeEqual(sent, expected)
    })
  })
}

const server = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) if ((body += chunk).length > 65_536) return request.destroy()
  if (!isAuthentic(request.headers, body)) return response.writeHead(401).end()
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ result: isRight(JSON.parse(body)) ? 'match' : 'no_match' }))
})
server.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}/`))

/**
 * Other services verify tokens with the code of docs/verify-tokens.md, in separate processes. The code accepts genuine
 * tokens and rejects forged ones. It rejects no token during a rotation of the signing key, although it caches the
 * keys. Node is always tested. Python is tested if an interpreter has PyJWT: /usr/bin/python3, python3, or the
 * interpreter in PYTHON.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { admin, hurried, newServer } from '../support/server'

const root = fileURLToPath(new URL('../..', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'usher-verifiers-'))
const page = readFileSync(`${root}docs/verify-tokens.md`, 'utf8')

/** The documented minutes are seconds here: keys are cached for 10 s, and the steps of a rotation are 15 s apart. */
const secondsPerMinute = 1
const cachedSeconds = 10 * secondsPerMinute
const stepSeconds = 15 * secondsPerMinute

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const publicPart = ({ kty, crv, x, y }) => ({ kty, crv, x, y })
const first = newKey()
const second = newKey()

let front
let server
let settings
const verifiers = []

beforeAll(async () => {
  front = await newFront()
  settings = { ...hurried, ISSUER: front.address, AUDIENCE: 'orders', ACCESS_TOKEN_TTL_SECONDS: String(stepSeconds) }
  server = await newServer({ ...settings, SIGNING_KEY: JSON.stringify(first) })
  front.leadTo(server.address)
  await server.start()
  verifiers.push(newVerifier('Node', process.execPath, 'verify.mjs', 'node', nodeLoop))
  const python = pythonWithJwt()
  if (python) verifiers.push(newVerifier('Python', python, 'verify.py', 'python', pythonLoop))
  console.log(
    `verified by ${verifiers.map(({ language }) => language).join(' and ')}${python ? '' : '; no Python has PyJWT'}`,
  )
})

afterAll(async () => {
  for (const { end } of verifiers) end()
  await server?.remove()
  front?.close()
  rmSync(home, { recursive: true })
})

/**
 * The issuer's address. It leads to the server, and waits while the server restarts, because a deployment replaces a
 * Worker without a pause.
 */
async function newFront() {
  let target
  let keysRead
  const listening = createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const body = chunks.length > 0 ? Buffer.concat(chunks) : undefined
    const { method, headers, url } = request
    for (;;) {
      try {
        const answer = await fetch(target + url, { method, body, headers: sentOn(headers) })
        const text = await answer.text()
        const type = { 'content-type': answer.headers.get('content-type') ?? 'text/plain' }
        response.writeHead(answer.status, type).end(text)
        if (headers['user-agent']?.startsWith('jose/') && url.endsWith('/jwks.json')) keysRead?.()
        return
      } catch {
        await pause(50)
      }
    }
  })
  await new Promise((resolve) => listening.listen(0, '127.0.0.1', resolve))
  return {
    address: `http://127.0.0.1:${listening.address().port}`,
    leadTo: (address) => (target = address),
    /** Resolves when the verifier in Node has read the keys again. */
    untilKeysAreRead: () => new Promise((resolve) => (keysRead = resolve)),
    close: () => listening.close(),
  }
}

const sentOn = ({ authorization, 'content-type': type }) => ({
  ...(authorization && { authorization }),
  ...(type && { 'content-type': type }),
})

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Returns the code block under `<!-- verify:NAME -->`, with the issuer and the cache time of this test. */
function documented(name) {
  const [, code] = new RegExp(`<!-- verify:${name} -->\\s+\`\`\`\\w+\\n(.*?)\`\`\``, 's').exec(page)
  const changes = [
    ['https://usher.example', front.address],
    [
      /cacheMaxAge: 600_000|lifespan=600/,
      name === 'node' ? `cacheMaxAge: ${cachedSeconds * 1000}` : `lifespan=${cachedSeconds}`,
    ],
  ]
  return changes.reduce((text, [from, to]) => {
    expect(text).toMatch(from)
    return text.replace(from, to)
  }, code)
}

/** Reads a token a line, and prints the user or the reason of the refusal. */
const nodeLoop = `
import { createInterface } from 'node:readline'
for await (const token of createInterface({ input: process.stdin })) {
  console.log(await verify(token).then(({ sub }) => 'ok ' + sub, (error) => 'refused ' + error.message.replaceAll('\\n', ' ')))
}
`
const pythonLoop = `
import sys
for line in sys.stdin:
    try:
        print("ok", verify(line.strip())["sub"], flush=True)
    except jwt.PyJWTError as error:
        print("refused", repr(error), flush=True)
`

function newVerifier(language, program, file, block, loop) {
  if (language === 'Node') symlinkSync(`${root}node_modules`, join(home, 'node_modules'))
  writeFileSync(join(home, file), documented(block) + loop)
  const child = spawn(program, [join(home, file)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const waiting = []
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()(line))
  return {
    language,
    verify: (token) =>
      new Promise((resolve) => {
        waiting.push(resolve)
        child.stdin.write(`${token}\n`)
      }),
    end: () => child.kill(),
  }
}

/** Undefined where no interpreter has PyJWT with the algorithms of `cryptography`. */
function pythonWithJwt() {
  const { PYTHON } = process.env
  const isAble = (program) => spawnSync(program, ['-c', 'import jwt, cryptography']).status === 0
  const found = (PYTHON ? [PYTHON] : ['/usr/bin/python3', 'python3']).find(isAble)
  if (PYTHON && !found) throw new Error(`PYTHON: ${PYTHON} cannot import jwt and cryptography`)
  return found
}

async function post(path, json) {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(front.address + path, { method: 'POST', headers, body: JSON.stringify(json) })
  return response.json()
}

const signIn = () => post('/v1/auth/login', { identifier: admin.email, password: admin.password })

const encoded = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const decoded = (token, index) => JSON.parse(Buffer.from(token.split('.')[index], 'base64url').toString())

function signedWithKey(header, claims, jwk) {
  const body = `${encoded(header)}.${encoded(claims)}`
  const key = createPrivateKey({ key: jwk, format: 'jwk' })
  return `${body}.${sign('sha256', Buffer.from(body), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

function signedWithSecret(header, claims, secret) {
  const body = `${encoded(header)}.${encoded(claims)}`
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`
}

describe('the documented code', () => {
  it('takes a genuine token, and refuses every forged one', async () => {
    const { access_token: token } = await signIn()
    const [header, claims] = [decoded(token, 0), decoded(token, 1)]
    const { sub, exp: _, ...withoutExpiry } = claims
    const now = Math.floor(Date.now() / 1000)
    const keySet = await (await fetch(`${front.address}/.well-known/jwks.json`)).text()
    const pem = createPublicKey({ key: publicPart(first), format: 'jwk' }).export({ type: 'spki', format: 'pem' })
    const hs256 = { ...header, alg: 'HS256' }
    const forgeries = {
      'another issuer': signedWithKey(header, { ...claims, iss: 'https://evil.example' }, first),
      'another audience': signedWithKey(header, { ...claims, aud: 'billing' }, first),
      expired: signedWithKey(header, { ...claims, iat: now - 1000, exp: now - 100 }, first),
      'no expiry': signedWithKey(header, { ...withoutExpiry, sub }, first),
      'another type': signedWithKey({ ...header, typ: 'JWT' }, claims, first),
      'no type': signedWithKey({ alg: header.alg, kid: header.kid }, claims, first),
      'another key': signedWithKey(header, claims, second),
      'an unknown key': signedWithKey({ ...header, kid: 'unknown' }, claims, second),
      none: `${encoded({ ...header, alg: 'none' })}.${encoded(claims)}.`,
      'the public key as a secret': signedWithSecret(hs256, claims, pem),
      'the JWK as a secret': signedWithSecret(hs256, claims, JSON.stringify(publicPart(first))),
      'the key set as a secret': signedWithSecret(hs256, claims, keySet),
      'a changed claim': [token.split('.')[0], encoded({ ...claims, roles: ['owner'] }), token.split('.')[2]].join('.'),
      'no token': 'token',
    }
    for (const { language, verify } of verifiers) {
      for (const genuine of [token, signedWithKey(header, claims, first)]) {
        expect([language, await verify(genuine)]).toEqual([language, `ok ${sub}`])
      }
      for (const [name, forged] of Object.entries(forgeries)) {
        expect([language, name, await verify(forged)]).toEqual([language, name, expect.stringMatching(/^refused /)])
      }
    }
  })

  it('and Usher refuse no token during a rotation of the signing key', async () => {
    const verified = {}
    const refused = []
    let rotating = true
    const clients = Promise.all([0, 1, 2].map(() => useTokens(() => rotating, { verified, refused })))
    const steps = [
      { SIGNING_KEY: JSON.stringify(first), SIGNING_KEY_NEXT: JSON.stringify(second) },
      { SIGNING_KEY: JSON.stringify(second), SIGNING_KEY_PREVIOUS: JSON.stringify(publicPart(first)) },
      { SIGNING_KEY: JSON.stringify(second) },
    ]
    for (const step of steps) {
      await pause(stepSeconds * 1000)
      // So that its copy of the keys outlasts the restart.
      await front.untilKeysAreRead()
      await server.kill()
      server.configure({ ...settings, ...step })
      await server.start()
    }
    await pause(stepSeconds * 1000)
    rotating = false
    await clients
    expect(refused).toEqual([])
    const counts = Object.entries(verified)
    expect(counts.map(([, count]) => count > 20)).toEqual([true, true])
    console.log(
      `a rotation with three restarts: ${counts.map(([, count]) => count).join(' and ')} verifications, none refused`,
    )
  }, 400_000)
})

/** A client that uses each access token until it expires, at Usher and at every verifier, and then refreshes. */
async function useTokens(goesOn, { verified, refused }) {
  let { access_token: token, refresh_token: refresh } = await signIn()
  while (goesOn()) {
    const [{ kid }, { exp, sub }] = [decoded(token, 0), decoded(token, 1)]
    const answers = await Promise.all([
      ...verifiers.map(({ verify }) => verify(token)),
      fetch(`${front.address}/v1/me`, { headers: { authorization: `Bearer ${token}` } }).then(({ status }) =>
        status === 200 ? `ok ${sub}` : `refused by Usher: ${status}`,
      ),
    ])
    // An answer may have waited for a restart.
    const isCurrent = Date.now() / 1000 < exp
    const wrong = answers.filter((answer) => answer !== `ok ${sub}`)
    if (isCurrent) {
      refused.push(...wrong)
      verified[kid] = (verified[kid] ?? 0) + answers.length
    }
    if (exp - Date.now() / 1000 < 2) {
      const next = await post('/v1/auth/refresh', { refresh_token: refresh })
      token = next.access_token
      refresh = next.refresh_token
    }
    await pause(200)
  }
}

/** Tokens that other services verify: ES256 with public keys, and the secret of an older API. */
import { createPublicKey } from 'node:crypto'
import { verifyWithJwks } from 'hono/jwt'
import { createLocalJWKSet, createRemoteJWKSet, customFetch, jwtVerify } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { contracts } from '../contracts'
import {
  decodedPart,
  encoded,
  newSigningKey,
  publicPart,
  publishedKeys,
  signedWithKey,
  signedWithSecret,
} from '../support/token-keys'
import { adminToken, call, fetchWorker, freshDirectory, signedInPerson, testEnv, type Call } from '../support/usher'

freshDirectory()
vi.setConfig({ testTimeout: 180_000 })
afterEach(() => void vi.useRealTimers())

const signing = await newSigningKey()
const stranger = await newSigningKey()
const env = { SIGNING_KEY: signing.text, ISSUER: 'https://usher.example', AUDIENCE: 'orders' }
const legacySecret = 'the secret of an old API'
const legacyEnv = { LEGACY_TOKEN_SECRETS: JSON.stringify({ personnel: legacySecret, backoffice: legacySecret }) }

let admin: string
let user: Awaited<ReturnType<typeof signedInPerson>>
beforeEach(async () => {
  admin = await adminToken()
  user = await signedInPerson(admin, { role: 'admin' })
})

const login = async (variables: Call['env'] = env): Promise<string> =>
  (await call('/v1/auth/login', { env: variables, json: { identifier: user.email, password: user.password } })).body
    .access_token
const rbacLogin = async (variables: Call['env'] = env): Promise<string> =>
  (await call('/rbac/api/v1/auth/login', { env: variables, json: { email: user.email, password: user.password } })).body
    .access_token
const personnelLogin = async (variables: Call['env'] = legacyEnv): Promise<string> =>
  (await call('/personnel/token', { env: variables, form: { username: user.email, password: user.password } })).body
    .access_token

const expected = { issuer: 'https://usher.example', audience: 'orders', typ: 'at+jwt', algorithms: ['ES256'] }
type KeySet = Awaited<ReturnType<typeof publishedKeys>>
type Verify = (token: string, keys: KeySet) => Promise<object>

/** Independent libraries by which services verify tokens. */
const verifiers: [library: string, verify: Verify][] = [
  ['jose', async (token, keys) => (await jwtVerify(token, createLocalJWKSet(keys as never), expected)).payload],
  [
    'jsonwebtoken',
    async (token, { keys }) => {
      const { kid } = jsonwebtoken.decode(token, { complete: true })?.header ?? {}
      const key = keys.find((other) => other.kid === kid)
      if (!key) throw new Error('unknown key')
      const { issuer, audience, algorithms } = expected
      return jsonwebtoken.verify(token, createPublicKey({ key, format: 'jwk' }), { issuer, audience, algorithms })
    },
  ],
  [
    'hono',
    (token, { keys }) => {
      const { issuer: iss, audience: aud, typ } = expected
      return verifyWithJwks(token, { keys, allowedAlgorithms: ['ES256'], verification: { iss, aud, typ } })
    },
  ],
]

describe('a published token', () => {
  it.each([
    ['v1', login],
    ['rbac', rbacLogin],
  ])('of %s has the header and claims of RFC 9068, and no name or email', async (contract, signIn) => {
    const token = await signIn()
    const [{ kid } = { kid: '' }] = (await publishedKeys(env)).keys
    expect(decodedPart(token, 0)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid })
    const claims = decodedPart(token, 1)
    expect(claims).toEqual({
      iss: 'https://usher.example',
      aud: 'orders',
      sub: user.uuid,
      client_id: contract,
      iat: expect.any(Number),
      exp: Number(claims['iat']) + 900,
      jti: expect.any(String),
      sid: expect.any(String),
      roles: ['admin'],
    })
  })

  it('names the origin of its request without ISSUER, as the metadata of that origin does', async () => {
    const variables = { SIGNING_KEY: signing.text, CONTRACT_HOSTS: '{"people.example":"v1"}' }
    for (const host of ['usher.example', 'people.example']) {
      const json = { identifier: user.email, password: user.password }
      const { body } = await call('/v1/auth/login', { env: variables, host, json })
      expect(decodedPart(body.access_token, 1)['iss']).toBe(`https://${host}`)
      const metadata = await call('/.well-known/oauth-authorization-server', { env: variables, host })
      expect(metadata.body.issuer).toBe(`https://${host}`)
      expect((await call('/v1/me', { env: variables, host, token: body.access_token })).status).toBe(200)
    }
  })

  it('is not issued by the contracts whose tokens last 12 hours, nor without SIGNING_KEY', async () => {
    for (const token of [await personnelLogin(env), await login({}), await login({ SIGNING_KEY: '' })]) {
      expect(decodedPart(token, 0)).toMatchObject({ alg: 'HS256', typ: 'JWT' })
    }
  })

  it('is accepted by every contract, and so is a token from before the key was set', async () => {
    for (const token of [await login(), await rbacLogin(), user.access_token]) {
      for (const [, acts] of contracts) {
        const { path, ...ask } = acts.list()
        expect(acts.outcome(await call(path, { ...ask, token, env }))).toBe('done')
      }
    }
  })

  it('is refused from the next request after its session has ended', async () => {
    const token = await login()
    expect((await call('/v1/me', { token, env })).status).toBe(200)
    expect((await call('/v1/auth/logout', { method: 'POST', token, env })).status).toBe(204)
    expect((await call('/v1/me', { token, env })).status).toBe(401)
  })

  it('is introspected with its own issuer, audience and times', async () => {
    const token = await login()
    const { iat, exp, sid } = decodedPart(token, 1)
    const { body } = await call('/v1/auth/introspect', { token: admin, env, json: { token } })
    expect(body).toMatchObject({ active: true, iss: 'https://usher.example', aud: 'orders', iat, exp, sid })
  })

  it('costs an authenticated read one round trip', async () => {
    const token = await login()
    // The first request of a user records the use of the operation.
    await call('/v1/me', { token, env })
    expect((await call('/v1/me', { token, env })).cost).toMatchObject({ trips: 1, written: 0 })
  })

  it('has the origin of the request as issuer without ISSUER', async () => {
    const variables = { SIGNING_KEY: signing.text }
    const token = await login(variables)
    expect(decodedPart(token, 1)).toMatchObject({ iss: 'https://usher.example', aud: 'usher' })
    expect((await call('/v1/me', { token, env: variables })).status).toBe(200)
  })
})

describe.each(verifiers)('%s, with the published keys', (_, verify) => {
  it('verifies a token', async () => {
    expect(await verify(await login(), await publishedKeys(env))).toMatchObject({ sub: user.uuid, client_id: 'v1' })
  })

  it('refuses every forgery', async () => {
    const token = await login()
    const [header, claims] = [decodedPart(token, 0), decodedPart(token, 1)]
    const keys = await publishedKeys(env)
    const now = Math.floor(Date.now() / 1000)
    const keyText = JSON.stringify(keys)
    const hs256 = { ...header, alg: 'HS256' }
    const forgeries = {
      'wrong issuer': await signedWithKey(header, { ...claims, iss: 'https://evil.example' }, signing.jwk),
      'wrong audience': await signedWithKey(header, { ...claims, aud: 'billing' }, signing.jwk),
      expired: await signedWithKey(header, { ...claims, iat: now - 901, exp: now - 1 }, signing.jwk),
      'unknown key': await signedWithKey({ ...header, kid: 'other' }, claims, stranger.jwk),
      'another key under this kid': await signedWithKey(header, claims, stranger.jwk),
      none: `${encoded({ ...header, alg: 'none' })}.${encoded(claims)}.`,
      'the public key as a secret': await signedWithSecret(hs256, claims, publicPart(signing.jwk)),
      'the key set as a secret': await signedWithSecret(hs256, claims, keyText),
      'x as a secret': await signedWithSecret(hs256, claims, signing.jwk.x),
    }
    const taken: string[] = []
    for (const [name, forged] of Object.entries(forgeries)) {
      await verify(forged, keys).then(
        () => taken.push(name),
        () => undefined,
      )
    }
    expect(taken).toEqual([])
    // The control: a token of the same signer is accepted.
    expect(await verify(await signedWithKey(header, claims, signing.jwk), keys)).toMatchObject({ sub: user.uuid })
  })
})

describe('Usher', () => {
  it('rejects a token of one form with the header of the other', async () => {
    const published = await login()
    const [header, claims] = [decodedPart(published, 0), decodedPart(published, 1)]
    const [ownHeader, ownClaims] = [decodedPart(user.access_token, 0), decodedPart(user.access_token, 1)]
    const secret = String(testEnv.JWT_SECRET)
    for (const forged of [
      await signedWithKey(ownHeader, ownClaims, signing.jwk),
      await signedWithKey(header, ownClaims, signing.jwk),
      await signedWithSecret(ownHeader, claims, secret),
      await signedWithSecret(header, ownClaims, secret),
    ]) {
      expect((await call('/v1/me', { token: forged, env })).status).toBe(401)
    }
    for (const genuine of [
      await signedWithKey(header, claims, signing.jwk),
      await signedWithSecret(ownHeader, ownClaims, secret),
    ]) {
      expect((await call('/v1/me', { token: genuine, env })).status).toBe(200)
    }
  })
})

describe('the published keys', () => {
  it('are public keys only, with alg, use, kid, an ETag and ten minutes of caching', async () => {
    const path = '/.well-known/jwks.json'
    const { status, body, headers } = await call(path, { env })
    expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=600'])
    const { kty, crv, x, y } = signing.jwk
    expect(body).toEqual({ keys: [{ kty, crv, x, y, alg: 'ES256', use: 'sig', kid: expect.any(String) }] })
    const etag = String(headers.get('etag'))
    expect((await call(path, { env, headers: { 'if-none-match': etag } })).status).toBe(304)
    expect((await call(path)).body).toEqual({ keys: [] })
  })

  it('have metadata with no further claims', async () => {
    const { body } = await call('/.well-known/oauth-authorization-server', { env })
    expect(body).toEqual({
      issuer: 'https://usher.example',
      jwks_uri: 'https://usher.example/.well-known/jwks.json',
      introspection_endpoint: 'https://usher.example/v1/auth/introspect',
      introspection_endpoint_auth_methods_supported: ['Bearer'],
      response_types_supported: [],
      grant_types_supported: [],
    })
    expect((await call('/.well-known/oauth-authorization-server')).body).not.toHaveProperty('jwks_uri')
  })

  it('are served on the host of a contract', async () => {
    const variables = { ...env, CONTRACT_HOSTS: '{"people.example":"personnel"}' }
    const { status, body } = await call('/.well-known/jwks.json', { env: variables, host: 'people.example' })
    expect([status, body.keys.length]).toEqual([200, 1])
  })
})

describe('a rotation of the signing key', () => {
  it('refuses no token, in Usher and in a verifier that caches keys for ten minutes', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const next = await newSigningKey()
    let variables: NonNullable<Call['env']> = env
    const keySet = createRemoteJWKSet(new URL('https://usher.example/.well-known/jwks.json'), {
      // The verifier does not reload for an unknown key, so only a key that was published in time is found.
      cooldownDuration: Number.MAX_SAFE_INTEGER,
      cacheMaxAge: 600_000,
      [customFetch]: () => fetchWorker('/.well-known/jwks.json', { env: variables }),
    })
    const steps: NonNullable<Call['env']>[] = [
      env,
      { ...env, SIGNING_KEY_NEXT: next.text },
      { ...env, SIGNING_KEY: next.text, SIGNING_KEY_PREVIOUS: publicPart(signing.jwk) },
      { ...env, SIGNING_KEY: next.text },
    ]
    let earlier: string | undefined
    for (const step of steps) {
      variables = step
      // Steps are 15 minutes apart, as the documentation says. Requests come every 5 minutes.
      for (let minutes = 0; minutes < 15; minutes += 5) {
        const token = await login(variables)
        for (const each of [token, ...(earlier ? [earlier] : [])]) {
          expect((await call('/v1/me', { token: each, env: variables })).status).toBe(200)
          expect((await jwtVerify(each, keySet, expected)).payload.sub).toBe(user.uuid)
        }
        earlier = token
        vi.advanceTimersByTime(300_000)
      }
    }
    expect((await publishedKeys(variables)).keys.map(({ x }) => x)).toEqual([next.jwk.x])
  })

  it('accepts tokens of the next key before this instance signs with it', async () => {
    const next = await newSigningKey()
    const token = await login({ ...env, SIGNING_KEY: next.text })
    expect((await call('/v1/me', { token, env })).status).toBe(401)
    expect((await call('/v1/me', { token, env: { ...env, SIGNING_KEY_NEXT: next.text } })).status).toBe(200)
  })
})

describe('a token signed with the secret of an older API', () => {
  it('has the claims of that API, without kid, iss and aud, and is verified with the secret alone', async () => {
    const token = await personnelLogin()
    expect(decodedPart(token, 0)).toEqual({ alg: 'HS256', typ: 'JWT' })
    const { payload } = await jwtVerify(token, new TextEncoder().encode(legacySecret))
    expect(Object.keys(payload).sort()).toEqual(
      ['email', 'exp', 'iat', 'jti', 'role_id', 'role_name', 'sid', 'sub', 'token_type', 'user_id'].sort(),
    )
    expect((await call('/personnel/users/list', { token, env: legacyEnv })).status).toBe(200)
    expect(decodedPart(await login(legacyEnv), 0)).toHaveProperty('kid')
  })

  it('has a kid when the setting has one', async () => {
    const LEGACY_TOKEN_SECRETS = JSON.stringify({ personnel: { secret: legacySecret, kid: 'old' } })
    expect(decodedPart(await personnelLogin({ LEGACY_TOKEN_SECRETS }), 0)).toMatchObject({ kid: 'old' })
  })

  it('is refused once its session has ended', async () => {
    const token = await personnelLogin()
    await call('/personnel/logout', { method: 'POST', token, env: legacyEnv })
    expect((await call('/personnel/users/list', { token, env: legacyEnv })).status).toBe(401)
  })

  it('cannot be forged by a service that knows the secret and the ids of sessions', async () => {
    const token = await personnelLogin()
    const [header, claims] = [decodedPart(token, 0), decodedPart(token, 1)]
    const ofAdmin = { user_id: decodedPart(admin, 1)['user_id'], sid: decodedPart(admin, 1)['sid'] }
    const { jti: _, ...withoutId } = claims
    const forgeries = [
      { ...claims, ...ofAdmin },
      { ...claims, exp: Number(claims['exp']) + 3600 },
      { ...claims, jti: crypto.randomUUID() },
      withoutId,
      { ...claims, sid: decodedPart(user.access_token, 1)['sid'] },
      { ...decodedPart(user.access_token, 1) },
    ]
    for (const forged of forgeries) {
      const sent = await signedWithSecret(header, forged, legacySecret)
      for (const path of ['/personnel/users/list', '/v1/users', '/backoffice/api/v1/users']) {
        expect((await call(path, { token: sent, env: legacyEnv })).status).toBe(401)
      }
    }
    const control = await signedWithSecret(header, claims, legacySecret)
    expect((await call('/personnel/users/list', { token: control, env: legacyEnv })).status).toBe(200)
  })

  it('belongs to a session of that contract only', async () => {
    const token = await personnelLogin()
    await testEnv.DB.prepare("UPDATE sessions SET contract = 'v1' WHERE id = ?")
      .bind(decodedPart(token, 1)['sid'])
      .run()
    expect((await call('/personnel/users/list', { token, env: legacyEnv })).status).toBe(401)
    const { body } = await call('/v1/auth/introspect', { token: admin, env: legacyEnv, json: { token } })
    expect(body).toEqual({ active: false })
  })
})

describe('the Worker', () => {
  const other = JSON.stringify({ ...signing.jwk, d: stranger.jwk.d })
  const offCurve = JSON.stringify({ ...signing.jwk, y: signing.jwk.x })
  it.each<[string, Record<string, unknown>, string]>([
    ['a SIGNING_KEY that is no JSON', { SIGNING_KEY: 'secret-text' }, 'SIGNING_KEY'],
    ['a public SIGNING_KEY', { SIGNING_KEY: publicPart(signing.jwk) }, 'SIGNING_KEY'],
    ['a key of another curve', { SIGNING_KEY: JSON.stringify({ ...signing.jwk, crv: 'P-384' }) }, 'SIGNING_KEY'],
    ['a private key of another public key', { SIGNING_KEY: other }, 'SIGNING_KEY'],
    ['a point that is not on the curve', { SIGNING_KEY: offCurve }, 'SIGNING_KEY'],
    ['equal keys', { SIGNING_KEY: signing.text, SIGNING_KEY_NEXT: signing.text }, 'SIGNING_KEY_NEXT'],
    ['SIGNING_KEY_NEXT alone', { SIGNING_KEY_NEXT: signing.text }, 'SIGNING_KEY_NEXT'],
    ['a lifetime above 900', { ...env, ACCESS_TOKEN_TTL_SECONDS: '901' }, 'ACCESS_TOKEN_TTL_SECONDS'],
    ['an ISSUER with a path', { ISSUER: 'https://usher.example/' }, 'ISSUER'],
    ['an AUDIENCE with a blank', { AUDIENCE: 'two words' }, 'AUDIENCE'],
    ['legacy secrets that are no object', { LEGACY_TOKEN_SECRETS: '["a"]' }, 'LEGACY_TOKEN_SECRETS'],
    [
      'a legacy secret of 15 bytes',
      { LEGACY_TOKEN_SECRETS: '{"personnel":"k3Yp0Qx7vT9mZr2"}' },
      'LEGACY_TOKEN_SECRETS',
    ],
    ['an unknown contract', { LEGACY_TOKEN_SECRETS: '{"none":"k3Yp0Qx7vT9mZr2LwB"}' }, 'LEGACY_TOKEN_SECRETS'],
    [
      'JWT_SECRET as a legacy secret',
      { LEGACY_TOKEN_SECRETS: JSON.stringify({ personnel: testEnv.JWT_SECRET }) },
      'LEGACY_TOKEN_SECRETS',
    ],
  ])('serves nothing with %s, and does not print the value', async (_, variables, name) => {
    for (const path of ['/v1/me', '/health', '/.well-known/jwks.json']) {
      const { status, body, text } = await call(path, { env: variables, host: 'usher.example' })
      expect([path, status]).toEqual([path, 503])
      expect(body.problems.join(' ')).toContain(name)
      for (const value of [signing.jwk.x, signing.jwk.d, 'k3Yp0Qx7', 'secret-text', 'two words']) {
        expect(text).not.toContain(value)
      }
    }
  })
})

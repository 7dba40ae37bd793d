/**
 * Tokens that must never be accepted as access tokens, from the best practices for JWTs (RFC 8725) and other sources. Each algorithm has
 * its own list, because the genuine tokens differ.
 */
import { newSigningKey, publicPart, type Jwk } from './token-keys'
import { testEnv, type Call } from './usher'

type Json = Record<string, unknown>
type Key = string | Uint8Array<ArrayBuffer>

/** The signature of access tokens for one algorithm, and its differences in the claims. */
export interface Scheme {
  alg: 'HS256' | 'ES256'
  typ: string
  /** The variables with which Usher issues such tokens. */
  env: NonNullable<Call['env']>
  /** Signs the first two parts with Usher's own key. */
  seal: (body: string) => Promise<string>
  /** The claim that names the user. */
  subject: 'user_id' | 'sub'
  issuer: string
  audience: string
  /** The variables during and after a rotation to another key. */
  rotation: { during: NonNullable<Call['env']>; after: NonNullable<Call['env']> }
  /** Forgeries that only concern this algorithm. */
  ownForgeries: Record<string, Make>
}

/** The parts of a genuine token, and the other tokens of its owner and of another user. */
export interface Genuine {
  scheme: Scheme
  header: Json
  claims: Json
  raw: { header: string; claims: string; signature: string }
  refreshToken: string
  other: { userId: string; sessionId: string }
}

type Make = (genuine: Genuine) => string | Promise<string>

const secret = String(testEnv.JWT_SECRET)
const now = Math.floor(Date.now() / 1000)

const utf8 = (text: string) => new TextEncoder().encode(text)
const encoded = (bytes: ArrayBuffer | Uint8Array) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
const decoded = (text: string) => atob(text.replaceAll('-', '+').replaceAll('_', '/'))

/** One part of a token. Text and bytes are used unchanged. Any other value becomes JSON. */
function part(value: unknown): string {
  if (value instanceof Uint8Array) return encoded(value)
  return encoded(utf8(typeof value === 'string' ? value : JSON.stringify(value)))
}

/** Signs with HMAC, whatever the header says. */
async function maced(header: unknown, claims: unknown, key: Key, hash = 'SHA-256'): Promise<string> {
  const bytes = typeof key === 'string' ? utf8(key) : key
  const imported = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash }, false, ['sign'])
  const body = `${part(header)}.${part(claims)}`
  return `${body}.${encoded(await crypto.subtle.sign('HMAC', imported, utf8(body)))}`
}

/** Signs with ECDSA, whatever the header says. */
async function ecSigned(header: unknown, claims: unknown, jwk: Jwk, hash = 'SHA-256'): Promise<string> {
  const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
  const body = `${part(header)}.${part(claims)}`
  return `${body}.${encoded(await crypto.subtle.sign({ name: 'ECDSA', hash }, key, utf8(body)))}`
}

/** A token with any header and claims, signed with Usher's own key of this scheme. */
export function signed({ seal }: Scheme, header: unknown, claims: unknown): Promise<string> {
  return seal(`${part(header)}.${part(claims)}`)
}

/** An HS256 token with any header and claims, signed with any secret. */
export const signedWith = (key: string, { header, claims }: Genuine) => maced(header, claims, key)

/** Splits `accessToken` into its parts. */
export function genuineTokenFrom(
  accessToken: string,
  others: Pick<Genuine, 'scheme' | 'refreshToken' | 'other'>,
): Genuine {
  const [header, claims, signature] = accessToken.split('.') as [string, string, string]
  return { ...others, raw: { header, claims, signature }, header: read(header), claims: read(claims) }
}

export const read = (text: string) => JSON.parse(decoded(text)) as Json

const without = (object: Json, name: string) =>
  Object.fromEntries(Object.entries(object).filter(([other]) => other !== name))

const resigned = (token: Genuine, header: unknown, claims: unknown) => signed(token.scheme, header, claims)

const withHeader =
  (change: Json): Make =>
  (token) =>
    resigned(token, { ...token.header, ...change }, token.claims)
const withClaims =
  (change: Json): Make =>
  (token) =>
    resigned(token, token.header, { ...token.claims, ...change })
const withKey =
  (key: Key, hash?: string): Make =>
  (token) =>
    maced(token.header, token.claims, key, hash)

/** One forgery for each value, named after the value. */
function each<Value>(name: string, values: readonly Value[], make: (value: Value) => Make): Record<string, Make> {
  return Object.fromEntries(values.map((value) => [`${name} ${JSON.stringify(value)}`, make(value)]))
}

const nones = ['none', 'None', 'NONE', 'nOnE', '']

const otherNames = ['hs256', 'HS256 ', 'HS256', 'HS512', 'RS256', 'ES256', 'ES384', 'PS256', 'EdDSA', 'dir']

const otherAlgorithms = ({ alg: own }: Scheme): Record<string, Make> => ({
  ...each('no signature, and alg', nones, (alg) => (token) => `${part({ ...token.header, alg })}.${token.raw.claims}.`),
  ...each('the signature of another header, and alg', nones, (alg) => (token) => {
    return `${part({ ...token.header, alg })}.${token.raw.claims}.${token.raw.signature}`
  }),
  ...each('alg', [...nones, ...otherNames.filter((alg) => alg !== own)], (alg) => withHeader({ alg })),
  ...each('alg', [null, 256, true, [own], { name: own }], (alg) => withHeader({ alg })),
  'no alg': (token) => resigned(token, without(token.header, 'alg'), token.claims),
  'HS384, truly': (token) => maced({ ...token.header, alg: 'HS384' }, token.claims, secret, 'SHA-384'),
  'HS512, truly': (token) => maced({ ...token.header, alg: 'HS512' }, token.claims, secret, 'SHA-512'),
  'HS512 under its own name': withKey(secret, 'SHA-512'),
})

const kids = ['another', '../../../../dev/null', "x' UNION SELECT 'key' --", 'https://evil.example/key', '__proto__']

const otherKeys: Record<string, Make> = {
  ...each('the key', ['\0', 'secret', 'undefined', 'null', 'your-256-bit-secret'], (key) => withKey(key)),
  'another secret': withKey('Zt8Kq1Lw5Xr0Vn7Bd3Hs9Jf2Gm6Pc4Ty8Ua1Ei5Ro'),
  'the secret and one letter more': withKey(`${secret}x`),
  'the secret in lower case': withKey(secret.toLowerCase()),
  'the secret as if it were base64': withKey(Uint8Array.from(decoded(secret), (byte) => byte.charCodeAt(0))),
  'the name of the key for a key': (token) => maced(token.header, token.claims, String(token.header['kid'])),
  'the header for a key': (token) => maced(token.header, token.claims, token.raw.header),
  'a key it brings along': (token) =>
    maced({ ...token.header, jwk: { kty: 'oct', k: part('brought') } }, token.claims, 'brought'),
  ...each('for a key kid', kids, (kid) => (token) => maced({ ...token.header, kid }, token.claims, kid)),
  ...each('kid', ['', null, 0, true, [], {}, ...kids], (kid) => withHeader({ kid })),
  'no kid': (token) => resigned(token, without(token.header, 'kid'), token.claims),
}

const otherHeaders = ({ alg, typ: own }: Scheme): Record<string, Make> => ({
  'a critical extension': withHeader({ crit: ['exp'] }),
  'claims that need no decoding': withHeader({ b64: false, crit: ['b64'] }),
  compression: withHeader({ zip: 'DEF' }),
  'a token within': withHeader({ cty: 'JWT' }),
  'a key in the header': withHeader({ jwk: { kty: 'oct', k: 'AAAA' } }),
  'the address of a key': withHeader({ jku: 'https://evil.example/keys' }),
  'the address of a certificate': withHeader({ x5u: 'https://evil.example/certificate' }),
  'a certificate': withHeader({ x5c: ['AAAA'] }),
  ...each(
    'typ',
    ['at+jwt', 'JWT', 'jwt', 'at+JWT', 'JOSE', '', null].filter((typ) => typ !== own),
    (typ) => withHeader({ typ }),
  ),
  'no typ': (token) => resigned(token, without(token.header, 'typ'), token.claims),
  ...each('the header', ['', 'null', '[]', '"HS256"', '{', '{}', '7'], (text) => (token) => {
    return resigned(token, text, token.claims)
  }),
  'a header that says alg twice': (token) =>
    resigned(
      token,
      `{"alg":"${alg}","typ":"${own}","kid":"${String(token.header['kid'])}","alg":"none"}`,
      token.claims,
    ),
  'a byte order mark before the header': (token) =>
    resigned(token, `\ufeff${JSON.stringify(token.header)}`, token.claims),
})

const required = ['exp', 'iat', 'iss', 'aud', 'sid']
const otherThan = (name: string) => [
  'someone',
  name.toUpperCase(),
  `${name} `,
  null,
  [name],
  [name, 'someone'],
  { [name]: true },
]
const ids = ['019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66', '', "' OR 1=1 --", '%', 1, null, true, [], {}]

const otherClaims = ({ subject, issuer, audience }: Scheme): Record<string, Make> => ({
  ...each(
    'without',
    [...required, subject],
    (name) => (token) => resigned(token, token.header, without(token.claims, name)),
  ),
  ...each('exp, seconds from now', [0, -1, -900], (seconds) => withClaims({ exp: now + seconds })),
  ...each('exp', [0, -1, 1e308, null, true, {}], (exp) => withClaims({ exp })),
  'exp as text': withClaims({ exp: `${now + 900}` }),
  'exp in a list': withClaims({ exp: [now + 900] }),
  'exp beyond all numbers': (token) =>
    resigned(token, token.header, JSON.stringify(token.claims).replace(/"exp":\d+/, '"exp":1e999')),
  ...each('iat, seconds from now', [120, 3600], (seconds) => withClaims({ iat: now + seconds })),
  ...each('iat', ['1', null, [1]], (iat) => withClaims({ iat })),
  ...each('nbf, seconds from now', [120, 3600], (seconds) => withClaims({ nbf: now + seconds })),
  ...each('nbf', [1e308, 'soon', null, [0]], (nbf) => withClaims({ nbf })),
  ...each('iss', [...otherThan(issuer), 'https://evil.example'], (iss) => withClaims({ iss })),
  ...each('aud', otherThan(audience), (aud) => withClaims({ aud })),
  ...each(subject, ids, (id) => withClaims({ [subject]: id })),
  ...each('sid', ids, (sid) => withClaims({ sid })),
  'the session of somebody else': (token) =>
    resigned(token, token.header, { ...token.claims, sid: token.other.sessionId }),
  'somebody else on the session': (token) =>
    resigned(token, token.header, { ...token.claims, [subject]: token.other.userId }),
  'the user in capitals': (token) =>
    resigned(token, token.header, { ...token.claims, [subject]: String(token.claims[subject]).toUpperCase() }),
  ...each('the claims', ['', 'null', '[]', '"claims"', '7', '{', 'true'], (text) => (token) => {
    return resigned(token, token.header, text)
  }),
  'the claims in a list': (token) => resigned(token, token.header, [token.claims]),
  'a byte order mark before the claims': (token) =>
    resigned(token, token.header, `\ufeff${JSON.stringify(token.claims)}`),
  'claims that are not UTF-8': (token) => {
    const [head = '', tail = ''] = JSON.stringify({ ...token.claims, note: '|' }).split('|')
    return resigned(token, token.header, Uint8Array.from([...utf8(head), 0xff, ...utf8(tail)]))
  },
})

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const otherSpellings: Record<string, Make> = {
  'claims changed under the signature': ({ raw, claims }) =>
    `${raw.header}.${part({ ...claims, role_name: 'owner', roles: ['owner'] })}.${raw.signature}`,
  'a header changed under the signature': ({ raw, header }) =>
    `${part({ ...header, more: 1 })}.${raw.claims}.${raw.signature}`,
  'two parts': ({ raw }) => `${raw.header}.${raw.claims}`,
  'an empty signature': ({ raw }) => `${raw.header}.${raw.claims}.`,
  'an empty header': ({ raw }) => `.${raw.claims}.${raw.signature}`,
  'empty claims': ({ raw }) => `${raw.header}..${raw.signature}`,
  'a fourth part': ({ raw }) => `${raw.header}.${raw.claims}.${raw.signature}.`,
  'the five parts of an encrypted token': ({ raw }) =>
    `${raw.header}.${raw.claims}.${raw.claims}.${raw.claims}.${raw.signature}`,
  'half a signature': ({ raw }) => `${raw.header}.${raw.claims}.${raw.signature.slice(0, 22)}`,
  'a longer signature': ({ raw }) => `${raw.header}.${raw.claims}.${raw.signature}AAAA`,
  'a padded signature': ({ raw }) => `${raw.header}.${raw.claims}.${raw.signature}=`,
  'the same signature otherwise spelt': ({ raw }) => {
    const next = alphabet[alphabet.indexOf(raw.signature.at(-1) as string) + 1] as string
    return `${raw.header}.${raw.claims}.${raw.signature.slice(0, -1)}${next}`
  },
  'a padded header': ({ raw, scheme }) => scheme.seal(`${raw.header}=.${raw.claims}`),
  'base64 that is not for URLs': ({ raw, claims, scheme }) =>
    scheme.seal(
      `${raw.header}.${part({ ...claims, note: '???>>>' })
        .replaceAll('_', '/')
        .replaceAll('-', '+')}`,
    ),
  'a great length': (token) => resigned(token, token.header, { ...token.claims, note: 'x'.repeat(8000) }),
  'JSON instead of dots': ({ raw }) =>
    JSON.stringify({ protected: raw.header, payload: raw.claims, signature: raw.signature }),
}

const otherThings: Record<string, Make> = {
  'a refresh token': ({ refreshToken }) => refreshToken,
  'the id of a session': ({ claims }) => String(claims['sid']),
  'the id of a user': ({ claims, scheme }) => String(claims[scheme.subject]),
  'the secret itself': () => secret,
  'an API key never made': () => `usk_${'A'.repeat(49)}`,
  ...each('the word', ['', 'null', 'undefined', 'true', '{}', '..', '...', 'usk_', 'a.b.c'], (word) => () => word),
}

export const forgeriesOf = (scheme: Scheme): [what: string, make: Make][] =>
  Object.entries({
    ...otherAlgorithms(scheme),
    ...otherKeys,
    ...otherHeaders(scheme),
    ...otherClaims(scheme),
    ...otherSpellings,
    ...otherThings,
    ...scheme.ownForgeries,
  })

const nextSecret = 'Zt8Kq1Lw5Xr0Vn7Bd3Hs9Jf2Gm6Pc4Ty8Ua1Ei5Ro'

const own: Scheme = {
  alg: 'HS256',
  typ: 'JWT',
  env: { SIGNING_KEY: '' },
  seal: async (body) => {
    const key = await crypto.subtle.importKey('raw', utf8(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
    return `${body}.${encoded(await crypto.subtle.sign('HMAC', key, utf8(body)))}`
  },
  subject: 'user_id',
  issuer: 'usher',
  audience: 'usher',
  rotation: {
    during: { JWT_SECRET: nextSecret, JWT_SECRET_PREVIOUS: secret },
    after: { JWT_SECRET: nextSecret },
  },
  ownForgeries: {
    'without "token_type"': (token) => resigned(token, token.header, without(token.claims, 'token_type')),
    ...each('token_type', ['refresh', 'id', 'ACCESS', null, ['access']], (token_type) => withClaims({ token_type })),
  },
}

const signingKey = await newSigningKey()
const stranger = await newSigningKey()
const publicKey = publicPart(signingKey.jwk)
const asHs256 = (key: string): Make => {
  return ({ header, claims }) => maced({ ...header, alg: 'HS256' }, claims, key)
}

const published: Scheme = {
  alg: 'ES256',
  typ: 'at+jwt',
  env: { SIGNING_KEY: signingKey.text, ISSUER: 'https://usher.example', AUDIENCE: 'orders' },
  seal: async (body) => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
    const key = await crypto.subtle.importKey('jwk', signingKey.jwk, algorithm, false, ['sign'])
    return `${body}.${encoded(await crypto.subtle.sign(algorithm, key, utf8(body)))}`
  },
  subject: 'sub',
  issuer: 'https://usher.example',
  audience: 'orders',
  rotation: {
    during: { SIGNING_KEY: stranger.text, SIGNING_KEY_PREVIOUS: publicKey },
    after: { SIGNING_KEY: stranger.text },
  },
  ownForgeries: {
    'the key of a stranger': ({ header, claims }) => ecSigned(header, claims, stranger.jwk),
    'SHA-384 under its own name': ({ header, claims }) => ecSigned(header, claims, signingKey.jwk, 'SHA-384'),
    'the secret of other tokens': withKey(secret),
    'HS256 and the public key as a secret': asHs256(publicKey),
    'HS256 and the published key set as a secret': async (token) => {
      const key = { ...(JSON.parse(publicKey) as Json), alg: 'ES256', use: 'sig', kid: token.header['kid'] }
      return maced({ ...token.header, alg: 'HS256' }, token.claims, JSON.stringify({ keys: [key] }))
    },
    'HS256 and a coordinate as a secret': asHs256(signingKey.jwk.x),
    'HS256 and the secret of other tokens': asHs256(secret),
    ...each('iss', ['usher'], (iss) => withClaims({ iss })),
    ...each('aud', ['usher'], (aud) => withClaims({ aud })),
    'the claims of other tokens': (token) => {
      const { sub: user_id, sid, exp, iat } = token.claims
      const claims = { user_id, sid, exp, iat, token_type: 'access', iss: 'usher', aud: 'usher' }
      return resigned(token, token.header, claims)
    },
    'a signature of zeros': ({ raw }) => `${raw.header}.${raw.claims}.${'A'.repeat(86)}`,
    'half of a signature': ({ raw }) => `${raw.header}.${raw.claims}.${raw.signature.slice(0, 43)}`,
  },
}

export const schemes: readonly Scheme[] = [own, published]

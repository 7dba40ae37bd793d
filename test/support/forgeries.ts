/**
 * Tokens that must never be accepted as access tokens, from the best practices for JWTs (RFC 8725) and other sources.
 */
import { testEnv } from './usher'

type Json = Record<string, unknown>
type Key = string | Uint8Array<ArrayBuffer>

/** A genuine token taken apart, and the other tokens that its owner and another user have. */
export interface Genuine {
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

async function mac(body: string, key: Key = secret, hash = 'SHA-256'): Promise<string> {
  const bytes = typeof key === 'string' ? utf8(key) : key
  const imported = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash }, false, ['sign'])
  return encoded(await crypto.subtle.sign('HMAC', imported, utf8(body)))
}

async function sealed(body: string, key?: Key, hash?: string): Promise<string> {
  return `${body}.${await mac(body, key, hash)}`
}

/** A token with any header and claims, signed with any key. The default is the Worker's own key. */
export function signed(header: unknown, claims: unknown, key?: Key, hash?: string): Promise<string> {
  return sealed(`${part(header)}.${part(claims)}`, key, hash)
}

/** The genuine token behind `accessToken`, taken apart. */
export function takenApart(accessToken: string, beside: Pick<Genuine, 'refreshToken' | 'other'>): Genuine {
  const [header, claims, signature] = accessToken.split('.') as [string, string, string]
  return { ...beside, raw: { header, claims, signature }, header: read(header), claims: read(claims) }
}

export const read = (text: string) => JSON.parse(decoded(text)) as Json

const without = (object: Json, name: string) =>
  Object.fromEntries(Object.entries(object).filter(([other]) => other !== name))

const withHeader =
  (change: Json): Make =>
  (token) =>
    signed({ ...token.header, ...change }, token.claims)
const withClaims =
  (change: Json): Make =>
  (token) =>
    signed(token.header, { ...token.claims, ...change })
const withKey =
  (key: Key, hash?: string): Make =>
  (token) =>
    signed(token.header, token.claims, key, hash)

/** One forgery for each value, named after the value. */
function each<Value>(name: string, values: readonly Value[], make: (value: Value) => Make): Record<string, Make> {
  return Object.fromEntries(values.map((value) => [`${name} ${JSON.stringify(value)}`, make(value)]))
}

const nones = ['none', 'None', 'NONE', 'nOnE', '']

const otherAlgorithms: Record<string, Make> = {
  ...each('no signature, and alg', nones, (alg) => (token) => `${part({ ...token.header, alg })}.${token.raw.claims}.`),
  ...each('the signature of another header, and alg', nones, (alg) => (token) => {
    return `${part({ ...token.header, alg })}.${token.raw.claims}.${token.raw.signature}`
  }),
  ...each('alg', [...nones, 'hs256', 'HS256 ', 'HS512', 'RS256', 'ES256', 'PS256', 'EdDSA', 'dir'], (alg) =>
    withHeader({ alg }),
  ),
  ...each('alg', [null, 256, true, ['HS256'], { name: 'HS256' }], (alg) => withHeader({ alg })),
  'no alg': (token) => signed(without(token.header, 'alg'), token.claims),
  'HS384, truly': (token) => signed({ ...token.header, alg: 'HS384' }, token.claims, secret, 'SHA-384'),
  'HS512, truly': (token) => signed({ ...token.header, alg: 'HS512' }, token.claims, secret, 'SHA-512'),
  'HS512 under the name of HS256': withKey(secret, 'SHA-512'),
}

const kids = ['another', '../../../../dev/null', "x' UNION SELECT 'key' --", 'https://evil.example/key', '__proto__']

const otherKeys: Record<string, Make> = {
  ...each('the key', ['\0', 'secret', 'undefined', 'null', 'your-256-bit-secret'], (key) => withKey(key)),
  'another secret': withKey('Zt8Kq1Lw5Xr0Vn7Bd3Hs9Jf2Gm6Pc4Ty8Ua1Ei5Ro'),
  'the secret and one letter more': withKey(`${secret}x`),
  'the secret in lower case': withKey(secret.toLowerCase()),
  'the secret as if it were base64': withKey(Uint8Array.from(decoded(secret), (byte) => byte.charCodeAt(0))),
  'the name of the key for a key': (token) => signed(token.header, token.claims, String(token.header['kid'])),
  'the header for a key': (token) => signed(token.header, token.claims, token.raw.header),
  'a key it brings along': (token) =>
    signed({ ...token.header, jwk: { kty: 'oct', k: part('brought') } }, token.claims, 'brought'),
  ...each('for a key kid', kids, (kid) => (token) => signed({ ...token.header, kid }, token.claims, kid)),
  ...each('kid', ['', null, 0, true, [], {}, ...kids], (kid) => withHeader({ kid })),
  'no kid': (token) => signed(without(token.header, 'kid'), token.claims),
}

const otherHeaders: Record<string, Make> = {
  'a critical extension': withHeader({ crit: ['exp'] }),
  'claims that need no decoding': withHeader({ b64: false, crit: ['b64'] }),
  compression: withHeader({ zip: 'DEF' }),
  'a token within': withHeader({ cty: 'JWT' }),
  'a key in the header': withHeader({ jwk: { kty: 'oct', k: 'AAAA' } }),
  'the address of a key': withHeader({ jku: 'https://evil.example/keys' }),
  'the address of a certificate': withHeader({ x5u: 'https://evil.example/certificate' }),
  'a certificate': withHeader({ x5c: ['AAAA'] }),
  ...each('typ', ['at+jwt', 'jwt', 'JOSE', '', null], (typ) => withHeader({ typ })),
  'no typ': (token) => signed(without(token.header, 'typ'), token.claims),
  ...each('the header', ['', 'null', '[]', '"HS256"', '{', '{}', '7'], (text) => (token) => signed(text, token.claims)),
  'a header that says alg twice': (token) =>
    signed(`{"alg":"HS256","typ":"JWT","kid":"${String(token.header['kid'])}","alg":"none"}`, token.claims),
  'a byte order mark before the header': (token) => signed(`\ufeff${JSON.stringify(token.header)}`, token.claims),
}

const required = ['exp', 'iat', 'iss', 'aud', 'sid', 'user_id', 'token_type']
const names = ['someone', 'USHER', 'usher ', null, ['usher'], ['usher', 'someone'], { usher: true }]
const ids = ['019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66', '', "' OR 1=1 --", '%', 1, null, true, [], {}]

const otherClaims: Record<string, Make> = {
  ...each('without', required, (name) => (token) => signed(token.header, without(token.claims, name))),
  ...each('exp, seconds from now', [0, -1, -900], (seconds) => withClaims({ exp: now + seconds })),
  ...each('exp', [0, -1, null, true, {}], (exp) => withClaims({ exp })),
  'exp as text': withClaims({ exp: `${now + 900}` }),
  'exp in a list': withClaims({ exp: [now + 900] }),
  'exp beyond all numbers': (token) =>
    signed(token.header, JSON.stringify(token.claims).replace(/"exp":\d+/, '"exp":1e999')),
  ...each('iat, seconds from now', [120, 3600], (seconds) => withClaims({ iat: now + seconds })),
  ...each('iat', ['1', null, [1]], (iat) => withClaims({ iat })),
  ...each('nbf, seconds from now', [120, 3600], (seconds) => withClaims({ nbf: now + seconds })),
  ...each('nbf', [1e308, 'soon', null, [0]], (nbf) => withClaims({ nbf })),
  ...each('iss', names, (iss) => withClaims({ iss })),
  ...each('aud', names, (aud) => withClaims({ aud })),
  ...each('token_type', ['refresh', 'id', 'ACCESS', null, ['access']], (token_type) => withClaims({ token_type })),
  ...each('user_id', ids, (user_id) => withClaims({ user_id })),
  ...each('sid', ids, (sid) => withClaims({ sid })),
  'the session of somebody else': (token) => signed(token.header, { ...token.claims, sid: token.other.sessionId }),
  'somebody else on the session': (token) => signed(token.header, { ...token.claims, user_id: token.other.userId }),
  'the user in capitals': (token) =>
    signed(token.header, { ...token.claims, user_id: String(token.claims['user_id']).toUpperCase() }),
  ...each('the claims', ['', 'null', '[]', '"claims"', '7', '{', 'true'], (text) => (token) => {
    return signed(token.header, text)
  }),
  'the claims in a list': (token) => signed(token.header, [token.claims]),
  'a byte order mark before the claims': (token) => signed(token.header, `\ufeff${JSON.stringify(token.claims)}`),
  'claims that are not UTF-8': (token) => {
    const [head = '', tail = ''] = JSON.stringify({ ...token.claims, note: '|' }).split('|')
    return signed(token.header, Uint8Array.from([...utf8(head), 0xff, ...utf8(tail)]))
  },
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const otherSpellings: Record<string, Make> = {
  'claims changed under the signature': ({ raw, claims }) =>
    `${raw.header}.${part({ ...claims, role_name: 'owner' })}.${raw.signature}`,
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
  'a padded header': ({ raw }) => sealed(`${raw.header}=.${raw.claims}`),
  'base64 that is not for URLs': ({ raw, claims }) =>
    sealed(
      `${raw.header}.${part({ ...claims, note: '???>>>' })
        .replaceAll('_', '/')
        .replaceAll('-', '+')}`,
    ),
  'a great length': ({ header, claims }) => signed(header, { ...claims, note: 'x'.repeat(8000) }),
  'JSON instead of dots': ({ raw }) =>
    JSON.stringify({ protected: raw.header, payload: raw.claims, signature: raw.signature }),
}

const otherThings: Record<string, Make> = {
  'a refresh token': ({ refreshToken }) => refreshToken,
  'the id of a session': ({ claims }) => String(claims['sid']),
  'the id of a user': ({ claims }) => String(claims['user_id']),
  'the secret itself': () => secret,
  'an API key never made': () => `usk_${'A'.repeat(49)}`,
  ...each('the word', ['', 'null', 'undefined', 'true', '{}', '..', '...', 'usk_', 'a.b.c'], (word) => () => word),
}

export const forgeries: [what: string, make: Make][] = Object.entries({
  ...otherAlgorithms,
  ...otherKeys,
  ...otherHeaders,
  ...otherClaims,
  ...otherSpellings,
  ...otherThings,
})

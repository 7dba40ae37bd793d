/**
 * Bindings and variables, checked once. With an invalid configuration the Worker does not serve, and names the wrong
 * variable.
 */
import type { Settings } from './core/access/caller'
import type { Upstream } from './core/sign-in/upstreams'
import { parseWebhookUrl } from './core/webhooks/webhooks'
import { parseRetirements, type Retirement } from './http/deployment/retirements'
import { parseHost } from './http/deployment/hosts'

export interface Env {
  DB: D1Database
  /** The files of assets/. */
  ASSETS: Fetcher
  PRINCIPAL_LIMITER: RateLimit
  PROVISIONING_LIMITER: RateLimit
  CLIENT_LIMITER: RateLimit
  SIGN_IN_LIMITER: RateLimit
  VERSION?: WorkerVersionMetadata
  JWT_SECRET?: string
  JWT_SECRET_PREVIOUS?: string
  BOOTSTRAP_ADMIN_EMAIL?: string
  BOOTSTRAP_ADMIN_PASSWORD?: string
  CONTRACT_HOSTS?: string
  ACCESS_TOKEN_TTL_SECONDS?: string
  PASSWORD_MIN_LENGTH?: string
  PASSWORD_ROUNDS?: string
  SESSION_MAX_DAYS?: string
  RATE_LIMIT?: string
  SERVER_TIMING?: string
  CORS_ORIGINS?: string
  REQUEST_LOG?: string
  AUDIT_RETENTION_DAYS?: string
  USAGE?: string
  USAGE_RETENTION_DAYS?: string
  UPSTREAMS?: string
  RETIREMENTS?: string
  SIGNING_KEY?: string
  SIGNING_KEY_NEXT?: string
  SIGNING_KEY_PREVIOUS?: string
  LEGACY_TOKEN_SECRETS?: string
  ISSUER?: string
  AUDIENCE?: string
  CONSOLE?: string
}

/** An ES256 key. Without `d`, it only verifies. */
export interface SigningKey {
  name: 'SIGNING_KEY' | 'SIGNING_KEY_NEXT' | 'SIGNING_KEY_PREVIOUS'
  jwk: { kty: 'EC'; crv: 'P-256'; x: string; y: string; d?: string | undefined }
}

/** The secret with which the services behind an old API verify its tokens. */
export interface LegacySecret {
  secret: string
  kid: string | undefined
}

export interface Configuration extends Settings {
  /** Maps a host name to a contract's name. */
  contractHosts: ReadonlyMap<string, string>
  /** For contracts whose clients refresh tokens. */
  accessTokenSeconds: number
  rateLimited: boolean
  serverTiming: boolean
  corsOrigins: readonly string[]
  logsRequests: boolean
  /** SIGNING_KEY is the first, if it is set. */
  signingKeys: readonly SigningKey[]
  /** By contract. */
  legacySecrets: ReadonlyMap<string, LegacySecret>
  /** The `iss` of published tokens. Undefined means the origin of each request. */
  issuer: string | undefined
  /** The `aud` of published tokens. */
  audience: string
  /** Undefined when audit events are kept indefinitely. */
  auditRetentionDays: number | undefined
  recordsUsage: boolean
  usageRetentionDays: number
  /** Retirements by contract name. */
  retirements: ReadonlyMap<string, Retirement>
  /** Whether the console is served. */
  servesConsole: boolean
}

/** Each problem names its variable and never contains a value. */
export class Misconfigured extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join(' '))
  }
}

const checked = new WeakMap<Env, Configuration | Misconfigured>()

/** Throws Misconfigured. */
export function configurationOf(env: Env): Configuration {
  let outcome = checked.get(env)
  if (!outcome) checked.set(env, (outcome = check(env)))
  if (outcome instanceof Misconfigured) throw outcome
  return outcome
}

function check(env: Env): Configuration | Misconfigured {
  const problems: string[] = []
  const secrets = [env.JWT_SECRET, env.JWT_SECRET_PREVIOUS].filter(
    (secret): secret is string => secret !== undefined && secret !== '',
  )
  if (!env.JWT_SECRET) problems.push('JWT_SECRET is missing.')
  for (const [index, secret] of secrets.entries()) {
    const name = index === 0 && env.JWT_SECRET ? 'JWT_SECRET' : 'JWT_SECRET_PREVIOUS'
    if (new TextEncoder().encode(secret).length < 32) problems.push(`${name} is shorter than 32 bytes.`)
    else if (isPlaceholder(secret)) problems.push(`${name} is a placeholder: generate a random one.`)
  }

  const number = (
    name:
      | 'ACCESS_TOKEN_TTL_SECONDS'
      | 'PASSWORD_MIN_LENGTH'
      | 'PASSWORD_ROUNDS'
      | 'SESSION_MAX_DAYS'
      | 'AUDIT_RETENTION_DAYS'
      | 'USAGE_RETENTION_DAYS',
    otherwise: number,
    min: number,
    max: number,
  ) => {
    const text = env[name]
    if (text === undefined || text === '') return otherwise
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN
    if (!(value >= min && value <= max)) problems.push(`${name} must be a whole number from ${min} to ${max}.`)
    return value
  }
  const onOff = (name: 'RATE_LIMIT' | 'SERVER_TIMING' | 'REQUEST_LOG' | 'USAGE' | 'CONSOLE', otherwise: boolean) => {
    const text = env[name]
    if (text === undefined || text === '') return otherwise
    if (text !== 'on' && text !== 'off') problems.push(`${name} must be "on" or "off".`)
    return text === 'on'
  }

  const firstAdmin = { email: env.BOOTSTRAP_ADMIN_EMAIL ?? '', password: env.BOOTSTRAP_ADMIN_PASSWORD ?? '' }
  const accessTokenSeconds = number('ACCESS_TOKEN_TTL_SECONDS', 900, 1, 86_400)
  const signingKeys = signingKeysIn(env, problems)
  if (signingKeys.length > 0 && accessTokenSeconds > maxPublishedSeconds) {
    problems.push(
      `ACCESS_TOKEN_TTL_SECONDS must be at most ${maxPublishedSeconds} with a SIGNING_KEY, because services accept a token until it expires.`,
    )
  }
  const configuration = {
    contractHosts: contractHosts(env.CONTRACT_HOSTS, problems),
    upstreams: upstreams(env.UPSTREAMS, problems),
    accessTokenSeconds,
    signingKeys,
    legacySecrets: legacySecretsIn(env, secrets, problems),
    issuer: issuerIn(env, problems),
    audience: audienceIn(env, problems),
    passwordMinLength: number('PASSWORD_MIN_LENGTH', 8, 8, 128),
    passwordRounds: number('PASSWORD_ROUNDS', 6, 1, 100),
    sessionMaxSeconds: number('SESSION_MAX_DAYS', 90, 1, 36_500) * 86_400,
    rateLimited: onOff('RATE_LIMIT', true),
    serverTiming: onOff('SERVER_TIMING', false),
    corsOrigins: corsOrigins(env.CORS_ORIGINS, problems),
    logsRequests: onOff('REQUEST_LOG', true),
    auditRetentionDays: env.AUDIT_RETENTION_DAYS ? number('AUDIT_RETENTION_DAYS', 0, 1, 36_500) : undefined,
    recordsUsage: onOff('USAGE', true),
    usageRetentionDays: number('USAGE_RETENTION_DAYS', 400, 1, 36_500),
    retirements: parseRetirements(env.RETIREMENTS, problems),
    servesConsole: onOff('CONSOLE', true),
    firstAdmin: firstAdmin.email !== '' && firstAdmin.password !== '' ? firstAdmin : undefined,
  }
  if (problems.length > 0) return new Misconfigured(problems)
  return { ...configuration, jwtSecrets: secrets as [string, ...string[]] }
}

/** Other services cannot see that a session has ended, so a published token must expire soon. */
export const maxPublishedSeconds = 900

function signingKeysIn(env: Env, problems: string[]): SigningKey[] {
  const names = ['SIGNING_KEY', 'SIGNING_KEY_NEXT', 'SIGNING_KEY_PREVIOUS'] as const
  const keys = names.flatMap((name) => {
    if (!env[name]) return []
    const jwk = readJwk(env[name])
    if (jwk && (jwk.d !== undefined || name !== 'SIGNING_KEY')) return [{ name, jwk }]
    const kind = name === 'SIGNING_KEY' ? 'private JWK' : 'JWK'
    problems.push(`${name} must be a ${kind} of the curve P-256.`)
    return []
  })
  for (const [index, { name, jwk }] of keys.entries()) {
    const same = keys.slice(0, index).find((other) => other.jwk.x === jwk.x)
    if (same) problems.push(`${name} is the same key as ${same.name}.`)
  }
  if (env.SIGNING_KEY_NEXT && !env.SIGNING_KEY) problems.push('SIGNING_KEY_NEXT needs a SIGNING_KEY.')
  return keys
}

function readJwk(text: string): SigningKey['jwk'] | undefined {
  const value = jsonObjectIn(text)
  if (value?.['kty'] !== 'EC' || value['crv'] !== 'P-256') return undefined
  const { x, y, d } = value
  // 32 bytes as URL-safe base64. The last character holds two bits that must be zero.
  const isNumber = (member: unknown): member is string =>
    typeof member === 'string' && /^[\w-]{42}[AEIMQUYcgkosw048]$/.test(member)
  if (!isNumber(x) || !isNumber(y) || !(d === undefined || isNumber(d))) return undefined
  return { kty: 'EC', crv: 'P-256', x, y, d }
}

function jsonObjectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

const minLegacyBytes = 16

function legacySecretsIn(env: Env, own: readonly string[], problems: string[]): ReadonlyMap<string, LegacySecret> {
  const secrets = new Map<string, LegacySecret>()
  const value = jsonObjectIn(env.LEGACY_TOKEN_SECRETS || '{}')
  if (!value) problems.push('LEGACY_TOKEN_SECRETS must be a JSON object of contract to secret.')
  for (const [index, [contract, entry]] of Object.entries(value ?? {}).entries()) {
    const { secret, kid } = typeof entry === 'string' ? { secret: entry } : ((entry ?? {}) as Record<string, unknown>)
    const where = `LEGACY_TOKEN_SECRETS: secret ${index + 1}`
    if (typeof secret !== 'string' || !(kid === undefined || (typeof kid === 'string' && kid !== ''))) {
      problems.push(`${where} must be a text, or an object with a secret and a kid.`)
    } else if (new TextEncoder().encode(secret).length < minLegacyBytes) {
      problems.push(`${where} is shorter than ${minLegacyBytes} bytes.`)
    } else if (own.includes(secret)) {
      problems.push(`${where} is also a JWT_SECRET, which only Usher may know.`)
    } else secrets.set(contract, { secret, kid })
  }
  return secrets
}

function issuerIn(env: Env, problems: string[]): string | undefined {
  if (!env.ISSUER) return undefined
  const isOrigin = URL.canParse(env.ISSUER) && new URL(env.ISSUER).origin === env.ISSUER
  if (!isOrigin || !/^https?:/.test(env.ISSUER))
    problems.push('ISSUER must be an exact origin, such as https://usher.example.')
  return env.ISSUER
}

function audienceIn(env: Env, problems: string[]): string {
  const audience = env.AUDIENCE || 'usher'
  if (!/^[\x21-\x7e]{1,200}$/.test(audience))
    problems.push('AUDIENCE must be 1 to 200 ASCII characters without blanks.')
  return audience
}

/** Whether a secret comes from a tutorial, a template or the documentation of a product, or is clearly not random. */
function isPlaceholder(secret: string): boolean {
  const known =
    /(change|replace)[-_ ]?(me|this)|place[-_ ]?holder|your[-_ ]?(own[-_ ]?|super[-_ ]?|jwt[-_ ]?|256[-_ ]?bit[-_ ]?)*(secret|key)|a-string-secret|super[-_ ]?secret|secret[-_ ]?key|django-insecure|at-least-(32|256)|insert.*here|09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7/i
  return known.test(secret) || new Set(secret).size < 8
}

/** Returns the entries of a variable that holds a JSON object; undefined for any other text. */
function jsonEntries(text: string | undefined): [string, unknown][] | undefined {
  try {
    const value: unknown = JSON.parse(text || '{}')
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined
  } catch {
    return undefined
  }
}

function contractHosts(text: string | undefined, problems: string[]): ReadonlyMap<string, string> {
  const entries = jsonEntries(text)
  if (entries?.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
    return canonicalHosts(entries, problems)
  }
  problems.push('CONTRACT_HOSTS must be a JSON object of host name to contract.')
  return new Map()
}

/**
 * The names appear in rows of imports and in paths. The composition checks whether a contract has an original to ask.
 */
const upstreamName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

function upstreams(text: string | undefined, problems: string[]): ReadonlyMap<string, Upstream> {
  const found = new Map<string, Upstream>()
  const entries = jsonEntries(text)
  if (!entries) problems.push('UPSTREAMS must be a JSON object of name to upstream.')
  for (const [index, [name, value]] of (entries ?? []).entries()) {
    const upstream = toUpstream(value)
    const about = `UPSTREAMS: upstream ${index + 1}`
    if (!upstreamName.test(name)) {
      problems.push(`${about} must have a name of 1 to 64 letters, digits, dots, dashes and underscores.`)
    } else if (typeof upstream === 'string') problems.push(`${about} ${upstream}`)
    else found.set(name, upstream)
  }
  return found
}

function toUpstream(value: unknown): Upstream | string {
  const { url, contract, hook, ...others } = (value ?? {}) as Record<string, unknown>
  const isContract = typeof contract === 'string' && hook === undefined
  const isHook = hook === true && contract === undefined
  if (typeof value !== 'object' || Array.isArray(value) || (!isContract && !isHook) || Object.keys(others).length > 0) {
    return 'must have a url, and a contract or "hook": true, and nothing else.'
  }
  const parsed = typeof url === 'string' ? parseWebhookUrl(url) : undefined
  if (!parsed || !('value' in parsed)) {
    return 'must have an https URL (http for this machine), without credentials or a fragment.'
  }
  if (isContract && new URL(parsed.value).search !== '') return 'must have a URL without a query.'
  return { url: parsed.value, contract: isContract ? contract : undefined }
}

/** Refuses names that no request can have; otherwise their hosts would serve every contract. */
function canonicalHosts(entries: [string, string][], problems: string[]): ReadonlyMap<string, string> {
  const contracts = new Map<string, string>()
  for (const [index, [name, contract]] of entries.entries()) {
    const host = parseHost(name)
    if (host === undefined) {
      problems.push(`CONTRACT_HOSTS: name ${index + 1} is not a host name, such as people.example.org.`)
    } else if ((contracts.get(host) ?? contract) !== contract) {
      problems.push(`CONTRACT_HOSTS: name ${index + 1} is the same host as an earlier one, for another contract.`)
    } else contracts.set(host, contract)
  }
  return contracts
}

function corsOrigins(text: string | undefined, problems: string[]): string[] {
  const origins = (text ?? '')
    .split(',')
    .map((origin) => origin.trim())
    .filter((origin) => origin !== '')
  if (!origins.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin)) {
    problems.push('CORS_ORIGINS must be exact origins, separated by commas.')
  }
  return origins
}

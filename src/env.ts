/**
 * Bindings and variables, checked once. With an invalid configuration the Worker does not serve, and names the wrong
 * variable.
 */
import type { Settings } from './core/access/caller'
import type { Upstream } from './core/sign-in/upstreams'
import { parseWebhookUrl } from './core/webhooks/webhooks'
import { parseHost } from './http/deployment/hosts'

export interface Env {
  DB: D1Database
  /** The files of assets/. */
  ASSETS: Fetcher
  PRINCIPAL_LIMITER: RateLimit
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
  /** Undefined when audit events are kept indefinitely. */
  auditRetentionDays: number | undefined
  recordsUsage: boolean
  usageRetentionDays: number
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
  const onOff = (name: 'RATE_LIMIT' | 'SERVER_TIMING' | 'REQUEST_LOG' | 'USAGE', otherwise: boolean) => {
    const text = env[name]
    if (text === undefined || text === '') return otherwise
    if (text !== 'on' && text !== 'off') problems.push(`${name} must be "on" or "off".`)
    return text === 'on'
  }

  const firstAdmin = { email: env.BOOTSTRAP_ADMIN_EMAIL ?? '', password: env.BOOTSTRAP_ADMIN_PASSWORD ?? '' }
  const configuration = {
    contractHosts: contractHosts(env.CONTRACT_HOSTS, problems),
    upstreams: upstreams(env.UPSTREAMS, problems),
    accessTokenSeconds: number('ACCESS_TOKEN_TTL_SECONDS', 900, 1, 86_400),
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
    firstAdmin: firstAdmin.email !== '' && firstAdmin.password !== '' ? firstAdmin : undefined,
  }
  if (problems.length > 0) return new Misconfigured(problems)
  return { ...configuration, jwtSecrets: secrets as [string, ...string[]] }
}

/** Whether a secret comes from a tutorial, a template or the documentation of a product, or is clearly not random. */
function isPlaceholder(secret: string): boolean {
  const known =
    /(change|replace)[-_ ]?(me|this)|place[-_ ]?holder|your[-_ ]?(own[-_ ]?|super[-_ ]?|jwt[-_ ]?|256[-_ ]?bit[-_ ]?)*(secret|key)|a-string-secret|super[-_ ]?secret|secret[-_ ]?key|django-insecure|at-least-(32|256)|insert.*here|09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7/i
  return known.test(secret) || new Set(secret).size < 8
}

/** The entries of a variable that holds a JSON object; undefined where it holds anything else. */
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

/** Names stand in rows of imports and in paths. Whether a contract has an original to ask, the composition checks. */
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

/**
 * Bindings and variables, checked once. With an invalid configuration the Worker does not serve, and names the wrong
 * variable.
 */
import type { Settings } from './core/access/caller'
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

function contractHosts(text: string | undefined, problems: string[]): ReadonlyMap<string, string> {
  try {
    const hosts: unknown = JSON.parse(text || '{}')
    if (typeof hosts === 'object' && hosts !== null && !Array.isArray(hosts)) {
      const entries = Object.entries(hosts)
      if (entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
        return canonicalHosts(entries, problems)
      }
    }
  } catch {
    // Reported below, like JSON of a wrong shape.
  }
  problems.push('CONTRACT_HOSTS must be a JSON object of host name to contract.')
  return new Map()
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

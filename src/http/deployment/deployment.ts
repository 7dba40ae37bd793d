/** Describes a deployment: its bindings, and which variables are set. The value of a secret is never included. */
import type { Configuration, Env } from '../../env'

/** Each binding, with a method that identifies its type. */
const bindings = {
  DB: 'batch',
  ASSETS: 'fetch',
  PRINCIPAL_LIMITER: 'limit',
  PROVISIONING_LIMITER: 'limit',
  CLIENT_LIMITER: 'limit',
  SIGN_IN_LIMITER: 'limit',
} as const satisfies Partial<Record<keyof Env, string>>

export const bindingNames = Object.keys(bindings) as (keyof typeof bindings)[]

export const variableNames = [
  'JWT_SECRET',
  'JWT_SECRET_PREVIOUS',
  'BOOTSTRAP_ADMIN_EMAIL',
  'BOOTSTRAP_ADMIN_PASSWORD',
  'CONTRACT_HOSTS',
  'ACCESS_TOKEN_TTL_SECONDS',
  'PASSWORD_MIN_LENGTH',
  'PASSWORD_ROUNDS',
  'SESSION_MAX_DAYS',
  'RATE_LIMIT',
  'SERVER_TIMING',
  'CORS_ORIGINS',
  'REQUEST_LOG',
  'AUDIT_RETENTION_DAYS',
  'USAGE',
  'USAGE_RETENTION_DAYS',
  'UPSTREAMS',
  'RETIREMENTS',
  'SIGNING_KEY',
  'SIGNING_KEY_NEXT',
  'SIGNING_KEY_PREVIOUS',
  'LEGACY_TOKEN_SECRETS',
  'ISSUER',
  'AUDIENCE',
  'CONSOLE',
] as const satisfies readonly Exclude<keyof Env, keyof typeof bindings | 'VERSION'>[]

export interface Deployment {
  /** The version's id and upload time; undefined when the platform does not report them. */
  version: { id: string; uploadedAt: string } | undefined
  missingBindings: (typeof bindingNames)[number][]
  variables: (typeof variableNames)[number][]
  rateLimited: boolean
  serverTiming: boolean
  logsRequests: boolean
  recordsUsage: boolean
  usageRetentionDays: number
  retirements: Configuration['retirements']
  accessTokenSeconds: number
}

export function deploymentOf(env: Env, configuration: Configuration): Deployment {
  const { rateLimited, serverTiming, logsRequests, recordsUsage, usageRetentionDays, retirements, accessTokenSeconds } =
    configuration
  const isThere = (name: (typeof bindingNames)[number]) => {
    // At run time the binding may be absent, despite its type.
    const binding = env[name] as unknown as Record<string, unknown> | undefined
    return typeof binding?.[bindings[name]] === 'function'
  }
  const { id, timestamp } = env.VERSION ?? {}
  return {
    version: id && timestamp ? { id, uploadedAt: timestamp } : undefined,
    missingBindings: bindingNames.filter((name) => !isThere(name)),
    variables: variableNames.filter((name) => env[name]),
    rateLimited,
    serverTiming,
    logsRequests,
    recordsUsage,
    usageRetentionDays,
    retirements,
    accessTokenSeconds,
  }
}

/**
 * The platform's rate limiters, per 60 seconds: for a session or API key, for a client without a confirmed credential,
 * and for a client's sign-ins.
 */
import type { Configuration, Env } from '../../env'
import type { ContractTraits } from '../contract/contract-types'
import { Failed } from '../contract/failure'

/** The parts of a request's context that are needed here. */
interface Context {
  env: Env
  get(key: 'configuration'): Configuration
  get(key: 'contract'): Pick<ContractTraits, 'credentialLimiter'>
  req: { header(name: string): string | undefined }
}

const periodSeconds = 60

/** `key` is the session or API key, not its user. So a revoked credential cannot use up the allowance of another. */
export const limitCredential = (c: Context, key: string) =>
  limit(c, c.env[c.get('contract').credentialLimiter ?? 'PRINCIPAL_LIMITER'], key)
export const limitClient = (c: Context) => limit(c, c.env.CLIENT_LIMITER, clientOf(c))
export const limitSignIn = (c: Context) => limit(c, c.env.SIGN_IN_LIMITER, clientOf(c))

async function limit(c: Context, limiter: RateLimit, key: string): Promise<void> {
  if (!c.get('configuration').rateLimited) return
  const { success } = await limiter.limit({ key })
  if (!success) throw new Failed({ kind: 'rate_limited', retryAfterSeconds: periodSeconds })
}

/**
 * The client's address as Cloudflare reports it, which a client cannot forge. For IPv6 the /64, which one client owns.
 */
function clientOf(c: Context): string {
  const address = c.req.header('cf-connecting-ip') ?? 'unknown'
  if (!address.includes(':')) return address
  const [head = '', tail] = address.toLowerCase().split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - groups.length - after.length
  return [...groups, ...Array<string>(Math.max(zeros, 0)).fill('0'), ...after]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}

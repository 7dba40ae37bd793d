/**
 * The platform's rate limiters, per 60 seconds: requests of a session or API key, requests of a client without a credential that the
 * database confirmed, and sign-ins of a client.
 */
import type { Configuration, Env } from '../../env'
import { Failed } from '../contract/failure'

/** The part of a request's context that is read here. */
interface Context {
  env: Env
  var: { configuration: Configuration }
  req: { header(name: string): string | undefined }
}

const periodSeconds = 60

/** `key` is the session or API key, not its user: one that has ended uses up no other's allowance. */
export const limitCredential = (c: Context, key: string) => limit(c, c.env.PRINCIPAL_LIMITER, key)
export const limitClient = (c: Context) => limit(c, c.env.CLIENT_LIMITER, clientOf(c))
export const limitSignIn = (c: Context) => limit(c, c.env.SIGN_IN_LIMITER, clientOf(c))

async function limit(c: Context, limiter: RateLimit, key: string): Promise<void> {
  if (!c.var.configuration.rateLimited) return
  const { success } = await limiter.limit({ key })
  if (!success) throw new Failed({ kind: 'rate_limited', retryAfterSeconds: periodSeconds })
}

/** The address Cloudflare saw, and nothing a client can claim; of IPv6 the /64, which is what one client has. */
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

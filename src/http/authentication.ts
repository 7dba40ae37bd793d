/** Who asks: the spreads that say, in a route's definition, who may call it, and enforce it in the same words. */
import type { Context, MiddlewareHandler } from 'hono'
import { createMiddleware } from 'hono/factory'
import { apiKeyHash } from '../core/api-keys'
import type { Caller } from '../core/caller'
import type { Permission } from '../core/permissions'
import type { UserSelector } from '../core/user'
import type { Configuration } from '../env'
import { bearerScheme, type ContractEnv } from './contract'
import { decodedBody, limitedBody } from './body'
import { Failed } from './failure'
import { limitClient, limitPrincipal, limitSignIn } from './rate-limit'
import { readAccessToken } from './tokens'

type WithCaller = ContractEnv & { Variables: { caller: Caller } }

/**
 * For operations on a credential. Here the token is only checked to be ours; `needs`, waived for the user that `self` names, and
 * all else that may have changed since it was issued, the database decides in the batch of the work, by `c.var.caller`.
 */
export function authenticated(needs: readonly Permission[], self?: (c: Context) => UserSelector) {
  const authenticate: MiddlewareHandler<WithCaller> = createMiddleware<WithCaller>(async (c, next) => {
    const { configuration, visit } = c.var
    const header = c.req.header('authorization') ?? ''
    const token = /^bearer +([^\s]+) *$/i.exec(header)?.[1]
    const credential = token === undefined ? undefined : await credentialOf(configuration, token, visit.now)
    if (!credential) {
      await limitClient(c)
      // What came by another scheme is none of ours, and RFC 6750 has it answered as if nothing had come.
      throw new Failed({ kind: /^bearer( |$)/i.test(header) ? 'unauthenticated' : 'no_credentials' })
    }
    await limitPrincipal(c, credential.kind === 'session' ? credential.userId : credential.hash)
    c.set('caller', { ...visit, credential, needs, self: self?.(c) })
    await next()
  })
  const middleware: [typeof limitedBody, typeof authenticate, typeof decodedBody] = [
    limitedBody,
    authenticate,
    decodedBody,
  ]
  return { security: [{ [bearerScheme]: [] as string[] }], middleware }
}

/** What a bearer token is, if it can be one of ours: an API key or an access token. */
async function credentialOf(
  configuration: Configuration,
  token: string,
  now: number,
): Promise<Caller['credential'] | undefined> {
  if (token.startsWith('usk_')) {
    const hash = await apiKeyHash(token)
    return hash === undefined ? undefined : { kind: 'key', hash }
  }
  const claimed = await readAccessToken(configuration, token, now)
  return claimed && { kind: 'session', ...claimed }
}

/** For operations that need no credential; those that check one a client sends in the body count as sign-ins. */
export function anonymous({ signsIn }: { signsIn: boolean }) {
  const limit: MiddlewareHandler<ContractEnv> = createMiddleware<ContractEnv>(async (c, next) => {
    await limitClient(c)
    if (signsIn) await limitSignIn(c)
    await next()
  })
  const middleware: [typeof limit, typeof limitedBody, typeof decodedBody] = [limit, limitedBody, decodedBody]
  return { security: [] as Record<string, string[]>[], middleware }
}

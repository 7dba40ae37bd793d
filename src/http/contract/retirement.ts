/** Announces the retirement of a contract to its clients. */
import { createMiddleware } from 'hono/factory'
import { brownOutSecondsLeft, type Retirement } from '../deployment/retirements'
import type { ContractEnv } from './contract-types'
import { Failed } from './failure'

/**
 * Adds the headers of retirement to every response of the contract, failures and sign-ins included: `Deprecation` (RFC 9745), `Sunset`
 * (RFC 8594) and a link. Fails every request during a brown-out and after the sunset.
 */
export const retiring = (contract: string) =>
  createMiddleware<ContractEnv>(async (c, next) => {
    const retirement = c.get('configuration').retirements.get(contract)
    if (!retirement) return next()
    await next()
    const { headers } = c.res
    const { deprecated, sunset, link } = retirement
    if (deprecated !== undefined) headers.set('deprecation', `@${deprecated}`)
    if (sunset !== undefined) headers.set('sunset', new Date(sunset * 1000).toUTCString())
    if (link !== undefined) headers.append('link', `<${link}>; rel="deprecation"`)
  })

/** Throws while the contract does not serve: in a brown-out, and after the sunset. */
export function refuseWhereRetired(retirement: Retirement | undefined, now: number): void {
  if (!retirement) return
  if (retirement.sunset !== undefined && now >= retirement.sunset) throw new Failed({ kind: 'retired' })
  const retryAfterSeconds = brownOutSecondsLeft(retirement, now)
  if (retryAfterSeconds !== undefined) throw new Failed({ kind: 'unavailable', retryAfterSeconds })
}

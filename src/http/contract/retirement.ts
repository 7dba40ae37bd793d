/** Announces the retirement of a contract to its clients. */
import { brownOutSecondsLeft, type Retirement } from '../deployment/retirements'
import { Failed } from './failure'

/**
 * Adds the headers of retirement to a response of the contract, failures and sign-ins included: `Deprecation` (RFC
 * 9745), `Sunset` (RFC 8594) and a link.
 */
export function announceRetirement({ headers }: Response, { deprecated, sunset, link }: Retirement): void {
  if (deprecated !== undefined) headers.set('deprecation', `@${deprecated}`)
  if (sunset !== undefined) headers.set('sunset', new Date(sunset * 1000).toUTCString())
  if (link !== undefined) headers.append('link', `<${link}>; rel="deprecation"`)
}

/** Throws while the contract does not serve: in a brown-out, and after the sunset. */
export function refuseWhereRetired(retirement: Retirement | undefined, now: number): void {
  if (!retirement) return
  if (retirement.sunset !== undefined && now >= retirement.sunset) throw new Failed({ kind: 'retired' })
  const retryAfterSeconds = brownOutSecondsLeft(retirement, now)
  if (retryAfterSeconds !== undefined) throw new Failed({ kind: 'unavailable', retryAfterSeconds })
}

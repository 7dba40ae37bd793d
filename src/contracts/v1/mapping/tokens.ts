/** The tokens of a session. */
import type { SignedIn } from '../../../core/sign-in/sign-in'
import { issueShortAccessToken, type RequestContext } from '../../../http/credentials/tokens'

export async function toTokens({ refreshToken, ...opened }: SignedIn, c: RequestContext) {
  return {
    access_token: await issueShortAccessToken(c, opened),
    token_type: 'Bearer' as const,
    expires_in: c.var.configuration.accessTokenSeconds,
    refresh_token: refreshToken,
  }
}

/** The tokens of a session. */
import type { SignedIn } from '../../../core/sign-in/sign-in'
import type { Configuration } from '../../../env'
import { issueAccessToken } from '../../../http/credentials/tokens'

export async function toTokens({ user, sessionId, refreshToken }: SignedIn, configuration: Configuration, now: number) {
  const seconds = configuration.accessTokenSeconds
  return {
    access_token: await issueAccessToken(configuration, { user, sessionId, subject: user.id, now, seconds }),
    token_type: 'Bearer' as const,
    expires_in: seconds,
    refresh_token: refreshToken,
  }
}

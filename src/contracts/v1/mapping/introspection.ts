/** The response to an introspection, in the terms of RFC 7662. */
import type { z } from '@hono/zod-openapi'
import type { Introspected } from '../../../core/sign-in/introspection'
import type { ReadCredential } from '../../../http/credentials/tokens'
import type { V1Introspection } from '../schemas/introspection'

/** The issuer and audience of credentials without these claims: API keys, and tokens in the shape of an older API. */
const keyIssuer = 'usher'

export function fromIntrospected(
  found: Introspected | undefined,
  { claims }: ReadCredential,
): z.infer<typeof V1Introspection> {
  if (!found) return { active: false }
  const holder = {
    active: true,
    sub: found.userId,
    username: found.username,
    roles: [...found.roles],
    permissions: [...found.permissions],
    token_type: 'Bearer' as const,
    iss: claims?.issuer ?? keyIssuer,
    aud: claims?.audience ?? keyIssuer,
  }
  if (found.kind === 'key') {
    const expiry = found.expiresAt === null ? {} : { exp: found.expiresAt }
    return { ...holder, client_id: found.keyId, iat: found.createdAt, ...expiry }
  }
  const times = claims && { iat: claims.issuedAt, exp: claims.expiresAt, sid: claims.sessionId }
  return { ...holder, client_id: found.contract, contract: found.contract, ...times }
}

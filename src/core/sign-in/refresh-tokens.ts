/**
 * Refresh tokens: 16 bytes of session id, 16 bytes that the family shares and 32 bytes of this token alone, as URL-safe
 * base64.
 */
import { parse as uuidBytes } from 'uuid'
import { fromBase64Url, hmacSha256, sha256, toBase64Url, toUuid, utf8 } from '../encoding'

export interface RefreshToken {
  text: string
  sessionId: string
  /** Distinguishes any used token of the session's family from a forgery. */
  familyHash: string
  hash: string
  bytes: Uint8Array<ArrayBuffer>
}

const length = 64
const ownPart = 32

/** Creates the first token of a family. */
export async function newRefreshToken(sessionId: string): Promise<RefreshToken> {
  const bytes = crypto.getRandomValues(new Uint8Array(length))
  bytes.set(uuidBytes(sessionId))
  return toRefreshToken(bytes)
}

export async function readRefreshToken(text: string): Promise<RefreshToken | undefined> {
  const bytes = text.length === 86 ? fromBase64Url(text) : undefined
  return bytes && toRefreshToken(bytes)
}

/**
 * Returns the next token. It is derived, not random, so every retry with a used token returns the same successor. If
 * two clients hold one token, they also share the successor, and the second use of it is detected.
 */
export async function successorOf({ bytes }: RefreshToken, secret: string): Promise<RefreshToken> {
  const key = await hmacSha256(utf8(secret), utf8('usher refresh token'))
  const next = new Uint8Array(bytes)
  next.set(await hmacSha256(key, bytes), ownPart)
  return toRefreshToken(next)
}

async function toRefreshToken(bytes: Uint8Array<ArrayBuffer>): Promise<RefreshToken> {
  return {
    text: toBase64Url(bytes),
    sessionId: toUuid(bytes.subarray(0, 16)),
    familyHash: await sha256(bytes.slice(16, ownPart)),
    hash: await sha256(bytes),
    bytes,
  }
}

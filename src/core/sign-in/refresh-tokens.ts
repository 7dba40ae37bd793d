/** Refresh tokens: 16 bytes of session id, 16 that the family shares, 32 of this token alone; as URL-safe base64. */
import { parse as uuidBytes } from 'uuid'
import { fromBase64Url, hmacSha256, sha256, toBase64Url, toUuid, utf8 } from '../encoding'

export interface RefreshToken {
  text: string
  sessionId: string
  /** Tells a token of the session's family, however long spent, from a forgery. */
  familyHash: string
  hash: string
  bytes: Uint8Array<ArrayBuffer>
}

const length = 64
const ownPart = 32

/** The first of a family. */
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
 * The token that follows this one. It is derived and not drawn, so that every retry with a spent token gets the same one: two who hold
 * one token then hold the same successor, and collide where the second of them uses it.
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

/** The secrets of a webhook. Each is derived from a server secret and a nonce; only the nonce is stored. */
import { toBase64Url } from '../encoding'

interface SecretNonce {
  nonce: string
  /** Unix seconds; null for the current secret. */
  until: number | null
}

/** A replaced secret still signs for a day, so that receivers have time to change. */
const overlapSeconds = 86_400
/** Limits repeated replacements, because each secret adds a signature to every request. */
const maxSecrets = 5

const newNonce = (): SecretNonce => ({
  nonce: toBase64Url(crypto.getRandomValues(new Uint8Array(16))),
  until: null,
})

export const firstNonces = () => JSON.stringify([newNonce()])

/** Returns the nonces with a new one first. The earlier ones still sign for a while. */
export function replacedNonces(stored: string, now: number): string {
  const before = signing(stored, now).map(({ nonce, until }) => ({ nonce, until: until ?? now + overlapSeconds }))
  return JSON.stringify([newNonce(), ...before].slice(0, maxSecrets))
}

/** Returns the nonces of the secrets that sign at `now`, the current one first. */
export function signingNonces(stored: string, now: number): string[] {
  return signing(stored, now).map(({ nonce }) => nonce)
}

function signing(stored: string, now: number): SecretNonce[] {
  return (JSON.parse(stored) as SecretNonce[]).filter(({ until }) => until === null || until > now)
}

/** The secrets of a webhook: each is derived from a server secret and a nonce, which alone is stored. */
import { toBase64Url } from '../encoding'

interface SecretNonce {
  nonce: string
  /** Unix seconds; null for the present one. */
  until: number | null
}

/** A replaced secret still signs for a day, so that receivers change theirs at any time in it. */
const overlapSeconds = 86_400
/** Of many replacements in a day: each secret is a signature in every request. */
const maxSecrets = 5

const newNonce = (): SecretNonce => ({
  nonce: toBase64Url(crypto.getRandomValues(new Uint8Array(16))),
  until: null,
})

export const firstNonces = () => JSON.stringify([newNonce()])

/** The nonces with a new one first; those before it sign on for a while. */
export function replacedNonces(stored: string, now: number): string {
  const before = signing(stored, now).map(({ nonce, until }) => ({ nonce, until: until ?? now + overlapSeconds }))
  return JSON.stringify([newNonce(), ...before].slice(0, maxSecrets))
}

/** The nonces of the secrets that sign at `now`, the present one first. */
export function signingNonces(stored: string, now: number): string[] {
  return signing(stored, now).map(({ nonce }) => nonce)
}

function signing(stored: string, now: number): SecretNonce[] {
  return (JSON.parse(stored) as SecretNonce[]).filter(({ until }) => until === null || until > now)
}

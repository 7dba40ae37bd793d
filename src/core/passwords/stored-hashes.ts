/**
 * The supported formats of stored passwords: Usher's own, and those of the systems that users are imported from. Each
 * is parsed strictly and verified as its system does.
 */
import { matchesBcrypt } from './bcrypt'
import { fromBase64, utf8 } from '../encoding'
import { derive, iterationCap } from './pbkdf2'
import { deriveUncapped } from './uncapped-pbkdf2'

/** The salt and hash as they are written. */
interface Derived {
  iterations: number
  salt: string
  hash: string
}

export type StoredHash =
  | ({ scheme: 'usher'; rounds: number } & Derived)
  | ({ scheme: 'django' } & Derived)
  | { scheme: 'bcrypt'; cost: number; text: string }

/**
 * The maximum cost of one verification: some 1.5 seconds of CPU, measured on one machine. The platform allows 30 a
 * request.
 */
export const maxRounds = 100
export const maxDjangoIterations = 2_000_000
export const maxBcryptCost = 14

/** Returns undefined for text that none of the systems would write. Does not limit the cost. */
export function readHash(text: string): StoredHash | undefined {
  if (text.startsWith('$2')) return readBcrypt(text)
  return text.startsWith('$') ? readUsher(text) : readDjango(text)
}

const usher =
  /^\$pbkdf2-sha256\$i=([1-9]\d{0,5}),r=([1-9]\d{0,5})\$((?:[A-Za-z0-9+/]{4}){1,24}(?:[A-Za-z0-9+/]{2,3})?)\$([A-Za-z0-9+/]{43})$/
const django = /^pbkdf2_sha256\$([1-9]\d{0,8})\$([!-#%-~]{1,128})\$([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$/

/** `$pbkdf2-sha256$i=<iterations>,r=<rounds>$<salt>$<hash>`, base64 without padding. */
function readUsher(text: string): StoredHash | undefined {
  const [, iterations, rounds, salt, hash] = usher.exec(text) ?? []
  if (!salt || !hash || Number(iterations) > iterationCap) return undefined
  return { scheme: 'usher', iterations: Number(iterations), rounds: Number(rounds), salt, hash }
}

/** Django's `pbkdf2_sha256$<iterations>$<salt, plain text>$<hash, base64>`. */
function readDjango(text: string): StoredHash | undefined {
  const [, iterations, salt, hash] = django.exec(text) ?? []
  return salt && hash ? { scheme: 'django', iterations: Number(iterations), salt, hash } : undefined
}

/**
 * `$2a$`, `$2b$` or `$2y$`, two digits of cost, 22 characters of salt and 31 of hash. The last character of each has
 * unused bits, which every implementation leaves at 0. With other bits no password would match.
 */
function readBcrypt(text: string): StoredHash | undefined {
  const match = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/.exec(text)
  const cost = Number(match?.[1])
  return cost >= 4 && cost <= 31 ? { scheme: 'bcrypt', cost, text } : undefined
}

/** Whether the hash costs more to verify than Usher allows. */
export function isTooCostly(stored: StoredHash): boolean {
  switch (stored.scheme) {
    case 'usher':
      return stored.rounds > maxRounds
    case 'django':
      return stored.iterations > maxDjangoIterations
    case 'bcrypt':
      return stored.cost > maxBcryptCost
  }
}

/**
 * Returns the cost of one verification in iterations of the platform's PBKDF2. Exact for hashes that the platform
 * derives, and measured on one machine for all others.
 */
export function iterationsToVerify(stored: StoredHash): number {
  switch (stored.scheme) {
    case 'usher':
      return stored.iterations * stored.rounds
    case 'django':
      return stored.iterations * (stored.iterations > iterationCap ? 5 : 1)
    case 'bcrypt':
      return 560 * 2 ** stored.cost
  }
}

/** The cost in milliseconds of CPU, measured on one machine. It compares formats and promises nothing. */
export const millisecondsToVerify = (stored: StoredHash): number => iterationsToVerify(stored) / 7000

/**
 * Verifies as the original system would. Django and bcrypt take the password as typed; bcrypt reads 72 bytes of it.
 * Neither accepts a NUL in a password, so such a password never matches. It costs as much to refuse as any other.
 */
export async function matchesHash(password: string, stored: StoredHash): Promise<boolean> {
  switch (stored.scheme) {
    case 'usher': {
      const { iterations, rounds, salt, hash } = stored
      const derived = await derive(utf8(password.normalize('NFC')), fromBase64(salt), iterations, rounds)
      return crypto.subtle.timingSafeEqual(derived, fromBase64(hash))
    }
    case 'django':
      return (await matchesDjango(utf8(password), stored)) && !password.includes('\0')
    case 'bcrypt':
      return (await matchesBcrypt(password, stored.text)) && !password.includes('\0')
  }
}

/** Django's hash is one PBKDF2 call, and WebCrypto limits the iterations of a call. */
async function matchesDjango(password: Uint8Array<ArrayBuffer>, { iterations, salt, hash }: Derived): Promise<boolean> {
  const derived =
    iterations <= iterationCap
      ? await derive(password, utf8(salt), iterations, 1)
      : await deriveUncapped(password, utf8(salt), iterations)
  return crypto.subtle.timingSafeEqual(derived, fromBase64(hash))
}

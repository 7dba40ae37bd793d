/**
 * Hashes and verifies passwords. Format: `$pbkdf2-sha256$i=<iterations>,r=<rounds>$<salt>$<hash>`, base64 without
 * padding.
 */
import { lengthOf, fold } from '../users/text'
import { isTooLongPassword, passwordLength, type Parsed, type Problem } from '../users/fields'
import { derive, iterationCap } from './pbkdf2'
import { toBase64, utf8 } from '../encoding'
import { Refused } from '../refusal'
import { isTooCostly, iterationsToVerify, matchesHash, readHash, type StoredHash } from './stored-hashes'

export async function hashPassword(password: Parsed<'password'> | Parsed<'pin'>, rounds: number): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(16))
  return format(rounds, salt, await derive(utf8(password), salt, iterationCap, rounds))
}

/**
 * Whether `password` matches `stored`, and whether the hash is outdated. Every check costs at least as much as a
 * current hash, for every result and even without a stored hash. The response time therefore does not distinguish
 * accounts.
 */
export async function verifyPassword(
  password: string,
  stored: string | null,
  rounds: number,
): Promise<{ matches: boolean; outdated: boolean }> {
  // A password that is too long is hashed only in part, so that it costs as much as any wrong password.
  const isTooLong = isTooLongPassword(password)
  const hashed = isTooLong ? password.slice(0, passwordLength.max) : password
  const parsed = stored === null ? undefined : readHash(stored)
  const matches = parsed !== undefined && (await matchesHash(hashed, parsed)) && !isTooLong
  await deriveDummy(hashed, iterationCap * rounds - (parsed ? iterationsToVerify(parsed) : 0))
  return { matches, outdated: parsed !== undefined && isOutdated(parsed, rounds) }
}

async function deriveDummy(password: string, iterations: number): Promise<void> {
  if (iterations <= 0) return
  const [bytes, salt] = [utf8(password.normalize('NFC')), new Uint8Array(16)]
  const [rounds, rest] = [Math.floor(iterations / iterationCap), iterations % iterationCap]
  if (rounds > 0) await derive(bytes, salt, iterationCap, rounds)
  if (rest > 0) await derive(bytes, salt, rest, 1)
}

/**
 * Whether a stored hash verifies (`current`), verifies and is renewed at the next sign-in (`outdated`), or cannot
 * verify.
 */
export const hashStandings = ['current', 'outdated', 'unverifiable'] as const
export type HashStanding = (typeof hashStandings)[number]

export function standingOf(stored: string, rounds: number): HashStanding {
  const parsed = readHash(stored)
  if (!parsed || isTooCostly(parsed)) return 'unverifiable'
  return isOutdated(parsed, rounds) ? 'outdated' : 'current'
}

function isOutdated(parsed: StoredHash, rounds: number): boolean {
  return parsed.scheme !== 'usher' || parsed.iterations * parsed.rounds < iterationCap * rounds
}

const formats = /^\$?(pbkdf2-sha256\$i=\d{1,9},r=\d{1,9}|pbkdf2_sha256\$\d{1,9}|2[abxy]\$\d\d|argon2id?|scrypt|[156])\$/

/** Returns the format and cost of a stored hash. Returns `unknown` for an unknown format. */
export function formatOf(stored: string): string {
  return formats.exec(stored)?.[1]?.replace('$', ' ') ?? 'unknown'
}

/**
 * Applies the rules that depend on the deployment and the user. `personal` are the names and identifiers that the
 * password must not equal.
 */
export function enforcePasswordPolicy(
  password: Parsed<'password'>,
  personal: readonly (string | null | undefined)[],
  minLength: number,
  field = 'password',
): void {
  const problem = passwordPolicyProblem(password, personal, minLength)
  if (problem) throw new Refused({ kind: 'invalid', problems: [{ field, problem }] })
}

export function passwordPolicyProblem(
  password: string,
  personal: readonly (string | null | undefined)[],
  minLength: number,
): Problem | undefined {
  if (lengthOf(password) < minLength) return { rule: 'password_too_short', min: minLength }
  const folded = fold(password)
  return personal.some((text) => text != null && fold(text) === folded) ? { rule: 'password_personal' } : undefined
}

function format(rounds: number, salt: Uint8Array, hash: Uint8Array): string {
  return `$pbkdf2-sha256$i=${iterationCap},r=${rounds}$${toBase64(salt)}$${toBase64(hash)}`
}

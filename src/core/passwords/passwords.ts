/** How a password is kept: `$pbkdf2-sha256$i=<iterations>,r=<rounds>$<salt>$<hash>`, base64 without padding. */
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
 * Whether `password` is the one behind `stored`, and whether it should be hashed anew at today's cost. A check costs at least what today's
 * hashes do, without a stored hash too and whatever its result, so that the time does not tell accounts apart.
 */
export async function verifyPassword(
  password: string,
  stored: string | null,
  rounds: number,
): Promise<{ matches: boolean; outdated: boolean }> {
  // Of a password that is too long only the beginning is hashed, so that it costs what any wrong one does.
  const isTooLong = isTooLongPassword(password)
  const hashed = isTooLong ? password.slice(0, passwordLength.max) : password
  const kept = stored === null ? undefined : readHash(stored)
  const matches = kept !== undefined && (await matchesHash(hashed, kept)) && !isTooLong
  await deriveForNothing(hashed, iterationCap * rounds - (kept ? iterationsToVerify(kept) : 0))
  return { matches, outdated: kept !== undefined && isOutdated(kept, rounds) }
}

async function deriveForNothing(password: string, iterations: number): Promise<void> {
  if (iterations <= 0) return
  const [bytes, salt] = [utf8(password.normalize('NFC')), new Uint8Array(16)]
  const [rounds, rest] = [Math.floor(iterations / iterationCap), iterations % iterationCap]
  if (rounds > 0) await derive(bytes, salt, iterationCap, rounds)
  if (rest > 0) await derive(bytes, salt, rest, 1)
}

/** How a stored hash stands: it verifies, it verifies and is renewed at the next sign-in, or nobody can sign in with it. */
export const hashStandings = ['current', 'outdated', 'unverifiable'] as const
export type HashStanding = (typeof hashStandings)[number]

export function standingOf(stored: string, rounds: number): HashStanding {
  const kept = readHash(stored)
  if (!kept || isTooCostly(kept)) return 'unverifiable'
  return isOutdated(kept, rounds) ? 'outdated' : 'current'
}

function isOutdated(kept: StoredHash, rounds: number): boolean {
  return kept.scheme !== 'usher' || kept.iterations * kept.rounds < iterationCap * rounds
}

const formats = /^\$?(pbkdf2-sha256\$i=\d{1,9},r=\d{1,9}|pbkdf2_sha256\$\d{1,9}|2[abxy]\$\d\d|argon2id?|scrypt|[156])\$/

/** The form of a stored hash, with what it cost: of a form that nobody knows, nothing is said. */
export function formatOf(stored: string): string {
  return formats.exec(stored)?.[1]?.replace('$', ' ') ?? 'unknown'
}

/** What only the deployment and the user can tell: `personal` are the names and identifiers a password must not be. */
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

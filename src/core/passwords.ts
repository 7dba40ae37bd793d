/** How a password is kept: `$pbkdf2-sha256$i=<iterations>,r=<rounds>$<salt>$<hash>`, base64 without padding. */
import { lengthOf, fold } from './text'
import type { Parsed, Problem } from './fields'
import { derive, isDerivable, iterationCap } from './pbkdf2'
import { fromBase64, toBase64, utf8 } from './encoding'
import { Refused } from './refusal'

export async function hashPassword(password: Parsed<'password'> | Parsed<'pin'>, rounds: number): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(16))
  return format(rounds, salt, await derive(utf8(password), salt, iterationCap, rounds))
}

/**
 * Whether `password` is the one behind `stored`, and whether it should be hashed anew at today's cost. Without a stored hash it
 * does the same work at today's cost, so that nobody can tell from the time.
 */
export async function verifyPassword(
  password: string,
  stored: string | null,
  rounds: number,
): Promise<{ matches: boolean; outdated: boolean }> {
  const parsed = stored === null ? undefined : parse(stored)
  const { iterations, salt, hash } = parsed ?? nobody
  const cost = parsed?.rounds ?? rounds
  const derived = await derive(utf8(password.normalize('NFC')), salt, iterations, cost)
  const matches = crypto.subtle.timingSafeEqual(derived, hash) && parsed !== undefined
  return { matches, outdated: iterations * cost < iterationCap * rounds }
}

/** How a stored hash stands: it verifies, it verifies and is renewed at the next sign-in, or nobody can sign in with it. */
export const hashStandings = ['current', 'outdated', 'unverifiable'] as const
export type HashStanding = (typeof hashStandings)[number]

export function standingOf(stored: string, rounds: number): HashStanding {
  const parsed = parse(stored)
  if (!parsed || !isDerivable(parsed.iterations, parsed.rounds)) return 'unverifiable'
  return parsed.iterations * parsed.rounds < iterationCap * rounds ? 'outdated' : 'current'
}

const formats = /^\$?(pbkdf2-sha256\$i=\d{1,9},r=\d{1,9}|pbkdf2_sha256\$\d{1,9}|2[abxy]\$\d\d|argon2id?|scrypt|[156])\$/

/** The form of a stored hash, with what it cost: of a form that nobody knows, nothing is said. */
export function formatOf(stored: string): string {
  return formats.exec(stored)?.[1]?.replace('$', ' ') ?? 'unknown'
}

/** What only the deployment and the user can tell: `personal` are the names and identifiers a password must not be. */
export function refuseUnfitPassword(
  password: Parsed<'password'>,
  personal: readonly (string | null | undefined)[],
  minLength: number,
  field = 'password',
): void {
  const problem = unfitness(password, personal, minLength)
  if (problem) throw new Refused({ kind: 'invalid', problems: [{ field, problem }] })
}

function unfitness(
  password: string,
  personal: readonly (string | null | undefined)[],
  minLength: number,
): Problem | undefined {
  if (lengthOf(password) < minLength) return { rule: 'password_too_short', min: minLength }
  const folded = fold(password)
  return personal.some((text) => text != null && fold(text) === folded) ? { rule: 'password_personal' } : undefined
}

const nobody = { iterations: iterationCap, salt: new Uint8Array(16), hash: new Uint8Array(32) }

function format(rounds: number, salt: Uint8Array, hash: Uint8Array): string {
  return `$pbkdf2-sha256$i=${iterationCap},r=${rounds}$${toBase64(salt)}$${toBase64(hash)}`
}

function parse(stored: string) {
  const match = /^\$pbkdf2-sha256\$i=(\d+),r=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]{43})$/.exec(stored)
  if (!match) return undefined
  const [, iterations, rounds, salt, hash] = match as unknown as [string, string, string, string, string]
  return { iterations: Number(iterations), rounds: Number(rounds), salt: fromBase64(salt), hash: fromBase64(hash) }
}

/**
 * Enforces the platform's cap on PBKDF2, which production has and local workerd does not, in every suite through
 * `setupFiles`. It counts the derivations. The suites create thousands of users and sign them in, so it returns bits
 * that it has derived before, and derives our own hashes with fewer iterations than it counts.
 */
import { afterAll, beforeAll } from 'vitest'

const cap = 100_000

/** The number of derivations with iterations, and their iterations: the cost of hashing passwords. */
export const derivations = { count: 0, iterations: 0 }

/** The iterations of our own hashes, which have the platform's maximum and a salt of 16 bytes. */
let iterationsOfOwn = 100

/** In this file our own hashes are derived in full, so that other implementations can verify them. */
export function deriveInFull(): void {
  beforeAll(() => {
    iterationsOfOwn = cap
  })
  afterAll(() => {
    iterationsOfOwn = 100
  })
}

type Bytes = ArrayBuffer | Uint8Array
interface Platform {
  importKey: (format: string, key: Bytes, ...rest: unknown[]) => Promise<CryptoKey>
  deriveBits: (algorithm: SubtleCryptoDeriveKeyAlgorithm, key: CryptoKey, length: number) => Promise<ArrayBuffer>
  derived: Map<string, ArrayBuffer>
}

/** Many files share one global scope, in which the first has replaced the platform's functions already. */
const shared = globalThis as { platform?: Platform }
const subtle = crypto.subtle as unknown as Platform
const platform = (shared.platform ??= {
  importKey: subtle.importKey.bind(subtle),
  deriveBits: subtle.deriveBits.bind(subtle),
  derived: new Map(),
})

const secrets = new WeakMap<CryptoKey, string>()

async function importKey(...[format, key, algorithm, ...rest]: Parameters<Platform['importKey']>): Promise<CryptoKey> {
  const imported = await platform.importKey(format, key, algorithm, ...rest)
  if (algorithm === 'PBKDF2') secrets.set(imported, textOf(key))
  return imported
}

async function deriveBits(...[algorithm, key, length]: Parameters<Platform['deriveBits']>): Promise<ArrayBuffer> {
  const { iterations, salt, hash } = algorithm
  // Secrets of hooks and webhooks are derived without iterations.
  if (iterations === undefined) return platform.deriveBits(algorithm, key, length)
  if (iterations > cap) {
    throw new DOMException(`Pbkdf2 failed: iteration counts above ${cap} are not supported.`, 'NotSupportedError')
  }
  derivations.count += 1
  derivations.iterations += iterations
  const secret = secrets.get(key)
  if (secret === undefined) throw new Error('a key for PBKDF2 that importKey has not seen')
  const isOwn = iterations === cap && (salt as Bytes).byteLength === 16
  const derived = { ...algorithm, iterations: isOwn ? iterationsOfOwn : iterations }
  const name = [hash, derived.iterations, length, textOf(salt as Bytes), secret].join(' ')
  const bits = platform.derived.get(name) ?? (await platform.deriveBits(derived, key, length))
  platform.derived.set(name, bits)
  return bits.slice(0)
}

const textOf = (bytes: Bytes) => new Uint8Array(bytes).toString()

for (const [name, value] of Object.entries({ importKey, deriveBits })) {
  Object.defineProperty(crypto.subtle, name, { configurable: true, value })
}

/**
 * Enforces the platform's cap on PBKDF2, which production has and local workerd does not, in every suite through
 * `setupFiles`. It also counts.
 */

const cap = 100_000

/** The number of derivations with iterations, and their iterations: the cost of hashing passwords. */
export const derivations = { count: 0, iterations: 0 }

for (const name of ['deriveBits', 'deriveKey'] as const) {
  const original = crypto.subtle[name] as (algorithm: SubtleCryptoDeriveKeyAlgorithm, ...rest: unknown[]) => unknown
  Object.defineProperty(crypto.subtle, name, {
    configurable: true,
    value: (algorithm: SubtleCryptoDeriveKeyAlgorithm, ...rest: unknown[]) => {
      if (algorithm.iterations !== undefined && algorithm.iterations > cap) {
        throw new DOMException(`Pbkdf2 failed: iteration counts above ${cap} are not supported.`, 'NotSupportedError')
      }
      // Secrets of hooks and webhooks are derived without iterations.
      if (algorithm.iterations !== undefined) derivations.count += 1
      derivations.iterations += algorithm.iterations ?? 0
      return original.call(crypto.subtle, algorithm, ...rest)
    },
  })
}

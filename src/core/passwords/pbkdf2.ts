/**
 * PBKDF2-HMAC-SHA256 in rounds. The platform refuses more than 100,000 iterations per call, so the work is split into
 * calls, each keyed by the previous one. Round 0 is PBKDF2(password, salt). Round k is PBKDF2(round k-1, salt followed
 * by k as 4 big-endian bytes). One round is plain PBKDF2.
 */
export const iterationCap = 100_000

export const isDerivable = (iterations: number, rounds: number): boolean =>
  iterations >= 1 && iterations <= iterationCap && rounds >= 1

/** Returns 32 bytes. Throws a RangeError for no rounds, or for more iterations per round than the platform allows. */
export async function derive(
  password: Uint8Array<ArrayBuffer>,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
  rounds: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!isDerivable(iterations, rounds)) throw new RangeError('PBKDF2 parameters out of range')
  let key = password
  for (let round = 0; round < rounds; round += 1) {
    // A round blocks the isolate for some 15 ms; the pause lets it answer other requests.
    if (round > 0) await scheduler.wait(0)
    const imported = await crypto.subtle.importKey('raw', key, 'PBKDF2', false, ['deriveBits'])
    const bits = await crypto.subtle.deriveBits(
      { name: 'PBKDF2', hash: 'SHA-256', salt: roundSalt(salt, round), iterations },
      imported,
      256,
    )
    key = new Uint8Array(bits)
  }
  return key
}

/** Whether the platform accepts so many iterations per call. Tries it with dummy data. */
export async function platformAccepts(iterations: number): Promise<boolean> {
  const key = await crypto.subtle.importKey('raw', new Uint8Array(1), 'PBKDF2', false, ['deriveBits'])
  const asked = { name: 'PBKDF2', hash: 'SHA-256', salt: new Uint8Array(16), iterations }
  try {
    await crypto.subtle.deriveBits(asked, key, 256)
    return true
  } catch {
    return false
  }
}

function roundSalt(salt: Uint8Array<ArrayBuffer>, round: number): Uint8Array<ArrayBuffer> {
  if (round === 0) return salt
  const salted = new Uint8Array(salt.length + 4)
  salted.set(salt)
  new DataView(salted.buffer).setUint32(salt.length, round)
  return salted
}

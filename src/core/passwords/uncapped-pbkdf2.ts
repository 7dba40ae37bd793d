/**
 * PBKDF2-HMAC-SHA256 with more iterations in one call than the platform allows, to verify Django's hashes. It pauses
 * about every 10 ms, so that the isolate can answer other requests. It measures the pauses in iterations, because a
 * Worker's clock stands still while it computes.
 */
const iterationsPerTurn = 10_000

/** Returns 32 bytes. */
export async function deriveUncapped(
  password: Uint8Array<ArrayBuffer>,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const key = new Uint8Array(64)
  key.set(password.length > 64 ? new Uint8Array(await crypto.subtle.digest('SHA-256', password)) : password)
  const hmac = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const first = await crypto.subtle.sign('HMAC', hmac, new Uint8Array([...salt, 0, 0, 0, 1]))

  const inner = stateAfter(key.map((byte) => byte ^ 0x36))
  const outer = stateAfter(key.map((byte) => byte ^ 0x5c))
  const block = blockOf(first)
  // SHA-256 padding of the message, which is the key's block and 32 bytes: a 1 bit, then the length in bits.
  block[8] = 0x80000000
  block[15] = 8 * (64 + 32)
  const sum = block.slice(0, 8)
  for (let iteration = 1; iteration < iterations; iteration += 1) {
    compress(inner, block, block)
    compress(outer, block, block)
    for (let word = 0; word < 8; word += 1) sum[word]! ^= block[word]!
    if (iteration % iterationsPerTurn === 0) await scheduler.wait(0)
  }
  const derived = new DataView(new ArrayBuffer(32))
  sum.forEach((word, index) => derived.setInt32(4 * index, word))
  return new Uint8Array(derived.buffer)
}

const primes: number[] = []
for (let number = 2; primes.length < 64; number += 1) {
  if (primes.every((prime) => number % prime !== 0)) primes.push(number)
}
const fractionBits = (value: number) => ((value % 1) * 2 ** 32) | 0
const initialState = Int32Array.from(primes.slice(0, 8), (prime) => fractionBits(Math.sqrt(prime)))
const constants = Int32Array.from(primes, (prime) => fractionBits(Math.cbrt(prime)))

function stateAfter(block: Uint8Array<ArrayBuffer>): Int32Array {
  const state = new Int32Array(8)
  compress(initialState, blockOf(block.buffer), state)
  return state
}

/** Returns the bytes as the first words of a block, with room for the words that `compress` derives. */
function blockOf(bytes: ArrayBuffer): Int32Array {
  const view = new DataView(bytes)
  return Int32Array.from({ length: 64 }, (_, word) => (4 * word < bytes.byteLength ? view.getInt32(4 * word) : 0))
}

/** SHA-256's compression function. `into` may be `block` itself; then its first 8 words are replaced. */
function compress(state: Int32Array, block: Int32Array, into: Int32Array): void {
  for (let word = 16; word < 64; word += 1) {
    const early = block[word - 15]!
    const late = block[word - 2]!
    const s0 = rotated(early, 7) ^ rotated(early, 18) ^ (early >>> 3)
    const s1 = rotated(late, 17) ^ rotated(late, 19) ^ (late >>> 10)
    block[word] = block[word - 16]! + s0 + block[word - 7]! + s1
  }
  let a = state[0]!
  let b = state[1]!
  let c = state[2]!
  let d = state[3]!
  let e = state[4]!
  let f = state[5]!
  let g = state[6]!
  let h = state[7]!
  for (let word = 0; word < 64; word += 1) {
    const s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + constants[word]! + block[word]!) | 0
    const s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
    const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c))
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  into[0] = state[0]! + a
  into[1] = state[1]! + b
  into[2] = state[2]! + c
  into[3] = state[3]! + d
  into[4] = state[4]! + e
  into[5] = state[5]! + f
  into[6] = state[6]! + g
  into[7] = state[7]! + h
}

const rotated = (word: number, bits: number) => (word >>> bits) | (word << (32 - bits))

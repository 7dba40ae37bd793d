/**
 * Verifies imported bcrypt hashes. Source: Provos and Mazières, "A Future-Adaptable Password Scheme" (1999). It pauses
 * about every 10 ms, so that the isolate can answer other requests. It measures the pauses in rounds, because a
 * Worker's clock stands still while it computes.
 */
import { fromBase64, utf8 } from '../encoding'

const roundsPerTurn = 128

/**
 * The maximum words of a Blowfish key. The state is a P-array of as many words, followed by four S-boxes of 256 words.
 */
const keyWords = 18
const stateWords = keyWords + 4 * 256

/** Whether `password` matches a well-formed `$2a$`, `$2b$` or `$2y$` hash. bcrypt reads 72 bytes of a password. */
export async function matchesBcrypt(password: string, hash: string): Promise<boolean> {
  const cost = Number(hash.slice(4, 6))
  const derived = await derive(utf8(`${password}\0`), fromBcryptBase64(hash.slice(7, 29)), cost)
  return crypto.subtle.timingSafeEqual(derived, fromBcryptBase64(hash.slice(29)))
}

async function derive(password: Uint8Array, salt: Uint8Array, cost: number): Promise<Uint8Array> {
  const [key, saltKey, noSalt] = [repeated(password), repeated(salt), new Int32Array(keyWords)]
  const state = initialState().slice()
  expand(state, key, saltKey)
  for (let round = 1; round <= 2 ** cost; round += 1) {
    expand(state, key, noSalt)
    expand(state, saltKey, noSalt)
    if (round % roundsPerTurn === 0) await scheduler.wait(0)
  }
  const text = repeated(utf8('OrpheanBeholderScryDoubt')).subarray(0, 6)
  for (let time = 0; time < 64; time += 1) {
    for (let at = 0; at < text.length; at += 2) encipher(state, text, at)
  }
  const bytes = new DataView(new ArrayBuffer(24))
  text.forEach((word, index) => bytes.setInt32(4 * index, word))
  // bcrypt stores 23 of the 24 bytes.
  return new Uint8Array(bytes.buffer, 0, 23)
}

/** Mixes the key into the P-array, then replaces the whole state by encrypting it with itself and the salt. */
function expand(state: Int32Array, key: Int32Array, salt: Int32Array): void {
  for (let at = 0; at < keyWords; at += 1) state[at]! ^= key[at]!
  const block = new Int32Array(2)
  for (let at = 0; at < stateWords; at += 2) {
    block[0]! ^= salt[at % 4]!
    block[1]! ^= salt[(at % 4) + 1]!
    encipher(state, block, 0)
    state[at] = block[0]!
    state[at + 1] = block[1]!
  }
}

function encipher(state: Int32Array, block: Int32Array, at: number): void {
  let left = block[at]! ^ state[0]!
  let right = block[at + 1]!
  for (let round = 1; round <= 16; round += 2) {
    right ^= substituted(state, left) ^ state[round]!
    left ^= substituted(state, right) ^ state[round + 1]!
  }
  block[at] = right ^ state[17]!
  block[at + 1] = left
}

function substituted(state: Int32Array, word: number): number {
  const sum = state[18 + (word >>> 24)]! + state[274 + ((word >>> 16) & 255)]!
  return ((sum ^ state[530 + ((word >>> 8) & 255)]!) + state[786 + (word & 255)]!) | 0
}

/** Repeats the bytes to fill the big-endian words of a key. */
function repeated(bytes: Uint8Array): Int32Array {
  const byte = (at: number) => bytes[at % bytes.length]!
  return Int32Array.from(
    { length: keyWords },
    (_, word) => (byte(4 * word) << 24) | (byte(4 * word + 1) << 16) | (byte(4 * word + 2) << 8) | byte(4 * word + 3),
  )
}

const alphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const standardAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function fromBcryptBase64(text: string): Uint8Array<ArrayBuffer> {
  return fromBase64(text.replace(/./g, (character) => standardAlphabet[alphabet.indexOf(character)]!))
}

let initial: Int32Array | undefined

/**
 * Returns Blowfish's initial state: the hexadecimal digits of pi after the point. Computed at first use, in about 10
 * ms.
 */
function initialState(): Int32Array {
  if (initial) return initial
  const bits = BigInt(32 * stateWords)
  const guardBits = 64n
  const digits = ((pi(bits + guardBits) >> guardBits) & ((1n << bits) - 1n)).toString(16).padStart(8 * stateWords, '0')
  return (initial = Int32Array.from(digits.match(/.{8}/g)!, (word) => Number.parseInt(word, 16)))
}

/** Returns pi as a multiple of 2^-bits, by the Chudnovsky series. */
function pi(bits: bigint): bigint {
  const one = 1n << bits
  let term = one
  let sum = one
  let weightedSum = 0n
  for (let k = 1n; term !== 0n; k += 1n) {
    term = (-term * (6n * k - 5n) * (2n * k - 1n) * (6n * k - 1n)) / (k ** 3n * (640_320n ** 3n / 24n))
    sum += term
    weightedSum += k * term
  }
  const root = squareRoot(10_005n * one * one, 128n * one)
  return (426_880n * root * one) / (13_591_409n * sum + 545_140_134n * weightedSum)
}

/** Newton's method. `above` is a first guess above the root. */
function squareRoot(square: bigint, above: bigint): bigint {
  const next = (above + square / above) >> 1n
  return next >= above ? above : squareRoot(square, next)
}

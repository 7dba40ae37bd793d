/**
 * bcrypt, and PBKDF2 above the platform's cap, are computed in the Worker. Compares them with other implementations on
 * random input.
 */
import { hashSync } from 'bcryptjs'
import { describe, expect, it } from 'vitest'
import { matchesBcrypt } from '../../src/core/passwords/bcrypt'
import { deriveUncapped } from '../../src/core/passwords/uncapped-pbkdf2'

const random = (below: number) => Math.floor(Math.random() * below)

/** Text of up to this many characters, of one to four bytes each. */
function randomText(most: number): string {
  const characters = ['a', 'Z', '7', ' ', '\u0001', 'ß', 'é', '—', '語', '🔑', '\u{10ffff}', 'e\u0301']
  return Array.from({ length: random(most + 1) }, () => characters[random(characters.length)]).join('')
}

const alphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

function randomSalt(cost: number): string {
  const salt = Array.from({ length: 21 }, () => alphabet[random(64)]).join('')
  return `$2${'aby'[random(3)]}$${String(cost).padStart(2, '0')}$${salt}${'.Oeu'[random(4)]}`
}

describe('a bcrypt hash', () => {
  it.each([
    [4, 300],
    [5, 60],
    [6, 20],
  ])('matches its own random password and no other at cost %i', async (cost, times) => {
    for (let time = 0; time < times; time += 1) {
      const password = randomText(40)
      const hash = hashSync(password, randomSalt(cost))
      expect([password, hash, await matchesBcrypt(password, hash)]).toEqual([password, hash, true])
      if (time % 10 > 0) continue
      const other = `${randomText(5)}x${password}`
      expect([other, hash, await matchesBcrypt(other, hash)]).toEqual([other, hash, false])
    }
  })

  it('uses the first 72 bytes of a password, even when they end inside a character', async () => {
    for (let length = 66; length < 80; length += 1) {
      for (const character of ['x', 'é', '語', '🔑']) {
        const password = 'p'.repeat(length - 1) + character
        const hash = hashSync(password, randomSalt(4))
        expect([password, await matchesBcrypt(password, hash)]).toEqual([password, true])
        const bytes = new TextEncoder().encode(password).length
        expect([password, await matchesBcrypt(`${password}!`, hash)]).toEqual([password, bytes >= 72])
      }
    }
  })

  it('gives the same result when the computation pauses (cost 9)', async () => {
    const hash = hashSync('a bcrypt password', randomSalt(9))
    expect(await matchesBcrypt('a bcrypt password', hash)).toBe(true)
    expect(await matchesBcrypt('a bcrypt passwore', hash)).toBe(false)
  })
})

describe('PBKDF2 above the platform’s cap', () => {
  async function platform(password: Uint8Array<ArrayBuffer>, salt: Uint8Array<ArrayBuffer>, iterations: number) {
    const key = await crypto.subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits'])
    const bits = await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, key, 256)
    return new Uint8Array(bits)
  }

  it('gives the same result as the platform for random passwords, salts and iterations', async () => {
    const bytes = (most: number) => crypto.getRandomValues(new Uint8Array(random(most + 1)))
    for (let time = 0; time < 500; time += 1) {
      const [password, salt, iterations] = [bytes(200), bytes(200), 1 + random(time < 450 ? 20 : 3000)] as const
      const derived = await deriveUncapped(password, salt, iterations)
      expect([time, password, salt, iterations, derived]).toEqual([
        time,
        password,
        salt,
        iterations,
        await platform(password, salt, iterations),
      ])
    }
  })

  it.each([9_999, 10_000, 10_001, 25_000])(
    'gives the same result as the platform when the computation pauses: %i',
    async (iterations) => {
      const [password, salt] = [new Uint8Array([1, 2, 3]), new Uint8Array([4, 5])]
      expect(await deriveUncapped(password, salt, iterations)).toEqual(await platform(password, salt, iterations))
    },
  )
})

/**
 * Checking a costly password hash lets the event loop turn, so that the isolate can answer other requests meanwhile.
 * test/slow/responsiveness.test.js sends such requests to a server.
 */
import { describe, expect, it } from 'vitest'
import { deriveInFull } from './support/pbkdf2-cap'
import { adminToken, call, freshDirectory, rows, signedInPerson } from './support/usher'

freshDirectory()
deriveInFull()

const salt = 'A'.repeat(22)
const hash = 'A'.repeat(43)

const costly: [kind: string, hash: string, turns: number, env?: Record<string, string>][] = [
  ['bcrypt at cost 12', '$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW', 30],
  ['Django at 2,000,000 iterations', `pbkdf2_sha256$2000000$${salt}$${hash}=`, 180],
  ['our own at 40 rounds', `$pbkdf2-sha256$i=100000,r=40$${salt}$${hash}`, 35],
  ['our own, outdated by 40 rounds', `$pbkdf2-sha256$i=1,r=1$${salt}$${hash}`, 35, { PASSWORD_ROUNDS: '40' }],
]

describe('while a password is checked', () => {
  // Counts turns, and compares times only with each other, because a busy machine may be slow at any time.
  it.each(costly)('the event loop turns often, and no turn takes long: %s', async (_, stored, atLeast, env = {}) => {
    const user = await signedInPerson(await adminToken())
    await rows('UPDATE users SET password_hash = ? WHERE number = ?', stored, user.number)
    const json = { identifier: user.email, password: 'not the password' }
    const check = async () => {
      const began = Date.now()
      let isChecked = false
      const signingIn = call('/v1/auth/login', { json, env }).finally(() => (isChecked = true))
      let [turns, longest] = [0, 0]
      for (let last = began; !isChecked; turns += 1) {
        await scheduler.wait(0)
        const now = Date.now()
        longest = Math.max(longest, now - last)
        last = now
      }
      expect((await signingIn).status).toBe(401)
      return { turns, longest, whole: Date.now() - began }
    }
    let { turns, longest, whole } = await check()
    // On a busy machine any turn may be long, but one that blocks the isolate is long each time.
    for (let tried = 1; tried < 3 && longest >= whole / 2; tried += 1) ({ turns, longest, whole } = await check())
    expect(turns).toBeGreaterThanOrEqual(atLeast)
    expect(longest).toBeLessThan(whole / 2)
  })
})

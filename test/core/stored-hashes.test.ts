/** Password hashes of other systems: verified as those systems do, and parsed strictly. */
import { describe, expect, it } from 'vitest'
import { isTooCostly, matchesHash, readHash, type StoredHash } from '../../src/core/passwords/stored-hashes'

const read = (text: string) => readHash(text) as StoredHash
const django = (iterations: number, hash: string) => `pbkdf2_sha256$${iterations}$kT9xS7Qm2LwZ4vB8nYc1Rd$${hash}`

/**
 * Made by other implementations: libxcrypt's bcrypt, Python's hashlib, and examples from the documentation of Laravel
 * and FastAPI.
 */
export const vectors: [what: string, password: string, stored: string][] = [
  ['Laravel’s own', 'password', '$2y$10$92IXUNpkjO0rOQ5byMi.Ye4oKoEa3Ro9llC/.og/at2.uheWG/igi'],
  ['FastAPI’s own', 'secret', '$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW'],
  ['$2b$', 'a bcrypt password', '$2b$10$abcdefghijklmnopqrstuuCDQhtd3cE1iT35cHBlfYNFp61LqfmZO'],
  ['$2y$ beyond ASCII', 'un mot de passe très sûr', '$2y$10$abcdefghijklmnopqrstuuhzT9kRC6WWlD3mUUN8govKF1GWmG/Cy'],
  ['$2y$ beyond the BMP', '🔑 clé', '$2y$04$abcdefghijklmnopqrstuubiFUxZekPU1C4HQ4pyaFNz9Kdc8z5Ca'],
  ['$2a$', 'a bcrypt password', '$2a$06$abcdefghijklmnopqrstuugPooxs1p4fzPkiu/V9r91072PcXt46u'],
  ['Django’s own', 'lètmein', 'pbkdf2_sha256$36000$seasalt$mEUPPFJkT/xtwDU8rB7Q+puHRZnR07WRjerTkt/3HI0='],
  ['Django at the cap', 'lètmein', 'pbkdf2_sha256$100000$seasalt2$Tl4GMr+Yt1zzO1sbKoUaDBdds5NkR3RxaDWuQsliFrI='],
  ['Django over the cap', 'lètmein', 'pbkdf2_sha256$100001$seasalt2$PFd2ETdf5x4MZAvd16D6HwU/lEs7bWM0SHuH+7YNB08='],
]

describe('a hash of another system', () => {
  it.each(vectors)('is verified with its password: %s', async (_, password, stored) => {
    expect(await matchesHash(password, read(stored))).toBe(true)
  })

  it.each(vectors.filter(([, , stored]) => /^\$2.\$0|36000/.test(stored)))(
    'is not verified with another password: %s',
    async (_, password, stored) => {
      for (const wrong of [
        '',
        `${password} `,
        password.toUpperCase(),
        password.slice(0, -1),
        `${password}\0`,
        // bcrypt repeats its key, so this counts as the same password.
        `${password}\0${password}`,
      ]) {
        expect([wrong, await matchesHash(wrong, read(stored))]).toEqual([wrong, false])
      }
    },
  )

  it('uses the first 72 bytes of the password, as bcrypt does', async () => {
    const stored = read('$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i')
    for (const [password, matches] of [
      ['x'.repeat(72), true],
      [`${'x'.repeat(72)} and what nobody reads`, true],
      ['x'.repeat(71), false],
      [`${'x'.repeat(71)}y`, false],
    ] as const) {
      expect([password, await matchesHash(password, stored)]).toEqual([password, matches])
    }
  })

  it('is compared with the password as typed, so another composition is a different password', async () => {
    const stored = read('pbkdf2_sha256$36000$seasalt$mEUPPFJkT/xtwDU8rB7Q+puHRZnR07WRjerTkt/3HI0=')
    expect(await matchesHash('lètmein'.normalize('NFD'), stored)).toBe(false)
  })

  it.each([
    '',
    '!',
    '!Xq7unusable',
    'x',
    'a bcrypt password',
    '$2b$',
    '$2x$10$abcdefghijklmnopqrstuuCDQhtd3cE1iT35cHBlfYNFp61LqfmZO',
    '$2$10$abcdefghijklmnopqrstuuCDQhtd3cE1iT35cHBlfYNFp61LqfmZO',
    '$2b$1$abcdefghijklmnopqrstuuCDQhtd3cE1iT35cHBlfYNFp61LqfmZO',
    '$2b$03$abcdefghijklmnopqrstuuCDQhtd3cE1iT35cHBlfYNFp61LqfmZO',
    '$2b$32$abcdefghijklmnopqrstuuCDQhtd3cE1iT35cHBlfYNFp61LqfmZO',
    '$2b$10$abcdefghijklmnopqrstuuCDQhtd3cE1iT35cHBlfYNFp61LqfmZ',
    '$2b$10$abcdefghijklmnopqrstuuCDQhtd3cE1iT35cHBlfYNFp61LqfmZOO',
    '$2b$10$abcdefghijklmnopqrstuuCDQhtd3cE1iT35cHBlfYNFp61LqfmZO\n',
    ' $2b$10$abcdefghijklmnopqrstuuCDQhtd3cE1iT35cHBlfYNFp61LqfmZO',
    // Non-zero padding bits, which no password could match.
    '$2b$10$abcdefghijklmnopqrstuvCDQhtd3cE1iT35cHBlfYNFp61LqfmZO',
    '$2b$10$abcdefghijklmnopqrstuuCDQhtd3cE1iT35cHBlfYNFp61LqfmZP',
    '$2b$10$abcdefghijklmnopqrstu=CDQhtd3cE1iT35cHBlfYNFp61LqfmZO',
    'pbkdf2_sha256$0$salt$mEUPPFJkT/xtwDU8rB7Q+puHRZnR07WRjerTkt/3HI0=',
    'pbkdf2_sha256$036000$salt$mEUPPFJkT/xtwDU8rB7Q+puHRZnR07WRjerTkt/3HI0=',
    'pbkdf2_sha256$1e3$salt$mEUPPFJkT/xtwDU8rB7Q+puHRZnR07WRjerTkt/3HI0=',
    'pbkdf2_sha256$36000$$mEUPPFJkT/xtwDU8rB7Q+puHRZnR07WRjerTkt/3HI0=',
    'pbkdf2_sha256$36000$sält$mEUPPFJkT/xtwDU8rB7Q+puHRZnR07WRjerTkt/3HI0=',
    'pbkdf2_sha256$36000$salt$mEUPPFJkT/xtwDU8rB7Q+puHRZnR07WRjerTkt/3HI1=',
    'pbkdf2_sha256$36000$salt$mEUPPFJkT/xtwDU8rB7Q+puHRZnR07WRjerTkt/3HI0',
    'pbkdf2_sha256$36000$salt$mEUPPFJkT_xtwDU8rB7Q-puHRZnR07WRjerTkt_3HI0=',
    'pbkdf2_sha256$36000$salt$mEUPPFJkT/xtwDU8rB7Q+puHRZnR07WRjerTkt/3HI0=$',
    'pbkdf2_sha1$36000$salt$mEUPPFJkT/xtwDU8rB7Q+puHRZnR07WRjerTkt/3HI0=',
    'bcrypt_sha256$$2b$10$abcdefghijklmnopqrstuuCDQhtd3cE1iT35cHBlfYNFp61LqfmZO',
    `$pbkdf2-sha256$i=100001,r=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
    `$pbkdf2-sha256$i=0,r=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
    `$pbkdf2-sha256$i=1,r=0$${'A'.repeat(22)}$${'A'.repeat(43)}`,
    `$pbkdf2-sha256$i=1,r=1$${'A'.repeat(21)}$${'A'.repeat(43)}`,
    `$pbkdf2-sha256$i=1,r=1$$${'A'.repeat(43)}`,
    `$pbkdf2-sha256$i=1,r=1$${'A'.repeat(22)}$${'A'.repeat(42)}`,
    `$pbkdf2-sha256$29000$${'A'.repeat(22)}$${'A'.repeat(43)}`,
    '$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ',
    '5f4dcc3b5aa765d61d8327deb882cf99',
  ])('is rejected when it is malformed or of an unknown kind: %j', (text) => {
    expect(readHash(text)).toBeUndefined()
  })

  it('is rejected above a cost limit, and accepted at it', () => {
    const bcrypt = (cost: number) => read(`$2b$${cost}$abcdefghijklmnopqrstuuCDQhtd3cE1iT35cHBlfYNFp61LqfmZO`)
    const usher = (rounds: number) => read(`$pbkdf2-sha256$i=100000,r=${rounds}$${'A'.repeat(22)}$${'A'.repeat(43)}`)
    const some = 'iiBDFZnYykNF5vJR2zkzTA/xcWS6dF1JNpYVXEJsVNI='
    expect([bcrypt(14), read(django(2_000_000, some)), usher(100)].map(isTooCostly)).toEqual([false, false, false])
    expect([bcrypt(15), read(django(2_000_001, some)), usher(101)].map(isTooCostly)).toEqual([true, true, true])
  })
})

/** How passwords are chosen, hashed and stored. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Parsed } from '../../src/core/users/fields'
import { hashPassword, verifyPassword } from '../../src/core/passwords/passwords'
import { derive } from '../../src/core/passwords/pbkdf2'
import { deriveInFull } from '../support/pbkdf2-cap'
import { adminToken, call, freshDirectory, person, rows, type Call } from '../support/usher'

deriveInFull()

const utf8 = (text: string) => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>
const toHex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
const toBase64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes)).replaceAll('=', '')
const fromBase64 = (text: string) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0))

async function pbkdf2(password: Uint8Array<ArrayBuffer>, salt: Uint8Array<ArrayBuffer>, iterations: number) {
  const key = await crypto.subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits'])
  return new Uint8Array(await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, key, 256))
}

/** The stored form as documented, computed without the code under test. */
async function storedAs(password: string, salt: Uint8Array<ArrayBuffer>, iterations: number, rounds: number) {
  let key = await pbkdf2(utf8(password), salt, iterations)
  for (let round = 1; round < rounds; round += 1) {
    key = await pbkdf2(key, new Uint8Array([...salt, 0, 0, 0, round]), iterations)
  }
  return `$pbkdf2-sha256$i=${iterations},r=${rounds}$${toBase64(salt)}$${toBase64(key)}`
}

const someSalt = Uint8Array.from({ length: 16 }, (_, index) => index)
const password = 'a fine passphrase' as Parsed<'password'>

describe('key derivation', () => {
  it.each([
    ['passwd', 'salt', 1, '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc'],
    ['Password', 'NaCl', 80_000, '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56'],
  ])('with one round is plain PBKDF2: RFC 7914, section 11, %s', async (secret, salt, iterations, expected) => {
    expect(toHex(await derive(utf8(secret), utf8(salt), iterations, 1))).toBe(expected)
  })

  // Computed from the documented definition with another implementation of PBKDF2.
  it.each([
    [2, 'd7358560bbb1b20f99fdbfd123e8ee55353ea0c790769705ac38fc34a957371a'],
    [3, 'da1987016c56efa1b9e1cf66d5a92f256062b77536094dc22349f2537d927e49'],
    [6, '0153afb976452449ed675ca94aeb997ded74bb9448b9d4b1011aae2b48b7ee42'],
  ])('chains %i rounds as documented', async (rounds, expected) => {
    expect(toHex(await derive(utf8('pässwörd'), someSalt, 1000, rounds))).toBe(expected)
  })

  it.each([
    ['more iterations a call than the platform allows', 100_001, 1],
    ['the whole cost in one call', 600_000, 1],
    ['no iterations', 0, 1],
    ['no rounds', 100_000, 0],
    ['no number', NaN, 1],
  ])('rejects %s', async (_, iterations, rounds) => {
    await expect(derive(utf8('passwd'), utf8('salt'), iterations, rounds)).rejects.toThrow(RangeError)
  })
})

describe('the platform’s PBKDF2 cap', () => {
  it('is enforced in every suite, as in production', async () => {
    await expect((async () => pbkdf2(utf8('passwd'), utf8('salt'), 100_001))()).rejects.toThrow(/iteration/)
    await expect((async () => pbkdf2(utf8('passwd'), utf8('salt'), 100_000))()).resolves.toHaveLength(32)
  })
})

describe('a stored password hash', () => {
  it('contains its parameters and its own salt', async () => {
    const [one, other] = [await hashPassword(password, 2), await hashPassword(password, 2)]
    expect(one).toMatch(/^\$pbkdf2-sha256\$i=100000,r=2\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(one).not.toBe(other)
    const salt = fromBase64(one.split('$')[3] as string)
    expect(one).toBe(await storedAs(password, salt, 100_000, 2))
  })

  it('verifies its own password and no other', async () => {
    const stored = await hashPassword(password, 1)
    expect(await verifyPassword(password, stored, 1)).toEqual({ matches: true, outdated: false })
    for (const wrong of ['', ' a fine passphrase', 'a fine passphrase ', 'A fine passphrase', 'a fine passphras']) {
      expect(await verifyPassword(wrong, stored, 1)).toMatchObject({ matches: false })
    }
  })

  it('is verified with its own parameters, and is outdated when they are weaker than the current ones', async () => {
    const weak = await storedAs(password, someSalt, 1000, 1)
    expect(await verifyPassword(password, weak, 1)).toEqual({ matches: true, outdated: true })
    expect(await verifyPassword(password, await storedAs(password, someSalt, 100_000, 1), 2)).toEqual({
      matches: true,
      outdated: true,
    })
    expect(await verifyPassword(password, await storedAs(password, someSalt, 100_000, 3), 2)).toEqual({
      matches: true,
      outdated: false,
    })
  })

  it.each([
    ['none', null],
    ['empty', ''],
    ['of another kind', '$2b$12$abcdefghijklmnopqrstuuY9s0b6l1yXjzq0mJt5K2bqH1m0s5b3e'],
    ['cut short', `$pbkdf2-sha256$i=100000,r=1$${'A'.repeat(22)}`],
  ])('matches no password when it is %s', async (_, stored) => {
    for (const tried of [password, '', 'null']) {
      expect(await verifyPassword(tried, stored, 1)).toMatchObject({ matches: false })
    }
  })
})

describe('a password in the directory', () => {
  freshDirectory()

  let admin: string
  beforeEach(async () => {
    admin = await adminToken()
  })

  const create = (json: unknown, options: Call = {}) => call('/v1/users', { token: admin, json, ...options })
  const login = (identifier: string, secret: string, options: Call = {}) =>
    call('/v1/auth/login', { json: { identifier, password: secret }, ...options })
  const storedOf = async (email: string) =>
    (
      await rows<{ password_hash: string; version: number; updated_at: number }>(
        'SELECT password_hash, version, updated_at FROM users WHERE email = ?',
        email,
      )
    )[0]
  const store = (email: string, hash: string) =>
    rows('UPDATE users SET password_hash = ? WHERE email = ? RETURNING number', hash, email)
  const refusals = (body: { errors: { field: string; message: string }[] }) =>
    body.errors.map(({ field, message }) => `${field} ${message}`)

  it('is hashed and verified at full cost by default', async () => {
    const env = { PASSWORD_ROUNDS: '' }
    const input = person()
    expect((await create(input, { env })).status).toBe(201)
    const stored = String((await storedOf(input.email))?.password_hash)
    expect(stored).toMatch(/^\$pbkdf2-sha256\$i=100000,r=6\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    const salt = fromBase64(stored.split('$')[3] as string)
    expect(stored).toBe(await storedAs(input.password, salt, 100_000, 6))
    expect((await login(input.email, input.password, { env })).status).toBe(200)
    expect((await storedOf(input.email))?.password_hash).toBe(stored)
  })

  it('is rehashed at sign-in when its stored parameters are weaker, and nothing else changes', async () => {
    const input = person()
    await create(input)
    const before = await storedOf(input.email)
    const weak = await storedAs(input.password, someSalt, 1000, 1)
    await store(input.email, weak)

    expect((await login(input.email, 'not the password')).status).toBe(401)
    expect((await storedOf(input.email))?.password_hash).toBe(weak)

    const env = { PASSWORD_ROUNDS: '2' }
    expect((await login(input.email, input.password, { env })).status).toBe(200)
    const after = await storedOf(input.email)
    expect(after?.password_hash).toMatch(/^\$pbkdf2-sha256\$i=100000,r=2\$/)
    expect(after).toMatchObject({ version: before?.version, updated_at: before?.updated_at })
    expect((await login(input.email, input.password, { env })).status).toBe(200)
    expect((await storedOf(input.email))?.password_hash).toBe(after?.password_hash)
  })

  it('is never rehashed at a lower cost', async () => {
    const input = person()
    await create(input)
    const strong = await storedAs(input.password, someSalt, 100_000, 3)
    await store(input.email, strong)
    expect((await login(input.email, input.password)).status).toBe(200)
    expect((await storedOf(input.email))?.password_hash).toBe(strong)
  })

  it.each([
    ['letters', 'k', 'x7'],
    ['characters of two code units', '🔑', '🗝'],
  ])('has 8 to 128 code points: %s', async (_, character, other) => {
    const of = (length: number) => [...character.repeat(length - 1), ...other].slice(-length).join('')
    expect(refusals((await create(person({ password: of(7) }))).body)).toEqual([
      'password must have at least 8 characters',
    ])
    expect(refusals((await create(person({ password: of(129) }))).body)).toEqual([
      'password must have at most 128 characters',
    ])
    for (const length of [8, 128]) {
      const input = person({ password: of(length) })
      expect((await create(input)).status).toBe(201)
      expect((await login(input.email, String(input.password))).status).toBe(200)
    }
  })

  it('has at least PASSWORD_MIN_LENGTH code points, and the message names the number', async () => {
    const env = { PASSWORD_MIN_LENGTH: '12' }
    for (const tooShort of ['lilac', 'lilac-moss', 'lilac-moss1']) {
      const { status, body } = await create(person({ password: tooShort }), { env })
      expect(status).toBe(400)
      expect(refusals(body)).toEqual(['password must have at least 12 characters'])
    }
    const json = { matricule: 12, nom: 'Ines Prado', email: 'ines@example.org', password: 'lilac', role_id: 'x' }
    const { body } = await call('/personnel/users/create', { token: admin, json, env })
    expect(body.detail[0].msg).toBe('String should have at least 12 characters')
    expect((await create(person({ password: 'lilac-moss12' }), { env })).status).toBe(201)
  })

  it.each(['password1', 'PASSWORD1', 'PassWord1', 'iloveyou', 'QWERTYUIOP', '12345678', '1q2w3e4r'])(
    'must not be a common password: %s',
    async (common) => {
      const { status, body } = await create(person({ password: common }))
      expect([status, refusals(body)]).toEqual([400, ['password is among the most common passwords']])
    },
  )

  it.each(['securepass123', 'SecurePassword123!', 'kkkkkkkkk', 'only letters here', '907 3314 8861'])(
    'needs no particular composition, and may be an original example: %s',
    async (acceptable) => {
      const input = person({ password: acceptable })
      expect((await create(input)).status).toBe(201)
      expect((await login(input.email, acceptable)).status).toBe(200)
    },
  )

  it.each([
    ['email', 'Vera.Lindqvist@example.org'],
    ['email in another case', 'VERA.LINDQVIST@EXAMPLE.ORG'],
    ['email in full width', 'ｖｅｒａ．ｌｉｎｄｑｖｉｓｔ＠ｅｘａｍｐｌｅ．ｏｒｇ'],
    ['username', 'Lindqvist-V'],
    ['username in full width and another case', 'ＬＩＮＤＱＶＩＳＴ－Ｖ'],
    ['name', 'Vera Élise Lindqvist'],
    ['name in another case, decomposed', 'VERA E\u0301LISE LINDQVIST'],
    ['name with an invisible character inside', 'Vera É\u200blise Lindqvist'],
  ])('must not be the user’s own %s', async (_, personal) => {
    const input = person({
      email: 'Vera.Lindqvist@example.org',
      username: 'Lindqvist-V',
      name: 'Vera Élise Lindqvist',
      password: personal,
    })
    const { status, body } = await create(input)
    expect([status, refusals(body)]).toEqual([400, ["password must not be the user's own email, username or name"]])
    expect((await create({ ...input, password: `${personal} and more` })).status).toBe(201)
  })

  it('must not be the user’s name when another user sets it either', async () => {
    const created = await create(person({ name: 'Vera Lindqvist' }))
    const read = await call('/personnel/users/list', { token: admin })
    const { user_id } = read.body.find(({ nom }: { nom: string }) => nom === 'Vera Lindqvist')
    const update = (json: object) =>
      call('/personnel/users/update', { token: admin, method: 'PUT', json: { user_id, ...json } })
    expect(created.status).toBe(201)
    expect((await update({ password: 'vera lindqvist' })).status).toBe(422)
    expect((await update({ nom: 'Vera Holm', password: 'VERA HOLM' })).status).toBe(422)
    expect((await update({ nom: 'Vera Holm', password: 'vera lindqvist' })).status).toBe(200)
  })

  it('is neither trimmed nor truncated', async () => {
    const input = person({ password: ' blanks around it ' })
    await create(input)
    expect((await login(input.email, ' blanks around it ')).status).toBe(200)
    for (const other of ['blanks around it', ' blanks around it', 'blanks around it ']) {
      expect((await login(input.email, other)).status).toBe(401)
    }
    const long = person({ password: `${'long '.repeat(25)}end` })
    await create(long)
    expect((await login(long.email, `${'long '.repeat(25)}enD`)).status).toBe(401)
    expect((await login(long.email, String(long.password))).status).toBe(200)
  })

  it('is the same password in composed and decomposed form', async () => {
    const [composed, decomposed] = ['crème brûlée à midi'.normalize('NFC'), 'crème brûlée à midi'.normalize('NFD')]
    expect(composed).not.toBe(decomposed)
    for (const written of [composed, decomposed]) {
      const input = person({ password: written })
      expect((await create(input)).status).toBe(201)
      for (const typed of [composed, decomposed]) expect((await login(input.email, typed)).status).toBe(200)
    }
  })

  it('is measured after composition', async () => {
    expect((await create(person({ password: 'e\u0301'.repeat(7) }))).status).toBe(400)
    expect((await create(person({ password: 'e\u0301'.repeat(127) + 'x' }))).status).toBe(201)
  })

  it('at sign-in may be any text: invalid text is a wrong password', async () => {
    const input = person()
    await create(input)
    for (const typed of ['', '\0', '\ud800', 'x'.repeat(5000), '\u202e']) {
      expect((await login(person().email, typed)).status).toBe(401)
    }
    expect((await login(input.email, '')).status).toBe(401)
  })

  it.each([
    ['lone surrogate, which has no bytes to hash', 'half a pair \ud83d'],
    ['NUL, which HMAC does not tell from the end', 'password1\0'],
  ])('must not contain %s', async (_, unhashable) => {
    const { status, body } = await create(person({ password: unhashable }))
    expect([status, refusals(body)]).toEqual([400, ['password must not contain control or invisible characters']])
  })
})

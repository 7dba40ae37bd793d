/** The spellings of an identifier that sign its user in, through every contract, and those that do not. */
import { beforeEach, describe, expect, it } from 'vitest'
import { signInContracts } from '../contracts'
import { adminToken, call, freshDirectory, person, rows, signedInPerson, uuidOf } from '../support/usher'

freshDirectory()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

describe.each(signInContracts)('signing in through %s', (_, acts) => {
  /** The outcome of a sign-in, and the user whose session it began. The first admin's sessions are ignored. */
  async function signing(identifier: string, password: string) {
    await rows('DELETE FROM sessions WHERE user_number > 1')
    const { path, ...options } = acts.session.signIn(identifier, password)
    const answer = await call(path, options)
    const sessions = await rows<{ number: number }>('SELECT user_number AS number FROM sessions WHERE user_number > 1')
    return [identifier, acts.outcome(answer), sessions.map(({ number }) => number)]
  }

  it('accepts leading zeros, full-width digits and surrounding blanks for the same matricule', async () => {
    const { number, password } = await signedInPerson(admin, { matricule: 77 })
    for (const typed of ['77', '077', '0000077', '７７', '００７７', ' 77', '0077\t', '\u00a077\u3000', '\ufeff77']) {
      expect(await signing(typed, password)).toEqual([typed, 'done', [number]])
    }
    const zero = await signedInPerson(admin, { matricule: 0 })
    for (const typed of ['0', '00', '000', '０']) {
      expect(await signing(typed, zero.password)).toEqual([typed, 'done', [zero.number]])
    }
  })

  it('accepts digits with and without leading zeros for the same username', async () => {
    const { number, password } = await signedInPerson(admin, { username: '0042' })
    for (const typed of ['42', '0042', '４２', '00042']) {
      expect(await signing(typed, password)).toEqual([typed, 'done', [number]])
    }
  })

  it('accepts an email and a username with surrounding blanks', async () => {
    const { email, number, password } = await signedInPerson(admin, { username: 'noor' })
    for (const identifier of [email, 'noor']) {
      const blanks = [' ', '\t', '\n', '\u00a0', '\u3000', '\u2003', '\u200b ']
      const spellings = blanks.map((blank) => blank + identifier + blank)
      for (const typed of [` ${identifier}`, `${identifier} `, ...spellings]) {
        expect(await signing(typed, password)).toEqual([typed, 'done', [number]])
      }
    }
  })

  it('accepts an international domain in Unicode and in ASCII', async () => {
    for (const email of ['noor@bücher.example', 'lena@xn--bcher-kva.example']) {
      const { number, password } = await signedInPerson(admin, { email })
      const [name] = email.split('@')
      for (const domain of [
        'bücher.example',
        'BU\u0308CHER.example',
        'xn--bcher-kva.example',
        'XN--BCHER-KVA.EXAMPLE',
      ]) {
        expect(await signing(`${name}@${domain}`, password)).toEqual([`${name}@${domain}`, 'done', [number]])
      }
    }
  })

  it('rejects other domains that a URL parser would read as the same', async () => {
    const password = 'a fine passphrase'
    for (const email of ['a@example.example', 'a@1.0x7f']) {
      expect((await call('/v1/users', { token: admin, json: person({ email, password }) })).status).toBe(201)
      expect(await signing(email, password)).toEqual([email, 'done', [expect.any(Number)]])
    }
    for (const typed of [
      ...['/zzz', '/', ':99', ':80', ':', '?x', '#x', '\\x', '.', '。', '/@example.example'].map(
        (end) => `a@example.example${end}`,
      ),
      ...[
        'a@ex%61mple.example',
        'a@ex\tample.example',
        'a@x:y@example.example',
        'a@//example.example',
        'a@example。example',
      ],
      ...['a@1.0.0.127', 'a@0x1.0x7f', 'a@1.127', 'a@16777343'],
    ]) {
      expect(await signing(typed, password)).toEqual([typed, 'unauthenticated', []])
    }
  })

  it('counts failures of a number together, in every spelling, whether or not it belongs to a user', async () => {
    await signedInPerson(admin, { matricule: 77 })
    for (const number of ['77', '99']) {
      for (const zeros of ['', '0', '00', '000', '0000']) {
        expect((await signing(zeros + number, 'not the password'))[1]).toBe('unauthenticated')
      }
      expect((await signing(number, 'not the password'))[1]).toBe('limited')
      expect((await signing(` ００${number}`, 'not the password'))[1]).toBe('limited')
    }
  })
})

describe('a set-password token', () => {
  it('is accepted with surrounding blanks', async () => {
    for (const [before, after] of [
      [' ', ''],
      ['', '\n'],
      ['\u00a0', '\u3000 '],
    ] as const) {
      const { id, email } = await signedInPerson(admin)
      const issued = await call(`/v1/users/${id}/password-token`, { method: 'POST', token: admin })
      const new_password = 'another fine passphrase'
      const json = { token: before + issued.body.token + after, new_password }
      expect((await call('/v1/auth/password', { json })).status).toBe(204)
      expect((await call('/v1/auth/login', { json: { identifier: email, password: new_password } })).status).toBe(200)
    }
  })
})

describe('a path of personnel', () => {
  it('finds the user with the matricule, not a user whose username looks like it', async () => {
    const { body: one } = await call('/v1/users', { token: admin, json: person({ matricule: 77 }) })
    for (const username of ['0077', '００７７']) {
      expect((await call('/v1/users', { token: admin, json: person({ username }) })).status).toBe(409)
    }
    for (const typed of ['77', '0077', '００７７']) {
      const { body } = await call(`/personnel/users/${encodeURIComponent(typed)}`, { token: admin })
      expect([typed, body.user_id]).toEqual([typed, uuidOf(one.id)])
    }
  })
})

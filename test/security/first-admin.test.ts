/** The first admin: exactly one sign-in to an empty directory creates it. */
import { describe, expect, it } from 'vitest'
import { signInContracts, type SigningIn } from '../contracts'
import { adminToken, call, firstAdmin, freshDirectory, rows, signedInPerson, signIn, type Call } from '../support/usher'

freshDirectory()

const { email, password } = firstAdmin

async function tries(acts: SigningIn, identifier: string, guess: string, as: Call = {}) {
  const { path, ...options } = acts.session.signIn(identifier, guess)
  return acts.outcome(await call(path, { ...options, ...as }))
}

describe('the first admin', () => {
  it.each(signInContracts)(
    'is created by the first sign-in, through %s, with exactly the configured credentials',
    async (_, acts) => {
      expect(await tries(acts, email, 'another password')).toBe('unauthenticated')
      expect(await tries(acts, 'another@usher.example', password)).toBe('unauthenticated')
      expect(await rows('SELECT * FROM users')).toEqual([])
      expect(await tries(acts, email, password)).toBe('done')
      expect((await signIn(email, password)).user).toMatchObject({ email, name: 'first.admin', role: 'admin' })
    },
  )

  it('is created once, even by simultaneous sign-ins through all contracts', async () => {
    const attempts = await Promise.all(
      Array.from({ length: 10 }, (_, index) => {
        const [, acts] = signInContracts[index % signInContracts.length] as (typeof signInContracts)[number]
        return tries(acts, email, password)
      }),
    )
    expect(attempts).toEqual(Array(10).fill('done'))
    expect(await rows('SELECT * FROM users')).toHaveLength(1)
    expect(await rows('SELECT * FROM sessions')).toHaveLength(10)
  })

  it('is not created when the configuration names no email, or a password that breaks the rules', async () => {
    for (const [, acts] of signInContracts) {
      for (const [BOOTSTRAP_ADMIN_EMAIL, BOOTSTRAP_ADMIN_PASSWORD] of [
        ['', ''],
        [email, ''],
        ['', password],
        [email, 'short'],
        [email, 'password1'],
        [email, email],
      ] as const) {
        const env = { BOOTSTRAP_ADMIN_EMAIL, BOOTSTRAP_ADMIN_PASSWORD }
        expect(
          await tries(acts, BOOTSTRAP_ADMIN_EMAIL || email, BOOTSTRAP_ADMIN_PASSWORD || password, { env }),
        ).not.toBe('done')
        await rows('DELETE FROM sign_in_failures')
      }
    }
    expect(await rows('SELECT * FROM users')).toEqual([])
  })

  const another = { BOOTSTRAP_ADMIN_EMAIL: 'second@usher.example', BOOTSTRAP_ADMIN_PASSWORD: 'another way to get in' }

  it.each(signInContracts)(
    'cannot be created again through %s once an admin exists, whatever the configuration says',
    async (_, acts) => {
      await adminToken()
      const { BOOTSTRAP_ADMIN_EMAIL, BOOTSTRAP_ADMIN_PASSWORD } = another
      expect(await tries(acts, BOOTSTRAP_ADMIN_EMAIL, BOOTSTRAP_ADMIN_PASSWORD, { env: another })).toBe(
        'unauthenticated',
      )
      expect(await rows('SELECT * FROM users')).toHaveLength(1)
    },
  )

  it.each(signInContracts)('is not created through %s when the email belongs to an existing user', async (_, acts) => {
    const user = await signedInPerson(await adminToken())
    await rows('UPDATE users SET primary_role = 2')
    await rows('UPDATE user_roles SET role_number = 2')
    await rows("UPDATE user_counts SET count = 0 WHERE scope = 'role:1'")
    const env = { ...another, BOOTSTRAP_ADMIN_EMAIL: user.email }
    expect(await tries(acts, user.email, another.BOOTSTRAP_ADMIN_PASSWORD, { env })).toBe('unauthenticated')
    expect(await rows('SELECT * FROM user_roles WHERE role_number = 1')).toEqual([])
  })
})

/** The last active admin: one always remains, whatever admins do to themselves and each other. */
import { describe, expect, it } from 'vitest'
import { contracts, demotionsOf, outcomeAt, type Ask } from '../contracts'
import { v1Path } from '../support/people'
import { snapshot } from '../support/snapshot'
import { adminToken, call, freshDirectory, rows, signedInPerson } from '../support/usher'

freshDirectory()

type Person = Awaited<ReturnType<typeof signedInPerson>>

async function outcomeOf({ path, ...options }: Ask, token: string) {
  return outcomeAt(path, await call(path, { ...options, token }))
}

/** Every way to end a user's admin role or access. With `ofOneself`, only those that admins can do to themselves. */
const endingsOf = ({ ofOneself }: { ofOneself: boolean }) =>
  contracts.flatMap(([, acts]) => [
    acts.deactivate,
    ...(acts.delete ? [acts.delete] : []),
    ...(ofOneself && acts.keepsOwnRoles ? [] : demotionsOf(acts)),
  ])

const activeAdmins = () =>
  rows<{ id: string }>(
    'SELECT users.id FROM users JOIN user_roles ON user_number = number WHERE role_number = 1 AND active = 1',
  )

describe('the last active admin', () => {
  it('cannot be demoted, deactivated or deleted, in any way', async () => {
    const admin = await adminToken()
    const last = await signedInPerson(admin, { role: 'admin' })
    const idle = await signedInPerson(admin, { role: 'admin' })
    const [first] = await activeAdmins()
    for (const one of [String(first?.id), idle.uuid]) {
      const path = `${v1Path({ uuid: one })}/deactivate`
      await call(path, { method: 'POST', token: last.access_token })
    }
    const before = await snapshot()
    for (const end of endingsOf({ ofOneself: true })) {
      expect(['refused', 'forbidden']).toContain(await outcomeOf(end(last), last.access_token))
    }
    expect(await snapshot()).toEqual(before)
  })

  it.each([1, 2, 3, 4, 5])(
    'remains when ten admins end themselves, or each other, at once in mixed ways: round %i',
    async (round) => {
      const admin = await adminToken()
      const [first] = await activeAdmins()
      const admins = await Promise.all(Array.from({ length: 10 }, () => signedInPerson(admin, { role: 'admin' })))
      await call(v1Path({ uuid: String(first?.id) }), { method: 'DELETE', token: admins[0]?.access_token })
      const outcomes = await Promise.all(
        admins.map((one, index) => {
          const endings = endingsOf({ ofOneself: round % 2 === 1 })
          const end = endings[(index + round) % endings.length] as (typeof endings)[number]
          const target = round % 2 ? one : (admins[(index + 1) % admins.length] as Person)
          return outcomeOf(end(target), one.access_token)
        }),
      )
      const left = await activeAdmins()
      expect(left.length).toBeGreaterThanOrEqual(1)
      expect(outcomes.filter((outcome) => outcome !== 'done')).toHaveLength(left.length)
    },
  )
})

/** How the whole name and its two parts follow from each other. */
import { beforeEach, describe, expect, it } from 'vitest'
import { coherentNames } from '../../src/core/users/user'
import { adminToken, call, freshDirectory, person, rows, uuidOf } from '../support/usher'

const present = { givenName: 'Ana', familyName: 'Duarte' }

describe('names in a request', () => {
  it.each([
    ['Lia Marie Okoye', 'Lia', 'Marie Okoye'],
    ['Lia', 'Lia', ''],
    ['  Lia   Marie  Okoye ', 'Lia', 'Marie Okoye'],
    ['Lia\u00a0Okoye', 'Lia', 'Okoye'],
    ['李\u3000小龙', '李', '小龙'],
    ['Jean-Luc d’Arc', 'Jean-Luc', 'd’Arc'],
  ])('with only the whole name, %j, set both parts and keep the whole name as sent', (name, givenName, familyName) => {
    expect(coherentNames({ name }, present)).toEqual({ name, givenName, familyName })
  })

  it.each([
    [{ givenName: 'Inês' }, { givenName: 'Inês', familyName: 'Duarte', name: 'Inês Duarte' }],
    [{ familyName: 'Faro' }, { givenName: 'Ana', familyName: 'Faro', name: 'Ana Faro' }],
    [
      { givenName: 'Inês', familyName: 'Faro' },
      { givenName: 'Inês', familyName: 'Faro', name: 'Inês Faro' },
    ],
    [{ givenName: '' }, { givenName: '', familyName: 'Duarte', name: 'Duarte' }],
    [{ familyName: '' }, { givenName: 'Ana', familyName: '', name: 'Ana' }],
  ])('with only parts, %j, set the whole name, using the stored value of a missing part', (sent, expected) => {
    expect(coherentNames(sent, present)).toEqual(expected)
  })

  it.each([
    [{ name: 'Dr. Ana', givenName: 'Inês', familyName: 'Faro' }],
    [{ name: 'Dr. Ana', givenName: 'Inês' }],
    [{ name: 'Dr. Ana', familyName: 'Faro' }],
  ])('with all of them, %j, are kept as sent and change nothing else', (sent) => {
    expect(coherentNames(sent, present)).toEqual(sent)
  })

  it('change nothing when none is sent', () => {
    expect(coherentNames({}, present)).toEqual({})
    expect(coherentNames({ name: undefined, givenName: undefined }, present)).toEqual({})
  })
})

describe('the names of a user', () => {
  freshDirectory()

  let admin: string
  beforeEach(async () => {
    admin = await adminToken()
  })

  const create = (fields: Record<string, unknown>) => call('/v1/users', { token: admin, json: person(fields) })
  const namesOf = ({ name, first_name, last_name }: Record<string, unknown>) => [name, first_name, last_name]
  const stored = async (id: string) =>
    Object.values((await rows('SELECT name, given_name, family_name FROM users WHERE id = ?', uuidOf(id)))[0] as object)

  it.each([
    [{ name: 'Lia Marie Okoye' }, ['Lia Marie Okoye', 'Lia', 'Marie Okoye']],
    [{ name: ' Lia  Okoye ' }, [' Lia  Okoye ', 'Lia', 'Okoye']],
    [{ name: 'Lia' }, ['Lia', 'Lia', '']],
    [{ name: 'Dr. L. Okoye', first_name: 'Lia', last_name: 'Okoye' }, ['Dr. L. Okoye', 'Lia', 'Okoye']],
    [{ name: 'Dr. L. Okoye', first_name: 'Lia' }, ['Dr. L. Okoye', 'Lia', '']],
    [{ name: 'Dr. L. Okoye', last_name: 'Okoye' }, ['Dr. L. Okoye', '', 'Okoye']],
    [{ name: 'Dr. L. Okoye', first_name: '', last_name: '' }, ['Dr. L. Okoye', '', '']],
  ])('created with %j agree with each other, and are stored as returned', async (sent, expected) => {
    const { status, body } = await create(sent)
    expect(status).toBe(201)
    expect(namesOf(body)).toEqual(expected)
    expect(await stored(body.id)).toEqual(expected)
  })

  it('follow a change of the whole name, and stay when the old value is sent back', async () => {
    const { body: created } = await create({ name: 'Dr. L. Okoye', first_name: 'Lia', last_name: 'Okoye' })
    const rename = (nom: string) =>
      call('/personnel/users/update', { token: admin, method: 'PUT', json: { user_id: uuidOf(created.id), nom } })
    expect((await rename('Dr. L. Okoye')).status).toBe(200)
    expect(await stored(created.id)).toEqual(['Dr. L. Okoye', 'Lia', 'Okoye'])
    expect((await rename('Lia Marie Diallo')).body.nom).toBe('Lia Marie Diallo')
    expect(await stored(created.id)).toEqual(['Lia Marie Diallo', 'Lia', 'Marie Diallo'])
  })

  it.each([
    [{ first_name: 'Awa' }, ['Awa Okoye', 'Awa', 'Okoye']],
    [{ last_name: 'Sow' }, ['Lia Sow', 'Lia', 'Sow']],
    [{ last_name: '' }, ['Lia', 'Lia', '']],
    [{ first_name: 'Awa', last_name: 'Sow' }, ['Awa Sow', 'Awa', 'Sow']],
    [{ name: 'Awa Mariam Sow' }, ['Awa Mariam Sow', 'Awa', 'Mariam Sow']],
    [{ name: 'Dr. Sow', first_name: 'Awa', last_name: 'Sow' }, ['Dr. Sow', 'Awa', 'Sow']],
    [{ name: 'Dr. Sow', first_name: 'Awa' }, ['Dr. Sow', 'Awa', 'Okoye']],
    // A value that is sent back unchanged counts as not sent.
    [{ name: 'Lia Okoye', first_name: 'Awa', last_name: 'Okoye' }, ['Awa Okoye', 'Awa', 'Okoye']],
    [{ name: 'Awa Sow', first_name: 'Lia', last_name: 'Okoye' }, ['Awa Sow', 'Awa', 'Sow']],
    [{ phone: '1' }, ['Lia Okoye', 'Lia', 'Okoye']],
  ])('changed by %j agree with each other', async (json, expected) => {
    const { body: created } = await create({ name: 'Lia Okoye' })
    for (const method of ['PUT', 'PATCH']) {
      const { status, body } = await call(`/v1/users/${created.id}`, { token: admin, method, json })
      expect([status, namesOf(body)]).toEqual([200, expected])
      expect(await stored(created.id)).toEqual(expected)
      await call(`/v1/users/${created.id}`, { token: admin, method, json: { name: 'Lia Okoye' } })
    }
  })

  it('may be longer when derived than the maximum of a sent name', async () => {
    const word = 'x'.repeat(200)
    const { status, body } = await create({ name: word })
    expect([status, ...namesOf(body)]).toEqual([201, word, word, ''])
    const { body: other } = await create({ name: `${'y'.repeat(10)} ${'z'.repeat(189)}` })
    expect(namesOf(other).slice(1)).toEqual(['y'.repeat(10), 'z'.repeat(189)])
    expect((await create({ name: 'x', first_name: 'x'.repeat(101) })).status).toBe(400)
  })

  it.each(['', ' ', '\t', '\u00a0', '\u2003\u3000', '\u200d', '\ufe0f', '\u200c \u200d'])(
    'must not be blank, as %j is',
    async (name) => {
      for (const { status, body } of [await create({ name }), await create({ name, first_name: 'Lia' })]) {
        expect(status).toBe(400)
        expect(body.errors).toEqual([{ field: 'name', message: 'must not be blank' }])
      }
    },
  )
})

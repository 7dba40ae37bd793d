/** A rehearsal of the responses of another SCIM 2.0 server: a deviation explains every difference. */
import { expect, it } from 'vitest'
import type { Entry, Header } from '../scripts/rehearse/messages'
import { newReplay, outcomesOf } from './support/recordings'
import { groupSchema, patchSchema, userSchema } from './support/scim'
import { freshDirectory } from './support/usher'

freshDirectory()

const base = 'https://old.example/scim/v2'
const headers: Header[] = [
  ['content-type', 'application/scim+json'],
  ['authorization', 'Bearer of-the-old-server'],
]
let entries: Entry[] = []

type Shown = object & { meta?: { location: string } }

function recorded(method: string, path: string, sent: object | undefined, status: number, body?: Shown) {
  const shown: Header[] = body?.meta ? [['location', body.meta.location]] : []
  entries.push({
    index: entries.length + 1,
    host: 'old.example',
    method,
    path: `/scim/v2${path}`,
    isCut: false,
    request: { headers, body: sent && JSON.stringify(sent) },
    response: {
      status,
      headers: [['content-type', 'application/scim+json'], ...shown],
      body: body && JSON.stringify(body),
    },
  })
}

const idOf = (n: number) => `2819c223-7f76-453a-919d-41386190466${n}`
const meta = (type: string, id: string) => ({
  resourceType: type,
  created: '2020-01-01T00:00:00Z',
  lastModified: '2020-01-01T00:00:00Z',
  location: `${base}/${type}s/${id}`,
  version: 'W/"a330bc54f0671c9"',
})

const person = (userName: string, more: object = {}) => ({
  schemas: [userSchema],
  userName,
  name: { givenName: 'Given', familyName: 'Family' },
  active: true,
  displayName: 'Given Family',
  emails: [{ value: `${userName}@example.org`, type: 'work', primary: true }],
  ...more,
})
const shownName = { formatted: 'Given Family', givenName: 'Given', familyName: 'Family' }

/** A user as the other server shows it: as it was sent. */
const shown = (n: number, sent: object) => ({ ...sent, id: idOf(n), name: shownName, meta: meta('User', idOf(n)) })

const patch = (...Operations: object[]) => ({ schemas: [patchSchema], Operations })

it('names the deviations that explain the differences', async () => {
  entries = []
  const home = { value: 'one@home.example', type: 'home' }
  const user = person('one', { emails: [{ value: 'one@example.org', type: 'work', primary: true }, home] })
  recorded('POST', '/Users', user, 201, shown(1, user))
  const shared = person('two', { emails: [{ value: 'one@example.org', type: 'work', primary: true }] })
  recorded('POST', '/Users', shared, 201, shown(2, shared))
  const boss = person('boss', { roles: [{ value: 'admin' }] })
  recorded('POST', '/Users', boss, 201, shown(3, boss))
  recorded('GET', `/Users/${idOf(2)}`, undefined, 200, shown(2, shared))
  const { displayName: _, ...bare } = user
  recorded('PUT', `/Users/${idOf(1)}`, bare, 200, shown(1, bare))
  const active = patch({ op: 'remove', path: 'active' })
  recorded('PATCH', `/Users/${idOf(1)}`, active, 200, shown(1, bare))
  const group = { schemas: [groupSchema], displayName: 'Staff' }
  const shownGroup = { ...group, id: idOf(9), meta: meta('Group', idOf(9)) }
  recorded('POST', '/Groups', group, 201, shownGroup)
  const joins = (value: string, more: object = {}) => patch({ op: 'add', path: 'members', value: [{ value, ...more }] })
  recorded('PATCH', `/Groups/${idOf(9)}`, joins(idOf(1)), 200, shownGroup)
  recorded('PATCH', `/Groups/${idOf(9)}`, joins(idOf(9), { type: 'Group' }), 200, shownGroup)
  recorded('PATCH', `/Groups/${idOf(9)}`, joins(idOf(7)), 204)

  const outcomes = await outcomesOf(await newReplay('scim'), entries)
  const different = outcomes.filter(({ differences }) => differences.length > 0)
  expect(different.map(({ index, differences }) => [index, differences])).toEqual([])
  const listed = outcomes.map((outcome) => [...new Set(outcome.listed.flatMap(({ reasons }) => [...reasons]))].sort())
  expect(listed).toEqual([
    ['one-email'],
    ['unique-emails'],
    ['groups-give-authority'],
    ['unique-emails'],
    ['one-email', 'put-keeps'],
    ['active-stays'],
    ['groups-without-versions'],
    ['group-patch-is-empty'],
    expect.arrayContaining(['users-in-groups']),
    ['known-members'],
  ])
})

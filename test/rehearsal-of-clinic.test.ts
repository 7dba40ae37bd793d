/** A rehearsal of the responses of the original clinic: a deviation explains every difference. */
import { describe, expect, it } from 'vitest'
import type { Entry } from '../scripts/rehearse/messages'
import { newReplay, outcomesOf } from './support/recordings'
import { firstAdmin, freshDirectory } from './support/usher'

freshDirectory()

const users = '/users/user'
const html = { 'content-type': 'text/html; charset=utf-8' }
const json = { 'content-type': 'application/json; charset=utf8' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const cookie = 'sessionid=q8y2v5j1l0k4n7m3p6r9s2t5w8x1z4c7'

type Fields = Record<string, string>
let entries: Entry[] = []

function recorded(method: string, path: string, sent: Partial<Entry['request']>, response: Partial<Entry['response']>) {
  entries.push({
    index: entries.length + 1,
    host: undefined,
    method,
    path,
    isCut: false,
    request: { headers: [['cookie', cookie]], body: undefined, ...sent },
    response: { status: 200, headers: Object.entries(json), body: undefined, ...response },
  })
}

const answered = (body: object) => ({ body: JSON.stringify(body).replace(/","/g, '", "') })
const page = (status: number, headers: Fields = {}) => ({
  status,
  headers: Object.entries({ ...html, ...headers }),
  body: '<html></html>',
})
const sent = (fields: Fields, type: Fields = form) => ({
  headers: Object.entries({ ...type, cookie }),
  body: type === form ? new URLSearchParams(fields).toString() : JSON.stringify(fields),
})

const types: Fields = { AD: 'Administrative', TE: 'Technician', CL: 'Clinician', ST: 'Student' }
const genders: Fields = { M: 'Male', F: 'Female', U: 'Unknown' }

/** A user as the original shows it. */
const shown = (id: string, fields: Fields, more: object = {}) => ({
  id,
  uid: id.padStart(40, 'c0ffee'),
  username: fields['username'],
  email: fields['email'],
  first_name: fields['first_name'],
  last_name: fields['last_name'],
  birth_date: null,
  is_staff: false,
  is_active: false,
  is_admin: false,
  phone: null,
  mobile: null,
  certified_email: null,
  user_type: { key: fields['user_type'], value: types[fields['user_type'] as string] },
  gender: { key: fields['gender'], value: genders[fields['gender'] as string] },
  ...more,
})

const person = (username: string, more: Fields = {}): Fields => ({
  username,
  first_name: 'Given',
  last_name: 'Family',
  email: `${username}@clinic.example`,
  user_type: 'CL',
  gender: 'F',
  ...more,
})

function creates(id: string, fields: Fields, more: object = {}) {
  const message = `MOST User ${id} successfully created.`
  recorded('POST', `${users}/new/`, sent(fields), answered({ message, data: shown(id, fields, more), success: true }))
}

function refusesToCreate(fields: Fields, sentence: string, type: Fields = form) {
  const errors = `Unable to create MOST user.\n<ul class="errorlist"><li>${sentence}</li></ul>\n`
  recorded('POST', `${users}/new/`, sent(fields, type), answered({ errors, success: false }))
}

function finds(query: string, found: object[]) {
  const total_count = found.length
  const message = `${total_count} users found for query string: '${query}'`
  recorded(
    'GET',
    `${users}/search/?query_string=${query}`,
    {},
    answered({ total_count, message, data: found, success: true }),
  )
}

const shows = (id: string, record: object) =>
  recorded(
    'GET',
    `${users}/${id}/get_user_info/`,
    {},
    answered({ message: `User ${id} found.`, data: record, success: true }),
  )

const boss = person(firstAdmin.email, { email: firstAdmin.email, user_type: 'AD' })
const bossShown = shown('1', boss, { is_active: true, is_admin: true, is_staff: true })

function signsIn() {
  entries = []
  const headers: [string, string][] = [
    ...Object.entries(json),
    ['set-cookie', `${cookie}; expires=Mon, 14-Jul-2014 10:00:00 GMT; httponly; Max-Age=1209600; Path=/`],
    ['set-cookie', 'csrftoken=Zk3; Path=/'],
  ]
  const data = { ...bossShown, username: 'boss', email: 'boss@clinic.example' }
  const fields = { username: 'boss', password: '********' }
  recorded(
    'POST',
    `${users}/login/`,
    { ...sent(fields), headers: Object.entries(form) },
    {
      headers,
      ...answered({ message: 'Welcome boss.', data, success: true }),
    },
  )
}

/** The deviations that explain each exchange, by its place; fails where anything else differs. */
async function listed(): Promise<string[][]> {
  const outcomes = await outcomesOf(await newReplay('clinic'), entries)
  const different = outcomes.filter(({ verdict }) => !['same', 'listed'].includes(verdict))
  expect(different.map(({ index, differences }) => [index, differences])).toEqual([])
  return outcomes.map((outcome) => [...new Set(outcome.listed.flatMap(({ reasons }) => [...reasons]))].sort())
}

describe('a recording of the original clinic', () => {
  it('is recognised by the cookie and the format of `uid` at a sign-in', async () => {
    signsIn()
    expect(await listed()).toEqual([['cookie', 'uid']])
  })

  it('shows the differences of each request that creates or reads a user', async () => {
    signsIn()
    const ines = person('ines', { is_active: 'on' })
    creates('2', ines, { is_active: true })
    shows(
      '2',
      shown('2', ines, { is_active: true, clinician_type: 'DR', specialization: null, is_health_care_provider: true }),
    )
    const idris = person('idris')
    creates('3', idris)
    shows('3', shown('3', idris))
    refusesToCreate(person('ines'), 'MOST user with this Username already exists.')
    refusesToCreate({ ...person('x'), username: '' }, 'This field is required.')
    refusesToCreate(person('noor', { user_type: 'ST', is_admin: 'true' }), 'Students could not be admin users')
    expect((await listed()).slice(1)).toEqual([
      ['is-staff', 'messages', 'uid'],
      ['clinicians', 'is-staff', 'uid'],
      ['is-staff', 'messages', 'new-is-active', 'uid'],
      ['is-staff', 'new-is-active', 'uid'],
      ['wrong-input'],
      ['wrong-input'],
      ['students'],
    ])
  })

  it('explains the differences that follow from two users with the same email', async () => {
    signsIn()
    const user = person('one', { is_active: 'on', email: 'shared@clinic.example' })
    const two = person('two', { is_active: 'on', email: 'shared@clinic.example' })
    const three = person('three', { is_active: 'on' })
    creates('2', user, { is_active: true })
    creates('3', two, { is_active: true })
    creates('4', three, { is_active: true })
    const [first, second, third] = [
      shown('2', user, { is_active: true }),
      shown('3', two, { is_active: true }),
      shown('4', three, { is_active: true }),
    ]
    finds('clinic.example', [first, second, third])
    finds('two', [second])
    shows('3', second)
    shows('4', third)
    const changed = { ...three, last_name: 'Changed', is_active: 'on' }
    recorded(
      'POST',
      `${users}/4/edit/`,
      sent(changed),
      answered({
        message: 'MOST User 4 successfully updated.',
        data: { ...third, last_name: 'Changed' },
        success: true,
      }),
    )
    recorded(
      'POST',
      `${users}/3/deactivate/`,
      {},
      answered({ message: 'User 3 deactivated', data: { id: '3', is_active: false }, success: true }),
    )
    recorded(
      'POST',
      `${users}/4/activate/`,
      {},
      answered({ message: 'User 4 deactivated', data: { id: '4', is_active: true }, success: true }),
    )
    refusesToCreate({ ...two, email: 'other@clinic.example' }, 'MOST user with this Username already exists.')
    const explained = await listed()
    expect(explained[2]).toEqual(['shared-emails'])
    for (const index of [4, 5, 6, 9, 11])
      expect([index, explained[index]]).toEqual([index, expect.arrayContaining(['shared-emails'])])
    expect(explained[7]).toEqual(['is-staff', 'uid'])
    expect(explained[10]).toEqual(['activated'])
  })

  it('explains the differences that follow when Usher creates a user that the original refused', async () => {
    signsIn()
    const noor = person('noor', { is_active: 'on' })
    refusesToCreate(noor, 'This field is required.', { 'content-type': 'application/json' })
    recorded(
      'GET',
      `${users}/search/?query_string=noor`,
      {},
      answered({ total_count: 0, message: "No users found for query string: 'noor'", data: [], success: false }),
    )
    creates('2', noor, { is_active: true })
    shows('2', shown('2', noor, { is_active: true }))
    finds('noor', [shown('2', noor, { is_active: true })])
    const explained = await listed()
    expect(explained.slice(1, 4)).toEqual([
      ['json-bodies'],
      ['json-bodies'],
      // The user that Usher created already has the email.
      ['shared-emails'],
    ])
  })

  it('explains failures, redirects and methods', async () => {
    signsIn()
    const anonymous = { headers: [] }
    const loginPage = { location: `http://old.example${users}/login/?next=${users}/search/` }
    recorded('GET', `${users}/search/?query_string=x`, anonymous, page(302, loginPage))
    recorded(
      'GET',
      `${users}/new/`,
      {},
      answered({ errors: 'Unable to create MOST user.\n<ul></ul>\n', success: false }),
    )
    recorded('POST', `${users}/search/`, sent({}), page(403))
    recorded('GET', `${users}/999/get_user_info/`, {}, page(500))
    recorded('GET', `${users}/search/`, {}, page(500))
    recorded('GET', `${users}/none/get_user_info/`, {}, page(404))
    recorded(
      'GET',
      `${users}/search?query_string=x`,
      {},
      page(301, { location: `http://old.example${users}/search/?query_string=x` }),
    )
    recorded('POST', `${users}/login/`, { ...sent({ username: 'boss' }), headers: Object.entries(form) }, page(500))
    const disabled = { username: 'gone', password: 'some password' }
    recorded(
      'POST',
      `${users}/login/`,
      { ...sent(disabled), headers: Object.entries(form) },
      answered({ errors: 'User 3 disabled.', success: false }),
    )
    shows('01', { ...bossShown, id: '1' })
    recorded('GET', `${users}/logout/`, {}, answered({ message: 'Bye.', success: true }))
    expect((await listed()).slice(1)).toEqual([
      ['not-signed-in'],
      ['get-new'],
      ['get-only'],
      ['server-errors'],
      ['server-errors'],
      ['failure-bodies'],
      ['slash'],
      ['server-errors'],
      ['inactive-login'],
      expect.arrayContaining(['ids-as-numbers']),
      ['cookie'],
    ])
  })
})

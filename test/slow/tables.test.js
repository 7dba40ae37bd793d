/**
 * A table with the faults of real tables, from `npm run csv` to the directory and back. Every row is accounted for by
 * name.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { linesOf, runs, temporaryFolder } from '../support/scripts'
import { admin, hurried, newServer } from '../support/server'

const people = Math.max(1500, Math.round(20_000 * Number(process.env.SLOW_SCALE || 1)))
const folder = temporaryFolder()
const at = (name) => join(folder, name)

let server
beforeAll(async () => {
  server = await newServer(hurried)
  await server.start()
})
afterAll(() => server?.remove(), 60_000)

async function keyOf({ address }) {
  const post = async (path, body, token) => {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
    return (await fetch(address + path, { method: 'POST', headers, body: JSON.stringify(body) })).json()
  }
  const { access_token } = await post('/v1/auth/login', { identifier: admin.email, password: admin.password })
  const permissions = ['users:import', 'users:export', 'users:read', 'users:deactivate', 'roles:read']
  return (await post('/v1/api-keys', { name: 'mover', permissions }, access_token)).key
}

const bcrypt = '$2a$06$abcdefghijklmnopqrstuugPooxs1p4fzPkiu/V9r91072PcXt46u'
const headings = [
  ...['id', 'Nom', 'Prénom', 'E-mail', 'Mot de passe', 'password_hash', 'matricule', 'is_active', 'Sexe'],
  ...['Birthday', 'created_at', 'updated_at', 'Shoe size', 'locked'],
]

/**
 * A person of the table, and the expected result: `status`, and either the stored values or the reason for the refusal.
 */
function person(index) {
  const email = `person${index}@example.org`
  const row = {
    id: String(1000 + index),
    Nom: `Lemoine’s ${index}`,
    Prénom: ` Zoé `,
    'E-mail': ` ${email} `,
    Sexe: 'F',
    matricule: `00${5000 + index}`,
    is_active: 'oui',
    created_at: '2023-01-05 10:11:12',
    Birthday: '08 Jul 1980',
  }
  const shown = {
    email,
    number: 1000 + index,
    last_name: `Lemoine’s ${index}`,
    first_name: 'Zoé',
    matricule: 5000 + index,
    gender: 'female',
    birth_date: '1980-07-08',
    status: 'active',
    created_at: '2023-01-05T10:11:12Z',
  }
  const created = (more = {}, changes = {}) => ({
    row: { ...row, ...more },
    status: 'created',
    shown: { ...shown, ...changes },
  })
  const refused = (more, why) => ({ row: { ...row, ...more }, status: 'refused', why })
  const earlier = `person${index - 1}@example.org`
  // Kinds that refer to the previous person follow a person who is created.
  switch (index % 20) {
    case 1:
      return refused({ 'E-mail': earlier }, /^email is taken by (line|usr_)/)
    case 3:
      return { row: { ...person(index - 1).row, Nom: 'Lemoine again' }, status: 'skipped' }
    case 5:
      return { row: { ...row, 'Mot de passe': bcrypt }, status: 'refused by csv' }
    case 6:
      return created({ password_hash: bcrypt })
    case 7:
      return { ...created({ password_hash: '!unusable' }), note: true }
    case 8:
      return created({ is_active: '0' }, { status: 'inactive' })
    case 9:
      return refused({ created_at: '2999-01-01 00:00:00' }, /^created_at is in the future$/)
    case 10:
      return refused({ updated_at: '2020-01-01' }, /^updated_at is before created_at$/)
    case 11:
      return refused({ locked: 'yes' }, /^locked looks like a status/)
    case 12:
      return refused({ 'E-mail': `person${index} at example.org` }, /^email must be an email address$/)
    case 13:
      return created({ 'Shoe size': '38' })
    case 14:
      return refused({ password_hash: '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$c2FsdA' }, /^password_hash is no hash/)
    case 15:
      return refused({ Birthday: '31/02/1980' }, /^birth_date must be a date/)
    case 16:
      return refused({ is_active: 'perhaps' }, /^status must be one of/)
    case 17:
      return created({ 'Mot de passe': ' a phrase of blanks ' })
    default:
      return created()
  }
}

const all = Array.from({ length: people }, (_, index) => person(index))
const lines = all.filter(({ status }) => status !== 'refused by csv')

/** The table in Windows-1252 as Excel writes it, with the extra lines of real files. */
function tableBytes() {
  const cell = (value = '') => (/[;"\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)
  const rows = all.flatMap(({ row }, index) => [
    headings.map((heading) => cell(row[heading])).join(';'),
    ...(index % 50 === 0 ? [';'.repeat(headings.length - 1), ''] : []),
  ])
  const text = ['"SEP=;"', headings.join(';'), ...rows, ''].join('\r\n')
  return Buffer.from(text.replaceAll('’', '\x92'), 'latin1')
}

const whyOf = ({ errors }) => errors.map(({ field, message }) => `${field} ${message}`).join('; ')

function expectResults(results, { again = false } = {}) {
  expect(results.length).toBe(lines.length)
  for (const [index, { status, why, note, row }] of lines.entries()) {
    const result = results[index]
    const expected = again && status === 'created' ? 'skipped' : status
    expect([index + 1, row['E-mail'], expected]).toEqual([result.line, row['E-mail'], result.status])
    if (why) expect(whyOf(result)).toMatch(why)
    if (why?.source.includes('email is taken')) {
      const [, line] = /by line (\d+)$/.exec(whyOf(result)) ?? []
      if (line) expect(lines[Number(line) - 1].row['E-mail'].trim()).toBe(row['E-mail'])
    }
    if (!again) expect(result.note !== undefined).toBe(note === true)
  }
}

it('a table with every kind of fault is imported and exported, with every row accounted for', async () => {
  const key = await keyOf(server)
  writeFileSync(at('table.csv'), tableBytes())
  expect(runs('csv', [at('table.csv'), at('users.ndjson')])).toEqual({
    status: 2,
    said: expect.stringMatching(/Line 2 is not UTF-8/),
  })
  const csv = runs('csv', [at('table.csv'), at('users.ndjson'), '--encoding', 'windows-1252'])
  expect(csv.status).toBe(1)
  const refusedByCsv = all.length - lines.length
  expect(csv.said.match(/^Line \d+: password looks like a hash/gm)).toHaveLength(refusedByCsv)
  expect(csv.said).toContain(`${refusedByCsv.toLocaleString('en')} rows refused.`)
  expect(csv.said).toContain('match no user field: shoe_size.')
  expect(linesOf(at('users.ndjson')).length).toBe(lines.length)

  const ofStatus = (status) => lines.filter((line) => line.status === status)
  const totals = `${ofStatus('created').length} created, ${ofStatus('skipped').length} skipped, ${ofStatus('refused').length} refused`
  const shared = lines.filter(({ why }) => why?.source.includes('email is taken')).length.toLocaleString('en')
  const dry = runs('import', [at('users.ndjson'), server.address, '--dry-run'], key)
  expect([dry.status, dry.said]).toEqual([1, expect.stringContaining(totals)])
  expect(dry.said).toContain(`Refused because another user has their email: ${shared}.`)
  const refusedDry = dry.said
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
  expect(refusedDry.map(({ line }) => line)).toEqual(
    lines.flatMap(({ status }, index) => (status === 'refused' ? [index + 1] : [])),
  )

  const wet = runs('import', [at('users.ndjson'), server.address], key)
  expect([wet.status, wet.said]).toEqual([1, expect.stringContaining(totals)])
  expect(wet.said).toContain(`Refused because another user has their email: ${shared}.`)
  expect(wet.said).toContain('Without a usable password: ')
  expect(wet.said).toContain('Ignored fields, which match no user field: locked (')
  expectResults(linesOf(at('users.ndjson.results.ndjson')))

  expect(runs('export', [server.address, at('out.ndjson')], key).status).toBe(0)
  const exported = linesOf(at('out.ndjson')).filter(({ email }) => email !== admin.email)
  const expected = ofStatus('created').map(({ shown }) => shown)
  expect(exported.length).toBe(expected.length)
  for (const [index, user] of exported.entries()) expect(user).toMatchObject(expected[index])

  const back = runs('import', [at('out.ndjson'), server.address], key)
  expect([back.status, back.said]).toEqual([
    0,
    expect.stringContaining(`0 created, ${exported.length + 1} skipped, 0 refused`),
  ])
  expect(runs('import', [at('users.ndjson'), server.address], key).status).toBe(1)
  expectResults(linesOf(at('users.ndjson.results.ndjson')), { again: true })
}, 900_000)

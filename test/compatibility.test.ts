/// <reference types="vite/client" />
/** Compares the table of docs/compatibility.md, cell by cell, with what the Worker returns. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import page from '../docs/compatibility.md?raw'
import { contracts, type ContractDescription } from './contracts'
import { adminToken, call, freshDirectory, openApi, rows, uuidOf, type Answer } from './support/usher'

freshDirectory()
afterEach(() => void vi.useRealTimers())

interface Cell {
  row: string
  contract: string
  text: string
  /** Each field that is returned, with its value. */
  shown: [field: string, value: unknown][]
  /** Each field that is accepted, whether or not it is returned. */
  taken: string[]
}

const names = contracts.map(([name]) => name)
const readOnly = 'read only in an update'

function cellsOf(table: string): Cell[] {
  const [head, , ...body] = table.split('\n').map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((text) => text.trim()),
  )
  expect(
    head,
    'The table of docs/compatibility.md has one column for each contract of the registry, in its order',
  ).toEqual(['', ...names])
  return body.flatMap(([row = '', ...cells]) =>
    names.map((contract, index) => {
      const text = cells[index] ?? ''
      const [said = '', taken = ''] = text.split(/\bin as /)
      const shown = [...said.matchAll(/`(\w+): ([^`]+)`/g)].map(([, field, value]) => [field, valueOf(value!)])
      return { row, contract, text, shown, taken: namesIn(taken) } as Cell
    }),
  )
}

/** Returns a value as JSON. A weak ETag is not JSON and is returned unchanged. */
const valueOf = (text: string): unknown => (text.startsWith('W/') ? text : JSON.parse(text))

const namesIn = (text: string) => [...text.matchAll(/`(\w+)`/g)].map(([, name]) => name as string)
const table = /## One user in every contract\n[^#]*?(\n\|[^#]*\|\n)\n/.exec(page)?.[1]?.trim() ?? ''
const cells = cellsOf(table)

/** The ids of the table, and the ids that the directory assigns instead. */
const examples = { uuid: '019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66', number: 17 }
const hex = (uuid: string) => uuid.replaceAll('-', '')

/**
 * The person that a row is about, by the word after its colon. Other rows are about the person with every field set.
 */
type Sample = 'known' | 'none' | 'unknown' | 'false'
const sampleOf = (row: string): Sample =>
  (['none', 'unknown', 'false'] as const).find((one) => row.endsWith(`: ${one}`)) ?? 'known'

const known = {
  email: 'aicha.lemoine@example.org',
  name: 'Dr Lemoine',
  first_name: 'Aïcha',
  last_name: 'Lemoine',
  password: 'a password long enough',
  username: 'aicha',
  matricule: 4821,
  birth_date: '1980-07-08',
  gender: 'female',
  phone: '+33 1 70 18 00 21',
  mobile: '+33 6 70 18 00 21',
  user_type: 'clinician',
  certified_email: 'aicha@certified.example',
  is_staff: true,
  country_id: 250,
  role: 'nurse',
}
const bare = { email: 'bare@example.org', name: 'Bare', password: 'a password long enough' }
const people: Record<Sample, object> = {
  known,
  none: bare,
  unknown: { ...bare, email: 'unknown@example.org', gender: 'unknown' },
  false: { ...bare, email: 'false@example.org' },
}

let admin: string
const ids = {} as Record<Sample, { uuid: string; number: number }>

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-01-15T09:30:00.500Z') })
  admin = await adminToken()
  const nurse = { id: '5f0c2d9e-3b7a-4c61-8e15-d2a94b6f7038', number: 31, name: 'nurse', permissions: [] }
  await call('/v1/roles', { token: admin, json: nurse })
  for (const [sample, json] of Object.entries(people)) {
    const { status, body, text } = await call('/v1/users', { token: admin, json })
    expect(status, text).toBe(201)
    const uuid = uuidOf(body.id)
    const [user] = await rows<{ number: number }>('SELECT number FROM users WHERE id = ?', uuid)
    ids[sample as Sample] = { uuid, number: user?.number ?? 0 }
  }
  vi.setSystemTime(new Date('2026-01-16T10:00:00.500Z'))
  admin = await adminToken()
  const path = `/v1/users/usr_${hex(ids.known.uuid)}`
  await call(`${path}/roles`, { method: 'PUT', token: admin, json: { roles: ['nurse', 'admin'] } })
  await call(`/v1/users/usr_${hex(ids.false.uuid)}/deactivate`, { method: 'POST', token: admin })
})

/** A value of the table, with the person's own ids in place of the example's. */
function asIs(value: unknown, { uuid, number }: (typeof ids)[Sample]): unknown {
  if (value === examples.number) return number
  if (value === String(examples.number)) return String(number)
  return typeof value === 'string' ? value.replace(examples.uuid, uuid).replace(hex(examples.uuid), hex(uuid)) : value
}

const asked = (sample: Sample) => ({ ...ids[sample], email: '', password: '' })

async function recordOf({ read, records }: ContractDescription, sample: Sample): Promise<Answer> {
  const { path, ...options } = read(asked(sample))
  const answer = await call(path, { ...options, token: admin })
  expect(answer.status, answer.text).toBe(200)
  return { ...answer, body: records.in(answer.body) }
}

describe('the compatibility table', () => {
  it('is parsed as it is printed', () => {
    expect(cells.length).toBeGreaterThan(25 * contracts.length)
    for (const { row, contract, text, shown, taken } of cells) {
      const says = text === '–' || shown.length + taken.length > 0 || row === readOnly
      expect([row, contract, says]).toEqual([row, contract, true])
    }
  })

  it.each(contracts)('states the field and the format of each value in %s', async (name, contract) => {
    for (const { row, shown, text } of cells.filter((cell) => cell.contract === name)) {
      const sample = sampleOf(row)
      const { body, headers } = await recordOf(contract, sample)
      const header = /^header `(\w+): ([^`]+)`$/.exec(text)
      if (row === 'version') expect([row, headers.get('etag')]).toEqual([row, header?.[2] ?? null])
      else
        for (const [field, value] of shown)
          expect([row, field, body[field]]).toEqual([row, field, asIs(value, ids[sample])])
    }
  })

  it.each(contracts)('names every field that %s returns', async (name, contract) => {
    const { body } = await recordOf(contract, 'known')
    const named = cells
      .filter((cell) => cell.contract === name && !cell.text.startsWith('header'))
      .flatMap(({ shown }) => shown.map(([field]) => field))
    expect([...new Set(named)].sort()).toEqual(Object.keys(body).sort())
  })

  it('has no empty cell when another row for the same value has a filled one', () => {
    for (const { row, contract, text } of cells.filter(({ row }) => sampleOf(row) !== 'known')) {
      const plain = cells.find((cell) => cell.row === row.split(':')[0] && cell.contract === contract)
      expect([row, contract, text === '–']).toEqual([row, contract, plain?.text === '–'])
    }
  })

  it.each(contracts)('names the fields that %s accepts and does not return', async (name, contract) => {
    const { schemas } = (await openApi()).components
    const { body } = await recordOf(contract, 'known')
    const taken = cells.filter((cell) => cell.contract === name).flatMap((cell) => cell.taken)
    const written = Object.keys(schemas[contract.wire.creation]?.properties ?? {})
    expect(written.filter((field) => !(field in body)).sort()).toEqual(taken.filter((field) => !(field in body)).sort())
    expect(taken.filter((field) => !written.includes(field))).toEqual([])
  })

  it.each(contracts)('names the fields that %s ignores when they come back in an update', async (of, contract) => {
    const cell = cells.find((each) => each.row === readOnly && each.contract === of)
    const names = namesIn(cell?.text ?? '')
    const { body } = await recordOf(contract, 'known')
    expect(names.filter((name) => !(name in body))).toEqual([])
    const others = Object.fromEntries(names.map((name) => [name, 'other']))
    const record = contract.replacesRecord && body
    const { path, ...options } = contract.records.edit(asked('known'), others, record)
    const answer = await call(path, { ...options, token: admin })
    expect([names.length > 0, answer.status], answer.text).toEqual([true, 200])
    expect(contract.records.in(answer.body)).toEqual(body)
  })
})

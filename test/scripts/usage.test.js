/** `npm run usage`: its table, its heat map, and its error messages. */
import { describe, expect, it } from 'vitest'
import { byEntry, lastDays, tableOf } from '../../scripts/usage/table.js'
import { runsInThread } from '../support/scripts.js'

const use = (program, day, hours, more = {}) => ({
  contract: 'clinic',
  operation: 'clinicGetUser',
  principal: 'usr_1',
  program,
  first_seen: `${day}T08:00:00Z`,
  last_seen: `${day}T${String(7 + hours).padStart(2, '0')}:00:00Z`,
  active_days: 1,
  active_hours: hours,
  ...more,
})

describe('the table', () => {
  const days = lastDays(5, Date.parse('2026-11-30T12:00:00Z'))
  const found = [
    use('ward/1', '2026-11-26', 1),
    use('ward/1', '2026-11-28', 5),
    use('ward/1', '2026-11-29', 12),
    use('ward/1', '2026-11-30', 6),
    use(null, '2026-11-30', 2),
  ]

  it('has a line for each entry: first and last hour, numbers of days and hours, and a mark for each day', () => {
    expect(tableOf(byEntry(found), { group: ['contract', 'operation', 'principal', 'program'], days })).toEqual([
      'contract  operation      principal  program  first seen      last seen       days  hours  heat map',
      'clinic    clinicGetUser  usr_1      ward/1   2026-11-26 08h  2026-11-30 13h     4     24  ░·▒█▓',
      'clinic    clinicGetUser  usr_1      (none)   2026-11-30 08h  2026-11-30 09h     1      2  ····░',
    ])
  })

  it('shows the values that it is grouped by', () => {
    const grouped = [use('ward/1', '2026-11-30', 3, { operation: null, principal: null })]
    expect(tableOf(byEntry(grouped), { group: ['program', 'contract'], days })[1]).toBe(
      'clinic    ward/1   2026-11-30 08h  2026-11-30 10h     1      3  ····▒',
    )
  })
})

describe('the command', () => {
  it.each([
    [[], 'npm run usage -- URL'],
    [['http://127.0.0.1:9', '--days', '0'], '--days must be a whole number'],
    [['http://127.0.0.1:9', '--group', 'week'], '--group must be one or more of'],
    [['nonsense'], 'nonsense is not a URL'],
    [['http://usher.example'], 'use https'],
  ])('reports an error for %j and exits with status 2', async (args, words) => {
    const { status, said } = await runsInThread('usage', args, 'usk_any')
    expect([status, said]).toEqual([2, expect.stringContaining(words)])
    expect(said).not.toContain('usk_any')
  })

  it('asks for a key and exits with status 2', async () => {
    const { status, said } = await runsInThread('usage', ['http://127.0.0.1:9'])
    expect([status, said]).toEqual([2, expect.stringContaining('USHER_API_KEY')])
  })
})

/**
 * `npm run usage -- URL`: lists which user and program uses which operation of which contract, as a table with a heat
 * map of the days.
 */
import { commandLine, directoryAt, run, Stop } from './directory.js'
import { byEntry, lastDays, legend, tableOf } from './usage/table.js'

const usage =
  'USHER_API_KEY=… npm run usage -- URL [--contract NAME] [--operation ID] [--group contract,program] [--days 30]'

const allDimensions = 'contract,operation,principal,program'

await run(async () => {
  const options = commandLine(usage, ['URL'], ['--contract=', '--operation=', '--group=', '--days='])
  const { '--group': group = allDimensions, '--days': days = '30' } = options
  if (!/^[1-9]\d{0,2}$/.test(days)) throw new Stop('--days must be a whole number from 1 to 999.')
  const isEach = group.split(',').every((name) => allDimensions.split(',').includes(name))
  if (!isEach) throw new Stop(`--group must be one or more of ${allDimensions}, separated by commas.`)
  const directory = directoryAt(options.URL)
  const columns = lastDays(Number(days), Date.now())
  const query = new URLSearchParams({ since: columns[0], group: `${group},day`, limit: '100' })
  for (const name of ['contract', 'operation']) if (options[`--${name}`]) query.set(name, options[`--${name}`])

  const found = []
  for (let cursor = ''; cursor !== null;) {
    if (cursor) query.set('cursor', cursor)
    const { data, pagination } = await (await directory.ask(`/usage?${query}`)).json()
    found.push(...data)
    cursor = pagination.next_cursor
  }
  if (found.length === 0) {
    console.log(`No use since ${columns[0]}.`)
    return
  }
  for (const line of tableOf(byEntry(found), { group: group.split(','), days: columns })) console.log(line)
  console.log(
    `\nTimes are UTC. The heat map has a sign for each day from ${columns[0]} to ${columns.at(-1)}: ${legend}.`,
  )
})

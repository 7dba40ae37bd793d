/** Checks whether usage is recorded, and whether contracts that are being retired are still used. */

const quietDays = 30
const mostCallers = 10

export async function checkUsage({ time, usage, retirements }, client, report) {
  report.title('Usage and retirement')
  if (usage.recorded) report.ok(`usage: recorded, and kept for ${usage.retention_days} days`)
  else report.info('usage: not recorded, because USAGE is off')
  if (retirements.length === 0) return report.info('retirement: no contract is being retired')
  const since = new Date(Date.parse(time) - quietDays * 86_400_000).toISOString().slice(0, 10)
  const begun = await firstUse(client)
  for (const retirement of retirements) await checkRetirement(retirement, { client, report, since, begun, usage, time })
}

/** Returns the time of the first recorded use; undefined if no use is recorded or the request fails. */
async function firstUse(client) {
  const { status, body } = await client.ask('/usage?group=contract&limit=100')
  return status === 200 ? body.data.map((use) => use.first_seen).sort()[0] : undefined
}

async function checkRetirement({ contract, deprecated, sunset }, { client, report, since, begun, usage, time }) {
  const date = (text) => text.slice(0, 10)
  const dates = [deprecated && `deprecated from ${date(deprecated)}`, sunset && `ends on ${date(sunset)}`]
  const what = `${contract}${dates.some(Boolean) ? ` (${dates.filter(Boolean).join(', ')})` : ''}`
  const callers = await callersOf(contract, since, client, report)
  if (!callers) return report.fail(`${what}: its usage cannot be read`, 'Look at the Worker’s log.')
  if (callers.length > 0) {
    const shown = callers.slice(0, mostCallers).map(({ principal, program, last_seen: last }) => {
      return `${program ?? 'a program without a name'} of ${principal}, last on ${date(last)}`
    })
    const more = callers.length > mostCallers ? `; and ${callers.length - mostCallers} more` : ''
    const isPast = sunset && sunset <= time
    report[isPast ? 'info' : 'warn'](
      `${what}: ${callers.length} ${callers.length === 1 ? 'caller' : 'callers'} in the last ${quietDays} days: ${shown.join('; ')}${more}`,
      isPast ? undefined : `npm run usage -- ${client.origin} --contract ${contract}`,
    )
  } else if (!usage.recorded) {
    report.warn(`${what}: nothing is known of its callers, because USAGE is off`, 'USAGE = "on", and wait 30 days.')
  } else if (begun === undefined || date(begun) > since) {
    const known = begun === undefined ? 'no use is recorded yet' : `usage is recorded since ${date(begun)} only`
    report.warn(`${what}: no caller is known, but ${known}`, `Wait until there are ${quietDays} days of usage.`)
  } else report.ok(`${what}: quiet, without a caller in the last ${quietDays} days`)
}

/** Returns every user and program that used the contract; undefined if they cannot be read. */
async function callersOf(contract, since, client, report) {
  const callers = []
  for (let cursor = ''; cursor !== null;) {
    report.progress(`${contract}: ${callers.length} callers…`)
    const query = new URLSearchParams({ contract, since, group: 'principal,program', limit: '100', cursor })
    const { status, body } = await client.ask(`/usage?${query}`)
    if (status !== 200) return undefined
    callers.push(...body.data)
    cursor = body.pagination.next_cursor
  }
  return callers
}

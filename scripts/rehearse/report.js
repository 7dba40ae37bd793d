/** The report of a rehearsal as data, for the Markdown and HTML reports. */
export function reportOf(tally, { contract, recording, origin, writes, deviations }) {
  const { same, listed, difference, skipped, other } = tally.counts
  const operations = [...tally.operations]
    .map(([operation, counts]) => ({ operation, ...counts }))
    .sort((a, b) => b.difference - a.difference || a.operation.localeCompare(b.operation))
  const differences = [...tally.differences.values()].sort((a, b) => b.count - a.count)
  return {
    title: `Rehearsal of ${contract}`,
    recording,
    origin,
    writes,
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    compared: tally.compared,
    counts: { same, listed, difference, skipped, other },
    operations,
    differences: operations
      .map(({ operation }) => ({ operation, groups: differences.filter((group) => group.operation === operation) }))
      .filter(({ groups }) => groups.length > 0),
    deviations: deviations
      .filter(({ id }) => tally.deviations.has(id))
      .map(({ id, title, reason }) => {
        const places = [...tally.deviations.get(id)]
        return { id, title, reason, places, count: places.reduce((sum, [, number]) => sum + number, 0) }
      })
      .sort((a, b) => b.count - a.count),
    skipped: [...tally.skipped],
    work: [...tally.work].sort(([, a], [, b]) => b - a),
    withoutBody: tally.withoutBody,
    unlisted: tally.unlisted,
    withValues: tally.withValues,
  }
}

export const conclusionOf = ({ counts, compared }) => {
  if (compared === 0) return 'Nothing was compared.'
  if (counts.difference > 0) {
    return `${counted(counts.difference, 'exchange differs', 'exchanges differ')} from the original in a way that no deviation explains.`
  }
  return counts.listed > 0
    ? 'Every response is the same, or differs in a way that is listed.'
    : 'Every response is the same.'
}

export const counted = (number, one, more) => `${number.toLocaleString('en')} ${number === 1 ? one : more}`

/** The recorded and received types. */
export function typesOf({ kind, types: [recorded, received] }) {
  if (kind === 'order') return 'array'
  if (['missing key', 'missing item'].includes(kind)) return `${recorded} recorded`
  if (['extra key', 'extra item'].includes(kind)) return `${received} received`
  return recorded === received ? recorded : `${recorded} → ${received}`
}

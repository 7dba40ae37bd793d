/** The summary of a rehearsal in the terminal. */
import { conclusionOf, counted, typesOf } from './report.js'
import { notesOf } from './report-markdown.js'
import { sentences } from './tally.js'

const mostDifferences = 20

export function summaryOf(report) {
  const { counts, operations, differences, deviations, work, skipped } = report
  const width = Math.max(...operations.map(({ operation }) => operation.length), 9)
  const lines = [
    '',
    `${'operation'.padEnd(width)}  ${'same'.padStart(7)} ${'listed'.padStart(7)} ${'differ'.padStart(7)} ${'skipped'.padStart(7)}`,
  ]
  for (const { operation, same, listed, difference, skipped } of operations) {
    const numbers = [same, listed, difference, skipped].map((number) => String(number || '·').padStart(7)).join(' ')
    lines.push(`${operation.padEnd(width)}  ${numbers}  ${barOf({ same, listed, difference, skipped })}`)
  }
  const groups = differences.flatMap(({ groups }) => groups)
  if (groups.length > 0) lines.push('', 'Differences')
  for (const group of groups.slice(0, mostDifferences)) {
    const { operation, place, kind, count, examples } = group
    const [{ index, recorded, received }] = examples
    const values =
      (recorded ?? received) ? `: ${recorded ?? 'nothing'} → ${received ?? 'nothing'}` : ` (${typesOf(group)})`
    const times = count === 1 ? `entry ${index}` : `${count} times, first in entry ${index}`
    lines.push(`  ${operation}  ${place}  ${sentences[kind]}${values}, ${times}`)
  }
  if (groups.length > mostDifferences)
    lines.push(`  … and ${groups.length - mostDifferences} more: see them with --report`)
  if (deviations.length > 0) lines.push('', 'Listed deviations')
  for (const { id, title, count } of deviations)
    lines.push(`  ${id}  ${title}, ${counted(count, 'exchange', 'exchanges')}`)
  if (work.length > 0) lines.push('', 'Work list: the original answered these, and the contract does not serve them')
  for (const [request, times] of work.slice(0, mostDifferences))
    lines.push(`  ${request}, ${counted(times, 'time', 'times')}`)
  if (skipped.length > 0) lines.push('', 'Skipped')
  for (const [reason, times] of skipped) lines.push(`  ${reason}, ${counted(times, 'time', 'times')}`)
  lines.push('', ...notesOf(report), conclusionOf(report), `${counts.other} not part of the contract`)
  lines.push(
    `${counts.same} same, ${counts.listed} listed, ${counts.difference} differences, ${counts.skipped} skipped`,
  )
  return lines.join('\n')
}

/** Twenty marks: `=` same, `~` listed, `!` different, `.` skipped. */
function barOf({ same, listed, difference, skipped }) {
  const total = same + listed + difference + skipped
  const marks = [
    ['=', same],
    ['~', listed],
    ['!', difference],
    ['.', skipped],
  ]
  return marks
    .map(([mark, number]) => mark.repeat(number > 0 ? Math.max(1, Math.round((number / total) * 20)) : 0))
    .join('')
}

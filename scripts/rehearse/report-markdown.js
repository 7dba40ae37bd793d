/** The report as Markdown. */
import { conclusionOf, counted, typesOf } from './report.js'
import { sentences } from './tally.js'

export function toMarkdown(report) {
  const { title, counts, operations, differences, deviations, skipped, work } = report
  return [
    `# ${title}`,
    conclusionOf(report),
    table(
      ['same', 'listed', 'differences', 'skipped', 'not part of the contract'],
      [[counts.same, counts.listed, counts.difference, counts.skipped, counts.other]],
    ),
    `Recording \`${report.recording}\`, replayed against ${report.origin} at ${report.date} UTC, ${report.writes ? 'with' : 'without'} writes.`,
    ...notesOf(report).map((note) => `- ${note}`),
    ...section('Operations', operations, () =>
      table(
        ['operation', 'same', 'listed', 'differences', 'skipped'],
        operations.map((one) => [`\`${one.operation}\``, one.same, one.listed, one.difference, one.skipped]),
      ),
    ),
    ...section('Differences', differences, () =>
      differences
        .flatMap(({ operation, groups }) => [`### ${operation}`, table(...differenceTable(groups))])
        .join('\n\n'),
    ),
    ...section('Listed deviations', deviations, () =>
      table(
        ['id', 'what', 'why', 'exchanges'],
        deviations.map(({ id, title, reason, count }) => [`\`${id}\``, title, reason, count]),
      ),
    ),
    ...section('Work list', work, () =>
      [
        'The original answered these requests, and the contract does not serve them.',
        table(
          ['request', 'times'],
          work.map(([request, times]) => [`\`${request}\``, times]),
        ),
      ].join('\n\n'),
    ),
    ...section('Skipped', skipped, () =>
      table(
        ['why', 'times'],
        skipped.map(([reason, times]) => [reason, times]),
      ),
    ),
  ].join('\n\n')
}

export function notesOf({ withoutBody, unlisted }) {
  return [
    ...(withoutBody > 0
      ? [
          `${counted(withoutBody, 'response was', 'responses were')} recorded without the body: status and headers were compared.`,
        ]
      : []),
    ...(unlisted > 0 ? [`${counted(unlisted, 'more difference is', 'more differences are')} not shown.`] : []),
  ]
}

const section = (heading, list, content) => (list.length > 0 ? [`## ${heading}`, content()] : [])

function differenceTable(groups) {
  const hasValues = groups.some(({ examples }) => examples.some(({ recorded, received }) => recorded ?? received))
  const names = ['where', 'what', 'type', 'exchanges', 'entries']
  return [
    hasValues ? [...names, 'recorded', 'received'] : names,
    groups.map((group) => {
      const [example = {}] = group.examples
      const entries = group.examples.map(({ index }) => index).join(', ')
      const row = [`\`${group.place}\``, sentences[group.kind], typesOf(group), group.count, entries]
      return hasValues ? [...row, code(example.recorded), code(example.received)] : row
    }),
  ]
}

const code = (value) => (value === undefined ? '' : `\`${value.replaceAll('`', "'")}\``)

function table(names, rows) {
  const line = (cells) =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|').replace(/\s+/g, ' ')).join(' | ')} |`
  return [line(names), line(names.map(() => '---')), ...rows.map(line)].join('\n')
}

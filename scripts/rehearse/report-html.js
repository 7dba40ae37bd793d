/** The report as one HTML page without scripts and external resources, for light and dark mode. */
import { createHash } from 'node:crypto'
import { conclusionOf, counted, typesOf } from './report.js'
import { notesOf } from './report-markdown.js'
import { sentences } from './tally.js'

const style = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5a6675; --paper: #fbfbf9; --card: #fff; --line: #dfe3e8;
  --same: #2f8f5b; --listed: #3d76c2; --difference: #c8412b; --skipped: #b3bac4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaee; --soft: #9aa5b1; --paper: #14181d; --card: #1b2128; --line: #303943;
  --same: #4cb981; --listed: #6fa4ec; --difference: #f0745c; --skipped: #56616d; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 68rem; margin: 0 auto; }
h1 { margin: 0 0 .25rem; font-size: 1.75rem; line-height: 1.2; letter-spacing: -.01em; }
h2 { margin: 3rem 0 .75rem; font-size: 1.2rem; }
h3 { margin: 1.75rem 0 .5rem; font: 600 .95rem/1.4 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
p { margin: .25rem 0; max-width: 46rem; }
.soft { color: var(--soft); font-size: .9rem; overflow-wrap: anywhere; }
.conclusion { margin: .75rem 0 1.5rem; font-size: 1.1rem; }
.good { color: var(--same); } .bad { color: var(--difference); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin: 0 0 1rem; padding: 0; list-style: none; }
.figures li { padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line); border-top: 3px solid var(--skipped); border-radius: 6px; }
.figures b { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.figures .same { border-top-color: var(--same); } .figures .listed { border-top-color: var(--listed); }
.figures .difference { border-top-color: var(--difference); }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 6px; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th, td { padding: .5rem .75rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
tr:last-child > * { border-bottom: 0; }
th { font-weight: 600; color: var(--soft); white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.zero { color: var(--soft); opacity: .6; }
td.difference { color: var(--difference); font-weight: 600; }
code { font: .85em/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
svg.bar { display: block; width: 10rem; height: .75rem; margin-top: .3rem; border-radius: 2px; }
.same rect, rect.same { fill: var(--same); } rect.listed { fill: var(--listed); } rect.difference { fill: var(--difference); } rect.skipped { fill: var(--skipped); }
@media (max-width: 40rem) {
  body { padding-top: 1.5rem; }
  .figures { grid-template-columns: repeat(2, 1fr); }
  table, tbody, tr, td { display: block; } thead { display: none; }
  tr { padding: .75rem; border-bottom: 1px solid var(--line); } tr:last-child { border-bottom: 0; }
  td, tr:last-child > td { padding: .1rem 0; border: 0; }
  td.number { display: inline-block; margin-right: 1rem; text-align: left; } td[data-name]::before { content: attr(data-name) " "; color: var(--soft); font-weight: 400; }
  td.zero { display: none; } svg.bar { width: 100%; }
}
`

export function toHtml(report) {
  const { title, counts, operations, differences, deviations, skipped, work } = report
  const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`
  const figures = [
    ['same', counts.same, 'same'],
    ['listed', counts.listed, 'listed'],
    ['difference', counts.difference, counts.difference === 1 ? 'difference' : 'differences'],
    ['skipped', counts.skipped, 'skipped'],
    ['other', counts.other, 'not part of the contract'],
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
<p class="soft">${escaped(report.recording)}, replayed against ${escaped(report.origin)} at ${report.date} UTC, ${report.writes ? 'with' : 'without'} writes</p>
<p class="conclusion ${counts.difference > 0 || report.compared === 0 ? 'bad' : 'good'}">${escaped(conclusionOf(report))}</p>
<ul class="figures">${figures.map(([name, number, words]) => `<li class="${name}"><b>${number.toLocaleString('en')}</b>${words}</li>`).join('')}</ul>
${notesOf(report)
  .map((note) => `<p class="soft">${escaped(note)}</p>`)
  .join('')}
${section('Operations', '', operations.length > 0 && operationTable(operations))}
${section(
  'Differences',
  report.withValues ? '' : 'Values are hidden: <code>--values</code> shows them.',
  differences.length > 0 &&
    differences.map(({ operation, groups }) => `<h3>${escaped(operation)}</h3>${differenceTable(groups)}`).join(''),
)}
${section(
  'Listed deviations',
  'Usher differs here on purpose. The README of the contract says how.',
  deviations.length > 0 &&
    table(
      ['id', 'what', 'why', '#exchanges'],
      deviations.map(({ id, title, reason, count }) => [code(id), prose(title), prose(reason), number(count)]),
    ),
)}
${section(
  'Work list',
  'The original answered these requests, and the contract does not serve them.',
  work.length > 0 &&
    table(
      ['request', '#times'],
      work.map(([request, times]) => [code(request), number(times)]),
    ),
)}
${section(
  'Skipped',
  '',
  skipped.length > 0 &&
    table(
      ['why', '#times'],
      skipped.map(([reason, times]) => [escaped(reason), number(times)]),
    ),
)}
</main>
</body>
</html>
`
}

const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escaped = (text) => String(text).replace(/[&<>"']/g, (character) => entities[character])
const code = (text) => `<code>${escaped(text)}</code>`
/** Renders the Markdown of a line: code, and links as their text. */
const prose = (text) =>
  escaped(text.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')).replace(/`([^`]*)`/g, (_, inner) => `<code>${inner}</code>`)
const number = (value) => ({ number: value })

const section = (heading, words, content) =>
  content ? `<h2>${heading}</h2>${words ? `<p class="soft">${words}</p>` : ''}${content}` : ''

function table(names, rows) {
  const plain = names.map((name) => name.replace('#', ''))
  const head = names.map((name, index) => `<th${name.startsWith('#') ? ' class="number"' : ''}>${plain[index]}</th>`)
  const cell = (content, index) => {
    if (content?.number === undefined) return `<td>${content}</td>`
    const kinds = ['number', content.number === 0 ? 'zero' : '', content.kind ?? ''].filter((kind) => kind !== '')
    return `<td class="${kinds.join(' ')}" data-name="${plain[index]}">${content.number.toLocaleString('en')}</td>`
  }
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`)
  return `<div class="scroll"><table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
}

function operationTable(operations) {
  return table(
    ['operation', '', '#same', '#listed', '#differences', '#skipped'],
    operations.map(({ operation, same, listed, difference, skipped }) => [
      code(operation),
      barOf({ same, listed, difference, skipped }),
      number(same),
      number(listed),
      { number: difference, kind: difference > 0 ? 'difference' : '' },
      number(skipped),
    ]),
  )
}

function barOf(counts) {
  const total = Object.values(counts).reduce((sum, one) => sum + one, 0)
  let x = 0
  const parts = Object.entries(counts).map(([name, count]) => {
    const width = (count / total) * 100
    x += width
    return width > 0
      ? `<rect class="${name}" x="${(x - width).toFixed(2)}" width="${width.toFixed(2)}" height="10"/>`
      : ''
  })
  const words = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
  return `<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${words.join(', ')}">${parts.join('')}</svg>`
}

function differenceTable(groups) {
  const hasValues = groups.some(({ examples }) => examples.some(({ recorded, received }) => recorded ?? received))
  const names = ['where', 'what', 'type', ...(hasValues ? ['recorded → received'] : []), '#exchanges', 'entries']
  return table(
    names,
    groups.map((group) => {
      const [example = {}] = group.examples
      const entries = group.examples.map(({ index }) => index).join(', ')
      const rest = group.count > group.examples.length ? ', …' : ''
      const values = `${code(example.recorded ?? 'nothing')} → ${code(example.received ?? 'nothing')}`
      return [
        code(group.place),
        escaped(sentences[group.kind]),
        escaped(typesOf(group)),
        ...(hasValues ? [(example.recorded ?? example.received) ? values : ''] : []),
        number(group.count),
        `<span class="soft">${counted(group.examples.length, 'entry', 'entries').replace(/^\S+ /, '')} ${entries}${rest}</span>`,
      ]
    }),
  )
}

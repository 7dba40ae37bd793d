/**
 * Draws the report's chart: requests per second of each operation relative to the bare Worker, on a logarithmic scale.
 */
import { isIn, operations } from './operations.js'
import { grouped, ratios } from './promises.js'

const shown = [
  ['usher', 'Usher', '#2f81f7'],
  ['crud', 'Hono + drizzle CRUD', '#bf8700'],
  ['better-auth', 'better-auth', '#a371f7'],
]
// Readable on white and on black.
const ink = '#7d8590'
const [labels, panel, gap, top] = [210, 200, 30, 66]
const [bar, group] = [7, 32]
const decades = 4

export function chart(results) {
  const compared = operations.filter(({ hashes }) => !hashes)
  const width = labels + Math.max(results.length * (panel + gap), shown.length * 160)
  const height = top + compared.length * group + 24
  const x = (share) => panel * Math.min(1.1, Math.max(0, 1 + Math.log10(share) / decades))
  const bottom = top + compared.length * group
  const text = (at, y, words, more = '') => `<text x="${at}" y="${y}" ${more}>${words}</text>`
  const panels = results.map(({ users, speeds }, index) => {
    const left = labels + index * (panel + gap)
    const lines = Array.from({ length: decades + 1 }, (_, decade) => {
      const at = left + (panel * decade) / decades
      // Only every other decade has room for a label.
      const label = decade % 2 === 0 ? `${10 ** (decade - decades)}` : ''
      // The outermost labels stay inside, because the next panel is adjacent.
      const anchor = decade === 0 ? 'start' : decade === decades ? 'end' : 'middle'
      return `<path d="M${at} ${top - 6}V${bottom}" stroke="${ink}" stroke-opacity="${decade === decades ? 0.9 : 0.25}"/>${text(at, bottom + 16, label, `text-anchor="${anchor}"`)}`
    })
    const bars = compared.flatMap((operation, row) =>
      shown.map(([product, , colour], place) => {
        if (!isIn(operation, { name: product })) return ''
        const { middle } = ratios(speeds, operation.name, product, 'floor')
        const y = top + row * group + place * (bar + 1)
        const length = Math.max(1, x(middle))
        return `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="${bar}" fill="${colour}"/>`
      }),
    )
    return [text(left, top - 14, `${grouped(users)} users`, 'font-weight="bold"'), ...lines, ...bars].join('\n')
  })
  const rows = compared.map(({ title }, row) => text(0, top + row * group + 16, title))
  const legend = shown.map(
    ([, title, colour], index) =>
      `<rect x="${labels + index * 160}" y="8" width="12" height="12" fill="${colour}"/>${text(labels + index * 160 + 18, 18, title)}`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12" fill="${ink}">
<title>Requests per second as shares of the bare Worker's, on a logarithmic scale</title>
${text(0, 18, 'share of the bare Worker’s')}
${text(0, 34, 'requests per second')}
${[...legend, ...rows, ...panels].join('\n')}
</svg>
`
}

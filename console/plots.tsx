/** Plots as SVG, readable without colour, each with its numbers as a table. */
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { count } from './elements.tsx'

/** The width of the element in pixels, so that text has its size on every screen. */
function useWidth(least: number) {
  const element = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(least)
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.max(least, entry.contentRect.width)))
    if (element.current) observer.observe(element.current)
    return () => observer.disconnect()
  }, [])
  return { element, width }
}

export interface Line {
  name: string
  values: readonly number[]
}

const height = 220
const margin = { top: 14, right: 12, bottom: 26, left: 52 }

/** The lines differ by their dashes and their marks, and the legend shows both. */
export function Lines({ title, days, lines }: { title: string; days: readonly string[]; lines: readonly Line[] }) {
  const { element, width } = useWidth(260)
  const id = useId()
  const most = niceCeiling(Math.max(1, ...lines.flatMap(({ values }) => values)))
  const x = (index: number) =>
    margin.left + (index * (width - margin.left - margin.right)) / Math.max(1, days.length - 1)
  const y = (value: number) => height - margin.bottom - (value * (height - margin.top - margin.bottom)) / most
  const marks = [...new Set([0, Math.floor((days.length - 1) / 2), days.length - 1])]
  return (
    <figure class="plot">
      <figcaption id={id}>{title}</figcaption>
      <div ref={element}>
        <svg role="img" aria-labelledby={id} width={width} height={height}>
          {[0, most / 2, most].map((value) => (
            <g key={value}>
              <line class="rule" x1={margin.left} x2={width - margin.right} y1={y(value)} y2={y(value)} />
              <text x={margin.left - 8} y={y(value) + 4} text-anchor="end">
                {count(value)}
              </text>
            </g>
          ))}
          {marks.map((index) => (
            <text
              key={index}
              x={x(index)}
              y={height - 6}
              text-anchor={index === 0 ? 'start' : index === days.length - 1 ? 'end' : 'middle'}
            >
              {days[index]?.slice(5)}
            </text>
          ))}
          {lines.map(({ name, values }, number) => (
            <g key={name} class={`line line-${number}`}>
              <polyline points={values.map((value, index) => `${x(index)},${y(value)}`).join(' ')} />
              <Mark number={number} x={x(values.length - 1)} y={y(values.at(-1) ?? 0)} />
            </g>
          ))}
        </svg>
      </div>
      <ul class="legend">
        {lines.map(({ name, values }, number) => (
          <li key={name}>
            <svg width="34" height="12" aria-hidden="true" class={`line line-${number}`}>
              <polyline points="1,6 26,6" />
              <Mark number={number} x={27} y={6} />
            </svg>
            {name}: {count(values.at(-1) ?? 0)}
          </li>
        ))}
      </ul>
      <div class="scroll" tabIndex={0} role="region" aria-label={`${title}: the numbers`}>
        <table>
          <thead>
            <tr>
              <th scope="col">Day (UTC)</th>
              {lines.map(({ name }) => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {days.map((_, back) => {
              const index = days.length - 1 - back
              return (
                <tr key={days[index]}>
                  <th scope="row">{days[index]}</th>
                  {lines.map(({ name, values }) => (
                    <td key={name}>{count(values[index] ?? 0)}</td>
                  ))}
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
    </figure>
  )
}

const Mark = ({ number, x, y }: { number: number; x: number; y: number }) =>
  number === 0 ? <circle cx={x} cy={y} r="4" /> : <rect x={x - 4} y={y - 4} width="8" height="8" />

/** A round number at or above `value`, and even, because the scale shows its half. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const round = [1, 2, 3, 4, 6, 8, 10].map((step) => step * power)
  return round.find((number) => number >= value && number % 2 === 0) ?? value
}

export interface HeatRow {
  name: string
  /** Hours, 0 to 24, by day. */
  hours: readonly number[]
}

const squareHeight = 24
const dayGap = 2
const letterWidth = 7
/** Below this width, the name of a row stands above its squares. */
const narrowWidth = 520

/** The size of a square stands for the hours of the day, so that it reads without colour. */
export function HeatMap({ title, days, rows }: { title: string; days: readonly string[]; rows: readonly HeatRow[] }) {
  const { element, width } = useWidth(260)
  const id = useId()
  const isNarrow = width < narrowWidth
  const longest = Math.max(...rows.map(({ name }) => name.length))
  const left = isNarrow ? 0 : Math.min(width * 0.28, longest * letterWidth + 16)
  const rowHeight = isNarrow ? squareHeight + 18 : squareHeight
  const middle = (row: number) => (row + 1) * rowHeight - squareHeight / 2
  const cell = (width - left) / days.length
  const most = Math.min(cell, squareHeight) - dayGap
  const letters = Math.floor((isNarrow ? width : left) / letterWidth)
  const cut = (name: string) => (name.length > letters ? `${name.slice(0, letters - 1)}…` : name)
  return (
    <figure class="plot">
      <figcaption id={id}>{title}</figcaption>
      <div ref={element}>
        <svg role="img" aria-labelledby={id} width={width} height={rows.length * rowHeight + 24}>
          {rows.map(({ name, hours }, row) => (
            <g key={name}>
              <text x="0" y={row * rowHeight + (isNarrow ? 14 : 17)}>
                {cut(name)}
                <title>{name}</title>
              </text>
              <line class="rule" x1={left} x2={width} y1={middle(row)} y2={middle(row)} />
              {hours.map((hour, day) => {
                if (hour === 0) return null
                const size = Math.max(3, most * Math.sqrt(hour / 24))
                return (
                  <rect
                    key={days[day]}
                    class="heat"
                    x={left + day * cell + (cell - size) / 2}
                    y={middle(row) - size / 2}
                    width={size}
                    height={size}
                  >
                    <title>{`${name}, ${days[day]}: ${hour} of 24 hours`}</title>
                  </rect>
                )
              })}
            </g>
          ))}
          <text x={left} y={rows.length * rowHeight + 18}>
            {days[0]?.slice(5)}
          </text>
          <text x={width} y={rows.length * rowHeight + 18} text-anchor="end">
            {days.at(-1)?.slice(5)}
          </text>
        </svg>
      </div>
      <p class="quiet">A full square is a day on which every hour had a call. An empty day had none.</p>
      <div class="scroll" tabIndex={0} role="region" aria-label={`${title}: the numbers`}>
        <table class="numbers">
          <thead>
            <tr>
              <th scope="col">Hours by day (UTC)</th>
              {days.map((_, back) => {
                const day = days[days.length - 1 - back] as string
                return (
                  <th scope="col" key={day}>
                    {day.slice(5)}
                  </th>
                )
              })}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, hours }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {days.map((day, back) => (
                  <td key={day}>{hours[days.length - 1 - back]}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  )
}

/** The move: pending and adopted people, who still calls which contract, retirements, and the report of a rehearsal. */
import { useId, useState } from 'preact/hooks'
import type { Diagnostics, Usage, UpstreamProgress } from '../client/index.ts'
import { every } from '../client/index.ts'
import { nameOf, usher } from './directory.ts'
import {
  Badge,
  count,
  Empty,
  Failure,
  Load,
  None,
  Screen,
  Section,
  Select,
  shortId,
  Table,
  Time,
  useViewer,
} from './elements.tsx'
import { useAction, useLoaded } from './loading.ts'
import { everyPermission } from './permissions.ts'
import { HeatMap, Lines } from './plots.tsx'

export function Move() {
  const { can } = useViewer()
  return (
    <Screen title="Move" lead="How far the move from the old systems is, and who still uses which contract.">
      {can('users:read') && <Adoption />}
      {can('usage:read') && <Callers />}
      {can(...everyPermission) && <Retirements />}
      <Rehearsal />
    </Screen>
  )
}

const daysBack = 30
const dayMilliseconds = 86_400_000

/** The last days in UTC, the oldest first. */
const lastDays = (number: number) =>
  Array.from({ length: number }, (_, index) =>
    new Date(Date.now() - (number - 1 - index) * dayMilliseconds).toISOString().slice(0, 10),
  )

function Adoption() {
  const progress = useLoaded(async () => (await usher.getMigration()).body.data, [])
  return (
    <Section
      title="Pending and adopted"
      note="A pending person has a password that only the old system knows. The first sign-in adopts it."
    >
      <Load of={progress}>
        {(upstreams) =>
          upstreams.length === 0 ? (
            <Empty>No upstream is set, and no person is pending.</Empty>
          ) : (
            upstreams.map((upstream) => <Upstream key={upstream.upstream} {...upstream} />)
          )
        }
      </Load>
    </Section>
  )
}

/** Counts back from today: whoever was adopted on a day was pending on the day before. */
function Upstream({ upstream, pending, adopted, refused, unknown, last_adopted_at }: UpstreamProgress) {
  const days = lastDays(daysBack)
  const byDay = days.map((day) => Number(adopted.by_day[day] ?? 0))
  const after = days.map((_, index) => byDay.slice(index + 1).reduce((sum, number) => sum + number, 0))
  const total = pending + adopted.total
  return (
    <div class="upstream">
      <h3>{upstream}</h3>
      <div class="progress">
        <progress aria-label={`Adopted from ${upstream}`} max={Math.max(1, total)} value={adopted.total} />
        <p>
          {count(adopted.total)} of {count(total)} adopted, {count(pending)} pending. Last adoption:{' '}
          <Time at={last_adopted_at} />
          {last_adopted_at && ' UTC'}. Wrong passwords: {count(refused)}. No answer: {count(unknown)}.{' '}
          <a href="/console?password=pending">Who is pending</a>
        </p>
      </div>
      <Lines
        title={`Pending and adopted people of ${upstream}, the last ${daysBack} days`}
        days={days}
        lines={[
          { name: 'Pending', values: after.map((number) => pending + number) },
          { name: 'Adopted', values: after.map((number) => adopted.total - number) },
        ]}
      />
    </div>
  )
}

type By = 'contract' | 'contract,principal' | 'contract,program'

const heatDays = 28
/** More rows than anyone reads; the numbers of all are in `npm run usage`. */
const maxRows = 40
const maxRead = 5000

function Callers() {
  const [by, setBy] = useState<By>('contract')
  const [contract, setContract] = useState('')
  const days = lastDays(heatDays)
  const contracts = useLoaded(
    async () => (await usher.listUsage({ group: 'contract', since: days[0], limit: 100 })).body.data,
    [],
  )
  const rows = useLoaded(() => readRows(by, contract, days), [by, contract])
  return (
    <Section
      title="Who still calls which contract"
      note={`The hours of each day with a call, of the last ${heatDays} days.`}
      actions={
        <>
          <Select
            label="By"
            value={by}
            options={[
              ['contract', 'Contract'],
              ['contract,principal', 'Person'],
              ['contract,program', 'Program'],
            ]}
            onChange={setBy}
          />
          <Select
            label="Contract"
            value={contract}
            options={[
              ['', 'All'],
              ...(contracts.value ?? []).map((usage) => [String(usage.contract), String(usage.contract)] as const),
            ]}
            onChange={setContract}
          />
        </>
      }
    >
      <Load of={rows}>
        {({ list, hidden }) =>
          list.length === 0 ? (
            <Empty>No call was recorded in these days.</Empty>
          ) : (
            <>
              <HeatMap title="Hours with a call, by day" days={days} rows={list} />
              {hidden > 0 && <p class="quiet">{count(hidden)} rows with fewer hours are not shown.</p>}
            </>
          )
        }
      </Load>
    </Section>
  )
}

async function readRows(by: By, contract: string, days: readonly string[]) {
  const hours = new Map<string, number[]>()
  let read = 0
  const filter = { group: `${by},day`, since: days[0], limit: 100, ...(contract !== '' && { contract }) }
  for await (const usage of every(usher.listUsage, filter)) {
    const name = await rowName(by, usage)
    const row = hours.get(name) ?? days.map(() => 0)
    const day = days.indexOf(usage.first_seen.slice(0, 10))
    if (day >= 0) row[day] = usage.active_hours
    hours.set(name, row)
    if (++read >= maxRead) break
  }
  const sum = (row: readonly number[]) => row.reduce((total, number) => total + number, 0)
  const list = [...hours].map(([name, row]) => ({ name, hours: row }))
  list.sort((one, other) => sum(other.hours) - sum(one.hours))
  return { list: list.slice(0, maxRows), hidden: Math.max(0, list.length - maxRows) }
}

async function rowName(by: By, { contract, principal, program }: Usage): Promise<string> {
  if (by === 'contract,principal')
    return `${contract}: ${(principal && (await nameOf(principal))) ?? principal ?? 'unknown'}`
  if (by === 'contract,program') return `${contract}: ${program === null ? 'unnamed' : programName(program)}`
  return String(contract)
}

/** The program of an API key is the id of the key. */
const programName = (program: string) =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(program) ? `API key ${shortId(program)}` : program

function Retirements() {
  const facts = useLoaded<Diagnostics>(async () => (await usher.getDiagnostics()).body, [])
  return (
    <Section title="Retirements">
      <Load of={facts}>
        {({ retirements, time }) =>
          retirements.length === 0 ? (
            <Empty>No contract is being retired.</Empty>
          ) : (
            <Table
              label="Retirements"
              columns={['Contract', 'Deprecated (UTC)', 'Ends (UTC)', 'Pauses (UTC)']}
              rows={retirements.map(({ contract, deprecated, sunset, brown_outs }) => ({
                key: contract,
                cells: [
                  <>
                    {contract} {sunset && sunset <= time && <Badge kind="bad">ended</Badge>}
                  </>,
                  <Time at={deprecated} none="no date" />,
                  <Time at={sunset} none="no date" />,
                  brown_outs.length === 0 ? (
                    <None />
                  ) : (
                    brown_outs.map(({ from, until }) => (
                      <p key={from}>
                        <Time at={from} /> to <Time at={until} />
                      </p>
                    ))
                  ),
                ],
              }))}
            />
          )
        }
      </Load>
    </Section>
  )
}

/** The report stays in the page: it is not sent anywhere. */
function Rehearsal() {
  const id = useId()
  const [report, setReport] = useState<{ name: string; text: string }>()
  const { run, error } = useAction()
  const read = (file: File | undefined) =>
    run(async () => {
      setReport(undefined)
      const text = (await file?.text()) ?? ''
      if (file && !text.startsWith('# Rehearsal of ')) {
        throw new Error(`${file.name} is not a rehearsal report in Markdown. Write one with --report report.md.`)
      }
      setReport(file && { name: file.name, text })
    })
  return (
    <Section
      title="The last rehearsal"
      note={
        <>
          Open the report that <code>npm run rehearse -- … --report report.md</code> wrote. It stays in this page.
        </>
      }
    >
      <div class="field">
        <label for={id}>Report, as Markdown</label>
        <input
          id={id}
          type="file"
          accept=".md,text/markdown"
          onChange={(event) => void read(event.currentTarget.files?.[0])}
        />
      </div>
      {error !== undefined && <Failure error={error} />}
      {report && (
        <div class="report" tabIndex={0} role="region" aria-label={report.name}>
          <Markdown text={report.text} />
        </div>
      )}
    </Section>
  )
}

/** The Markdown of a report: headings, tables, lists and paragraphs. */
function Markdown({ text }: { text: string }) {
  const blocks = text.split(/\n{2,}/).map((block) => block.trim())
  return (
    <>
      {blocks.map((block, index) => {
        const [, signs, heading] = /^(#{1,6}) (.*)$/.exec(block) ?? []
        if (heading !== undefined)
          return signs === '#' ? <h3 key={index}>{heading}</h3> : <h4 key={index}>{heading}</h4>
        if (block.startsWith('|')) return <MarkdownTable key={index} lines={block.split('\n')} />
        if (block.startsWith('- ')) {
          return (
            <ul key={index}>
              {block.split('\n').map((line) => (
                <li key={line}>{plain(line.slice(2))}</li>
              ))}
            </ul>
          )
        }
        return <p key={index}>{plain(block)}</p>
      })}
    </>
  )
}

const plain = (text: string) => text.replace(/`([^`]*)`/g, '$1').replace(/\\([|\\`])/g, '$1')

function MarkdownTable({ lines }: { lines: readonly string[] }) {
  const [head = [], , ...rows] = lines.map((line) =>
    line
      .replace(/^\||\|$/g, '')
      .split(/(?<!\\)\|/)
      .map((cell) => plain(cell.trim())),
  )
  return (
    <table>
      <thead>
        <tr>
          {head.map((cell, index) => (
            <th scope="col" key={index}>
              {cell}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((cells, row) => (
          <tr key={row}>
            {cells.map((cell, index) => (
              <td key={index}>{cell}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Import: a file, what would become of each line, and then what became of it. */
import { useId, useState } from 'preact/hooks'
import type { ImportedUser } from '../client/index.ts'
import { usher } from './directory.ts'
import { Badge, count, counted, download, Empty, Failure, None, Screen, Section, Table } from './elements.tsx'
import { partsOf, readFile, type FileContent } from './import-file.ts'
import { useAction } from './loading.ts'

interface Outcome {
  line: number
  email: string
  status: 'created' | 'skipped' | 'refused'
  id?: string | undefined
  reasons: string[]
}

interface Report {
  isDryRun: boolean
  outcomes: Outcome[]
  unknownFields: { field: string; lines: number }[]
}

/** Lines in the table; all are in the file to download. */
const maxShown = 300

export function Import() {
  const [file, setFile] = useState<File>()
  const [content, setContent] = useState<FileContent>()
  const [report, setReport] = useState<Report>()
  const [progress, setProgress] = useState({ done: 0, of: 0 })
  const { run, error, isRunning } = useAction()

  const send = (chosen: FileContent, isDryRun: boolean) =>
    run(async () => {
      setReport(undefined)
      setReport(await importRows(chosen, isDryRun, (done) => setProgress({ done, of: chosen.rows.length })))
    })
  const choose = async (chosen: File | undefined) => {
    if (!chosen) return
    setFile(chosen)
    setContent(undefined)
    setReport(undefined)
    let read: FileContent | undefined
    await run(async () => {
      read = await readFile(chosen)
      setContent(read)
    })
    if (read) await send(read, true)
  }

  return (
    <Screen
      title="Import"
      lead="People from a CSV or NDJSON file. Nothing is written before you have seen what would happen."
    >
      <Drop onFile={(chosen) => void choose(chosen)} isDisabled={isRunning} />
      {error !== undefined && <Failure error={error} />}
      {isRunning && (
        <div class="progress">
          <p>
            {progress.of === 0 ? 'Reading the file…' : `${count(progress.done)} of ${counted(progress.of, 'line')}`}
          </p>
          <progress aria-label="Lines" max={Math.max(progress.of, 1)} value={progress.done} />
        </div>
      )}
      {file && content && report && !isRunning && (
        <Results name={file.name} content={content} report={report} onImport={() => void send(content, false)} />
      )}
    </Screen>
  )
}

function Drop({ onFile, isDisabled }: { onFile: (file: File | undefined) => void; isDisabled: boolean }) {
  const id = useId()
  const [isOver, setOver] = useState(false)
  return (
    <div
      class={`drop ${isOver ? 'over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setOver(false)
        if (!isDisabled) onFile(event.dataTransfer?.files[0])
      }}
    >
      <label for={id}>Choose a file, or drop it here</label>
      <input
        id={id}
        type="file"
        accept=".csv,.tsv,.txt,.ndjson,.jsonl,text/csv"
        disabled={isDisabled}
        onChange={(event) => onFile(event.currentTarget.files?.[0])}
      />
      <p class="quiet">
        The first line of a table names its columns, as <code>npm run csv</code> reads them. NDJSON has one person a
        line, as an export has.
      </p>
    </div>
  )
}

/** Lines that the page itself refuses are not sent. `onProgress` is given the lines that are decided. */
async function importRows(
  { rows }: FileContent,
  isDryRun: boolean,
  onProgress: (done: number) => void,
): Promise<Report> {
  const outcomes: Outcome[] = []
  const unknown = new Map<string, number>()
  const good = rows.flatMap((row) => ('row' in row ? [row] : []))
  for (const row of rows) {
    if ('refused' in row) outcomes.push({ line: row.line, email: '', status: 'refused', reasons: [row.refused] })
  }
  onProgress(outcomes.length)
  for (const part of partsOf(good)) {
    const { body } = await usher.importUsers({ dry_run: isDryRun, body: part.map(({ row }) => row) })
    for await (const result of body) {
      if (result.status === 'stopped') {
        const line = part[result.line - 1]?.line
        throw new Error(`The import stopped at line ${line}: ${result.problem.detail} The lines before it are decided.`)
      }
      if (result.status === 'done') {
        for (const { field, lines } of result.unknown_fields) unknown.set(field, (unknown.get(field) ?? 0) + lines)
        continue
      }
      const { line, row } = part[result.line - 1] as { line: number; row: ImportedUser }
      const reasons =
        result.status === 'refused'
          ? result.errors.map(({ field, message }) => `${field} ${message}`.trim())
          : 'note' in result && result.note
            ? [result.note]
            : []
      const id = result.status === 'refused' ? undefined : result.id
      outcomes.push({ line, email: String(row.email ?? ''), status: result.status, id, reasons })
      if (outcomes.length % 200 === 0) onProgress(outcomes.length)
    }
  }
  onProgress(rows.length)
  outcomes.sort((one, other) => one.line - other.line)
  return { isDryRun, outcomes, unknownFields: [...unknown].map(([field, lines]) => ({ field, lines })) }
}

const wordFor = (status: Outcome['status'], isDryRun: boolean) =>
  status === 'skipped' ? 'already there' : status === 'created' && isDryRun ? 'to create' : status

const badges = { created: 'good', skipped: 'quiet', refused: 'bad' } as const

function Results({
  name,
  content,
  report,
  onImport,
}: {
  name: string
  content: FileContent
  report: Report
  onImport: () => void
}) {
  const { isDryRun, outcomes, unknownFields } = report
  const [only, setOnly] = useState<Outcome['status'] | ''>('')
  const totals = { created: 0, skipped: 0, refused: 0 }
  for (const { status } of outcomes) totals[status] += 1
  const shown = only === '' ? outcomes : outcomes.filter(({ status }) => status === only)
  const ignored = [...content.ignored, ...unknownFields.map(({ field }) => field)]
  const save = () =>
    download(
      outcomes.map((outcome) => `${JSON.stringify(outcome)}\n`),
      `${name.replace(/\.[^.]*$/, '')}-result.ndjson`,
      'application/x-ndjson',
    )
  return (
    <Section
      title={`${isDryRun ? 'Preview' : 'Result'} of ${name}`}
      actions={
        <>
          {isDryRun && totals.created > 0 && (
            <button type="button" class="primary" onClick={onImport}>
              Import {counted(totals.created, 'person', 'people')}
            </button>
          )}
          <button type="button" onClick={save}>
            Download the result
          </button>
        </>
      }
    >
      <p role="status">
        {isDryRun ? 'Preview: nothing is written yet. ' : 'Imported. '}
        {counted(totals.created, 'person', 'people')} {isDryRun ? 'to create' : 'created'}, {count(totals.skipped)}{' '}
        already there, {counted(totals.refused, 'line')} refused.
      </p>
      {ignored.length > 0 && (
        <p class="notice">
          Not imported, because a user has no such field: <span class="wraps">{ignored.join(', ')}</span>
        </p>
      )}
      <div class="actions" role="group" aria-label="Lines to show">
        {(
          [
            ['', 'All'],
            ['created', isDryRun ? 'To create' : 'Created'],
            ['skipped', 'Already there'],
            ['refused', 'Refused'],
          ] as const
        ).map(([status, text]) => (
          <button key={status} type="button" aria-pressed={only === status} onClick={() => setOnly(status)}>
            {text}
          </button>
        ))}
      </div>
      {shown.length === 0 ? (
        <Empty>No such line.</Empty>
      ) : (
        <Table
          label="Lines of the file"
          columns={['Line', 'Email', 'Result', 'Why']}
          rows={shown.slice(0, maxShown).map(({ line, email, status, id, reasons }) => ({
            key: line,
            cells: [
              <>
                <span class="narrow">Line </span>
                {count(line)}
              </>,
              email === '' ? (
                <span class="quiet">unknown</span>
              ) : id && (!isDryRun || status === 'skipped') ? (
                <a class="wraps" href={`/console/people/${id}`}>
                  {email}
                </a>
              ) : (
                <span class="wraps">{email}</span>
              ),
              <Badge kind={badges[status]}>{wordFor(status, isDryRun)}</Badge>,
              reasons.length === 0 ? <None /> : <span class="wraps">{reasons.join('; ')}</span>,
            ],
          }))}
        />
      )}
      {shown.length > maxShown && (
        <p class="quiet">
          The first {count(maxShown)} of {counted(shown.length, 'line')}. All are in the result to download.
        </p>
      )}
    </Section>
  )
}

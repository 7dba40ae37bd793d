/** Health: what `npm run doctor` asks from inside, the size of the database and the settings without secrets. */
import { useState } from 'preact/hooks'
import type { Diagnostics, DirectoryCheck, Finding } from '../client/index.ts'
import { usher } from './directory.ts'
import { Badge, count, counted, Empty, Failure, Load, Person, Screen, Section, Table, Time } from './elements.tsx'
import { useAction, useLoaded } from './loading.ts'

/** The maximum size of a D1 database on Workers Paid. */
const maxBytes = 10_000_000_000
/** A round trip within a region takes a few milliseconds, across an ocean a hundred. */
const nearMilliseconds = 30
const maxSkewSeconds = 60

type Verdict = readonly [kind: 'good' | 'warning' | 'bad' | 'note', what: string, cure?: string]

export function Health() {
  const facts = useLoaded(async () => {
    const began = Date.now()
    const { body } = await usher.getDiagnostics()
    return { body, skewSeconds: Math.abs(Date.parse(body.time) - (began + Date.now()) / 2) / 1000 }
  }, [])
  return (
    <Screen
      title="Health"
      lead="What the doctor finds out from inside the deployment."
      actions={
        <button type="button" onClick={facts.reload}>
          Examine again
        </button>
      }
    >
      <Load of={facts}>
        {({ body, skewSeconds }) => (
          <>
            <Section title="The deployment" note={<Version of={body} />}>
              <Verdicts list={verdictsOn(body, skewSeconds)} />
            </Section>
            <Size bytes={body.database.size_bytes} />
            <Section
              title="Settings"
              note="The variables that are set. No value is shown, and no secret leaves the Worker."
            >
              <ul class="tags">
                {body.variables.map((name) => (
                  <li key={name}>
                    <code>{name}</code>
                  </li>
                ))}
              </ul>
            </Section>
          </>
        )}
      </Load>
      <Hashing />
      <Upstreams />
      <Directory />
    </Screen>
  )
}

const Version = ({ of: { version } }: { of: Diagnostics }) =>
  version ? (
    <>
      Version <code class="wraps">{version.id}</code>, uploaded <Time at={version.uploaded_at} /> UTC
    </>
  ) : (
    <>The platform does not report a version, as on a local server.</>
  )

const marks = {
  good: ['good', 'good'],
  warning: ['warning', 'check'],
  bad: ['bad', 'fault'],
  note: ['quiet', 'note'],
} as const

const Verdicts = ({ list }: { list: readonly Verdict[] }) => (
  <ul class="verdicts">
    {list.map(([kind, what, cure]) => (
      <li key={what}>
        <Badge kind={marks[kind][0]}>{marks[kind][1]}</Badge>
        <div>
          {what}
          {cure && <p class="quiet">{cure}</p>}
        </div>
      </li>
    ))}
  </ul>
)

/** As scripts/doctor reports them. */
function verdictsOn(facts: Diagnostics, skewSeconds: number): Verdict[] {
  const { database, variables, admins, missing_bindings: missing } = facts
  const { applied, missing: unapplied, unknown } = database.migrations
  const bootstrap = variables.filter((name) => name.startsWith('BOOTSTRAP_ADMIN_'))
  const trip = database.trip_milliseconds
  return [
    missing.length === 0
      ? ['good', 'Bindings: the database, the assets and the rate limiters']
      : ['bad', `Bindings: missing ${missing.join(', ')}`, 'Add them to wrangler.toml and deploy again.'],
    unapplied.length === 0
      ? ['good', `Migrations: all ${applied.length - unknown.length} applied`]
      : ['bad', `Migrations: missing ${unapplied.join(', ')}`, 'npm run deploy applies them.'],
    ...(unknown.length > 0 ? [['note', `Migrations of a later version: ${unknown.join(', ')}`] as const] : []),
    admins === 0
      ? ['bad', 'No user holds the role admin', 'Set the BOOTSTRAP_ADMIN_ secrets and sign in with them.']
      : bootstrap.length > 0
        ? ['warning', `${bootstrap.join(' and ')} still set, with ${counted(admins, 'admin')}`, 'Delete these secrets.']
        : ['good', `Admins: ${count(admins)}; no bootstrap credentials are left`],
    ...(variables.includes('JWT_SECRET_PREVIOUS')
      ? [['note', 'JWT_SECRET_PREVIOUS is set: a rotation is not finished'] as const]
      : []),
    facts.rate_limit ? ['good', 'Rate limits: on'] : ['warning', 'Rate limits: off', 'RATE_LIMIT = "on"'],
    ...(facts.server_timing
      ? [
          [
            'warning',
            'SERVER_TIMING is on: every response shows its cost',
            'SERVER_TIMING = "off" in production.',
          ] as const,
        ]
      : []),
    facts.request_log ? ['good', 'Request log: on'] : ['note', 'REQUEST_LOG is off: requests leave no line in the log'],
    facts.usage.recorded
      ? ['good', `Usage: recorded, kept for ${counted(facts.usage.retention_days, 'day')}`]
      : ['note', 'Usage is not recorded'],
    skewSeconds > maxSkewSeconds
      ? ['bad', `The clocks differ by ${Math.round(skewSeconds)} s`, 'Tokens and lockouts depend on the time.']
      : ['good', 'The clock agrees with the clock of your machine'],
    trip <= nearMilliseconds
      ? ['good', `A round trip to the database takes ${trip} ms${database.region ? ` (${database.region})` : ''}`]
      : ['warning', `A round trip to the database takes ${trip} ms`, 'The Worker runs far from its database.'],
  ]
}

function Size({ bytes }: { bytes: number | null }) {
  if (bytes === null) return null
  const share = (100 * bytes) / maxBytes
  return (
    <Section title="Database size">
      <div class="progress">
        <meter
          aria-label="Database size"
          min={0}
          max={maxBytes}
          low={maxBytes * 0.8}
          high={maxBytes * 0.95}
          value={bytes}
        />
        <p>
          {(bytes / 1_000_000).toFixed(1)} MB of 10,000 MB, {share < 1 ? 'less than 1' : Math.round(share)} %.
          {share >= 80 && ' A full database refuses writes: set AUDIT_RETENTION_DAYS.'}
        </p>
      </div>
    </Section>
  )
}

function Hashing() {
  const [result, setResult] = useState<Verdict>()
  const { run, error } = useAction()
  const measure = () =>
    run(async () => {
      const { iterations, rounds, milliseconds } = (await usher.measureHashing()).body
      const how = `${rounds} × ${count(iterations)} PBKDF2 iterations`
      if (milliseconds === null) setResult(['bad', `The platform refuses ${how}`, 'Every sign-in fails.'])
      else if (iterations * rounds < 600_000)
        setResult(['warning', `${how} in ${milliseconds} ms. OWASP asks for 600,000`, 'PASSWORD_ROUNDS = 6 or more.'])
      else setResult(['good', `${how} in ${milliseconds} ms`])
    })
  return (
    <Section
      title="Password hashing"
      actions={
        <button type="button" onClick={() => void measure()}>
          Measure
        </button>
      }
    >
      {error !== undefined && <Failure error={error} />}
      {result ? <Verdicts list={[result]} /> : <Empty>Not measured yet. It takes the time of one sign-in.</Empty>}
    </Section>
  )
}

function Upstreams() {
  const [answers, setAnswers] = useState<{ upstream: string; answer: string }[]>()
  const { run, error } = useAction()
  return (
    <Section
      title="Upstreams"
      actions={
        <button
          type="button"
          onClick={() => void run(async () => setAnswers((await usher.checkUpstreams()).body.data))}
        >
          Ask each
        </button>
      }
    >
      {error !== undefined && <Failure error={error} />}
      {!answers ? (
        <Empty>Not asked yet. Each is asked about an invented user.</Empty>
      ) : answers.length === 0 ? (
        <Empty>No upstream is set.</Empty>
      ) : (
        <Verdicts
          list={answers.map(({ upstream, answer }) =>
            answer === 'no_match'
              ? (['good', `${upstream} does not know an invented user`] as const)
              : (['bad', `${upstream} answered: ${answer}`] as const),
          )}
        />
      )}
    </Section>
  )
}

const checks: Record<DirectoryCheck, string> = {
  totals: 'Totals',
  counts: 'Counts',
  roles: 'Roles',
  search: 'Search index',
  identifiers: 'Identifiers',
  hashes: 'Password hashes',
}

interface Found {
  check: DirectoryCheck
  users: number
  findings: { finding: Finding; count: number; users: string[]; places: string[] }[]
}

function Directory() {
  const [found, setFound] = useState<Found[]>([])
  const [now, setNow] = useState('')
  const { run, error, isRunning } = useAction()
  const examine = () =>
    run(async () => {
      setFound([])
      for (const check of Object.keys(checks) as DirectoryCheck[]) {
        const result: Found = { check, users: 0, findings: [] }
        let cursor: string | null = null
        do {
          const { body }: { body: Found & { pagination: { next_cursor: string | null } } } =
            (await usher.checkDirectory({
              check,
              ...(cursor !== null && { cursor }),
            })) as never
          result.users += body.users
          result.findings.push(...body.findings)
          cursor = body.pagination.next_cursor
          setNow(`${checks[check]}: ${counted(result.users, 'person', 'people')}`)
        } while (cursor !== null)
        setFound((before) => [...before, result])
      }
    })
  return (
    <Section
      title="The directory"
      note="Whether the indexes and totals agree with the people. Some thousands are read at a time."
      actions={
        <button type="button" onClick={() => void examine()}>
          Check
        </button>
      }
    >
      {error !== undefined && <Failure error={error} />}
      {isRunning && <p role="status">{now || 'Checking…'}</p>}
      {found.length === 0 && !isRunning && <Empty>Not checked yet.</Empty>}
      {found.length > 0 && (
        <Table
          label="Checks of the directory"
          columns={['Check', 'People read', 'Findings']}
          rows={found.map(({ check, users, findings }) => ({
            key: check,
            cells: [
              checks[check],
              count(users),
              findings.length === 0 ? (
                <Badge kind="good">none</Badge>
              ) : (
                findings.map(({ finding, count: number, users: ids, places }) => (
                  <p key={finding}>
                    <Badge kind="bad">{finding.replaceAll('_', ' ')}</Badge> {count(number)} {places.join(', ')}{' '}
                    {ids.slice(0, 3).map((id) => (
                      <span key={id}>
                        <Person id={id} />{' '}
                      </span>
                    ))}
                  </p>
                ))
              ),
            ],
          }))}
        />
      )}
    </Section>
  )
}

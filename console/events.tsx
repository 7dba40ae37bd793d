/** Audit events, with links to their neighbours: the same person, actor or request. */
import type { AuditEvent } from '../client/index.ts'
import { Empty, Id, None, Person, Table, Time } from './elements.tsx'

export function Events({ events, without }: { events: readonly AuditEvent[]; without?: 'user' }) {
  if (events.length === 0) return <Empty>No events.</Empty>
  const columns = [
    'When (UTC)',
    'Action',
    'By',
    ...(without === 'user' ? [] : ['Person']),
    'Details',
    'Contract',
    'Request',
  ]
  return (
    <Table
      label="Audit events"
      columns={columns}
      rows={events.map((event) => ({
        key: event.id,
        cells: [
          <Time at={event.at} />,
          <a href={`/console/audit?action=${event.action}`}>{event.action}</a>,
          <By event={event} />,
          ...(without === 'user' ? [] : [<Person id={event.user_id} />]),
          <Details event={event} />,
          event.contract,
          event.request_id ? (
            <a href={`/console/audit?request=${event.request_id}`} title={event.request_id} class="id">
              …{event.request_id.slice(-8)}
            </a>
          ) : (
            <None />
          ),
        ],
      }))}
    />
  )
}

function By({ event: { actor_id, credential } }: { event: AuditEvent }) {
  if (!actor_id) return <span class="quiet">without a credential</span>
  return (
    <>
      <Person id={actor_id} />
      {credential?.kind === 'key' && (
        <span class="quiet">
          {' '}
          by API key <Id id={credential.id} />
        </span>
      )}
    </>
  )
}

/** More fields than these are listed on request, so that a table of creations stays readable. */
const maxFields = 5

function Details({ event: { action, fields, subject_id, address } }: { event: AuditEvent }) {
  if (fields.length === 0 && !subject_id && !address) return <None />
  return (
    <>
      {fields.length > maxFields ? (
        <details>
          <summary>{fields.length} fields</summary>
          <Fields of={fields} />
        </details>
      ) : (
        <Fields of={fields} />
      )}
      {subject_id && (
        <span class="quiet">
          {' '}
          {action.slice(0, action.indexOf('.'))} <Id id={subject_id} />
        </span>
      )}
      {address && <span class="quiet"> from {address}</span>}
    </>
  )
}

const Fields = ({ of: fields }: { of: readonly string[] }) => (
  <span>
    {fields.map((field, index) => (
      <span key={field}>
        {index > 0 && ', '}
        <code>{field}</code>
      </span>
    ))}
  </span>
)

/** The audit trail, with filters and a request id to search for. */
import { useEffect, useState } from 'preact/hooks'
import type { AuditAction, AuditEvent } from '../client/index.ts'
import { usher } from './directory.ts'
import { count, Empty, Field, Load, Pages, Person, Screen, Select, Time } from './elements.tsx'
import { Events } from './events.tsx'
import { useLoaded } from './loading.ts'
import { refine, usePlace } from './navigation.ts'

/** An action without an entry does not compile. */
const actions: Record<AuditAction, true> = {
  'user.created': true,
  'user.updated': true,
  'user.deactivated': true,
  'user.activated': true,
  'user.deleted': true,
  'user.roles_set': true,
  'user.password_set': true,
  'user.password_adopted': true,
  'user.password_token_issued': true,
  'user.password_token_revoked': true,
  'session.created': true,
  'session.ended': true,
  'session.reuse_detected': true,
  'key.created': true,
  'key.revoked': true,
  'role.created': true,
  'role.updated': true,
  'role.deleted': true,
  'account.locked': true,
  'account.unlocked': true,
  'users.exported': true,
  'webhook.created': true,
  'webhook.updated': true,
  'webhook.deleted': true,
}

const isUserId = (text: string) => /^usr_[0-9a-f]{32}$/.test(text)

export function Audit() {
  const { query } = usePlace()
  const { user = '', actor = '', action = '', request = '' } = Object.fromEntries(query)
  const filter = {
    ...(isUserId(user) && { user }),
    ...(isUserId(actor) && { actor }),
    ...(Object.hasOwn(actions, action) && { action: action as AuditAction }),
  }
  return (
    <Screen title="Audit" lead="Who did what, newest first.">
      <div class="filters">
        <IdField label="Request id" name="request" value={request} hint="The X-Request-Id of a response." />
        <IdField
          label="Person"
          name="user"
          value={user}
          hint={isUserId(user) ? <Person id={user} /> : 'An id, usr_…'}
        />
        <IdField
          label="By"
          name="actor"
          value={actor}
          hint={isUserId(actor) ? <Person id={actor} /> : 'An id, usr_…'}
        />
        <Select
          label="Action"
          value={action}
          options={[['', 'Any'], ...Object.keys(actions).map((name) => [name, name] as const)]}
          onChange={(value) => refine({ action: value })}
        />
      </div>
      {request === '' ? (
        <Trail key={JSON.stringify(filter)} filter={filter} />
      ) : (
        <OfRequest key={JSON.stringify([filter, request])} filter={filter} request={request} />
      )}
    </Screen>
  )
}

/** Takes effect when the person has finished typing. */
function IdField({
  label,
  name,
  value,
  hint,
}: {
  label: string
  name: string
  value: string
  hint: preact.ComponentChildren
}) {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  const apply = () => refine({ [name]: text.trim() })
  return (
    <Field label={label} hint={hint}>
      {(id) => (
        <input
          id={id}
          value={text}
          autoComplete="off"
          spellcheck={false}
          onInput={(event) => setText(event.currentTarget.value)}
          onBlur={apply}
          onKeyDown={(event) => event.key === 'Enter' && apply()}
        />
      )}
    </Field>
  )
}

type Filter = { user?: string; actor?: string; action?: AuditAction }

function Trail({ filter }: { filter: Filter }) {
  const [cursors, setCursors] = useState<string[]>([])
  const events = useLoaded(
    async () =>
      (await usher.listAuditEvents({ ...filter, limit: 50, ...(cursors.length > 0 && { cursor: cursors.at(-1) }) }))
        .body,
    [cursors],
  )
  return (
    <Load of={events}>
      {({ data, pagination }) => (
        <>
          <Events events={data} />
          <Pages next={pagination.next_cursor} previous={cursors} onMove={setCursors} />
        </>
      )}
    </Load>
  )
}

/** Events to read before the search pauses. The trail has no index by request. */
const stretch = 2000

/** The events of one request. The trail is read backwards, a stretch at a time, because a request has one moment. */
function OfRequest({ filter, request }: { filter: Filter; request: string }) {
  const [begin, setBegin] = useState<string>()
  const found = useLoaded(async () => {
    const hits: AuditEvent[] = []
    let cursor: string | null | undefined = begin
    let read = 0
    let last: AuditEvent | undefined
    do {
      const { body } = await usher.listAuditEvents({ ...filter, limit: 100, ...(cursor && { cursor }) })
      hits.push(...body.data.filter(({ request_id }) => request_id === request))
      read += body.data.length
      last = body.data.at(-1) ?? last
      cursor = body.pagination.next_cursor
    } while (cursor && read < stretch && hits.length === 0)
    return { hits, read, cursor, until: last?.at }
  }, [begin])
  return (
    <Load of={found}>
      {({ hits, read, cursor, until }) => (
        <>
          {hits.length > 0 ? (
            <Events events={hits} />
          ) : (
            <Empty>
              No event of this request among {count(read)} events
              {until && (
                <>
                  {' '}
                  back to <Time at={until} /> UTC
                </>
              )}
              .
            </Empty>
          )}
          {hits.length === 0 && cursor && (
            <button type="button" onClick={() => setBegin(cursor)}>
              Search further back
            </button>
          )}
        </>
      )}
    </Load>
  )
}

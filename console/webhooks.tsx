/** Webhooks, with what could not be delivered. */
import { useState } from 'preact/hooks'
import type { Webhook, WebhookEventType } from '../client/index.ts'
import { usher } from './directory.ts'
import {
  Badge,
  counted,
  Dialog,
  Empty,
  Failure,
  Field,
  FormDialog,
  Load,
  Pages,
  Person,
  Screen,
  Secret,
  Section,
  StatusBadge,
  Table,
  Time,
} from './elements.tsx'
import { useAction, useLoaded } from './loading.ts'

/** An event without an entry does not compile. */
const events: Record<WebhookEventType, true> = {
  'user.created': true,
  'user.updated': true,
  'user.deactivated': true,
  'user.activated': true,
  'user.deleted': true,
  'user.roles_set': true,
  'user.password_set': true,
}

export function Webhooks() {
  const [isCreating, setCreating] = useState(false)
  const webhooks = useLoaded(async () => (await usher.listWebhooks()).body.data, [])
  return (
    <Screen
      title="Webhooks"
      lead="Addresses that Usher calls when people change."
      actions={
        <button type="button" class="primary" onClick={() => setCreating(true)}>
          New webhook
        </button>
      }
    >
      <Load of={webhooks}>
        {(list) =>
          list.length === 0 ? (
            <Empty>No webhook.</Empty>
          ) : (
            list.map((webhook) => <One key={webhook.id} webhook={webhook} reload={webhooks.reload} />)
          )
        }
      </Load>
      {isCreating && <NewWebhook onClose={() => setCreating(false)} onCreated={webhooks.reload} />}
    </Screen>
  )
}

const Outcome = ({ of: outcome }: { of: string | null }) =>
  outcome === null ? (
    <span class="quiet">none yet</span>
  ) : (
    <Badge kind={outcome === 'delivered' ? 'good' : 'bad'}>{outcome}</Badge>
  )

function One({ webhook, reload }: { webhook: Webhook; reload: () => void }) {
  const [said, setSaid] = useState<string>()
  const [isRemoving, setRemoving] = useState(false)
  const [cursors, setCursors] = useState<string[]>([])
  const { run, error } = useAction()
  const { id, url, status } = webhook
  const failures = useLoaded(
    async () =>
      (await usher.listWebhookFailures({ id, limit: 20, ...(cursors.length > 0 && { cursor: cursors.at(-1) }) })).body,
    [id, cursors],
  )
  const change = (action: () => Promise<string | undefined>) =>
    void run(async () => {
      setSaid(await action())
      reload()
      failures.reload()
    })
  const isActive = status === 'active'
  return (
    <Section
      title={url}
      note={webhook.description}
      actions={
        <>
          <button
            type="button"
            onClick={() =>
              change(async () => `The ping: ${(await usher.pingWebhook({ id })).body.outcome.replaceAll('_', ' ')}.`)
            }
          >
            Ping
          </button>
          <button
            type="button"
            onClick={() =>
              change(async () => {
                await usher.patchWebhook({ id, body: { status: isActive ? 'inactive' : 'active' } })
                return undefined
              })
            }
          >
            {isActive ? 'Stop' : 'Resume'}
          </button>
          <button type="button" onClick={() => setRemoving(true)}>
            Delete
          </button>
        </>
      }
    >
      <dl class="grid">
        <div>
          <dt>State</dt>
          <dd>
            <StatusBadge status={status} />
          </dd>
        </div>
        <div>
          <dt>Last attempt (UTC)</dt>
          <dd>
            <Time at={webhook.last_attempt_at} />
          </dd>
        </div>
        <div>
          <dt>Last outcome</dt>
          <dd>
            <Outcome of={webhook.last_outcome} />
          </dd>
        </div>
        <div>
          <dt>Created (UTC)</dt>
          <dd>
            <Time at={webhook.created_at} />
          </dd>
        </div>
        <div class="wide">
          <dt>Events</dt>
          <dd>
            <ul class="tags">
              {webhook.events.map((event) => (
                <li key={event}>
                  <code>{event}</code>
                </li>
              ))}
            </ul>
          </dd>
        </div>
      </dl>
      {said && <p role="status">{said}</p>}
      {error !== undefined && <Failure error={error} />}
      <Load of={failures}>
        {({ data, pagination }) =>
          data.length === 0 ? (
            <Empty>No delivery has failed.</Empty>
          ) : (
            <>
              <div class="actions between">
                <h3>Not delivered</h3>
                <button
                  type="button"
                  onClick={() =>
                    change(
                      async () =>
                        `${counted((await usher.retryWebhook({ id })).body.retrying, 'event')} to be sent again.`,
                    )
                  }
                >
                  Retry all
                </button>
              </div>
              <Table
                label={`Not delivered to ${url}`}
                columns={['Event', 'Person', 'Attempts', 'Last attempt (UTC)', 'Outcome', 'Next attempt (UTC)']}
                rows={data.map(({ event, attempts, last_attempt_at, last_outcome, next_attempt_at }) => ({
                  key: event.id,
                  cells: [
                    <code>{event.type}</code>,
                    <Person id={event.data.user_id} />,
                    attempts,
                    <Time at={last_attempt_at} />,
                    <Outcome of={last_outcome} />,
                    <Time at={next_attempt_at} none="none: given up" />,
                  ],
                }))}
              />
              <Pages next={pagination.next_cursor} previous={cursors} onMove={setCursors} />
            </>
          )
        }
      </Load>
      {isRemoving && (
        <FormDialog
          title="Delete this webhook?"
          action="Delete"
          isDanger
          onClose={() => setRemoving(false)}
          save={async () => {
            await usher.deleteWebhook({ id })
            setRemoving(false)
            reload()
          }}
        >
          <p class="wraps">{url}</p>
          <p>Events that were not delivered to it are not sent any more.</p>
        </FormDialog>
      )}
    </Section>
  )
}

function NewWebhook({ onClose, onCreated }: { onClose: () => void; onCreated: () => void }) {
  const [url, setUrl] = useState('')
  const [description, setDescription] = useState('')
  const [chosen, setChosen] = useState<WebhookEventType[]>([])
  const [secret, setSecret] = useState<string>()
  if (secret !== undefined) {
    return (
      <Dialog title="The webhook is ready" onClose={onClose}>
        <Secret label="Signing secret" value={secret} />
        <p>The receiver verifies each message with it.</p>
        <div class="actions">
          <button type="button" class="primary" onClick={onClose}>
            Done
          </button>
        </div>
      </Dialog>
    )
  }
  return (
    <FormDialog
      title="New webhook"
      action="Create"
      onClose={onClose}
      save={async () => {
        const body = { url, description, ...(chosen.length > 0 && { events: chosen }) }
        setSecret((await usher.createWebhook({ body })).body.secret)
        onCreated()
      }}
    >
      <Field label="URL" hint="https, or http on the same machine.">
        {(id) => (
          <input id={id} type="url" required value={url} onInput={(event) => setUrl(event.currentTarget.value)} />
        )}
      </Field>
      <Field label="Description">
        {(id) => <input id={id} value={description} onInput={(event) => setDescription(event.currentTarget.value)} />}
      </Field>
      <fieldset>
        <legend>Events. None chosen means all</legend>
        <div class="boxes">
          {(Object.keys(events) as WebhookEventType[]).map((event) => (
            <label key={event}>
              <input
                type="checkbox"
                checked={chosen.includes(event)}
                onChange={(change) =>
                  setChosen(
                    change.currentTarget.checked ? [...chosen, event] : chosen.filter((other) => other !== event),
                  )
                }
              />
              <code>{event}</code>
            </label>
          ))}
        </div>
      </fieldset>
    </FormDialog>
  )
}

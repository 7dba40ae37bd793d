/** A person: the record, the contracts' views of it, roles, sessions, API keys and audit events. */
import { useState } from 'preact/hooks'
import type { AuditEvent, Role, User } from '../client/index.ts'
import { forgetName, isProblem, usher } from './directory.ts'
import {
  Badge,
  Dialog,
  Empty,
  Failure,
  Field,
  FormDialog,
  Load,
  Pages,
  Permissions,
  Screen,
  Secret,
  Section,
  StatusBadge,
  Table,
  Time,
  useViewer,
} from './elements.tsx'
import { Events } from './events.tsx'
import { useAction, useLoaded } from './loading.ts'
import { go } from './navigation.ts'
import { AsContractsShow } from './person-contracts.tsx'
import { Record, type Versioned } from './person-record.tsx'
import { linkFor } from './sign-in.tsx'

export function PersonScreen({ id }: { id: string }) {
  const person = useLoaded<Versioned | 'gone'>(async () => {
    try {
      const { body, etag } = await usher.getUser({ id })
      return { user: body, etag }
    } catch (error) {
      if (isProblem(error, 404)) return 'gone'
      throw error
    }
  }, [id])
  if (person.value === undefined || person.error !== undefined) {
    return (
      <Screen title="Person">
        <Load of={person}>{() => null}</Load>
      </Screen>
    )
  }
  if (person.value === 'gone') return <Gone id={id} />
  return (
    <Known
      person={person.value}
      onChanged={(next) => {
        forgetName(id)
        person.set(next)
      }}
      reload={person.reload}
    />
  )
}

/** The audit trail keeps what was done to a person who is deleted. */
function Gone({ id }: { id: string }) {
  const { can } = useViewer()
  return (
    <Screen title="No such person">
      <Empty>
        The directory has no person <code class="wraps">{id}</code>. They may have been deleted.
      </Empty>
      {can('audit:read') && <History id={id} version="" />}
    </Screen>
  )
}

function Known({
  person,
  onChanged,
  reload,
}: {
  person: Versioned
  onChanged: (next: Versioned) => void
  reload: () => void
}) {
  const { can, user: viewer } = useViewer()
  const { user, etag } = person
  const isSelf = viewer.id === user.id
  return (
    <Screen
      title={user.name || user.email}
      lead={
        <>
          <StatusBadge status={user.status} /> <span class="wraps">{user.email}</span>
          {isSelf && (
            <>
              {' '}
              <Badge kind="quiet">you</Badge>
            </>
          )}
        </>
      }
      actions={<Actions person={person} isSelf={isSelf} onChanged={onChanged} />}
    >
      {can('audit:read') && <LockNotice user={user} etag={etag} />}
      <Record
        person={person}
        mayEdit={can('users:update') ? 'all' : isSelf ? 'own' : 'nothing'}
        onChanged={onChanged}
      />
      <RolesOf person={person} onChanged={onChanged} />
      {can('users:read') && <AsContractsShow user={user} etag={etag} />}
      {(can('sessions:manage') || isSelf) && <Sessions user={user} onEnded={reload} />}
      {can('api_keys:manage') && <Keys user={user} isSelf={isSelf} />}
      {can('audit:read') && <History id={user.id} version={etag} />}
    </Screen>
  )
}

type Asked = 'deactivate' | 'activate' | 'delete' | 'link'

function Actions({
  person: { user, etag },
  isSelf,
  onChanged,
}: {
  person: Versioned
  isSelf: boolean
  onChanged: (next: Versioned) => void
}) {
  const { can } = useViewer()
  const [asked, setAsked] = useState<Asked>()
  const close = () => setAsked(undefined)
  const isActive = user.status === 'active'
  const setActive = async (active: boolean) => {
    const answer = await (active ? usher.activateUser : usher.deactivateUser)({ id: user.id, ifMatch: etag })
    onChanged({ user: answer.body, etag: answer.etag })
    close()
  }
  return (
    <>
      {can('users:update') && !isSelf && (
        <button type="button" onClick={() => setAsked('link')}>
          Set-password link
        </button>
      )}
      {can('users:deactivate') && (
        <>
          {isActive && (
            <button type="button" onClick={() => setAsked('deactivate')}>
              Deactivate
            </button>
          )}
          <button type="button" onClick={() => setAsked('activate')}>
            {isActive ? 'Unlock sign-in' : 'Activate'}
          </button>
        </>
      )}
      {can('users:delete') && (
        <button type="button" class="danger" onClick={() => setAsked('delete')}>
          Delete
        </button>
      )}
      {asked === 'deactivate' && (
        <FormDialog
          title={`Deactivate ${user.name}?`}
          action="Deactivate"
          isDanger
          onClose={close}
          save={() => setActive(false)}
        >
          <p>
            Their sessions and API keys end now, in every contract. They cannot sign in until you activate them again.
          </p>
        </FormDialog>
      )}
      {asked === 'activate' && (
        <FormDialog
          title={isActive ? `Unlock the sign-in of ${user.name}?` : `Activate ${user.name}?`}
          action={isActive ? 'Unlock' : 'Activate'}
          onClose={close}
          save={() => setActive(true)}
        >
          <p>
            {isActive
              ? 'This forgets their failed sign-ins, so that they can sign in at once.'
              : 'They can sign in again. Their earlier sessions and API keys stay ended.'}
          </p>
        </FormDialog>
      )}
      {asked === 'delete' && <Delete user={user} etag={etag} onClose={close} />}
      {asked === 'link' && <PasswordLink user={user} onClose={close} />}
    </>
  )
}

function Delete({ user, etag, onClose }: { user: User; etag: string; onClose: () => void }) {
  const [typed, setTyped] = useState('')
  return (
    <FormDialog
      title={`Delete ${user.name}?`}
      action="Delete for good"
      isDanger
      isReady={typed.normalize('NFC').trim() === user.name.trim()}
      onClose={onClose}
      save={async () => {
        await usher.deleteUser({ id: user.id, ifMatch: etag })
        forgetName(user.id)
        go('/console')
      }}
    >
      <p>
        This deletes the person from every contract and cannot be undone. To stop them from signing in, deactivate them
        instead.
      </p>
      <Field
        label="Type the name to confirm"
        hint={
          <>
            The name is <strong>{user.name}</strong>
          </>
        }
      >
        {(id) => (
          <input
            id={id}
            autoComplete="off"
            spellcheck={false}
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        )}
      </Field>
    </FormDialog>
  )
}

function PasswordLink({ user, onClose }: { user: User; onClose: () => void }) {
  const [issued, setIssued] = useState<{ token: string; expires_at: string }>()
  if (!issued) {
    return (
      <FormDialog
        title={`A link for ${user.name} to set a password`}
        action="Create the link"
        onClose={onClose}
        save={async () => setIssued((await usher.issuePasswordToken({ id: user.id })).body)}
      >
        <p>
          Whoever has the link can set the password of this account, once, within 24 hours. Send it in a way that only{' '}
          {user.name} can read.
        </p>
      </FormDialog>
    )
  }
  return (
    <Dialog title={`A link for ${user.name} to set a password`} onClose={onClose}>
      <Secret label="Set-password link" value={linkFor(issued.token)} />
      <p class="quiet">
        It is shown this one time only. It expires at <Time at={issued.expires_at} /> UTC.
      </p>
      <div class="actions">
        <button type="button" class="primary" onClick={onClose}>
          Done
        </button>
      </div>
    </Dialog>
  )
}

/** The longest time that failed sign-ins lock an account. */
const maxLockMinutes = 15

/** Says that the sign-in was locked a short while ago. The trail shows it; the record does not. */
function LockNotice({ user, etag }: { user: User; etag: string }) {
  const locked = useLoaded(async () => {
    const { data } = (await usher.listAuditEvents({ user: user.id, limit: 20 })).body
    return data.find(({ action }) => ['account.locked', 'account.unlocked', 'session.created'].includes(action))
  }, [user.id, etag])
  const event = locked.value
  const isRecent = event && Date.parse(event.at) > Date.now() - maxLockMinutes * 60_000
  if (event?.action !== 'account.locked' || !isRecent) return null
  return (
    <p class="notice warning" role="status">
      Failed sign-ins locked this account at <Time at={event.at} /> UTC, for at most {maxLockMinutes} minutes.
    </p>
  )
}

function RolesOf({ person: { user, etag }, onChanged }: { person: Versioned; onChanged: (next: Versioned) => void }) {
  const { can } = useViewer()
  const [isEditing, setEditing] = useState(false)
  const mayChange = can('roles:assign', 'roles:read')
  return (
    <Section
      title="Roles"
      note="The first is the primary role."
      actions={
        mayChange && (
          <button type="button" onClick={() => setEditing(true)}>
            Change roles
          </button>
        )
      }
    >
      <ol class="tags">
        {user.roles.map(({ id, name }) => (
          <li key={id}>
            {can('users:read', 'roles:read') ? <a href={`/console?role=${encodeURIComponent(name)}`}>{name}</a> : name}
          </li>
        ))}
      </ol>
      {isEditing && <ChangeRoles person={{ user, etag }} onChanged={onChanged} onClose={() => setEditing(false)} />}
    </Section>
  )
}

function ChangeRoles({
  person: { user, etag },
  onChanged,
  onClose,
}: {
  person: Versioned
  onChanged: (next: Versioned) => void
  onClose: () => void
}) {
  const [chosen, setChosen] = useState(user.roles.map(({ name }) => name))
  const roles = useLoaded<Role[]>(async () => (await usher.listRoles()).body.data, [])
  return (
    <FormDialog
      title={`Roles of ${user.name}`}
      action="Save the roles"
      onClose={onClose}
      save={async () => {
        const answer = await usher.setUserRoles({ id: user.id, ifMatch: etag, body: { roles: chosen } })
        onChanged({ user: answer.body, etag: answer.etag })
        onClose()
      }}
    >
      <p>
        In the order in which you choose them: <strong>{chosen.join(', ') || 'user, the default'}</strong>
      </p>
      <Load of={roles}>
        {(all) => (
          <fieldset>
            <legend>Roles</legend>
            <div class="boxes">
              {all.map(({ id, name, description }) => (
                <label key={id} title={description}>
                  <input
                    type="checkbox"
                    checked={chosen.includes(name)}
                    onChange={(event) =>
                      setChosen(
                        event.currentTarget.checked ? [...chosen, name] : chosen.filter((other) => other !== name),
                      )
                    }
                  />
                  {name}
                </label>
              ))}
            </div>
          </fieldset>
        )}
      </Load>
    </FormDialog>
  )
}

function Sessions({ user, onEnded }: { user: User; onEnded: () => void }) {
  const sessions = useLoaded(async () => (await usher.listSessions({ id: user.id })).body.data, [user.id])
  const { run, error } = useAction()
  const end = (action: () => Promise<unknown>) =>
    void run(async () => {
      await action()
      sessions.reload()
      onEnded()
    })
  return (
    <Section
      title="Sessions"
      note="Their valid sessions in every contract. The last use is exact to the hour."
      actions={
        (sessions.value?.length ?? 0) > 0 && (
          <button type="button" onClick={() => end(() => usher.endSessions({ id: user.id }))}>
            End all sessions
          </button>
        )
      }
    >
      {error !== undefined && <Failure error={error} />}
      <Load of={sessions}>
        {(list) =>
          list.length === 0 ? (
            <Empty>No valid session.</Empty>
          ) : (
            <Table
              label="Sessions"
              columns={['Contract', 'Program', 'Signed in (UTC)', 'Last use (UTC)', 'Ends (UTC)', '']}
              rows={list.map(({ id, contract, program, created_at, last_used_at, expires_at, current }) => ({
                key: id,
                cells: [
                  <>
                    {contract} {current && <Badge kind="good">this one</Badge>}
                  </>,
                  program === null ? <span class="quiet">unnamed</span> : <span class="wraps">{program}</span>,
                  <Time at={created_at} />,
                  <Time at={last_used_at} />,
                  <Time at={expires_at} />,
                  <button
                    type="button"
                    aria-label={`End the session in ${contract} of ${created_at.slice(0, 16).replace('T', ' ')}`}
                    onClick={() => end(() => usher.endSession({ id: user.id, session_id: id }))}
                  >
                    End
                  </button>,
                ],
              }))}
            />
          )
        }
      </Load>
    </Section>
  )
}

function Keys({ user, isSelf }: { user: User; isSelf: boolean }) {
  const keys = useLoaded(async () => (await usher.listUserApiKeys({ id: user.id })).body.data, [user.id])
  const { run, error } = useAction()
  const revoke = (action: () => Promise<unknown>) =>
    void run(async () => {
      await action()
      keys.reload()
    })
  return (
    <Section
      title="API keys"
      note={isSelf ? <a href="/console/api-keys">Create one</a> : 'Each person makes their own.'}
      actions={
        (keys.value?.length ?? 0) > 0 && (
          <button type="button" onClick={() => revoke(() => usher.revokeUserApiKeys({ id: user.id }))}>
            Revoke all
          </button>
        )
      }
    >
      {error !== undefined && <Failure error={error} />}
      <Load of={keys}>
        {(list) =>
          list.length === 0 ? (
            <Empty>No valid key.</Empty>
          ) : (
            <Table
              label="API keys"
              columns={['Name', 'Permissions', 'Created (UTC)', 'Last use (UTC)', 'Expires (UTC)', '']}
              rows={list.map((key) => ({
                key: key.id,
                cells: [
                  key.name,
                  <Permissions of={key.permissions} />,
                  <Time at={key.created_at} />,
                  <Time at={key.last_used_at} />,
                  <Time at={key.expires_at} />,
                  <button
                    type="button"
                    aria-label={`Revoke ${key.name}`}
                    onClick={() => revoke(() => usher.revokeApiKey({ id: key.id }))}
                  >
                    Revoke
                  </button>,
                ],
              }))}
            />
          )
        }
      </Load>
    </Section>
  )
}

function History({ id, version }: { id: string; version: string }) {
  const [of, setOf] = useState<'user' | 'actor'>('user')
  const [cursors, setCursors] = useState<string[]>([])
  const events = useLoaded<{ data: AuditEvent[]; pagination: { next_cursor: string | null } }>(
    async () =>
      (
        await usher.listAuditEvents({
          [of]: id,
          limit: 20,
          ...(cursors.length > 0 && { cursor: cursors.at(-1) }),
        })
      ).body,
    [id, of, version, cursors],
  )
  const choose = (next: 'user' | 'actor') => {
    setCursors([])
    setOf(next)
  }
  return (
    <Section
      title="Audit events"
      actions={
        <>
          <button type="button" aria-pressed={of === 'user'} onClick={() => choose('user')}>
            Done to them
          </button>
          <button type="button" aria-pressed={of === 'actor'} onClick={() => choose('actor')}>
            Done by them
          </button>
        </>
      }
    >
      <Load of={events}>
        {({ data, pagination }) => (
          <>
            <Events events={data} {...(of === 'user' && { without: 'user' as const })} />
            <Pages next={pagination.next_cursor} previous={cursors} onMove={setCursors} />
          </>
        )}
      </Load>
    </Section>
  )
}

/** Find: one box for everyone, with filters, the exact total and pages. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { PasswordState, Role, User, UserSort, UserStatus } from '../client/index.ts'
import { findByIdentifier, usher } from './directory.ts'
import {
  counted,
  Empty,
  Field,
  FormDialog,
  Load,
  None,
  Pages,
  Screen,
  Select,
  StatusBadge,
  Table,
  useViewer,
} from './elements.tsx'
import { useLoaded } from './loading.ts'
import { go, refine, usePlace } from './navigation.ts'

const pageSize = 25
/** After the last key, in milliseconds. */
const pause = 120

/** v1 takes at most 200 characters. */
const maxSearch = 200

export function Find() {
  const { query } = usePlace()
  const { can } = useViewer()
  const { q = '', status = '', role = '', password = '', sort = '-created_at' } = Object.fromEntries(query)
  const [text, setText] = useState(q)
  const [cursors, setCursors] = useState<string[]>([])
  const [isCreating, setCreating] = useState(false)
  const box = useRef<HTMLInputElement>(null)

  useEffect(() => {
    box.current?.focus()
  }, [])
  useEffect(() => {
    if (text === q) return
    const timer = setTimeout(() => {
      setCursors([])
      refine({ q: text })
    }, pause)
    return () => clearTimeout(timer)
  }, [text])

  const roles = useLoaded<Role[]>(async () => (can('roles:read') ? (await usher.listRoles()).body.data : []), [])
  const found = useLoaded(async () => {
    const search = q.trim()
    const [exact, list] = await Promise.all([
      findByIdentifier(search),
      usher.listUsers({
        limit: pageSize,
        ...(cursors.length > 0 && { cursor: cursors.at(-1) }),
        ...(search !== '' && { search }),
        ...(status !== '' && { status: status as UserStatus }),
        ...(role !== '' && { role }),
        ...(password !== '' && { password: password as PasswordState }),
        sort: sort as UserSort,
      }),
    ])
    return { exact, ...list.body }
  }, [q, status, role, password, sort, cursors])

  const choose = (values: Record<string, string>) => {
    setCursors([])
    refine(values)
  }
  /** Down and up go from the box through the results. */
  const move = (event: KeyboardEvent) => {
    if (!['ArrowDown', 'ArrowUp'].includes(event.key)) return
    const stops = [box.current, ...document.querySelectorAll<HTMLElement>('#found th a')].filter(
      (stop) => stop !== null,
    )
    const index = stops.indexOf(document.activeElement as HTMLElement)
    const next = stops[index + (event.key === 'ArrowDown' ? 1 : -1)]
    if (index < 0 || !next) return
    event.preventDefault()
    next.focus()
  }

  return (
    <Screen
      title="Find"
      actions={
        can('users:create') && (
          <button type="button" class="primary" onClick={() => setCreating(true)}>
            New person
          </button>
        )
      }
    >
      <div onKeyDown={move}>
        <form
          role="search"
          class="filters"
          onSubmit={(event) => {
            event.preventDefault()
            document.querySelector<HTMLElement>('#found th a')?.click()
          }}
        >
          <Field label="Name, email, username, matricule, number or id">
            {(id) => (
              <input
                id={id}
                ref={box}
                type="search"
                maxLength={maxSearch}
                autoComplete="off"
                spellcheck={false}
                value={text}
                onInput={(event) => setText(event.currentTarget.value)}
              />
            )}
          </Field>
          <Select
            label="State"
            value={status}
            options={[
              ['', 'Any'],
              ['active', 'Active'],
              ['inactive', 'Inactive'],
            ]}
            onChange={(value) => choose({ status: value })}
          />
          {can('roles:read') && (
            <Select
              label="Role"
              value={role}
              options={[['', 'Any'], ...(roles.value ?? []).map(({ name }) => [name, name] as const)]}
              onChange={(value) => choose({ role: value })}
            />
          )}
          <Select
            label="Password"
            value={password}
            options={[
              ['', 'Any'],
              ['set', 'Set'],
              ['pending', 'Pending'],
              ['none', 'None'],
              ['weak', 'Weak'],
            ]}
            onChange={(value) => choose({ password: value })}
          />
          <Select
            label="Order"
            value={sort}
            options={[
              ['-created_at', 'Newest first'],
              ['created_at', 'Oldest first'],
              ['name', 'Name'],
              ['email', 'Email'],
            ]}
            onChange={(value) => choose({ sort: value === '-created_at' ? '' : value })}
          />
        </form>
        <div id="found">
          <Load of={found}>
            {({ exact, data, pagination }) => (
              <>
                <p role="status" class="total">
                  {[
                    ...exact.map(({ by }) => `1 person with exactly this ${by}`),
                    ...(pagination.total > 0 || exact.length === 0
                      ? [counted(pagination.total, 'person', 'people')]
                      : []),
                  ].join(', ')}
                </p>
                {exact.map(({ user, by }) => (
                  <div class="exact" key={by}>
                    <People label={`With exactly this ${by}`} users={[user]} />
                  </div>
                ))}
                {data.length > 0 && <People label="People" users={data} />}
                {data.length === 0 && exact.length === 0 && (
                  <Empty>No person matches. Part of a name, an email or a username is enough.</Empty>
                )}
                <Pages next={pagination.next_cursor} previous={cursors} onMove={setCursors} />
              </>
            )}
          </Load>
        </div>
      </div>
      {isCreating && <NewPerson onClose={() => setCreating(false)} />}
    </Screen>
  )
}

function People({ label, users }: { label: string; users: readonly User[] }) {
  return (
    <Table
      label={label}
      columns={['Name', 'Email', 'Username', 'Matricule', 'Roles', 'State']}
      rows={users.map((user) => ({
        key: user.id,
        cells: [
          <a href={`/console/people/${user.id}`}>{user.name}</a>,
          <span class="wraps">{user.email}</span>,
          user.username === null ? <None /> : <span class="wraps">{user.username}</span>,
          user.matricule ?? <None />,
          user.roles.map(({ name }) => name).join(', '),
          <StatusBadge status={user.status} />,
        ],
      }))}
    />
  )
}

/** A person without a password, who gets a set-password link. */
function NewPerson({ onClose }: { onClose: () => void }) {
  const [email, setEmail] = useState('')
  const [name, setName] = useState('')
  return (
    <FormDialog
      title="New person"
      action="Create"
      onClose={onClose}
      save={async () => {
        const { body } = await usher.createUser({ body: { email, name, password: null } })
        go(`/console/people/${body.id}`)
      }}
    >
      <p>The person has no password at first. Give them a set-password link afterwards.</p>
      <Field label="Email">
        {(id) => (
          <input id={id} type="email" required value={email} onInput={(event) => setEmail(event.currentTarget.value)} />
        )}
      </Field>
      <Field label="Name">
        {(id) => <input id={id} required value={name} onInput={(event) => setName(event.currentTarget.value)} />}
      </Field>
    </FormDialog>
  )
}

/** The elements that screens share. All text goes through the renderer, which never reads it as HTML. */
import type { ComponentChildren } from 'preact'
import { createContext } from 'preact'
import { useContext, useEffect, useId, useRef, useState } from 'preact/hooks'
import type { Permission, User } from '../client/index.ts'
import { describeFailure, nameOf } from './directory.ts'
import type { Loaded } from './loading.ts'
import { useAction } from './loading.ts'

export interface Viewer {
  user: User
  permissions: ReadonlySet<Permission>
}

export const ViewerContext = createContext<Viewer | undefined>(undefined)

/** The signed-in user, and `can`, which says what the session allows. */
export function useViewer() {
  const viewer = useContext(ViewerContext) as Viewer
  return { ...viewer, can: (...needs: Permission[]) => needs.every((permission) => viewer.permissions.has(permission)) }
}

/** A screen: its heading, which has the focus after navigation, and its content. */
export function Screen({
  title,
  lead,
  actions,
  children,
}: {
  title: string
  lead?: ComponentChildren
  actions?: ComponentChildren
  children: ComponentChildren
}) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · Usher console`
  }, [title])
  useEffect(() => {
    // Not on the first page, where the browser begins at the top, and not where the screen has put the focus itself.
    if (document.activeElement === document.body || document.activeElement?.closest('nav')) heading.current?.focus()
  }, [])
  return (
    <>
      <header class="screen">
        <div>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {lead && <p class="lead">{lead}</p>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </>
  )
}

export function Section({
  title,
  note,
  actions,
  children,
}: {
  title: string
  note?: ComponentChildren
  actions?: ComponentChildren
  children: ComponentChildren
}) {
  const id = useId()
  return (
    <section aria-labelledby={id}>
      <header>
        <div>
          <h2 id={id}>{title}</h2>
          {note && <p class="quiet">{note}</p>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </section>
  )
}

/** Shows what was loaded, or that it is loading, or why it could not be. */
export function Load<Value>({ of, children }: { of: Loaded<Value>; children: (value: Value) => ComponentChildren }) {
  if (of.error !== undefined) return <Failure error={of.error} retry={of.reload} />
  if (of.value === undefined) {
    return (
      <p class="loading" role="status">
        Loading…
      </p>
    )
  }
  return <div aria-busy={of.isLoading}>{children(of.value)}</div>
}

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const { text, requestId } = describeFailure(error)
  return (
    <div class="failure" role="alert">
      <p>{text}</p>
      {requestId && (
        <p class="quiet">
          Request <code>{requestId}</code>
        </p>
      )}
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  )
}

export const Empty = ({ children }: { children: ComponentChildren }) => <p class="empty">{children}</p>

/** In place of a value that is not there. */
export const None = () => <span class="quiet none">none</span>

export const count = (number: number) => number.toLocaleString('en')

/** `1 person`, `2 people`. */
export const counted = (number: number, one: string, many = `${one}s`) =>
  `${count(number)} ${number === 1 ? one : many}`

/** A time in UTC, to the minute. */
export function Time({ at, none = 'never' }: { at: string | null | undefined; none?: string }) {
  if (!at) return <span class="quiet">{none}</span>
  return <time dateTime={at}>{at.slice(0, 16).replace('T', ' ')}</time>
}

export function Badge({
  kind,
  children,
}: {
  kind?: 'good' | 'warning' | 'bad' | 'quiet'
  children: ComponentChildren
}) {
  return <span class={`badge ${kind ?? ''}`}>{children}</span>
}

export const StatusBadge = ({ status }: { status: 'active' | 'inactive' }) => (
  <Badge kind={status === 'active' ? 'good' : 'quiet'}>{status}</Badge>
)

/** A table that becomes a list of cards on a narrow screen. */
export function Table({
  label,
  columns,
  rows,
}: {
  label: string
  columns: readonly string[]
  rows: readonly { key: string | number; cells: readonly ComponentChildren[] }[]
}) {
  return (
    <table class="cards" aria-label={label}>
      <thead>
        <tr>
          {columns.map((column) => (
            <th scope="col" key={column}>
              {column || <span class="hidden">Actions</span>}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, cells }) => (
          <tr key={key}>
            {cells.map((cell, index) =>
              index === 0 ? (
                <th scope="row" key={columns[index]}>
                  {cell}
                </th>
              ) : (
                <td key={columns[index]} data-label={columns[index]}>
                  <div>{cell}</div>
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Links to a person, by name where the caller may read it. */
export function Person({ id }: { id: string | null }) {
  const { can, user } = useViewer()
  const [name, setName] = useState<string>()
  useEffect(() => {
    let isShown = true
    if (id === user.id) setName(user.name)
    else if (id && can('users:read')) void nameOf(id).then((found) => isShown && setName(found))
    return () => {
      isShown = false
    }
  }, [id])
  if (!id) return <None />
  return (
    <a href={`/console/people/${id}`} class={name === undefined ? 'id' : ''}>
      {name ?? shortId(id)}
    </a>
  )
}

/** The end of an id, by which people recognise it. The whole one is the title. */
export const shortId = (id: string) => (id.length > 16 ? `${id.startsWith('usr_') ? 'usr_' : ''}…${id.slice(-8)}` : id)

export const Id = ({ id }: { id: string }) => (
  <code class="id" title={id}>
    {shortId(id)}
  </code>
)

export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [isCopied, setCopied] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(text)
    setCopied(true)
    setTimeout(() => setCopied(false), 2000)
  }
  return (
    <button type="button" aria-live="polite" onClick={() => void copy()}>
      {isCopied ? 'Copied' : label}
    </button>
  )
}

/** A value that is shown once, to copy. */
export function Secret({ label, value }: { label: string; value: string }) {
  const id = useId()
  return (
    <div class="secret">
      <label for={id}>{label}</label>
      <div>
        <input id={id} readOnly value={value} onFocus={(event) => event.currentTarget.select()} />
        <CopyButton text={value} />
      </div>
    </div>
  )
}

/** A modal dialog. Escape closes it, and the focus returns to the button that opened it. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string
  onClose: () => void
  children: ComponentChildren
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const opener = document.activeElement as HTMLElement | null
    dialog.current?.showModal()
    return () => {
      opener?.focus?.()
      // The action may have removed the button that opened the dialog.
      queueMicrotask(() => {
        if (document.activeElement === document.body) document.querySelector<HTMLElement>('h1')?.focus()
      })
    }
  }, [])
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  )
}

/** A form in a dialog. `save` may throw, which the dialog shows. */
export function FormDialog({
  title,
  action,
  isDanger = false,
  isReady = true,
  save,
  onClose,
  children,
}: {
  title: string
  action: string
  isDanger?: boolean
  isReady?: boolean
  save: () => Promise<unknown>
  onClose: () => void
  children: ComponentChildren
}) {
  const { run, error, isRunning } = useAction()
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (isReady) void run(save)
        }}
      >
        {children}
        {error !== undefined && <Failure error={error} />}
        <div class="actions">
          <button type="submit" class={isDanger ? 'danger' : 'primary'} disabled={!isReady}>
            {isRunning ? 'One moment…' : action}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  )
}

export function Field({
  label,
  hint,
  children,
}: {
  label: string
  hint?: ComponentChildren
  children: (id: string) => ComponentChildren
}) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id)}
      {hint && <p class="quiet">{hint}</p>}
    </div>
  )
}

export function Select<Value extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string
  value: Value
  options: readonly (readonly [value: Value, text: string])[]
  onChange: (value: Value) => void
}) {
  return (
    <Field label={label}>
      {(id) => (
        <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value as Value)}>
          {options.map(([option, text]) => (
            <option key={option} value={option}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

/** The permissions to choose from: those that the caller holds, and those that are chosen. */
export function PermissionBoxes({
  chosen,
  onChange,
}: {
  chosen: readonly Permission[]
  onChange: (permissions: Permission[]) => void
}) {
  const { permissions } = useViewer()
  const all = [...new Set([...permissions, ...chosen])]
  return (
    <fieldset>
      <legend>Permissions</legend>
      <div class="boxes">
        {all.map((permission) => (
          <label key={permission}>
            <input
              type="checkbox"
              checked={chosen.includes(permission)}
              disabled={!permissions.has(permission)}
              onChange={(event) =>
                onChange(
                  event.currentTarget.checked
                    ? all.filter((one) => one === permission || chosen.includes(one))
                    : chosen.filter((one) => one !== permission),
                )
              }
            />
            <code>{permission}</code>
          </label>
        ))}
      </div>
    </fieldset>
  )
}

export const Permissions = ({ of }: { of: readonly Permission[] }) =>
  of.length === 0 ? (
    <span class="quiet">none</span>
  ) : (
    <ul class="tags">
      {of.map((permission) => (
        <li key={permission}>
          <code>{permission}</code>
        </li>
      ))}
    </ul>
  )

/** Goes through the pages of a list by cursor. `previous` holds the cursors of the earlier pages. */
export function Pages({
  next,
  previous,
  onMove,
}: {
  next: string | null
  previous: readonly string[]
  onMove: (cursors: string[]) => void
}) {
  if (next === null && previous.length === 0) return null
  return (
    <nav class="pages" aria-label="Pages">
      <PageButton text="Previous page" cursors={previous.length > 0 && previous.slice(0, -1)} onMove={onMove} />
      <span>Page {count(previous.length + 1)}</span>
      <PageButton text="Next page" cursors={next !== null && [...previous, next]} onMove={onMove} />
    </nav>
  )
}

/** A button without a page stays in the order of focus: a disabled one would lose the focus on the last page. */
function PageButton({
  text,
  cursors,
  onMove,
}: {
  text: string
  cursors: string[] | false
  onMove: (cursors: string[]) => void
}) {
  return (
    <button
      type="button"
      aria-disabled={!cursors}
      onClick={(event) => {
        if (!cursors) return
        onMove(cursors)
        event.currentTarget.closest('[aria-busy]')?.scrollIntoView()
      }}
    >
      {text}
    </button>
  )
}

/** Offers a file that the page has made. */
export function download(parts: BlobPart[], name: string, type: string): void {
  const url = URL.createObjectURL(new Blob(parts, { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

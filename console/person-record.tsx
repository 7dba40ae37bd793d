/** The record of a person: shown, and edited in place. A lost race shows both versions. */
import { useState } from 'preact/hooks'
import type { User, UserUpdate } from '../client/index.ts'
import { isProblem, usher } from './directory.ts'
import { Failure, Field, None, Section, Time } from './elements.tsx'
import { useAction } from './loading.ts'

type Key = Exclude<keyof UserUpdate, 'password' | 'keep_api_keys' | 'role'>

interface Editable {
  key: Key
  label: string
  type?: 'email' | 'date' | 'number' | 'checkbox' | 'tel'
  options?: readonly string[]
  isRequired?: boolean
  /** Never null: an empty value stays empty. */
  isText?: boolean
  /** Needs the width of two columns on a narrow screen. */
  isLong?: boolean
}

const fields: readonly Editable[] = [
  { key: 'name', label: 'Name', isRequired: true, isText: true, isLong: true },
  { key: 'email', label: 'Email', type: 'email', isRequired: true, isText: true, isLong: true },
  { key: 'username', label: 'Username' },
  { key: 'matricule', label: 'Matricule', type: 'number' },
  { key: 'first_name', label: 'First name', isText: true },
  { key: 'last_name', label: 'Last name', isText: true },
  { key: 'birth_date', label: 'Birth date', type: 'date' },
  { key: 'gender', label: 'Gender', options: ['male', 'female', 'unknown'] },
  { key: 'phone', label: 'Phone', type: 'tel' },
  { key: 'mobile', label: 'Mobile', type: 'tel' },
  { key: 'certified_email', label: 'Certified email', type: 'email', isLong: true },
  { key: 'user_type', label: 'User type', options: ['administrative', 'technician', 'clinician', 'student'] },
  { key: 'country_id', label: 'Country id', type: 'number' },
  { key: 'is_staff', label: 'Staff', type: 'checkbox' },
]

/** What one may change of oneself without a permission. */
const own: readonly Key[] = ['name', 'first_name', 'last_name', 'birth_date', 'gender', 'phone', 'mobile']

export interface Versioned {
  user: User
  etag: string
}

type Draft = Record<string, string | boolean>

const draftOf = (user: User): Draft =>
  Object.fromEntries(fields.map(({ key }) => [key, key === 'is_staff' ? user.is_staff : String(user[key] ?? '')]))

const wireValue = ({ type, isText }: Editable, value: string | boolean) => {
  if (typeof value === 'boolean' || isText) return value
  if (value === '') return null
  return type === 'number' ? Number(value) : value
}

/** Only the fields that differ from the record that the person saw. */
function changesOf(draft: Draft, user: User): UserUpdate {
  const before = draftOf(user)
  return Object.fromEntries(
    fields
      .filter(({ key }) => draft[key] !== before[key])
      .map((field) => [field.key, wireValue(field, draft[field.key] as string | boolean)]),
  )
}

export function Record({
  person,
  mayEdit,
  onChanged,
}: {
  person: Versioned
  mayEdit: 'all' | 'own' | 'nothing'
  onChanged: (person: Versioned) => void
}) {
  const { user } = person
  const [draft, setDraft] = useState<Draft>()
  const [theirs, setTheirs] = useState<Versioned>()
  const { run, error } = useAction()

  const end = () => {
    setDraft(undefined)
    setTheirs(undefined)
  }
  const save = (base: Versioned, changed: Draft) =>
    run(async () => {
      try {
        const body = changesOf(changed, person.user)
        const answer = await usher.patchUser({ id: user.id, ifMatch: base.etag, body })
        onChanged({ user: answer.body, etag: answer.etag })
        end()
      } catch (failure) {
        if (!isProblem(failure, 412)) throw failure
        const answer = await usher.getUser({ id: user.id })
        setTheirs({ user: answer.body, etag: answer.etag })
      }
    })

  if (theirs && draft) {
    return (
      <LostRace
        mine={draft}
        seen={person}
        theirs={theirs}
        error={error}
        onKeepMine={() => void save(theirs, draft)}
        onTakeTheirs={() => {
          onChanged(theirs)
          end()
        }}
      />
    )
  }
  if (draft) {
    return (
      <Section title="Record">
        <form
          class="record"
          onSubmit={(event) => {
            event.preventDefault()
            void save(person, draft)
          }}
        >
          <div class="grid">
            {fields
              .filter(({ key }) => mayEdit === 'all' || own.includes(key))
              .map((field, index) => (
                <Editor
                  key={field.key}
                  field={field}
                  isFirst={index === 0}
                  value={draft[field.key] as string | boolean}
                  onChange={(value) => setDraft({ ...draft, [field.key]: value })}
                />
              ))}
          </div>
          {error !== undefined && <Failure error={error} />}
          <div class="actions">
            <button type="submit" class="primary">
              Save
            </button>
            <button type="button" onClick={end}>
              Cancel
            </button>
          </div>
        </form>
      </Section>
    )
  }
  return (
    <Section
      title="Record"
      actions={
        mayEdit !== 'nothing' && (
          <button type="button" onClick={() => setDraft(draftOf(user))}>
            Edit
          </button>
        )
      }
    >
      <dl class="grid">
        {fields.map(({ key, label, isLong }) => (
          <div key={key} class={isLong ? 'long' : ''}>
            <dt>{label}</dt>
            <dd>
              <Shown value={user[key]} />
            </dd>
          </div>
        ))}
        <div>
          <dt>Created (UTC)</dt>
          <dd>
            <Time at={user.created_at} />
          </dd>
        </div>
        <div>
          <dt>Changed (UTC)</dt>
          <dd>
            <Time at={user.updated_at} />
          </dd>
        </div>
        <div class="wide">
          <dt>Id</dt>
          <dd>
            <code class="wraps">{user.id}</code>
          </dd>
        </div>
      </dl>
    </Section>
  )
}

function Shown({ value }: { value: unknown }) {
  if (value === null || value === '' || value === undefined) return <None />
  return <span class="wraps">{value === true ? 'yes' : value === false ? 'no' : String(value)}</span>
}

function Editor({
  field: { key, label, type, options, isRequired },
  isFirst,
  value,
  onChange,
}: {
  field: Editable
  isFirst: boolean
  value: string | boolean
  onChange: (value: string | boolean) => void
}) {
  if (type === 'checkbox') {
    return (
      <label class="check">
        <input type="checkbox" checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />
        {label}
      </label>
    )
  }
  return (
    <Field label={label}>
      {(id) =>
        options ? (
          <select id={id} value={String(value)} onChange={(event) => onChange(event.currentTarget.value)}>
            <option value="">none</option>
            {options.map((option) => (
              <option key={option} value={option}>
                {option}
              </option>
            ))}
          </select>
        ) : (
          <input
            id={id}
            name={key}
            // The types of the elements know no union of types.
            type={(type ?? 'text') as 'text'}
            required={isRequired}
            autoComplete="off"
            autoFocus={isFirst}
            value={String(value)}
            onInput={(event) => onChange(event.currentTarget.value)}
          />
        )
      }
    </Field>
  )
}

/** Both versions, where somebody else has changed the person in the meantime. */
function LostRace({
  mine,
  seen,
  theirs,
  error,
  onKeepMine,
  onTakeTheirs,
}: {
  mine: Draft
  seen: Versioned
  theirs: Versioned
  error: unknown
  onKeepMine: () => void
  onTakeTheirs: () => void
}) {
  const [before, now] = [draftOf(seen.user), draftOf(theirs.user)]
  const differing = fields.filter(({ key }) => mine[key] !== now[key] || before[key] !== now[key])
  const isMine = (key: Key) => mine[key] !== before[key]
  return (
    <Section title="Somebody else has changed this person">
      <p role="alert">The record changed after you opened it. Nothing of yours is saved yet.</p>
      <table class="cards" aria-label="Both versions">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">As it is now</th>
            <th scope="col">As you want it</th>
          </tr>
        </thead>
        <tbody>
          {differing.map(({ key, label }) => (
            <tr key={key}>
              <th scope="row">{label}</th>
              <td data-label="As it is now">
                <div>
                  <Shown value={now[key]} />
                </div>
              </td>
              <td data-label="As you want it">
                <div>{isMine(key) ? <Shown value={mine[key]} /> : <span class="quiet">not changed by you</span>}</div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {error !== undefined && <Failure error={error} />}
      <div class="actions">
        <button type="button" class="primary" onClick={onKeepMine}>
          Save my changes on top
        </button>
        <button type="button" onClick={onTakeTheirs}>
          Discard my changes
        </button>
      </div>
    </Section>
  )
}

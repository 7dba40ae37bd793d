/** The person as each contract shows them: its own answer, with the fields that it renames and those that it does not show. */
import { useRef, useState } from 'preact/hooks'
import type { User } from '../client/index.ts'
import { contracts, fieldNames } from './compatibility.ts'
import { showIn, type Contract, type Fields } from './directory.ts'
import { Badge, Empty, Load, Section } from './elements.tsx'
import { useLoaded } from './loading.ts'

export function AsContractsShow({ user, etag }: { user: User; etag: string }) {
  const [chosen, setChosen] = useState<Contract>(contracts[0] as Contract)
  const list = useRef<HTMLDivElement>(null)
  const choose = (contract: Contract | undefined) => {
    if (!contract) return
    setChosen(contract)
    list.current?.querySelector<HTMLElement>(`#tab-${contract}`)?.focus()
  }
  const move = (event: KeyboardEvent) => {
    const index = contracts.indexOf(chosen)
    const steps: Record<string, number> = {
      ArrowRight: index + 1,
      ArrowLeft: index - 1,
      Home: 0,
      End: contracts.length - 1,
    }
    const target = steps[event.key]
    if (target === undefined) return
    event.preventDefault()
    choose(contracts.at(target % contracts.length))
  }
  return (
    <Section
      title="As each contract shows them"
      note="One record, as the clients of each contract read it at this moment."
    >
      <div class="tabs" role="tablist" aria-label="Contracts" ref={list} onKeyDown={move}>
        {contracts.map((contract) => (
          <button
            key={contract}
            type="button"
            role="tab"
            id={`tab-${contract}`}
            aria-selected={contract === chosen}
            aria-controls="contract"
            tabIndex={contract === chosen ? 0 : -1}
            onClick={() => setChosen(contract)}
          >
            {contract}
          </button>
        ))}
      </div>
      <div id="contract" role="tabpanel" aria-labelledby={`tab-${chosen}`} tabIndex={0}>
        <InContract key={chosen} contract={chosen} user={user} etag={etag} />
      </div>
    </Section>
  )
}

function InContract({ contract, user, etag }: { contract: Contract; user: User; etag: string }) {
  const shown = useLoaded(() => showIn(contract, user), [contract, user.id, etag])
  return (
    <Load of={shown}>
      {(answer) =>
        'why' in answer ? (
          <Empty>
            {answer.why} <code class="wraps">GET {answer.path}</code>
          </Empty>
        ) : (
          <>
            <p class="quiet">
              <code class="wraps">GET {answer.path}</code>
            </p>
            <Answer contract={contract} fields={answer.fields} />
          </>
        )
      }
    </Load>
  )
}

/** SCIM nests its fields. `name.givenName` is one row. */
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function flat(fields: Fields, within = ''): [path: string, name: string, value: unknown][] {
  return Object.entries(fields).flatMap(([name, value]) =>
    isObject(value) && !('key' in value && 'value' in value)
      ? flat(value, `${within}${name}.`)
      : [[within + name, name, value] as [string, string, unknown]],
  )
}

function Answer({ contract, fields }: { contract: Contract; fields: Fields }) {
  const rows = flat(fields).map(([path, name, value]) => {
    const known = fieldNames.filter(({ names }) => names[contract].includes(name))
    const house = known.flatMap(({ names }) => names.v1[0] ?? [])
    return { path, value, isKnown: known.length > 0, house, isRenamed: !house.includes(name) }
  })
  const lost = fieldNames.filter(({ names }) => names[contract].length === 0 && names.v1.length > 0)
  return (
    <>
      <table class="cards fields" aria-label={`The record in ${contract}`}>
        <thead>
          <tr>
            <th scope="col">Field in {contract}</th>
            <th scope="col">Value</th>
            {contract !== 'v1' && <th scope="col">In v1</th>}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ path, value, isKnown, house, isRenamed }) => (
            <tr key={path}>
              <th scope="row">
                <code class="wraps">{path}</code>
              </th>
              <td data-label="Value">
                <div>
                  <Value of={value} />
                </div>
              </td>
              {contract !== 'v1' && (
                <td data-label="In v1">
                  <div>
                    {!isKnown ? (
                      <span class="quiet">of this contract</span>
                    ) : house.length === 0 ? (
                      <Badge kind="quiet">not in v1</Badge>
                    ) : isRenamed ? (
                      <>
                        <Badge>renamed</Badge> <code>{house.join(', ')}</code>
                      </>
                    ) : (
                      <span class="quiet">same name</span>
                    )}
                  </div>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {lost.length > 0 && (
        <p class="lost">
          <Badge kind="bad">not shown</Badge> {contract} does not show {lost.length}{' '}
          {lost.length === 1 ? 'field' : 'fields'}, and a change through it keeps them:{' '}
          {lost.map(({ field, names }, index) => (
            <span key={field}>
              {index > 0 && ', '}
              <code>{names.v1[0]}</code>
            </span>
          ))}
          .
        </p>
      )}
    </>
  )
}

function Value({ of: value }: { of: unknown }) {
  if (value === null || value === undefined) return <span class="quiet">null</span>
  if (typeof value === 'string')
    return value === '' ? <span class="quiet">empty</span> : <span class="wraps">{value}</span>
  const items = Array.isArray(value) ? value : [value]
  return (
    <>
      {items.map((item, index) => (
        <p key={index}>
          <code class="wraps">{JSON.stringify(item)}</code>
        </p>
      ))}
    </>
  )
}

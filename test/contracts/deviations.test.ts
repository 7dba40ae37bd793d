/// <reference types="vite/client" />
/** Compares the deviations of each contract with the table "Where this differs on purpose" of its README. */
import { describe, expect, it } from 'vitest'
import { operationsOf } from '../support/conformance'
import { deviationsOf } from '../support/recordings'
import { openApi } from '../support/usher'

const readmes = import.meta.glob<string>('../../src/contracts/*/README.md', {
  query: '?raw',
  import: 'default',
  eager: true,
})

/** The id, the point and the reason of each row. */
function rowsOf(readme: string): string[][] {
  const section = readme.split('## Where this differs on purpose\n')[1]?.split('\n## ')[0] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| `'))
  return rows
    .map((line) => line.slice(2, -2).split(' | '))
    .map(([id = '', point = '', , , why = '']) => [id, point, why])
}

describe.each([...deviationsOf.keys()].map((name) => [name]))('the deviations of %s', (contract) => {
  const deviations = deviationsOf.get(contract) ?? []

  it('are the rows of the table in its README', () => {
    const rows = rowsOf(readmes[`../../src/contracts/${contract}/README.md`] as string)
    expect(rows.length).toBeGreaterThan(2)
    expect(rows).toEqual(deviations.map(({ id, title, reason }) => [`\`${id}\``, title, reason]))
  })

  it('have ids in kebab-case, each once', () => {
    const ids = deviations.map(({ id }) => id)
    expect(ids.filter((id) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id))).toEqual([])
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('name operations of the contract', async () => {
    const known = operationsOf(await openApi()).map(({ operationId }) => operationId)
    const named = deviations.flatMap(({ operations = [] }) => operations)
    expect(named.filter((operation) => !known.includes(operation) || !operation.startsWith(contract))).toEqual([])
  })
})

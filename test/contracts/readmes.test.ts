/// <reference types="vite/client" />
/**
 * Each contract has a README and a STATEMENTS.md that names only existing tests. The contract's own suites check their
 * rows.
 */
import { describe, expect, it } from 'vitest'
import { contracts } from '../../src/contracts'
import { baseName, namedIn } from '../support/statements'

const suites = Object.entries(
  import.meta.glob<string>('../**/*.test.ts', { query: '?raw', import: 'default', eager: true }),
).map(([path, text]) => [new URL(path, 'file:///test/contracts/').pathname.slice(1), text] as const)
const readmes = import.meta.glob<string>('../../src/contracts/*/README.md', {
  query: '?raw',
  import: 'default',
  eager: true,
})
const statements = import.meta.glob<string>('./*/STATEMENTS.md', { query: '?raw', import: 'default', eager: true })

describe.each(contracts.map(({ name }) => name))('%s', (contract) => {
  it('has a README that links to its statements', () => {
    expect(readmes[`../../src/contracts/${contract}/README.md`], `add src/contracts/${contract}/README.md`).toContain(
      `(../../../test/contracts/${contract}/STATEMENTS.md)`,
    )
  })

  it('names tests of its own suites by their file, and of others by their path', () => {
    const table = statements[`./${contract}/STATEMENTS.md`]
    expect(table, `add test/contracts/${contract}/STATEMENTS.md`).toBeDefined()
    const own = suites.filter(([path]) => path.startsWith(`test/contracts/${contract}/`)).map(([path]) => path)
    const named = namedIn(table ?? '')
    const missing = named.filter((name) => {
      const [suite = '', ...parts] = name.split(' > ')
      const text = suites.find(([path]) => path === suite)?.[1]
      return !own.map(baseName).includes(suite) && !parts.every((part) => text?.includes(`'${part}'`))
    })
    expect([own.length > 0, named.length > 20, missing]).toEqual([true, true, []])
  })

  it('has a statement for each of its suites', () => {
    const named = namedIn(statements[`./${contract}/STATEMENTS.md`] ?? '').map((name) => name.split(' > ')[0])
    const own = suites
      .filter(([path]) => path.startsWith(`test/contracts/${contract}/`))
      .map(([path]) => baseName(path))
    expect(own.filter((suite) => !named.includes(suite))).toEqual([])
  })
})

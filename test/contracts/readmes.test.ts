/// <reference types="vite/client" />
/** The README of each contract names no test that is not there: each suite of the contract holds it to its own, this one to the rest. */
import { describe, expect, it } from 'vitest'
import { baseName, namedIn } from '../support/readme'

const suites = Object.entries(
  import.meta.glob<string>('../**/*.test.ts', { query: '?raw', import: 'default', eager: true }),
).map(([path, text]) => [new URL(path, 'file:///test/contracts/').pathname.slice(1), text] as const)

const readmes = import.meta.glob<string>('../../src/contracts/*/README.md', {
  query: '?raw',
  import: 'default',
  eager: true,
})

describe.each(Object.entries(readmes))('%s', (path, readme) => {
  it('names tests of its own suites by their file, and of others by their path', () => {
    const contract = path.split('/').at(-2) as string
    const own = suites
      .filter(([path]) => new RegExp(`^test/contracts/${contract}[./]`).test(path))
      .map(([path]) => path)
    const named = namedIn(readme)
    const missing = named.filter((name) => {
      const [suite = '', ...parts] = name.split(' > ')
      const text = suites.find(([path]) => path === suite)?.[1]
      return !own.map(baseName).includes(suite) && !parts.every((part) => text?.includes(`'${part}'`))
    })
    expect([own.length > 0, named.length > 20, missing]).toEqual([true, true, []])
  })
})

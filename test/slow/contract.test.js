/** What `npm run contract -- new NAME` writes is formatted, and compiles. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { copyOfProject } from '../support/project-copy'

const { copy, inCopy } = copyOfProject()
const lists = ['src/contracts/index.ts', 'test/contracts/index.ts']

it('a new contract is formatted and compiles', () => {
  const { status, said } = inCopy('scripts/contract.js', 'new', 'telephony')
  expect([status, said]).toEqual([0, expect.anything()])
  const written = said.split('\n').filter((line) => /^(src|test)\//.test(line))
  expect(written.length).toBeGreaterThan(lists.length)
  const prettier = inCopy(
    'node_modules/prettier/bin/prettier.cjs',
    '--no-config',
    '--no-semi',
    '--single-quote',
    '--print-width=120',
    '--check',
    ...written,
  )
  expect([prettier.status, prettier.said]).toEqual([0, expect.anything()])
  // Only what the new contract is part of: the compiler takes seconds for the other tests.
  const settings = JSON.parse(readFileSync(join(copy, 'tsconfig.json'), 'utf8'))
  settings.include = [...lists, 'src/contracts/telephony', 'test/contracts/telephony']
  writeFileSync(join(copy, 'tsconfig.json'), JSON.stringify(settings))
  const compiled = inCopy('node_modules/typescript/bin/tsc', '--noEmit')
  expect([compiled.status, compiled.said]).toEqual([0, ''])
})

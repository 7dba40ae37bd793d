/** `npm run contract -- new NAME`. test/slow/contract.test.js compiles what it writes. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { copyOfProject } from '../support/project-copy'

const { copy, inCopy } = copyOfProject()
const contract = (...args) => inCopy('scripts/contract.js', ...args)
const lists = ['src/contracts/index.ts', 'test/contracts/index.ts']
const textOf = (path) => readFileSync(join(copy, path), 'utf8')

describe('a bad request', () => {
  it.each([
    ['a name with a capital', ['new', 'Telephony'], '"Telephony" is not a name'],
    ['a name with a hyphen', ['new', 'tele-phony'], 'is not a name'],
    ['a path', ['new', '../telephony'], 'is not a name'],
    ['an empty name', ['new', ''], 'is not a name'],
    ['a path of the Worker', ['new', 'docs'], 'The name docs is reserved'],
    ['a word of the language', ['new', 'class'], 'The name class is reserved'],
    ['the name of a contract', ['new', 'clinic'], 'The name clinic is taken'],
    ['no name', ['new'], 'Usage: npm run contract -- new NAME'],
    ['two names', ['new', 'one', 'two'], 'Usage: npm run contract -- new NAME'],
    ['another command', ['delete', 'clinic'], 'Usage: npm run contract -- new NAME'],
  ])('is refused in one sentence and writes nothing: %s', (_, args, sentence) => {
    const before = lists.map(textOf)
    const { status, said } = contract(...args)
    expect([status, said.trim()]).toEqual([2, expect.stringContaining(sentence)])
    expect(said.trim().split('\n')).toHaveLength(1)
    expect(lists.map(textOf)).toEqual(before)
    const name = args[1] ?? 'none'
    if (/^[a-z]+$/.test(name) && name !== 'clinic') expect(existsSync(join(copy, 'src/contracts', name))).toBe(false)
  })
})

describe('a new contract', () => {
  it('is written and listed', () => {
    const { status, said } = contract('new', 'telephony')
    expect([status, said]).toEqual([0, expect.stringContaining('npm test -- contracts/telephony')])
    const written = said.split('\n').filter((line) => /^(src|test)\//.test(line))
    expect(written).toEqual([
      ...['README.md', 'routes.ts', 'schemas.ts', 'mapping.ts', 'errors.ts'].map(
        (file) => `src/contracts/telephony/${file}`,
      ),
      ...['description.ts', 'users.test.ts', 'STATEMENTS.md'].map((file) => `test/contracts/telephony/${file}`),
      ...lists,
    ])
    for (const path of lists) expect(textOf(path)).toMatch(/\btelephony,?\s*[\]}]/)
  })

  it('does not overwrite the contract that it wrote before', () => {
    expect(contract('new', 'telephony')).toEqual({
      status: 2,
      said: expect.stringContaining('The name telephony is taken'),
    })
  })
})

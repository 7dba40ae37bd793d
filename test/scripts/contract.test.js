/** `npm run contract -- new NAME`, in a copy of the files that it reads. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../support/scripts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const copy = join(temporaryFolder(), 'usher')

/** The copy has all that the compiler reads. */
beforeAll(() => {
  mkdirSync(copy)
  for (const name of ['src', 'test', 'client', 'examples', 'docs', 'scripts', 'migrations'])
    cpSync(join(root, name), join(copy, name), { recursive: true })
  for (const name of ['package.json', 'tsconfig.json', 'vitest.config.ts', 'README.md'])
    cpSync(join(root, name), join(copy, name))
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
})

const inCopy = (...command) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: copy, encoding: 'utf8' })
  return { status, said: `${stdout}${stderr}` }
}
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
  it('is written, listed and formatted, and compiles', () => {
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
    const settings = JSON.parse(textOf('tsconfig.json'))
    settings.include = [...lists, 'src/contracts/telephony', 'test/contracts/telephony']
    writeFileSync(join(copy, 'tsconfig.json'), JSON.stringify(settings))
    const compiled = inCopy('node_modules/typescript/bin/tsc', '--noEmit')
    expect([compiled.status, compiled.said]).toEqual([0, ''])
  })

  it('does not overwrite the contract that it wrote before', () => {
    expect(contract('new', 'telephony')).toEqual({
      status: 2,
      said: expect.stringContaining('The name telephony is taken'),
    })
  })
})

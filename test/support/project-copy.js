/** A copy of the project, for scripts that write files. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll } from 'vitest'
import { temporaryFolder } from './scripts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * A copy of everything that the compiler reads, made before the tests of the file. `inCopy` runs a command of Node.js
 * in it.
 */
export function copyOfProject() {
  const copy = join(temporaryFolder(), 'usher')
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
  return { copy, inCopy }
}

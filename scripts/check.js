/**
 * `npm run check`: format, types and tests, in this order. Stops at the first failure, and names it in the last line.
 */
import { spawnSync } from 'node:child_process'
import { install } from './install.js'

const steps = [
  ['format', 'prettier', '--check', '.', '--log-level', 'warn'],
  ['types', 'tsc', '--noEmit'],
  ['types of the client', 'tsc', '--noEmit', '--project', 'client'],
  ['types of the console', 'tsc', '--noEmit', '--project', 'console'],
  ['tests', 'vitest', 'run', ...process.argv.slice(2)],
]
const cures = { format: 'run `npx prettier --write .`' }

install()
for (const [name, ...command] of steps) {
  const { status } = spawnSync('npx', ['--no-install', ...command], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) {
    console.error(`check: ${name} failed${cures[name] ? `; ${cures[name]}` : ''}`)
    process.exit(1)
  }
}
console.log('check: format, types and tests passed')

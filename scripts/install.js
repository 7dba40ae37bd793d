/**
 * Installs what is missing, here or in the folder named: run first by `npm start`, `npm test` and `npm run bench`, perhaps by a Node of
 * the machine's own and without node_modules.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

export function install(folder = '.') {
  const place = `${root}${folder}/`
  const stamp = `${place}node_modules/.installed-lock`
  const lock = createHash('sha256')
    .update(readFileSync(`${place}package-lock.json`))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  console.log('Installing what is missing…')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: place,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) process.exit(status ?? 1)
  writeFileSync(stamp, lock)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) install(process.argv[2])

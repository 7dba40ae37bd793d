/**
 * Installs missing packages, in this folder or the one given. `npm start`, `npm test` and `npm run bench` run it first,
 * on any Node and without node_modules.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

export function install(folder = '.') {
  const place = `${root}${folder}/`
  if (isInstalled(place)) return
  console.log('Installing missing packages…')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: place,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) process.exit(status ?? 1)
}

/** Whether every package of the lock file is installed, by the record that npm writes at the end of an installation. */
export function isInstalled(place) {
  const record = `${place}node_modules/.package-lock.json`
  if (!existsSync(record)) return false
  const installed = packagesIn(record)
  return Object.entries(packagesIn(`${place}package-lock.json`)).every(([path, { version, integrity, optional }]) => {
    const found = installed[path]
    // An optional package may be for another platform.
    if (!found) return path === '' || optional === true
    return found.version === version && found.integrity === integrity
  })
}

const packagesIn = (path) => JSON.parse(readFileSync(path, 'utf8')).packages

if (process.argv[1] === fileURLToPath(import.meta.url)) install(process.argv[2])

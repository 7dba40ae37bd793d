/**
 * When `npm start` and `npm test` consider an installation complete, so that they install nothing again after `npm ci`.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { isInstalled } from '../../scripts/install.js'

let place
beforeEach(() => {
  place = `${mkdtempSync(join(tmpdir(), 'usher-install-'))}/`
  return () => rmSync(place, { recursive: true })
})

const locked = {
  '': { name: 'usher', version: '0.0.0' },
  'node_modules/hono': { version: '4.13.19', integrity: 'sha512-one' },
  'node_modules/workerd': { version: '1.0.0', integrity: 'sha512-two', dev: true },
  'node_modules/workerd-windows': { version: '1.0.0', integrity: 'sha512-three', dev: true, optional: true },
}
const { 'node_modules/workerd-windows': _, '': __, ...installed } = locked

/** The lock file, and the record that npm writes once an installation is complete. */
function lockAndRecord(lock, record) {
  writeFileSync(join(place, 'package-lock.json'), JSON.stringify({ packages: lock }))
  mkdirSync(join(place, 'node_modules'))
  if (record) writeFileSync(join(place, 'node_modules/.package-lock.json'), JSON.stringify({ packages: record }))
}

describe('an installation', () => {
  it('of every package of the lock file is complete, without those for other platforms', () => {
    lockAndRecord(locked, installed)
    expect(isInstalled(place)).toBe(true)
  })

  it.each([
    ['was never begun', undefined],
    ['lacks a package', { 'node_modules/hono': installed['node_modules/hono'] }],
    ['has another version', { ...installed, 'node_modules/hono': { version: '4.13.18', integrity: 'sha512-one' } }],
    ['has other content', { ...installed, 'node_modules/hono': { version: '4.13.19', integrity: 'sha512-other' } }],
  ])('that %s is incomplete', (_what, record) => {
    lockAndRecord(locked, record)
    expect(isInstalled(place)).toBe(false)
  })

  it('is incomplete without node_modules', () => {
    writeFileSync(join(place, 'package-lock.json'), JSON.stringify({ packages: locked }))
    expect(isInstalled(place)).toBe(false)
  })
})

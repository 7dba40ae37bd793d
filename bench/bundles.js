/** Builds every product as it would be deployed: with `wrangler deploy --dry-run`, minified, measured as uploaded. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const root = fileURLToPath(new URL('..', import.meta.url))

const product = (name) => [`bench/workers/${name}.js`, '--config', 'bench/workers/wrangler.toml']

const entries = {
  usher: [],
  'better-auth': [...product('better-auth'), '--compatibility-flags', 'nodejs_compat'],
  crud: product('crud'),
  empty: product('empty'),
}

/** Returns the source and size of each product's bundle. */
export function bundles(folder) {
  return Object.fromEntries(Object.keys(entries).map((name) => [name, bundle(name, folder)]))
}

export function bundle(name, folder) {
  const output = join(folder, name)
  mkdirSync(output, { recursive: true })
  const command = [`${root}node_modules/wrangler/bin/wrangler.js`, 'deploy', ...entries[name], '--dry-run', '--minify']
  const { status, stderr } = spawnSync(process.execPath, [...command, '--outdir', output], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, CI: 'true', WRANGLER_SEND_METRICS: 'false', NODE_ENV: 'production' },
  })
  if (status !== 0) throw new Error(`${name} does not build: ${stderr}`)
  const scripts = readdirSync(output).filter((file) => file.endsWith('.js'))
  if (scripts.length !== 1) throw new Error(`${name} is not one script: ${scripts.join(', ')}`)
  const source = readFileSync(join(output, scripts[0]), 'utf8')
  return { source, bytes: Buffer.byteLength(source), gzipBytes: gzipSync(source).length }
}

export const workerSource = (name) => readFileSync(new URL(`workers/${name}.js`, import.meta.url), 'utf8')

/// <reference types="vite/client" />
/**
 * wrangler.toml: settings that must be the same in every environment, because environments do not inherit all of them.
 */
import { describe, expect, it } from 'vitest'
import deploy from '../docs/deploy.md?raw'
import source from '../wrangler.toml?raw'

/** The tables of the file, each with its keys and the text of their values. */
const tables = new Map<string, Map<string, string>>([['', new Map()]])
let table = tables.get('') as Map<string, string>
for (const line of source.split('\n')) {
  const [, name] = /^\[([^[\]]+)\]$/.exec(line) ?? []
  if (name !== undefined) tables.set(name, (table = new Map()))
  const [, key, value] = /^(\w+) = (.+)$/.exec(line) ?? []
  if (key !== undefined) table.set(key, String(value))
}

const environments = [...tables.keys()].flatMap((name) => /^env\.(\w+)$/.exec(name)?.[1] ?? [])

describe('wrangler.toml', () => {
  it('has the environments that docs/deploy.md describes', () => {
    expect(environments).toEqual(['staging', 'production'])
    for (const name of environments) expect(deploy).toContain(`\`${name}\``)
  })

  it.each(['', ...environments.map((name) => `env.${name}.`)])(
    'keeps URLs and their search terms out of logs and traces: [%sobservability]',
    (prefix) => {
      expect(tables.get(`${prefix}observability`)?.get('enabled')).toBe('true')
      expect(tables.get(`${prefix}observability.logs`)?.get('invocation_logs')).toBe('false')
      expect(tables.get(`${prefix}observability.traces`)?.get('enabled')).toBe('false')
    },
  )

  it.each(environments)('serves no version of %s on workers.dev or a preview URL', (name) => {
    expect(tables.get(`env.${name}`)?.get('workers_dev')).toBe('false')
    expect(tables.get(`env.${name}`)?.get('preview_urls')).toBe('false')
  })
})

/// <reference types="vite/types/importMeta.d.ts" />
/**
 * The architecture: which files may import which, how things are named, and that the document comes from the routes.
 */
import { Validator, type Schema } from '@cfworker/json-schema'
import texts from 'virtual:sources'
import { describe, expect, it } from 'vitest'
import { contracts } from '../src/contracts'
import { z as subset } from '../src/http/contract/zod-subset'
import { operationsOf, type OpenApi } from './support/conformance'
import { call, openApi } from './support/usher'

/** The paths and texts of the files whose path matches. */
function textsIn(pattern: RegExp): [path: string, text: string][] {
  return Object.entries(texts).filter(([path]) => pattern.test(path))
}

/** Every source file as text, by its path from the root. */
const sources = new Map(textsIn(/^src\/.*\.(ts|js)$/))

const imported =
  /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\s*\(\s*['"]([^'"]+)['"]/gm

/** The imports of a file: paths from the root for project files, names for packages. */
function importsOf(path: string): string[] {
  return [...(sources.get(path) ?? '').matchAll(imported)].map(([, from, effect, dynamic]) => {
    const target = (from ?? effect ?? dynamic) as string
    return target.startsWith('.') ? resolve(path, target) : target
  })
}

function resolve(from: string, target: string): string {
  const { pathname } = new URL(target, `file:///${from}`)
  const path = pathname.slice(1)
  const file = [`${path}.ts`, `${path}/index.ts`, path].find((one) => sources.has(one))
  if (file === undefined) throw new Error(`${from} imports ${target}, which is not there`)
  return file
}

const filesIn = (folder: string) => [...sources.keys()].filter((path) => path.startsWith(folder))
const edges = (folder: string) =>
  filesIn(folder).flatMap((file) => importsOf(file).map((target) => [file, target] as const))
const allowing = (folder: string, allowed: RegExp) =>
  edges(folder)
    .filter(([, target]) => !allowed.test(target))
    .map(([file, target]) => `${file} imports ${target}`)

describe('the bundle', () => {
  it('includes the names of zod that the source uses, and no others', () => {
    const types = ['infer', 'output', 'core', 'ZodObject', 'ZodRawShape']
    const used = [...sources.values()].flatMap((text) => [...text.matchAll(/\bz\.(\w+)/g)].map(([, name]) => name))
    expect(Object.keys(subset).sort()).toEqual(
      [...new Set(used)].filter((name) => !types.includes(String(name))).sort(),
    )
  })

  it('includes what the source uses of the parts of zod that wrangler.toml replaces', () => {
    const replaced = /toJSONSchema|~standard/
    expect(
      [...sources].flatMap(([path, text]) => (replaced.test(text) && !path.includes('zod-absent') ? path : [])),
    ).toEqual([])
  })
})

describe('imports', () => {
  it('are all recognised by this suite', () => {
    expect(sources.size).toBeGreaterThan(40)
    expect(importsOf('src/index.ts')).toEqual(['src/app.ts', 'src/scheduled.ts'])
    expect(importsOf('src/contracts/v1/routes/index.ts')).toContain('src/contracts/v1/routes/users.ts')
    expect(importsOf('src/core/users/users.ts')).toEqual(
      expect.arrayContaining(['uuid', 'src/database/users/users.ts']),
    )
    expect(importsOf('src/database/guard.ts')).toContain('drizzle-orm/sql')
    // Every line that begins like an import must match the pattern above.
    for (const [path, text] of sources) {
      const begun = text.match(/^import\b/gm) ?? []
      expect([path, importsOf(path).length >= begun.length]).toEqual([path, true])
    }
  })

  it('of the core are the core, the database and uuid: no HTTP, no schemas, no SQL', () => {
    expect(allowing('src/core/', /^(src\/(core|database)\/.+|uuid)$/)).toEqual([])
  })

  it('of the database are the database and drizzle', () => {
    expect(allowing('src/database/', /^(src\/database\/.+|drizzle-orm(\/.+)?)$/)).toEqual([])
  })

  it('of the contracts’ shared code include no contract and nothing that composes contracts', () => {
    expect(allowing('src/http/', /^(src\/(http|core|database)\/.+|src\/env\.ts|[^s][^/]*(\/.+)?)$/)).toEqual([])
  })

  it.each(contracts.map(({ name }) => [name]))('of %s include no other contract and not the database', (name) => {
    const allowed = new RegExp(`^(src/contracts/${name}/.+|src/(http|core)/.+|src/env\\.ts|[^s][^/]*(/.+)?)$`)
    expect(filesIn(`src/contracts/${name}/`).length).toBeGreaterThan(3)
    expect(allowing(`src/contracts/${name}/`, allowed)).toEqual([])
  })

  it('of the Worker do not include the code of rehearsals', () => {
    const declarations = /^src\/contracts\/[^/]+\/(deviations|rehearsal)\.ts$/
    expect([...sources.keys()].filter((path) => declarations.test(path)).length).toBeGreaterThan(8)
    expect(edges('src/').filter(([, target]) => declarations.test(target))).toEqual([])
  })

  it('of the registry are the contracts', () => {
    expect(importsOf('src/contracts/index.ts').sort()).toEqual(
      contracts
        .map(({ name }) => name)
        .sort()
        .map((name) => expect.stringMatching(new RegExp(`^src/contracts/${name}/`))),
    )
  })

  it('of the client are its own files: no package, and nothing from the Worker', () => {
    const targets = textsIn(/^client\/[^/]+\.ts$/).flatMap(([, text]) =>
      [...text.matchAll(imported)].map(([, from, effect, dynamic]) => from ?? effect ?? dynamic),
    )
    expect(targets.length).toBeGreaterThan(2)
    expect(targets.filter((target) => !/^\.\/[a-z-]+\.ts$/.test(target as string))).toEqual([])
  })

  it('of the console are its own files, the typed client, the reading of tables and preact: nothing from the Worker', () => {
    const files = textsIn(/^console\/[^/]+\.tsx?$/)
    const allowed =
      /^(\.\/[a-z-]+\.tsx?|\.\.\/client\/(index|messages)\.ts|\.\.\/scripts\/csv\/[a-z]+\.js|\.\.\/docs\/compatibility\.md|preact(\/hooks)?|csv-parse\/sync)$/
    const targets = files.flatMap(([, text]) =>
      [...text.matchAll(imported)].map(([, from, effect, dynamic]) => (from ?? effect ?? dynamic) as string),
    )
    expect(targets.length).toBeGreaterThan(60)
    expect(targets.filter((target) => !allowed.test(target))).toEqual([])
    // Requests go through the session, which adds the token. Text never becomes HTML.
    const asking = files.filter(([, text]) => /\bfetch\(|XMLHttpRequest/.test(text))
    expect(asking.map(([path]) => path)).toEqual(['console/session.ts'])
    expect(files.filter(([, text]) => /innerHTML|dangerouslySet|\beval\b|insertAdjacent/.test(text))).toEqual([])
  })

  it('of the composition appear only in the entry point', () => {
    const importers = edges('src/').filter(([, target]) => ['src/app.ts', 'src/scheduled.ts'].includes(target))
    expect(importers).toEqual([
      ['src/index.ts', 'src/app.ts'],
      ['src/index.ts', 'src/scheduled.ts'],
    ])
    expect(edges('src/').filter(([, target]) => target === 'src/index.ts')).toEqual([])
    expect(edges('src/').filter(([, target]) => target.includes('test/'))).toEqual([])
  })
})

describe('casts', () => {
  it('through unknown or never say why, in a comment on the line before or the same line', () => {
    const silent = [...sources].flatMap(([path, text]) => {
      const lines = text.split('\n')
      return lines.flatMap((line, index) => {
        if (!/\bas (unknown as|never)\b/.test(line) || line.trim().startsWith('*')) return []
        const near = [lines[index - 2], lines[index - 1], line].join('\n')
        return /\/\/|\*\//.test(near) ? [] : [`${path}:${index + 1}`]
      })
    })
    expect(silent).toEqual([])
  })
})

describe('names', () => {
  const files = Object.keys(
    import.meta.glob(['../src/**/*', '../client/*.ts', '../examples/*', '../test/**/*', '../scripts/**/*']),
  ).map((path) => new URL(path, 'file:///test/').pathname.slice(1))
  const partsOf = (file: string) => file.split('/').map((part) => part.split('.')[0] as string)

  it('of files and folders are kebab-case', () => {
    expect(files.length).toBeGreaterThan(60)
    const odd = files.filter((file) => partsOf(file).some((part) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(part)))
    expect(odd.filter((file) => !/^[a-z0-9/-]+\/(README|STATEMENTS)\.md$/.test(file))).toEqual([])
  })

  it('of files and folders say what they contain', () => {
    const empty = ['util', 'utils', 'helper', 'helpers', 'common', 'service', 'services', 'manager', 'misc']
    expect(files.filter((file) => partsOf(file).some((part) => empty.includes(part)))).toEqual([])
  })
})

const pascal = (name: string) => name.charAt(0).toUpperCase() + name.slice(1)

describe('the OpenAPI document', () => {
  it('has unique operationIds, prefixed with the contract', async () => {
    const operations = operationsOf(await openApi())
    const ids = operations.map(({ operationId }) => operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { operationId, path } of operations) {
      const contract = path.split('/')[1] as string
      expect(operationId).toMatch(new RegExp(`^${contract}[A-Z][A-Za-z0-9]*$`))
    }
  })

  it('has unique components, prefixed with the contract', async () => {
    const names: string[] = []
    for (const { name } of contracts) {
      const { components } = (await call<OpenApi>(`/doc/${name}`)).body
      const own = Object.keys(components.schemas)
      expect(own.length).toBeGreaterThan(0)
      for (const component of own) expect(component).toMatch(new RegExp(`^${pascal(name)}[A-Z][A-Za-z0-9]*$`))
      names.push(...own)
    }
    expect(new Set(names).size).toBe(names.length)
    expect(Object.keys((await openApi()).components.schemas).sort()).toEqual(names.sort())
  })

  it('names no component twice in the sources, because the library would publish the first for both', () => {
    const named = filesIn('src/').flatMap((file) =>
      [...(sources.get(file) ?? '').matchAll(/\.openapi\(\s*'([^']+)'/g)].map(([, name]) => name),
    )
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((name, index) => named.indexOf(name) !== index)).toEqual([])
  })

  it('describes every operation, and its examples match their schemas', async () => {
    const document = await openApi()
    for (const { operationId, summary, description, tags, path } of operationsOf(document)) {
      expect([operationId, summary, description, tags]).toEqual([
        operationId,
        expect.stringMatching(/\w/),
        expect.stringMatching(/^(Needs|For) .*\.$/),
        [expect.stringMatching(new RegExp(`^${path.split('/')[1]}( |$)`))],
      ])
    }
    const { components } = document
    const withExample = Object.entries(components.schemas).filter(([, { example }]) => example !== undefined)
    expect(withExample.length).toBeGreaterThan(5)
    for (const [name, schema] of withExample) {
      const { errors } = new Validator({ ...schema, components } as Schema, '2020-12', false).validate(schema.example)
      expect([name, errors]).toEqual([name, []])
    }
  })

  it('has a type for each alternative, because generated clients would otherwise get `unknown` or nothing', async () => {
    const untyped: string[] = []
    const look = (value: unknown, where: string): void => {
      if (typeof value !== 'object' || value === null) return
      for (const [key, inner] of Object.entries(value)) {
        const choices =
          ['allOf', 'anyOf', 'oneOf'].includes(key) && Array.isArray(inner) ? (inner as object[]) : undefined
        if (choices?.length === 0) untyped.push(`${where}/${key}`)
        for (const choice of choices ?? []) {
          if (!['$ref', 'type', 'const', 'enum', 'allOf', 'anyOf', 'oneOf'].some((word) => word in choice))
            untyped.push(where)
        }
        look(inner, `${where}/${key}`)
      }
    }
    look(await openApi(), '#')
    expect(untyped).toEqual([])
  })

  it('states the permissions of every operation, in the words of the middleware that enforces them', async () => {
    for (const { operationId, security } of operationsOf(await openApi())) {
      expect([operationId, Array.isArray(security)]).toEqual([operationId, true])
    }
    // Only `authenticated` and `anonymous` document this, each together with its middleware. No route may replace that
    // middleware.
    const saying = (word: RegExp) => [...sources.keys()].filter((path) => word.test(sources.get(path) as string))
    expect(saying(/\bsecurity\s*:/)).toEqual(['src/http/credentials/authentication.ts'])
    expect(saying(/\bmiddleware\b/).filter((path) => path.startsWith('src/contracts/'))).toEqual([])
  })

  it.each(contracts.map((contract) => [contract.name, contract] as const))(
    'has every operation that %s serves',
    async (name, { app }) => {
      const served = app.routes
        .filter(({ method }) => method !== 'ALL')
        .map(({ method, path }) => `${method} /${name}${path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}')}`)
      const documented = operationsOf(await openApi())
        .filter(({ path }) => path.startsWith(`/${name}/`))
        .map(({ method, path }) => `${method} ${path}`)
      expect([...new Set(served)].sort()).toEqual(documented.sort())
    },
  )

  it('lists for every operation the responses that any operation may give', async () => {
    for (const { operationId, security, requestBody, responses } of operationsOf(await openApi())) {
      const statuses = Object.keys(responses)
      const expected = ['429', '503', ...(security?.length ? ['401'] : []), ...(requestBody ? ['413'] : [])]
      expect([operationId, expected.filter((status) => !statuses.includes(status))]).toEqual([operationId, []])
      expect([operationId, statuses.some((status) => /^2\d\d$/.test(status))]).toEqual([operationId, true])
      expect([operationId, statuses.filter((status) => !/^[2345]\d\d$/.test(status) || status === '500')]).toEqual([
        operationId,
        [],
      ])
    }
  })
})

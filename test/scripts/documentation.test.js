/** README.md and docs/ against the code: links, length, settings, permissions, events and limits. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { permissions } from '../../src/core/access/permissions'
import { auditActions, webhookEvents } from '../../src/core/audit/audit'

const root = join(import.meta.dirname, '../..')
const read = (path) => readFileSync(join(root, path), 'utf8')
const tracked = (...patterns) =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...patterns], { cwd: root })
    .toString()
    .split('\n')
    .filter((path) => path !== '' && existsSync(join(root, path)))
const pages = tracked('*.md')

const withoutFences = (text) => text.replace(/^```[^]*?^```/gm, '')
const links = (text) =>
  [
    ...withoutFences(text)
      .replace(/`[^`\n]*`/g, '')
      .matchAll(/\]\(([^()\s]+)\)/g),
  ]
    .map(([, target]) => target)
    .filter((target) => !/^[a-z]+:/.test(target))

/** The anchors that GitHub gives the headings of a page. */
function anchors(text) {
  const seen = new Map()
  return [...withoutFences(text).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-')
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    return count === 0 ? slug : `${slug}-${count}`
  })
}

describe('Markdown files', () => {
  it.each(pages)('have no dead link: %s', (page) => {
    const dead = links(read(page)).filter((link) => {
      const [path, anchor] = link.split('#')
      const target = path === '' ? page : normalize(join(dirname(page), path))
      if (!existsSync(join(root, target))) return true
      return anchor !== undefined && !(target.endsWith('.md') && anchors(read(target)).includes(anchor))
    })
    expect(dead).toEqual([])
  })

  it('are linked from README.md, directly or through other pages', () => {
    const reached = new Set(['README.md'])
    for (const page of reached) {
      for (const link of links(read(page))) {
        const target = normalize(join(dirname(page), link.split('#')[0]))
        if (pages.includes(target)) reached.add(target)
      }
    }
    expect(pages.filter((page) => !reached.has(page))).toEqual([])
  })
})

describe('README.md', () => {
  it('has at most 150 lines', () => {
    expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(150)
  })
})

/** The rows of every table of a page, each as its cells. */
const rows = (text) =>
  [...withoutFences(text).matchAll(/^\|(.*)\|$/gm)]
    .map(([, line]) => line.split('|').map((cell) => cell.trim()))
    .filter(([first]) => !/^-+$/.test(first))
const inCode = (text) => [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name)
const section = (text, title) => text.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? ''
const named = (text) => rows(text).flatMap(([first]) => inCode(first))

const env = read('src/env.ts')
const settings = [...(/interface Env \{\n([^]*?)\n\}/.exec(env)?.[1] ?? '').matchAll(/^ {2}([A-Z_]+)\??: (.+)$/gm)]
const variables = settings.filter(([, , type]) => type === 'string').map(([, name]) => name)
const bindings = settings.filter(([, , type]) => type !== 'string').map(([, name]) => name)
const secrets = [
  'JWT_SECRET',
  'JWT_SECRET_PREVIOUS',
  'BOOTSTRAP_ADMIN_EMAIL',
  'BOOTSTRAP_ADMIN_PASSWORD',
  'SIGNING_KEY',
  'SIGNING_KEY_NEXT',
  'SIGNING_KEY_PREVIOUS',
  'LEGACY_TOKEN_SECRETS',
]

describe('docs/settings.md', () => {
  const page = read('docs/settings.md')

  it('has every variable, secret and binding of the code, and no other', () => {
    expect(named(section(page, 'Variables')).sort()).toEqual(variables.filter((name) => !secrets.includes(name)).sort())
    expect(named(section(page, 'Secrets')).sort()).toEqual([...secrets].sort())
    expect(named(section(page, 'Bindings')).sort()).toEqual(bindings.sort())
  })

  it('has every variable of wrangler.toml', () => {
    const vars = [...read('wrangler.toml').matchAll(/^\[(?:env\.\w+\.)?vars\]\n((?:\w+ = .*\n)+)/gm)].flatMap(
      ([, lines]) => [...lines.matchAll(/^(\w+) =/gm)].map(([, name]) => name),
    )
    expect(vars.length).toBeGreaterThan(0)
    expect(vars.filter((name) => !named(section(page, 'Variables')).includes(name))).toEqual([])
  })

  it('has the defaults of the code', () => {
    const defaults = Object.fromEntries(
      rows(section(page, 'Variables')).map(([name, value]) => [inCode(name)[0], value]),
    )
    for (const [, name, value] of env.matchAll(/number\('(\w+)', ([\d_]+), /g)) {
      if (name !== 'AUDIT_RETENTION_DAYS') expect([name, defaults[name]]).toEqual([name, value.replaceAll('_', '')])
    }
    for (const [, name, value] of env.matchAll(/onOff\('(\w+)', (true|false)\)/g)) {
      expect([name, defaults[name]]).toEqual([name, value === 'true' ? '`on`' : '`off`'])
    }
  })
})

describe('docs/permissions.md', () => {
  it('has every permission of the code, and no other', () => {
    expect(named(read('docs/permissions.md')).sort()).toEqual([...permissions].sort())
  })
})

describe('docs/events.md', () => {
  const page = read('docs/events.md')

  it('has every audit event of the code, and no other', () => {
    expect(named(page.split('## The fields of an event')[0]).sort()).toEqual([...auditActions].sort())
  })

  it('has the events that webhooks receive', () => {
    const [, prefix, exceptions = ''] = /begin with `(\w+\.)`, except ([^]*?)\.\n/.exec(page) ?? []
    const received = auditActions.filter((action) => action.startsWith(prefix) && !inCode(exceptions).includes(action))
    expect(received.sort()).toEqual([...webhookEvents].sort())
  })
})

describe('SECURITY.md', () => {
  const page = read('SECURITY.md')

  it('names suites that exist', () => {
    const suites = [...page.matchAll(/`(test\/[\w/.-]+\.test\.[jt]s)`/g)].map(([, path]) => path)
    expect(suites.length).toBeGreaterThan(30)
    expect(suites.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  it('lists the run-time dependencies and their versions', () => {
    const listed = rows(section(page, 'Run-time dependencies')).slice(1)
    expect(Object.fromEntries(listed.map(([name, version]) => [inCode(name)[0], version]))).toEqual(
      JSON.parse(read('package.json')).dependencies,
    )
  })
})

/** The numbers of a declaration: its value if it is arithmetic, otherwise each bound that it names. */
function numbersOf(name, path) {
  const text = read(path)
  const limiter = new RegExp(`name = "${name}"\\n.*\\nsimple = { limit = (\\d+), period = (\\d+) }`).exec(text)
  if (limiter) return limiter.slice(1).map(Number)
  const start = new RegExp(`^(?:export )?(?:const|function) ${name}\\b[^]*?(?=\\n(?:\\S|\\n)|(?![^]))`, 'm')
  const declaration = start.exec(text)?.[0] ?? ''
  const arithmetic = /= ([\d_ *+-]+)$/.exec(declaration)?.[1]
  if (arithmetic !== undefined) return [new Function(`return ${arithmetic}`)()]
  return [...declaration.matchAll(/\b(?:max|min): (\w+)|isLonger\(\w+, (\d+)\)/g)]
    .map(([, bound, length]) => bound ?? length)
    .flatMap((bound) => (/^\d/.test(bound) ? [Number(bound)] : numbersOf(bound, 'src/core/users/text.ts')))
}

/** A number in the forms that the page may use: unchanged, or seconds in a larger unit. */
const spellings = (number) => [
  number.toLocaleString('en-US'),
  ...[
    ['minutes', 60],
    ['hours', 3600],
    ['days', 86_400],
  ]
    .filter(([, seconds]) => number % seconds === 0)
    .map(([unit, seconds]) => `${number / seconds} ${unit}`),
]

const limits = rows(read('docs/limits.md')).flatMap((cells) =>
  [...cells.at(-1).matchAll(/\[`(\w+)`\]\(\.\.\/([^)]+)\)/g)].map(([, name, path]) => ({
    name,
    path,
    what: cells[0],
    limit: cells[1],
  })),
)

describe('docs/limits.md', () => {
  it.each(limits)('has the value of the code: $what, $name', ({ name, path, limit }) => {
    const words = limit.replace(/(?<=\d)(?=[;.]|$)/g, ' ')
    const numbers = numbersOf(name, path)
    expect(numbers, `${path} declares ${name}`).not.toEqual([])
    for (const number of numbers) {
      expect(
        spellings(number).some((spelling) => new RegExp(`(?<![\\d,])${spelling}(?![\\d,]\\d)`).test(words)),
        `${name} is ${number}, the page says: ${limit}`,
      ).toBe(true)
    }
  })

  it('has every limit of the code', () => {
    // These bound memory or work inside the Worker. No client sees them.
    const internal = [
      'maxBrownOuts',
      'maxCharacters',
      'maxDatesKnown',
      'maxExamples',
      'maxExpandedWords',
      'maxFound',
      'maxKeys',
      'maxLength',
      'maxMinutes',
      'maxNamedAddressLength',
      'maxPauseMilliseconds',
      'maxPrograms',
      'maxReadTokens',
      'maxRemembered',
      'maxRepeated',
      'maxValueLength',
    ]
    const declared = tracked('src/**/*.ts').flatMap((path) =>
      [...read(path).matchAll(/^(?:export )?const (max\w+|\w+Max) = [\d_ *+-]+$/gm)].map(([, name]) => name),
    )
    expect(declared.length).toBeGreaterThan(10)
    const documented = limits.map(({ name }) => name)
    expect([...new Set(declared)].filter((name) => !internal.includes(name) && !documented.includes(name))).toEqual([])
  })
})

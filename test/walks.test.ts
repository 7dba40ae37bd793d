/// <reference types="vite/client" />
/** The shell commands of README.md and docs/. .ci/run executes them. These tests check what needs no server. */
import { describe, expect, it } from 'vitest'
import { contracts } from '../src/contracts'

const pages = import.meta.glob<string>(['../README.md', '../docs/**/*.md'], {
  query: '?raw',
  import: 'default',
  eager: true,
})

const blocks = Object.entries(pages).flatMap(([page, text]) =>
  [...text.matchAll(/<!-- curl:(\w+) -->\n\n```sh\n([^]*?)```/g)].map(([, name, lines]) => ({
    page: page.slice('../'.length),
    name: name as string,
    lines: lines as string,
  })),
)
const pagesOf = (name: string) => blocks.filter((block) => block.name === name).map(({ page }) => page)
const setups = blocks.filter(({ name }) => name === 'setup')

describe('the curl commands of the documentation', () => {
  it.each(contracts.map(({ name }) => name))('include a walk-through of %s, and README.md links to it', (name) => {
    expect(pagesOf(name)).toEqual([`docs/api/${name}.md`])
    expect(pages['../README.md']).toContain(`(docs/api/${name}.md)`)
  })

  it('include a move, the tutorial, and the first minute', () => {
    expect([pagesOf('moving'), [...new Set(pagesOf('tutorial'))], pagesOf('try')]).toEqual([
      ['docs/move-in.md'],
      ['docs/tutorial.md'],
      ['README.md'],
    ])
  })

  it('begin with the same set-up on every page', () => {
    expect(setups.map(({ page }) => page).sort()).toEqual(
      [...contracts.map(({ name }) => `docs/api/${name}.md`), 'docs/move-in.md'].sort(),
    )
    expect(new Set(setups.map(({ lines }) => lines)).size).toBe(1)
  })

  it('print a newline after each body', () => {
    const [{ lines: setup } = { lines: '' }] = setups
    expect(setup).toContain(`curl() { command curl -w '\\n' "$@"; }`)
    // The last -w of a command counts.
    expect(setup).toContain(`STATUS='\\nHTTP %{http_code}\\n'`)
    const walks = blocks.filter(({ name }) => !['setup', 'try', 'tutorial'].includes(name))
    for (const { lines } of walks) {
      expect(lines).toContain('curl -s ')
      expect(lines).not.toMatch(/command curl|-w (?!"\$STATUS")/)
    }
  })
})

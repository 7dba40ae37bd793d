/// <reference types="vite/types/importMeta.d.ts" />
/** backoffice: its README and its suites say the same. */
import { describe, expect, it } from 'vitest'
import readme from '../../../src/contracts/backoffice/README.md?raw'

describe('README', () => {
  const suites = import.meta.glob<string>('./*.test.ts', { query: '?raw', import: 'default', eager: true })

  it('names every test, and no other', () => {
    const names = Object.values(suites).flatMap((text) => {
      let subject = ''
      return [...text.matchAll(/^(?:describe|(  )it)\('(.+)', (?:async )?\(\) => \{$/gm)].flatMap(
        ([, isTest, name]) => {
          if (isTest) return [`${subject} > ${name}`]
          subject = String(name)
          return []
        },
      )
    })
    expect(names.length).toBe(
      Object.values(suites)
        .join('\n')
        .match(/\bit\('/g)?.length,
    )
    const named = [...readme.matchAll(/`([^`]+ > [^`]+)`/g)].map(([, name]) => name)
    expect([...new Set(named)].sort()).toEqual(names.sort())
  })
})

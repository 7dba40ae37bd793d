/** Holds the tables of a contract's README, statement by statement, to the tests of a file, in both directions. */
import { describe, expect, it, type RunnerTask } from 'vitest'

/** To stand last in a file. The README names each of its tests as `file > subject > promise`, the file without its endings. */
export function namesEveryTest(readme: string): void {
  describe('README', () => {
    it('names every test of this file, and no other', ({ task }) => {
      const file = baseName(task.file.name)
      const own = namesIn(task.file.tasks, `${file} > `).filter((name) => !name.startsWith(`${file} > README > `))
      const named = namedIn(readme).filter((name) => name.startsWith(`${file} > `))
      expect([...new Set(named)].sort()).toEqual(own.sort())
    })
  })
}

/** The tests that a README names, each once. */
export function namedIn(readme: string): string[] {
  return [...new Set([...readme.matchAll(/`([^`\n]+ > [^`\n]+)`/g)].map(([, name]) => name as string))]
}

/** `users` of `test/contracts/v1/users.test.ts`. */
export function baseName(path: string): string {
  return path.replace(/^.*\//, '').replace(/\.test\.ts$/, '')
}

function namesIn(tasks: readonly RunnerTask[], before: string): string[] {
  return tasks.flatMap((each) =>
    each.type === 'suite' ? namesIn(each.tasks, `${before}${each.name} > `) : [before + each.name],
  )
}

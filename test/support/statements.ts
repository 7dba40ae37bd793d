/** Compares the tables of a contract's STATEMENTS.md with the tests of a file, in both directions. */
import { describe, expect, it, type RunnerTask } from 'vitest'

const subject = 'STATEMENTS.md'

/**
 * Call it last in a file. STATEMENTS.md names each test as `file > subject > behaviour`, where `file` has no extension.
 */
export function namesEveryTest(statements: string): void {
  describe(subject, () => {
    it('names every test of this file, and no other test', ({ task }) => {
      const file = baseName(task.file.name)
      const own = namesIn(task.file.tasks, `${file} > `).filter((name) => !name.startsWith(`${file} > ${subject} > `))
      const named = namedIn(statements).filter((name) => name.startsWith(`${file} > `))
      expect([...new Set(named)].sort()).toEqual(own.sort())
    })
  })
}

/** The tests that a STATEMENTS.md names, without duplicates. */
export function namedIn(statements: string): string[] {
  return [...new Set([...statements.matchAll(/`([^`\n]+ > [^`\n]+)`/g)].map(([, name]) => name as string))]
}

/** The file's name without folders and extensions: `users` for `test/contracts/v1/users.test.ts`. */
export function baseName(path: string): string {
  return path.replace(/^.*\//, '').replace(/\.test\.ts$/, '')
}

function namesIn(tasks: readonly RunnerTask[], before: string): string[] {
  return tasks.flatMap((each) =>
    each.type === 'suite' ? namesIn(each.tasks, `${before}${each.name} > `) : [before + each.name],
  )
}

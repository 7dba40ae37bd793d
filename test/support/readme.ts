/** Holds a contract's README and its suites together: the README names every test, and no other. */
import { expect, type RunnerTask } from 'vitest'

function namesOf(tasks: readonly RunnerTask[], before = ''): string[] {
  return tasks.flatMap((each) =>
    each.type === 'suite' ? namesOf(each.tasks, `${before}${each.name} > `) : [before + each.name],
  )
}

/** The README's section on `file`, which begins with a heading that names it, against the tests of that file. */
export function expectNamed(readme: string, file: string, tasks: readonly RunnerTask[]): void {
  const section = readme.split(/^#+ /m).find((one) => one.startsWith(`\`${file}\``)) ?? ''
  const named = [...section.matchAll(/`([^`]+ > [^`]+)`/g)].map(([, name]) => name as string)
  expect([...new Set(named)].sort()).toEqual([...new Set(namesOf(tasks))].sort())
}

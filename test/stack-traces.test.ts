/** A failing test points at its own line, although the running code is compiled from TypeScript. */
import { expect, it } from 'vitest'

/** Compilation removes the lines of types and comments. */
interface Place {
  file: string
  line: number
}

function placeOf(error: unknown): Place {
  const [, file = '', line] = /([\w-]+\.test\.ts):(\d+):\d+/.exec(String((error as Error).stack)) ?? []
  return { file, line: Number(line) }
}

it('has the file and the line of the source', () => {
  expect(placeOf(new Error('here'))).toEqual({ file: 'stack-traces.test.ts', line: 16 })
})

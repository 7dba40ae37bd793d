/// <reference types="vite/client" />
/** The README's session in a shell. .ci/run runs it; here is what can be seen without a server. */
import { describe, expect, it } from 'vitest'
import readme from '../README.md?raw'

const blocks = [...readme.matchAll(/<!-- curl:(\w+) -->\n\n```sh\n([^]*?)```/g)].map(
  ([, name, text]) => [name as string, text as string] as const,
)

describe('the README', () => {
  it('ends the body that a curl line prints with a newline', () => {
    const [name, setup = ''] = blocks[0] ?? []
    expect([name, blocks.length]).toEqual(['setup', 7])
    expect(setup).toContain(`curl() { command curl -w '\\n' "$@"; }`)
    // The last -w of a line counts.
    expect(setup).toContain(`STATUS='\\nHTTP %{http_code}\\n'`)
    for (const [, text] of blocks.slice(1)) {
      expect(text).toContain('curl -s ')
      expect(text).not.toMatch(/command curl|-w (?!"\$STATUS")/)
    }
  })
})

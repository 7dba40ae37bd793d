/** `npm run import` and `npm run export` before the directory can be reached. */
import { createServer } from 'node:net'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../support/server'
import { runsInThread, saysUntil, temporaryFolder } from '../support/scripts'

const folder = temporaryFolder()
const file = join(folder, 'users.ndjson')
const key = 'usk_0000000000000000000000000000000000000000000000000000'

/** Accepts connections and never responds. */
const silent = createServer(() => {})
let closed
beforeAll(async () => {
  writeFileSync(file, '{"email":"a@example.org","name":"A"}\n')
  closed = `http://127.0.0.1:${await freePort()}`
  await new Promise((resolve) => silent.listen(0, '127.0.0.1', resolve))
})
afterAll(() => silent.close())

const commands = [
  ['import', (url) => [file, url]],
  ['a dry run', (url) => [file, url, '--dry-run']],
  ['export', (url) => [url, join(folder, 'out.ndjson')]],
]
const scriptOf = (name) => (name === 'export' ? 'export' : 'import')

describe.concurrent('a directory that cannot be reached', () => {
  it.each(commands)('is waited for, and the command prints the reason and the time (%s)', async (name, argsFor) => {
    const said = await saysUntil('giving up in', scriptOf(name), argsFor(closed), key)
    expect(said).toMatch(
      new RegExp(`Waiting for ${closed}/v1: .*ECONNREFUSED.*Next try in \\d+ s, giving up in \\d+ s\\.`),
    )
    expect(said).not.toContain(key)
  })

  it.each(commands)(
    'is waited for in the same way when it accepts the connection and stays silent (%s)',
    async (name, argsFor) => {
      const url = `http://127.0.0.1:${silent.address().port}`
      const said = await saysUntil('giving up in', scriptOf(name), argsFor(url), key)
      expect(said).toMatch(new RegExp(`Waiting for ${url}/v1 to respond, giving up in \\d+ s\\.`))
    },
  )
})

describe('an impossible request', () => {
  it.each([
    ['a flag that is none', [file, 'https://usher.example', '--no-such-flag'], 'npm run import -- FILE URL'],
    ['too few arguments', [file], 'npm run import -- FILE URL'],
    ['a file that is not there', [join(folder, 'nothing.ndjson'), 'https://usher.example'], 'There is no'],
    ['a folder', [folder, 'http://127.0.0.1:1'], 'EISDIR'],
  ])('is reported in one sentence: %s', async (_, args, sentence) => {
    const { status, said } = await runsInThread('import', args, key)
    expect([status, said.trim()]).toEqual([2, expect.stringContaining(sentence)])
    expect(said.trim().split('\n').length).toBe(1)
  })
})

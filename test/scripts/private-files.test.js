/**
 * The files that `npm run export`, `import` and `csv` write contain personal data. Other users must not prepare or read
 * them.
 */
import { chmodSync, linkSync, lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { runsInThread } from '../support/scripts'

const users = [1, 2, 3].map((number) => JSON.stringify({ number, email: `one${number}@example.org` }))
const lines = (each) => each.map((line) => `${line}\n`).join('')

let folder
/** The queries of the export requests. */
let asked
const at = (name) => join(folder, name)
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'usher-private-'))
  asked = []
  return () => rmSync(folder, { recursive: true })
})

/** A minimal directory for the scripts. */
const directory = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost')
  request.resume()
  if (pathname === '/v1/users') return response.end(JSON.stringify({ pagination: { total: users.length } }))
  if (pathname === '/v1/roles') return response.end(JSON.stringify({ data: [{ name: 'user' }] }))
  if (pathname === '/v1/exports') {
    asked.push(searchParams.get('after'))
    return response.end(lines(users.slice(Number(searchParams.get('after')))))
  }
  const done = { status: 'done', rows_written: 10, password_hashes: [] }
  response.end(lines([JSON.stringify({ line: 1, status: 'created', id: 'usr_1' }), JSON.stringify(done)]))
})
let address
beforeAll(async () => {
  await new Promise((resolve) => directory.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${directory.address().port}`
})
afterAll(() => new Promise((resolve) => directory.close(resolve)))

/** Runs a script to its end. */
async function run(script, ...args) {
  const { status, said } = await runsInThread(script, args, 'usk_of_the_test')
  if (status !== 0) throw new Error(said)
}

/** Ways to prepare a file that another user could read. */
const preparations = {
  'a file that everyone may read': (path, content) => {
    writeFileSync(path, content)
    chmodSync(path, 0o666)
  },
  'a symbolic link to another file': (path, content) => {
    writeFileSync(at('victim'), content)
    chmodSync(at('victim'), 0o600)
    symlinkSync(at('victim'), path)
  },
  'a symbolic link to no file': (path) => symlinkSync(at('victim'), path),
  'another name of a file': (path, content) => {
    writeFileSync(at('victim'), content)
    chmodSync(at('victim'), 0o600)
    linkSync(at('victim'), path)
  },
}

function expectPrivate(name) {
  const { mode, nlink } = lstatSync(at(name))
  expect([name, lstatSync(at(name)).isFile(), mode & 0o777, nlink]).toEqual([name, true, 0o600, 1])
}

/** Expects that a link's target is unchanged and contains nothing of an export. */
function expectUntouched(content) {
  const victim = lstatSync(at('victim'), { throwIfNoEntry: false })
  if (victim) expect(readFileSync(at('victim'), 'utf8')).toBe(content)
}

describe.each(Object.entries(preparations))('%s', (_, prepare) => {
  it.each(['everyone.ndjson', 'everyone.ndjson.part', 'everyone.ndjson.progress.json', 'everyone.ndjson.roles.json'])(
    'an export does not inherit the mode or the target of an existing file: %s',
    async (name) => {
      const subject = JSON.stringify({ url: `${address}/v1`, hashes: false })
      if (name.endsWith('.part')) writeFileSync(at('everyone.ndjson.progress.json'), subject, { mode: 0o600 })
      if (name.endsWith('.progress.json')) writeFileSync(at('everyone.ndjson.part'), `${users[0]}\n`, { mode: 0o600 })
      const content = name.endsWith('.progress.json') ? subject : `${users[0]}\n`
      prepare(at(name), content)
      await run('export', address, at('everyone.ndjson'))
      expect(readFileSync(at('everyone.ndjson'), 'utf8')).toBe(lines(users))
      expect(JSON.parse(readFileSync(at('everyone.ndjson.roles.json'), 'utf8'))).toEqual([{ name: 'user' }])
      for (const one of ['everyone.ndjson', 'everyone.ndjson.roles.json']) expectPrivate(one)
      expectUntouched(content)
      expect(asked).toEqual(['0'])
    },
  )

  it('the results of an import do not inherit the mode or the target of an existing file', async () => {
    writeFileSync(at('users.ndjson'), `${users[0]}\n`)
    prepare(at('users.ndjson.results.ndjson'), 'something else\n')
    await run('import', at('users.ndjson'), address)
    expect(readFileSync(at('users.ndjson.results.ndjson'), 'utf8')).toContain('"created"')
    expectPrivate('users.ndjson.results.ndjson')
    expectUntouched('something else\n')
  })

  it('the rows of a table do not inherit the mode or the target of an existing file', async () => {
    writeFileSync(at('table.csv'), 'email,name\none@example.org,One\n')
    prepare(at('table.ndjson'), 'something else\n')
    await run('csv', at('table.csv'), at('table.ndjson'))
    expect(JSON.parse(readFileSync(at('table.ndjson'), 'utf8'))).toEqual({ email: 'one@example.org', name: 'One' })
    expectPrivate('table.ndjson')
    expectUntouched('something else\n')
  })
})

describe('an export', () => {
  it('continues with the files that it began', async () => {
    const subject = JSON.stringify({ url: `${address}/v1`, hashes: false })
    writeFileSync(at('everyone.ndjson.progress.json'), subject, { mode: 0o600 })
    writeFileSync(at('everyone.ndjson.part'), `${users[0]}\n${users[1]}\n{"number":3,"em`, { mode: 0o600 })
    await run('export', address, at('everyone.ndjson'))
    expect(readFileSync(at('everyone.ndjson'), 'utf8')).toBe(lines(users))
    expect(asked).toEqual(['2'])
    expectPrivate('everyone.ndjson')
  })
})

/** The recordings that `npm run rehearse` reads, and those that it refuses. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { entriesOf } from '../../scripts/rehearse/recording.js'
import { runsInThread, temporaryFolder } from '../support/scripts'

const folder = temporaryFolder()

function file(name, content) {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

async function read(path) {
  const entries = []
  for await (const entry of entriesOf(path)) entries.push(entry)
  return entries
}

const response = { status: 200, headers: { 'content-type': 'application/json' }, body: '[]' }
const request = { method: 'GET', path: '/users/list', headers: {} }
const line = (more = {}) => `${JSON.stringify({ request, response, ...more })}\n`
const har = (entries) => JSON.stringify({ log: { version: '1.2', pages: [{ id: 'a"[{' }], entries, comment: '}' } })

describe('a recording', () => {
  it('is read from HAR and from NDJSON as the same entries', async () => {
    const { log } = JSON.parse(readFileSync('test/recordings/clinic.har', 'utf8'))
    const lines = log.entries.map(({ request, response }) => {
      const headers = Object.fromEntries(response.headers.map(({ name, value }) => [name, value]))
      const sent = Object.fromEntries(request.headers.map(({ name, value }) => [name, value]))
      return JSON.stringify({
        request: { method: request.method, path: request.url, headers: sent, body: request.postData?.text },
        response: { status: response.status, headers, body: response.content.text },
      })
    })
    const entries = await read('test/recordings/clinic.har')
    expect(entries.length).toBe(log.entries.length)
    expect(await read(file('same.ndjson', lines.join('\n')))).toEqual(entries)
  })

  it('may have bodies in base64, compressed or not, and forms as parameters', async () => {
    const packed = {
      status: 200,
      headers: [
        ['content-encoding', 'gzip'],
        ['content-type', 'application/json'],
      ],
      encoding: 'base64',
    }
    const params = [{ name: 'username', value: 'noor' }]
    const post = {
      method: 'POST',
      url: 'https://old.example/token',
      headers: [],
      postData: { mimeType: 'application/x-www-form-urlencoded', params },
    }
    const content = { text: Buffer.from('["é"]').toString('base64'), encoding: 'base64', mimeType: 'application/json' }
    const entries = [
      ...(await read(
        file('packed.ndjson', line({ response: { ...packed, body: gzipSync('{"a":1}').toString('base64') } })),
      )),
      ...(await read(file('params.har', har([{ request: post, response: { status: 200, headers: [], content } }])))),
    ]
    expect(entries.map(({ request, response }) => [request.body, response.body])).toEqual([
      [undefined, '{"a":1}'],
      ['username=noor', '["é"]'],
    ])
  })

  it.each([
    ['neither HAR nor NDJSON', 'hello'],
    ['is empty', ''],
    ['truncated', har([{ request, response }]).slice(0, -20)],
    ['truncated', line().slice(0, -20)],
    ['on line 2 there is "n"', `${line()}nonsense`],
    ['not a recording', '{"log": {"version": "1.2"}}'],
    ['Entry 2 of the recording has no response', line() + line({ response: undefined })],
    ['Entry 1 of the recording has no response', har([{ request: { ...request, headers: [] } }])],
    ['unknown encoding, "rot13"', line({ response: { ...response, encoding: 'rot13' } })],
    [
      'unknown encoding, "klingon"',
      line({
        response: {
          ...response,
          headers: { 'content-type': 'text/plain; charset=klingon' },
          body: 'YQ==',
          encoding: 'base64',
        },
      }),
    ],
    ['not base64', line({ response: { ...response, body: '?', encoding: 'base64' } })],
    ['without a status', line({ response: {} })],
  ])('is refused with an error message: %s', async (sentence, content) => {
    await expect(read(file('bad', content))).rejects.toThrow(sentence)
  })
})

describe('npm run rehearse', () => {
  const good = file('good.ndjson', line())

  it.each([
    ['npm run rehearse -- CONTRACT RECORDING URL', ['personnel']],
    ['There is no contract payroll', ['payroll', good, 'http://localhost:1']],
    ['There is no ', ['personnel', join(folder, 'nothing'), 'http://localhost:1']],
    ['is not a URL', ['personnel', good, 'localhost']],
    ['without a path', ['personnel', good, 'http://localhost:1/personnel']],
    ['use https', ['personnel', good, 'http://usher.example']],
    ['does not answer', ['personnel', good, 'http://127.0.0.1:1']],
    ['named .html or .md', ['personnel', good, 'http://127.0.0.1:1', '--report', 'report.pdf']],
  ])('reports the error and exits with status 2: %s', async (sentence, args) => {
    expect(await runsInThread('rehearse', args)).toEqual({ status: 2, said: expect.stringContaining(sentence) })
  })
})

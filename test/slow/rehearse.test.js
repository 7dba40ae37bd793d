/** `npm run rehearse`, as an operator runs it against a server: replays of the recordings, and error messages. */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, readdirSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { temporaryFolder } from '../support/scripts'
import { admin, hurried, newServer } from '../support/server'

const folder = temporaryFolder()
const at = (name) => join(folder, name)
let server

beforeAll(async () => {
  server = await newServer(hurried)
  await server.start()
})
afterAll(() => server?.remove(), 60_000)

const operator = { USHER_IDENTIFIER: admin.email, USHER_PASSWORD: admin.password }

function rehearses(args, environment = {}, options = []) {
  const command = [...options, 'scripts/rehearse.js', ...args]
  const env = { ...process.env, USHER_IDENTIFIER: '', USHER_PASSWORD: '', ...environment }
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { env, encoding: 'utf8' })
  return { status, last: stdout.trim().split('\n').at(-1), said: stdout + stderr }
}

/** Deletes every user except the admin, and every created role. */
async function empty() {
  const ask = async (method, path, token, body) => {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
    const response = await fetch(`${server.address}/v1${path}`, { method, headers, body: body && JSON.stringify(body) })
    return response.status === 204 ? undefined : response.json()
  }
  const signIn = { identifier: admin.email, password: admin.password }
  const { access_token: token } = await ask('POST', '/auth/login', undefined, signIn)
  const [users, roles] = [await ask('GET', '/users?limit=100', token), await ask('GET', '/roles?limit=100', token)]
  for (const { id, email } of users.data) if (email !== admin.email) await ask('DELETE', `/users/${id}`, token)
  for (const { id, built_in } of roles.data) if (!built_in) await ask('DELETE', `/roles/${id}`, token)
}

const recordings = readdirSync('test/recordings').filter((name) => /\.(har|ndjson)$/.test(name))

it.each(recordings)(
  'shows no difference when %s is replayed against a directory that already has users',
  async (name) => {
    await empty()
    const { status, last, said } = rehearses(
      [name.split('.')[0], `test/recordings/${name}`, server.address, '--writes'],
      operator,
    )
    expect([status, last]).toEqual([0, expect.stringMatching(/^[2-9]\d same, 0 listed, 0 differences, 0 skipped$/)])
    expect(said).toMatch(/\d not part of the contract/)
  },
  120_000,
)

it('changes nothing without --writes, and shows no difference with writes, in a report of each form', async () => {
  await empty()
  const recording = 'test/recordings/clinic.har'
  const reading = rehearses(['clinic', recording, server.address], operator)
  expect([reading.status, reading.last]).toEqual([1, expect.stringMatching(/ [1-9]\d* differences, 11 skipped$/)])

  const html = rehearses(['clinic', recording, server.address, '--writes', '--report', at('clinic.html')], operator)
  expect([html.status, html.last]).toEqual([0, '31 same, 0 listed, 0 differences, 0 skipped'])
  expect(html.said).toContain('1 not part of the contract')
  const page = readFileSync(at('clinic.html'), 'utf8')
  expect(page).toContain('clinicSearchUsers')
  expect(page).not.toMatch(/<script|https?:\/\/(?!127\.0\.0\.1)|ines\.caron|seven small boats/)
  expect(statSync(at('clinic.html')).mode & 0o077).toBe(0)

  // The directory already has users of clinic. The report names the differences, and no value.
  const markdown = rehearses(
    ['rbac', 'test/recordings/rbac.ndjson', server.address, '--writes', '--report', at('rbac.md')],
    operator,
  )
  expect(markdown.status).toBe(1)
  expect(readFileSync(at('rbac.md'), 'utf8')).toMatch(/### rbacListUsers[^#]*`\$\.pagination\.total`/)
  expect(readFileSync(at('rbac.md'), 'utf8')).not.toMatch(/okello|seven small boats/i)
})

it('stops with an error message', () => {
  const anonymous = {
    request: { method: 'GET', path: '/users/list', headers: {} },
    response: { status: 401, headers: {} },
  }
  const lines = Array.from({ length: 20 }, () => JSON.stringify(anonymous)).join('\n')
  writeFileSync(at('anonymous.ndjson'), lines)
  writeFileSync(
    at('jump.mjs'),
    'const real = Date.now; let n = 0; Date.now = () => real() + ((n += 1) > 8 ? 3_600_000 : 0)',
  )
  writeFileSync(at('people.json'), '{"boss": {"identifier": "boss"}}')
  const personnel = ['personnel', at('anonymous.ndjson'), server.address]
  for (const [sentence, ...how] of [
    [
      'Usher refused to sign in nobody@example.org: it answered 401.',
      personnel,
      { USHER_IDENTIFIER: 'nobody@example.org', USHER_PASSWORD: 'no such password' },
    ],
    ['Set both USHER_IDENTIFIER and USHER_PASSWORD', personnel, { USHER_IDENTIFIER: admin.email }],
    ['its password was not recorded', ['personnel', 'test/recordings/personnel.ndjson', server.address], {}],
    ['people.json must be {"<recorded identifier>"', [...personnel, '--principals', at('people.json')]],
    ['The clock of this machine jumped by 3600 s', personnel, {}, ['--import', at('jump.mjs')]],
  ]) {
    expect(rehearses(...how)).toEqual({ status: 2, last: expect.anything(), said: expect.stringContaining(sentence) })
  }
  const foreign = rehearses(['personnel', at('anonymous.ndjson'), server.address, '--strip', '/elsewhere'])
  expect([foreign.status, foreign.last]).toEqual([3, '0 same, 0 listed, 0 differences, 0 skipped'])
})

it('a recording of 200 MB is read in less than 300 MB of memory, and a long body is cut', () => {
  const path = at('long.har')
  const output = openSync(path, 'w')
  const entry = (text) =>
    JSON.stringify({
      request: { method: 'GET', url: 'https://old.example/x', headers: [] },
      response: { status: 200, headers: [], content: { text } },
    })
  writeSync(output, `{"log":{"entries":[${entry('é\\"'.repeat(5_000_000))}`)
  const usual = `,${entry('é\\"'.repeat(20_000))}`
  for (let size = 0; size < 200 * 2 ** 20; size += Buffer.byteLength(usual)) writeSync(output, usual)
  writeSync(output, ']}}')
  closeSync(output)
  const script = `
    import { entriesOf } from './scripts/rehearse/recording.js'
    let count = 0, cut = 0
    for await (const { isCut } of entriesOf(process.argv[1])) { count += 1; cut += isCut ? 1 : 0 }
    console.log(count > 1000, cut, process.resourceUsage().maxRSS < 300 * 1024)`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, path], {
    encoding: 'utf8',
  })
  expect(stderr + stdout).toBe('true 1 true\n')
})

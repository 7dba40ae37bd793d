/**
 * `npm run import` and `export`, run as an operator does: interrupted and resumed, with the same directory in the end.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inconsistencies } from '../support/consistency'
import { admin, exitOf, hurried, newServer } from '../support/server'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** With fewer users the import would end before it can be interrupted. */
const people = 30_000

let [server, other] = []
const folder = mkdtempSync(join(tmpdir(), 'usher-moving-'))
const at = (name) => join(folder, name)

beforeAll(async () => {
  ;[server, other] = [await newServer(hurried), await newServer(hurried)]
  // One after the other, because two servers that start at once take the same inspector port.
  await server.start()
  // As docs/move-in.md says: the first admin of the other directory must not take the number of an imported user.
  other.execute('--command', `INSERT INTO sqlite_sequence (name, seq) VALUES ('users', ${people + 1})`)
  await other.start()
})
afterAll(async () => {
  await Promise.all([server?.remove(), other?.remove()])
  rmSync(folder, { recursive: true })
})

const post = async ({ address }, path, body, token) => {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
  const response = await fetch(address + path, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: response.status, body: await response.json() }
}

async function keyOf(directory, identifier = admin.email, password = admin.password) {
  const { body } = await post(directory, '/v1/auth/login', { identifier, password })
  const permissions = ['users:import', 'users:export', 'users:export_hashes', 'users:read', 'users:delete']
  const roles = ['roles:read', 'roles:assign', 'roles:manage', 'users:deactivate', 'users:update', 'users:create']
  const rest = [
    'sessions:manage',
    'api_keys:manage',
    'audit:read',
    'webhooks:manage',
    'usage:read',
    'tokens:introspect',
  ]
  const key = { name: 'mover', permissions: [...permissions, ...roles, ...rest] }
  return (await post(directory, '/v1/api-keys', key, body.access_token)).body.key
}

const started = (key, script, ...args) => [
  process.execPath,
  [`${root}scripts/${script}.js`, ...args],
  { cwd: root, env: { ...process.env, USHER_API_KEY: key }, encoding: 'utf8' },
]
const runs = (...command) => {
  const { status, stdout, stderr } = spawnSync(...started(...command))
  return { status, output: `${stdout}${stderr}` }
}

it('a directory is moved completely, despite interruptions', async () => {
  const key = await keyOf(server)
  const hash = '$2a$06$abcdefghijklmnopqrstuugPooxs1p4fzPkiu/V9r91072PcXt46u'
  await post(server, '/v1/roles', { name: 'reception', permissions: ['users:read'], number: 40 }, key)
  const rows = Array.from({ length: people }, (_, index) => ({
    email: `mover${index}@example.org`,
    name: `Mover Number${index}`,
    matricule: 5000 + index,
    password_hash: hash,
    role: index === 0 ? 'admin' : index % 2 ? 'user' : 'reception',
  }))
  writeFileSync(at('users.ndjson'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))

  const dry = runs(key, 'import', at('users.ndjson'), server.address, '--dry-run')
  expect(dry).toEqual({
    status: 0,
    output: expect.stringContaining(`${people.toLocaleString('en')} passwords are kept as bcrypt 6`),
  })

  // First the script is interrupted, then the server, then neither.
  const begun = spawn(...started(key, 'import', at('users.ndjson'), server.address))
  await until(() => lines('users.ndjson.results.ndjson') > people / 10, begun)
  begun.kill('SIGINT')
  expect(await exitOf(begun)).toBe(130)
  const again = spawn(...started(key, 'import', at('users.ndjson'), server.address))
  const before = lines('users.ndjson.results.ndjson')
  await until(() => lines('users.ndjson.results.ndjson') > before + people / 10, again)
  await server.kill()
  expect(lines('users.ndjson.results.ndjson')).toBeLessThan(people)
  await server.start()
  expect(await exitOf(again)).toBe(0)
  const results = readFileSync(at('users.ndjson.results.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(results.map(({ line }) => line)).toEqual(rows.map((_, index) => index + 1))
  expect(new Set(results.map(({ status: one }) => one))).toEqual(new Set(['created', 'skipped']))

  expect(runs(key, 'export', server.address, at('out.ndjson'), '--password-hashes').status).toBe(0)
  expect(lines('out.ndjson')).toBe(people + 1)

  const first = await keyOf(other)
  const moved = runs(first, 'import', at('out.ndjson'), other.address, '--create-roles')
  expect([moved.status, moved.output]).toEqual([1, expect.stringContaining('Roles created: reception.')])
  // The first admins of both directories have the same email. An imported admin deletes the conflicting one.
  const mover = await keyOf(other, 'mover0@example.org', 'a bcrypt password')
  const { data } = await (
    await fetch(`${other.address}/v1/users?search=${admin.email}`, { headers: { authorization: `Bearer ${mover}` } })
  ).json()
  await fetch(`${other.address}/v1/users/${data[0].id}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${mover}` },
  })
  expect(runs(mover, 'import', at('out.ndjson'), other.address).status).toBe(0)
  expect(runs(mover, 'export', other.address, at('again.ndjson'), '--password-hashes').status).toBe(0)
  const withoutMover = (name) =>
    readFileSync(at(name), 'utf8')
      .split('\n')
      .filter((line) => !line.includes('"mover0@example.org"'))
  expect(withoutMover('again.ndjson')).toEqual(withoutMover('out.ndjson'))
  expect(readFileSync(at('again.ndjson.roles.json'), 'utf8')).toBe(readFileSync(at('out.ndjson.roles.json'), 'utf8'))

  for (const directory of [server, other]) {
    await directory.kill()
    const query = (database) => (sql) => database.prepare(sql).all()
    expect(await directory.examine((database) => inconsistencies(query(database)))).toEqual([])
  }
  await server.start()
}, 600_000)

const lines = (name) => {
  try {
    return readFileSync(at(name), 'utf8').split('\n').length - 1
  } catch {
    return 0
  }
}

async function until(holds, script) {
  while (!holds()) {
    if (script.exitCode !== null) throw new Error(`the script ended with ${script.exitCode} before it was interrupted`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

it('the scripts report errors, and never print the key', () => {
  const key = 'usk_0000000000000000000000000000000000000000000000000000'
  for (const [output, ...command] of [
    ['npm run import -- FILE URL', '', 'import'],
    ['npm run import -- FILE URL', '', 'import', 'a', 'b', '--no-such-flag'],
    ['USHER_API_KEY', '', 'import', at('users.ndjson'), server.address],
    ['use https', key, 'import', at('users.ndjson'), 'http://usher.example'],
    ['There is no', key, 'import', at('nothing.ndjson'), server.address],
    ['401', key, 'import', at('users.ndjson'), server.address],
    ['401', key, 'export', server.address, at('refused.ndjson')],
  ]) {
    const answer = runs(...command)
    expect(answer).toEqual({ status: 2, output: expect.stringContaining(output) })
    expect(answer.output).not.toContain(key)
  }
})

/** Several programs use every contract of a server; then `npm run usage` shows each of them, and an old contract is retired. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import { admin, hurried, newServer } from '../support/server'

const root = fileURLToPath(new URL('../..', import.meta.url))

let server
afterEach(() => server?.remove())

const form = (fields) => ({ method: 'POST', body: new URLSearchParams(fields) })
const json = (fields) => ({
  method: 'POST',
  body: JSON.stringify(fields),
  headers: { 'content-type': 'application/json' },
})
const { email, password } = admin

/** The sign-in and the list of each contract. */
const contracts = {
  personnel: ['/personnel/token', form({ username: email, password }), '/personnel/users/list'],
  v1: ['/v1/auth/login', json({ identifier: email, password }), '/v1/users'],
  rbac: ['/rbac/api/v1/auth/login', json({ email, password }), '/rbac/api/v1/users'],
  clinic: [
    '/clinic/users/user/login/',
    form({ username: email, password }),
    '/clinic/users/user/search/?query_string=',
  ],
  backoffice: ['/backoffice/api/login', json({ username: email, password }), '/backoffice/api/v1/users'],
  // A session of v1: scim has no sign-in.
  scim: ['/v1/auth/login', json({ identifier: email, password }), '/scim/v2/Users'],
}

async function use(contract, program, times) {
  const [signIn, request, list] = contracts[contract]
  const send = (path, options = {}) =>
    fetch(server.address + path, { ...options, headers: { ...options.headers, 'user-agent': program } })
  const signedIn = await send(signIn, request)
  const body = await signedIn.json()
  const token = body.access_token ?? body.data?.token
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0]
  const headers = token ? { authorization: `Bearer ${token}` } : { cookie }
  for (let time = 0; time < times; time += 1) {
    expect([contract, (await send(list, { headers })).status]).toEqual([contract, 200])
  }
  return token
}

async function keyOf(token, permission) {
  const request = json({ name: 'usage', permissions: [permission] })
  const headers = { ...request.headers, authorization: `Bearer ${token}` }
  return (await fetch(`${server.address}/v1/api-keys`, { ...request, headers })).json()
}

const usage = (key, ...args) => {
  const environment = { ...process.env, USHER_API_KEY: key }
  const command = ['scripts/usage.js', server.address, ...args]
  const { status, stdout } = spawnSync(process.execPath, command, { cwd: root, env: environment, encoding: 'utf8' })
  return { status, stdout }
}

it('shows every program of every contract, with one row for each operation, program and day', async () => {
  server = await newServer(hurried)
  await server.start()
  const token = await use('v1', 'opener/1', 1)
  const { key } = await keyOf(token, 'usage:read')
  const provisioning = await keyOf(token, 'users:read')
  for (let time = 0; time < 5; time += 1) {
    const headers = { authorization: `Bearer ${provisioning.key}`, 'user-agent': 'provider/1.0' }
    expect((await fetch(`${server.address}/scim/v2/Users`, { headers })).status).toBe(200)
  }
  for (const contract of Object.keys(contracts)) {
    for (const program of [`${contract}-web/1.0`, `${contract}-sync/2.3`]) await use(contract, program, 5)
  }
  const { status, stdout } = usage(key)
  expect(status).toBe(0)
  for (const contract of Object.keys(contracts)) {
    for (const program of ['web/1.0', 'sync/2.3']) {
      // A sign-in and a list.
      const lines = stdout.split('\n').filter((line) => line.includes(`${contract}-${program}`))
      expect([contract, program, lines.length]).toEqual([contract, program, 2])
      for (const line of lines) expect(line).toMatch(/usr_[0-9a-f]{32} .* 1 +[12] +·{29}░$/)
    }
  }
  const ofKey = stdout.split('\n').filter((line) => line.includes(provisioning.id))
  expect(ofKey).toEqual([expect.stringMatching(/^scim +scimListUsers +usr_/)])
  expect(stdout).not.toContain('provider/1.0')
  const grouped = usage(key, '--contract', 'clinic', '--group', 'contract,program').stdout.split('\n')
  expect(grouped.filter((line) => /^clinic /.test(line))).toHaveLength(2)
  expect(usage(key, '--contract', 'nothing').stdout).toContain('No use since')

  // After a restart the server has forgotten which uses it recorded. The row of the hour is the same.
  await server.kill()
  await server.start()
  for (const contract of Object.keys(contracts)) await use(contract, `${contract}-web/1.0`, 5)
  await server.kill()
  await server.examine((database) => {
    const rows = database.prepare("SELECT * FROM usage WHERE program LIKE '%-web/1.0'").all()
    const days = new Set(rows.map(({ day }) => day)).size
    expect(rows).toHaveLength(2 * Object.keys(contracts).length * days)
  })
})

it('announces the end of a contract to its clients, and refuses them after the sunset', async () => {
  const date = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
  const past = { deprecated: date(-60), sunset: date(-1), link: 'https://example.org/moving' }
  const paused = {
    deprecated: date(-1),
    brown_outs: [{ from: new Date(Date.now() - 60_000).toISOString(), minutes: 60 }],
  }
  server = await newServer({
    ...hurried,
    RETIREMENTS: JSON.stringify({ clinic: past, rbac: paused, personnel: { sunset: date(30) } }),
  })
  await server.start()
  const ask = async (contract, path, request) => {
    const { status, headers } = await fetch(server.address + path, request)
    return [contract, status, headers.has('deprecation'), headers.has('sunset'), headers.has('retry-after')]
  }
  for (const [contract, ...expected] of [
    ['clinic', 410, true, true, false],
    ['rbac', 503, true, false, true],
  ]) {
    const [signIn, request, list] = contracts[contract]
    expect(await ask(contract, signIn, request)).toEqual([contract, ...expected])
    expect(await ask(contract, list)).toEqual([contract, ...expected])
  }
  expect(await ask('personnel', contracts.personnel[2])).toEqual(['personnel', 401, false, true, false])
  expect(await ask('v1', contracts.v1[2])).toEqual(['v1', 401, false, false, false])
  await use('v1', 'opener/1', 1)
})

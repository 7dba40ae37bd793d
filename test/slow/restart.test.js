/**
 * Credentials that were ended before the server was killed stay ended after a restart, in every contract. The others
 * still work.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { contracts, demotionsOf, passwordEdits, signInContracts } from '../contracts'
import { plainRole, v1Path } from '../support/people'
import { admin, hurried, newServer } from '../support/server'

let server
let adminToken

beforeAll(async () => {
  server = await newServer(hurried)
  await server.start()
  const json = { identifier: admin.email, password: admin.password }
  adminToken = (await call({ path: '/v1/auth/login', json })).body.access_token
})
afterAll(() => server?.remove())

async function call({ path, method, json, form, token, headers = {} }) {
  const body = json ? JSON.stringify(json) : form && new URLSearchParams(form)
  const response = await fetch(server.address + path, {
    method: method ?? (body ? 'POST' : 'GET'),
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(json && { 'content-type': 'application/json' }),
      ...headers,
    },
    body,
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}

const outcome = async (acts, ask, as = {}) => acts.outcome(await call({ ...ask, ...as }))
const uuidOf = (id) => id.replace(/^usr_(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

let people = 0

/** A user with every permission, so that only ended credentials are refused. */
async function newcomer() {
  people += 1
  const one = { email: `person${people}@example.org`, password: `the passphrase of ${people}`, isAdmin: true }
  const json = { email: one.email, name: 'Somebody Example', password: one.password, role: 'admin' }
  const uuid = uuidOf((await call({ path: '/v1/users', json, token: adminToken })).body.id)
  // Numbers are assigned in order, starting with the admin's.
  return { ...one, uuid, number: people + 1 }
}

/** A session of every contract, with its refresh token if there is one, and an API key. */
async function credentialsOf(one) {
  const credentials = []
  for (const [name, acts] of signInContracts) {
    const { credential, refresh, signIn } = acts.session
    const answer = await call(signIn(one.email, one.password))
    expect([name, acts.outcome(answer)]).toEqual([name, 'done'])
    credentials.push({ kind: 'session', of: name, ...credential(answer), refresh: refresh?.tokenOf(answer) })
  }
  const json = { name: 'a key', permissions: ['users:read'] }
  const made = await call({ path: '/v1/api-keys', token: credentials.find(({ of }) => of === 'v1').token, json })
  return [...credentials, { kind: 'key', token: made.body.key }]
}

/**
 * The requests that end credentials, the user of each, and the kinds of credentials that no longer work or may no
 * longer list users.
 */
function endings() {
  const all = ['session', 'key']
  const as = { token: adminToken }
  const passwords = passwordEdits.map(([operationId, , withPassword]) => [
    `${operationId}: a password`,
    (one) => call({ ...withPassword(one, 'set by somebody else'), ...as }),
    ({ kind }) => all.includes(kind) && 'unauthenticated',
  ])
  const others = contracts.flatMap(([name, acts]) => [
    ...(acts.session
      ? [
          [
            `${name}: signing out`,
            async (_, credentials) => {
              for (const { kind, of, refresh: _refresh, ...sent } of credentials) {
                if (kind === 'session' && [undefined, name].includes(sent.only))
                  await call({ ...acts.session.signOut(), ...sent })
              }
            },
            ({ kind, only }) => kind === 'session' && [undefined, name].includes(only) && 'unauthenticated',
          ],
        ]
      : []),
    [`${name}: deactivation`, (one) => call({ ...acts.deactivate(one), ...as }), () => 'unauthenticated'],
    [
      `${name}: deactivation and activation`,
      async (one) => {
        await call({ ...acts.deactivate(one), ...as })
        await call({ path: `${v1Path(one)}/activate`, method: 'POST', ...as })
      },
      () => 'unauthenticated',
    ],
    ...(acts.delete
      ? [[`${name}: deletion`, (one) => call({ ...acts.delete(one), ...as }), () => 'unauthenticated']]
      : []),
    ...demotionsOf(acts).map((demote) => [
      `${name}: demotion to ${plainRole.name}`,
      (one) => call({ ...demote(one), ...as }),
      ({ kind }) => all.includes(kind) && 'forbidden',
    ]),
  ])
  return [...others, ...passwords]
}

it('ended credentials stay ended after a restart', async () => {
  const control = await credentialsOf(await newcomer())
  const ended = []
  for (const [how, end, expected] of endings()) {
    const one = await newcomer()
    const credentials = await credentialsOf(one)
    await end(one, credentials)
    ended.push(...credentials.map((credential) => ({ how, ...credential, expected: expected(credential) || 'done' })))
  }

  await server.kill()
  await server.start()

  const gone = ended.filter(({ expected }) => expected !== 'done').length
  const left = ended.length - gone + control.length
  let asked = 0
  for (const { how, kind, of, only, refresh, expected, ...sent } of [
    ...ended,
    ...control.map((one) => ({ how: 'nothing', ...one, expected: 'done' })),
  ]) {
    for (const [name, acts] of contracts) {
      if (only !== undefined && only !== name) continue
      const where = `${how}; ${kind} of ${of}, asked of ${name}`
      expect([where, await outcome(acts, acts.list(), sent)]).toEqual([where, expected])
      asked += 1
      if (refresh === undefined || !acts.session?.refresh || expected !== 'unauthenticated') continue
      expect([where, await outcome(acts, acts.session.refresh.ask(refresh))]).toEqual([where, expected])
      asked += 1
    }
  }
  console.log(
    `${gone} credentials, ended in ${endings().length} ways, are still ended after a kill, and ${left} others are not: asked ${asked} times`,
  )
}, 600_000)

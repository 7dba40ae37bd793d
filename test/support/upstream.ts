/** Legacy systems in place of the network: each checks passwords as its kind does, and can be made to fail. */
import { vi } from 'vitest'
import { signInContracts } from '../contracts'
import { call, type Call } from './usher'

export interface Asked {
  path: string
  headers: Headers
  /** The form or the JSON, as an object. */
  sent: Record<string, string>
}

/** The upstreams of the tests, by name: one for each contract, and a hook. */
export const upstreams = {
  'personnel-legacy': { url: 'https://personnel.legacy.example', contract: 'personnel' },
  'v1-legacy': { url: 'https://v1.legacy.example/v1', contract: 'v1' },
  'rbac-legacy': { url: 'https://rbac.legacy.example/', contract: 'rbac' },
  'clinic-legacy': { url: 'https://clinic.legacy.example/telemed', contract: 'clinic' },
  'backoffice-legacy': { url: 'https://backoffice.legacy.example', contract: 'backoffice' },
  'hook-legacy': { url: 'https://hook.legacy.example/verify?of=usher', hook: true },
}

export type UpstreamName = keyof typeof upstreams

export const withUpstreams: Call = { env: { UPSTREAMS: JSON.stringify(upstreams) } }

const json = (body: unknown, status = 200) => Response.json(body, { status })

/** The path, the field of the user and the responses of each upstream. */
const kinds: Record<string, { path: string; by: string; right: () => Response; wrong: () => Response }> = {
  'personnel.legacy.example': {
    path: '/token',
    by: 'username',
    right: () => json({ access_token: 'a', token_type: 'bearer' }),
    wrong: () => json({ detail: 'Identifiants incorrects' }, 401),
  },
  'v1.legacy.example': {
    path: '/v1/auth/login',
    by: 'identifier',
    right: () => json({ access_token: 'a' }),
    wrong: () => json({ title: 'Unauthorized', status: 401 }, 401),
  },
  'rbac.legacy.example': {
    path: '/api/v1/auth/login',
    by: 'email',
    right: () => json({ access_token: 'a' }),
    wrong: () => json({ detail: 'Incorrect email or password' }, 401),
  },
  'clinic.legacy.example': {
    path: '/telemed/users/user/login/',
    by: 'username',
    right: () => json({ success: true, message: 'Welcome.', data: { id: '7' } }),
    wrong: () => json({ success: false, errors: 'Invalid login.' }),
  },
  'backoffice.legacy.example': {
    path: '/api/login',
    by: 'username',
    right: () => json({ message: 'Login successful', data: { token: 't', user: {} } }),
    wrong: () => json({ message: 'Invalid credentials' }, 401),
  },
  'hook.legacy.example': {
    path: '/verify?of=usher',
    by: 'identifier',
    right: () => json({ result: 'match' }),
    wrong: () => json({ result: 'no_match' }),
  },
}

type Fault = (init: RequestInit) => Response | Promise<Response>

/** Takes the place of the network from here on. */
export function newLegacy() {
  const legacy = {
    /** By each identifier that the legacy system knows. */
    passwords: new Map<string, string>(),
    asked: [] as Asked[],
    fault: undefined as Fault | undefined,
    /** Resolves before each answer. */
    beforeAnswer: async () => {},
  }
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init = {}) => {
    const request = new Request(input as string, init as RequestInit)
    const { host, pathname, search } = new URL(request.url)
    const text = String(init.body)
    const isJson = request.headers.get('content-type') === 'application/json'
    const sent = (isJson ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text))) as Record<string, string>
    legacy.asked.push({ path: host + pathname + search, headers: request.headers, sent })
    await legacy.beforeAnswer()
    if (legacy.fault) return legacy.fault(init as RequestInit)
    const kind = kinds[host]
    if (!kind || kind.path !== pathname + search || request.method !== 'POST')
      return new Response(null, { status: 404 })
    const password = legacy.passwords.get(String(sent[kind.by]))
    return password !== undefined && password === sent['password'] ? kind.right() : kind.wrong()
  })
  return legacy
}

let people = 0

/** Imports a pending user. */
export async function pendingPerson(admin: string, upstream: UpstreamName, fields: Record<string, unknown> = {}) {
  people += 1
  const email = `pending${people}@example.org`
  const { body } = await importLines(admin, [{ email, name: 'Pending Person', password_from: upstream, ...fields }])
  if (body[0].status !== 'created') throw new Error(JSON.stringify(body))
  return { id: body[0].id as string, email, password: `the old secret ${people}` }
}

export function importLines(token: string, lines: readonly object[], query = '') {
  const body = lines.map((line) => JSON.stringify(line)).join('\n')
  const headers = { 'content-type': 'application/x-ndjson' }
  return call(`/v1/imports${query}`, { method: 'POST', token, body, headers, ...withUpstreams })
}

/** Signs in through a contract; `outcome` is in the words of all contracts. */
export async function signInThrough(contract: string, identifier: string, password: string) {
  const [, acts] = signInContracts.find(([name]) => name === contract) as (typeof signInContracts)[number]
  const { path, ...options } = acts.session.signIn(identifier, password)
  const answer = await call(path, { ...options, ...withUpstreams })
  return { ...answer, outcome: acts.outcome(answer) }
}

/**
 * Every answer of every suite is held against the document by `call`; here each documented answer is seen to be real, so that the
 * document promises no more than there is, and the check itself is seen to bite.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import { conform, operationsOf, type Operation } from './support/conformance'
import { adminToken, call, freshDirectory, openApi, person, roleIds, signedInPerson, type Call } from './support/usher'

freshDirectory()

/** How each status that depends on the operation is provoked; undefined where the document must not have it. */
interface Provoked {
  path?: string
  valid?: Call
  invalid?: Call & { path?: string }
  notFound?: Call & { path?: string }
  conflict?: Call & { path?: string }
  unauthorized?: Call
}

const document = await openApi()
const operations = operationsOf(document)

const body = () => ({ matricule: 31, nom: 'Odile Marchand', password: 'a fine passphrase', role_id: roleIds.user })
const other = '/v1/users/usr_019b1c6e7a407d529a513f1d0c2b4e66'

const provoked: Record<string, (admin: string, one: { id: string; uuid: string; input: any }) => Provoked> = {
  personnelListUsers: () => ({}),
  personnelGetUser: (_, one) => ({
    path: `/personnel/users/${one.uuid}`,
    notFound: { path: '/personnel/users/nobody' },
  }),
  personnelCreateUser: (_, one) => ({
    valid: { json: { ...body(), email: 'odile@example.org' } },
    invalid: { json: {} },
    notFound: { json: { ...body(), email: 'odile2@example.org', matricule: 32, role_id: one.uuid } },
    conflict: { json: { ...body(), email: one.input.email } },
  }),
  personnelUpdateUser: (_, one) => ({
    valid: { json: { user_id: one.uuid, nom: 'Another Name' } },
    invalid: { json: { user_id: one.uuid, nom: ' ' } },
    notFound: { json: { user_id: 'nobody' } },
    conflict: { json: { user_id: one.uuid, email: 'first.admin@usher.example' } },
  }),
  personnelDeactivateUser: (_, one) => ({
    path: `/personnel/users/delete/${one.uuid}`,
    notFound: { path: '/personnel/users/delete/nobody' },
    conflict: { path: '/personnel/users/delete/999' },
  }),
  personnelToken: (_, one) => ({
    valid: { form: { username: one.input.email, password: one.input.password } },
    invalid: { form: {} },
    unauthorized: { form: { username: one.input.email, password: 'not the password' } },
  }),
  personnelLogout: () => ({}),
  v1Login: (_, one) => ({
    valid: { json: { identifier: one.input.email, password: one.input.password } },
    invalid: { json: {} },
    unauthorized: { json: { identifier: one.input.email, password: 'not the password' } },
  }),
  v1Refresh: (_, one) => ({
    valid: { json: { refresh_token: (one as any).refresh_token } },
    invalid: { json: {} },
    unauthorized: { json: { refresh_token: 'none of ours' } },
  }),
  v1Logout: () => ({}),
  v1GetMe: () => ({}),
  v1GetUser: (_, one) => ({ path: `/v1/users/${one.id}`, notFound: { path: other } }),
  v1CreateUser: (_, one) => ({
    valid: { json: person() },
    invalid: { json: {} },
    conflict: { json: person({ email: one.input.email }) },
  }),
  v1DeleteUser: (_, one) => ({
    path: `/v1/users/${one.id}`,
    notFound: { path: other },
    conflict: { path: '/v1/users/first-admin' },
  }),
  v1ListUsers: () => ({ invalid: { path: '/v1/users?limit=0' } }),
}

describe('the document', () => {
  it('is held by this suite operation by operation: a new one must be added here', () => {
    expect(Object.keys(provoked).sort()).toEqual(operations.map(({ operationId }) => operationId).sort())
  })

  it.each(operations.map((operation) => [operation.operationId, operation] as const))(
    'promises nothing of %s that it does not answer',
    async (id, operation) => {
      const seen = await provoke(id, operation)
      expect(Object.keys(operation.responses).sort()).toEqual([...seen].map(String).sort())
    },
  )
})

describe('the check', () => {
  const operation = operations.find(({ operationId }) => operationId === 'v1GetUser') as Operation
  let answer: { status: number; contentType: string; body: Record<string, unknown>; text: string }

  beforeEach(async () => {
    const admin = await adminToken()
    const one = await signedInPerson(admin)
    const { body: user, text } = await call(`/v1/users/${one.id}`, { token: admin })
    answer = { status: 200, contentType: 'application/json', body: user, text }
  })

  it('accepts what the Worker answers', () => {
    conform(document, operation, answer)
  })

  it('refuses a leaked field', () => {
    expect(() => conform(document, operation, { ...answer, body: { ...answer.body, password_hash: 'x' } })).toThrow()
  })

  it('refuses a missing field, a wrong type, an undocumented status and content type', () => {
    const { email: _, ...missing } = answer.body
    expect(() => conform(document, operation, { ...answer, body: missing })).toThrow()
    expect(() => conform(document, operation, { ...answer, body: { ...answer.body, matricule: 'x' } })).toThrow()
    expect(() => conform(document, operation, { ...answer, status: 418 })).toThrow()
    expect(() => conform(document, operation, { ...answer, contentType: 'text/plain' })).toThrow()
  })
})

/** Every status the operation can be made to answer. */
async function provoke(id: string, operation: Operation): Promise<Set<number>> {
  const admin = await adminToken()
  const one = await signedInPerson(admin)
  const how = provoked[id]?.(admin, one) ?? {}
  const { method } = operation
  const base: Call & { path?: string } = { method, path: how.path ?? operation.path, ...how.valid }
  const seen = new Set<number>()
  const ask = async (call_: Call & { path?: string }) => {
    const { path, ...options } = { ...base, ...call_ }
    const { status } = await call(path as string, options)
    seen.add(status)
  }
  const authenticated = operation.security?.length !== 0
  const token = authenticated ? admin : undefined
  const refusing = { limit: () => Promise.resolve({ success: false }) }
  const limiters = { CLIENT_LIMITER: refusing, PRINCIPAL_LIMITER: refusing, RATE_LIMIT: 'on' }
  const absent = { prepare: () => ({ bind: () => ({}) }), batch: () => Promise.reject(new Error('D1 is away')) }

  await ask({ token, env: limiters })
  await ask({ token, env: { DB: absent } })
  if (authenticated) {
    await ask({ token: undefined })
    await ask({ token: one.access_token, ...ofAnother(id) })
  }
  if (how.unauthorized) await ask(how.unauthorized)
  if (how.invalid) await ask({ token, ...how.invalid })
  if (how.notFound) await ask({ token, ...how.notFound })
  if (how.conflict) await ask({ token, ...(await conflicting(id, how.conflict, admin)) })
  if (operation.requestBody) {
    const [contentType] = Object.keys(operation.requestBody.content)
    const headers = { 'content-type': contentType as string }
    const { json: _json, form: _form, ...rest } = how.valid ?? {}
    const bare = { token, headers, json: undefined, form: undefined, ...rest } as unknown as Call
    await ask({ ...bare, body: 'x'.repeat(70_000) })
    if (contentType === 'application/json') await ask({ ...bare, headers: { 'content-type': 'text/plain' }, body: 'x' })
  }
  if (method === 'POST' && !operation.requestBody) {
    await ask({ token, body: 'x'.repeat(70_000) })
    await ask({ token, body: '{', headers: { 'content-type': 'application/json' } })
  }
  await ask({ token })
  return seen
}

/** A plain user may do these to themselves, so the refusal is seen on another. */
function ofAnother(id: string): { path?: string; json?: unknown } {
  if (id === 'v1GetUser') return { path: other }
  if (id === 'personnelGetUser') return { path: '/personnel/users/nobody' }
  if (id === 'personnelUpdateUser') return { json: { user_id: 'nobody' } }
  return {}
}

/** The last admin by any name. */
async function conflicting(id: string, conflict: Call & { path?: string }, admin: string) {
  const { body: me } = await call('/v1/me', { token: admin })
  if (id === 'v1DeleteUser') return { path: `/v1/users/${me.id}` }
  if (id === 'personnelDeactivateUser') {
    const uuid = me.id.replace(/^usr_(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    return { path: `/personnel/users/delete/${uuid}` }
  }
  return conflict
}

/**
 * `call` checks every response of every suite against the document. This suite checks that each documented response
 * occurs, so that the document promises nothing else, and that the check itself finds errors.
 */
import { Validator } from '@cfworker/json-schema'
import { beforeEach, describe, expect, it } from 'vitest'
import { permissions } from '../src/core/access/permissions'
import { contracts, type Ask } from './contracts'
import type { ProvokingScene } from './contracts/description'
import { deletedRole, deletedUser, quietWebhook, usedKey } from './contracts/v1/operations'
import { conform, operationsOf, type OpenApi, type Operation, type Schema } from './support/conformance'
import { operations } from './support/requests'
import { adminToken, call, freshDirectory, openApi, signedInPerson } from './support/usher'

freshDirectory()

const document = await openApi()

describe('the OpenAPI document', () => {
  it('has the operations that the contracts describe and no other: add new operations to the description', () => {
    const described = contracts.flatMap(([, { operations: own }]) => Object.keys(own))
    expect(described.sort()).toEqual(operations.map(({ operationId }) => operationId).sort())
  })

  it.each(operations.map((operation) => [operation.operationId, operation] as const))(
    'lists no response of %s that does not occur',
    async (_, operation) => {
      const seen = await provoke(operation)
      expect(Object.keys(operation.responses).sort()).toEqual([...seen].map(String).sort())
    },
  )
})

describe.each(['/doc', ...contracts.map(([name]) => `/doc/${name}`)])('the OpenAPI document at %s', (path) => {
  it('gives each operation one described tag and a unique summary', async () => {
    const { body } = await call<OpenApi & { tags: { name: string; description: string }[] }>(path)
    const described = body.tags.filter(({ description }) => description !== '').map(({ name }) => name)
    const listed = operationsOf(body)
    expect(new Set(listed.flatMap(({ tags }) => tags))).toEqual(new Set(described))
    for (const { operationId, tags } of listed) expect([operationId, tags.length]).toEqual([operationId, 1])
    expect(new Set(listed.map(({ summary }) => summary)).size).toBe(listed.length)
  })
})

describe.each(contracts.map(([name]) => `/doc/${name}`))('the schemas of %s', (path) => {
  type Json = Record<string, unknown>
  /** Every object in the document, with its path. */
  function* objectsIn(value: unknown, way: string[] = []): Generator<[way: string[], object: Json]> {
    if (typeof value !== 'object' || value === null) return
    if (!Array.isArray(value)) yield [way, value as Json]
    for (const [key, inner] of Object.entries(value)) {
      if (key !== 'example' && key !== 'examples') yield* objectsIn(inner, [...way, key])
    }
  }

  it('resolve every reference to a component', async () => {
    const { body } = await call<OpenApi>(path)
    for (const [way, { $ref }] of objectsIn(body)) {
      if (typeof $ref !== 'string') continue
      const [, , kind = '', name = ''] = $ref.split('/')
      expect([way.join('.'), $ref, name in ((body.components as Record<string, Json>)[kind] ?? {})]).toEqual([
        ...[way.join('.'), $ref, true],
      ])
    }
  })

  it('name every enumeration, with the contract’s prefix', async () => {
    const { body } = await call<OpenApi>(path)
    const inline = [...objectsIn(body)].filter(([way, { enum: values }]) => {
      return Array.isArray(values) && values.length > 1 && !(way[1] === 'schemas' && way.length === 3)
    })
    expect(inline.map(([way]) => way.join('.'))).toEqual([])
    const prefix = new RegExp(`^${path.replace('/doc/', '')}`, 'i')
    for (const name of Object.keys(body.components.schemas)) expect(name).toMatch(prefix)
  })

  it('have no default in a request body, which generators would turn into a required field', async () => {
    const { body } = await call<OpenApi>(path)
    const defaults = [...objectsIn(body.components)].filter(([, user]) => 'default' in user)
    expect(defaults.map(([way]) => way.join('.'))).toEqual([])
  })

  it('describe JSON lines as text, with the schema of a line', async () => {
    const { body } = await call<OpenApi>(path)
    for (const [way, content] of objectsIn(body.paths)) {
      const media = content['application/x-ndjson'] as { schema: Json; 'x-item-schema': Json } | undefined
      if (!media) continue
      expect([way.join('.'), media.schema['type']]).toEqual([way.join('.'), 'string'])
      expect(media['x-item-schema']['$ref']).toMatch(/^#\/components\/schemas\/V1/)
    }
  })
})

describe('the OpenAPI document of personnel', () => {
  it('does not accept an empty sign-in, or one with a single field', async () => {
    const { body } = await call<OpenApi>('/doc/personnel')
    const { components } = body
    const schema = { $ref: '#/components/schemas/PersonnelTokenRequest', components } as unknown as Schema
    const isValid = (value: unknown) => new Validator(schema, '2020-12', false).validate(value).valid
    expect(isValid({ username: '31', password: 'a fine passphrase' })).toBe(true)
    expect(isValid({ grant_type: 'refresh_token', refresh_token: 'x' })).toBe(true)
    for (const half of [{}, { username: '31' }, { password: 'a fine passphrase' }, { grant_type: 'refresh_token' }]) {
      expect([half, isValid(half)]).toEqual([half, false])
    }
  })
})

describe('the conformance check', () => {
  const operation = operations.find(({ operationId }) => operationId === 'v1GetUser') as Operation
  let answer: { status: number; headers: Headers; body: Record<string, unknown>; text: string }

  beforeEach(async () => {
    const admin = await adminToken()
    const user = await signedInPerson(admin)
    answer = await call(`/v1/users/${user.id}`, { token: admin })
  })

  it('accepts the Worker’s responses', () => {
    conform(document, operation, answer)
  })

  it('rejects a leaked field', () => {
    expect(() => conform(document, operation, { ...answer, body: { ...answer.body, password_hash: 'x' } })).toThrow()
  })

  it('rejects a missing field, a wrong type, an undocumented status or content type, and a missing header', () => {
    const { email: _, ...missing } = answer.body
    expect(() => conform(document, operation, { ...answer, body: missing })).toThrow()
    expect(() => conform(document, operation, { ...answer, body: { ...answer.body, matricule: 'x' } })).toThrow()
    expect(() => conform(document, operation, { ...answer, status: 418 })).toThrow()
    for (const [name, value] of [
      ['content-type', 'text/plain'],
      ['etag', undefined],
    ] as const) {
      const headers = new Headers(answer.headers)
      headers.delete(name)
      if (value !== undefined) headers.set(name, value)
      expect(() => conform(document, operation, { ...answer, headers })).toThrow()
    }
  })
})

async function setScene(): Promise<ProvokingScene> {
  const admin = await adminToken()
  const as = (json: unknown) => ({ token: admin, json })
  const user = await signedInPerson(admin)
  await call('/v1/roles', as({ name: 'deputy', permissions }))
  const [me, role, apiKey, deputy, sessions, passwordToken, webhook] = await Promise.all([
    call('/v1/me', { token: admin }),
    call('/v1/roles', as({ name: 'door', permissions: [] })),
    call('/v1/api-keys', as({ name: 'a key', permissions: [] })),
    signedInPerson(admin, { role: 'deputy' }),
    call(`/v1/users/${user.id}/sessions`, { token: admin }),
    call(`/v1/users/${user.id}/password-token`, { token: admin, method: 'POST' }),
    call('/v1/webhooks', as(quietWebhook)),
  ])
  await call('/v1/roles', { ...as({ name: 'keyed', permissions: [] }), ...usedKey })
  for (const [path, creation] of [
    ['/v1/users', deletedUser],
    ['/v1/roles', deletedRole],
  ] as const) {
    const made = await call(path, { token: admin, ...creation })
    await call(`${path}/${made.body.id}`, { method: 'DELETE', token: admin })
  }
  return {
    admin,
    adminId: me.body.id,
    one: user,
    role: role.body,
    session: sessions.body.data[0],
    apiKey: apiKey.body,
    deputy: deputy.access_token,
    passwordToken: passwordToken.body.token,
    webhook: `/v1/webhooks/${webhook.body.id}`,
  }
}

/** Provokes every status that the operation can return. */
async function provoke(operation: (typeof operations)[number]): Promise<Set<number>> {
  const scene = await setScene()
  const how = operation.provoke(scene)
  const { method } = operation
  const authenticated = operation.security?.length !== 0
  const token = authenticated ? scene.admin : undefined
  const base = { method, token, path: how.path ?? operation.path, ...how.valid }
  const seen = new Set<number>()
  const ask = async (options: Partial<Ask>) => {
    const { path, ...rest } = { ...base, ...options }
    seen.add((await call(path, rest)).status)
  }
  const refusing = { limit: () => Promise.resolve({ success: false }) }
  const limiters = {
    CLIENT_LIMITER: refusing,
    PRINCIPAL_LIMITER: refusing,
    PROVISIONING_LIMITER: refusing,
    RATE_LIMIT: 'on',
  }
  const absent = { prepare: () => ({ bind: () => ({}) }), batch: () => Promise.reject(new Error('D1 is away')) }

  await ask({ env: limiters })
  await ask({ env: { DB: absent } })
  if (authenticated) {
    await ask({ token: undefined })
    if (operation.responses['403']) await ask({ token: scene.one.access_token, ...how.forbidden })
  }
  for (const options of [how.unauthorized, how.invalid, how.notFound, how.conflict, ...(how.others ?? [])]) {
    if (options) await ask(options)
  }
  if (method !== 'GET' && method !== 'DELETE') {
    const [contentType = 'application/json'] = Object.keys(operation.requestBody?.content ?? {})
    const bare = { json: undefined, form: undefined }
    await ask({ ...bare, body: 'x'.repeat(70_000), headers: { 'content-type': contentType } })
    if (contentType === 'application/json') await ask({ ...bare, body: '{', headers: { 'content-type': contentType } })
    if (operation.requestBody && contentType === 'application/json') {
      await ask({ ...bare, body: 'x', headers: { 'content-type': 'text/plain' } })
    }
    await ask({ ...bare, body: 'x', headers: { 'content-type': contentType, 'content-encoding': 'gzip' } })
  }
  await ask({})
  return seen
}

/// <reference types="vite/client" />
/** SCIM discovery, paths, media types and failures that depend on no resource. */
import { beforeEach, describe, expect, it } from 'vitest'
import {
  base,
  clientKey,
  clientOf,
  enterprise,
  groupSchema,
  scimUser,
  userSchema,
  type Client,
} from '../../support/scim'
import { call, freshDirectory } from '../../support/usher'
import { namesEveryTest } from '../../support/statements'
import statements from './STATEMENTS.md?raw'

freshDirectory()

let client: Client
let key: string
beforeEach(async () => {
  key = await clientKey()
  client = clientOf(key)
})

describe('discovery', () => {
  it('needs no credential, and rejects an invalid credential and a filter', async () => {
    for (const path of [
      'ServiceProviderConfig',
      'ResourceTypes',
      'Schemas',
      'ResourceTypes/User',
      `Schemas/${userSchema}`,
    ]) {
      expect((await call(`${base}/${path}`)).status).toBe(200)
      expect((await call(`${base}/${path}/`, { token: key })).status).toBe(200)
      expect((await call(`${base}/${path}`, { token: `${key}x` })).status).toBe(401)
      expect((await call(`${base}/${path}`, { headers: { authorization: 'Basic eDp5' } })).status).toBe(401)
      expect((await call(`${base}/${path}?filter=id%20pr`)).status).toBe(403)
    }
  })

  it('describes the supported features', async () => {
    const { body } = await call(`${base}/ServiceProviderConfig`)
    expect(body).toMatchObject({
      patch: { supported: true },
      bulk: { supported: false },
      filter: { supported: true, maxResults: 200 },
      changePassword: { supported: false },
      sort: { supported: true },
      etag: { supported: true },
      pagination: {
        cursor: true,
        index: true,
        defaultPaginationMethod: 'index',
        defaultPageSize: 100,
        maxPageSize: 200,
      },
      meta: { resourceType: 'ServiceProviderConfig', location: `https://usher.example${base}/ServiceProviderConfig` },
    })
    expect(body.authenticationSchemes).toHaveLength(1)
  })

  it('lists two resource types and six schemas, each at its own path, in any letter case', async () => {
    const types = (await call(`${base}/ResourceTypes`)).body
    expect(types.Resources.map(({ id }: any) => id)).toEqual(['User', 'Group'])
    expect(types.Resources[0].schemaExtensions).toEqual([{ schema: enterprise, required: false }])
    const schemas = (await call(`${base}/Schemas`)).body
    expect([schemas.totalResults, schemas.itemsPerPage, schemas.startIndex]).toEqual([6, 6, 1])
    for (const schema of schemas.Resources) {
      const one = await call(schema.meta.location.replace('https://usher.example', ''))
      expect([one.status, one.body]).toEqual([200, schema])
    }
    expect((await call(`${base}/Schemas/${groupSchema.toUpperCase()}`)).body.id).toBe(groupSchema)
    expect((await call(`${base}/ResourceTypes/none`)).status).toBe(404)
  })

  it('gives every attribute all characteristics of RFC 7643', async () => {
    const check = (attributes: any[]) => {
      for (const attribute of attributes) {
        for (const name of [
          'name',
          'type',
          'multiValued',
          'description',
          'required',
          'caseExact',
          'mutability',
          'returned',
          'uniqueness',
        ]) {
          expect([attribute.name, name, attribute[name] !== undefined]).toEqual([attribute.name, name, true])
        }
        expect(attribute.type === 'complex').toBe(attribute.subAttributes !== undefined)
        if (attribute.type === 'reference') expect(attribute.referenceTypes.length).toBeGreaterThan(0)
        check(attribute.subAttributes ?? [])
      }
    }
    for (const { attributes } of (await call(`${base}/Schemas`)).body.Resources) check(attributes)
  })

  it('marks the required and the unique attributes', async () => {
    const marked = new Map<string, string[]>()
    for (const { name, attributes } of (await call(`${base}/Schemas`)).body.Resources.slice(0, 3))
      for (const { name: attribute, required, uniqueness } of attributes)
        if (required || uniqueness !== 'none')
          marked.set(`${name}.${attribute}`, [required ? 'required' : 'optional', uniqueness])
    expect(Object.fromEntries(marked)).toEqual({
      'User.userName': ['required', 'server'],
      'User.emails': ['required', 'server'],
      'Group.displayName': ['required', 'server'],
    })
  })

  it('shows users with the attributes of their schemas and no others', async () => {
    const user = (await client.post('/Users', scimUser({ title: 'T', [enterprise]: { department: 'IT' } }))).body
    const named = new Map<string, string[]>()
    for (const { id, attributes } of (await call(`${base}/Schemas`)).body.Resources)
      named.set(
        id,
        attributes.map(({ name }: any) => name),
      )
    const common = ['schemas', 'id', 'externalId', 'meta', enterprise]
    expect(
      Object.keys(user).filter((name) => !common.includes(name) && !named.get(userSchema)?.includes(name)),
    ).toEqual([])
    expect(Object.keys(user[enterprise]).filter((name) => !named.get(enterprise)?.includes(name))).toEqual([])
  })
})

describe('endpoints', () => {
  it('that are not offered are 501, unknown ones 404, and wrong methods 405 with Allow', async () => {
    for (const path of ['Bulk', 'Me', '.search']) {
      for (const method of ['GET', 'POST']) {
        const { status, body, headers } = await call(`${base}/${path}`, { method, token: key })
        expect([path, status, body.status, headers.get('content-type')]).toEqual([
          path,
          501,
          '501',
          'application/scim+json',
        ])
      }
    }
    const missing = await client.get('/Devices')
    expect([missing.status, missing.body.schemas]).toEqual([404, ['urn:ietf:params:scim:api:messages:2.0:Error']])
    const wrong = await client.delete('/Users')
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, expect.stringContaining('POST')])
  })

  it('answer with a slash at the end, and on a host of their own with and without the base path', async () => {
    const { id } = (await client.post('/Users/', scimUser())).body
    expect((await client.get(`/Users/${id}/`)).status).toBe(200)
    const env = { CONTRACT_HOSTS: JSON.stringify({ 'scim.example': 'scim' }) }
    for (const prefix of ['/v2', '/scim/v2']) {
      const { status, body } = await call(`${prefix}/Users/${id}`, { token: key, env, host: 'scim.example' })
      expect([status, body.meta.location]).toEqual([200, `https://scim.example${prefix}/Users/${id}`])
    }
  })
})

describe('bodies', () => {
  it('are SCIM’s JSON or plain JSON, with any parameters, or without a content type', async () => {
    const post = (headers: Record<string, string>) =>
      call(`${base}/Users`, { token: key, body: new TextEncoder().encode(JSON.stringify(scimUser())), headers })
    for (const type of ['application/scim+json', 'application/json; charset=utf-8', 'Application/SCIM+JSON;x=y']) {
      expect([type, (await post({ 'content-type': type })).status]).toEqual([type, 201])
    }
    expect((await post({})).status).toBe(201)
    expect((await post({ 'content-type': 'text/plain' })).status).toBe(415)
  })

  it('that cannot be parsed, or are not an object, get 400 invalidSyntax, and too large ones 413', async () => {
    const post = (body: string, path = 'Users') =>
      call(`${base}/${path}`, { token: key, body, headers: { 'content-type': 'application/scim+json' } })
    for (const body of ['{', '', '[]', 'null', '"x"', '{"schemas": "x"}', '{"schemas": [7]}']) {
      const answer = await post(body)
      expect([body, answer.status, answer.body.scimType]).toEqual([body, 400, 'invalidSyntax'])
    }
    expect((await post(' '.repeat(65_537))).status).toBe(413)
    expect((await post(' '.repeat(65_537), 'Groups')).status).toBe(400)
    expect((await post(' '.repeat(1_048_577), 'Groups')).status).toBe(413)
  })

  it('are not read before the caller is authorised', async () => {
    const reader = clientOf(await clientKey(['users:read']))
    expect((await reader.post('/Users', {})).status).toBe(403)
    expect((await call(`${base}/Users`, { json: {} })).status).toBe(401)
    expect((await reader.get('/Users?filter=hobby')).status).toBe(400)
  })
})

namesEveryTest(statements)

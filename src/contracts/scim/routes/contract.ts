/** The contract to which the routes of this folder are added, and the form of its responses. */
import type { z } from '@hono/zod-openapi'
import type { Context, TypedResponse } from 'hono'
import { createContract } from '../../../http/contract/contract'
import { header } from '../../../http/contract/json'
import { scimMediaType, toFailureResponse } from '../errors'

export const contract = createContract({
  name: 'scim',
  title: 'SCIM 2.0',
  description: 'Users and groups, provisioned by identity providers (RFC 7643, RFC 7644).',
  keepsBasePathOnHost: true,
  ignoresTrailingSlash: true,
  assumesJson: true,
  credentialLimiter: 'PROVISIONING_LIMITER',
  tags: [
    { name: 'users', description: 'Users: find, create, change, deactivate, delete' },
    { name: 'groups', description: 'Groups, which are the roles of the directory, and their members' },
    { name: 'discovery', description: 'What the service supports' },
  ],
  toFailureResponse,
})

export const { app } = contract

/** Generated clients send the first type. */
export const bodyTypes = ['application/json', scimMediaType]

/** A response in the media type of SCIM, for the document. */
export const scim = <Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  headers?: Record<string, ReturnType<typeof header>>,
) => ({ description, ...(headers && { headers }), content: { 'application/scim+json': { schema } } })

export const locationHeader = { Location: header('The address of the resource') }
export const userHeaders = { ...locationHeader, ETag: header('The version of the user') }

export function answer<Body extends object, Status extends 200 | 201>(
  c: Context,
  body: Body,
  status: Status,
  headers: Record<string, string> = {},
): Response & TypedResponse<never, Status, 'json'> {
  const response = c.body(JSON.stringify(body), status, { ...headers, 'content-type': scimMediaType })
  return response as Response as Response & TypedResponse<never, Status, 'json'>
}

/** The URL of the contract in this request, which begins the URLs of resources. */
export function baseOf(c: Context): string {
  const { origin, pathname } = new URL(c.req.url)
  return origin + pathname.slice(0, pathname.indexOf('/v2') + '/v2'.length)
}

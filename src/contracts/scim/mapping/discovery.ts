/** The description of the service (RFC 7644, section 4). `base` is the URL of the contract. */
import { pageSizes } from '../query'
import { enterpriseSchema, groupSchema, schemas, userSchema, type Attribute } from '../schemas/attributes'

const core = 'urn:ietf:params:scim:schemas:core:2.0'

const documentationUri = 'https://datatracker.ietf.org/doc/html/rfc7644'

export function serviceProviderConfig(base: string) {
  return {
    schemas: [`${core}:ServiceProviderConfig`],
    documentationUri: `${new URL(base).origin}/docs/scim`,
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: pageSizes.max },
    changePassword: { supported: false },
    sort: { supported: true },
    etag: { supported: true },
    pagination: {
      cursor: true,
      index: true,
      defaultPaginationMethod: 'index',
      defaultPageSize: pageSizes.default,
      maxPageSize: pageSizes.max,
    },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'OAuth Bearer Token',
        description: 'An API key or an access token of the directory, as a bearer token',
        specUri: 'https://datatracker.ietf.org/doc/html/rfc6750',
        documentationUri,
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
  }
}

export function resourceTypes(base: string) {
  const type = (id: string, endpoint: string, schema: string, description: string, extensions: readonly string[]) => ({
    schemas: [`${core}:ResourceType`],
    id,
    name: id,
    endpoint,
    description,
    schema,
    ...(extensions.length > 0 && {
      schemaExtensions: extensions.map((extension) => ({ schema: extension, required: false })),
    }),
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${id}` },
  })
  return [
    type('User', '/Users', userSchema.id, userSchema.description, [enterpriseSchema.id]),
    type('Group', '/Groups', groupSchema.id, groupSchema.description, []),
  ]
}

export function schemaResources(base: string) {
  return schemas.map(({ id, name, description, attributes }) => ({
    schemas: [`${core}:Schema`],
    id,
    name,
    description,
    attributes: attributes.map(shownAttribute),
    meta: { resourceType: 'Schema', location: `${base}/Schemas/${id}` },
  }))
}

/** Uses the spelling of the definitions, which is that of RFC 7643. */
function shownAttribute({ subAttributes, ...attribute }: Attribute): object {
  return { ...attribute, ...(subAttributes && { subAttributes: subAttributes.map(shownAttribute) }) }
}

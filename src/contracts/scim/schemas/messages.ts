/**
 * The schemas of SCIM messages for the document, generated from the definitions of the attributes. Bodies are read by
 * the definitions themselves.
 */
import { z } from '@hono/zod-openapi'
import { maxOperations } from '../language/patch'
import { maxNames } from '../language/values'
import {
  commonAttributes,
  enterpriseSchema,
  groupSchema,
  userSchema,
  type Attribute,
  type ResourceSchema,
} from './attributes'

function schemaOf(attribute: Attribute): z.ZodType {
  const one = simpleSchema(attribute)
  return attribute.multiValued ? z.array(one) : one
}

function simpleSchema({ type, subAttributes = [] }: Attribute): z.ZodType {
  switch (type) {
    case 'complex':
      return z.strictObject(shapeOf(subAttributes))
    case 'boolean':
      return z.boolean()
    case 'integer':
      return z.int()
    case 'dateTime':
      return z.string().openapi({ format: 'date-time' })
    case 'string':
    case 'reference':
      return z.string()
  }
}

const shapeOf = (attributes: readonly Attribute[]): Record<string, z.ZodType> =>
  Object.fromEntries(attributes.map((attribute) => [attribute.name, schemaOf(attribute).optional()]))

const resource = ({ attributes }: ResourceSchema, further: Record<string, z.ZodType> = {}) =>
  z.strictObject({
    ...shapeOf(commonAttributes),
    ...shapeOf(attributes),
    ...further,
    schemas: z.array(z.string()),
    id: z.string().openapi({ format: 'uuid' }),
  })

const names = z.array(z.string()).openapi({ maxItems: maxNames })

/** The bodies that clients may send: names in any letter case, and attributes that the directory does not store. */
const body = (required: string, example: object) =>
  z.looseObject({ schemas: names, [required]: z.string() }).openapi({ example })

export const userExample = {
  schemas: [userSchema.id, enterpriseSchema.id],
  externalId: '00u1a2b3c4',
  userName: 'noor.haddad@example.org',
  name: { givenName: 'Noor', familyName: 'Haddad' },
  emails: [{ value: 'noor.haddad@example.org', type: 'work', primary: true }],
  active: true,
  [enterpriseSchema.id]: { department: 'Radiology' },
}

export const ScimUser = resource(userSchema, {
  [enterpriseSchema.id]: z.strictObject(shapeOf(enterpriseSchema.attributes)).optional(),
}).openapi('ScimUser')

export const ScimUserBody = body('userName', userExample).openapi('ScimUserBody')

export const ScimGroup = resource(groupSchema).openapi('ScimGroup')

export const ScimGroupBody = body('displayName', { schemas: [groupSchema.id], displayName: 'Radiologists' }).openapi(
  'ScimGroupBody',
)

const listSchema = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
export const searchSchema = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest'

const listOf = <Resource extends z.ZodType>(one: Resource) =>
  z.strictObject({
    schemas: z.tuple([z.literal(listSchema)]),
    totalResults: z.int(),
    itemsPerPage: z.int(),
    startIndex: z.int().optional().openapi({ description: 'Absent where the page goes by cursor' }),
    nextCursor: z.string().optional().openapi({ description: 'While there is a further page by cursor' }),
    Resources: z.array(one),
  })

export const ScimUserList = listOf(ScimUser).openapi('ScimUserList')
export const ScimGroupList = listOf(ScimGroup).openapi('ScimGroupList')

export const ScimPatch = z
  .looseObject({
    schemas: names,
    Operations: z
      .array(z.looseObject({ op: z.string(), path: z.string().optional(), value: z.unknown().optional() }))
      .openapi({ maxItems: maxOperations }),
  })
  .openapi('ScimPatch', {
    example: {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path: 'active', value: false }],
    },
  })

export const ScimSearch = z
  .looseObject({
    schemas: names,
    filter: z.string().optional(),
    sortBy: z.string().optional(),
    sortOrder: z.string().optional(),
    startIndex: z.int().optional(),
    count: z.int().optional(),
    cursor: z.string().optional(),
    attributes: names.optional(),
    excludedAttributes: names.optional(),
  })
  .openapi('ScimSearch', { example: { schemas: [searchSchema], filter: 'active eq true', count: 50 } })

export const ScimError = z
  .strictObject({
    schemas: z.array(z.string()),
    status: z.string(),
    scimType: z.string().optional(),
    detail: z.string(),
  })
  .openapi('ScimError')

const meta = z.strictObject({ resourceType: z.string(), location: z.string() })
const discovered = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.looseObject({ schemas: z.array(z.string()), ...shape, meta })

export const ScimServiceProviderConfig = discovered({}).openapi('ScimServiceProviderConfig')
export const ScimResourceType = discovered({ id: z.string() }).openapi('ScimResourceType')
export const ScimSchema = discovered({ id: z.string() }).openapi('ScimSchema')
export const ScimResourceTypeList = listOf(ScimResourceType).openapi('ScimResourceTypeList')
export const ScimSchemaList = listOf(ScimSchema).openapi('ScimSchemaList')

export const listMessage = (
  resources: readonly unknown[],
  { total, ...page }: { total: number; startIndex?: number; nextCursor?: string | undefined },
) => ({
  schemas: [listSchema],
  totalResults: total,
  itemsPerPage: resources.length,
  ...(page.startIndex !== undefined && { startIndex: page.startIndex }),
  ...(page.nextCursor !== undefined && { nextCursor: page.nextCursor }),
  Resources: resources,
})

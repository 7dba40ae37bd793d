/** The attributes of SCIM resources, with the characteristics of RFC 7643. The discovery documents show exactly these. */

export interface Attribute {
  name: string
  type: 'string' | 'boolean' | 'complex' | 'reference' | 'dateTime' | 'integer'
  multiValued: boolean
  description: string
  required: boolean
  caseExact: boolean
  mutability: 'readOnly' | 'readWrite'
  returned: 'always' | 'default'
  uniqueness: 'none' | 'server'
  subAttributes?: readonly Attribute[]
  canonicalValues?: readonly string[]
  referenceTypes?: readonly string[]
}

export interface ResourceSchema {
  id: string
  name: string
  description: string
  attributes: readonly Attribute[]
}

/** The schemas of a resource: its own, and its extension if it has one. */
export interface Resource {
  schema: ResourceSchema
  extension?: ResourceSchema
}

function attribute(
  name: string,
  description: string,
  { type = 'string', ...further }: Partial<Omit<Attribute, 'name' | 'description'>> = {},
): Attribute {
  return {
    name,
    type,
    multiValued: false,
    description,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...further,
  }
}

const readOnly = { mutability: 'readOnly' } as const
const complex = (name: string, description: string, subAttributes: readonly Attribute[], further = {}) =>
  attribute(name, description, { type: 'complex', subAttributes, ...further })
const list = (name: string, description: string, subAttributes: readonly Attribute[], further = {}) =>
  complex(name, description, subAttributes, { multiValued: true, ...further })
const reference = (name: string, description: string, referenceTypes: readonly string[], further = {}) =>
  attribute(name, description, { type: 'reference', caseExact: true, referenceTypes, ...further })

const type = (canonicalValues: readonly string[]) => attribute('type', 'What it is used for.', { canonicalValues })
const primary = attribute('primary', 'Whether it is the preferred one. At most one is.', { type: 'boolean' })

/** Attributes that every resource has, although no schema lists them. */
export const commonAttributes: readonly Attribute[] = [
  attribute('id', 'The id that the directory gave.', {
    ...readOnly,
    caseExact: true,
    returned: 'always',
    uniqueness: 'server',
  }),
  attribute('externalId', 'The id that the provisioning client gave. Each client sees its own.', { caseExact: true }),
  complex(
    'meta',
    'What the directory says about the resource.',
    [
      attribute('resourceType', 'The type of the resource.', { ...readOnly, caseExact: true }),
      attribute('created', 'When it was created.', { ...readOnly, type: 'dateTime' }),
      attribute('lastModified', 'When it was last changed.', { ...readOnly, type: 'dateTime' }),
      reference('location', 'The address of the resource.', ['uri'], readOnly),
      attribute('version', 'The version of a user, as the ETag has it.', { ...readOnly, caseExact: true }),
    ],
    readOnly,
  ),
  attribute('schemas', 'The schemas of the resource.', {
    ...readOnly,
    type: 'reference',
    multiValued: true,
    caseExact: true,
    returned: 'always',
  }),
]

const urn = 'urn:ietf:params:scim:schemas'

export const userSchema: ResourceSchema = {
  id: `${urn}:core:2.0:User`,
  name: 'User',
  description: 'User Account',
  attributes: [
    attribute('userName', 'The name to sign in with. Without a username it is the email.', {
      required: true,
      uniqueness: 'server',
    }),
    complex('name', 'The parts of the name.', [
      attribute('formatted', 'The full name, formatted for display.'),
      attribute('familyName', 'The family name.'),
      attribute('givenName', 'The given name.'),
      attribute('middleName', 'The middle names.'),
      attribute('honorificPrefix', 'The title before the name.'),
      attribute('honorificSuffix', 'What follows the name.'),
    ]),
    attribute('displayName', 'The name to show.'),
    attribute('nickName', 'The casual name.'),
    reference('profileUrl', 'The address of a profile page.', ['external']),
    attribute('title', 'The title, such as Vice President.'),
    attribute('userType', 'The relation to the organisation, such as Employee.'),
    attribute('preferredLanguage', 'The preferred languages, as in Accept-Language.'),
    attribute('locale', 'The locale, such as en-US.'),
    attribute('timezone', 'The time zone, such as Europe/Rome.'),
    attribute('active', 'Whether the user may sign in.', { type: 'boolean' }),
    list(
      'emails',
      'The email. The directory keeps one: the primary, else the work one, else the first.',
      [
        attribute('value', 'The address.', { required: true, uniqueness: 'server' }),
        type(['work', 'home', 'other']),
        primary,
      ],
      { required: true, uniqueness: 'server' },
    ),
    list('phoneNumbers', 'Phone numbers.', [
      attribute('value', 'The number.'),
      type(['work', 'home', 'mobile', 'fax', 'pager', 'other']),
      primary,
    ]),
    list('addresses', 'Postal addresses.', [
      attribute('formatted', 'The full address, formatted for display.'),
      attribute('streetAddress', 'Street, number and the like.'),
      attribute('locality', 'The city.'),
      attribute('region', 'The state or region.'),
      attribute('postalCode', 'The postal code.'),
      attribute('country', 'The country.'),
      type(['work', 'home', 'other']),
      primary,
    ]),
    list(
      'groups',
      'The groups that the user is a member of.',
      [
        attribute('value', 'The id of the group.', { ...readOnly, caseExact: true }),
        reference('$ref', 'The address of the group.', ['Group'], readOnly),
        attribute('display', 'The name of the group.', readOnly),
        attribute('type', 'How the user is a member.', { ...readOnly, canonicalValues: ['direct'] }),
      ],
      readOnly,
    ),
  ],
}

export const enterpriseSchema: ResourceSchema = {
  id: `${urn}:extension:enterprise:2.0:User`,
  name: 'EnterpriseUser',
  description: 'Enterprise User',
  attributes: [
    attribute('employeeNumber', 'The number in the organisation. One of digits is the matricule, and unique.'),
    attribute('costCenter', 'The cost center.'),
    attribute('organization', 'The organisation.'),
    attribute('division', 'The division.'),
    attribute('department', 'The department.'),
    complex('manager', 'The manager. The directory does not look the manager up.', [
      attribute('value', 'The id of the manager.', { caseExact: true }),
      reference('$ref', 'The address of the manager.', ['User']),
      attribute('displayName', 'The name of the manager.'),
    ]),
  ],
}

export const groupSchema: ResourceSchema = {
  id: `${urn}:core:2.0:Group`,
  name: 'Group',
  description: 'Group',
  attributes: [
    attribute('displayName', 'The name of the group.', { required: true, uniqueness: 'server' }),
    list('members', 'The users in the group, in the order of their creation.', [
      attribute('value', 'The id of the user.', { caseExact: true }),
      reference('$ref', 'The address of the user.', ['User']),
      attribute('type', 'The type of the member.', { canonicalValues: ['User'] }),
    ]),
  ],
}

export const userResource: Resource = { schema: userSchema, extension: enterpriseSchema }
export const groupResource: Resource = { schema: groupSchema }

const discovery = (name: string, description: string, attributes: readonly Attribute[]): ResourceSchema => ({
  id: `${urn}:core:2.0:${name}`,
  name,
  description,
  attributes,
})

const supported = attribute('supported', 'Whether it is supported.', { ...readOnly, type: 'boolean', required: true })
const integer = (name: string, description: string) =>
  attribute(name, description, { ...readOnly, type: 'integer', required: true })
const fact = (name: string, description: string, further = {}) =>
  attribute(name, description, { ...readOnly, ...further })
const described = [
  fact('name', 'The name.', { required: true }),
  fact('description', 'What it is.', { required: false }),
]
const characteristics = [
  fact('name', 'The name.', { required: true, caseExact: true }),
  fact('type', 'The type of the value.', { required: true }),
  fact('multiValued', 'Whether there may be several values.', { type: 'boolean', required: true }),
  fact('description', 'What it is.'),
  fact('required', 'Whether it must be given.', { type: 'boolean' }),
  fact('canonicalValues', 'Suggested values.', { multiValued: true, caseExact: true }),
  fact('caseExact', 'Whether its case counts.', { type: 'boolean' }),
  fact('mutability', 'Whether it can be written.', { caseExact: true }),
  fact('returned', 'When it is returned.', { caseExact: true }),
  fact('uniqueness', 'Where it is unique.', { caseExact: true }),
  fact('referenceTypes', 'What it may refer to.', { multiValued: true, caseExact: true }),
]

export const discoverySchemas: readonly ResourceSchema[] = [
  discovery('ServiceProviderConfig', 'Service Provider Configuration', [
    reference('documentationUri', 'The address of the documentation.', ['external'], readOnly),
    ...['patch', 'changePassword', 'sort', 'etag'].map((name) =>
      complex(name, `Support of ${name}.`, [supported], { ...readOnly, required: true }),
    ),
    complex(
      'bulk',
      'Support of bulk requests.',
      [supported, integer('maxOperations', 'The most operations.'), integer('maxPayloadSize', 'The most bytes.')],
      { ...readOnly, required: true },
    ),
    complex('filter', 'Support of filters.', [supported, integer('maxResults', 'The most results of a page.')], {
      ...readOnly,
      required: true,
    }),
    complex(
      'pagination',
      'Support of pages.',
      [
        fact('cursor', 'Whether pages go by cursor.', { type: 'boolean', required: true }),
        fact('index', 'Whether pages go by index.', { type: 'boolean', required: true }),
        fact('defaultPaginationMethod', 'The default.'),
        integer('defaultPageSize', 'The default size of a page.'),
        integer('maxPageSize', 'The largest page.'),
      ],
      readOnly,
    ),
    list(
      'authenticationSchemes',
      'How clients authenticate.',
      [
        fact('type', 'The scheme.', { required: true }),
        ...described,
        reference('specUri', 'The specification.', ['external'], readOnly),
        reference('documentationUri', 'The documentation.', ['external'], readOnly),
        fact('primary', 'Whether it is preferred.', { type: 'boolean' }),
      ],
      { ...readOnly, required: true },
    ),
  ]),
  discovery('ResourceType', 'Resource Type', [
    ...described,
    reference('endpoint', 'The path of the resources.', ['uri'], { ...readOnly, required: true }),
    reference('schema', 'The schema of the resources.', ['uri'], { ...readOnly, required: true }),
    list(
      'schemaExtensions',
      'The extensions.',
      [
        reference('schema', 'The schema of the extension.', ['uri'], { ...readOnly, required: true }),
        fact('required', 'Whether it must be there.', { type: 'boolean', required: true }),
      ],
      readOnly,
    ),
  ]),
  discovery('Schema', 'Schema', [
    ...described,
    list(
      'attributes',
      'The attributes.',
      [...characteristics, list('subAttributes', 'The attributes of a complex attribute.', characteristics, readOnly)],
      { ...readOnly, required: true },
    ),
  ]),
]

export const schemas: readonly ResourceSchema[] = [userSchema, groupSchema, enterpriseSchema, ...discoverySchemas]

/** Attributes that providers send and the directory does not store. They are ignored in every place. */
export const ignoredAttributes: ReadonlySet<string> = new Set(['password', 'ims', 'photos', 'x509certificates'])

/** Attributes that would give authority. Only groups give authority. */
export const authorityAttributes: ReadonlySet<string> = new Set(['roles', 'entitlements'])

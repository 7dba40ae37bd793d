import { adminRole, barePerson, plainRole, strangerUuid, uuidOf, type Person, type Someone } from '../../support/people'
import { base, enterprise, groupSchema, patchSchema, searchSchema, userSchema } from './words'
import { firstAdminEmail, outcomeByStatus, type ContractDescription, type Fields, type Provoked } from '../description'

const users = `${base}/Users`
const groups = `${base}/Groups`

const newUser = (email: string, fields: Fields = {}) => ({
  schemas: [userSchema],
  userName: email,
  emails: [{ value: email, type: 'work', primary: true }],
  name: { givenName: 'Somebody', familyName: 'New' },
  ...fields,
})

const another: Fields = { name: { givenName: 'Another' } }

/** The members of the message itself. Its only operation replaces all other fields. */
const patch = (
  { uuid }: Pick<Someone, 'uuid'>,
  { schemas = [patchSchema], Operations, ...fields }: Fields = another,
) => ({
  path: `${users}/${uuid}`,
  method: 'PATCH',
  json: { schemas, Operations: Operations ?? [{ op: 'replace', value: fields }] },
})

const put = ({ uuid, email }: Pick<Someone, 'uuid' | 'email'>, fields: Fields = another) => ({
  path: `${users}/${uuid}`,
  method: 'PUT',
  json: { schemas: [userSchema], userName: email, ...fields },
})

const operations = (...all: object[]) => ({ schemas: [patchSchema], Operations: all })
const newGroup = (displayName: string) => ({ schemas: [groupSchema], displayName })

/** What both parameters at once are refused for. */
const bothParameters = '?attributes=id&excludedAttributes=meta'
const tooLarge = { json: undefined, body: 'x'.repeat(1_100_000), headers: { 'content-type': 'application/json' } }
const otherVersion = { headers: { 'if-match': 'W/"99"' } }
const absent = { prepare: () => ({ bind: () => ({}) }), batch: () => Promise.reject(new Error('D1 is away')) }

const discovery = (path: string, rest: Provoked = {}) => ({
  access: { open: true, writes: false, checksCredential: true } as const,
  provoke: ({ admin }: { admin: string }): Provoked => ({
    path,
    unauthorized: { token: 'not a token' },
    others: [{ path: `${path}?filter=id` }, { token: admin, env: { DB: absent } }],
    ...rest,
  }),
  request: () => ({ path }),
})

const groupReading = ['roles:read', 'users:read'] as const
const groupManaging = [...groupReading, 'roles:manage'] as const

/** A path and a value for a new group without members. */
async function emptyGroup(call: (path: string, options: object) => Promise<{ body: any }>, token: string, n: number) {
  const { body } = await call(groups, { token, json: newGroup(`group ${n}`) })
  return `${groups}/${body.id}`
}

/** A user's attributes by name, those of `name`, `meta` and the extension among them. What is absent is null. */
function flattened(body: any): Fields {
  const { name = {}, meta, emails, phoneNumbers = [], groups: held = [] } = body
  const phone = (type: string) => phoneNumbers.find((one: any) => one.type === type)?.value ?? null
  return {
    id: body.id,
    userName: body.userName,
    givenName: name.givenName ?? '',
    familyName: name.familyName ?? '',
    displayName: body.displayName,
    active: body.active,
    email: emails[0].value,
    phone: phone('work'),
    mobile: phone('mobile'),
    employeeNumber: body[enterprise]?.employeeNumber ?? null,
    groups: held.map(({ display }: any) => display),
    created: meta.created,
    lastModified: meta.lastModified,
  }
}

const shown = (person: Person): Fields => ({
  id: person.uuid,
  userName: person.username ?? person.email,
  givenName: person.givenName,
  familyName: person.familyName,
  displayName: person.name,
  active: person.active,
  email: person.email,
  phone: person.phone,
  mobile: person.mobile,
  employeeNumber: person.matricule === null ? null : String(person.matricule),
  groups: person.roles.filter(({ number }) => number !== plainRole.number).map(({ name }) => name),
  created: `${person.createdAt}Z`,
  lastModified: `${person.updatedAt}Z`,
})

export const scim: ContractDescription = {
  outcome: outcomeByStatus,

  list: () => ({ path: users }),
  read: ({ uuid }) => ({ path: `${users}/${uuid}` }),
  create: (email, fields) => ({ path: users, json: newUser(email, fields) }),
  edits: { scimPatchUser: patch, scimPutUser: put },
  setRole: [],
  deactivate: (user) => patch(user, { active: false }),
  activate: (user) => patch(user, { active: true }),
  delete: ({ uuid }) => ({ path: `${users}/${uuid}`, method: 'DELETE' }),

  wire: {
    email: (email) => ({ emails: [{ value: email }] }),
    username: (userName) => ({ userName }),
    matricule: (matricule) => ({ [enterprise]: { employeeNumber: String(matricule) } }),
    role: () => undefined,
    names: (givenName, familyName) => ({ name: { givenName, familyName } }),
    undocumented: [
      ...[
        'userName',
        'name',
        'displayName',
        'nickName',
        'profileUrl',
        'title',
        'userType',
        'preferredLanguage',
        'locale',
      ],
      ...[
        'timezone',
        'active',
        'emails',
        'phoneNumbers',
        'addresses',
        'externalId',
        'roles',
        'entitlements',
        enterprise,
      ],
      ...['employeeNumber', 'costCenter', 'organization', 'division', 'department', 'manager'],
    ],
    creation: 'ScimUserBody',
    query: {
      pageSize: 'count',
      cursor: 'cursor',
      page: { name: 'startIndex', first: '1', second: '2' },
      others: {
        filter: ['userName eq "x"', 'active eq false', 'displayName co "per" or emails.value ew "org"'],
        sortBy: ['userName', 'displayName', 'emails.value', 'meta.created'],
        sortOrder: ['descending'],
        attributes: ['userName'],
        excludedAttributes: ['members'],
      },
    },
    words: {
      id: ({ ids, role }) => [...ids, role.id, 'User', userSchema],
      // Every message names its schema, and may name others.
      schemas: () => [[userSchema, groupSchema, patchSchema, searchSchema]],
      userName: ({ newcomer }) => [newcomer.email],
      displayName: ({ newcomer }) => [newcomer.username],
      Operations: ({ newcomer }) => [[{ op: 'replace', path: 'displayName', value: newcomer.username }]],
      filter: () => [
        'userName eq "x"',
        'displayName co "a"',
        'emails[type eq "work"',
        'meta.created gt "2026-01-01T00:00:00Z"',
      ],
      sortBy: () => ['userName', 'displayName', 'hobby'],
      sortOrder: () => ['descending', 'ascending'],
      startIndex: () => ['1', '2', '-1', 'x'],
      count: () => ['1', '0', '200', 'x'],
      attributes: () => ['userName', 'name.givenName,emails', enterprise],
      excludedAttributes: () => ['members', 'meta'],
    },
    statuses: { missing: 404, encoded: 415 },
  },

  records: {
    in: flattened,
    shown,
    edit: patch,
    creation: {
      sent: {
        userName: 'lia',
        emails: [{ value: 'lia@example.org' }],
        name: { givenName: 'Lia', familyName: 'Okoye' },
        displayName: 'Dr Lia M. Okoye',
        phoneNumbers: [
          { value: '+351 21 000 000', type: 'work' },
          { value: '+351 91 000 000', type: 'mobile' },
        ],
        [enterprise]: { employeeNumber: '4821' },
      },
      makes: {
        ...barePerson,
        email: 'lia@example.org',
        name: 'Dr Lia M. Okoye',
        givenName: 'Lia',
        familyName: 'Okoye',
        username: 'lia',
        matricule: 4821,
        phone: '+351 21 000 000',
        mobile: '+351 91 000 000',
      },
    },
    changes: [
      [{ displayName: 'Ana Sofia Reis' }, { name: 'Ana Sofia Reis' }],
      [{ name: { givenName: 'Eva', familyName: 'Reis' } }, { name: 'Eva Reis', givenName: 'Eva', familyName: 'Reis' }],
      [
        { emails: [{ value: 'eva@example.org' }], userName: 'eva', [enterprise]: { employeeNumber: '0' } },
        { email: 'eva@example.org', username: 'eva', matricule: 0 },
      ],
      [
        { userName: 'EVA@example.org', [enterprise]: null },
        { username: null, matricule: null },
      ],
      [{ phoneNumbers: [{ value: '1', type: 'mobile' }] }, { phone: null, mobile: '1' }],
      [{ phoneNumbers: [] }, { mobile: null }],
      [{ active: 'False' }, { active: false }],
      [{ active: true }, { active: true }],
    ],
  },

  operations: {
    scimListUsers: {
      access: { needs: 'users:read' },
      provoke: () => ({ invalid: { path: `${users}?filter=hobby` } }),
    },
    scimSearchUsers: {
      access: { needs: 'users:read', writes: false },
      provoke: () => ({
        valid: { json: { schemas: [searchSchema], filter: 'active eq true' } },
        invalid: { json: {} },
      }),
      request: () => ({ path: `${users}/.search`, json: { schemas: [searchSchema] } }),
    },
    scimCreateUser: {
      access: { needs: 'users:create' },
      provoke: ({ one }) => ({
        valid: { json: newUser('odile@example.org') },
        invalid: { json: {} },
        conflict: { json: newUser(one.email) },
      }),
    },
    scimGetUser: {
      access: { needs: 'users:read' },
      provoke: ({ one }) => ({
        path: `${users}/${one.uuid}`,
        invalid: { path: `${users}/${one.uuid}${bothParameters}` },
        notFound: { path: `${users}/${strangerUuid}` },
        others: [{ headers: { 'if-none-match': '*' } }],
      }),
    },
    scimPutUser: {
      access: { needs: 'users:update' },
      provoke: ({ one }) => ({
        path: `${users}/${one.uuid}`,
        valid: { json: put(one).json },
        invalid: { json: {} },
        notFound: { path: `${users}/${strangerUuid}` },
        conflict: { json: newUser(firstAdminEmail) },
        others: [otherVersion],
      }),
    },
    scimPatchUser: {
      access: { needs: 'users:update' },
      provoke: ({ one }) => ({
        path: `${users}/${one.uuid}`,
        valid: { json: patch(one).json },
        invalid: { json: {} },
        notFound: { path: `${users}/${strangerUuid}` },
        conflict: { json: patch(one, { userName: firstAdminEmail }).json },
        others: [otherVersion],
      }),
    },
    scimDeleteUser: {
      access: { needs: 'users:delete', readsReason: true },
      provoke: ({ one, adminId }) => ({
        path: `${users}/${one.uuid}`,
        notFound: { path: `${users}/${strangerUuid}` },
        conflict: { path: `${users}/${uuidOf(adminId)}` },
        others: [otherVersion],
      }),
    },
    scimListGroups: {
      access: { needs: groupReading },
      provoke: () => ({ invalid: { path: `${groups}?filter=hobby` } }),
      request: () => ({ path: groups }),
    },
    scimSearchGroups: {
      maxBytes: 1_048_576,
      access: { needs: groupReading, writes: false },
      provoke: () => ({
        valid: { json: { schemas: [searchSchema], filter: 'displayName eq "admin"' } },
        invalid: { json: {} },
        others: [tooLarge],
      }),
      request: () => ({ path: `${groups}/.search`, json: { schemas: [searchSchema] } }),
    },
    scimCreateGroup: {
      maxBytes: 1_048_576,
      access: { needs: groupManaging },
      provoke: () => ({
        valid: { json: newGroup('Radiologists') },
        invalid: { json: {} },
        conflict: { json: newGroup('door') },
        others: [tooLarge],
      }),
      request: ({ next }) => ({ path: groups, json: newGroup(`group ${next()}`) }),
    },
    scimGetGroup: {
      access: { needs: groupReading },
      provoke: ({ role }) => ({
        path: `${groups}/${role.id}`,
        invalid: { path: `${groups}/${role.id}${bothParameters}` },
        notFound: { path: `${groups}/${strangerUuid}` },
      }),
      request: () => ({ path: `${groups}/${adminRole.id}` }),
    },
    scimPutGroup: {
      maxBytes: 1_048_576,
      access: { needs: groupManaging },
      provoke: ({ role }) => ({
        path: `${groups}/${role.id}`,
        valid: { json: newGroup('Renamed') },
        invalid: { json: {} },
        notFound: { path: `${groups}/${strangerUuid}` },
        conflict: { json: newGroup('deputy') },
        others: [otherVersion, tooLarge],
      }),
      request: async ({ call, admin, next }) => ({
        path: await emptyGroup(call, admin, next()),
        method: 'PUT',
        json: newGroup(`group ${next()}`),
      }),
    },
    scimPatchGroup: {
      maxBytes: 1_048_576,
      access: { needs: groupManaging },
      provoke: ({ role, one }) => ({
        path: `${groups}/${role.id}`,
        valid: { json: operations({ op: 'add', path: 'members', value: [{ value: one.uuid }] }) },
        invalid: { json: {} },
        notFound: { path: `${groups}/${strangerUuid}` },
        conflict: { json: operations({ op: 'replace', path: 'displayName', value: 'deputy' }) },
        others: [otherVersion, tooLarge, { path: `${groups}/${role.id}?excludedAttributes=members` }],
      }),
      request: async ({ call, admin, next }) => ({
        path: await emptyGroup(call, admin, next()),
        method: 'PATCH',
        json: operations({ op: 'replace', path: 'displayName', value: `group ${next()}` }),
      }),
    },
    scimDeleteGroup: {
      access: { needs: groupManaging },
      provoke: ({ role }) => ({
        path: `${groups}/${role.id}`,
        notFound: { path: `${groups}/${strangerUuid}` },
        others: [otherVersion],
      }),
      request: async ({ call, admin, next }) => ({ path: await emptyGroup(call, admin, next()), method: 'DELETE' }),
    },
    scimGetServiceProviderConfig: discovery(`${base}/ServiceProviderConfig`),
    scimListResourceTypes: discovery(`${base}/ResourceTypes`),
    scimGetResourceType: discovery(`${base}/ResourceTypes/User`, { notFound: { path: `${base}/ResourceTypes/none` } }),
    scimListSchemas: discovery(`${base}/Schemas`),
    scimGetSchema: discovery(`${base}/Schemas/${userSchema}`, { notFound: { path: `${base}/Schemas/none` } }),
  },
}

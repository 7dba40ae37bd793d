import {
  adminRole,
  barePerson,
  nurseRole,
  plainRole,
  recordPassword,
  strangerUuid,
  uuidOf,
  type Someone,
} from '../../support/people'
import {
  bearerOf,
  firstAdminEmail,
  outcomeByStatus,
  refreshTokenOf,
  type ContractDescription,
  type Fields,
} from '../description'

const users = '/rbac/api/v1/users'
const stranger = `${users}/${strangerUuid}`

const edit = ({ uuid }: Pick<Someone, 'uuid'>, fields: Fields = { first_name: 'Another' }) => ({
  path: `${users}/${uuid}`,
  method: 'PUT',
  json: fields,
})

const newUser = (email: string) => ({
  email,
  password: 'a fine passphrase',
  first_name: 'Odile',
  last_name: 'Marchand',
})

export const rbac: ContractDescription = {
  outcome: outcomeByStatus,
  session: {
    signIn: (email, password) => ({ path: '/rbac/api/v1/auth/login', json: { email, password } }),
    credential: bearerOf,
    refresh: {
      tokenOf: refreshTokenOf,
      ask: (refresh_token) => ({ path: '/rbac/api/v1/auth/refresh', json: { refresh_token } }),
    },
    signOut: () => ({ path: '/rbac/api/v1/auth/logout', method: 'POST' }),
    hours: 30 * 24,
  },

  list: () => ({ path: users }),
  read: ({ uuid }) => ({ path: `${users}/${uuid}` }),
  create: (email, fields) => ({
    path: users,
    json: { ...newUser(email), first_name: 'Somebody', last_name: 'New', ...fields },
  }),
  edits: { rbacUpdateUser: edit },
  setRole: [(user, { id }) => edit(user, { role_ids: [id] })],
  deactivate: (user) => edit(user, { is_active: false }),
  activate: (user) => edit(user, { is_active: true }),
  delete: ({ uuid }) => ({ path: `${users}/${uuid}`, method: 'DELETE' }),

  wire: {
    email: (email) => ({ email }),
    password: (password) => ({ password }),
    role: ({ id }) => ({ role_ids: [id] }),
    names: (first_name, last_name) => ({ first_name, last_name }),
    creation: 'RbacUserCreate',
    query: { search: 'search', pageSize: 'limit', page: { name: 'page', first: '1', second: '2' } },
    statuses: { missing: 404, encoded: 422 },
  },

  records: {
    in: (body) => body,
    shown: (person) => ({
      id: person.uuid,
      email: person.email,
      first_name: person.givenName,
      last_name: person.familyName,
      is_active: person.active,
      roles: person.roles.map(({ id, name }) => ({ id, name })),
      created_at: `${person.createdAt}Z`,
      updated_at: `${person.updatedAt}Z`,
    }),
    edit,
    creation: {
      sent: {
        email: 'lia@example.org',
        password: recordPassword,
        first_name: 'Lia Marie',
        last_name: 'Okoye',
        role_ids: [nurseRole.id, adminRole.id, plainRole.id],
      },
      makes: {
        ...barePerson,
        email: 'lia@example.org',
        name: 'Lia Marie Okoye',
        givenName: 'Lia Marie',
        familyName: 'Okoye',
        roles: [nurseRole, adminRole, plainRole],
      },
    },
    changes: [
      [{ first_name: 'Ana Sofia' }, { name: 'Ana Sofia Okoye', givenName: 'Ana Sofia' }],
      [
        { first_name: 'Eva', last_name: 'Reis' },
        { name: 'Eva Reis', givenName: 'Eva', familyName: 'Reis' },
      ],
      [{ email: 'eva@example.org' }, { email: 'eva@example.org' }],
      [{ role_ids: [nurseRole.id, plainRole.id] }, {}],
      [{ role_ids: [plainRole.id, nurseRole.id, adminRole.id] }, { roles: [plainRole, nurseRole, adminRole] }],
      [{ role_ids: [adminRole.id] }, { roles: [adminRole] }],
      [{ role_ids: [] }, { roles: [plainRole] }],
    ],
    concurrent: [[{ email: 'at.once@example.org' }, { email: 'at.once@example.org' }]],
  },

  operations: {
    rbacListUsers: {
      access: { needs: 'users:read' },
      provoke: () => ({ invalid: { path: `${users}?page=0` } }),
    },
    rbacGetUser: {
      access: { needs: 'users:read', self: 'waived' },
      provoke: ({ one }) => ({
        path: `${users}/${one.uuid}`,
        forbidden: { path: stranger },
        invalid: { path: `${users}/none` },
        notFound: { path: stranger },
      }),
    },
    rbacCreateUser: {
      access: { needs: 'users:create' },
      provoke: ({ one }) => ({
        valid: { json: newUser('odile@example.org') },
        invalid: { json: {} },
        notFound: { json: { ...newUser('odile2@example.org'), role_ids: [one.uuid] } },
        conflict: { json: newUser(one.email) },
      }),
    },
    rbacUpdateUser: {
      access: { needs: 'users:update', self: 'waived' },
      provoke: ({ one }) => ({
        path: `${users}/${one.uuid}`,
        valid: { json: { first_name: 'Another' } },
        forbidden: { path: stranger },
        invalid: { json: { is_active: 'maybe' } },
        notFound: { path: stranger },
        conflict: { json: { email: firstAdminEmail } },
      }),
    },
    rbacDeleteUser: {
      access: { needs: 'users:delete', readsReason: true },
      provoke: ({ one, adminId }) => ({
        path: `${users}/${one.uuid}`,
        invalid: { path: `${users}/none` },
        notFound: { path: stranger },
        conflict: { path: `${users}/${uuidOf(adminId)}` },
      }),
    },
    rbacLogin: {
      access: { open: true },
      provoke: ({ one }) => ({
        valid: { json: { email: one.email, password: one.password } },
        invalid: { json: {} },
        unauthorized: { json: { email: one.email, password: 'not the password' } },
      }),
    },
    rbacRefresh: {
      access: { open: true },
      provoke: ({ one }) => ({
        valid: { json: { refresh_token: one.refresh_token } },
        invalid: { json: {} },
        unauthorized: { json: { refresh_token: 'none of ours' } },
      }),
    },
    rbacLogout: {
      access: { self: 'only', key: 'never' },
      provoke: ({ apiKey }) => ({ forbidden: { token: apiKey.key } }),
    },
  },
}

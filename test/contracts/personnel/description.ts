import { barePerson, nurseRole, plainRole, recordPassword, uuidOf, type Someone } from '../../support/people'
import {
  bearerOf,
  firstAdminEmail,
  outcomeByStatus,
  refreshTokenOf,
  type ContractDescription,
  type Fields,
} from '../description'

let matricules = 700_000

const update = ({ uuid }: Pick<Someone, 'uuid'>, fields: Fields = { nom: 'Another Name' }) => ({
  path: '/personnel/users/update',
  method: 'PUT',
  json: { user_id: uuid, ...fields },
})

const newUser = { matricule: 31, nom: 'Odile Marchand', password: 'a fine passphrase', role_id: plainRole.id }

export const personnel: ContractDescription = {
  outcome: outcomeByStatus,
  session: {
    signIn: (username, password) => ({ path: '/personnel/token', form: { username, password } }),
    credential: bearerOf,
    refresh: {
      tokenOf: refreshTokenOf,
      ask: (refresh_token) => ({ path: '/personnel/token', form: { grant_type: 'refresh_token', refresh_token } }),
    },
    signOut: () => ({ path: '/personnel/logout', method: 'POST' }),
    hours: 30 * 24,
  },

  list: () => ({ path: '/personnel/users/list' }),
  read: ({ uuid }) => ({ path: `/personnel/users/${uuid}` }),
  create: (email, fields) => ({
    path: '/personnel/users/create',
    json: { ...newUser, matricule: (matricules += 1), nom: 'Somebody New', email, ...fields },
  }),
  edits: { personnelUpdateUser: update },
  setRole: [],
  deactivate: ({ uuid }) => ({ path: `/personnel/users/delete/${uuid}`, method: 'DELETE' }),

  wire: {
    email: (email) => ({ email }),
    matricule: (matricule) => ({ matricule }),
    password: (password) => ({ password }),
    role: ({ id }) => ({ role_id: id }),
    creation: 'PersonnelUserCreate',
    query: {},
    statuses: { missing: 404, encoded: 422 },
  },

  records: {
    in: (body) => body,
    shown: (person) => ({
      user_id: person.uuid,
      matricule: person.matricule,
      nom: person.name,
      email: person.email,
      password: 'password_hashed',
      role_name: person.roles[0]?.name,
      role_id: person.roles[0]?.id,
      status: person.active ? 'activated' : 'deactivated',
      timestamp: person.createdAt,
    }),
    edit: update,
    creation: {
      sent: {
        matricule: 4821,
        nom: 'Lia Marie Okoye',
        email: 'Lia@Example.org',
        password: recordPassword,
        role_id: nurseRole.id,
      },
      makes: {
        ...barePerson,
        matricule: 4821,
        name: 'Lia Marie Okoye',
        givenName: 'Lia',
        familyName: 'Marie Okoye',
        email: 'Lia@example.org',
        roles: [nurseRole],
      },
    },
    changes: [
      [{ nom: 'Ana Sofia Reis' }, { name: 'Ana Sofia Reis', givenName: 'Ana', familyName: 'Sofia Reis' }],
      [{ nom: 'Ana' }, { name: 'Ana', givenName: 'Ana', familyName: '' }],
      [{ email: 'Ana@EXAMPLE.org' }, { email: 'Ana@example.org' }],
      [{ matricule: 7 }, { matricule: 7 }],
      [{ nom: null, matricule: null, email: null, password: '' }, {}],
    ],
    concurrent: [[{ matricule: 31 }, { matricule: 31 }]],
    blankPassword: { password: '' },
  },

  operations: {
    personnelListUsers: { access: { needs: 'users:read' }, provoke: () => ({}) },
    personnelGetUser: {
      access: { needs: 'users:read', self: 'waived' },
      provoke: ({ one }) => ({
        path: `/personnel/users/${one.uuid}`,
        forbidden: { path: '/personnel/users/nobody' },
        notFound: { path: '/personnel/users/nobody' },
      }),
    },
    personnelCreateUser: {
      access: { needs: 'users:create' },
      provoke: ({ one }) => ({
        valid: { json: { ...newUser, email: 'odile@example.org' } },
        invalid: { json: {} },
        notFound: { json: { ...newUser, email: 'odile2@example.org', matricule: 32, role_id: one.uuid } },
        conflict: { json: { ...newUser, email: one.email } },
      }),
    },
    personnelUpdateUser: {
      access: { needs: 'users:update', self: 'waived' },
      provoke: ({ one }) => ({
        valid: { json: { user_id: one.uuid, nom: 'Another Name' } },
        forbidden: { json: { user_id: 'nobody' } },
        invalid: { json: { user_id: one.uuid, nom: ' ' } },
        notFound: { json: { user_id: 'nobody' } },
        conflict: { json: { user_id: one.uuid, email: firstAdminEmail } },
      }),
    },
    personnelDeactivateUser: {
      access: { needs: 'users:deactivate' },
      provoke: ({ one, adminId }) => ({
        path: `/personnel/users/delete/${one.uuid}`,
        notFound: { path: '/personnel/users/delete/nobody' },
        conflict: { path: `/personnel/users/delete/${uuidOf(adminId)}` },
      }),
    },
    personnelToken: {
      access: { open: true },
      provoke: ({ one }) => ({
        valid: { form: { username: one.email, password: one.password } },
        invalid: { form: {} },
        unauthorized: { form: { username: one.email, password: 'not the password' } },
      }),
    },
    personnelLogout: {
      access: { self: 'only', key: 'never' },
      provoke: ({ apiKey }) => ({ forbidden: { token: apiKey.key } }),
    },
  },
}

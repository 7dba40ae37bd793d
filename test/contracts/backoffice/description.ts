import { adminRole, barePerson, nurseRole, recordPassword, type Someone } from '../../support/people'
import { outcomeByStatus, type ContractDescription, type Fields } from '../description'

const users = '/backoffice/api/v1/users'

const edit = ({ number }: Pick<Someone, 'number'>, fields: Fields = { first_name: 'Another' }) => ({
  path: `${users}/${number}`,
  method: 'PUT',
  json: fields,
})

const withPassword = (password: string) => ({ password, password_confirmation: password })

const newUser = (email: string) => ({
  username: email,
  email,
  first_name: 'Odile',
  last_name: 'Marchand',
  gender: 'female',
  birthday: '1990-01-01',
  ...withPassword('a fine passphrase'),
})

export const backoffice: ContractDescription = {
  outcome: outcomeByStatus,
  session: {
    signIn: (username, password) => ({ path: '/backoffice/api/login', json: { username, password } }),
    credential: ({ body }) => ({ token: String(body.data.token) }),
    signOut: () => ({ path: '/backoffice/api/logout', method: 'POST' }),
    hours: 12,
  },

  list: () => ({ path: users }),
  read: ({ number }) => ({ path: `${users}/${number}` }),
  create: (email, fields) => ({
    path: users,
    json: { ...newUser(email), first_name: 'Somebody', last_name: 'New', ...fields },
  }),
  edits: { backofficeUpdateUser: edit },
  setRole: [(user, { number }) => edit(user, { role_id: number })],
  deactivate: (user) => edit(user, { user_status: 'inactive' }),
  activate: (user) => edit(user, { user_status: 'active' }),
  delete: ({ number }) => ({ path: `${users}/${number}`, method: 'DELETE' }),

  wire: {
    email: (email) => ({ email }),
    username: (username) => ({ username }),
    password: withPassword,
    role: ({ number }) => ({ role_id: number }),
    names: (first_name, last_name) => ({ first_name, last_name }),
    creation: 'BackofficeUserCreate',
    query: {
      search: 'search',
      pageSize: 'per_page',
      page: { name: 'page', first: '1', second: '2' },
      others: { role_id: ['2'] },
    },
    statuses: { missing: 404, encoded: 415 },
  },

  records: {
    in: (body) => body.data,
    shown: (person) => ({
      user_id: person.number,
      username: person.username ?? person.email,
      first_name: person.givenName,
      last_name: person.familyName,
      email: person.email,
      gender: person.gender === 'unknown' ? null : person.gender,
      birthday: person.birthdate,
      country_id: person.countryId,
      user_status: person.active ? 'active' : 'inactive',
      role_id: person.roles[0]?.number,
    }),
    edit,
    creation: {
      sent: {
        username: 'lia',
        email: 'lia@example.org',
        ...withPassword(recordPassword),
        first_name: 'Lia',
        last_name: 'Okoye',
        gender: 'female',
        birthday: '1980-07-08',
        country_id: 620,
        role_id: nurseRole.number,
      },
      makes: {
        ...barePerson,
        username: 'lia',
        name: 'Lia Okoye',
        givenName: 'Lia',
        familyName: 'Okoye',
        email: 'lia@example.org',
        birthdate: '1980-07-08',
        gender: 'female',
        countryId: 620,
        roles: [nurseRole],
      },
    },
    changes: [
      [{ first_name: 'Ana' }, { name: 'Ana Okoye', givenName: 'Ana' }],
      [
        { first_name: 'Eva', last_name: 'Reis' },
        { name: 'Eva Reis', givenName: 'Eva', familyName: 'Reis' },
      ],
      [
        { email: 'eva@example.org', username: 'eva' },
        { email: 'eva@example.org', username: 'eva' },
      ],
      [
        { gender: 'male', birthday: '2000-02-29' },
        { gender: 'male', birthdate: '2000-02-29' },
      ],
      [{ country_id: 1 }, { countryId: 1 }],
      [{ country_id: null }, { countryId: null }],
      [{ role_id: nurseRole.number }, {}],
      [{ role_id: adminRole.number }, { roles: [adminRole] }],
      [{ username: 'eva@example.org' }, { username: null }],
    ],
    concurrent: [[{ country_id: 1 }, { countryId: 1 }]],
    blankPassword: { password: '', password_confirmation: '' },
  },

  operations: {
    backofficeListUsers: {
      access: { needs: 'users:read' },
      provoke: () => ({ invalid: { path: `${users}?status=none` } }),
    },
    backofficeGetUser: {
      access: { needs: 'users:read' },
      provoke: () => ({ path: `${users}/2`, notFound: { path: `${users}/0` } }),
    },
    backofficeCreateUser: {
      access: { needs: 'users:create' },
      provoke: ({ one }) => ({
        valid: { json: newUser('odile@example.org') },
        invalid: { json: newUser(one.email) },
      }),
    },
    backofficeUpdateUser: {
      access: { needs: 'users:update' },
      provoke: () => ({
        path: `${users}/2`,
        valid: { json: { first_name: 'Another' } },
        invalid: { json: { gender: 'none' } },
        notFound: { path: `${users}/0` },
        conflict: { path: `${users}/1`, json: { user_status: 'inactive' } },
      }),
    },
    backofficeDeleteUser: {
      access: { needs: 'users:delete', readsReason: true },
      provoke: ({ deputy }) => ({
        path: `${users}/2`,
        notFound: { path: `${users}/0` },
        conflict: { path: `${users}/1`, token: deputy },
      }),
    },
    backofficeLogin: {
      access: { open: true },
      provoke: ({ one }) => ({
        valid: { json: { username: one.email, password: one.password } },
        invalid: { json: {} },
        unauthorized: { json: { username: one.email, password: 'not the password' } },
      }),
    },
    backofficeLogout: {
      access: { self: 'only', key: 'never' },
      provoke: ({ apiKey }) => ({ forbidden: { token: apiKey.key } }),
    },
  },
}

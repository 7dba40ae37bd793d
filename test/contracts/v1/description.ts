import { adminRole, barePerson, hex, nurseRole, recordPassword, v1Path, type Someone } from '../../support/people'
import { bearerOf, outcomeByStatus, refreshTokenOf, type ContractDescription, type Fields } from '../description'
import { operations } from './operations'

const anotherName = { name: 'Another Name' }
const patch = (user: Someone, fields: Fields = anotherName) => ({ path: v1Path(user), method: 'PATCH', json: fields })
const put = (user: Someone, fields: Fields = anotherName) => ({ path: v1Path(user), method: 'PUT', json: fields })

export const v1: ContractDescription = {
  outcome: outcomeByStatus,
  session: {
    signIn: (identifier, password) => ({ path: '/v1/auth/login', json: { identifier, password } }),
    credential: bearerOf,
    refresh: {
      tokenOf: refreshTokenOf,
      ask: (refresh_token) => ({ path: '/v1/auth/refresh', json: { refresh_token } }),
    },
    signOut: () => ({ path: '/v1/auth/logout', method: 'POST' }),
    hours: 30 * 24,
  },

  list: () => ({ path: '/v1/users' }),
  read: (user) => ({ path: v1Path(user) }),
  create: (email, fields) => ({
    path: '/v1/users',
    json: { email, name: 'Somebody New', password: 'a fine passphrase', ...fields },
  }),
  edits: {
    v1PatchUser: patch,
    v1PutUser: put,
    v1PatchMe: (_, fields = anotherName) => ({ path: '/v1/me', method: 'PATCH', json: fields }),
  },
  setRole: [
    (user, { name }) => patch(user, { role: name }),
    (user, { name }) => ({ path: `${v1Path(user)}/roles`, method: 'PUT', json: { roles: [name] } }),
  ],
  deactivate: (user) => ({ path: `${v1Path(user)}/deactivate`, method: 'POST' }),
  activate: (user) => ({ path: `${v1Path(user)}/activate`, method: 'POST' }),
  delete: (user) => ({ path: v1Path(user), method: 'DELETE' }),

  wire: {
    email: (email) => ({ email }),
    username: (username) => ({ username }),
    matricule: (matricule) => ({ matricule }),
    password: (password) => ({ password }),
    role: ({ name }) => ({ role: name }),
    names: (first_name, last_name) => ({ first_name, last_name }),
    creation: 'V1UserCreate',
    query: {
      search: 'search',
      pageSize: 'limit',
      cursor: 'cursor',
      others: {
        role: ['user'],
        group: ['contract', 'contract,operation,principal,program,day'],
        since: ['2026-01-01'],
      },
    },
    statuses: { missing: 404, encoded: 415 },
  },

  records: {
    in: (body) => body,
    shown: (person) => ({
      id: `usr_${hex(person.uuid)}`,
      email: person.email,
      name: person.name,
      created_at: `${person.createdAt}Z`,
      updated_at: `${person.updatedAt}Z`,
      status: person.active ? 'active' : 'inactive',
      role: person.roles[0]?.name,
      username: person.username,
      matricule: person.matricule,
      first_name: person.givenName,
      last_name: person.familyName,
      birth_date: person.birthdate,
      gender: person.gender,
      phone: person.phone,
      mobile: person.mobile,
      certified_email: person.certifiedEmail,
      user_type: person.userType,
      is_staff: person.isStaff,
      country_id: person.countryId,
      roles: person.roles.map(({ id, name }) => ({ id, name })),
    }),
    edit: put,
    creation: {
      sent: {
        email: 'lia@example.org',
        name: 'Dr Lia M. Okoye',
        first_name: 'Lia',
        last_name: 'Okoye',
        password: recordPassword,
        username: 'lia',
        matricule: 4821,
        birth_date: '1980-07-08',
        gender: 'female',
        phone: '+351 21 000 000',
        mobile: '+351 91 000 000',
        certified_email: 'lia@certified.example',
        user_type: 'student',
        is_staff: true,
        country_id: 620,
        role: nurseRole.name,
      },
      makes: {
        ...barePerson,
        email: 'lia@example.org',
        name: 'Dr Lia M. Okoye',
        givenName: 'Lia',
        familyName: 'Okoye',
        username: 'lia',
        matricule: 4821,
        birthdate: '1980-07-08',
        gender: 'female',
        phone: '+351 21 000 000',
        mobile: '+351 91 000 000',
        certifiedEmail: 'lia@certified.example',
        userType: 'student',
        isStaff: true,
        countryId: 620,
        roles: [nurseRole],
      },
    },
    changes: [
      [{ name: 'Ana Sofia Reis' }, { name: 'Ana Sofia Reis', givenName: 'Ana', familyName: 'Sofia Reis' }],
      [{ first_name: 'Eva' }, { name: 'Eva Sofia Reis', givenName: 'Eva' }],
      [
        { name: 'Dr Reis', last_name: 'Reis' },
        { name: 'Dr Reis', familyName: 'Reis' },
      ],
      [
        { email: 'ana@example.org', username: 'ana', matricule: 0 },
        { email: 'ana@example.org', username: 'ana', matricule: 0 },
      ],
      [
        { username: null, matricule: null },
        { username: null, matricule: null },
      ],
      [
        { birth_date: '2000-02-29', gender: 'male' },
        { birthdate: '2000-02-29', gender: 'male' },
      ],
      [
        { birth_date: null, gender: null },
        { birthdate: null, gender: null },
      ],
      [
        { phone: '1', mobile: '2', certified_email: 'a@b.example' },
        { phone: '1', mobile: '2', certifiedEmail: 'a@b.example' },
      ],
      [
        { phone: null, mobile: null, certified_email: null },
        { phone: null, mobile: null, certifiedEmail: null },
      ],
      [
        { user_type: 'administrative', is_staff: false, country_id: 1 },
        { userType: 'administrative', isStaff: false, countryId: 1 },
      ],
      [
        { user_type: null, country_id: null },
        { userType: null, countryId: null },
      ],
      [{ gender: 'unknown' }, { gender: 'unknown' }],
      [{ role: nurseRole.name }, {}],
      [{ role: adminRole.name }, { roles: [adminRole] }],
    ],
    concurrent: [
      [{ phone: '1' }, { phone: '1' }],
      [{ is_staff: false }, { isStaff: false }],
    ],
  },

  operations,
}

import { adminRole, barePerson, hex, nurseRole, plainRole, recordPassword, type Someone } from '../../support/people'
import { firstAdminEmail, outcomeByStatus, type ContractDescription, type Fields } from '../description'

const user = '/clinic/users/user'
const names = { first_name: 'Another', last_name: 'Name', user_type: 'CL', gender: 'F' }

/** Without a record, sends one for a user without a type, because users may not set their own. */
const edit = (
  { number, email, isAdmin = false }: Pick<Someone, 'number' | 'email' | 'isAdmin'>,
  fields: Fields = {},
  record: Fields = { username: email, email, ...names, user_type: null, is_active: true, is_admin: isAdmin },
) => ({ path: `${user}/${number}/edit/`, json: { ...record, ...fields } })

/** The required fields, and the flag that keeps an edited user active. */
const newUser = (username: string) => ({
  username,
  first_name: 'Odile',
  last_name: 'Marchand',
  email: `${username}@clinic.example`,
  user_type: 'CL',
  gender: 'F',
  is_active: true,
})

const hasWordFor = (role: number) => [plainRole.number, adminRole.number].includes(role)

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

function shownDate(date: string): string {
  const [year, month, day] = date.split('-')
  return `${day} ${months[Number(month) - 1]} ${year}`
}

const genders = {
  male: { key: 'M', value: 'Male' },
  female: { key: 'F', value: 'Female' },
  unknown: { key: 'U', value: 'Unknown' },
}
const userTypes = {
  administrative: { key: 'AD', value: 'Administrative' },
  technician: { key: 'TE', value: 'Technician' },
  clinician: { key: 'CL', value: 'Clinician' },
  student: { key: 'ST', value: 'Student' },
}

export const clinic: ContractDescription = {
  outcome: ({ status, body }) => {
    if (status !== 200 || body.success || 'data' in body) return outcomeByStatus({ status })
    return body.errors === 'Invalid login.' ? 'unauthenticated' : 'refused'
  },
  session: {
    signIn: (username, password) => ({ path: `${user}/login/`, form: { username, password } }),
    credential: ({ headers }) => ({
      headers: { cookie: String(headers.get('set-cookie')).split(';')[0] ?? '' },
      only: 'clinic',
    }),
    signOut: () => ({ path: `${user}/logout/` }),
    hours: 14 * 24,
  },

  list: () => ({ path: `${user}/search/?query_string=` }),
  read: ({ number }) => ({ path: `${user}/${number}/get_user_info/` }),
  create: (email, fields) => ({
    path: `${user}/new/`,
    json: { username: email, email, ...names, password: 'a fine passphrase', ...fields },
  }),
  edits: { clinicEditUser: edit },
  replacesRecord: true,
  setRole: [
    (one, { number }) => (hasWordFor(number) ? edit(one, { is_admin: number === adminRole.number }) : undefined),
  ],
  keepsOwnRoles: true,
  deactivate: ({ number }) => ({ path: `${user}/${number}/deactivate/`, method: 'POST' }),
  activate: ({ number }) => ({ path: `${user}/${number}/activate/`, method: 'POST' }),

  wire: {
    email: (email) => ({ email }),
    username: (username) => ({ username }),
    password: (password) => ({ password }),
    role: ({ number }) => (hasWordFor(number) ? { is_admin: number === adminRole.number } : undefined),
    names: (first_name, last_name) => ({ first_name, last_name }),
    creation: 'ClinicUserCreate',
    query: { search: 'query_string' },
    statuses: { missing: 200, encoded: 200 },
  },

  records: {
    in: (body) => body.data,
    shown: (person) => ({
      id: String(person.number),
      uid: hex(person.uuid),
      username: person.username ?? person.email,
      first_name: person.givenName,
      last_name: person.familyName,
      email: person.email,
      birth_date: person.birthdate && shownDate(person.birthdate),
      is_staff: person.isStaff,
      is_active: person.active,
      is_admin: person.roles.some(({ name }) => name === 'admin'),
      user_type: person.userType && userTypes[person.userType],
      gender: person.gender && genders[person.gender],
      phone: person.phone,
      mobile: person.mobile,
      certified_email: person.certifiedEmail,
    }),
    edit,
    creation: {
      sent: {
        username: 'lia',
        first_name: 'Lia',
        last_name: 'Okoye',
        email: 'lia@example.org',
        birth_date: '07/08/1980',
        is_active: false,
        is_admin: true,
        user_type: 'TE',
        gender: 'F',
        phone: '+351 21 000 000',
        mobile: '+351 91 000 000',
        certified_email: 'lia@certified.example',
        password: recordPassword,
        numeric_password: '4821',
      },
      makes: {
        ...barePerson,
        username: 'lia',
        name: 'Lia Okoye',
        givenName: 'Lia',
        familyName: 'Okoye',
        email: 'lia@example.org',
        birthdate: '1980-07-08',
        isStaff: true,
        active: false,
        roles: [adminRole],
        userType: 'technician',
        gender: 'female',
        phone: '+351 21 000 000',
        mobile: '+351 91 000 000',
        certifiedEmail: 'lia@certified.example',
      },
    },
    changes: [
      [{ first_name: 'Ana' }, { name: 'Ana Okoye', givenName: 'Ana' }],
      [
        { last_name: 'Reis', username: 'ana' },
        { name: 'Ana Reis', familyName: 'Reis', username: 'ana' },
      ],
      [{ email: 'ana@example.org' }, { email: 'ana@example.org' }],
      [
        { birth_date: '29 Feb 2000', gender: 'M' },
        { birthdate: '2000-02-29', gender: 'male' },
      ],
      [
        { birth_date: '', gender: 'U' },
        { birthdate: null, gender: 'unknown' },
      ],
      [
        { phone: '1', mobile: '2', certified_email: 'a@b.example' },
        { phone: '1', mobile: '2', certifiedEmail: 'a@b.example' },
      ],
      [
        { phone: '', mobile: null, certified_email: '' },
        { phone: null, mobile: null, certifiedEmail: null },
      ],
      [
        { user_type: 'AD', is_staff: false },
        { userType: 'administrative', isStaff: false },
      ],
      [{ is_admin: true }, { roles: [adminRole, nurseRole, plainRole] }],
      [{ is_admin: false }, { roles: [nurseRole, plainRole] }],
      [{ is_active: false }, { active: false }],
      [{ username: 'ana@example.org' }, { username: null }],
    ],
    blankPassword: { password: '' },
  },

  operations: {
    clinicCreateUser: {
      access: { needs: 'users:create' },
      provoke: ({ one }) => ({
        valid: { json: newUser('odile') },
        invalid: { json: {} },
        conflict: { json: { ...newUser('odile2'), email: one.email } },
      }),
    },
    clinicLogin: {
      access: { open: true },
      provoke: ({ one }) => ({
        valid: { form: { username: one.email, password: one.password } },
        invalid: { form: {} },
        unauthorized: { form: { username: one.email, password: 'not the password' } },
        others: [{ headers: { 'sec-fetch-site': 'cross-site' } }],
      }),
    },
    clinicLogout: {
      access: { self: 'only', key: 'never', writes: true },
      provoke: ({ apiKey }) => ({ forbidden: { token: apiKey.key } }),
    },
    clinicGetUser: {
      access: { needs: 'users:read', self: 'waived' },
      provoke: () => ({
        path: `${user}/2/get_user_info/`,
        forbidden: { path: `${user}/999/get_user_info/` },
        notFound: { path: `${user}/999/get_user_info/` },
        others: [{ path: `${user}/odile/get_user_info/` }],
      }),
    },
    clinicSearchUsers: {
      access: { needs: 'users:read' },
      provoke: () => ({
        path: `${user}/search/?query_string=person`,
        invalid: { path: `${user}/search/` },
        notFound: { path: `${user}/search/?query_string=nobody` },
      }),
    },
    clinicEditUser: {
      access: { needs: 'users:update', self: 'waived' },
      provoke: () => ({
        path: `${user}/2/edit/`,
        valid: { json: newUser('odile') },
        forbidden: { path: `${user}/1/edit/` },
        invalid: { json: {} },
        notFound: { path: `${user}/999/edit/` },
        conflict: { json: { ...newUser('odile'), email: firstAdminEmail } },
        others: [{ path: `${user}/odile/edit/` }],
      }),
    },
    clinicDeactivateUser: {
      access: { needs: 'users:deactivate' },
      provoke: () => ({
        path: `${user}/2/deactivate/`,
        notFound: { path: `${user}/odile/deactivate/` },
        conflict: { path: `${user}/1/deactivate/` },
      }),
    },
    clinicActivateUser: {
      access: { needs: 'users:deactivate' },
      provoke: () => ({
        path: `${user}/2/activate/`,
        notFound: { path: `${user}/odile/activate/` },
        others: [{ path: `${user}/999/activate/` }],
      }),
    },
  },
}

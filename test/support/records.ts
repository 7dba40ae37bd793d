/** The five contracts as their clients use them, and what each shows of one and the same person. */
import { call, type Answer, type Call } from './usher'

export const contracts = ['personnel', 'v1', 'rbac', 'clinic', 'backoffice'] as const
export type Contract = (typeof contracts)[number]

/** Times are UTC, to the second, without a zone. */
export interface Person {
  uuid: string
  number: number
  matricule: number | null
  username: string | null
  email: string
  name: string
  givenName: string
  familyName: string
  birthdate: string | null
  gender: 'male' | 'female' | 'unknown' | null
  phone: string | null
  mobile: string | null
  certifiedEmail: string | null
  userType: 'administrative' | 'technician' | 'clinician' | 'student' | null
  isStaff: boolean
  countryId: number | null
  roles: readonly { id: string; number: number; name: string }[]
  active: boolean
  createdAt: string
  updatedAt: string
}

const hex = (uuid: string) => uuid.replaceAll('-', '')
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
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

function inClinic(date: string): string {
  const [year, month, day] = date.split('-')
  return `${day} ${months[Number(month) - 1]} ${year}`
}

/** The whole record of a person in each contract, as the specification has it. */
export const shown: Record<Contract, (person: Person) => object> = {
  personnel: (person) => ({
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
  v1: (person) => ({
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
  rbac: (person) => ({
    id: person.uuid,
    email: person.email,
    first_name: person.givenName,
    last_name: person.familyName,
    is_active: person.active,
    roles: person.roles.map(({ id, name }) => ({ id, name })),
    created_at: `${person.createdAt}Z`,
    updated_at: `${person.updatedAt}Z`,
  }),
  clinic: (person) => ({
    id: String(person.number),
    uid: hex(person.uuid),
    username: person.username ?? person.email,
    first_name: person.givenName,
    last_name: person.familyName,
    email: person.email,
    birth_date: person.birthdate && inClinic(person.birthdate),
    is_staff: person.isStaff,
    is_active: person.active,
    is_admin: person.roles.some(({ name }) => name === 'admin'),
    user_type: person.userType && userTypes[person.userType],
    gender: person.gender && genders[person.gender],
    phone: person.phone,
    mobile: person.mobile,
    certified_email: person.certifiedEmail,
  }),
  backoffice: (person) => ({
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
}

type Ids = Pick<Person, 'uuid' | 'number'>
type Act = (token: string, ids: Ids) => Promise<Answer>
type Send = (token: string, ids: Ids, json: object) => Promise<Answer>

interface Ways {
  read: Act
  /** The record in what `read`, `create` and `update` answer. */
  recordIn: (body: any) => any
  create: (token: string, json: object) => Promise<Answer>
  update: Send
  /** Absent where the contract cannot. */
  deactivate: Act
  reactivate?: Act
  remove?: Act
  /** The credential of a new session. */
  signIn: (identifier: string, password: string) => Promise<Call>
  signOut: (credential: Call) => Promise<Answer>
}

const asJson = (method: string, path: string, token: string, json: object) => call(path, { method, token, json })
const asTold = (method: string, path: string, token: string) => call(path, { method, token })
const whole = (body: any) => body
const data = (body: any) => body.data

const paths = {
  personnel: ({ uuid }: Ids) => `/personnel/users/${uuid}`,
  v1: ({ uuid }: Ids) => `/v1/users/usr_${hex(uuid)}`,
  rbac: ({ uuid }: Ids) => `/rbac/api/v1/users/${uuid}`,
  clinic: ({ number }: Ids, action: string) => `/clinic/users/user/${number}/${action}/`,
  backoffice: ({ number }: Ids) => `/backoffice/api/v1/users/${number}`,
}

/** How each contract's clients do what it can do. */
export const ways: Record<Contract, Ways> = {
  personnel: {
    read: (token, ids) => asTold('GET', paths.personnel(ids), token),
    recordIn: whole,
    create: (token, json) => asJson('POST', '/personnel/users/create', token, json),
    update: (token, { uuid }, json) => asJson('PUT', '/personnel/users/update', token, { user_id: uuid, ...json }),
    deactivate: (token, { uuid }) => asTold('DELETE', `/personnel/users/delete/${uuid}`, token),
    async signIn(username, password) {
      const { body } = await call('/personnel/token', { form: { username, password } })
      return { token: body.access_token }
    },
    signOut: (credential) => call('/personnel/logout', { method: 'POST', ...credential }),
  },
  v1: {
    read: (token, ids) => asTold('GET', paths.v1(ids), token),
    recordIn: whole,
    create: (token, json) => asJson('POST', '/v1/users', token, json),
    update: (token, ids, json) => asJson('PUT', paths.v1(ids), token, json),
    deactivate: (token, ids) => asTold('POST', `${paths.v1(ids)}/deactivate`, token),
    reactivate: (token, ids) => asTold('POST', `${paths.v1(ids)}/activate`, token),
    remove: (token, ids) => asTold('DELETE', paths.v1(ids), token),
    async signIn(identifier, password) {
      const { body } = await call('/v1/auth/login', { json: { identifier, password } })
      return { token: body.access_token }
    },
    signOut: (credential) => call('/v1/auth/logout', { method: 'POST', ...credential }),
  },
  rbac: {
    read: (token, ids) => asTold('GET', paths.rbac(ids), token),
    recordIn: whole,
    create: (token, json) => asJson('POST', '/rbac/api/v1/users', token, json),
    update: (token, ids, json) => asJson('PUT', paths.rbac(ids), token, json),
    deactivate: (token, ids) => asJson('PUT', paths.rbac(ids), token, { is_active: false }),
    reactivate: (token, ids) => asJson('PUT', paths.rbac(ids), token, { is_active: true }),
    remove: (token, ids) => asTold('DELETE', paths.rbac(ids), token),
    async signIn(email, password) {
      const { body } = await call('/rbac/api/v1/auth/login', { json: { email, password } })
      return { token: body.access_token }
    },
    signOut: (credential) => call('/rbac/api/v1/auth/logout', { method: 'POST', ...credential }),
  },
  clinic: {
    read: (token, ids) => asTold('GET', paths.clinic(ids, 'get_user_info'), token),
    recordIn: data,
    create: (token, json) => asJson('POST', '/clinic/users/user/new/', token, json),
    // Its form replaces the record: its clients send all of it, with what was edited.
    async update(token, ids, json) {
      const { body } = await call(paths.clinic(ids, 'get_user_info'), { token })
      return asJson('POST', paths.clinic(ids, 'edit'), token, { ...body.data, ...json })
    },
    deactivate: (token, ids) => asTold('POST', paths.clinic(ids, 'deactivate'), token),
    reactivate: (token, ids) => asTold('POST', paths.clinic(ids, 'activate'), token),
    async signIn(username, password) {
      const { headers } = await call('/clinic/users/user/login/', { form: { username, password } })
      return { headers: { cookie: headers.get('set-cookie')?.split(';')[0] ?? '' } }
    },
    signOut: (credential) => call('/clinic/users/user/logout/', credential),
  },
  backoffice: {
    read: (token, ids) => asTold('GET', paths.backoffice(ids), token),
    recordIn: data,
    create: (token, json) => asJson('POST', '/backoffice/api/v1/users', token, json),
    update: (token, ids, json) => asJson('PUT', paths.backoffice(ids), token, json),
    deactivate: (token, ids) => asJson('PUT', paths.backoffice(ids), token, { user_status: 'inactive' }),
    reactivate: (token, ids) => asJson('PUT', paths.backoffice(ids), token, { user_status: 'active' }),
    remove: (token, ids) => asTold('DELETE', paths.backoffice(ids), token),
    async signIn(username, password) {
      const { body } = await call('/backoffice/api/login', { json: { username, password } })
      return { token: body.data.token }
    },
    signOut: (credential) => call('/backoffice/api/logout', { method: 'POST', ...credential }),
  },
}

/** People and roles for the suites. Nothing here needs the Worker's runtime. */

/** A user, with every identifier by which a contract may name them. */
export interface Someone {
  uuid: string
  number: number
  email: string
  password: string
  /** Sent where a contract replaces the whole record. Without it the role would be removed. */
  isAdmin?: boolean
}

export interface Role {
  id: string
  number: number
  name: string
}

export const roleIds = {
  admin: '019a0000-0000-7000-8000-000000000001',
  user: '019a0000-0000-7000-8000-000000000002',
}

export const plainRole: Role = { id: roleIds.user, number: 2, name: 'user' }
export const adminRole: Role = { id: roleIds.admin, number: 1, name: 'admin' }
/** A role that the record suites create. */
export const nurseRole: Role = { id: '7c9e6a14-3f52-4b0d-8a61-5e2d90b7f3c8', number: 31, name: 'nurse' }

/** A user who does not exist. */
export const nobody: Someone = { uuid: plainRole.id, number: 0, email: 'nobody@example.org', password: '' }

/** A whole record in the core's field names. Times are UTC, to the second, without a zone. */
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
  roles: readonly Role[]
  active: boolean
  createdAt: string
  updatedAt: string
}

/** The times at which the record suites create and change people. */
export const [createdAt, changedAt] = ['2031-02-03T04:05:06', '2031-02-03T04:06:06']

export const recordPassword = 'uma frase comprida'

/** The values that a contract stores when it receives only the required fields. */
export const barePerson = {
  matricule: null,
  username: null,
  birthdate: null,
  gender: null,
  phone: null,
  mobile: null,
  certifiedEmail: null,
  userType: null,
  isStaff: false,
  countryId: null,
  roles: [plainRole],
  active: true,
  createdAt,
  updatedAt: createdAt,
} satisfies Partial<Person>

export const hex = (uuid: string) => uuid.replaceAll('-', '')

/** The uuid behind `usr_…`. */
export function uuidOf(id: string): string {
  return id.replace(/^usr_(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** The path of a user in v1. */
export const v1Path = ({ uuid }: Pick<Someone, 'uuid'>) => `/v1/users/usr_${hex(uuid)}`

/** A uuid that no user has, and its form in v1. */
export const strangerUuid = '019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66'
export const strangerId = `usr_${hex(strangerUuid)}`

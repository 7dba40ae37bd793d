/** What the suites must know of each contract beside its document: how the same few things are done through it, and what it answers. */
import { operationsOf, type OpenApi } from './conformance'
import type { Answer, Call } from './usher'

export type Ask = Call & { path: string }

/** What became of a request, in whatever way its contract says so. */
export type Outcome = 'done' | 'unauthenticated' | 'forbidden' | 'refused' | 'too_large' | 'limited' | 'unavailable'

/** Somebody, by everything a contract may name them by. */
export interface Someone {
  uuid: string
  number: number
  email: string
  password: string
  /** Said where a whole record is sent, which would take the role away. */
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

/** Fields in the contract's own names. */
type Fields = Record<string, unknown>
type Edit = (one: Someone, fields?: Fields) => Ask

export interface ContractActs {
  outcome: (answer: Pick<Answer, 'status' | 'body'>) => Outcome
  signIn: (identifier: string, password: string) => Ask
  /** What a client sends once it is signed in; `only` where no other contract knows it. */
  credential: (answer: Answer) => Pick<Call, 'token' | 'headers'> & { only?: string }
  refresh?: { tokenOf: (answer: Answer) => string; ask: (token: string) => Ask }
  signOut: () => Ask
  list: () => Ask
  read: (one: Someone) => Ask
  /** A person of this email who holds the default role, unless `fields` say otherwise. */
  create: (email: string, fields?: Fields) => Ask
  /** The field of `create` that gives a role; undefined for a role that the contract has no word for. */
  withRole: (role: Role) => Fields | undefined
  /** Every operation that changes fields of a user, by its operationId; without `fields`, of their name. */
  edits: Record<string, Edit>
  /** The fields of an edit that set a password. */
  withPassword: (password: string) => Fields
  /** Each way to give `role` in place of all others; undefined for a role that the contract has no word for. */
  setRole: ((one: Someone, role: Role) => Ask | undefined)[]
  /** One's own roles stay as they are, whatever is sent. */
  keepsOwnRoles?: true
  deactivate: (one: Someone) => Ask
  activate?: (one: Someone) => Ask
  delete?: (one: Someone) => Ask
}

/** Where the status of the answer tells. */
function byStatus({ status }: Pick<Answer, 'status'>): Outcome {
  if (status < 400) return 'done'
  if (status >= 500) return 'unavailable'
  const told: Record<number, Outcome> = { 401: 'unauthenticated', 403: 'forbidden', 413: 'too_large', 429: 'limited' }
  return told[status] ?? 'refused'
}

const bearer = (answer: Answer) => ({ token: String(answer.body.access_token) })
const refreshTokenOf = (answer: Answer) => String(answer.body.refresh_token)

let matricules = 700_000

const personnel: ContractActs = {
  outcome: byStatus,
  signIn: (username, password) => ({ path: '/personnel/token', form: { username, password } }),
  credential: bearer,
  refresh: {
    tokenOf: refreshTokenOf,
    ask: (refresh_token) => ({ path: '/personnel/token', form: { grant_type: 'refresh_token', refresh_token } }),
  },
  signOut: () => ({ path: '/personnel/logout', method: 'POST' }),
  list: () => ({ path: '/personnel/users/list' }),
  read: ({ uuid }) => ({ path: `/personnel/users/${uuid}` }),
  create: (email, fields) => ({
    path: '/personnel/users/create',
    json: {
      matricule: (matricules += 1),
      nom: 'Somebody New',
      email,
      password: 'a fine passphrase',
      role_id: roleIds.user,
      ...fields,
    },
  }),
  withRole: ({ id }) => ({ role_id: id }),
  edits: {
    personnelUpdateUser: ({ uuid }, fields = { nom: 'Another Name' }) => ({
      path: '/personnel/users/update',
      method: 'PUT',
      json: { user_id: uuid, ...fields },
    }),
  },
  withPassword: (password) => ({ password }),
  setRole: [],
  deactivate: ({ uuid }) => ({ path: `/personnel/users/delete/${uuid}`, method: 'DELETE' }),
}

/** Where v1 has somebody. */
export const v1Path = ({ uuid }: Pick<Someone, 'uuid'>) => `/v1/users/usr_${uuid.replaceAll('-', '')}`
const anotherName = { name: 'Another Name' }

const v1: ContractActs = {
  outcome: byStatus,
  signIn: (identifier, password) => ({ path: '/v1/auth/login', json: { identifier, password } }),
  credential: bearer,
  refresh: {
    tokenOf: refreshTokenOf,
    ask: (refresh_token) => ({ path: '/v1/auth/refresh', json: { refresh_token } }),
  },
  signOut: () => ({ path: '/v1/auth/logout', method: 'POST' }),
  list: () => ({ path: '/v1/users' }),
  read: (one) => ({ path: v1Path(one) }),
  create: (email, fields) => ({
    path: '/v1/users',
    json: { email, name: 'Somebody New', password: 'a fine passphrase', ...fields },
  }),
  withRole: ({ name }) => ({ role: name }),
  edits: {
    v1PatchUser: (one, fields = anotherName) => ({ path: v1Path(one), method: 'PATCH', json: fields }),
    v1PutUser: (one, fields = anotherName) => ({ path: v1Path(one), method: 'PUT', json: fields }),
    v1PatchMe: (_, fields = anotherName) => ({ path: '/v1/me', method: 'PATCH', json: fields }),
  },
  withPassword: (password) => ({ password }),
  setRole: [
    (one, { name }) => ({ path: v1Path(one), method: 'PATCH', json: { role: name } }),
    (one, { name }) => ({ path: `${v1Path(one)}/roles`, method: 'PUT', json: { roles: [name] } }),
  ],
  deactivate: (one) => ({ path: `${v1Path(one)}/deactivate`, method: 'POST' }),
  activate: (one) => ({ path: `${v1Path(one)}/activate`, method: 'POST' }),
  delete: (one) => ({ path: v1Path(one), method: 'DELETE' }),
}

const rbacUsers = '/rbac/api/v1/users'
const rbacEdit = ({ uuid }: Someone, fields: Fields): Ask => ({
  path: `${rbacUsers}/${uuid}`,
  method: 'PUT',
  json: fields,
})

const rbac: ContractActs = {
  outcome: byStatus,
  signIn: (email, password) => ({ path: '/rbac/api/v1/auth/login', json: { email, password } }),
  credential: bearer,
  refresh: {
    tokenOf: refreshTokenOf,
    ask: (refresh_token) => ({ path: '/rbac/api/v1/auth/refresh', json: { refresh_token } }),
  },
  signOut: () => ({ path: '/rbac/api/v1/auth/logout', method: 'POST' }),
  list: () => ({ path: rbacUsers }),
  read: ({ uuid }) => ({ path: `${rbacUsers}/${uuid}` }),
  create: (email, fields) => ({
    path: rbacUsers,
    json: { email, password: 'a fine passphrase', first_name: 'Somebody', last_name: 'New', ...fields },
  }),
  withRole: ({ id }) => ({ role_ids: [id] }),
  edits: { rbacUpdateUser: (one, fields = { first_name: 'Another' }) => rbacEdit(one, fields) },
  withPassword: (password) => ({ password }),
  setRole: [(one, { id }) => rbacEdit(one, { role_ids: [id] })],
  deactivate: (one) => rbacEdit(one, { is_active: false }),
  activate: (one) => rbacEdit(one, { is_active: true }),
  delete: ({ uuid }) => ({ path: `${rbacUsers}/${uuid}`, method: 'DELETE' }),
}

const clinicUser = '/clinic/users/user'
const clinicFields = { first_name: 'Another', last_name: 'Name', user_type: 'CL', gender: 'F' }

/** A whole record, as the form of clinic is: what it leaves out is taken away. The user has no type, and users may not set their own. */
const clinicEdit = ({ number, email, isAdmin = false }: Someone, fields: Fields): Ask => ({
  path: `${clinicUser}/${number}/edit/`,
  json: { username: email, email, ...clinicFields, user_type: null, is_active: true, is_admin: isAdmin, ...fields },
})

const isKnown = (role: number) => [plainRole.number, adminRole.number].includes(role)

const clinic: ContractActs = {
  outcome: ({ status, body }) => {
    if (status !== 200 || body.success || 'data' in body) return byStatus({ status })
    return body.errors === 'Invalid login.' ? 'unauthenticated' : 'refused'
  },
  signIn: (username, password) => ({ path: `${clinicUser}/login/`, form: { username, password } }),
  credential: ({ headers }) => ({
    headers: { cookie: String(headers.get('set-cookie')).split(';')[0] ?? '' },
    only: 'clinic',
  }),
  signOut: () => ({ path: `${clinicUser}/logout/` }),
  list: () => ({ path: `${clinicUser}/search/?query_string=` }),
  read: ({ number }) => ({ path: `${clinicUser}/${number}/get_user_info/` }),
  create: (email, fields) => ({
    path: `${clinicUser}/new/`,
    json: { username: email, email, ...clinicFields, password: 'a fine passphrase', ...fields },
  }),
  withRole: ({ number }) => (isKnown(number) ? { is_admin: number === adminRole.number } : undefined),
  edits: { clinicEditUser: (one, fields = {}) => clinicEdit(one, fields) },
  withPassword: (password) => ({ password }),
  keepsOwnRoles: true,
  setRole: [
    (one, { number }) => (isKnown(number) ? clinicEdit(one, { is_admin: number === adminRole.number }) : undefined),
  ],
  deactivate: ({ number }) => ({ path: `${clinicUser}/${number}/deactivate/`, method: 'POST' }),
  activate: ({ number }) => ({ path: `${clinicUser}/${number}/activate/`, method: 'POST' }),
}

const backofficeUsers = '/backoffice/api/v1/users'
const backofficeEdit = ({ number }: Someone, fields: Fields): Ask => ({
  path: `${backofficeUsers}/${number}`,
  method: 'PUT',
  json: fields,
})
const confirmed = (password: string) => ({ password, password_confirmation: password })

const backoffice: ContractActs = {
  outcome: byStatus,
  signIn: (username, password) => ({ path: '/backoffice/api/login', json: { username, password } }),
  credential: ({ body }) => ({ token: String(body.data.token) }),
  signOut: () => ({ path: '/backoffice/api/logout', method: 'POST' }),
  list: () => ({ path: backofficeUsers }),
  read: ({ number }) => ({ path: `${backofficeUsers}/${number}` }),
  create: (email, fields) => ({
    path: backofficeUsers,
    json: {
      ...{ username: email, email, first_name: 'Somebody', last_name: 'New', gender: 'female', birthday: '1990-01-01' },
      ...confirmed('a fine passphrase'),
      ...fields,
    },
  }),
  withRole: ({ number }) => ({ role_id: number }),
  edits: { backofficeUpdateUser: (one, fields = { first_name: 'Another' }) => backofficeEdit(one, fields) },
  withPassword: confirmed,
  setRole: [(one, { number }) => backofficeEdit(one, { role_id: number })],
  deactivate: (one) => backofficeEdit(one, { user_status: 'inactive' }),
  activate: (one) => backofficeEdit(one, { user_status: 'active' }),
  delete: ({ number }) => ({ path: `${backofficeUsers}/${number}`, method: 'DELETE' }),
}

const table: Record<string, ContractActs> = { personnel, v1, rbac, clinic, backoffice }

/** Every contract in the document, with its entry above: one without an entry fails every suite that asks. */
export function contractsIn(document: OpenApi): [name: string, acts: ContractActs][] {
  const served = new Set(operationsOf(document).map(({ path }) => path.split('/')[1] as string))
  return [...served].map((name) => [name, actsIn(`/${name}`)])
}

/** The entry of the contract a path belongs to. */
export function actsIn(path: string): ContractActs {
  const [, name = ''] = path.split('/')
  const acts = table[name]
  if (!acts) throw new Error(`${name} has no entry in test/support/contracts.ts`)
  return acts
}

/** Somebody to ask about who is not there. */
export const nobody: Someone = { uuid: plainRole.id, number: 0, email: 'nobody@example.org', password: '' }

/** The edits of whomever they name; not those of whoever asks. */
export function editsOfAnyone({ edits }: ContractActs): [operationId: string, edit: Edit][] {
  const other = { ...nobody, uuid: adminRole.id, number: 1 }
  return Object.entries(edits).filter(([, edit]) => JSON.stringify(edit(nobody)) !== JSON.stringify(edit(other)))
}

/** Every way to give `role` to somebody. */
export function waysToGive({ setRole }: ContractActs, one: Someone, role: Role): Ask[] {
  return setRole.flatMap((set) => set(one, role) ?? [])
}

/** Every way to take all roles but the default one. */
export function demotionsOf({ setRole }: ContractActs): ((one: Someone) => Ask)[] {
  return setRole.flatMap((set) => (set(nobody, plainRole) ? [(one: Someone) => set(one, plainRole) as Ask] : []))
}

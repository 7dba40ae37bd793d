/** Usher: its production bundle, its own schema, and rows as the Worker writes them. */
import { readFileSync, readdirSync } from 'node:fs'
import { fold, foldForSearch, foldIdentifier } from '../../src/core/users/text.ts'
import { draws } from '../people.js'

const migrations = new URL('../../migrations/', import.meta.url)
const email = 'admin@example.org'
const password = 'a passphrase that everyone has'

export const name = 'usher'
export const title = 'Usher'

export const variables = {
  JWT_SECRET: 'k3Yp0Qx7vT9mZr2LwB5nHs8DfGjC1aUeXi4oR6tVyKbM',
  BOOTSTRAP_ADMIN_EMAIL: email,
  BOOTSTRAP_ADMIN_PASSWORD: password,
  RATE_LIMIT: 'off',
  REQUEST_LOG: 'off',
  // As long as a run takes.
  ACCESS_TOKEN_TTL_SECONDS: '86400',
}

export async function applySchema(database) {
  for (const file of readdirSync(migrations).sort()) database.exec(readFileSync(new URL(file, migrations), 'utf8'))
}

/** The token of the last session, and the group whose members change. */
let token
let groupId

/** Creates the first admin, whose password all users get, and a group. */
export async function begin(call) {
  const headers = await signIn(call)
  const group = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'members' }
  const { body } = await call({ ...post('/scim/v2/Groups', group, 201), headers })
  groupId = body.id
}

/** Returns the headers of a signed-in admin. */
export async function signIn(call) {
  const { body } = await call({ ...post('/v1/auth/login', { identifier: email, password }), expect: 200 })
  token = body.access_token
  return { authorization: `Bearer ${token}` }
}

export const requests = {
  get: ({ id }) => ({ path: `/v1/users/${wireId(id)}` }),
  first: ({ size }) => ({ path: `/v1/users?limit=${size}` }),
  deep: ({ page, size }) => ({ path: `/v1/users?limit=${size}&cursor=${cursorBefore(page, size)}` }),
  numbered: ({ page, size }) => ({ path: `/backoffice/api/v1/users?per_page=${size}&page=${page}` }),
  search: ({ search, size }) => ({ path: `/v1/users?limit=${size}&search=${encodeURIComponent(search)}` }),
  create: (person) => post('/v1/users', sent(person), 201),
  update: ({ id, newName }) => ({ ...post(`/v1/users/${wireId(id)}`, { name: newName }), method: 'PATCH' }),
  login: (person) => post('/v1/auth/login', { identifier: person.email, password }),
  delete: ({ id }) => ({ method: 'DELETE', path: `/v1/users/${wireId(id)}`, expect: 204 }),
  introspect: () => post('/v1/auth/introspect', { token }),
  scimGet: ({ id }) => ({ path: `/scim/v2/Users/${id}` }),
  scimFirst: ({ size }) => ({ path: `/scim/v2/Users?count=${size}` }),
  scimFilter: ({ username }) => ({ path: `/scim/v2/Users?filter=${encodeURIComponent(`userName eq "${username}"`)}` }),
  scimActive: ({ id }) => patch(`/scim/v2/Users/${id}`, { op: 'Replace', path: 'active', value: 'False' }),
  scimMembers: ({ id }) =>
    patch(`/scim/v2/Groups/${groupId}`, { op: 'Add', path: 'members', value: [{ value: id }] }, 204),
}

/** Returns the emails and the total of a response. */
export function people({ body }) {
  if (body.pagination) return { emails: body.data.map((user) => user.email), total: body.pagination.total }
  if (body.Resources) return { emails: body.Resources.map(primaryEmail), total: body.totalResults }
  if (body.emails) return { emails: [primaryEmail(body)] }
  if (body.meta) return { emails: body.data.map((user) => user.email), total: body.meta.total }
  return { emails: [body.email] }
}

/** Returns the rows of the next user, in every table. `like` is the user that the Worker wrote. */
export function rows(person, like) {
  const number = person.index + 1
  const user = {
    number,
    id: person.id,
    matricule: person.matricule ?? null,
    username: person.username,
    username_key: person.username,
    email: person.email,
    email_key: foldIdentifier(person.email),
    name: person.name,
    name_key: folded(person.givenName, person.familyName, fold),
    given_name: person.givenName,
    family_name: person.familyName,
    birthdate: person.birthdate,
    gender: person.gender,
    phone_number: person.phone,
    mobile_number: null,
    certified_email: null,
    user_type: person.userType,
    is_staff: 0,
    country_id: null,
    active: 1,
    primary_role: 2,
    role_count: 1,
    created_at: person.createdAt,
    updated_at: person.createdAt,
    version: 1,
    password_hash: like.users.password_hash,
    pin_hash: null,
    session_generation: 0,
    key_generation: 0,
    password_from: null,
    password_weak: 0,
  }
  const searchedEmail = foldForSearch(person.email)
  // As `toSearchRow` has it: only ASCII text may be left out.
  const unlessInEmail = (text, original) =>
    searchedEmail.includes(text) && /^[\0-\x7f]*$/.test(original) ? '' : text + end
  const event = {
    id: eventId(person),
    at: person.createdAt,
    actor_id: like.audit_events.actor_id,
    action: 'user.created',
    user_id: person.id,
    contract: 'v1',
    fields: JSON.stringify(
      ['email', 'name', 'password', 'username', 'matricule', 'birthdate', 'gender', 'phoneNumber', 'userType'].filter(
        (field) => field !== 'matricule' || person.matricule !== undefined,
      ),
    ),
    subject_id: null,
    credential_kind: like.audit_events.credential_kind,
    credential_id: like.audit_events.credential_id,
    request_id: Buffer.from(person.id.replaceAll('-', ''), 'hex'),
    address: null,
  }
  return {
    users: user,
    user_roles: { user_number: number, role_number: 2, position: 0 },
    user_search: {
      rowid: number,
      email: searchedEmail + end,
      username: unlessInEmail(foldForSearch(person.username), person.username),
      name: '',
      given_name: unlessInEmail(foldedForSearch(person.givenName), person.givenName),
      family_name: unlessInEmail(foldedForSearch(person.familyName), person.familyName),
      certified_email: '',
    },
    audit_events: event,
  }
}

/** Returns the rows of the user that the Worker wrote. The search index cannot be read back. */
export function rowsOf(database, { email }) {
  const user = database.prepare('SELECT * FROM users WHERE email = ?').get(email)
  const { sequence: _, ...event } = database.prepare('SELECT * FROM audit_events WHERE user_id = ?').get(user.id)
  const role = database.prepare('SELECT * FROM user_roles WHERE user_number = ?').get(user.number)
  return { users: user, user_roles: role, audit_events: event }
}

/** The columns that differ each time a user is written. */
export const ownColumns = [
  ...['id', 'user_id', 'created_at', 'updated_at', 'at', 'password_hash'],
  ...['credential_id', 'request_id'],
]

const counting = `SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name IN ('users_count_new', 'user_roles_count_new')`

/** Writes row by row with all triggers except those that count. The counters are written at the end. */
export function writing(database) {
  const triggers = database.prepare(counting).all()
  for (const { name: trigger } of triggers) database.exec(`DROP TRIGGER ${trigger}`)
  return {
    finish() {
      const scopes = { all: ['users', 'number'], 'role:2': ['user_roles', 'user_number', 'WHERE role_number = 2'] }
      for (const [scope, [table, column, where = '']] of Object.entries(scopes)) {
        const parts = database
          .prepare(`SELECT ${column} / 512 AS part, count(*) AS count FROM ${table} ${where} GROUP BY 1`)
          .all()
        const spans = Map.groupBy(parts, ({ part }) => Math.floor(part / 32))
        const span = database.prepare(
          'INSERT OR REPLACE INTO user_spans (scope, position, count, parts) VALUES (?, ?, ?, ?)',
        )
        for (const [position, counted] of spans) {
          const counts = Array(32).fill(0)
          for (const { part, count } of counted) counts[part % 32] = count
          span.run(scope, position, sum(counts), JSON.stringify(counts))
        }
        database
          .prepare('UPDATE user_counts SET count = ? WHERE scope = ?')
          .run(sum(parts.map(({ count }) => count)), scope)
      }
      for (const { sql } of triggers) database.exec(sql)
    },
  }
}

/** Throws unless every counter is correct. */
export function check(database) {
  const counted = `
    SELECT 'all' AS scope, number FROM users UNION ALL SELECT 'inactive', number FROM users WHERE active = 0
    UNION ALL SELECT 'role:' || role_number, user_number FROM user_roles`
  const faults = [
    `SELECT scope, count FROM user_counts WHERE count > 0 EXCEPT SELECT scope, count(*) FROM (${counted}) GROUP BY scope`,
    `SELECT scope, count(*) FROM (${counted}) GROUP BY scope EXCEPT SELECT scope, count FROM user_counts`,
    `SELECT scope, position * 32 + key AS part, value FROM user_spans, json_each(parts) WHERE value > 0
     EXCEPT SELECT scope, number / 512, count(*) FROM (${counted}) GROUP BY 1, 2`,
    `SELECT scope, number / 512 AS part, count(*) FROM (${counted}) GROUP BY 1, 2
     EXCEPT SELECT scope, position * 32 + key, value FROM user_spans, json_each(parts) WHERE value > 0`,
    `SELECT scope, position, count FROM user_spans WHERE count <> (SELECT sum(value) FROM json_each(parts))`,
    `SELECT 'login identifiers', count(*) FROM login_identifiers HAVING count(*) <> (
       SELECT count(email) + count(username) + count(matricule) FROM users)`,
    `SELECT 'search', count(*) FROM user_search_content HAVING count(*) <> (SELECT count(*) FROM users)`,
  ]
  for (const query of faults) {
    const fault = database.prepare(query).get()
    if (fault) throw new Error(`Usher's counters are not its counts: ${JSON.stringify(fault)}`)
  }
}

const end = '\u0001\u0001'
const primaryEmail = ({ emails: [{ value }] }) => value
const wireId = (id) => `usr_${id.replaceAll('-', '')}`

function post(path, body, expect = 200) {
  return { method: 'POST', path, body, expect }
}

function patch(path, operation, expect = 200) {
  const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [operation] }
  return { method: 'PATCH', path, body, expect }
}

function sent(person) {
  return {
    email: person.email,
    name: person.name,
    password,
    username: person.username,
    ...(person.matricule !== undefined && { matricule: person.matricule }),
    birth_date: person.birthdate,
    gender: person.gender,
    phone: person.phone,
    user_type: person.userType,
  }
}

/** Returns the cursor that the previous page would have given. No user was deleted, so positions are numbers. */
function cursorBefore(page, size) {
  const number = (page - 1) * size
  const position = [{ key: String(number), number }, ['created_at', null, null, null]]
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

function eventId(person) {
  const draw = draws(-person.index)
  const hex = Array.from({ length: 19 }, () => Math.floor(draw() * 16).toString(16)).join('')
  return `${person.id.slice(0, 15)}${hex.slice(0, 3)}-a${hex.slice(3, 6)}-${hex.slice(6, 18)}`
}

const known = new Map()
function remembered(text, folding) {
  const key = `${folding.name} ${text}`
  let result = known.get(key)
  if (result === undefined) known.set(key, (result = folding(text)))
  return result
}
const foldedForSearch = (text) => remembered(text, foldForSearch)
const folded = (givenName, familyName, folding) =>
  `${remembered(givenName, folding)} ${remembered(familyName, folding)}`
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0)
